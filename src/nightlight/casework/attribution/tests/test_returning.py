# SPDX-License-Identifier: Apache-2.0
"""What operators send back: kept as it came, read by the worker alone, explained by a person where that is needed."""

from __future__ import annotations

import gzip
import io
import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import IntegrityError, ProgrammingError, transaction

from nightlight.casework.attribution import (
    asked_lines,
    comparing,
    kept_answers,
    return_queries,
    return_reading,
    returning,
)
from nightlight.casework.attribution.models import Layout, Request, Return, Step, WrongDoor
from nightlight.casework.attribution.returns import vector
from nightlight.casework.attribution.returns.answers import Certainty
from nightlight.casework.attribution.returns.proposing import Asked
from nightlight.casework.attribution.returns.reading import BadRow
from nightlight.casework.attribution.returns.tests.helping import zipped
from nightlight.casework.attribution.tests import prepared_cast, return_cast
from nightlight.casework.attribution.tests.return_cast import NOW, Wanted, read, receive, row, sheet
from nightlight.foundation.refusals import Conflict, NotAllowed
from nightlight.pipeline.linking.tests.db_cast import person
from nightlight.pipeline.triage.tests.cast import as_person, as_step, guard
from nightlight.trust.custody.models import Event
from nightlight.trust.evidence import queries as evidence
from nightlight.trust.evidence.models import Item
from nightlight.trust.units.viewer import viewer_of

if TYPE_CHECKING:
    from nightlight.trust.accounts.models import User
    from nightlight.trust.units.viewer import Viewer

pytestmark = pytest.mark.django_db


@pytest.fixture
def officer() -> User:
    return person("Asha", "investigator")


@pytest.fixture
def by(officer: User) -> Viewer:
    return viewer_of(officer, NOW)


@pytest.fixture
def request_(officer: User) -> Request:
    tip = prepared_cast.tip(prepared_cast.reporter(), prepared_cast.through_a_tunnel())
    return return_cast.sent_request(tip, officer, person("Kavita", "commander"))


def _said(request: Request, kind: str) -> list[dict[str, object]]:
    rows = Event.objects.filter(subject=f"tip:{request.tip.public_id}", kind=kind).order_by("pk")
    return [json.loads(row.body)["data"] for row in rows]


def _again(found: Return) -> Return:
    return Return.objects.get(pk=found.pk)


def test_nothing_is_taken_in_from_those_who_do_not_ask_or_for_what_was_not_sent(by: Viewer, request_: Request) -> None:
    analyst = viewer_of(person("Nila", "intake-analyst"), NOW)
    with pytest.raises(NotAllowed):
        receive(analyst, request_, sheet(row()))
    draft = return_cast.sent_request(request_.tip, request_.drafted_by, request_.checked_by, state="draft")  # type: ignore[arg-type]
    with pytest.raises(Conflict, match="has not been sent"):
        receive(by, draft, sheet(row()))
    with pytest.raises(Conflict, match="empty"):
        receive(by, request_, b"")
    with pytest.raises(Conflict, match="clock error"):
        receive(by, request_, sheet(row()), clock_error=-1)
    receive(by, request_, sheet(row()))
    with pytest.raises(Conflict, match="here already"):
        receive(by, request_, sheet(row()), name="again.csv")
    assert Return.objects.count() == 1
    assert Item.objects.filter(context=f"tip:{request_.tip.public_id}").count() == 1


def test_a_file_lies_in_the_vault_as_it_came_and_pages_read_none_of_it(
    officer: User, by: Viewer, request_: Request
) -> None:
    content = sheet(row())
    made = receive(by, request_, content, password="opensesame")
    item = Item.objects.get(public_id=made.item)
    assert b"".join(evidence.read(item)) == content
    assert made.sha256 == return_cast.digest(content)
    (said,) = _said(request_, "return.received")
    assert (said["sha256"], said["password_given"]) == (made.sha256, True)
    assert b"opensesame" not in bytes(made.password_closed)
    assert returning.password_of(made) == "opensesame"
    guard()
    with as_person(officer):
        assert Return.objects.defer("bad").get().public_id == made.public_id
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            b"".join(evidence.read(item))
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            Return.objects.update(answers="[]")
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            Return.objects.update(sha256="0" * 64)
        with pytest.raises(IntegrityError, match="a return that was read"), transaction.atomic():
            Return.objects.update(state="read")


def test_a_return_stays_as_it_came_and_what_is_stated_of_it_is_only_added(by: Viewer, request_: Request) -> None:
    made = return_cast.read_through(by, request_, sheet(row()))
    for change in ({"name": "other"}, {"item": "EV-0000-0000"}, {"at": NOW + timedelta(days=1)}):
        with pytest.raises(IntegrityError, match="as it came"), transaction.atomic():
            Return.objects.filter(pk=made.pk).update(**change)
    with pytest.raises(IntegrityError, match="as it came"), transaction.atomic():
        made.delete()
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Layout.objects.update(operator="other")
    with pytest.raises(IntegrityError, match="unread"), transaction.atomic():
        values = {f.attname: getattr(made, f.attname) for f in Return._meta.concrete_fields if f.attname != "id"}
        Return.objects.create(**(values | {"public_id": "RT-1111-1111"}))


