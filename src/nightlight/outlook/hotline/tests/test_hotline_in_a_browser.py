# SPDX-License-Identifier: Apache-2.0
"""The hotline on a desk and on a telephone, in each language, with a script and without; and a call at the desk."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from nightlight.outlook.desk.tests import cast
from nightlight.outlook.desk.tests.browsing import (
    browser,
    complaints_of,
    follow,
    look_at,
    opened,
    pytestmark,
    sign_in,
    unexpected,
)
from nightlight.outlook.hotline import forms
from nightlight.pipeline.tips.models import Tip
from nightlight.pipeline.tips.summarising import summarise

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from pytest_django.fixtures import Settings
    from pytest_django.live_server_helper import LiveServer

__all__ = ["browser", "pytestmark"]


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody here types as slowly as people do."""
    monkeypatch.setattr(forms, "QUICKEST", timedelta(0))


@pytest.mark.parametrize(
    ("language", "width", "dark"),
    [("en", 1280, False), ("en", 390, True), ("hi", 390, False), ("mr", 390, False), ("ml", 390, False),
     ("hi", 1280, False), ("mr", 1280, True), ("ml", 1280, False)],
)  # fmt: skip
def test_telling_in_a_browser(browser: Browser, live_server: LiveServer, language: str, width: int, dark: bool) -> None:
    page = opened(browser, live_server.url, width=width, dark=dark).new_page()
    complaints = complaints_of(page)
    name = f"hotline-{language}-{width}"
    if language == "en":
        page.goto("/tell/")
        look_at(page, f"{name}-languages")
    page.goto(f"/tell/{language}/")
    look_at(page, name)
    page.locator("#danger-yes").check()
    expect(page.get_by_role("link", name="112")).to_be_in_viewport()
    page.fill("#what", "A stranger keeps writing to a pupil on Example Chat.")
    if language == "en":
        look_at(page, f"{name}-yes")
    follow(page.locator("form button[type=submit]"))
    if width == 390:
        look_at(page, f"{name}-receipt")
    code = page.locator("#code").inner_text()
    page.goto(f"/tell/{language}/back/")
    page.fill("#code", "0000")
    follow(page.locator("form button[type=submit]"))
    if language == "en":
        look_at(page, f"{name}-wrong")
    page.fill("#code", code)
    follow(page.locator("form button[type=submit]"))
    page.fill("#what", "He wrote again today.")
    follow(page.locator("form button[type=submit]"))
    look_at(page, f"{name}-state")
    expect(page.get_by_role("status")).to_be_visible()
    assert unexpected(complaints) == []
    assert page.context.cookies() == []
    page.context.close()


def test_leaving_at_once(browser: Browser, live_server: LiveServer, settings: Settings) -> None:
    settings.NIGHTLIGHT_HOTLINE_EXIT = f"{live_server.url}/accounts/login/"
    for script in (True, False):
        context = browser.new_context(base_url=live_server.url, java_script_enabled=script)
        page = context.new_page()
        page.goto("/tell/")
        page.goto("/tell/en/")
        page.fill("#what", "A stranger keeps writing to a pupil.")
        if script:
            page.keyboard.press("Escape")
            with page.expect_navigation():
                page.keyboard.press("Escape")
        else:
            follow(page.locator("#leave"))
        assert page.url.endswith("/accounts/login/")
        page.go_back()
        assert page.url.endswith("/tell/" if script else "/tell/en/")
        if not script:  # the page was kept nowhere, so it comes empty
            assert page.locator("#what").input_value() == ""
        context.close()


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)], ids=["wide", "phone-at-night"])
def test_taking_a_call_in_a_browser(browser: Browser, live_server: LiveServer, width: int, dark: bool) -> None:
    cast.person("Ira", "intake-analyst")
    page = sign_in(browser, live_server, "ira", width=width, dark=dark)
    complaints = complaints_of(page)
    page.goto("/calls/new/")
    look_at(page, f"call-{width}")
    page.fill("#what", "A stranger keeps writing to Meera, says her teacher.")
    page.fill("#addresses", "@fern_kite")
    page.fill("#child_name", "Meera")
    page.fill("#contact", "+91 98765 43210")
    page.get_by_label("The caller asks to be called back").check()
    follow(page.get_by_role("button", name="Enter the call"))
    summarise([Tip.objects.get()], by="service:worker", at=cast.NOON)
    page.reload()
    expect(page.locator("#said")).to_contain_text("They ask to be called back.")
    body = page.locator("main").inner_text()
    assert "43210" not in body
    assert "Meera" not in body
    look_at(page, f"call-{width}-tip")
    assert complaints == []
    page.context.close()
