# SPDX-License-Identifier: Apache-2.0
"""Every write to the evidence: receiving a file, changing master keys, clearing what was never recorded.

A file is sealed in the vault before its record is written, so a record always has its file. What is sealed
and never recorded (a request cut short, a process killed) is no evidence, is listed nowhere, and is swept
after a day.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, cast

from django.db import connection, transaction

from nightlight.foundation import public_ids
from nightlight.trust import statements
from nightlight.trust.custody import actions as custody
from nightlight.trust.evidence import envelope, names, queries
from nightlight.trust.evidence.keys import WrappedKey
from nightlight.trust.evidence.models import Blob, BlobKey
from nightlight.trust.evidence.rules import storable
from nightlight.trust.evidence.store import Absent, Stored, StoreFailed
from nightlight.trust.evidence.vault import Sealed, Vault, current_vault

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from nightlight.foundation.canonical_json import Json
    from nightlight.foundation.digests import Digests

BATCH = 500
LONGEST_TRANSACTION = timedelta(hours=1)  # what is younger may be about to be recorded

# One round trip for bytes that are new. "DO NOTHING" on any conflict, so that a public id that is taken does
# not spoil the caller's transaction; what came of it is seen in the answer.
_RECEIVE_NEW = """
WITH blob AS (
    INSERT INTO evidence_blob (public_id, sha256, sha1, md5, size, locator, envelope, stored_at)
    VALUES (%(blob)s, %(sha256)s, %(sha1)s, %(md5)s, %(size)s, %(locator)s, %(envelope)s, %(at)s)
    ON CONFLICT DO NOTHING RETURNING id
), key AS (
    INSERT INTO evidence_blob_key (blob_id, wrapped_key, key_id, wrapped_at)
    SELECT id, %(wrapped_key)s, %(key_id)s, %(at)s FROM blob
), item AS (
    INSERT INTO evidence_item (public_id, blob_id, received_at, name_closed, name_key_part, source, context)
    SELECT %(item)s, id, %(at)s, %(name_closed)s, %(name_key_part)s, %(by)s, %(context)s FROM blob
    ON CONFLICT DO NOTHING RETURNING id
)
SELECT blob.id, item.id FROM blob LEFT JOIN item ON true
"""
# The same as part of a larger statement: on another conflict than that of the bytes it fails as a whole.
_NEW = """
blob AS (
    INSERT INTO evidence_blob (public_id, sha256, sha1, md5, size, locator, envelope, stored_at)
    VALUES (%(blob)s, %(sha256)s, %(sha1)s, %(md5)s, %(size)s, %(locator)s, %(envelope)s, %(at)s)
    ON CONFLICT (sha256) DO NOTHING RETURNING id),
key AS (
    INSERT INTO evidence_blob_key (blob_id, wrapped_key, key_id, wrapped_at)
    SELECT id, %(wrapped_key)s, %(key_id)s, %(at)s FROM blob),
item AS (
    INSERT INTO evidence_item (public_id, blob_id, received_at, name_closed, name_key_part, source, context)
    SELECT %(item)s, id, %(at)s, %(name_closed)s, %(name_key_part)s, %(by)s, %(context)s FROM blob RETURNING id)
"""
_RECEIVE_KNOWN = """
INSERT INTO evidence_item (public_id, blob_id, received_at, name_closed, name_key_part, source, context)
VALUES (%(item)s, %(blob_id)s, %(at)s, %(name_closed)s, %(name_key_part)s, %(by)s, %(context)s)
ON CONFLICT DO NOTHING RETURNING id
"""
# What the event "evidence.received" states, and a caller therefore cannot.
_STATED = frozenset({"md5", "sha1", "sha256", "size", "blob", "context", "new_bytes", "name_sha256"})


@dataclass(frozen=True)
class Received:
    """A file now in evidence. ``id`` is the item's database key, for foreign keys; it leaves no process."""

    id: int
    public_id: str
    blob: str
    digests: Digests
    new_bytes: bool


