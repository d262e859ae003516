# SPDX-License-Identifier: Apache-2.0
"""Clocks that stand and run, reminders of what is late, stray offers, and what sending back costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nightlight.foundation.refusals import Conflict, NotAllowed, NotFound
from nightlight.pipeline.routing import answering, clocks, queries, reminding, rising, stops, verify
from nightlight.pipeline.routing.models import Offer
from nightlight.pipeline.routing.tests import handing_cast as cast
from nightlight.pipeline.routing.tests.handing_cast import HOUR, NOON, Country
from nightlight.pipeline.tips import handing
from nightlight.pipeline.triage import working
from nightlight.pipeline.triage.models import Band, Standing
from nightlight.pipeline.triage.tests import cast as triage
from nightlight.trust import identity
from nightlight.trust.units import notices
from nightlight.trust.units.models import Post
from nightlight.trust.units.tests import staff

if TYPE_CHECKING:
    from datetime import timedelta

pytestmark = pytest.mark.django_db


@pytest.fixture
def country() -> Country:
    """The country."""
    return Country()


def remind(hours: timedelta) -> int:
    """What the worker does every few minutes."""
    return reminding.remind(by=cast.SERVICE, now=lambda: NOON + hours)


def test_a_clock_stands_for_a_stated_reason_in_ones_own_unit_only(country: Country) -> None:
    offer = country.offer()
    asha = staff.looking(country.asha)
    stop = {"by": asha, "at": NOON, "tip": country.tip, "unit": country.first}
    for wrong, what, words in (
        ({"reason": "tea"}, Conflict, "choose one"),
        ({"reason": "public-holiday"}, Conflict, "does not stop the clock: A public holiday"),
        ({"reason": "waits-for-court", "unit": country.centre}, NotAllowed, "Only who works in"),
        ({"reason": "waits-for-court", "by": staff.looking(country.mira)}, NotAllowed, "Only who works in"),
        ({"reason": "waits-for-court", "note": "x" * 501}, Conflict, "Shorten"),
    ):
        with pytest.raises(what, match=words):
            stops.stop(**{**stop, **wrong})  # type: ignore[arg-type]
    dev = staff.looking(country.dev)
    with pytest.raises(NotFound, match="neither holds"):
        stops.stop(by=dev, at=NOON, tip=country.tip, unit=country.second, reason="waits-for-court")
    with pytest.raises(Conflict, match="runs already"):
        stops.run_again(by=asha, at=NOON, tip=country.tip, unit=country.first)
    stops.stop(**stop, reason="waits-for-court", note="Asked on Monday.")  # type: ignore[arg-type]
    with pytest.raises(Conflict, match="stands already"):
        stops.stop(**stop, reason="waits-for-court")  # type: ignore[arg-type]
    stops.run_again(by=asha, at=NOON + 7 * HOUR, tip=country.tip, unit=country.first)
    assert Offer.objects.get().due_at == offer.due_at + 7 * HOUR
    assert cast.told(country.tip)[-2:] == ["routing.clock-stopped", "routing.clock-started"]
    assert [*verify.check()] == []


def test_what_nobody_answers_in_time_is_reminded_of_once_unless_the_clock_stands(country: Country) -> None:
    offer = country.offer()
    cast.deliver()
    late = clocks.stated().to_answer(offer.band) + HOUR
    assert remind(late - 2 * HOUR) == 0
    asha = staff.looking(country.asha)
    stops.stop(by=asha, at=NOON, tip=country.tip, unit=country.first, reason="waits-abroad")
    assert remind(late) == 0
    stops.run_again(by=asha, at=NOON + HOUR, tip=country.tip, unit=country.first)
    assert remind(late) == 1 and remind(late + HOUR) == 0  # due an hour later than at first
    assert cast.noticed("routing.overdue") == {"ONE:commander", "Mira"}
    (one,) = queries.overdue(staff.looking(country.chief), at=NOON + late)
    assert (one.offer, one.clock) == (offer, "answer")


def test_what_is_accepted_and_not_taken_up_is_reminded_of_once(country: Country) -> None:
    offer = country.accept(country.offer())
    late = clocks.stated().to_work(offer.band) + HOUR
    assert [one.clock for one in queries.overdue(staff.looking(country.chief), at=NOON + late)] == ["work"]
    assert queries.overdue(staff.looking(country.dev), at=NOON + late) == []
    assert remind(late) == 1 and remind(late) == 0
    assert cast.noticed("routing.overdue-work") == {"ONE:commander", "Mira"}
    working.take(by=staff.looking(country.asha), at=NOON, tip=country.tip.public_id)
    assert queries.overdue(staff.looking(country.chief), at=NOON + late) == []
    assert cast.told(country.tip).count("routing.overdue") == 1


def test_an_offer_of_a_tip_that_went_another_way_is_recalled(country: Country) -> None:
    offer = country.offer()
    with identity.acting_as(service="command"):
        handing.hand_over(by=staff.CLI, at=NOON, tip=country.tip, to=country.second, why="area")
    with pytest.raises(Conflict, match="another unit holds it"):
        country.accept(offer)
    remind(HOUR)
    offer.refresh_from_db()
    assert (offer.state, offer.answered_by) == ("recalled", cast.SERVICE)
    assert [*verify.check()] == []


def test_what_sending_back_costs_is_counted_for_who_sent_and_who_sent_back(country: Country) -> None:
    country.bounce(country.offer(), at=NOON + 30 * HOUR)
    country.accept(country.offer(country.second, at=NOON + 31 * HOUR), by=country.dev, at=NOON + 32 * HOUR)
    country.give_back(by=country.dev, at=NOON + 41 * HOUR)
    assert queries.cost(country.tip) == queries.Cost(2, 40 * HOUR)
    span = {"since": NOON, "until": NOON + 100 * HOUR}
    centre, *others = queries.costs(staff.looking(country.head), **span)
    assert (centre.unit, centre.sent, centre.came_back.bounces, centre.came_back.hours) == (country.centre, 2, 2, 40)
    assert {one.unit: one.sent_back.hours for one in others} == {country.first: 30, country.second: 10}
    (mine,) = queries.costs(staff.looking(country.chief), **span)
    assert mine.sent_back.bounces == 1
    assert queries.costs(staff.looking(country.head), since=NOON - HOUR, until=NOON) == []
    assert [len(queries.came_back(staff.looking(who), at=NOON + 50 * HOUR)) for who in (country.head, country.dev)] == [
        *(2, 0)
    ]


def test_what_is_late_first_is_found_however_much_came_before_it(
    country: Country, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A critical tip has hours, a low one days: those that came before it and are not late yet hide nothing."""
    monkeypatch.setattr(reminding, "AT_ONCE", 1)
    urgent, *low = [country.tip, *(triage.tip(triage.reporter()) for _ in range(6))]
    triage.assess()
    for tip in low:
        country.tip = tip
        country.accept(country.offer())
    country.tip = urgent
    country.accept(country.offer(at=NOON + HOUR), at=NOON + HOUR)
    Standing.objects.update(band=Band.LOW)
    Standing.objects.filter(tip=urgent).update(band=Band.CRITICAL)
    with identity.acting_as(service="routing"):
        assert [one.tip for one, _ in reminding.untaken(NOON + 20 * HOUR)] == [urgent]


