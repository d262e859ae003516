# SPDX-License-Identifier: Apache-2.0
"""How far the addresses of tips lead, counted by the district whose units hold them, of what a viewer may see.

A district is that of the unit that holds a tip, never a place that a report points to: such a place may be a child's.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import Count, Q

from nightlight.casework.attribution.kinds import Way
from nightlight.casework.attribution.models import Finding, Prepared, Request, RequestState
from nightlight.pipeline.tips.queries import must_read_tips
from nightlight.trust.units.models import Kind, Unit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from nightlight.trust.units.viewer import Viewer

SOON = timedelta(days=30)
_OPEN = (RequestState.DRAFT, RequestState.CHECKED, RequestState.SIGNED)


@dataclass(frozen=True, slots=True)
class District:
    """One district, or a unit above the districts. Numbers are of tips but for `asked`, `answered` and `named`."""

    unit: str
    above: bool  # a state or the national centre: no district has these tips yet
    tips: int
    traceable: int
    ask_first: int
    soon: int  # records of it end within thirty days
    preparing: int  # requests not sent yet
    asked: int  # requests whose answer is awaited
    answered: int
    named: int  # subscribers stated


def districts(viewer: Viewer, *, at: datetime) -> list[District]:
    """Return the districts with the most tips that lead somewhere first. Four queries."""
    must_read_tips(viewer)
    ends = Q(kept_until__gt=at, kept_until__lte=at + SOON)
    prepared = (
        Prepared.objects.filter(tip__environment="production")
        .values("tip__unit")
        .annotate(
            tips=Count("pk"),
            traceable=Count("pk", filter=Q(way=Way.TRACE)),
            ask_first=Count("pk", filter=Q(way=Way.ASK_FIRST)),
            soon=Count("pk", filter=ends & Q(way__in=[Way.TRACE, Way.ASK_FIRST])),
        )
    )
    counted: dict[int, Counter[str]] = defaultdict(Counter)
    for row in prepared:
        told = {name: row[name] for name in ("tips", "traceable", "ask_first", "soon")}
        counted[row["tip__unit"]].update(told)
    for unit, state, number in Request.objects.values_list("tip__unit", "state").annotate(Count("pk")):
        kind = "preparing" if state in _OPEN else {"sent": "asked", "answered": "answered"}.get(state, "")
        counted[unit][kind] += number
    named = Finding.objects.exclude(subscriber="").values_list("tip__unit").annotate(Count("subscriber", distinct=True))
    for unit, number in named:
        counted[unit]["named"] += number
    units = {one.pk: one for one in Unit.objects.all()}
    by_place: dict[Unit, Counter[str]] = defaultdict(Counter)
    for unit, tally in counted.items():
        if unit in units:
            by_place[_place(units[unit], units)].update(tally)
    found = [_district(unit, tally) for unit, tally in by_place.items()]
    return sorted(found, key=lambda one: (one.above, -one.traceable - one.ask_first, -one.tips, one.unit))


def _place(unit: Unit, units: Mapping[int, Unit]) -> Unit:
    """The district unit above a unit, or itself where it lies in no district."""
    place: Unit | None = unit
    while place is not None and place.kind != Kind.DISTRICT:
        place = units.get(place.parent_id) if place.parent_id is not None else None
    return place or unit


def _district(unit: Unit, tally: Counter[str]) -> District:
    return District(
        unit=unit.name,
        above=unit.kind != Kind.DISTRICT,
        tips=tally["tips"],
        traceable=tally["traceable"],
        ask_first=tally["ask_first"],
        soon=tally["soon"],
        preparing=tally["preparing"],
        asked=tally["asked"],
        answered=tally["answered"],
        named=tally["named"],
    )
