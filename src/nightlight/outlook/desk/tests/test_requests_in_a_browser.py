# SPDX-License-Identifier: Apache-2.0
"""A request from the events of a tip to the post: drawn up, compared by a colleague, signed, sent; nothing is typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from nightlight.casework.attribution.models import Request
from nightlight.casework.attribution.tests import requests_cast as asked
from nightlight.casework.attribution.tests.prepared_cast import used
from nightlight.outlook.desk.tests.browsing import browser, fits, follow, look_at, pytestmark, sign_in

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page
    from pytest_django.live_server_helper import LiveServer

    from nightlight.pipeline.tips.models import Tip

__all__ = ["browser", "pytestmark"]


@pytest.fixture
def tip(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Tip:
    asked.load(monkeypatch, days=400)
    asked.person("Asha")
    asked.person("Ravi", rank="Inspector")
    return asked.tip(
        used(asked.MOBILE, "2026-11-09T18:32:11Z", 41000, "Upload"), used(asked.TOR, "2026-11-10T08:00:00Z", 40000)
    )


def look(page: Page, name: str) -> None:
    """At the width of a desk, and at that of a telephone."""
    fits(page, f"{name}-1280")
    page.set_viewport_size({"width": 390, "height": 900})
    look_at(page, f"{name}-390")
    page.set_viewport_size({"width": 1280, "height": 900})


def test_a_request_goes_from_the_evidence_to_the_post(browser: Browser, live_server: LiveServer, tip: Tip) -> None:
    asha = sign_in(browser, live_server, "asha")
    asha.goto(f"/tips/{tip.public_id}/requests/new/")
    expect(asha.get_by_text("Choose the events to ask about")).to_be_visible()
    expect(asha.get_by_label(asked.TOR)).to_be_disabled()
    asha.get_by_label(asked.MOBILE).check()
    follow(asha.get_by_role("button", name="Show what would be asked"))
    expect(asha.get_by_text("Choose the power by which it is asked.")).to_be_visible()
    look(asha, "request-new-blocked")
    asha.get_by_label("Power for").select_option("bnss-94")
    follow(asha.get_by_role("button", name="Show what would be asked"))
    asha.get_by_label("Your unit's reference").fill(asked.REFERENCE)
    look(asha, "request-new")
    follow(asha.get_by_role("button", name="Draw up this letter"))
    made = Request.objects.get()
    expect(asha.get_by_text("whoever drafted it cannot")).to_be_visible()
    expect(asha.get_by_role("button", name="Everything is the same")).to_have_count(0)
    look(asha, "request-draft")
    asha.goto("/requests/?show=mine")
    look(asha, "requests")

    ravi = sign_in(browser, live_server, "ravi")
    ravi.goto("/requests/")
    follow(ravi.get_by_role("link", name="Subscriber of an address"))
    expect(ravi.get_by_text("Compare each line with its source.")).to_be_visible()
    follow(ravi.get_by_role("link", name="The letter, to read and print"))
    expect(ravi.get_by_text("Not to be sent")).to_be_visible()
    value = ravi.locator("#check-1").inner_text()
    look(ravi, "request-letter")
    follow(ravi.get_by_role("link", name=made.public_id))
    for mark in ("Address", "Port", "Time", "Zone"):
        ravi.get_by_label(f"{mark} of line 1 is the same").check()
    ravi.get_by_label("Check value, read back").fill("0000-0000")
    expect(ravi.get_by_role("heading", name="What has to be known of this line")).to_be_visible()
    ravi.get_by_label("I have read what has to be known").check()
    look(ravi, "request-compare")
    follow(ravi.get_by_role("button", name="Everything is the same"))
    expect(ravi.get_by_text("is not that of the line")).to_be_visible()
    for mark in ("Address", "Port", "Time", "Zone"):
        ravi.get_by_label(f"{mark} of line 1 is the same").check()
    ravi.get_by_label("Check value, read back").fill(value.lower())
    ravi.get_by_label("I have read what has to be known").check()
    follow(ravi.get_by_role("button", name="Everything is the same"))
    ravi.select_option("#sign [name^=floor]", "yes")
    ravi.get_by_label("I sign as").check()
    ravi.get_by_label("I have read what has to be known").check()
    look(ravi, "request-sign")
    follow(ravi.get_by_role("button", name="Sign", exact=True))
    expect(ravi.get_by_text("Nothing is sent by itself")).to_be_visible()
    ravi.select_option("#send [name=way]", "e-mail")
    follow(ravi.get_by_role("button", name="It was sent"))
    expect(ravi.get_by_text("Wait for the answer")).to_be_visible()
    look(ravi, "request-sent")
    ravi.goto("/requests/operators/")
    look(ravi, "request-operators")
    made.refresh_from_db()
    assert (made.state, made.checked_by, made.signed_by) == ("sent", made.signed_by, made.checked_by)
