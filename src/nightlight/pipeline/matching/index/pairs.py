# SPDX-License-Identifier: Apache-2.0
"""All PDQ hashes within Hamming distance 31 of a query, in one flat file: exact by two pigeonholes.

At distance 31 or less over eight 32-bit chunks some chunk differs in at most 3 bits; so one of its 16-bit halves
differs in at most 1. Hence sixteen tables, one for each half: every hash is listed under that half, and a query looks
at the half itself and at its sixteen neighbours, 272 buckets in all. An entry holds the chunk's other half, which
must differ in so few bits that both together stay within 3: that leaves about 3 in 1,000 entries, and only their
hashes are read. For a smaller radius r the same with r // 8 bits of a chunk and half of that of a half.

Equal hashes are kept once with all their ids, so repeats fill no bucket. Where the buckets hold more than a fraction of
what reading all hashes would cost (hashes that share halves), all hashes are read instead; the answer is the same.

Source of the method: multi-index hashing (Norouzi, Punjani, Fleet 2014, https://arxiv.org/abs/1307.2982), here in two
levels. Hashes are the 32 bytes of PDQ (https://github.com/facebook/ThreatExchange/tree/main/pdq), in their own order.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nightlight.foundation import native

from . import files, pairs_plain

if TYPE_CHECKING:
    from pathlib import Path

    from .files import Array

KIND, VERSION = "pairs", 1
FARTHEST = 31  # the radius for which the tables are made
_WIDTH = 32
AUTO, PROBE, SCAN = 0, 1, 2  # the last two let tests take one way


class Hits(NamedTuple):
    """What was found: arrays of one length, ascending by query, then distance, then id."""

    query: Array  # int64: which of the queries
    id: Array  # int64
    distance: Array  # uint8


class _Tables(ctypes.Structure):
    """``nl_pairs`` of pairs.c."""

    _fields_ = [
        ("n", ctypes.c_uint64),
        ("off", ctypes.c_void_p),
        ("sib", ctypes.c_void_p),
        ("rows", ctypes.c_void_p),
        ("hashes", ctypes.c_void_p),
    ]


def _declared(library: ctypes.CDLL | None) -> ctypes.CDLL | None:
    if library is None:
        return None
    number, pointer, whole = ctypes.c_uint64, ctypes.c_void_p, ctypes.c_int
    library.nl_pairs_search.restype = number
    library.nl_pairs_search.argtypes = [
        pointer, pointer, number, whole, whole, whole, pointer, number, pointer,
    ]  # fmt: skip
    library.nl_pairs_order.restype = number
    library.nl_pairs_order.argtypes = [number, pointer, pointer, pointer]
    library.nl_pairs_build.argtypes = [number, pointer, pointer, pointer, pointer]
    return library


LIBRARY = _declared(native.LIBRARY)
LEVEL = LIBRARY.nl_pairs_level() if LIBRARY else 0  # 2: AVX-512, 1: AVX2, 0: plain


def _plan(ids: Array, hashes: Array, *, compiled: bool | None) -> files.Plan:
    ids, hashes = files.checked(ids, hashes, _WIDTH)
    n = len(ids)
    digest = files.digest_of(ids, hashes)
    library = LIBRARY if compiled is not False else None
    if library is not None:
        order, spare = np.empty(n, np.uint32), np.empty(n, np.uint32)
        arguments = (files.address(hashes), files.address(order), files.address(spare))
        distinct = int(library.nl_pairs_order(n, *arguments))
        if distinct > n:
            raise MemoryError
        del spare
    else:
        order, distinct = pairs_plain.ordered(hashes)
    base = int(ids.min()) if n else 0
    narrow = n == 0 or int(ids.max()) - base < 1 << 32
    shapes: dict[str, tuple[str, tuple[int, ...]]] = {
        "off": ("<u4", (16, 65537)),
        "sib": ("<u2", (16, distinct)),
        "rows": ("<u4", (15, distinct)),
        "hashes": ("|u1", (distinct, _WIDTH)),
        "ids": ("<u4" if narrow else "<i8", (n,)),
    }
    if distinct < n:
        shapes["starts"] = ("<u4", (distinct + 1,))

    def fill(to: dict[str, Array]) -> None:
        pairs_plain.lay_out(ids, hashes, order, to, base if narrow else 0)
        if library is None:
            pairs_plain.fill_tables(to)
        elif library.nl_pairs_build(distinct, *(files.address(to[name]) for name in ("hashes", "off", "sib", "rows"))):
            raise MemoryError

    facts = {"count": n, "digest": digest, "base": base if narrow else 0}
    return files.Plan(KIND, VERSION, facts, shapes, fill)


def build(path: Path, ids: Array, hashes: Array, *, compiled: bool | None = None) -> None:
    """Write the index of ids (n,) int64 from 0, each once, and their hashes (n, 32) uint8; any order.

    Durable, and in its place only when whole. ``compiled`` False takes the numpy path. Raises ValueError for arrays of
    another kind or an id that comes twice, OSError for want of room.
    """
    files.write(path, _plan(ids, hashes, compiled=compiled))


class PairIndex:
    """A file that ``build`` wrote, mapped read-only. Any number of threads may search it at once."""

    def __init__(self, flat: files.Flat, *, compiled: bool | None = None) -> None:
        self._flat = flat
        self.path = flat.path
        self.count = int(flat.facts["count"])
        self.digest = str(flat.facts["digest"])
        self.size = flat.size
        self._base = int(flat.facts["base"])
        self._arrays = flat.arrays
        self._ids, self._starts = flat.arrays["ids"], flat.arrays.get("starts")
        self._library = LIBRARY if compiled is not False else None
        self._level = LEVEL
        self._plan = AUTO
        self._distinct = len(flat.arrays["hashes"])
        named = (files.address(flat.arrays[name]) for name in ("off", "sib", "rows", "hashes"))
        self._tables = _Tables(self._distinct, *named)
        self._at = ctypes.addressof(self._tables)
        self._plain = pairs_plain.Plain(flat.arrays)

    @classmethod
    def open(cls, path: Path, *, compiled: bool | None = None) -> PairIndex:
        """Map it; reads the header alone. Raises FileNotFoundError, or IndexDamaged if it is not such a file, whole."""
        return cls(files.read(path, KIND, VERSION), compiled=compiled)

    @classmethod
    def of(cls, ids: Array, hashes: Array, *, compiled: bool | None = None) -> PairIndex:
        """The same in memory, for what is small and changes often; arguments as in ``build``."""
        return cls(files.in_memory(_plan(ids, hashes, compiled=compiled)), compiled=compiled)

    def search(self, queries: Array, radius: int = FARTHEST) -> Hits:
        """All that lie within ``radius`` bits of each of the queries (m, 32) uint8.

        ValueError for another radius than 0 to 31.

        Exact. Runs without Python's lock in the compiled core; a batch is quicker than as many single calls.
        """
        if not 0 <= radius <= FARTHEST:
            raise ValueError(f"a radius lies between 0 and {FARTHEST}")
        if queries.ndim != 2 or queries.shape[1] != _WIDTH or queries.dtype != np.uint8:
            raise ValueError("queries must be uint8 of shape (m, 32)")
        queries = np.ascontiguousarray(queries)
        if self._library is not None:
            found = self._compiled(self._library, queries, radius)
        else:
            found = self._plain.search(queries, radius, self._plan)
        return self._named(found)

    def warm(self) -> None:
        """Make the first searches as quick as later ones: optional; a fraction of a second at ten million."""
        files.warm(self._flat)

    def verify(self) -> None:
        """Hold every array to the hashes and the hashes to the digest: minutes are not needed, but seconds at millions.

        Raises IndexDamaged (content). That the digest is the database's is for the caller to see.
        """
        wrong = pairs_plain.wrong(self._arrays, self.count)
        if wrong is None:
            ids = self._ids.astype(np.int64) + self._base
            repeats = None if self._starts is None else np.diff(self._starts)
            rows = np.arange(self._distinct) if repeats is None else np.repeat(np.arange(self._distinct), repeats)
            order = np.argsort(ids, kind="stable")
            digest = files.SourceDigest()
            for start in range(0, len(order), 1 << 18):
                part = order[start : start + (1 << 18)]
                digest.add(ids[part], self._arrays["hashes"][rows[part]])
            wrong = None if digest.hexdigest() == self.digest else "its hashes are not those it was built from"
        if wrong is not None:
            raise files.IndexDamaged("content", self.path, wrong)

    def _compiled(self, library: ctypes.CDLL, queries: Array, radius: int) -> Array:
        """Hits as (k, 3) uint32: query, row, distance."""
        m, done, room = len(queries), 0, max(64, 2 * len(queries))
        parts: list[Array] = []
        many = ctypes.c_uint64()
        while done < m:
            out = np.empty((room, 3), np.uint32)
            at = files.address(queries) + _WIDTH * done
            done_now = int(
                library.nl_pairs_search(
                    self._at,
                    at,
                    m - done,
                    radius,
                    self._plan,
                    self._level,
                    files.address(out),
                    room,
                    ctypes.byref(many),
                )
            )
            part = out[: many.value]
            if done:
                part[:, 0] += done
            parts.append(part)
            done += done_now
            if done < m:
                room = max(4 * room, 4096)  # that query alone may have more hits than there was room for
        return parts[0] if len(parts) == 1 else np.concatenate(parts) if parts else np.empty((0, 3), np.uint32)

    def _named(self, found: Array) -> Hits:
        query, row, distance = found[:, 0], found[:, 1], found[:, 2]
        if self._starts is None:
            place = row
        else:
            first = self._starts[row].astype(np.int64)
            each = self._starts[row.astype(np.int64) + 1] - first
            query, distance = np.repeat(query, each), np.repeat(distance, each)
            place = np.repeat(first - (np.cumsum(each) - each), each) + np.arange(len(query))
        ids = self._ids[place].astype(np.int64) + self._base
        if len(ids) > 1:
            order = np.lexsort((ids, distance, query))
            query, ids, distance = query[order], ids[order], distance[order]
        return Hits(query.astype(np.int64), ids, distance.astype(np.uint8))
