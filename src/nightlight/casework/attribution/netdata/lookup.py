# SPDX-License-Identifier: Apache-2.0
"""Which range an address lies in: sorted disjoint ranges with a value each, asked one by one or by the million.

Sorted search needs no more memory than the ranges. By the million the compiled core searches within pages of 65,536
addresses; without it numpy searches, or, for very many, reads one entry for each /24 and where that is divided a second
one for the address (DIR-24-8: Gupta, Lin, McKeown, INFOCOM 1998), 64 MB made at first use.
"""

from __future__ import annotations

import ctypes
import heapq
from functools import cached_property
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from nightlight.casework.attribution.batches import parse_many
from nightlight.casework.attribution.netdata.spans import joined
from nightlight.foundation import native

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import ArrayLike, NDArray

    Ints = NDArray[np.int32]

NOWHERE = -1
_DIVIDED = 100_000  # ranges that may begin or end inside a /24
_MANY = 200_000  # addresses from which on, without the compiled core, the table by /24 pays
_WORD = 0xFFFFFFFF
_HALF = 0xFFFFFFFFFFFFFFFF


def _declared(library: ctypes.CDLL | None) -> ctypes.CDLL | None:
    if library is None:
        return None
    pointer, number = ctypes.c_void_p, ctypes.c_uint64
    library.nl_ranges_find.argtypes = [pointer, pointer, pointer, pointer, number, pointer]
    library.nl_ranges_find6.argtypes = [number, *[pointer] * 6, number, pointer]
    return library


LIBRARY = _declared(native.LIBRARY)


def disjoint(rows: Iterable[tuple[int, int, int]]) -> tuple[list[tuple[int, int, int]], int]:
    """Cut ranges (first, last, value) so that none overlap: of those over an address the smallest has it.

    Among equally small ones the later given has it. Returns them sorted, and how many of the given ones overlapped one
    that begins before them.
    """
    ordered = sorted((first, last, place, value) for place, (first, last, value) in enumerate(rows))
    found: list[tuple[int, int, int]] = []
    overlaps, at, i = 0, 0, 0
    open_ranges: list[tuple[int, int, int, int]] = []  # smallest first, the later given first
    while i < len(ordered) or open_ranges:
        while open_ranges and open_ranges[0][2] < at:
            heapq.heappop(open_ranges)
        if not open_ranges:
            if i == len(ordered):
                break
            at = max(at, ordered[i][0])
        while i < len(ordered) and ordered[i][0] <= at:
            first, last, place, value = ordered[i]
            overlaps += any(other[2] >= first for other in open_ranges[:1])
            heapq.heappush(open_ranges, (last - first, -place, last, value))
            i += 1
        _, _, last, value = open_ranges[0]
        if last < at:
            continue
        until = min(last, ordered[i][0] - 1) if i < len(ordered) else last
        if found and found[-1][2] == value and found[-1][1] == at - 1:
            found[-1] = (found[-1][0], until, value)
        else:
            found.append((at, until, value))
        at = until + 1
    return found, overlaps


