# SPDX-License-Identifier: Apache-2.0
"""The custody log: how it stands, its newest signed head, and the events of one tip with their proofs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import render
from django.views.decorators.http import require_safe

from nightlight.foundation import clock
from nightlight.outlook.audit.searching import record_search
from nightlight.outlook.desk import history, queries, tip_page
from nightlight.outlook.desk.access import reads_tips
from nightlight.pipeline.tips import queries as tips
from nightlight.pipeline.tips import shown

if TYPE_CHECKING:
    from django.http import HttpResponse

    from nightlight.outlook.desk.access import DeskRequest


@require_safe
@reads_tips
def custody(request: DeskRequest) -> HttpResponse:
    """The state of the log, and with ``?q=`` the history of one tip."""
    text = request.GET.get("q", "").strip()[:60]
    ids = tips.find(request.viewer, text) if text else []
    if text:
        record_search(by=request.viewer, at=clock.now(), where="custody", text=text, hits=len(ids))
    found = None
    if len(ids) == 1:
        told = shown.of(tips.tip(request.viewer, ids[0]))
        found = history.of_tip(told, tip_page.build(told, repeats=None).mask)
    return render(
        request,
        "desk/custody.html",
        {"state": queries.custody_state(), "text": text, "ids": ids, "history": found},
        status=404 if text and not ids else 200,
    )
