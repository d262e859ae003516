# SPDX-License-Identifier: Apache-2.0
"""A tip is handed over with a request on its way: whoever holds the tip takes the next step, and nobody else does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from django.db import ProgrammingError, transaction

from nightlight.casework.attribution import (
    reminding_requests,
    request_notices,
    request_queries,
    requesting,
    return_queries,
    return_reading,
    returning,
    verify,
)
from nightlight.casework.attribution.models import Request, Step
from nightlight.casework.attribution.tests import requests_cast as cast
from nightlight.casework.attribution.tests import return_cast
from nightlight.casework.attribution.tests.requests_cast import HOUR, NOW
from nightlight.foundation.refusals import NotAllowed, NotFound
from nightlight.pipeline.routing import answering, offers
from nightlight.pipeline.tips.models import Tip
from nightlight.pipeline.triage.tests.cast import as_person, as_step, guard
from nightlight.trust.custody.models import Event
from nightlight.trust.units import actions as units
from nightlight.trust.units.models import Notice
from nightlight.trust.units.tests import staff

if TYPE_CHECKING:
    from datetime import datetime

    from nightlight.casework.attribution.models import Return
    from nightlight.pipeline.routing.models import Offer
    from nightlight.trust.accounts.models import User

pytestmark = pytest.mark.django_db
WHY = "The connection lies in the other district."


class Two:
    """The centre holds a tip with addresses, and hands it to a state unit; each has its people."""

    def __init__(self) -> None:
        self.old, self.new = staff.root(), staff.unit("ONE", kind="state")
        self.other = staff.unit("TWO", kind="state")
        self.asha, self.bina = cast.person("Asha"), cast.person("Bina", rank="Inspector")
        self.ravi = cast.person("Ravi", rank="Inspector", unit=self.new)
        self.dev = cast.person("Dev", "triage-officer", unit=self.new)
        self.intake = cast.person("Inder", "intake-analyst", unit=self.new)
        self.looker = cast.person("Looker", "auditor", unit=self.new)
        self.stranger = cast.person("Stranger", unit=self.other)
        self.tip = cast.tip()

    def drafted(self) -> Request:
        """The old unit draws it up."""
        (made,) = cast.drafted(cast.viewer(self.asha), self.tip)
        guard()
        return made

    def offer(self, kind: str = "whole") -> Offer:
        """The old unit offers the tip to the new one."""
        with as_person(self.asha):
            tip = Tip.objects.get(pk=self.tip.pk)
            return offers.offer(by=cast.viewer(self.asha), at=NOW, tip=tip, to=self.new, why="area", kind=kind)

    def hand_over(self, kind: str = "whole") -> None:
        """And the new one accepts."""
        offer = self.offer(kind)
        with as_person(self.dev):
            answering.accept(by=cast.viewer(self.dev), at=NOW, offer=offer)


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> Two:
    cast.load(monkeypatch)
    return Two()


@pytest.fixture
def made(two: Two) -> Request:
    return two.drafted()


def withdraw(by: User, request: Request, at: datetime = NOW) -> Request:
    with as_person(by):
        return requesting.withdraw(by=cast.viewer(by), at=at, request=request, reason=WHY)


def on_the_way(by: User, request: Request) -> Request:
    """Opened, compared, signed and sent by one of the unit that holds the tip."""
    with as_person(by):
        who = cast.viewer(by)
        return cast.on_the_way(who, request_queries.request(who, request.public_id))


def past_the_pages(by: User, request: Request) -> None:
    """What the database lets somebody do who writes past every rule of the pages: nothing."""
    with as_person(by):
        assert Request.objects.filter(pk=request.pk).update(state="withdrawn", ended_at=NOW) == 0
    with as_person(by), pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
        Step.objects.create(request_id=request.pk, kind="reminded", by=cast.viewer(by).actor, at=NOW, event=1)


# Refusals.


def test_the_unit_that_drew_it_up_takes_no_step_once_the_tip_is_elsewhere(two: Two, made: Request) -> None:
    two.hand_over()
    with pytest.raises(NotFound):
        withdraw(two.asha, made)
    past_the_pages(two.asha, made)
    with as_person(two.bina), pytest.raises(NotFound):
        request_queries.request(cast.viewer(two.bina), made.public_id)


def test_a_unit_that_only_sees_the_tip_takes_no_step(two: Two, made: Request) -> None:
    for kind in ("whole", "joint"):  # offered and not accepted; accepted, to work on it together
        offer = two.offer(kind)
        if kind == "joint":
            with as_person(two.dev):
                answering.accept(by=cast.viewer(two.dev), at=NOW, offer=offer)
        for who in (two.ravi, two.dev):
            with as_person(who):
                found = request_queries.request(cast.viewer(who), made.public_id)
                assert not request_queries.asks_for(cast.viewer(who), found)
            with pytest.raises(NotAllowed, match="unit that holds the tip"):
                withdraw(who, made)
            past_the_pages(who, made)
        if kind == "whole":
            with as_person(two.asha):
                offers.recall(by=cast.viewer(two.asha), at=NOW, offer=offer, reason=WHY)
    with as_person(two.asha):
        assert request_queries.asks_for(cast.viewer(two.asha), made)


def test_others_of_the_new_unit_and_other_units_take_no_step(two: Two, made: Request) -> None:
    two.hand_over()
    for who in (two.intake, two.looker):
        with pytest.raises(NotAllowed, match="unit that holds the tip"):
            withdraw(who, made)
        past_the_pages(who, made)
    with pytest.raises(NotFound):
        withdraw(two.stranger, made)
    past_the_pages(two.stranger, made)


def test_a_role_in_one_unit_does_not_count_in_another(two: Two, made: Request) -> None:
    # An investigator of one unit who takes in reports for the one that holds the tip sees it, and asks nothing there.
    units.appoint(by="command:cli", at=cast.HIRED, person=two.stranger, unit=two.new, role="intake-analyst")
    two.hand_over()
    with pytest.raises(NotAllowed, match="unit that holds the tip"):
        withdraw(two.stranger, made)
    past_the_pages(two.stranger, made)


def test_a_return_is_entered_by_no_unit_that_only_drew_it_up(two: Two, made: Request) -> None:
    two.hand_over()
    held = on_the_way(two.ravi, made)
    for who, refusal in ((two.asha, NotFound), (two.intake, NotAllowed)):
        with as_person(who), pytest.raises(refusal):
            found = return_queries.request(cast.viewer(who), held.public_id)
            return_cast.receive(cast.viewer(who), found, return_cast.sheet(return_cast.row()))


def test_a_unit_that_only_sees_the_tip_names_no_columns_of_a_return(two: Two, made: Request) -> None:
    held = on_the_way(two.bina, made)
    back = return_cast.receive(cast.viewer(two.asha), held, return_cast.sheet(return_cast.row()))
    two.hand_over("joint")
    for act in ("columns", "again"):
        with as_person(two.ravi), pytest.raises(NotAllowed, match="unit that holds the tip"):
            found, ravi = return_queries.one(cast.viewer(two.ravi), back.public_id), cast.viewer(two.ravi)
            if act == "columns":
                returning.confirm_layout(by=ravi, at=NOW, found=found, answers=return_cast.ANSWERS)
            else:
                returning.read_again(by=ravi, at=NOW, found=found, why=WHY)


# The way.


def test_the_new_unit_compares_signs_sends_and_enters_what_comes_back(two: Two, made: Request) -> None:
    two.hand_over()
    ravi = cast.viewer(two.ravi)
    with as_person(two.ravi):
        found = request_queries.request(ravi, made.public_id)
        assert request_queries.asks_for(ravi, found)
        assert two.old.name in " ".join(request_notices.shown(found, request_queries.body_of(found), at=NOW).general)
    held = on_the_way(two.ravi, made)
    assert (held.state, held.unit_id) == ("sent", two.old.pk)  # who drew it up stays
    back = return_cast.receive(ravi, held, return_cast.sheet(return_cast.row()))
    said = {
        one.kind: json.loads(one.body)["data"]["unit"]
        for one in Event.objects.filter(subject=f"tip:{two.tip.public_id}", kind__startswith="re")
        if one.kind.partition(".")[0] in {"request", "return"}
    }
    assert said.pop("request.drafted") == two.old.public_id
    assert set(said) == {"request.checked", "request.signed", "request.sent", "return.received"}
    assert set(said.values()) == {two.new.public_id}
    _read_and_state(two, back)
    assert not list(verify.check())


def _read_and_state(two: Two, back: Return) -> None:
    ravi = cast.viewer(two.ravi)
    with as_step("attribution"):
        return_reading.read_waiting(tip=two.tip.public_id, by="service:worker", now=lambda: NOW)
    back.refresh_from_db()
    if back.state == "unknown-layout":
        with as_person(two.ravi):
            returning.confirm_layout(by=ravi, at=NOW, found=back, answers=return_cast.ANSWERS)
        with as_step("attribution"):
            return_reading.read_waiting(tip=two.tip.public_id, by="service:worker", now=lambda: NOW)
        back.refresh_from_db()
    assert back.state == "read"
    assert Request.objects.get().state == "answered"


def test_the_old_unit_may_go_on_when_the_tip_comes_back(two: Two, made: Request) -> None:
    two.hand_over()
    with as_person(two.dev):
        tip = Tip.objects.get(pk=two.tip.pk)
        offers.give_back(by=cast.viewer(two.dev), at=NOW + HOUR, tip=tip, code="other-area", reason=WHY)
    with pytest.raises(NotFound):
        withdraw(two.ravi, made)
    assert withdraw(two.asha, made, NOW + HOUR).state == "withdrawn"


def test_who_holds_the_tip_is_told_that_the_answer_is_due(two: Two, made: Request) -> None:
    two.hand_over()
    held = on_the_way(two.ravi, made)
    assert held.due_at is not None
    due = held.due_at
    assert [_remind(due + HOUR), _remind(due + reminding_requests.ESCALATE_AFTER + HOUR)] == [1, 1]
    about = Notice.objects.filter(about=f"request:{held.public_id}")
    assert {(one.role, one.unit_id) for one in about} == {
        (role, two.new.pk) for role in ("triage-officer", "investigator", "commander")
    }
    with as_person(two.ravi):
        later = due + 20 * 24 * HOUR
        requesting.reminded(by=cast.viewer(two.ravi), at=later, request=held, way="portal")
        requesting.refused(by=cast.viewer(two.ravi), at=later, request=held, reason="Their records were deleted in May")
    assert not list(verify.check())


def _remind(at: datetime) -> int:
    with as_step("attribution"):
        return reminding_requests.remind(by="service:worker", now=lambda: at)
