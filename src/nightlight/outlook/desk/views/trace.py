# SPDX-License-Identifier: Apache-2.0
"""Which address leads to whom: a page of the tip. Opening it is recorded, with every tip that it shows anything of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import render
from django.views.decorators.http import require_safe

from nightlight.foundation import clock
from nightlight.outlook.desk import trace as pages
from nightlight.outlook.desk.access import reads_tips
from nightlight.pipeline.tips import queries as tips
from nightlight.pipeline.tips import viewing

if TYPE_CHECKING:
    from django.http import HttpResponse

    from nightlight.outlook.desk.access import DeskRequest


@require_safe
@reads_tips
def trace(request: DeskRequest, public_id: str) -> HttpResponse:
    """The uses of addresses of a reported person (``?person=``), what they lead to, and what to ask whom."""
    tip, at = tips.tip(request.viewer, public_id), clock.now()
    asked = request.GET.get("person", "")
    party = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 6 else None
    page = pages.page(request.viewer, tip, party, at=at)
    viewing.record_view(by=request.viewer, at=at, tip=tip, party=page.party, with_tips=page.names_tips)
    return render(request, "desk/trace.html", {"tip": tip, "page": page, "test": tip.environment == "test"})
