# SPDX-License-Identifier: Apache-2.0
"""Which unit of ours is responsible for a place, and to whom the unit that holds a tip offers it next.

The rules are in ``tiers``; here are the units they are asked about, and the places a proposal speaks of.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from django.db.models import Count, Max, Q

from nightlight.foundation.held import Held
from nightlight.pipeline.routing import loading, rules
from nightlight.pipeline.routing.tiers import Node, Tree, Where, Why
from nightlight.trust.units.models import Area, Below, Kind, Unit

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from django.db.models import QuerySet

    from nightlight.pipeline.routing.gazetteer import Gazetteer
    from nightlight.pipeline.routing.models import Proposal
    from nightlight.pipeline.routing.rules import Candidate, Proposed

__all__ = ["Next", "Why", "next_for", "of_proposal", "tree", "wheres"]


class Next(NamedTuple):
    """A unit that a tip may be offered to next, and why it is named; ``pick``: without anybody choosing."""

    unit: Unit
    reason: Why
    pick: bool


_all_units = Held[Tree]()


def tree() -> Tree:
    """Return all units with their areas, held in memory until there are others; for the worker, which places many tips.

    Units are added and never removed or put elsewhere, and areas have a new number when they change.
    """
    units = Unit.objects.aggregate(number=Count("pk"), newest=Max("pk"))
    areas = Area.objects.aggregate(number=Count("pk"), newest=Max("pk"))
    mark = (*units.values(), *areas.values())
    return _all_units.get(mark, lambda: _tree(Unit.objects.all(), Area.objects.all()))


def wheres(proposed: Proposed, gazetteer: Gazetteer) -> list[Where]:
    """Return the places a proposal speaks of that lie in our country, the likeliest first."""
    return [_where(one, gazetteer) for one in proposed.candidates if one.country == gazetteer.country]


def of_proposal(proposal: Proposal | None) -> Proposed | None:
    """Return what a stored proposal says; None where there is none, or an earlier program wrote it."""
    try:
        return None if proposal is None else rules.from_json(proposal.body)
    except ValueError:
        return None


def next_for(unit: Unit, proposal: Proposal | None, tried: Collection[int] = ()) -> list[Next]:
    """Return whom the unit that holds a tip may offer it to, the best first; ``tried``: keys of units that refused it.

    Never ``unit`` itself and none of ``tried``. Only the first may be a ``pick``. A few queries, however many units
    there are.
    """
    proposed = of_proposal(proposal)
    asked = [] if proposed is None else wheres(proposed, loading.gazetteer())
    known = _around(unit, asked)
    steps = known.next_for(unit.pk, asked, tried)
    if proposed is not None and proposed.tied:
        # Two places fit as well as each other: where the way to them parts, a person decides.
        other = known.next_for(unit.pk, asked[1:2], tried)
        steps = [step._replace(pick=step.pick and other[:1] == [step]) for step in steps]
    units = Unit.objects.in_bulk([step.key for step in steps])
    return [Next(units[step.key], step.why, step.pick) for step in steps]


def _where(one: Candidate, gazetteer: Gazetteer) -> Where:
    """A candidate with the postal codes that speak for it; without any, those of its whole district."""
    pins = {reason.code for reason in one.reasons if reason.code and not reason.against}
    row = gazetteer.districts.get(one.district)
    return Where(one.country, one.state, one.district, tuple(sorted(pins)) or (row.pins if row else ()))


def _around(unit: Unit, asked: Sequence[Where]) -> Tree:
    """The units that are responsible for one of the places, those right below the holder, and all that lie above."""
    codes = {code for where in asked for code in (where.country, where.state, where.district) if code}
    codes |= {f"PIN:{pin[:length]}" for where in asked for pin in where.pins for length in range(1, len(pin) + 1)}
    keys = set(Area.objects.filter(code__in=codes).values_list("unit_id", flat=True))
    keys |= set(Unit.objects.filter(Q(parent=unit, kind=Kind.STATION) | Q(pk=unit.pk)).values_list("pk", flat=True))
    keys |= set(Below.objects.filter(unit__in=keys).values_list("ancestor_id", flat=True))
    return _tree(Unit.objects.filter(Q(pk__in=keys) | Q(parent=None)), Area.objects.filter(unit__in=keys))


def _tree(units: QuerySet[Unit], areas: QuerySet[Area]) -> Tree:
    by_unit: dict[int, list[str]] = defaultdict(list)
    for unit, code in areas.values_list("unit_id", "code"):
        by_unit[unit].append(code)
    rows = units.values_list("pk", "parent_id", "kind", "code")
    return Tree(Node(key, parent, kind, code, tuple(by_unit[key])) for key, parent, kind, code in rows)
