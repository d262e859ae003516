# SPDX-License-Identifier: Apache-2.0
"""What every page knows about the installation it belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings

from nightlight.outlook.desk import navigation
from nightlight.outlook.desk.access import viewer_of_request

if TYPE_CHECKING:
    from django.http import HttpRequest


def installation(request: HttpRequest) -> dict[str, object]:
    """Return the installation's name, whether it is a demo, the officers' time zone, and who is looking."""
    environment = settings.ENVIRONMENT
    user = getattr(request, "user", None)
    viewer = viewer_of_request(request) if user is not None and user.is_authenticated else None
    top, others = navigation.of(viewer) if viewer else ([], [])
    return {
        "installation": {"name": "Nightlight", "demo": environment.demo, "zone": environment.zone},
        "viewer": viewer,
        "navigation": top,
        "more_pages": others,
    }
