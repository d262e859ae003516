# SPDX-License-Identifier: Apache-2.0
"""One engine joins events with a log in a process of its own; ``attribution_join.py`` starts it and reads what it says.

    python benches/attribution_join_engines.py ours|hash|asof|hash_portless LOG EVENTS

The last line is a JSON object: how many pairs, their digest, seconds of the clock and of all threads, peak memory. Both
kinds of seconds count from the start of the process: imports and loading are in them.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

BEGAN = time.time()
PORTS, FIRST, MAPPED = 1_008, 1_024, 0xFFFF << 32
THREADS = 2
_FACTORS, _PRIME = (2_654_435_761, 40_503), 4_294_967_291  # a digest that does not depend on the order of the pairs

# An event's block is known from its port, so that both joins are of equal keys: the best that could be said in SQL.
_EVENTS = f"""SELECT event, address, t, ({FIRST} + ((port - {FIRST}) // {PORTS}) * {PORTS})::USMALLINT AS port_low
              FROM read_parquet($events)"""
_LOG = 'SELECT address, port_low, start, "end", file_row_number AS row FROM read_parquet($log, file_row_number = true)'
_DIGEST = f"""SELECT count(*), sum((event::UBIGINT * {_FACTORS[0]} + row::UBIGINT * {_FACTORS[1]}) % {_PRIME})"""
SQL = {
    "hash": f"""{_DIGEST} FROM (SELECT event, row FROM ({_LOG}) l JOIN ({_EVENTS}) e USING (address, port_low)
                WHERE l.start <= e.t AND e.t < l."end")""",
    "asof": f"""{_DIGEST} FROM (SELECT event, row FROM ({_EVENTS}) e ASOF JOIN ({_LOG}) l
                ON e.address = l.address AND e.port_low = l.port_low AND e.t >= l.start WHERE e.t < l."end")""",
    # Where events state no port: two joins, each of equal keys.
    "hash_portless": f"""{_DIGEST} FROM (
        SELECT event, row FROM ({_LOG}) l JOIN (FROM ({_EVENTS}) WHERE port_low IS NOT NULL) e USING (address, port_low)
        WHERE l.start <= e.t AND e.t < l."end"
        UNION ALL
        SELECT event, row FROM ({_LOG}) l JOIN (FROM ({_EVENTS}) WHERE port_low IS NULL) e USING (address)
        WHERE l.start <= e.t AND e.t < l."end")""",
}


def duckdb(sql: str, log: str, events: str) -> tuple[int, int]:
    """Two threads, and leave to give rows in any order."""
    import duckdb as db

    settings = {"threads": THREADS, "memory_limit": "12GB", "preserve_insertion_order": "false"}
    with db.connect(config=settings) as connection:
        found = connection.execute(sql, {"log": log, "events": events}).fetchall()
    ((many, digest),) = found
    return int(many), int(digest or 0)


def ours(log: str, events: str) -> tuple[int, int]:
    """The matcher as the product calls it; it knows nothing of blocks."""
    import numpy as np
    import pyarrow.parquet as pq

    from nightlight.casework.attribution.returns import vector
    from nightlight.casework.attribution.returns.column_files import Events, Log

    read = {
        name: (column.cast("int32").fill_null(-1) if column.null_count else column).to_numpy()
        for name, column in zip(*_columns(pq.read_table(events)), strict=True)
    }
    many = len(read["t"])
    found = vector.join(
        Events(
            np.zeros(many, np.uint64),
            read["address"].astype(np.uint64) | np.uint64(MAPPED),
            read["port"].astype(np.int32),
            read["t"].astype(np.int64),
            np.zeros(many, np.int64),
        ),
        Log.open(Path(log)),
        threads=THREADS,
    )
    event, row = found.event.astype(np.uint64), found.row.astype(np.uint64)
    terms = (event * np.uint64(_FACTORS[0]) + row * np.uint64(_FACTORS[1])) % np.uint64(_PRIME)
    return len(found), int(terms.sum())


def _columns(table):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202 - pyarrow is imported by one engine alone
    return table.column_names, [column.combine_chunks() for column in table.columns]


def _peak(told: int) -> int:
    """MB of memory at most, of this process alone: what `getrusage` tells may be that of the one that started it."""
    status = Path("/proc/self/status")
    lines = status.read_text("ascii").splitlines() if status.exists() else []
    return round(next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), told) / 1024)


def main(engine: str, log: str, events: str) -> None:
    """Join once and say what it took."""
    many, digest = ours(log, events) if engine == "ours" else duckdb(SQL[engine], log, events)
    used = resource.getrusage(resource.RUSAGE_SELF)
    told = {
        "pairs": many,
        "digest": digest,
        "s": round(time.time() - BEGAN, 3),
        "cpu_s": round(used.ru_utime + used.ru_stime, 3),
        "peak_mb": _peak(used.ru_maxrss),
    }
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
