# SPDX-License-Identifier: Apache-2.0
"""The duty page: which alerts wait for an answer, and who was called about them."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from nightlight.foundation import clock
from nightlight.foundation.refusals import Conflict
from nightlight.outlook.desk.access import reads_tips
from nightlight.outlook.desk.views.units import do
from nightlight.pipeline.triage import alerting, queries_alerts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.http import HttpResponse

    from nightlight.outlook.desk.access import DeskRequest
    from nightlight.pipeline.triage.models import Alert


@require_safe
@reads_tips
def alerts(request: DeskRequest) -> HttpResponse:
    """Alerts that wait, the newest first, and those answered last."""
    waiting = queries_alerts.waiting(request.viewer)
    told = {
        "waiting": _by_tip(waiting),
        "calling": any(not one.quiet for one in waiting),
        "answered": _by_tip(queries_alerts.answered(request.viewer)),
        "answers": request.viewer.may(alerting.WORKS),
    }
    return render(request, "desk/alerts.html", told)


def _by_tip(alerts: Iterable[Alert]) -> list[list[Alert]]:
    """The alerts of one tip together, in the order of the first of them."""
    found: dict[int, list[Alert]] = {}
    for one in alerts:
        found.setdefault(one.tip_id, []).append(one)
    return list(found.values())


@require_POST
@reads_tips
def acknowledge(request: DeskRequest, public_id: str) -> HttpResponse:
    """Answer for an alert and the others of its tip: nobody else is called about them."""

    def answer() -> str:
        at = clock.now()
        found = alerting.acknowledge(by=request.viewer, at=at, public_id=public_id)
        for other in queries_alerts.of_tip(request.viewer, found.tip_id):
            if other.acknowledged_at is None:
                with contextlib.suppress(Conflict):  # somebody else answered for it in this moment
                    alerting.acknowledge(by=request.viewer, at=at, public_id=other.public_id)
        return _("You answer for %(id)s now. Nobody else is called.") % {"id": found.tip.public_id}

    do(request, answer)
    return redirect("desk:alerts")
