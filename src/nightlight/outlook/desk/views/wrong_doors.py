# SPDX-License-Identifier: Apache-2.0
"""The wrong-door register: what nearly led, or did lead, to somebody who had nothing to do with it, by path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from nightlight.casework.attribution import return_queries, wrong_doors
from nightlight.casework.attribution.wrong_door_kinds import BY_HAND, PATH_WORDS, WORDS, DoorKind
from nightlight.foundation import clock
from nightlight.outlook.desk import history
from nightlight.outlook.desk.access import for_roles, reads_tips
from nightlight.outlook.desk.views.units import do
from nightlight.pipeline.tips import queries as tips
from nightlight.trust.units.rules import SHORTEST_REASON

if TYPE_CHECKING:
    from django.http import HttpResponse

    from nightlight.outlook.desk.access import DeskRequest

OTHERWISE = gettext_lazy("Wrong doors are recorded by those who work on tips, and by auditors.")


@require_safe
@reads_tips
def register(request: DeskRequest) -> HttpResponse:
    """What stands against each path, the newest entries, and the form for one more."""
    viewer = request.viewer
    chosen = request.GET.get("path", "")[:120]
    paths = wrong_doors.register(viewer)
    rows = wrong_doors.entries(viewer, chosen)
    names = history.names_of({row.by for row in rows})
    return render(
        request,
        "desk/wrong_doors.html",
        {
            "paths": [(one, [(WORDS[DoorKind(kind)], n) for kind, n in one.kinds]) for one in paths],
            "near": sum(one.near for one in paths),
            "reached": sum(one.reached for one in paths),
            "rows": [(row, WORDS[DoorKind(row.kind)], names.get(row.by, row.by)) for row in rows],
            "chosen": chosen,
            "chosen_name": next((one.named for one in paths if one.path == chosen), chosen),
            "records": viewer.may(wrong_doors.RECORDS),
            "kinds": [(kind.value, WORDS[kind]) for kind in BY_HAND],
            "known": PATH_WORDS,
            "tip": request.GET.get("tip", "")[:20],
            "request_id": request.GET.get("request", "")[:20],
            "path": request.GET.get("on", "")[:120],
            "shortest": SHORTEST_REASON,
        },
    )


@require_POST
@for_roles(*wrong_doors.RECORDS, otherwise=OTHERWISE)
def record(request: DeskRequest) -> HttpResponse:
    """Record a wrong door that a person found out about."""
    asked = request.POST.get("request", "").strip()
    about = return_queries.request(request.viewer, asked) if asked else None
    tip = about.tip if about else tips.tip(request.viewer, request.POST.get("tip", "").strip())

    def act() -> str:
        which = request.POST.get("path", "").strip()
        what = request.POST.get("what", "").strip()
        made = wrong_doors.record(
            by=request.viewer,
            at=clock.now(),
            tip=tip,
            path=which if ":" in which else f"{what}:{which}",
            kind=request.POST.get("kind", ""),
            reached=request.POST.get("reached") == "yes",
            note=request.POST.get("note", ""),
            request=about,
        )
        return _("Recorded as %(id)s. It stands wherever this path is relied on again.") % {"id": made.public_id}

    do(request, act)
    return redirect("desk:wrong-doors")
