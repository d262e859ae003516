# SPDX-License-Identifier: Apache-2.0
"""What benches with several parts share: the run itself, progress for people, and the result for people or programs."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

import machine

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable

people = Console(stderr=True, highlight=False)


def told(what: str, measure: Callable[..., Any], *arguments: Any, **more: Any) -> Any:  # noqa: ANN401 - any of the parts
    """Measure one part; say on stderr which, and how long it took."""
    began = time.perf_counter()
    people.print(f"{what} ...", end=" ")
    found = measure(*arguments, **more)
    people.print(f"{time.perf_counter() - began:.1f} s")
    return found


def show_parts(result: dict[str, Any]) -> None:
    """Print what was measured for people: a table for each part, then the figures that sum up."""
    out = Console(highlight=False)
    for part, figures in result["parts"].items():
        table = Table(title=part, show_header=False)
        for name, value in figures.items():
            table.add_row(name, f"{value:,.3f}" if isinstance(value, float) else str(value))
        out.print(table)
    out.print({name: value for name, value in result.items() if name != "parts"})


def run(
    parser: ArgumentParser,
    measure: Callable[[Namespace], dict[str, Any]],
    *,
    show: Callable[[dict[str, Any]], None] = show_parts,
    seconds: str = "seconds",
) -> None:
    """Measure as the command line asks (``--quick`` is the bench's own), and print; ``seconds``: name of its time."""
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    chosen = parser.parse_args()
    machine.end_on_signals()
    began, load = time.perf_counter(), os.getloadavg()[0]
    result = measure(chosen)
    result |= {"quick": chosen.quick, "load_average_before": round(load, 2)}
    result[seconds] = round(time.perf_counter() - began, 1)
    if chosen.json:
        sys.stdout.write(json.dumps(result) + "\n")
    else:
        show(result)
