# SPDX-License-Identifier: Apache-2.0
"""Handing a tip from the unit that holds it to another: the work moves, the history stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import connection, models, transaction

from nightlight.foundation.refusals import Conflict
from nightlight.pipeline.tips.queries import Counted
from nightlight.trust.custody import actions as custody
from nightlight.trust.units import notices, rules

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.units.models import Unit
    from nightlight.trust.units.viewer import Viewer


# The conditions are those of the index of a unit's inbox.
_HELD = """
SELECT u.id, (SELECT count(*) FROM (SELECT 1 FROM tips_tip t WHERE t.unit_id = u.id AND t.environment = 'production'
                                    AND t.state = 'received' AND t.state <> 'open' LIMIT %(stop)s) AS found)
FROM units_unit u WHERE %(units)s::bigint[] IS NULL OR u.id = ANY (%(units)s::bigint[])
"""
_TOLD = (rules.REACHES_BELOW & rules.HANDS_OVER) | rules.VIEWS_MEDIA


class Why(models.TextChoices):
    """Why a tip is handed on. Enumerated, because entries of the log are for ever and free words may name people."""

    AREA = "area", "It concerns the other unit's area"
    SPECIALIST = "specialist", "It needs specialists"
    WORKLOAD = "workload", "To share the work"
    BACK = "back", "It does not belong here"


@transaction.atomic
def hand_over(*, by: str, at: datetime, tip: Tip, to: Unit, why: str) -> None:
    """Move a tip to another unit at once, and tell those who work there: at the command line ("command:cli").

    People offer a tip (pipeline/routing/offers.py), and the database moves one at once for nobody. Raises Conflict for
    a tip that is not finished or set apart, is elsewhere by now, or is with that unit already.
    """
    if why not in Why.values:
        raise Conflict("Say why the tip is handed on: choose one of the reasons.")
    if tip.unit_id == to.pk:
        raise Conflict(f"{to.name} holds this tip already.")
    held_by = tip.unit.public_id
    with connection.cursor() as cursor:
        custody.append(
            by=by,
            at=at,
            kind="tip.handed-over",
            subject=f"tip:{tip.public_id}",
            data={"from": held_by, "to": to.public_id, "why": why},
        )
        cursor.execute("SELECT tips_hand_over(%s, %s, %s)", [tip.pk, tip.unit_id, to.pk])
        (moved,) = cursor.fetchone()
    if not moved:
        raise Conflict("This tip is not finished yet, or another unit holds it by now. Open it again.")
    # A station may have investigators only: whoever works on what comes there is told, and who answers for it.
    for role in sorted(_TOLD):
        notices.tell_role(unit_id=to.pk, role=role, kind="tip.handed-over", subject=f"tip:{tip.public_id}", at=at)


def held_by_unit(viewer: Viewer, unit_ids: Iterable[int] | None = None, *, cap: int = 1000) -> Mapping[int, Counted]:
    """Return how many received tips each unit in the viewer's reach holds, each counted up to the cap; one query.

    Only of ``unit_ids``, if given. Empty for whoever reads no tips.
    """
    if not viewer.reads_tips:
        return {}
    wanted = None if unit_ids is None else list(unit_ids)
    if viewer.reach is not None:
        wanted = [key for key in viewer.reach if wanted is None or key in wanted]
    with connection.cursor() as cursor:
        cursor.execute(_HELD, {"units": wanted, "stop": cap + 1})
        return {unit_id: Counted(min(number, cap), number > cap) for unit_id, number in cursor.fetchall()}
