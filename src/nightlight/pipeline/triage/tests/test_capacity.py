# SPDX-License-Identifier: Apache-2.0
"""The forecast: exact on simple cases, never too hopeful, and honest about what it does not know."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightlight.pipeline.triage import capacity
from nightlight.pipeline.triage.capacity import Rates, fixed, forecast, likely_share, outlook, quartiles, tiers, weekly
from nightlight.pipeline.triage.queries_capacity import Measured

_backlogs = st.integers(0, 100_000)
_rates = st.fractions(0, 500, max_denominator=28)
_officers = st.integers(0, 60)
_days = st.lists(st.integers(0, 40), min_size=1, max_size=28)


@st.composite
def _spread(draw: st.DrawFn) -> Rates:
    low, middle, high = sorted(draw(st.tuples(_rates, _rates, _rates)))
    return Rates(low, middle, high)


def _later(one: int | None, other: int | None) -> bool:
    """Whether the one is later than the other; never is later than every day."""
    return other is not None and (one is None or one > other)


# --- what is refused, and never


def test_quartiles_of_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="nothing"):
        quartiles([])


@given(_backlogs, _rates, _rates)
def test_nobody_at_work_empties_no_pile(backlog: int, arrivals: Fraction, per_officer: Fraction) -> None:
    found = forecast(backlog=backlog, arrivals=arrivals, per_officer=per_officer, officers=0)
    assert found.days is None
    assert found.surplus == arrivals


@given(_backlogs, _rates, _officers, st.fractions(0, 10, max_denominator=28))
def test_as_many_or_more_arriving_than_are_closed_is_never(
    backlog: int, per_officer: Fraction, officers: int, more: Fraction
) -> None:
    arrivals = per_officer * officers + more
    assert forecast(backlog=backlog, arrivals=arrivals, per_officer=per_officer, officers=officers).days is None


@given(_backlogs, _rates, _officers)
def test_officers_who_close_nothing_never_do_and_no_number_of_them_would(
    backlog: int, arrivals: Fraction, officers: int
) -> None:
    found = forecast(backlog=backlog, arrivals=arrivals, per_officer=Fraction(0), officers=officers)
    assert (found.days, found.needed) == (None, None)


# --- when


@pytest.mark.parametrize(
    ("backlog", "arrivals", "per_officer", "officers", "days"),
    [
        (100, "0", "10", 1, 10),
        (101, "0", "10", 1, 11),
        (100, "5", "10", 1, 20),
        (100, "10", "10", 2, 10),
        (1, "0", "10", 1, 1),
        (0, "5", "10", 1, 0),
        (10, "1/3", "2/3", 1, 30),  # exactly: no rounding makes it 31
        (3, "1/7", "2/7", 1, 21),
    ],
)
def test_the_day_is_exact(backlog: int, arrivals: str, per_officer: str, officers: int, days: int) -> None:
    found = forecast(backlog=backlog, arrivals=Fraction(arrivals), per_officer=Fraction(per_officer), officers=officers)
    assert found.days == days


@given(st.integers(0, 2_000), st.integers(0, 40), st.integers(1, 20), st.integers(1, 10))
def test_it_is_the_first_evening_on_which_nothing_is_left(
    backlog: int, arrivals: int, per_officer: int, officers: int
) -> None:
    found = forecast(backlog=backlog, arrivals=Fraction(arrivals), per_officer=Fraction(per_officer), officers=officers)
    left, days = backlog, 0
    while left > 0 and days <= 2_000:
        left += arrivals - per_officer * officers
        days += 1
    if per_officer * officers > arrivals:
        assert found.days == days
    else:
        assert found.days is None


@given(_backlogs, _rates, _rates, _officers, st.integers(1, 20))
def test_more_officers_are_never_later(
    backlog: int, arrivals: Fraction, per_officer: Fraction, officers: int, more: int
) -> None:
    few, many = (
        forecast(backlog=backlog, arrivals=arrivals, per_officer=per_officer, officers=number).days
        for number in (officers, officers + more)
    )
    assert not _later(many, few)


@given(_backlogs, _rates, st.fractions(Fraction(1, 28), 500, max_denominator=28))
def test_as_many_as_are_needed_suffice_and_one_less_do_not(
    backlog: int, arrivals: Fraction, per_officer: Fraction
) -> None:
    needed = forecast(backlog=backlog, arrivals=arrivals, per_officer=per_officer, officers=0).needed
    assert needed is not None
    assert needed >= 1
    days = [
        forecast(backlog=backlog, arrivals=arrivals, per_officer=per_officer, officers=number).days
        for number in (needed, needed - 1)
    ]
    assert days[0] is not None
    assert days[1] is None


@given(_backlogs, _spread(), _spread(), _officers)
def test_good_weeks_are_never_later_than_usual_ones_nor_those_than_bad_ones(
    backlog: int, arrivals: Rates, per_officer: Rates, officers: int
) -> None:
    found = outlook(backlog=backlog, arrivals=arrivals, per_officer=per_officer, officers=officers)
    assert not _later(found.good.days, found.middle.days)
    assert not _later(found.middle.days, found.bad.days)


# --- band by band


def test_the_upper_bands_are_empty_first_and_do_not_wait_for_the_lower_ones() -> None:
    backlog, come = {3: 10, 2: 30, 1: 1_000, 0: 0}, {3: [1] * 28, 2: [1] * 28, 1: [20] * 28, 0: [0] * 28}
    found = dict(tiers(backlog, come, fixed(Fraction(6)), 2))
    assert [found[band].middle.days for band in (3, 2, 1, 0)] == [1, 4, None, None]


@given(
    st.fixed_dictionaries(dict.fromkeys(range(4), st.integers(0, 500))),
    st.fixed_dictionaries(dict.fromkeys(range(4), st.lists(st.integers(0, 9), min_size=14, max_size=14))),
    _spread(),
    _officers,
)
def test_a_lower_band_is_never_empty_before_those_above_it(
    backlog: dict[int, int], come: dict[int, list[int]], rates: Rates, officers: int
) -> None:
    found = tiers(backlog, come, rates, officers)
    assert [band for band, _ in found] == [3, 2, 1, 0]
    for (_, above), (_, below) in pairwise(found):
        assert not _later(above.middle.days, below.middle.days)
    whole = [sum(day) for day in zip(*come.values(), strict=True)]
    said = weekly(whole)
    assert said is not None
    everything = outlook(backlog=sum(backlog.values()), arrivals=said, per_officer=rates, officers=officers)
    assert found[-1][1] == everything


# --- rates


def test_quartiles_are_those_of_the_textbook() -> None:
    assert quartiles([Fraction(n) for n in (1, 2, 3, 4)]) == Rates(Fraction(7, 4), Fraction(5, 2), Fraction(13, 4))
    assert quartiles([Fraction(5)]) == fixed(Fraction(5))


def test_a_rate_goes_by_weeks_so_that_free_days_count() -> None:
    found = weekly([10, 10, 10, 10, 10, 0, 0] * 4)
    assert found == fixed(Fraction(50, 7))
    assert weekly([10, 10, 10, 10, 10, 0, 0] * 4, [2, 2, 2, 2, 2, 0, 0] * 4) == fixed(Fraction(5))


def test_no_day_and_no_day_of_work_say_nothing() -> None:
    assert weekly([]) is None
    assert weekly([0, 0, 0], [0, 0, 0]) is None
    assert weekly([6, 0, 0]) == fixed(Fraction(2))  # less than a week counts as one


@given(_days)
def test_a_rate_lies_between_the_least_and_the_most_of_a_day(numbers: list[int]) -> None:
    found = weekly(numbers)
    assert found is not None
    assert min(numbers) <= found.low <= found.middle <= found.high <= max(numbers)


def _at_work(closes: int, pattern: str) -> Measured:
    """Four weeks of one officer at work on the days marked with an x, who closes so many on each."""
    work = tuple(int(day == "x") for day in pattern * 4)
    days = tuple(date(2026, 11, 2) + timedelta(days=number) for number in range(28))
    return Measured(days, {0: (6,) * 28}, tuple(closes * one for one in work), work, short=False)


def test_who_works_five_days_of_seven_is_not_one_officer_each_day() -> None:
    told = _at_work(8, "xxxxx..")
    assert (told.officers, told.per_officer) == (Fraction(5, 7), fixed(Fraction(8)))
    come = weekly(told.arrived)
    assert come == fixed(Fraction(6))
    found = outlook(backlog=10, arrivals=come, per_officer=fixed(Fraction(8)), officers=told.officers or 0)
    assert (found.middle.days, found.good.days, found.bad.days) == (None, None, None)
    assert found.middle.surplus == Fraction(2, 7)
    assert found.middle.needed == 1
    # One who is on duty every calendar day does it.
    assert forecast(backlog=10, arrivals=Fraction(6), per_officer=Fraction(8), officers=1).days == 5


@given(st.integers(1, 40), st.text("x.", min_size=7, max_size=7))
def test_as_now_closes_what_was_closed(closes: int, pattern: str) -> None:
    told = _at_work(closes, pattern)
    if told.per_officer is None or told.officers is None:
        assert told.closed < capacity.ENOUGH
        return
    assert told.officers * told.per_officer.middle == Fraction(told.closed, 28)


# --- second looks


def test_no_look_says_nothing_and_few_looks_say_little() -> None:
    assert likely_share(0, 0) is None
    least, most = likely_share(0, 10) or (1, 0)
    assert least == 0
    assert most == pytest.approx(0.2775, abs=0.0005)  # Wilson's upper limit for none of ten
    assert list(likely_share(5, 10) or ()) == pytest.approx([0.2366, 0.7634], abs=0.0005)


@given(st.integers(1, 500), st.data())
def test_the_share_that_was_seen_lies_in_what_is_likely(looked: int, data: st.DataObject) -> None:
    wrong = data.draw(st.integers(0, looked))
    least, most = likely_share(wrong, looked) or (1, 0)
    assert 0 <= least <= wrong / looked + 1e-12
    assert wrong / looked - 1e-12 <= most <= 1


def test_what_is_assumed_is_said_in_whole_tips() -> None:
    assert (capacity.ASSUMED, capacity.ENOUGH) == (8, 20)
