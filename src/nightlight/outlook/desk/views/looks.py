# SPDX-License-Identifier: Apache-2.0
"""Second looks: closures that were drawn by chance and wait until somebody else says whether they were right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from nightlight.foundation import clock
from nightlight.foundation.refusals import Conflict
from nightlight.outlook.desk.access import for_roles
from nightlight.outlook.desk.views.units import do
from nightlight.pipeline.triage import alerting, queries_looks, working
from nightlight.pipeline.triage.models import Lane, Standing
from nightlight.trust.accounts.models import Role
from nightlight.trust.units.rules import SHORTEST_REASON

if TYPE_CHECKING:
    from django.http import HttpResponse

    from nightlight.outlook.desk.access import DeskRequest

OTHERWISE = gettext_lazy("Closures are looked at again by triage officers, investigators and commanders.")
OPENS = alerting.WORKS | {Role.AUDITOR}
_ANSWERS = {"yes": True, "no": False}
looks_again = for_roles(*OPENS, otherwise=OTHERWISE)


@require_safe
@looks_again
def looks(request: DeskRequest) -> HttpResponse:
    """The closures that wait, oldest first; an auditor reads them."""
    viewer = request.viewer
    waiting, more = queries_looks.waiting(viewer)
    told = {
        "waiting": waiting,
        "more": more,
        "found": queries_looks.found(viewer, clock.now()),
        "one_in": working.ONE_IN,
        "answers": viewer.may(alerting.WORKS),
        "shortest": SHORTEST_REASON,
    }
    return render(request, "desk/second_looks.html", told)


@require_POST
@for_roles(*alerting.WORKS, otherwise=OTHERWISE)
def look(request: DeskRequest, public_id: str) -> HttpResponse:
    """Say whether the closure of this tip was right."""

    def act() -> str:
        said = request.POST.get("agrees", "")
        if said not in _ANSWERS:
            raise Conflict(_("Say whether you agree: yes or no."))
        agrees, reason = _ANSWERS[said], request.POST.get("reason", "")
        together = request.POST.get("together") == "1"
        found = working.second_look(
            by=request.viewer, at=clock.now(), tip=public_id, agrees=agrees, reason=reason, together=together
        )
        if agrees:
            return _("Recorded: the closure of %(id)s was right.") % {"id": public_id}
        if Standing.objects.filter(tip=found.closure.tip_id, lane=Lane.OPEN).exists():
            return _("Recorded. %(id)s is open in the queue again.") % {"id": public_id}
        return _("Recorded for %(id)s.") % {"id": public_id}

    do(request, act)
    return redirect("desk:second-looks")
