# SPDX-License-Identifier: Apache-2.0
"""The main job, as people do it: a platform files a report, an officer sees it come in, opens it, and imports a ZIP."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from nightlight.exercise import downloads, world
from nightlight.outlook.desk.tests import browsing
from tests.wire_client import Client, report

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

    from tests.installation import Installation

URGENT = report(
    kind="Online Enticement of Children for Sexual Acts",
    inside="<escalateToHighPriority>A meeting seems arranged for this evening at a station.</escalateToHighPriority>",
    extra="<personOrUserReported><screenName>marble_sparrow</screenName><ipCaptureEvent><ipAddress>192.0.2.44</ipAddress>"
    "<dateTime>2026-11-01T07:00:00Z</dateTime><port>40123</port></ipCaptureEvent></personOrUserReported>",
)


@pytest.fixture
def page(installation: Installation) -> Iterator[Page]:
    """The desk in a real browser, signed in as an officer."""
    officer = installation.json("person", "add", f"asha{installation.port}", "--role", "triage-officer")
    with browsing.desk_of(installation.base, officer) as shown:
        yield shown


@pytest.mark.browser
def test_a_report_filed_now_is_on_the_officers_screen_within_seconds(
    installation: Installation, page: Page, tmp_path: Path
) -> None:
    client = Client(installation.base, installation.reporter("Example Station"))
    opened = client.submit(URGENT)
    file_id = client.upload(opened.report_id, b"a benign pattern").file_id
    client.fileinfo(opened.report_id, file_id, "<fileViewedByEsp>false</fileViewedByEsp>")
    assert client.finish(opened.report_id).code == 0

    row = page.locator("main").get_by_text("Example Station").first
    expect(row).to_be_visible(timeout=10_000)  # without a reload
    told = installation.json("tip", "show", str(opened.report_id))
    page.get_by_role("link", name=re.compile("Online enticement")).first.click()
    expect(page.get_by_text(str(told["id"])).first).to_be_visible()
    expect(page.get_by_text("A meeting seems arranged for this evening").first).to_be_visible()
    expect(page.get_by_text("192.0.2.44").first).to_be_visible()
    expect(page.get_by_text("Report finished; receipt sent").first).to_be_visible()
    viewed = [event["kind"] for event in installation.json("tip", "show", str(opened.report_id))["history"]]  # type: ignore[attr-defined]
    assert "tip.viewed" in viewed

    made = downloads.write_downloads(world.build(515, 60), tmp_path, 8)
    page.goto(f"{installation.base}/imports/")
    page.set_input_files("input[type=file]", str(made.archive))
    if page.get_by_role("button", name=re.compile("Import")).count():
        page.get_by_role("button", name=re.compile("Import")).first.click()
    expect(page.get_by_text("Done").first).to_be_visible(timeout=30_000)
    expect(page.get_by_text(re.compile("new tip", re.IGNORECASE)).first).to_be_visible()
