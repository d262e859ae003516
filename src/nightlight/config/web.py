# SPDX-License-Identifier: Apache-2.0
"""Runs the web server: granian over WSGI, because Django under ASGI costs two to three times the work."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from granian import Granian
from granian.constants import Interfaces, SSLProtocols
from granian.log import LogLevels

if TYPE_CHECKING:
    from pathlib import Path

    from nightlight.config.environment import Environment

# What the server hands to every request as its environment: nothing that could hold a secret.
_KEPT = ("HOME", "LANG", "LC_ALL", "PATH", "TZ", "VIRTUAL_ENV", "SSL_CERT_FILE")


def serve(
    environment: Environment,
    *,
    host: str,
    port: int,
    tls_cert: Path | None,
    tls_key: Path | None,
    application: str = "nightlight.config.wsgi:application",
) -> None:
    """Serve until told to stop."""
    for name in list(os.environ):
        if name not in _KEPT and not name.startswith(("NIGHTLIGHT_", "DATABASE_", "DJANGO_")):
            del os.environ[name]
    Granian(
        application,
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=environment.web_processes,
        blocking_threads=environment.web_threads,
        backlog=2048,
        backpressure=max(128, environment.web_threads * 4),
        ssl_protocol_min=SSLProtocols.tls12,  # older client libraries of reporters end there
        ssl_cert=tls_cert,
        ssl_key=tls_key,
        respawn_failed_workers=True,
        log_enabled=True,
        log_level=LogLevels.warning,
        websockets=False,
    ).serve()
