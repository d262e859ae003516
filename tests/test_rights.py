# SPDX-License-Identifier: Apache-2.0
"""The roles that pages, intake and background steps connect as own nothing and may do what is stated, no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from django.db import connection, transaction

from nightlight.config import rights
from nightlight.trust.rights import INTAKE, WEB, WORKER, Rights

if TYPE_CHECKING:
    from collections.abc import Iterator

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
