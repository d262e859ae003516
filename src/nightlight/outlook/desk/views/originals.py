# SPDX-License-Identifier: Apache-2.0
"""Originals that leave the building, asked for by one and approved by another; and how a record ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from nightlight.foundation import clock
from nightlight.outlook.desk import wording
from nightlight.outlook.desk.access import for_roles
from nightlight.pipeline.tips import queries as tips
from nightlight.pipeline.tips import shown
from nightlight.trust.accounts.models import Role
from nightlight.trust.viewing import actions, exporting, queries
from nightlight.trust.viewing.models import Ending, ExportState, Purpose

if TYPE_CHECKING:
    from django.http import HttpResponse

    from nightlight.outlook.desk.access import DeskRequest

OTHERWISE = gettext_lazy("Originals are asked for by investigators and approved by commanders.")
_SEES = (Role.INVESTIGATOR, Role.COMMANDER, Role.LEGAL_REVIEWER, Role.AUDITOR)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(*_SEES, otherwise=OTHERWISE)
def originals(request: DeskRequest, public_id: str) -> HttpResponse:
    """The exports of a tip and, for an investigator, the form that asks for one."""
    tip = tips.tip(request.viewer, public_id)
    subject = f"tip:{tip.public_id}"
    files = shown.of(tip).files
    if request.method == "POST":
        chosen = set(request.POST.getlist("item"))
        asked = exporting.ask(
            by=request.viewer,
            at=clock.now(),
            subject=subject,
            holder=tip.unit_id,
            items=[file.item for file in files if file.item.public_id in chosen],
            purpose=request.POST.get("purpose", ""),
            words=request.POST.get("words", ""),
            recipient=request.POST.get("recipient", ""),
            recipient_key=request.POST.get("recipient_key", ""),
        )
        messages.success(request, _("Asked for. A commander has to approve %(id)s.") % {"id": asked.public_id})
        return redirect("desk:originals", public_id)
    exports = list(queries.exports(subject))
    undecided = [one for one in exports if one.state == ExportState.ASKED and one.user_id != request.viewer.user_id]
    context = {
        "tip": tip,
        "files": [(file.item, wording.size(file.item.blob.size)) for file in files],
        "exports": exports,
        "waiting": request.viewer.commands and bool(undecided),
        "purposes": Purpose.choices,
        "endings": Ending.choices,
        "may_ask": Role.INVESTIGATOR in request.viewer.roles and bool(files),
        "may_tell": bool({Role.COMMANDER, Role.LEGAL_REVIEWER} & request.viewer.roles),
    }
    return render(request, "desk/originals.html", context)


@require_POST
@for_roles(Role.COMMANDER, otherwise=OTHERWISE)
def decide(request: DeskRequest, public_id: str, export: str) -> HttpResponse:
    """Approve or refuse an export that somebody else asked for."""
    tip = tips.tip(request.viewer, public_id)
    approve = request.POST.get("decision") == "approve"
    exporting.decide(by=request.viewer, at=clock.now(), export=export, holder=tip.unit_id, approve=approve)
    messages.success(request, _("Approved.") if approve else _("Refused."))
    return redirect("desk:originals", public_id)


@require_POST
@for_roles(Role.COMMANDER, Role.LEGAL_REVIEWER, otherwise=OTHERWISE)
def outcome(request: DeskRequest, public_id: str) -> HttpResponse:
    """Record how it ended, and tell everybody who had to look."""
    tip = tips.tip(request.viewer, public_id)
    told = actions.tell_outcome(
        by=request.viewer,
        at=clock.now(),
        subject=f"tip:{tip.public_id}",
        outcome=request.POST.get("outcome", ""),
    )
    messages.success(request, _("Recorded. People told: %(n)d.") % {"n": told})
    return redirect("desk:originals", public_id)
