# SPDX-License-Identifier: Apache-2.0
"""Hand-over in the table of tables and in the world: of each unit's report an offer that was sent back, a stop, a seal.

Offers that are open let another unit see the tip; those and what the answers move are asked in the tests of routing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nightlight.pipeline.routing import answering, offers, stops
from nightlight.pipeline.routing.models import Seal
from nightlight.trust.units.viewer import viewer_of
from tests.access import triage
from tests.access.asking import COMMANDER, INTAKE, OFFICER, READ, SPECIALIST, TRIAGE
from tests.access.stated import BY_TIP, RECORD, Rule, Table, by, reach

if TYPE_CHECKING:
    from tests.access.world import World

WHY = "The person it is about lives elsewhere."
# The units whose people see an entry of the log for its receipt, beside those who see the tip.
UNITS_OF_RECEIPT = """SELECT u FROM routing_receipt r JOIN routing_offer o ON o.id = r.offer_id,
    unnest(ARRAY[o.from_unit_id, o.to_unit_id]) u WHERE r.event = t.id"""


def build(world: World) -> None:
    """Each unit offers its report to the one above it, the top to a state; it comes back."""
    for code, tip in world.full.items():
        to = next((other for other in _above(code)), "ST-B")
        giver, asked = triage.worker(world, code), triage.worker(world, to)
        made = offers.offer(
            by=viewer_of(giver, world.at), at=world.at, tip=tip, to=world.units[to], why="area", note="Read page two."
        )
        answering.bounce(by=viewer_of(asked, world.at), at=world.at, offer=made, code="other", reason=WHY)
        stops.stop(
            by=viewer_of(giver, world.at), at=world.at, tip=tip, unit=world.units[code], reason="waits-for-court"
        )
        Seal.objects.create(tip=tip, unit=world.units[code], reason=WHY, by=f"officer:{giver.public_id}", at=world.at)


def _above(code: str) -> list[str]:
    from tests.access.world import above

    return above(code)


_HANDS_ON = frozenset({INTAKE, TRIAGE, OFFICER, SPECIALIST, COMMANDER})
_HELD = {role: near - {"broken"} for role, near in reach(_HANDS_ON).items()}
_OF_HOLDER: Rule = {"*": _HELD}
_IN_THE_UNIT: Rule = {"*": {role: {"own"} for role in _HANDS_ON}}  # and nobody above it
_BOTH = "ARRAY[t.from_unit_id, t.to_unit_id]"
_OFFER_OF = "(SELECT o.{} FROM routing_offer o WHERE o.id = t.offer_id)"
_ACTS = {
    "adds_own": True,
    "owner": "by",
    "person": "(SELECT a.id FROM accounts_user a WHERE t.by = 'officer:' || a.public_id)",
    "names": lambda person: f"officer:{person.user.public_id}",
    "spoilt": ({"by": "command:cli"}, {"by": "officer:OF-1111-1111"}),
}

TABLES: dict[str, Table] = {
    # Ended all of them; who adds is who holds the tip, who ends is either unit.
    "tips_share": Table(
        "S I U(until,kind)",
        "",
        "S I U",
        "verifying rendering unsealing notices S routing exchange command SIU",
        sees=RECORD,
        adds=_OF_HOLDER,
        changes=_OF_HOLDER,
        changes_units=f"{BY_TIP['units']} || ARRAY[t.unit_id]",
        sets="until = now()",
        **BY_TIP,
    ),
    "routing_offer": Table(
        "S I U(state,delivered_at,opened_at,answered_at,answered_by,bounce_code,answer,due_at)",
        "",
        "S I U",
        "verifying S routing exchange command SIU",
        sees={"*": reach(READ)},
        adds=_OF_HOLDER,
        changes=_OF_HOLDER,
        units=_BOTH,
        adds_units="ARRAY[t.from_unit_id]",
        tip=BY_TIP["tip"],
        sets="answer = 'Other words'",
        worker_sets="answer = 'Other words'",
        **_ACTS,  # type: ignore[arg-type]
    ),
    "routing_receipt": Table(
        "S I",
        "",
        "S I",
        "verifying S routing exchange command SI",
        sees={"*": reach(READ)},
        adds=_OF_HOLDER,
        units=f"ARRAY[{_OFFER_OF.format('from_unit_id')}, {_OFFER_OF.format('to_unit_id')}]",
        tip=by(f"x.id = {_OFFER_OF.format('tip_id')}")["tip"],
        **_ACTS,  # type: ignore[arg-type]
    ),
    "routing_stop": Table(
        "S I U(ended_at,ended_by)",
        "",
        "S I U",
        "verifying routing exchange S command SIU",
        sees=RECORD,
        adds=_IN_THE_UNIT,
        changes=_IN_THE_UNIT,
        sets="ended_by = 'another'",
        worker_sets="ended_by = 'another'",
        **BY_TIP,
        **_ACTS,  # type: ignore[arg-type]
    ),
    "routing_seal": Table(
        "S I",
        "",
        "S",
        "verifying routing exchange command S",
        sees=RECORD,
        adds={"*": {COMMANDER: _HELD[COMMANDER]}},
        **BY_TIP,
        **_ACTS,  # type: ignore[arg-type]
    ),
}
