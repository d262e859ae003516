# SPDX-License-Identifier: Apache-2.0
"""Somebody calls: what they tell is written down here while they speak, and becomes a tip of the unit."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import messages
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from nightlight.foundation import clock
from nightlight.foundation.refusals import Conflict
from nightlight.outlook.desk.access import for_roles
from nightlight.outlook.desk.views.units import moment
from nightlight.pipeline.tips import telling
from nightlight.pipeline.tips.formats import hotline
from nightlight.pipeline.tips.formats.hotline import Told
from nightlight.trust import identity
from nightlight.trust.units.rules import IMPORTS

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpResponse

    from nightlight.outlook.desk.access import DeskRequest

takes_calls = for_roles(
    *IMPORTS,
    otherwise=gettext_lazy("Calls are entered by intake analysts and triage officers. Put the caller through to one."),
)
_OLDEST = timedelta(days=31)
_AHEAD = timedelta(minutes=5)  # clocks differ


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@takes_calls
def new(request: DeskRequest) -> HttpResponse:
    """The form for a call; sent, it is the page of the new tip."""
    at = clock.now()
    typed = {"danger": "unknown", "came": timezone.localtime(at, _zone()).strftime("%Y-%m-%dT%H:%M")}
    problem = ""
    if request.method == "POST":
        typed = {name: request.POST.get(name, "") for name in (*hotline.ASKED, "came", "caller", "call_back")}
        try:
            told = _told(typed, at)
            with identity.receiving():
                taken = telling.take(
                    by=request.viewer.actor, at=at, told=told, with_code=False, held_by=request.viewer.home_unit
                )
        except Conflict as refusal:
            problem = refusal.reason
        else:
            messages.success(request, _("The call was entered. It is being read and scored now."))
            return redirect("desk:tip", taken.tip)
    return render(
        request,
        "desk/phone_call.html",
        {
            "typed": typed,
            "problem": problem,
            "states": sorted(hotline.STATES.items(), key=lambda one: one[1]),
            "longest": hotline.LONGEST_TEXT,
            "longest_line": hotline.LONGEST_LINE,
            "longest_addresses": hotline.LONGEST_ADDRESSES,
        },
        status=409 if problem else 200,
    )


def _told(typed: dict[str, str], at: datetime) -> Told:
    came = moment(typed["came"])
    if not at - _OLDEST <= came <= at + _AHEAD:
        raise Conflict(_("Say when the call came: within the last month, and not in the future."))
    return Told(
        hotline.TELEPHONE,
        caller=" ".join(typed["caller"].split()),
        call_back="yes" if typed["call_back"] else "",
        came_at=clock.stamp(came),
        **hotline.cleaned(typed),
    )


def _zone() -> ZoneInfo:
    return ZoneInfo(settings.ENVIRONMENT.zone)
