# SPDX-License-Identifier: Apache-2.0
"""Tips: show one, import downloads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from nightlight.commands import base
from nightlight.foundation import clock
from nightlight.foundation.refusals import Refusal

app = typer.Typer(help="Received reports.", no_args_is_help=True)
Sealed = Annotated[
    str | None,
    typer.Option(
        "--sealed",
        metavar="REASON",
        help="Print names of victims and children too; say why in 15 characters or more. Entered in the custody log.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command()
def show(
    number: Annotated[str, typer.Argument(metavar="ID", help="Report id, NL-… number, or the source's number.")],
    sealed: Sealed = None,
    as_json: AsJson = False,
) -> None:
    """Print what is understood of a report; victims and children are pseudonyms.

    Example: nightlight tip show 481516234200 --json
    """
    with base.database():
        from nightlight.pipeline.tips import showing

        tip = showing.find(number)
        if tip is None:
            base.fail(f"There is no report {number}.")
        try:
            told = showing.everything(tip, by=base.BY, at=clock.now(), sealed_reason=sealed)
        except Refusal as refused:
            base.fail(refused.reason)
        base.put(told, as_json=as_json, text=showing.as_text(told))


def import_(
    path: Annotated[Path, typer.Argument(help="A CyberTip JSON file, a folder of them, or a ZIP.")],
    as_json: AsJson = False,
) -> None:
    """Import CyberTips that were downloaded as JSON; start it again to go on after a stop.

    Exit code 0: every CyberTip was understood; 3: some were kept without being understood; 1: nothing done.

    Example: nightlight import ~/Downloads/cybertips.zip
    """
    with base.database():
        from nightlight.pipeline.tips import importing
        from nightlight.pipeline.tips.models import Outcome

        try:
            files = importing.candidates(path)
        except importing.NotImportable as refused:
            base.fail(str(refused))
        batch = importing.start(by=base.BY, at=clock.now(), name=str(path), expected=len(files))
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=base.people, disable=as_json) as progress:
            bar = progress.add_task("Importing", total=len(files))
            tally = importing.run(batch, files, at=clock.now, each=lambda _entry: progress.advance(bar))
        counts = {str(outcome): tally.outcomes.get(outcome, 0) for outcome in Outcome.values}
        unknown = dict(tally.unknown_paths.most_common(20))
        lines = [f"{Outcome(name).label:<40}{count:>8,}" for name, count in counts.items()]
        lines += [f"  {name}: {reason}" for name, reason in tally.reasons[:20]]
        if unknown:
            lines.append("Fields that were kept but not understood:")
            lines += [f"  {path}  ({count})" for path, count in unknown.items()]
        base.put(
            {
                "import": batch.public_id,
                "files": len(files),
                **counts,
                "not_understood": [{"name": n, "reason": r} for n, r in tally.reasons],
                "unknown_fields": unknown,
            },
            as_json=as_json,
            text="\n".join(lines),
        )
        if counts["unreadable"]:
            raise typer.Exit(3)
        if not counts["new"] and not counts["known"]:
            raise typer.Exit(1)