class RangeTable:
    """Sorted disjoint IPv4 ranges, each with a value from 0 on. Raises ValueError for others."""

    def __init__(self, starts: ArrayLike, ends: ArrayLike, values: ArrayLike) -> None:
        self.starts = np.ascontiguousarray(starts, dtype=np.uint32)
        self.ends = np.ascontiguousarray(ends, dtype=np.uint32)
        self.values = np.ascontiguousarray(values, dtype=np.int32)
        if not len(self.starts) == len(self.ends) == len(self.values):
            raise ValueError("A start, an end and a value for each range.")
        if (self.ends < self.starts).any():
            raise ValueError("A range ends before it begins.")
        if (self.starts[1:] <= self.ends[:-1]).any():
            raise ValueError("Ranges overlap or are not sorted.")
        pages = np.arange(65537, dtype=np.uint64) << np.uint64(16)
        self._index = np.searchsorted(self.starts, pages, side="left").astype(np.uint32)
        self._direct: tuple[Ints, Ints] | None = None

    @classmethod
    def of(cls, rows: Iterable[tuple[int, int, int]]) -> RangeTable:
        """Make one of ranges (first, last, value) in any order that may lie inside each other (`disjoint`)."""
        cut, _ = disjoint(rows)
        columns = np.array(cut, dtype=np.int64).reshape(-1, 3)
        return cls(columns[:, 0], columns[:, 1], columns[:, 2])

    def __len__(self) -> int:
        return len(self.starts)

    def find(self, address: str | int | IPv4Address) -> int:
        """The value of the range that an address lies in, or -1."""
        place = self.place(int(IPv4Address(address)))
        return NOWHERE if place == NOWHERE else int(self.values[place])

    def place(self, number: int) -> int:
        """Which range a number lies in, or -1."""
        place = int(np.searchsorted(self.starts, np.uint32(number), side="right")) - 1
        return place if place >= 0 and number <= self.ends[place] else NOWHERE

    def many(self, addresses: NDArray[np.uint32], *, compiled: bool | None = None) -> Ints:
        """The values of many addresses, -1 where one lies in none."""
        return _taken(self.values, self.places(addresses, compiled=compiled))

    def places(self, addresses: NDArray[np.uint32], *, compiled: bool | None = None) -> Ints:
        """Which range each address lies in, or -1. ``compiled`` False takes a numpy path."""
        queries = np.ascontiguousarray(addresses, dtype=np.uint32)
        found = np.empty(len(queries), np.int32)
        library = LIBRARY if compiled is not False else None
        if library is not None:
            columns = (self.starts, self.ends, self._index, queries)
            library.nl_ranges_find(*(column.ctypes.data for column in columns), len(queries), found.ctypes.data)
        elif len(queries) < _MANY or not self._by_24_pays:
            found[:] = np.searchsorted(self.starts, queries, side="right") - 1
            if len(self):
                found[(found >= 0) & (queries > self.ends[found])] = NOWHERE
        else:
            found[:] = self._by_24(queries)
        return found

    @cached_property
    def _by_24_pays(self) -> bool:
        """Whether most ranges consist of whole /24, as those of networks do: each other one costs 256 places."""
        inside = ((self.starts & np.uint32(0xFF)) != 0) | ((self.ends & np.uint32(0xFF)) != 0xFF)
        return int(inside.sum()) <= _DIVIDED

    def _by_24(self, queries: NDArray[np.uint32]) -> Ints:
        if self._direct is None:
            self._direct = self._divided()
        first, second = self._direct
        found: Ints = first[queries >> np.uint32(8)]
        further = np.flatnonzero(found < NOWHERE)
        at = (-2 - found[further].astype(np.int64)) * 256 + (queries[further] & np.uint32(0xFF))
        found[further] = second[at]
        return found

    def _divided(self) -> tuple[Ints, Ints]:
        """The place for each /24; where it is divided, -2 - n: the n-th block of 256 places in the second table."""
        first = np.full(1 << 24, NOWHERE, np.int32)
        low, high = self.starts >> np.uint32(8), self.ends >> np.uint32(8)
        whole_from = low + ((self.starts & np.uint32(0xFF)) != 0)
        whole_to = high.astype(np.int64) - ((self.ends & np.uint32(0xFF)) != 0xFF)
        counts = np.maximum(0, whole_to - whole_from + 1)
        places = np.repeat(np.arange(len(self), dtype=np.int32), counts)
        offsets = np.arange(len(places)) - np.repeat(np.cumsum(counts) - counts, counts)
        first[np.repeat(whole_from.astype(np.int64), counts) + offsets] = places
        divided = np.unique(
            np.concatenate((low[(self.starts & np.uint32(0xFF)) != 0], high[(self.ends & np.uint32(0xFF)) != 0xFF]))
        ).astype(np.uint32)
        inside = (divided[:, None].astype(np.uint32) << np.uint32(8)) + np.arange(256, dtype=np.uint32)
        flat = inside.reshape(-1)
        second = (np.searchsorted(self.starts, flat, side="right") - 1).astype(np.int32)
        second[(second >= 0) & (flat > self.ends[second])] = NOWHERE
        first[divided] = -2 - np.arange(len(divided), dtype=np.int32)
        return first, second


