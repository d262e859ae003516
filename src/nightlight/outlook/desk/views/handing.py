# SPDX-License-Identifier: Apache-2.0
"""Hand-over: what comes, what was sent and what became of it; offering, answering, and the receipts of each step."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST, require_safe

from nightlight.foundation import clock
from nightlight.foundation.refusals import NotFound
from nightlight.outlook.desk import handing
from nightlight.outlook.desk.access import reads_tips
from nightlight.outlook.desk.views.units import do
from nightlight.pipeline.routing import (
    answering,
    offers,
    officer_signs,
    queries,
    receipts,
    recording,
    sealing,
    stops,
)
from nightlight.pipeline.routing import panel as panels
from nightlight.pipeline.routing.models import Offer, OfferKind
from nightlight.pipeline.tips import queries as tips
from nightlight.pipeline.triage.models import Band
from nightlight.trust.units import actions as units

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nightlight.outlook.desk.access import DeskRequest
    from nightlight.pipeline.tips.models import Share

COUNTED_OVER = timedelta(days=90)
_TABS = {
    "coming": gettext_lazy("To answer"),
    "sent": gettext_lazy("Sent"),
    "together": gettext_lazy("Worked on together"),
    "back": gettext_lazy("Came back"),
    "followed": gettext_lazy("Handed over"),
    "cost": gettext_lazy("What it cost"),
}


@require_safe
@reads_tips
def hand_overs(request: DeskRequest) -> HttpResponse:
    """What is offered to one's units, what they sent, what came back, what became of it, and what it cost."""
    at, viewer = clock.now(), request.viewer
    shown = request.GET.get("show", "coming")
    shown = shown if shown in _TABS else "coming"
    number = request.GET.get("page", "1")
    page = int(number) if number.isascii() and number.isdigit() and len(number) < 5 else 1
    lists = {"coming": queries.incoming, "sent": queries.outgoing}
    rows: Sequence[Offer] = lists[shown](viewer) if shown in lists else ()
    if shown == "back":
        rows = queries.came_back(viewer, at=at)
    # Late is what is past its time while its clock runs.
    late = {one.offer.pk for one in queries.overdue(viewer, at=at)} if shown in lists else set()
    gone, more = queries.followed(viewer, page) if shown == "followed" else ([], False)
    return render(
        request,
        "desk/hand_overs.html",
        {
            "shown": shown,
            "tabs": [(code, label, f"?show={code}") for code, label in _TABS.items()],
            "rows": [_row(request, one, late) for one in rows],
            "together": [_joint(one) for one in queries.together(viewer)] if shown == "together" else (),
            "followed": gone,
            "following": f"?show=followed&page={page + 1}" if more else "",
            "costs": queries.costs(viewer, since=at - COUNTED_OVER, until=at) if shown == "cost" else (),
            "days": COUNTED_OVER.days,
        },
    )


@require_safe
@reads_tips
def receipts_of(request: DeskRequest, public_id: str) -> HttpResponse:
    """One offer: each step with its time, who took it, and the proof that its entry is in the log."""
    found = queries.offer(request.viewer, public_id)
    proofs = receipts.proofs(found)
    return render(
        request,
        "desk/hand_over.html",
        {
            "offer": found,
            "tip": queries.tip_of(found),
            "seen": handing.sees_tip(found),
            "steps": [
                (
                    handing.RECEIPTS[one.receipt.kind](),
                    one,
                    recording.name_of(one.receipt.by),
                    one.inclusion.leaf_hash.hex() if one.inclusion else "",
                )
                for one in proofs
            ],
            "signed": bool(proofs) and all(one.signed for one in proofs),
            "waits": queries.waits_for(request.viewer, found),
        },
    )


@require_GET
@reads_tips
def proof(request: DeskRequest, public_id: str) -> HttpResponse:
    """All receipts of an offer as a ZIP, with the program that checks them offline."""
    found = queries.offer(request.viewer, public_id)
    answer = HttpResponse(receipts.bundle_of(found), content_type="application/zip")
    answer.headers["Content-Disposition"] = f'attachment; filename="receipts-{found.public_id}.zip"'
    return answer


