# SPDX-License-Identifier: Apache-2.0
"""Takes a list of units into the tree at one go: what is there already is left alone, and told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction

from nightlight.foundation import public_ids
from nightlight.foundation.refusals import Conflict
from nightlight.trust.custody import actions as custody
from nightlight.trust.units.models import Area, Unit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from nightlight.trust.units.loading import UnitRow


@dataclass(frozen=True, slots=True)
class Difference:
    """A unit that is there under this code already, and of which the list says something else. Nothing was changed."""

    code: str
    what: str  # "name", "kind" or "parent"
    here: str
    listed: str


@dataclass(frozen=True, slots=True)
class Registered:
    """What became of a list: how many units were added, how many were there already, and where those differ."""

    added: int
    kept: int
    differences: tuple[Difference, ...]


@transaction.atomic
def register(*, by: str, at: datetime, rows: Sequence[UnitRow]) -> Registered:
    """Add those of the listed units that are not there, each with its entry in the log, parents before children.

    Run again, it adds nothing. Raises Conflict, and adds nothing, for a parent that is nowhere or a second unit
    at the top.
    """
    known = {unit.code: unit for unit in Unit.objects.select_related("parent")}
    there = [row for row in rows if row.code in known]
    differences = tuple(difference for row in there for difference in _differences(row, known[row.code]))
    waiting = [row for row in rows if row.code not in known]
    added = len(waiting)
    while waiting:
        # Level by level: bulk_create gives keys, and the next level points to them.
        level = [row for row in waiting if row.parent_code in known]
        if not level:
            raise Conflict(_what_is_wrong(waiting[0]))
        _add(by=by, at=at, rows=level, known=known)
        waiting = [row for row in waiting if row.code not in known]
    return Registered(added, len(there), differences)


def _add(*, by: str, at: datetime, rows: Sequence[UnitRow], known: dict[str, Unit]) -> None:
    units = [
        Unit(
            public_id=public_ids.new("UN"),
            parent=known[row.parent_code],
            kind=row.kind,
            code=row.code,
            name=row.name,
            created_at=at,
        )
        for row in rows
    ]
    try:
        with transaction.atomic():
            Unit.objects.bulk_create(units)
    except IntegrityError:
        raise Conflict("Somebody else added units at the same moment. Do it again: what is there is kept.") from None
    Area.objects.bulk_create(
        Area(unit=unit, code=area) for unit, row in zip(units, rows, strict=True) for area in row.areas
    )
    for unit, row in zip(units, rows, strict=True):
        custody.append(
            by=by,
            at=at,
            kind="unit.added",
            subject=f"unit:{unit.public_id}",
            data={
                "code": row.code,
                "name": row.name,
                "kind": row.kind,
                "parent": known[row.parent_code].public_id,
                "areas": list(row.areas),
            },
        )
        known[row.code] = unit


def _differences(row: UnitRow, unit: Unit) -> list[Difference]:
    parent = unit.parent.code if unit.parent else ""
    pairs = (("name", unit.name, row.name), ("kind", unit.kind, row.kind), ("parent", parent, row.parent_code))
    return [Difference(row.code, what, here, listed) for what, here, listed in pairs if here != listed]


def _what_is_wrong(row: UnitRow) -> str:
    if row.parent_code:
        return f"The parent {row.parent_code!r} of {row.code!r} is nowhere. Nothing was added."
    return f"{row.code!r} has no parent, and there is one unit at the top already. Nothing was added."
