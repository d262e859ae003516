# SPDX-License-Identifier: Apache-2.0
"""Which time a hand-over is about: the shift that ends, by the roster, and when the next one ends.

Pure: no clock, no database, no Django.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

CHOICES = (8, 12, 24)  # hours that can be chosen instead of the roster's shift
USUAL = timedelta(hours=12)  # a shift where the roster names none
# Who last was on duty longer ago than this does not hand that duty over any more.
_FORGOTTEN = timedelta(hours=36)
# Shifts overlap so that people can talk: one that begins within this time of the end is the next one.
_OVERLAP = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Duty:
    """One person's duty in the roster; ``own`` where it is the viewer's."""

    starts_at: datetime
    ends_at: datetime
    own: bool = False


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when a hand-over counts, and until when the next shift is there.

    ``rostered`` says that ``since`` comes from the roster, ``next_rostered`` that ``next_ends_at`` does.
    """

    since: datetime
    until: datetime
    rostered: bool
    next_ends_at: datetime
    next_rostered: bool


def span(duties: Iterable[Duty], at: datetime, hours: int | None = None) -> Span:
    """Return the time that a hand-over at ``at`` is about.

    The person's present duty, else their last one if it began within 36 hours, else the last 12 hours; ``hours``
    (one of CHOICES; anything else counts as not chosen) overrides it.
    """
    known = list(duties)
    began = [duty for duty in known if duty.own and at - _FORGOTTEN <= duty.starts_at < at]
    present = max((duty for duty in began if duty.ends_at > at), key=lambda duty: duty.starts_at, default=None)
    mine = present or max(began, key=lambda duty: duty.ends_at, default=None)
    rostered = hours not in CHOICES and mine is not None
    if hours in CHOICES and hours is not None:
        since = at - timedelta(hours=hours)
    else:
        since = mine.starts_at if mine else at - USUAL
    ends = present.ends_at if present else at
    following, found = _next_end(known, ends)
    return Span(since, at, rostered, following, found)


def _next_end(duties: Iterable[Duty], ends: datetime) -> tuple[datetime, bool]:
    """When the shift after this one ends: of those that begin first the longest; else a usual one is assumed."""
    later = [duty for duty in duties if duty.starts_at >= ends - _OVERLAP and duty.ends_at > ends]
    if not later:
        return ends + USUAL, False
    first = min(duty.starts_at for duty in later)
    return max(duty.ends_at for duty in later if duty.starts_at == first), True
