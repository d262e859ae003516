# SPDX-License-Identifier: Apache-2.0
"""Every write about looking at a file: asked for, shown, ended, assessed. The original is never read here.

The page asks; the background worker opens the file and prepares small pictures, closed for the browser that asked. The
database never holds a picture that it could show.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from django.db import connection, transaction

from nightlight.foundation import canonical_json, public_ids
from nightlight.foundation.clock import stamp
from nightlight.foundation.refusals import Conflict, NotAllowed, NotFound
from nightlight.trust.accounts.models import Role
from nightlight.trust.custody import actions as custody
from nightlight.trust.sealed import box
from nightlight.trust.sealed.box import Closed, Damaged, Key, Keyring, KeysRefused
from nightlight.trust.units import notices
from nightlight.trust.units.rules import VIEWS_MEDIA
from nightlight.trust.viewing import queries, rules
from nightlight.trust.viewing.models import (
    Assessment,
    Ending,
    Exposure,
    Outcome,
    Reason,
    State,
    Viewing,
)
from nightlight.trust.viewing.rules import Mode

if TYPE_CHECKING:
    from datetime import datetime

    from nightlight.foundation.canonical_json import Json
    from nightlight.trust.evidence.models import Item
    from nightlight.trust.law.facts import Pack
    from nightlight.trust.units.viewer import Viewer
    from nightlight.trust.viewing.rules import Standing, Stated

ASKED = "evidence.viewing-asked"
BATCH = 100
NOT_YOURS = "Files are looked at by triage officers, investigators and victim identification."


class Over(Conflict):
    """The viewing has ended; nothing of it is shown any more."""


@transaction.atomic
def ask(
    *,
    by: Viewer,
    at: datetime,
    item: Item,
    subject: str,
    stated: Stated,
    law: Pack,
    session: str,
    reason_kind: str,
    reason: str,
    day_began: datetime,
    override: str = "",
) -> tuple[Viewing, bytes]:
    """Ask to look at a file; return the viewing and the one-time private key, 32 bytes, for the asking browser only.

    ``subject`` is the record ("tip:NL-…"), ``stated`` what it says of the file, ``session`` the key of the browser's
    session. The reasons stay in the table; the log keeps their digests. Raises NotAllowed for a role that does not
    look at files; Conflict without a reason, where the law locks the file, and where a limit is reached and
    ``override`` gives no reason to go beyond it.
    """
    if not by.may(VIEWS_MEDIA):
        raise NotAllowed(NOT_YOURS)
    told = rules.reason_given(reason)
    if reason_kind not in Reason.values or not told:
        raise Conflict(
            f"Say why you have to look, in {rules.SHORTEST_REASON} to {rules.LONGEST_REASON} characters of your own."
        )
    lock = queries.lock(by, item, stated, law)
    if lock.locked:
        raise Conflict(f"{lock.reason} The file stays closed until a warrant is recorded.")
    _one_at_a_time(f"viewings of {by.user_id}")
    standing = queries.standing(by.user_id, at=at, day_began=day_began)
    why = rules.reason_given(override) if standing.stops else ""
    if standing.stops and not why:
        raise Conflict(
            "You have reached a limit of the exposure ledger, or your shift ends within half an hour. Leave it to a "
            f"colleague, or say in {rules.SHORTEST_REASON} characters or more why it cannot wait."
        )
    key = box.one_time()
    viewing = Viewing.objects.create(
        public_id=public_ids.new("VW"),
        item=item,
        subject=subject,
        user_id=by.user_id,
        session=session_digest(session),
        reason_kind=reason_kind,
        reason=told,
        law=lock.rule,
        violent=stated.violent or any(one.violent for one in queries.earlier(item)),
        overrode=" ".join(standing.stops),
        override_reason=why,
        public_key=key.lock.public,
        asked_at=at,
        expires_at=at + rules.LIFE,
    )
    if standing.stops:
        _overridden(by, at, viewing, standing)
    custody.append(by=by.actor, at=at, kind=ASKED, subject=item_subject(viewing), data=asked_data(viewing))
    return viewing, key.secret


def _overridden(by: Viewer, at: datetime, viewing: Viewing, standing: Standing) -> None:
    custody.append(
        by=by.actor,
        at=at,
        kind="exposure.limit-overridden",
        subject=item_subject(viewing),
        data={
            "viewing": viewing.public_id,
            "over": [str(stop) for stop in standing.stops],
            "today": standing.day,
            "month": standing.month,
            "reason_sha256": sha256(viewing.override_reason),
        },
    )
    # Totals only: the notice names the person, not the file.
    for unit_id in {post.unit_id for post in by.posts}:
        notices.tell_role(
            unit_id=unit_id,
            role=Role.COMMANDER,
            kind="exposure.limit-overridden",
            subject=viewing.public_id,
            about=by.actor,
            at=at,
        )


@transaction.atomic
def show(
    *,
    by: Viewer,
    at: datetime,
    viewing: str,
    session: str,
    private_key: bytes,
    mode: str,
    number: int,
    day_began: datetime,
    confirmed: bool = False,
) -> bytes:
    """Return one prepared picture as PNG, and enter it into the ledger and the log.

    Raises NotFound (also for somebody else's viewing, another session and another browser), Over when the viewing has
    ended, Conflict while it is being prepared, before the small picture was seen, for a file marked violent without
    ``confirmed``, and beyond a limit that was not overridden.
    """
    row = of_session(by, viewing, session, lock=True)
    check_open(row, at)
    wanted = Mode(mode) if mode in set(Mode) else None
    picture = row.pictures.filter(mode=mode, number=number).first()
    if wanted is None or picture is None:
        raise NotFound("There is no such picture.")
    seen = Exposure.objects.filter(viewing=row, mode=Mode.STILL).exists()
    if wanted is not Mode.STILL and not seen:
        raise Conflict("See the small grey picture first.")
    if wanted is not Mode.STILL and row.violent and not confirmed:
        raise Conflict("This file is marked as violent. Press a second time to see it enlarged.")
    stops = queries.standing(by.user_id, at=at, day_began=day_began).stops
    if set(map(str, stops)) - set(row.overrode.split()):
        raise Conflict("You have reached a limit. Close this viewing; you can ask again with a reason.")
    try:
        closed = Closed(bytes(picture.key_part), bytes(picture.body))
        png = box.unseal(Keyring((Key(private_key),)), closed, picture_context(row, wanted, number))
    except (Damaged, KeysRefused):
        raise NotFound("This viewing was opened in another browser.") from None
    weight = rules.weight(wanted, violent=row.violent)
    Exposure.objects.create(
        viewing=row, user_id=by.user_id, at=at, mode=wanted, number=number, milliseconds=None, weight=weight
    )
    custody.append(
        by=by.actor,
        at=at,
        kind="evidence.shown",
        subject=item_subject(row),
        data={"viewing": row.public_id, "mode": wanted.value, "number": number, "weight": weight},
    )
    return png


@transaction.atomic
def held(*, by: Viewer, at: datetime, viewing: str, session: str, mode: str, number: int, milliseconds: int) -> None:
    """Note how long a picture was held open, as the browser says. Raises NotFound, Over, or Conflict for nonsense."""
    row = of_session(by, viewing, session, lock=False)
    check_open(row, at)
    shown = Exposure.objects.filter(viewing=row, mode=mode, number=number, milliseconds__isnull=True).count()
    noted = Exposure.objects.filter(viewing=row, mode=mode, number=number, milliseconds__isnull=False).count()
    if not 0 <= milliseconds <= rules.LONGEST_HOLD or noted >= shown:
        raise Conflict("No such look took place.")
    Exposure.objects.create(
        viewing=row, user_id=by.user_id, at=at, mode=mode, number=number, milliseconds=milliseconds, weight=0
    )


@transaction.atomic
def close(*, by: Viewer, at: datetime, viewing: str, session: str, outcome: str = "", violent: bool = False) -> Viewing:
    """End a viewing and erase its pictures; with an ``outcome``, record what was found. None has to be given.

    Raises NotFound, Over if it has ended, Conflict for an unknown outcome or one of a file that was not looked at.
    """
    row = of_session(by, viewing, session, lock=True)
    check_open(row, at, ready=False)
    if outcome and outcome not in Outcome.values:
        raise Conflict("Choose one of the findings, or close without one.")
    looked = Exposure.objects.filter(viewing=row, milliseconds__isnull=True).exists()
    if outcome and not looked:
        raise Conflict("You have not looked at the file, so there is nothing to assess. Close without an assessment.")
    if outcome:
        Assessment.objects.create(
            blob_id=row.item.blob_id,
            viewing=row,
            user_id=by.user_id,
            at=at,
            outcome=outcome,
            violent=violent,
            rule=rules.VERSION,
        )
        custody.append(
            by=by.actor,
            at=at,
            kind="evidence.assessed",
            subject=item_subject(row),
            data={
                "viewing": row.public_id,
                "blob": row.item.blob.public_id,
                "outcome": outcome,
                "violent": violent,
                "rule": rules.VERSION,
            },
        )
    end(row, by=by.actor, at=at, why="assessed" if outcome else "not-assessed")
    return row


def expire_due(*, by: str, at: datetime) -> int:
    """End every viewing whose time is over and erase its pictures; return how many there were."""
    total = 0
    while True:
        with transaction.atomic():
            due = Viewing.objects.select_for_update(of=("self",), skip_locked=True).select_related("item")
            rows = list(due.filter(state__in=[State.ASKED, State.READY], expires_at__lte=at).order_by("id")[:BATCH])
            for row in rows:
                end(row, by=by, at=at, why="expired")
        total += len(rows)
        if len(rows) < BATCH:
            return total


def end(row: Viewing, *, by: str, at: datetime, why: str) -> None:
    """End a viewing in the caller's transaction; ``why`` is "assessed", "not-assessed" or "expired"."""
    row.pictures.all().delete()
    row.state, row.closed_at = State.CLOSED, at
    row.save(update_fields=["state", "closed_at"])
    shown: dict[str, Json] = {}
    milliseconds = weight = 0
    for exposure in Exposure.objects.filter(viewing=row).order_by("id"):
        weight += exposure.weight
        milliseconds += exposure.milliseconds or 0
        if exposure.milliseconds is None:
            shown[exposure.mode] = int(str(shown.get(exposure.mode, 0))) + 1
    custody.append(
        by=by,
        at=at,
        kind="evidence.viewing-closed",
        subject=item_subject(row),
        data={
            "viewing": row.public_id,
            "why": why,
            "shown": shown,
            "milliseconds": milliseconds,
            "weight": weight,
        },
    )


@transaction.atomic
def tell_outcome(*, by: Viewer | str, at: datetime, subject: str, outcome: str) -> int:
    """Tell everybody who looked at a file of this record how it ended; return how many are told.

    ``by`` is a legal reviewer or a commander who sees the record, or "command:cli". Raises NotAllowed, Conflict.
    """
    if not isinstance(by, str) and not by.may(frozenset({Role.COMMANDER, Role.LEGAL_REVIEWER})):
        raise NotAllowed("How a case ended is recorded by a legal reviewer or a commander.")
    if outcome not in Ending.values:
        raise Conflict("Choose how it ended.")
    told = queries.viewers(subject)
    for user_id in told:
        notices.tell_person(user_id=user_id, kind="case.outcome", subject=subject, about=outcome, at=at)
    custody.append(
        by=by if isinstance(by, str) else by.actor,
        at=at,
        kind="case.outcome-recorded",
        subject=subject,
        data={"outcome": outcome, "told": len(told)},
    )
    return len(told)


def of_session(by: Viewer, viewing: str, session: str, *, lock: bool = False) -> Viewing:
    """Return the viewer's own viewing, asked for in this session. Raises NotFound."""
    if lock:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT 1 FROM viewing_viewing WHERE public_id = %s AND user_id = %s FOR UPDATE", [viewing, by.user_id]
            )
    row = queries.own(by, viewing)
    if bytes(row.session) != session_digest(session):
        raise NotFound("There is no such viewing in this session.")
    return row


