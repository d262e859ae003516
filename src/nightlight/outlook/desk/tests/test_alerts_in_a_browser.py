# SPDX-License-Identifier: Apache-2.0
"""The page of alerts loads itself anew: what its reader has opened stays open, and the focus stays where it is."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from nightlight.foundation import clock
from nightlight.outlook.desk.tests import cast
from nightlight.outlook.desk.tests.browsing import browser, complaints_of, pytestmark, sign_in
from nightlight.pipeline.triage import alerting, calling
from nightlight.pipeline.triage.models import Alert
from nightlight.pipeline.triage.tests import cast as pile

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page
    from pytest_django.live_server_helper import LiveServer

__all__ = ["browser", "pytestmark"]


def _load_anew(page: Page) -> None:
    """As the page does by itself every ten seconds; returns when what came is in its place."""
    page.evaluate("document.getElementById('alerts').dataset.old = 'yes'")
    # The trigger of the page is a clock: the same request is made at once, with the same target and swap.
    page.evaluate("htmx.ajax('GET', '/alerts/', {target: '#alerts', swap: 'outerHTML', select: '#alerts'})")
    expect(page.locator("#alerts[data-old]")).to_have_count(0)
    expect(page.locator("#alerts")).to_have_count(1)


def test_what_is_open_stays_open_when_the_page_loads_itself_anew(browser: Browser, live_server: LiveServer) -> None:
    kavita = cast.person("Kavita", "commander")
    at = clock.now() - timedelta(hours=2)
    chat = pile.reporter()
    tips = [pile.tip(chat, pile.body(urgent=f"Please look at this, {n}."), at=at) for n in range(2)]
    pile.assess(at)
    calling.call_due(by=pile.BY, now=lambda: at)
    page = sign_in(browser, live_server, "kavita")
    complaints = complaints_of(page)
    page.goto("/alerts/")
    assert page.locator("#alerts").get_attribute("hx-trigger") == "every 10s"
    first = page.locator("article.alert", has_text=tips[0].public_id)
    second = page.locator("article.alert", has_text=tips[1].public_id)
    _load_anew(page)
    expect(page.locator("#alerts details[open]")).to_have_count(0)
    first.locator("summary").click()
    _load_anew(page)
    expect(first.locator("details")).to_have_attribute("open", "")
    expect(second.locator("details[open]")).to_have_count(0)
    expect(first.locator("summary")).to_be_focused()
    # Also when a colleague answers meanwhile and it stands elsewhere on the page.
    alert = Alert.objects.get(tip=tips[0])
    alerting.acknowledge(by=cast.viewer(kavita), at=clock.now(), public_id=alert.public_id)
    _load_anew(page)
    expect(page.locator("article.is-answered details[open]")).to_have_count(1)
    # And what its reader closes stays closed.
    first.locator("summary").click()
    _load_anew(page)
    expect(page.locator("#alerts details[open]")).to_have_count(0)
    assert complaints == []
    page.context.close()


def test_without_scripts_it_opens_and_closes_as_ever(browser: Browser, live_server: LiveServer) -> None:
    cast.person("Kavita", "commander")
    at = clock.now() - timedelta(hours=2)
    pile.tip(pile.reporter(), pile.body(urgent="Please look at this."), at=at)
    pile.assess(at)
    signed_in = sign_in(browser, live_server, "kavita")
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False)
    context.add_cookies(signed_in.context.cookies())  # type: ignore[arg-type]
    page = context.new_page()
    page.goto("/alerts/")
    page.locator("article.alert summary").click()
    expect(page.locator("article.alert details")).to_contain_text("Nobody has been called yet.")
    expect(page.locator("article.alert details[open]")).to_have_count(1)
    context.close()
    signed_in.context.close()
