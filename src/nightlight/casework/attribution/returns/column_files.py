# SPDX-License-Identifier: Apache-2.0
"""Events and logs as columns: what the vectorised matcher takes, and the Parquet files an operator's log is kept in.

A *log* is one Parquet file or a folder of them (*parts*). A part has these columns; others may be beside them:

    address                uint32: the IPv4 address; or instead of it
    high, low              uint64: the halves of the 128-bit number (IPv4 in its mapped form), as in `rows.COLUMNS`
    bits                   uint8, may be missing: the prefix length, of 128 for IPv4 too (a /24 is 120); else 128
    port_low, port_high    uint16, inclusive, may be missing: then 0 and 65535
    start, end             uint32 or int64: Unix seconds; or a timestamp with a zone (start rounded down, end up)
    number                 int64, may be missing: the number of the row; else its position in the log, from 0

`log_writing.write_log` makes such a folder from rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from .rows import HIGHEST_PORT, MAPPED

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from .rows import Sought

Array = npt.NDArray[Any]
GROUP = 1 << 20  # rows of a row group: what is in memory at once, for each thread
ASCENDING = b"nightlight.number"  # in the metadata of a part whose numbers ascend
HALF = (1 << 64) - 1
_FURTHEST = 1 << 60  # seconds; sums of two such fit 64 bits


class WrongColumns(Exception):
    """Columns that are no log or no events; `code` says in which way."""

    def __init__(self, code: str, explanation: str) -> None:
        super().__init__(explanation)
        self.code = code


@dataclass(frozen=True, slots=True)
class Events:
    """Events as columns of one length. `port` int32, -1: none stated; `at` and `error` int64 seconds, error from 0.

    `high` and `low` (uint64) are the halves of the address as a 128-bit number, IPv4 in its mapped form.
    """

    high: Array
    low: Array
    port: Array
    at: Array
    error: Array

    def __post_init__(self) -> None:
        if len({len(column) for column in (self.high, self.low, self.port, self.at, self.error)}) > 1:
            raise WrongColumns("lengths-differ", "The columns of the events are of different lengths.")
        if not len(self):
            return
        if len(self) >= 1 << 29:
            raise WrongColumns("too-many", "More than 500 million events at once.")
        if int(self.port.min()) < -1 or int(self.port.max()) > HIGHEST_PORT:
            raise WrongColumns("no-port", "A port is outside 0 to 65535.")
        if int(self.error.min()) < 0:
            raise WrongColumns("negative-error", "A clock error is below 0.")
        if max(int(self.error.max()), int(self.at.max()), -int(self.at.min())) > _FURTHEST:
            raise WrongColumns("no-time", "A time or a clock error is beyond every calendar.")

    def __len__(self) -> int:
        return len(self.at)

    @classmethod
    def of(cls, sought: Sequence[Sought], error: int | Sequence[int] = 0) -> Self:
        """Columns of these events; `error` in seconds for all or for each. Raises WrongColumns."""
        try:
            return cls(
                np.array([one.address >> 64 for one in sought], np.uint64),
                np.array([one.address & HALF for one in sought], np.uint64),
                np.array([-1 if one.port is None else one.port for one in sought], np.int32),
                np.array([one.at for one in sought], np.int64),
                np.broadcast_to(np.array(error, np.int64), (len(sought),)),
            )
        except OverflowError as told:
            raise WrongColumns("too-large", "A number of an event does not fit its column.") from told
        except ValueError as told:
            raise WrongColumns("lengths-differ", "There are not as many clock errors as events.") from told

    @property
    def is_ipv4(self) -> Array:
        """Which of them are IPv4 addresses."""
        return np.asarray((self.high == 0) & (self.low >> np.uint64(32) == MAPPED >> 32))


class Rows(NamedTuple):
    """Some rows of one part: `address`, or `high` and `low`; None for a column that says nothing."""

    address: Array | None
    high: Array | None
    low: Array | None
    bits: Array | None
    port_low: Array | None
    port_high: Array | None
    start: Array
    end: Array

    @property
    def many(self) -> int:
        """How many rows."""
        return len(self.start)


@dataclass(frozen=True, slots=True)
class Part:
    """A Parquet file of a log."""

    path: Path
    names: frozenset[str]  # of its columns
    ascending: bool  # its numbers ascend
    meta: pq.FileMetaData


def needed(names: Collection[str]) -> list[str]:
    """Of the columns of a log, those that decide."""
    address = ["address"] if "address" in names else ["high", "low"]
    return [*address, *(name for name in ("bits", "port_low", "port_high") if name in names), "start", "end"]


def _checked(schema: pa.Schema, name: str) -> None:
    """Raise WrongColumns where a table of these columns is no log; `name` is said in the explanation."""
    missing = sorted(set(needed(schema.names)) - set(schema.names))
    if missing:
        raise WrongColumns("columns-missing", f"{name} has no column {' and no '.join(missing)}.")
    types = [schema.field(time).type for time in ("start", "end")]
    if any(pa.types.is_timestamp(type_) and type_.tz is None for type_ in types):
        raise WrongColumns("no-zone", f"The times of {name} are timestamps without a zone.")


class Log(NamedTuple):
    """An operator's log as Parquet, opened but not read."""

    parts: tuple[Part, ...]

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return sum(part.meta.num_rows for part in self.parts)

    @classmethod
    def open(cls, path: Path) -> Log:
        """A file, or the `*.parquet` files of a folder in the order of their names. Raises WrongColumns, OSError."""
        parts = []
        for each in sorted(path.glob("*.parquet")) if path.is_dir() else [path]:
            try:
                with pq.ParquetFile(each) as opened:
                    schema, meta = opened.schema_arrow, opened.metadata
            except pa.ArrowInvalid as told:
                raise WrongColumns("no-parquet", f"{each.name} is no Parquet file that can be read.") from told
            _checked(schema, each.name)
            parts.append(Part(each, frozenset(schema.names), ASCENDING in (meta.metadata or {}), meta))
        return cls(tuple(parts))


