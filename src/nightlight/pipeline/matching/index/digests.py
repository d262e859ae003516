# SPDX-License-Identifier: Apache-2.0
"""Exact look-up of MD5, SHA-1 or SHA-256 digests in one sorted flat file that all processes share.

A record is the digest without its first two or three bytes (the prefix), then the id in as few bytes as the ids of
this file need. Records lie sorted by digest, then id. Where a prefix's records lie is said by a row of bits: for each
prefix a 1 for each record and then a 0, with a sample of the count before every 32nd prefix. A million or more
records share three bytes, so that a prefix has few records; that is 16 bytes for an MD5 with its id, where the digest
alone has 16.
"""

from __future__ import annotations

import ctypes
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from nightlight.foundation import native

from . import files

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .files import Array

KIND, VERSION = "digests", 1
WIDTHS = {"md5": 16, "sha1": 20, "sha256": 32}  # bytes: RFC 1321, FIPS 180-4
_SHARED = 32  # prefixes to a sample
_MANY = 1 << 20  # records from which on a prefix has three bytes
_BLOCK = 1 << 18
_SEVERAL = -2


class _Layout(ctypes.Structure):
    """``nl_digests`` of digests.c."""

    _fields_ = [
        ("records", ctypes.c_void_p),
        ("step", ctypes.c_uint64),
        ("tail", ctypes.c_uint64),
        ("samples", ctypes.c_void_p),
        ("bits", ctypes.c_void_p),
        ("dropped", ctypes.c_uint64),
        ("base", ctypes.c_int64),
    ]


def _declared(library: ctypes.CDLL | None) -> ctypes.CDLL | None:
    if library is not None:
        pointer = ctypes.c_void_p
        library.nl_digests_find_one.restype = ctypes.c_int64
        library.nl_digests_find_one.argtypes = [pointer, ctypes.c_char_p]
        library.nl_digests_find.restype = None
        library.nl_digests_find.argtypes = [pointer, pointer, ctypes.c_uint64, pointer, pointer]
    return library


LIBRARY = _declared(native.LIBRARY)


