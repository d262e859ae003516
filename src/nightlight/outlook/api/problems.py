# SPDX-License-Identifier: Apache-2.0
"""A refusal as machines read it: a problem document (RFC 9457)."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from django.http import JsonResponse

from nightlight.foundation.refusals import Conflict, NotAllowed, NotFound

if TYPE_CHECKING:
    from nightlight.foundation.refusals import Refusal

_STATUS = {NotAllowed: 403, Conflict: 409, NotFound: 404}


def problem(status: int, kind: str, detail: str, **members: object) -> JsonResponse:
    """Return the document: ``kind`` says to a program what went wrong, ``detail`` to a person.

    ``members`` are extension members (RFC 9457, 3.2).
    """
    body = {
        "type": f"urn:nightlight:problem:{kind}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        **members,
    }
    answer = JsonResponse(body, status=status, content_type="application/problem+json")
    answer.headers["Cache-Control"] = "no-store"
    return answer


def of_refusal(refusal: Refusal) -> JsonResponse:
    """Return the document for an action's refusal."""
    status = next((number for kind, number in _STATUS.items() if isinstance(refusal, kind)), 400)
    return problem(status, "refused", refusal.reason)