class RangeTable6:
    """Sorted disjoint IPv6 ranges, each with a value from 0 on; numbers are whole numbers of 128 bits."""

    _columns: ClassVar[tuple[str, ...]] = ("_starts_high", "_starts_low", "_ends_high", "_ends_low")

    def __init__(self, starts: Sequence[int], ends: Sequence[int], values: ArrayLike) -> None:
        self.values = np.ascontiguousarray(values, dtype=np.int32)
        if not len(starts) == len(ends) == len(self.values):
            raise ValueError("A start, an end and a value for each range.")
        if any(end < start for start, end in zip(starts, ends, strict=True)):
            raise ValueError("A range ends before it begins.")
        if any(later <= end for end, later in zip(ends, starts[1:], strict=False)):
            raise ValueError("Ranges overlap or are not sorted.")
        self._starts_high, self._starts_low = _halves(starts)
        self._ends_high, self._ends_low = _halves(ends)
        self._starts = joined(self._starts_high, self._starts_low)
        self._ends = joined(self._ends_high, self._ends_low)

    @classmethod
    def of(cls, rows: Iterable[tuple[int, int, int]]) -> RangeTable6:
        """Make one of ranges (first, last, value) in any order that may lie inside each other (`disjoint`)."""
        cut, _ = disjoint(rows)
        return cls([row[0] for row in cut], [row[1] for row in cut], [row[2] for row in cut])

    def __len__(self) -> int:
        return len(self.values)

    def range_at(self, place: int) -> tuple[int, int]:
        """First and last number of a range."""
        return (
            int(self._starts_high[place]) << 64 | int(self._starts_low[place]),
            int(self._ends_high[place]) << 64 | int(self._ends_low[place]),
        )

    def find(self, address: str | int | IPv6Address) -> int:
        """The value of the range that an address lies in, or -1."""
        number = int(IPv6Address(address))
        found = self.many(np.array([number >> 64], np.uint64), np.array([number & _HALF], np.uint64))
        return int(found[0])

    def many(self, high: NDArray[np.uint64], low: NDArray[np.uint64], *, compiled: bool | None = None) -> Ints:
        """The values of many addresses, each as two halves, -1 where one lies in none."""
        return _taken(self.values, self.places(high, low, compiled=compiled))

    def places(self, high: NDArray[np.uint64], low: NDArray[np.uint64], *, compiled: bool | None = None) -> Ints:
        """Which range each address lies in, or -1. ``compiled`` False takes the numpy path."""
        high, low = np.ascontiguousarray(high, np.uint64), np.ascontiguousarray(low, np.uint64)
        library = LIBRARY if compiled is not False else None
        if library is not None:
            found = np.empty(len(high), np.int32)
            columns = [getattr(self, name).ctypes.data for name in self._columns]
            library.nl_ranges_find6(
                len(self), *columns, high.ctypes.data, low.ctypes.data, len(high), found.ctypes.data
            )
            return found
        keys = joined(high, low)
        found = (np.searchsorted(self._starts, keys, side="right") - 1).astype(np.int32)
        inside = found >= 0
        inside[inside] = keys[inside] <= self._ends[found[inside]]
        return np.where(inside, found, np.int32(NOWHERE))


def _halves(numbers: Sequence[int]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    return (
        np.array([number >> 64 for number in numbers], dtype=np.uint64),
        np.array([number & _HALF for number in numbers], dtype=np.uint64),
    )


def _taken(values: Ints, places: Ints) -> Ints:
    if not len(values):
        return places
    found = values[places]  # -1 takes the last one, put right below
    found[places == NOWHERE] = NOWHERE
    return found


def look_up_texts(
    table: RangeTable, texts: Sequence[str], table6: RangeTable6 | None = None, *, compiled: bool | None = None
) -> Ints:
    """The values of addresses written as text, -1 where one lies in no range or is no address."""
    parsed = parse_many(texts, compiled=compiled)
    found = table.many(parsed.v4, compiled=compiled)
    others = np.flatnonzero(parsed.version != 4)
    if len(others):
        found[others] = NOWHERE
        sixes = np.flatnonzero(parsed.version == 6)
        if table6 is not None and len(sixes):
            found[sixes] = table6.many(parsed.high[sixes], parsed.low[sixes], compiled=compiled)
    return found


def tables_of(prefixes: Iterable[tuple[str, int]]) -> tuple[RangeTable, RangeTable6]:
    """Make tables of prefixes or single addresses as text, each with a value, one per version. Raises ValueError."""
    rows: dict[int, list[tuple[int, int, int]]] = {4: [], 6: []}
    for prefix, value in prefixes:
        address, slash, length = prefix.partition("/")
        found = ip_address(address)
        below = (1 << (found.max_prefixlen - int(length))) - 1 if slash else 0
        rows[found.version].append((int(found) & ~below, int(found) | below, value))
    return RangeTable.of(rows[4]), RangeTable6.of(rows[6])
