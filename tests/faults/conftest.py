# SPDX-License-Identifier: Apache-2.0
"""Homes for the tests of faults, on the disk where temporary files go, removed at the end."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .installation import Installation

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def running() -> Iterator[Installation]:
    """An installation that runs, with one reporter, for all tests of a module."""
    # Not pytest's own folder: a socket's path must stay short.
    folder = Path(tempfile.mkdtemp(prefix="nightlight-faults-"))
    installation = Installation(folder)
    try:
        installation.start()
        installation.open_to("Example Chat")
        yield installation
    finally:
        installation.close()
        shutil.rmtree(folder, ignore_errors=True)
