# SPDX-License-Identifier: Apache-2.0
"""With a tip goes all that attribution holds of it, and nothing of any other; what happened stays in the log."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from django.db import IntegrityError, transaction

from nightlight.casework.attribution import findings, request_steps, returning, verify
from nightlight.casework.attribution.models import Finding, Prepared, Request, Return, Sources, Step, WrongDoor
from nightlight.casework.attribution.tests import case_cast, prepared_cast
from nightlight.casework.attribution.tests import requests_cast as cast
from nightlight.casework.attribution.tests.case_cast import LATER
from nightlight.foundation.refusals import Conflict
from nightlight.trust.custody.models import Event
from nightlight.trust.evidence import queries as evidence
from nightlight.trust.evidence import verify as evidence_verify
from nightlight.trust.evidence.models import BlobKey, Item

if TYPE_CHECKING:
    from nightlight.casework.attribution.tests.case_cast import Case

pytestmark = pytest.mark.django_db


@pytest.fixture
def case(monkeypatch: pytest.MonkeyPatch) -> Case:
    cast.load(monkeypatch)
    return case_cast.case()


def test_before_two_people_agreed_nothing_of_it_can_be_emptied(case: Case) -> None:
    attempts = (
        (Request, {"body": ""}),
        (Step, {"data": ""}),
        (Finding, {"subscriber": "", "body": ""}),
        (WrongDoor, {"note": ""}),
        (Return, {"name": "", "counts": "", "answers": "", "proposal": "", "bad": None}),
    )
    for table, change in attempts:
        with pytest.raises(IntegrityError), transaction.atomic():
            table.objects.update(**change)
    # Nor is anything else changed once they did.
    case_cast.agreed(case.tip)
    more = (
        (Request, {"body": "", "operator": "other"}),
        (Request, {"body": "other"}),
        (Step, {"data": "", "by": "officer:OF-1111-1111"}),
        (Step, {"data": "{}"}),
        (Finding, {"subscriber": "", "body": "", "band": "strong"}),
        (Finding, {"subscriber": "SUB-2"}),
        (WrongDoor, {"note": "", "path": "operator:other"}),
        (Return, {**attempts[-1][1], "sha256": "0" * 64}),
        (Return, {**attempts[-1][1], "state": "damaged"}),
    )
    for table, change in more:
        with pytest.raises(IntegrityError), transaction.atomic():
            table.objects.update(**change)
    for table in (Request, Step, Finding, WrongDoor, Return):
        with pytest.raises(IntegrityError), transaction.atomic():
            table.objects.all().delete()


def test_what_was_looked_up_asked_answered_and_stated_goes_with_its_tip(case: Case) -> None:
    tip, before = case.tip, Event.objects.count()
    item = Item.objects.get(public_id=case.returned.item)
    entries = set(Event.objects.values_list("leaf_hash", flat=True))
    done = case_cast.destroyed(tip)
    assert not Prepared.objects.filter(tip=tip).exists()
    assert not Sources.objects.filter(tip=tip).exists()
    with pytest.raises(BlobKey.DoesNotExist):
        b"".join(evidence.read(item))
    (request,) = Request.objects.filter(tip=tip)
    (returned,) = Return.objects.filter(request=request)
    (finding,), (door,) = Finding.objects.filter(tip=tip), WrongDoor.objects.filter(tip=tip)
    assert (request.body, returned.name, returned.answers, returned.counts) == ("", "", "", "")
    assert returned.bad is None
    assert (finding.subscriber, finding.body, door.note) == ("", "", "")
    assert set(Step.objects.filter(request=request).values_list("data", flat=True)) == {""}
    # No word of it is left in any row, and the figures are.
    rows = (*Step.objects.filter(request=request).values(), request.__dict__, returned.__dict__, finding.__dict__)
    assert not [word for word in (cast.MOBILE, case_cast.SUBSCRIBER, cast.REFERENCE) if word in str(rows)]
    assert (request.state, request.lines, request.operator) == ("answered", 1, "lakeside")
    assert (returned.state, returned.disclosed, finding.band) == ("read", 1, case_finding_band(finding))
    assert entries <= set(Event.objects.values_list("leaf_hash", flat=True))
    assert Event.objects.count() > before
    pieces = {piece["what"] for piece in json.loads(done.certificate)["pieces"]}
    told = {"addresses looked up", "records of events", "request", "return", "file of an operator", "finding"}
    assert pieces >= told | {"wrong door"}
    # The log and the rows agree, and nobody can go on with it.
    assert list(verify.check()) == []
    assert list(evidence_verify.check()) == []
    with pytest.raises(Conflict, match="was destroyed"):
        request_steps.kept(request)
    with pytest.raises(Conflict, match="was destroyed"):
        returning.receive(by=case.asha, at=LATER, request=request, file=[b"late"], name="late.csv")
    with pytest.raises(Conflict, match="do not name"):
        findings.state(by=case.asha, at=LATER, found=returned, line="x", subscriber="SUB-1")
    prepared_cast.prepare(LATER)
    assert not Prepared.objects.filter(tip=tip).exists()


def case_finding_band(finding: Finding) -> str:
    """As the log says it."""
    entry = Event.objects.get(kind="attribution.found", subject=f"tip:{finding.tip.public_id}")
    return str(json.loads(entry.body)["data"]["band"])


def test_a_file_that_another_request_has_too_stays_for_it_and_so_does_all_of_the_other(case: Case) -> None:
    other = cast.tip()
    request = case_cast.sent(case.asha, case.ravi, other)
    returned = case_cast.answered(case.asha, request, case_cast.sheet())
    case_cast.destroyed(case.tip)
    request.refresh_from_db()
    kept = Return.objects.get(pk=returned.pk)
    assert request.body
    assert (kept.name, kept.answers) == (returned.name, returned.answers)
    assert b"".join(evidence.read(Item.objects.get(public_id=kept.item))) == case_cast.sheet()
    assert Prepared.objects.filter(tip=other).exists()
    assert Sources.objects.filter(tip=other).exists()
    assert list(verify.check()) == []


def test_a_letter_that_is_open_is_withdrawn_and_a_file_that_waits_is_never_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cast.load(monkeypatch)
    asha, ravi = case_cast.people()
    tip = cast.tip()
    request = case_cast.sent(asha, ravi, tip)
    made = returning.receive(
        by=asha, at=case_cast.ANSWERED, request=request, file=[case_cast.sheet()], name="a.csv", password="opensesame"
    )
    done = case_cast.destroyed(tip)
    request.refresh_from_db()
    made.refresh_from_db()
    assert (request.state, request.ended_at) == ("withdrawn", LATER)
    assert (made.state, made.problem, bytes(made.password_closed)) == ("damaged", "destroyed", b"")
    case_cast.read(tip)
    assert Return.objects.get().answers == ""
    with pytest.raises(Conflict, match="was destroyed"):
        returning.read_again(by=asha, at=LATER, found=made, why="")
    (entry,) = Event.objects.filter(kind="request.withdrawn")
    assert json.loads(entry.body)["data"]["because"] == f"destruction:{done.public_id}"
    assert list(verify.check()) == []
