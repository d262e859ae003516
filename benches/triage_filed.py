# SPDX-License-Identifier: Apache-2.0
"""Files one world of the exercise at a running installation, as ``nightlight demo`` does, and reads the queue it makes.

The steps of the worker look files up, link and score, each with its rights and its database. The exercise hands tips to
several units, each with a queue of its own; here all are put in one order, as for somebody who sees them all.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from machine import Installation
from nightlight.exercise.measures import at_risk_ids, top_recall
from triage_ranking import SHARE, Placed, orders, rank

if TYPE_CHECKING:
    import subprocess

    import psycopg

_WAITING = """
SELECT (SELECT count(*) FROM triage_waiting), (SELECT count(*) FROM linking_waiting),
       (SELECT count(*) FROM triage_score)
"""
_STANDINGS = """
SELECT t.report_id, s.kind, s.anchor, s.band, s.harm, s.dies_at, s.workability, t.id
FROM triage_standing s JOIN tips_tip t ON t.id = s.tip_id WHERE s.environment = 'production' AND s.lane = 'open'
"""


class NotDone(Exception):
    """The installation did not come to an end with its reports."""


@dataclass
class Exercise(Installation):
    """An installation that files a world as soon as it runs."""

    seed: int = 0
    reports: int = 0

    def start(self, *arguments: str, **more: str) -> subprocess.Popen[bytes]:
        """Start the exercise where the installation alone would be started."""
        if arguments[:3] == ("-m", "nightlight", "up"):
            arguments = ("-m", "nightlight", "demo", "--port", str(self.port), "--seed", str(self.seed))
            arguments = (*arguments, "--reports", str(self.reports))
        return super().start(*arguments, **more)


def measure(seed: int, reports: int, patience: float = 420) -> dict[str, Any]:
    """File the world of a seed, wait until all is scored, and compare with what memory makes of it."""
    with Exercise(seed=seed, reports=reports) as nightlight:
        document = _filed(nightlight, time.monotonic() + patience)
        with nightlight.database() as database:
            _settled(database, time.monotonic() + patience)
            found = database.execute(_STANDINGS).fetchall()
    keys = {one["report_id"]: one["key"] for one in document["receipts"]}
    risky = {keys[number] for number in at_risk_ids(document)}
    filed = {keys[row[0]]: _placed(keys[row[0]], row) for row in found}
    memory = rank(seed, reports, now=datetime.fromisoformat(document["now"]))
    both = sorted(filed.keys() & memory.placed.keys())
    differ = [key for key in both if _numbers(filed[key]) != _numbers(memory.placed[key])]
    return {
        "seed": seed,
        "tips": len(filed),
        "at_risk": len(risky),
        "filed": {name: round(top_recall(order, risky, SHARE), 3) for name, order in orders(filed.values()).items()},
        "memory": {name: round(value, 3) for name, value in memory.recalls().items()},
        "in_both": len(both),
        "same_band": sum(filed[key].band == memory.placed[key].band for key in both),
        "same_numbers": len(both) - len(differ),
        "differ": [[key, _numbers(filed[key]), _numbers(memory.placed[key])] for key in differ],
        "rows_filed": len({one.row for one in filed.values()}),
        "rows_memory": len({one.row for one in memory.placed.values()}),
    }


def _placed(key: str, row: tuple[Any, ...]) -> Placed:
    _, kind, anchor, band, harm, dies_at, workability, number = row
    return Placed(key, (kind, anchor), band, harm, dies_at, workability, number)


def _numbers(one: Placed) -> tuple[int, int, int]:
    return one.band, one.harm, one.workability


def _filed(nightlight: Exercise, until: float) -> dict[str, Any]:
    """Wait for the ground truth, which is written when the last report was filed."""
    path, kept = nightlight.home / f"ground-truth-{nightlight.seed}.json", nightlight.home / "demo.json"
    while time.monotonic() < until:
        if path.exists() and nightlight.seed in json.loads(kept.read_text())["filed"]:
            document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            return document
        time.sleep(1)
    raise NotDone("The reports were not filed in time.")


def _settled(database: psycopg.Connection[tuple[object, ...]], until: float) -> None:
    """Wait until nothing waits to be linked or scored, and stays so for ten seconds."""
    quiet = 0
    while time.monotonic() < until:
        triage, linking, scored = database.execute(_WAITING).fetchone() or (1, 1, 0)
        quiet = quiet + 1 if (triage, linking) == (0, 0) and scored else 0
        if quiet >= 10:
            return
        time.sleep(1)
    raise NotDone("Tips still wait to be scored.")
