# SPDX-License-Identifier: Apache-2.0
"""Turns refusals into pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import render

from nightlight.foundation.refusals import Conflict, NotAllowed, NotFound, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

    View = Callable[[HttpRequest], HttpResponse]

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
        return render(request, "desk/refused.html", {"reason": refusal.reason, "status": status}, status=status)


def refusals(rest: View) -> View:
    """Turn an action's refusal into a page with its reason."""
    return _Refusals(rest)
