# SPDX-License-Identifier: Apache-2.0
"""A tip to take away: as CyberTip JSON for another police program, or as a PDF."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from nightlight.foundation import clock
from nightlight.foundation.refusals import Conflict
from nightlight.outlook.desk.access import for_roles
from nightlight.outlook.exchange import exporting
from nightlight.pipeline.tips import queries as tips

if TYPE_CHECKING:
    from nightlight.outlook.desk.access import DeskRequest

exports = for_roles(*exporting.EXPORTS, otherwise=gettext_lazy("Tips are exported by those who work on them."))


@require_POST
@exports
def export(request: DeskRequest, public_id: str) -> HttpResponse:
    """Give the tip as a file, and record that; without a reason nothing is made."""
    tip = tips.tip(request.viewer, public_id)
    try:
        made = exporting.export(
            tip=tip,
            form=request.POST.get("format", ""),
            by=request.viewer.actor,
            officer=request.viewer.name,
            at=clock.now(),
            reason=request.POST.get("reason", ""),
            viewer=request.viewer,
        )
    except exporting.Busy as busy:
        raise Conflict(busy.reason) from busy  # a page of its own: nothing is wrong with what was filled in
    except Conflict as refusal:
        messages.error(request, refusal.reason)
        return redirect(f"{reverse('desk:tip', args=[tip.public_id])}#export")
    answer = HttpResponse(made.body, content_type=made.content_type)
    answer["Content-Disposition"] = f'attachment; filename="{made.name}"'
    return answer
