# SPDX-License-Identifier: Apache-2.0
"""Pages of what went wrong or lies long: a tip without a score, an alert that calls nobody, a silenced value."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import structlog

from nightlight.foundation import clock
from nightlight.outlook.desk.tests import cast
from nightlight.outlook.desk.tests.browsing import browser, complaints_of, follow, look_at, pytestmark, sign_in
from nightlight.pipeline.linking import decisions
from nightlight.pipeline.linking.models import Identifier
from nightlight.pipeline.triage import assessing, gathering
from nightlight.pipeline.triage.models import Alert, Quiet
from nightlight.pipeline.triage.tests import cast as pile
from nightlight.pipeline.triage.tests.test_rulebooks import OTHER

if TYPE_CHECKING:
    from datetime import datetime

    from playwright.sync_api import Browser
    from pytest_django.live_server_helper import LiveServer

    from nightlight.pipeline.tips.models import Tip

__all__ = ["browser", "pytestmark"]


def _world(monkeypatch: pytest.MonkeyPatch) -> tuple[Tip, Tip]:
    """A tip that cannot be scored, an old alert, and a value of two tips that an officer silenced."""
    kavita = cast.person("Kavita", "commander")
    cast.person("Joy", "administrator")
    at = clock.now() - timedelta(hours=2)
    chat = pile.reporter()
    shared = pile.body(email="kite@example.org")
    first, _ = pile.tip(chat, shared, at=at), pile.tip(chat, shared, at=at)
    pile.tip(chat, pile.body(urgent="Please look at this first."), at=at)
    lost = pile.tip(chat, at=at)
    real = gathering.gather

    def gather(tips: list[Tip], at: datetime) -> object:
        if lost in tips:
            raise LookupError("defeated")
        return real(tips, at)

    monkeypatch.setattr(gathering, "gather", gather)
    with structlog.testing.capture_logs():
        pile.link(at)
        assessing.assess_new(by=pile.BY, now=lambda: at)
    Alert.objects.update(quiet=Quiet.OLD, call_at=None)
    value = Identifier.objects.get(kind="email", suspects=2)
    decisions.silence(value.pk, by=cast.viewer(kavita), at=at, reason=pile.WHY)
    pile.link(at)
    return lost, first


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)], ids=["desk by day", "phone at night"])
def test_every_page_is_readable_by_everybody(
    browser: Browser, live_server: LiveServer, monkeypatch: pytest.MonkeyPatch, width: int, dark: bool
) -> None:
    lost, first = _world(monkeypatch)
    complaints: list[str] = []
    opened = "document.querySelectorAll('main details').forEach(one => one.open = true)"
    for person, pages in {
        "kavita": {
            "unscored-queue": "/queue/",
            "unscored-tip": f"/tips/{lost.public_id}/",
            "old-alerts": "/alerts/",
            "silenced": f"/tips/{first.public_id}/linked/0/",
        },
        "joy": {"defeated-system": "/system/"},
    }.items():
        page = sign_in(browser, live_server, person, width=width, dark=dark)
        said = complaints_of(page)
        for name, address in pages.items():
            page.goto(address)
            page.evaluate(opened)
            look_at(page, f"{name}-{width}")
        if person == "kavita":
            page.goto("/queue/rules/")
            page.fill("#body", OTHER)
            follow(page.get_by_role("button", name="Show what would change"))
            page.fill("#body", OTHER.replace("points = 50", "points = 51"))
            page.fill("#reason", pile.WHY)
            follow(page.get_by_role("button", name="Save: they count from now on"))
            assert "not-previewed" in page.inner_text("main")
            look_at(page, f"not-previewed-{width}")
        complaints += said
        page.context.close()
    assert [text for text in complaints if "status of 409" not in text] == []
