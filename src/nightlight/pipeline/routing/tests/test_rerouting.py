# SPDX-License-Identifier: Apache-2.0
"""A tip that comes back is offered to the next unit, and that ends, whatever units do."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightlight.pipeline.routing import answering, clocks, offers, placing, rerouting, rulebook, verify
from nightlight.pipeline.routing.models import OPEN_STATES, BounceCode, Offer, OfferKind
from nightlight.pipeline.routing.placing import Next
from nightlight.pipeline.routing.tests import handing_cast as cast
from nightlight.pipeline.routing.tests.handing_cast import HOUR, NOON, WHY, Country
from nightlight.pipeline.routing.tests.strays import partner, unreadable
from nightlight.pipeline.routing.tiers import Why
from nightlight.pipeline.tips import verify as tips_verify
from nightlight.trust.units.tests import staff

if TYPE_CHECKING:
    from nightlight.trust.units.models import Unit


class Choice(NamedTuple):
    """A unit that may be next."""

    key: int
    pick: bool


@given(
    st.lists(st.tuples(st.integers(0, 9), st.booleans(), st.integers(0, 3)), max_size=300),
    st.integers(0, 10),
    st.randoms(use_true_random=False),
)
def test_offers_that_no_person_made_end_whatever_units_do(
    answers: list[tuple[int, bool, int]], most: int, chance: random.Random
) -> None:
    """A model: units bounce, accept and give back, or pass on, as they like; people offer in between."""
    holder, refused, automatic, came_from = 0, set[int](), 0, dict[int, int]()
    waiting: int | None = None
    for unit, pick, what in answers:
        if waiting is None:
            waiting = unit if unit != holder else None  # a person offers it
            continue
        if what in {0, 1}:  # sent back; accepted, and given back
            refused.add(waiting)
        elif what == 2:  # accepted
            came_from[waiting], holder, waiting = holder, waiting, None
            continue
        else:  # passed on
            came_from[waiting], holder = holder, waiting
            waiting = unit if unit != holder else None
            continue
        choices = [Choice(key, pick) for key in chance.sample(range(10), 4)]
        chosen = rerouting.choose(choices, holder=holder, refused=refused, automatic=automatic, most=most)
        waiting = None
        if chosen is not None:
            assert chosen.pick and chosen.key not in refused and chosen.key != holder
            automatic, waiting = automatic + 1, chosen.key
    assert automatic <= most
    everybody = [Choice(key, pick=True) for key in range(10)]
    if rerouting.choose(everybody, holder=holder, refused=refused, automatic=automatic, most=most) is None:
        assert automatic >= most or {*refused, holder} >= set(range(10))


@pytest.fixture
def country() -> Country:
    """The country."""
    return Country()


def _onward(monkeypatch: pytest.MonkeyPatch, *units: Unit) -> None:
    """Where proposals would lead: to these units, without anybody choosing, but for those that refused."""

    def next_for(unit: Unit, _proposal: object, tried: set[int]) -> list[Next]:
        return [Next(one, Why.TOWARDS, pick=True) for one in units if one != unit and one.pk not in tried]

    monkeypatch.setattr(placing, "next_for", next_for)


def reroute(country: Country) -> Offer | None:
    """What the worker does when something came back."""
    return rerouting.reroute(by=cast.SERVICE, at=NOON, tip=country.tip.public_id)


@pytest.mark.django_db
def test_what_did_not_come_back_or_was_decided_is_left_alone(country: Country, monkeypatch: pytest.MonkeyPatch) -> None:
    _onward(monkeypatch, country.first, country.second)
    assert reroute(country) is None
    offer = country.offer()
    assert reroute(country) is None  # open
    offers.recall(by=staff.looking(country.mira), at=NOON, offer=offer, reason=WHY)
    assert reroute(country) is None
    country.bounce(country.offer(at=NOON + HOUR), at=NOON + HOUR)
    country.offer(country.second, at=NOON + 2 * HOUR)  # a person was quicker
    assert reroute(country) is None
    assert not Offer.objects.filter(automatic=True).exists() and not cast.noticed(rerouting.UNDECIDED)


@pytest.mark.django_db
def test_what_is_sent_back_goes_to_the_next_unit_once_and_then_a_person_decides(
    country: Country, monkeypatch: pytest.MonkeyPatch
) -> None:
    _onward(monkeypatch, country.first, country.second)
    country.bounce(country.offer())
    second = reroute(country)
    assert second is not None and (second.to_unit, second.automatic) == (country.second, True)
    assert second.previous is not None and second.previous.to_unit == country.first
    assert reroute(country) is None  # run twice
    cast.deliver()
    country.bounce(second, by=country.dev)
    assert reroute(country) is None and reroute(country) is None
    assert cast.told(country.tip).count("routing.needs-decision") == 1
    assert {one.partition(":")[2] for one in cast.noticed(rerouting.UNDECIDED)} >= {"triage-officer", "commander"}
    assert [*verify.check()] == []


@pytest.mark.django_db
def test_no_more_offers_are_made_than_the_rulebook_allows(country: Country, monkeypatch: pytest.MonkeyPatch) -> None:
    more = [staff.unit(f"S{number}", kind="state") for number in range(5)]
    _onward(monkeypatch, *more)
    country.bounce(country.offer())
    made = 0
    while (offer := reroute(country)) is not None:
        made += 1
        answering.bounce(by="command:cli", at=NOON, offer=offer, code="other-place", reason=WHY)
    assert made == clocks.stated().reroutes


@pytest.mark.django_db
def test_no_tip_goes_to_another_installation_without_a_person(
    country: Country, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What leaves this installation cannot be called back: a person says so."""
    _onward(monkeypatch, country.second)
    partner(country.second)
    country.bounce(country.offer())
    assert reroute(country) is None
    assert not Offer.objects.filter(automatic=True).exists() and cast.noticed(rerouting.UNDECIDED)


