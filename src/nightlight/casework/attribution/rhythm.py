# SPDX-License-Identifier: Apache-2.0
"""At which hours and on which days an address was used, counted; and whether two addresses take turns.

Counts only. They say when records were made, not how anybody lives, and they support what other evidence shows: no
state of a candidate rests on them. Hours are on a circle, so their middle is the circular mean (Mardia and Jupp,
Directional Statistics, 2000, chapter 2): 23:00 and 01:00 have midnight between them, not noon.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date, datetime, tzinfo

FEWEST = 6
"""Events below which hours say nothing."""
FEWEST_DAYS = 3
_WORK_HOURS = range(9, 18)
_SATURDAY = 5
_MOST = 0.75  # of the events, for a rhythm to be named
_CLEAR = 0.3  # length of the mean vector below which the hours have no middle worth telling
_APART = timedelta(minutes=10)
_TURNS_FEWEST = 3


class Rhythm(StrEnum):
    """Which hours most of the records have."""

    OFF_WORK = "off-work"  # evenings, nights, mornings and weekends
    WORK = "work"  # weekdays from nine to six
    MIXED = "mixed"
    TOO_FEW = "too-few"


@dataclass(frozen=True, slots=True)
class Profile:
    """Counts of events in local time. `middle` is the circular mean in hours, None where there is no clear one."""

    count: int
    days: int
    hours: tuple[int, ...]  # 24, from midnight
    weekdays: tuple[int, ...]  # 7, from Monday
    working: int  # on weekdays from 9:00 until before 18:00
    middle: float | None
    concentration: float  # length of the mean vector: 0 spread evenly, 1 always at the same time

    @property
    def rhythm(self) -> Rhythm:
        """Which hours most of the records have; too few of them, or on too few days, say nothing."""
        if self.count < FEWEST or self.days < FEWEST_DAYS:
            return Rhythm.TOO_FEW
        if self.working >= _MOST * self.count:
            return Rhythm.WORK
        if self.count - self.working >= _MOST * self.count:
            return Rhythm.OFF_WORK
        return Rhythm.MIXED


def profile(times: Iterable[datetime], zone: tzinfo) -> Profile:
    """The counts of aware times on the clock of `zone`. Raises ValueError for a time without a zone."""
    hours, weekdays, days = [0] * 24, [0] * 7, set[object]()
    working, east, north, count = 0, 0.0, 0.0, 0
    for at in times:
        if at.tzinfo is None:
            raise ValueError("a time without its zone has no local hour")
        local = at.astimezone(zone)
        weekday = local.weekday()
        count += 1
        hours[local.hour] += 1
        weekdays[weekday] += 1
        days.add(local.date())
        working += weekday < _SATURDAY and local.hour in _WORK_HOURS
        angle = (local.hour + local.minute / 60) / 24 * math.tau
        east, north = east + math.cos(angle), north + math.sin(angle)
    length = math.hypot(east, north) / count if count else 0.0
    middle = math.atan2(north, east) % math.tau / math.tau * 24 if length >= _CLEAR else None
    rounded = None if middle is None else round(middle, 2) % 24
    return Profile(count, len(days), tuple(hours), tuple(weekdays), working, rounded, round(length, 4))


def overlap(one: Profile, other: Profile) -> float:
    """How far two profiles have the same hours: 0 none in common, 1 the same shares. Neither says whose they are."""
    if not one.count or not other.count:
        return 0.0
    return sum(min(a / one.count, b / other.count) for a, b in zip(one.hours, other.hours, strict=True))


@dataclass(frozen=True, slots=True)
class Turns:
    """How two addresses follow one another: `days` on which both were used, `changes` between them on those days.

    `together`: events of the one within ten minutes of an event of the other; people move, and so do phones between
    a home network and a mobile one, so this is to be seen and decides nothing.
    """

    days: int
    changes: int
    together: int

    @property
    def take_turns(self) -> bool:
        """Whether they were used on several same days and, nearly always, one after the other."""
        return self.days >= _TURNS_FEWEST and self.changes >= self.days and self.together * 4 <= self.changes


def turns(one: Sequence[datetime], other: Sequence[datetime], zone: tzinfo) -> Turns:
    """How two addresses follow one another by the clock of `zone`; aware times in any order."""
    if any(at.tzinfo is None for at in (*one, *other)):
        raise ValueError("a time without its zone has no local day")
    by_day: dict[date, list[tuple[datetime, bool]]] = {}
    for times, second in ((one, False), (other, True)):
        for at in times:
            by_day.setdefault(at.astimezone(zone).date(), []).append((at.astimezone(UTC), second))
    both = [sorted(day) for day in by_day.values() if len({second for _at, second in day}) == 2]
    changes = sum(a[1] != b[1] for day in both for a, b in pairwise(day))
    there = sorted(at.astimezone(UTC) for at in other)
    return Turns(len(both), changes, sum(_near(at.astimezone(UTC), there) for at in one))


def _near(at: datetime, sorted_times: Sequence[datetime]) -> bool:
    place = bisect_left(sorted_times, at)
    return any(abs(near - at) <= _APART for near in sorted_times[max(0, place - 1) : place + 1])
