# SPDX-License-Identifier: Apache-2.0
"""How many complete reports a second this machine takes in, every answer durable, beside what it could at most.

A complete report is four requests (submit, upload of 100 kB, file details, finish), each answered when what it
brought is safe: PostgreSQL with fsync on, the vault's file and folder synced. Web server, database, background
worker and load share this one machine; the worker summarises reports meanwhile, as it always does.

The **floor** is measured in the same run, in turn with the real thing (A, B, A, B …), so that both meet the same
noise. It is the same server (granian, same processes and threads, same Django settings, same database), the same
client and the same four requests with the same bodies, answered by the least that could be called keeping them:
sign-in by the same query, the body read by the same code, one row inserted in autocommit and one file created
exclusively and synced, with its folder, for each request. No validation, digest, encryption, custody event, report
state, receipt, log line or background work. ``ratio_to_floor`` is what all of those leave of the floor's rate. The
**lean** floor, given beside it, writes a file for the upload only: less than what was asked of a floor, but nearer to
what a report needs.

``reports_per_s``, ``floor_reports_per_s``, ``ratio_to_floor``, ``p50_ms`` and ``p99_ms`` are for 16 clients; the
times are those of a complete report, from the first byte of the submit to the last of the receipt.

    python benches/intake.py                    # a table for people, about four minutes
    python benches/intake.py --quick --json     # under a minute; the last line is one JSON object
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

import floor
import machine
from filing import VERBS, Load, Measured
from machine import HERE, Installation, percentile

if TYPE_CHECKING:
    import psycopg

STANDARD = 16
NEEDED_PER_S, NEEDED_OF_FLOOR = 100.0, 0.60
_BACKLOG = "SELECT count(*) FROM tips_unread"
people = Console(stderr=True, highlight=False)


@dataclass(frozen=True)
class Plan:
    """Which runs: (clients, rounds, seconds, with the floor)."""

    runs: tuple[tuple[int, int, float, bool], ...]
    patience: float  # seconds to wait for the worker between runs


QUICK = Plan(((4, 1, 2.0, False), (STANDARD, 3, 2.2, True), (64, 1, 1.5, False)), patience=4)
FULL = Plan(((4, 2, 8.0, True), (STANDARD, 5, 10.0, True), (64, 2, 8.0, True)), patience=60)


@dataclass
class Tally:
    """All runs with the same number of clients, of the real thing or of the floor."""

    runs: list[Measured] = field(default_factory=list)
    cpu: dict[str, float] = field(default_factory=dict)
    answered: int = 0  # reports in and out of the measured window, over which the processor time goes

    @property
    def per_second(self) -> float:
        """Complete reports a second over all runs."""
        return sum(run.reports for run in self.runs) / max(sum(run.seconds for run in self.runs), 1e-9)

    def report_ms(self, share: float) -> float:
        """The percentile of the times of complete reports, in milliseconds."""
        return percentile([ms for run in self.runs for ms in run.report_ms], share)

    def request_ms(self, verb: str, share: float) -> float:
        """The percentile of the times of one kind of request, in milliseconds."""
        return percentile([ms for run in self.runs for ms in run.request_ms[verb]], share)

    def cpu_ms(self) -> dict[str, float]:
        """Processor time per complete report by part, in milliseconds."""
        return {name: round(1000 * seconds / max(self.answered, 1), 2) for name, seconds in self.cpu.items()}


@dataclass
class Result:
    """Everything that was measured."""

    fsync_ms: float
    ours: dict[int, Tally] = field(default_factory=dict)
    floor: dict[int, Tally] = field(default_factory=dict)
    lean: Tally = field(default_factory=Tally)
    most_backlog: int = 0
    drain_s: float = 0.0  # the longest wait for the worker after a run
    drained: bool = True
    load_before: float = field(default_factory=lambda: os.getloadavg()[0])

    @property
    def ratio(self) -> float:
        """The share of the floor's rate that is reached with 16 clients."""
        return self.ours[STANDARD].per_second / max(self.floor[STANDARD].per_second, 1e-9)

    def as_json(self, *, quick: bool, took: float) -> dict[str, Any]:
        """Return the figures as they are printed."""
        ours, least = self.ours[STANDARD], self.floor[STANDARD]
        return {
            "reports_per_s": round(ours.per_second, 1),
            "floor_reports_per_s": round(least.per_second, 1),
            "ratio_to_floor": round(self.ratio, 3),
            "lean_floor_reports_per_s": round(self.lean.per_second, 1),
            "ratio_to_lean_floor": round(ours.per_second / max(self.lean.per_second, 1e-9), 3),
            "p50_ms": round(ours.report_ms(0.5), 1),
            "p99_ms": round(ours.report_ms(0.99), 1),
            "floor_p99_ms": round(least.report_ms(0.99), 1),
            "measured_with_clients": STANDARD,
            "clients": [
                {
                    "clients": clients,
                    "reports_per_s": round(tally.per_second, 1),
                    "floor_reports_per_s": round(self.floor[clients].per_second, 1) if clients in self.floor else None,
                    "p50_ms": round(tally.report_ms(0.5), 1),
                    "p99_ms": round(tally.report_ms(0.99), 1),
                    "requests": {
                        verb: {
                            "p50_ms": round(tally.request_ms(verb, 0.5), 1),
                            "p99_ms": round(tally.request_ms(verb, 0.99), 1),
                        }
                        for verb in VERBS
                    },
                }
                for clients, tally in sorted(self.ours.items())
            ],
            "cpu_ms_per_report": ours.cpu_ms(),
            "floor_cpu_ms_per_report": least.cpu_ms(),
            "cpu_count": os.cpu_count(),
            "fsync_ms": round(self.fsync_ms, 2),
            "worker_backlog": self.most_backlog,
            "worker_drain_s": round(self.drain_s, 1),
            "worker_drained": self.drained,
            "file_size": 100_000,
            "load_average_before": round(self.load_before, 2),
            "quick": quick,
            "seconds": round(took, 1),
        }


