# SPDX-License-Identifier: Apache-2.0
"""A request is refused where it should be, and goes its way: drafted, compared, signed, sent, reminded of, ended."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import IntegrityError, transaction

from nightlight.casework.attribution import (
    reminding_requests,
    request_body,
    request_drafting,
    request_facts,
    request_queries,
    requesting,
    sources,
)
from nightlight.casework.attribution.asking import Kind
from nightlight.casework.attribution.models import Request, Sources, Step, WrongDoor
from nightlight.casework.attribution.tests import requests_cast as cast
from nightlight.casework.attribution.tests.prepared_cast import used
from nightlight.casework.attribution.tests.requests_cast import NOW
from nightlight.foundation.refusals import Conflict, NotAllowed, NotFound
from nightlight.trust.custody.models import Event
from nightlight.trust.units.models import Notice

if TYPE_CHECKING:
    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.units.viewer import Viewer

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    cast.load(monkeypatch)


@pytest.fixture
def asha() -> Viewer:
    return cast.viewer(cast.person("Asha"))


@pytest.fixture
def ravi() -> Viewer:
    return cast.viewer(cast.person("Ravi", rank="Inspector"))


@pytest.fixture
def tip() -> Tip:
    return cast.tip()


@pytest.fixture
def drafted(asha: Viewer, tip: Tip) -> Request:
    (made,) = cast.drafted(asha, tip)
    return made


def compared(by: Viewer, request: Request) -> Request:
    return requesting.check(
        by=by, at=NOW + HOUR, request=request, marks=cast.marks(request), read_back=cast.read_out(request)
    )


def signed(by: Viewer, request: Request) -> Request:
    return requesting.sign(by=by, at=NOW + 2 * HOUR, request=compared(by, request))


def on_the_way(by: Viewer, request: Request) -> Request:
    held, at = signed(by, request), NOW + 3 * HOUR
    return requesting.sent(by=by, at=at, request=held, way="e-mail", when=at)


# Refusals.


def test_who_does_not_work_for_the_unit_drafts_nothing(tip: Tip) -> None:
    for role in ("auditor", "intake-analyst", "legal-reviewer"):
        with pytest.raises(NotAllowed, match="unit that holds the tip"):
            cast.drafted(cast.viewer(cast.person(role.title(), role)), tip)
    assert not Request.objects.exists()


def test_nothing_is_drafted_without_events_a_reference_or_a_power(asha: Viewer, tip: Tip) -> None:
    ask = {"by": asha, "at": NOW, "tip": tip, "events": cast.keys(tip), "powers": cast.powers(tip)}
    for changed, words in (
        ({"events": []}, "Choose the events"),
        ({"events": ["NL-1111-1111:report"]}, "Nothing can be asked"),
        ({"reference": "  "}, "reference"),
        ({"powers": {}}, "Choose the power"),
        ({"powers": dict.fromkeys(cast.powers(tip), "order-by-policy-us")}, "Choose the power"),
    ):
        with pytest.raises(Conflict, match=words):
            request_drafting.draft(**{"reference": cast.REFERENCE, **ask, **changed})  # type: ignore[arg-type]
    assert not Request.objects.exists()


def test_a_tor_exit_and_an_event_without_a_zone_are_in_no_letter_and_say_why(asha: Viewer) -> None:
    made = cast.tip(used(cast.TOR, "2026-11-09T08:00:00Z", 40000), used(cast.FIBRE, "2026-11-09T08:00:00", 40001))
    found = request_facts.of_tip(made, at=NOW)
    proposal = request_drafting.propose(made, found, at=NOW, drafter=asha.actor, powers=cast.powers(made))
    assert not [draft for draft in proposal.drafts if draft.ready]
    said = " ".join(words for _key, words in proposal.left_out)
    assert "Tor exit" in said
    assert "zone" in said
    with pytest.raises(Conflict):
        cast.drafted(asha, made)


def test_records_that_are_surely_gone_are_stopped_by_the_gate(asha: Viewer, monkeypatch: pytest.MonkeyPatch) -> None:
    cast.load(monkeypatch, days=3)
    made = cast.tip()
    (found,) = request_facts.of_tip(made, at=NOW)
    assert found.wanted is None  # it leads to nobody any more
    with pytest.raises(Conflict, match="is over"):
        cast.drafted(asha, made)


def test_a_record_that_was_altered_is_not_asked_about(asha: Viewer, tip: Tip) -> None:
    row = Sources.objects.get(tip=tip)
    kept = json.loads(row.body)
    kept["kept"][0]["source"]["digest"] = "0" * 64
    Sources.objects.update(body=json.dumps(kept))
    with pytest.raises(Conflict, match="bytes of the evidence"):
        cast.drafted(asha, tip)
    Sources.objects.all().delete()
    with pytest.raises(Conflict, match="record of this event could not be found"):
        cast.drafted(asha, tip)


def test_the_same_is_not_asked_twice(asha: Viewer, drafted: Request, tip: Tip) -> None:
    with pytest.raises(Conflict, match=f"{drafted.public_id} asks Lakeside Mobile the same already"):
        cast.drafted(asha, tip)
    requesting.withdraw(by=asha, at=NOW, request=drafted, reason="The reference was another one")
    (again,) = cast.drafted(asha, tip)
    assert again.public_id != drafted.public_id


def test_whoever_drafted_it_is_not_the_second_pair_of_eyes(asha: Viewer, drafted: Request) -> None:
    with pytest.raises(NotAllowed, match="second pair of eyes"):
        compared(asha, drafted)
    with pytest.raises(NotAllowed, match="You drafted this"):
        requesting.dispute(
            by=asha, at=NOW, request=drafted, line=1, mark="port", said="The port is another in the record"
        )


def test_a_missing_mark_or_another_check_value_stops_the_comparison(ravi: Viewer, drafted: Request) -> None:
    for mark in requesting.MARKS:
        marks = {1: [one for one in requesting.MARKS if one != mark]}
        with pytest.raises(Conflict, match=f"compare {mark}"):
            requesting.check(by=ravi, at=NOW, request=drafted, marks=marks, read_back=cast.read_out(drafted))
    for heard in ("", "0000-0000"):
        with pytest.raises(Conflict, match="check value"):
            requesting.check(by=ravi, at=NOW, request=drafted, marks=cast.marks(drafted), read_back={1: heard})
    drafted.refresh_from_db()
    assert drafted.state == "draft"
    held = compared(ravi, drafted)
    with pytest.raises(Conflict, match="by now"):
        compared(ravi, held)


def test_the_gate_judges_by_what_is_known_at_each_step(
    ravi: Viewer, drafted: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    cast.load(monkeypatch, days=3)  # the operator says meanwhile that it keeps records for three days
    with pytest.raises(Conflict, match="keeps such records is over"):
        compared(ravi, drafted)
    cast.load(monkeypatch)
    held = compared(ravi, drafted)
    cast.load(monkeypatch, days=3)
    with pytest.raises(Conflict, match="keeps such records is over"):
        requesting.sign(by=ravi, at=NOW + HOUR, request=held)
    held.refresh_from_db()
    assert (held.state, held.signed_by) == ("checked", None)


def test_nothing_is_signed_that_was_not_compared_nor_sent_that_was_not_signed(ravi: Viewer, drafted: Request) -> None:
    with pytest.raises(Conflict, match="by now"):
        requesting.sign(by=ravi, at=NOW, request=drafted)
    with pytest.raises(Conflict, match="by now"):
        requesting.sent(by=ravi, at=NOW, request=drafted, way="post", when=NOW)
    held = signed(ravi, drafted)
    at = NOW + 3 * HOUR
    for way, when, words in (("pigeon", at, "how it was sent"), ("post", at + HOUR, "future"), ("post", NOW, "after")):
        with pytest.raises(Conflict, match=words):
            requesting.sent(by=ravi, at=at, request=held, way=way, when=when)


def test_the_power_s_least_rank_decides_who_signs(
    ravi: Viewer, drafted: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = compared(ravi, drafted)
    found = request_facts.power(cast.WRITTEN)
    assert found is not None
    monkeypatch.setattr(request_facts, "power", lambda _id: replace(found, least_rank="Superintendent"))
    with pytest.raises(NotAllowed, match="nobody below Superintendent"):
        requesting.sign(by=ravi, at=NOW + HOUR, request=held, rank="Director General")
    plain = cast.viewer(cast.person("Meera"))
    with pytest.raises(Conflict, match="State your rank"):
        requesting.sign(by=plain, at=NOW + HOUR, request=held)
    with pytest.raises(Conflict, match="State your rank"):
        requesting.sign(by=plain, at=NOW + HOUR, request=held, rank="Grand Wizard")
    with pytest.raises(NotAllowed, match="your rank is Inspector"):
        requesting.sign(by=plain, at=NOW + HOUR, request=held, rank="Inspector")
    done = requesting.sign(by=plain, at=NOW + HOUR, request=held, rank="Superintendent")
    step = json.loads(done.steps.get(kind="signed").data)
    assert (step["rank"], step["rank_stated"]) == ("Superintendent", True)


def test_the_database_holds_the_order_and_the_words(ravi: Viewer, asha: Viewer, drafted: Request) -> None:
    for change in (
        {"state": "signed", "signed_by_id": ravi.user_id},
        {"state": "checked", "checked_by_id": asha.user_id},
        {"body": "{}"},
        {"lines": 2},
        {"sent_at": NOW},
        {"state": "checked"},
        {"ended_at": NOW},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            Request.objects.filter(pk=drafted.pk).update(**change)
    with pytest.raises(IntegrityError), transaction.atomic():
        Request.objects.filter(pk=drafted.pk).delete()
    with pytest.raises(IntegrityError), transaction.atomic():
        Step.objects.update(by="somebody")
    requesting.withdraw(by=asha, at=NOW, request=drafted, reason="Another unit has asked this already")
    with pytest.raises(IntegrityError), transaction.atomic():
        Request.objects.filter(pk=drafted.pk).update(state="draft")


def test_no_request_is_found_by_whoever_reads_no_tips(drafted: Request) -> None:
    with pytest.raises(NotAllowed):
        request_queries.request(cast.viewer(cast.person("Adam", "administrator")), drafted.public_id)
    with pytest.raises(NotFound):
        request_queries.request(cast.viewer(cast.person("Olga", "auditor")), "RQ-1111-1111")


# The way.


def test_what_is_kept_of_the_source_is_the_record_as_it_came(tip: Tip) -> None:
    (kept,) = sources.of(tip).values()
    assert kept.source.record == used(cast.MOBILE, "2026-11-09T18:32:11Z", 41000, "Upload").encode()
    report = tip.documents.get(kind="report")
    assert bytes(report.sha256).hex() in kept.source.path
    assert kept.received_at == report.received_at


def test_a_request_is_drafted_compared_signed_and_sent(asha: Viewer, ravi: Viewer, tip: Tip, drafted: Request) -> None:
    body = request_body.read(drafted.body)
    (line,) = body.lines
    assert (drafted.kind, drafted.operator, drafted.addressee) == ("subscriber", "lakeside", "Lakeside Mobile")
    assert (line.line.address, line.line.port) == (cast.MOBILE, 41000)
    assert line.line.local_from.isoformat() == "2026-11-10T00:02:11+05:30"
    assert request_body.read(request_body.written(body)) == body
    text = body.letter.text
    assert cast.REFERENCE in text
    assert drafted.public_id in text
    assert request_body.sheet(body).rows == 1
    held = on_the_way(ravi, drafted)
    assert (held.state, held.checked_by_id, held.signed_by_id) == ("sent", ravi.user_id, ravi.user_id)
    assert held.due_at == NOW + 3 * HOUR + requesting.ANSWER_WITHIN
    assert [one.kind for one in held.steps.order_by("pk")] == ["drafted", "checked", "signed", "sent"]
    events = Event.objects.filter(subject=f"tip:{tip.public_id}", kind__startswith="request.").order_by("id")
    assert [one.kind for one in events] == ["request.drafted", "request.checked", "request.signed", "request.sent"]
    assert [one.event for one in held.steps.order_by("pk")] == [one.id for one in events]
    (card,) = request_queries.cards(asha, at=NOW + 30 * 24 * HOUR)
    assert (card.name, card.asked, card.overdue, card.answered, card.median_days) == ("Lakeside Mobile", 1, 1, 0, None)


def test_without_the_port_the_platform_is_asked_and_the_records_are_kept_first(
    asha: Viewer, ravi: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    cast.load(monkeypatch, days=20)
    made = cast.drafted(asha, cast.tip(used(cast.MOBILE, "2026-11-09T18:32:11Z", None, "Upload")))
    assert [(one.kind, one.operator) for one in made] == [
        (Kind.PRESERVATION, "lakeside"),
        (Kind.PRESERVATION, "example-chat"),
        (Kind.SOURCE_PORT, "example-chat"),
    ]
    for one in made:
        assert on_the_way(ravi, one).state == "sent"


def test_a_line_that_is_not_as_in_the_source_goes_back_and_may_be_a_near_miss(
    ravi: Viewer, asha: Viewer, tip: Tip, drafted: Request
) -> None:
    with pytest.raises(Conflict, match="in which line"):
        requesting.dispute(by=ravi, at=NOW, request=drafted, line=2, mark="port", said="The port is another one")
    with pytest.raises(Conflict, match="Say what is not"):
        requesting.dispute(by=ravi, at=NOW, request=drafted, line=1, mark="port", said="no")
    said = "The record writes another hour"
    requesting.dispute(by=ravi, at=NOW, request=drafted, line=1, mark="time", said=said, near_miss=True)
    drafted.refresh_from_db()
    assert drafted.state == "withdrawn"
    door = WrongDoor.objects.get()
    assert (door.request_id, door.kind, door.reached) == (drafted.pk, "wrong-time", False)
    event = Event.objects.get(kind="request.disputed")
    assert said not in event.body
    assert cast.drafted(asha, tip)  # and is drawn up anew


def test_the_unit_is_told_once_when_the_answer_is_due_and_commanders_a_week_later(
    ravi: Viewer, drafted: Request
) -> None:
    held = on_the_way(ravi, drafted)
    assert held.due_at is not None

    due = held.due_at

    def remind(after: timedelta) -> int:
        at = due + after
        return reminding_requests.remind(by="service:worker", now=lambda: at)

    assert remind(-HOUR) == 0
    assert [remind(HOUR), remind(2 * HOUR)] == [1, 0]
    assert set(Notice.objects.filter(about=f"request:{held.public_id}").values_list("role", flat=True)) == {
        "triage-officer",
        "investigator",
    }
    week = reminding_requests.ESCALATE_AFTER
    assert [remind(week), remind(week + HOUR)] == [1, 0]
    assert Notice.objects.get(kind="request.escalated").role == "commander"
    requesting.reminded(by=ravi, at=NOW + 40 * 24 * HOUR, request=held, way="portal")
    requesting.refused(by=ravi, at=NOW + 41 * 24 * HOUR, request=held, reason="Their records were deleted in May")
    assert [one.kind for one in held.steps.order_by("pk")][4:] == ["reminded", "escalated", "reminded", "refused"]
    assert remind(3 * week) == 0
    (card,) = request_queries.cards(ravi, at=NOW)
    assert card.refused == 1
