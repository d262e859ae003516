# SPDX-License-Identifier: Apache-2.0
"""Where tips belong, in the table of tables and in the world: a proposal and a sign of each report, and lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nightlight.pipeline.routing import rules
from nightlight.pipeline.routing.models import District, DistrictList, Feed, OfficerSign, Proposal
from tests.access import triage
from tests.access.asking import COMMANDER, INTAKE, OFFICER, SPECIALIST, TRIAGE
from tests.access.stated import APART, BY_TIP, RECORD, Rule, Table, reach

if TYPE_CHECKING:
    from tests.access.world import World

_ADDS = frozenset({INTAKE, TRIAGE, OFFICER, SPECIALIST, COMMANDER})
_SIGNED_IN: Rule = {"*": {"signed-in": {"any"}}}
_ABOUT_PLACES = Table("S", "", "S I", "routing verifying S command SI", sees=_SIGNED_IN)

TABLES: dict[str, Table] = {
    "routing_waiting": Table(
        "S", "", "S I U D", "routing command SIUD", sees=RECORD, worker_sets="failed_times = 0", **BY_TIP
    ),
    "routing_proposal": Table(
        "S",
        "",
        "S I U D",
        "exchange verifying S routing command SIUD",
        sees=RECORD,
        worker_sets="confidence = 1",
        **BY_TIP,
    ),
    # Whoever sees a tip and works on tips may say where something in it is, each in their own name.
    "routing_officersign": Table(
        "S I",
        "",
        "S",
        "routing exchange verifying command S",
        sees=RECORD,
        adds={"": reach(_ADDS), "apart": reach(APART & _ADDS)},
        adds_own=True,
        person="t.by_id",
        owner="by_id",
        spoilt=({"by_id": -1},),
        **BY_TIP,
    ),
    # Nothing of any case.
    "routing_districtlist": _ABOUT_PLACES,
    "routing_district": _ABOUT_PLACES,
    "routing_feed": _ABOUT_PLACES,
}


def build(world: World) -> None:
    """Rows as the step, officers and the command line leave them."""
    nowhere = rules.to_json(rules.Proposed((), unknown=True, why="Nothing.", foreign=""))
    for code in world.full:
        for tip in (world.full[code], world.tips[code][1]):
            Proposal.objects.create(tip=tip, version=1, body=nowhere, confidence=0, made_at=world.at)
            OfficerSign.objects.create(
                tip=tip, kind="officer_place", value="Pune", reason="Seen", by=triage.worker(world, code), at=world.at
            )
    loaded = {"sha256": "0" * 64, "rows": 1, "passed_over": 0, "by": "command:cli", "at": world.at}
    made = DistrictList.objects.create(name="districts.csv", **loaded)
    District.objects.create(list=made, code="LGD:9009", name="Pune", state="IN-MH")
    Feed.objects.create(name="ops.csv", kind="places", size=1, as_of=world.at.date(), **loaded)