_TYPES = {
    "address": pa.uint32(),
    "high": pa.uint64(),
    "low": pa.uint64(),
    "bits": pa.uint8(),
    "port_low": pa.uint16(),
    "port_high": pa.uint16(),
    "start": pa.int64(),
    "end": pa.int64(),
    "number": pa.int64(),
}


def plain(table: pa.Table | pa.RecordBatch, name: str) -> Array:
    """A column as an array, not copied where it lies there in one piece and in a type of ours. Raises WrongColumns."""
    column = table.column(name)
    if column.null_count:
        raise WrongColumns("nothing-there", f"The column {name} has rows without a value.")
    if isinstance(column, pa.ChunkedArray):
        column = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    wanted = _TYPES[name]
    try:
        if name in {"start", "end"} and column.type == pa.uint32():
            wanted = pa.uint32()
        elif name in {"start", "end"} and pa.types.is_timestamp(column.type):
            import pyarrow.compute as pc  # here, since it takes as long to import as all else, and few logs need it

            rounded = pc.floor_temporal if name == "start" else pc.ceil_temporal
            column = rounded(column.cast(pa.timestamp(column.type.unit)), unit="second").cast(pa.timestamp("s"))
        if column.type != wanted:
            column = column.cast(wanted)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as told:
        raise WrongColumns("wrong-type", f"The column {name} holds what is no {wanted}.") from told
    return np.asarray(column.to_numpy(zero_copy_only=True))


def rows_of(table: pa.Table | pa.RecordBatch, names: Sequence[str] | None = None) -> Rows:
    """The columns that decide, of some rows; `names` are theirs where they were checked before. Raises WrongColumns."""
    if names is None:
        _checked(table.schema, "A batch of rows")
        names = needed(table.schema.names)
    named = {name: plain(table, name) for name in names}
    start, end = named.pop("start"), named.pop("end")
    if start.dtype != end.dtype:
        start, end = start.astype(np.int64), end.astype(np.int64)
    get = named.get
    return Rows(get("address"), get("high"), get("low"), get("bits"), get("port_low"), get("port_high"), start, end)
