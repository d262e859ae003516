# SPDX-License-Identifier: Apache-2.0
"""An operator's answer is taken in, its columns named once, read, and what it says is stated: through the pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from nightlight.casework.attribution import preparing, return_reading
from nightlight.casework.attribution.models import Finding, Return
from nightlight.casework.attribution.tests import prepared_cast, return_cast
from nightlight.casework.attribution.tests.return_cast import LATER, NOW, SLIP, Wanted, row, sheet
from nightlight.foundation import clock
from nightlight.outlook.desk.tests import cast
from nightlight.outlook.desk.tests.browsing import browser, follow, look_at, pytestmark, sign_in
from nightlight.trust import identity, work

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from pytest_django.live_server_helper import LiveServer

    from nightlight.casework.attribution.models import Request

__all__ = ["browser", "pytestmark"]


@pytest.fixture
def request_(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Request:
    """A request with four lines: one that is plain, a set, one with day and month changed round, one unknown."""
    prepared_cast.load(monkeypatch)
    asha, kavita = cast.person("Asha", "investigator"), cast.person("Kavita", "commander")
    tip = prepared_cast.tip(cast.reporter(), prepared_cast.through_a_tunnel())
    preparing.prepare_new(by=work.SERVICE, now=lambda: NOW, patience=60)
    lines = (
        Wanted("ipCaptureEvent[1]", SLIP),
        Wanted("ipCaptureEvent[2]", LATER, port=None),
        Wanted("ipCaptureEvent[3]", SLIP, address="203.0.113.9"),
        Wanted("ipCaptureEvent[4]", SLIP, address="203.0.113.10"),
    )
    return return_cast.sent_request(tip, asha, kavita, *lines)


def _read(request: Request) -> None:
    with identity.acting_as(service="attribution"):
        return_reading.read_waiting(tip=request.tip.public_id, by=work.SERVICE, now=clock.now)


def test_an_answer_goes_from_the_file_to_what_is_stated(
    browser: Browser, live_server: LiveServer, request_: Request
) -> None:
    content = sheet(
        row(),
        row("SUB-2", at=LATER, ports="1024-2047", home="7 Example Lane, Pune"),
        row("SUB-3", at=LATER, ports="2048-3071", home="9 Example Lane, Pune"),
        row("SUB-4", at=SLIP.replace(month=9, day=11), address="203.0.113.9"),
        "Total: 4 rows",
    )
    page = sign_in(browser, live_server, "asha")
    page.goto(f"/requests/{request_.public_id}/return/")
    expect(page.locator("main")).to_contain_text("4 lines were asked")
    look_at(page, "return-new-1280")
    page.set_input_files("[name=file]", {"name": "answer.csv", "mimeType": "text/csv", "buffer": content})
    page.fill("[name=clock_error]", "1")
    follow(page.get_by_role("button", name="Take in"))
    expect(page.locator("#progress")).to_contain_text("Received")
    look_at(page, "return-waiting-1280")
    _read(request_)
    page.reload()
    expect(page.locator("#columns")).to_contain_text("Public IP")
    look_at(page, "return-columns-1280")
    page.get_by_label("In which order does this operator write dates?").select_option("dmy")
    page.get_by_label("In which zone are the times?").fill("Asia/Kolkata")
    follow(page.get_by_role("button", name="Keep, and read the return"))
    _read(request_)
    page.reload()
    expect(page.locator("#line-1")).to_contain_text("SUB-1")
    expect(page.locator("#line-2")).to_contain_text("not certain")
    expect(page.locator("#line-3")).to_contain_text("day and month were changed round")
    expect(page.locator("#line-3")).not_to_contain_text("SUB-4")  # nobody may be named
    expect(page.locator("#line-4")).to_contain_text("no row of this address at all")
    expect(page.locator("#disclosed")).to_contain_text("Beyond what was needed: 1")
    look_at(page, "return-read-1280")
    follow(page.locator("#line-1").get_by_role("button", name="State SUB-1"))
    expect(page.locator("#stated")).to_contain_text("SUB-1")
    assert Finding.objects.get().by.username == "asha"
    look_at(page, "return-stated-1280")
    follow(page.locator("#cautions").get_by_role("link", name="Entries"))
    expect(page.locator("#entries")).to_contain_text("day and month")
    look_at(page, "wrong-doors-1280")
    narrow = sign_in(browser, live_server, "kavita", width=390, dark=True)
    narrow.goto(f"/returns/{Return.objects.get().public_id}/")
    narrow.locator("#line-2 summary").first.click()
    look_at(narrow, "return-read-390")
    follow(narrow.get_by_role("link", name="Record a wrong door"))
    narrow.get_by_label("What went wrong").select_option("wrong-columns")
    narrow.get_by_label("No, it was noticed before").check()
    narrow.get_by_label("What happened").fill("The header of the second sheet was another one.")
    look_at(narrow, "wrong-doors-390")
    follow(narrow.get_by_role("button", name="Record", exact=True))
    expect(narrow.locator("#entries")).to_contain_text("The header of the second sheet")
