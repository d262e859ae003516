# SPDX-License-Identifier: Apache-2.0
"""What tests in a real browser share: the browser, signing in, going to the next page, looking at the one that came.

A click returns before the page it leads to is there. Who looks at once may look at the page that is left, or at none:
`follow` waits for the next one.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

from nightlight.outlook.desk.tests import cast

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from playwright.sync_api import Browser, BrowserContext, Locator, Page
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
    """One browser for all tests of a file."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield running
        running.close()


def opened(browser: Browser, address: str, *, width: int = 1280, dark: bool = False) -> BrowserContext:
    """A window of this width on the server of this address."""
    return browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light", base_url=address
    )


def sign_in(browser: Browser, server: LiveServer, name: str, *, width: int = 1280, dark: bool = False) -> Page:
    """A page in a window of its own where this person of the cast has signed in."""
    page = opened(browser, server.url, width=width, dark=dark).new_page()
    give_password(page, name)
    page.wait_for_url(lambda url: "login" not in url)
    return page


@contextmanager
def desk_of(base: str, officer: Mapping[str, object]) -> Iterator[Page]:
    """The desk of a running installation in a browser of its own, signed in as somebody just added there.

    Whatever the browser complains of fails the test.
    """
    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = opened(running, base).new_page()
        complaints = complaints_of(page)
        give_password(page, str(officer["username"]), str(officer["password"]))
        expect(page.get_by_role("heading", name="Tips")).to_be_visible()
        yield page
        running.close()
    assert complaints == []


def give_password(page: Page, name: str, password: str = cast.PASSWORD) -> None:
    """Fill the first page of signing in, and wait for what it answers."""
    page.goto("/accounts/login/")
    page.fill("[name=login]", name)
    page.fill("[name=password]", password)
    follow(page.get_by_role("button", name="Sign in", exact=True))


def follow(leads: Locator) -> None:
    """Press what leads to another page, and wait until that has come."""
    with leads.page.expect_navigation():
        leads.click()


def complaints_of(page: Page) -> list[str]:
    """What the browser will say in its console and of errors in scripts: a list that fills."""
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    return said


def unexpected(complaints: list[str]) -> list[str]:
    """What is left without the answers of pages that were to refuse."""
    return [text for text in complaints if "status of 40" not in text]


def look_at(page: Page, name: str) -> None:
    """See that everybody can read the page: no barrier that axe knows of, nothing too wide, headings in order."""
    where = fits(page, name)
    found = Axe().run(page)
    assert found.violations_count == 0, f"{where}: {found.generate_report()}"


def fits(page: Page, name: str) -> str:
    """See that nothing of the page is too wide, and its headings are in order; return where we are. Quicker than axe.

    For another width of a page that was looked at already.
    """
    page.wait_for_load_state()
    where = f"{name} ({page.url})"
    if PICTURES:
        page.screenshot(path=str(Path(PICTURES) / f"{name}.png"), full_page=True)
    scroll, client = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert scroll <= client, f"{where} scrolls sideways: {scroll} > {client}"
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map(h => +h.tagName[1])")
    assert levels.count(1) == 1, f"{where}: {levels}"
    assert all(after - before <= 1 for before, after in pairwise(levels)), f"{where}: {levels}"
    return where