@require_safe
@reads_tips
def followed(request: DeskRequest, public_id: str) -> HttpResponse:
    """How far a tip has come that one's unit handed over: units and times, and nothing of what is in it."""
    return render(request, "desk/hand_over_followed.html", {"one": queries.followed_one(public_id)})


@require_POST
@reads_tips
def offer(request: DeskRequest, public_id: str) -> HttpResponse:
    """Offer a tip to another unit; where somebody was asked meanwhile, say so."""
    found = tips.tip(request.viewer, public_id)

    def make() -> str:
        kind = request.POST.get("kind", OfferKind.WHOLE)
        numbers = [int(one) for one in request.POST.getlist("people") if one.isascii() and one.isdigit()]
        made = offers.offer(
            by=request.viewer,
            at=clock.now(),
            tip=found,
            to=units.unit_with(request.POST.get("unit", "")),
            why=request.POST.get("why", ""),
            kind=kind,
            note=request.POST.get("note", ""),
            parties=numbers,
        )
        words = {"id": public_id, "unit": made.to_unit.name}
        if not answering.answered_for(made.to_unit_id, made.sent_at):
            return _("%(id)s is offered to %(unit)s, where nobody works yet: nobody there can answer.") % words
        return _("%(id)s is offered to %(unit)s. You hold it until they accept.") % words

    do(request, make)
    return _to_tip(request, public_id)


@require_POST
@reads_tips
def accept(request: DeskRequest, public_id: str) -> HttpResponse:
    """Accept what is offered."""
    found = queries.offer(request.viewer, public_id)
    tip = queries.tip_of(found)

    def take() -> str:
        taken = answering.accept(by=request.viewer, at=clock.now(), offer=found)
        if taken.kind == OfferKind.WHOLE:
            return _("%(id)s is with %(unit)s now.") % {"id": tip, "unit": taken.to_unit.name}
        return _("%(unit)s works on %(id)s too now.") % {"id": tip, "unit": taken.to_unit.name}

    do(request, take)
    return _to_tip(request, tip)


@require_POST
@reads_tips
def pass_on(request: DeskRequest, public_id: str) -> HttpResponse:
    """Accept a tip and offer it onward, both with one press."""
    found = queries.offer(request.viewer, public_id)
    tip = queries.tip_of(found)

    def carry() -> str:
        to = units.unit_with(request.POST.get("unit", ""))
        why = request.POST.get("why", "")
        made = answering.pass_on(by=request.viewer, at=clock.now(), offer=found, to=to, why=why)
        if not answering.answered_for(to.pk, made.sent_at):
            words = {"id": tip, "unit": to.name}
            return _("%(id)s is accepted, and offered to %(unit)s, where nobody works yet.") % words
        return _("%(id)s is accepted, and offered to %(unit)s.") % {"id": tip, "unit": to.name}

    do(request, carry)
    return _to_tip(request, tip)


@require_POST
@reads_tips
def send_back(request: DeskRequest, public_id: str) -> HttpResponse:
    """Send back what is offered, with why it is not ours."""
    found = queries.offer(request.viewer, public_id)
    tip = queries.tip_of(found)

    def bounce() -> str:
        code, reason = request.POST.get("code", ""), request.POST.get("reason", "")
        answering.bounce(by=request.viewer, at=clock.now(), offer=found, code=code, reason=reason)
        return _("%(id)s went back to %(unit)s with your reason.") % {"id": tip, "unit": found.from_unit.name}

    do(request, bounce)
    return _to_tip(request, tip, otherwise="coming")


@require_POST
@reads_tips
def recall(request: DeskRequest, public_id: str) -> HttpResponse:
    """Take an offer back before it is answered."""
    found = queries.offer(request.viewer, public_id)
    tip = queries.tip_of(found)

    def take_back() -> str:
        offers.recall(by=request.viewer, at=clock.now(), offer=found, reason=request.POST.get("reason", ""))
        return _("%(id)s is offered to %(unit)s no more.") % {"id": tip, "unit": found.to_unit.name}

    do(request, take_back)
    return _to_tip(request, tip)


