# SPDX-License-Identifier: Apache-2.0
"""The exercise's hardest people through the pages: found by one slip, or the letter that asks for the port is ready.

Months behind a VPN on two platforms, and one login over a mobile address that sixty-two subscribers share. One platform
kept the source port, the other did not.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from nightlight.casework.attribution import preparing, return_reading
from nightlight.casework.attribution.loaded import Loaded
from nightlight.casework.attribution.operator_profiles import profiles_of
from nightlight.casework.attribution.operators import Directory
from nightlight.casework.attribution.operators_reading import read_directory
from nightlight.casework.attribution.tests import exercise_lists, prepared_cast, requests_cast
from nightlight.exercise import slips
from nightlight.exercise.carriers import DAY, Books
from nightlight.exercise.directory import operator_directory
from nightlight.exercise.exits import Exits
from nightlight.exercise.reporters import BY_KEY
from nightlight.exercise.reports import write_report
from nightlight.exercise.slips import Slip
from nightlight.exercise.trails import DAYS
from nightlight.foundation import clock
from nightlight.outlook.desk.tests import cast
from nightlight.outlook.desk.tests.browsing import browser, complaints_of, fits, follow, look_at, pytestmark, sign_in
from nightlight.pipeline.triage.tests import cast as triage
from nightlight.trust import identity, work

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page
    from pytest_django.live_server_helper import LiveServer

    from nightlight.exercise.slips import Walk
    from nightlight.pipeline.tips.models import Tip

__all__ = ["browser", "pytestmark"]
SEED, NOW = 11, cast.NOON
REFERENCE = "FIR 21/2026 (exercise)"


@pytest.fixture(scope="module")
def lists() -> Loaded:
    """The lists and operators of the exercise, as a unit has them loaded."""
    books = Books(SEED, NOW, DAYS)
    read = read_directory(operator_directory(NOW))
    # A letter to somebody invented is refused but in a demo, which these tests are not.
    directory = Directory(read.name, read.version, tuple(replace(one, exercise=False) for one in read.operators))
    known = exercise_lists.loaded(books, Exits.of(books), every=DAY // 2)
    return Loaded("0" * 64, replace(known, profiles=profiles_of(directory)), directory)


@pytest.fixture
def people(transactional_db: None, lists: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two officers of one unit, on a day on which the records are still there."""
    prepared_cast.load(monkeypatch, lists)
    monkeypatch.setattr("nightlight.foundation.clock.now", lambda: NOW + timedelta(hours=2))
    requests_cast.person("Asha")
    requests_cast.person("Ravi", rank="Inspector")


def filed(walk: Walk) -> Tip:
    """Its two reports, filed, linked and looked up; the tip in which the slip stands."""
    tips = {}
    for report in walk.reports:
        by = cast.reporter(BY_KEY[report.reporter].name)
        tips[report.key] = triage.tip(by, write_report(report, {}), at=NOW)
    prepared_cast.link()
    assert preparing.prepare_new(by=work.SERVICE, now=lambda: NOW, patience=60) == (False, set())
    return tips[walk.report]


def look(page: Page, name: str) -> None:
    """At the width of a desk, and at that of a telephone."""
    fits(page, f"{name}-1280")
    page.set_viewport_size({"width": 390, "height": 900})
    look_at(page, f"{name}-390")
    page.set_viewport_size({"width": 1280, "height": 900})


def drafted(asha: Page, tip: Tip, name: str) -> str:
    """From the tip to a letter that is drawn up; its address."""
    asha.goto(f"/tips/{tip.public_id}/")
    follow(asha.locator("#network").get_by_role("link", name="Which address leads to whom"))
    look(asha, f"walk-{name}-addresses")
    follow(asha.locator(".next-step").get_by_role("link"))
    powers = asha.get_by_label("Power for")
    if powers.count() and not powers.first.input_value():
        powers.first.select_option("bnss-94")
        follow(asha.get_by_role("button", name="Show what would be asked"))
    reference = asha.get_by_label("Your unit's reference")
    assert reference.count(), asha.locator("main").inner_text()  # says why nothing can be drawn up
    reference.fill(REFERENCE)
    look(asha, f"walk-{name}-new")
    follow(asha.get_by_role("button", name="Draw up this letter"))
    return asha.url


def letter(page: Page) -> str:
    """Open the letter from the page of its request, and give its words."""
    follow(page.get_by_role("link", name="The letter, to read and print"))
    return page.locator("main").inner_text()


