# SPDX-License-Identifier: Apache-2.0
"""What all answers to other systems have in common: they are never kept, and a refusal leaves a line in the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase
    from structlog.typing import FilteringBoundLogger

R = TypeVar("R", bound="HttpResponseBase")


def finished(response: R, request: HttpRequest, *, who: str, log: FilteringBoundLogger, event: str) -> R:
    """Return the answer so that nobody on the way keeps it; note a refusal, without a word of what was asked."""
    response.headers["Cache-Control"] = "no-store"
    if response.status_code >= 400:
        log.warning(
            event,
            who=who,
            status=response.status_code,
            method=request.method,
            page=request.resolver_match.view_name if request.resolver_match else "",
            address=request.META.get("REMOTE_ADDR", ""),
        )
    return response
