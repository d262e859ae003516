# SPDX-License-Identifier: Apache-2.0
"""A vault of its own for each test, and a database that really commits for those that need one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import connection, transaction

from nightlight.trust.custody.append_only import GUARD
from nightlight.trust.evidence.vault import current_vault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_django import DjangoDbBlocker, Settings

    from nightlight.trust.evidence.vault import Vault


@pytest.fixture
def vault(tmp_path: Path, settings: Settings) -> Vault:
    """The installation's vault, in the test's own folder."""
    settings.NIGHTLIGHT_VAULT = str(tmp_path / "vault")
    settings.NIGHTLIGHT_VAULT_KEYS_DIR = tmp_path / "keys"
    return current_vault()


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """A database in which commits are commits; emptied afterwards.

    Django's own transactional tests empty tables by TRUNCATE, which append-only tables rightly refuse.
    """
    with django_db_blocker.unblock():
        try:
            yield
        finally:
            _empty()


def _empty() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = %s", [GUARD])
        guarded = [row[0] for row in cursor.fetchall()]
        for table in guarded:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {GUARD}")
        cursor.execute("TRUNCATE evidence_blob, custody_event CASCADE")
        for table in guarded:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER {GUARD}")
    connection.close()
