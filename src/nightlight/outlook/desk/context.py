# SPDX-License-Identifier: Apache-2.0
"""What every page knows about the installation it belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    from django.http import HttpRequest


def installation(request: HttpRequest) -> dict[str, object]:
    """Return the installation's name, whether it is a demo, and the officers' time zone."""
    environment = settings.ENVIRONMENT
    return {"installation": {"name": "Nightlight", "demo": environment.demo, "zone": environment.zone}}
