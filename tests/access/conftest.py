# SPDX-License-Identifier: Apache-2.0
"""The world of the access tests, built once for all of them."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from structlog.testing import capture_logs

from tests.access import world as worlds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django.plugin import DjangoDbBlocker


@pytest.fixture(scope="package")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[worlds.World]:
    """Units, people and records; undone when the last access test has run."""
    Path(settings.STATIC_ROOT or "").mkdir(parents=True, exist_ok=True)
    with django_db_blocker.unblock(), worlds.one_connection(), worlds.kept_for_a_while():
        yield worlds.build()


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Thousands of refusals are asked for: what the log says of each would bury the one answer that differs."""
    logging.disable(logging.WARNING)
    with capture_logs():
        yield
    logging.disable(logging.NOTSET)
