# SPDX-License-Identifier: Apache-2.0
"""What the other unit does with an offer: it is delivered there, opened, and accepted, passed on or sent back.

Each step is one transaction with its entry in the log and its receipt, and is taken once. Steps that another
installation tells of (`remote`) come in any order and more than once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Exists, OuterRef

from nightlight.foundation.refusals import Conflict, NotAllowed
from nightlight.pipeline.routing import offers, recording
from nightlight.pipeline.routing.models import (
    BounceCode,
    Installation,
    Offer,
    OfferKind,
    OfferState,
    Receipt,
    ReceiptKind,
)
from nightlight.pipeline.tips import sharing
from nightlight.pipeline.tips.models import Share, State
from nightlight.trust.units.models import Below, Post
from nightlight.trust.units.viewer import Viewer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from nightlight.foundation.canonical_json import Json
    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.units.models import Unit

_AT_ONCE = 200


def installation_at(unit_id: int) -> Installation | None:
    """The other installation in which this unit works, itself or by a unit above it; None for a unit of ours."""
    above = Below.objects.filter(unit=unit_id).values("ancestor")
    return Installation.objects.filter(state=Installation.State.TRUSTED, unit__in=above).order_by("-pk").first()


def answered_for(unit_id: int, at: datetime) -> bool:
    """Whether anybody can answer what is offered to this unit: somebody there, or another installation."""
    people = Post.objects.active(at).filter(unit=unit_id, role__in=recording.ANSWERS)
    return people.exists() or installation_at(unit_id) is not None


def deliver(*, by: str, now: Callable[[], datetime]) -> int:
    """Tell the people of each unit what was offered to it: then it is delivered. Return how many offers were.

    What is offered to a unit in which nobody works is delivered once somebody does: nobody there was told. What is
    offered to a unit of another installation is delivered when that installation says so. Each offer is a
    transaction of its own; safe to run twice, and by two at once.
    """
    elsewhere = Installation.objects.filter(state=Installation.State.TRUSTED).values("unit")
    people = Post.objects.active(now()).filter(unit=OuterRef("to_unit"), role__in=recording.ANSWERS)
    sent = Offer.objects.filter(Exists(people), state=OfferState.SENT).order_by("sent_at")
    ours = sent.exclude(to_unit__in=Below.objects.filter(ancestor__in=elsewhere).values("unit"))

    def to_people(one: Offer) -> bool:
        held = recording.hold(one)
        if held.state != OfferState.SENT:
            return False
        _deliver(held, by=by, at=now())
        return True

    return recording.each(list(ours[:_AT_ONCE]), to_people)


@transaction.atomic
def opened(*, by: Viewer, at: datetime, tip: Tip) -> Offer | None:
    """Note that somebody of the unit a tip is offered to has opened its page; the first time only.

    Return the offer that was opened now; None where there is nothing to note, for whoever it is.
    """
    units = {post.unit_id for post in by.posts if post.role in recording.ANSWERS}
    unread = (OfferState.SENT, OfferState.DELIVERED)
    found = Offer.objects.filter(tip=tip, to_unit__in=units, state__in=unread).first() if units else None
    if found is None:
        return None
    held = recording.hold(found)
    if held.state not in unread:
        return None
    if held.state == OfferState.SENT:
        _deliver(held, by=by.actor, at=at)
    held.state, held.opened_at = OfferState.OPENED, at
    held.save(update_fields=["state", "opened_at"])
    recording.record(held, ReceiptKind.OPENED, by=by.actor, at=at)
    return held


@transaction.atomic
def accept(*, by: Viewer | str, at: datetime, offer: Offer) -> Offer:
    """Accept what is offered: the whole tip moves to the unit; of a part, or joint work, it has a share.

    Raises NotAllowed for whoever has no post in the unit it is offered to, Conflict where it was answered or recalled
    in the meantime, or the tip lies elsewhere by now. Twice by the same person is once.
    """
    held, who = _answering(by, offer)
    if held.state == OfferState.ACCEPTED and held.answered_by == who:
        return held
    recording.must_be_open(held)
    if held.state == OfferState.SENT:
        _deliver(held, by=who, at=at)
    _accept(held, by=by, at=at)
    recording.record(held, ReceiptKind.ACCEPTED, by=who, at=at)
    recording.tell_sender(kind="routing.accepted", offer=held, at=at)
    return held


@transaction.atomic
def pass_on(*, by: Viewer | str, at: datetime, offer: Offer, to: Unit, why: str, note: str = "") -> Offer:
    """Accept a whole tip and offer it onward to another unit, both or neither; return the offer onward.

    Raises as `accept` and `offers.offer` do, and Conflict for a part or joint work.
    """
    if offer.kind != OfferKind.WHOLE:
        raise Conflict("Only a whole tip is passed on.")
    taken = accept(by=by, at=at, offer=offer)
    return offers.offer(by=by, at=at, tip=taken.tip, to=to, why=why, note=note, previous=taken)


@transaction.atomic
def bounce(*, by: Viewer | str, at: datetime, offer: Offer, code: str, reason: str) -> Offer:
    """Send back what is offered, with why it is not theirs. The sender, who has held it all along, is told.

    Raises NotAllowed for whoever has no post in the unit it is offered to, Conflict without a code or a reason, or
    where it was answered or recalled in the meantime. Twice by the same person is once.
    """
    words = recording.told(reason, "why it is not yours")
    if code not in BounceCode.values:
        raise Conflict("Say why it is not yours: choose one of the reasons.")
    held, who = _answering(by, offer)
    if held.state == OfferState.BOUNCED and held.answered_by == who:
        return held
    recording.must_be_open(held)
    if held.state == OfferState.SENT:
        _deliver(held, by=who, at=at)
    _bounce(held, by=by, at=at, code=code, words=words)
    recording.record(held, ReceiptKind.BOUNCED, by=who, at=at, code=code, reason_sha256=recording.digest(words))
    _tell_of_bounce(held, at=at)
    return held


@transaction.atomic
def remote(
    *, by: str, at: datetime, offer: Offer, kind: str, data: Mapping[str, Json], installation: Installation
) -> Receipt:
    """Note what another installation tells of an offer: delivered, opened, accepted, bounced, or what became of it.

    ``by`` is "installation:NI-…", ``at`` when the step was taken there, ``data`` what it signed (of one sent back with
    ``code`` and ``reason``). Told twice it is noted once, an outcome as often as it differs. Raises NotAllowed for an
    installation that is not trusted or not the one in which the unit works, Conflict for a step that does not follow
    from what is noted here, such as accepting what was recalled.
    """
    if kind not in set(ReceiptKind.values) - {ReceiptKind.SENT, ReceiptKind.RECALLED, ReceiptKind.GIVEN_BACK}:
        raise Conflict(f"Another installation does not say {kind!r} of an offer.")
    held = recording.hold(offer)
    works_there = installation_at(held.to_unit_id)
    if works_there is None or works_there.pk != installation.pk:
        raise NotAllowed(f"{held.to_unit} does not work in {installation}.")
    step = ReceiptKind(kind)
    # Free words may name people, and entries of the log are for ever: the reason stands with the offer.
    facts: dict[str, Json] = {"told": {key: value for key, value in data.items() if key != "reason"}}
    known = Receipt.objects.filter(offer=held, kind=step).order_by("-id")
    for one in known:
        if step != ReceiptKind.OUTCOME or recording.facts(one).get("told") == facts["told"]:
            return one
    if step == ReceiptKind.ACCEPTED:
        recording.must_be_open(held)
        _accept(held, by=by, at=at)
    elif step == ReceiptKind.BOUNCED:
        recording.must_be_open(held)
        code = str(data.get("code", ""))
        code = code if code in BounceCode.values else BounceCode.OTHER
        words = str(data.get("reason", ""))[:2000]
        _bounce(held, by=by, at=at, code=code, words=words)
        facts |= {"code": code, "reason_sha256": recording.digest(words)}
    elif step == ReceiptKind.OUTCOME:
        facts |= {"outcome": str(data.get("code", ""))[:24]}
    elif step == ReceiptKind.DELIVERED and held.state == OfferState.SENT:
        held.state, held.delivered_at = OfferState.DELIVERED, at
        held.save(update_fields=["state", "delivered_at"])
    elif step == ReceiptKind.OPENED and held.state in {OfferState.SENT, OfferState.DELIVERED}:
        held.state, held.opened_at = OfferState.OPENED, at
        held.save(update_fields=["state", "opened_at"])
    noted = recording.record(held, step, by=by, at=at, installation=installation, **facts)
    if step == ReceiptKind.ACCEPTED:
        recording.tell_sender(kind="routing.accepted", offer=held, at=at)
    elif step == ReceiptKind.BOUNCED:
        _tell_of_bounce(held, at=at)
    return noted


def _answering(by: Viewer | str, offer: Offer) -> tuple[Offer, str]:
    """The offer as it stands now, for somebody who may answer it, and how the log names them."""
    held = recording.hold(offer)
    if isinstance(by, Viewer) and not recording.works_in(by, held.to_unit_id):
        raise NotAllowed(f"This is offered to {held.to_unit}; only who works there can answer.")
    return held, recording.actor(by)


def _deliver(held: Offer, *, by: str, at: datetime) -> None:
    held.state, held.delivered_at = OfferState.DELIVERED, at
    held.save(update_fields=["state", "delivered_at"])
    recording.tell(held.to_unit_id, recording.TOLD, kind="routing.offered", offer=held, at=at)
    recording.record(held, ReceiptKind.DELIVERED, by=by, at=at)


def _accept(held: Offer, *, by: Viewer | str, at: datetime) -> None:
    if held.kind == OfferKind.WHOLE:
        sharing.end(by=by, at=at, tip=held.tip, unit=held.to_unit)
        offers.take(held)
    else:
        tip = held.tip
        if tip.unit_id != held.from_unit_id or tip.set_apart or tip.state == State.OPEN:
            raise Conflict("The unit that offered this does not hold it any more. Ask the unit that does.")
        sharing.let(by=by, at=at, tip=tip, unit=held.to_unit, kind=Share.Kind.JOINT)
    offers.end_offer(held, OfferState.ACCEPTED, by=recording.actor(by), at=at)


def _bounce(held: Offer, *, by: Viewer | str, at: datetime, code: str, words: str) -> None:
    sharing.end(by=by, at=at, tip=held.tip, unit=held.to_unit, only=Share.Kind.OFFERED)
    offers.end_offer(held, OfferState.BOUNCED, by=recording.actor(by), at=at, answer=words, code=code)


def _tell_of_bounce(held: Offer, *, at: datetime) -> None:
    recording.tell(held.from_unit_id, recording.TOLD, kind="routing.bounced", offer=held, at=at)
