# SPDX-License-Identifier: Apache-2.0
"""A request is refused where it should be, and goes its way: drafted, compared, signed, sent, reminded of, ended."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
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
from nightlight.casework.attribution.gate_lines import event_number
from nightlight.casework.attribution.grades import AskFor
from nightlight.casework.attribution.kinds import Way
from nightlight.casework.attribution.models import Request, Sources, Step, WrongDoor
from nightlight.casework.attribution.operators import Directory, Operator, OperatorKind, Span, prefix
from nightlight.casework.attribution.tests import prepared_cast
from nightlight.casework.attribution.tests import requests_cast as cast
from nightlight.casework.attribution.tests.prepared_cast import used
from nightlight.casework.attribution.tests.request_fixtures import asha, drafted, loaded_lists, ravi, tip
from nightlight.casework.attribution.tests.requests_cast import HOUR, NOW
from nightlight.foundation.refusals import Conflict, NotAllowed, NotFound
from nightlight.pipeline.tips.queries import type_label
from nightlight.trust.custody.models import Event
from nightlight.trust.units.models import Notice

if TYPE_CHECKING:
    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.units.viewer import Viewer

pytestmark = pytest.mark.django_db
__all__ = ["asha", "drafted", "loaded_lists", "ravi", "tip"]  # fixtures


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


def test_a_tor_exit_and_an_event_without_a_zone_or_a_platform_are_in_no_letter_and_say_why(
    asha: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = cast.load(monkeypatch)
    others = [one for one in loaded.directory.operators if not one.reporters]
    prepared_cast.load(monkeypatch, replace(loaded, directory=Directory("Example directory", "2", others)))
    made = cast.tip(used(cast.TOR, "2026-11-09T08:00:00Z", 40000), used(cast.FIBRE, "2026-11-09T08:00:00", 40001))
    found = request_facts.of_tip(made, at=NOW)
    proposal = request_drafting.propose(made, found, at=NOW, drafter=asha.actor, powers=cast.powers(made))
    assert not [draft for draft in proposal.drafts if draft.ready]
    said = " ".join(words for _key, words in proposal.left_out)
    assert "Tor exit" in said
    assert "zone" in said
    with pytest.raises(Conflict):
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
        cast.compared(asha, drafted)
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
    held = cast.compared(ravi, drafted)
    with pytest.raises(Conflict, match="by now"):
        cast.compared(ravi, held)


def test_the_gate_judges_by_what_is_known_at_each_step(
    ravi: Viewer, drafted: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    cast.load(monkeypatch, mobile="another")  # the directory says meanwhile that somebody else held the network
    with pytest.raises(Conflict, match="another operator than the one that held the address"):
        cast.compared(ravi, drafted)
    cast.load(monkeypatch)
    held = cast.compared(ravi, drafted)
    cast.load(monkeypatch, mobile="another")
    with pytest.raises(Conflict, match="another operator than the one that held the address"):
        cast.sign(ravi, held)
    held.refresh_from_db()
    assert (held.state, held.signed_by) == ("checked", None)


def test_nothing_is_signed_that_was_not_compared_nor_sent_that_was_not_signed(ravi: Viewer, drafted: Request) -> None:
    with pytest.raises(Conflict, match="by now"):
        cast.sign(ravi, drafted, NOW)
    with pytest.raises(Conflict, match="by now"):
        requesting.sent(by=ravi, at=NOW, request=drafted, way="post", when=NOW)
    held = cast.signed(ravi, drafted)
    at = NOW + 3 * HOUR
    for way, when, words in (("pigeon", at, "how it was sent"), ("post", at + HOUR, "future"), ("post", NOW, "after")):
        with pytest.raises(Conflict, match=words):
            requesting.sent(by=ravi, at=at, request=held, way=way, when=when)


def test_whoever_is_asked_learns_neither_the_offence_nor_the_report(asha: Viewer, tip: Tip, drafted: Request) -> None:
    body = request_body.read(drafted.body)
    sheet = request_body.sheet(body).text
    (source,) = sources.of(tip).values()
    for text in (body.letter.text, sheet):
        low = text.casefold()
        for word in (tip.public_id, type_label(tip.incident_type), "child", "csea", "abuse", source.source.digest):
            assert word.casefold() not in low, word
        assert source.source.path.split("[")[0].casefold() not in low
        assert event_number(body.lines[0].line.key) in text


def test_a_time_without_a_zone_is_asked_of_the_platform_and_quoted(asha: Viewer, ravi: Viewer) -> None:
    tip = cast.tip(used(cast.FIBRE, "2026-11-09T08:00:00", 40001))
    (made,) = cast.drafted(asha, tip)
    assert (made.kind, made.operator, made.lines) == (Kind.PARTICULARS, "example-chat", 1)
    body = request_body.read(made.body)
    assert (body.lines, len(body.questions)) == ((), 1)
    assert "'2026-11-09T08:00:00'" in body.letter.text
    with pytest.raises(Conflict, match="asks Example Chat the same already"):
        cast.drafted(asha, tip)
    with pytest.raises(Conflict, match="Line 1: compare time"):
        requesting.check(
            by=ravi,
            at=NOW,
            request=made,
            marks={1: ("address", "port", "zone")},
            read_back={},
            seen=cast.seen(made, NOW),
        )
    assert cast.on_the_way(ravi, made).state == "sent"


def test_a_time_to_the_minute_is_asked_of_the_platform_and_of_no_subscriber(asha: Viewer, tip: Tip) -> None:
    (found,) = request_facts.of_tip(tip, at=NOW)
    assert found.wanted is Kind.SUBSCRIBER
    half = replace(found.graded, way=Way.ASK_FIRST, ask_for=(AskFor.SECONDS,))
    proposal = request_drafting.propose(
        tip, [replace(found, graded=half)], at=NOW, drafter=asha.actor, powers=cast.powers(tip)
    )
    assert [(one.request.kind, one.request.code) for one in proposal.drafts] == [(Kind.PARTICULARS, "example-chat")]


def test_a_block_that_the_directory_names_is_compared_with_every_table(
    tip: Tip, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = cast.load(monkeypatch)
    since = Span(date(2020, 1, 1))
    block = Operator("block", "Block", "IN", OperatorKind.MOBILE, prefixes=((prefix(f"{cast.MOBILE}/32"), since),))
    directory = Directory("Example directory", "2", (block, *loaded.directory.operators))
    prepared_cast.load(monkeypatch, replace(loaded, directory=directory))
    (found,) = request_facts.of_tip(tip, at=NOW)
    told = request_facts.facts(found, at=NOW, to_platform="", zone="", operator=None, drafter="")
    assert told.operator is not None
    assert told.operator.code == "block"
    assert {code for _table, code in told.operator.other_tables} == {"lakeside"}


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
    held = cast.on_the_way(ravi, drafted)
    assert (held.state, held.checked_by_id, held.signed_by_id) == ("sent", ravi.user_id, ravi.user_id)
    assert held.due_at == NOW + 3 * HOUR + requesting.ANSWER_WITHIN
    assert [one.kind for one in held.steps.order_by("pk")] == ["drafted", "checked", "signed", "sent"]
    events = Event.objects.filter(subject=f"tip:{tip.public_id}", kind__startswith="request.").order_by("id")
    assert [one.kind for one in events] == ["request.drafted", "request.checked", "request.signed", "request.sent"]
    assert [one.event for one in held.steps.order_by("pk")] == [one.id for one in events]
    (card,) = request_queries.cards(asha, at=NOW + 30 * 24 * HOUR)
    assert (card.name, card.asked, card.overdue, card.answered, card.median_days) == ("Lakeside Mobile", 1, 1, 0, None)


def test_without_the_port_the_platform_is_asked_and_old_records_are_kept_first(asha: Viewer, ravi: Viewer) -> None:
    tip = cast.tip(used(cast.MOBILE, "2026-11-09T18:32:11Z", None, "Upload"))
    made = cast.drafted(asha, tip, at=NOW + timedelta(days=130))
    assert sorted((one.kind, one.operator) for one in made) == [
        (Kind.PRESERVATION, "example-chat"),
        (Kind.PRESERVATION, "lakeside"),
        (Kind.SOURCE_PORT, "example-chat"),
    ]
    assert [one.kind for one in made][-1] == Kind.SOURCE_PORT
    for one in made:
        assert cast.on_the_way(ravi, one).state == "sent"


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
    held = cast.on_the_way(ravi, drafted)
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
