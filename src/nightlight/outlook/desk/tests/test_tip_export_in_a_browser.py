# SPDX-License-Identifier: Apache-2.0
"""In a real browser: a tip is exported from its page, and what comes is a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nightlight.outlook.desk.tests import cast
from nightlight.outlook.desk.tests.browsing import browser, look_at, pytestmark, sign_in

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from pytest_django.live_server_helper import LiveServer

__all__ = ["browser", "pytestmark"]


@pytest.mark.parametrize("width", [1280, 390])
def test_an_officer_takes_a_tip_away(browser: Browser, live_server: LiveServer, width: int) -> None:
    tip = cast.Desk(cast.reporter()).full()
    cast.person("Alice", "investigator")
    page = sign_in(browser, live_server, "alice", width=width, dark=width == 390)
    page.goto(f"/tips/{tip.public_id}/")
    page.get_by_text("Export this tip", exact=True).click()
    look_at(page, f"export-{width}")
    page.get_by_label("Why it is needed").fill("for the case file 12 of 2026")
    for button, start in (("PDF, to print or file", b"%PDF-"), ("CyberTip JSON", b"{")):
        with page.expect_download() as coming:
            page.get_by_role("button", name=button).click()
        assert Path(coming.value.path()).read_bytes().startswith(start)
        assert coming.value.suggested_filename.startswith(tip.public_id)
    page.context.close()
