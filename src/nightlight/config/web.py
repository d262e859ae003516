# SPDX-License-Identifier: Apache-2.0
"""Runs the web server: granian over WSGI, because Django under ASGI costs two to three times the work."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

from granian import Granian
from granian.constants import Interfaces, SSLProtocols
from granian.log import LogLevels

if TYPE_CHECKING:
    from pathlib import Path

    from nightlight.config.environment import Environment

_LONGEST_FAREWELL = 15  # seconds: the supervisor waits for 20 before it ends what is left


def settle() -> None:
    """Let the collector pass over what a process has loaded for good; it would walk it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


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
        # Told to stop, a process waits until its connections close; reporters that stay busy would keep it for ever.
        workers_kill_timeout=_LONGEST_FAREWELL,
        log_enabled=True,
        log_level=LogLevels.warning,
        websockets=False,
    ).serve()
