# SPDX-License-Identifier: Apache-2.0
"""What the page of a tip says of its reporter: what it was told, and whether that is held back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import template
from django.conf import settings

from nightlight.outlook.insight import holding, queries
from nightlight.pipeline.routing import outcomes
from nightlight.pipeline.tips.models import Source
from nightlight.trust.accounts.models import Origin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nightlight.pipeline.tips.models import Tip

register = template.Library()


@register.inclusion_tag("desk/tip_feedback.html", takes_context=True)
def tip_feedback(context: Mapping[str, object], tip: Tip) -> dict[str, object]:
    """What the reporter of this tip was told, for those who may read the tip."""
    people = tip.source == Source.HOTLINE  # whoever told it comes back with a code
    if (
        tip.reporter.origin != Origin.API and not people
    ):  # a reporter without a credential here asks nothing, and is told nothing
        return {"asks": False}
    viewer = context["viewer"]
    told, held = queries.told_of(tip)
    code = outcomes.code(told.told) if told else None
    outcome = outcomes.code(told.outcome) if told else None
    return {
        "asks": True,
        "people": people,
        "tip": tip,
        "told": told,
        "words": code.words if code else "",
        "outcome": outcome.words if outcome and outcome is not code else "",
        "late": outcome in outcomes.TELLING and outcome is not code,
        "after": settings.ENVIRONMENT.feedback_actioned_after,
        "held": held,
        "decides": holding.may_hold_back(viewer, tip),  # type: ignore[arg-type]
        "csrf_token": context.get("csrf_token", ""),
    }


@register.filter
def words_of(code: str) -> str:
    """The words of an outcome's code."""
    known = outcomes.code(code)
    return known.words if known else code


@register.filter
def lack_words(lacks: str) -> list[str]:
    """The words of what a report lacked."""
    return [outcomes.LACKS.get(code, code) for code in lacks.split()]
