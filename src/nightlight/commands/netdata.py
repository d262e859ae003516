# SPDX-License-Identifier: Apache-2.0
"""Lists about networks (who anonymises, whose a network is) and the directory of operators. Nothing is fetched."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nightlight.commands import base
from nightlight.foundation import clock

if TYPE_CHECKING:
    from typing import NoReturn

    from nightlight.casework.attribution.import_kinds import Refused

app = typer.Typer(
    help="Lists about networks, kept as of every day; you bring the files, nothing is fetched.", no_args_is_help=True
)
operators = typer.Typer(help="Whom to ask for records: the directory of operators.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
_MOST_FAULTS = 50  # shown to a person


@app.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(help="Files of one list, in any order; each is a snapshot or a day.")],
    *,
    kind: Annotated[str, typer.Option(help="What it says: tor-exit, vpn, private-relay, hosting-as, networks, …")],
    name: Annotated[str, typer.Option(help="Its name; snapshots of one name grow one archive.")],
    licence: Annotated[str, typer.Option(help="The publisher's licence, and what it wants to be said.")],
    version: Annotated[str, typer.Option(help="The publisher's version; its time if left out.")] = "",
    as_of: Annotated[
        str,
        typer.Option(
            help="When it was complete: 2026-11-01T06:00Z, 2026-11-01 (its end), or name: by the files' names."
        ),
    ] = "",
    pass_over: Annotated[
        bool, typer.Option("--pass-over", help="Load what can be read though some lines cannot.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Load snapshots of a list, or tables of days. Without --as-of each file has to say its own time.

    Example: nightlight netdata import exits-*.txt --kind tor-exit --name "Tor exits" --licence CC0 --as-of name
    """
    at = clock.now()
    moment = None if as_of in {"", "name"} else _moment(as_of, at)
    with base.database():
        from nightlight.casework.attribution import importing_lists, prepare_tasks
        from nightlight.casework.attribution.import_kinds import Refused, Stated
        from nightlight.casework.attribution.netdata.kinds import ListKind
        from nightlight.trust import work

        if kind not in list(ListKind):
            base.fail(f"--kind is one of {', '.join(ListKind)}.", code=2)
        stated = Stated(ListKind(kind), name, licence, version, moment, as_of == "name", pass_over)
        try:
            done = importing_lists.import_lists(by=base.BY, at=at, stated=stated, files=files)
        except Refused as refused:
            _fail(refused)
        if done.again:
            work.defer_once(prepare_tasks.prepare)
        for problem in done.problems:
            base.say(f"[yellow]![/yellow] {problem}")
        there = f" {done.there:,} were loaded already." if done.there else ""
        base.put(
            done._asdict(),
            as_json=as_json,
            text=f"{done.files:,} files with {done.entries:,} entries are loaded; {done.left_out:,} lines were passed "
            f"over.{there} {done.again:,} tips are looked at anew in the background.",
        )


@app.command("list")
def list_(*, as_json: AsJson = False) -> None:
    """List what is loaded: which times it covers, with gaps, how old it is, and under which licence.

    Example: nightlight netdata list
    """
    with base.database():
        from nightlight.casework.attribution import list_queries

        shown = list_queries.overview(clock.now())
        lines = [
            f"[b]{one.name}[/b]  {one.kind}, {one.rows:,} rows, {one.snapshots:,} "
            f"{'snapshots' if one.archived else 'days'}, {one.covers()}"
            + (f", {len(one.gaps)} gaps of more than {one.longest_gap_days:g} days" if one.gaps else "")
            + f"\n  {one.version}; {one.age()}; licence: {one.licence}"
            + ("" if one.readable else "\n  [red]its archive is gone or changed: nightlight netdata verify[/red]")
            for one in shown.lists
        ]
        if shown.missing:
            lines.append(f"Nothing loaded could say: {', '.join(shown.missing)}.")
        if shown.exercise:
            lines.append("[yellow]An exercise:[/yellow] ranges for documentation count as networks of operators.")
        base.put(shown.as_json(), as_json=as_json, text="\n".join(lines))


