# SPDX-License-Identifier: Apache-2.0
"""A list as of any time: from when until when each range was in it.

What is promised:

* **Exact.** An archive is the table "range x snapshot -> was it in", so the order of imports does not matter, and a
  snapshot given twice changes nothing. Another list for the same second is refused: one of the two is wrong.
* **Covered means between two snapshots.** A snapshot is believed until the next one, but only where the next one came
  within `longest_gap`; the time between two snapshots further apart is `not-covered`, even for a range that is in
  both, and so is all time before the first and after the last one. At the second of a snapshot its list is known.
* **Half open.** A row is [since, until): `until` is the first snapshot without the range; where a gap follows it is
  one second after the last snapshot that had it; None where the range is in the last snapshot: as far as it goes.
* Each family (IPv4, IPv6, AS numbers) has snapshots of its own, because a file of IPv4 prefixes says nothing of IPv6.

Times are whole seconds (a fraction is dropped, on both sides alike).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from nightlight.casework.attribution.netdata import packing, seeking, tracks
from nightlight.casework.attribution.netdata.seeking import Seeker
from nightlight.casework.attribution.netdata.spans import (
    Family,
    Keys,
    Span,
    address_of,
    joined,
    keys_of,
    number_at,
    span_of,
    unmapped,
)
from nightlight.casework.attribution.netdata.tracks import ArchiveFault, ArchiveRefused, Ints, Track

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["STATES", "ArchiveFault", "ArchiveRefused", "IntervalArchive", "ListedState", "Row", "Verdict"]

DEFAULT_GAP = timedelta(days=1)
_CHUNK = 2_000_000  # ranges of snapshots that are put together at a time
_MOST_GAP = 200 * 366 * 86_400


class ListedState(StrEnum):
    """What a list says of an address as of a time."""

    LISTED = "listed"
    BEFORE = "before"  # earlier, no more at that time, and not again
    LATER = "later"  # only later: no clearance and no verdict
    BETWEEN = "between"  # earlier and later, not then
    NEVER = "never"
    NOT_COVERED = "not-covered"  # the list has nothing for that time

    @property
    def code(self) -> int:
        """Its number in what `many` answers."""
        return STATES.index(self)


STATES: tuple[ListedState, ...] = tuple(ListedState)
"""`STATES[code]` is the state for a code of `many`."""


class Row(NamedTuple):
    """A range and a time [since, until) in which every snapshot had it; until None: up to the last snapshot."""

    span: Span
    since: datetime
    until: datetime | None

    @property
    def prefix(self) -> str:
        """The range as text."""
        return str(self.span)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a list says of one address at one time.

    `row`: where listed, the most specific range that was; else the one that ended last before, else the one that came
    first later; None where no snapshot has the address. `since` and `until` are the row's. `earlier`, `later`: whether
    a snapshot before or after that time has the address, which is told for times that are not covered too.
    """

    state: ListedState
    row: Row | None = None
    earlier: bool = False
    later: bool = False

    @property
    def since(self) -> datetime | None:
        """When the row begins."""
        return None if self.row is None else self.row.since

    @property
    def until(self) -> datetime | None:
        """When the row ends (half open); None: as far as the list goes, or no row."""
        return None if self.row is None else self.row.until


