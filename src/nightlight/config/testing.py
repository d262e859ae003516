# SPDX-License-Identifier: Apache-2.0
"""Gives the tests a home of their own and a real PostgreSQL in it; loaded by pytest before anything else."""

from __future__ import annotations

import functools
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

HOME = Path(tempfile.mkdtemp(prefix="nightlight-test-"))
os.environ["NIGHTLIGHT_HOME"] = str(HOME)
# One folder for all processes of a run, that of the first: what one has made the others need not make again.
RUN = Path(os.environ.setdefault("NIGHTLIGHT_TEST_RUN", str(HOME)))
os.environ.setdefault("NIGHTLIGHT_INSECURE_HTTP", "yes")
os.environ.setdefault("NIGHTLIGHT_HOTLINE", "yes")
os.environ.setdefault("NIGHTLIGHT_SECOND_FACTOR", "offered")  # tests of the second factor ask for it
# Browser tests drive the page from an event loop's thread; their ORM calls are still ours alone.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

import hypothesis

from nightlight.config import postgres  # after the home is set

# All tests together are to take minutes; a property that needs more examples says so itself.
hypothesis.settings.register_profile("checks", max_examples=60)
hypothesis.settings.load_profile("checks")

# Empties what models of ours write to, and puts back what the first migration makes, and every test may count on.
# Deleted and not cut, for that takes a file of the disk for each table and index; without triggers, so in any order.
_EMPTY = """
SET session_replication_role = replica;
DO $$
DECLARE one regclass; found boolean;
BEGIN
  FOR one IN SELECT oid FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace
    AND relname NOT IN ('django_migrations', 'django_content_type', 'auth_permission') LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM %s)', one) INTO found;
    IF found THEN EXECUTE format('DELETE FROM %s', one); END IF;
  END LOOP;
END $$;
SET session_replication_role = origin;
INSERT INTO units_unit (public_id, kind, code, name, receives, created_at)
VALUES ('UN-2222-2222', 'national', 'IN', 'National centre', true, '2026-01-01T00:00:00Z');
"""
# What the tests' own server holds is thrown away with it; installations that tests start keep every setting.
_NOTHING_TO_LOSE = "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n"
# The files of more than about ten seconds, the longest first; what begins so comes in that place.
_LONGEST_FIRST = (
    "tests/access/test_pages.py",
    "tests/access/",  # with the world of the pages, which each process makes for itself
    "src/nightlight/trust/viewing/tests/test_rendering_hostile.py",
    "tests/exchange/",
    "tests/test_up.py",
    "src/nightlight/outlook/hotline/tests/test_hotline_in_a_browser.py",
    "src/nightlight/outlook/desk/tests/test_handing_in_a_browser.py",
    "src/nightlight/outlook/desk/tests/test_viewing_in_a_browser.py",
    "src/nightlight/outlook/desk/tests/test_known_in_a_browser.py",
    "src/nightlight/outlook/desk/tests/test_pages_in_a_browser.py",
    "src/nightlight/outlook/desk/tests/test_sign_in_in_a_browser.py",
    "src/nightlight/trust/viewing/tests/test_measuring.py",
    "src/nightlight/outlook/desk/tests/test_sealed_in_a_browser.py",
    "src/nightlight/outlook/desk/tests/test_requests_in_a_browser.py",
    "src/nightlight/outlook/desk/tests/test_returns_in_a_browser.py",
    "src/nightlight/outlook/desk/tests/test_attribution_walk_in_a_browser.py",
    "src/nightlight/outlook/desk/tests/",
    "src/nightlight/casework/attribution/returns/tests/test_spark.py",
    "tests/test_own_server.py",
    "src/nightlight/pipeline/matching/tests/test_restoring.py",
    "tests/test_known_story.py",
    "tests/test_hashes_command.py",
    "tests/test_production.py",
    "tests/test_hash_sharing.py",
    "tests/test_no_name_in_a_dump.py",
    "tests/test_security_headers.py",
    "tests/test_wire.py",
    "tests/test_desk_story.py",
    "tests/test_units_commands.py",
    "tests/test_police_import.py",  # last, though long: others would wait while the worker reads its tips
)
# Handed out in parts, each of which asks all pages as one role.
_IN_PARTS = "tests/access/test_pages.py"
# They use one running installation, which each process of a run starts for itself: they stay with one process as long
# as the others have anything else to do. They mostly wait, so the others are all the quicker.
_ONE_INSTALLATION = frozenset(
    {
        "tests/test_desk_story.py",
        "tests/test_feedback.py",
        "tests/test_hash_sharing.py",
        "tests/test_hashes_command.py",
        "tests/test_known_story.py",
        "tests/test_no_name_in_a_dump.py",
        "tests/test_places_commands.py",
        "tests/test_police_import.py",
        "tests/test_production.py",
        "tests/test_security_headers.py",
        "tests/test_units_commands.py",
        "tests/test_wire.py",
    }
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
        config.option.reuse_db = True  # it goes with its server: to drop it first would wait for whoever is still there
    _let_tests_empty_tables()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the server and leave nothing behind."""
    postgres.stop(HOME)
    shutil.rmtree(HOME, ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest: they are handed out whole, and one that came last would run alone."""

    @functools.cache
    def place(file: str) -> int:
        return next((n for n, start in enumerate(_LONGEST_FIRST) if file.startswith(start)), len(_LONGEST_FIRST))

    items.sort(key=lambda item: place(item.nodeid.partition("::")[0]))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Hand out whole files, but for the longest, and keep together what shares an installation."""
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class Scheduler(LoadFileScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return (nodeid.rpartition("-")[0] or file) if file == _IN_PARTS else file

        def _assign_work_unit(self, node: object) -> None:
            waits = node is self.nodes[0]
            wanted = (scope for scope in self.workqueue if (scope in _ONE_INSTALLATION) is waits)
            if first := next(wanted, None):
                self.workqueue.move_to_end(first, last=False)
            super()._assign_work_unit(node)

    return Scheduler(config, log)


@pytest.fixture(scope="session", autouse=True)
def _quick_passwords() -> Iterator[None]:
    """Digest passwords at once; a test of the slow digests that installations keep asks for them by name."""
    from django.conf import settings
    from django.test import override_settings

    with override_settings(PASSWORD_HASHERS=[QUICK_HASHER, *settings.PASSWORD_HASHERS]):
        yield


def _let_tests_empty_tables() -> None:
    """After a test that really commits, empty the tables it wrote to, append-only ones too, past their triggers.

    Django's own way cuts every table anew, whether it holds a row or not, which takes a hundred times as long, and
    makes permissions anew, which nothing here deletes or reads.
    """
    from django.db import connections
    from django.test import TransactionTestCase

    def empty(self: TransactionTestCase) -> None:
        for name in self._databases_names(include_mirrors=False):  # type: ignore[attr-defined]
            with connections[name].cursor() as cursor:
                cursor.execute(_EMPTY)

    TransactionTestCase._fixture_teardown = empty  # type: ignore[attr-defined]
