# SPDX-License-Identifier: Apache-2.0
"""Alerts: raised once for each tripwire of a tip, in the transaction that scores it, and answered for by a person."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction

from nightlight.foundation import public_ids
from nightlight.foundation.refusals import Conflict, NotAllowed, NotFound
from nightlight.pipeline.triage.models import Alert
from nightlight.trust.accounts.models import Environment, Role
from nightlight.trust.custody import actions as custody

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from nightlight.pipeline.tips.models import Tip
    from nightlight.pipeline.triage.rules import Score
    from nightlight.trust.units.viewer import Viewer

# What lay here for longer before anybody scored it (an upgrade) is listed and calls nobody: thousands of old ones
# would drown the one that is new.
FRESH = timedelta(days=7)
WORKS = frozenset({Role.TRIAGE_OFFICER, Role.INVESTIGATOR, Role.COMMANDER})


def raise_for(scored: Sequence[tuple[Tip, Score]], *, by: str, at: datetime) -> list[Alert]:
    """Raise an alert for every tripwire that a tip did not have before, in the caller's transaction.

    A tip that reporters sent to try things out calls nobody. For one process at a time.
    """
    real = [(tip, score) for tip, score in scored if score.tripwires and tip.environment == Environment.PRODUCTION]
    there = set(Alert.objects.filter(tip__in=[tip.pk for tip, _ in real]).values_list("tip_id", "code"))
    raised = [
        Alert(
            public_id=public_ids.new("AL"),
            tip=tip,
            unit_id=tip.unit_id,
            code=tripwire.id,
            label=tripwire.label,
            raised_at=at,
            call_at=at if at - tip.state_at < FRESH else None,
        )
        for tip, score in real
        for tripwire in score.tripwires
        if (tip.pk, tripwire.id) not in there
    ]
    Alert.objects.bulk_create(raised)
    for alert in raised:
        custody.append(
            by=by,
            at=at,
            kind="alert.raised",
            subject=f"tip:{alert.tip.public_id}",
            data={"alert": alert.public_id, "code": alert.code},
        )
    return raised


@transaction.atomic
def acknowledge(*, by: Viewer, at: datetime, public_id: str) -> Alert:
    """Answer for an alert: nobody else is called for it. Raises NotAllowed, NotFound, and Conflict if somebody has."""
    if not by.may(WORKS):
        raise NotAllowed("An alert is answered for by a triage officer, an investigator or a commander.")
    found = Alert.objects.select_related("tip", "acknowledged_by").filter(public_id=public_id)
    alert = (found if by.reach is None else found.filter(tip__unit__in=by.reach)).first()
    if alert is None:
        raise NotFound(f"There is no alert {public_id} in your units.")
    changed = Alert.objects.filter(pk=alert.pk, acknowledged_by=None).update(
        acknowledged_by_id=by.user_id, acknowledged_at=at, call_at=None
    )
    alert.refresh_from_db()
    if not changed:
        raise Conflict(f"{alert.acknowledged_by} has answered for this alert already.")
    custody.append(
        by=by.actor,
        at=at,
        kind="alert.acknowledged",
        subject=f"tip:{alert.tip.public_id}",
        data={"alert": alert.public_id, "code": alert.code, "level": alert.level},
    )
    return alert