def check_open(row: Viewing, at: datetime, *, ready: bool = True) -> None:
    """Raise Over for a viewing that has ended, Conflict for one that is still being prepared (where ``ready``)."""
    if row.state in {State.CLOSED, State.REFUSED} or at >= row.expires_at:
        raise Over("This viewing has ended, and its pictures are erased.")
    if ready and row.state != State.READY:
        raise Conflict("The pictures are being prepared. This takes a few seconds.")


def asked_data(row: Viewing) -> dict[str, Json]:
    """Return what the custody log keeps of a request; worker and verification compare the row with it."""
    return {
        "viewing": row.public_id,
        "about": row.subject,
        "reason_kind": row.reason_kind,
        "reason_sha256": sha256(row.reason),
        "law": row.law,
        "violent": row.violent,
        "overrode": row.overrode,
        "public_key": bytes(row.public_key).hex(),
        "until": stamp(row.expires_at),
    }


def picture_context(row: Viewing, mode: Mode, number: int) -> bytes:
    """Return what a picture is bound to: put into another viewing or another place it does not open."""
    return canonical_json.encode(["picture", row.public_id, mode.value, number])


def item_subject(row: Viewing) -> str:
    """Return how the log names the file; so everything about looking stands in the history of its record."""
    return f"item:{row.item.public_id}"


def session_digest(session: str) -> bytes:
    """Return what the table keeps of a browser session: a digest, for the key of the session is a secret."""
    return hashlib.sha256(b"nightlight viewing session\n" + session.encode()).digest()


def sha256(text: str) -> str:
    """Return the hex digest of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def _one_at_a_time(what: str) -> None:
    # Held until commit: of two that count at once, the second counts the first.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [what])
