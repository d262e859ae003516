# SPDX-License-Identifier: Apache-2.0
"""An index of events that the rows of a log are held against, one after the other, in the order in which they come.

An address that has events is found by hashing. Its events lie side by side, ascending by time, and about twice as
many *cells* of equal duration say where times begin, so that those that a lease can reach are one stretch, of which the
ports are compared, many at once. Logs are mostly in the order of time, so what one row needs of the index the next ones
need as well, and the processor has it at hand. Where an address has very many events, they lie once more by port.

In time for a lease is an event iff start <= last and after <= end, with last = at + error and after = at - error + 1.
Times take 32 bits where the log's do; an event that no such lease can reach is left out then, and others are cut to
what 32 bits hold, which changes no comparison. `foundation/native/joining.c` is the quick way of `Index.probe`, numpy
the other; both give the same. An index is made for one prefix length.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

import numpy as np

from nightlight.foundation import native

from .rows import HIGHEST_PORT, WHOLE

if TYPE_CHECKING:
    from .column_files import Array, Events, Rows

NOBODY = 0xFFFFFFFF  # the id of an empty slot
MANY = 1024  # events of an address from which they lie by port as well; LANES: ports compared at once. As in joining.c
LANES = 16
_MOST = 0xFFFFFFFF
_LATEST = np.iinfo(np.int64).max
_SPREAD = 1 << 22  # pairs that the numpy way compares at once
_SHORT = np.dtype([("last", "u4"), ("after", "u4"), ("port", "u4"), ("event", "u4")])
_LONG = np.dtype([("last", "i8"), ("after", "i8"), ("port", "u4"), ("event", "u4")])
_NODE = np.dtype([("base", "u4"), ("shift", "u4")])
_SHORT_TIMES = np.dtype([("first", "u4"), ("most", "u4"), ("base", "u4"), ("shift", "u4")])
_LONG_TIMES = np.dtype([("first", "i8"), ("most", "i8"), ("base", "u4"), ("shift", "u4")])
_SLOT = {True: np.dtype([("key", "u4"), ("id", "u4")]), False: np.dtype([("high", "u8"), ("low", "u8"), ("id", "u8")])}


class _ByTimeTables(ctypes.Structure):
    """``nl_by_time`` of joining.c."""

    _fields_ = [(name, ctypes.c_void_p) for name in ("times", "cells", "events", "ports")]


class _Events(ctypes.Structure):
    """``nl_events``."""

    _fields_ = [
        ("slots", ctypes.c_void_p),
        *((name, ctypes.c_uint64) for name in ("slots_bits", "wide", "long_times", "shift")),
        ("ported", _ByTimeTables),
        ("portless", _ByTimeTables),
        *((name, ctypes.c_void_p) for name in ("nodes", "cells", "by_port")),
    ]


class _Rows(ctypes.Structure):
    """``nl_rows``."""

    _fields_ = [
        (name, ctypes.c_void_p)
        for name in ("address", "high", "low", "port_low", "port_high", "start", "end", "chosen")
    ]


class _Found(ctypes.Structure):
    """``nl_found``."""

    _fields_ = [
        ("found", ctypes.c_uint64),
        ("room", ctypes.c_uint64),
        ("event", ctypes.c_void_p),
        ("row", ctypes.c_void_p),
    ]


def _declared(library: ctypes.CDLL | None) -> ctypes.CDLL | None:
    if library is None:
        return None
    number, pointer = ctypes.c_uint64, ctypes.c_void_p
    library.nl_events_fill4.argtypes = [pointer, number, pointer, number]
    library.nl_events_fill6.argtypes = [pointer, number, pointer, pointer, number]
    library.nl_events_probe.argtypes = [pointer, pointer, number, pointer]
    library.nl_events_known4.argtypes = [pointer, pointer, number, pointer]
    library.nl_events_known4.restype = number
    return library


LIBRARY = _declared(native.LIBRARY)


def _at(array: Array | None) -> int | None:
    """Where an array begins in memory; it must be kept as long as that is used."""
    if array is None:
        return None
    if not array.flags.c_contiguous:
        raise ValueError("An array that does not lie in one piece.")
    return int(array.ctypes.data)


def _began(counts: Array) -> Array:
    """Where each of some stretches of these lengths begins, and where the last one ends."""
    begins = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=begins[1:])
    return begins


class _ByTime:
    """Events of `many` ids, ascending by id and `last`, and their cells."""

    def __init__(self, ids: Array, events: Array, many: int) -> None:
        self.events = events
        self.ports = np.zeros(len(events) + LANES, np.uint16)
        self.ports[: len(events)] = self.events["port"]
        last = self.events["last"].astype(np.int64)
        counts = np.bincount(ids, minlength=many)
        begins = _began(counts)
        some = counts > 0
        first, until = begins[:-1][some], begins[1:][some]
        self.times = np.zeros(many + 1, _LONG_TIMES if events.dtype == _LONG else _SHORT_TIMES)
        of = self.times[:-1]
        of["first"][some] = last[first]
        if len(events):
            most = np.maximum.reduceat(last - self.events["after"].astype(np.int64), first)
            of["most"][some] = np.maximum(most, 0)
        # As wide a cell, of 2^shift seconds, as leaves at least two cells for each event.
        span = np.zeros(many, np.uint64)
        span[some] = (last[until - 1] - last[first]).astype(np.uint64)
        each = np.frexp((span.astype(np.float64) + 1) / (2 * np.maximum(counts, 1)))[1] - 1
        shift = np.maximum(each, 0).astype(np.uint64)
        cells = np.where(some, (span >> shift).astype(np.int64) + 1, 0)
        base = _began(cells)
        of["shift"], self.times["base"] = shift, base
        cell = base[:-1][ids] + ((last - of["first"][ids].astype(np.int64)) >> shift[ids].astype(np.int64))
        self.cells = _began(np.bincount(cell, minlength=int(base[-1]))).astype(np.uint32)

    def tables(self) -> _ByTimeTables:
        """Where they lie in memory."""
        return _ByTimeTables(_at(self.times), _at(self.cells), _at(self.events), _at(self.ports))

    def stretch(self, ids: Array, start: Array, end: Array) -> tuple[Array, Array]:
        """Where the events of these ids lie that can be in time from start to end: from and until."""
        of = self.times[ids]
        earliest, most, base = (of[name].astype(np.int64) for name in ("first", "most", "base"))
        count = self.times["base"][ids + 1].astype(np.int64) - base
        beyond = np.minimum(end, _LATEST - most) + most
        shift = of["shift"].astype(np.uint64)
        first, until = (
            np.minimum((time - earliest).astype(np.uint64) >> shift, count.astype(np.uint64)).astype(np.int64)
            for time in (np.maximum(start, earliest), np.maximum(beyond, earliest))
        )
        until = np.where(beyond < earliest, 0, np.minimum(until + 1, count))
        first = np.minimum(first, until)
        return self.cells[first + base].astype(np.int64), self.cells[until + base].astype(np.int64)


class Index:
    """The events that rows of one kind can match: `narrow` (an `address` column), `long` times, one prefix length."""

    def __init__(self, events: Events, *, narrow: bool, long: bool, bits: int = WHOLE, compiled: bool = True) -> None:
        self.narrow, self.long, self.shift = narrow, long, WHOLE - bits
        self._library = LIBRARY if compiled else None
        last, after = events.at + events.error, events.at - events.error + 1
        keep = events.is_ipv4 if narrow else np.ones(len(events), bool)
        if not long:
            keep = keep & (last >= 0) & (after <= _MOST)
            last, after = np.minimum(last, _MOST), np.maximum(after, 0)
        at = np.flatnonzero(keep)
        high, low = self._keys(events.high[at], events.low[at])
        if narrow and not long:  # a number of 64 bits is sorted quickest
            order = np.argsort(low << np.uint64(32) | last[at].astype(np.uint64))
        else:
            order = np.lexsort((last[at], low, high))
        at, high, low = at[order], high[order], low[order]
        new = np.ones(len(at), bool)
        new[1:] = (low[1:] != low[:-1]) | (high[1:] != high[:-1])
        self.high, self.low = high[new], low[new]  # of each id
        ids = np.cumsum(new) - 1
        found = np.empty(len(at), _LONG if long else _SHORT)
        found["last"], found["after"], found["event"] = last[at], after[at], at
        port = events.port[at]
        found["port"] = np.maximum(port, 0)
        self._lay_out(ids, found, port >= 0)
        if self._library is not None:
            self._fill(self._library)

    def _keys(self, high: Array, low: Array) -> tuple[Array, Array]:
        """Addresses (uint64) without what lies behind the prefix; a narrow one is in `low` alone."""
        if self.narrow:
            return np.zeros_like(low), (low & np.uint64(_MOST)) >> np.uint64(self.shift)
        return shifted(high, low, self.shift)

    def _lay_out(self, ids: Array, events: Array, ported: Array) -> None:
        """Events as they come: by id, then `last`."""
        many = len(self.low)
        every = bool(ported.all())
        owner, stated = (ids, events) if every else (ids[ported], events[ported])
        self._ported = _ByTime(owner, stated, many) if len(owner) else None
        self._portless = None if every else _ByTime(ids[~ported], events[~ported], many)
        counts = np.bincount(owner, minlength=many)
        self._nodes = None
        if counts.max(initial=0) > MANY:
            fine = np.ceil(np.log2(np.maximum(counts, 1))).astype(np.int64) + 1
            fine = np.where(counts > MANY, np.minimum(fine, 16), 0)
            base = _began(1 << fine)
            self._nodes = np.zeros(many, _NODE)
            self._nodes["shift"], self._nodes["base"] = 16 - fine, base[:-1]
            order = np.argsort(owner << 16 | stated["port"])
            owner, self._by_port = owner[order], stated[order]
            cell = base[:-1][owner] + (self._by_port["port"] >> self._nodes["shift"][owner])
            self._cells = _began(np.bincount(cell, minlength=int(base[-1]))).astype(np.uint32)

    def _fill(self, library: ctypes.CDLL) -> None:
        size = max(4, (2 * len(self.low)).bit_length())
        self._slots = np.zeros(1 << size, _SLOT[self.narrow])
        self._slots["id"] = NOBODY
        if self.narrow:
            self._low32 = self.low.astype(np.uint32)
            library.nl_events_fill4(_at(self._slots), size, _at(self._low32), len(self.low))
        else:
            library.nl_events_fill6(_at(self._slots), size, _at(self.high), _at(self.low), len(self.low))
        by_time = (each.tables() if each else _ByTimeTables() for each in (self._ported, self._portless))
        crowded = [None] * 3 if self._nodes is None else [*map(_at, (self._nodes, self._cells, self._by_port))]
        self._tables = _Events(
            _at(self._slots), size, not self.narrow, self.long, self.shift, *by_time, *crowded
        )  # fmt: skip

    def known(self, address: Array) -> Array:
        """Which rows (positions, uint32, ascending) of an `address` column have an address with events."""
        address = np.ascontiguousarray(address, np.uint32)
        if self._library is not None:
            row = np.empty(len(address), np.uint32)
            many = self._library.nl_events_known4(ctypes.byref(self._tables), _at(address), len(address), _at(row))
            return row[:many]
        return np.flatnonzero(self._ids(address.astype(np.uint64), None) != NOBODY).astype(np.uint32)

    def probe(self, rows: Rows, chosen: Array | None = None) -> tuple[Array, Array]:
        """All matches of some rows (of all, or of the chosen positions): events and positions, uint32, in no order."""
        if self._library is None:
            return self._plainly(rows, np.arange(rows.many, dtype=np.uint32) if chosen is None else chosen)
        times = np.int64 if self.long else np.uint32
        columns = [
            None if column is None else np.ascontiguousarray(column, type_)
            for column, type_ in (
                (rows.address, np.uint32), (rows.high, np.uint64), (rows.low, np.uint64), (rows.port_low, np.uint16),
                (rows.port_high, np.uint16), (rows.start, times), (rows.end, times), (chosen, np.uint32),
            )
        ]  # fmt: skip
        asked = _Rows(*map(_at, columns))
        many = rows.many if chosen is None else len(chosen)
        room = many // 4 + 1024
        while True:
            event, row = np.empty(room, np.uint32), np.empty(room, np.uint32)
            found = _Found(0, room, _at(event), _at(row))
            self._library.nl_events_probe(ctypes.byref(self._tables), ctypes.byref(asked), many, ctypes.byref(found))
            if found.found <= room:
                return event[: found.found].copy(), row[: found.found].copy()
            room = found.found

    def _ids(self, low: Array, high: Array | None) -> Array:
        """The ids of addresses (uint64) as rows have them; NOBODY where there are no events."""
        if not len(self.low):
            return np.full(len(low), NOBODY, np.uint32)
        high, low = self._keys(low if high is None else high, low)
        if self.narrow:
            known, asked = self.low, low
        else:
            known, asked = _joined(self.high, self.low), _joined(high, low)
        at = np.minimum(np.searchsorted(known, asked), len(known) - 1)
        return np.where(known[at] == asked, at, NOBODY).astype(np.uint32)

    def _plainly(self, rows: Rows, chosen: Array) -> tuple[Array, Array]:
        if rows.address is not None:
            ids = self._ids(rows.address[chosen].astype(np.uint64), None)
        else:
            assert rows.high is not None and rows.low is not None  # noqa: S101 - the one or the other
            ids = self._ids(rows.low[chosen], rows.high[chosen])
        row, ids = chosen[ids != NOBODY], ids[ids != NOBODY]
        port_low = np.zeros(len(row), np.int64) if rows.port_low is None else rows.port_low[row].astype(np.int64)
        if rows.port_high is None:
            port_high = np.full(len(row), HIGHEST_PORT, np.int64)
        else:
            port_high = rows.port_high[row].astype(np.int64)
        start, end = rows.start[row].astype(np.int64), rows.end[row].astype(np.int64)
        parts = [(np.empty(0, np.uint32), np.empty(0, np.int64))]
        all_rows = np.arange(len(row))
        if self._ported is not None:
            first, until = self._ported.stretch(ids, start, end)
            if self._nodes is not None:  # long stretches that are shorter by port
                nodes = self._nodes[ids]
                low = self._cells[nodes["base"] + (port_low >> nodes["shift"])].astype(np.int64)
                high = self._cells[nodes["base"] + (port_high >> nodes["shift"]) + 1].astype(np.int64)
                crowded = (until - first > MANY) & (high - low < (until - first) // 8)
                at = np.flatnonzero(crowded)
                parts.append(_compared(self._by_port, low[at], high[at], at, start, end, port_low, port_high))
                until = np.where(crowded, first, until)
            parts.append(_compared(self._ported.events, first, until, all_rows, start, end, port_low, port_high))
        if self._portless is not None:
            any_port = np.zeros(len(row), np.int64), np.full(len(row), HIGHEST_PORT, np.int64)
            stretch = self._portless.stretch(ids, start, end)
            parts.append(_compared(self._portless.events, *stretch, all_rows, start, end, *any_port))
        return np.concatenate([event for event, _ in parts]), row[np.concatenate([at for _, at in parts])]


def shifted(high: Array, low: Array, by: int) -> tuple[Array, Array]:
    """Numbers of 128 bits, as two halves (uint64), without their last `by` bits."""
    if by >= WHOLE:
        return np.zeros_like(high), np.zeros_like(low)
    if by >= 64:
        return np.zeros_like(high), high >> np.uint64(by - 64)
    if by:
        low = low >> np.uint64(by) | high << np.uint64(64 - by)
    return high >> np.uint64(by), low


def _joined(high: Array, low: Array) -> Array:
    """Numbers of 128 bits as texts of 16 bytes, which are in the same order."""
    both = np.empty((len(high), 2), ">u8")
    both[:, 0], both[:, 1] = high, low
    return both.view("S16").ravel()


def _compared(  # noqa: PLR0917 - columns
    events: Array, first: Array, until: Array, row: Array, start: Array, end: Array, port_low: Array, port_high: Array
) -> tuple[Array, Array]:
    """The events of each row's stretch that match it, and the rows; not too many pairs in memory at once."""
    length = np.maximum(until - first, 0).astype(np.int64)
    ends = np.cumsum(length)
    found: list[tuple[Array, Array]] = [(np.empty(0, np.uint32), np.empty(0, np.int64))]
    begin = 0
    while begin < len(row):
        done = int(ends[begin - 1]) if begin else 0
        stop = max(begin + 1, int(np.searchsorted(ends, done + _SPREAD, side="right")))
        some, many = slice(begin, stop), length[begin:stop]
        of = np.repeat(np.arange(stop - begin), many)
        event = events[first[some][of] + np.arange(len(of)) - (np.cumsum(many) - many)[of]]
        at = row[some][of]
        good = (start[at] <= event["last"]) & (event["after"] <= end[at])
        good &= (event["port"] >= port_low[at]) & (event["port"] <= port_high[at])
        found.append((event["event"][good], at[good]))
        begin = stop
    return np.concatenate([event for event, _ in found]), np.concatenate([at for _, at in found])
