# SPDX-License-Identifier: Apache-2.0
"""Every opening of a sealed identity: asked for, answered, read, ended; and the search that shows no name.

The web process asks and reads, the background worker answers, because it alone holds the private sealing key. The
worker does not take the web process's word: it compares the request with the custody log, and looks up the person's
posts itself. Its answer is closed for a one-time key whose private half the officer's browser keeps, so the
database never holds a name that it could show.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count

from nightlight.foundation import public_ids
from nightlight.foundation.clock import stamp
from nightlight.foundation.refusals import Conflict, NotAllowed, NotFound
from nightlight.trust.custody import actions as custody
from nightlight.trust.custody.models import Event
from nightlight.trust.sealed import box, rules
from nightlight.trust.sealed.box import Closed, Damaged, Key, Keyring, KeysRefused, Sealer
from nightlight.trust.sealed.keys import current_keyring
from nightlight.trust.sealed.models import Identity, SearchDigest, State, Unsealing
from nightlight.trust.sealed.rules import Protected, Sought, WhyNot
from nightlight.trust.units.models import Post

if TYPE_CHECKING:
    from nightlight.foundation.canonical_json import Json
    from nightlight.trust.law import facts

ASKED = "sealed.unsealing-asked"
BATCH = 200


class Asker(Protocol):
    """The person who asks; ``nightlight.trust.units.viewer.Viewer`` is one."""

    @property
    def user_id(self) -> int: ...

    @property
    def actor(self) -> str: ...

    @property
    def roles(self) -> Collection[str]: ...


@dataclass(frozen=True, slots=True)
class Opened:
    """An identity was opened: which, of which record, for whom, and why; what a notice to its owner needs."""

    unsealing: str
    identity: str
    subject: str
    pseudonym: str
    person: str
    reason_kind: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A protected person who is found by what was sought, without the name."""

    subject: str
    pseudonym: str
    identity: str


# (person "officer:OF-…", subject "tip:NL-…", at) -> whether that person sees that record. This floor does not know
# records; who does hands the check in, and the worker asks every one before it opens.
Gate = Callable[[str, str, datetime], bool]
_gates: list[Gate] = []


def let_through_only(gate: Gate) -> None:
    """Have ``gate`` asked when an identity is asked for, and by the worker before it opens it; False refuses."""
    if gate not in _gates:
        _gates.append(gate)


@transaction.atomic
def ask(
    *,
    by: Asker,
    at: datetime,
    identity: str,
    reason_kind: str,
    reason: str,
    case_number: str,
    minutes: int,
    law: facts.Unsealing,
) -> tuple[Unsealing, bytes]:
    """Ask for an identity ("ID-…") to be opened; return the request and the one-time private key, 32 bytes.

    The key goes into the officer's browser and nowhere else. The caller has seen to it that the person sees the
    record. Reason and case number stay in a table that can be destroyed one day; the log keeps their digests.
    Raises NotAllowed, also where the record is only offered to the person's unit, NotFound, or Conflict: for no
    reason, case number or time that the law pack ``law`` allows, for a reason that names the person, and for an
    identity that was destroyed.
    """
    rules.check_person(by.roles, law)
    reason, case_number = " ".join(reason.split()), " ".join(case_number.split())
    rules.check_request(reason_kind=reason_kind, reason=reason, case_number=case_number, minutes=minutes, law=law)
    wanted = Identity.objects.shown().filter(public_id=identity).first()
    if wanted is None:
        raise NotFound("There is no such identity in the records you see.")
    if wanted.destroyed:
        raise Conflict("This identity was destroyed. Nobody can open it again.")
    if not all(gate(by.actor, wanted.subject, at) for gate in _gates):
        raise NotAllowed("This record is not with your unit. Once your unit accepts it, you can ask.")
    _must_not_name(wanted, f"{reason} {case_number}")
    key = box.one_time()
    row = Unsealing.objects.create(
        public_id=public_ids.new("US"),
        identity=wanted.public_id,
        subject=wanted.subject,
        pseudonym=wanted.pseudonym,
        user_id=by.user_id,
        reason_kind=reason_kind,
        reason=reason,
        case_number=case_number,
        public_key=key.lock.public,
        asked_at=at,
        expires_at=at + timedelta(minutes=minutes),
    )
    custody.append(
        by=by.actor, at=at, kind="sealed.unsealing-asked", subject=f"unsealing:{row.public_id}", data=asked_data(row)
    )
    return row, key.secret