def _words(values: Array) -> Array:
    """Rows of bytes as big-endian words (n, ceil(width / 8)), which compare as the bytes do."""
    padded = np.zeros((len(values), -(-values.shape[1] // 8) * 8), np.uint8)
    padded[:, : values.shape[1]] = values
    return padded.view(">u8").astype(np.uint64)


def _first_words(values: Array, start: int = 0) -> Array:
    return np.ascontiguousarray(values[:, start : start + 8]).view(">u8").ravel().astype(np.uint64)


def _ids(records: Array, tail: int, base: int, places: Array) -> Array:
    offsets = np.zeros((len(places), 8), np.uint8)
    offsets[:, : records.shape[1] - tail] = records[places, tail:]
    return offsets.view("<u8").ravel().astype(np.int64) + base


def _compiled(library: ctypes.CDLL, layout: int, digests: Array) -> tuple[Array, Array]:
    first, count = np.empty(len(digests), np.uint32), np.empty(len(digests), np.uint32)
    library.nl_digests_find(layout, files.address(digests), len(digests), files.address(first), files.address(count))
    return first.astype(np.int64), count.astype(np.int64)


def _finder(library: ctypes.CDLL, layout: _Layout, records: Array, width: int) -> Callable[[bytes], list[int]]:
    """``find_one`` in the compiled core: a closure, for a look-up takes no longer than a method's bookkeeping."""
    one, at = library.nl_digests_find_one, ctypes.addressof(layout)

    def find_one(digest: bytes) -> list[int]:
        if len(digest) != width:
            raise ValueError(f"this file holds digests of {width} bytes")
        found = one(at, digest)
        if found >= 0:
            return [found]
        if found != _SEVERAL:
            return []
        first, count = _compiled(library, at, np.frombuffer(digest, np.uint8).reshape(1, -1))
        places = np.arange(first[0], first[0] + count[0])
        return _ids(records, layout.tail, layout.base, places).tolist()  # type: ignore[no-any-return]

    return find_one


def build(path: Path, ids: Array, values: Array) -> None:
    """Write the file of ids (n,) int64 from 0, each once, and digests (n, 16, 20 or 32) uint8; any order.

    One may repeat.

    Durable, and in its place only when whole. Raises ValueError for other arrays or an id that comes twice, OSError for
    want of room.
    """
    width = np.asarray(values).shape[-1]
    if width not in WIDTHS.values():
        raise ValueError("digests have 16, 20 or 32 bytes")
    ids, values = files.checked(ids, values, width)
    n = len(ids)
    digest = files.digest_of(ids, values)
    first = _first_words(values)
    order = np.argsort(first).astype(np.uint32)
    first = first[order]
    same = np.zeros(n + 1, bool)
    same[1:-1] = first[1:] == first[:-1]
    tied = np.flatnonzero(same[1:] | same[:-1])
    if len(tied):
        rows = order[tied]
        order[tied] = rows[np.lexsort((ids[rows], *_words(values[rows]).T[::-1]))]
    base = int(ids.min()) if n else 0
    id_bytes = max(1, -(-(int(ids.max()) - base).bit_length() // 8)) if n else 1
    dropped = 3 if n >= _MANY else 2
    prefixes, tail = 1 << 8 * dropped, width - dropped

    def fill(to: dict[str, Array]) -> None:
        for start in range(0, n, _BLOCK):
            rows = order[start : start + _BLOCK]
            offsets = (ids[rows] - base).astype("<u8").view(np.uint8).reshape(-1, 8)
            to["records"][start : start + _BLOCK, :tail] = values[rows, dropped:]
            to["records"][start : start + _BLOCK, tail:] = offsets[:, :id_bytes]
        own = (first >> np.uint64(64 - 8 * dropped)).astype(np.int64)
        to["samples"][:] = np.searchsorted(own, np.arange(0, prefixes, _SHARED))
        ones = np.zeros(prefixes + n, np.uint8)
        ones[own + np.arange(n)] = 1
        packed = np.packbits(ones, bitorder="little")
        to["bits"].view(np.uint8)[: len(packed)] = packed

    facts = {"count": n, "digest": digest, "base": base, "width": width, "dropped": dropped}
    shapes = {
        "samples": ("<u4", (prefixes // _SHARED,)),
        "bits": ("<u8", ((prefixes + n) // 64 + 1,)),
        "records": ("|u1", (n, tail + id_bytes)),
    }
    files.write(path, files.Plan(KIND, VERSION, facts, shapes, fill))


class DigestFile:
    """A file that ``build`` wrote, mapped read-only. Any number of threads may search it at once."""

    def __init__(self, flat: files.Flat, *, compiled: bool | None = None) -> None:
        if flat.mapping is None:
            raise ValueError("digest files are mapped, not held in memory")
        self.path = flat.path
        self.count = int(flat.facts["count"])
        self.digest = str(flat.facts["digest"])
        self.width = int(flat.facts["width"])
        self.size = flat.size
        self._base, self._dropped = int(flat.facts["base"]), int(flat.facts["dropped"])
        self._records, self._samples, self._bits = (flat.arrays[name] for name in ("records", "samples", "bits"))
        self._step, self._tail = self._records.shape[1], self.width - self._dropped
        self._mapping, self._start = flat.mapping, flat.places["records"]
        self._library = LIBRARY if compiled is not False else None
        places = (files.address(self._samples), files.address(self._bits), self._dropped, self._base)
        self._layout = _Layout(files.address(self._records), self._step, self._tail, *places)
        self._at = ctypes.addressof(self._layout)
        if self._library is not None:
            finder = _finder(self._library, self._layout, self._records, self.width)
            self.find_one = finder  # type: ignore[method-assign,assignment]

    @classmethod
    def open(cls, path: Path, *, compiled: bool | None = None) -> DigestFile:
        """Map it; reads the header alone. Raises FileNotFoundError, or IndexDamaged if it is not such a file, whole."""
        return cls(files.read(path, KIND, VERSION), compiled=compiled)

    def find(self, digests: Array) -> tuple[Array, Array]:
        """Look up digests (m, width) uint8: which of them (int64), and the id (int64), ascending by both.

        In the compiled core without Python's lock. ValueError for another shape or type.
        """
        if digests.ndim != 2 or digests.shape[1] != self.width or digests.dtype != np.uint8:
            raise ValueError(f"digests must be uint8 of shape (m, {self.width})")
        digests = np.ascontiguousarray(digests)
        first, count = _compiled(self._library, self._at, digests) if self._library else self._plain(digests)
        which = np.repeat(np.arange(len(digests)), count)
        place = np.repeat(first - (np.cumsum(count) - count), count) + np.arange(len(which))
        return which, self._ids_of(place)

    def verify(self) -> None:
        """Hold order, prefixes and digest to the records. Raises IndexDamaged (content)."""
        windows = self._windows
        counts = np.diff(windows)
        sound = int(windows[-1]) == self.count and bool(np.array_equal(self._samples, windows[:-1:_SHARED]))
        if sound:
            values = np.empty((self.count, self.width), np.uint8)
            heads = np.repeat(np.arange(len(counts), dtype=">u4"), counts).view(np.uint8).reshape(-1, 4)
            values[:, : self._dropped] = heads[:, 4 - self._dropped :]
            values[:, self._dropped :] = self._records[:, : self._tail]
            first = _first_words(values)
            ids = self._ids_of(np.arange(self.count))
            sound = bool(np.all(first[1:] >= first[:-1])) and len(np.unique(ids)) == len(ids)
            sound = sound and files.digest_of(ids, values) == self.digest
        if not sound:
            raise files.IndexDamaged("content", self.path, "its records are not those it was built from")

    @cached_property
    def _windows(self) -> Array:
        """Where each prefix's records begin, spelled out: int64 (prefixes + 1,). The numpy path alone needs it."""
        bits = np.unpackbits(self._bits.view(np.uint8), bitorder="little")
        zeros = np.flatnonzero(bits == 0)[: 1 << 8 * self._dropped]
        ends = zeros - np.arange(len(zeros))
        return np.concatenate([[0], ends])

    def find_one(self, digest: bytes) -> list[int]:
        """Return the ids that have this digest, ascending. ValueError if it is not as long as this file's."""
        if len(digest) != self.width:
            raise ValueError(f"this file holds digests of {self.width} bytes")
        prefix, step = int.from_bytes(digest[: self._dropped], "big"), self._step
        wanted, windows = digest[self._dropped :], self._windows
        at, end = self._start + int(windows[prefix]) * step, self._start + int(windows[prefix + 1]) * step
        while (at := self._mapping.find(wanted, at, end)) >= 0:
            if not (at - self._start) % step:
                return self._ids_at(wanted, at, end)
            at += 1  # by chance across two records, or in an id
        return []

    def _ids_of(self, places: Array) -> Array:
        return _ids(self._records, self._tail, self._base, places)

    def _ids_at(self, wanted: bytes, at: int, end: int) -> list[int]:
        step, tail, mapping = self._step, self._tail, self._mapping
        ids = []
        while at < end and mapping[at : at + tail] == wanted:
            ids.append(int.from_bytes(mapping[at + tail : at + step], "little") + self._base)
            at += step
        return ids

    def _plain(self, digests: Array) -> tuple[Array, Array]:
        prefix = np.zeros(len(digests), np.int64)
        for column in range(self._dropped):
            prefix = prefix << 8 | digests[:, column]
        wanted = _first_words(digests, self._dropped)
        low, end = self._windows[prefix], self._windows[prefix + 1]
        first = self._bisect(wanted, low, end, right=False)
        last = self._bisect(wanted, first, end, right=True)
        count = last - first
        alone = np.flatnonzero(count == 1)
        same = np.all(self._records[first[alone], : self._tail] == digests[alone, self._dropped :], axis=1)
        count[alone[~same]] = 0
        for which in np.flatnonzero(count > 1).tolist():  # one digest with many ids, or digests alike in 80 bits
            rows = self._records[first[which] : last[which], : self._tail]
            equal = np.flatnonzero(np.all(rows == digests[which, self._dropped :], axis=1))
            count[which] = len(equal)
            first[which] += int(equal[0]) if len(equal) else 0
        return first, count

    def _bisect(self, wanted: Array, low: Array, high: Array, *, right: bool) -> Array:
        """For each wanted word the first place from low to high whose record's word is not below (right: is above)."""
        low, high = low.copy(), high.copy()
        while len(open_ := np.flatnonzero(low < high)):
            middle = (low[open_] + high[open_]) // 2
            words = _first_words(self._records[middle, :8])
            below = words <= wanted[open_] if right else words < wanted[open_]
            low[open_[below]] = middle[below] + 1
            high[open_[~below]] = middle[~below]
        return low
