# SPDX-License-Identifier: Apache-2.0
"""What the tests of the wire share."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], object]]:
    """Make an address into what the third-party client takes for one; it writes local time, so that is UTC here."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield lambda base: SimpleNamespace(value=base)
    monkeypatch.undo()
    time.tzset()
