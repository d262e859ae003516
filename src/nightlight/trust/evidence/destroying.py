# SPDX-License-Identifier: Apache-2.0
"""Destroys received files for good: the key is erased, and what is left in the vault is noise to everybody.

Who may decide this, and the second person, are matters of trust/retention. Bytes that somebody else sent as well stay
for them.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import connection, transaction

from nightlight.trust.custody import actions as custody
from nightlight.trust.evidence import queries
from nightlight.trust.evidence.envelope import Damaged
from nightlight.trust.evidence.keys import KeysRefused
from nightlight.trust.evidence.models import BlobKey, Item
from nightlight.trust.evidence.store import Absent, StoreFailed
from nightlight.trust.evidence.vault import current_vault
from nightlight.trust.sealed import box

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

KIND = "evidence.destroyed"


@dataclass(frozen=True, slots=True)
class Destroyed:
    """What became of one received file: ``bytes_too`` is False where the same bytes were received elsewhere too."""

    item: str
    blob: str
    sha256: str
    bytes_too: bool


@transaction.atomic
def destroy(*, by: str, at: datetime, items: Sequence[Item], because: str) -> list[Destroyed]:
    """Erase names and keys of received files, in the caller's transaction; files leave the vault once it commits.

    ``because`` names what was decided ("destruction:DE-…"). Safe to run again.
    """
    told = []
    ours = {item.pk for item in items}
    for item in Item.objects.filter(pk__in=ours).select_related("blob").order_by("pk"):
        shared = Item.objects.filter(blob_id=item.blob_id).exclude(pk__in=ours).exclude(name_key_part=_GONE).exists()
        Item.objects.filter(pk=item.pk).update(name_key_part=_GONE)
        if not shared:
            BlobKey.objects.filter(blob_id=item.blob_id).delete()
            transaction.on_commit(_remover(item.blob.locator), robust=True)
        sha256 = bytes(item.blob.sha256).hex()
        told.append(Destroyed(item.public_id, item.blob.public_id, sha256, not shared))
        custody.append(
            by=by,
            at=at,
            kind="evidence.destroyed",
            subject=f"item:{item.public_id}",
            data={"blob": item.blob.public_id, "because": because, "bytes_too": not shared},
        )
    return told


# In place of a name's key part: not empty, so that a name that was destroyed differs from none.
_GONE = b"destroyed"


def _remover(locator: str) -> Callable[[], None]:
    def remove() -> None:
        with contextlib.suppress(Absent, StoreFailed):  # without its key it is noise; the sweep takes it later
            current_vault().store.remove(locator)

    return remove


def name_was_destroyed(item: Item) -> bool:
    """Whether the name of a received file was destroyed."""
    return bytes(item.name_key_part) == _GONE


def readable(items: Sequence[Item]) -> list[str]:
    """Try to read names and bytes of received files; return the public ids of what could be read, bytes or name."""
    could = []
    for item in items:
        try:
            if item.name_as_sent:
                could.append(f"name of {item.public_id}")
        except (box.Damaged, box.KeysRefused):
            pass
        key_left = BlobKey.objects.filter(blob_id=item.blob_id).exists()
        if not key_left:
            with contextlib.suppress(BlobKey.DoesNotExist, KeysRefused, Damaged, StoreFailed):
                for _piece in queries.read(item):
                    could.append(item.public_id)
                    break
    return could


def destroyed_items(subjects: Sequence[str]) -> set[str]:
    """Return those of the subjects ("item:EV-…") that the log says were destroyed."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT subject FROM custody_event WHERE kind = %s AND subject = ANY (%s)", [KIND, list(subjects)]
        )
        return {row[0] for row in cursor.fetchall()}
