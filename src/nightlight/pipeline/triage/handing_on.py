# SPDX-License-Identifier: Apache-2.0
"""Handing a shift on, and taking over: what the figures were then and a note are kept, and who has read them."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import connection, transaction

from nightlight.foundation import canonical_json, public_ids
from nightlight.foundation.refusals import Conflict, NotAllowed
from nightlight.pipeline.triage import queries_shift
from nightlight.pipeline.triage.alerting import WORKS
from nightlight.pipeline.triage.models_shift import Handover, HandoverRead
from nightlight.trust.custody import actions as custody

if TYPE_CHECKING:
    from datetime import datetime

    from nightlight.trust.units.models import Unit
    from nightlight.trust.units.viewer import Viewer

LONGEST_NOTE = 4_000
_PRESSED_TWICE = timedelta(minutes=10)


@transaction.atomic
def hand_on(*, by: Viewer, at: datetime, unit: Unit, note: str, hours: int | None = None) -> Handover:
    """Keep what this shift of the unit leaves to the next. ``hours``: as `spans.span` takes them.

    Raises NotAllowed for whoever does not work on tips, NotFound for a unit beyond reach, and Conflict for a note of
    more than 4,000 characters and for the same note twice in ten minutes.
    """
    if not by.may(WORKS):
        raise NotAllowed("A shift is handed on by a triage officer, an investigator or a commander.")
    unit = queries_shift.chosen(by, unit.public_id)
    told = note.replace("\r\n", "\n").strip()
    if len(told) > LONGEST_NOTE:
        raise Conflict(f"A note has at most {LONGEST_NOTE:,} characters; this one has {len(told):,}. Shorten it.")
    with connection.cursor() as cursor:  # pressed twice at once: the second waits for the first
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"hand on {unit.pk} {by.user_id}"])
    before = Handover.objects.filter(unit=unit, by_id=by.user_id, note=told, at__gt=at - _PRESSED_TWICE)
    if before.exists():
        raise Conflict("You have handed this on already, with the same note.")
    span = queries_shift.span_of(by, unit, at, hours)
    figures = canonical_json.encode(queries_shift.kept(queries_shift.figures(by, unit, span)))
    made = Handover.objects.create(
        public_id=public_ids.new("HV"),
        unit=unit,
        since=span.since,
        until=span.until,
        figures=figures.decode(),
        note=told,
        by_id=by.user_id,
        at=at,
    )
    custody.append(
        by=by.actor,
        at=at,
        kind="queue.handed-on",
        subject=f"unit:{unit.public_id}",
        data={
            "handover": made.public_id,
            "since": span.since.isoformat(),
            "until": span.until.isoformat(),
            "figures_sha256": hashlib.sha256(figures).hexdigest(),
            "note_sha256": hashlib.sha256(told.encode()).hexdigest(),
        },
    )
    return made


@transaction.atomic
def take_over(*, by: Viewer, at: datetime, public_id: str) -> HandoverRead:
    """Say that one has read what the shift before left. It is on record who took over, and when.

    Raises NotAllowed for whoever does not work on tips, NotFound, and Conflict for one's own and for a second time.
    """
    if not by.may(WORKS):
        raise NotAllowed("A shift is taken over by a triage officer, an investigator or a commander.")
    handover = queries_shift.one(by, public_id)
    if handover.by_id == by.user_id:
        raise Conflict("You wrote this yourself; it waits for the next shift.")
    read, new = HandoverRead.objects.get_or_create(handover=handover, by_id=by.user_id, defaults={"at": at})
    if not new:
        raise Conflict("You have read this already.")
    custody.append(
        by=by.actor,
        at=at,
        kind="queue.taken-over",
        subject=f"unit:{handover.unit.public_id}",
        data={"handover": handover.public_id},
    )
    return read
