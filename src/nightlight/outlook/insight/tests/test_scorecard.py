# SPDX-License-Identifier: Apache-2.0
"""The scorecard: who reads it, what it counts, what of it leaves, and who holds back what a reporter is told."""

from __future__ import annotations

import json
from datetime import UTC
from typing import TYPE_CHECKING

import pytest
from django.db import DatabaseError, connection, transaction

from nightlight.foundation import clock
from nightlight.foundation.refusals import Conflict, NotAllowed, NotFound
from nightlight.outlook.desk.tests import cast
from nightlight.outlook.insight import counts, exporting, filling, holding, queries
from nightlight.outlook.insight.models import HoldBack, Quality, Told, Waiting
from nightlight.outlook.insight.queries import Period
from nightlight.outlook.insight.tests.days import pass_to
from nightlight.pipeline.tips.models import Document, State, Summary, Tip
from nightlight.pipeline.triage import working
from nightlight.pipeline.triage.tests import cast as pile
from nightlight.trust import identity
from nightlight.trust.accounts.models import Origin, Reporter
from nightlight.trust.custody.models import Event
from nightlight.trust.units import actions as units

if TYPE_CHECKING:
    from django.test import Client

    from nightlight.trust.accounts.queries import ReporterLogin

pytestmark = pytest.mark.django_db
WHY = "Somebody there could warn him."
EVENTS = """<ipCaptureEvent><ipAddress>192.0.2.7</ipAddress>
<dateTime>2026-01-05T10:00:00Z</dateTime>{port}</ipCaptureEvent>"""


def _report(name: str, *, port: bool = False) -> bytes:
    event = EVENTS.format(port="<port>4711</port>" if port else "")
    return pile.body(name=name).replace(b"</personOrUserReported>", event.encode() + b"</personOrUserReported>")


def _period(environment: str = "production") -> Period:
    last = clock.now().astimezone(UTC).date().replace(day=1)
    return Period(counts.following(last, -11), last, environment)


def _filed(by: ReporterLogin, number: int = 1, *, ports: int = 0) -> list[Tip]:
    filed = [pile.tip(by, _report(f"heron-{n}", port=n < ports), at=clock.now()) for n in range(number)]
    pile.assess(clock.now())
    pass_to()
    return filed


def _provider(login: ReporterLogin) -> Reporter:
    return Reporter.objects.get(pk=login.reporter_id)


# --- holding back ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["investigator", "auditor", "legal-reviewer", "intake-analyst"])
def test_who_does_not_decide_holds_nothing_back(role: str) -> None:
    (tip,) = _filed(pile.reporter())
    with pytest.raises(NotAllowed):
        holding.hold_back(
            by=cast.viewer(cast.person("Ravi", role)), at=clock.now(), tip=tip.public_id, held=True, reason=WHY
        )


def test_another_unit_holds_nothing_back_and_nobody_without_a_reason_or_twice() -> None:
    (tip,) = _filed(pile.reporter())
    there = units.add_unit(
        by="command:cli", at=cast.NOON, parent=cast.root(), kind="state", code="ST-9", name="Example State"
    )
    far = cast.viewer(cast.person("Far", "commander", there))
    boss = cast.viewer(cast.person("Kavita", "commander"))
    with pytest.raises((NotAllowed, NotFound)):
        holding.hold_back(by=far, at=clock.now(), tip=tip.public_id, held=True, reason=WHY)
    with pytest.raises(Conflict, match="Say why"):
        holding.hold_back(by=boss, at=clock.now(), tip=tip.public_id, held=True, reason="so")
    with pytest.raises(Conflict, match="not held back"):
        holding.hold_back(by=boss, at=clock.now(), tip=tip.public_id, held=False, reason=WHY)
    holding.hold_back(by=boss, at=clock.now(), tip=tip.public_id, held=True, reason=WHY)
    with pytest.raises(Conflict, match="already"):
        holding.hold_back(by=boss, at=clock.now(), tip=tip.public_id, held=True, reason=WHY)
    assert pile.events(tip)[-1] == "feedback.held-back"
    assert WHY not in Event.objects.get(kind="feedback.held-back").body  # reasons stay in the table
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        HoldBack.objects.all().delete()


