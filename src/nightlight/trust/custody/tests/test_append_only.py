# SPDX-License-Identifier: Apache-2.0
"""The database itself refuses every change to the log but the adding of rows."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction

from ..append_only import APPEND_ONLY_TABLES, append_only_sql
from .conftest import must_be_made_for_tests

CHANGES = [
    "UPDATE {table} SET {column} = {column}",
    "UPDATE {table} SET {column} = {column} WHERE false",
    "DELETE FROM {table}",
    "TRUNCATE {table} CASCADE",
    "INSERT INTO {table} TABLE {table} ON CONFLICT ({key}) DO UPDATE SET {column} = EXCLUDED.{column}",
    "MERGE INTO {table} USING {table} other ON false WHEN MATCHED THEN DELETE",
]
KEYS = {
    "custody_event": "id",
    "custody_leaf": "position",
    "custody_subtree": 'level, "index"',
    "custody_tree_head": "id",
}
COLUMNS = {
    "custody_event": "body",
    "custody_leaf": "hash",
    "custody_subtree": "hash",
    "custody_tree_head": "note",
}


@pytest.mark.django_db
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("table", APPEND_ONLY_TABLES)
def test_every_change_to_a_table_of_the_log_is_refused(table: str, change: str) -> None:
    sql = change.format(table=table, key=KEYS[table], column=COLUMNS[table])
    with (
        pytest.raises(IntegrityError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql)


@pytest.mark.parametrize(("name", "test_name"), [("nightlight", "test_nightlight"), ("nightlight", None), ("", None)])
def test_these_tests_never_touch_a_database_that_was_not_made_for_them(name: str, test_name: str | None) -> None:
    with pytest.raises(RuntimeError, match="nothing was changed"):
        must_be_made_for_tests(name, test_name)
    must_be_made_for_tests("test_nightlight", test_name)


@pytest.mark.parametrize("name", ["", "Events", "a b", "a;b", 'a"b', "public.event", "x" * 64])
def test_a_table_name_that_would_need_quoting_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not a plain table name"):
        append_only_sql(name)


@pytest.mark.django_db
def test_any_table_can_be_made_append_only_and_changeable_again() -> None:
    protect, release = append_only_sql("somebody_elses")
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE somebody_elses (id int)")
        cursor.execute(protect)
        cursor.execute("INSERT INTO somebody_elses VALUES (1)")
        with (
            pytest.raises(IntegrityError, match="append-only: DELETE of somebody_elses"),
            transaction.atomic(),
        ):
            cursor.execute("DELETE FROM somebody_elses")
        cursor.execute(release)
        cursor.execute("DELETE FROM somebody_elses")
        assert cursor.rowcount == 1
