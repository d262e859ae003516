# SPDX-License-Identifier: Apache-2.0
"""Every change of what is kept: holds, clearing somebody, and destruction by two people."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction

from nightlight.foundation import canonical_json, public_ids
from nightlight.foundation.clock import stamp
from nightlight.foundation.refusals import Conflict, NotAllowed, NotFound
from nightlight.trust.accounts.models import Role
from nightlight.trust.custody import actions as custody
from nightlight.trust.law import facts, rules
from nightlight.trust.retention import custodians
from nightlight.trust.retention.models import Apart, Destruction, Hold, State
from nightlight.trust.units import glass, notices
from nightlight.trust.units import rules as unit_rules

if TYPE_CHECKING:
    from datetime import datetime

    from nightlight.trust.law.facts import Pack
    from nightlight.trust.law.rules import Due
    from nightlight.trust.retention.custodians import Kept
    from nightlight.trust.units.viewer import Viewer

DECIDES = frozenset({Role.LEGAL_REVIEWER, Role.COMMANDER})


def due(subject: str, *, law: Pack, at: datetime) -> Due:
    """Return where a record stands in its time: of its own class, or of a cleared person's if that ends sooner.

    The latter only where everybody it reports was cleared: else the others' time runs, and the cleared stay set apart.
    """
    kept = _kept(subject)
    holds = list(Hold.objects.filter(subject=subject, lifted_at__isnull=True).values_list("kind", flat=True))
    found = rules.due_for_destruction(law, kept.record, kept.since, at, holds)
    cleared = Apart.objects.filter(subject=subject).order_by("at").first()
    if cleared is None or not kept.all_cleared:
        return found
    soon = rules.due_for_destruction(law, facts.Record.CLEARED_PERSON, cleared.at, at, holds)
    return soon if found.on is None or (soon.on is not None and soon.on < found.on) else found


@transaction.atomic
def place_hold(*, by: Viewer, at: datetime, subject: str, kind: str, reason: str) -> Hold:
    """Make a record wait. Raises NotAllowed, NotFound, or Conflict for an unknown kind or no reason."""
    _must_decide(by)
    _must_hold(by, _kept(subject), at)
    told = _reason(reason)
    if kind not in {hold.value for hold in facts.Hold}:
        raise Conflict("Choose one of the reasons that the law pack names.")
    hold = Hold.objects.create(
        public_id=public_ids.new("HD"), subject=subject, kind=kind, reason=told, placed_by_id=by.user_id, placed_at=at
    )
    data = {"hold": hold.public_id, "kind": kind, "reason_sha256": _digest(told)}
    custody.append(by=by.actor, at=at, kind="record.held", subject=subject, data=data)
    return hold


@transaction.atomic
def lift_hold(*, by: Viewer, at: datetime, public_id: str) -> None:
    """End a hold. Raises NotAllowed, NotFound, or Conflict if it has ended."""
    _must_decide(by)
    hold = Hold.objects.filter(public_id=public_id).first()
    if hold is None:
        raise NotFound("There is no such hold in your units.")
    _must_hold(by, _kept(hold.subject), at)
    changed = Hold.objects.filter(pk=hold.pk, lifted_at__isnull=True).update(lifted_by_id=by.user_id, lifted_at=at)
    if not changed:
        raise Conflict("This hold has been lifted already.")
    data = {"hold": hold.public_id, "kind": hold.kind}
    custody.append(by=by.actor, at=at, kind="record.hold-lifted", subject=hold.subject, data=data)


@transaction.atomic
def clear(*, by: Viewer, at: datetime, subject: str, part: str, reason: str) -> Apart:
    """Record that a person of a record has nothing to do with the matter: their data is set apart at once.

    ``part`` is the person's place in the report. What follows is the worker's (``set_apart``): pages show a pseudonym
    only, nothing of the person is found or matched any more, and the time to destruction runs. Raises NotAllowed,
    NotFound, or Conflict without a reason, or when it is done already.
    """
    _must_decide(by)
    _must_hold(by, _kept(subject), at)
    told = _reason(reason)
    pseudonym = custodians.of(subject).part(subject, part)
    if pseudonym is None:
        raise NotFound("There is nobody at this place in the report.")
    try:
        with transaction.atomic():
            apart = Apart.objects.create(
                public_id=public_ids.new("CL"),
                subject=subject,
                part=part,
                pseudonym=pseudonym,
                reason=told,
                by_id=by.user_id,
                at=at,
            )
    except IntegrityError:
        raise Conflict("This person is set apart already.") from None
    custody.append(
        by=by.actor,
        at=at,
        kind="person.cleared",
        subject=subject,
        data={"clearing": apart.public_id, "pseudonym": pseudonym, "reason_sha256": _digest(told)},
    )
    return apart


@transaction.atomic
def ask(*, by: Viewer, at: datetime, subject: str, law: Pack) -> Destruction:
    """Ask for a record to be destroyed, once its time is over. Raises NotAllowed, NotFound or Conflict."""
    if Role.LEGAL_REVIEWER not in by.roles:
        raise NotAllowed("A destruction is asked for by a legal reviewer, and agreed to by a commander.")
    kept = _kept(subject)
    _must_hold(by, kept, at)
    stands = due(subject, law=law, at=at)
    if stands.time is not rules.Time.DUE or stands.on is None:
        raise Conflict(f"It is not time: {stands.reason}")
    try:
        with transaction.atomic():
            row = Destruction.objects.create(
                public_id=public_ids.new("DE"),
                subject=subject,
                unit=kept.unit,
                retention_class=stands.retention_class.id,
                basis=stands.reason,
                due_on=stands.on,
                state=State.ASKED,
                asked_by_id=by.user_id,
                asked_at=at,
            )
    except IntegrityError:
        raise Conflict("The destruction of this record has been asked for already.") from None
    data = {"destruction": row.public_id, "class": row.retention_class, "due_on": row.due_on.isoformat()}
    custody.append(by=by.actor, at=at, kind="destruction.asked", subject=subject, data=data)
    notices.tell_role(
        unit_id=kept.unit.pk, role=Role.COMMANDER, kind="destruction.asked", subject=row.public_id, about=subject, at=at
    )
    return row


@transaction.atomic
def decide(*, by: Viewer, at: datetime, public_id: str, agreed: bool, law: Pack) -> Destruction:
    """Agree to a destruction, or refuse it: a commander, and another person than who asked.

    Raises NotAllowed, NotFound, or Conflict when it is decided, or something holds the record by now.
    """
    if not by.commands:
        raise NotAllowed("A commander agrees to a destruction.")
    row = Destruction.objects.filter(public_id=public_id).first()
    if row is None:
        raise NotFound("There is no such destruction in your units.")
    if row.asked_by_id == by.user_id:
        raise NotAllowed("Somebody else has to decide what you asked for.")
    # A record that is out of sight by now went to another unit.
    kept = custodians.of(row.subject).kept(row.subject)
    if kept is None or not _reaches(by, kept):
        raise NotAllowed("Another unit holds this record by now; its commander decides.")
    if agreed and due(row.subject, law=law, at=at).time is not rules.Time.DUE:
        raise Conflict(f"It is not time: {due(row.subject, law=law, at=at).reason}")
    state = State.APPROVED if agreed else State.REFUSED
    changed = Destruction.objects.filter(pk=row.pk, state=State.ASKED).update(
        state=state, decided_by_id=by.user_id, decided_at=at
    )
    if not changed:
        raise Conflict("This has been decided already.")
    named, data = f"destruction:{row.public_id}", {"about": row.subject}
    if agreed:
        custody.append(by=by.actor, at=at, kind="destruction.approved", subject=named, data=data)
    else:
        custody.append(by=by.actor, at=at, kind="destruction.refused", subject=named, data=data)
    notices.tell_person(
        user_id=row.asked_by_id, kind=f"destruction.{state}", subject=row.public_id, about=row.subject, at=at
    )
    row.refresh_from_db()
    return row


@transaction.atomic
def carry_out(*, by: str, at: datetime, public_id: str, law: Pack) -> Destruction | None:
    """Destroy what two people agreed on, try to read it, and write the certificate; None if that was done before.

    In the worker. The destruction, the failed attempts to read and the certificate are one transaction: if anything can
    still be read, nothing is certified. Raises Conflict when something holds the record, or a piece can still be read.
    """
    row = (
        Destruction.objects.select_for_update(of=("self",))
        .select_related("asked_by", "decided_by")
        .filter(public_id=public_id)
        .first()
    )
    if row is None or row.state != State.APPROVED or row.decided_by is None:
        return None
    stands = due(row.subject, law=law, at=at)
    if stands.time is not rules.Time.DUE:
        raise Conflict(f"It is not time: {stands.reason}")
    holders = custodians.everybody(row.subject)
    pieces = [piece for holder in holders for piece in holder.destroy(row.subject, by=by, at=at)]
    if left := [piece for holder in holders for piece in holder.readable(row.subject)]:
        raise Conflict(f"{len(left)} pieces could still be read: {', '.join(left[:3])}")
    certificate = canonical_json.encode(
        {
            "certificate": row.public_id,
            "record": row.subject,
            "class": row.retention_class,
            "basis": row.basis,
            "asked_by": f"officer:{row.asked_by.public_id}",
            "agreed_by": f"officer:{row.decided_by.public_id}",
            "destroyed_at": stamp(at),
            "pieces": [piece.told() for piece in pieces],
            "tried_to_read": "each piece that was destroyed; none could be read",
            "copies": "backups made before hold the keys until they are themselves destroyed",
        }
    ).decode()
    row.state, row.done_at, row.certificate = State.DONE, at, certificate
    row.save(update_fields=["state", "done_at", "certificate"])
    custody.append(
        by=by,
        at=at,
        kind="record.destroyed",
        subject=row.subject,
        data={
            "destruction": row.public_id,
            "class": row.retention_class,
            "certificate_sha256": _digest(certificate),
            "destroyed": sum(piece.destroyed for piece in pieces),
            "left": sum(not piece.destroyed for piece in pieces),
        },
    )
    return row


def _kept(subject: str) -> Kept:
    kept = custodians.of(subject).kept(subject)
    if kept is None:
        raise NotFound("There is no such record that you may see.")
    return kept


def _reaches(by: Viewer, kept: Kept) -> bool:
    return by.reach is None or kept.unit.pk in by.reach


def holds(by: Viewer, subject: str, at: datetime) -> bool:
    """Whether the person decides about a record for the unit that holds it, or because they broke the glass.

    A unit that sees it because it was offered it, or works on it too, does not.
    """
    return _holds(by, _kept(subject), at)


def _holds(by: Viewer, kept: Kept, at: datetime) -> bool:
    return _reaches(by, kept) or (bool(by.posts) and glass.broken(by, at).filter(subject=kept.subject).exists())


def _must_hold(by: Viewer, kept: Kept, at: datetime) -> None:
    if not _holds(by, kept, at):
        raise NotAllowed(f"{kept.unit} holds this record; what is kept of it is decided there.")


def _must_decide(by: Viewer) -> None:
    if not by.may(DECIDES):
        raise NotAllowed("This is decided by legal reviewers and commanders.")


def _reason(text: str) -> str:
    told = unit_rules.reason_given(text)
    if not told:
        raise Conflict(f"Give a reason of at least {unit_rules.SHORTEST_REASON} characters.")
    return told


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
