# SPDX-License-Identifier: Apache-2.0
"""Tips that wait for a step, and those that defeat it: they go on waiting, are tried ever less often, and are seen.

Each step that works tips off in the background keeps such a list. A trigger that puts a tip there once more has it
tried at once.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from django.db import InterfaceError, OperationalError, connection, models, transaction
from django.db.models import F, Q

from nightlight.pipeline.tips.models import Tip

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime

    from django.db.models import QuerySet

# Tried again after a minute, then two, and at last every hour.
_FAILED = """
INSERT INTO {table} AS w (tip_id, failed_since, failed_times, why, try_at)
VALUES (%(tip)s, %(at)s, 1, %(why)s, %(at)s + interval '1 minute')
ON CONFLICT (tip_id) DO UPDATE
SET failed_since = coalesce(w.failed_since, excluded.failed_since), failed_times = w.failed_times + 1,
    why = excluded.why, try_at = %(at)s + least(w.failed_times + 1, 60) * interval '1 minute'
RETURNING failed_times
"""


class Waits(models.Model):
    """A tip that waits for a step. One that defeats it has ``failed_since``, and ``why``: the class of the error."""

    tip = models.OneToOneField(Tip, on_delete=models.PROTECT, primary_key=True, related_name="+")
    failed_since = models.DateTimeField(null=True)
    failed_times = models.IntegerField(db_default=0)
    why = models.CharField(max_length=80, blank=True, db_default="")
    try_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return str(self.tip_id)


W = TypeVar("W", bound=Waits)


class Left(NamedTuple):
    """What was left: whether there is more to do just now, and the tips that could not be done this time."""

    more: bool
    passed_over: set[int]


def ready(model: type[W], at: datetime) -> QuerySet[W]:
    """Return those whose turn it is, the newest first; those that failed come after all that were not tried yet."""
    there = model._default_manager.filter(Q(try_at=None) | Q(try_at__lte=at))
    return there.order_by(F("try_at").asc(nulls_first=True), "-tip")


def failing(model: type[W]) -> QuerySet[W]:
    """Return those that defeat the step, the longest first."""
    return model._default_manager.filter(failed_times__gt=0).select_related("tip").order_by("failed_since", "tip")


def note_failure(model: type[Waits], tip: int, why: str, at: datetime) -> int:
    """Write down that a tip defeated the step, so that it waits and is seen; return how often it did by now.

    0 where somebody else is putting it there just now: it is tried again with what they write.
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '2s'")
            cursor.execute(_FAILED.format(table=model._meta.db_table), {"tip": tip, "why": why[:80], "at": at})
            (times,) = cursor.fetchone()
            cursor.execute("SET LOCAL lock_timeout = DEFAULT")
    except OperationalError:
        return 0
    return int(times)


def work_off(
    take: Callable[[Collection[int]], list[int]],
    do: Callable[[Sequence[int]], set[int]],
    failed: Callable[[int, str], None],
    *,
    patience: float,
) -> Left:
    """Do tips for as many seconds as there is patience; return what is left.

    ``take``: the next tips, but for those that were passed over; ``do``: does them in one transaction and returns those
    it did; ``failed``: keeps one in sight that defeats the step, with the class of the error. Raises what the database
    itself raises: then nothing else will go better.
    """
    end = time.monotonic() + patience
    passed_over: set[int] = set()
    while time.monotonic() < end:
        tips = take(passed_over)
        if not tips:
            return Left(False, passed_over)
        passed_over |= _do_each(tips, do, failed)
    return Left(True, passed_over)


def _do_each(
    tips: Sequence[int], do: Callable[[Sequence[int]], set[int]], failed: Callable[[int, str], None]
) -> set[int]:
    """Do tips together, and one by one where one of them defeats the step; return those that go on waiting."""
    try:
        return set(tips) - do(tips)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        if len(tips) > 1:
            return {left for tip in tips for left in _do_each([tip], do, failed)}
        failed(tips[0], type(error).__name__)
        return set(tips)
