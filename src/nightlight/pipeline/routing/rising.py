# SPDX-License-Identifier: Apache-2.0
"""When the band of a tip rises while it is offered, its answer is due sooner: in the hours of the new band."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nightlight.foundation import clock
from nightlight.pipeline.routing import clocks, recording
from nightlight.pipeline.routing.models import OPEN_STATES, Offer
from nightlight.pipeline.triage.models import Band
from nightlight.trust.custody import actions as custody

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

AT_ONCE = 200


def hurry(*, by: str, now: Callable[[], datetime]) -> int:
    """Put forward by when offers are to be answered of tips whose band has risen; return how many. Safe to run twice.

    Never put off, and never put forward by more than the hours of the new band: a unit has these from now. Each offer
    is a transaction of its own.
    """
    done = 0
    for band in sorted(clocks.stated().answer, reverse=True):
        risen = Offer.objects.filter(state__in=OPEN_STATES, band__lt=band, tip__standing__band=band)
        late = risen.filter(due_at__gt=clocks.answer_due(now(), band, at=now())).order_by("due_at")
        done += recording.each(
            list(late.values_list("pk", flat=True)[:AT_ONCE]), lambda key: _hurry(key, by=by, at=now())
        )
    return done


def _hurry(key: int, *, by: str, at: datetime) -> bool:
    held = recording.hold(Offer.objects.get(pk=key))
    band = recording.band_of(held.tip)
    due_at = clocks.answer_due(at, band, at=at)
    if not held.is_open or band <= held.band or held.due_at <= due_at:
        return False
    held.due_at = due_at
    held.save(update_fields=["due_at"])
    custody.append(
        by=by,
        at=at,
        kind="routing.sooner",
        subject=f"tip:{held.tip.public_id}",
        data={
            "offer": held.public_id,
            "tip": held.tip.public_id,
            "unit": held.to_unit.public_id,
            "band": Band(band).name.lower(),
            "due_at": clock.stamp(due_at),
        },
    )
    return True
