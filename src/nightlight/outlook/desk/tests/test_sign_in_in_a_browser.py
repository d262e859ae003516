# SPDX-License-Identifier: Apache-2.0
"""Signing in in a real browser: an app is set up, a passkey is made and used, pages are readable by everybody."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from allauth.mfa.models import Authenticator
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings as django_settings
from django.contrib.sessions.backends.db import SessionStore
from playwright.sync_api import expect, sync_playwright

from nightlight.outlook.desk import gate
from nightlight.outlook.desk.tests import cast, codes
from nightlight.outlook.desk.tests.test_pages_in_a_browser import ARGUMENTS, CHROMIUM, VENDOR
from nightlight.trust.accounts.models import User

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page
    from pytest_django import Settings
    from pytest_django.live_server_helper import LiveServer

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


@pytest.fixture(autouse=True)
def _required(settings: Settings, transactional_db: None) -> None:
    codes.quick(settings)
    settings.ENVIRONMENT = replace(django_settings.ENVIRONMENT, second_factor="required")
    cast.person("Alice", codes.READER)


def _browse(browser: Browser, server: LiveServer, *, width: int = 1280, dark: bool = False) -> Page:
    """A page whose browser holds passkeys; by the name localhost, because an address cannot have any."""
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if dark else "light",
        base_url=server.url.replace("127.0.0.1", "localhost"),
    )
    page = context.new_page()
    page.set_default_timeout(10_000)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.said = said  # type: ignore[attr-defined]
    client = context.new_cdp_session(page)
    client.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    client.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return page


def _password(page: Page, name: str = "alice") -> None:
    page.goto("/accounts/login/")
    page.fill("[name=login]", name)
    page.fill("[name=password]", cast.PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def _readable(page: Page, name: str) -> None:
    """No barrier that axe knows of, nothing wider than the window, nothing blocked."""
    if PICTURES:
        width = page.viewport_size["width"] if page.viewport_size else 0
        page.screenshot(path=f"{PICTURES}/{name}-{width}.png", full_page=True)
    found = [(one["id"], [node["html"] for node in one["nodes"]]) for one in Axe().run(page).response["violations"]]
    assert found == [], page.url
    wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert page.evaluate(wide) is False, f"{page.url} is wider than the window"
    assert page.said == [], page.url  # type: ignore[attr-defined]


def _leave_alone(page: Page, *, minutes: int) -> None:
    """Turn the session's clock back: as if nobody had asked for anything for so long."""
    name = django_settings.SESSION_COOKIE_NAME
    key = next(cookie["value"] for cookie in page.context.cookies() if cookie["name"] == name)
    session = SessionStore(key)
    session[gate.SEEN] -= minutes * 60
    session["account_authentication_methods"] = [
        record | {"at": record["at"] - minutes * 60} for record in session["account_authentication_methods"]
    ]
    session.save()


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_an_app_is_set_up_and_asked_for(browser: Browser, live_server: LiveServer, width: int, dark: bool) -> None:
    page = _browse(browser, live_server, width=width, dark=dark)
    page.goto("/accounts/login/")
    _readable(page, "login")
    _password(page)
    expect(page.get_by_text("You have none yet")).to_be_visible()
    _readable(page, "second-factor-none")
    page.get_by_role("link", name="Set up an app").click()
    _readable(page, "app")
    app = codes.App(page.locator("#secret").inner_text())
    page.fill("[name=code]", app.next())
    page.get_by_role("button", name="Set up").click()
    expect(page.locator("#codes")).to_be_visible()
    _readable(page, "codes")
    kept = page.locator("#codes").inner_text().split()
    assert len(kept) == 10
    page.get_by_role("link", name="I have kept them").click()
    _readable(page, "second-factor")
    page.get_by_role("link", name="Make new codes").click()
    _readable(page, "codes-new")
    page.goto("/accounts/sessions/")
    _readable(page, "sessions")
    page.goto("/accounts/second-factor/app/remove/")
    expect(page.get_by_role("alert")).to_contain_text("only second factor")
    _readable(page, "app-remove")
    other = _browse(browser, live_server, width=width, dark=dark)
    _password(other)
    expect(other.get_by_role("heading", name="One more step")).to_be_visible()
    _readable(other, "authenticate")
    other.fill("[name=code]", "000000")
    other.get_by_role("button", name="Sign in", exact=True).click()
    expect(other.get_by_role("alert")).to_contain_text("This code is wrong")
    other.fill("[name=code]", kept[0])
    other.get_by_role("button", name="Sign in", exact=True).click()
    other.wait_for_url(lambda url: "accounts" not in url)