@transaction.atomic
def answer(*, by: str, at: datetime, unsealing: str, law: facts.Unsealing) -> Opened | None:
    """Open what was asked for, and close it again for who asked; None if it was refused or is answered already.

    For the background worker: needs the private sealing key. What speaks against it is found here anew, not
    believed: see ``WhyNot``. A refusal is kept with the request and logged. Raises NotFound.
    """
    row = Unsealing.objects.select_for_update(of=("self",)).filter(public_id=unsealing).first()
    if row is None:
        raise NotFound("There is no such request.")
    if row.state != State.ASKED:
        return None
    _one_at_a_time(f"openings of {row.user_id}")
    why = _why_not(row, at, law)
    if why is None:
        why = _open(row)
    if why is not None:
        row.state, row.refusal, row.closed_at = State.REFUSED, rules.SENTENCES[why], at
        row.save(update_fields=["state", "refusal", "closed_at"])
        custody.append(
            by=by,
            at=at,
            kind="sealed.unsealing-refused",
            subject=f"unsealing:{row.public_id}",
            data={"identity": row.identity, "person": row.person, "why": why.value},
        )
        return None
    row.state, row.answered_at = State.OPENED, at
    row.save(update_fields=["state", "answered_at", "answer_key_part", "answer_body"])
    custody.append(
        by=by,
        at=at,
        kind="sealed.opened",
        subject=row.subject,
        data={
            "identity": row.identity,
            "unsealing": row.public_id,
            "person": row.person,
            "reason_kind": row.reason_kind,
            "case_number_sha256": _sha256(row.case_number),
            "until": stamp(row.expires_at),
        },
    )
    return Opened(row.public_id, row.identity, row.subject, row.pseudonym, row.person, row.reason_kind)


def read(*, by: Asker, at: datetime, unsealing: str, private_key: bytes, law: facts.Unsealing) -> dict[str, list[str]]:
    """Return the facts that an answer holds: field -> values. Changes nothing.

    Raises NotAllowed, NotFound (also for somebody else's request), or Conflict: not answered yet, refused, ended, or
    asked for by another browser.
    """
    rules.check_person(by.roles, law)
    row = _own(by, unsealing)
    if row.state == State.REFUSED:
        raise Conflict(row.refusal)
    if row.state == State.CLOSED or at >= row.expires_at:
        raise Conflict("The time for which the identity was opened is over. Ask again if you still need it.")
    if row.answer_key_part is None or row.answer_body is None:
        raise Conflict("The identity is being opened. This takes a few seconds.")
    closed = Closed(bytes(row.answer_key_part), bytes(row.answer_body))
    try:
        plain = box.unseal(Keyring((Key(private_key),)), closed, _answer_context(row))
    except (Damaged, KeysRefused):
        raise Conflict("The identity was opened for another browser. Ask for it here.") from None
    told: dict[str, list[str]] = json.loads(plain)
    return told


@transaction.atomic
def close(*, by: Asker, at: datetime, unsealing: str) -> Unsealing:
    """End an opening before its time, and erase the answer. Raises NotFound, and Conflict if it has ended."""
    row = _own(by, unsealing, lock=True)
    if row.state not in {State.ASKED, State.OPENED}:
        raise Conflict("This opening has ended already.")
    end(row, by=by.actor, at=at, why="done")
    return row


def expire_due(*, by: str, at: datetime) -> int:
    """End every opening whose time is over, and erase the answers; return how many there were."""
    total = 0
    while True:
        with transaction.atomic():
            due = Unsealing.objects.select_for_update(of=("self",), skip_locked=True)
            rows = list(due.filter(state__in=[State.ASKED, State.OPENED], expires_at__lte=at).order_by("id")[:BATCH])
            for row in rows:
                end(row, by=by, at=at, why="expired")
        total += len(rows)
        if len(rows) < BATCH:
            return total


@transaction.atomic
def search(*, by: Asker, at: datetime, kind: str, text: str, law: facts.Unsealing) -> list[Hit]:
    """Return the protected people who are found by ``text`` as a ``kind`` (see ``Sought``), newest first, at most 20.

    Nothing is opened: keyed digests are compared. A name is met by the whole of it or by all its words of three
    letters or more. What was sought is logged as a keyed digest. Row security decides whose people are looked at.
    Raises NotAllowed, and Conflict for an empty search, an unknown kind, and beyond 30 searches an hour.
    """
    rules.check_person(by.roles, law)
    if kind not in set(Sought):
        raise Conflict("Search for a name, a telephone number, an e-mail address, an account or a school.")
    sought = Sought(kind)
    ways = rules.asked_forms(sought, text[:500])
    if not ways:
        raise Conflict("Type in what you are looking for.")
    _one_at_a_time(f"searches of {by.user_id}")
    earlier = Event.objects.filter(actor=by.actor, kind="sealed.searched", at__gt=at - rules.HOUR).count()
    if earlier >= rules.SEARCHES_AN_HOUR:
        raise Conflict(f"You have searched {earlier} times within the hour. Wait, or ask a colleague.")
    key = settings.NIGHTLIGHT_SEALED_SEARCH_KEY
    met: set[int] = set()
    for way in ways:  # the newest of each way hold the newest of all
        digests = [rules.search_digest(key, sought, form) for form in way]
        having = SearchDigest.objects.filter(digest__in=digests).values("identity_id").annotate(met=Count("id"))
        met.update(
            having.filter(met=len(way))
            .order_by("-identity_id")
            .values_list("identity_id", flat=True)[: rules.MOST_HITS]
        )
    hits = [
        Hit(one.subject, one.pseudonym, one.public_id)
        for one in Identity.objects.shown().filter(pk__in=met).order_by("-id")[: rules.MOST_HITS]
    ]
    custody.append(
        by=by.actor,
        at=at,
        kind="sealed.searched",
        subject=by.actor,
        data={
            "kind": sought.value,
            "digest": rules.search_digest(key, sought, rules.plain(text[:500])).hex(),
            "hits": [hit.identity for hit in hits],
        },
    )
    return hits


