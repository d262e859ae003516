# SPDX-License-Identifier: Apache-2.0
"""Scorecards and what reporters are told, in the table of pages, in the table of tables, and in the world."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nightlight.foundation import clock
from nightlight.outlook.insight import filling, models
from nightlight.trust import identity
from tests.access import objects, triage
from tests.access.asking import AUDITOR, COMMANDER, LEGAL, TRIAGE, Page, any_of, near
from tests.access.stated import BY_TIP, RECORD, Rule, Table, reach

if TYPE_CHECKING:
    from tests.access.world import Person, World

_READS = frozenset({TRIAGE, COMMANDER, AUDITOR, LEGAL})
_DECIDES = frozenset({TRIAGE, COMMANDER})
_HELD = {role: where - {"broken"} for role, where in reach(_DECIDES).items()}
_AT_WORK: Rule = {"": _HELD, "apart": {COMMANDER: _HELD[COMMANDER]}}
_MACHINE = ("sign-in",)  # a reporter shows a credential: whoever is signed in with a session is nobody here


def _provider(world: World, _person: Person, _code: str) -> str:
    return world.logins["Example Chat"].reporter_public_id


_PROVIDER = {"public_id": _provider}
PAGES: dict[str, list[Page]] = {
    "feedback:report": [Page({}, others=_MACHINE, kwargs={"report_id": "7"})],
    "feedback:reports": [Page({}, others=_MACHINE)],
    "feedback:table": [Page({}, others=_MACHINE)],
    "feedback:nowhere": [
        Page({}, others=_MACHINE, kwargs={"rest": "v1/nowhere"}),
        Page({}, others=_MACHINE, kwargs={"rest": "v1/nowhere"}, method="POST"),
    ],
    "insight:providers": [Page(any_of(_READS))],
    "insight:provider": [Page(any_of(_READS), kwargs=_PROVIDER)],
    # Beyond the role it asks for a post at the top; outlook/insight/tests asks who has one and who has not.
    "insight:export": [
        Page(any_of(_DECIDES), method="POST", kwargs=_PROVIDER, data={"form": "csv"}, inside=("in", "refused"))
    ],
    "insight:hold-back": [
        Page(
            near(_DECIDES, broken=False),
            of="tip",
            method="POST",
            kwargs={"public_id": objects.tip},
            data={"held": "yes", "reason": "Somebody there could warn him"},
            others=("refused", "absent"),
            behind_glass=("refused",),
            effect=True,
        )
    ],
}
REFUSED_TWICE = dict.fromkeys(
    ("insight:providers", "insight:provider", "insight:export", "insight:hold-back"),
    "the query or the action asks again for the role",
)


def _worked_out(sets: str, web: str = "S") -> Table:
    sees: Rule = RECORD if web else {}
    return Table(web, "", "S I U D", "reading command SIUD", sees=sees, worker_sets=sets, **BY_TIP)


TABLES: dict[str, Table] = {
    "insight_waiting": _worked_out("day = '2026-11-20'", web=""),
    "insight_quality": _worked_out("days = 1"),
    "insight_told": _worked_out("lacks = ''"),
    "insight_listed": Table(intake="S I U(day)", open=True),
    "insight_holdback": Table(
        "S I",
        "",
        "S",
        "verifying command S",
        sees=RECORD,
        adds=_AT_WORK,
        adds_own=True,
        person="t.by_id",
        owner="by_id",
        spoilt=({"by_id": -1},),
        **BY_TIP,
    ),
}


def build(world: World) -> None:
    """What was counted of each tip, and of two in each unit what was held back for a while."""
    for code, tip in world.full.items():
        for one in (tip, world.tips[code][1]):
            models.HoldBack.objects.create(
                tip=one, held=False, reason="As before", by=triage.worker(world, code), at=world.at
            )
    with identity.acting_as(service="reading"):
        filling.fill(by="service:worker", at=clock.now())
