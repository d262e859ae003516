# SPDX-License-Identifier: Apache-2.0
"""Gives the tests a home of their own and a real PostgreSQL in it; loaded by pytest before anything else."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

HOME = Path(tempfile.mkdtemp(prefix="nightlight-test-"))
os.environ["NIGHTLIGHT_HOME"] = str(HOME)
os.environ.setdefault("NIGHTLIGHT_INSECURE_HTTP", "yes")
os.environ.setdefault("NIGHTLIGHT_SECOND_FACTOR", "offered")  # tests of the second factor ask for it
# Browser tests drive the page from an event loop's thread; their ORM calls are still ours alone.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

import hypothesis

from nightlight.config import postgres  # after the home is set

# All tests together are to take minutes; a property that needs more examples says so itself.
hypothesis.settings.register_profile("checks", max_examples=60)
hypothesis.settings.load_profile("checks")

# What the first migration makes, and every test may count on.
_FIRST_UNIT = """
INSERT INTO units_unit (public_id, kind, code, name, receives, created_at)
VALUES ('UN-2222-2222', 'national', 'IN', 'National centre', true, '2026-01-01T00:00:00Z')
"""
_OWN_SERVER = "DATABASE_URL" not in os.environ
if _OWN_SERVER:
    # Tests make and drop databases, and tamper with rows to see it noticed: they connect as superuser.
    os.environ["NIGHTLIGHT_DATABASE_OWNER_URL"] = postgres.url(HOME, role=postgres.SUPERUSER)
postgres.act_as_owner()


def pytest_configure(config: pytest.Config) -> None:
    """Start the server before Django looks for it."""
    if _OWN_SERVER:
        postgres.ensure_running(HOME)
    _let_tests_empty_tables()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the server and leave nothing behind."""
    postgres.stop(HOME)
    shutil.rmtree(HOME, ignore_errors=True)


def _let_tests_empty_tables() -> None:
    """Between tests all tables are emptied, append-only ones too, past their triggers."""
    from django.db.backends.postgresql.operations import DatabaseOperations

    empty = DatabaseOperations.execute_sql_flush

    def past_triggers(self: DatabaseOperations, sql_list: Sequence[str]) -> None:
        empty(
            self,
            ["SET session_replication_role = replica", *sql_list, "SET session_replication_role = origin", _FIRST_UNIT],
        )

    DatabaseOperations.execute_sql_flush = past_triggers  # type: ignore[method-assign, assignment]
