# SPDX-License-Identifier: Apache-2.0
"""Ends what is left of offers, shares and stops when a tip went another way, was set apart or was destroyed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Exists, F, OuterRef, Q

from nightlight.pipeline.routing import offers, recording, stops
from nightlight.pipeline.routing.models import OPEN_STATES, Offer, OfferState, PackageTip, ReceiptKind, Stop
from nightlight.pipeline.tips import sharing
from nightlight.pipeline.tips.models import Document, DocumentKind, Share, Tip
from nightlight.trust.custody import actions as custody
from nightlight.trust.units.models import Notice

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from django.db.models import QuerySet

AT_ONCE = 200
ELSEWHERE = "routing.elsewhere"
_GONE = "The unit that offered it does not hand it over any more."


def settle(*, by: str, now: Callable[[], datetime]) -> int:
    """End stray offers, shares and stops; return how many offers were recalled. Safe to run twice.

    An offer is stray when its sender holds the tip no more, or the tip was set apart or destroyed. One that another
    installation has is left open, since it may be accepted there already: whoever holds the tip is told, once.
    """
    packed = Exists(PackageTip.objects.filter(offer=OuterRef("pk")))
    stray = Offer.objects.filter(state__in=OPEN_STATES).filter(
        ~Q(tip__unit=F("from_unit")) | Q(tip__set_apart=True) | Exists(_erased(OuterRef("tip")))
    )
    done = recording.each(_some(stray.exclude(packed)), lambda one: _recall(one, by=by, at=now()))
    told = Notice.objects.filter(kind=ELSEWHERE, about=OuterRef("public_id"))
    recording.each(_some(stray.filter(packed).exclude(Exists(told))), lambda one: _tell_holder(one, at=now()))
    shares = Share.objects.filter(until=None).filter(Exists(_erased(OuterRef("tip"))))
    recording.each(list(shares.select_related("tip", "unit")[:AT_ONCE]), lambda one: _end_share(one, by=by, at=now()))
    recording.each(_strayed(), lambda tip: _end_stops(tip, by=by, at=now()))
    return done


def _erased(tip: OuterRef) -> QuerySet[Document]:
    return Document.objects.filter(tip=tip, key_part=b"").exclude(kind=DocumentKind.RECEIPT)


def _some(stray: QuerySet[Offer]) -> list[Offer]:
    return list(stray.order_by("pk")[:AT_ONCE])


def _recall(one: Offer, *, by: str, at: datetime) -> bool:
    held = recording.hold(one)
    keeps = held.tip.unit_id == held.from_unit_id and not held.tip.set_apart and not offers.destroyed(held.tip)
    if not held.is_open or keeps or PackageTip.objects.filter(offer=held).exists():
        return False
    sharing.end(by=by, at=at, tip=held.tip, unit=held.to_unit, only=Share.Kind.OFFERED)
    offers.end_offer(held, OfferState.RECALLED, by=by, at=at, answer=_GONE)
    recording.record(held, ReceiptKind.RECALLED, by=by, at=at, reason_sha256=recording.digest(_GONE))
    recording.tell_sender(kind="routing.recalled", offer=held, at=at)
    if held.delivered_at:
        recording.tell(held.to_unit_id, recording.TOLD, kind="routing.recalled", offer=held, at=at)
    return True


def _tell_holder(one: Offer, *, at: datetime) -> bool:
    held = recording.hold(one)
    if not held.is_open or Notice.objects.filter(kind=ELSEWHERE, about=held.public_id).exists():
        return False
    recording.tell(held.tip.unit_id, recording.TOLD, kind=ELSEWHERE, offer=held, at=at)
    return True


def _end_share(one: Share, *, by: str, at: datetime) -> bool:
    """End what a unit sees of a destroyed tip; what it was asked has been recalled before."""
    recording.alone(one.tip_id)
    if PackageTip.objects.filter(tip=one.tip_id, offer__to_unit=one.unit, offer__state__in=OPEN_STATES).exists():
        return False
    if one.kind == Share.Kind.JOINT:
        custody.append(
            by=by,
            at=at,
            kind="routing.joint-ended",
            subject=f"tip:{one.tip.public_id}",
            data={"tip": one.tip.public_id, "unit": one.unit.public_id, "reason_sha256": recording.digest(_GONE)},
        )
    ended = sharing.end(by=by, at=at, tip=one.tip, unit=one.unit)
    stops.end_where_gone(by=by, at=at, tip=one.tip)
    return ended


def _strayed() -> list[Tip]:
    """Tips with a stop of a unit that has nothing to do with them any more."""
    shared = Share.objects.filter(tip=OuterRef("tip"), unit=OuterRef("unit"), until=None)
    asked = Offer.objects.filter(tip=OuterRef("tip"), to_unit=OuterRef("unit"), state__in=OPEN_STATES)
    alone = Stop.objects.filter(ended_at=None).exclude(tip__unit=F("unit")).exclude(Exists(shared))
    keys = alone.exclude(Exists(asked)).order_by("tip").values_list("tip", flat=True).distinct()
    return list(Tip.objects.filter(pk__in=list(keys[:AT_ONCE])))


def _end_stops(tip: Tip, *, by: str, at: datetime) -> bool:
    recording.alone(tip.pk)
    return bool(stops.end_where_gone(by=by, at=at, tip=tip))
