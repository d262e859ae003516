# SPDX-License-Identifier: Apache-2.0
"""The pages in a real browser: readable by everybody, on a phone and at night, with keys, and live."""

from __future__ import annotations

import os
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

from nightlight.foundation import clock
from nightlight.outlook.desk.tests import cast
from nightlight.pipeline.tips import summarising
from nightlight.pipeline.tips.tests.example_reports import CYBERTIP_JSON

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, ConsoleMessage, Page
    from pytest_django.live_server_helper import LiveServer

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
VENDOR = Path(__file__).parents[1] / "static" / "vendor" / "pico.min.css"
# Where to put pictures of the pages, for people to look at.
PICTURES = os.environ.get("NIGHTLIGHT_PICTURES", "")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="Chromium is not installed"),
    pytest.mark.skipif(not VENDOR.exists(), reason="run assets/install.py first"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all tests here."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield running
        running.close()


def _sign_in(browser: Browser, server: LiveServer, name: str, *, width: int = 1280, dark: bool = False) -> Page:
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light", base_url=server.url
    )
    page = context.new_page()
    page.goto("/accounts/login/")
    page.fill("[name=login]", name)
    page.fill("[name=password]", cast.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "login" not in url)
    return page


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
        page = _sign_in(browser, live_server, person, width=width, dark=dark)
        complaints: list[str] = []
        page.on("console", partial(_note, complaints))
        for name, address in addresses.items():
            page.goto(address)
            _look_at(page, f"{name}-{width}-{'dark' if dark else 'light'}")
        assert [text for text in complaints if "status of 40" not in text] == []
        page.context.close()


def _note(complaints: list[str], said: ConsoleMessage) -> None:
    complaints.append(said.text)


def _look_at(page: Page, name: str) -> None:
    if PICTURES:
        page.screenshot(path=str(Path(PICTURES) / f"{name}.png"), full_page=True)
    found = Axe().run(page)
    assert found.violations_count == 0, f"{name}: {found.generate_report()}"
    scroll, client = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert scroll <= client, f"{name} scrolls sideways: {scroll} > {client}"
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map(h => +h.tagName[1])")
    assert levels.count(1) == 1, f"{name}: {levels}"
    assert all(after - before <= 1 for before, after in pairwise(levels)), f"{name}: {levels}"


def test_the_sign_in_page_is_readable_by_everybody(browser: Browser, live_server: LiveServer) -> None:
    context = browser.new_context(base_url=live_server.url)
    page = context.new_page()
    page.goto("/accounts/login/")
    _look_at(page, "sign-in")
    context.close()


def test_a_new_tip_comes_in_by_itself_and_is_then_read(browser: Browser, live_server: LiveServer) -> None:
    desk = _world()
    page = _sign_in(browser, live_server, "alice")
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
    page = _sign_in(browser, live_server, "alice")
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
    page = _sign_in(browser, live_server, "alice")
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    page.context.close()


def test_files_are_imported_with_the_form(browser: Browser, live_server: LiveServer, tmp_path: Path) -> None:
    _world()
    chosen = tmp_path / "tip.json"
    chosen.write_bytes(CYBERTIP_JSON)
    page = _sign_in(browser, live_server, "alice")
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
    signed_in = _sign_in(browser, live_server, "alice")
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
