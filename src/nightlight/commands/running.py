# SPDX-License-Identifier: Apache-2.0
"""Starting an installation: up, web, worker, migrate."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nightlight.commands import base
from nightlight.config import postgres
from nightlight.config.supervisor import Part, Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable

Port = Annotated[int, typer.Option("--port", "-p", help="Port to listen on.", min=1, max=65535)]
Host = Annotated[str, typer.Option("--host", help="Address to listen on.")]
Cert = Annotated[Path | None, typer.Option("--tls-cert", help="Certificate chain (PEM).", exists=True, dir_okay=False)]
Key = Annotated[Path | None, typer.Option("--tls-key", help="Its private key (PEM).", exists=True, dir_okay=False)]


def up(port: Port = 8000, host: Host = "127.0.0.1", tls_cert: Cert = None, tls_key: Key = None) -> None:
    """Run everything in the foreground: database, web and worker; a part that dies is started again.

    Example: nightlight up --port 8000
    """
    run_all(port=port, host=host, tls_cert=tls_cert, tls_key=tls_key)


def run_all(
    *,
    port: int,
    host: str,
    tls_cert: Path | None,
    tls_key: Path | None,
    errand: Part | None = None,
    prepare: Callable[[], None] | None = None,
) -> None:
    """Start database, web and worker and watch over them; ``errand`` is started beside them once."""
    _both_or_none(tls_cert, tls_key)
    if tls_cert is None:
        _plain_http(host)
    env = base.settings()
    try:
        if env.embedded:
            postgres.ensure_running(env.home)
    except postgres.DatabaseFailed as failure:
        base.fail(f"The database could not be started. {failure}")
    if _migrate_first():
        base.fail("The tables could not be brought up to date; see the lines above.")
    if prepare:
        prepare()
    web = [sys.executable, "-m", "nightlight", "web", "--port", str(port), "--host", host]
    if tls_cert and tls_key:
        web += ["--tls-cert", str(tls_cert), "--tls-key", str(tls_key)]
    parts = [Part("web", web), Part("worker", [sys.executable, "-m", "nightlight", "worker"])]
    scheme = "https" if tls_cert else "http"
    base.say(f"[green]Nightlight[/green] on {scheme}://{host}:{port}/  (data in {env.home}; Ctrl-C stops it)")
    Supervisor(env, parts, base.say, errand=errand).run()


def web(port: Port = 8000, host: Host = "127.0.0.1", tls_cert: Cert = None, tls_key: Key = None) -> None:
    """Run the web server alone; the database must be running."""
    from nightlight.config import web as server

    _both_or_none(tls_cert, tls_key)
    if tls_cert is None:
        _plain_http(host)
    postgres.pool_connections()
    server.serve(base.settings(), host=host, port=port, tls_cert=tls_cert, tls_key=tls_key)


def worker() -> None:
    """Run the background worker alone; the database must be running."""
    # Acknowledging reports comes before working things out from them.
    os.nice(5)
    postgres.pool_connections()
    postgres.act_as_worker()
    base.set_up_django()
    from nightlight.config import worker as background

    background.run()


def migrate() -> None:
    """Bring the tables up to date, as their owner, and set the application's rights."""
    env = base.settings()
    if env.embedded and not postgres.answers(env.home):
        base.fail("The database does not run; 'nightlight up' migrates by itself.")
    base.set_up_django(owner=True)
    from django.core.management import call_command
    from django.db import connection

    from nightlight.config import rights

    call_command("migrate", verbosity=0, interactive=False)
    call_command("collectstatic", verbosity=0, interactive=False)
    rights.put_in_force(connection)


def _migrate_first() -> int:
    import subprocess

    return subprocess.run([sys.executable, "-m", "nightlight", "migrate"], check=False).returncode


def _both_or_none(cert: Path | None, key: Path | None) -> None:
    if (cert is None) != (key is None):
        base.fail("TLS needs both --tls-cert and --tls-key.", code=2)


def _plain_http(host: str) -> None:
    """Without TLS, cookies go over plain HTTP: right on this machine only, unless the administrator says so."""
    if host in {"127.0.0.1", "::1", "localhost"}:
        os.environ.setdefault("NIGHTLIGHT_INSECURE_HTTP", "yes")
    elif os.environ.get("NIGHTLIGHT_INSECURE_HTTP", "") == "":
        base.fail(
            f"Plain HTTP on {host} would send reports and passwords in the clear. Give --tls-cert and --tls-key, "
            "or set NIGHTLIGHT_INSECURE_HTTP=no and put a proxy that speaks TLS in front.",
            code=2,
        )
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
