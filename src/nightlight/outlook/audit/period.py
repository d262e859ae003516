# SPDX-License-Identifier: Apache-2.0
"""The days an auditor asks about, and between which entries of the log they lie.

The log has no index on time: each index would cost every report that comes in. Signed heads say which entries existed
when, so the days become a range of entry numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from django.db import connection
from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from collections.abc import Mapping
    from zoneinfo import ZoneInfo

USUAL_DAYS = 7
# An entry's number is drawn after its time is taken; clocks of several machines may differ by less than this.
EARLY = timedelta(hours=1)
# A long transaction may write its entry this long after the time it states.
LATE = timedelta(days=1)

_AFTER = """
SELECT event_id FROM custody_leaf WHERE position =
    (SELECT size - 1 FROM custody_tree_head WHERE at <= %s ORDER BY size DESC LIMIT 1)
"""
# Not the last leaf alone: a latecomer with a low number may stand there.
_UP_TO = """
WITH before AS (
    SELECT coalesce((SELECT size FROM custody_tree_head WHERE at < %s ORDER BY size DESC LIMIT 1), 0) AS size),
head AS (SELECT h.size FROM custody_tree_head h, before WHERE h.size > before.size ORDER BY h.size LIMIT 1)
SELECT max(l.event_id) FROM custody_leaf l, head WHERE l.position < head.size AND l.position >= head.size - 1000
"""


@dataclass(slots=True)
class Period:
    """Days in the officers' zone, the last one included; what makes no sense is said in `problems`."""

    first: date
    last: date
    since: datetime
    until: datetime
    problems: list[str] = field(default_factory=list)

    @property
    def days(self) -> int:
        """How many days."""
        return (self.last - self.first).days + 1


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers of entries: after the one, up to the other (None: up to the newest)."""

    after: int
    up_to: int | None


def read(parameters: Mapping[str, str], zone: ZoneInfo, at: datetime) -> Period:
    """Read "from" and "to" from an address; the last seven days unless asked otherwise."""
    problems: list[str] = []
    today = at.astimezone(zone).date()
    last = _day(parameters.get("to", ""), problems) or today
    first = _day(parameters.get("from", ""), problems) or last - timedelta(days=USUAL_DAYS - 1)
    if first > last:
        problems.append(_("The first day lies after the last, so the two were swapped."))
        first, last = last, first
    return Period(
        first,
        last,
        datetime.combine(first, time.min, zone),
        datetime.combine(last + timedelta(days=1), time.min, zone),
        problems,
    )


def entries(period: Period) -> Range:
    """Return between which entries the period lies, with room on both sides. Two queries, by index."""
    with connection.cursor() as cursor:
        cursor.execute(_AFTER, [period.since - EARLY])
        after = cursor.fetchone()
        cursor.execute(_UP_TO, [period.until + LATE])
        (up_to,) = cursor.fetchone()
    return Range(after[0] if after else 0, up_to)


def _day(text: str, problems: list[str]) -> date | None:
    text = text.strip()
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or not 1970 <= day.year <= 9000:
        problems.append(_("“%(text)s” is no day, so it was left out.") % {"text": text[:40]})
        return None
    return day
