# SPDX-License-Identifier: Apache-2.0
"""The people of these tests: the desk's, and an auditor who is looked over nobody's shoulder."""

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


def signed_in(user: User) -> Client:
    """A browser in which somebody is signed in."""
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def officer(db: None) -> User:
    """A triage officer of the receiving unit."""
    return cast.person("Alice", "triage-officer")


@pytest.fixture
def auditor(db: None) -> User:
    """An auditor of the national centre, who reaches all."""
    return cast.person("Bob", "auditor")


@pytest.fixture
def alice(officer: User) -> Client:
    """The officer, signed in."""
    return signed_in(officer)


@pytest.fixture
def bob(auditor: User) -> Client:
    """The auditor, signed in."""
    return signed_in(auditor)


@pytest.fixture
def desk(db: None) -> cast.Desk:
    """A reporter that files production reports."""
    return cast.Desk(cast.reporter())
