# SPDX-License-Identifier: Apache-2.0
"""The exposure ledger: what a person has looked at, for that person; sums, and nothing else, for a commander."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.conf import settings
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from nightlight.foundation import clock
from nightlight.outlook.desk import looking
from nightlight.outlook.desk.access import for_roles
from nightlight.trust.accounts.models import Role
from nightlight.trust.units import rules as units_rules
from nightlight.trust.viewing import queries, rules

if TYPE_CHECKING:
    from django.http import HttpResponse

    from nightlight.outlook.desk.access import DeskRequest
    from nightlight.trust.viewing.queries import Day

OTHERWISE = _("The ledger is seen by those who look at files, each their own, and by commanders as sums.")
HEIGHT, WIDTH, STEP = 120, 900, 30


@dataclass(frozen=True, slots=True)
class Bar:
    """One day of the chart, in pixels."""

    x: int
    y: int
    height: int
    label: str
    weight: int
    named: bool


@require_safe
@for_roles(*units_rules.VIEWS_MEDIA, Role.COMMANDER, otherwise=OTHERWISE)
def exposure(request: DeskRequest) -> HttpResponse:
    """The viewer's own ledger, and the sums of the people a commander answers for."""
    at = clock.now()
    began = looking.day_began(at)
    viewer = request.viewer
    own = queries.days(viewer, day_began=began) if viewer.views_media else []
    context = {
        "own": own and queries.standing(viewer.user_id, at=at, day_began=began),
        "days": [(day, _label(day)) for day in reversed(own) if day.pictures],
        "bars": _bars(own),
        "height": HEIGHT,
        "width": WIDTH,
        "base": HEIGHT - 20,
        "limit": rules.DAY_LIMIT,
        "month_limit": rules.MONTH_LIMIT,
        "totals": queries.totals(viewer, at=at, day_began=began) if viewer.commands else None,
    }
    return render(request, "desk/exposure.html", context)


def _bars(days: list[Day]) -> list[Bar]:
    highest = max([day.weight for day in days], default=0)
    scale = max(highest, rules.DAY_LIMIT.soft)
    room = HEIGHT - 30
    bars = []
    for number, day in enumerate(days):
        height = -(-day.weight * room // scale)
        bars.append(Bar(number * STEP + 4, HEIGHT - 20 - height, height, _label(day), day.weight, number % 7 == 1))
    return bars


def _label(day: Day) -> str:
    local = day.began.astimezone(ZoneInfo(settings.ENVIRONMENT.zone))
    return f"{local.day} {local:%b}"
