# SPDX-License-Identifier: Apache-2.0
"""The pair index without the compiled core: the same file and answers by numpy alone, and the check of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .files import Array

_TABLES = 16
_SIBLING = np.arange(_TABLES) ^ 1
_FLIPS = np.array([0, *(1 << bit for bit in range(16))])  # a half itself, then its neighbours
_BLOCK = 1 << 16
_FEW = 2048  # so few hashes are read sooner than 272 buckets are found
_PROBE, _SCAN = 1, 2


def ordered(hashes: Array) -> tuple[Array, int]:
    """Row numbers in the order of their hashes (n, 32), equal ones as they came.

    And how many distinct ones there are.
    """
    words = hashes.view(">u8")
    first = words[:, 0].astype(np.uint64)
    order = np.argsort(first).astype(np.uint32)
    first = first[order]
    same = np.zeros(len(order) + 1, bool)
    same[1:-1] = first[1:] == first[:-1]
    tied = np.flatnonzero(same[1:] | same[:-1])  # alike in the first 64 bits: rare unless hashes repeat
    if len(tied):
        rows = order[tied]
        columns = [words[rows, column] for column in (3, 2, 1, 0)]
        order[tied] = rows[np.lexsort((rows, *columns))]
    return order, len(order) - int(np.count_nonzero(_repeats(hashes, order)))


def _repeats(hashes: Array, order: Array) -> Array:
    """Whether each row of that order has the hash of the row before it."""
    words = hashes.view(np.uint64)
    repeats = np.zeros(len(order), bool)
    for start in range(1, len(order), _BLOCK):
        part = words[order[start - 1 : start + _BLOCK]]
        repeats[start : start + _BLOCK] = np.all(part[1:] == part[:-1], axis=1)
    return repeats


def lay_out(ids: Array, hashes: Array, order: Array, to: dict[str, Array], base: int) -> None:
    """Fill hashes, ids and, where hashes repeat, starts."""
    firsts = order
    if "starts" in to:
        begin = np.flatnonzero(~_repeats(hashes, order))
        to["starts"][:-1] = begin
        to["starts"][-1] = len(order)
        firsts = order[begin]
    words, goal = hashes.view(np.uint64), to["hashes"].view(np.uint64)
    for start in range(0, len(firsts), _BLOCK):
        np.take(words, firsts[start : start + _BLOCK], axis=0, out=goal[start : start + _BLOCK], mode="clip")
    for start in range(0, len(order), _BLOCK):
        to["ids"][start : start + _BLOCK] = ids[order[start : start + _BLOCK]] - base


def fill_tables(to: dict[str, Array]) -> None:
    """Fill off, sib and rows from the sorted, distinct hashes."""
    halves = to["hashes"].view(">u2")
    for table in range(_TABLES):
        keys = halves[:, table].astype(np.uint16)
        order = np.argsort(keys, kind="stable")
        to["off"][table, 1:] = np.cumsum(np.bincount(keys, minlength=65536))
        to["sib"][table] = halves[:, table ^ 1].astype(np.uint16)[order]
        if table:
            to["rows"][table - 1] = order


def wrong(arrays: dict[str, Array], count: int) -> str | None:
    """What in a file's arrays does not follow from its hashes, as half a sentence; None if all does."""
    halves = arrays["hashes"].view(">u2")
    n = len(halves)
    starts = arrays.get("starts")
    last = n if starts is None else int(starts[-1])
    if len(arrays["ids"]) != count or last != count or (starts is not None and bool(np.any(starts[1:] <= starts[:-1]))):
        return "it has not an id for each hash"
    for table in range(_TABLES):
        keys = halves[:, table].astype(np.uint16)
        rows = np.arange(n) if table == 0 else arrays["rows"][table - 1]
        if len(rows) and int(rows.max()) >= n:
            return f"table {table} names hashes that are not there"
        met = np.zeros(n, bool)
        met[rows] = True
        at = np.concatenate([[0], np.cumsum(np.bincount(keys, minlength=65536))])
        if not (
            bool(met.all())
            and np.array_equal(arrays["off"][table], at)
            and np.array_equal(keys[rows], np.repeat(np.arange(65536, dtype=np.uint16), np.diff(at)))
            and np.array_equal(arrays["sib"][table], halves[:, table ^ 1].astype(np.uint16)[rows])
        ):
            return f"table {table} does not list its hashes"
    return None


