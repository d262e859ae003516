# SPDX-License-Identifier: Apache-2.0
"""Units of the police and of the clearing house: load a list, add one, look at the tree."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nightlight.commands import base
from nightlight.foundation import clock
from nightlight.foundation.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nightlight.trust.units.loading import Problem, UnitRow

app = typer.Typer(help="Units: who reports to whom, and who is responsible for which area.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
_SHOWN = 20


@app.command()
def load(
    file: Annotated[
        Path, typer.Argument(help="CSV with the columns code, name, kind, parent, areas.", exists=True, dir_okay=False)
    ],
    as_json: AsJson = False,
) -> None:
    """Add the units of a list that are not there yet. Can be run again: what is there is left alone and told.

    Nothing is loaded while any line of the file has a fault. Example: nightlight unit load units.csv
    """
    with base.database():
        from nightlight.trust.units import loading
        from nightlight.trust.units.models import Unit

        read = loading.read_csv(file.read_bytes(), known=set(Unit.objects.values_list("code", flat=True)))
        faults = [problem for problem in read.problems if problem.fault is not loading.Fault.UNKNOWN_COLUMN]
        if faults:
            _tell_faults(faults)
            base.fail(f"Nothing was loaded: {len(faults)} faults in {file.name}.", code=2)
        _register(read.rows, as_json=as_json, passed_over=read.problems)


@app.command()
def seed(
    country: Annotated[str, typer.Argument(help="india: the national centre and one unit for each state.")],
    as_json: AsJson = False,
) -> None:
    """Add the units that every installation in a country can begin with.

    Example: nightlight unit seed india
    """
    if country.lower() != "india":
        base.fail("There is a list of units for india only; load your own with: nightlight unit load", code=2)
    with base.database():
        from nightlight.trust.units import loading

        _register(loading.india_seed(), as_json=as_json)


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """Show the tree of units with the people who hold posts there now."""
    with base.database():
        from nightlight.trust.units import queries

        rows, shortened = queries.tree(clock.now(), whole=True)
        assert not shortened  # noqa: S101 - the whole was asked for
        units = [
            {
                "unit": row.unit.public_id,
                "code": row.unit.code,
                "name": row.unit.name,
                "kind": row.unit.kind,
                "parent": "" if row.unit.parent is None else row.unit.parent.code,
                "areas": [area.code for area in row.unit.areas.all()],
                "people": {str(role): number for role, number in row.roles},
                "depth": row.depth,
            }
            for row in rows
        ]
        lines = [
            f"{'  ' * row.depth}[b]{row.unit.code}[/b]  {row.unit.name}  [dim]{row.unit.get_kind_display()}"
            + (f", {row.people} posts held" if row.people else "")
            + "[/dim]"
            for row in rows
        ]
        base.put({"units": units}, as_json=as_json, text="\n".join(lines))


@app.command()
def add(
    code: Annotated[str, typer.Argument(help="Short code, unique, such as MH-LAKESIDE.")],
    *,
    name: Annotated[str, typer.Option(help="Name as shown on pages.")],
    kind: Annotated[str, typer.Option(help="state, district, station or special.")],
    parent: Annotated[str, typer.Option(help="Code or UN-… of the unit above.")] = "IN",
    area: Annotated[list[str] | None, typer.Option(help="IN-MH, LGD:482 or PIN:431; may be repeated.")] = None,
    as_json: AsJson = False,
) -> None:
    """Add one unit below another.

    Example: nightlight unit add MH-LAKESIDE --name "Lakeside district cyber cell" --kind district --parent IN-MH
    """
    with base.database():
        from nightlight.trust.units import actions

        try:
            above = actions.unit_with(parent)
            unit = actions.add_unit(
                by=base.BY, at=clock.now(), code=code, name=name, kind=kind, parent=above, areas=area or ()
            )
        except Refusal as refusal:
            base.fail(refusal.reason, code=2)
        base.put(
            {"unit": unit.public_id, "code": unit.code, "name": unit.name, "kind": unit.kind, "parent": above.code},
            as_json=as_json,
            text=f"[b]{unit.code}[/b]  {unit.name} ({unit.public_id}), below {above.name}",
        )


def _register(rows: Sequence[UnitRow], *, as_json: bool, passed_over: Sequence[Problem] = ()) -> None:
    from nightlight.trust.units import registering

    try:
        done = registering.register(by=base.BY, at=clock.now(), rows=rows)
    except Refusal as refusal:
        base.fail(refusal.reason, code=2)
    for problem in passed_over:
        base.say(f"[yellow]![/yellow] {problem.sentence}")
    for one in done.differences[:_SHOWN]:
        base.say(f"[yellow]![/yellow] {one.code}: the {one.what} is {one.here!r} here and {one.listed!r} in the list.")
    if len(done.differences) > _SHOWN:
        base.say(f"  and {len(done.differences) - _SHOWN} more")
    base.put(
        {
            "added": done.added,
            "kept": done.kept,
            "different": [
                {"code": one.code, "what": one.what, "here": one.here, "listed": one.listed} for one in done.differences
            ],
        },
        as_json=as_json,
        text=f"{done.added} units added, {done.kept} were there already, {len(done.differences)} differences told.",
    )


def _tell_faults(faults: Sequence[Problem]) -> None:
    for problem in faults[:_SHOWN]:
        base.say(f"[red]✗[/red] line {problem.line}: {problem.sentence}")
    if len(faults) > _SHOWN:
        by_kind = Counter(problem.fault.value for problem in faults[_SHOWN:])
        base.say("  and " + ", ".join(f"{number} {fault}" for fault, number in by_kind.most_common()))
