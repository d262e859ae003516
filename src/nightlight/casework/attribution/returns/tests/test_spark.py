# SPDX-License-Identifier: Apache-2.0
"""Spark and this machine give the same pairs. One session for all: it takes seconds to start."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nightlight.casework.attribution.returns import engines, vector
from nightlight.casework.attribution.returns.column_files import Events, Log, WrongColumns
from nightlight.casework.attribution.returns.log_writing import write_log
from nightlight.casework.attribution.returns.rows import FOREVER, MAPPED, WHOLE, LogRow, Sought, match_all, number_of

if TYPE_CHECKING:
    from pathlib import Path

T = 1_760_000_000
QUICK = {
    "spark.sql.shuffle.partitions": "1",
    "spark.driver.memory": "512m",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
    "spark.sql.codegen.wholeStage": "false",  # what is compiled would not be used often enough here
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
}


def test_without_java_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "has_java", lambda: False)
    with pytest.raises(engines.NoEngine) as told:
        engines.engine("spark")
    assert told.value.code in {"no-java", "no-pyspark"}


def _world() -> tuple[list[Sought], list[LogRow]]:
    rng = np.random.default_rng(8)
    v6 = number_of("2001:db8:8000::")
    places = [MAPPED | 0xC0000200 + i for i in range(4)] + [v6 + (i << 64) + i for i in range(4)] + [0, (1 << 128) - 1]
    events, rows = [], []
    for _ in range(150):
        port = None if rng.random() < 0.2 else int(rng.choice([0, 1023, 1024, 2047, 65535]))
        events.append(Sought(places[rng.integers(10)], port, T + int(rng.integers(100))))
    for number in range(1, 400):
        low, high = sorted(int(port) for port in rng.choice([0, 1024, 1025, 2047, 65535], 2))
        start = T + int(rng.integers(100))
        end = FOREVER if rng.random() < 0.1 else start + int(rng.integers(20))
        place = places[rng.integers(10)]
        bits = int(
            rng.choice([WHOLE, WHOLE, 127, 120, 96, 80, 64, 56, 1, 0] if place >> 32 != 0xFFFF else [WHOLE, 127, 96])
        )
        rows.append(LogRow(number * 2, place, low, high, start, end, f"s{number}", bits))
    return events, rows


def test_it_gives_the_same_pairs_as_this_machine(tmp_path: Path) -> None:
    try:
        engine = engines.engine("spark", master="local[1]", options=QUICK)
    except engines.NoEngine as none:
        pytest.skip(str(none))
    events, rows = _world()
    log = write_log(rows, tmp_path / "log")
    assert len(log.parts) == 8  # IPv4 and IPv6, with and without prefixes, short times and long
    columns = {"address": [0xC0000200, 0xC0000201], "start": [T, T], "end": pa.array([T + 99, None], pa.int64())}
    other = tmp_path / "other"  # as others may write it: a timestamp, no ports, no numbers
    other.mkdir()
    starts, ends = (
        pa.array([T * 1_000_000 + some, (T + 50) * 1_000_000 + some], pa.timestamp("us", "UTC"))
        for some in (1, 9_000_001)
    )
    for name in ("a", "b"):
        pq.write_table(pa.table(columns | {"start": starts, "end": ends}), other / f"{name}.parquet")
    pq.write_table(pa.table(columns), tmp_path / "empty.parquet")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of PySpark, about itself
        try:
            sought = Events.of(events, 3)
            found = engine.join(sought, log).matches
            assert found == vector.join(sought, log).matches == match_all(events, rows, 3)
            there = Log.open(other)
            assert engine.join(sought, there).matches == vector.join(sought, there).matches != []
            with pytest.raises(WrongColumns) as told:
                engine.join(sought, Log.open(tmp_path / "empty.parquet"))
            assert told.value.code == "nothing-there"
        finally:
            engine.close()