@pytest.mark.django_db
@pytest.mark.parametrize("code", BounceCode.values)
def test_only_what_is_elsewhere_is_offered_on_by_itself(
    country: Country, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    _onward(monkeypatch, country.second)
    answering.bounce(by=staff.looking(country.asha), at=NOON, offer=country.offer(), code=code, reason=WHY)
    goes_on = code in {"other-area", "other-place"}
    assert (reroute(country) is not None) is goes_on
    assert bool(cast.noticed(rerouting.UNDECIDED)) is not goes_on
    assert set(rulebook.shipped().rerouting.after) <= set(BounceCode.values)


@pytest.mark.django_db
@pytest.mark.parametrize("end", ["open", "recalled"])
def test_whoever_asks_for_joint_work_after_it_came_back_has_decided(
    country: Country, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    _onward(monkeypatch, country.station)
    country.bounce(country.offer())
    asked = country.offer(country.second, kind="joint")
    if end == "recalled":
        offers.recall(by=staff.looking(country.mira), at=NOON, offer=asked, reason=WHY)
    assert reroute(country) is None
    assert not Offer.objects.filter(automatic=True).exists() and not cast.noticed(rerouting.UNDECIDED)


@pytest.mark.django_db
def test_a_tip_that_cannot_be_read_is_handed_on_by_people_only(
    country: Country, monkeypatch: pytest.MonkeyPatch
) -> None:
    _onward(monkeypatch, country.second)
    unreadable(country.tip)
    country.bounce(country.offer())
    assert reroute(country) is None and cast.noticed(rerouting.UNDECIDED)
    country.accept(country.offer(country.second), by=country.dev)
    assert country.holder() == country.second


@pytest.mark.django_db
@pytest.mark.parametrize("seed", [1, 2])
def test_a_walk_of_units_that_do_as_they_like_ends_with_a_person(
    country: Country, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Bounce, accept, pass on and give back by chance, with the real database: nothing goes round for ever."""
    chance = random.Random(seed)
    units = [country.first, country.second, country.station]
    people = {country.first: country.asha, country.second: country.dev, country.station: country.ravi}
    people[country.centre] = country.mira
    _onward(monkeypatch, *units, country.centre)
    country.offer()
    for turn in range(40):
        at = NOON + (turn + 1) * HOUR
        offer = Offer.objects.filter(tip=country.tip, state__in=OPEN_STATES).first()
        if offer is None:
            if rerouting.reroute(by=cast.SERVICE, at=at, tip=country.tip.public_id) is None:
                break
            continue
        deed = chance.choice(["bounce", "bounce", "accept and give back", "pass on"])
        by = people[offer.to_unit]
        if deed == "bounce":
            country.bounce(offer, by=by, at=at)
        elif deed == "accept and give back":
            country.accept(offer, by=by, at=at)
            country.give_back(by=by, at=at)
        else:
            country.accept(offer, by=by, at=at)
            to = chance.choice([one for one in units if one != offer.to_unit])
            if turn < 12:  # people tire of it
                country.offer(to, by=by, at=at)
    else:
        pytest.fail("it went round and round")
    automatic = Offer.objects.filter(tip=country.tip, automatic=True)
    assert automatic.count() <= clocks.stated().reroutes
    assert automatic.exclude(kind=OfferKind.WHOLE).count() == 0
    assert [*verify.check()] == [] and [*tips_verify.check()] == []
