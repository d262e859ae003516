# SPDX-License-Identifier: Apache-2.0
"""What pages about tips say of units: who holds a tip, handing it over, and the offer to break the glass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django import template

from nightlight.foundation import clock, public_ids
from nightlight.pipeline.tips.handing import Why
from nightlight.pipeline.tips.models import State
from nightlight.trust.units import glass, queries, rules
from nightlight.trust.units.viewer import reached_units

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.units.models import Glass, Unit
    from nightlight.trust.units.viewer import Viewer

register = template.Library()


@dataclass(frozen=True, slots=True)
class Holding:
    """Which unit holds a tip, and what this viewer may do about it. ``glass``: why they see it, if over the wall."""

    unit: Unit
    glass: Glass | None
    units: Sequence[Unit]
    reasons: Sequence[Why]


@register.simple_tag(takes_context=True)
def holding(context: Mapping[str, Any], tip: Tip) -> Holding:
    """Return which unit holds the tip and, for those who hand over, to whom it can be handed and why."""
    viewer: Viewer = context["viewer"]
    within = viewer.reach is None or tip.unit_id in viewer.reach
    broken = None
    if not within:
        broken = glass.broken(viewer, clock.now()).filter(subject=f"tip:{tip.public_id}").first()
    hands = within and viewer.may(rules.HANDS_OVER) and tip.state != State.OPEN
    others = [unit for unit in queries.choices() if unit.pk != tip.unit_id] if hands else []
    return Holding(tip.unit, broken, others, list(Why))


@register.simple_tag(takes_context=True)
def several_units(context: Mapping[str, Any]) -> list[Unit]:
    """Return the units whose tips the viewer sees, by name; empty unless there are several."""
    viewer: Viewer = context["viewer"]
    if viewer.reach is not None and len(viewer.reach) < 2:
        return []
    found = reached_units(viewer)
    return found if len(found) > 1 else []


@register.inclusion_tag("desk/glass_offer.html", takes_context=True)
def glass_offer(context: Mapping[str, Any], text: str) -> dict[str, object]:
    """Offer to break the glass over what was asked for, whether or not there is such a tip."""
    viewer: Viewer | None = context.get("viewer")
    try:
        asked = public_ids.normalise(text)
    except ValueError:
        asked = ""
    offered = asked.startswith("NL-") and viewer is not None and viewer.may(rules.BREAKS_GLASS)
    return {"asked": asked if offered else ""}


@register.inclusion_tag("desk/pick_unit.html")
def pick_unit(units: Sequence[Unit], field: str, chosen: str = "", label: str = "") -> dict[str, object]:
    """A field to choose a unit: a list to choose from, or where there are many, one to type into."""
    return {"units": units, "field": field, "chosen": chosen, "label": label, "many": len(units) > 60}
