# SPDX-License-Identifier: Apache-2.0
"""Which time a hand-over is about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightlight.pipeline.triage.spans import CHOICES, USUAL, Duty, span

AT = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)


def _duty(begins: float, ends: float, *, own: bool = True) -> Duty:
    return Duty(AT + begins * HOUR, AT + ends * HOUR, own)


@pytest.mark.parametrize("hours", [None, 0, -8, 9, 10**9])
def test_hours_that_are_not_offered_count_as_not_chosen(hours: int | None) -> None:
    found = span([], AT, hours)
    assert (found.since, found.rostered) == (AT - USUAL, False)


@pytest.mark.parametrize("hours", CHOICES)
def test_what_is_chosen_goes_before_the_roster(hours: int) -> None:
    found = span([_duty(-3, 5)], AT, hours)
    assert (found.since, found.until, found.rostered) == (AT - hours * HOUR, AT, False)


@pytest.mark.parametrize(
    ("duties", "since"),
    [
        ([_duty(-3, 5)], -3),  # present
        ([_duty(-30, -22), _duty(-3, 5)], -3),  # not the one before
        ([_duty(-13, -1)], -13),  # just ended
        ([_duty(-30, -22)], -30),  # the last one
        ([_duty(1, 9)], -12),  # one to come
        ([_duty(-40, -28)], -12),  # too long ago
        ([_duty(-3, 5, own=False)], -12),  # somebody else's
    ],
)
def test_the_shift_is_the_present_one_or_the_last(duties: list[Duty], since: int) -> None:
    found = span(duties, AT)
    assert found.since == AT + since * HOUR
    assert found.rostered is (since != -12)


@pytest.mark.parametrize(
    ("duties", "ends", "rostered"),
    [
        ([], 12, False),
        ([_duty(-3, 5)], 17, False),  # a usual shift after the present one
        ([_duty(-3, 5), _duty(5, 13, own=False)], 13, True),
        ([_duty(-3, 5), _duty(4.5, 12.5, own=False)], 12.5, True),  # they overlap, to talk
        ([_duty(-3, 5), _duty(-3, 5, own=False)], 17, False),  # a colleague of the same shift
        ([_duty(-13, -1), _duty(-1, 7, own=False)], 7, True),  # it has begun
        ([_duty(2, 8, own=False), _duty(2, 10, own=False), _duty(3, 20, own=False)], 10, True),
    ],
)
def test_the_next_shift_is_the_first_that_begins(duties: list[Duty], ends: float, rostered: bool) -> None:
    found = span(duties, AT)
    assert (found.next_ends_at - AT) / HOUR == ends
    assert found.next_rostered is rostered


_duties = st.lists(
    st.builds(
        lambda begins, length, own: _duty(begins, begins + length, own=own),
        st.integers(-72, 72),
        st.integers(1, 24),
        st.booleans(),
    ),
    max_size=8,
)


@given(_duties, st.sampled_from([None, *CHOICES]))
def test_a_shift_has_a_length_and_the_next_one_ends_later(duties: list[Duty], hours: int | None) -> None:
    found = span(duties, AT, hours)
    assert found.since < found.until == AT
    assert found.next_ends_at > AT
    assert AT - found.since <= 36 * HOUR
