# SPDX-License-Identifier: Apache-2.0
"""The page of addresses in a real browser: readable by everybody, wide and on a phone at night."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from nightlight.casework.attribution.tests import prepared_cast
from nightlight.outlook.desk.tests import cast
from nightlight.outlook.desk.tests.browsing import (
    browser,
    complaints_of,
    follow,
    look_at,
    pytestmark,
    sign_in,
    unexpected,
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from pytest_django.live_server_helper import LiveServer

__all__ = ["browser", "pytestmark"]
MAIL = "kite77@example.org"


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)], ids=["wide", "phone-at-night"])
def test_the_addresses_of_a_tip_are_readable(
    browser: Browser, live_server: LiveServer, monkeypatch: pytest.MonkeyPatch, width: int, dark: bool
) -> None:
    prepared_cast.load(monkeypatch)
    cast.person("Alice", "triage-officer")
    chat = prepared_cast.reporter()
    home = [prepared_cast.used(prepared_cast.FIBRE, f"2026-11-{day:02}T14:00:00Z", 41000) for day in (3, 8, 10)]
    tor = prepared_cast.used(prepared_cast.TOR, "2026-11-04T14:00:00Z", 41000)
    childs = prepared_cast.victim(prepared_cast.used("198.51.100.77", "2026-11-09T08:00:00Z", 40000))
    tip = prepared_cast.tip(chat, prepared_cast.through_a_tunnel(port=None, email=MAIL), childs)
    video = prepared_cast.reporter("Example Video")
    prepared_cast.tip(video, prepared_cast.reported(*home, tor, name="reed-9", email=MAIL))
    prepared_cast.link()
    prepared_cast.prepare()
    page = sign_in(browser, live_server, "alice", width=width, dark=dark)
    complaints = complaints_of(page)
    page.goto(f"/tips/{tip.public_id}/")
    expect(page.locator("#network")).to_contain_text("needs more from the provider first")
    look_at(page, f"trace-tip-{width}")
    follow(page.locator("#network").get_by_role("link", name="Which address leads to whom"))
    expect(page.get_by_role("heading", name="Which address leads to whom")).to_be_visible()
    expect(page.locator(".next-step")).to_contain_text("Ask Hillview Fibre for the subscriber of 198.51.100.9")
    look_at(page, f"trace-{width}")
    page.evaluate("document.querySelectorAll('main details').forEach(one => one.open = true)")
    look_at(page, f"trace-open-{width}")
    assert unexpected(complaints) == []
    page.context.close()
