# SPDX-License-Identifier: Apache-2.0
"""The pages in a real browser: readable by everybody, on a phone and at night, with keys, and live."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from nightlight.foundation import clock
from nightlight.outlook.desk.tests import cast
from nightlight.outlook.desk.tests.browsing import (
    browser,
    complaints_of,
    look_at,
    pytestmark,
    sign_in,
    unexpected,
)
from nightlight.pipeline.tips import summarising
from nightlight.pipeline.tips.tests.example_reports import CYBERTIP_JSON

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser
    from pytest_django.live_server_helper import LiveServer


__all__ = ["browser", "pytestmark"]


def _world() -> cast.Desk:
    cast.person("Alice", "triage-officer")
    cast.person("Bob", "auditor")
    cast.person("Charlie", "administrator")
    desk = cast.Desk(cast.reporter())
    desk.received(at=clock.now())
    desk.received(at=clock.now())
    desk.received(at=clock.now(), read=False)
    cast.Desk(cast.reporter("Example Trial", "test")).received(at=clock.now())
    return desk


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)], ids=["desk by day", "phone at night"])
def test_every_page_is_readable_by_everybody(browser: Browser, live_server: LiveServer, width: int, dark: bool) -> None:
    desk = _world()
    full = desk.full(at=clock.now())
    _, unfinished = desk.opened(at=clock.now())
    pages = {
        "alice": {
            "inbox": "/",
            "inbox-test": "/?environment=test",
            "inbox-empty": "/?type=tourism",
            "tip": f"/tips/{full.public_id}/",
            "tip-open": f"/tips/{unfinished}/",
            "tip-missing": "/tips/NL-1111-1111/",
            "imports": "/imports/",
            "find": "/find/?q=nothing",
            "password": "/accounts/password/change/",
            "logout": "/accounts/logout/",
        },
        "bob": {"custody": f"/custody/?q={full.public_id}"},
        "charlie": {"system": "/system/", "refused": "/", "nowhere": "/nowhere/"},
    }
    for person, addresses in pages.items():
        page = sign_in(browser, live_server, person, width=width, dark=dark)
        complaints = complaints_of(page)
        for name, address in addresses.items():
            page.goto(address)
            look_at(page, f"{name}-{width}-{'dark' if dark else 'light'}")
        assert unexpected(complaints) == []
        page.context.close()


def test_the_sign_in_page_is_readable_by_everybody(browser: Browser, live_server: LiveServer) -> None:
    context = browser.new_context(base_url=live_server.url)
    page = context.new_page()
    page.goto("/accounts/login/")
    look_at(page, "sign-in")
    context.close()


def test_a_new_tip_comes_in_by_itself_and_is_then_read(browser: Browser, live_server: LiveServer) -> None:
    desk = _world()
    page = sign_in(browser, live_server, "alice")
    expect(page.locator("#tips > li")).to_have_count(3)
    fresh = desk.received(at=clock.now(), read=False)
    row = page.locator(f"#tip-{fresh.public_id}")
    expect(row).to_contain_text("Being read…", timeout=6000)
    expect(page.locator("#tips > li").first).to_have_id(f"tip-{fresh.public_id}")
    expect(page.locator("#arrivals")).to_contain_text("1 new tip arrived")
    summarising.summarise([fresh], by="service:worker", at=cast.NOON)
    expect(row).to_contain_text("1 reported person", timeout=6000)
    expect(page.locator("#tips > li")).to_have_count(4)
    page.context.close()


def test_the_inbox_is_worked_with_the_keyboard_alone(browser: Browser, live_server: LiveServer) -> None:
    _world()
    page = sign_in(browser, live_server, "alice")
    links = page.locator("#tips > li a")
    page.keyboard.press("j")
    expect(links.nth(0)).to_be_focused()
    page.keyboard.press("j")
    expect(links.nth(1)).to_be_focused()
    page.keyboard.press("k")
    expect(links.nth(0)).to_be_focused()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("jk")
    expect(page.locator("#q")).to_have_value("jk")
    page.locator("#main").focus()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/tips/NL-*/")
    page.go_back()
    expect(links.nth(0)).to_be_visible()
    page.context.close()


def test_the_first_press_of_tab_skips_to_the_content(browser: Browser, live_server: LiveServer) -> None:
    _world()
    page = sign_in(browser, live_server, "alice")
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    page.context.close()


def test_files_are_imported_with_the_form(browser: Browser, live_server: LiveServer, tmp_path: Path) -> None:
    _world()
    chosen = tmp_path / "tip.json"
    chosen.write_bytes(CYBERTIP_JSON)
    page = sign_in(browser, live_server, "alice")
    page.goto("/imports/")
    page.set_input_files("#file", chosen)
    page.get_by_role("button", name="Import", exact=True).click()
    page.wait_for_url("**/imports/IM-*/")
    expect(page.locator("h1")).to_have_text("tip.json")
    expect(page.locator("#progress")).to_contain_text("Waiting")
    page.context.close()


def test_everything_works_without_javascript(browser: Browser, live_server: LiveServer) -> None:
    desk = _world()
    tip = desk.full(at=clock.now())
    signed_in = sign_in(browser, live_server, "alice")
    context = browser.new_context(
        java_script_enabled=False, base_url=live_server.url, storage_state=signed_in.context.storage_state()
    )
    page = context.new_page()
    page.goto("/")
    page.select_option("[name=type]", "enticement")
    page.get_by_role("button", name="Filter").click()
    page.get_by_role("link", name="Online enticement of a child").click()
    expect(page.get_by_text(tip.public_id).first).to_be_visible()
    context.close()
    signed_in.context.close()
