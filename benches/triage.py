# SPDX-License-Identifier: Apache-2.0
"""Triage: how fast tips are scored, whether those with a child at risk come out on top, and how fast the queue opens.

**Speed**: facts and score of reports that are read already, on one core, per second of processor time; beside it the
same with reading the words for danger, which is a step of its own.

**Ranking** (``triage_ranking.py``): worlds of the exercise from seeds that nothing was tuned on. Recall is the part of
the received tips with a child at risk by the ground truth that stands in the first tenth. Orders that are compared:

- ``top10_recall``: each tip by its own numbers (band, then what is lost first, then workability), a tenth of the tips.
- ``arrival_recall``: the newest first, as the inbox shows them; ``files_recall``: the most files first. Also a tenth of
  the tips, so that these three ask for the same reading.

The queue of the product shows rows: one person's tips, one clip's tips stand together where the first of them stands.
What its first tenth is depends on how one counts, so ``queue`` has all of it, never chosen for its result:

- ``rows``: the first tenth of the rows, and what these hold;
- ``opened``: as many rows as a tenth of the tips, for an officer who opens as many things as in the inbox;
- ``all_read``: a tenth of the tips, where every tip of a row is read before the next row is begun.

**Pages** (``triage_pages.py``, full only) and a world filed at a running installation (``triage_filed.py``, full only).

    python benches/triage.py                    # 20 worlds, one of them filed as well, a million open tips
    python benches/triage.py --quick --json     # 5 worlds in memory, under a minute; one JSON object last
"""

from __future__ import annotations

import argparse
import atexit
import os
import shutil
import tempfile
from math import ceil
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from telling import run, told

if TYPE_CHECKING:
    from collections.abc import Sequence

    from triage_ranking import Ranked

REPORTS = 560  # of one world, as many as a demo files
FULL, QUICK = range(401, 421), range(401, 406)  # seeds; tuned was on 300 to 310
TIPS, OWN = 1_000_000, 50_000


def set_up() -> None:
    """Load the product's modules; what runs here asks no database."""
    home = tempfile.mkdtemp(prefix="nightlight-bench-")
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    os.environ["NIGHTLIGHT_HOME"] = home
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "nightlight.config.settings")
    import django

    django.setup()


def ranking(seeds: Sequence[int]) -> tuple[dict[str, Any], list[Ranked]]:
    """Rank the worlds of these seeds."""
    import triage_ranking as made

    ranked: list[Ranked] = [told(f"world {seed}", made.rank, seed, REPORTS) for seed in seeds]
    risky = sum(len(one.risky) for one in ranked)
    tips = sum(len(one.tips) for one in ranked)

    def together(name: str) -> float:
        return round(sum(one.recalls()[name] * len(one.risky) for one in ranked) / risky, 3)

    scoring = sum(one.seconds["scoring"] for one in ranked)
    listening = sum(one.seconds["listening"] for one in ranked)
    misses = [line for one in ranked for line in made.missed(one)]
    return {
        "scores_per_s": round(tips / scoring),
        "scores_per_s_with_words": round(tips / (scoring + listening)),
        "top10_recall": together("tips"),
        "arrival_recall": together("arrival"),
        "files_recall": together("files"),
        "worst_top10_recall": round(min(one.recalls()["tips"] for one in ranked), 3),
        "best_top10_recall": round(max(one.recalls()["tips"] for one in ranked), 3),
        "queue": _of_rows(ranked) | {"all_read": together("queue")},
        "worlds": len(ranked),
        "seeds": [one.world.seed for one in ranked],
        "tips": tips,
        "at_risk": risky,
        "by_band": made.by_band(ranked),
        "by_reason": made.by_reason(ranked),
        "missed_by_signs": made.missed_by_signs(misses),
        "false_alarms": made.false_alarms(ranked),
        "missed": misses,
    }, ranked


def _of_rows(ranked: Sequence[Ranked]) -> dict[str, Any]:
    """The same recall where rows are counted, and how much there is in these rows."""
    found = {"rows": 0, "opened": 0}
    held = dict(found)
    rows_in_all = 0
    for one in ranked:
        rows = one.rows()
        rows_in_all += len(rows)
        for name, many in (("rows", len(rows)), ("opened", len(one.tips))):
            first = {key for row in rows[: ceil(many / 10)] for key in row}
            found[name] += len(first & one.risky)
            held[name] += len(first)
    risky, tips = sum(len(one.risky) for one in ranked), sum(len(one.tips) for one in ranked)
    recalls = {name: round(many / risky, 3) for name, many in found.items()}
    return (
        recalls
        | {f"{name}_hold_of_tips": round(many / tips, 3) for name, many in held.items()}
        | {"rows_in_all": rows_in_all}
    )


def quick() -> dict[str, Any]:
    """Speed and ranking in memory."""
    return ranking(QUICK)[0]


def full(tips: int) -> dict[str, Any]:
    """Everything that docs/triage.md states."""
    import triage_filed
    import triage_pages

    found, ranked = ranking(FULL)
    found["filed"] = told("a world filed", triage_filed.measure, FULL[0], REPORTS)
    scores = [score for one in ranked[:3] for score in one.scores.values()][:60]
    found["pages"] = told(f"pages over {tips:,} tips", triage_pages.measure, tips, tips * OWN // TIPS, 60, scores)
    return found


def show(result: dict[str, Any]) -> None:
    """Print what was measured for people."""
    out = Console(highlight=False)
    for name in ("by_band", "by_reason", "missed_by_signs"):
        lines = result.pop(name)
        table = Table(title=name.replace("_", " "))
        for column in lines[0] if lines else ():
            table.add_column(column)
        for line in lines:
            table.add_row(*(str(value) for value in line.values()))
        out.print(table)
    for line in result.pop("missed"):
        out.print(line)
    out.print(result)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help=f"{len(QUICK)} worlds in memory, under a minute")
    parser.add_argument("--tips", type=int, default=TIPS, help=f"open tips of the pages (default {TIPS:,})")

    def measure(chosen: argparse.Namespace) -> dict[str, Any]:
        set_up()
        return quick() if chosen.quick else full(chosen.tips)

    run(parser, measure, show=show)


if __name__ == "__main__":
    main()
