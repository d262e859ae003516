# SPDX-License-Identifier: Apache-2.0
"""Alerts: raised once, call ever further up until somebody answers, and reach the real world without saying a word."""

from __future__ import annotations

import json
import logging
import socketserver
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest

from nightlight.config.environment import WrongSetting, read
from nightlight.foundation.refusals import Conflict, NotAllowed, NotFound
from nightlight.pipeline.tips import handing
from nightlight.pipeline.tips.models import Tip
from nightlight.pipeline.triage import alerting, calling, queries_alerts
from nightlight.pipeline.triage.models import Alert, AlertCall, Waiting
from nightlight.pipeline.triage.tests import cast
from nightlight.trust import identity
from nightlight.trust.custody.models import Event
from nightlight.trust.units import actions as units
from nightlight.trust.units.models import Notice
from nightlight.trust.units.tests import staff

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from pytest_django import Settings

    from nightlight.trust.accounts.models import User

NOON, FIVE = cast.NOON, timedelta(minutes=5)
SECRET = "grey-heron-password"
URGENT = "A child named Meera waits at the gate."


class District:
    """A station in a district, and a tip with a tripwire that the station holds; nothing was called for it yet."""

    def __init__(self, *, staffed: bool = True) -> None:
        self.district = staff.unit("D", kind="district")
        self.station = staff.unit("S", self.district)
        if staffed:
            self.asha = staff.person("Asha", "triage-officer", self.station)
        self.tip = cast.tip(cast.reporter(), cast.body(urgent=URGENT))
        with identity.acting_as(service="command"):
            handing.hand_over(by=staff.CLI, at=NOON, tip=self.tip, to=self.station, why="area")
        cast.assess()
        self.alert = Alert.objects.get()

    def on_duty(self, person: User) -> None:
        """Put somebody on duty at the station now."""
        units.add_shift(
            by=staff.CLI, at=NOON, person=person, unit=self.station, starts_at=NOON, ends_at=NOON + 60 * FIVE
        )


@pytest.fixture
def district(db: None) -> District:
    """The district."""
    return District()


def call(at: datetime) -> list[tuple[int, tuple[str, ...]]]:
    """What the worker does every few seconds; whom it called at which level."""
    return [(one.level, one.people) for one in calling.call_due(by=cast.BY, now=lambda: at)]


def names(*people: User) -> tuple[str, ...]:
    """Their public ids."""
    return tuple(person.public_id for person in people)


def test_who_does_not_work_there_answers_for_nothing(district: District) -> None:
    other = staff.person("Dev", "triage-officer", staff.unit("B"))
    analyst = staff.person("Mira", "intake-analyst", district.station)
    with pytest.raises(NotFound):
        alerting.acknowledge(by=staff.looking(other), at=NOON, public_id=district.alert.public_id)
    with pytest.raises(NotAllowed):
        alerting.acknowledge(by=staff.looking(analyst), at=NOON, public_id=district.alert.public_id)
    with pytest.raises(NotFound):
        alerting.acknowledge(by=staff.looking(district.asha), at=NOON, public_id="AL-2222-2222")
    assert queries_alerts.waiting(staff.looking(other)) == []
    admin = staff.person("Joy", "administrator")
    assert queries_alerts.number_waiting(staff.looking(admin)) == 0
    with pytest.raises(NotAllowed):
        queries_alerts.waiting(staff.looking(admin))


def test_an_alert_is_raised_once_and_answered_for_once(district: District) -> None:
    ravi = staff.person("Ravi", "investigator", district.station)
    Waiting.objects.create(tip=district.tip)
    cast.assess(NOON + FIVE)
    assert Alert.objects.count() == 1 and cast.events(district.tip).count("alert.raised") == 1
    asha = staff.looking(district.asha)
    assert queries_alerts.number_waiting(asha) == 1
    assert call(NOON) == [(0, names(district.asha))]
    (shown,) = queries_alerts.waiting(asha)
    assert [one.whom for one in vars(shown)["called"]] == [f"{district.asha} ({district.asha.public_id})"]
    alerting.acknowledge(by=asha, at=NOON, public_id=district.alert.public_id)
    with pytest.raises(Conflict, match="Asha has answered"):
        alerting.acknowledge(by=staff.looking(ravi), at=NOON, public_id=district.alert.public_id)
    assert call(NOON + 100 * FIVE) == []
    assert queries_alerts.waiting(asha) == [] and len(queries_alerts.answered(asha)) == 1
    assert [kind for kind in cast.events(district.tip) if kind.startswith("alert.")] == [
        "alert.raised", "alert.called", "alert.acknowledged",
    ]  # fmt: skip


