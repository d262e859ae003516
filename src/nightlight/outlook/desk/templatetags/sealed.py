# SPDX-License-Identifier: Apache-2.0
"""Sealed identities on the page of a tip: the way to ask for one, and who has opened them."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from django import template

from nightlight.foundation import clock
from nightlight.outlook.desk import openings
from nightlight.pipeline.tips import seeing

if TYPE_CHECKING:
    from django.template import Context

    from nightlight.outlook.desk.openings import Opening
    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.units.viewer import Viewer

register = template.Library()
_KEPT = "sealed_identities_of_tip"


@register.simple_tag(takes_context=True)
def sealed_identity(context: Context, source: str) -> dict[str, object] | None:
    """The sealed identity of the person at this place in the report; None if the viewer may not ask for it.

    One query for all people of a page.
    """
    request = context["request"]
    kept: dict[str, tuple[str, bool]] | None = getattr(request, _KEPT, None)
    if kept is None:
        viewer, tip = cast("Viewer", context["viewer"]), cast("Tip", context["tip"])
        opens = seeing.works_with(viewer, tip, clock.now())  # while it is only offered, they stay closed
        kept = openings.identities(viewer, tip.public_id) if opens else {}
        setattr(request, _KEPT, kept)
    found = kept.get(source)
    return {"public_id": found[0], "destroyed": found[1]} if found else None


@register.simple_tag(takes_context=True)
def openings_of_tip(context: Context) -> list[Opening]:
    """The openings of the tip's identities that the viewer sees, newest first."""
    viewer = cast("Viewer", context["viewer"])
    return openings.seen_by(viewer, clock.now(), tip=cast("Tip", context["tip"]).public_id)
