# SPDX-License-Identifier: Apache-2.0
"""What every step of an offer shares: who may take it, one step at a time, its entry in the log and its receipt."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, TypeVar

import structlog
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Q

from nightlight.foundation import canonical_json
from nightlight.foundation.refusals import Conflict, NotFound
from nightlight.pipeline.routing.models import Offer, OfferState, Receipt, ReceiptKind
from nightlight.pipeline.tips.models import Tip
from nightlight.pipeline.triage.models import Band, Standing
from nightlight.pipeline.triage.standing import unscored
from nightlight.trust.accounts.models import Role, User
from nightlight.trust.custody import actions as custody
from nightlight.trust.units import notices, rules
from nightlight.trust.units.models import Below, Post
from nightlight.trust.units.viewer import Viewer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from nightlight.foundation.canonical_json import Json
    from nightlight.pipeline.routing.models import Installation

T = TypeVar("T")
log = structlog.get_logger("hand-over")
# Who answers for their own unit, and who hands tips on for it; migrations/0002_guards.py holds the same.
ANSWERS = rules.BREAKS_GLASS  # whoever works on records
_HANDS_ON_ABOVE = rules.HANDS_OVER & rules.REACHES_BELOW
TOLD = ANSWERS  # whoever may answer is told
GIVEN_BACK = "routing.given-back"
# The entry of the log for each receipt; also those of a reader who looks for all of them.
KINDS = {
    ReceiptKind.SENT: "routing.sent",
    ReceiptKind.DELIVERED: "routing.delivered",
    ReceiptKind.OPENED: "routing.opened",
    ReceiptKind.ACCEPTED: "routing.accepted",
    ReceiptKind.BOUNCED: "routing.bounced",
    ReceiptKind.RECALLED: "routing.recalled",
    ReceiptKind.GIVEN_BACK: GIVEN_BACK,
    ReceiptKind.OUTCOME: "routing.outcome",
}


def each(things: Iterable[T], deed: Callable[[T], bool]) -> int:
    """Do something to each thing in a transaction of its own; return for how many it was done.

    One that fails holds up no other: it is logged, and its turn comes again. Where the database itself fails, all stop.
    """
    done = 0
    for thing in things:
        try:
            with transaction.atomic():
                done += deed(thing)
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            log.exception("hand-over-step-failed", about=str(thing))
    return done


def actor(by: Viewer | str) -> str:
    """How entries of the log name whoever acts."""
    return by.actor if isinstance(by, Viewer) else by


def works_in(viewer: Viewer, unit_id: int) -> bool:
    """Whether the person holds a post in that very unit by which they answer for it."""
    return any(post.unit_id == unit_id and post.role in ANSWERS for post in viewer.posts)


def hands_on(viewer: Viewer, unit_id: int) -> bool:
    """Whether the person hands tips on for that unit: by a post there, or above it where the role reaches below."""
    if works_in(viewer, unit_id):
        return True
    over = [post.unit_id for post in viewer.posts if post.role in _HANDS_ON_ABOVE]
    return bool(over) and Below.objects.filter(ancestor__in=over, unit=unit_id).exists()


def alone(tip_id: int) -> None:
    """Wait until nobody else is at the offers of this tip; then nobody else is, until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 6))", [f"offers {tip_id}"])


def hold(offer: Offer) -> Offer:
    """Return the offer as it stands now, held until the transaction ends, with its tip as far as it is seen.

    Raises NotFound for an offer out of sight, and for an open one whose tip is (somebody in it was cleared).
    """
    alone(offer.tip_id)
    found = Offer.objects.select_related("from_unit", "to_unit").filter(pk=offer.pk).first()
    if found is None:
        raise NotFound(f"There is no offer {offer.public_id} that you may see.")
    tip = Tip.objects.select_related("unit").filter(pk=found.tip_id).first()
    if tip is not None:
        found.tip = tip
    elif found.is_open:
        raise NotFound("This tip is not to be handed on any more.")
    return found