@app.command()
def verify(
    *,
    mend: Annotated[bool, typer.Option("--mend", help="Make archives that are gone anew.")] = False,
    as_json: AsJson = False,
) -> None:
    """Compare what was loaded with what is there and with the log, and make each archive anew. Ends with 1 on faults.

    Example: nightlight netdata verify
    """
    with base.database():
        from nightlight.casework.attribution import checking_lists

        found = checking_lists.verify(mend=mend)
        text = [
            f"{'[green]✓[/]' if one.mended else '[red]✗[/]'} {one.name}: {one.sentence} ({one.code})"
            for one in found.faults[:_MOST_FAULTS]
        ]
        more = len(found.faults) - len(text)
        text += [f"… and {more:,} more."] if more > 0 else []
        text.append(
            f"{found.archives:,} archives of {found.imports:,} files were made anew and compared with "
            f"{found.entries:,} entries of the log. {found.unspoken:,} files are left over and do no harm."
        )
        base.put(
            found._asdict() | {"faults": [one._asdict() for one in found.faults]}, as_json=as_json, text="\n".join(text)
        )
        if any(not one.mended for one in found.faults):
            raise SystemExit(1)


@operators.command("load")
def load(
    file: Annotated[Path, typer.Argument(help="The directory (TOML).")],
    *,
    exercise: Annotated[bool, typer.Option("--exercise", help="Load one whose operators are invented.")] = False,
    as_json: AsJson = False,
) -> None:
    """Load a directory of operators: the newest of its name counts, over what was loaded before.

    Example: nightlight operators load operators.toml
    """
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        base.fail(f"{file} cannot be read: {error.strerror}.", code=2)
    except UnicodeDecodeError:
        base.fail(f"{file} is no text in UTF-8.", code=2)
    with base.database():
        from nightlight.casework.attribution import loading_operators, prepare_tasks
        from nightlight.casework.attribution.import_kinds import Refused
        from nightlight.trust import work

        try:
            done = loading_operators.load(by=base.BY, at=clock.now(), text=text, exercise=exercise)
        except Refused as refused:
            _fail(refused)
        if done.again:
            work.defer_once(prepare_tasks.prepare)
        base.put(
            done._asdict(),
            as_json=as_json,
            text=f"{done.name} {done.version} is in use: {done.operators:,} operators. {done.again:,} tips are looked "
            "at anew in the background.",
        )


@operators.command("list")
def list_operators(*, as_json: AsJson = False) -> None:
    """List whom the directory in use names, with the numbers of their networks, and how many ways to write to each.

    Example: nightlight operators list
    """
    with base.database():
        from nightlight.casework.attribution import list_queries

        told = list_queries.operators()
        lines = [
            f"[b]{one['code']}[/b]  {one['name']} ({one['country']}, {one['kind']}), {one['networks']} networks, "
            f"{one['contacts']} contacts" + (" [yellow](invented)[/yellow]" if one["exercise"] else "")
            for one in told["operators"]
        ]
        base.put(told, as_json=as_json, text="\n".join([f"{told['name']} {told['version']}".strip(), *lines]))


def _moment(text: str, at: datetime) -> datetime:
    """Read --as-of: an instant with its zone, or a day, which counts until its end (or until now)."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        base.fail("--as-of is a time such as 2026-11-01T06:00Z, a day, or 'name'.", code=2)
    if len(text) == len("2026-11-01") or "T" not in text.upper():
        end = found.replace(hour=23, minute=59, second=59, tzinfo=UTC)
        return min(end, at) if end.date() == at.date() else end
    if found.tzinfo is None:
        base.fail("--as-of with a time of the day needs its zone, such as 2026-11-01T06:00Z.", code=2)
    return found.astimezone(UTC)


def _fail(refused: Refused) -> NoReturn:
    base.fail(f"{refused.reason} ({refused.code})", code=2)
