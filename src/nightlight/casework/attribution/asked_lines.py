# SPDX-License-Identifier: Apache-2.0
"""The lines of a request as its return is asked for them, and the request marked as answered.

The window of a line is that of the evidence, widened by the stated error of the clock that wrote it. Its middle is what
a return is asked for, its half how far a clock may be off; the operator's own clock error comes on top.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from math import ceil, floor
from typing import TYPE_CHECKING

from nightlight.casework.attribution import request_body
from nightlight.casework.attribution.models import Request, RequestState, StepKind
from nightlight.casework.attribution.request_steps import note
from nightlight.casework.attribution.returns.answers import MINUTE, Asked
from nightlight.casework.attribution.returns.rows import number_of

if TYPE_CHECKING:
    from datetime import datetime

    from nightlight.casework.attribution.models import Return
    from nightlight.casework.attribution.request_body import KeptLine

_INDIA = 330  # minutes east of UTC


@dataclass(frozen=True, slots=True)
class AskedLine:
    """A line with what a return is asked for it; ``zone``: the IANA zone of its local times."""

    kept: KeptLine
    asked: Asked

    @property
    def zone(self) -> str:
        """In which its times are shown beside UTC."""
        return self.kept.line.zone


def of(request: Request, *, log_error: int = 0) -> tuple[AskedLine, ...]:
    """Return the lines of a request; ``log_error`` in seconds as the operator states it. Raises Unreadable."""
    kept = request_body.read(request.body)
    return tuple(AskedLine(line, _asked(line, log_error)) for line in kept.lines)


def mark_answered(request: Request, found: Return, *, by: str, at: datetime) -> bool:
    """Note, in the caller's transaction, that a request was answered; False where that was noted already."""
    row = Request.objects.select_for_update(of=("self",)).get(pk=request.pk)
    if row.state not in {RequestState.SENT, RequestState.REFUSED}:
        return False
    Request.objects.filter(pk=row.pk).update(state=RequestState.ANSWERED, ended_at=at)
    note(request, StepKind.ANSWERED, by=by, at=at, returned=found.public_id)
    return True


def _asked(kept: KeptLine, log_error: int) -> Asked:
    line, clock = kept.line, kept.clock
    begins = floor(line.utc_from.timestamp())
    length = max(1, ceil(line.utc_to.timestamp()) - begins)  # seconds; 1 for a time that is known to the second
    half = (length - 1) // 2
    stated = bool(clock.stated_by or clock.plus_minus or clock.ahead)
    error: int | None = ceil((length - 1) / 2) + log_error
    if not stated and not log_error and length <= 2 * MINUTE + 1:
        error = None  # nobody has stated it, and the minute that is tried anyway is wider
    offset = line.local_from.utcoffset() or timedelta()
    zones = tuple(dict.fromkeys((0, _INDIA, int(offset.total_seconds()) // 60)))
    return Asked(line.key, number_of(line.address), line.port, begins + half, error, zones)