def test_matchers_that_disagree_leave_no_answer_to_be_seen(
    by: Viewer, request_: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparing, "join_batches", lambda events, _batches: vector.join_batches(events, ()))
    made = return_cast.read_through(by, request_, sheet(row()))
    assert (made.state, made.problem, made.answers) == ("damaged", "matchers-disagree", "")
    assert "found by one matcher only" in kept_answers.counts_of(made.counts).told
    request_.refresh_from_db()
    assert request_.state == "sent"


def test_columns_are_named_once_by_a_person_and_remembered_for_the_operator(by: Viewer, request_: Request) -> None:
    made = receive(by, request_, sheet(row()))
    read(request_.tip)
    made = _again(made)
    assert made.state == "unknown-layout"
    assert kept_answers.unknown_of(made.proposal).header[2] == "Public IP"
    analyst = viewer_of(person("Nila", "intake-analyst"), NOW)
    with pytest.raises(NotAllowed):
        returning.confirm_layout(by=analyst, at=NOW, found=made, answers=return_cast.ANSWERS)
    for missing in Asked.DATE_ORDER, Asked.ZONE:
        answers = {asked: said for asked, said in return_cast.ANSWERS.items() if asked != missing}
        with pytest.raises(Conflict, match="Nobody has answered"):
            returning.confirm_layout(by=by, at=NOW, found=made, answers=answers)
    with pytest.raises(Conflict):
        returning.confirm_layout(by=by, at=NOW, found=made, answers={**return_cast.ANSWERS, Asked.ZONE: "Mars/Base"})
    layout = returning.confirm_layout(by=by, at=NOW, found=made, answers=return_cast.ANSWERS)
    with pytest.raises(Conflict, match="Nothing has to be said"):
        returning.confirm_layout(by=by, at=NOW, found=made, answers=return_cast.ANSWERS)
    read(request_.tip)
    made = _again(made)
    assert (made.state, made.layout, made.disclosed) == ("read", layout, 1)
    (said,) = _said(request_, "return.layout-confirmed")
    assert (said["operator"], said["zone"], said["date_order"]) == ("lakeside", "Asia/Kolkata", "dmy")
    second = receive(by, request_, sheet(row(), row("SUB-2", address="203.0.113.8")))
    read(request_.tip)
    assert (_again(second).state, _again(second).layout) == ("read", layout)  # nobody was asked again


def test_an_answer_is_read_once_and_reading_it_again_changes_nothing(by: Viewer, request_: Request) -> None:
    made = return_cast.read_through(by, request_, sheet(row(), row("SUB-2", address="203.0.113.8")))
    (kept,) = kept_answers.answers_of(made.answers)
    assert (kept.answer.certainty, kept.answer.subscribers) == (Certainty.STABLE, ("SUB-1",))
    assert any("the subscriber to whom the operator's records assign this address" in line for line in kept.derivation)
    assert any(made.sha256 in line and "two independent matchers" in line for line in kept.derivation)
    disclosed = kept_answers.counts_of(made.counts).disclosed
    assert disclosed is not None
    assert (disclosed.people, disclosed.listed, disclosed.beyond) == (2, 1, 1)
    request_.refresh_from_db()
    assert (request_.state, request_.ended_at) == ("answered", NOW)
    assert Step.objects.filter(request=request_, kind="answered").count() == 1
    before = Event.objects.count(), made.answers
    return_reading.read(made.pk, by="service:worker", now=lambda: NOW)
    Return.objects.filter(pk=made.pk).update(state="received")  # as if the worker had died before saying so
    return_reading.read(made.pk, by="service:worker", now=lambda: NOW)
    again = _again(made)
    assert again.answers == before[1]
    assert Event.objects.count() == before[0] + 1  # that it was read
    assert Step.objects.filter(request=request_, kind="answered").count() == 1


def test_the_step_has_the_rights_to_read_a_return_and_to_note_near_misses(
    officer: User, by: Viewer, request_: Request
) -> None:
    swapped = return_cast.SLIP.replace(month=9, day=11)  # day and month changed round
    made = receive(by, request_, sheet(row(at=swapped)))
    guard()
    with as_step("attribution"):
        return_reading.read_waiting(tip=request_.tip.public_id, by="service:worker", now=lambda: NOW)
    with as_person(officer):
        returning.confirm_layout(by=by, at=NOW, found=made, answers=return_cast.ANSWERS)
    with as_step("attribution"):
        return_reading.read_waiting(tip=request_.tip.public_id, by="service:worker", now=lambda: NOW)
    made = _again(made)
    (kept,) = kept_answers.answers_of(made.answers)
    assert (kept.answer.certainty, kept.answer.subscribers) == (Certainty.NONE, ())
    assert [str(one.trial) for one in kept.answer.probable_errors] == ["day-month"]
    (door,) = WrongDoor.objects.all()
    assert (door.path, door.kind, door.reached) == (
        f"reporter:{request_.tip.reporter.public_id}",
        "day-month",
        False,
    )
    assert "SUB-1" not in door.note


