# SPDX-License-Identifier: Apache-2.0
"""A reporter with a credential, and a vault in the test's own folder."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from nightlight.trust.accounts import actions as accounts
from nightlight.trust.accounts import queries
from nightlight.trust.evidence.vault import current_vault

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_django import Settings

    from nightlight.trust.accounts.queries import ReporterLogin
    from nightlight.trust.evidence.vault import Vault

AT = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)


@pytest.fixture
def vault(tmp_path: Path, settings: Settings) -> Vault:
    """The installation's vault, in the test's own folder."""
    settings.NIGHTLIGHT_VAULT = str(tmp_path / "vault")
    settings.NIGHTLIGHT_VAULT_KEYS_DIR = tmp_path / "keys"
    return current_vault()


def login(name: str = "Example Chat", environment: str = "production") -> ReporterLogin:
    """Give a reporter a credential and sign in with it."""
    issued = accounts.add_credential(by="command:test", at=AT, name=name, environment=environment)
    found = queries.reporter_login(issued.username, issued.password)
    assert found is not None
    return found