def receive(
    *, by: str, at: datetime, sealed: Sealed, name_as_sent: str, context: str, data: Mapping[str, Json]
) -> Received:
    """Record a sealed file as received, in the caller's transaction; bytes already kept are not kept again.

    ``by`` is the actor ("reporter:…"), ``context`` what the file belongs to ("tip:NL-…"), ``data`` more facts
    for the custody event. If the bytes were here before, the copy just sealed is removed once the transaction
    commits, unless the earlier copy is missing or cut short: then it is first restored from this one.

    Raises RuntimeError outside a transaction, ValueError for facts in ``data`` that the event states by
    itself, and StoreFailed if an earlier copy can neither be found nor restored.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("a file is received in the transaction of what it belongs to")
    if taken := _STATED & data.keys():
        raise ValueError(f"the event states {', '.join(sorted(taken))} by itself")
    name = storable(name_as_sent)
    received = _insert(_row(by=by, at=at, sealed=sealed, context=context), sealed, name)
    facts = _facts(sealed, name, blob=received.blob, context=context, new_bytes=received.new_bytes)
    custody.append(by=by, at=at, kind="evidence.received", subject=f"item:{received.public_id}", data={**data, **facts})
    return received


def receive_with(
    before: str,
    after: str,
    parameters: Mapping[str, object],
    *,
    by: str,
    at: datetime,
    sealed: Sealed,
    name_as_sent: str,
    context: str,
    data: Mapping[str, Json],
) -> None:
    """Record a received file together with what it belongs to, in one statement where its bytes are new.

    ``before`` ("WITH … AS (…),") and ``after`` (", … AS (…)") are common table expressions of the caller around ours;
    ``after`` may read the item's key from ``item``. Bytes that are here already take the longer way of ``receive``,
    in one transaction with the caller's expressions. Raises as ``receive`` does.
    """
    name = storable(name_as_sent)
    row = _row(by=by, at=at, sealed=sealed, context=context)

    def attempt() -> int:  # the public ids are random: the rare clash is tried again
        blob, item = public_ids.new("BL"), public_ids.new("EV")
        facts = {**data, **_facts(sealed, name, blob=blob, context=context, new_bytes=True)}
        count, _ = custody.run_with_event(
            f"{before} {_NEW} {after},",
            {**parameters, **row, "blob": blob, "item": item, **_named(name, item)},
            source="item",
            by=by,
            at=at,
            kind="evidence.received",
            subject=f"item:{item}",
            data=facts,
        )
        return count

    if statements.until_unique(attempt):
        return
    with transaction.atomic():
        received = receive(by=by, at=at, sealed=sealed, name_as_sent=name_as_sent, context=context, data=data)
        known = f"{before} item AS (SELECT %(known_item)s::bigint AS id){after} SELECT 1"
        statements.rows(known, {**parameters, "known_item": received.id})


def _named(name: str, item: str) -> dict[str, bytes]:
    closed = names.close(name, item=item)
    return {"name_closed": closed.body, "name_key_part": closed.key_part}


def _row(*, by: str, at: datetime, sealed: Sealed, context: str) -> dict[str, str | int | bytes | datetime]:
    return {
        "sha256": bytes.fromhex(sealed.digests.sha256),
        "sha1": bytes.fromhex(sealed.digests.sha1),
        "md5": bytes.fromhex(sealed.digests.md5),
        "size": sealed.digests.size,
        "locator": sealed.locator,
        "envelope": sealed.envelope,
        "wrapped_key": sealed.key.wrapped,
        "key_id": sealed.key.key_id,
        "at": at,
        "by": by,
        "context": context,
    }


def _facts(sealed: Sealed, name: str, *, blob: str, context: str, new_bytes: bool) -> dict[str, Json]:
    facts: dict[str, Json] = {
        "md5": sealed.digests.md5,
        "sha1": sealed.digests.sha1,
        "sha256": sealed.digests.sha256,
        "size": sealed.digests.size,
        "blob": blob,
        "context": context,
        "new_bytes": new_bytes,
    }
    if name:
        # The log is for ever and a file name may name a child: the name stays in the record, its digest here.
        facts["name_sha256"] = hashlib.sha256(name.encode()).hexdigest()
    return facts


def _insert(row: dict[str, str | int | bytes | datetime], sealed: Sealed, name: str) -> Received:
    blob_id: int | None = None
    item_id: int | None = None
    new_bytes = False
    with connection.cursor() as cursor:
        while blob_id is None:
            row["blob"], row["item"] = public_ids.new("BL"), public_ids.new("EV")
            row.update(_named(name, cast("str", row["item"])))
            cursor.execute(_RECEIVE_NEW, row)
            found = cursor.fetchone()
            if found is not None:
                (blob_id, item_id), new_bytes = found, True
            else:
                known = Blob.objects.select_related("key").filter(sha256=row["sha256"]).first()
                if known is not None:  # else the new blob's public id was taken: draw again
                    _keep_one_copy(known, sealed)
                    blob_id, row["blob"] = known.pk, known.public_id
        while item_id is None:
            row["item"], row["blob_id"] = public_ids.new("EV"), blob_id
            row.update(_named(name, cast("str", row["item"])))
            cursor.execute(_RECEIVE_KNOWN, row)
            item_id = next(iter(cursor.fetchall()), (None,))[0]
    return Received(item_id, cast("str", row["item"]), cast("str", row["blob"]), sealed.digests, new_bytes)


def _keep_one_copy(known: Blob, ours: Sealed) -> None:
    if known.locator == ours.locator:  # the very same copy, received in a second context
        return
    vault = current_vault()
    if not BlobKey.objects.filter(blob=known).exists():
        _begin_anew(vault, known, ours)
        return
    kept = queries.sealed(known)
    if not vault.whole(kept):
        # Two receivers must not restore at once: the row lock lets the second find the work done.
        BlobKey.objects.select_for_update().get(pk=known.pk)
        if not vault.whole(kept):
            vault.restore(kept, good=ours)
    transaction.on_commit(lambda: _discard(vault, ours), robust=True)


def _begin_anew(vault: Vault, known: Blob, ours: Sealed) -> None:
    """Bytes that were destroyed have come again: they are kept again, in their old place under a new key."""
    key = vault.keyring.wrap(secrets.token_bytes(envelope.KEY_SIZE))
    BlobKey.objects.create(blob=known, wrapped_key=key.wrapped, key_id=key.key_id, wrapped_at=known.stored_at)
    lost = Sealed(known.locator, known.digests, key, envelope.stored_size(known.size), known.envelope)
    vault.restore(lost, good=ours)
    transaction.on_commit(lambda: _discard(vault, ours), robust=True)


def _discard(vault: Vault, sealed: Sealed) -> None:
    with contextlib.suppress(StoreFailed):  # what stays is unlisted, and swept
        vault.discard(sealed)


def rewrap(*, by: str, at: datetime) -> int:
    """Lock every file's key under the current master key; return how many were not. No file is touched.

    Works in batches, each with its own custody event, and can be run again after being cut short. Keys whose
    master key is not on the ring are left alone; ``queries.keys_in_use()`` shows them. Raises KeysRefused for
    a key that its master key does not open.
    """
    vault = current_vault()
    vault.keyring.reload()
    current = vault.keyring.current
    old = sorted(vault.keyring.ids - {current})
    total = 0
    while done := _rewrap_batch(vault, old, by=by, at=at):
        total += done
    return total


@transaction.atomic
def _rewrap_batch(vault: Vault, old: list[str], *, by: str, at: datetime) -> int:
    waiting = BlobKey.objects.select_for_update(skip_locked=True).filter(key_id__in=old).order_by("pk")
    rows = list(waiting[:BATCH])
    if not rows:
        return 0
    left = Counter(row.key_id for row in rows)
    for row in rows:
        key = vault.rewrap(WrappedKey(row.key_id, bytes(row.wrapped_key)))
        row.key_id, row.wrapped_key, row.wrapped_at = key.key_id, key.wrapped, at
    BlobKey.objects.bulk_update(rows, ["key_id", "wrapped_key", "wrapped_at"])
    custody.append(
        by=by,
        at=at,
        kind="evidence.keys-rewrapped",
        subject="vault:evidence",
        data={"from": dict(left), "to": vault.keyring.current, "blobs": len(rows)},
    )
    return len(rows)


@transaction.atomic
def sweep(*, by: str, at: datetime, older_than: timedelta = timedelta(hours=24)) -> int:
    """Remove from the vault what no record lists and nobody touched for ``older_than``; return how many.

    Raises ValueError for less than an hour: a file may be sealed and about to be recorded. StoreFailed passes
    on.
    """
    if older_than < LONGEST_TRANSACTION:
        raise ValueError("what is younger than an hour may be about to be recorded")
    vault = current_vault()
    removed = size = 0
    batch: list[Stored] = []
    for found in vault.store.stored():
        if found.changed_at < at - older_than:
            batch.append(found)
        if len(batch) == BATCH:
            removed, size = _remove(vault, batch, removed, size)
            batch = []
    removed, size = _remove(vault, batch, removed, size)
    if removed:
        custody.append(
            by=by,
            at=at,
            kind="evidence.swept",
            subject="vault:evidence",
            data={"files": removed, "bytes": size, "older_than_seconds": int(older_than.total_seconds())},
        )
    return removed


def _remove(vault: Vault, batch: list[Stored], removed: int, size: int) -> tuple[int, int]:
    listed = queries.listed(found.locator for found in batch)
    for found in batch:
        if found.locator not in listed:
            with contextlib.suppress(Absent):
                vault.store.remove(found.locator)
                removed, size = removed + 1, size + found.size
    return removed, size
