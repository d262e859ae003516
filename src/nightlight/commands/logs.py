# SPDX-License-Identifier: Apache-2.0
"""Events against the log of a whole network."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from nightlight.commands import base

app = typer.Typer(help="Events in a file against the log of a whole network.", no_args_is_help=True)


@app.callback()
def logs() -> None:
    """Events in a file against the log of a whole network."""


@app.command()
def match(
    events: Annotated[Path, typer.Argument(help="CSV: event,address,port,time,error.", exists=True, dir_okay=False)],
    log: Annotated[Path, typer.Argument(help="The log as Parquet: a file, or a folder of them.", exists=True)],
    found: Annotated[Path, typer.Argument(help="Where to write the pairs (CSV: event,row).", dir_okay=False)],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Find the rows of a log that answer events: here, or on Spark where NIGHTLIGHT_LOG_ENGINE says so.

    Example: nightlight logs match events.csv /lake/nat-log pairs.csv
    """
    from nightlight.casework.attribution import matching_logs
    from nightlight.casework.attribution.returns.column_files import WrongColumns
    from nightlight.casework.attribution.returns.engines import NoEngine, engine

    env = base.settings()
    try:
        with_ = engine(env.log_engine, master=env.spark_master)
    except NoEngine as none:
        base.fail(f"{none} ({none.code})", code=2)
    try:
        done = matching_logs.match(events, log, found, with_)
    except (matching_logs.NoEvents, WrongColumns) as wrong:
        base.fail(f"{wrong} ({wrong.code})")
    except OSError as wrong:
        base.fail(f"{wrong.strerror or wrong}: {wrong.filename or log}")
    finally:
        with_.close()
    base.put(
        dataclasses.asdict(done),
        as_json=as_json,
        text=f"{done.events:,} events, {done.with_rows:,} with rows of the log: {done.pairs:,} pairs in {found}. "
        f"The log has {done.rows:,} rows; {done.refused:,} lines of the events were refused.",
    )
    if done.refused:
        base.say(f"[yellow]![/yellow] What was refused, and why: {found}.refused.csv")
