# SPDX-License-Identifier: Apache-2.0
"""What is kept of protected people: closed when a record is read, closed anew when it is read otherwise, destroyed.

Part of the actions; apart from ``actions.py`` because closing needs no private key and opening does.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import IntegrityError, connection, transaction

from nightlight.foundation import public_ids
from nightlight.foundation.refusals import Conflict, NotFound
from nightlight.trust.custody import actions as custody
from nightlight.trust.sealed import actions, rules
from nightlight.trust.sealed.box import KEY_SIZE
from nightlight.trust.sealed.keys import current_sealer
from nightlight.trust.sealed.models import Identity, SearchDigest, State, Unsealing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from nightlight.foundation.canonical_json import Json
    from nightlight.trust.sealed.box import Closed, Sealer
    from nightlight.trust.sealed.rules import Protected

_TRIES = 6


@dataclass(frozen=True, slots=True)
class Renewed:
    """What reading a record anew changed: public ids of identities closed now, and of those no longer there."""

    closed: tuple[str, ...]
    gone: tuple[str, ...]


@transaction.atomic
def renew(*, by: str, at: datetime, subject: str, identities: Sequence[Protected], rule_version: int) -> Renewed | None:
    """Make the protected people of a record ("tip:NL-…") those given; None, and no entry in the log, if they are so.

    Who stands at the same place in the report (``source``) keeps their public id. One is closed anew when the facts,
    the pseudonym, the kind, the version of the reading rule or the current sealing key differ. Needs no private key.
    Whoever renews several records in one transaction does so in the order of their subjects: each is locked until
    commit.
    Raises ValueError for two people of one source or pseudonym, Conflict for a record whose identities were
    destroyed, KeysRefused.
    """
    if len({one.source for one in identities}) < len(identities):
        raise ValueError("two protected people of one record have the same source")
    if len({one.pseudonym for one in identities}) < len(identities):
        raise ValueError("two protected people of one record have the same pseudonym")
    _one_at_a_time(subject)
    kept = {row.source: row for row in Identity.objects.filter(subject=subject)}
    if any(row.destroyed for row in kept.values()):
        raise Conflict("The identities of this record were destroyed; they are not kept again.")
    if not kept and not identities:
        return None
    sealer = current_sealer()
    changed = [one for one in identities if not _as_kept(kept.get(one.source), one, rule_version, sealer)]
    gone = [kept[source] for source in sorted(kept.keys() - {one.source for one in identities})]
    if not changed and not gone:
        return None
    # First those that leave: one of the others may take their pseudonym.
    Identity.objects.filter(pk__in=[row.pk for row in gone]).delete()
    rows = [
        _closed(one, kept.get(one.source), subject=subject, rule_version=rule_version, at=at, sealer=sealer)
        for one in changed
    ]
    SearchDigest.objects.filter(identity__in=[row.pk for row in rows if row.pk]).delete()
    for row in rows:
        _save(row)
    SearchDigest.objects.bulk_create(
        SearchDigest(identity=row, kind=kind.value, digest=digest)
        for row, one in zip(rows, changed, strict=True)
        for kind, digest in _digests(one)
    )
    _log_renewal(by=by, at=at, subject=subject, rule_version=rule_version, rows=rows, gone=gone)
    return Renewed(tuple(row.public_id for row in rows), tuple(row.public_id for row in gone))


@transaction.atomic
def destroy(*, by: str, at: datetime, subject: str) -> tuple[str, ...]:
    """Make the identities of a record unopenable for good, and return their public ids.

    Erases the key parts, the fingerprints and the search digests, and ends openings that are under way. Who may
    decide this, and the second person, are matters of the caller. What database logs and backups still hold is
    gone when they are. Raises NotFound if the record has none, or none left.
    """
    _one_at_a_time(subject)
    rows = [row for row in Identity.objects.select_for_update().filter(subject=subject) if not row.destroyed]
    if not rows:
        raise NotFound("This record has no sealed identities.")
    SearchDigest.objects.filter(identity__in=rows).delete()
    Identity.objects.filter(pk__in=[row.pk for row in rows]).update(key_part=b"", fingerprint=b"", destroyed_at=at)
    under_way = Unsealing.objects.select_for_update(of=("self",)).filter(
        subject=subject, state__in=[State.ASKED, State.OPENED]
    )
    for unsealing in under_way:
        actions.end(unsealing, by=by, at=at, why="destroyed")
    destroyed = sorted(row.public_id for row in rows)
    custody.append(by=by, at=at, kind="sealed.destroyed", subject=subject, data={"identities": [*destroyed]})
    return tuple(destroyed)


def closed_digest(closed: Closed) -> str:
    """Return what the log keeps of a closed identity: SHA-256, hex. It shows an exchanged row and reveals nothing."""
    return hashlib.sha256(closed.key_part + closed.body).hexdigest()


def _as_kept(row: Identity | None, one: Protected, rule_version: int, sealer: Sealer) -> bool:
    if row is None or (row.pseudonym, row.kind, row.rule_version) != (one.pseudonym, one.kind.value, rule_version):
        return False
    if row.closed.key_id != sealer.lock.id:
        return False
    return hmac.compare_digest(bytes(row.fingerprint), _fingerprint(row.closed, rules.encode(one.facts)))


def _closed(
    one: Protected, row: Identity | None, *, subject: str, rule_version: int, at: datetime, sealer: Sealer
) -> Identity:
    """Return the row of a person, new or as it was kept, with the facts closed in it; saves nothing."""
    row = row or Identity(subject=subject, source=one.source)
    told = rules.encode(one.facts)
    closed = sealer.seal(told, rules.identity_context(subject, one, rule_version))
    row.pseudonym, row.kind, row.rule_version, row.made_at = one.pseudonym, one.kind.value, rule_version, at
    row.key_part, row.body, row.fingerprint = closed.key_part, closed.body, _fingerprint(closed, told)
    return row


def _save(row: Identity) -> None:
    for tries_left in reversed(range(_TRIES)):
        if not row.pk:
            row.public_id = public_ids.new("ID")
        try:
            with transaction.atomic():
                row.save()
                return
        except IntegrityError:  # a public id that was taken
            if not tries_left or row.pk:
                raise


def _digests(one: Protected) -> list[tuple[rules.Sought, bytes]]:
    key = settings.NIGHTLIGHT_SEALED_SEARCH_KEY
    return [(kind, rules.search_digest(key, kind, form)) for kind, form in sorted(rules.terms(one.facts))]


def _fingerprint(closed: Closed, told: bytes) -> bytes:
    return rules.fingerprint(settings.NIGHTLIGHT_SEALED_SEARCH_KEY, closed.key_part[-KEY_SIZE:], told)


def _log_renewal(
    *, by: str, at: datetime, subject: str, rule_version: int, rows: list[Identity], gone: list[Identity]
) -> None:
    closed: dict[str, Json] = {row.public_id: closed_digest(row.closed) for row in rows}
    custody.append(
        by=by,
        at=at,
        kind="sealed.renewed",
        subject=subject,
        data={"rule_version": rule_version, "closed": closed, "gone": [row.public_id for row in gone]},
    )


def _one_at_a_time(subject: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"sealed {subject}"])
