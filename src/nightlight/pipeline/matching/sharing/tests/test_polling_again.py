# SPDX-License-Identifier: Apache-2.0
"""Where the next poll begins: half-way pages, checkpoints, rows that a server owes, repeats or spoils."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightlight.pipeline.matching.sharing.polling import (
    BEGINNING,
    KEPT,
    LAG,
    OVERLAP,
    Checkpoint,
    Half,
    Outcome,
    Remark,
    first_target,
)
from nightlight.pipeline.matching.sharing.source import Fault
from nightlight.pipeline.matching.sharing.terms import Media, Page
from nightlight.pipeline.matching.sharing.tests.station import ASTRAY, BROKEN, NOON, Station, many, truth

from . import rows
from .hash_server import Desk, serving


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
