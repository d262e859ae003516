# SPDX-License-Identifier: Apache-2.0
"""What is kept of a tip's addresses once they were looked up, as JSON: each event with label, reasons, holder and time.

How far an event leads changes with the day, because records run out. It is graded anew from this whenever it is shown.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from nightlight.casework.attribution import grades, kinds
from nightlight.foundation.tagged_json import Keeper, NotKept
from nightlight.pipeline.tips import values

if TYPE_CHECKING:
    from datetime import datetime

VERSION = 1
"""Of the form, and of the step that makes it."""


@dataclass(frozen=True, slots=True)
class LookedUp:
    """An event of a tip, what its address was, and who held it.

    ``parties``: numbers of the reported people of the tip whose event it is; empty where the report does not say whose
    of several. ``keep_seconds``: how long the holder keeps the records that would answer, None where that is not known;
    ``said_seconds``: what it says itself, where that is shorter.
    ``child_there``: the child in the report used the same network; nothing else of a child's events is kept here.
    """

    event: kinds.Event
    labelled: kinds.Labelled
    places: tuple[str, ...]
    parties: tuple[int, ...]
    operator: str = ""
    holder: str = ""
    why_holder: str = ""
    shares: bool | None = None
    keep_seconds: int | None = None
    keep_source: str = ""
    keep_minimum: bool = False
    said_seconds: int | None = None
    child_there: bool = False

    @property
    def retention(self) -> grades.Retention | None:
        """How long the records are kept; None where nothing is known of it."""
        if not self.keep_source:
            return None
        keep, said = (
            None if seconds is None else timedelta(seconds=seconds)
            for seconds in (self.keep_seconds, self.said_seconds)
        )
        return grades.Retention(keep, self.keep_source, self.keep_minimum, said)

    def traceability(self, now: datetime) -> grades.Traceability:
        """Return how far it leads at ``now``."""
        return grades.grade(self.event, self.labelled, self.retention, now=now, shares=self.shares)


_LEADS = frozenset({kinds.Way.TRACE, kinds.Way.ASK_FIRST})


@dataclass(frozen=True, slots=True)
class Body:
    """All of a tip: its events, and how many were kept apart, by why (`gathering_events.Apart`, and "protected")."""

    events: tuple[LookedUp, ...]
    apart: tuple[tuple[str, int], ...] = ()

    def ends(self, now: datetime) -> tuple[datetime, ...]:
        """When records end that would answer for an event that can be traced, those still to come, soonest first."""
        found = {
            end
            for one in self.events
            if one.traceability(now).way in _LEADS
            for end in grades.ends(one.event, one.retention)
            if end > now
        }
        return tuple(sorted(found))


_KEEPER = Keeper(
    (
        *(LookedUp, Body, kinds.Event, kinds.EventKind, kinds.Label, kinds.Transition, kinds.Why, kinds.Reason),
        *(kinds.Labelled, values.Moment, values.Stated),
    )
)


def written(body: Body) -> str:
    """Return a body as text that the database holds."""
    return json.dumps(_KEEPER.keep(body), separators=(",", ":"))


def read(text: str) -> Body | None:
    """Return what was written; None where an older form does not fit any more, and it has to be made anew."""
    try:
        found = _KEEPER.read(json.loads(text))
    except (NotKept, ValueError):
        return None
    return found if isinstance(found, Body) else None
