# SPDX-License-Identifier: Apache-2.0
"""An officer holds back what the reporter of a tip is told, or releases it. The database holds the same rules."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from django.db import transaction

from nightlight.foundation.refusals import Conflict, NotAllowed
from nightlight.outlook.insight.models import HoldBack
from nightlight.pipeline.tips import queries as tips
from nightlight.trust.accounts.models import Role
from nightlight.trust.custody import actions as custody
from nightlight.trust.units import rules

if TYPE_CHECKING:
    from datetime import datetime

    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.units.viewer import Viewer

HOLDS_BACK = frozenset({Role.TRIAGE_OFFICER, Role.COMMANDER})


def may_hold_back(by: Viewer, tip: Tip) -> bool:
    """Whether the person decides what the reporter of this tip is told: in the unit that holds it, or above."""
    return by.may(HOLDS_BACK) and (by.reach is None or tip.unit_id in by.reach)


@transaction.atomic
def hold_back(*, by: Viewer, at: datetime, tip: str, held: bool, reason: str) -> HoldBack:
    """Hold feedback of a tip back, or release it; the reporter sees a change on the next day at the earliest.

    Raises NotFound; NotAllowed for other roles and units; Conflict without a reason, or where it stands so already.
    """
    found = tips.tip(by, tip)
    if not by.may(HOLDS_BACK):
        raise NotAllowed("What a reporter is told is held back by triage officers and commanders.")
    if not may_hold_back(by, found):
        raise NotAllowed(f"{found.unit} holds this tip; only who works there can do this.")
    told = rules.reason_given(reason)
    if not told:
        raise Conflict(f"Say why, in at least {rules.SHORTEST_REASON} characters.")
    latest = HoldBack.objects.filter(tip=found).order_by("-id").first()
    if held is (latest is not None and latest.held):
        raise Conflict("It is held back already." if held else "It is not held back.")
    made = HoldBack.objects.create(tip=found, held=held, reason=told, by_id=by.user_id, at=at)
    data = {"reason_sha256": hashlib.sha256(told.encode()).hexdigest()}
    subject = f"tip:{found.public_id}"
    if held:
        custody.append(by=by.actor, at=at, kind="feedback.held-back", subject=subject, data=data)
    else:
        custody.append(by=by.actor, at=at, kind="feedback.released", subject=subject, data=data)
    return made
