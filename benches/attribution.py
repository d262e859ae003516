# SPDX-License-Identifier: Apache-2.0
"""Attribution: how fast events meet logs and addresses get labels, and how often what is stated is right.

Five parts, each a bench of its own with its peers in the same run: the join of events with an operator's log (DuckDB),
labels (maxminddb), what is stated on worlds with a ground truth (the latest address on no list), planted errors in
requests, and, unless --quick, one return as CSV (DuckDB). Which operator a network belongs to is measured where the
table of networks is there (--networks).

Example: python benches/attribution.py --quick --json
"""

from __future__ import annotations

import argparse
from pathlib import Path
from random import Random
from typing import Any

import attribution_join
import attribution_labels
import attribution_operators
import attribution_returns
import attribution_truth
import telling
from nightlight.casework.attribution.planted import (
    IN_LINE,
    NAMED,
    READER,
    UPSTREAM,
    Planted,
    correct,
    measured,
    plant,
)

PLANTED, SEED = 10_000, 1
JOIN = ("rows", "events", "pairs", "join_s", "join_peak_mb", "duckdb_s", "asof_s")
RATIOS = ("cpu_ratio_to_duckdb", "cpu_ratio_to_asof")
TRUTH = (
    "precision_corroborated", "precision_of_owner", "precision_with_organisations", "wrong_doors", "recall",
    "recall_with_moderate", "precision_moderate", "baseline_precision", "baseline_recall",
)  # fmt: skip


def planted(count: int) -> dict[str, Any]:
    """Errors planted into lines that were right: the share the gate stops (what it only names is not stopped), those
    it lets by without a word, and the correct lines that it stops.

    The first figures are of the errors that the issue names; `planted_kinds` has the share stopped of every kind, and
    `planted_before` that of those that stand before the gate, where it may have nothing to hold them against.
    """
    named = measured(plant(Random(SEED), count, NAMED))
    every = measured(plant(Random(SEED), count, (*IN_LINE, *READER)))
    before = measured(plant(Random(SEED), count, UPSTREAM))
    right = measured(correct(Random(SEED), count))[Planted.NOTHING]
    return {
        "planted": count,
        "planted_blocked": sum(one.blocked for one in named.values()) / count,
        "planted_silent": sum(one.silent for found in (named, every, before) for one in found.values()),
        "planted_line_and_reader_blocked": sum(one.blocked for one in every.values()) / count,
        "planted_kinds": {kind.value: one.blocked / one.cases for kind, one in every.items()},
        "planted_before": {kind.value: one.blocked / one.cases for kind, one in before.items()},
        "correct_blocked": right.blocked,
    }


def measure(chosen: argparse.Namespace) -> dict[str, Any]:
    """All parts; the figures that sum up stand first."""
    parts: dict[str, dict[str, Any]] = {
        "join": attribution_join.measure(argparse.Namespace(quick=chosen.quick, rows=0)),
        "labels": attribution_labels.measure(quick=chosen.quick),
        "truth": attribution_truth.measure(argparse.Namespace(quick=chosen.quick)),
        "planted": telling.told("planted errors", planted, PLANTED // 10 if chosen.quick else PLANTED),
    }
    if chosen.networks.exists():
        parts["operators"] = telling.told("operators", attribution_operators.measure, chosen.networks)
    if not chosen.quick:
        parts["return"] = telling.told("a return as CSV", attribution_returns.measure, quick=False)
    join, truth = parts["join"], parts["truth"]
    result = {name: join[name] for name in (*JOIN, *RATIOS)}
    result |= {name: parts["labels"][name] for name in ("labels_per_s", "ratio_to_maxminddb")}
    result |= {name: truth[name] for name in TRUTH}
    result |= parts["planted"]
    if "operators" in parts:
        result["operators_wrong"] = parts["operators"]["wrong"]
    return result | {"parts": parts}


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="20,000,000 rows of log, few worlds; under a minute")
    parser.add_argument(
        "--networks", type=Path, default=attribution_operators.TABLE, help="table of India's networks with their names"
    )
    telling.run(parser, measure)


if __name__ == "__main__":
    main()
