# SPDX-License-Identifier: Apache-2.0
"""The web application as the server runs it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from django.core.wsgi import get_wsgi_application

from nightlight.config.logs import set_up
from nightlight.config.supervisor import die_with_parent

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any
    from wsgiref.types import StartResponse

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "nightlight.config.settings")
set_up()
if os.environ.get("NIGHTLIGHT_SUPERVISED"):
    die_with_parent()  # a server process whose master was killed must not go on holding the port
_django = get_wsgi_application()


def application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """Answer one request; a body that is complete is handed over in one piece instead of being streamed."""
    response = _django(environ, start_response)
    if getattr(response, "streaming", False):
        return response
    body = [b"".join(response)]
    close = getattr(response, "close", None)
    if close:
        close()
    return body
