# SPDX-License-Identifier: Apache-2.0
"""One running installation for all whole-story tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests import wire_client
from tests.installation import Installation

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def installation() -> Iterator[Installation]:
    """Return a running installation; tests share it, so each makes reporters of its own."""
    made = Installation()
    try:
        made.start()
        yield made
    finally:
        wire_client.close_all()
        made.stop()
