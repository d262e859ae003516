# SPDX-License-Identifier: Apache-2.0
"""1,000,000 events against the log of an operator with shared addresses: ours beside DuckDB, same files, same answers.

The log is invented: 64 blocks of 1,008 ports for each address, each block leased to one subscriber after another (on
average 6.9 hours, ten minutes between) over 30 days, in the order of time as such logs are written. Every event states
a port. It is kept as Parquet in the encodings that `log_writing` uses (`plain` in the result: without compression or
dictionaries, where DuckDB does best). DuckDB's two wordings are its best: a hash join on address and block, then time,
and an ASOF join; both are told the operator's blocks, ours is not. Each engine runs in processes of its own, in turns;
the least of its processor seconds counts, of which start, imports and loading are part (with compiled Python kept, as
where it is installed).

    python benches/attribution_join.py                    # 100,000,000 rows, 2.4 GB that are deleted after
    python benches/attribution_join.py --quick --json     # 20,000,000 rows, under a minute; one JSON object last
    python benches/attribution_join.py --shuffled         # the rows in no order
    python benches/attribution_join.py --quick --portless # every other event states no port: about 31,000,000 pairs
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from attribution_join_engines import FIRST, PORTS
from nightlight.casework.attribution.returns.column_files import GROUP
from nightlight.casework.attribution.returns.log_writing import log_schema, part_writer
from telling import run, told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Write = Callable[[Path, pa.Schema], pq.ParquetWriter]

FULL, QUICK, EVENTS = 100_000_000, 20_000_000, 1_000_000
BLOCKS = 64  # of an address
LEASE, PAUSE, DAYS = 6.9 * 3_600, 600.0, 30
SINCE, ADDRESS = 1_760_000_000, 0x64400000  # 100.64.0.0, shared address space (RFC 6598)
ENGINES = ("ours", "hash", "asof")
SEED = 7_001


class Wrong(Exception):
    """Engines that do not say the same."""


def leases(rng: np.random.Generator, rows: int, blocks: int) -> Iterator[dict[str, np.ndarray[Any, Any]]]:
    """About so many leases in the order of time, as columns of about a row group each."""
    following = rng.exponential(LEASE, blocks)
    for until in np.linspace(0, DAYS * 86_400, max(1, rows // GROUP) + 1)[1:]:
        found = []
        free = np.flatnonzero(following < until)
        while len(free):
            start = following[free]
            end = start + rng.exponential(LEASE, len(free))
            found.append((free, start, end))
            following[free] = end + rng.exponential(PAUSE, len(free))
            free = free[following[free] < until]
        block, start, end = (np.concatenate(parts) for parts in zip(*found, strict=True))
        order = np.argsort(start)
        block, start, end = block[order], start[order], end[order]
        low = (FIRST + block % BLOCKS * PORTS).astype(np.uint16)
        yield {
            "address": (ADDRESS + block // BLOCKS).astype(np.uint32),
            "port_low": low,
            "port_high": low + np.uint16(PORTS - 1),
            "start": (start + SINCE).astype(np.uint32),
            "end": (end + SINCE).astype(np.uint32),
            "subscriber": rng.integers(0, 4 * blocks, len(block), np.uint32),
        }


def shuffled(rng: np.random.Generator, groups: Iterator[dict[str, np.ndarray[Any, Any]]]) -> list[dict[str, Any]]:
    """The same rows in no order."""
    parts = list(groups)
    order = rng.permutation(sum(len(part["start"]) for part in parts))
    whole = {name: np.concatenate([part.pop(name) for part in parts])[order] for name in list(parts[0])}
    return [{name: column[at : at + GROUP] for name, column in whole.items()} for at in range(0, len(order), GROUP)]


def write(
    folder: Path, rows: int, writer: Write, *, any_order: bool = False, portless: bool = False
) -> tuple[Path, Path, int]:
    """The log and its events as files; how many rows it came to."""
    rng, blocks = np.random.default_rng(SEED), int(rows * (LEASE + PAUSE) / (DAYS * 86_400))
    names = ("address", "port_low", "port_high", "start", "end", "subscriber")
    schema = log_schema({name: pa.uint16() if name.startswith("port") else pa.uint32() for name in names})
    log, events, many = folder / "log.parquet", folder / "events.parquet", 0
    with writer(log, schema) as to:
        groups = leases(rng, rows, blocks)
        for columns in shuffled(np.random.default_rng(SEED), groups) if any_order else groups:
            to.write_table(pa.table(columns, schema=schema), row_group_size=GROUP)
            many += len(columns["start"])
    block = rng.integers(0, blocks, EVENTS)
    sought = {
        "event": np.arange(EVENTS, dtype=np.uint32),
        "address": (ADDRESS + block // BLOCKS).astype(np.uint32),
        "port": (FIRST + block % BLOCKS * PORTS + rng.integers(0, PORTS, EVENTS)).astype(np.uint16),
        "t": (SINCE + rng.integers(0, DAYS * 86_400, EVENTS)).astype(np.uint32),
    }
    table = pa.table(sought)
    if portless:
        port = pa.array(sought["port"], mask=sought["event"] % 2 == 1)
        table = table.set_column(table.schema.get_field_index("port"), "port", port)
    pq.write_table(table, events)
    return log, events, many


def uncompressed(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    """Numbers as they lie in memory."""
    return pq.ParquetWriter(path, schema, compression="none", use_dictionary=False)


def joined(engine: str, log: Path, events: Path) -> dict[str, Any]:
    """What one engine says, in a process of its own."""
    script = Path(__file__).with_name("attribution_join_engines.py")
    environment = os.environ | {
        "OPENBLAS_NUM_THREADS": "1",  # numpy's threads for matrices, which nobody here needs
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONPYCACHEPREFIX": str(log.with_name("compiled")),
    }
    done = subprocess.run(
        [sys.executable, str(script), engine, str(log), str(events)],
        env=environment, check=True, capture_output=True, text=True,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def compare(rows: int, turns: int, writer: Write, *, any_order: bool = False, portless: bool = False) -> dict[str, Any]:
    """All engines on one log, in turns; where events state no port there is no ASOF join."""
    engines = ("ours", "hash_portless") if portless else ENGINES
    with tempfile.TemporaryDirectory(prefix="nightlight-bench-") as folder:
        log, events, many = told(
            f"{rows:,} rows", write, Path(folder), rows, writer, any_order=any_order, portless=portless
        )
        found: dict[str, list[dict[str, Any]]] = {engine: [] for engine in engines}
        for _ in range(turns):
            for engine in engines:
                found[engine].append(told(engine, joined, engine, log, events))
        size = log.stat().st_size
    answers = {(one["pairs"], one["digest"]) for each in found.values() for one in each}
    if len(answers) != 1:
        raise Wrong(f"The engines do not agree: {answers}.")
    ((pairs, _),) = answers
    best = {engine: min(each, key=lambda one: one["cpu_s"]) for engine, each in found.items()}
    return {"rows": many, "pairs": pairs, "log_mb": round(size / 1e6), **best}


def measure(chosen: argparse.Namespace) -> dict[str, Any]:
    """Both ways of keeping the log; the figures that count are of ours."""
    rows, turns = (QUICK, 2) if chosen.quick else (FULL, 3)
    if chosen.rows:
        rows = chosen.rows
    if getattr(chosen, "portless", False):
        found = compare(rows, 1, part_writer, portless=True)
        return {
            "ratio": round(found["hash_portless"]["cpu_s"] / found["ours"]["cpu_s"], 2),
            "parts": {"portless": found},
        }
    any_order = getattr(chosen, "shuffled", False)
    parts = {"as written": compare(rows, turns, part_writer, any_order=any_order)}
    if not chosen.quick and not any_order:
        parts["plain"] = compare(rows, turns, uncompressed)
    first = parts["as written"]
    return {
        "rows": first["rows"],
        "events": EVENTS,
        "pairs": first["pairs"],
        "join_s": first["ours"]["s"],
        "join_peak_mb": first["ours"]["peak_mb"],
        "duckdb_s": first["hash"]["s"],
        "asof_s": first["asof"]["s"],
        "cpu_ratio_to_duckdb": round(first["hash"]["cpu_s"] / first["ours"]["cpu_s"], 2),
        "cpu_ratio_to_asof": round(first["asof"]["cpu_s"] / first["ours"]["cpu_s"], 2),
        "parts": parts,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help=f"{QUICK:,} rows instead of {FULL:,}")
    parser.add_argument("--rows", type=int, default=0, help="another number of rows")
    parser.add_argument("--shuffled", action="store_true", help="the rows in no order")
    parser.add_argument("--portless", action="store_true", help="every other event states no port; the hash join alone")
    run(parser, measure)


if __name__ == "__main__":
    main()
