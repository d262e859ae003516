# SPDX-License-Identifier: Apache-2.0
"""What the tests of the hotline share."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings


@pytest.fixture(scope="session", autouse=True)
def _static_folder() -> None:
    """An installation that was never collected has no such folder, and whitenoise warns."""
    Path(settings.STATIC_ROOT or "").mkdir(parents=True, exist_ok=True)