def measure(plan: Plan) -> Result:
    """Start an installation and the floor beside it, run the plan, and clean up."""
    with Installation() as nightlight, nightlight.database() as database:
        result = Result(machine.fsync_ms(nightlight.home))
        login = nightlight.command("reporter", "add", "Example Chat", "--environment", "production")
        database.execute(floor.TABLE)
        names = login["username"], login["password"]
        port, lean_port = machine.free_port(), machine.free_port()
        more = {"DJANGO_SETTINGS_MODULE": "floor_settings", "NIGHTLIGHT_SUPERVISED": "1"}
        beside = nightlight.start(str(HERE / "floor.py"), str(port), **more)
        lean_beside = nightlight.start(str(HERE / "floor.py"), str(lean_port), **more, NIGHTLIGHT_FLOOR="lean")
        try:
            nightlight.wait_for(port, beside)
            nightlight.wait_for(lean_port, lean_beside)
            real = Load(nightlight.port, *names, exact=True)
            least, lean = Load(port, *names, exact=False), Load(lean_port, *names, exact=False)
            for load in (real, least, lean):  # the first requests of a process are slow
                load.run(clients=STANDARD, seconds=0.1, warm_up=1.0)
            _drain(database, result, plan.patience)
            floor_pids = [beside.pid, *machine.children(beside.pid)]
            lean_pids = [lean_beside.pid, *machine.children(lean_beside.pid)]
            for clients, rounds, seconds, with_floor in plan.runs:
                for _ in range(rounds):
                    tally = result.ours.setdefault(clients, Tally())
                    _one(tally, real, clients, seconds, nightlight.parts())
                    _drain(database, result, plan.patience)
                    if with_floor:
                        parts = {**nightlight.parts(), "web": floor_pids}
                        _one(result.floor.setdefault(clients, Tally()), least, clients, seconds, parts)
                    if with_floor and clients == STANDARD:
                        parts = {**nightlight.parts(), "web": lean_pids}
                        _one(result.lean, lean, clients, seconds, parts)
                people.print(f"  {clients:>3} clients: {result.ours[clients].per_second:7.1f} reports/s", style="dim")
        finally:
            machine.stop(beside)
            machine.stop(lean_beside)
    return result


