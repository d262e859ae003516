# SPDX-License-Identifier: Apache-2.0
"""A vault of its own for each test, and a database that really commits for those that need one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nightlight.trust.evidence.vault import current_vault

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_django import Settings

    from nightlight.trust.evidence.vault import Vault


@pytest.fixture
def vault(tmp_path: Path, settings: Settings) -> Vault:
    """The installation's vault, in the test's own folder."""
    settings.NIGHTLIGHT_VAULT = str(tmp_path / "vault")
    settings.NIGHTLIGHT_VAULT_KEYS_DIR = tmp_path / "keys"
    return current_vault()


@pytest.fixture
def committed(transactional_db: None) -> None:
    """A database in which commits are commits; emptied afterwards, past the triggers (see config/testing.py)."""
