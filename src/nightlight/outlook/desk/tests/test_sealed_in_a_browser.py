# SPDX-License-Identifier: Apache-2.0
"""An identity is asked for, opened, read and closed in a real browser, at a desk and on a phone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from nightlight.foundation import clock
from nightlight.outlook.desk.tests import cast
from nightlight.outlook.desk.tests.browsing import browser, complaints_of, follow, look_at, pytestmark, sign_in
from nightlight.trust.law.queries import current_pack
from nightlight.trust.sealed import actions
from nightlight.trust.sealed.models import Unsealing

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser
    from pytest_django import Settings
    from pytest_django.live_server_helper import LiveServer


__all__ = ["browser", "pytestmark"]


@pytest.fixture(autouse=True)
def _keys(tmp_path: Path, settings: Settings) -> None:
    settings.NIGHTLIGHT_SEALING_KEYS_DIR = tmp_path / "sealing"
    settings.NIGHTLIGHT_SEALED_SEARCH_KEY = b"s" * 32


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_a_name_is_opened_read_and_closed(browser: Browser, live_server: LiveServer, width: int, dark: bool) -> None:
    cast.person("Ines", "investigator")
    cast.person("Cora", "commander")
    tip = cast.Desk(cast.reporter()).full(at=clock.now())
    page = sign_in(browser, live_server, "ines", width=width, dark=dark)
    context = page.context
    complaints = complaints_of(page)

    page.goto(f"/tips/{tip.public_id}/")
    look_at(page, f"sealed-tip-{width}")
    follow(page.get_by_role("link", name="Open the sealed identity").first)
    look_at(page, f"sealed-ask-{width}")
    page.get_by_label("Reach or protect the child now").check()
    page.get_by_label("Your reason").fill("Arrange for the child to be met at school")
    page.get_by_label("Case number").fill("88/2027")
    page.get_by_role("button", name="Open the identity").click()
    expect(page.get_by_text("The identity is being opened")).to_be_visible()
    look_at(page, f"sealed-waiting-{width}")
    row = Unsealing.objects.get()
    actions.answer(by="service:worker", at=clock.now(), unsealing=row.public_id, law=current_pack().unsealing)
    expect(page.get_by_text("Meera Invented")).to_be_visible(timeout=10_000)  # without a reload
    (key,) = [one for one in context.cookies() if one["name"] == "unsealing-key"]
    assert (key["path"], key["httpOnly"], key["sameSite"]) == (f"/unsealings/{row.public_id}/", True, "Strict")
    assert "unsealing-key" not in page.evaluate("document.cookie")
    look_at(page, f"sealed-open-{width}")
    page.emulate_media(media="print")
    expect(page.get_by_text("Meera Invented")).to_be_hidden()
    page.emulate_media(media="screen")
    page.get_by_role("button", name="Close now").click()
    expect(page.get_by_text("This opening has ended")).to_be_visible()
    assert [one for one in context.cookies() if one["name"] == "unsealing-key"] == []
    look_at(page, f"sealed-closed-{width}")
    page.go_back()
    expect(page.get_by_text("Meera Invented")).to_have_count(0)

    page.goto("/sealed/search/")
    page.get_by_label("What you know").fill("meera invented")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_text("1 protected person")).to_be_visible()
    assert page.url == f"{live_server.url}/sealed/search/"
    look_at(page, f"sealed-search-{width}")
    page.goto("/unsealings/")
    look_at(page, f"sealed-openings-{width}")
    assert complaints == []
    context.close()
