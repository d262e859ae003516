# SPDX-License-Identifier: Apache-2.0
"""Gives the tests a home of their own and a real PostgreSQL in it; loaded by pytest before anything else."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HOME = Path(tempfile.mkdtemp(prefix="nightlight-test-"))
os.environ["NIGHTLIGHT_HOME"] = str(HOME)
# One folder for all processes of a run, that of the first: what one has made the others need not make again.
RUN = Path(os.environ.setdefault("NIGHTLIGHT_TEST_RUN", str(HOME)))
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
# What the tests' own server holds is thrown away with it; installations that tests start keep every setting.
_NOTHING_TO_LOSE = "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n"
# The files of more than about ten seconds, the longest first.
_LONGEST_FIRST = (
    "test_pages.py",
    "test_rendering_hostile.py",
    "test_viewing_in_a_browser.py",
    "test_known_in_a_browser.py",
    "test_pages_in_a_browser.py",
    "test_up.py",
    "test_police_import.py",
    "test_sign_in_in_a_browser.py",
    "test_known_story.py",
    "test_no_name_in_a_dump.py",
    "test_hash_sharing.py",
    "test_restoring.py",
    "test_production.py",
    "test_security_headers.py",
    "test_hashes_command.py",
    "test_wire.py",
    "test_walls.py",
    "test_measuring.py",
    "test_sealed_in_a_browser.py",
    "test_own_server.py",
    "test_desk_story.py",
)
QUICK_HASHER = "django.contrib.auth.hashers.MD5PasswordHasher"
_OWN_SERVER = "DATABASE_URL" not in os.environ
if _OWN_SERVER:
    # Tests make and drop databases, and tamper with rows to see it noticed: they connect as superuser.
    os.environ["NIGHTLIGHT_DATABASE_OWNER_URL"] = postgres.url(HOME, role=postgres.SUPERUSER)
postgres.act_as_owner()


def pytest_configure(config: pytest.Config) -> None:
    """Start the server before Django looks for it; a process that only hands out tests needs none."""
    hands_out = config.getoption("dist", "no") != "no" and not hasattr(config, "workerinput")
    if _OWN_SERVER and not hands_out:
        postgres.prepare(HOME)
        (postgres.data_folder(HOME) / "nightlight-local.conf").write_text(_NOTHING_TO_LOSE)
        postgres.ensure_running(HOME)
    _let_tests_empty_tables()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the server and leave nothing behind."""
    postgres.stop(HOME)
    shutil.rmtree(HOME, ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest: they are handed out whole, and one that came last would run alone."""
    place = {name: number for number, name in enumerate(_LONGEST_FIRST)}
    items.sort(key=lambda item: place.get(item.path.name, len(place)))


@pytest.fixture(scope="session", autouse=True)
def _quick_passwords() -> Iterator[None]:
    """Digest passwords at once; a test of the slow digests that installations keep asks for them by name."""
    from django.conf import settings
    from django.test import override_settings

    with override_settings(PASSWORD_HASHERS=[QUICK_HASHER, *settings.PASSWORD_HASHERS]):
        yield


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
