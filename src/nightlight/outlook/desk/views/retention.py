# SPDX-License-Identifier: Apache-2.0
"""How long records are kept: what is due, what waits and why, who was cleared, and what was destroyed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from nightlight.foundation import clock
from nightlight.foundation.refusals import NotFound
from nightlight.outlook.desk.access import for_roles
from nightlight.pipeline.tips import queries as tips
from nightlight.pipeline.tips import retaining, shown
from nightlight.pipeline.tips.people import Role as Part
from nightlight.trust.accounts.models import Role
from nightlight.trust.law import facts
from nightlight.trust.law.queries import current_pack
from nightlight.trust.retention import actions
from nightlight.trust.retention.models import Apart, Destruction, Hold, State

if TYPE_CHECKING:
    from nightlight.outlook.desk.access import DeskRequest

_REASON = gettext_lazy(
    "How long records are kept is decided by legal reviewers and commanders, and checked by auditors."
)
reads_retention = for_roles(Role.LEGAL_REVIEWER, Role.COMMANDER, Role.AUDITOR, otherwise=_REASON)
decides = for_roles(Role.LEGAL_REVIEWER, Role.COMMANDER, otherwise=_REASON)
asks = for_roles(Role.LEGAL_REVIEWER, otherwise=gettext_lazy("A destruction is asked for by a legal reviewer."))
agrees = for_roles(Role.COMMANDER, otherwise=gettext_lazy("A commander agrees to a destruction."))


@require_safe
@reads_retention
def overview(request: DeskRequest) -> HttpResponse:
    """What is due, what was asked for, what waits, and the certificates."""
    law, at = current_pack(), clock.now()
    destructions = Destruction.objects.select_related("unit", "asked_by", "decided_by").order_by("-asked_at")
    context = {
        "due": retaining.due(request.viewer, law=law, at=at),
        "asked": list(destructions.filter(state=State.ASKED)[:100]),
        "others": list(destructions.exclude(state=State.ASKED)[:100]),
        "holds": list(
            Hold.objects.filter(lifted_at__isnull=True).select_related("placed_by").order_by("placed_at")[:200]
        ),
        "cleared": list(Apart.objects.select_related("by").order_by("-at")[:200]),
        "classes": law.retention,
        "law": law,
        "asks": Role.LEGAL_REVIEWER in request.viewer.roles,
        "agrees": request.viewer.commands,
    }
    return render(request, "desk/retention.html", context)


@require_safe
@reads_retention
def record(request: DeskRequest, public_id: str) -> HttpResponse:
    """Where one tip stands in its time, what holds it, and who of it was cleared."""
    tip = tips.tip(request.viewer, public_id)
    subject = f"tip:{tip.public_id}"
    reading = shown.of(tip).reading
    holds = actions.holds(request.viewer, subject, clock.now())
    context = {
        "tip": tip,
        "due": actions.due(subject, law=current_pack(), at=clock.now()),
        "holds": Hold.objects.filter(subject=subject).select_related("placed_by", "lifted_by").order_by("placed_at"),
        "cleared": Apart.objects.filter(subject=subject).select_related("by").order_by("at"),
        "parties": [
            party
            for party in (reading.parties_as(Part.REPORTED) if reading else ())
            if not Apart.objects.filter(subject=subject, part=party.source).exists()
        ],
        "destruction": Destruction.objects.filter(subject=subject).exclude(state=State.REFUSED).first(),
        "kinds": list(facts.Hold),
        "decides": holds and request.viewer.may(actions.DECIDES),
        "asks": holds and Role.LEGAL_REVIEWER in request.viewer.roles,
    }
    return render(request, "desk/retention_record.html", context)


@require_POST
@decides
def hold(request: DeskRequest, public_id: str) -> HttpResponse:
    """Make a tip wait."""
    tip = tips.tip(request.viewer, public_id)
    actions.place_hold(
        by=request.viewer,
        at=clock.now(),
        subject=f"tip:{tip.public_id}",
        kind=request.POST.get("kind", ""),
        reason=request.POST.get("reason", ""),
    )
    messages.success(request, _("This record now waits, whatever its time."))
    return redirect("desk:retention-record", tip.public_id)


@require_POST
@decides
def lift(request: DeskRequest, public_id: str) -> HttpResponse:
    """End a hold."""
    found = Hold.objects.filter(public_id=public_id).first()
    actions.lift_hold(by=request.viewer, at=clock.now(), public_id=public_id)
    messages.success(request, _("The hold was lifted."))
    return redirect("desk:retention-record", found.subject.removeprefix("tip:") if found else "")


@require_POST
@decides
def clear(request: DeskRequest, public_id: str) -> HttpResponse:
    """Record that a person of a tip was cleared."""
    tip = tips.tip(request.viewer, public_id)
    actions.clear(
        by=request.viewer,
        at=clock.now(),
        subject=f"tip:{tip.public_id}",
        part=request.POST.get("part", ""),
        reason=request.POST.get("reason", ""),
    )
    messages.success(request, _("Their data is being set apart: it is shown and found no more."))
    return redirect("desk:retention-record", tip.public_id)


@require_POST
@asks
def ask(request: DeskRequest, public_id: str) -> HttpResponse:
    """Ask for a tip to be destroyed."""
    tip = tips.tip(request.viewer, public_id)
    actions.ask(by=request.viewer, at=clock.now(), subject=f"tip:{tip.public_id}", law=current_pack())
    messages.success(request, _("The commander was told. Nothing is destroyed before a second person agrees."))
    return redirect("desk:retention-record", tip.public_id)


@require_POST
@agrees
def decide(request: DeskRequest, public_id: str) -> HttpResponse:
    """Agree to a destruction, or refuse it."""
    agreed = request.POST.get("agreed", "")
    if agreed not in {"yes", "no"}:
        raise NotFound(_("Choose whether you agree."))
    with transaction.atomic():
        actions.decide(
            by=request.viewer, at=clock.now(), public_id=public_id, agreed=agreed == "yes", law=current_pack()
        )
    told = _("It is being destroyed; the certificate appears here.") if agreed == "yes" else _("It was refused.")
    messages.success(request, told)
    return redirect("desk:retention")


@require_safe
@reads_retention
def certificate(request: DeskRequest, public_id: str) -> HttpResponse:
    """The certificate of a destruction, exactly as its digest in the log has it."""
    row = Destruction.objects.filter(public_id=public_id, state=State.DONE).first()
    if row is None:
        raise NotFound(_("There is no such certificate in your units."))
    response = HttpResponse(row.certificate, content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="{row.public_id}.json"'
    return response
