# SPDX-License-Identifier: Apache-2.0
"""Offering a tip to another unit, taking an offer back, and giving back what was accepted.

Whoever sends holds the tip until somebody accepts: a tip on its way is never nobody's. Each act is one transaction with
its entry in the log, its receipt, and what it lets others see.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from django.db import connection, transaction

from nightlight.foundation import public_ids
from nightlight.foundation.refusals import Conflict, NotAllowed, NotFound
from nightlight.pipeline.routing import clocks, recording, stops
from nightlight.pipeline.routing.models import (
    OPEN_STATES,
    BounceCode,
    Offer,
    OfferKind,
    OfferState,
    PackageTip,
    ReceiptKind,
)
from nightlight.pipeline.tips import sharing, shown
from nightlight.pipeline.tips.handing import Why
from nightlight.pipeline.tips.models import Share, State, Tip
from nightlight.trust.custody import actions as custody
from nightlight.trust.units import notices
from nightlight.trust.units.viewer import Viewer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from nightlight.trust.units.models import Unit

LONGEST_NOTE = 2_000
MOST_PARTIES = 30
# What could not be read is handed on as well, by people: somebody else may be able to read it.
MOVABLE = (State.RECEIVED, State.UNREADABLE)


@transaction.atomic
def offer(
    *,
    by: Viewer | str,
    at: datetime,
    tip: Tip,
    to: Unit,
    why: str,
    kind: str = OfferKind.WHOLE,
    note: str = "",
    parties: Iterable[int] = (),
    automatic: bool = False,
    previous: Offer | None = None,
) -> Offer:
    """Offer a tip to another unit: the whole (``whole``), some of its people (``part``), or joint work (``joint``).

    ``by`` is a viewer or an actor of the log ("service:worker", "command:cli"); ``why`` one of `handing.Why`.
    ``parties`` are numbers of people on the tip's page, for a part. The unit sees the tip from now on; whoever offers
    holds it until it is accepted. Raises NotAllowed for whoever does not hand on for the unit that holds the tip,
    Conflict for a tip that is not finished, lies elsewhere by now, or is offered already in a way that excludes this.
    """
    if why not in Why.values:
        raise Conflict("Say why the tip is handed on: choose one of the reasons.")
    if kind not in OfferKind.values:
        raise Conflict("Say what is offered: the tip, a part of it, or joint work.")
    said = note.replace("\r\n", "\n").strip()
    if len(said) > LONGEST_NOTE:
        raise Conflict(f"A note has at most {LONGEST_NOTE:,} characters; this one has {len(said):,}. Shorten it.")
    numbers = _parties(kind, parties)
    tip = _held(tip)
    _may_hand_on(by, tip)
    if numbers and isinstance(by, Viewer):  # what another installation names stands on its page
        _must_be_there(numbers, tip)
    _must_be_free(tip, to, kind)
    band = recording.band_of(tip)
    made = Offer.objects.create(
        public_id=public_ids.new("HO"),
        tip=tip,
        kind=kind,
        from_unit=tip.unit,
        to_unit=to,
        why=why,
        note=said,
        parties=json.dumps(numbers, separators=(",", ":")),
        state=OfferState.SENT,
        band=band,
        automatic=automatic,
        previous=previous,
        by=recording.actor(by),
        sent_at=at,
        due_at=clocks.answer_due(at, band, at=at),
    )
    sharing.let(by=by, at=at, tip=tip, unit=to, kind=Share.Kind.OFFERED)
    recording.record(
        made,
        ReceiptKind.SENT,
        by=made.by,
        at=at,
        why=why,
        automatic=automatic,
        parties=numbers,
        note_sha256=recording.digest(said) if said else None,
        previous=previous.public_id if previous else None,
    )
    return made


@transaction.atomic
def recall(*, by: Viewer | str, at: datetime, offer: Offer, reason: str) -> Offer:
    """Take an offer back before it is answered; the other unit stops seeing the tip.

    Raises NotAllowed for whoever does not hand on for the unit that made it, Conflict without a reason, where it was
    answered in the meantime, and for one that lies with another installation. Twice by the same person is once.
    """
    words = recording.told(reason, "why you recall this")
    held, who = recording.hold(offer), recording.actor(by)
    if isinstance(by, Viewer) and not recording.hands_on(by, held.from_unit_id):
        raise NotAllowed(f"This offer was made by {held.from_unit}; only who works there can recall it.")
    if held.state == OfferState.RECALLED and held.answered_by == who:
        return held
    recording.must_be_open(held)
    if PackageTip.objects.filter(offer=held).exists():
        raise Conflict(f"This is on its way to another installation. Ask {held.to_unit} to send it back.")
    sharing.end(by=by, at=at, tip=held.tip, unit=held.to_unit, only=Share.Kind.OFFERED)
    end_offer(held, OfferState.RECALLED, by=who, at=at, answer=words)
    recording.record(held, ReceiptKind.RECALLED, by=who, at=at, reason_sha256=recording.digest(words))
    if held.delivered_at:
        recording.tell(held.to_unit_id, recording.TOLD, kind="routing.recalled", offer=held, at=at)
    return held


@transaction.atomic
def give_back(*, by: Viewer | str, at: datetime, tip: Tip, code: str, reason: str) -> Offer:
    """Return a tip that was accepted to the unit it came from. It needs no answer there, and counts as sent back.

    Raises NotAllowed for whoever has no post in the unit that holds the tip, Conflict without a code or a reason, for
    a tip that came by no offer, and while it is offered onward.
    """
    words = recording.told(reason, "why it is not yours")
    if code not in BounceCode.values:
        raise Conflict("Say why it is not yours: choose one of the reasons.")
    tip, who = _held(tip), recording.actor(by)
    if isinstance(by, Viewer) and not recording.works_in(by, tip.unit_id):
        raise NotAllowed(f"{tip.unit} holds this tip; only who works there can give it back.")
    came = came_by(tip)
    if came is None:
        raise Conflict("This tip came to the unit by no offer; offer it onward instead.")
    if Offer.objects.filter(tip=tip, state__in=OPEN_STATES).exists():
        raise Conflict("This tip is offered onward; recall that first.")
    made = Offer.objects.create(
        public_id=public_ids.new("HO"),
        tip=tip,
        kind=OfferKind.WHOLE,
        from_unit=tip.unit,
        to_unit=came.from_unit,
        why=Why.BACK,
        state=OfferState.SENT,
        band=recording.band_of(tip),
        given_back=True,
        previous=came,
        by=who,
        sent_at=at,
        due_at=at,
    )
    take(made)
    end_offer(made, OfferState.ACCEPTED, by=who, at=at, answer=words, code=code)
    recording.record(
        made,
        ReceiptKind.GIVEN_BACK,
        by=who,
        at=at,
        code=code,
        reason_sha256=recording.digest(words),
        previous=came.public_id,
        held_seconds=max(0, int((at - (came.answered_at or at)).total_seconds())),
    )
    recording.tell(came.from_unit_id, recording.TOLD, kind="routing.given-back", offer=made, at=at)
    return made


@transaction.atomic
def end_joint(*, by: Viewer | str, at: datetime, tip: Tip, unit: Unit, reason: str) -> None:
    """End the joint work of a unit on a tip: by who works in that unit, or who hands on for the one that holds it.

    The other side is told. Raises NotAllowed, Conflict without a reason, and NotFound where the unit does not work on
    the tip.
    """
    words = recording.told(reason, "why the joint work ends")
    tip = _held(tip)
    if isinstance(by, Viewer) and not (recording.works_in(by, unit.pk) or recording.hands_on(by, tip.unit_id)):
        raise NotAllowed("Joint work is ended by one of the units that work together.")
    shares = Share.objects.filter(tip=tip, unit=unit, until=None, kind=Share.Kind.JOINT)
    if not shares.exists():
        raise NotFound(f"{unit} does not work on this tip.")
    custody.append(
        by=recording.actor(by),
        at=at,
        kind="routing.joint-ended",
        subject=f"tip:{tip.public_id}",
        data={"tip": tip.public_id, "unit": unit.public_id, "reason_sha256": recording.digest(words)},
    )
    sharing.end(by=by, at=at, tip=tip, unit=unit, only=Share.Kind.JOINT)
    stops.end_where_gone(by=recording.actor(by), at=at, tip=tip)
    there = isinstance(by, Viewer) and recording.works_in(by, unit.pk)
    for role in sorted(recording.TOLD):
        other, subject = tip.unit_id if there else unit.pk, f"tip:{tip.public_id}"
        notices.tell_role(unit_id=other, role=role, kind="routing.joint-ended", subject=subject, at=at)


def came_by(tip: Tip) -> Offer | None:
    """The accepted offer by which the unit that holds a tip got it last, if any: its sender is where it returns to."""
    taken = Offer.objects.filter(tip=tip, kind=OfferKind.WHOLE, state=OfferState.ACCEPTED, given_back=False)
    return taken.filter(to_unit=tip.unit_id).select_related("from_unit").order_by("-answered_at", "-id").first()


def take(held: Offer) -> None:
    """Move a tip with the answer to an open offer of the whole of it. Raises Conflict where it cannot move."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT routing_take(%s)", [held.pk])
        (moved,) = cursor.fetchone()
    if not moved:
        raise Conflict("This tip is not finished yet, or another unit holds it by now. Open it again.")
    held.tip.unit_id = held.to_unit_id


