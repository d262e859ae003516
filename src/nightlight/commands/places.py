# SPDX-License-Identifier: Apache-2.0
"""What is known about places: lists of districts, and where networks are; and placing all tips anew by them."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nightlight.commands import base
from nightlight.foundation import clock
from nightlight.foundation.refusals import Refusal

if TYPE_CHECKING:
    from nightlight.pipeline.routing.loading import Done

app = typer.Typer(help="What is known about places: districts and networks.", no_args_is_help=True)
routing = typer.Typer(help="Where tips belong.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
PassOver = Annotated[bool, typer.Option("--pass-over", help="Load what can be read though some lines cannot.")]
_LARGEST = 512 * 2**20  # bytes: several times a list of the whole world
_AGAIN = "Tips that are here keep their place until [b]nightlight routing rebuild[/b]."


@app.command("import-districts")
def import_districts(
    file: Annotated[Path, typer.Argument(help="CSV with the columns code, name, state, aliases and pins.")],
    *,
    pass_over: PassOver = False,
    as_json: AsJson = False,
) -> None:
    """Load a list of districts; from then on it counts alone. Earlier lists are kept.

    Example: nightlight places import-districts districts.csv
    """
    data = _read(file)
    with base.database():
        from nightlight.pipeline.routing import loading

        try:
            done = loading.import_districts(by=base.BY, at=clock.now(), name=file.name, data=data, pass_over=pass_over)
        except Refusal as refusal:
            base.fail(refusal.reason, code=2)
        _tell(done, "districts", as_json=as_json)


@app.command("import-networks")
def import_networks(
    file: Annotated[Path, typer.Argument(help="Lines of prefix,country,region,city,postal (RFC 8805).")],
    *,
    as_of: Annotated[str, typer.Option(help="The day the list was taken from its source, as 2026-11-01.")],
    until: Annotated[str, typer.Option(help="The last day it holds; until another says otherwise if left out.")] = "",
    kind: Annotated[str, typer.Option(help="places, anonymisers or hosting.")] = "places",
    pass_over: PassOver = False,
    as_json: AsJson = False,
) -> None:
    """Load a list of where networks are, or of networks whose users are somewhere else; it counts beside the others.

    Example: nightlight places import-networks geofeed.csv --as-of 2026-11-01
    """
    first, last, data = _day(as_of, "--as-of"), _day(until, "--until") if until else None, _read(file)
    with base.database():
        from nightlight.pipeline.routing import geofeed, loading

        if kind not in list(geofeed.ListKind):
            base.fail(f"--kind is one of {', '.join(geofeed.ListKind)}.", code=2)
        try:
            done = loading.import_networks(
                by=base.BY,
                at=clock.now(),
                name=file.name,
                data=data,
                as_of=first,
                until=last,
                kind=geofeed.ListKind(kind),
                pass_over=pass_over,
            )
        except Refusal as refusal:
            base.fail(refusal.reason, code=2)
        _tell(done, "prefixes", as_json=as_json)


@app.command("list")
def list_(*, as_json: AsJson = False) -> None:
    """List what was loaded: each list of districts, the newest of which counts, and each list of networks.

    Example: nightlight places list
    """
    with base.database():
        from nightlight.pipeline.routing.models import DistrictList, Feed

        districts = [
            {"name": one.name, "sha256": one.sha256, "rows": one.rows, "at": one.at.isoformat(), "in_use": not place}
            for place, one in enumerate(DistrictList.objects.order_by("-pk"))
        ]
        networks = [
            {
                "name": one.name,
                "kind": one.kind,
                "sha256": one.sha256,
                "rows": one.rows,
                "as_of": one.as_of.isoformat(),
                "until": one.until.isoformat() if one.until else "",
            }
            for one in Feed.objects.order_by("-as_of", "-pk")
        ]
        lines = [
            f"[b]{one['name']}[/b]  {one['rows']:,} districts" + (" [dim](in use)[/dim]" if one["in_use"] else "")
            for one in districts
        ]
        lines += [
            f"[b]{one['name']}[/b]  {one['rows']:,} prefixes, {one['kind']}, as of {one['as_of']}"
            + (f" until {one['until']}" if one["until"] else "")
            for one in networks
        ]
        nothing = "Nothing was loaded: states are known, districts and networks are not."
        base.put({"districts": districts, "networks": networks}, as_json=as_json, text="\n".join(lines) or nothing)


@app.command()
def verify(*, as_json: AsJson = False) -> None:
    """Compare what was loaded with what is there. Ends with 1 where something is missing or was changed.

    Example: nightlight places verify
    """
    with base.database():
        from nightlight.pipeline.routing import loading

        faults = loading.verify()
        base.put(
            {"faults": [{"name": one.name, "what": one.sentence} for one in faults]},
            as_json=as_json,
            text="\n".join(f"[red]✗[/red] {one.name}: {one.sentence}" for one in faults) or "All is as it was loaded.",
        )
        if faults:
            raise SystemExit(1)


@routing.command()
def rebuild(*, as_json: AsJson = False) -> None:
    """Have the place of every received tip worked out anew, in the background: after loading a list, or an update.

    Example: nightlight routing rebuild
    """
    with base.database():
        from nightlight.pipeline.routing import loading, tasks
        from nightlight.trust import work

        tips = loading.work_out_again()
        work.defer_once(tasks.propose)
        base.put({"tips": tips}, as_json=as_json, text=f"{tips:,} tips wait to be placed anew; the worker does it.")


def _read(file: Path) -> bytes:
    try:
        if file.stat().st_size > _LARGEST:
            base.fail(f"{file} is larger than {_LARGEST // 2**20} MB; give a part of it.", code=2)
        return file.read_bytes()
    except OSError as error:
        base.fail(f"{file} cannot be read: {error.strerror}.", code=2)


def _day(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        base.fail(f"{option} is a day such as 2026-11-01.", code=2)


def _tell(done: Done, what: str, *, as_json: bool) -> None:
    for problem in done.problems:
        base.say(f"[yellow]![/yellow] {problem}")
    base.put(
        {"rows": done.rows, "passed_over": done.passed_over, "problems": list(done.problems)},
        as_json=as_json,
        text=f"{done.rows:,} {what} are loaded; {done.passed_over:,} lines were passed over. {_AGAIN}",
    )
