# SPDX-License-Identifier: Apache-2.0
"""One running installation for all whole-story tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests import wire_client
from tests.certificates import certificate
from tests.installation import Installation

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show with a failure what the installation printed: an answer of 500 does not say what happened."""
    report = yield
    if report.failed:
        for name, value in getattr(item, "funcargs", {}).items():
            if isinstance(value, Installation) and (value.home / "up.log").exists():
                report.sections.append((f"printed by {name}", value.log()))
    return report


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


@pytest.fixture(scope="session")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Return an installation as it should stand before the public: over TLS, the second factor required."""
    made = Installation(
        tls=certificate(tmp_path_factory.mktemp("guarded")),
        settings={
            "NIGHTLIGHT_SECOND_FACTOR": "required",
            "NIGHTLIGHT_HOSTS": "tips.example.org",
            "NIGHTLIGHT_CUSTODY_ORIGIN": "tips.example.org/custody",
            "NIGHTLIGHT_WEB_PROCESSES": "1",
        },
    )
    try:
        made.start()
        yield made
    finally:
        made.stop()
