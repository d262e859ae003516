# SPDX-License-Identifier: Apache-2.0
"""The role web and worker connect as owns nothing and cannot change what was received."""

from __future__ import annotations

import psycopg
import pytest
from django.db import connection, transaction

from nightlight.config import postgres, rights


@pytest.mark.django_db(transaction=True)
def test_the_applications_role_may_not_even_try() -> None:
    with transaction.atomic():
        rights.grant(connection)
    known = connection.settings_dict
    app = psycopg.connect(host=known["HOST"], dbname=known["NAME"], user=postgres.APP_ROLE, autocommit=True)
    with app:
        for table in rights.APPEND_ONLY:
            for verb in (f"UPDATE {table} SET id = id", f"DELETE FROM {table}", f"TRUNCATE {table}"):
                with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedColumn)):
                    app.execute(verb)
        owned = app.execute("SELECT count(*) FROM pg_tables WHERE tableowner = current_user").fetchone()
        assert owned == (0,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute("ALTER TABLE custody_event DISABLE TRIGGER ALL")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute("SET session_replication_role = replica")
    app.close()
