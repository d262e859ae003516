# SPDX-License-Identifier: Apache-2.0
"""Handing a shift on: what happened, what is open, a note to the next shift, and who took over."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.shortcuts import redirect, render
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from nightlight.foundation import clock
from nightlight.outlook.desk.access import reads_tips
from nightlight.outlook.desk.views.units import do
from nightlight.pipeline.triage import alerting, handing_on, queries_shift, spans
from nightlight.pipeline.triage.models import Band, Disposition, Quiet
from nightlight.pipeline.triage.queue import MOST_COUNTED
from nightlight.trust.accounts.models import User
from nightlight.trust.units.viewer import reached_units

if TYPE_CHECKING:
    from django.http import HttpResponse

    from nightlight.outlook.desk.access import DeskRequest
    from nightlight.pipeline.triage.models_shift import Handover
    from nightlight.trust.units.models import Unit


@require_safe
@reads_tips
def handover(request: DeskRequest) -> HttpResponse:
    """What the shift of a unit leaves; its address holds which unit and which time."""
    unit = queries_shift.chosen(request.viewer, request.GET.get("unit", ""))
    return _page(request, unit, _hours(request.GET.get("hours", "")))


def _page(request: DeskRequest, unit: Unit, hours: int | None, *, note: str = "", status: int = 200) -> HttpResponse:
    viewer, at = request.viewer, clock.now()
    told = {
        "unit": unit,
        "units": reached_units(viewer),
        "hours": str(hours or ""),
        "choices": [
            ("", _("My shift, by the roster")),
            *((str(number), _("The last %(n)d hours") % {"n": number}) for number in spans.CHOICES),
        ],
        "figures": queries_shift.figures(viewer, unit, queries_shift.span_of(viewer, unit, at, hours)),
        "most_counted": MOST_COUNTED,
        "comes_back_in": int(queries_shift.COMES_BACK.total_seconds() // 3600),
        "writes": viewer.may(alerting.WORKS),
        "longest": handing_on.LONGEST_NOTE,
        "note": note,
        "left": [one for one in queries_shift.waiting(viewer, at) if one.unit_id == unit.pk],
        "recent": queries_shift.recent(viewer, unit),
    }
    return render(request, "desk/handover.html", told, status=status)


@require_POST
@reads_tips
def hand_on(request: DeskRequest) -> HttpResponse:
    """Keep the figures with a note for the next shift. What was typed is never lost: a refusal shows it again."""
    note, hours = request.POST.get("note", ""), _hours(request.POST.get("hours", ""))
    unit = queries_shift.chosen(request.viewer, request.POST.get("unit", ""))
    made: list[Handover] = []

    def act() -> str:
        made.append(handing_on.hand_on(by=request.viewer, at=clock.now(), unit=unit, note=note, hours=hours))
        return _("Handed on. Whoever works in the unit next sees it above the queue until they have read it.")

    if not do(request, act):
        return _page(request, unit, hours, note=note, status=409)
    return redirect("desk:handed-on", made[0].public_id)


@require_safe
@reads_tips
def handed_on(request: DeskRequest, public_id: str) -> HttpResponse:
    """One hand-over as it was kept, made for paper too."""
    one = queries_shift.one(request.viewer, public_id)
    mine = any(read.by_id == request.viewer.user_id for read in one.taken)  # type: ignore[attr-defined]
    takes = request.viewer.may(alerting.WORKS) and one.by_id != request.viewer.user_id and not mine
    return render(request, "desk/handed_on.html", {"one": one, "kept": _kept(one), "takes": takes})


@require_POST
@reads_tips
def take_over(request: DeskRequest, public_id: str) -> HttpResponse:
    """Say that one has read it."""
    one = queries_shift.one(request.viewer, public_id)

    def act() -> str:
        handing_on.take_over(by=request.viewer, at=clock.now(), public_id=public_id)
        return _("You have taken over from %(who)s.") % {"who": one.by}

    do(request, act)
    if request.POST.get("back") == "queue":
        return redirect("desk:queue")
    return redirect("desk:handed-on", one.public_id)


def _hours(text: str) -> int | None:
    """The hours asked for; None, which is the roster's shift, for anything that is not offered."""
    return int(text) if text in {str(hours) for hours in spans.CHOICES} else None


def _kept(one: Handover) -> dict[str, Any]:
    """The figures of that time in words: bands and dispositions by their labels, times as times."""
    told = json.loads(one.figures)
    bands = [
        (band.label, told["new_rows"][band.name.lower()], told["grown_rows"][band.name.lower()])
        for band in sorted(Band, reverse=True)
    ]
    people = User.objects.filter(public_id__in={row["by"] for row in told["held"]})
    names = {person.public_id: str(person) for person in people}
    return {
        **told,
        "bands": bands,
        "quiet": [(_("Alerts: %(why)s") % {"why": Quiet(why).label}, ids) for why, ids in told["alerts_quiet"].items()],
        "held": [{**row, "who": names.get(row["by"], row["by"])} for row in told["held"]],
        "closed": [(Disposition(code).label, number) for code, number in told["closures"].items()],
        "comes_back": [(row["tip"], parse_datetime(row["at"])) for row in told["comes_back"] if row["at"]],
        "dies": [(row["tip"], parse_datetime(row["at"])) for row in told["dies"] if row["at"]],
        "next_shift_ends": parse_datetime(told["next_shift_ends"]),
    }
