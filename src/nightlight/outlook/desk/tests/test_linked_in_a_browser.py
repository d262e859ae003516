# SPDX-License-Identifier: Apache-2.0
"""A linked person in a real browser: readable by everybody, drawn under the security policy, telling why."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from nightlight.foundation import clock
from nightlight.outlook.desk.tests import cast
from nightlight.outlook.desk.tests.browsing import browser, complaints_of, look_at, pytestmark, sign_in
from nightlight.pipeline.linking.tests.db_cast import link, reporter, suspect, tip

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from pytest_django.live_server_helper import LiveServer

    from nightlight.pipeline.tips.models import Tip

__all__ = ["browser", "pytestmark"]
PHONE, DEVICE = "+919990000001", "490154203237518"


def _world() -> Tip:
    cast.person("Alice", "triage-officer")
    chat, video = reporter(), reporter("Example Video")
    days = [clock.now() - timedelta(days=back) for back in (25, 11, 0)]
    first = tip(chat, suspect("grey-heron", phone=PHONE), at=days[0], read=True)
    tip(video, suspect("night-owl", phone=PHONE, device=DEVICE), at=days[1], read=True)
    tip(chat, suspect("grey-heron", device=DEVICE), at=days[2], read=True)
    link()
    return first


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)], ids=["wide", "phone-at-night"])
def test_a_linked_person_is_readable_and_drawn(
    browser: Browser, live_server: LiveServer, width: int, dark: bool
) -> None:
    first = _world()
    page = sign_in(browser, live_server, "alice", width=width, dark=dark)
    complaints = complaints_of(page)
    page.goto(f"/tips/{first.public_id}/linked/0/")
    expect(page.locator("#graph[data-drawn]")).to_be_visible()
    told = json.loads(page.locator("#graph-data").text_content() or "")
    drawn = len(told["nodes"]) + len(told["edges"])
    assert page.locator("#graph").get_attribute("data-drawn") == str(drawn)
    page.evaluate("document.querySelectorAll('.panel details').forEach(one => one.open = true)")
    look_at(page, f"linked-{width}-{'dark' if dark else 'light'}")
    assert complaints == []  # of the security policy among them
    graph = page.locator("#graph")
    graph.scroll_into_view_if_needed()
    box = graph.bounding_box()
    assert box is not None
    # The second of three people stands near the middle of the drawing.
    hint = page.locator("#graph-said").inner_text()
    for x in range(int(box["width"] * 0.4), int(box["width"] * 0.6), 3):
        page.mouse.click(box["x"] + x, box["y"] + box["height"] / 2)
        if page.locator("#graph-said").inner_text() != hint:
            break
    expect(page.locator("#graph-said")).to_contain_text("Reported person 1 of tip NL-")
    page.context.close()


def test_without_scripts_the_table_stands_for_the_drawing(browser: Browser, live_server: LiveServer) -> None:
    first = _world()
    signed_in = sign_in(browser, live_server, "alice")
    context = browser.new_context(
        java_script_enabled=False, base_url=live_server.url, storage_state=signed_in.context.storage_state()
    )
    page = context.new_page()
    page.goto(f"/tips/{first.public_id}/linked/0/?strength=strong")
    expect(page.locator("#graph-figure")).to_be_hidden()
    expect(page.locator("#links table")).to_contain_text("device identifier")
    page.locator("nav.states a", has_text="All").click()
    expect(page.locator("#reasons")).to_contain_text("screen name")
    context.close()
    signed_in.context.close()
