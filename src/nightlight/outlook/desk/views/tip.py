# SPDX-License-Identifier: Apache-2.0
"""The page of one tip. Opening it is recorded in the tip's own history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from nightlight.foundation import clock, public_ids
from nightlight.foundation.refusals import NotFound
from nightlight.outlook.desk import history, tip_page
from nightlight.outlook.desk.access import reads_tips
from nightlight.pipeline.tips import queries, viewing
from nightlight.pipeline.tips.understanding import understand

if TYPE_CHECKING:
    from django.http import HttpResponse

    from nightlight.outlook.desk.access import DeskRequest
    from nightlight.pipeline.tips.models import Tip


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
    found = queries.tip(request.user, public_id)
    at = clock.now()
    viewing.record_view(by=request.user, at=at, tip=found)
    understood = understand(found)
    summary = getattr(found, "summary", None)
    page = tip_page.build(understood, repeats=_repeats(found), at=at)
    return render(
        request,
        "desk/tip.html",
        {
            "page": page,
            "tip": found,
            "summary": summary,
            "told": summary and queries.shortened(summary.sentence, page.title),
            "repeats": _repeats(found),
            "repeated_by": queries.repeated_by(request.user, found),
            "history": history.of_tip(public_id, page.mask),
            "documents": [
                (document.get_kind_display(), len(document.body), bytes(document.sha256).hex(), document)
                for document in understood.documents
            ],
            "test": found.environment == "test",
        },
    )


def _repeats(found: Tip) -> str | None:
    repeats = getattr(found, "repeats", None)
    return repeats.earlier.public_id if repeats else None
