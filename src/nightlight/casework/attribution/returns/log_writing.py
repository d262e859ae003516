# SPDX-License-Identifier: Apache-2.0
"""A return's rows written as the Parquet files that the matchers read, and read back by their numbers.

Most rows land in `ipv4.parquet`, whose narrow columns are read quickest; IPv6 rows, prefixes, and times outside 1970 to
2106 have parts of their own, so that they slow nothing else down. Encodings are ones that every reader of such lakes
knows: dictionaries for what repeats, plain numbers for times, differences for row numbers, LZ4 for texts.
"""

from __future__ import annotations

from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from .column_files import ASCENDING, GROUP, HALF, Log, WrongColumns
from .rows import HIGHEST_PORT, LOWEST_PORT, MAPPED, WHOLE, LogRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

_AT_ONCE = 1 << 16  # rows that are gathered before they become columns
_FIELDS = {
    "address": pa.uint32(),
    "high": pa.uint64(),
    "low": pa.uint64(),
    "bits": pa.uint8(),
    "port_low": pa.uint16(),
    "port_high": pa.uint16(),
    "start": pa.int64(),
    "end": pa.int64(),
    "number": pa.int64(),
    "subscriber": pa.string(),
    "details": pa.map_(pa.string(), pa.string()),
}
_PACKED = ("subscriber", "details")  # what joins do not read: the others are read a fifth quicker so
_IN_DICTIONARIES = ("address", "bits", "port_low", "port_high", "subscriber")


class _Kind(NamedTuple):
    """Rows that share a part."""

    narrow: bool  # IPv4: the column `address`
    prefix: bool
    long: bool  # times of 64 bits

    @classmethod
    def of(cls, row: LogRow) -> _Kind:
        narrow = row.address >> 32 == MAPPED >> 32 and row.bits >= WHOLE - 32
        return cls(narrow, row.bits != WHOLE, not (0 <= row.start < 1 << 32 and 0 <= row.end < 1 << 32))

    @property
    def name(self) -> str:
        return f"ipv{4 if self.narrow else 6}{'-prefixes' * self.prefix}{'-long' * self.long}.parquet"

    @property
    def schema(self) -> pa.Schema:
        left_out = {"high", "low"} if self.narrow else {"address"}
        left_out |= set() if self.prefix else {"bits"}
        types = _FIELDS if self.long else _FIELDS | dict.fromkeys(("start", "end"), pa.uint32())
        return log_schema({name: type_ for name, type_ in types.items() if name not in left_out})

    def table(self, rows: Sequence[LogRow]) -> pa.Table:
        columns = {
            "address": (row.address & 0xFFFFFFFF for row in rows),
            "high": (row.address >> 64 for row in rows),
            "low": (row.address & HALF for row in rows),
            "details": (list(row.details) for row in rows),
        }
        schema = self.schema
        return pa.table(
            [
                pa.array(list(columns.get(field.name) or (getattr(row, field.name) for row in rows)), field.type)
                for field in schema
            ],
            schema=schema,
        )


def log_schema(fields: dict[str, pa.DataType]) -> pa.Schema:
    """A schema of these columns, none of which may lack a value."""
    return pa.schema([pa.field(name, type_, nullable=False) for name, type_ in fields.items()])


def part_writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    """A writer of a part in the encodings that are read quickest; write it row groups of `GROUP` rows.

    Where every number is above the one before, add the metadata `ASCENDING`: then most need not be read.
    """
    return pq.ParquetWriter(
        path,
        schema,
        compression={name: "lz4" if name in _PACKED else "none" for name in schema.names},
        use_dictionary=[name for name in schema.names if name in _IN_DICTIONARIES],
        column_encoding={"number": "DELTA_BINARY_PACKED"} if "number" in schema.names else None,
    )


def write_log(rows: Iterable[LogRow], folder: Path) -> Log:
    """Write the rows of a return as a log, in the order they come, with their numbers; the folder must be empty.

    Holds at most a row group for each part. Raises WrongColumns: numbers go back, or a value fits no column.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise WrongColumns("not-empty", "There is something in the folder already.")
    waiting: dict[_Kind, list[pa.Table]] = {}
    last: dict[_Kind, int] = {}
    repeated: set[_Kind] = set()  # a row that names two addresses comes twice
    writers: dict[_Kind, pq.ParquetWriter] = {}

    def flush(kind: _Kind) -> None:
        if kind not in writers:
            writers[kind] = part_writer(folder / kind.name, kind.schema)
        writers[kind].write_table(pa.concat_tables(waiting.pop(kind)), row_group_size=GROUP)

    try:
        for gathered in _gathered(rows):
            for kind, some in gathered.items():
                numbers = [last.get(kind, some[0].number - 1), *(row.number for row in some)]
                last[kind] = numbers[-1]
                if any(one == other for one, other in pairwise(numbers)):
                    repeated.add(kind)
                try:
                    waiting.setdefault(kind, []).append(kind.table(some))
                except (pa.ArrowInvalid, OverflowError) as told:
                    raise WrongColumns("too-large", "A number of a row does not fit its column.") from told
                if sum(map(len, waiting[kind])) >= GROUP:
                    flush(kind)
        for kind in list(waiting):
            flush(kind)
    finally:
        for kind, writer in writers.items():
            if kind not in repeated:
                writer.add_key_value_metadata({ASCENDING: b"yes"})
            writer.close()
    return Log.open(folder)


def _gathered(rows: Iterable[LogRow]) -> Iterator[dict[_Kind, list[LogRow]]]:
    before: int | None = None
    coming = iter(rows)
    while some := list(islice(coming, _AT_ONCE)):
        sorted_out: dict[_Kind, list[LogRow]] = {}
        for row in some:
            if before is not None and row.number < before:
                raise WrongColumns("numbers", f"Row {row.number} comes after row {before}.")
            before = row.number
            sorted_out.setdefault(_Kind.of(row), []).append(row)
        yield sorted_out


def read_rows(log: Log, numbers: Iterable[int]) -> Iterator[LogRow]:
    """The rows with these numbers of a log that `write_log` wrote: part by part, ascending in each."""
    wanted = pa.array(sorted(set(numbers)), pa.int64())
    for part in log.parts:
        with pq.ParquetFile(part.path) as opened:
            for group in range(opened.num_row_groups):
                found = opened.read_row_group(group, columns=["number"]).column("number")
                at = np.flatnonzero(pc.is_in(found, value_set=wanted).to_numpy())
                if len(at):
                    yield from map(_row, opened.read_row_group(group).take(pa.array(at)).to_pylist())


def _row(row: dict[str, Any]) -> LogRow:
    address = row["address"] | MAPPED if "address" in row else row["high"] << 64 | row["low"]
    return LogRow(
        row["number"],
        address,
        row.get("port_low", LOWEST_PORT),
        row.get("port_high", HIGHEST_PORT),
        row["start"],
        row["end"],
        row["subscriber"],
        row.get("bits", WHOLE),
        tuple((str(name), str(text)) for name, text in row["details"]),
    )
