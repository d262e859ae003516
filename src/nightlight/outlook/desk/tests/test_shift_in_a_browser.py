# SPDX-License-Identifier: Apache-2.0
"""Hand-over, second looks and capacity in a real browser: readable by everybody, from one shift to the next."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from nightlight.foundation import clock
from nightlight.outlook.desk.tests import cast
from nightlight.outlook.desk.tests.browsing import (
    browser,
    complaints_of,
    follow,
    look_at,
    pytestmark,
    sign_in,
    unexpected,
)
from nightlight.pipeline.triage import handing_on, working
from nightlight.pipeline.triage.models import Closure, Lane, Standing
from nightlight.pipeline.triage.tests import cast as pile
from nightlight.trust.units import actions as units

if TYPE_CHECKING:
    from datetime import datetime

    from playwright.sync_api import Browser
    from pytest_django.live_server_helper import LiveServer

    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.accounts.models import User

__all__ = ["browser", "pytestmark"]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOTE = "The provider of the second critical tip calls back at noon.\nThe school nurse is told; do not call again today."


def _closed(tip: Tip, by: User, *, at: datetime, sampled: bool) -> None:
    Closure.objects.create(
        tip=tip, disposition="cannot-work", by=by, at=at, sampled=sampled,
        reason="The address belongs to a shared line of a thousand customers; the provider keeps no ports.",
    )  # fmt: skip
    Standing.objects.filter(tip=tip).update(lane=Lane.CLOSED)


def _world() -> None:
    """Four weeks of a small unit: what came, what two officers closed, what is held, put off, dying and alerted."""
    at = clock.now()
    kavita, ravi = cast.person("Kavita", "commander"), cast.person("Ravi", "investigator")
    for who, begins in ((kavita, -7), (ravi, 1)):
        units.add_shift(
            by="command:cli", at=at, person=who, unit=cast.root(),
            starts_at=at + begins * HOUR, ends_at=at + (begins + 8) * HOUR,
        )  # fmt: skip
    chat = pile.reporter()
    bodies = [
        pile.body(kind="enticement", urgent="Please look at this first."),
        *(pile.body(kind="enticement") for _ in range(3)),
        *(pile.body() for _ in range(26)),
    ]
    tips = [pile.tip(chat, body, at=at - HOUR) for body in bodies]
    pile.assess(at)
    for number, tip in enumerate(tips):  # as if they had come over four weeks
        Standing.objects.filter(tip=tip).update(arrived_at=at - (number * 28 // 30) * DAY - HOUR)
    mine, his = cast.viewer(kavita), cast.viewer(ravi)
    working.take(by=his, at=at, tip=tips[1].public_id)
    working.take(by=mine, at=at, tip=tips[2].public_id)
    working.snooze(by=mine, at=at, tip=tips[4].public_id, until=at + 5 * HOUR, reason=pile.WHY)
    working.override(by=his, at=at, tip=tips[3].public_id, band=3, reason=pile.WHY)
    Standing.objects.filter(tip=tips[3]).update(dies_at=at.replace(minute=0, second=0, microsecond=0) + 4 * HOUR)
    working.close(by=mine, at=at, tip=tips[5].public_id, disposition="no-offence", reason=pile.WHY)
    for number, tip in enumerate(tips[6:28]):
        _closed(tip, ravi, at=at - (1 if number < 2 else 1 + number % 20) * DAY, sampled=number < 2)  # three together
    handing_on.hand_on(by=his, at=at - HOUR, unit=cast.root(), note=NOTE, hours=8)


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)], ids=["desk by day", "phone at night"])
def test_a_shift_goes_from_one_to_the_next_on_pages_everybody_can_read(
    browser: Browser, live_server: LiveServer, width: int, dark: bool
) -> None:
    _world()
    page = sign_in(browser, live_server, "kavita", width=width, dark=dark)
    complaints = complaints_of(page)
    sort = f"{width}-{'dark' if dark else 'light'}"
    page.goto("/queue/")
    left = page.get_by_role("region", name="What the shift before left")
    expect(left).to_contain_text("do not call again today")
    look_at(page, f"shift-queue-{sort}")
    follow(left.get_by_role("link", name="All of it"))
    look_at(page, f"shift-handed-on-{sort}")
    follow(page.get_by_role("button", name="I have read it"))
    expect(page.locator(".notice-success")).to_contain_text("You have taken over from Ravi Example.")
    page.goto("/queue/")
    expect(left).to_have_count(0)
    follow(page.get_by_role("navigation", name="Around the queue").get_by_role("link", name="Hand-over"))
    look_at(page, f"shift-handover-{sort}")
    page.get_by_label("What is under way").fill("Nothing new.")
    follow(page.get_by_role("button", name="Hand on", exact=True))
    expect(page.locator(".notice-success")).to_contain_text("Handed on.")
    page.goto("/queue/")
    follow(page.get_by_role("link", name="Second looks"))
    look_at(page, f"shift-looks-{sort}")
    first = page.locator("article.look").nth(0)
    expect(first).to_contain_text("closed together with 2 others")
    first.get_by_label("I do not agree: it is opened again").check()
    first.get_by_label("What you found").fill("The second report names the port and the time.")
    follow(first.get_by_role("button", name="Record"))
    expect(page.locator(".notice-success")).to_contain_text("is open in the queue again")
    expect(page.locator("article.look")).to_have_count(1)
    page.goto("/queue/")
    follow(page.get_by_role("link", name="Capacity"))
    page.get_by_label("Officers on duty each calendar day").fill("3")
    follow(page.get_by_role("button", name="Work out"))
    page.evaluate("document.querySelectorAll('main details').forEach(one => one.open = true)")
    look_at(page, f"shift-capacity-{sort}")
    expect(page.locator(".next-step")).to_contain_text("With 3 officers")
    assert unexpected(complaints) == []
    page.context.close()
