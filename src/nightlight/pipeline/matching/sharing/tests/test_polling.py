# SPDX-License-Identifier: Apache-2.0
"""Polling a server that repeats, skips, lies, breaks off and goes in circles: nothing lost, nothing twice."""

from __future__ import annotations

import json
import random
import tracemalloc
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightlight.pipeline.matching.sharing.polling import (
    BEGINNING,
    KEPT,
    LAG,
    LONGEST,
    MAX_PAGES,
    OVERLAP,
    Checkpoint,
    Half,
    Outcome,
    Remark,
    Trouble,
    first_target,
    poll,
)
from nightlight.pipeline.matching.sharing.reading import Why
from nightlight.pipeline.matching.sharing.source import Fault, HttpSource
from nightlight.pipeline.matching.sharing.terms import Change, Identity, Media, Page, supersedes
from nightlight.pipeline.matching.sharing.writing import query_result

from . import rows
from .hash_server import PASSWORD, USERNAME, Desk, serving

if TYPE_CHECKING:
    from collections.abc import Sequence

NOON = rows.START + timedelta(hours=12)


class Station:
    """What a caller does: stages pages by identity, stores checkpoints as JSON, and looks at a clock of its own."""

    def __init__(self, base: str) -> None:
        self.source = HttpSource(base, USERNAME, PASSWORD, timeout=2.0, max_bytes=1_000_000, sleep=lambda _: None)
        self.stored = json.dumps(Checkpoint().as_data())
        self.staged: dict[Identity, Change] = {}
        self.pages: list[Page] = []
        self.now = NOON

    def __enter__(self) -> Station:
        return self

    def __exit__(self, *_: object) -> None:
        self.source.close()

    @property
    def checkpoint(self) -> Checkpoint:
        return Checkpoint.from_data(json.loads(self.stored))

    def keep(self, page: Page) -> None:
        self.pages.append(page)
        for change in page.changes:
            old = self.staged.get(change.identity)
            if old is None or supersedes(change, old):
                self.staged[change.identity] = change

    def mark(self, checkpoint: Checkpoint) -> None:
        self.stored = json.dumps(checkpoint.as_data())

    def poll(self, max_pages: int = MAX_PAGES) -> Outcome:
        outcome = poll(self.source, self.checkpoint, lambda: self.now, self.keep, self.mark, max_pages=max_pages)
        self.mark(outcome.checkpoint)
        return outcome


