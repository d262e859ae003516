# SPDX-License-Identifier: Apache-2.0
"""When a pile of tips is empty, with so many officers, and how sure that is.

A plain model: so many tips come in a day, each officer at work closes so many a day, the most urgent bands first. What
comes and what is closed goes up and down, so a forecast is three: with the rates in the middle, with good ones and with
bad ones. Pure: no clock, no database, no Django. Rates are fractions, so that no date moves by a rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor, sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WEEK = 7
ENOUGH = 20  # closures, below which the work of an officer a day counts as not measured
ASSUMED = 8  # tips an officer closes a working day where nothing is measured; can be entered on the page
LONGEST = 3650  # days ahead that still get a date


@dataclass(frozen=True, slots=True)
class Rates:
    """A rate a day: a quarter of the weeks were below ``low``, half below ``middle``, a quarter above ``high``."""

    low: Fraction
    middle: Fraction
    high: Fraction


@dataclass(frozen=True, slots=True)
class Forecast:
    """``days`` until the pile is empty, None for never; ``needed``: the least officers with whom it shrinks, or None.

    ``surplus`` is how many more come a day than are closed; negative where the pile shrinks.
    """

    days: int | None
    needed: int | None
    surplus: Fraction


@dataclass(frozen=True, slots=True)
class Outlook:
    """The forecast with the rates of the middle, and with those of a good and of a bad time."""

    middle: Forecast
    good: Forecast
    bad: Forecast


def quartiles(values: Sequence[Fraction]) -> Rates:
    """Return the first quartile, the median and the third quartile, interpolated linearly between neighbours.

    Hyndman and Fan (1996), definition 7. Raises ValueError for no values.
    """
    if not values:
        raise ValueError("quartiles of nothing")
    ordered = sorted(values)
    found = []
    for quarter in (1, 2, 3):
        place = Fraction(quarter * (len(ordered) - 1), 4)
        low = floor(place)
        high = min(low + 1, len(ordered) - 1)
        found.append(ordered[low] + (ordered[high] - ordered[low]) * (place - low))
    return Rates(*found)


def weekly(numbers: Sequence[int], over: Sequence[int] | None = None) -> Rates | None:
    """Return the rates of any seven days in a row: numbers a day, or for each of ``over`` (officers at work that day).

    Weeks rather than days, because a pile grows by sums and weekends are not working days. Fewer than seven days count
    as one week. Weeks in which nobody was at work say nothing; None where that leaves none.
    """
    parts = over if over is not None else [1] * len(numbers)
    length = min(WEEK, len(numbers))
    if not length:
        return None
    weeks = [slice(first, first + length) for first in range(len(numbers) - length + 1)]
    rates = [Fraction(sum(numbers[week]), sum(parts[week])) for week in weeks if sum(parts[week])]
    return quartiles(rates) if rates else None


def fixed(rate: Fraction) -> Rates:
    """Return a rate that was assumed or entered: nothing is known of how it varies."""
    return Rates(rate, rate, rate)


def forecast(*, backlog: int, arrivals: Fraction, per_officer: Fraction, officers: Fraction | int) -> Forecast:
    """Return when ``officers`` have emptied the pile; never where as many come as they close, or more.

    ``officers``: at work on each calendar day, on average. One who works five days a week is five sevenths of one.

    An empty pile into which more comes than is closed is not empty for long: that is never, too.
    """
    surplus = arrivals - per_officer * officers
    needed = floor(arrivals / per_officer) + 1 if per_officer > 0 else None
    days = ceil(backlog / -surplus) if surplus < 0 else None
    return Forecast(days, needed, surplus)


def outlook(*, backlog: int, arrivals: Rates, per_officer: Rates, officers: Fraction | int) -> Outlook:
    """Return the forecast three times. Good: few come and many are closed, as in the better quarter of weeks."""
    middle, good, bad = (
        forecast(backlog=backlog, arrivals=come, per_officer=closed, officers=officers)
        for come, closed in (
            (arrivals.middle, per_officer.middle),
            (arrivals.low, per_officer.high),
            (arrivals.high, per_officer.low),
        )
    )
    return Outlook(middle, good, bad)


def tiers(
    backlog: Mapping[int, int], arrivals: Mapping[int, Sequence[int]], per_officer: Rates, officers: Fraction | int
) -> list[tuple[int, Outlook]]:
    """Return for each band, the most urgent first, when it and all above it are empty.

    All work goes to the upper bands first, so what lies below does not change when they are empty. ``arrivals`` are
    numbers a day, of as many days for each band.
    """
    found = []
    pile, come = 0, [0] * max((len(days) for days in arrivals.values()), default=0)
    for band in sorted(backlog.keys() | arrivals.keys(), reverse=True):
        pile += backlog.get(band, 0)
        come = [one + more for one, more in zip(come, arrivals.get(band, [0] * len(come)), strict=True)]
        rates = weekly(come) or fixed(Fraction(0))
        found.append((band, outlook(backlog=pile, arrivals=rates, per_officer=per_officer, officers=officers)))
    return found


def likely_share(wrong: int, looked: int) -> tuple[float, float] | None:
    """Return between which shares (0 to 1) the true one lies, 95 times of 100, if ``wrong`` of ``looked`` were wrong.

    Wilson (1927), which holds for few and for none as well. None where nothing was looked at.
    """
    if not looked:
        return None
    z = 1.959964
    share, square = wrong / looked, z * z / looked
    middle = (share + square / 2) / (1 + square)
    half = z * sqrt(share * (1 - share) / looked + square / (4 * looked)) / (1 + square)
    return max(0.0, middle - half), min(1.0, middle + half)
