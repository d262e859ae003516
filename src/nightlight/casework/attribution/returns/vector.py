# SPDX-License-Identifier: Apache-2.0
"""The vectorised matcher: which rows of an operator's log answer which events, exactly as `rows.matches` says.

The log is read once, in the order in which it lies; it is never sorted and may be as long as it likes. The events
are sorted once (`event_index`). A row group whose addresses or times, by the file's own statistics, can match no
event is left unread; where few rows have an address that is looked for, the other columns are read for those groups
only that have any. Two threads take row groups in turn and read each in batches of `AT_ONCE` rows, so few that they
stay in the processor's cache between being read and compared; memory does not grow with the log.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from .column_files import GROUP, Array, Events, Log, Part, Rows, WrongColumns, needed, plain, rows_of
from .event_index import Index
from .rows import WHOLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .rows import Matches

THREADS = 2
AT_ONCE = 1 << 17
_FEW = 8  # where fewer than one row in so many has an address that is looked for, addresses are read first


class Pairs(NamedTuple):
    """What was found: arrays of one length, ascending by event, then row, without doubles."""

    event: Array  # int64: which of the events
    row: Array  # int64: the number of the row

    def __len__(self) -> int:
        return len(self.event)

    @property
    def matches(self) -> Matches:
        """As the other matcher says it."""
        return list(zip(self.event.tolist(), self.row.tolist(), strict=True))


def join(events: Events, log: Log, *, threads: int = THREADS, compiled: bool = True) -> Pairs:
    """All matches of the events with the log. `compiled` False takes the numpy way. Raises WrongColumns, OSError."""
    tasks = list(_tasks(log))
    if not len(events) or not tasks:
        return ordered([])
    joining = _Joining(events, compiled=compiled, waiting=iter(tasks))
    if threads < 2 or len(tasks) < 2:
        return ordered(list(joining.work()))
    with ThreadPoolExecutor(threads) as pool:
        return ordered([found for each in pool.map(lambda _: list(joining.work()), range(threads)) for found in each])


def _tasks(log: Log) -> Iterator[tuple[Part, int, int]]:
    """The row groups of a log, each with how many rows lie before it."""
    before = 0
    for part in log.parts:
        for group in range(part.meta.num_row_groups):
            yield part, group, before
            before += part.meta.row_group(group).num_rows


def join_batches(events: Events, batches: Iterable[pa.RecordBatch], *, compiled: bool = True) -> Pairs:
    """The same with a log that comes as record batches of the columns of `column_files`: Arrow IPC, CSV, a query.

    A row's number is its `number` column, or its position from 0.
    """
    joining, before, found = _Joining(events, compiled=compiled, waiting=iter(())), 0, []
    for batch in batches:
        event, row = joining.probe(rows_of(batch))
        numbers = plain(batch, "number")[row] if "number" in batch.schema.names else row + np.int64(before)
        found.append((event, numbers))
        before += len(batch)
    return ordered(found)


def ordered(found: list[tuple[Array, Array]]) -> Pairs:
    """Pairs out of some arrays of events and of rows."""
    event = np.concatenate([np.empty(0, np.int64), *(event for event, _ in found)]).astype(np.int64)
    row = np.concatenate([np.empty(0, np.int64), *(row for _, row in found)]).astype(np.int64)
    if len(row) and int(row.min()) >= 0 and int(row.max()) < 1 << 32:
        key = np.sort(event.astype(np.uint64) << np.uint64(32) | row.astype(np.uint64))
        event, row = (key >> np.uint64(32)).astype(np.int64), (key & np.uint64(0xFFFFFFFF)).astype(np.int64)
    else:
        order = np.lexsort((row, event))
        event, row = event[order], row[order]
    if len(row) and not (new := (np.diff(event) != 0) | (np.diff(row) != 0)).all():
        once = np.concatenate([[True], new])
        event, row = event[once], row[once]
    return Pairs(event, row)


@dataclass
class _Joining:
    """One join: what its threads share."""

    events: Events
    compiled: bool
    waiting: Iterator[tuple[Part, int, int]]
    _indexes: dict[tuple[bool, bool, int], Index] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        events = self.events
        self._times = np.sort(events.at)
        self._error = int(events.error.max(initial=0))
        self._addresses = np.sort(events.low[events.is_ipv4] & np.uint64(0xFFFFFFFF))

    def work(self) -> Iterator[tuple[Array, Array]]:
        """Take row groups until there are none; yield the events and the numbers of the rows of each."""
        opened: tuple[Part, pq.ParquetFile] | None = None
        addresses_first = True
        try:
            while True:
                with self._lock:
                    part, group, before = next(self.waiting, (None, 0, 0))
                if part is None:
                    return
                if not self._may_match(part, group):
                    continue
                if opened is None or opened[0] is not part:
                    if opened is not None:
                        opened[1].close()
                    # Read in pieces, not mapped: mapped pages of a log would count as memory of ours.
                    opened = part, pq.ParquetFile(part.path, memory_map=False, metadata=part.meta)
                chosen = None
                if addresses_first and "address" in part.names and "bits" not in part.names:
                    chosen = self._chosen(part, group, opened[1])
                    if chosen is not None and not len(chosen):
                        continue
                    addresses_first = chosen is not None
                yield from self._group(part, group, before, opened[1], chosen)
        finally:
            if opened is not None:
                opened[1].close()

    def _may_match(self, part: Part, group: int) -> bool:
        """Whether the statistics of a row group leave any event possible; True where it has none."""
        meta = part.meta.row_group(group)
        told = {}
        for at in range(meta.num_columns):
            column = meta.column(at)
            statistics = column.statistics
            if statistics is not None and statistics.has_min_max:
                told[column.path_in_schema] = statistics.min, statistics.max
        if "address" in told and "bits" not in part.names and told["address"][0] >= 0:
            low, high = told["address"]
            first = np.searchsorted(self._addresses, np.uint64(low))
            if first == np.searchsorted(self._addresses, np.uint64(high), side="right"):
                return False
        if "start" in told and "end" in told:
            low, high = told["start"][0], told["end"][1]
            if isinstance(low, int) and isinstance(high, int):
                first = np.searchsorted(self._times, low - self._error)
                return bool(first < np.searchsorted(self._times, high + self._error))
        return True

    def _chosen(self, part: Part, group: int, opened: pq.ParquetFile) -> Array | None:
        """The rows whose address has events; None where there are too many for this to be of use, or too many rows."""
        many = part.meta.row_group(group).num_rows
        if many > GROUP:
            return None
        column = plain(opened.read_row_group(group, columns=["address"], use_threads=False), "address")
        chosen = self._index(narrow=True, long=False, bits=WHOLE).known(column)
        return None if len(chosen) * _FEW > many else chosen

    def _group(
        self, part: Part, group: int, before: int, opened: pq.ParquetFile, chosen: Array | None
    ) -> Iterator[tuple[Array, Array]]:
        names, first = needed(part.names), self._first_number(part, group)
        numbers = ["number"] if "number" in part.names and first is None else []
        begin = 0
        for batch in opened.iter_batches(AT_ONCE, [group], [*names, *numbers], use_threads=False):
            some = None
            if chosen is not None:
                low, high = np.searchsorted(chosen, (begin, begin + len(batch)))
                some = chosen[low:high] - np.uint32(begin)
            if some is None or len(some):
                event, row = self.probe(rows_of(batch, names), some)
                if numbers:
                    yield event, plain(batch, "number")[row]
                else:
                    yield event, row + np.int64(begin + (before if first is None else first))
            begin += len(batch)

    def _first_number(self, part: Part, group: int) -> int | None:
        """The number of a row group's first row where the others follow it without a gap."""
        meta = part.meta.row_group(group)
        if not part.ascending:
            return None
        for at in range(meta.num_columns):
            if (column := meta.column(at)).path_in_schema == "number":
                told = column.statistics
                if told is not None and told.has_min_max and told.max - told.min + 1 == meta.num_rows:
                    return int(told.min)
        return None

    def probe(self, rows: Rows, chosen: Array | None = None) -> tuple[Array, Array]:
        """All matches of some rows: events and positions."""
        narrow, long = rows.address is not None, rows.start.dtype != np.uint32
        if rows.bits is None:
            return self._index(narrow=narrow, long=long, bits=WHOLE).probe(rows, chosen)
        parts = []
        for bits in np.unique(rows.bits).tolist():
            if not (WHOLE - 32 if narrow else 0) <= bits <= WHOLE:
                raise WrongColumns("no-prefix", f"A row has the prefix length {bits}.")
            of_it = np.flatnonzero(rows.bits == bits).astype(np.uint32)
            parts.append(self._index(narrow=narrow, long=long, bits=bits).probe(rows, of_it))
        if not parts:
            return np.empty(0, np.uint32), np.empty(0, np.uint32)
        return np.concatenate([event for event, _ in parts]), np.concatenate([row for _, row in parts])

    def _index(self, *, narrow: bool, long: bool, bits: int) -> Index:
        with self._lock:
            key = narrow, long, bits
            if key not in self._indexes:
                self._indexes[key] = Index(self.events, narrow=narrow, long=long, bits=bits, compiled=self.compiled)
            return self._indexes[key]
