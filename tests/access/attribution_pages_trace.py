# SPDX-License-Identifier: Apache-2.0
"""The page of addresses and what it is made from, in the tables of pages and of rows; written by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nightlight.casework.attribution import prepared_body
from nightlight.casework.attribution.models import Prepared
from tests.access import objects
from tests.access.asking import READ, Page, near
from tests.access.stated import APART, BY_TIP, RECORD, Table

if TYPE_CHECKING:
    from tests.access.world import World

__all__ = ["PAGES", "REFUSED_TWICE", "TABLES", "build"]
_APART_ONLY = near(APART, broken=False)

PAGES: dict[str, list[Page]] = {
    "desk:named": [
        Page(near(READ), of="tip", kwargs={"public_id": objects.tip}),
        Page(_APART_ONLY, of="tip", kwargs={"public_id": objects.apart}, others=("absent", "refused")),
    ],
    "desk:addresses": [
        Page(near(READ), of="tip", kwargs={"public_id": objects.tip}),
        Page(near(READ), of="tip", kwargs={"public_id": objects.tip}, data={"person": "77"}),
        Page(_APART_ONLY, of="tip", kwargs={"public_id": objects.apart}, others=("absent", "refused")),
    ],
}
REFUSED_TWICE = dict.fromkeys(PAGES, "the query asks again for a role that reads tips")

TABLES: dict[str, Table] = {
    "attribution_waiting": Table(
        "S", "", "S I U D", "attribution command SIUD", sees=RECORD, worker_sets="failed_times = 0", **BY_TIP
    ),
    "attribution_prepared": Table(
        "S",
        "",
        "S I U D",
        "verifying S retention SD attribution command SIUD",
        sees=RECORD,
        worker_sets="events = 0",
        **BY_TIP,
    ),
}


def build(world: World) -> None:
    """Rows as the step leaves them."""
    body = prepared_body.written(prepared_body.Body(()))
    for code in world.full:
        for tip in (world.full[code], world.tips[code][1]):
            Prepared.objects.create(tip=tip, version=1, lists="0" * 64, body=body, events=0, made_at=world.at)
