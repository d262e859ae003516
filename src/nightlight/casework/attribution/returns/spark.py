# SPDX-License-Identifier: Apache-2.0
"""The same join on Apache Spark, for a log lake that one machine does not hold: the same pairs as `vector.join`.

The columns are those of `column_files`. Each row of the log gets its address without what lies behind its prefix, each
event the same for every prefix length that the log has; both are joined where these are equal, then ports and times are
compared. Up to `BROADCAST` events go to every worker, and the log is never moved; with more, Spark shuffles both sides.

PySpark and a Java runtime are installed apart (docs/decisions/0031-joining.md); nothing here is imported without them.
"""

from __future__ import annotations

from decimal import Decimal
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyspark.errors import PySparkException
from pyspark.sql import functions as F  # noqa: N812 - as everybody calls it

from .column_files import Events, Log, WrongColumns, needed
from .event_index import shifted
from .rows import HIGHEST_PORT, LOWEST_PORT, MAPPED, WHOLE
from .vector import Pairs, ordered

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import Column, DataFrame, SparkSession

BROADCAST = 4_000_000
_EMPTY = "nightlight: a column has rows without a value"
_TWO_64 = Decimal(1 << 64)


def join(spark: SparkSession, events: Events, log: Log | Sequence[str]) -> Pairs:
    """All matches. A log is opened files, or addresses of files and folders that the workers can read.

    Raises WrongColumns; PySparkException where Spark itself cannot go on.
    """
    if isinstance(log, Log):
        before = np.cumsum([0, *(part.meta.num_rows for part in log.parts)]).tolist()
        sources: list[tuple[str, int | None]] = [
            (str(p.path), at) for p, at in zip(log.parts, before[:-1], strict=True)
        ]
    else:
        sources = [(address, None) for address in log]
    if not sources or not len(events):
        return ordered([])
    try:
        rows = reduce(lambda one, other: one.unionByName(other), (_rows(spark, *source) for source in sources))
        found = _joined(spark, events, rows, _prefixes(spark, sources)).toArrow()
    except PySparkException as told:
        if _EMPTY in str(told):
            raise WrongColumns("nothing-there", "A column of the log has rows without a value.") from told
        raise
    return ordered([(found.column(0).to_numpy(), found.column(1).to_numpy())])


def _prefixes(spark: SparkSession, sources: Sequence[tuple[str, int | None]]) -> list[int]:
    """The prefix lengths that rows of the log have."""
    found: set[int] = set()
    asked = []
    for address, _ in sources:
        part = spark.read.parquet(address)
        if "bits" not in part.columns:
            found.add(WHOLE)
        else:
            narrow = F.lit("address" in part.columns).alias("narrow")
            asked.append(part.select(F.col("bits").cast("int").alias("bits"), narrow))
    if asked:
        for bits, narrow in reduce(lambda one, other: one.union(other), asked).distinct().collect():
            if bits is not None and not (WHOLE - 32 if narrow else 0) <= bits <= WHOLE:
                raise WrongColumns("no-prefix", f"A row has the prefix length {bits}.")
            found |= set() if bits is None else {int(bits)}
    return sorted(found)


def _rows(spark: SparkSession, address: str, before: int | None) -> DataFrame:
    """A part with the same columns as every other: bits, high, low (shifted), ports, times, number."""
    part = spark.read.parquet(address)
    names = set(part.columns)
    if missing := sorted(set(needed(names)) - names):
        raise WrongColumns("columns-missing", f"{address} has no column {' and no '.join(missing)}.")
    types = dict(part.dtypes)
    if "timestamp_ntz" in {types["start"], types["end"]}:
        raise WrongColumns("no-zone", f"The times of {address} are timestamps without a zone.")
    if "number" not in names and before is None and len(part.inputFiles()) > 1:
        raise WrongColumns("columns-missing", f"{address} is of several files and has no column number.")

    def stated(name: str) -> Column:
        return F.coalesce(F.col(name), F.raise_error(F.lit(_EMPTY)))

    def seconds(name: str, up: int) -> Column:
        if types[name] == "timestamp":
            return F.expr(f"CAST(floor((unix_micros({name}) + {up}) / 1000000) AS BIGINT)")
        return stated(name).cast("long")

    if "address" in names:
        high, low = F.lit(0).cast("long"), stated("address").cast("long").bitwiseOR(F.lit(MAPPED).cast("long"))
    else:
        high, low = (_signed(stated(name)) for name in ("high", "low"))
    if "bits" in names:
        bits = stated("bits").cast("int")
        high, low = _shifted(high, low, F.lit(WHOLE) - bits)
    else:
        bits = F.lit(WHOLE)
    number = stated("number") if "number" in names else F.col("_metadata.row_index") + F.lit(before or 0)
    return part.select(
        bits.alias("bits"),
        high.alias("high"),
        low.alias("low"),
        (stated("port_low") if "port_low" in names else F.lit(LOWEST_PORT)).cast("int").alias("port_low"),
        (stated("port_high") if "port_high" in names else F.lit(HIGHEST_PORT)).cast("int").alias("port_high"),
        seconds("start", 0).alias("start"),
        seconds("end", 999_999).alias("end"),
        number.cast("long").alias("number"),
    )


def _signed(column: Column) -> Column:
    """An unsigned number of 64 bits, which Spark reads as a decimal, as the signed one of the same bits."""
    wide = column.cast("decimal(20,0)")
    return F.when(wide >= F.lit(_TWO_64 / 2), wide - F.lit(_TWO_64)).otherwise(wide).cast("long")


def _shifted(high: Column, low: Column, by: Column) -> tuple[Column, Column]:
    """A number of 128 bits, in two halves, without its last `by` bits. A shift in Java counts modulo 64."""
    none = F.lit(0).cast("long")

    def right(what: Column, by: Column) -> Column:
        return F.call_function("shiftrightunsigned", what, by)

    both = right(low, by).bitwiseOR(F.call_function("shiftleft", high, F.lit(64) - by))
    return (
        F.when(by == 0, high).when(by < 64, right(high, by)).otherwise(none),
        F.when(by == 0, low).when(by < 64, both).when(by < 128, right(high, by - 64)).otherwise(none),
    )


def _joined(spark: SparkSession, events: Events, rows: DataFrame, prefixes: Sequence[int]) -> DataFrame:
    sought = spark.createDataFrame(pa.concat_tables(_sought(events, bits) for bits in prefixes))
    if len(events) * len(prefixes) <= BROADCAST:
        sought = F.broadcast(sought)
    e, r = sought.alias("e"), rows.alias("r")
    same: Any = reduce(
        lambda one, other: one & other, (F.col(f"e.{name}") == F.col(f"r.{name}") for name in ("bits", "high", "low"))
    )
    in_ports = (F.col("port") < 0) | ((F.col("port_low") <= F.col("port")) & (F.col("port") <= F.col("port_high")))
    in_time = (F.col("start") <= F.col("last")) & (F.col("after") <= F.col("end"))
    return r.join(e, same).where(in_ports & in_time).select("event", "number")


def _sought(events: Events, bits: int) -> pa.Table:
    high, low = shifted(events.high, events.low, WHOLE - bits)
    columns = {
        "bits": np.full(len(events), bits, np.int32),
        "high": high.view(np.int64),
        "low": low.view(np.int64),
        "port": events.port.astype(np.int32),
        "last": events.at + events.error,
        "after": events.at - events.error + 1,
        "event": np.arange(len(events), dtype=np.int64),
    }
    return pa.table(columns)
