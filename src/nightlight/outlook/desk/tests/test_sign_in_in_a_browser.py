# SPDX-License-Identifier: Apache-2.0
"""Signing in in a real browser: an app is set up, a passkey is made and used, pages are readable by everybody."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings as django_settings
from django.contrib.sessions.backends.db import SessionStore
from playwright.sync_api import expect

from nightlight.outlook.desk import gate
from nightlight.outlook.desk.tests import cast, codes
from nightlight.outlook.desk.tests.browsing import browser, follow, give_password, look_at, opened, pytestmark
from nightlight.trust.accounts.models import User

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page
    from pytest_django import Settings
    from pytest_django.live_server_helper import LiveServer


__all__ = ["browser", "pytestmark"]


@pytest.fixture(autouse=True)
def _required(settings: Settings, transactional_db: None) -> None:
    codes.quick(settings)
    settings.ENVIRONMENT = replace(django_settings.ENVIRONMENT, second_factor="required")
    cast.person("Alice", codes.READER)


def _browse(browser: Browser, server: LiveServer, *, width: int = 1280, dark: bool = False) -> Page:
    """A page whose browser holds passkeys; by the name localhost, because an address cannot have any."""
    context = opened(browser, server.url.replace("127.0.0.1", "localhost"), width=width, dark=dark)
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


def _readable(page: Page, name: str) -> None:
    """Everybody can read the page, and nothing was blocked on it."""
    look_at(page, f"{name}-{page.viewport_size['width'] if page.viewport_size else 0}")
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
    give_password(page, "alice")
    expect(page.get_by_text("You have none yet")).to_be_visible()
    _readable(page, "second-factor-none")
    follow(page.get_by_role("link", name="Set up an app"))
    _readable(page, "app")
    app = codes.App(page.locator("#secret").inner_text())
    page.fill("[name=code]", app.next())
    follow(page.get_by_role("button", name="Set up"))
    expect(page.locator("#codes")).to_be_visible()
    _readable(page, "codes")
    kept = page.locator("#codes").inner_text().split()
    assert len(kept) == 10
    follow(page.get_by_role("link", name="I have kept them"))
    _readable(page, "second-factor")
    follow(page.get_by_role("link", name="Make new codes"))
    _readable(page, "codes-new")
    page.goto("/accounts/sessions/")
    _readable(page, "sessions")
    page.goto("/accounts/second-factor/app/remove/")
    expect(page.get_by_role("alert")).to_contain_text("only second factor")
    _readable(page, "app-remove")
    other = _browse(browser, live_server, width=width, dark=dark)
    give_password(other, "alice")
    expect(other.get_by_role("heading", name="One more step")).to_be_visible()
    _readable(other, "authenticate")
    other.fill("[name=code]", "000000")
    follow(other.get_by_role("button", name="Sign in", exact=True))
    expect(other.get_by_role("alert")).to_contain_text("This code is wrong")
    other.fill("[name=code]", kept[0])
    follow(other.get_by_role("button", name="Sign in", exact=True))
    other.wait_for_url(lambda url: "accounts" not in url)


def test_a_passkey_is_made_and_opens_without_the_password(browser: Browser, live_server: LiveServer) -> None:
    page = _browse(browser, live_server)
    page.goto("/accounts/login/")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("The passkey was not used")
    give_password(page, "alice")
    follow(page.get_by_role("link", name="Add a passkey"))
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
    follow(page.get_by_role("link", name="Rename"))
    _readable(page, "passkey-rename")
    page.goto(f"/accounts/passkeys/{stored.pk}/remove/")
    _readable(page, "passkey-remove")
    page.goto("/accounts/logout/")
    follow(page.get_by_role("main").get_by_role("button", name="Sign out"))
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(lambda url: "accounts" not in url)


def test_a_passkey_answers_after_the_password_and_opens_a_locked_session(
    browser: Browser, live_server: LiveServer
) -> None:
    page = _browse(browser, live_server)
    give_password(page, "alice")
    follow(page.get_by_role("link", name="Add a passkey"))
    page.get_by_role("button", name="Add").click()
    expect(page.locator("#codes")).to_be_visible()
    page.goto("/accounts/logout/")
    follow(page.get_by_role("main").get_by_role("button", name="Sign out"))
    give_password(page, "alice")
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(lambda url: "accounts" not in url)
    _leave_alone(page, minutes=16)
    page.goto("/accounts/sessions/")
    expect(page.get_by_role("heading", name="Locked")).to_be_visible()
    _readable(page, "locked")
    follow(page.get_by_role("link", name="Use a passkey"))
    _readable(page, "locked-passkey")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", name="Where you are signed in")).to_be_visible()


def test_a_closed_name_is_told_until_when(browser: Browser, live_server: LiveServer) -> None:
    page = _browse(browser, live_server, width=390)
    page.goto("/accounts/login/")
    for _attempt in range(5):
        page.fill("[name=login]", "alice")
        page.fill("[name=password]", "wrong")
        follow(page.get_by_role("button", name="Sign in", exact=True))
    expect(page.get_by_role("heading", name="Too many failed sign-ins")).to_be_visible()
    page.said.clear()  # type: ignore[attr-defined]  # the browser notes the status 429
    _readable(page, "locked-out")


@pytest.mark.parametrize("width", [1280, 390])
def test_an_administrator_sees_how_somebody_signs_in(
    browser: Browser, live_server: LiveServer, settings: Settings, width: int
) -> None:
    settings.ENVIRONMENT = replace(django_settings.ENVIRONMENT, second_factor="offered")
    alice = _browse(browser, live_server)
    give_password(alice, "alice")
    alice.wait_for_url(lambda url: "accounts" not in url)
    cast.person("Charlie", "administrator")
    page = _browse(browser, live_server, width=width)
    give_password(page, "charlie")
    page.wait_for_url(lambda url: "accounts" not in url)
    page.goto(f"/system/people/{User.objects.get(username='alice').public_id}/")
    _readable(page, "sign-in-of")
    follow(page.get_by_role("button", name="Sign out everywhere"))
    expect(page.get_by_text("Signed out in 1 place")).to_be_visible()
    alice.goto("/accounts/sessions/")
    expect(alice.get_by_role("heading", name="Sign in", exact=True)).to_be_visible()
