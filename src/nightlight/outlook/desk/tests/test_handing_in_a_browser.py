# SPDX-License-Identifier: Apache-2.0
"""A tip goes from the national centre to a station in four presses; what comes back, and what its sender follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from nightlight.foundation import clock
from nightlight.outlook.desk.tests import cast
from nightlight.outlook.desk.tests.browsing import browser, follow, look_at, pytestmark, sign_in
from nightlight.pipeline.routing import answering, proposing
from nightlight.pipeline.routing.models import Offer, OfferState
from nightlight.trust import identity, work
from nightlight.trust.custody import actions as custody
from nightlight.trust.custody import keys
from nightlight.trust.units import actions as units

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page
    from pytest_django.live_server_helper import LiveServer

    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.units.models import Unit

__all__ = ["browser", "pytestmark"]

REPORT = b"""<report><incidentSummary>
<incidentType>Child Pornography (possession, manufacture, and distribution)</incidentType>
<incidentDateTime>2026-01-05T10:15:30Z</incidentDateTime></incidentSummary>
<reporter><reportingPerson><email>desk@chat.example.org</email></reportingPerson></reporter>
<personOrUserReported><personOrUserReportedPerson><firstName>Grey</firstName><lastName>Heron</lastName>
<address><address>4 Example Road</address><city>Pune</city><zipCode>411004</zipCode>
<nonUsaState>Maharashtra</nonUsaState>
<country>IN</country></address></personOrUserReportedPerson><screenName>grey-heron</screenName>
</personOrUserReported></report>"""
TIERS = (
    ("state", "IN-MH", "Maharashtra unit", ("IN-MH",), "Arun", "triage-officer"),
    ("district", "MH-PUNE", "Lakeside cell", ("PIN:411",), "Kavita", "commander"),
    ("station", "PS-RIVER", "Riverside station", ("PIN:411004",), "Asha", "investigator"),
)


class Police:
    """Four tiers with one person each, and a tip at the top that belongs at the bottom."""

    def __init__(self) -> None:
        self.units: list[Unit] = [cast.root()]
        cast.person("Nila", "intake-analyst")
        for kind, code, name, areas, who, role in TIERS:
            made = units.add_unit(
                by="command:cli",
                at=cast.NOON,
                code=code,
                name=name,
                kind=kind,
                parent=self.units[-1],
                areas=areas,
            )
            self.units.append(made)
            cast.person(who, role, made)
        self.tip: Tip = cast.Desk(cast.reporter()).received(REPORT)
        with identity.acting_as(service="routing"):
            proposing.propose_new(by=work.SERVICE, now=clock.now)

    def deliver(self) -> None:
        """What the worker does between two people."""
        with identity.acting_as(service="routing"):
            answering.deliver(by=work.SERVICE, now=clock.now)

    def offer(self) -> Offer:
        """The offer that waits."""
        return Offer.objects.get(tip=self.tip, state__in=["sent", "delivered", "opened"])


@pytest.fixture
def police(transactional_db: None) -> Police:
    return Police()


def at_the_tip(browser: Browser, server: LiveServer, who: str, police: Police) -> Page:
    """The tip's page in a window of this person's own, reached from the list of what is to be answered."""
    page = sign_in(browser, server, who.lower())
    page.goto("/hand-overs/")
    follow(page.get_by_role("link", name="Read and answer"))
    return page


def test_four_presses_take_a_tip_from_the_national_centre_to_a_station(
    browser: Browser, live_server: LiveServer, police: Police
) -> None:
    page = sign_in(browser, live_server, "nila")
    page.goto(f"/tips/{police.tip.public_id}/")
    expect(page.locator("#unit")).to_contain_text("Seems to belong")
    look_at(page, "hand-national-1280")
    follow(page.get_by_role("button", name="Offer to Maharashtra unit"))
    expect(page.locator("#unit")).to_contain_text("Offered to")
    police.deliver()
    page = at_the_tip(browser, live_server, "Arun", police)
    look_at(page, "hand-state-1280")
    follow(page.get_by_role("button", name="Accept and pass to Lakeside cell"))
    police.deliver()
    page = at_the_tip(browser, live_server, "Kavita", police)
    follow(page.get_by_role("button", name="Accept and pass to Riverside station"))
    police.deliver()
    narrow = sign_in(browser, live_server, "asha", width=390, dark=True)
    narrow.goto("/hand-overs/")
    look_at(narrow, "hand-overs-390")
    follow(narrow.get_by_role("link", name="Read and answer"))
    look_at(narrow, "hand-station-390")
    follow(narrow.get_by_role("button", name="Accept for Riverside station"))
    police.tip.refresh_from_db()
    assert police.tip.unit == police.units[-1]
    steps = Offer.objects.filter(tip=police.tip).order_by("sent_at")
    assert [one.state for one in steps] == [OfferState.ACCEPTED] * 3
    for one in steps:
        assert [str(r.kind) for r in one.receipts.order_by("pk")] == ["sent", "delivered", "opened", "accepted"]
    # Whoever handed it over follows where it is (that they do not see the tip itself is in tests/test_walls.py).
    page = sign_in(browser, live_server, "nila")
    page.goto("/hand-overs/?show=followed")
    expect(page.locator("main")).to_contain_text("Riverside station")
    look_at(page, "hand-followed-1280")
    follow(page.get_by_role("link", name=police.tip.public_id))
    look_at(page, "hand-way-1280")
    expect(page.locator("main")).not_to_contain_text("Heron")


def test_what_is_not_theirs_comes_back_with_its_reason_and_its_receipts_can_be_taken_along(
    browser: Browser, live_server: LiveServer, police: Police
) -> None:
    page = sign_in(browser, live_server, "nila")
    page.goto(f"/tips/{police.tip.public_id}/")
    follow(page.get_by_role("button", name="Offer to Maharashtra unit"))
    police.deliver()
    theirs = sign_in(browser, live_server, "arun", width=390)
    theirs.goto(f"/tips/{police.tip.public_id}/")
    theirs.locator("summary", has_text="Not ours").click()
    theirs.select_option("select[name=code]", "other-place")
    theirs.fill("form[action$='send-back/'] input[name=reason]", "The family moved to Jaipur in June.")
    look_at(theirs, "hand-not-ours-390")
    follow(theirs.get_by_role("button", name="Send back"))
    page.goto("/hand-overs/?show=back")
    expect(page.locator("main")).to_contain_text("The family moved to Jaipur in June.")
    look_at(page, "hand-back-1280")
    follow(page.get_by_role("link", name="Receipts"))
    expect(page.locator("main")).to_contain_text("not signed yet")
    custody.sequence(at=clock.now())
    custody.sign_head(at=clock.now(), key=keys.signing_key())
    page.reload()
    look_at(page, "hand-receipts-1280")
    with page.expect_download() as kept:
        page.get_by_role("link", name="Download all receipts").click()
    assert kept.value.suggested_filename.startswith("receipts-HO-")
    page.goto("/hand-overs/?show=cost")
    look_at(page, "hand-cost-1280")
    page.goto(f"/tips/{police.tip.public_id}/")
    expect(page.locator("#unit")).to_contain_text("It came back once")
    for summary in page.locator("#unit summary").all():
        summary.click()
    look_at(page, "hand-open-1280")
