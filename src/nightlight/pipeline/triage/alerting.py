# SPDX-License-Identifier: Apache-2.0
"""Alerts: raised once for each tripwire of a tip, in the transaction that scores it, and answered for by a person."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from django.conf import settings
from django.db import transaction

from nightlight.foundation import public_ids
from nightlight.foundation.refusals import Conflict, NotAllowed, NotFound
from nightlight.pipeline.tips.models import Source
from nightlight.pipeline.triage import rulebooks
from nightlight.pipeline.triage.models import Alert, Quiet
from nightlight.pipeline.triage.vocabulary import FACTS
from nightlight.trust.accounts.models import Environment, Role
from nightlight.trust.custody import actions as custody

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from nightlight.pipeline.tips.models import Tip
    from nightlight.pipeline.triage.gathering import Known
    from nightlight.pipeline.triage.rules import Score
    from nightlight.trust.units.viewer import Viewer

# What lay here for longer before anybody scored it (an upgrade, other rules) is listed and calls nobody: thousands of
# old ones would drown the one that is new.
FRESH = timedelta(days=7)
_ASKED = "escalated"  # the tripwire of reports whose reporter asks for high priority, in the rulebooks shipped
WORKS = frozenset({Role.TRIAGE_OFFICER, Role.INVESTIGATOR, Role.COMMANDER})


def raise_for(
    scored: Sequence[tuple[Known, Score]], *, by: str, at: datetime, failing: Mapping[int, datetime] | None = None
) -> list[Alert]:
    """Raise an alert for every tripwire that a tip did not have before, in the caller's transaction.

    A tip that reporters sent to try things out calls nobody. Nor does an old one, which is listed all the same, and
    calls from the moment at which something new about it is known. Whoever told it and comes back to say that a child
    is in danger now calls each time, by an alert of its own: the earlier one may long be answered. ``failing``: since
    when each of them could not be scored. For one process at a time.
    """
    since = failing or {}
    real = [(one, score) for one, score in scored if score.tripwires and one.tip.environment == Environment.PRODUCTION]
    there = {
        (alert.tip_id, alert.code): alert for alert in Alert.objects.filter(tip__in=[one.tip.pk for one, _ in real])
    }
    raised, woken = [], []
    for one, score in real:
        quiet = quiet_because(one, at, since.get(one.tip.pk))
        if new_danger := _new_danger(one, there.values()):
            said = next((tripwire for tripwire in score.tripwires if tripwire.id == _ASKED), score.tripwires[0])
            raised.append(_alert(one.tip, new_danger, said.label, quiet, at))
        for tripwire in score.tripwires:
            old = there.get((one.tip.pk, tripwire.id))
            if tripwire.id == _ASKED and old is not None and one.danger and old.raised_at < one.danger[1]:
                continue  # the addition has called, or calls now
            if old is None:
                raised.append(_alert(one.tip, tripwire.id, tripwire.label, quiet, at))
            elif old.quiet and not quiet and old.acknowledged_at is None:
                old.tip, old.quiet, old.call_at = one.tip, "", at
                woken.append(old)
    Alert.objects.bulk_create(raised)
    for alert in woken:
        Alert.objects.filter(pk=alert.pk, acknowledged_by=None).update(quiet="", call_at=at)
    _say((*raised, *woken), by=by, at=at)
    return [*raised, *woken]


def raise_unscored(tip: Tip, *, by: str, at: datetime, failing: datetime) -> Alert | None:
    """Raise the alert of a tip that no rule could be applied to and whose reporter asks for high priority.

    In the caller's transaction. It is the one that the rules would raise, so that there is no second when they can be
    applied. None where there is one already.
    """
    if Alert.objects.filter(tip=tip, code=_ASKED).exists():
        return None
    lines = (rule.line for rule in rulebooks.current().rulebook.tripwires)
    label = next((line.label for line in lines if line.id == _ASKED), FACTS["escalated_by_reporter"].label)
    quiet: Quiet | Literal[""] = Quiet.LATE if failing - tip.state_at >= FRESH else ""
    alert = _alert(tip, _ASKED, label, quiet, at)
    alert.save(force_insert=True)
    _say([alert], by=by, at=at)
    return alert


def _new_danger(one: Known, there: Iterable[Alert]) -> str:
    """The code of an alert for what was added after all that called because somebody asks for it; "" where none is due.

    Where nothing has called for that yet, the tripwire itself does.
    """
    if one.danger is None:
        return ""
    number, came_at = one.danger
    asked = [alert.raised_at for alert in there if alert.tip_id == one.tip.pk and alert.code.startswith(_ASKED)]
    return f"{_ASKED}:{number}" if asked and max(asked) < came_at else ""


def _alert(tip: Tip, code: str, label: str, quiet: Quiet | Literal[""], at: datetime) -> Alert:
    return Alert(
        public_id=public_ids.new("AL"),
        tip=tip,
        unit_id=tip.unit_id,
        code=code,
        label=label,
        raised_at=at,
        call_at=None if quiet else at,
        quiet=quiet,
    )


def _say(alerts: Iterable[Alert], *, by: str, at: datetime) -> None:
    for alert in alerts:
        custody.append(
            by=by,
            at=at,
            kind="alert.raised",
            subject=f"tip:{alert.tip.public_id}",
            data={"alert": alert.public_id, "code": alert.code, "quiet": str(alert.quiet)},
        )


def quiet_because(one: Known, at: datetime, failing: datetime | None = None) -> Quiet | Literal[""]:
    """Why an alert about this tip calls nobody; empty where it calls.

    What has no time at all calls: it may be happening now. Nor does a tip become old while it cannot be scored, which
    it could not since ``failing``: nobody was called in that time.
    """
    sign = one.newest_sign
    if one.tip.source == Source.DOWNLOAD:
        old = timedelta(days=settings.NIGHTLIGHT_ALERT_OLD_DAYS)
        if sign is not None and at - sign > old:
            return Quiet.OLD
    tried = at if failing is None else min(at, failing)
    if tried - max(one.tip.state_at, sign or one.tip.state_at) >= FRESH:
        return Quiet.LATE
    return ""


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
