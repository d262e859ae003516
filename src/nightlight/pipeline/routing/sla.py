# SPDX-License-Identifier: Apache-2.0
"""How long a unit has: by the band of the tip, without the time in which its clock stood for a stated reason.

Pure: no clock, no database. Bands are numbers, 0 (low) to 3 (critical).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, slots=True)
class Sla:
    """Hours by band: ``answer`` to say whether a tip is theirs, ``work`` until somebody of the unit has taken it up.

    ``reasons`` says of each reason for stopping a clock whether it does stop it. ``reroutes`` is how often a tip that
    came back is offered to another unit without a person deciding.
    """

    answer: Mapping[int, int]
    work: Mapping[int, int]
    reasons: Mapping[str, bool]
    reroutes: int

    def to_answer(self, band: int) -> timedelta:
        """How long a unit has to answer an offer of this band; a band that nobody named has what the nearest has."""
        return timedelta(hours=_nearest(self.answer, band))

    def to_work(self, band: int) -> timedelta:
        """How long a unit has until somebody there has taken up a tip of this band."""
        return timedelta(hours=_nearest(self.work, band))


@dataclass(frozen=True, slots=True)
class Stood:
    """A clock stood from a moment until another; ``until`` is None as long as it stands."""

    since: datetime
    until: datetime | None = None


def due(since: datetime, allowed: timedelta, stood: Iterable[Stood] = (), *, at: datetime | None = None) -> datetime:
    """Return when ``allowed`` will have run since ``since``, not counting the time in which the clock stood.

    A clock that stands still is counted as standing until ``at``; without that, what stands still does not count.
    Overlapping stops count once, and what a clock stood before ``since`` or after it ran out counts for nothing.
    """
    end = since + allowed
    for begin, until in _merged(stood, since, at):
        if begin >= end:
            break
        end += until - begin
    return end


def ran(since: datetime, until: datetime, stood: Iterable[Stood] = ()) -> timedelta:
    """Return how long a clock ran between two moments, without the time in which it stood."""
    lost = sum(
        (min(stop, until) - begin for begin, stop in _merged(stood, since, until) if begin < until), start=timedelta()
    )
    return max(until - since, timedelta()) - lost


def _merged(stood: Iterable[Stood], since: datetime, at: datetime | None) -> list[tuple[datetime, datetime]]:
    spans = sorted(
        (max(one.since, since), end) for one in stood if (end := one.until or at) is not None and end > since
    )
    merged: list[tuple[datetime, datetime]] = []
    for begin, end in spans:
        if end <= begin:
            continue
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((begin, end))
    return merged


def _nearest(hours: Mapping[int, int], band: int) -> int:
    return hours[min(hours, key=lambda known: (abs(known - band), -known))]