@require_POST
@reads_tips
def give_back(request: DeskRequest, public_id: str) -> HttpResponse:
    """Return a tip, accepted before, to the unit it came from."""
    found = tips.tip(request.viewer, public_id)

    def give() -> str:
        code, reason = request.POST.get("code", ""), request.POST.get("reason", "")
        made = offers.give_back(by=request.viewer, at=clock.now(), tip=found, code=code, reason=reason)
        return _("%(id)s is with %(unit)s again.") % {"id": public_id, "unit": made.to_unit.name}

    do(request, give)
    return _to_tip(request, public_id)


@require_POST
@reads_tips
def end_joint(request: DeskRequest, public_id: str) -> HttpResponse:
    """End joint work on a tip, for either side."""
    found = tips.tip(request.viewer, public_id)

    def end() -> str:
        unit, reason = units.unit_with(request.POST.get("unit", "")), request.POST.get("reason", "")
        offers.end_joint(by=request.viewer, at=clock.now(), tip=found, unit=unit, reason=reason)
        return _("%(unit)s works on %(id)s no longer.") % {"id": public_id, "unit": unit.name}

    do(request, end)
    return _to_tip(request, public_id, otherwise="together")


@require_POST
@reads_tips
def seal(request: DeskRequest, public_id: str) -> HttpResponse:
    """Have nobody follow this tip any more who handed it over."""
    found = tips.tip(request.viewer, public_id)

    def close() -> str:
        sealing.seal(by=request.viewer, at=clock.now(), tip=found, reason=request.POST.get("reason", ""))
        return _("%(id)s is sealed: whoever handed it over sees nothing of it any more.") % {"id": public_id}

    do(request, close)
    return _to_tip(request, public_id)


@require_POST
@reads_tips
def stop_clock(request: DeskRequest, public_id: str) -> HttpResponse:
    """Stop the clock of one's unit on a tip, for a reason, or let it run again."""
    found = tips.tip(request.viewer, public_id)

    def turn() -> str:
        at = clock.now()
        unit = panels.panel(request.viewer, found, at).clock_unit
        if unit is None:
            raise NotFound(_("Your unit has no clock on this tip."))
        if request.POST.get("run"):
            stops.run_again(by=request.viewer, at=at, tip=found, unit=unit)
            return _("The clock of %(unit)s runs again.") % {"unit": unit.name}
        reason, note = request.POST.get("reason", ""), request.POST.get("note", "")
        stops.stop(by=request.viewer, at=at, tip=found, unit=unit, reason=reason, note=note)
        return _("The clock of %(unit)s stands.") % {"unit": unit.name}

    do(request, turn)
    return _to_tip(request, public_id)


@require_POST
@reads_tips
def add_sign(request: DeskRequest, public_id: str) -> HttpResponse:
    """Add a sign of the place that an officer found."""
    tips.tip(request.viewer, public_id)

    def add() -> str:
        officer_signs.record(
            by=request.viewer,
            at=clock.now(),
            tip=public_id,
            kind=request.POST.get("kind", ""),
            value=request.POST.get("value", ""),
            reason=request.POST.get("reason", ""),
        )
        return _("Recorded. Where the tip belongs is worked out anew; load the page again in a moment.")

    do(request, add)
    return _to_tip(request, public_id)


def _joint(one: Share) -> dict[str, object]:
    return {"tip": one.tip, "type": tips.type_label(one.tip.incident_type), "unit": one.unit, "since": one.since}


def _row(request: DeskRequest, one: Offer, late: set[int]) -> dict[str, object]:
    return {
        "offer": one,
        "tip": one.tip,
        "type": tips.type_label(one.tip.incident_type),
        "band": Band(one.band),
        "code": Band(one.band).name.lower(),
        "late": one.pk in late,
        "waits": queries.waits_for(request.viewer, one),
        "took": handing.long(one.answered_at - one.sent_at) if one.answered_at else "",
    }


def _to_tip(request: DeskRequest, public_id: str, *, otherwise: str = "followed") -> HttpResponse:
    """Back to the tip; to this list where it is out of sight by now."""
    try:
        tips.tip(request.viewer, public_id)
    except NotFound:
        return redirect(f"{reverse('desk:hand-overs')}?show={otherwise}")
    return redirect(f"{reverse('desk:tip', args=[public_id])}#unit")
