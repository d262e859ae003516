# SPDX-License-Identifier: Apache-2.0
"""Reminds of offers nobody has answered and of accepted tips nobody has taken up, once each; ends stray offers.

Whose clock stands is not reminded. Alerts go their own way: whoever holds a tip that alerts is called, also while it is
offered to somebody else (triage/calling.py).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import Exists, F, OuterRef, Q

from nightlight.pipeline.routing import clocks, recording
from nightlight.pipeline.routing.models import OPEN_STATES, Offer, OfferKind, OfferState, Seal, Stop
from nightlight.pipeline.routing.strays import ELSEWHERE, settle
from nightlight.pipeline.triage.models import Lane
from nightlight.trust.accounts.models import Role
from nightlight.trust.custody import actions as custody
from nightlight.trust.units.models import Notice

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from django.db.models import QuerySet

    from nightlight.foundation.canonical_json import Json

__all__ = ["ELSEWHERE", "late", "remind", "settle", "untaken"]

AT_ONCE = 200
_PAGE = 500
_LOOKED_BACK = timedelta(days=60)  # what was accepted before that and never taken up was reminded of then
_NO_WORK = "routing.overdue-work"
_STANDS = Exists(Stop.objects.filter(tip=OuterRef("tip"), unit=OuterRef("to_unit"), ended_at=None))


def remind(*, by: str, now: Callable[[], datetime]) -> int:
    """End stray offers and remind of what is overdue; return how many reminders went out. Safe to run twice.

    Each reminder is a transaction of its own.
    """
    settle(by=by, now=now)
    done = recording.each(_unanswered(now()), lambda key: _remind_to_answer(key, by=by, at=now()))
    return done + recording.each(untaken(now()), lambda one: _remind_to_work(one, by=by, at=now()))


def _unanswered(at: datetime) -> list[int]:
    waiting = Offer.objects.filter(state__in=OPEN_STATES, due_at__lte=at, reminded_at=None).exclude(_STANDS)
    return list(waiting.order_by("due_at").values_list("pk", flat=True)[:AT_ONCE])


def _remind_to_answer(key: int, *, by: str, at: datetime) -> bool:
    held = recording.hold(Offer.objects.get(pk=key))
    if not held.is_open or held.reminded_at is not None or held.due_at > at:
        return False
    held.reminded_at = at
    held.save(update_fields=["reminded_at"])
    recording.tell(held.to_unit_id, {Role.COMMANDER}, kind="routing.overdue", offer=held, at=at)
    recording.tell_sender(kind="routing.overdue", offer=held, at=at)
    _record(held, clock="answer", due=held.due_at, by=by, at=at)
    return True


def untaken(at: datetime) -> list[tuple[Offer, datetime]]:
    """Return what `late` does, as far as nobody was reminded of it yet."""
    told = Notice.objects.filter(kind=_NO_WORK, about=OuterRef("public_id"))
    return _late(_accepted(at).exclude(Exists(told)), at)


def late(at: datetime, *, units: Collection[int] | None = None) -> list[tuple[Offer, datetime]]:
    """Return accepted tips that nobody of the unit has taken up in time, critical ones first; at most 200.

    Of these units only, if given. The clock runs since the unit got the tip; of one that stands nothing is late.
    """
    rows = _accepted(at)
    return _late(rows if units is None else rows.filter(to_unit__in=units), at)


def _accepted(at: datetime) -> QuerySet[Offer]:
    """Tips as their unit got them last by an offer: open, and nobody's there."""
    later = Offer.objects.filter(
        tip=OuterRef("tip"), kind=OfferKind.WHOLE, state=OfferState.ACCEPTED, answered_at__gt=OuterRef("answered_at")
    )
    rows = Offer.objects.filter(kind=OfferKind.WHOLE, state=OfferState.ACCEPTED, tip__unit=F("to_unit"))
    rows = rows.filter(answered_at__gt=at - _LOOKED_BACK).exclude(_STANDS)
    # Joined, not asked for each: the database may begin with where tips stand, of which few are critical.
    rows = rows.filter(tip__standing__unit=F("to_unit"), tip__standing__lane=Lane.OPEN, tip__standing__holder=None)
    return rows.exclude(Exists(later)).select_related("tip", "from_unit", "to_unit")


def _late(rows: QuerySet[Offer], at: datetime) -> list[tuple[Offer, datetime]]:
    """What of these is late, critical tips first: each band has its own hours, so each is looked through by itself."""
    found: list[tuple[Offer, datetime]] = []
    for band in sorted(clocks.stated().work, reverse=True):
        found += _late_in(band, rows, at, AT_ONCE - len(found))
    return found


def _late_in(band: int, rows: QuerySet[Offer], at: datetime, most: int) -> list[tuple[Offer, datetime]]:
    there = rows.filter(tip__standing__band=band, answered_at__lte=at - clocks.stated().to_work(band))
    there = there.order_by("answered_at", "pk")
    found: list[tuple[Offer, datetime]] = []
    after = Q()
    while len(found) < most:
        page = list(there.filter(after)[:_PAGE])
        stood = clocks.stood((one.tip_id, one.to_unit_id) for one in page)
        for one in page:
            if one.answered_at is None:
                continue
            due = clocks.work_due(one.answered_at, band, stood.get((one.tip_id, one.to_unit_id), ()), at=at)
            found += [(one, due)] if due <= at else []
        if len(page) < _PAGE:
            break
        last = page[-1]  # those whose clock stood for a while are not late yet; there may be more behind them
        after = Q(answered_at__gt=last.answered_at) | Q(answered_at=last.answered_at, pk__gt=last.pk)
    return found[:most]


def _remind_to_work(late: tuple[Offer, datetime], *, by: str, at: datetime) -> bool:
    held, due = recording.hold(late[0]), late[1]
    if Notice.objects.filter(kind=_NO_WORK, about=held.public_id).exists():
        return False
    recording.tell(held.to_unit_id, {Role.COMMANDER}, kind=_NO_WORK, offer=held, at=at)
    if not held.given_back and not Seal.objects.filter(tip=held.tip_id).exists():
        recording.tell_sender(kind=_NO_WORK, offer=held, at=at)
    _record(held, clock="work", due=due, by=by, at=at)
    return True


def _record(held: Offer, *, clock: str, due: datetime, by: str, at: datetime) -> None:
    data: dict[str, Json] = {
        "offer": held.public_id,
        "tip": held.tip.public_id,
        "unit": held.to_unit.public_id,
        "clock": clock,
        "seconds": int((at - due).total_seconds()),
    }
    custody.append(by=by, at=at, kind="routing.overdue", subject=f"tip:{held.tip.public_id}", data=data)
