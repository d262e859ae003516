# SPDX-License-Identifier: Apache-2.0
"""What the role of web and worker may do: deny first, append-only tables stay append-only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import sql

from nightlight.config import postgres
from nightlight.pipeline.tips import models as tips
from nightlight.trust.custody import models as custody
from nightlight.trust.evidence import models as evidence

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

APPEND_ONLY = (*custody.APPEND_ONLY_TABLES, *evidence.APPEND_ONLY_TABLES, *tips.APPEND_ONLY_TABLES)


def grant(connection: BaseDatabaseWrapper) -> None:
    """Give the application's role its rights on every table; run by the owner after each migration."""
    role = sql.Identifier(postgres.APP_ROLE)
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [postgres.APP_ROLE])
        if cursor.fetchone() is None:  # a server of your own with a role of your own: see docs/operations.md
            return
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = [row[0] for row in cursor.fetchall()]
        cursor.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(role))
        cursor.execute(sql.SQL("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {}").format(role))
        for table in tables:
            name = sql.Identifier(table)
            cursor.execute(sql.SQL("REVOKE ALL ON {} FROM {}").format(name, role))
            if table in APPEND_ONLY:
                allowed = sql.SQL("SELECT, INSERT")
            elif table == "django_migrations":
                allowed = sql.SQL("SELECT")
            else:
                allowed = sql.SQL("SELECT, INSERT, UPDATE, DELETE")
            cursor.execute(sql.SQL("GRANT {} ON {} TO {}").format(allowed, name, role))
