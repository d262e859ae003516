# SPDX-License-Identifier: Apache-2.0
"""The scorecards and what a reporter was told, in a real browser: readable by everybody, narrow and wide."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from nightlight.foundation import clock
from nightlight.outlook.desk.tests import cast
from nightlight.outlook.desk.tests.browsing import browser, complaints_of, follow, look_at, pytestmark, sign_in
from nightlight.outlook.insight.models import Quality, Told
from nightlight.outlook.insight.tests.days import pass_to
from nightlight.pipeline.triage.tests import cast as pile

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from pytest_django.live_server_helper import LiveServer

__all__ = ["browser", "pytestmark"]
_EVENT = """<ipCaptureEvent><ipAddress>192.0.2.{n}</ipAddress>
<dateTime>2026-01-05T10:00:00{zone}</dateTime>{port}</ipCaptureEvent>"""


def _world() -> str:
    """Two platforms; of one ten reports over a year, some with ports, with outcomes. Returns a tip of it."""
    at = clock.now()
    cast.person("Kavita", "commander")
    chat, forum = pile.reporter("Example Chat"), pile.reporter("Example Forum with a rather long name, Incorporated")
    tips = []
    for n in range(10):
        event = _EVENT.format(n=n + 1, zone="Z" if n % 5 else "", port="<port>4711</port>" if n % 3 else "")
        tips.append(pile.tip(chat, pile.body().replace(b"</personOrUser", event.encode() + b"</personOrUser"), at=at))
    pile.tip(forum, at=at)
    pile.assess(at)
    pass_to()
    pass_to(1)
    for n, row in enumerate(Quality.objects.filter(reporter=chat.reporter_id).order_by("tip")):  # as if over a year
        arrived = at - timedelta(days=33 * n)
        Quality.objects.filter(pk=row.pk).update(
            arrived_at=arrived, month=arrived.date().replace(day=1), days=n * n // 6, repeats=not n % 19
        )
    codes = ("in-progress", "insufficient", "actioned", "no-offence")
    for n, told in enumerate(Told.objects.order_by("tip")):
        Told.objects.filter(pk=told.pk).update(outcome=codes[n % 4], told=codes[n % 2])
    return tips[1].public_id


@pytest.mark.parametrize("width", [1280, 390])
def test_scorecards_are_readable_and_leave_with_their_provider(
    live_server: LiveServer, browser: Browser, width: int
) -> None:
    tip = _world()
    page = sign_in(browser, live_server, "Kavita", width=width, dark=width < 500)
    complaints = complaints_of(page)
    page.goto("/insight/providers/")
    look_at(page, f"insight-providers-{width}")
    follow(page.get_by_role("link", name="Example Chat"))
    expect(page.get_by_text("network events have an address without a port")).to_be_visible()
    look_at(page, f"insight-provider-{width}")
    page.get_by_text("As a table").first.click()
    look_at(page, f"insight-provider-table-{width}")
    follow(page.get_by_role("button", name="A page to print"))
    look_at(page, f"insight-print-{width}")
    page.goto(f"/tips/{tip}/")
    page.get_by_text("Hold back what the reporter is told").click()
    page.get_by_label("Why", exact=True).last.fill("Somebody there could warn the person.")
    look_at(page, f"insight-tip-{width}")
    if width > 500:
        follow(page.get_by_role("button", name="Hold back"))
        expect(page.get_by_text("Held back by")).to_be_visible()
    assert complaints == []