def _held(tip: Tip) -> Tip:
    """The tip as it stands now, while nobody else is at its offers."""
    recording.alone(tip.pk)
    found = Tip.objects.select_related("unit").filter(pk=tip.pk).first()
    if found is None:
        raise NotFound("There is no such tip, or it went to another unit.")
    if found.state not in MOVABLE or found.set_apart:
        raise Conflict("Only a finished tip that is not set apart can be handed on.")
    if destroyed(found):
        raise Conflict("What was in this tip is destroyed; there is nothing to hand on.")
    return found


def movable(tip: Tip) -> bool:
    """Whether a tip can be handed on: it is finished (read or not), not set apart, and not destroyed."""
    return tip.state in MOVABLE and not tip.set_apart and not destroyed(tip)


def destroyed(tip: Tip) -> bool:
    """Whether the keys of a tip's documents are gone."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT routing_destroyed(%s)", [tip.pk])
        (gone,) = cursor.fetchone()
    return bool(gone)


def _may_hand_on(by: Viewer | str, tip: Tip) -> None:
    if isinstance(by, Viewer) and not recording.hands_on(by, tip.unit_id):
        raise NotAllowed(f"{tip.unit} holds this tip. It is handed on by whoever works on tips there.")


def _must_be_free(tip: Tip, to: Unit, kind: str) -> None:
    if tip.unit_id == to.pk:
        raise Conflict(f"{to.name} holds this tip already.")
    for one in Offer.objects.filter(tip=tip, state__in=OPEN_STATES).select_related("to_unit"):
        if one.to_unit_id == to.pk:
            raise Conflict(f"This tip is offered to {to.name} already.")
        if OfferKind.WHOLE in {one.kind, kind}:
            raise Conflict(f"This tip is offered to {one.to_unit} already; recall that first.")
    joint = Share.objects.filter(tip=tip, unit=to, until=None, kind=Share.Kind.JOINT)
    if kind != OfferKind.WHOLE and joint.exists():
        raise Conflict(f"{to.name} works on this tip already.")


def _parties(kind: str, parties: Iterable[int]) -> list[int]:
    numbers = sorted(set(parties))
    if kind != OfferKind.PART:
        if numbers:
            raise Conflict("People are named for a part only.")
        return []
    if not numbers:
        raise Conflict("Say which of the people are to be worked on there.")
    if numbers[0] < 1 or len(numbers) > MOST_PARTIES or numbers[-1] > 9_999:
        raise Conflict(f"Choose at most {MOST_PARTIES} of the people on the tip's page.")
    return numbers


def _must_be_there(numbers: Sequence[int], tip: Tip) -> None:
    """Refuse people who are not on the tip's page: it numbers everybody in the report, cleared ones as well."""
    reading = shown.of(tip).reading
    there = len(reading.parties) if reading is not None else 0
    if numbers[-1] > there:
        raise Conflict(f"There is nobody with the number {numbers[-1]} on the tip's page; it names {there}.")


def end_offer(held: Offer, state: OfferState, *, by: str, at: datetime, answer: str = "", code: str = "") -> None:
    """Write how an offer ended, in the caller's transaction; clocks of units it leaves run again.

    After what it let them see was ended.
    """
    held.state, held.answered_at, held.answered_by = state, at, by
    held.answer, held.bounce_code = answer, code
    held.save(update_fields=["state", "answered_at", "answered_by", "answer", "bounce_code"])
    stops.end_where_gone(by=by, at=at, tip=held.tip)