@pytest.mark.django_db
def test_what_reporters_send_to_try_things_out_calls_nobody() -> None:
    tried = cast.tip(cast.reporter(environment="test"), cast.body(urgent=URGENT))
    cast.assess()
    assert cast.where(tried).band == 3 and not Alert.objects.exists()


def test_those_on_duty_are_called_first_then_commanders_then_ever_further_up(district: District) -> None:
    ravi = staff.person("Ravi", "triage-officer", district.station)
    kavita = staff.person("Kavita", "commander", district.station)
    above = staff.person("Nila", "commander", district.district)
    top = staff.person("Omar", "triage-officer")
    district.on_duty(ravi)
    assert call(NOON) == [(0, names(ravi))]
    assert call(NOON + FIVE / 2) == []  # not before its time
    assert call(NOON + FIVE) == [(1, names(kavita))]
    assert call(NOON + 2 * FIVE) == [(2, names(above))]
    assert call(NOON + 3 * FIVE) == [(3, names(top))]
    assert call(NOON + 4 * FIVE) == [(4, names(top))]  # until somebody answers
    told = Notice.objects.filter(kind="alert", about=district.alert.public_id)
    assert told.count() == 5 and set(told.values_list("subject", flat=True)) == {f"tip:{district.tip.public_id}"}
    assert AlertCall.objects.filter(how="page", sent=True).count() == 5


@pytest.mark.django_db
def test_an_empty_chair_keeps_nobody_waiting() -> None:
    district = District(staffed=False)
    above = staff.person("Nila", "commander", district.district)
    assert call(NOON) == [(2, names(above))]
    assert call(NOON + FIVE) == [(3, names(above))]  # nobody further up: whoever there is, again


@pytest.mark.django_db
def test_where_there_is_nobody_at_all_that_is_written_down_and_tried_again() -> None:
    District(staffed=False)
    assert call(NOON) == [(0, ())]
    assert AlertCall.objects.get().why == "nobody-to-call"
    late = staff.person("Omar", "commander")
    assert call(NOON + FIVE) == [(3, names(late))]


def test_an_alert_follows_its_tip_and_stops_when_whoever_it_reports_was_cleared(district: District) -> None:
    other = staff.unit("B")
    dev = staff.person("Dev", "triage-officer", other)
    with identity.acting_as(service="command"):
        tip = Tip.objects.get(pk=district.tip.pk)
        handing.hand_over(by=staff.CLI, at=NOON, tip=tip, to=other, why="area")
    assert call(NOON) == [(0, names(dev))]
    Tip.objects.filter(pk=tip.pk).update(set_apart=True)
    assert call(NOON + FIVE) == [] and call(NOON + 2 * FIVE) == []


def test_the_database_lets_the_step_call_and_an_officer_answer(district: District) -> None:
    cast.guard()
    with cast.as_triage():
        assert call(NOON) == [(0, names(district.asha))]
    with cast.as_person(district.asha):
        asha = staff.looking(district.asha)
        assert len(queries_alerts.waiting(asha)) == 1
        alerting.acknowledge(by=asha, at=NOON, public_id=district.alert.public_id)
    assert Alert.objects.get().acknowledged_by == district.asha


