# SPDX-License-Identifier: Apache-2.0
"""Finds an address in a track as of a time, one or a million at once.

The addresses are cut at every border of a range, so that each piece lies in the same ranges throughout; for each piece
the runs of its ranges are joined. Both steps are then one binary search. Ranges may nest and overlap.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nightlight.casework.attribution.netdata.spans import Keys, after
from nightlight.casework.attribution.netdata.tracks import (
    MOST_PIECES,
    ArchiveFault,
    ArchiveRefused,
    Ints,
    Track,
    merged_runs,
)

_NESTED = 10_000_000  # pieces of which a look-up can be made on a small machine, however the ranges lie
_NESTED_EACH = 4  # or this many for each run

LISTED, BEFORE, LATER, BETWEEN, NEVER, NOT_COVERED = range(6)


def must_be_sought(track: Track) -> None:
    """Raise ArchiveRefused where ranges nest so deeply that no look-up could be made: asked before a list is kept."""
    past, beyond = after(track.hi)
    borders = np.unique(np.concatenate([track.lo, past[~beyond]]))
    first = np.searchsorted(borders, track.lo)
    counts = (np.where(beyond, len(borders), np.searchsorted(borders, past)) - first)[track.key]
    if counts.sum() > _most_pieces(track):
        raise _too_deep()


def _most_pieces(track: Track) -> int:
    return min(MOST_PIECES, max(_NESTED, _NESTED_EACH * track.runs))


def _too_deep() -> ArchiveRefused:
    return ArchiveRefused(ArchiveFault.TOO_LARGE, "The ranges of this list nest too deeply.")


class Seeker:
    """A track made ready for look-ups. Raises ArchiveRefused where its ranges nest beyond reason."""

    __slots__ = ("_begin", "_borders", "_covered", "_end", "_piece_begin", "_piece_run", "_times", "_width")

    def __init__(self, track: Track, longest_gap: int) -> None:
        self._times = track.times
        past, beyond = after(track.hi)
        self._borders = np.unique(np.concatenate([track.lo, past[~beyond]]))
        from_piece = np.searchsorted(self._borders, track.lo)
        to_piece = np.where(beyond, len(self._borders), np.searchsorted(self._borders, past))
        counts = (to_piece - from_piece)[track.key]
        if counts.sum() > _most_pieces(track):
            raise _too_deep()
        run = np.repeat(np.arange(track.runs, dtype=np.int64), counts)
        offset = np.arange(len(run), dtype=np.int64) - np.repeat(np.cumsum(counts) - counts, counts)
        piece = from_piece[track.key[run]] + offset
        if len(run) > track.runs or not bool((np.diff(piece) >= 0).all()):  # ranges overlap: bring pieces together
            order = np.lexsort((track.first[run], piece))
            run, piece = run[order], piece[order]
        self._piece_run = run.astype(np.int32)
        self._piece_begin = np.searchsorted(piece, np.arange(len(self._borders) + 1))
        self._width = len(track.times) + 2
        starts, first, last = (
            merged_runs(piece, track.first[run], track.last[run], len(track.times)) if len(run) else (run, run, run)
        )
        self._begin = piece[starts] * self._width + first
        self._end = piece[starts] * self._width + last + 1
        # A snapshot holds until the next one, unless that is too far away; the last one holds for its second only.
        self._covered = np.append(np.diff(track.times) <= longest_gap, [False])

    def codes(self, keys: Keys, when: Ints) -> npt.NDArray[np.int8]:
        """Say for each address and Unix time what the list says of it."""
        result = np.full(len(keys), NOT_COVERED, dtype=np.int8)
        if not len(self._times):
            return result
        snapshot = np.searchsorted(self._times, when, "right") - 1
        known = snapshot >= 0
        known &= self._covered[snapshot] | (self._times[snapshot] == when)
        listed, earlier, later = self.around(keys, snapshot)
        states = np.where(earlier, np.where(later, BETWEEN, BEFORE), np.where(later, LATER, NEVER))
        states[listed] = LISTED
        result[known] = states[known]
        return result

    def around(
        self, keys: Keys, snapshot: Ints
    ) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Whether each address is in the given snapshot (-1: before the first), in an earlier one, in a later one."""
        if not len(self._begin):
            none = np.zeros(len(keys), dtype=bool)
            return none, none, none
        piece = np.searchsorted(self._borders, keys, "right") - 1
        base = piece * self._width  # of piece -1, before all ranges: below every run
        place = base + snapshot
        run = np.searchsorted(self._begin, place, "right") - 1
        listed = (run >= 0) & (self._end[run] > place) & (snapshot >= 0)
        earlier = (run >= 0) & (self._begin[run] >= base) & (self._begin[run] < place)
        following = np.minimum(run + 1, len(self._begin) - 1)
        later = (run + 1 < len(self._begin)) & (self._begin[following] < base + self._width)
        later |= listed & (self._end[run] > place + 1)
        return listed, earlier, later

    def runs_of(self, keys: Keys) -> npt.NDArray[np.int32]:
        """The numbers of all runs whose range holds the one address in `keys`."""
        piece = int(np.searchsorted(self._borders, keys, "right")[0]) - 1
        if piece < 0:
            return self._piece_run[:0]
        return self._piece_run[self._piece_begin[piece] : self._piece_begin[piece + 1]]
