# SPDX-License-Identifier: Apache-2.0
"""What became of tips that came from other installations travels back to them, as statements signed one by one.

What is owed follows from the tables: a receipt of an offer that came, with no statement for it yet. Statements wait in
a table until a package takes them; so a stop at any moment loses none, and each is sent once.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import structlog
from django.db import connection, transaction
from django.db.models import Q

from nightlight.foundation.clock import stamp
from nightlight.foundation.refusals import Refusal
from nightlight.pipeline.routing import answering, offers, outcomes, recording
from nightlight.pipeline.routing.exchange import keys, manifest, outbox
from nightlight.pipeline.routing.exchange.envelope import Code, PackageRefused
from nightlight.pipeline.routing.models import (
    BounceCode,
    Came,
    Installation,
    Offer,
    OfferState,
    Owed,
    Package,
    Receipt,
    ReceiptKind,
)
from nightlight.trust.custody import actions as custody
from nightlight.trust.custody.models import Event
from nightlight.trust.units import rules

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from nightlight.pipeline.routing.exchange.cards import Card
    from nightlight.pipeline.routing.exchange.manifest import Manifest, Statement

_MOST = 2_000  # statements in one package
_LONGEST_REASON = 2_000
log = structlog.get_logger("exchange")
# What somebody here did with an offer that came, and nobody has told the other installation yet. Whoever gives a tip
# back does so by an offer of their own.
_UNTOLD = """
SELECT r.id FROM routing_came c
JOIN routing_offer o ON o.id = c.offer_id OR (o.given_back AND o.previous_id = c.offer_id)
JOIN routing_receipt r ON r.offer_id = o.id AND r.installation_id IS NULL
WHERE r.kind NOT IN ('sent', 'recalled') AND NOT EXISTS (SELECT 1 FROM routing_owed w WHERE w.receipt_id = r.id)
ORDER BY r.id LIMIT 2000
"""
# How work stands on tips that came and were accepted, beside what was last said of them.
_STANDING = """
SELECT c.offer_id, t.state, coalesce(s.lane, ''),
       CASE WHEN s.lane = 'closed' THEN coalesce(k.disposition, '') ELSE '' END,
       o.kind = 'whole' AND t.unit_id <> o.to_unit_id,
       EXISTS (SELECT 1 FROM tips_likelyduplicate d WHERE d.tip_id = t.id),
       coalesce(e.data::jsonb ->> 'outcome', ''), coalesce(l.data::jsonb ->> 'outcome', '')
FROM routing_came c
JOIN routing_offer o ON o.id = c.offer_id AND o.state = 'accepted'
JOIN tips_tip t ON t.id = o.tip_id AND NOT t.set_apart
LEFT JOIN triage_standing s ON s.tip_id = t.id
LEFT JOIN LATERAL (SELECT x.disposition FROM triage_closure x
                   WHERE x.tip_id = t.id ORDER BY x.id DESC LIMIT 1) k ON true
LEFT JOIN LATERAL (SELECT r.data FROM routing_receipt r JOIN routing_offer p ON p.id = r.offer_id
                   WHERE p.tip_id = t.id AND r.kind = 'outcome' AND r.installation_id IS NOT NULL
                   ORDER BY r.id DESC LIMIT 1) e ON true
LEFT JOIN LATERAL (SELECT r.data FROM routing_receipt r
                   WHERE r.offer_id = o.id AND r.kind = 'outcome' AND r.installation_id IS NULL
                   ORDER BY r.id DESC LIMIT 1) l ON true
