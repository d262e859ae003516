# SPDX-License-Identifier: Apache-2.0
"""The roles that pages, intake and background steps connect as own nothing and may do what is stated, no more."""

from __future__ import annotations

import re
import threading
import time
from typing import TYPE_CHECKING

import psycopg
import pytest
from django.db import connection, transaction
from django.db.utils import OperationalError

from nightlight.config import rights
from nightlight.trust.rights import INTAKE, WEB, WORKER, Rights

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.backends.utils import CursorWrapper

ROLES = (WEB, INTAKE, WORKER)


@pytest.fixture
def applied(transactional_db: None) -> None:
    with transaction.atomic():
        rights.apply(connection)


def _as(role: str) -> psycopg.Connection[tuple[object, ...]]:
    known = connection.settings_dict
    return psycopg.connect(host=known["HOST"], dbname=known["NAME"], user=role, autocommit=True)


@pytest.fixture(params=ROLES)
def role(applied: None, request: pytest.FixtureRequest) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    with _as(request.param) as connected:
        yield connected


def test_no_role_changes_what_was_received(role: psycopg.Connection[tuple[object, ...]]) -> None:
    for table in rights.APPEND_ONLY:
        for verb in (f"UPDATE {table} SET id = id", f"DELETE FROM {table}", f"TRUNCATE {table}"):
            with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedColumn)):
                role.execute(verb)  # type: ignore[arg-type]


def test_no_role_owns_anything_or_lifts_a_guard(role: psycopg.Connection[tuple[object, ...]]) -> None:
    assert role.execute("SELECT count(*) FROM pg_class WHERE relowner = current_user::regrole").fetchone() == (0,)
    for attempt in (
        "ALTER TABLE custody_event DISABLE TRIGGER ALL",
        "ALTER TABLE tips_tip DISABLE ROW LEVEL SECURITY",
        "DROP POLICY web_select ON tips_tip",
        "SET session_replication_role = replica",
        "SET ROLE nightlight_owner",
        "CREATE TABLE public.mine (id int)",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            role.execute(attempt)
    (bypasses,) = role.execute("SELECT rolbypassrls OR rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()  # type: ignore[misc]
    assert bypasses is False


def test_nobody_sees_nothing(applied: None) -> None:
    """Without anybody acting, no table with row security shows a row or takes one but an entry of the log."""
    for role in (WEB, WORKER):
        with _as(role) as connected:
            for table, stated in rights.TABLES.items():
                if stated.open_because or "SELECT" not in (stated.web if role == WEB else stated.worker):
                    continue
                count = connected.execute(f"SELECT count(*) FROM {table}").fetchone()  # type: ignore[arg-type]
                assert count == (0,), (role, table)


def test_a_new_table_without_rights_stops_the_migration(transactional_db: None) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("CREATE TABLE forgotten (id int)")
        with pytest.raises(rights.NotStated, match="forgotten"):
            rights.apply(connection)
        cursor.execute("DROP TABLE forgotten")


def test_processes_that_still_work_do_not_stop_the_rights(transactional_db: None) -> None:
    """A deadlock with a transaction that somebody else is in: the owner's side is ended, and begins again."""
    first, last = next(iter(rights.TABLES)), list(rights.TABLES)[-1]
    known, tried = connection.settings_dict, threading.Event()

    def work() -> None:
        with psycopg.connect(host=known["HOST"], dbname=known["NAME"], user="postgres") as other:
            other.execute("SET deadlock_timeout = '30s'")  # so that it is never this side that is ended
            other.execute(f"SELECT FROM {last} LIMIT 1")
            holds.set()
            while not other.execute(
                "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = %s::regclass", [last]
            ).fetchone():
                time.sleep(0.01)
            other.execute(f"SELECT FROM {first} LIMIT 1")
            tried.set()

    holds = threading.Event()
    other = threading.Thread(target=work)
    other.start()
    assert holds.wait(10)
    with connection.cursor() as cursor:
        cursor.execute("COMMENT ON TABLE django_migrations IS NULL")
    rights.put_in_force(connection)
    other.join()
    assert tried.is_set(), "the two never waited for each other"


def test_rights_that_are_in_force_wait_for_nobody(transactional_db: None) -> None:
    rights.put_in_force(connection)
    with _as(WEB) as other, other.transaction(), connection.cursor() as cursor:
        other.execute("SELECT FROM tips_tip LIMIT 1")
        cursor.execute("SET lock_timeout = '500ms'")
        try:
            rights.put_in_force(connection)
            with pytest.raises(OperationalError, match="lock timeout"), transaction.atomic():
                rights.apply(connection)
        finally:
            cursor.execute("RESET lock_timeout")


@pytest.mark.parametrize(
    "loosened",
    [
        "DROP POLICY web_select ON tips_tip",
        "ALTER POLICY web_select ON tips_tip USING (true)",
        "ALTER TABLE tips_tip DISABLE ROW LEVEL SECURITY",
        "GRANT DELETE ON custody_event TO nightlight_app",
        "GRANT UPDATE (id) ON custody_event TO nightlight_app",
        "REVOKE USAGE ON SCHEMA public FROM nightlight_app",
    ],
)
def test_rights_that_somebody_changed_are_put_right(transactional_db: None, loosened: str) -> None:
    rights.put_in_force(connection)
    with connection.cursor() as cursor:
        before = _held(cursor)
        cursor.execute(loosened)
        assert _held(cursor) != before
        rights.put_in_force(connection)
        assert _held(cursor) == before


def _held(cursor: CursorWrapper) -> list[str]:
    """Return what the catalogue holds, without the order in which privileges were given."""
    cursor.execute(rights._CATALOGUE)
    return sorted(re.split(r"[\s,{}]", "\n".join(cursor.fetchone())))


def test_every_table_has_row_security_or_says_why_not(applied: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, c.relrowsecurity FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p')"
        )
        found = dict(cursor.fetchall())
    assert set(found) == set(rights.TABLES)
    for table, secured in found.items():
        stated = rights.TABLES[table]
        assert secured is not bool(stated.open_because), table
        assert not stated.open_because or (stated.sees, stated.adds, stated.changes) == ("false",) * 3, table


def test_rights_are_refused_unless_stated() -> None:
    assert rights.policies(Rights()) == []
    (only,) = rights.policies(Rights(web="SELECT"))
    assert only[1:4] == ("SELECT", WEB, "false")


def test_applying_twice_changes_nothing(applied: None) -> None:
    def stated() -> list[tuple[object, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT tablename, policyname, roles::text, cmd, qual, with_check FROM pg_policies ORDER BY 1, 2"
            )
            return list(cursor.fetchall())

    before = stated()
    with transaction.atomic():
        rights.apply(connection)
    assert stated() == before
