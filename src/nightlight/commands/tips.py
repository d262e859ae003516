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


@app.command()
def export(
    number: Annotated[str, typer.Argument(metavar="ID", help="Report id, NL-… number, or the source's number.")],
    *,
    output: Annotated[Path, typer.Option("--output", metavar="FILE", help="The file to write; never written over.")],
    reason: Annotated[str, typer.Option("--reason", help="Why it is needed, in 15 characters or more.")],
    form: Annotated[str, typer.Option("--format", help="json (CyberTip JSON) or pdf.")] = "json",
    bom: Annotated[bool, typer.Option("--bom", help="Begin the JSON with a byte order mark.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a tip as CyberTip JSON for another police program, or as PDF; victims and children are pseudonyms.

    Example: nightlight tip export NL-7F3K-9QTX --format pdf --output tip.pdf --reason "for the case file 12/2026"
    """
    with base.database():
        from nightlight.outlook.exchange import exporting

        try:
            tip = exporting.of_number(number)
            output.touch(mode=0o600, exist_ok=False)
            try:
                made = exporting.export(
                    tip=tip,
                    form=form,
                    by=base.BY,
                    officer="the command line",
                    at=clock.now(),
                    reason=reason,
                    viewer=None,
                    bom=bom,
                )
                output.write_bytes(made.body)
            except BaseException:  # half a file would pass for the whole
                output.unlink()
                raise
        except FileExistsError:
            base.fail(f"{output} exists already.")
        except OSError as failure:
            base.fail(f"{output} cannot be written: {failure.strerror}.")
        except Refusal as refused:
            base.fail(refused.reason)
        base.put({"file": str(output), "size": len(made.body)}, as_json=as_json, text=f"{tip.public_id} → {output}")


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