def test_it_is_held_back_and_released_on_the_page_of_the_tip(alice: Client, bob: Client) -> None:
    (tip,) = _filed(pile.reporter())
    form = f"/insight/tips/{tip.public_id}/feedback/"
    assert bob.post(form, {"held": "yes", "reason": WHY}).status_code == 403
    page = bob.get(f"/tips/{tip.public_id}/").content.decode()
    assert "What the reporter was told" in page
    assert "Hold back what" not in page
    assert "at least" in alice.post(form, {"held": "yes", "reason": ""}, follow=True).content.decode()
    held = alice.post(form, {"held": "yes", "reason": WHY}, follow=True).content.decode()
    assert "Held back by Alice Example" in held
    assert WHY in held
    assert "Held back by" not in alice.post(form, {"held": "no", "reason": WHY}, follow=True).content.decode()


# --- counting -------------------------------------------------------------------------------------------------------


def test_each_report_is_counted_once_and_waits_for_the_next_day() -> None:
    tips = _filed(pile.reporter(), 3)
    assert Quality.objects.count() == Told.objects.count() == 3
    today = clock.now().astimezone(UTC).date()
    assert all(row.day > today for row in Waiting.objects.all())
    assert pass_to() == 0
    pass_to(1)
    assert not Waiting.objects.exists()
    assert {row.outcome for row in Told.objects.all()} == {"in-progress"}
    assert Told.objects.get(tip=tips[0]).lacks == "no-port no-file"


def test_what_cannot_be_opened_any_more_keeps_what_was_counted_and_holds_up_no_other() -> None:
    first, second = _filed(pile.reporter(), 2, ports=2)
    with connection.cursor() as cursor:  # as its destruction leaves it
        cursor.execute("UPDATE tips_document SET key_part = '' WHERE tip_id = %s", [first.pk])
    assert not bytes(Document.objects.filter(tip=first)[0].key_part)
    Quality.objects.filter(tip=second).update(with_port=0)
    with identity.acting_as(service="command"):
        assert filling.rebuild() == 2
    assert [row.with_port for row in Quality.objects.order_by("tip")] == [1, 1]


def test_a_rebuild_changes_nothing_that_a_reporter_was_told() -> None:
    (tip,) = _filed(pile.reporter())
    pass_to(1)
    boss = cast.viewer(cast.person("Kavita", "commander"))
    working.close(by=boss, at=clock.now(), tip=tip.public_id, disposition="no-offence", reason=WHY)
    Quality.objects.update(events=0, addressed=0, with_zone=0)
    with identity.acting_as(service="command"):
        filling.rebuild()
    assert Quality.objects.get().addressed == 1
    assert (Told.objects.get().told, Told.objects.get().lacks) == ("in-progress", "no-port no-file")


def test_without_a_step_that_may_ask_nothing_is_worked_out() -> None:
    pile.tip(pile.reporter(), at=clock.now())
    assert filling._facts(list(Summary.objects.values_list("tip", flat=True))) == {}


# --- pages and exports ------------------------------------------------------------------------------------------------


def test_an_investigator_and_an_administrator_see_no_scorecard(charlie: Client) -> None:
    assert charlie.get("/insight/providers/").status_code == 403
    with pytest.raises(NotAllowed):
        queries.providers(cast.viewer(cast.person("Ravi", "investigator")), _period())


def test_providers_stand_by_name_with_the_numbers_they_are_of(alice: Client) -> None:
    _filed(pile.reporter("Example Zebra"), 2, ports=1)
    _filed(pile.reporter("Example Aardvark"))
    found = queries.providers(cast.viewer(cast.person("Kavita", "commander")), _period())
    assert [one.name for one in found] == ["Example Aardvark", "Example Zebra"]
    zebra = found[1].counts
    assert (zebra.reports, zebra.addressed, zebra.with_port, zebra.all_ports, zebra.thin) == (2, 2, 1, 1, 0)
    page = alice.get("/insight/providers/").content.decode()
    assert page.index("Example Aardvark") < page.index("Example Zebra")
    assert "1 / 2" in page
    assert "No report came" in alice.get("/insight/providers/?environment=test").content.decode()