def test_bad_rows_are_kept_and_come_out_harmless(by: Viewer, request_: Request) -> None:
    bad = row("SUB-3").replace("203.0.113.7", "203.0.113.700")
    made = return_cast.read_through(by, request_, sheet(row(), bad, "=HYPERLINK(1),2"))
    lines = b"".join(return_queries.bad_rows(made)).decode().splitlines()
    assert lines[0] == "file,line,code,why,text"
    assert lines[1].startswith("answer.csv,3,")
    assert "'=HYPERLINK(1)" in lines[2]
    assert kept_answers.counts_of(made.counts).bad == 2


def test_an_archive_with_a_password_is_opened_by_the_worker_and_the_password_goes(
    by: Viewer, request_: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = receive(by, request_, zipped({"log.csv": sheet(row())}), name="answer.zip", password="right")
    asked: list[tuple[str, ...]] = []
    compare = comparing.compare

    def spied(*args: object, **how: object) -> object:
        asked.append(tuple(how["passwords"]))  # type: ignore[arg-type]
        return compare(*args, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(comparing, "compare", spied)
    read(request_.tip)
    returning.confirm_layout(by=by, at=NOW, found=_again(made), answers=return_cast.ANSWERS)
    assert bytes(_again(made).password_closed)  # it is needed once more
    read(request_.tip)
    assert asked == [("right",), ("right",)]
    assert _again(made).state == "read"
    assert bytes(_again(made).password_closed) == bytes(_again(made).password_key_part) == b""


def test_what_cannot_be_opened_says_why_and_is_read_again_with_what_was_missing(by: Viewer, request_: Request) -> None:
    made = receive(by, request_, b"Rar!\x1a\x07\x00 and more", name="answer.rar")
    read(request_.tip)
    assert (_again(made).state, _again(made).problem) == ("damaged", "rar")
    returning.read_again(by=by, at=NOW, found=made, why="", password="secret")
    assert (_again(made).state, returning.password_of(_again(made))) == ("received", "secret")
    with pytest.raises(Conflict, match="about to be read"):
        returning.read_again(by=by, at=NOW, found=made, why="")


def test_columns_that_were_read_wrongly_are_named_anew_and_stand_in_the_register(by: Viewer, request_: Request) -> None:
    made = return_cast.read_through(by, request_, sheet(row()))
    with pytest.raises(Conflict, match="what happened"):
        returning.read_again(by=by, at=NOW, found=made, why="wrong")
    returning.read_again(by=by, at=NOW, found=made, why="The operator writes UTC, it says on the telephone.")
    (door,) = WrongDoor.objects.all()
    assert door.path.startswith("layout:lakeside ")
    read(request_.tip)
    assert _again(made).state == "unknown-layout"
    returning.confirm_layout(by=by, at=NOW, found=made, answers={**return_cast.ANSWERS, Asked.ZONE: "UTC"})
    read(request_.tip)
    (kept,) = kept_answers.answers_of(_again(made).answers)
    assert kept.answer.certainty is Certainty.NONE  # it fits only if India's time was taken for UTC
    assert [str(one.trial) for one in kept.answer.probable_errors] == ["zone"]


def test_a_line_is_asked_for_at_the_middle_of_its_window() -> None:
    kept = return_cast.kept_line(Wanted())
    asked = asked_lines._asked(kept, 0)
    assert (asked.at, asked.clock_error) == (int(return_cast.SLIP.timestamp()), 2)
    assert asked_lines._asked(kept, 3).clock_error == 5
    vague = replace(kept, clock=replace(kept.clock, plus_minus=timedelta(), stated_by=""))
    assert asked_lines._asked(replace(vague, line=replace(kept.line, utc_to=kept.line.utc_from)), 0).clock_error is None
    day = replace(vague, line=replace(kept.line, utc_to=kept.line.utc_from + timedelta(hours=1)))
    assert asked_lines._asked(day, 0).clock_error == 1800  # known to the hour: half of it


def test_the_bad_rows_are_packed_as_they_come_and_capped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(return_reading, "BAD_KEPT", 2)
    kept = return_reading._Bad()
    for number in range(5):
        kept("a.csv", BadRow(number, "x", "Why.", "text"))
    with gzip.open(io.BytesIO(kept.packed()), "rt") as file:
        assert len(file.read().splitlines()) == 3
    assert kept.kept == 2