class _Hook(BaseHTTPRequestHandler):
    """Takes what webhooks send; says no under /full."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        full = self.path.startswith("/full")
        if not full:
            self.server.taken.append(json.loads(body))  # type: ignore[attr-defined]
        self.send_response(503 if full else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


class _Mail(socketserver.StreamRequestHandler):
    """As much of SMTP (RFC 5321) as it takes to be handed a letter."""

    def handle(self) -> None:
        self._say("220 example.org")
        while line := self.rfile.readline():
            verb = line.split(b" ")[0].strip().upper()
            if verb == b"DATA":
                self._say("354 go on")
                lines = iter(self.rfile.readline, b".\r\n")
                self.server.taken.append(b"".join(lines).decode())  # type: ignore[attr-defined]
            self._say("221 bye" if verb == b"QUIT" else "250 fine")
            if verb == b"QUIT":
                return

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


def _served(server: socketserver.TCPServer) -> Iterator[socketserver.TCPServer]:
    server.taken = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def hook() -> Iterator[socketserver.TCPServer]:
    """A real HTTP server."""
    yield from _served(HTTPServer(("127.0.0.1", 0), _Hook))


@pytest.fixture
def mail() -> Iterator[socketserver.TCPServer]:
    """A real mail server."""
    yield from _served(socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Mail))


@pytest.mark.filterwarnings("ignore:.*deprecated and slated for removal:DeprecationWarning")  # in apprise itself
def test_what_leaves_the_building_names_the_tip_and_says_nothing_else(
    district: District,
    hook: socketserver.TCPServer,
    mail: socketserver.TCPServer,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
) -> None:
    port, post = hook.server_address[1], mail.server_address[1]
    with socketserver.TCPServer(("127.0.0.1", 0), _Hook) as closed:
        nobody = closed.server_address[1]
    settings.NIGHTLIGHT_ALERT_URLS = (
        "nonsense://x",
        f"json://desk:{SECRET}@127.0.0.1:{nobody}/",
        f"json://desk:{SECRET}@127.0.0.1:{port}/full",
        f"json://desk:{SECRET}@127.0.0.1:{port}/alerts",
        f"mailto://127.0.0.1:{post}/?from=nightlight@example.org&to=duty@example.org&mode=insecure",
    )
    caplog.set_level(logging.DEBUG)
    assert calling.deliver_due(by=cast.BY, now=lambda: NOON) == 0  # nobody was paged yet
    call(NOON)
    assert calling.deliver_due(by=cast.BY, now=lambda: NOON) == 2
    assert calling.deliver_due(by=cast.BY, now=lambda: NOON) == 0  # each is told once a level
    outside = AlertCall.objects.exclude(how="page").order_by("id")
    assert list(outside.values_list("how", "whom", "sent", "why")) == [
        ("webhook", "1: nonsense", False, "wrong-address"),
        ("webhook", "2: json", False, "no-connection"),
        ("webhook", "3: json", False, "not-taken"),
        ("webhook", "4: json", True, ""),
        ("e-mail", "5: mailto", True, ""),
    ]
    (posted,), (letter,) = hook.taken, mail.taken  # type: ignore[attr-defined]
    for text in (posted["title"] + posted["message"], letter):
        assert district.tip.public_id in text
        assert "Meera" not in text and "heron" not in text
    assert f"/tips/{district.tip.public_id}/" in posted["message"] and district.station.name in posted["message"]
    assert SECRET not in caplog.text
    assert not any(SECRET in body for body in Event.objects.values_list("body", flat=True))
    assert Event.objects.filter(kind="alert.called").count() == 6
    call(NOON + FIVE)
    assert calling.deliver_due(by=cast.BY, now=lambda: NOON) == 2  # the next level tells them again


def test_addresses_stand_in_a_file_that_nobody_else_reads(tmp_path: Path) -> None:
    file = tmp_path / "alerts"
    file.write_text(f"# duty desk\n\njson://desk:{SECRET}@127.0.0.1/\nmailtos://desk:{SECRET}@example.org\n")
    told = {"NIGHTLIGHT_HOME": str(tmp_path), "NIGHTLIGHT_ALERT_URLS_FILE": str(file)}
    file.chmod(0o644)
    with pytest.raises(WrongSetting, match="others may read"):
        read(told)
    file.chmod(0o600)
    found = read(told)
    assert len(found.alert_urls) == 2 and found.alert_minutes == 5
    assert SECRET not in repr(found)
    file.write_text(SECRET)
    with pytest.raises(WrongSetting, match="line 1") as refused:
        read(told)
    assert SECRET not in str(refused.value)
    with pytest.raises(WrongSetting, match="NIGHTLIGHT_ALERT_MINUTES"):
        read({"NIGHTLIGHT_HOME": str(tmp_path), "NIGHTLIGHT_ALERT_MINUTES": "soon"})
