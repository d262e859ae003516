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
    from collections.abc import Generator, Iterator


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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Function) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let a failure show what the installation said last: the fault may be long over when somebody reads of it."""
    report = yield
    if report.failed:
        for value in item.funcargs.values():
            if isinstance(value, Installation):
                report.sections.append(("The installation's log", value.log()[-6000:]))
                report.sections.append(("Its processes and sessions", value.state()))
    return report
