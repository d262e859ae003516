# SPDX-License-Identifier: Apache-2.0
"""How long a unit has, with stops of its clock: for any stops whatever."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from nightlight.pipeline.routing import rulebook, sla
from nightlight.pipeline.routing.sla import Stood

START = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)
minutes = st.integers(-600, 6_000)
spans = st.lists(st.tuples(minutes, st.integers(0, 2_000) | st.none()), max_size=6)


def _stood(told: list[tuple[int, int | None]]) -> list[Stood]:
    made = []
    for begin, length in told:
        since = START + timedelta(minutes=begin)
        made.append(Stood(since, None if length is None else since + timedelta(minutes=length)))
    return made


@given(st.integers(1, 3_000), spans, st.integers(0, 6_000))
def test_what_was_allowed_has_run_when_it_is_due_and_not_a_minute_before(
    allowed: int, told: list[tuple[int, int | None]], later: int
) -> None:
    """The oracle counts minute by minute."""
    stood, now = _stood(told), START + timedelta(minutes=later)
    due = sla.due(START, timedelta(minutes=allowed), stood, at=now)
    ran, at = 0, START
    while ran < allowed:
        if not any(one.since <= at < (one.until or now) for one in stood):
            ran += 1
        at += timedelta(minutes=1)
    assert due == at
    assert sla.ran(START, due, [Stood(one.since, one.until or max(now, one.since)) for one in stood]) == timedelta(
        minutes=allowed
    )


@given(st.integers(1, 3_000), spans)
def test_a_stop_puts_off_and_never_brings_forward(allowed: int, told: list[tuple[int, int | None]]) -> None:
    stood = _stood(told)
    ends = [sla.due(START, timedelta(minutes=allowed), stood[:number]) for number in range(len(stood) + 1)]
    assert ends == sorted(ends) and ends[0] == START + timedelta(minutes=allowed)


def test_a_band_without_hours_has_those_of_the_nearest_the_graver_first() -> None:
    hours = sla.Sla(answer={0: 100, 2: 10}, work={3: 6}, reasons={}, reroutes=1)
    assert [hours.to_answer(band) // timedelta(hours=1) for band in (0, 1, 2, 3)] == [100, 10, 10, 10]
    assert hours.to_work(0) == timedelta(hours=6)


def test_the_rulebook_gives_graver_bands_no_more_time_and_a_holiday_stops_no_clock() -> None:
    rules = rulebook.shipped()
    for hours in (rules.answer_hours, rules.work_hours):
        assert [hours[band] for band in range(4)] == sorted(hours.values(), reverse=True)
    assert rules.stop_reasons["waits-for-provider"] and not rules.stop_reasons["public-holiday"]
