# SPDX-License-Identifier: Apache-2.0
"""The floor as the server runs it: Django with the floor's view in front, answers in one piece as ours are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.wsgi import get_wsgi_application

from nightlight.config.supervisor import die_with_parent
from nightlight.config.web import settle

if TYPE_CHECKING:
    from typing import Any
    from wsgiref.types import StartResponse

die_with_parent()
_django = get_wsgi_application()
settle()


def application(environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
    """Answer one request by the floor's view."""
    response = _django(environ, start_response)
    body = [b"".join(response)]
    response.close()
    return body
