# SPDX-License-Identifier: Apache-2.0
"""An officer asks who else holds what stands in a tip; both sides are told, and the answer stays with their tips.

That a tip of another unit was told of stands in the log under that tip: the step writes it, not the officer, whose own
entries they may read. ``asking`` leads from it to who asked.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import ProgrammingError, connection, transaction

from nightlight.foundation import public_ids
from nightlight.foundation.refusals import Conflict, NotAllowed
from nightlight.pipeline.linking.decisions import DECIDES
from nightlight.pipeline.linking.deconfliction import contacts, rules
from nightlight.pipeline.linking.deconfliction.contacts import Call
from nightlight.pipeline.linking.deconfliction.models import Asking, Held, Partner
from nightlight.pipeline.linking.kinds import Kind
from nightlight.pipeline.linking.models import Sighting, Waiting
from nightlight.pipeline.tips import seeing
from nightlight.pipeline.tips.models import Tip
from nightlight.pipeline.tips.queries import must_read_tips
from nightlight.trust import identity
from nightlight.trust.custody import actions as custody

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

    from nightlight.foundation.canonical_json import Json
    from nightlight.trust.units.viewer import Viewer

ASKS = DECIDES
SERVICE = "deconfliction"  # as whom it is written what others were told
MOST_SHOWN = 200  # of a tip on a page
_ASK = "SELECT linking_ask(%s, %s)"
_WAITS = "This tip is still being linked; ask again in a minute."
_OFFERED = "This tip is only offered to your unit. Accept it first: then you can ask who else holds this."
_MOVED = "This tip was handed to another unit meanwhile."


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A value of a tip that somebody else holds: whom, since which month (None: not said), and whom to call.

    ``partner`` is empty for a unit of this installation.
    """

    kind: Kind
    value: str
    unit: str
    unit_id: str  # UN-…; empty for a partner's
    partner: str
    since: date | None
    call: Call
    told_at: datetime


@dataclass(frozen=True, slots=True)
class Answered:
    """What was found: the kinds of values that others hold, and the public ids of those units."""

    asking: str
    kinds: tuple[str, ...]
    units: tuple[str, ...]


@transaction.atomic
def ask(tip: Tip, *, by: Viewer, at: datetime) -> Answered:
    """Ask which other units hold an identifier of the reported side of a tip that the person sees, and tell those too.

    The asking is written down first, under row security; a function of the database answers it. Raises NotAllowed, also
    for a tip that is only offered to the person's unit, and Conflict where the person has asked too often, the tip
    is not linked yet, or another unit holds it by now.
    """
    if not by.may(ASKS):
        raise NotAllowed("Who else holds this is asked by triage officers, investigators and commanders.")
    if not seeing.works_with(by, tip, at):
        if not Tip.objects.filter(pk=tip.pk, unit_id=tip.unit_id).exists():
            raise Conflict(_MOVED)
        raise NotAllowed(_OFFERED)
    if Asking.objects.filter(by_id=by.user_id, at__gt=at - timedelta(hours=24)).count() >= rules.MOST_A_DAY:
        raise Conflict(f"You have asked {rules.MOST_A_DAY} times in 24 hours, which is the most there is. Ask later.")
    if Waiting.objects.filter(tip=tip).exists():
        raise Conflict(_WAITS)
    made = _written(tip, by=by, at=at)
    with connection.cursor() as cursor:
        cursor.execute(_ASK, [made.pk, notice_ids()])
        (said,) = cursor.fetchone()
    found: dict[str, Any] = said if isinstance(said, dict) else json.loads(said)
    if found["problem"]:
        raise Conflict(_WAITS if found["problem"] == "waits" else _MOVED)
    kinds, units = sorted(found["kinds"]), sorted(found["units"])
    custody.append(
        by=by.actor,
        at=at,
        kind="deconfliction.asked",
        subject=f"tip:{tip.public_id}",
        data={"asking": made.public_id, "kinds": kinds, "units": units},
    )
    with identity.acting_as(service=SERVICE):
        log_told(found["told"], by=f"service:{SERVICE}", at=at, to=f"unit:{found['unit']}", asking=made.public_id)
    return Answered(made.public_id, tuple(kinds), tuple(units))


def log_told(told: Iterable[dict[str, Any]], *, by: str, at: datetime, to: str, **more: Json) -> None:
    """Note under each tip that was told of for the first time who was told: ``to`` is "unit:…" or "partner:…"."""
    for one in told:
        custody.append(
            by=by, at=at, kind="deconfliction.told", subject=f"tip:{one['tip']}",
            data={"to": to, "kinds": one["kinds"], **more},
        )  # fmt: skip


def _written(tip: Tip, *, by: Viewer, at: datetime) -> Asking:
    try:
        with transaction.atomic():
            return Asking.objects.create(
                public_id=public_ids.new("DQ"), tip=tip, unit_id=tip.unit_id, by_id=by.user_id, at=at
            )
    except ProgrammingError:  # row security lets nobody ask for a unit that does not hold the tip
        if Tip.objects.filter(pk=tip.pk, unit_id=tip.unit_id).exists():
            raise
        raise Conflict(_MOVED) from None


def last_asked(tip: Tip) -> datetime | None:
    """Return when somebody last asked about a tip, as far as the viewer sees it."""
    return Asking.objects.filter(tip=tip).order_by("-at").values_list("at", flat=True).first()


def elsewhere(viewer: Viewer, tip: Tip, *, at: datetime) -> tuple[Elsewhere, ...]:
    """Return what was told of a tip the viewer was shown, the newest 200: who else holds what. At most six queries.

    What an officer silenced meanwhile, or is a child's by now, is left out.
    """
    must_read_tips(viewer)
    rows = list(Held.objects.filter(tip=tip).select_related("unit", "identifier").order_by("-at", "pk")[:MOST_SHOWN])
    if not rows:
        return ()
    values: dict[int, str] = {}
    barred = {row.identifier_id for row in rows if row.identifier.silenced}
    # The value of an identifier is one, or empty: a tip with very many places gives few rows.
    stands = Sighting.objects.filter(tip=tip, identifier__in={row.identifier_id for row in rows})
    for identifier, side, value in stands.values_list("identifier", "side", "value").distinct():
        values.setdefault(identifier, value)
        if side == "child" or not value:
            barred.add(identifier)
    known = contacts.calls({row.unit_id for row in rows if row.unit_id}, at)
    asked = {row.partner_id for row in rows if row.partner_id}
    partners = dict(Partner.objects.filter(pk__in=asked).values_list("pk", "name")) if asked else {}
    return tuple(
        Elsewhere(
            kind=Kind(row.identifier.kind),
            value=values[row.identifier_id],
            unit=row.unit.name if row.unit else row.their_unit,
            unit_id=row.unit.public_id if row.unit else "",
            partner=partners[row.partner_id] if row.partner_id else "",
            since=row.since,
            call=known[row.unit_id] if row.unit_id else Call(row.call),
            told_at=row.at,
        )
        for row in rows
        if row.identifier_id in values and row.identifier_id not in barred
    )


def notice_ids() -> list[str]:
    """Return enough names for notices: the database writes them, to people whom the asker may not know of."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT linking_notices()")
        (number,) = cursor.fetchone()
    return [public_ids.new("NO") for _ in range(number)]
