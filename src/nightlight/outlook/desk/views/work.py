# SPDX-License-Identifier: Apache-2.0
"""What an officer does with a tip of the queue: take, give back, put off, close, decide, tell what was found out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from nightlight.foundation import clock
from nightlight.foundation.refusals import Conflict
from nightlight.outlook.desk.access import reads_tips
from nightlight.outlook.desk.views.units import do, moment
from nightlight.pipeline.triage import working
from nightlight.pipeline.triage.models import Band

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sized
    from datetime import datetime

    from django.http import HttpResponse

    from nightlight.outlook.desk.access import DeskRequest

_ANSWERS = {"yes": True, "no": False, "unknown": None}


@require_POST
@reads_tips
def take(request: DeskRequest, public_id: str) -> HttpResponse:
    """Take a tip and what stands in one row with it."""

    def act() -> str:
        rows = working.take(by=request.viewer, at=clock.now(), tip=public_id)
        return _number(ngettext("You have taken %(n)d tip.", "You have taken %(n)d tips.", len(rows)), rows)

    return _done(request, public_id, act)


@require_POST
@reads_tips
def release(request: DeskRequest, public_id: str) -> HttpResponse:
    """Give it back to the queue."""

    def act() -> str:
        rows = working.release(by=request.viewer, at=clock.now(), tip=public_id)
        return _number(ngettext("%(n)d tip is free again.", "%(n)d tips are free again.", len(rows)), rows)

    return _done(request, public_id, act)


@require_POST
@reads_tips
def assign(request: DeskRequest, public_id: str) -> HttpResponse:
    """Give it to a colleague, who is told."""

    def act() -> str:
        rows = working.assign(by=request.viewer, at=clock.now(), tip=public_id, to=request.POST.get("to", ""))
        return _("It is with %(who)s now.") % {"who": rows[0].holder}

    return _done(request, public_id, act)


@require_POST
@reads_tips
def snooze(request: DeskRequest, public_id: str) -> HttpResponse:
    """Put it off until a time."""

    def act() -> str:
        until = moment(request.POST.get("until", ""))
        reason = request.POST.get("reason", "")
        rows = working.snooze(by=request.viewer, at=clock.now(), tip=public_id, until=until, reason=reason)
        told = ngettext("%(n)d tip was put off; it comes back by itself.", "%(n)d tips were put off.", len(rows))
        return _number(told, rows)

    return _done(request, public_id, act)


@require_POST
@reads_tips
def close(request: DeskRequest, public_id: str) -> HttpResponse:
    """End the work on it, with a disposition."""

    def act() -> str:
        how, reason = request.POST.get("disposition", ""), request.POST.get("reason", "")
        rows = working.close(by=request.viewer, at=clock.now(), tip=public_id, disposition=how, reason=reason)
        told = ngettext("%(n)d tip is closed.", "%(n)d tips are closed.", len(rows))
        if any(row.sampled for row in rows):
            told += " " + _("Somebody else will look at it a second time: one in fifty such closures is.")
        return _number(told, rows)

    return _done(request, public_id, act)


@require_POST
@reads_tips
def reopen(request: DeskRequest, public_id: str) -> HttpResponse:
    """Open it again."""

    def act() -> str:
        working.reopen(by=request.viewer, at=clock.now(), tip=public_id, reason=request.POST.get("reason", ""))
        return _("It is open again.")

    return _done(request, public_id, act)


@require_POST
@reads_tips
def override(request: DeskRequest, public_id: str) -> HttpResponse:
    """Put it into another band than the rules do, or back into theirs."""

    def act() -> str:
        name = request.POST.get("band", "").upper()
        # What is no band is refused by the action, in its own words.
        band = None if name == "RULES" else Band[name].value if name in Band.__members__ else -1
        reason = request.POST.get("reason", "")
        working.override(by=request.viewer, at=clock.now(), tip=public_id, band=band, reason=reason)
        return _("Decided. What the rules say stays beside it, and decisions like this one are counted.")

    return _done(request, public_id, act)


@require_POST
@reads_tips
def found_out(request: DeskRequest, public_id: str) -> HttpResponse:
    """Record a fact that the report does not say."""

    def act() -> str:
        working.record_fact(
            by=request.viewer,
            at=clock.now(),
            tip=public_id,
            fact=request.POST.get("fact", ""),
            value=_said(request.POST),
            reason=request.POST.get("reason", ""),
        )
        return _("Recorded. The tip is scored anew within seconds.")

    return _done(request, public_id, act)


def _said(form: Mapping[str, str]) -> bool | datetime | None:
    """What a form says of a fact: a time of the officers' zone where it asks for one, else yes, no or unknown."""
    if "moment" in form:
        return moment(form["moment"]) if form["moment"].strip() else None
    said = form.get("value", "")
    if said not in _ANSWERS:  # no answer is not "nobody knows": that would take back what was said before
        raise Conflict(_("Say whether it is so: yes, no, or nobody knows."))
    return _ANSWERS[said]


def _done(request: DeskRequest, public_id: str, act: Callable[[], str]) -> HttpResponse:
    do(request, act)
    return redirect("desk:tip", public_id)


def _number(words: str, rows: Sized) -> str:
    return words % {"n": len(rows)}