WHERE NOT EXISTS (SELECT 1 FROM routing_offer b WHERE b.previous_id = o.id AND b.given_back)
"""


def gather(*, by: str, at: datetime) -> int:
    """Write statements for what is new, and put those that wait into packages; return how many packages were begun.

    Safe to run twice, and by two at once.
    """
    _outcomes(by=by, at=at)
    while _state(at=at):
        pass
    begun = 0
    trusted = Installation.objects.filter(state=Installation.State.TRUSTED)
    for to in trusted.filter(pk__in=_waiting().values("installation")).order_by("pk"):
        while _put(to, by=by, at=at):
            begun += 1
    return begun


def owe(
    to: Installation, *, kind: str, offer: str, tip: str, at: datetime, event: int, code: str = "", reason: str = "",
    receipt: Receipt | None = None,
) -> None:  # fmt: skip
    """Write a signed statement about an offer of another installation, in the caller's transaction; once for each step.

    ``event`` is the number of our entry in the log about it.
    """
    ours = keys.ours()
    leaf = bytes(Event.objects.values_list("leaf_hash", flat=True).get(pk=event))
    statement = manifest.Statement(
        kind=kind,  # type: ignore[arg-type]
        issuer=ours.fingerprint,
        receiver=to.fingerprint,
        offer=offer,
        tip=tip,
        at=stamp(at),
        code=code,
        reason=reason,
        reason_sha256=hashlib.sha256(reason.encode()).hexdigest(),
        leaf=leaf.hex(),
        signature="0" * 128,
    ).signed(ours.signing)
    row = Owed(
        installation=to, their_offer=offer, kind=kind, receipt=receipt, body=statement.text(), package=None, made_at=at
    )
    Owed.objects.bulk_create([row], ignore_conflicts=True)


def check(told: Manifest, card: Card) -> None:
    """Check that the installation with this card signed each statement of a package, for us.

    Raises PackageRefused (signature).
    """
    us = keys.ours().fingerprint
    for statement in told.statements:
        manifest.moment(statement.at)
        named = (statement.issuer, statement.receiver) == (card.fingerprint, us)
        if not named or not statement.is_by(card.public):
            raise PackageRefused(Code.SIGNATURE, "A receipt in the package is not signed by the one who sends it.")


def note(package: Package, told: Manifest, *, at: datetime) -> None:
    """Note what another installation states of our offers, from the first statement that was not noted yet."""
    done = Package.objects.values_list("done", flat=True).get(pk=package.pk)
    sender = package.installation
    if sender is None:
        raise PackageRefused(Code.UNKNOWN_SENDER, "The package is from nobody known here.")
    for number, statement in enumerate(told.statements[done:], done + 1):
        with transaction.atomic():
            _note(statement, sender, package, at=at)
            Package.objects.filter(pk=package.pk).update(done=number)


def _note(statement: Statement, sender: Installation, package: Package, *, at: datetime) -> None:
    """Note one statement. What does not fit (any more) is kept in the log with why, and changes nothing."""
    by = f"installation:{sender.public_id}"
    offer = Offer.objects.select_related("tip").filter(public_id=statement.offer).first()
    moment = min(manifest.moment(statement.at), at)  # their clock may be ahead of ours
    data = manifest.as_data(statement)
    try:
        if offer is None or offer.tip.public_id != statement.tip:
            raise Refusal("No such offer was made here.")
        with transaction.atomic():
            if statement.kind == "given-back":
                _give_back(offer, statement, sender, by=by, at=moment)
            else:
                answering.remote(by=by, at=moment, offer=offer, kind=statement.kind, data=data, installation=sender)
    except Refusal as refused:
        log.warning("statement-not-noted", package=package.public_id, offer=statement.offer, why=refused.reason)
        custody.append(
            by=by,
            at=at,
            kind="exchange.statement-unfit",
            subject=f"package:{package.public_id}",
            data={"told": {name: value for name, value in data.items() if name != "reason"}, "why": refused.reason},
        )


def _give_back(offer: Offer, statement: Statement, sender: Installation, *, by: str, at: datetime) -> None:
    """Take back a tip that was accepted there; twice told it is taken back once."""
    works_there = answering.installation_at(offer.to_unit_id)
    if works_there is None or works_there.pk != sender.pk:
        raise Refusal("The unit this was offered to does not work in that installation.")
    if Offer.objects.filter(previous=offer, given_back=True).exists():
        return
    if offer.state != OfferState.ACCEPTED or offer.tip.unit_id != offer.to_unit_id:
        raise Refusal("The tip does not lie there.")
    offers.give_back(
        by=by,
        at=at,
        tip=offer.tip,
        code=statement.code if statement.code in BounceCode.values else BounceCode.OTHER,
        reason=_reason(statement.reason),
    )


def _reason(text: str) -> str:
    return text[:_LONGEST_REASON] if rules.reason_given(text) else "The other installation gave no reason."


@transaction.atomic
def _state(*, at: datetime) -> int:
    """Write the statements for receipts that have none, some at a time; return for how many."""
    with connection.cursor() as cursor:
        cursor.execute(_UNTOLD)
        untold = [row[0] for row in cursor.fetchall()]
    for receipt in Receipt.objects.filter(pk__in=untold).select_related("offer").order_by("pk"):
        offer = receipt.offer
        came = Came.objects.select_related("installation").get(
            offer=offer.previous_id if offer.given_back else offer.pk
        )
        facts = recording.facts(receipt)
        answered = receipt.kind in {ReceiptKind.BOUNCED, ReceiptKind.GIVEN_BACK}
        owe(
            came.installation,
            kind=receipt.kind,
            offer=came.their_offer,
            tip=came.their_tip,
            at=receipt.at,
            event=receipt.event,
            code=str(facts.get("outcome") if receipt.kind == ReceiptKind.OUTCOME else facts.get("code") or ""),
            reason=offer.answer[:_LONGEST_REASON] if answered else "",
            receipt=receipt,
        )
    return len(untold)


def _outcomes(*, by: str, at: datetime) -> None:
    """Write a receipt wherever the work on a tip that came has gone on to something else than was said last."""
    with connection.cursor() as cursor:
        cursor.execute(_STANDING)
        rows = cursor.fetchall()
    for offer, state, lane, disposition, gone, repeats, elsewhere, said in rows:
        code = outcomes.of(state, lane, disposition, handed_on=gone, repeats=repeats, elsewhere=elsewhere)
        if code != said and code is not outcomes.Outcome.RECEIVED:
            with transaction.atomic():
                held = recording.hold(Offer.objects.get(pk=offer))
                recording.record(held, ReceiptKind.OUTCOME, by=by, at=at, outcome=str(code))


def _waiting() -> QuerySet[Owed]:
    """Statements that no package has taken, and those whose package was refused or lost and is to be tried again."""
    again = Q(package__state=Package.State.REFUSED, package__code__in=("again", "lost"))
    return Owed.objects.filter(Q(package=None) | again)


@transaction.atomic
def _put(to: Installation, *, by: str, at: datetime) -> bool:
    """Put statements that wait for an installation into a package, the oldest first; False where none wait."""
    mine = _waiting().filter(installation=to).order_by("pk").select_for_update(of=("self",))
    waiting = list(mine.values_list("pk", flat=True)[:_MOST])
    if waiting:
        package = outbox.open_receipts(to, by=by, at=at, number=len(waiting))
        Owed.objects.filter(pk__in=waiting).update(package=package)
    return bool(waiting)
