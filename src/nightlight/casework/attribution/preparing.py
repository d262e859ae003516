# SPDX-License-Identifier: Apache-2.0
"""Works out what the addresses of tips were and how far each leads, newest first, in the background.

What is written is derived from what was received and from what is loaded, so worked out once more it comes out the
same; the log has an entry where it says something else than before. It is for the worker, which alone opens a report.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

import structlog
from django.conf import settings
from django.db import transaction

from nightlight.casework.attribution import loaded, looking_up, prepared_body, sources
from nightlight.casework.attribution.grades import in_order
from nightlight.casework.attribution.models import Prepared, Sources, Waiting
from nightlight.foundation import clock
from nightlight.pipeline.linking import waiting
from nightlight.pipeline.tips.models import State, Tip
from nightlight.pipeline.tips.understanding import understand_all
from nightlight.pipeline.triage import gathering, records
from nightlight.trust.custody import actions as custody

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from datetime import datetime

    from nightlight.casework.attribution.loaded import Loaded
    from nightlight.casework.attribution.prepared_body import Body

BATCH = 100  # tips in one transaction
PATIENCE = 20.0  # seconds of work before another task gets its turn
_COLUMNS = ["version", "lists", "body", "events", "grade", "way", "kept_until", "made_at"]
log = structlog.get_logger("attribution")


class _Best(NamedTuple):
    """How far the best event of a tip leads, and when the first records of any that can be traced end."""

    grade: str
    way: str
    kept_until: datetime | None


def prepare_new(*, by: str, now: Callable[[], datetime], patience: float = PATIENCE) -> waiting.Left:
    """Look up the addresses of tips that wait, newest first; return what is left. Safe to run twice.

    For one process at a time: the task holds a lock. A tip that defeats it goes on waiting, holds up no other, and is
    written down as one that fails.
    """

    def take(passed_over: Collection[int]) -> list[int]:
        there = waiting.ready(Waiting, now()).exclude(tip__in=passed_over)
        return list(there.values_list("tip_id", flat=True)[:BATCH])

    return waiting.work_off(
        take,
        lambda tips: prepare(tips, by=by, at=now()),
        lambda tip, why: _failed(tip, why, by=by, at=now()),
        patience=patience,
    )


def waits(*, at: datetime, but: Collection[int] = ()) -> bool:
    """Whether a tip waits whose turn it is."""
    return waiting.ready(Waiting, at).exclude(tip__in=but).exists()


@transaction.atomic
def _failed(key: int, why: str, *, by: str, at: datetime) -> None:
    """Keep a tip in sight that defeats us: it waits, is tried ever less often, and the log says so once."""
    tip = Tip.objects.get(pk=key)
    log.exception("prepare-failed", tip=tip.public_id, why=why)
    if waiting.note_failure(Waiting, key, why, at) == 1:
        custody.append(by=by, at=at, kind="tip.not-looked-up", subject=f"tip:{tip.public_id}", data={"why": why})


@transaction.atomic
def prepare(tips: Sequence[int], *, by: str, at: datetime) -> set[int]:
    """Do these tips in one transaction; return those that were done, or that have nothing to do any more.

    One about which somebody is writing just now is passed over: it waits, and is done with what they write.
    """
    mine = _taken(tips)
    # Asked for once they are taken: an import that ends meanwhile waits for us, and puts them back.
    using = loaded.current()
    found = list(Tip.objects.filter(pk__in=mine).select_related("reporter").order_by("-pk"))
    gone = gathering.erased(found) | {tip.pk for tip in found if tip.state != State.RECEIVED or tip.set_apart}
    for table in (Prepared, Sources):
        table.objects.filter(tip__in=gone).delete()
    there = [tip for tip in found if tip.pk not in gone]
    cleared = gathering.cleared(there)
    day = at.astimezone(ZoneInfo(settings.ENVIRONMENT.zone)).date()
    made: dict[int, Body] = {}
    for one in understand_all(there):
        made[one.tip.pk] = prepared_body.Body(())
        if one.reading is not None:
            made[one.tip.pk] = looking_up.look_up(
                one.reading,
                using,
                tip=one.tip.public_id,
                reporter=one.tip.reporter.name,
                day=day,
                cleared=cleared.get(one.tip.public_id, frozenset()),
            )
        sources.keep(one, [(event.event, event.places) for event in made[one.tip.pk].events], at=at)
    # How urgent a tip is may change by it. Before the log is written, whose turn whoever scores waits for.
    records.tell({tip: made[tip.pk].ends(at) if tip.pk in made else () for tip in found}, at=at)
    _write(there, made, using, by=by, at=at)
    return mine


def _taken(tips: Iterable[int]) -> set[int]:
    """Take tips off the list of those that wait; return those that nobody else is putting there just now."""
    free = Waiting.objects.filter(tip__in=tips).select_for_update(skip_locked=True)
    mine = set(free.order_by("tip").values_list("tip_id", flat=True))
    Waiting.objects.filter(tip__in=mine).delete()
    return mine


def _best(body: Body, at: datetime) -> _Best:
    places = in_order((one.event, one.traceability(at)) for one in body.events)
    if not places:
        return _Best("", "", None)
    best = places[0].traceability
    return _Best(best.grade.value, best.way.value, min(body.ends(at), default=None))


def _write(tips: Sequence[Tip], made: dict[int, Body], using: Loaded, *, by: str, at: datetime) -> None:
    """Write what says something else than before; the log says where that changes what an officer would do."""
    before = Prepared.objects.in_bulk([tip.pk for tip in tips])
    rows = []
    for tip in tips:
        body, old = made[tip.pk], before.get(tip.pk)
        best, text = _best(body, at), prepared_body.written(body)
        row = Prepared(
            tip=tip,
            version=prepared_body.VERSION,
            lists=using.digest,
            body=text,
            events=len(body.events),
            grade=best.grade,
            way=best.way,
            kept_until=best.kept_until,
            made_at=at,
        )
        if old is not None and all(getattr(row, name) == getattr(old, name) for name in _COLUMNS[:-1]):
            continue
        rows.append(row)
        said = None if old is None else _Best(old.grade, old.way, old.kept_until)
        if body.events and (said != best or old is None or old.events != len(body.events)):
            _say(tip, best, len(body.events), using, by=by, at=at)
    Prepared.objects.bulk_create(rows, update_conflicts=True, unique_fields=["tip"], update_fields=_COLUMNS)


def _say(tip: Tip, best: _Best, events: int, using: Loaded, *, by: str, at: datetime) -> None:
    custody.append(
        by=by,
        at=at,
        kind="tip.addresses-looked-up",
        subject=f"tip:{tip.public_id}",
        data={
            "events": events,
            "grade": best.grade,
            "way": best.way,
            "records_until": "" if best.kept_until is None else clock.stamp(best.kept_until),
            "lists": using.digest,
        },
    )
