# SPDX-License-Identifier: Apache-2.0
"""The queue, its alerts and its rules in a real browser: readable by everybody, and worked with the keyboard."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from nightlight.foundation import clock
from nightlight.outlook.desk.tests import cast
from nightlight.outlook.desk.tests.browsing import browser, complaints_of, look_at, pytestmark, sign_in, unexpected
from nightlight.pipeline.triage import alerting, calling
from nightlight.pipeline.triage.models import Alert, LastLook, OfficerFact
from nightlight.pipeline.triage.tests import cast as pile

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from pytest_django.live_server_helper import LiveServer

    from nightlight.pipeline.tips.models import Tip

__all__ = ["browser", "pytestmark"]
URGENT = "Please look at this first."


def _world() -> list[Tip]:
    """Rows of every kind but one: with tripwires, with reasons, several in one, held by somebody, and plain."""
    kavita = cast.person("Kavita", "commander")
    at = clock.now() - timedelta(hours=2)
    chat, same = pile.reporter(), pile.body()
    danger = pile.body(kind="enticement", urgent=URGENT, said="She wrote: I do not want to live anymore.")
    tips = [pile.tip(chat, body, at=at) for body in (danger, pile.body(kind="enticement"), pile.body(), same, same)]
    answered = pile.tip(chat, pile.body(urgent=URGENT), at=at - timedelta(hours=1))
    pile.link(at)
    pile.assess(at)
    OfficerFact.objects.create(tip=tips[1], fact="prior_record", value=True, reason=pile.WHY, by=kavita, at=at)
    pile.assess(at)
    calling.call_due(by=pile.BY, now=lambda: at)
    alert = Alert.objects.get(tip=answered)
    alerting.acknowledge(by=cast.viewer(kavita), at=at, public_id=alert.public_id)
    LastLook.objects.create(user=kavita, at=at - timedelta(minutes=10))
    return tips


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)], ids=["desk by day", "phone at night"])
def test_every_page_is_readable_by_everybody(browser: Browser, live_server: LiveServer, width: int, dark: bool) -> None:
    tips = _world()
    page = sign_in(browser, live_server, "kavita", width=width, dark=dark)
    complaints = complaints_of(page)
    opened = "document.querySelectorAll('main details').forEach(one => one.open = true)"
    for name, address in {
        "queue": "/queue/",
        "triage": f"/tips/{tips[0].public_id}/",
        "alerts": "/alerts/",
        "rulebook": "/queue/rules/",
    }.items():
        page.goto(address)
        page.evaluate(opened if name != "triage" else opened.replace("main", "#triage"))
        look_at(page, f"{name}-{width}-{'dark' if dark else 'light'}")
    body = page.locator("#body")
    body.fill(body.input_value() + "\nbands = { critical = 70, high = 40, medium = 10 }\n")
    page.get_by_role("button", name="Show what would change").click()
    expect(page.locator(".notice-error, #replay")).to_have_count(1)
    look_at(page, f"rulebook-said-{width}-{'dark' if dark else 'light'}")
    assert unexpected(complaints) == []
    page.context.close()


def test_the_queue_is_worked_with_keys_and_an_alert_answered(browser: Browser, live_server: LiveServer) -> None:
    tips = _world()
    page = sign_in(browser, live_server, "kavita")
    complaints = complaints_of(page)
    page.goto("/queue/")
    links = page.locator("#tips > li h2 a")
    for key, row in (("j", 0), ("j", 1), ("k", 0), ("k", 0)):
        page.keyboard.press(key)
        expect(links.nth(row)).to_be_focused()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("take it")
    page.keyboard.press("j")  # of the help alone
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("ajk")  # what is typed is no key
    expect(page.locator("#q")).to_have_value("ajk")
    page.locator("#main").focus()
    page.keyboard.press("a")  # of no row: takes nothing
    assert pile.where(tips[0]).holder is None
    page.keyboard.press("j")
    first = links.nth(0).get_attribute("href")
    page.keyboard.press("a")
    page.wait_for_url(f"**{first}")
    expect(page.locator(".notice-success")).to_contain_text("You have taken 1 tip.")
    page.goto("/queue/")
    expect(page.locator("#tips > li").nth(0)).to_contain_text("with Kavita Example")
    page.keyboard.press("j")
    page.keyboard.press("a")  # held already: nothing to press
    page.keyboard.press("j")
    second = links.nth(1).get_attribute("href")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{second}")
    assert str(pile.where(tips[0]).holder) == "Kavita Example"
    # From the queue to the alerts, and one is answered.
    page.goto("/queue/")
    page.locator(".alert-bar a").click()
    waiting = page.locator("article.alert:not(.is-answered)")
    expect(waiting).to_have_count(1)
    expect(waiting).to_contain_text(tips[0].public_id)
    waiting.get_by_role("button", name="I answer for it").click()
    expect(page.locator(".notice-success")).to_contain_text("Nobody else is called.")
    expect(waiting).to_have_count(0)
    expect(page.locator("article.alert.is-answered")).to_have_count(2)
    assert complaints == []
    page.context.close()
