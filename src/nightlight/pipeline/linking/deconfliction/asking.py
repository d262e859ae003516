# SPDX-License-Identifier: Apache-2.0
"""An officer asks who else holds what stands in a tip; both sides are told, and the answer stays with their tips."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import connection, transaction

from nightlight.foundation import public_ids
from nightlight.foundation.refusals import Conflict, NotAllowed
from nightlight.pipeline.linking.decisions import DECIDES
from nightlight.pipeline.linking.deconfliction import contacts, rules
from nightlight.pipeline.linking.deconfliction.contacts import Call
from nightlight.pipeline.linking.deconfliction.models import Asking, Held, Partner
from nightlight.pipeline.linking.kinds import Kind
from nightlight.pipeline.linking.models import Sighting
from nightlight.pipeline.tips.queries import must_read_tips
from nightlight.trust.custody import actions as custody

if TYPE_CHECKING:
    from datetime import date, datetime

    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.units.viewer import Viewer

ASKS = DECIDES
_NOTICES = 2 * rules.MOST_PEOPLE  # two roles in each unit, and never more units than people who share a value
_ASK = "SELECT told_kind, told_unit FROM linking_ask(%s, %s)"


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

    The asking is written down first, under row security; a function of the database answers it. Raises NotAllowed,
    and Conflict where the person has asked too often.
    """
    if not by.may(ASKS):
        raise NotAllowed("Who else holds this is asked by triage officers, investigators and commanders.")
    if Asking.objects.filter(by_id=by.user_id, at__gt=at - timedelta(hours=24)).count() >= rules.MOST_A_DAY:
        raise Conflict(f"You have asked {rules.MOST_A_DAY} times in 24 hours, which is the most there is. Ask later.")
    made = Asking.objects.create(public_id=public_ids.new("DQ"), tip=tip, unit_id=tip.unit_id, by_id=by.user_id, at=at)
    with connection.cursor() as cursor:
        cursor.execute(_ASK, [made.pk, notice_ids(_NOTICES)])
        told = cursor.fetchall()
    kinds, units = sorted({kind for kind, _ in told}), sorted({unit for _, unit in told})
    custody.append(
        by=by.actor,
        at=at,
        kind="deconfliction.asked",
        subject=f"tip:{tip.public_id}",
        data={"asking": made.public_id, "kinds": kinds, "units": units},
    )
    return Answered(made.public_id, tuple(kinds), tuple(units))


def last_asked(tip: Tip) -> datetime | None:
    """Return when somebody last asked about a tip, as far as the viewer sees it."""
    return Asking.objects.filter(tip=tip).order_by("-at").values_list("at", flat=True).first()


def elsewhere(viewer: Viewer, tip: Tip, *, at: datetime) -> tuple[Elsewhere, ...]:
    """Return what was told of a tip the viewer was shown: who else holds which of its values. At most six queries.

    What an officer silenced meanwhile, or is a child's by now, is left out.
    """
    must_read_tips(viewer)
    rows = list(Held.objects.filter(tip=tip).select_related("unit", "identifier").order_by("-at", "pk"))
    if not rows:
        return ()
    values: dict[int, str] = {}
    barred = {row.identifier_id for row in rows if row.identifier.silenced}
    for identifier, side, value in Sighting.objects.filter(
        tip=tip, identifier__in={row.identifier_id for row in rows}
    ).values_list("identifier", "side", "value"):
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


def notice_ids(number: int) -> list[str]:
    """Return names for notices: the database writes them, to people whom the asker may not know of."""
    return [public_ids.new("NO") for _ in range(number)]
