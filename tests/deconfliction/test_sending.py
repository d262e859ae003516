# SPDX-License-Identifier: Apache-2.0
"""We ask a partner over HTTP: what it may answer and do wrong, what we keep, and that everything is asked for once."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from nightlight.foundation import clock
from nightlight.foundation.refusals import Conflict
from nightlight.pipeline.linking.deconfliction import asking, contacts, keys, partners, preparing, rules, sending, wire
from nightlight.pipeline.linking.deconfliction.models import Held, Partner
from nightlight.pipeline.linking.kinds import Kind
from nightlight.pipeline.linking.models import Identifier, Waiting
from nightlight.pipeline.linking.tests.db_cast import BY, LATER, link, person, reporter, suspect
from nightlight.trust.accounts import token_actions
from nightlight.trust.accounts.models import Scope
from nightlight.trust.custody.models import Event
from nightlight.trust.units.viewer import viewer_of
from tests.deconfliction.cast import (
    EMAIL,
    PHONE,
    as_pages,
    as_step,
    given,
    hold_to_rights,
    told,
    two_units,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_django import Settings

RING, EPOCH, TOKEN = "states", "2026-11", "nlt_TK-7F3K-9QTX_secret"

pytestmark = pytest.mark.django_db


class Other:
    """Another installation: holds values under the key of the ring, and answers as it is told to."""

    def __init__(self) -> None:
        self.held: dict[str, dict[str, Any]] = {}
        self.questions: list[dict[str, Any]] = []
        self.seen: list[dict[str, str]] = []
        self.answer: Callable[[dict[str, Any]], tuple[int, dict[str, str], bytes]] = self._answer
        other = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                other.questions.append(question)
                other.seen.append({**self.headers, "path": self.path})
                status, headers, body = other.answer(question)
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def _answer(self, question: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        held = [self.held[one] for one in question["digests"] if one in self.held]
        return 200, {}, json.dumps({"ring": question["ring"], "epoch": question["epoch"], "held": held}).encode()


@pytest.fixture
def other() -> Iterator[Other]:
    """The other installation, listening."""
    made = Other()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


@pytest.fixture(autouse=True)
def key(settings: Settings, tmp_path: Path) -> bytes:
    """The key of the ring, as both sides have it."""
    settings.NIGHTLIGHT_DECONFLICTION_KEYS_DIR = tmp_path / "rings"
    settings.NIGHTLIGHT_DECONFLICTION_NAME = "West"
    return rules.read_key(keys.make(RING, EPOCH).read_text())


def add(other: Other) -> Partner:
    return partners.add(by="command:cli", at=LATER, name="East", ring=RING, url=other.url, secret=TOKEN)


def holds(other: Other, key: bytes, kind: Kind, value: str, **call: str) -> None:
    """The other installation holds a value too."""
    digest = rules.digest(key, ring=RING, epoch=EPOCH, environment="production", kind=kind, value=value).hex()
    said = {"installation": "East", "unit": "Cyber cell", "contact": "+91 2", **call}
    other.held[digest] = {"digest": digest, "kind": kind.value, "since_month": "2026-03", "call": said}


@pytest.mark.parametrize(
    "url",
    ["", "east", "http://east.example.org", "https://", "https://u:p@e.example.org", "https://e.example.org/?x",
     "https://e.example.org:x", "https://e.example.org/\u00e4", "ftp://e.example.org"],
)  # fmt: skip
def test_what_is_no_address_of_a_partner_is_refused(url: str) -> None:
    with pytest.raises(Conflict):
        wire.address(url)


def issued(scope: str) -> str:
    """The public id of a token with this scope."""
    made = token_actions.issue_token(
        by="command:cli", at=clock.now(), name="East", scopes=[scope], unit="UN-7F3K-9QTX", days=30
    )
    return made.token.public_id


def test_a_partner_is_set_up_with_what_it_needs_and_nothing_else() -> None:
    wrong = issued(Scope.EXPORTS_READ)
    right = issued(Scope.DECONFLICTION_ASK)
    at = clock.now()
    for more in (
        {"name": " ", "token": right},
        {"name": "East", "ring": "A ring", "token": right},
        {"name": "East"},
        {"name": "East", "token": wrong},
        {"name": "East", "token": "TK-1111-1111"},
        {"name": "East", "url": "https://east.example.org"},
        {"name": "East", "secret": "x", "token": right},
    ):
        with pytest.raises(Conflict):
            partners.add(by="command:cli", at=at, **{"ring": RING, **more})
    partners.add(by="command:cli", at=at, name="East", ring=RING, token=right)
    for name, token in (("East", ""), ("South", right)):
        with pytest.raises(Conflict, match=r"already|another"):
            partners.add(by="command:cli", at=at, name=name, ring=RING, token=token, url="", secret="")
    made = partners.called("East")
    partners.end(by="command:cli", at=at, partner=made)
    with pytest.raises(Conflict, match="already"):
        partners.end(by="command:cli", at=at, partner=made)


def test_the_token_lies_closed_and_stands_in_no_log(other: Other) -> None:
    made = add(other)
    assert TOKEN.encode() not in bytes(made.secret)
    assert TOKEN not in "".join(Event.objects.filter(kind__startswith="deconfliction.").values_list("body", flat=True))


def test_what_a_partner_holds_is_shown_with_our_tips_and_both_roles_are_told(other: Other, key: bytes) -> None:
    two = two_units()
    chat = reporter()
    mine = given(chat, two.a, suspect("blue-kite-77", phone=PHONE))
    given(chat, two.b, suspect("green-kite-77", email=EMAIL))
    link()
    boss = person("Bina", "commander", two.a)
    contacts.set_contact(by=viewer_of(boss, LATER), at=LATER, unit=two.a, telephone="+91 1", email="", duty="")
    holds(other, key, Kind.PHONE, PHONE, contact="+91 2\n\x1b[1mdesk")
    hold_to_rights()
    partner = add(other)
    with as_step():
        preparing.prepare()
        (done,) = sending.ask_due(by=BY, now=lambda: LATER)
        assert (done.digests, done.held, done.why) == (2, 1, "")
        sending.ask_due(by=BY, now=lambda: LATER)
    assert len(other.questions) == 2  # of two units, once
    assert {header["Authorization"] for header in other.seen} == {f"Bearer {TOKEN}"}
    assert {header["path"] for header in other.seen} == {"/api/v1/deconfliction"}
    calls = {one["call"]["unit"]: one["call"]["contact"] for one in other.questions}
    assert calls == {"Unit A": "+91 1", "Unit B": "No contact is set; ask the administrator of West."}
    assert all(set(one) == {"ring", "epoch", "call", "digests"} for one in other.questions)
    with as_pages(two.asha) as asha:
        (seen,) = asking.elsewhere(asha, mine, at=LATER)
    assert (seen.partner, seen.unit, seen.call.told, seen.since) == (
        "East", "Cyber cell", "+91 2 [1mdesk", date(2026, 3, 1),
    )  # fmt: skip
    about, of = f"partner:{partner.public_id}", f"tip:{mine.public_id}"
    assert told() == {("A", role, of, about) for role in ("triage-officer", "investigator", "commander")}
    (logged,) = Event.objects.filter(kind="deconfliction.told")
    assert (logged.subject, json.loads(logged.body)["data"]) == (of, {"to": about, "kinds": ["phone"]})
    events = Event.objects.filter(kind="deconfliction.sent").order_by("pk")
    assert sorted(json.loads(event.body)["data"]["held"] for event in events) == [0, 1]


def test_what_comes_later_is_asked_for_and_a_new_key_asks_for_everything_anew(other: Other) -> None:
    two = two_units()
    chat = reporter()
    given(chat, two.a, suspect("blue-kite-77", phone=PHONE))
    link()
    preparing.prepare()
    add(other)
    for expected in (1, 1):
        sending.ask_due(by=BY, now=lambda: LATER)
        assert len(other.questions) == expected
    given(chat, two.a, suspect("green-kite-77", email=EMAIL))
    link()
    preparing.prepare()
    sending.ask_due(by=BY, now=lambda: LATER)
    assert [len(one["digests"]) for one in other.questions] == [1, 1]
    keys.make(RING, "2027-01")
    preparing.prepare()
    sending.ask_due(by=BY, now=lambda: LATER)
    assert (other.questions[-1]["epoch"], len(other.questions[-1]["digests"])) == ("2027-01", 2)


@pytest.mark.parametrize(
    ("answer", "why", "hours"),
    [
        ((429, {"Retry-After": "7200"}, b'{"type": "urn:nightlight:problem:limit"}'), "HTTP 429 limit", 2),
        ((401, {}, b""), "HTTP 401", 1),
        ((403, {}, f'{{"type": "urn:x:{TOKEN}"}}'.encode()), "HTTP 403", 1),
        ((302, {"Location": "https://elsewhere.example.org/"}, b""), "HTTP 302", 1),
        ((500, {}, b"<html>"), "HTTP 500", 1),
        ((200, {}, b"no json"), "cannot be read", 1),
        ((200, {}, b"[]"), "cannot be read", 1),
        ((200, {}, b'{"ring": "states", "epoch": "2026-11", "held": [{"digest": 1}]}'), "", 0),
        ((200, {}, b'{"ring": "states", "epoch": "2025-01", "held": []}'), "another ring or epoch", 1),
        (
            (200, {}, json.dumps({"ring": RING, "epoch": EPOCH, "held": [{"digest": "00"}] * 65}).encode()),
            "more units",
            1,
        ),
        ((200, {}, b" " * (wire.LARGEST + 1)), "larger", 1),
    ],
)
def test_what_a_partner_does_wrong_is_noted_and_asked_again_later(
    other: Other, answer: tuple[int, dict[str, str], bytes], why: str, hours: int
) -> None:
    given(reporter(), two_units().a, suspect("blue-kite-77", phone=PHONE))
    link()
    preparing.prepare()
    add(other)
    usual, other.answer = other.answer, lambda _question: answer
    (done,) = sending.ask_due(by=BY, now=lambda: LATER)
    assert why in done.why
    assert TOKEN not in done.why
    if not why:
        return
    assert not Held.objects.exists()
    other.answer = usual
    assert sending.ask_due(by=BY, now=lambda: LATER + timedelta(hours=hours, minutes=-1)) == []
    (done,) = sending.ask_due(by=BY, now=lambda: LATER + timedelta(hours=hours, minutes=1))
    assert (done.digests, done.why) == (1, "")


def test_what_waits_to_be_linked_is_not_asked_for(other: Other) -> None:
    mine = given(reporter(), two_units().a, suspect("blue-kite-77", phone=PHONE))
    link()
    preparing.prepare()
    add(other)
    Waiting.objects.create(tip=mine)
    (done,) = sending.ask_due(by=BY, now=lambda: LATER)
    assert (done.digests, other.questions) == (0, [])
    assert sending._tips(Identifier.objects.get(kind=Kind.PHONE).pk) == []
    Waiting.objects.all().delete()
    (done,) = sending.ask_due(by=BY, now=lambda: LATER)
    assert done.digests == 1


@pytest.mark.parametrize("since", ["\u0662\u0660\u0662\u0666-\u0660\u0663", "2026-13", "0000-01", "2026-3", 7, None])
def test_a_month_that_is_none_is_left_out(other: Other, key: bytes, since: object) -> None:
    given(reporter(), two_units().a, suspect("blue-kite-77", phone=PHONE))
    link()
    preparing.prepare()
    add(other)
    holds(other, key, Kind.PHONE, PHONE)
    next(iter(other.held.values()))["since_month"] = since
    (done,) = sending.ask_due(by=BY, now=lambda: LATER)
    assert (done.held, done.why, Held.objects.get().since) == (1, "", None)


def test_of_a_partner_that_names_ever_more_units_five_are_kept(other: Other, key: bytes) -> None:
    given(reporter(), two_units().a, suspect("blue-kite-77", phone=PHONE))
    link()
    preparing.prepare()
    add(other)
    holds(other, key, Kind.PHONE, PHONE)
    (one,) = other.held.values()
    many = [{**one, "call": {**one["call"], "unit": f"Cell {n}"}} for n in range(64)]
    answer = json.dumps({"ring": RING, "epoch": EPOCH, "held": many}).encode()
    other.answer = lambda _question: (200, {}, answer)
    (done,) = sending.ask_due(by=BY, now=lambda: LATER)
    assert (done.held, Held.objects.count()) == (1, 5)


def test_a_partner_that_defeats_us_holds_up_no_other(other: Other, monkeypatch: pytest.MonkeyPatch) -> None:
    given(reporter(), two_units().a, suspect("blue-kite-77", phone=PHONE))
    link()
    preparing.prepare()
    first = add(other)
    second = partners.add(by="command:cli", at=LATER, name="South", ring=RING, url=other.url, secret=TOKEN)
    usual = sending._keep

    def keep(partner: Partner, *args: Any, **more: Any) -> int:  # noqa: ANN401
        if partner == first:
            raise RuntimeError(TOKEN)
        return usual(partner, *args, **more)

    monkeypatch.setattr(sending, "_keep", keep)
    failed, done = sending.ask_due(by=BY, now=lambda: LATER)
    assert (failed.partner, failed.why) == ("East", "something failed here")
    assert (done.partner, done.digests, done.why) == ("South", 1, "")
    first.refresh_from_db()
    assert first.not_before == LATER + sending.AFTER_A_FAILURE
    second.refresh_from_db()
    assert second.not_before is None


def test_a_partner_that_sends_a_byte_now_and_then_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "DEADLINE", 0.2)
    server, done = socket.create_server(("127.0.0.1", 0)), threading.Event()

    def drip() -> None:
        here, _ = server.accept()
        with here, contextlib.suppress(OSError):
            here.sendall(b"HTTP/1.1 200 OK\r\n")
            while not done.wait(0.02):
                here.sendall(b"X")

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        with pytest.raises(wire.AskingFailed, match="too long"):
            wire.ask(f"http://127.0.0.1:{server.getsockname()[1]}", TOKEN, {"digests": []})
    finally:
        done.set()
        thread.join()
        server.close()


def test_a_partner_that_is_not_there_is_noted(other: Other) -> None:
    given(reporter(), two_units().a, suspect("blue-kite-77", phone=PHONE))
    link()
    preparing.prepare()
    made = add(other)
    Partner.objects.filter(pk=made.pk).update(url="http://127.0.0.1:9")
    (done,) = sending.ask_due(by=BY, now=lambda: LATER)
    assert "cannot be reached" in done.why
    partners.end(by="command:cli", at=LATER, partner=made)
    assert sending.ask_due(by=BY, now=lambda: LATER + timedelta(days=1)) == []


def test_a_digest_nobody_asked_for_is_passed_over(other: Other, key: bytes) -> None:
    given(reporter(), two_units().a, suspect("blue-kite-77", phone=PHONE))
    link()
    preparing.prepare()
    add(other)
    holds(other, key, Kind.EMAIL, EMAIL)
    given_away = list(other.held.values())
    other.answer = lambda question: (
        200, {}, json.dumps({"ring": question["ring"], "epoch": question["epoch"], "held": given_away}).encode(),
    )  # fmt: skip
    (done,) = sending.ask_due(by=BY, now=lambda: LATER)
    assert (done.held, done.why, Held.objects.count()) == (0, "", 0)
