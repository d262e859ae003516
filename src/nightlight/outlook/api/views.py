# SPDX-License-Identifier: Apache-2.0
"""What the API answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import JsonResponse

from nightlight.foundation.clock import stamp
from nightlight.outlook.api.access import for_scope
from nightlight.outlook.api.problems import problem

if TYPE_CHECKING:
    from nightlight.outlook.api.access import ApiRequest


@for_scope(None)
def whoami(request: ApiRequest) -> JsonResponse:
    """Say whose token this is, what it may do and until when: for partners to try their set-up."""
    login = request.login
    return JsonResponse(
        {
            "token": login.public_id,
            "name": login.name,
            "scopes": sorted(login.scopes),
            "unit": login.unit,
            "expires_at": stamp(login.expires_at),
        }
    )


@for_scope(None, "GET", "POST", "PUT", "PATCH", "DELETE")
def nowhere(request: ApiRequest, rest: str) -> JsonResponse:
    """Say that there is nothing at this address, as a problem document."""
    return problem(404, "address", "There is nothing at this address.")
