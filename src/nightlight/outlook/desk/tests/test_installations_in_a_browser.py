# SPDX-License-Identifier: Apache-2.0
"""Other installations in a browser: our card, adding theirs, comparing, what is held, packages on their way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from nightlight.foundation import clock
from nightlight.outlook.desk.tests import cast
from nightlight.outlook.desk.tests.browsing import browser, complaints_of, follow, look_at, pytestmark, sign_in
from nightlight.pipeline.routing.exchange import receiving
from nightlight.pipeline.routing.models import Installation, Package
from nightlight.pipeline.routing.tests.others import Other, whole
from nightlight.trust.units import actions as units

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser
    from pytest_django import Settings
    from pytest_django.live_server_helper import LiveServer

__all__ = ["browser", "pytestmark"]


def _packages(one: Installation) -> None:
    rows = (
        ("PK-1111-1111", True, "sending", 48_000_000, 21_000_000, 120, 0, "", ""),
        ("PK-2222-2222", True, "refused", 5_000_000, 5_000_000, 3, 0, "digest", "It was changed on its way."),
        ("PK-3333-3333", False, "unpacking", 900_000_000, 900_000_000, 500, 212, "", ""),
        ("PK-4444-4444", True, "ready", 70_000, 0, 1, 0, "", "It cannot be reached (TimeoutError)"),
        ("PK-5555-5555", False, "taken", 9_000, 9_000, 1, 1, "", ""),
    )
    for name, outgoing, state, size, moved, tips, done, code, why in rows:
        Package.objects.create(
            public_id=name, outgoing=outgoing, kind="referral", installation=one, package_id=name, state=state,
            size=size, moved=moved, tips=tips, done=done, code=code, why=why, tries=4 if state == "ready" else 0,
            by="service:worker", made_at=clock.now(), state_at=clock.now(), sender="" if outgoing else one.fingerprint,
            not_before=clock.now().replace(year=2099) if state == "ready" else None,
        )  # fmt: skip


@pytest.fixture(autouse=True)
def _places(settings: Settings, tmp_path: Path) -> None:
    settings.NIGHTLIGHT_EXCHANGE_FOLDER = tmp_path / "exchange"
    settings.NIGHTLIGHT_EXCHANGE_KEYS_DIR = tmp_path / "ours"
    settings.NIGHTLIGHT_EXCHANGE_DISK = 1


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)], ids=["wide", "phone-at-night"])
def test_installations_in_a_browser(
    browser: Browser, live_server: LiveServer, tmp_path: Path, width: int, dark: bool
) -> None:
    east, west = Other(tmp_path / "east"), Other(tmp_path / "west", name="State West", url="")
    cast.person("Charlie", "administrator")
    cast.person("Mona", "commander")
    units.add_unit(by="command:cli", at=clock.now(), parent=cast.root(), name="State East", code="ST-E", kind="state")
    page = sign_in(browser, live_server, "charlie", width=width, dark=dark)
    complaints = complaints_of(page)
    page.goto("/installations/")
    look_at(page, f"installations-{width}-empty")
    page.fill("[name=card]", east.card)
    page.select_option("[name=unit]", "ST-E")
    follow(page.get_by_role("button", name="Add", exact=True))
    look_at(page, f"installation-{width}-added")
    mine = page.url
    other = sign_in(browser, live_server, "mona", width=width, dark=dark)
    other.goto(mine)
    look_at(other, f"installation-{width}-compare")
    other.fill("[name=heard]", "12345 " * 8)
    follow(other.get_by_role("button", name="Compare"))
    expect(other.locator("main")).to_contain_text("It is not the same")
    other.fill("[name=heard]", east.spoken)
    follow(other.get_by_role("button", name="Compare"))
    expect(other.locator("h1 + .tip-line")).to_contain_text("Trusted")
    receiving.take_file(whole(*west.package()), at=clock.now(), by="command:cli")
    _packages(Installation.objects.get())
    look_at(other, f"installation-{width}-trusted")
    page.goto("/installations/")
    page.get_by_text("Drop it").first.click()
    look_at(page, f"installations-{width}")
    page.goto(mine)
    look_at(page, f"installation-{width}")
    assert complaints == []
    page.context.close()
    other.context.close()