def test_a_passkey_is_made_and_opens_without_the_password(browser: Browser, live_server: LiveServer) -> None:
    page = _browse(browser, live_server)
    page.goto("/accounts/login/")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("The passkey was not used")
    _password(page)
    page.get_by_role("link", name="Add a passkey").click()
    _readable(page, "passkey-add")
    page.fill("[name=name]", "My computer")
    page.get_by_label("Let it open my account without the password").check()
    page.get_by_role("button", name="Add").click()
    expect(page.locator("#codes")).to_be_visible()
    stored = Authenticator.objects.get(type="webauthn")
    assert stored.wrap().is_passwordless
    page.goto("/accounts/passkeys/")
    expect(page.get_by_text("opens without password")).to_be_visible()
    _readable(page, "passkeys")
    page.get_by_role("link", name="Rename").click()
    _readable(page, "passkey-rename")
    page.goto(f"/accounts/passkeys/{stored.pk}/remove/")
    _readable(page, "passkey-remove")
    page.goto("/accounts/logout/")
    page.get_by_role("main").get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(lambda url: "accounts" not in url)


def test_a_passkey_answers_after_the_password_and_opens_a_locked_session(
    browser: Browser, live_server: LiveServer
) -> None:
    page = _browse(browser, live_server)
    _password(page)
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_role("button", name="Add").click()
    expect(page.locator("#codes")).to_be_visible()
    page.goto("/accounts/logout/")
    page.get_by_role("main").get_by_role("button", name="Sign out").click()
    _password(page)
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(lambda url: "accounts" not in url)
    _leave_alone(page, minutes=16)
    page.goto("/accounts/sessions/")
    expect(page.get_by_role("heading", name="Locked")).to_be_visible()
    _readable(page, "locked")
    page.get_by_role("link", name="Use a passkey").click()
    _readable(page, "locked-passkey")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", name="Where you are signed in")).to_be_visible()


def test_a_closed_name_is_told_until_when(browser: Browser, live_server: LiveServer) -> None:
    page = _browse(browser, live_server, width=390)
    page.goto("/accounts/login/")
    for _attempt in range(5):
        page.fill("[name=login]", "alice")
        page.fill("[name=password]", "wrong")
        page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Too many failed sign-ins")).to_be_visible()
    page.said.clear()  # type: ignore[attr-defined]  # the browser notes the status 429
    _readable(page, "locked-out")


@pytest.mark.parametrize("width", [1280, 390])
def test_an_administrator_sees_how_somebody_signs_in(
    browser: Browser, live_server: LiveServer, settings: Settings, width: int
) -> None:
    settings.ENVIRONMENT = replace(django_settings.ENVIRONMENT, second_factor="offered")
    alice = _browse(browser, live_server)
    _password(alice)
    alice.wait_for_url(lambda url: "accounts" not in url)
    cast.person("Charlie", "administrator")
    page = _browse(browser, live_server, width=width)
    _password(page, "charlie")
    page.wait_for_url(lambda url: "accounts" not in url)
    page.goto(f"/system/people/{User.objects.get(username='alice').public_id}/")
    _readable(page, "sign-in-of")
    page.get_by_role("button", name="Sign out everywhere").click()
    expect(page.get_by_text("Signed out in 1 place")).to_be_visible()
    alice.goto("/accounts/sessions/")
    expect(alice.get_by_role("heading", name="Sign in", exact=True)).to_be_visible()