class IntervalArchive:
    """All snapshots of one list. Never changes: growing makes another one."""

    __slots__ = ("_seekers", "_tracks", "longest_gap")

    def __init__(self, tracks_: Mapping[Family, Track] | None = None, *, longest_gap: timedelta = DEFAULT_GAP) -> None:
        if not timedelta(0) < longest_gap <= timedelta(seconds=_MOST_GAP):
            raise ValueError("The longest gap is a positive span of time.")
        self._tracks = {family: track for family, track in sorted((tracks_ or {}).items()) if len(track.times)}
        self._seekers: dict[Family, Seeker] = {}
        self.longest_gap = longest_gap

    # Making and growing

    @classmethod
    def of(cls, rows: Iterable[Row], last: datetime, *, longest_gap: timedelta = DEFAULT_GAP) -> Self:
        """Make one from rows, for a list that is known only by them; `last` is the time of its last snapshot.

        When a row begins or ends there was a snapshot of its family; no others are known, so a long time without any
        change counts as a gap. Raises ArchiveRefused for a row that is empty or ends after `last`.
        """
        found: dict[Family, list[tuple[int, int, int, int]]] = {}
        for span, since, until in rows:
            start = _seconds(since)
            end = start - 1 if until is None else _seconds(until)
            if until is not None and end <= start:
                raise ArchiveRefused(ArchiveFault.BAD_ROW, "A row ends before it begins, or when it begins.")
            found.setdefault(span.family, []).append((span.lo, span.hi, start, end))
        made = {}
        for family, items in found.items():
            lo, hi, start_column, end_column = zip(*items, strict=True)
            made[family] = tracks.of_intervals(
                keys_of(lo, family),
                keys_of(hi, family),
                np.array(start_column, dtype=np.int64),
                np.array(end_column, dtype=np.int64),
                _seconds(last),
            )
        return cls(made, longest_gap=longest_gap)

    @classmethod
    def of_snapshots(
        cls,
        snapshots: Iterable[tuple[datetime, Iterable[Span]]],
        *,
        longest_gap: timedelta = DEFAULT_GAP,
        families: Mapping[datetime, Iterable[Family]] | None = None,
    ) -> Self:
        """Make one from many full snapshots in any order, faster than growing by each. Raises ArchiveRefused.

        `families`: of which families each is the full list, besides those of its entries.
        """
        made = cls(longest_gap=longest_gap)
        held: dict[Family, list[tuple[int, Keys, Keys]]] = {}
        size = 0
        for at, spans in snapshots:
            none = {family: (keys_of([], family),) * 2 for family in (families or {}).get(at, ())}
            for family, (lo, hi) in (none | tracks.columns_of(spans)).items():
                held.setdefault(family, []).append((_seconds(at), lo, hi))
                size += len(lo) + 1
            if size >= _CHUNK:
                made, held, size = made.together(cls._of_columns(held)), {}, 0
        return made.together(cls._of_columns(held))

    @classmethod
    def _of_columns(cls, held: Mapping[Family, list[tuple[int, Keys, Keys]]]) -> Self:
        return cls({family: tracks.of_snapshots(items, family) for family, items in held.items()})

    def grown(
        self, snapshot_at: datetime, prefixes: Iterable[Span | str], families: Iterable[Family] | None = None
    ) -> Self:
        """Take in one more full snapshot, of any time: what is not in it was not listed then.

        `families`: of which families the snapshot is the full list; those of its entries where not given. Say it
        where a family may have become empty. Raises ArchiveRefused when another list is known for that second or the
        list is empty without that being said, and NotASpan for a text that is none.
        """
        columns = tracks.columns_of(span_of(item) if isinstance(item, str) else item for item in prefixes)
        wanted = set(columns) if families is None else set(families)
        if not wanted:
            raise ArchiveRefused(ArchiveFault.EMPTY, "The list is empty, and it is not said of which addresses.")
        if not wanted >= set(columns):
            raise ValueError("The snapshot holds entries of a family that it is not said to cover.")
        none = {family: (keys_of([], family), keys_of([], family)) for family in wanted}
        at = _seconds(snapshot_at)
        one = {family: tracks.of_snapshot(at, lo, hi) for family, (lo, hi) in (none | columns).items()}
        return self.together(type(self)(one, longest_gap=self.longest_gap))

    def together(self, other: IntervalArchive) -> Self:
        """Put two archives of one list together, such as a history and one's own snapshots; keeps one's own gap.

        Raises ArchiveRefused where they hold different lists for one second.
        """
        both = dict(self._tracks)
        for family, track in other._tracks.items():
            both[family] = tracks.together(both[family], track) if family in both else track
        return type(self)(both, longest_gap=self.longest_gap)

    # Bytes

    def to_bytes(self) -> bytes:
        """Write it compactly; equal archives give equal bytes. Raises ArchiveRefused for what could not be asked."""
        return packing.packed(self._tracks, int(self.longest_gap.total_seconds()))

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what `to_bytes` wrote. Raises ArchiveRefused for damaged or foreign bytes."""
        read, gap = packing.unpacked(data)
        if not 0 < gap <= _MOST_GAP:
            raise ArchiveRefused(ArchiveFault.MALFORMED, "The archive contradicts itself.")
        return cls(read, longest_gap=timedelta(seconds=gap))

    def __eq__(self, other: object) -> bool:
        """Whether both hold the same snapshots, and the same rule for gaps."""
        return (
            isinstance(other, IntervalArchive)
            and self._tracks == other._tracks
            and self.longest_gap == other.longest_gap
        )

    __hash__ = None  # type: ignore[assignment]

    # What it holds

    @property
    def families(self) -> tuple[Family, ...]:
        """The families of which it holds snapshots."""
        return tuple(self._tracks)

    @property
    def coverage(self) -> tuple[datetime, datetime] | None:
        """The times of the first and the last snapshot of any family; None where there is none."""
        spans = [self.coverage_of(family) for family in self._tracks]
        known = [span for span in spans if span is not None]
        return (min(first for first, _ in known), max(last for _, last in known)) if known else None

    def coverage_of(self, family: Family) -> tuple[datetime, datetime] | None:
        """The times of the first and the last snapshot of one family; None where there is none."""
        track = self._tracks.get(family)
        return None if track is None else (_moment(track.times[0]), _moment(track.times[-1]))

    @property
    def gaps(self) -> tuple[tuple[datetime, datetime], ...]:
        """The times between two snapshots too far apart, of any family, in order."""
        found = {gap for family in self._tracks for gap in self.gaps_of(family)}
        return tuple(sorted(found))

    def gaps_of(self, family: Family) -> tuple[tuple[datetime, datetime], ...]:
        """The times between two snapshots of one family too far apart."""
        if family not in self._tracks:
            return ()
        times = self._tracks[family].times
        wide = np.flatnonzero(np.diff(times) > self._gap)
        return tuple((_moment(times[i]), _moment(times[i + 1])) for i in wide)

    def snapshots_of(self, family: Family) -> Ints:
        """The times of all snapshots of a family, as Unix seconds."""
        return self._tracks[family].times.copy() if family in self._tracks else np.empty(0, dtype=np.int64)

    def __len__(self) -> int:
        """How many rows it holds, of all families (before they are cut at gaps)."""
        return sum(track.runs for track in self._tracks.values())

    def rows(self, family: Family) -> Iterator[Row]:
        """All rows of a family, cut at gaps, in order of range and time."""
        if (track := self._tracks.get(family)) is None:
            return
        for run in range(track.runs):
            place = int(track.first[run])
            while place <= track.last[run]:
                row, last = self._row(family, run, place)
                yield row
                place = last + 1

    def listed_at(self, when: datetime, family: Family) -> tuple[Span, ...] | None:
        """The whole list as of a time; None where that is not covered."""
        track = self._tracks.get(family)
        if track is None or (place := self._snapshot(track, _seconds(when))) is None:
            return None
        runs = np.flatnonzero((track.first <= place) & (track.last >= place))
        return tuple(self._span(family, int(track.key[run])) for run in runs)

    # Asking

    def at(self, address: str, when: datetime) -> Verdict:
        """Say what the list says of an address (IPv4-mapped counts as IPv4) at an aware time.

        Raises NotASpan for what is no address and ValueError for a time without a zone.
        """
        family, number = address_of(address)
        mapped = unmapped(Span(family, number, number))
        return self._verdict(mapped.family, mapped.lo, when)

    def at_number(self, number: int, when: datetime) -> Verdict:
        """The same for an AS number."""
        return self._verdict(Family.NUMBERS, number, when)

    def many(self, lo: npt.NDArray[np.uint32], when: Ints) -> npt.NDArray[np.int8]:
        """Say for each IPv4 address and Unix time the code of its state (`STATES[code]`)."""
        return self._codes(Family.IPV4, lo.astype(np.uint32, copy=False), when)

    def many6(self, high: npt.NDArray[np.uint64], low: npt.NDArray[np.uint64], when: Ints) -> npt.NDArray[np.int8]:
        """The same for IPv6 addresses, as their upper and lower 64 bits (mapped ones are asked by `many`)."""
        return self._codes(Family.IPV6, joined(high, low), when)

    def many_numbers(self, numbers: npt.NDArray[np.uint32], when: Ints) -> npt.NDArray[np.int8]:
        """The same for AS numbers."""
        return self._codes(Family.NUMBERS, numbers.astype(np.uint32, copy=False), when)

    def _codes(self, family: Family, keys: Keys, when: Ints) -> npt.NDArray[np.int8]:
        if family not in self._tracks:
            return np.full(len(keys), seeking.NOT_COVERED, dtype=np.int8)
        return self._seeker(family).codes(keys, when)

    def _verdict(self, family: Family, number: int, when: datetime) -> Verdict:
        asked = _seconds(when)
        if (track := self._tracks.get(family)) is None:
            return Verdict(ListedState.NOT_COVERED)
        key = keys_of([number], family)
        state = STATES[int(self._codes(family, key, np.array([asked], dtype=np.int64))[0])]
        runs = self._seeker(family).runs_of(key)
        if not len(runs):
            return Verdict(state)
        # Before the first snapshot everything is later; a snapshot in the past of a gap is earlier.
        place = int(np.searchsorted(track.times, asked, "right")) - 1
        covered = state is not ListedState.NOT_COVERED
        first, last = track.first[runs], track.last[runs]
        earlier = bool((first < place + (0 if covered else 1)).any())
        later = bool((last > place).any())
        if state is ListedState.LISTED:
            now = runs[(first <= place) & (last >= place)]
            sizes = [number_at(track.hi, int(track.key[r])) - number_at(track.lo, int(track.key[r])) for r in now]
            run, at = int(now[sizes.index(min(sizes))]), place
        elif earlier:
            ended = np.minimum(last, place)
            ended[first > place] = -1
            run, at = int(runs[int(ended.argmax())]), int(ended.max())
        else:
            run, at = int(runs[int(first.argmin())]), int(first.min())
        return Verdict(state, self._row(family, run, at)[0], earlier, later)

    def _seeker(self, family: Family) -> Seeker:
        if family not in self._seekers:
            self._seekers[family] = Seeker(self._tracks[family], self._gap)
        return self._seekers[family]

    @property
    def _gap(self) -> int:
        return int(self.longest_gap.total_seconds())

    def _snapshot(self, track: Track, when: int) -> int | None:
        place = int(np.searchsorted(track.times, when, "right")) - 1
        if place < 0:
            return None
        exact = bool(track.times[place] == when)
        near = place + 1 < len(track.times) and bool(track.times[place + 1] - track.times[place] <= self._gap)
        return place if exact or near else None

    def _span(self, family: Family, key: int) -> Span:
        track = self._tracks[family]
        return Span(family, number_at(track.lo, key), number_at(track.hi, key))

    def _row(self, family: Family, run: int, place: int) -> tuple[Row, int]:
        """The part of a run around one of its snapshots that no gap cuts, and that part's last snapshot."""
        track = self._tracks[family]
        first, last = int(track.first[run]), int(track.last[run])
        wide = np.flatnonzero(np.diff(track.times[first : last + 1]) > self._gap) + first
        cut = int(np.searchsorted(wide, place))  # the gap after `place`, if any
        first = int(wide[cut - 1]) + 1 if cut else first
        last = int(wide[cut]) if cut < len(wide) else last
        span = self._span(family, int(track.key[run]))
        since = _moment(track.times[first])
        if last + 1 == len(track.times):
            return Row(span, since, None), last
        if track.times[last + 1] - track.times[last] > self._gap:
            return Row(span, since, _moment(track.times[last] + 1)), last
        return Row(span, since, _moment(track.times[last + 1])), last


def _seconds(moment: datetime) -> int:
    if moment.utcoffset() is None:
        raise ValueError("A time without a zone names no instant.")
    return (moment - _EPOCH) // timedelta(seconds=1)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _moment(seconds: int | np.integer) -> datetime:
    return _EPOCH + timedelta(seconds=int(seconds))
