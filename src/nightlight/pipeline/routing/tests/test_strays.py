# SPDX-License-Identifier: Apache-2.0
"""Offers, shares and stops end with what they were for: nothing of a tip that went is left behind with a unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nightlight.foundation.refusals import Conflict
from nightlight.pipeline.routing import answering, offers, panel, reminding, stops, verify
from nightlight.pipeline.routing.models import Offer, Stop
from nightlight.pipeline.routing.tests import handing_cast as cast
from nightlight.pipeline.routing.tests.handing_cast import HOUR, NOON, WHY, Country
from nightlight.pipeline.routing.tests.strays import destroy, pack, partner
from nightlight.pipeline.tips import handing
from nightlight.pipeline.tips.models import Share, Tip
from nightlight.pipeline.triage.tests.cast import as_person, as_step, guard
from nightlight.trust.units.tests import staff

if TYPE_CHECKING:
    from nightlight.trust.accounts.models import User
    from nightlight.trust.units.models import Unit

pytestmark = pytest.mark.django_db
_ENDED = ["routing.clock-stopped", "routing.clock-started"]


@pytest.fixture
def country() -> Country:
    """The country, held to what is stated about who may do what."""
    made = Country()
    guard()
    return made


def offer_it(country: Country, by: User | None = None, to: Unit | None = None, kind: str = "whole") -> Offer:
    """An offer with the rights of pages."""
    who = by or country.mira
    with as_person(who):
        tip = Tip.objects.get(pk=country.tip.pk)
        return offers.offer(by=staff.looking(who), at=NOON, tip=tip, to=to or country.first, why="area", kind=kind)


def stop(country: Country, by: User, unit: Unit) -> None:
    """Stop the clock of a unit with the rights of pages."""
    with as_person(by):
        stops.stop(by=staff.looking(by), at=NOON, tip=country.tip, unit=unit, reason="waits-for-court")


def answer(deed: str, offer: Offer, by: User) -> None:
    """Accept or send back with the rights of pages."""
    with as_person(by):
        if deed == "accept":
            answering.accept(by=staff.looking(by), at=NOON, offer=offer)
        elif deed == "recall":
            offers.recall(by=staff.looking(by), at=NOON, offer=offer, reason=WHY)
        else:
            answering.bounce(by=staff.looking(by), at=NOON, offer=offer, code="other-area", reason=WHY)


def hand_over(country: Country, to: Unit) -> None:
    """Move the tip at once, by whoever runs the machine."""
    with as_step("command"):
        tip = Tip.objects.select_related("unit").get(pk=country.tip.pk)
        handing.hand_over(by=staff.CLI, at=NOON, tip=tip, to=to, why="area")


def settle() -> int:
    """What the worker does every few minutes."""
    with as_step("routing"):
        return reminding.settle(by=cast.SERVICE, now=lambda: NOON)


def ended(country: Country) -> bool:
    """Whether the only stop has ended, with its entry."""
    assert not [*verify.check()]
    told = [kind for kind in cast.told(country.tip) if kind in _ENDED]
    return not Stop.objects.filter(ended_at=None).exists() and told == _ENDED


@pytest.mark.parametrize("deed", ["send back", "recall"])
def test_a_clock_stands_no_longer_than_the_offer(country: Country, deed: str) -> None:
    offer = offer_it(country)
    stop(country, country.asha, country.first)
    answer(deed, offer, country.asha if deed == "send back" else country.mira)
    assert ended(country)
    offer_it(country)
    with as_step("routing"):
        assert reminding.remind(by=cast.SERVICE, now=lambda: NOON + 60 * 24 * HOUR) == 1


def test_a_clock_goes_on_standing_where_the_unit_accepts(country: Country) -> None:
    offer = offer_it(country)
    stop(country, country.asha, country.first)
    answer("accept", offer, country.asha)
    assert Stop.objects.filter(ended_at=None).count() == 1


def test_the_clock_of_who_hands_a_tip_on_runs_again(country: Country) -> None:
    answer("accept", offer_it(country), country.asha)
    stop(country, country.asha, country.first)
    answer("accept", offer_it(country, by=country.asha, to=country.second), country.dev)
    assert ended(country)


def test_the_clock_of_who_gives_a_tip_back_runs_again(country: Country) -> None:
    answer("accept", offer_it(country), country.asha)
    stop(country, country.asha, country.first)
    with as_person(country.asha):
        asha = staff.looking(country.asha)
        offers.give_back(by=asha, at=NOON, tip=country.tip, code="other", reason=WHY)
    assert ended(country)


def test_a_clock_ends_with_joint_work(country: Country) -> None:
    answer("accept", offer_it(country, kind="joint"), country.asha)
    stop(country, country.asha, country.first)
    with as_person(country.asha):
        asha = staff.looking(country.asha)
        offers.end_joint(by=asha, at=NOON, tip=country.tip, unit=country.first, reason=WHY)
    assert ended(country)
    assert cast.noticed("routing.joint-ended") >= {"NATIONAL:triage-officer"} or cast.noticed("routing.joint-ended")


def test_a_clock_of_a_unit_from_which_a_tip_was_taken_runs_again(country: Country) -> None:
    stop(country, country.mira, country.centre)
    hand_over(country, country.second)
    settle()
    assert ended(country)


def test_a_stray_offer_is_recalled_and_both_sides_are_told(country: Country) -> None:
    offer = offer_it(country)
    with as_step("routing"):
        cast.deliver()
    hand_over(country, country.second)
    assert settle() == 1
    assert Offer.objects.get(pk=offer.pk).state == "recalled"
    assert cast.noticed("routing.recalled") >= {"Mira", "ONE:triage-officer"}
    assert not Share.objects.filter(until=None).exists()


def test_what_lies_with_another_installation_is_not_recalled_behind_its_back(country: Country) -> None:
    """It may have accepted by now: two would hold it. Whoever holds it is told, once."""
    offer = offer_it(country, to=country.second)
    pack(offer, partner(country.second))
    hand_over(country, country.first)
    assert settle() == 0 and settle() == 0
    assert Offer.objects.get(pk=offer.pk).is_open
    assert "ONE:triage-officer" in cast.noticed(reminding.ELSEWHERE)
    assert not cast.noticed("routing.recalled")


def test_nothing_destroyed_is_offered(country: Country) -> None:
    destroy(country.tip)
    with pytest.raises(Conflict, match="destroyed"):
        offer_it(country)
    with as_person(country.mira):
        assert not panel.panel(staff.looking(country.mira), Tip.objects.get(), NOON).may_offer


def test_what_was_offered_of_a_destroyed_tip_ends(country: Country) -> None:
    offer = offer_it(country)
    joint = offer_it_jointly(country)
    destroy(country.tip)
    settle()
    assert Offer.objects.get(pk=offer.pk).state == "recalled" and joint
    assert not Share.objects.filter(until=None).exists()


def offer_it_jointly(country: Country) -> Share:
    """A share for joint work, as an earlier answer left it."""
    return Share.objects.create(tip=country.tip, unit=country.second, kind=Share.Kind.JOINT, since=NOON)
