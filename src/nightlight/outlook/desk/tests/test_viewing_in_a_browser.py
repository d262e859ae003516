# SPDX-License-Identifier: Apache-2.0
"""Looking at a file in a real browser: a hold shows it, letting go removes it, by pointer and by keys."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from nightlight.foundation import clock
from nightlight.outlook.desk.tests import cast, pictures
from nightlight.outlook.desk.tests.browsing import PICTURES, browser, follow, look_at, pytestmark, sign_in
from nightlight.outlook.desk.tests.test_viewing import needs_sandbox
from nightlight.trust.units.models import Shift
from nightlight.trust.viewing.models import Exposure, Viewing

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page
    from pytest_django.live_server_helper import LiveServer

__all__ = ["browser", "pytestmark"]


def _ready(browser: Browser, server: LiveServer, *, width: int = 1280, violent: bool = False) -> Page:
    cast.person("Alice", "triage-officer")
    more = "<fileAnnotations><violenceGore/></fileAnnotations>" if violent else ""
    tip, item = pictures.tip_with_file(cast.Desk(cast.reporter()), pictures.gradient(640), more=more, at=clock.now())
    page = sign_in(browser, server, "alice", width=width)
    page.goto(f"/tips/{tip.public_id}/")
    follow(page.get_by_role("link", name="Look at this file"))
    look_at(page, f"look-{width}")
    page.get_by_label("Find out how urgent it is").check()
    page.fill("#reason", pictures.REASON["reason"])
    page.get_by_role("button", name="Prepare the pictures").click()
    page.wait_for_url("**/viewings/VW-*/")
    expect(page.get_by_text("Wait a few seconds")).to_be_visible()
    look_at(page, f"viewing-asked-{width}")
    assert pictures.prepare(item) == 1
    expect(page.get_by_role("button", name="Show the still")).to_be_visible(timeout=6000)  # without a reload by hand
    return page


def _told(page: Page, times: int) -> None:
    """Wait until the page has told how long each picture was held: it does so after the picture is gone."""
    for _ in range(100):
        if Exposure.objects.exclude(milliseconds=None).count() == times:
            return
        page.wait_for_timeout(50)
    raise AssertionError("the page did not tell how long a picture was held")


@needs_sandbox
@pytest.mark.parametrize("width", [1280, 390])
def test_a_hold_shows_and_letting_go_removes(browser: Browser, live_server: LiveServer, width: int) -> None:
    page = _ready(browser, live_server, width=width)
    images = page.locator("main img")
    expect(images).to_have_count(0)
    look_at(page, f"viewing-ready-{width}")
    expect(page.get_by_role("button", name="Hold to enlarge")).to_be_disabled()
    page.get_by_role("button", name="Show the still").click()
    expect(page.locator(".frame img")).to_be_visible()
    look_at(page, f"viewing-still-{width}")
    page.get_by_role("button", name="Hold to enlarge").hover()
    page.mouse.down()
    expect(page.locator("#stage img")).to_be_visible()
    page.wait_for_timeout(300)
    if PICTURES:
        page.screenshot(path=f"{PICTURES}/viewing-enlarged-{width}.png")
    page.mouse.up()
    expect(page.locator("#stage img")).to_have_count(0)
    colour = page.get_by_role("button", name="Hold for colour")
    for key in (" ", "Enter"):
        colour.focus()
        page.keyboard.down(key)
        expect(page.locator("#stage img")).to_be_visible()
        page.keyboard.up(key)
        expect(page.locator("#stage img")).to_have_count(0)
    page.get_by_role("button", name="Hide it").click()
    expect(images).to_have_count(0)
    _told(page, 4)
    page.get_by_label("It is what the report says it is").check()
    page.get_by_role("button", name="Record and close").click()
    page.wait_for_url("**/tips/NL-*/")
    shown = Exposure.objects.filter(milliseconds=None).order_by("id").values_list("mode", flat=True)
    assert list(shown) == ["still", "enlarged", "colour", "colour"]
    held = dict(Exposure.objects.exclude(milliseconds=None).values_list("mode", "milliseconds"))
    assert held.keys() == {"still", "enlarged", "colour"}
    assert 200 <= (held["enlarged"] or 0) < 10_000
    assert Viewing.objects.get().state == "closed"
    page.goto("/exposure/")
    look_at(page, f"exposure-{width}")
    page.context.close()


@needs_sandbox
def test_what_is_violent_takes_a_second_press(browser: Browser, live_server: LiveServer) -> None:
    page = _ready(browser, live_server, violent=True)
    page.get_by_role("button", name="Show the still").click()
    expect(page.locator(".frame img")).to_be_visible()
    enlarge = page.get_by_role("button", name="Hold to enlarge")
    enlarge.hover()
    page.mouse.down()
    expect(page.get_by_text("Press again to see it")).to_be_visible()
    expect(page.locator("#stage img")).to_have_count(0)
    page.mouse.up()
    page.mouse.down()
    expect(page.locator("#stage img")).to_be_visible()
    page.mouse.up()
    expect(page.locator("#stage img")).to_have_count(0)
    page.get_by_role("button", name="Hide it").click()
    _told(page, 2)
    assert list(Exposure.objects.filter(milliseconds=None).order_by("id").values_list("weight", flat=True)) == [3, 6]
    page.context.close()


@needs_sandbox
def test_without_javascript_a_picture_goes_by_itself(browser: Browser, live_server: LiveServer) -> None:
    page = _ready(browser, live_server)
    plain = browser.new_context(
        java_script_enabled=False, base_url=live_server.url, storage_state=page.context.storage_state()
    )
    bare = plain.new_page()
    bare.goto(page.url)
    bare.get_by_role("button", name="Show the still").click()
    shown = bare.locator("main img")
    expect(shown).to_be_visible()
    assert Exposure.objects.count() == 1
    bare.wait_for_url("**/viewings/VW-*/", timeout=15_000)
    expect(bare.locator("main img")).to_have_count(0)
    plain.close()
    page.context.close()


def test_the_pages_of_originals_and_of_limits_are_readable(browser: Browser, live_server: LiveServer) -> None:
    user = cast.person("Ines", "investigator")
    cast.person("Kim", "commander")
    tip, _item = pictures.tip_with_file(cast.Desk(cast.reporter()), pictures.gradient(), at=clock.now())
    now = clock.now()
    ends = now + timedelta(minutes=20)
    Shift.objects.create(public_id="SH-2222-2222", user=user, unit=cast.root(), starts_at=now, ends_at=ends)
    for width in (1280, 390):
        page = sign_in(browser, live_server, "ines", width=width)
        for name, address, title in (
            ("originals", "originals/", "Originals and outcome"),
            ("look-stopped", "files/1/", "File 1, before you look"),
        ):
            page.goto(f"/tips/{tip.public_id}/{address}")
            expect(page.locator("h1")).to_have_text(title)
            look_at(page, f"{name}-{width}")
        page.goto("/exposure/")
        expect(page.get_by_text("Your last 30 days").first).to_be_visible()
        look_at(page, f"exposure-empty-{width}")
        page.context.close()
        page = sign_in(browser, live_server, "kim", width=width)
        page.goto("/exposure/")
        expect(page.get_by_role("heading", name="The people you answer for")).to_be_visible()
        look_at(page, f"exposure-commander-{width}")
        page.goto(f"/tips/{tip.public_id}/originals/")
        expect(page.get_by_role("heading", name="How it ended")).to_be_visible()
        look_at(page, f"outcome-{width}")
        page.context.close()
