# SPDX-License-Identifier: Apache-2.0
"""The custody log: verify, sign, export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from nightlight.commands import base
from nightlight.foundation import clock
from nightlight.foundation.refusals import Refusal

app = typer.Typer(help="The custody log.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command()
def verify(
    as_json: AsJson = False,
    witness: Annotated[
        list[Path] | None, typer.Option(help="A signed tree head kept elsewhere; may be given several times.")
    ] = None,
) -> None:
    """Check everything that was ever received against the log: events, tree, signatures, reports, files.

    Exit code 0: all is as it was; 1: something is not.

    Example: nightlight custody verify --json
    """
    with base.database():
        from nightlight import story
        from nightlight.trust.custody.verify import verify as check

        with Progress(console=base.people, disable=as_json, transient=True) as progress:
            bar = progress.add_task("Checking", total=None)
            report = check(
                extra_checks=story.CHECKS,
                on_progress=lambda done, total: progress.update(bar, completed=done, total=total),
                witnessed=[path.read_text() for path in witness or ()],
            )
        problems = [{"code": str(p.code), "where": p.where, "text": p.text} for p in report.problems]
        lines = [
            f"{report.placed:,} events in the tree, {report.pending:,} awaiting the next head, "
            f"{report.heads:,} signed heads",
            "[green]All is as it was received.[/green]"
            if report.ok
            else f"[red]{report.problem_count:,} problems.[/red]",
        ]
        lines += [f"  {p['code']}  {p['where']}: {p['text']}" for p in problems[:50]]
        base.put(
            {
                "ok": report.ok,
                "events": report.placed + report.pending,
                "placed": report.placed,
                "pending": report.pending,
                "heads": report.heads,
                "problem_count": report.problem_count,
                "problems": problems,
            },
            as_json=as_json,
            text="\n".join(lines),
        )
        if not report.ok:
            raise typer.Exit(1)


@app.command()
def head(as_json: AsJson = False) -> None:
    """Sign the tree as it is now and print the signed head; keep copies of it outside this building."""
    with base.database():
        from nightlight.trust.custody import actions, keys, queries

        actions.sign_head(at=clock.now(), key=keys.signing_key())
        latest = queries.latest_head()
        if latest is None:
            base.fail("Nothing has been recorded yet.")
        if as_json:
            base.put({"size": latest.size, "root": bytes(latest.root).hex(), "note": latest.note}, as_json=True)
        else:
            base.put_exactly(latest.note)


@app.command()
def export(
    number: Annotated[str, typer.Argument(metavar="ID", help="The tip: report id or NL-… number.")],
    to: Annotated[Path, typer.Argument(metavar="FILE", help="The ZIP to write.")],
) -> None:
    """Write a bundle for a court: the tip's whole history with proofs, and a checker that needs only Python.

    Example: nightlight custody export NL-7F3K-9QTX bundle.zip && python verify_bundle.py bundle.zip
    """
    with base.database():
        from nightlight.pipeline.tips import showing
        from nightlight.pipeline.tips.models import TipFile
        from nightlight.trust.custody import actions, bundle, keys

        tip = showing.find(number)
        if tip is None:
            base.fail(f"There is no report {number}.")
        items = TipFile.objects.filter(tip=tip).values_list("item__public_id", flat=True)
        subjects = [f"tip:{tip.public_id}", *(f"item:{item}" for item in items)]
        showing.note_export(tip, by=base.BY, at=clock.now())
        actions.sign_head(at=clock.now(), key=keys.signing_key())
        try:
            with to.open("xb") as out:
                count = bundle.export(subjects=subjects, to=out)
        except FileExistsError:
            base.fail(f"{to} exists already.")
        except Refusal as refusal:
            base.fail(refusal.reason)
        base.say(f"{count} events written to {to}.")


@app.command()
def key() -> None:
    """Print the public key that checks the signed heads; give it to the court and to other units."""
    with base.database():
        from nightlight.trust.custody import keys

        base.put_exactly(f"{keys.signing_key().verifier}\n")
