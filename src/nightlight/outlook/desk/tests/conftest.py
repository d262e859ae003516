# SPDX-License-Identifier: Apache-2.0
"""Alice may, Bob may look, Charlie may not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from django.test import Client

from nightlight.outlook.desk.tests import cast

if TYPE_CHECKING:
    from nightlight.trust.accounts.models import User


@pytest.fixture(scope="session", autouse=True)
def _static_folder() -> None:
    """An installation that was never collected has no such folder, and whitenoise warns."""
    Path(settings.STATIC_ROOT or "").mkdir(parents=True, exist_ok=True)


def _client(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def alice(db: None) -> Client:
    """A triage officer of the receiving unit, signed in."""
    return _client(cast.person("Alice", "triage-officer"))


@pytest.fixture
def bob(db: None) -> Client:
    """An auditor, signed in."""
    return _client(cast.person("Bob", "auditor"))


@pytest.fixture
def charlie(db: None) -> Client:
    """An administrator, signed in."""
    return _client(cast.person("Charlie", "administrator"))


@pytest.fixture
def desk(db: None) -> cast.Desk:
    """A reporter that files production reports."""
    return cast.Desk(cast.reporter())