def compared_and_signed(ravi: Page, address: str, name: str) -> None:
    """A second person compares each line with its source, reads the check value back, and signs."""
    ravi.goto(address)
    letter(ravi)
    value = ravi.locator("#check-1").inner_text()
    look(ravi, f"walk-{name}-letter")
    ravi.goto(address)
    for mark in ravi.locator("#compare input[type=checkbox]").all():
        mark.check()
    ravi.get_by_label("Check value, read back").fill(value)
    look(ravi, f"walk-{name}-compare")
    follow(ravi.get_by_role("button", name="Everything is the same"))
    for tick in ravi.locator("#sign input[type=checkbox]").all():
        tick.check()
    for choice in ravi.locator("#sign select").all():
        choice.select_option("yes")
    follow(ravi.get_by_role("button", name="Sign", exact=True))
    expect(ravi.get_by_text("Nothing is sent by itself")).to_be_visible()


def test_the_one_slip_with_its_port_leads_to_the_line_with_reasons_that_can_be_read(
    browser: Browser, live_server: LiveServer, people: None, tmp_path: Path
) -> None:
    walk = next(one for one in slips.walks(SEED, NOW) if one.case is Slip.WITH_PORT)
    tip = filed(walk)
    asha, ravi = (sign_in(browser, live_server, name) for name in ("asha", "ravi"))
    complaints = complaints_of(asha)
    asha.goto(f"/tips/{tip.public_id}/addresses/")
    step = asha.locator(".next-step")
    expect(step).to_contain_text(f"Ask Neela Mobile for the subscriber of {walk.address} port {walk.port}")
    expect(asha.locator("#ladder")).to_contain_text("one independent time alone: not for a warrant")
    expect(asha.locator("#apart")).to_contain_text("has nothing to do with it")
    asha.goto(f"/tips/{tip.public_id}/addresses/who/")
    expect(asha.locator(".next-step")).to_contain_text("Nobody has stated yet whom the records name")
    address = drafted(asha, tip, "port")
    compared_and_signed(ravi, address, "port")
    asha.goto(address)
    asha.select_option("#send [name=way]", "e-mail")
    follow(asha.get_by_role("button", name="It was sent"))
    follow(asha.get_by_role("link", name="Their answer came"))
    (written,) = (one for one in slips.write_returns(tmp_path, SEED, NOW) if one.case is Slip.WITH_PORT)
    asha.set_input_files("[name=file]", str(written.path))
    follow(asha.get_by_role("button", name="Take in"))
    with identity.acting_as(service="attribution"):
        return_reading.read_waiting(tip=tip.public_id, by=work.SERVICE, now=clock.now)
    asha.reload()
    look(asha, "walk-port-return")
    expect(asha.locator("#line-1")).to_contain_text(walk.line)
    expect(asha.locator(".next-step")).to_contain_text("Line 1 names one subscriber.")
    asha.locator("#line-1").get_by_text("State whom the records name").click()
    asha.locator("#line-1 [name=why]").fill("The operator says by telephone that it is of the installation.")
    follow(asha.locator("#line-1").get_by_role("button", name=f"State {walk.line}"))
    follow(asha.locator("#stated").get_by_role("link", name="Whom the records name"))
    main = asha.locator("main")
    for said in (
        f"Neela Mobile's records assign {walk.address}, port {walk.port}",
        "Confidence: moderate",
        "the tunnel was not up, or fell",  # supports
        "One independent time alone: not for a warrant",  # contradicts
        "to the second",  # how the time was read
        "Two matchers that know nothing of each other found the same rows",
        "Records of the network do not say who used it",
    ):
        expect(main).to_contain_text(said)
    expect(main).to_contain_text(f"{walk.person.first_name} {walk.person.last_name}")
    look(asha, "walk-port-who")
    asha.goto(f"/tips/{tip.public_id}/addresses/")
    expect(asha.locator(".next-step")).to_contain_text("The operator's records name a subscriber")
    assert complaints == []


def test_the_same_without_the_port_ends_in_the_letter_that_asks_the_provider_for_it(
    browser: Browser, live_server: LiveServer, people: None
) -> None:
    walk = next(one for one in slips.walks(SEED, NOW) if one.case is Slip.WITHOUT_PORT)
    tip = filed(walk)
    asha, ravi = (sign_in(browser, live_server, name) for name in ("asha", "ravi"))
    asha.goto(f"/tips/{tip.public_id}/addresses/")
    expect(asha.locator(".next-step")).to_contain_text("Ask the provider for the source port: Lanternroll")
    address = drafted(asha, tip, "no-port")
    compared_and_signed(ravi, address, "no-port")
    said = letter(ravi)
    assert "source port" in said.lower() and walk.address in said and REFERENCE in said
    assert "Signed" in said and "Not to be sent" not in said
    look(ravi, "walk-no-port-signed")
