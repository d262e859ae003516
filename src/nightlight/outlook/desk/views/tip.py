# SPDX-License-Identifier: Apache-2.0
"""The page of one tip. Opening it is recorded in the tip's own history."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_safe
from django_htmx.http import HttpResponseClientRefresh

from nightlight.foundation import clock, public_ids
from nightlight.foundation.refusals import NotFound
from nightlight.outlook.desk import came_from, handing, held_elsewhere, history, linked, tip_page, trace_panel, triage
from nightlight.outlook.desk.access import reads_tips
from nightlight.pipeline.matching import queries as matching
from nightlight.pipeline.routing import answering
from nightlight.pipeline.tips import queries, shown, viewing
from nightlight.pipeline.tips.models import Tip

if TYPE_CHECKING:
    from nightlight.outlook.desk.access import DeskRequest
    from nightlight.outlook.desk.tip_page import TipPage
    from nightlight.pipeline.tips.shown import ShownTip

UNREAD = "unread"
"""What a page says that was opened before its report was read."""


@require_safe
@reads_tips
def tip(request: DeskRequest, public_id: str) -> HttpResponse:
    """Everything about one tip, from what it is down to the proof that nothing was changed."""
    try:
        meant = public_ids.normalise(public_id)
    except ValueError as slip:
        raise NotFound(f"{str(slip)[:1].upper()}{str(slip)[1:]}.") from None
    if meant != public_id:
        return redirect("desk:tip", meant)
    found = queries.tip(request.viewer, public_id)
    at = clock.now()
    viewing.record_view(by=request.viewer, at=at, tip=found)
    answering.opened(by=request.viewer, at=at, tip=found)
    told = shown.of(found)
    summary = getattr(found, "summary", None)
    page = _page(request, told, found)
    hands = handing.of_tip(request.viewer, found, at, page.parties)
    addresses, events = trace_panel.of_tip(request.viewer, found, page.events, at)
    return render(
        request,
        "desk/tip.html",
        {
            "page": replace(page, events=events),
            "tip": found,
            "addresses": addresses,
            "back": came_from.back(request, found),
            "handing": hands,
            "triage": triage.panel(request.viewer, found, at),
            "linked": linked.of_tip(request.viewer, found),
            "elsewhere": held_elsewhere.panel(request.viewer, found, at),
            "summary": summary,
            "contact": told.contact,
            "teller": shown.TELLER,
            "told": summary and queries.shortened(summary.sentence, page.title),
            "repeats": _repeats(found),
            "repeated_by": queries.repeated_by(request.viewer, found),
            "history": history.of_tip(told, page.mask),
            "documents": [
                (document.get_kind_display(), document.size, bytes(document.sha256).hex(), document)
                for document in told.documents
            ],
            "test": found.environment == "test",
        },
    )


@require_GET
@reads_tips
def known(request: DeskRequest, public_id: str) -> HttpResponse:
    """How far the files of a tip have been looked up, for its page to put in place, with what that changes on it.

    What the page was told last travels in the address. The page itself was recorded when it was opened. A page that
    was opened before the report was read is loaded anew once it is.
    """
    found = queries.tip(request.viewer, public_id)
    page = _page(request, shown.of(found), found)
    told = request.GET.get("told", "")
    if told == UNREAD:
        return HttpResponse(status=204) if page.next_step.waits else HttpResponseClientRefresh()
    changed = page.known is None or page.known.phase != told
    return render(request, "desk/known_news.html", {"page": page, "tip": found, "changed": changed})


def _page(request: DeskRequest, told: ShownTip, found: Tip) -> TipPage:
    progress, files = matching.of_tip(found)
    page = tip_page.build(told, repeats=_repeats(found), progress=progress, found=files)
    asked = handing.asked(request.viewer, found)
    return page if asked is None else replace(page, next_step=asked)


def _repeats(found: Tip) -> str | None:
    repeats = getattr(found, "repeats", None)
    try:
        return repeats.earlier.public_id if repeats else None
    except Tip.DoesNotExist:  # the earlier one lies beyond the viewer's reach
        return None