def _one(tally: Tally, load: Load, clients: int, seconds: float, parts: dict[str, list[int]]) -> None:
    before = {name: machine.cpu_seconds(pids) for name, pids in parts.items()}
    own, began = time.process_time(), time.perf_counter()
    run = load.run(clients=clients, seconds=seconds, warm_up=0.5)
    took = time.perf_counter() - began
    tally.runs.append(run)
    tally.answered += round(run.per_second * took)
    for name, pids in parts.items():
        tally.cpu[name] = tally.cpu.get(name, 0.0) + machine.cpu_seconds(pids) - before[name]
    tally.cpu["load"] = tally.cpu.get("load", 0.0) + time.process_time() - own


def _drain(database: psycopg.Connection[tuple[object, ...]], result: Result, patience: float) -> None:
    """Let the worker finish what the last run left, so that it does not disturb the next."""
    began, waiting = time.perf_counter(), _backlog(database)
    result.most_backlog = max(result.most_backlog, waiting)
    while waiting and time.perf_counter() - began < patience:
        time.sleep(0.1)
        waiting = _backlog(database)
    result.drained = not waiting
    result.drain_s = max(result.drain_s, time.perf_counter() - began)


def _backlog(database: psycopg.Connection[tuple[object, ...]]) -> int:
    row = database.execute(_BACKLOG).fetchone()
    return int(str(row[0])) if row else 0


def show(result: Result, took: float) -> None:
    """Print the figures for people."""
    out = Console(highlight=False)
    table = Table(title=f"Complete reports with a file of 100 kB, {os.cpu_count()} processors for everything")
    for name in ("clients", "reports/s", "floor", "of floor", "p50 ms", "p99 ms", *VERBS):
        table.add_column(name, justify="right")
    for clients, tally in sorted(result.ours.items()):
        least = result.floor.get(clients)
        table.add_row(
            str(clients),
            f"{tally.per_second:.0f}",
            f"{least.per_second:.0f}" if least else "",
            f"{tally.per_second / least.per_second:.0%}" if least else "",
            f"{tally.report_ms(0.5):.0f}",
            f"{tally.report_ms(0.99):.0f}",
            *(f"{tally.request_ms(verb, 0.5):.1f}/{tally.request_ms(verb, 0.99):.0f}" for verb in VERBS),
        )
    table.caption = "Times of requests are p50/p99 in ms."
    out.print(table)
    cpu, floor_cpu = result.ours[STANDARD].cpu_ms(), result.floor[STANDARD].cpu_ms()
    parts = Table(title=f"Processor time a report, {STANDARD} clients, ms")
    for name in ("", *cpu):
        parts.add_column(name, justify="right")
    parts.add_row("Nightlight", *(f"{ms:.2f}" for ms in cpu.values()))
    parts.add_row("floor", *(f"{floor_cpu.get(name, 0.0):.2f}" for name in cpu))
    out.print(parts)
    good = result.ours[STANDARD].per_second >= NEEDED_PER_S and result.ratio >= NEEDED_OF_FLOOR
    out.print(
        f"[{'green' if good else 'red'}]{result.ours[STANDARD].per_second:.0f} reports/s, {result.ratio:.0%} of the "
        f"floor[/] with {STANDARD} clients (needed: {NEEDED_PER_S:.0f}/s and {NEEDED_OF_FLOOR:.0%}).\n"
        f"The disk takes {result.fsync_ms:.2f} ms to keep 8 kB. The worker was at most {result.most_backlog:,} "
        f"reports behind and caught up in {result.drain_s:.1f} s. Load average before: {result.load_before:.2f}. "
        f"The run took {took:.0f} s."
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help="under a minute, start-up included")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    chosen = parser.parse_args()
    machine.end_on_signals()
    began = time.perf_counter()
    result = measure(QUICK if chosen.quick else FULL)
    took = time.perf_counter() - began
    if chosen.json:
        sys.stdout.write(json.dumps(result.as_json(quick=chosen.quick, took=took)) + "\n")
    else:
        show(result, took)


if __name__ == "__main__":
    main()