def test_an_offer_is_due_sooner_when_the_band_rises(country: Country) -> None:
    offer = country.offer()
    allowed = clocks.stated().to_answer
    assert (offer.band, rising.hurry(by=cast.SERVICE, now=lambda: NOON)) == (Band.LOW, 0)
    Standing.objects.update(band=Band.CRITICAL)
    at = NOON + HOUR
    assert rising.hurry(by=cast.SERVICE, now=lambda: at) == 1
    offer.refresh_from_db()
    assert offer.due_at == at + allowed(Band.CRITICAL)
    assert rising.hurry(by=cast.SERVICE, now=lambda: at + HOUR) == 0  # once
    assert cast.told(country.tip)[-1] == "routing.sooner"
    asha = staff.looking(country.asha)
    stops.stop(by=asha, at=at, tip=country.tip, unit=country.first, reason="waits-abroad")
    stops.run_again(by=asha, at=at + HOUR, tip=country.tip, unit=country.first)
    offer.refresh_from_db()
    assert offer.due_at == at + HOUR + allowed(Band.CRITICAL)  # not what it was before
    Standing.objects.update(band=Band.MEDIUM)
    assert rising.hurry(by=cast.SERVICE, now=lambda: at + HOUR) == 0
    assert [*verify.check()] == []


def test_who_asked_and_has_left_is_not_told_but_their_unit(country: Country) -> None:
    offer = country.offer()
    Post.objects.filter(user=country.mira).update(ends_at=NOON)
    assert remind(clocks.stated().to_answer(offer.band) + HOUR) == 1
    told = cast.noticed("routing.overdue")
    assert "Mira" not in told and f"{country.centre.code}:triage-officer" in told


def test_where_nobody_works_nothing_is_delivered_and_those_above_hear_of_it(country: Country) -> None:
    empty = staff.unit("EMPTY", country.first)
    offer = country.offer(empty)
    assert cast.deliver() == 0 and cast.steps(offer) == ["sent"]
    assert not answering.answered_for(empty.pk, NOON) and answering.answered_for(country.first.pk, NOON)
    late = clocks.stated().to_answer(offer.band) + HOUR
    assert remind(late) == 1
    heard = [one.kind for one in notices.listed(staff.looking(country.chief, NOON + late))]
    assert heard.count("routing.overdue") == 1
    staff.person("Nina", "triage-officer", empty)
    assert cast.deliver() == 1 and cast.steps(offer) == ["sent", "delivered"]
