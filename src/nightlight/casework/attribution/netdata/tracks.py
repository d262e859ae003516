# SPDX-License-Identifier: Apache-2.0
"""Which ranges of one family were in which snapshots of a list: the rows of an interval archive.

A track is exactly the table "range x snapshot -> was it in", written as runs of snapshots. So the order in which
snapshots came in cannot matter: two tracks are put together by putting their tables together.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from nightlight.casework.attribution.netdata.spans import Family, Keys, keys_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nightlight.casework.attribution.netdata.spans import Span

Ints: TypeAlias = npt.NDArray[np.int64]

MOST_PIECES = 60_000_000
"""More runs than this are refused: no list is near it, and they would not fit into a small machine."""
FIRST_TIME, LAST_TIME = -62_135_510_400, 253_402_214_400
"""Unix seconds between which times of snapshots lie: those that have a date, with a day to spare at both ends."""


class ArchiveFault(StrEnum):
    """Why snapshots cannot be put together, or bytes are no archive."""

    CONFLICT = "conflict"  # two different lists for one second
    TOO_LARGE = "too-large"
    NOT_AN_ARCHIVE = "not-an-archive"
    VERSION = "version"
    TRUNCATED = "truncated"
    CHECKSUM = "checksum"
    MALFORMED = "malformed"
    BAD_ROW = "bad-row"
    EMPTY = "empty"  # a snapshot without entries, and not said of which family


class ArchiveRefused(ValueError):
    """Nothing was taken in; ``code`` says why, ``sentence`` says it to a person."""

    def __init__(self, code: ArchiveFault, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Track:
    """The runs of one family.

    `times`: Unix seconds of the snapshots, rising. `lo`, `hi`: the distinct inclusive ranges, in order. A run is range
    `key[i]` in every snapshot from `first[i]` to `last[i]` (inclusive); runs are in order of key and first, and two
    runs of one range never touch.
    """

    times: Ints
    lo: Keys
    hi: Keys
    key: Ints
    first: Ints
    last: Ints

    def __eq__(self, other: object) -> bool:
        """Whether both say the same."""
        return isinstance(other, Track) and all(
            np.array_equal(getattr(self, name), getattr(other, name)) for name in self.__slots__
        )

    __hash__ = None  # type: ignore[assignment]

    @property
    def runs(self) -> int:
        """How many runs there are."""
        return len(self.key)


def empty(family: Family) -> Track:
    """A track without any snapshot."""
    none, keys = np.empty(0, dtype=np.int64), keys_of([], family)
    return Track(none, keys, keys, none, none, none)


def of_columns(lo: Keys, hi: Keys, first: Ints, last: Ints, times: Ints) -> Track:
    """Make a track from runs in any order, which may repeat, touch or overlap within one range."""
    if not len(lo):
        return Track(times, lo, hi, first, first, first)
    order = np.lexsort((first, hi, lo))
    lo, hi, first, last = lo[order], hi[order], first[order], last[order]
    new = np.ones(len(lo), dtype=bool)
    new[1:] = (lo[1:] != lo[:-1]) | (hi[1:] != hi[:-1])
    key = np.cumsum(new) - 1
    starts, begin, end = merged_runs(key, first, last, len(times))
    return Track(times, lo[new], hi[new], key[starts], begin, end)


def merged_runs(group: Ints, first: Ints, last: Ints, snapshots: int) -> tuple[Ints, Ints, Ints]:
    """Join the runs of each group that touch or overlap; the input is in order of group and first.

    Returns where each joined run begins in the input, its first and its last snapshot.
    """
    width = snapshots + 2
    begin, end = group * width + first, group * width + last + 1
    reach = np.maximum.accumulate(end)  # groups lie apart, so an earlier group's end is never in the way
    new = np.ones(len(begin), dtype=bool)
    new[1:] = begin[1:] > reach[:-1]
    starts = np.flatnonzero(new)
    stops = np.append(starts[1:], len(begin)) - 1
    return starts, first[starts], reach[stops] - group[starts] * width - 1


def of_snapshot(at: int, lo: Keys, hi: Keys) -> Track:
    """Make the track of one snapshot (Unix seconds); a range that stands in it twice counts once."""
    zero = np.zeros(len(lo), dtype=np.int64)
    return of_columns(lo, hi, zero, zero, np.array([at], dtype=np.int64))


def columns_of(spans: Iterable[Span]) -> dict[Family, tuple[Keys, Keys]]:
    """Sort spans by family into columns of first and last numbers."""
    found: dict[Family, tuple[list[int], list[int]]] = {}
    for family, low, high in spans:
        if high < low:
            raise ArchiveRefused(ArchiveFault.BAD_ROW, "A range ends before it begins.")
        lows, highs = found.setdefault(family, ([], []))
        lows.append(low)
        highs.append(high)
    return {family: (keys_of(lows, family), keys_of(highs, family)) for family, (lows, highs) in found.items()}


def of_snapshots(snapshots: list[tuple[int, Keys, Keys]], family: Family) -> Track:
    """Make the track of several snapshots (Unix seconds, ranges) in any order. Raises ArchiveRefused."""
    ordered = sorted(snapshots, key=lambda item: item[0])
    times = np.array([at for at, _, _ in ordered], dtype=np.int64)
    if not (np.diff(times) > 0).all():  # seldom, so slowly: each has to be compared with its double
        made = empty(family)
        for at, lo, hi in ordered:
            made = together(made, of_snapshot(at, lo, hi))
        return made
    index = np.repeat(np.arange(len(ordered), dtype=np.int64), [len(lo) for _, lo, _ in ordered])
    lo, hi = (np.concatenate([item[i] for item in ordered]) for i in (1, 2))
    return of_columns(lo, hi, index, index, times)


def of_intervals(lo: Keys, hi: Keys, since: Ints, until: Ints, last: int) -> Track:
    """Make a track from rows (range, since, until half open; `until` below `since` means: still in the last snapshot).

    `last` is the time of the last snapshot. A list known only by such rows was looked at, for all we know, when one of
    them began or ended, so these are its snapshots.
    Raises ArchiveRefused for a row that ends when it begins, or after the last snapshot.
    """
    still = until < since
    if (until == since).any() or (until > last).any() or (since > last).any() or (hi < lo).any():
        raise ArchiveRefused(ArchiveFault.BAD_ROW, "A row ends before it begins, or after the last snapshot.")
    times = np.unique(np.concatenate([since, until[~still], np.array([last], dtype=np.int64)]))
    first = np.searchsorted(times, since)
    end = np.where(still, len(times) - 1, np.searchsorted(times, until) - 1)
    return of_columns(lo, hi, first.astype(np.int64), end.astype(np.int64), times)


def together(one: Track, other: Track) -> Track:
    """Put two tracks of one list together. Raises ArchiveRefused where they contradict each other for one second."""
    if not len(one.times) or not len(other.times):
        return one if len(one.times) else other
    common = np.intersect1d(one.times, other.times, assume_unique=True)
    if len(common):
        _must_agree(one, other, common)
        if len(common) == len(other.times):
            return one
        if len(common) == len(one.times):
            return other
    times = np.union1d(one.times, other.times)
    mine = np.zeros(len(times), dtype=bool)
    mine[np.searchsorted(times, one.times)] = True
    # What one track says holds for its own snapshots only: its runs are cut where the other's lie between.
    changes = np.flatnonzero(np.diff(mine)) + 1
    begins = np.concatenate([[0], changes])
    ends = np.append(changes, len(times)) - 1
    parts = [
        _cut(track, np.searchsorted(times, track.times), begins, ends, np.flatnonzero(mine[begins] == owned))
        for track, owned in ((one, True), (other, False))
    ]
    lo, hi, first, last = (np.concatenate([part[i] for part in parts]) for i in range(4))
    return of_columns(lo, hi, first, last, times)


def _cut(track: Track, place: Ints, begins: Ints, ends: Ints, owned: Ints) -> tuple[Keys, Keys, Ints, Ints]:
    """Cut the runs of a track, moved to a longer list of snapshots, at the blocks of snapshots that it owns."""
    first, last = place[track.first], place[track.last]
    block_of = np.searchsorted(begins, np.concatenate([first, last]), "right") - 1
    from_block = np.searchsorted(owned, block_of[: len(first)], "left")
    to_block = np.searchsorted(owned, block_of[len(first) :], "right")
    counts = to_block - from_block
    if counts.sum() > MOST_PIECES:
        raise ArchiveRefused(ArchiveFault.TOO_LARGE, "These snapshots together have too many rows.")
    run = np.repeat(np.arange(len(first)), counts)
    block = owned[from_block[run] + _within(counts)]
    key = track.key[run]
    return track.lo[key], track.hi[key], np.maximum(first[run], begins[block]), np.minimum(last[run], ends[block])


def _within(counts: Ints) -> Ints:
    """0, 1, … within each group of the given sizes."""
    total = int(counts.sum())
    return np.arange(total, dtype=np.int64) - np.repeat(np.cumsum(counts) - counts, counts)


def _must_agree(one: Track, other: Track, common: Ints) -> None:
    if _only(one, common) == _only(other, common):
        return
    good, bad = 0, len(common)  # the first `good` agree, the first `bad` do not
    while bad - good > 1:
        middle = (good + bad) // 2
        agree = _only(one, common[:middle]) == _only(other, common[:middle])
        good, bad = (middle, bad) if agree else (good, middle)
    text = f"There is already another list for the same second (Unix time {common[good]})."
    raise ArchiveRefused(ArchiveFault.CONFLICT, text)


def _only(track: Track, times: Ints) -> Track:
    """The same track as if it had been looked at only at some of its times."""
    place = np.searchsorted(times, track.times)  # the first chosen snapshot not before each of the track's
    first = place[track.first]
    last = np.searchsorted(times, track.times[track.last], "right") - 1
    seen = first <= last
    key = track.key[seen]
    return of_columns(track.lo[key], track.hi[key], first[seen], last[seen], times)
