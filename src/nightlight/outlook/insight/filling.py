# SPDX-License-Identifier: Apache-2.0
"""Counts what each report held, and works out what its reporter is told. Derived, but for the day a thing was told.

Triggers put tips here with a day (``Waiting``). A report is counted once, when it was read; what its reporter is told
is worked out again on days after something about the tip changed, so an answer changes at the turn of a day only (UTC).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.db import DatabaseError, connection, transaction

from nightlight.outlook.insight import measuring
from nightlight.outlook.insight.models import Quality, Told, Waiting
from nightlight.pipeline.routing import outcomes
from nightlight.pipeline.tips.models import Tip
from nightlight.pipeline.tips.understanding import understand_all
from nightlight.trust.custody import actions as custody

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from nightlight.outlook.insight.measuring import Measured

BATCH = 50  # an officer who closes a tip waits for the batch it is in
_COUNTED = (
    *("happened_on", "days", "events", "addressed", "with_port", "with_zone", "files", "arrived", "viewed_stated"),
    *("contact", "account", "narrative", "thin"),
)
_RENEWED = ("version", "state", "month", "arrived_at", "repeats", *_COUNTED)
_FACTS = "SELECT * FROM insight_facts(%s)"
log = structlog.get_logger("insight")


@dataclass(frozen=True, slots=True)
class Facts:
    """What became of one tip, as the database tells it (``insight_facts``)."""

    tip_id: int
    state: str
    lane: str
    disposition: str
    decided_on: date | None
    handed_on: bool
    elsewhere: str
    repeats: bool
    held: bool

    @property
    def outcome(self) -> outcomes.Outcome:
        """What became of it."""
        return outcomes.of(
            self.state,
            self.lane,
            self.disposition,
            handed_on=self.handed_on,
            repeats=self.repeats,
            elsewhere=self.elsewhere,
        )


def fill(*, by: str, at: datetime) -> int:
    """Take all tips whose day has come, the newest first; return how many. Two of these may run at once."""
    total, today = 0, at.astimezone(UTC).date()
    while True:
        with transaction.atomic():
            due = Waiting.objects.select_for_update(skip_locked=True).filter(day__lte=today).order_by("-tip")
            keys = list(due.values_list("tip_id", flat=True)[:BATCH])
            again = _take(keys, by=by, at=at, today=today)
            Waiting.objects.filter(tip__in=[key for key in keys if key not in again]).delete()
            for key, day in again.items():
                Waiting.objects.filter(tip=key).update(day=day)
        total += len(keys)
        if len(keys) < BATCH:
            return total


def rebuild(*, say: Callable[[int], None] = lambda _done: None) -> int:
    """Count every report anew that was counted already; what reporters are told changes only in what a report lacked.

    For after a change of ``measuring.VERSION``. ``say`` is told now and then how many are done; returns how many.
    """
    done, after = 0, 0
    while True:
        with transaction.atomic():
            keys = list(Quality.objects.filter(tip__gt=after).order_by("tip").values_list("tip_id", flat=True)[:BATCH])
            counted = _count_all(Tip.objects.in_bulk(keys).values(), _facts(keys))
            told = list(Told.objects.filter(tip__in=counted))
            for one in told:
                one.lacks = _lacks(counted[one.tip_id])
            Told.objects.bulk_update(told, ["lacks"])
        done += len(keys)
        if len(keys) < BATCH:
            return done
        after = keys[-1]
        if not done % 1000:
            say(done)


def _take(keys: Sequence[int], *, by: str, at: datetime, today: date) -> dict[int, date]:
    """Count and tell; return the days on which to look again."""
    tips, facts = Tip.objects.in_bulk(keys), _facts(keys)
    counted = dict(Quality.objects.in_bulk(keys))
    counted |= _count_all((tip for key, tip in tips.items() if key not in counted), facts)
    before = Told.objects.in_bulk(keys)
    again: dict[int, date] = {}
    rows: list[Told] = []
    for key, tip in tips.items():
        row = before.get(key)
        outcome = facts[key].outcome
        said = outcomes.told(
            outcome,
            before=outcomes.code(row.told) if row else None,
            decided_on=facts[key].decided_on,
            today=today,
            held_back=facts[key].held,
            actioned_after=settings.ENVIRONMENT.feedback_actioned_after,
        )
        if said.again_on is not None:
            again[key] = said.again_on
        changed = row is None or row.told != said.outcome
        rows.append(
            Told(
                tip=tip,
                reporter_id=tip.reporter_id,
                environment=tip.environment,
                report_id=tip.report_id,
                received_on=tip.state_at.astimezone(UTC).date(),
                outcome=outcome,
                told=said.outcome,
                told_on=today if row is None or changed else row.told_on,
                lacks=_lacks(counted[key]),
            )
        )
        if changed and said.outcome.ended:
            data = {"outcome": said.outcome.value}
            custody.append(by=by, at=at, kind="feedback.told", subject=f"tip:{tip.public_id}", data=data)
    Told.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["tip"], update_fields=["outcome", "told", "told_on", "lacks"]
    )
    return again


def _facts(keys: Sequence[int]) -> dict[int, Facts]:
    with connection.cursor() as cursor:
        cursor.execute(_FACTS, [list(keys)])
        return {row[0]: Facts(*row) for row in cursor.fetchall()}


def _count_all(tips: Iterable[Tip], facts: Mapping[int, Facts]) -> dict[int, Quality]:
    """Count reports together; where one of them defeats us, one by one, so that it holds up no other."""
    wanted = sorted(tips, key=lambda tip: tip.pk)
    try:
        with transaction.atomic():
            return _count(wanted, facts)
    except DatabaseError:
        raise
    except Exception:
        found: dict[int, Quality] = {}
        for tip in wanted:
            try:
                with transaction.atomic():
                    found |= _count([tip], facts)
            except DatabaseError:
                raise
            except Exception:
                log.exception("not-counted", tip=tip.public_id)
                found |= _kept(tip, facts[tip.pk])
        return found


def _count(tips: Sequence[Tip], facts: Mapping[int, Facts]) -> dict[int, Quality]:
    if not tips:
        return {}
    made = [
        _row(found.tip, facts[found.tip.pk], measuring.measure(found.reading, arrived_at=found.tip.state_at))
        for found in understand_all(tips)
    ]
    Quality.objects.bulk_create(made, update_conflicts=True, unique_fields=["tip"], update_fields=_RENEWED)
    return {row.tip_id: row for row in made}


def _kept(tip: Tip, facts: Facts) -> dict[int, Quality]:
    """What was counted before stays, as of a report whose bytes were destroyed since; else nothing was in it."""
    found, _new = Quality.objects.get_or_create(
        tip=tip, defaults=_values(_row(tip, facts, measuring.Measured()), "reporter_id", "environment", *_RENEWED)
    )
    return {tip.pk: found}


def _row(tip: Tip, facts: Facts, found: Measured) -> Quality:
    return Quality(
        tip=tip,
        version=measuring.VERSION,
        reporter_id=tip.reporter_id,
        environment=tip.environment,
        state=tip.state,
        month=tip.state_at.astimezone(UTC).date().replace(day=1),
        arrived_at=tip.state_at,
        repeats=facts.repeats,
        **_values(found, *_COUNTED),
    )


def _values(of: object, *names: str) -> dict[str, object]:
    return {name: getattr(of, name) for name in names}


def _lacks(row: Quality) -> str:
    if row.state != "received":
        return ""
    return " ".join(measuring.lacks(measuring.Measured(**_values(row, *(n for n in _COUNTED if n != "thin")))))  # type: ignore[arg-type]
