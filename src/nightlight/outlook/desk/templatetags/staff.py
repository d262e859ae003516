# SPDX-License-Identifier: Apache-2.0
"""What pages about tips say of units: who holds a tip, handing it over, and the offer to break the glass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import template

from nightlight.foundation import public_ids
from nightlight.trust.units import rules
from nightlight.trust.units.viewer import reached_units

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nightlight.trust.units.models import Unit
    from nightlight.trust.units.viewer import Viewer

register = template.Library()


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
