# SPDX-License-Identifier: Apache-2.0
"""Makes a table refuse every change but the adding of rows, in the database itself.

The triggers stop accidents and faulty code. They do not stop the owner of the database; signed tree heads
kept elsewhere reveal what he did.
"""

from __future__ import annotations

import re

APPEND_ONLY_TABLES = ("custody_event", "custody_leaf", "custody_subtree", "custody_tree_head")

# Made by the first migration here; one that uses append_only_sql depends on ("custody", "0001_initial").
REFUSE_CHANGE = """
CREATE FUNCTION custody_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'append-only: % of % is refused', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'restrict_violation';
END
$$
"""
DROP_REFUSE_CHANGE = "DROP FUNCTION custody_refuse_change()"

GUARD = "append_only"
ERASURE_GUARD = "only_erasure"  # where keys can be erased, it holds an UPDATE to that


def never_removed_sql(table: str) -> tuple[str, str]:
    """Return the same SQL as `append_only_sql` for a table of which parts can be erased; another trigger says what.

    DELETE and TRUNCATE raise IntegrityError. Raises ValueError for a name that is not a plain lower-case identifier.
    """
    made, undone = append_only_sql(table)
    return made.replace("BEFORE UPDATE OR DELETE", "BEFORE DELETE"), undone


def append_only_sql(table: str) -> tuple[str, str]:
    """Return the SQL that makes `table` append-only, and the SQL that undoes it, for `migrations.RunSQL`.

    UPDATE, DELETE and TRUNCATE then raise IntegrityError, also when no row would match. Raises ValueError
    for a name that is not a plain lower-case identifier.
    """
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", table):
        raise ValueError(f"{table!r} is not a plain table name")
    return (
        # For each statement: refuses before the first row is looked at, and TRUNCATE has no rows.
        f"CREATE TRIGGER {GUARD} BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION custody_refuse_change()",
        f"DROP TRIGGER {GUARD} ON {table}",
    )
