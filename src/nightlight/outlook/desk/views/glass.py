# SPDX-License-Identifier: Apache-2.0
"""Break-glass: over the wall to one tip because somebody is in danger now; and answering for it afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from nightlight.foundation import clock, public_ids
from nightlight.foundation.refusals import Conflict, NotFound
from nightlight.outlook.desk.access import for_roles
from nightlight.outlook.desk.views.units import do
from nightlight.pipeline.tips import queries as tips
from nightlight.trust.units import glass, rules

if TYPE_CHECKING:
    from django.http import HttpResponse

    from nightlight.outlook.desk.access import DeskRequest

breaks_glass = for_roles(
    *rules.BREAKS_GLASS,
    otherwise=gettext_lazy("The glass is broken by those who work on tips. Tell the unit's commander what you know."),
)
sees_glass = for_roles(
    *(rules.BREAKS_GLASS | rules.SIGNS_OFF),
    otherwise=gettext_lazy("This page is for those who break the glass and those who answer for it."),
)
ANSWERED_SHOWN = 50


@require_http_methods(["GET", "HEAD", "POST"])
@breaks_glass
def break_glass(request: DeskRequest, public_id: str) -> HttpResponse:
    """Ask who is in danger and how, say what will happen, open the tip; never say beforehand whether it exists."""
    try:
        meant = public_ids.normalise(public_id)
    except ValueError as slip:
        raise NotFound(f"{str(slip)[:1].upper()}{str(slip)[1:]}.") from None
    if meant != public_id:
        return redirect("desk:break-glass", meant)
    at, viewer = clock.now(), request.viewer
    try:
        tips.tip(viewer, public_id)
    except NotFound:
        pass
    else:
        return redirect("desk:tip", public_id)
    reason, problem = request.POST.get("reason", "")[:2000], ""
    if request.method == "POST":
        try:
            broken = glass.break_into(
                by=viewer, at=at, subject=f"tip:{public_id}", function="tips_holder", reason=reason
            )
        except Conflict as refusal:
            problem = refusal.reason
        else:
            words = {"unit": broken.unit.name}
            messages.warning(
                request, _("The glass is broken. The tip is with %(unit)s; their commander has been told.") % words
            )
            return redirect("desk:tip", public_id)
    return render(
        request,
        "desk/glass_break.html",
        {
            "tip_id": public_id,
            "reason": reason,
            "problem": problem,
            "left": glass.left(viewer, at),
            "hours": round(rules.GLASS_STAYS_BROKEN.total_seconds() / 3600),
            "shortest": rules.SHORTEST_REASON,
        },
        status=409 if problem else 200,
    )


@require_safe
@sees_glass
def all_glass(request: DeskRequest) -> HttpResponse:
    """What waits for an answer, what was answered, and what the viewer has broken."""
    viewer, at = request.viewer, clock.now()
    return render(
        request,
        "desk/glass.html",
        {
            "waiting": list(glass.waiting(viewer)),
            "answered": list(glass.answered(viewer)[:ANSWERED_SHOWN]),
            "own": list(glass.own(viewer)[:ANSWERED_SHOWN]),
            "now": at,
            "shortest": rules.SHORTEST_REASON,
        },
    )


@require_POST
@sees_glass
def sign_off(request: DeskRequest, public_id: str) -> HttpResponse:
    """Answer for a broken glass."""

    def answer() -> str:
        justified = {"yes": True, "no": False}.get(request.POST.get("justified", ""))
        if justified is None:
            raise Conflict(_("Say whether it was justified: yes or no."))
        signed = glass.sign_off(
            by=request.viewer,
            at=clock.now(),
            public_id=public_id,
            justified=justified,
            finding=request.POST.get("finding", ""),
        )
        return _("Answered for: %(id)s. The person has been told.") % {"id": signed.subject.partition(":")[2]}

    do(request, answer)
    return redirect("desk:glass")
