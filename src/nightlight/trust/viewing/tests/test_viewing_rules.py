# SPDX-License-Identifier: Apache-2.0
"""The rules of the ledger: what weighs, what stops, and when a shift is about to end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightlight.trust.viewing import rules
from nightlight.trust.viewing.rules import Mode, Over

NOON = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)
HOURS = st.integers(-12, 12)


def test_a_negative_weight_is_nonsense() -> None:
    with pytest.raises(ValueError, match="negative"):
        rules.standing(day=-1, month=0, shift_ends=False)


@given(st.sampled_from(Mode))
def test_grey_takes_nothing_off_and_violence_adds(mode: Mode) -> None:
    assert rules.weight(Mode.ENLARGED, violent=False) == rules.weight(Mode.COLOUR, violent=False)
    assert rules.weight(mode, violent=True) == 3 * rules.weight(mode, violent=False) > 0


@given(st.integers(0, 5000), st.integers(0, 5000), st.booleans())
def test_each_limit_warns_before_it_stops(day: int, month: int, ends: bool) -> None:
    found = rules.standing(day=day, month=month, shift_ends=ends)
    assert (Over.DAY in found.stops) == (day >= rules.DAY_LIMIT.hard)
    assert (Over.DAY in found.warnings) == (rules.DAY_LIMIT.soft <= day < rules.DAY_LIMIT.hard)
    assert (Over.MONTH in found.stops) == (month >= rules.MONTH_LIMIT.hard)
    assert (Over.SHIFT in found.stops) == ends
    assert not set(found.stops) & set(found.warnings)
    assert 0 <= found.day_share <= 100


@pytest.mark.parametrize(("minutes_left", "ends"), [(31, False), (30, True), (1, True), (0, False), (-5, False)])
def test_the_last_half_hour(minutes_left: int, ends: bool) -> None:
    duty = (NOON - timedelta(hours=8), NOON + timedelta(minutes=minutes_left))
    assert rules.shift_ends(NOON, [duty]) is ends


def test_duties_that_follow_one_another_are_one() -> None:
    first = (NOON - timedelta(hours=8), NOON + timedelta(minutes=10))
    second = (NOON + timedelta(minutes=10), NOON + timedelta(hours=8))
    later = (NOON + timedelta(hours=1), NOON + timedelta(hours=2))
    assert rules.shift_ends(NOON, [second, first]) is False
    assert rules.shift_ends(NOON, [first, later]) is True
    assert rules.shift_ends(NOON, []) is False


@given(st.lists(st.tuples(HOURS, st.integers(1, 12)), max_size=5))
def test_who_is_not_on_duty_is_not_stopped(duties: list[tuple[int, int]]) -> None:
    spans = [(NOON + timedelta(hours=a), NOON + timedelta(hours=a + b)) for a, b in duties]
    if not any(starts <= NOON < ends for starts, ends in spans):
        assert rules.shift_ends(NOON, spans) is False


@given(st.text())
def test_a_reason_is_kept_with_single_blanks_or_not_at_all(text: str) -> None:
    told = rules.reason_given(text)
    assert told in ("", " ".join(text.split()))
    assert not told or 15 <= len(told) <= 1000
