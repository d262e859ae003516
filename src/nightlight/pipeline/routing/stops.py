# SPDX-License-Identifier: Apache-2.0
"""Stopping the clock of a unit on a tip for a stated reason, and letting it run again; open offers follow."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import connection, transaction

from nightlight.foundation.refusals import Conflict, NotAllowed, NotFound
from nightlight.pipeline.routing import clocks, recording
from nightlight.pipeline.routing.models import OPEN_STATES, Offer, Stop
from nightlight.pipeline.tips.models import Share, Tip
from nightlight.trust.custody import actions as custody
from nightlight.trust.units.viewer import Viewer

if TYPE_CHECKING:
    from datetime import datetime

    from nightlight.foundation.canonical_json import Json
    from nightlight.trust.units.models import Unit

LONGEST_NOTE = 500


@transaction.atomic
def stop(*, by: Viewer | str, at: datetime, tip: Tip, unit: Unit, reason: str, note: str = "") -> Stop:
    """Stop the clock of a unit on a tip that it holds, works on, or is offered.

    Raises NotAllowed for whoever has no post in that unit, NotFound where the unit has nothing to do with the tip, and
    Conflict for a reason that stops no clock, or where the clock stands already.
    """
    known = {one.code: one for one in clocks.reasons()}.get(reason)
    if known is None:
        raise Conflict("Say why the clock is to stand: choose one of the reasons.")
    if not known.stops:
        raise Conflict(f"This does not stop the clock: {known.label}.")
    said = " ".join(note.split())
    if len(said) > LONGEST_NOTE:
        raise Conflict(f"A note has at most {LONGEST_NOTE} characters; this one has {len(said)}. Shorten it.")
    recording.alone(tip.pk)
    _must_work_there(by, unit)
    if not _concerned(tip, unit):
        raise NotFound(f"{unit} neither holds this tip nor works on it.")
    if Stop.objects.filter(tip=tip, unit=unit, ended_at=None).exists():
        raise Conflict(f"The clock of {unit} stands already.")
    who = recording.actor(by)
    made = Stop.objects.create(tip=tip, unit=unit, reason=reason, note=said, by=who, at=at)
    data: dict[str, Json] = {"reason": reason, "note_sha256": recording.digest(said) if said else None}
    _record("routing.clock-stopped", made, by=who, at=at, data=data)
    return made


@transaction.atomic
def run_again(*, by: Viewer | str, at: datetime, tip: Tip, unit: Unit) -> Stop:
    """Let the clock of a unit on a tip run again; what is offered to it is due that much later.

    Raises NotAllowed for whoever has no post in that unit, Conflict where the clock runs.
    """
    recording.alone(tip.pk)
    _must_work_there(by, unit)
    found = Stop.objects.filter(tip=tip, unit=unit, ended_at=None).select_related("tip", "unit").first()
    if found is None:
        raise Conflict(f"The clock of {unit} runs already.")
    found.ended_at, found.ended_by = max(at, found.at), recording.actor(by)
    found.save(update_fields=["ended_at", "ended_by"])
    for one in Offer.objects.filter(tip=tip, to_unit=unit, state__in=OPEN_STATES, due_at__gt=found.at):
        # Not from its band at sending: it may be due sooner since (`rising`).
        later = max(found.ended_at - max(found.at, one.sent_at), timedelta())
        Offer.objects.filter(pk=one.pk).update(due_at=one.due_at + later)
    stood = int((found.ended_at - found.at).total_seconds())
    _record(
        "routing.clock-started", found, by=found.ended_by, at=at, data={"reason": found.reason, "stood_seconds": stood}
    )
    return found


def end_where_gone(*, by: str, at: datetime, tip: Tip) -> int:
    """Let the clocks of units run again that no longer hold the tip, work on it or are asked to; return how many.

    In the transaction of what ended that. A clock nobody may start would stand when the tip comes to the unit again.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT unit, reason, stood FROM routing_end_stops(%s, %s, %s)", [tip.pk, by, at])
        ended = cursor.fetchall()
    for unit, reason, stood in ended:
        custody.append(
            by=by,
            at=at,
            kind="routing.clock-started",
            subject=f"tip:{tip.public_id}",
            data={"tip": tip.public_id, "unit": unit, "reason": reason, "stood_seconds": stood},
        )
    return len(ended)


def _must_work_there(by: Viewer | str, unit: Unit) -> None:
    if isinstance(by, Viewer) and not recording.works_in(by, unit.pk):
        raise NotAllowed(f"Only who works in {unit} can stop its clock or let it run.")


def _concerned(tip: Tip, unit: Unit) -> bool:
    return (
        Tip.objects.filter(pk=tip.pk, unit=unit).exists()
        or Share.objects.filter(tip=tip, unit=unit, until=None).exists()
        or Offer.objects.filter(tip=tip, to_unit=unit, state__in=OPEN_STATES).exists()
    )


def _record(kind: str, stopped: Stop, *, by: str, at: datetime, data: dict[str, Json]) -> None:
    custody.append(
        by=by,
        at=at,
        kind=kind,
        subject=f"tip:{stopped.tip.public_id}",
        data={"tip": stopped.tip.public_id, "unit": stopped.unit.public_id, **data},
    )
