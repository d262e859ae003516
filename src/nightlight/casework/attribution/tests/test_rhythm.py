# SPDX-License-Identifier: Apache-2.0
"""Hours are counted on the clock of the place, around the circle, and too few of them say nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightlight.casework.attribution.rhythm import Rhythm, overlap, profile, turns

INDIA = ZoneInfo("Asia/Kolkata")
MONDAY = datetime(2026, 3, 2, tzinfo=INDIA)
TIMES = st.lists(st.integers(0, 2 * 10**7).map(lambda seconds: MONDAY + timedelta(seconds=seconds)), max_size=30)


def hours(*wanted: float, days: int = 5) -> list[datetime]:
    return [MONDAY + timedelta(days=day, hours=hour) for day in range(days) for hour in wanted]


def test_a_time_without_its_zone_is_refused() -> None:
    naive = datetime(2026, 1, 1)  # noqa: DTZ001
    with pytest.raises(ValueError, match="zone"):
        profile([naive], INDIA)
    with pytest.raises(ValueError, match="zone"):
        turns([naive], [], INDIA)


def test_too_few_events_or_days_say_nothing() -> None:
    assert profile([], INDIA).rhythm is Rhythm.TOO_FEW
    assert profile(hours(20, 21, 22, 23, 1, days=1), INDIA).rhythm is Rhythm.TOO_FEW
    assert profile(hours(*range(10), days=1), INDIA).rhythm is Rhythm.TOO_FEW


def test_home_and_work_are_told_apart_by_counts() -> None:
    work, home = profile(hours(10, 12, 16), INDIA), profile(hours(20, 22, 7), INDIA)
    assert (work.rhythm, home.rhythm) == (Rhythm.WORK, Rhythm.OFF_WORK)
    assert (work.working, home.working) == (15, 0)
    assert profile(hours(10, 12, 20, 22), INDIA).rhythm is Rhythm.MIXED
    assert overlap(work, home) == 0
    assert overlap(work, work) == pytest.approx(1)
    # Saturday and Sunday are no days of work at any hour.
    weekend = [MONDAY + timedelta(days=day, hours=11) for day in (5, 6, 12, 13, 19, 20)]
    assert profile(weekend, INDIA).rhythm is Rhythm.OFF_WORK


def test_midnight_lies_between_eleven_and_one() -> None:
    found = profile(hours(23, 25), INDIA)
    assert found.middle == pytest.approx(0, abs=0.01)
    assert found.concentration > 0.9
    assert profile(hours(0, 6, 12, 18), INDIA).middle is None


def test_the_clock_is_the_places_and_not_utcs() -> None:
    at = datetime(2026, 3, 1, 20, 0, tzinfo=UTC)
    found = profile([at], INDIA)
    assert found.hours[1] == 1
    assert found.weekdays[0] == 1
    assert profile([at], UTC).weekdays[6] == 1


@given(TIMES)
def test_counts_add_up_in_any_order(times: list[datetime]) -> None:
    found = profile(times, INDIA)
    assert sum(found.hours) == sum(found.weekdays) == found.count == len(times)
    assert 0 <= found.concentration <= 1
    assert profile(list(reversed(times)), INDIA).hours == found.hours


@given(TIMES, TIMES)
def test_turns_say_the_same_days_and_changes_from_both_sides(one: list[datetime], other: list[datetime]) -> None:
    there, back = turns(one, other, INDIA), turns(other, one, INDIA)
    assert there.days == back.days
    assert there.days <= there.changes or there.days == 0


def test_turns_are_taken_one_after_the_other_and_not_at_once() -> None:
    assert turns(hours(7, 20), hours(11, 15), INDIA).take_turns
    assert not turns(hours(7, 20, days=2), hours(11, 15, days=2), INDIA).take_turns
    at_once = turns(hours(11, 15), hours(11.1, 15.1), INDIA)
    assert (at_once.together, at_once.take_turns) == (10, False)
