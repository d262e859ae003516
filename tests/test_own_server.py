# SPDX-License-Identifier: Apache-2.0
"""Nightlight on a PostgreSQL server of one's own, set up as docs/operations.md says."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from nightlight.config import postgres
from tests.installation import Installation
from tests.wire_client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def server() -> Iterator[Path]:
    """A server that Nightlight did not make for itself, with one login that may become the three roles."""
    home = Path(tempfile.mkdtemp(prefix="nightlight-own-"))
    postgres.ensure_running(home)
    with psycopg.connect(postgres.url(home, role=postgres.SUPERUSER), autocommit=True) as connection:
        for role in (postgres.APP_ROLE, postgres.INTAKE_ROLE, postgres.WORKER_ROLE):
            connection.execute(f"ALTER ROLE {role} NOLOGIN")
        connection.execute("CREATE ROLE nightlight LOGIN NOINHERIT")
        roles = f"{postgres.APP_ROLE}, {postgres.INTAKE_ROLE}, {postgres.WORKER_ROLE}"
        connection.execute(f"GRANT {roles} TO nightlight")
        connection.execute("GRANT CONNECT, TEMPORARY ON DATABASE nightlight TO nightlight")
    yield home
    postgres.stop(home)
    shutil.rmtree(home, ignore_errors=True)


def test_a_report_comes_in_and_is_read(server: Path) -> None:
    socket = postgres.socket_folder(server)
    installation = Installation(
        settings={
            "NIGHTLIGHT_WEB_PROCESSES": "1",
            "DATABASE_URL": f"postgresql://nightlight@/nightlight?host={socket}",
            "NIGHTLIGHT_DATABASE_OWNER_URL": f"postgresql://nightlight_owner@/nightlight?host={socket}",
        }
    )
    try:
        installation.start()
        client = Client(installation.base, installation.reporter("Own Server Example"))
        report_id = client.submit().report_id
        assert client.finish(report_id).code == 0
        told = installation.json("tip", "show", str(report_id))
        assert told["state"] == "received"
        assert installation.json("custody", "verify")["ok"] is True
    finally:
        installation.stop()
