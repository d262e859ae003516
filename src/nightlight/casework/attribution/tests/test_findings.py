# SPDX-License-Identifier: Apache-2.0
"""What an officer may state from an answer, and what stands against a path once it went wrong."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import IntegrityError, ProgrammingError, transaction

from nightlight.casework.attribution import findings, prepared_body, preparing, returning, weighing, wrong_doors
from nightlight.casework.attribution.kinds import Grade
from nightlight.casework.attribution.models import Finding, Prepared, Return, WrongDoor
from nightlight.casework.attribution.operators import Directory
from nightlight.casework.attribution.returns.answer_words import WHO
from nightlight.casework.attribution.returns.corroborating import Band
from nightlight.casework.attribution.tests import prepared_cast, return_cast
from nightlight.casework.attribution.tests.return_cast import LATER, NOW, SLIP, Wanted, row, sheet
from nightlight.casework.attribution.wrong_door_kinds import DoorKind
from nightlight.foundation.refusals import Conflict, NotAllowed
from nightlight.pipeline.linking.tests.db_cast import person
from nightlight.pipeline.triage.tests.cast import as_person, guard
from nightlight.trust.custody.models import Event
from nightlight.trust.units.viewer import viewer_of

if TYPE_CHECKING:
    from nightlight.casework.attribution.models import Request
    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.accounts.models import User
    from nightlight.trust.units.viewer import Viewer

pytestmark = pytest.mark.django_db
_WHY = "The operator confirmed it by telephone."


@pytest.fixture
def officer() -> User:
    return person("Asha", "investigator")


@pytest.fixture
def by(officer: User) -> Viewer:
    return viewer_of(officer, NOW)


@pytest.fixture
def tip() -> Tip:
    return prepared_cast.tip(prepared_cast.reporter(), prepared_cast.through_a_tunnel())


def _asked(tip: Tip, officer: User, *wanted: Wanted) -> Request:
    return return_cast.sent_request(tip, officer, person("Kavita", "commander"), *wanted)


def _slip(tip: Tip) -> str:
    """The key of the one event that leads to a line."""
    body = prepared_body.read(Prepared.objects.get(tip=tip).body)
    assert body is not None
    return next(one.event.key for one in body.events if one.traceability(NOW).grade is Grade.B)


def test_nobody_is_named_whom_the_records_do_not_name(officer: User, by: Viewer, tip: Tip) -> None:
    made = return_cast.read_through(by, _asked(tip, officer), sheet(row(at=SLIP + timedelta(hours=5, minutes=30))))
    with pytest.raises(Conflict, match="do not name"):  # it would fit in another zone: a question, not an answer
        findings.state(by=by, at=NOW, found=made, line="E-1", subscriber="SUB-1", why=_WHY)
    with pytest.raises(Conflict, match="do not name"):
        findings.state(by=by, at=NOW, found=made, line="E-9", subscriber="SUB-1", why=_WHY)
    analyst = viewer_of(person("Nila", "intake-analyst"), NOW)
    with pytest.raises(NotAllowed):
        findings.state(by=analyst, at=NOW, found=made, line="E-1", subscriber="SUB-1", why=_WHY)
    assert not Finding.objects.exists()


@pytest.mark.parametrize(
    ("rows", "header", "words"),
    [
        ((row(), row("SUB-2")), return_cast.HEADER, "two subscribers"),
        ((row(), row("SUB-2", ports="")), return_cast.HEADER, "not one subscriber"),
        ((row(),), return_cast.HEADER.replace("Installation Address", "Remarks"), "Of which kind"),
    ],
)
def test_an_answer_that_is_not_plain_is_stated_with_a_reason_only(
    officer: User, by: Viewer, tip: Tip, *, rows: tuple[str, ...], header: str, words: str
) -> None:
    made = return_cast.read_through(by, _asked(tip, officer), sheet(*rows, header=header))
    assert made.state == "read"
    for why in "", "too short":
        with pytest.raises(Conflict, match=words):
            findings.state(by=by, at=NOW, found=made, line="E-1", subscriber="SUB-1", why=why)
    found = findings.state(by=by, at=NOW, found=made, line="E-1", subscriber="SUB-1", why=_WHY)
    assert json.loads(found.body)["reason"] == _WHY


def test_a_plain_answer_is_stated_and_says_what_it_rests_on(
    officer: User, by: Viewer, tip: Tip, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared_cast.load(monkeypatch)
    preparing.prepare_new(by="service:worker", now=lambda: NOW, patience=60)
    key = _slip(tip)
    made = return_cast.read_through(by, _asked(tip, officer, Wanted(key)), sheet(row()))
    guard()
    with as_person(officer):
        found = findings.state(by=by, at=NOW, found=made, line=key, subscriber="SUB-1")
    body = json.loads(found.body)
    assert (body["said"], body["reason"], found.band) == (WHO, "", Band.MODERATE.value)
    assert body["address_types"] == ["installation"]
    assert any("SHA-256" in line for line in body["derivation"])
    (said,) = Event.objects.filter(kind="attribution.found")
    assert "SUB-1" not in str(said.body)  # the log is for ever
    with pytest.raises(Conflict, match="already"):
        findings.state(by=by, at=NOW, found=made, line=key, subscriber="SUB-1")
    with pytest.raises(Conflict, match="rests on this"):
        returning.read_again(by=by, at=NOW, found=made, why=_WHY)
    with pytest.raises(IntegrityError, match="rests on this"), transaction.atomic():
        Return.objects.filter(pk=made.pk).update(state="damaged", read_at=None)


def test_what_was_grave_about_an_address_before_anybody_answered_stays(
    officer: User, by: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = prepared_cast.through_a_tunnel()
    slip = prepared_cast.used(prepared_cast.MOBILE, "2026-11-09T08:32:11Z", 41000)
    doubted = slip.replace("<port>", "<possibleProxy>true</possibleProxy><port>")
    tip = prepared_cast.tip(prepared_cast.reporter(), plain.replace(slip, doubted))
    prepared_cast.load(monkeypatch)
    preparing.prepare_new(by="service:worker", now=lambda: NOW, patience=60)
    key = _slip(tip)
    made = return_cast.read_through(by, _asked(tip, officer, Wanted(key)), sheet(row()))
    found = findings.state(by=by, at=NOW, found=made, line=key, subscriber="SUB-1")
    assert found.band == Band.WEAK.value
    assert any("proxy" in line for line in json.loads(found.body)["corroboration"])


@pytest.mark.parametrize(
    ("kind", "tick", "band"),
    [
        ("Non-corporate", False, Band.MODERATE),
        ("Corporate postpaid", False, Band.WEAK),
        ("", True, Band.WEAK),
    ],
)
def test_an_organisation_is_nobodys_door(
    officer: User, by: Viewer, tip: Tip, monkeypatch: pytest.MonkeyPatch, *, kind: str, tick: bool, band: Band
) -> None:
    prepared_cast.load(monkeypatch)
    preparing.prepare_new(by="service:worker", now=lambda: NOW, patience=60)
    key = _slip(tip)
    content = sheet(f"{row()},{kind}", header=f"{return_cast.HEADER},Customer Type")
    made = return_cast.read_through(by, _asked(tip, officer, Wanted(key)), content)
    guard()
    with as_person(officer):
        found = findings.state(by=by, at=NOW, found=made, line=key, subscriber="SUB-1", organisation=tick)
        (weighed,) = weighing.of_tip(by, tip, at=NOW)  # as a page shows it afterwards
    assert (found.band, weighed.band, json.loads(found.body)["organisation"]) == (band, band, band is Band.WEAK)
    assert (weighed.corroboration.organisation, any("an organisation" in line for line in weighed.lines)) == (
        band is Band.WEAK,
        band is Band.WEAK,
    )


def test_an_answer_to_an_address_that_leads_to_nobody_supports_weakly(
    officer: User, by: Viewer, tip: Tip, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared_cast.load(monkeypatch)
    preparing.prepare_new(by="service:worker", now=lambda: NOW, patience=60)
    return_cast.read_through(by, _asked(tip, officer, Wanted("elsewhere")), sheet(row()))
    (weighed,) = weighing.of_tip(by, tip, at=NOW)
    assert (weighed.band, weighed.corroboration.subscriber) == (Band.WEAK, "SUB-1")


def test_how_many_share_a_pool_is_what_the_operator_says(
    officer: User, by: Viewer, tip: Tip, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = prepared_cast.load(monkeypatch)
    preparing.prepare_new(by="service:worker", now=lambda: NOW, patience=60)
    return_cast.read_through(by, _asked(tip, officer, Wanted(_slip(tip))), sheet(row()))
    assert weighing.of_tip(by, tip, at=NOW)[0].corroboration.expected_coincidences is None
    told = [replace(one, subscribers=90_000) for one in held.directory.operators]
    prepared_cast.load(monkeypatch, replace(held, directory=Directory("Example", "2", told)))
    assert weighing.of_tip(by, tip, at=NOW)[0].corroboration.expected_coincidences == pytest.approx(1.0)


def test_nobody_states_in_the_name_of_another(officer: User, by: Viewer, tip: Tip) -> None:
    request = _asked(tip, officer)
    made = return_cast.read_through(by, request, sheet(row()))
    found = findings.state(by=by, at=NOW, found=made, line="E-1", subscriber="SUB-1")
    other = person("Ravi", "investigator")
    guard()
    with as_person(other), pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
        Finding.objects.create(
            tip=tip, request=request, line="E-1", subscriber="SUB-2", band="strong", body="{}", by=officer, at=NOW
        )
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        found.delete()


def test_what_speaks_against_a_subscriber_is_found_over_all_returns_of_the_tip(
    officer: User, by: Viewer, tip: Tip
) -> None:
    request = _asked(tip, officer, Wanted("E-1"), Wanted("E-2", LATER))
    made = return_cast.read_through(by, request, sheet(row(), row("SUB-2", at=LATER)))
    weighed = [one.corroboration for one in weighing.of_tip(by, tip, at=NOW)]
    assert [(one.subscriber, [str(c.against) for c in one.contradictions]) for one in weighed] == [
        ("SUB-1", ["other-subscriber"]),
        ("SUB-2", ["other-subscriber"]),
    ]
    found = findings.state(by=by, at=NOW, found=made, line="E-1", subscriber="SUB-1")
    assert any(line.startswith("Against (E-2)") for line in json.loads(found.body)["corroboration"])


def test_a_wrong_door_needs_a_path_a_kind_and_words(officer: User, by: Viewer, tip: Tip) -> None:
    path = f"reporter:{tip.reporter.public_id}"
    administrator = viewer_of(person("Charlie", "administrator"), NOW)
    good: dict[str, Any] = {
        "path": path,
        "kind": DoorKind.WRONG_TIME.value,
        "note": "The zone was read wrongly in the report.",
    }
    with pytest.raises(NotAllowed):
        wrong_doors.record(by=administrator, at=NOW, tip=tip, reached=True, **good)
    for bad in (
        {"path": "somewhere"},
        {"path": "operator: "},
        {"kind": "clock"},
        {"note": "short"},
        {"note": "x\0" * 20},
    ):
        with pytest.raises(Conflict):
            wrong_doors.record(by=by, at=NOW, tip=tip, reached=True, **(good | bad))
    guard()
    with as_person(officer):
        made = wrong_doors.record(by=by, at=NOW, tip=tip, reached=True, **good)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        made.delete()
    (caution,) = wrong_doors.cautions([path, "operator:nobody"])
    assert (caution.path, caution.reached) == (path, True)
    assert "1 led to somebody who had nothing to do with it" in caution.words


def test_trust_in_a_path_is_what_so_few_answers_allow_for(officer: User, by: Viewer, tip: Tip) -> None:
    request = _asked(tip, officer, Wanted("E-1"), Wanted("E-2", LATER))
    return_cast.read_through(by, request, sheet(row(), row("SUB-2"), row("SUB-3", at=LATER)))
    (path,) = wrong_doors.register(by)
    assert (path.path, path.near, path.reached, path.used) == ("operator:lakeside", 1, 0, 2)
    assert path.kinds == (("given-twice", 1),)
    assert path.least is not None
    assert 0 < path.least < 50  # one of two
    assert WrongDoor.objects.filter(by="service:worker").count() == 1
    assert wrong_doors.register(viewer_of(person("Charlie", "administrator"), NOW)) == []
