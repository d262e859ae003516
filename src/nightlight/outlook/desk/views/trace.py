# SPDX-License-Identifier: Apache-2.0
"""Which address leads to whom: a page of the tip. Opening it is recorded, with every tip that it shows anything of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import render
from django.views.decorators.http import require_safe

from nightlight.foundation import clock
from nightlight.outlook.desk import named as named_page
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
    page = pages.page(request.viewer, tip, _party(request), at=at)
    viewing.record_view(by=request.viewer, at=at, tip=tip, party=page.party, with_tips=page.names_tips)
    return render(request, "desk/trace.html", {"tip": tip, "page": page, "test": tip.environment == "test"})


@require_safe
@reads_tips
def named(request: DeskRequest, public_id: str) -> HttpResponse:
    """Whom the records name for a reported person (``?person=``), what that rests on, and what speaks against it."""
    tip, at = tips.tip(request.viewer, public_id), clock.now()
    page = named_page.page(request.viewer, tip, _party(request), at=at)
    viewing.record_view(by=request.viewer, at=at, tip=tip, party=page.party, with_tips=page.names_tips)
    return render(request, "desk/named.html", {"tip": tip, "page": page, "test": tip.environment == "test"})


def _party(request: DeskRequest) -> int | None:
    asked = request.GET.get("person", "")
    return int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 6 else None
