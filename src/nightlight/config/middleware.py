# SPDX-License-Identifier: Apache-2.0
"""Turns refusals into pages, and tells browsers what to keep and whom to give it to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from django.shortcuts import render

from nightlight.foundation.refusals import Conflict, NotAllowed, NotFound, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

    View = Callable[[HttpRequest], HttpResponse]

log = structlog.get_logger("pages")
_STATUS: dict[type[Refusal], int] = {NotAllowed: 403, Conflict: 409, NotFound: 404}


class _Refusals:
    def __init__(self, rest: View) -> None:
        self._rest = rest

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._rest(request)

    def process_exception(self, request: HttpRequest, refusal: Exception) -> HttpResponse | None:
        if not isinstance(refusal, Refusal):
            return None
        status = _STATUS.get(type(refusal), 400)
        if isinstance(refusal, NotAllowed):  # who tried what; the address may name a record, its pattern does not
            pattern = request.resolver_match.view_name if request.resolver_match else ""
            who = getattr(request.user, "public_id", "")
            log.warning(
                "refused", who=who, page=pattern, method=request.method, address=request.META.get("REMOTE_ADDR")
            )
        return render(request, "desk/refused.html", {"reason": refusal.reason, "status": status}, status=status)


def refusals(rest: View) -> View:
    """Turn an action's refusal into a page with its reason."""
    return _Refusals(rest)


def browser_guards(rest: View) -> View:
    """Say with each answer that it is kept nowhere and belongs to our own pages; after signing out, forget the rest.

    A view that says otherwise about keeping is left alone.
    """

    def answer(request: HttpRequest) -> HttpResponse:
        response = rest(request)
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        match = request.resolver_match
        if match is not None and match.view_name == "account_logout" and request.method == "POST":
            response.headers["Clear-Site-Data"] = '"cache", "storage"'
        return response

    return answer
