# SPDX-License-Identifier: Apache-2.0
"""The web application as the server runs it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, cast

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from granian.utils.proxies import wrap_wsgi_with_proxy_headers

from nightlight.config.logs import set_up
from nightlight.config.supervisor import die_with_parent
from nightlight.config.web import settle

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any
    from wsgiref.types import StartResponse

# The server hands its environment to every request; nothing in it may be a secret.
_KEPT = ("HOME", "LANG", "LC_ALL", "PATH", "TZ", "NIGHTLIGHT_HOME", "NIGHTLIGHT_SUPERVISED")

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "nightlight.config.settings")
set_up()
if os.environ.get("NIGHTLIGHT_SUPERVISED"):
    die_with_parent()  # a server process whose master was killed must not go on holding the port
_django = get_wsgi_application()
# What pages get from Django's middleware, for a browser that is led to the reporting API.
_BESIDE_PAGES = (
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
_TLS_ONLY = ("Strict-Transport-Security", f"max-age={settings.SECURE_HSTS_SECONDS}; includeSubDomains")

from nightlight.config.middleware import PlainRequest  # these need Django set up
from nightlight.pipeline.tips import wire

_django.request_class = PlainRequest


def _answer(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """Answer one request: of a reporter's software by the wire, of a browser by Django.

    A page that is complete is handed over in one piece instead of being streamed.
    """
    if environ["PATH_INFO"].startswith(wire.PREFIX):
        return wire.application(environ, _guarded(environ, start_response))
    response = _django(environ, start_response)
    if getattr(response, "streaming", False):
        return response
    body = [b"".join(response)]
    close = getattr(response, "close", None)
    if close:
        close()
    return body


def _guarded(environ: dict[str, Any], start_response: StartResponse) -> StartResponse:
    beside = list(_BESIDE_PAGES)
    if settings.SECURE_HSTS_SECONDS and environ.get("wsgi.url_scheme") == "https":
        beside.append(_TLS_ONLY)

    def start(status: str, headers: list[tuple[str, str]]) -> object:
        return start_response(status, headers + beside)

    return cast("StartResponse", start)


def _forget_secrets() -> None:
    """Open the vault, whose credentials may come from the environment, then drop what the server must not hand on."""
    from nightlight.trust.evidence.vault import current_vault

    current_vault()
    for name in [name for name in os.environ if name not in _KEPT]:
        del os.environ[name]


_forget_secrets()
settle()
application = _answer
if settings.ENVIRONMENT.proxies:  # behind a proxy that ends TLS: believe it, and nobody else, about the client
    application = wrap_wsgi_with_proxy_headers(_answer, trusted_hosts=list(settings.ENVIRONMENT.proxies))
