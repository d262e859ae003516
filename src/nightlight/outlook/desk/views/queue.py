# SPDX-License-Identifier: Apache-2.0
"""The queue: what a unit works on, the most urgent first, and the whole pile in one picture."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from nightlight.foundation import clock
from nightlight.outlook.desk import triage
from nightlight.outlook.desk.access import reads_tips
from nightlight.outlook.desk.views import capacity, looks
from nightlight.pipeline.triage import alerting, queries_alerts, queries_shift
from nightlight.pipeline.triage import queue as queries
from nightlight.pipeline.triage.models import Band
from nightlight.trust.accounts.models import Environment

if TYPE_CHECKING:
    from django.http import HttpResponse

    from nightlight.outlook.desk.access import DeskRequest

WHOSE = {"": _("Everybody's"), "nobody": _("Nobody's yet"), "mine": _("Mine")}


@require_safe
@reads_tips
def queue(request: DeskRequest) -> HttpResponse:
    """One page of the queue; its address holds everything that decides what is on it."""
    wanted, after, problem = _asked(request)
    at = clock.now()
    queries.look(request.viewer, at=at)
    page = queries.queue(request.viewer, wanted, after=after)
    bands = queries.by_band(request.viewer, wanted)
    return render(
        request,
        "desk/queue.html",
        {
            "wanted": wanted,
            "lines": triage.shown_lines(page.lines, at),
            "takes": request.viewer.may(alerting.WORKS),
            "alerts": queries_alerts.number_waiting(request.viewer),
            "left": queries_shift.waiting(request.viewer, at),
            "looks_again": request.viewer.may(looks.OPENS),
            "plans": request.viewer.may(capacity.OPENS),
            "following": page.following and _query(wanted, after=str(page.following)),
            "beginning": None if after is None else _query(wanted),  # empty for the whole queue
            "bands": [(band, bands[band], _query(_with_band(wanted, band))) for band in sorted(Band, reverse=True)],
            "every_band": _query(_with_band(wanted, None)),
            "whose": [(code, words, _query(_with_whose(wanted, code))) for code, words in WHOSE.items()],
            "arrived": queries.arrived_since(request.viewer, wanted),
            "looked": queries.looked_before(request.viewer),
            "pile": triage.drawn(queries.pile(request.viewer, _with_band(wanted, None))),
            "test": wanted.environment == Environment.TEST,
            "problem": problem,
        },
        status=400 if problem else 200,
    )


def _asked(request: DeskRequest) -> tuple[queries.Filter, queries.Cursor | None, str]:
    band = request.GET.get("band", "")
    whose = request.GET.get("whose", "")
    environment = request.GET.get("environment", "") or Environment.PRODUCTION
    unit = request.GET.get("unit", "")
    known = whose in WHOSE and environment in Environment.values
    try:
        wanted = queries.Filter(environment, unit, Band[band.upper()] if band else None, whose)
        place = request.GET.get("after", "")
        after = queries.Cursor.parse(place) if place else None
    except (KeyError, ValueError, OverflowError):
        known = False
    if known:
        return wanted, after, ""
    return queries.Filter(), None, str(_("This address asks for something the queue does not know; it shows all."))


def _with_band(wanted: queries.Filter, band: Band | None) -> queries.Filter:
    return queries.Filter(wanted.environment, wanted.unit, band, wanted.whose)


def _with_whose(wanted: queries.Filter, whose: str) -> queries.Filter:
    return queries.Filter(wanted.environment, wanted.unit, wanted.band, whose)


def _query(wanted: queries.Filter, **more: str) -> str:
    told = {
        "environment": "" if wanted.environment == Environment.PRODUCTION else wanted.environment,
        "unit": wanted.unit,
        "band": "" if wanted.band is None else Band(wanted.band).name.lower(),
        "whose": wanted.whose,
        **more,
    }
    return urlencode({name: value for name, value in told.items() if value})