def must_be_open(offer: Offer) -> None:
    """Raise Conflict, with who did what, where the offer was answered or recalled already."""
    if offer.is_open:
        return
    who = name_of(offer.answered_by)
    said = {
        OfferState.ACCEPTED: f"{who} has accepted this for {offer.to_unit} already.",
        OfferState.BOUNCED: f"{who} has sent this back already.",
        OfferState.RECALLED: f"{who} has recalled this; it is not offered any more.",
    }
    raise Conflict(said[OfferState(offer.state)])


def name_of(who: str) -> str:
    """The name of whoever an entry of the log names, as a page says it."""
    if who.startswith("officer:"):
        user = User.objects.filter(public_id=who.removeprefix("officer:")).first()
        return str(user) if user else who
    return "Another installation" if who.startswith("installation:") else "Nightlight"


def band_of(tip: Tip) -> int:
    """The band in which a tip stands; that of an unscored one, where it has not been scored yet."""
    band = Standing.objects.filter(tip=tip).values_list("band", flat=True).first()
    return int(unscored(tip)) if band is None else band


def record(
    offer: Offer,
    kind: ReceiptKind,
    *,
    by: str,
    at: datetime,
    installation: Installation | None = None,
    **facts: Json,
) -> Receipt:
    """Write the entry of a step of an offer, and its receipt, in the caller's transaction."""
    data: dict[str, Json] = {
        "offer": offer.public_id,
        "tip": offer.tip.public_id,
        "from": offer.from_unit.public_id,
        "to": offer.to_unit.public_id,
        "kind": offer.kind,
        "band": Band(offer.band).name.lower(),
        **facts,
    }
    if installation is not None:
        data["installation"] = installation.public_id
    if kind != ReceiptKind.SENT:
        data["seconds"] = max(0, int((at - offer.sent_at).total_seconds()))
    event = custody.append(by=by, at=at, kind=KINDS[kind], subject=f"tip:{offer.tip.public_id}", data=data)
    return Receipt.objects.create(
        offer=offer,
        kind=kind,
        at=at,
        by=by,
        event=event.id,
        installation=installation,
        data=canonical_json.encode(data).decode(),
    )


def facts(receipt: Receipt) -> dict[str, Any]:
    """What a receipt states."""
    found: dict[str, Any] = json.loads(receipt.data)
    return found


def tell(unit_id: int, roles: Iterable[Role], *, kind: str, offer: Offer, at: datetime) -> None:
    """Tell those who hold these roles in a unit what became of an offer."""
    for role in sorted(roles):
        notices.tell_role(
            unit_id=unit_id, role=role, kind=kind, subject=f"tip:{offer.tip.public_id}", about=offer.public_id, at=at
        )


def tell_sender(*, kind: str, offer: Offer, at: datetime) -> None:
    """Tell whoever made the offer; where no person did, those who hand on for the unit that made it.

    Whoever works there no longer can do nothing about it: then all who may answer for the unit are told.
    """
    who = User.objects.filter(public_id=offer.by.removeprefix("officer:")).first()
    if who is None or not _still_there(who, offer.from_unit_id, at):
        tell(offer.from_unit_id, _HANDS_ON_ABOVE if who is None else TOLD, kind=kind, offer=offer, at=at)
        return
    subject = f"tip:{offer.tip.public_id}"
    notices.tell_person(user_id=who.pk, kind=kind, subject=subject, about=offer.public_id, at=at)


def _still_there(who: User, unit_id: int, at: datetime) -> bool:
    """Whether a person hands on for this unit at that time."""
    here = Q(unit=unit_id, role__in=ANSWERS)
    above = Q(unit__in=Below.objects.filter(unit=unit_id).values("ancestor"), role__in=_HANDS_ON_ABOVE)
    return Post.objects.active(at).filter(here | above, user=who).exists()


def digest(text: str) -> str:
    """The SHA-256 of a text, in hex: what the log keeps of free words."""
    return hashlib.sha256(text.encode()).hexdigest()


def told(reason: str, what: str) -> str:
    """Return a reason with single blanks. Raises Conflict where it says too little to be one."""
    said = rules.reason_given(reason)
    if not said:
        raise Conflict(f"Say {what}, in at least {rules.SHORTEST_REASON} characters.")
    return said
