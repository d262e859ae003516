# SPDX-License-Identifier: Apache-2.0
"""How much looking weighs, when it is enough, and when nobody should begin to look.

The figures are design defaults, not science: no study known to us gives a safe amount. What studies do say shapes them.
Violent material goes with worse health of investigators, amount and duration by themselves do not (survey of 500
investigators, BMC Psychiatry 2023): so violence weighs more, and a second longer does not. A blurred or grey view
distressed people as much as a clear one (two trials, 674 people, Psychological Research 2026): so grey counts in full.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

VERSION = 1
LIFE = timedelta(minutes=10)  # of one viewing, from the asking
EXPORT_LIFE = timedelta(hours=24)  # of an approved export
LONGEST_HOLD = int(LIFE.total_seconds() * 1000)  # milliseconds
QUIET_END = timedelta(minutes=30)  # of a shift, without media
DAYS = 30
SHORTEST_REASON = 15
LONGEST_REASON = 1000
LONGEST_NUMBER = 120
STILL_SIZE, LARGE_SIZE, FRAMES = 96, 1024, 6


class Mode(StrEnum):
    """How a picture was shown."""

    STILL = "still"  # small and grey
    ENLARGED = "enlarged"  # large and grey
    COLOUR = "colour"  # large and in colour


# A picture shown once. A small one is still an exposure; grey takes nothing off.
WEIGHTS = {Mode.STILL: 1, Mode.ENLARGED: 2, Mode.COLOUR: 2}
VIOLENT_FACTOR = 3


@dataclass(frozen=True, slots=True)
class Limit:
    """The weight from which a person is warned, and from which a reason is asked for."""

    soft: int
    hard: int


DAY_LIMIT = Limit(60, 120)
MONTH_LIMIT = Limit(800, 1500)


class Over(StrEnum):
    """What speaks against looking now; each can be overridden with a reason."""

    DAY = "day-limit"
    MONTH = "month-limit"
    SHIFT = "shift-end"


@dataclass(frozen=True, slots=True)
class Standing:
    """How much somebody has looked, and what follows."""

    day: int
    month: int
    warnings: tuple[Over, ...]
    stops: tuple[Over, ...]

    @property
    def day_share(self) -> int:
        """Today's weight in percent of the hard limit, at most 100."""
        return min(100, self.day * 100 // DAY_LIMIT.hard)


def weight(mode: Mode, *, violent: bool) -> int:
    """Return what showing one picture once weighs."""
    return WEIGHTS[mode] * (VIOLENT_FACTOR if violent else 1)


def standing(*, day: int, month: int, shift_ends: bool) -> Standing:
    """Return what the sums of a person say; raises ValueError for a negative one."""
    if day < 0 or month < 0:
        raise ValueError("a weight is not negative")
    found = [(Over.DAY, day, DAY_LIMIT), (Over.MONTH, month, MONTH_LIMIT)]
    stops = [over for over, sum_, limit in found if sum_ >= limit.hard]
    warnings = [over for over, sum_, limit in found if limit.soft <= sum_ < limit.hard]
    return Standing(day, month, tuple(warnings), (*stops, Over.SHIFT) if shift_ends else tuple(stops))


def shift_ends(at: datetime, shifts: Iterable[tuple[datetime, datetime]]) -> bool:
    """Whether ``at`` lies in the last half hour of the duty; shifts that follow one another are one duty.

    Without a roster nothing is known and nothing is stopped.
    """
    running = sorted(shifts)
    end: datetime | None = None
    for starts, ends in running:
        if end is None:
            if starts <= at < ends:
                end = ends
        elif starts <= end:
            end = max(end, ends)
    return end is not None and end - at <= QUIET_END


def reason_given(text: str) -> str:
    """Return the reason with single blanks, or an empty text if it says too little or too much to be one."""
    told = " ".join(text.split())
    return told if SHORTEST_REASON <= len(told) <= LONGEST_REASON else ""


@dataclass(frozen=True, slots=True)
class Stated:
    """What a record says of one of its files; None: it does not say."""

    viewed_by_provider: bool | None
    publicly_available: bool | None = None
    violent: bool = False
