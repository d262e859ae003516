# SPDX-License-Identifier: Apache-2.0
"""An identity is asked for, opened, read and closed in a real browser, at a desk and on a phone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

from nightlight.foundation import clock
from nightlight.outlook.desk.tests import cast
from nightlight.outlook.desk.tests.test_pages_in_a_browser import ARGUMENTS, CHROMIUM, VENDOR
from nightlight.trust.law.queries import current_pack
from nightlight.trust.sealed import actions
from nightlight.trust.sealed.models import Unsealing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page
    from pytest_django import Settings
    from pytest_django.live_server_helper import LiveServer

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


def _look_at(page: Page, name: str) -> None:
    if PICTURES:
        page.screenshot(path=f"{PICTURES}/{name}.png", full_page=True)
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{name} is wider than the window by {wide} px"
    found = Axe().run(page)
    assert found.violations_count == 0, f"{name}: {found.generate_report()}"


@pytest.fixture(autouse=True)
def _keys(tmp_path: Path, settings: Settings) -> None:
    settings.NIGHTLIGHT_SEALING_KEYS_DIR = tmp_path / "sealing"
    settings.NIGHTLIGHT_SEALED_SEARCH_KEY = b"s" * 32


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_a_name_is_opened_read_and_closed(browser: Browser, live_server: LiveServer, width: int, scheme: str) -> None:
    cast.person("Ines", "investigator")
    cast.person("Cora", "commander")
    tip = cast.Desk(cast.reporter()).full(at=clock.now())
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
        base_url=live_server.url,
    )
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda told: complaints.append(told.text) if told.type == "error" else None)
    _sign_in(page, "ines")

    page.goto(f"/tips/{tip.public_id}/")
    _look_at(page, f"sealed-tip-{width}")
    page.get_by_role("link", name="Open the sealed identity").first.click()
    _look_at(page, f"sealed-ask-{width}")
    page.get_by_label("Reach or protect the child now").check()
    page.get_by_label("Your reason").fill("Arrange for the child to be met at school")
    page.get_by_label("Case number").fill("88/2027")
    page.get_by_role("button", name="Open the identity").click()
    expect(page.get_by_text("The identity is being opened")).to_be_visible()
    _look_at(page, f"sealed-waiting-{width}")
    row = Unsealing.objects.get()
    actions.answer(by="service:worker", at=clock.now(), unsealing=row.public_id, law=current_pack().unsealing)
    expect(page.get_by_text("Meera Invented")).to_be_visible(timeout=10_000)  # without a reload
    (key,) = [one for one in context.cookies() if one["name"] == "unsealing-key"]
    assert (key["path"], key["httpOnly"], key["sameSite"]) == (f"/unsealings/{row.public_id}/", True, "Strict")
    assert "unsealing-key" not in page.evaluate("document.cookie")
    _look_at(page, f"sealed-open-{width}")
    page.emulate_media(media="print")
    expect(page.get_by_text("Meera Invented")).to_be_hidden()
    page.emulate_media(media="screen")
    page.get_by_role("button", name="Close now").click()
    expect(page.get_by_text("This opening has ended")).to_be_visible()
    assert [one for one in context.cookies() if one["name"] == "unsealing-key"] == []
    _look_at(page, f"sealed-closed-{width}")
    page.go_back()
    expect(page.get_by_text("Meera Invented")).to_have_count(0)

    page.goto("/sealed/search/")
    page.get_by_label("What you know").fill("meera invented")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_text("1 protected person")).to_be_visible()
    assert page.url == f"{live_server.url}/sealed/search/"
    _look_at(page, f"sealed-search-{width}")
    page.goto("/unsealings/")
    _look_at(page, f"sealed-openings-{width}")
    assert complaints == []
    context.close()


def _sign_in(page: Page, name: str) -> None:
    page.goto("/accounts/login/")
    page.fill("[name=login]", name)
    page.fill("[name=password]", cast.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "login" not in url)