def asked_data(row: Unsealing) -> dict[str, Json]:
    """Return what the custody log keeps of a request; the worker and the verification compare the row with it."""
    return {
        "identity": row.identity,
        "about": row.subject,
        "reason_kind": row.reason_kind,
        "reason_sha256": _sha256(row.reason),
        "case_number_sha256": _sha256(row.case_number),
        "public_key": bytes(row.public_key).hex(),
        "until": stamp(row.expires_at),
    }


def _why_not(row: Unsealing, at: datetime, law: facts.Unsealing) -> WhyNot | None:
    """Return what speaks against opening; None if nothing does."""
    event = Event.objects.filter(kind=ASKED, subject=f"unsealing:{row.public_id}").first()
    said = json.loads(event.body) if event is not None else {}
    posts = Post.objects.active(at).filter(user_id=row.user_id, user__is_active=True)
    if at >= row.expires_at:
        return WhyNot.TOO_LATE
    if said.get("data") != asked_data(row) or said.get("by") != row.person:
        return WhyNot.NOT_AS_ASKED
    if not rules.may_open(set(posts.values_list("role", flat=True)), law):
        return WhyNot.NOT_ALLOWED
    if not all(gate(row.person, row.subject, at) for gate in _gates):
        return WhyNot.NOT_ALLOWED
    opened = Unsealing.objects.filter(user_id=row.user_id, answered_at__gt=at - rules.HOUR).count()
    return WhyNot.TOO_MANY if opened >= rules.OPENINGS_AN_HOUR else None


def _open(row: Unsealing) -> WhyNot | None:
    """Put the answer into the row; return why that cannot be done, None if it was."""
    kept = Identity.objects.filter(public_id=row.identity, subject=row.subject, pseudonym=row.pseudonym).first()
    if kept is None or kept.destroyed:
        return WhyNot.GONE
    try:
        plain = box.unseal(current_keyring(), kept.closed, context_of(kept))
    except KeysRefused:
        return WhyNot.NO_KEY
    except Damaged:
        return WhyNot.DAMAGED
    answered = Sealer(bytes(row.public_key)).seal(plain, _answer_context(row))
    row.answer_key_part, row.answer_body = answered.key_part, answered.body
    return None


def context_of(kept: Identity) -> bytes:
    """Return what a kept identity is bound to."""
    described = Protected(kept.source, kept.pseudonym, rules.Kind(kept.kind), {})
    return rules.identity_context(kept.subject, described, kept.rule_version)


def _answer_context(row: Unsealing) -> bytes:
    return rules.answer_context(row.public_id, row.identity, row.person)


def _must_not_name(wanted: Identity, text: str) -> None:
    """Raise Conflict where the text holds a word of the person's name: it is stored in clear."""
    key = settings.NIGHTLIGHT_SEALED_SEARCH_KEY
    digests = [rules.search_digest(key, Sought.NAME, word) for word in rules.words(text)]
    if SearchDigest.objects.filter(identity=wanted, kind=Sought.NAME.value, digest__in=digests).exists():
        raise Conflict(
            f"The reason holds a part of the name. Write {wanted.pseudonym} instead: the reason is not sealed."
        )


def _own(by: Asker, unsealing: str, *, lock: bool = False) -> Unsealing:
    rows = Unsealing.objects.select_for_update(of=("self",)) if lock else Unsealing.objects.all()
    row = rows.filter(public_id=unsealing, user_id=by.user_id).first()
    if row is None:
        raise NotFound("You have not asked for this.")
    return row


def end(row: Unsealing, *, by: str, at: datetime, why: str) -> None:
    """End an opening in the caller's transaction; ``why`` is "done", "expired" or "destroyed"."""
    row.state, row.closed_at = State.CLOSED, at
    row.answer_key_part = row.answer_body = None
    row.save(update_fields=["state", "closed_at", "answer_key_part", "answer_body"])
    custody.append(
        by=by,
        at=at,
        kind="sealed.unsealing-closed",
        subject=f"unsealing:{row.public_id}",
        data={"identity": row.identity, "why": why},
    )


def _one_at_a_time(what: str) -> None:
    # Held until commit: of two that count at once, the second counts the first.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"sealed {what}"])


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
