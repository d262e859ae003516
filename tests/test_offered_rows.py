# SPDX-License-Identifier: Apache-2.0
"""A unit to which a tip is only offered reads it, and decides nothing about it: not with pages, not past them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from django.db import ProgrammingError, transaction

from nightlight.foundation.refusals import NotAllowed
from nightlight.outlook.desk.tests import cast as desk
from nightlight.pipeline.linking import decisions, linking
from nightlight.pipeline.linking.deconfliction import asking
from nightlight.pipeline.linking.deconfliction.models import Asking
from nightlight.pipeline.linking.models import Decision, Sighting, Subject, Waiting
from nightlight.pipeline.routing import answering, offers
from nightlight.pipeline.routing.tests.handing_cast import NOON, WHY, Country
from nightlight.pipeline.tips.models import Tip
from nightlight.pipeline.triage.tests.cast import as_person, guard
from nightlight.trust.accounts.models import Role
from nightlight.trust.law import facts
from nightlight.trust.law.queries import current_pack, pack
from nightlight.trust.retention import actions as retention
from nightlight.trust.retention.models import Apart, Destruction, Hold
from nightlight.trust.sealed import actions as sealed
from nightlight.trust.sealed.models import Identity, SearchDigest, Unsealing
from nightlight.trust.units.tests import staff

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nightlight.pipeline.routing.models import Offer
    from nightlight.trust.accounts.models import User

pytestmark = pytest.mark.django_db
KIND = next(iter(facts.Hold)).value
LAW = pack("IN").unsealing


@pytest.fixture
def country() -> Country:
    """A full report that the centre holds, and a database that holds to what is stated."""
    made = Country()
    made.tip = desk.Desk(desk.reporter("Other Chat")).full()
    assert not linking.link_new(by="service:worker", now=lambda: NOON, patience=60)
    guard()
    return made


def offered(country: Country, kind: str = "whole") -> Offer:
    """The centre offers it to the first state."""
    with as_person(country.mira):
        tip = Tip.objects.get(pk=country.tip.pk)
        return offers.offer(by=staff.looking(country.mira), at=NOON, tip=tip, to=country.first, why="area", kind=kind)


@contextmanager
def not_let(by: User) -> Iterator[None]:
    """With the rights of pages: refused by the act, or by the database to whoever writes past it."""
    with as_person(by), pytest.raises((NotAllowed, ProgrammingError)) as refusal, transaction.atomic():
        yield
    assert isinstance(refusal.value, NotAllowed) or "row-level security" in str(refusal.value)


def test_holds_are_placed_and_lifted_where_the_tip_is_held(country: Country) -> None:
    subject, head = f"tip:{country.tip.public_id}", staff.looking(country.head)
    with as_person(country.head):
        hold = retention.place_hold(by=head, at=NOON, subject=subject, kind=KIND, reason=WHY)
    offered(country)
    chief, boss = country.chief, staff.looking(country.chief)
    with not_let(chief):
        retention.lift_hold(by=boss, at=NOON, public_id=hold.public_id)
    with not_let(chief):
        retention.place_hold(by=boss, at=NOON, subject=subject, kind=KIND, reason=WHY)
    with not_let(chief):
        Hold.objects.create(
            public_id="HD-1111-1111", subject=subject, kind=KIND, reason=WHY, placed_by=chief, placed_at=NOON
        )
    with as_person(chief):
        assert Hold.objects.get() == hold  # read, since whoever takes the tip takes that
        assert Hold.objects.update(lifted_by=chief, lifted_at=NOON) == 0
    with as_person(country.head):
        retention.lift_hold(by=head, at=NOON, public_id=hold.public_id)


def test_nobody_is_cleared_and_nothing_destroyed_by_a_unit_that_is_asked(country: Country) -> None:
    subject, part = f"tip:{country.tip.public_id}", "/personOrUserReported[1]"
    counsel = staff.person("Counsel", Role.LEGAL_REVIEWER, country.first)
    offered(country)
    with not_let(country.chief):
        retention.clear(by=staff.looking(country.chief), at=NOON, subject=subject, part=part, reason=WHY)
    with not_let(country.chief):
        Apart.objects.create(
            public_id="CL-1111-1111", subject=subject, part=part, pseudonym="x", reason=WHY, by=country.chief, at=NOON
        )
    with not_let(counsel):
        retention.ask(by=staff.looking(counsel), at=NOON, subject=subject, law=current_pack())
    for unit in (country.first, country.centre):
        with not_let(counsel):
            _asked(subject, unit.pk, counsel)


def test_who_agreed_to_a_destruction_holds_the_record(country: Country) -> None:
    subject = f"tip:{country.tip.public_id}"
    counsel = staff.person("Counsel", Role.LEGAL_REVIEWER, country.first)
    Tip.objects.filter(pk=country.tip.pk).update(unit=country.first)
    with as_person(counsel):
        asked = _asked(subject, country.first.pk, counsel)
    Tip.objects.filter(pk=country.tip.pk).update(unit=country.second)
    next_one = staff.person("Next", Role.COMMANDER, country.second)
    with not_let(country.chief):
        boss = staff.looking(country.chief)
        retention.decide(by=boss, at=NOON, public_id=asked.public_id, agreed=True, law=current_pack())
    agreed = {"state": "approved", "decided_at": NOON}
    with as_person(country.chief):
        assert Destruction.objects.update(decided_by=country.chief, **agreed) == 0
    with as_person(next_one):
        assert Destruction.objects.update(decided_by=next_one, **agreed) == 1


def test_links_and_who_else_holds_something_wait_for_whoever_works_on_the_tip(country: Country) -> None:
    waiting, anil = offered(country, "joint"), staff.looking(country.anil)
    value = Sighting.objects.filter(tip=country.tip, side="suspect").values_list("identifier_id", flat=True)[0]
    first = Subject.objects.filter(tip=country.tip).order_by("pk")[0]
    tip = Tip.objects.select_related("unit").get(pk=country.tip.pk)
    assert not Waiting.objects.exists()
    with not_let(country.anil):
        decisions.silence(value, by=anil, at=NOON, reason=WHY)
    with not_let(country.anil):
        _decided(country.anil, identifier_id=value, verdict="silence")
    with not_let(country.anil):
        _decided(country.anil, first=first, second=first, verdict="forbid")
    with not_let(country.anil):
        asking.ask(tip, by=anil, at=NOON)
    with not_let(country.anil):
        Asking.objects.create(public_id="DQ-1111-1111", tip=tip, unit=country.centre, by=country.anil, at=NOON)
    with as_person(country.anil):
        answering.accept(by=anil, at=NOON, offer=waiting)
        decisions.silence(value, by=anil, at=NOON, reason=WHY)
    Waiting.objects.all().delete()
    with as_person(country.anil):
        assert asking.ask(tip, by=anil, at=NOON).units == ()


def test_protected_people_are_looked_up_by_whoever_works_on_the_tip(country: Country) -> None:
    waiting, anil = offered(country, "joint"), staff.looking(country.anil)
    kept = Identity.objects.filter(subject=f"tip:{country.tip.public_id}")[0]
    asked = {
        "identity": kept.public_id,
        "reason_kind": LAW.reasons[0].id,
        "reason": "Arrange for the child to be met at school today",
        "case_number": "FIR 7/2026",
        "minutes": 10,
        "law": LAW,
    }
    with as_person(country.anil):
        assert Identity.objects.filter(pk=kept.pk).exists() and not SearchDigest.objects.exists()
        found = [sealed.search(by=anil, at=NOON, kind="name", text=word, law=LAW) for word in desk.CHILD_WORDS]
        assert not any(found)
    with not_let(country.anil):
        sealed.ask(by=anil, at=NOON, **asked)  # type: ignore[arg-type]
    assert not Unsealing.objects.exists()
    with as_person(country.anil):
        answering.accept(by=anil, at=NOON, offer=waiting)
        assert SearchDigest.objects.exists()
        found = [sealed.search(by=anil, at=NOON, kind="name", text=word, law=LAW) for word in desk.CHILD_WORDS]
        assert any(found)
        sealed.ask(by=anil, at=NOON, **asked)  # type: ignore[arg-type]


def _asked(subject: str, unit: int, by: User) -> Destruction:
    return Destruction.objects.create(
        public_id="DE-1111-1111",
        subject=subject,
        unit_id=unit,
        retention_class="tip",
        basis="x",
        due_on=NOON.date(),
        state="asked",
        asked_by=by,
        asked_at=NOON,
    )


def _decided(by: User, **what: object) -> None:
    Decision.objects.create(public_id="LD-1111-1111", reason=WHY, by=by, at=NOON, **what)