def many(count: int, seed: int = 1) -> list[Change]:
    """Entries and tombstones, many in the same second, out of the order of time."""
    made: list[Change] = [rows.entry(n, n // 4) if n % 5 else rows.tombstone(n, n // 4) for n in range(count)]
    random.Random(seed).shuffle(made)
    return made


def truth(changes: Sequence[Change]) -> dict[Identity, Change]:
    return {change.identity: change for change in changes}


BROKEN = [
    ("500", Fault.BUSY),
    ("401", Fault.SIGN_IN),
    ("403", Fault.FORBIDDEN),
    ("404", Fault.REFUSED),
    ("302", Fault.REDIRECTED),
    ("cut", Fault.BROKEN_OFF),
    ("half gzip", Fault.BROKEN_OFF),
    ("huge", Fault.TOO_LARGE),
    ("gzip bomb", Fault.TOO_LARGE),
    ("html", Why.NOT_XML),
    ("bomb", Why.NOT_XML),
]
ASTRAY = [
    ("loop", Trouble.LOOP),
    ("back", Trouble.LOOP),
    ("same", Trouble.LOOP),
    ("other host", Trouble.ELSEWHERE),
    ("absolute", Trouble.ELSEWHERE),
    ("no host", Trouble.ELSEWHERE),
    ("other path", Trouble.ELSEWHERE),
    ("up", Trouble.ELSEWHERE),
    ("other range", Trouble.OTHER_RANGE),
]


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


def test_every_page_is_handed_over_before_the_checkpoint_moves() -> None:
    changes = [*many(25), rows.entry(900, 9, media=Media.VIDEO)]
    with serving(changes, size=10) as (base, desk), Station(base) as station:
        seen: list[datetime] = []
        marked = station.mark

        def mark(checkpoint: Checkpoint) -> None:
            seen.append(checkpoint.upto)
            marked(checkpoint)

        station.mark = mark  # type: ignore[method-assign]
        outcome = station.poll()
        assert seen == [BEGINNING, BEGINNING, NOON - LAG]
        assert outcome == Outcome(Checkpoint(NOON - LAG), finished=True, pages=3, entries=21, tombstones=5)
        assert station.staged == truth(changes)
        assert desk.asked[0] == first_target(BEGINNING, NOON - LAG)
        assert "from=1970-01-01T00%3A00%3A00.000Z&to=2026-01-01T11%3A59%3A50.000Z" in desk.asked[0]


def test_what_the_caller_raises_passes_through_and_nothing_has_moved() -> None:
    with serving(many(25), size=10) as (base, _), Station(base) as station:
        kept = station.keep

        def full(page: Page) -> None:
            if len(station.pages) == 1:
                raise OSError("the disk is full")
            kept(page)

        station.keep = full  # type: ignore[method-assign]
        with pytest.raises(OSError, match="disk"):
            station.poll()
        assert station.checkpoint.upto == BEGINNING
        assert station.checkpoint.half is not None
        assert station.checkpoint.half.pages == 1  # the page that was not kept is the one to go on with
        station.keep = kept  # type: ignore[method-assign]
        assert station.poll().finished
        assert len(station.staged) == 25


def test_a_half_way_page_is_forgotten_after_twelve_hours() -> None:
    changes = many(25)
    with serving(changes, size=10) as (base, desk), Station(base) as station:
        desk.faults[21] = ["404"]
        assert not station.poll().finished
        assert station.checkpoint.resumable(NOON + KEPT)
        assert not station.checkpoint.resumable(NOON + KEPT + timedelta(seconds=1))
        assert not station.checkpoint.resumable(NOON - timedelta(seconds=1))
        station.now += KEPT + timedelta(seconds=1)
        del desk.asked[:]
        assert station.poll().finished
        assert desk.asked[0] == first_target(BEGINNING, station.now - LAG)
        assert len(desk.asked) == 3
        assert station.staged == truth(changes)


def test_a_server_that_forgot_the_half_way_page_is_asked_from_the_beginning() -> None:
    changes = many(25)
    with serving(changes, size=10) as (base, desk), Station(base) as station:
        desk.faults[21] = ["403", "410"]
        assert not station.poll().finished
        outcome = station.poll()
        assert outcome.finished
        assert [note.code for note in outcome.notes] == [Remark.STARTED_OVER]
        assert station.staged == truth(changes)


def test_a_half_way_page_that_is_gone_stays_gone_when_the_beginning_fails_too() -> None:
    with serving(many(25), size=10) as (base, desk), Station(base) as station:
        desk.faults = {1: ["", *["500"] * 5], 21: ["403", "410"]}
        assert not station.poll().finished
        outcome = station.poll()
        assert outcome.failure is not None
        assert outcome.failure.code == Fault.BUSY
        assert station.checkpoint == Checkpoint()
        assert station.poll().finished
        assert len(station.staged) == 25


def test_the_next_poll_begins_before_the_checkpoint_and_ends_before_now() -> None:
    # The rows of one second: whole once that second is over, and looked at again for late ones.
    late = rows.entry(50, int(timedelta(hours=12).total_seconds()) - 11)
    with serving([], size=10) as (base, desk), Station(base) as station:
        assert station.poll().finished
        desk.changes = [late]  # became visible after the poll that its time falls in
        assert station.poll().finished
        assert desk.asked == [first_target(BEGINNING, NOON - LAG)]  # there is nothing new to ask
        station.now += timedelta(minutes=1, microseconds=700_000)
        assert station.poll().finished
        assert desk.asked[1] == first_target(NOON - LAG - OVERLAP, NOON - LAG + timedelta(minutes=1))
        assert station.staged == {late.identity: late}


def test_a_clock_that_was_set_back_asks_nothing_and_says_so() -> None:
    with serving([], size=10) as (base, desk), Station(base) as station:
        station.poll()
        station.now -= timedelta(days=1)
        outcome = station.poll()
        assert [note.code for note in outcome.notes] == [Remark.CLOCK]
        assert station.checkpoint == Checkpoint(NOON - LAG)
        assert len(desk.asked) == 1


@pytest.mark.parametrize("fault", ["counts more", "skip"])
def test_rows_that_a_server_owes_by_its_own_figures_are_asked_for_once_more(fault: str) -> None:
    changes = many(45)
    with serving(changes, size=10) as (base, desk), Station(base) as station:
        desk.faults[11] = [fault]
        outcome = station.poll()
        assert outcome.finished
        assert [note.code for note in outcome.notes] == [Remark.GAP if fault == "skip" else Remark.COUNT]
        assert station.checkpoint.upto == NOON - LAG
        station.now += timedelta(hours=1)
        del desk.asked[:]
        assert station.poll().notes == ()
        assert desk.asked[0] == first_target(BEGINNING, station.now - LAG)
        assert station.checkpoint == Checkpoint(station.now - LAG)
        assert station.staged == truth(changes)


def test_a_server_that_always_lies_does_not_make_us_ask_the_same_for_ever() -> None:
    changes = many(25)
    with serving(changes, size=10) as (base, desk), Station(base) as station:
        again = []
        for _ in range(4):
            desk.faults[1] = ["counts more"]
            station.now += timedelta(hours=1)
            assert station.poll().finished
            again.append(station.checkpoint.again is not None)
        assert again == [True, False, False, False]  # the last ranges are empty, so nothing is claimed
        assert station.staged == truth(changes)


def test_a_server_that_counts_too_little_gets_a_note() -> None:
    changes = many(25)
    with serving(changes, size=10) as (base, desk), Station(base) as station:
        desk.faults[11] = ["counts none"]
        outcome = station.poll()
        assert [note.code for note in outcome.notes] == [Remark.COUNT]
        assert "0 where 10 came; 25 rows in all" in outcome.notes[0].text
        assert station.checkpoint == Checkpoint(NOON - LAG)


def test_repeated_rows_are_harmless() -> None:
    changes = many(25)
    with serving(changes, size=10) as (base, desk), Station(base) as station:
        desk.faults[11] = ["repeat"]
        outcome = station.poll()
        assert outcome.finished
        assert outcome.entries + outcome.tombstones == 35
        assert station.staged == truth(changes)


def test_a_bad_row_is_counted_and_the_others_are_in() -> None:
    changes = many(25)
    with serving(changes, size=10) as (base, desk), Station(base) as station:
        desk.faults[11] = ["bad row"]
        outcome = station.poll()
        assert (outcome.finished, outcome.lost, outcome.problems) == (True, 1, 1)
        assert outcome.notes == ()
        assert len(station.staged) == 24


def test_an_entry_that_ends_while_we_page_is_gone() -> None:
    with serving(many(25), size=10) as (base, desk), Station(base) as station:
        assert station.poll().finished
        desk.changes = [*desk.changes, rows.tombstone(1, 43_200 - 5), rows.entry(2, 43_200 - 5, label="B2")]
        station.now += timedelta(minutes=1)
        assert station.poll().finished
        assert station.staged[7, "entry-1"] == rows.tombstone(1, 43_200 - 5)
        assert station.staged[7, "entry-2"] == rows.entry(2, 43_200 - 5, label="B2")


_faults = st.dictionaries(
    st.sampled_from([1, 11, 21, 31]),
    st.lists(st.sampled_from([*dict(BROKEN), *dict(ASTRAY), "repeat", "counts more", "gzip", ""]), max_size=7),
)


@settings(max_examples=40, deadline=None)
@given(_faults, st.integers(0, 99), st.lists(st.sampled_from([0, 1, 13]), min_size=60, max_size=60))
def test_whatever_a_server_does_nothing_is_lost_and_nothing_is_there_twice(
    faults: dict[int, list[str]], seed: int, hours: list[int]
) -> None:
    changes = many(35, seed)
    with serving(changes, size=10) as (base, desk), Station(base) as station:
        desk.faults = {start: list(waiting) for start, waiting in faults.items()}
        for pause in hours:
            before = station.checkpoint.upto
            outcome = station.poll()
            if outcome.finished:
                break
            assert station.checkpoint.upto == before == BEGINNING
            station.now += timedelta(hours=pause)
        assert station.checkpoint.upto > BEGINNING
        assert station.staged == truth(changes)
        assert _one_range(desk)


def _one_range(desk: Desk) -> bool:
    """Whether every page was asked for with a range that had been asked for from its beginning."""
    begun = {target for target in desk.asked if "start=" not in target}
    return all(
        target.replace("%3A", ":").split("&start=")[0] in {one.replace("%3A", ":") for one in begun}
        for target in desk.asked
    )


def test_a_checkpoint_is_stored_as_plain_data() -> None:
    half = Half(BEGINNING, NOON, first_target(BEGINNING, NOON) + "&start=11", NOON, 1, 10)
    for checkpoint in (Checkpoint(), Checkpoint(NOON, again=rows.START), Checkpoint(NOON, half)):
        assert Checkpoint.from_data(json.loads(json.dumps(checkpoint.as_data()))) == checkpoint
    assert Checkpoint.from_data({}) == Checkpoint.from_data(None) == Checkpoint()


@pytest.mark.parametrize(
    "data",
    [
        {"upto": "yesterday"},
        {"since": "2026-01-01T00:00:00Z"},
        {"upto": 5},
        ["x"],
        Checkpoint(NOON, Half(BEGINNING, NOON, "https://hashes.example.org/", NOON, 1, 1)).as_data(),
        {"upto": "2026-01-01T00:00:00Z", "half": {"next": "/v2/entries?"}},
    ],
)
def test_a_checkpoint_that_makes_no_sense_is_refused(data: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="not a stored checkpoint"):
        Checkpoint.from_data(data)
