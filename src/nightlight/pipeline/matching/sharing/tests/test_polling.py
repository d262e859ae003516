# SPDX-License-Identifier: Apache-2.0
"""Polling a server that fails, breaks off, leads astray and goes in circles: nothing lost, nothing twice."""

from __future__ import annotations

import tracemalloc
from datetime import timedelta

import pytest

from nightlight.pipeline.matching.sharing.polling import (
    BEGINNING,
    KEPT,
    LAG,
    LONGEST,
    Checkpoint,
    Trouble,
    poll,
)
from nightlight.pipeline.matching.sharing.source import HttpSource
from nightlight.pipeline.matching.sharing.tests.station import ASTRAY, BROKEN, NOON, Station, many, truth
from nightlight.pipeline.matching.sharing.writing import query_result

from .hash_server import PASSWORD, USERNAME, serving


@pytest.mark.parametrize("start", [1, 11, 21])
@pytest.mark.parametrize(("fault", "code"), BROKEN)
def test_a_page_that_fails_ends_the_poll_and_the_next_one_goes_on(fault: str, code: str, start: int) -> None:
    changes = many(25)
    with serving(changes, size=10) as (base, desk), Station(base) as station:
        desk.faults[start] = [fault] * 5
        outcome = station.poll()
        assert outcome.failure is not None
        assert (outcome.failure.code, outcome.finished) == (code, False)
        assert station.checkpoint.upto == BEGINNING
        assert (station.checkpoint.half is not None) == (start > 1)
        assert station.checkpoint.again is None
        assert len(station.pages) == start // 10
        desk.faults.clear()
        station.now += KEPT
        assert station.poll().finished
        # The page that had failed was asked for again, and none before it.
        assert len(station.pages) == 3
        assert station.staged == truth(changes)
        assert station.checkpoint == Checkpoint(NOON - LAG if start > 1 else NOON - LAG + KEPT)


@pytest.mark.parametrize("start", [1, 11])
@pytest.mark.parametrize(("fault", "code"), ASTRAY)
def test_a_next_page_that_leads_astray_ends_the_poll_where_it_began(fault: str, code: str, start: int) -> None:
    changes = many(25)
    with serving(changes, size=10) as (base, desk), Station(base) as station:
        desk.faults[start] = [fault] * 2
        outcome = station.poll()
        assert outcome.failure is not None
        assert (outcome.failure.code, outcome.finished) == (code, False)
        assert station.checkpoint == Checkpoint()
        assert all("example.org" not in target for target in desk.asked)
        desk.faults.clear()
        assert station.poll().finished
        assert station.staged == truth(changes)


def test_a_circle_is_seen_though_every_address_in_it_is_new() -> None:
    with serving(many(25), size=10) as (base, desk), Station(base) as station:
        desk.faults = {1: ["round"] * 20, 11: ["round"] * 20}
        outcome = station.poll(max_pages=9)
        assert outcome.failure is not None
        assert (outcome.failure.code, outcome.pages) == (Trouble.LOOP, 2)
        assert station.checkpoint == Checkpoint()


def test_a_server_without_end_is_left() -> None:
    with serving(many(25), size=1) as (base, _), Station(base) as station:
        outcome = station.poll(max_pages=9)
        assert outcome.failure is not None
        assert outcome.failure.code == Trouble.TOO_MANY_PAGES
        assert (outcome.pages, station.checkpoint) == (9, Checkpoint())


class Slow(HttpSource):
    """A server that takes half an hour for each page."""

    def __init__(self, station: Station) -> None:
        super().__init__(station.source.base, USERNAME, PASSWORD, timeout=2.0)
        self.station = station

    def get(self, target: str) -> bytes:
        self.station.now += timedelta(minutes=30)
        return super().get(target)


def test_a_server_that_is_slow_without_end_is_left_and_the_next_poll_goes_on() -> None:
    changes = many(65)
    with serving(changes, size=10) as (base, desk), Station(base) as station:
        station.source.close()
        station.source = Slow(station)
        outcome = station.poll()
        assert outcome.failure is not None
        assert (outcome.failure.code, outcome.finished, outcome.pages) == (Trouble.TOO_LONG, False, 4)
        assert station.now == NOON + LONGEST
        assert station.checkpoint.upto == BEGINNING
        assert station.checkpoint.half is not None
        assert station.poll().finished
        assert len(desk.asked) == 7
        assert station.staged == truth(changes)


def test_a_last_page_is_never_too_late() -> None:
    changes = many(35)
    with serving(changes, size=10) as (base, _), Station(base) as station:
        station.source.close()
        station.source = Slow(station)
        assert station.poll().finished
        assert station.now == NOON + LONGEST
        assert station.staged == truth(changes)


class Winding:
    """A server whose pages have no rows and long addresses, each another one."""

    def __init__(self) -> None:
        self.asked = 0

    def get(self, target: str) -> bytes:
        self.asked += 1
        return query_result([], f"/v2/entries?turn={self.asked}&{'x' * 3500}")


def test_the_addresses_of_pages_do_not_fill_the_memory() -> None:
    taken: list[int] = []

    def mark(_: Checkpoint) -> None:
        taken.append(tracemalloc.get_traced_memory()[0])

    tracemalloc.start()
    try:
        outcome = poll(Winding(), Checkpoint(), lambda: NOON, lambda _: None, mark, max_pages=600)
    finally:
        tracemalloc.stop()
    assert outcome.failure is not None
    assert outcome.failure.code == Trouble.TOO_MANY_PAGES
    assert taken[-1] - taken[99] < 500 * 1000  # bytes; the addresses alone would be 1,750,000
