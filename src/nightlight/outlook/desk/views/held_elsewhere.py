# SPDX-License-Identifier: Apache-2.0
"""Asks who else holds what stands in a tip; sets whom others call in a unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from nightlight.foundation import clock
from nightlight.foundation.refusals import Conflict
from nightlight.outlook.desk import held_elsewhere
from nightlight.outlook.desk.access import for_roles
from nightlight.outlook.desk.views.units import do, sets_duty
from nightlight.pipeline.linking.deconfliction import asking, contacts
from nightlight.pipeline.tips import queries as tips
from nightlight.trust.units import queries as units

if TYPE_CHECKING:
    from django.http import HttpResponse

    from nightlight.outlook.desk.access import DeskRequest

asks = for_roles(
    *asking.ASKS,
    otherwise=gettext_lazy("Who else holds this is asked by triage officers, investigators and commanders."),
)


@require_POST
@asks
def ask(request: DeskRequest, public_id: str) -> HttpResponse:
    """Ask which other units hold something of the tip; they are told that its unit does."""
    tip = tips.tip(request.viewer, public_id)
    try:
        answered = asking.ask(tip, by=request.viewer, at=clock.now())
    except Conflict as refusal:
        messages.error(request, refusal.reason)
    else:
        messages.success(request, held_elsewhere.said(answered))
    return redirect(f"{reverse('desk:tip', args=[tip.public_id])}#held-elsewhere")


@require_POST
@sets_duty
def contact(request: DeskRequest, public_id: str) -> HttpResponse:
    """Set whom others call in the unit."""
    unit = units.unit(public_id)
    said = {name: request.POST.get(name, "") for name in contacts.LONGEST}

    def change() -> str:
        contacts.set_contact(by=request.viewer, at=clock.now(), unit=unit, **said)
        return _("Set. Units that hold what this unit holds too are told to call there.")

    do(request, change)
    return redirect(f"{reverse('desk:unit', args=[unit.public_id])}#contact")