def test_a_person_of_another_unit_counts_what_that_unit_holds() -> None:
    (tip, *_more) = _filed(pile.reporter(), 3)
    there = units.add_unit(
        by="command:cli", at=cast.NOON, parent=cast.root(), kind="state", code="ST-9", name="Example State"
    )
    with connection.cursor() as cursor:
        cursor.execute("UPDATE tips_tip SET unit_id = %s WHERE id = %s", [there.pk, tip.pk])
    far = cast.person("Far", "commander", there)
    pile.guard()
    with pile.as_person(far):
        (one,) = queries.providers(cast.viewer(far), _period())
    assert one.counts.reports == 1
    with pytest.raises(NotAllowed, match="unit at the top"):
        exporting.export(by=cast.viewer(far), at=clock.now(), provider=tip.reporter, period=_period(), form="csv")


def test_the_page_says_what_could_be_mended_and_warns_of_few(alice: Client, bob: Client) -> None:
    login = pile.reporter()
    _filed(login, 5, ports=1)
    page = alice.get(f"/insight/providers/{_provider(login).public_id}/").content.decode()
    assert "4 of 5 network events have an address without a port" in page
    assert "Only 5 reports" in page
    assert "A page to print" in page
    assert "A page to print" not in bob.get(f"/insight/providers/{_provider(login).public_id}/").content.decode()
    assert alice.get("/insight/providers/RP-1111-1111/").status_code == 404


def test_what_leaves_is_what_was_told_without_small_numbers_and_on_record(alice: Client, bob: Client) -> None:
    login = pile.reporter("=Example+Chat")
    tips = _filed(login, 8)
    boss = cast.viewer(cast.person("Kavita", "commander"))
    for tip, disposition in zip(tips, ["referred", "no-offence"], strict=False):
        working.close(by=boss, at=clock.now(), tip=tip.public_id, disposition=disposition, reason=WHY)
    pass_to(1)
    address = f"/insight/providers/{_provider(login).public_id}/export/"
    assert bob.post(address, {"form": "json"}).status_code == 403
    assert alice.post(address, {"form": "xls"}).status_code == 409
    assert not Event.objects.filter(kind="scorecard.exported").exists()
    told = json.loads(alice.post(address, {"form": "json"}).content)
    assert told["reports"] == 8
    # That one of them was made into a case is not told yet, and the single other outcome would be.
    assert told["outcomes"] == []
    table = alice.post(address, {"form": "csv"}).content.decode()
    assert "'=Example+Chat" in table
    assert "outcome" not in table
    page = alice.post(address, {"form": "page"}).content.decode()
    assert "Too few to tell" in page
    assert "Made into a case" not in page + table
    assert not any(word in page + table + json.dumps(told) for word in ("NL-", "UN-", "OF-", "heron", cast.root().name))
    event = Event.objects.filter(kind="scorecard.exported").last()
    assert event is not None
    assert event.subject == f"reporter:{_provider(login).public_id}"
    assert json.loads(event.body)["data"]["form"] == "page"


def test_people_and_what_others_referred_are_no_providers(alice: Client) -> None:
    for origin in (Origin.PEOPLE, Origin.REFERRAL):
        login = pile.reporter(f"Example {origin}")
        _filed(login, 1)
        Reporter.objects.filter(pk=login.reporter_id).update(origin=origin)
        assert f"Example {origin}" not in alice.get("/insight/").content.decode()
        address = f"/insight/providers/{login.reporter_public_id}/"
        assert alice.get(address).status_code == 404
        assert alice.post(f"{address}export/", {"form": "json"}).status_code == 404


def test_the_whole_and_its_outcomes_are_of_the_same_reports(alice: Client) -> None:
    login = pile.reporter()
    tips = _filed(login, 7)
    Quality.objects.filter(tip=tips[0]).update(state=State.RETRACTED)
    told = json.loads(alice.post(f"/insight/providers/{login.reporter_public_id}/export/", {"form": "json"}).content)
    assert told["reports"] == sum(one["reports"] for one in told["outcomes"]) == 6
