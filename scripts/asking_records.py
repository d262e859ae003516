# SPDX-License-Identifier: Apache-2.0
"""The pictures of asking for records: from the addresses of a tip to a letter that a second person can compare."""

from __future__ import annotations

from typing import TYPE_CHECKING

import picking
from walking import shot

if TYPE_CHECKING:
    from walking import Walk


def records(walk: Walk) -> None:
    """From the addresses of a tip to a letter that a second person has compared."""
    address = ""
    with walk.as_("officer") as page, walk.part("records-addresses", "records-new", "records-drafted"):
        tip = walk.pick(page, picking.BEHIND_A_TUNNEL)
        walk.go(page, f"/tips/{tip}/addresses/")
        shot(page, "records-addresses", end="#candidates")
        shot(page, "records-time-line", begin="#uses", end="#uses")
        with page.expect_navigation():
            page.locator(".next-step a.go").click()
        page.get_by_label("Power for").first.select_option("bnss-94")
        with page.expect_navigation():
            page.get_by_role("button", name="Show what would be asked").click()
        page.get_by_label("Your unit's reference").fill("FIR 21/2026 (exercise)")
        shot(page, "records-new")
        page.get_by_role("button", name="Draw up this letter").click()
        page.wait_for_url("**/requests/RQ-*/")
        address = page.url
        shot(page, "records-drafted")
    with walk.as_("commander") as page, walk.part("records-compare", "records-letter", "records-desk"):
        walk.go(page, "/requests/")
        shot(page, "records-desk")
        if address:
            page.goto(address)
            shot(page, "records-compare")
            page.goto(f"{address}letter/")
            shot(page, "records-letter")
        walk.go(page, "/requests/districts/")
        shot(page, "records-districts")
        walk.go(page, "/requests/operators/")
        shot(page, "records-operators")
