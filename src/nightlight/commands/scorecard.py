# SPDX-License-Identifier: Apache-2.0
"""The figures of the provider scorecard: counted anew."""

from __future__ import annotations

from typing import Annotated

import typer

from nightlight.commands import base

app = typer.Typer(help="What reports held, counted for each provider.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.callback()
def scorecard() -> None:
    """A group of its own, also while it has one command."""


@app.command()
def rebuild(*, as_json: AsJson = False) -> None:
    """Count every report anew, for after an update that counts otherwise; what reporters were told stands.

    Example: nightlight scorecard rebuild
    """
    with base.database():
        from nightlight.outlook.insight import filling

        done = filling.rebuild(say=lambda done: base.say(f"{done:,} reports counted"))
        base.put({"reports": done}, as_json=as_json, text=f"{done:,} reports were counted anew.")
