# SPDX-License-Identifier: Apache-2.0
"""Asking who else holds what stands in a tip, in a browser: asked, told whom to call, one's own contact set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from nightlight.foundation import clock
from nightlight.outlook.desk.tests import cast
from nightlight.outlook.desk.tests.browsing import browser, complaints_of, follow, look_at, pytestmark, sign_in
from nightlight.outlook.desk.tests.test_held_elsewhere import world
from nightlight.pipeline.linking.deconfliction import contacts
from nightlight.trust.units.viewer import viewer_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from pytest_django.live_server_helper import LiveServer

__all__ = ["browser", "pytestmark"]


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)], ids=["wide", "phone-at-night"])
def test_asking_in_a_browser(browser: Browser, live_server: LiveServer, width: int, dark: bool) -> None:
    mine, _theirs, a, b = world()
    cast.person("Asha", "commander", a)
    boss = cast.person("Bina", "commander", b)
    contacts.set_contact(
        by=viewer_of(boss, clock.now()), at=clock.now(), unit=b,
        telephone="+91 20 5550 0100", email="duty@hill.example.org", duty="duty desk, day and night",
    )  # fmt: skip
    page = sign_in(browser, live_server, "asha", width=width, dark=dark)
    complaints = complaints_of(page)
    name = f"elsewhere-{width}"
    page.goto(f"/tips/{mine.public_id}/#held-elsewhere")
    look_at(page, f"{name}-before")
    follow(page.get_by_role("button", name="Ask who else holds this"))
    expect(page.locator("#held-elsewhere")).to_contain_text("+91 20 5550 0100 · duty@hill.example.org")
    look_at(page, f"{name}-after")
    page.goto(f"/units/{a.public_id}/#contact")
    look_at(page, f"{name}-unit")
    page.fill("[name=telephone]", "+91 20 5550 0199")
    page.fill("[name=duty]", "duty desk")
    follow(page.locator("#contact button"))
    expect(page.locator("#contact")).to_contain_text("+91 20 5550 0199 · duty desk")
    assert complaints == []
    page.context.close()