class Plain:
    """Searches the arrays of an index."""

    def __init__(self, arrays: dict[str, Array]) -> None:
        self._words = arrays["hashes"].view(np.uint64)
        self._n = len(self._words)
        self._off = arrays["off"].reshape(-1)
        self._sib = arrays["sib"].reshape(-1)
        self._rows = arrays["rows"].reshape(-1)

    def search(self, queries: Array, radius: int, plan: int) -> Array:
        """Hits as (k, 3) uint32: query, row, distance. ``plan`` as in pairs."""
        found = []
        for number, query in enumerate(queries):
            rows = None if plan == _SCAN or (plan != _PROBE and self._n < _FEW) else self._probe(query, radius, plan)
            hits = self._scan(query, radius) if rows is None else self._near(query, radius, rows)
            if len(hits):
                found.append(np.insert(hits, 0, number, axis=1))
        return np.concatenate(found) if found else np.empty((0, 3), np.uint32)

    def _probe(self, query: Array, radius: int, plan: int) -> Array | None:
        """Rows that may lie within the radius, each once.

        None if reading all hashes costs less than looking at them.
        """
        pair = radius // 8
        flips = _FLIPS if pair // 2 else _FLIPS[:1]
        halves = query.view(">u2").astype(np.int64)
        keys = (np.arange(_TABLES)[:, None] * 65537 + (halves[:, None] ^ flips)).ravel()
        begin = self._off[keys].astype(np.int64)
        lengths = self._off[keys + 1] - begin
        if plan != _PROBE and int(lengths.sum()) > 4 * self._n:
            return None
        table = np.repeat(np.arange(_TABLES), len(flips))
        at = table * self._n + begin
        sib = self._sib
        entries = np.concatenate([sib[a:b] for a, b in zip(at.tolist(), (at + lengths).tolist(), strict=True)])
        entries ^= np.repeat(halves[_SIBLING[table]].astype(np.uint16), lengths)
        limits = np.where(np.arange(len(at)) % len(flips), pair - 1, pair).astype(np.uint8)
        passed = np.flatnonzero(np.bitwise_count(entries) <= np.repeat(limits, lengths))
        if plan != _PROBE and len(passed) > self._n // 64 + 256:
            return None
        ends = np.cumsum(lengths)
        bucket = np.searchsorted(ends, passed, side="right")
        place = at[bucket] + passed - (ends - lengths)[bucket]
        first = place < self._n  # table 0 is in the order of the hashes
        return np.unique(np.concatenate([place[first], self._rows[place[~first] - self._n]]))

    def _near(self, query: Array, radius: int, rows: Array) -> Array:
        distances = np.bitwise_count(self._words[rows] ^ query.view(np.uint64)).sum(axis=1)
        close = distances <= radius
        return np.stack([rows[close].astype(np.uint32), distances[close].astype(np.uint32)], axis=1)

    def _scan(self, query: Array, radius: int) -> Array:
        parts = [np.empty((0, 2), np.uint32)]
        for start in range(0, self._n, _BLOCK):
            near = self._near_block(query, radius, start)
            if len(near):
                parts.append(near)
        return np.concatenate(parts)

    def _near_block(self, query: Array, radius: int, start: int) -> Array:
        block = self._words[start : start + _BLOCK]
        distances = np.bitwise_count(block ^ query.view(np.uint64)).sum(axis=1)
        rows = np.flatnonzero(distances <= radius)
        return np.stack([rows.astype(np.uint32) + np.uint32(start), distances[rows].astype(np.uint32)], axis=1)
