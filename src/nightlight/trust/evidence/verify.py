# SPDX-License-Identifier: Apache-2.0
"""Reads every file in the vault and says whether files, records and custody log still tell the same story."""

from __future__ import annotations

import hashlib
import json
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING

from django.db import connection

from nightlight.foundation.clock import stamp
from nightlight.trust.custody.append_only import ERASURE_GUARD, GUARD
from nightlight.trust.custody.models import Event
from nightlight.trust.custody.verify import Problem
from nightlight.trust.evidence import destroying, queries
from nightlight.trust.evidence.envelope import Damaged
from nightlight.trust.evidence.keys import KeysRefused
from nightlight.trust.evidence.models import APPEND_ONLY_TABLES, Blob, BlobKey, Item
from nightlight.trust.evidence.store import Absent, StoreFailed
from nightlight.trust.evidence.vault import current_vault
from nightlight.trust.sealed import box as sealing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nightlight.trust.custody.verify import Progress
    from nightlight.trust.evidence.vault import Vault

BATCH = 500
RECEIVED = "evidence.received"


class Code(StrEnum):
    """What can be wrong with the evidence."""

    FILE_MISSING = "file-missing"
    FILE_CHANGED = "file-changed"
    FILE_UNREADABLE = "file-unreadable"
    KEY_MISSING = "key-missing"
    RECEIPT_MISSING = "receipt-missing"
    RECEIPT_CHANGED = "receipt-changed"
    EVENT_MISSING = "event-missing"
    EVENT_REPEATED = "event-repeated"
    GUARD_MISSING = "guard-missing"


def check(on_progress: Progress | None = None) -> Iterator[Problem]:
    """Yield everything that is wrong; hand it to ``custody.verify.verify`` as one of its ``extra_checks``.

    Every blob's file is read and decrypted, and its digests compared with the record; every receipt is
    compared with its one custody event, and every such event with the receipts. ``on_progress(done, total)``
    counts blobs. What the vault holds and no record lists is not wrong; ``count_unlisted()`` counts it.
    """
    yield from _guards()
    yield from _files(current_vault(), on_progress)
    yield from _receipts()
    yield from _events_without_receipt()


def count_unlisted() -> int:
    """Return how many files in the vault no record lists: staged just now, or left over and soon swept."""
    stored = current_vault().store.stored()
    count = 0
    while batch := [found.locator for found in islice(stored, BATCH)]:
        count += len(batch) - len(queries.listed(batch))
    return count


def _guards() -> Iterator[Problem]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text, tgname FROM pg_trigger"
            " WHERE tgname = ANY (%s) AND tgenabled IN ('O', 'A')",
            [[GUARD, ERASURE_GUARD]],
        )
        guarded = set(cursor.fetchall())
    for table, trigger in [*((table, GUARD) for table in APPEND_ONLY_TABLES), ("evidence_item", ERASURE_GUARD)]:
        if (table, trigger) not in guarded:
            yield Problem(Code.GUARD_MISSING, f"table {table}", f"trigger {trigger} is missing or switched off")


def _files(vault: Vault, on_progress: Progress | None) -> Iterator[Problem]:
    total, done, last = Blob.objects.count(), 0, 0
    while blobs := list(Blob.objects.select_related("key").filter(pk__gt=last).order_by("pk")[:BATCH]):
        received = set(Item.objects.filter(blob__in=blobs).values_list("blob_id", flat=True))
        for blob in blobs:
            where = f"blob {blob.public_id}"
            if blob.pk not in received:
                yield Problem(Code.RECEIPT_MISSING, where, "is kept, but no receipt says from whom")
            yield from _file(vault, blob, where)
            done += 1
            if on_progress is not None:
                on_progress(done, total)
        last = blobs[-1].pk


def _file(vault: Vault, blob: Blob, where: str) -> Iterator[Problem]:
    try:
        vault.check(queries.sealed(blob))
    except BlobKey.DoesNotExist:
        if _destroyed(blob):
            return
        yield Problem(Code.KEY_MISSING, where, "the record of its key is gone")
    except KeysRefused as error:
        yield Problem(Code.KEY_MISSING, where, error.reason)
    except Absent:
        yield Problem(Code.FILE_MISSING, where, "its file is not in the vault")
    except StoreFailed as error:
        yield Problem(Code.FILE_UNREADABLE, where, error.reason)
    except Damaged as error:
        yield Problem(Code.FILE_CHANGED, where, error.reason)


def _receipts() -> Iterator[Problem]:
    last = 0
    while items := list(Item.objects.select_related("blob").filter(pk__gt=last).order_by("pk")[:BATCH]):
        events: dict[str, list[Event]] = {}
        subjects = [_subject(item) for item in items]
        for event in Event.objects.filter(kind=RECEIVED, subject__in=subjects).order_by("pk"):
            events.setdefault(event.subject, []).append(event)
        for item in items:
            yield from _receipt(item, events.get(_subject(item), []))
        last = items[-1].pk


def _receipt(item: Item, events: list[Event]) -> Iterator[Problem]:
    where = f"item {item.public_id}"
    if not events:
        yield Problem(Code.EVENT_MISSING, where, "the custody log does not say that it was received")
        return
    if len(events) > 1:
        yield Problem(Code.EVENT_REPEATED, where, f"the custody log says {len(events)} times that it was received")
    differ = sorted(_differences(item, events[0]))
    if differ:
        yield Problem(Code.RECEIPT_CHANGED, where, f"differs from the custody log in: {', '.join(differ)}")


def _differences(item: Item, event: Event) -> Iterable[str]:
    """Return the names of the facts that record and event state differently."""
    try:
        said = json.loads(event.body)
        data = said["data"]
        logged = {"source": said["by"], "received_at": said["at"], "name": data.get("name_sha256", "")}
        logged |= {name: data.get(name) for name in ("blob", "context", "md5", "sha1", "sha256", "size")}
    except (ValueError, TypeError, KeyError, AttributeError):
        return ["all of it: the event cannot be read"]
    digests = item.blob.digests
    recorded = {
        "source": item.source,
        "received_at": stamp(item.received_at),
        "name": logged["name"] if _name_destroyed(item) else _name_digest(item),
        "blob": item.blob.public_id,
        "context": item.context,
        "md5": digests.md5,
        "sha1": digests.sha1,
        "sha256": digests.sha256,
        "size": digests.size,
    }
    return [name for name, value in recorded.items() if logged[name] != value]


def _destroyed(blob: Blob) -> bool:
    subjects = [_subject(item) for item in Item.objects.filter(blob=blob)]
    return bool(subjects) and destroying.destroyed_items(subjects) == set(subjects)


def _name_destroyed(item: Item) -> bool:
    return destroying.name_was_destroyed(item) and bool(destroying.destroyed_items([_subject(item)]))


def _name_digest(item: Item) -> str:
    try:
        name = item.name_as_sent
    except (sealing.Damaged, sealing.KeysRefused) as refused:
        return f"cannot be opened: {refused.reason}"
    return hashlib.sha256(name.encode()).hexdigest() if name else ""


def _events_without_receipt() -> Iterator[Problem]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT event.subject FROM custody_event event LEFT JOIN evidence_item item"
            " ON event.subject = 'item:' || item.public_id"
            " WHERE event.kind = %s AND item.id IS NULL ORDER BY event.id",
            [RECEIVED],
        )
        while rows := cursor.fetchmany(BATCH):
            for (subject,) in rows:
                yield Problem(Code.RECEIPT_MISSING, subject, "the custody log says it was received; no record does")


def _subject(item: Item) -> str:
    return f"item:{item.public_id}"
