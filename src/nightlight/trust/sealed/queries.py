# SPDX-License-Identifier: Apache-2.0
"""Reads of sealed identities: pseudonyms and openings, never a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nightlight.foundation.refusals import NotFound
from nightlight.trust.sealed.box import ID_SIZE
from nightlight.trust.sealed.models import Identity, State, Unsealing

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from nightlight.trust.sealed.actions import Asker


def of_record(subject: str) -> QuerySet[Identity]:
    """Return the protected people of a record that the caller shows, by pseudonym; row security holds as well."""
    return Identity.objects.filter(subject=subject).shown().order_by("pseudonym")


def under_way(viewer: Asker, at: datetime) -> QuerySet[Unsealing]:
    """Return the viewer's own openings that have not ended, newest first."""
    mine = Unsealing.objects.select_related("user").filter(user_id=viewer.user_id, expires_at__gt=at)
    return mine.filter(state__in=[State.ASKED, State.OPENED]).order_by("-id")


def own(viewer: Asker, public_id: str) -> Unsealing:
    """Return one of the viewer's own openings. Raises NotFound."""
    row = Unsealing.objects.select_related("user").filter(public_id=public_id, user_id=viewer.user_id).first()
    if row is None:
        raise NotFound("You have not asked for this.")
    return row


def openings(subject: str) -> QuerySet[Unsealing]:
    """Return every opening asked for of a record's identities, newest first: for its owner and for auditors."""
    return Unsealing.objects.select_related("user").filter(subject=subject).order_by("-id")


def keys_in_use() -> dict[str, int]:
    """Return how many identities each sealing key (id in hex) opens; one that opens none may be taken away."""
    counted: dict[str, int] = {}
    for row in Identity.objects.filter(destroyed_at__isnull=True).defer("body", "fingerprint").iterator():
        key_id = bytes(row.key_part)[1 : 1 + ID_SIZE].hex()
        counted[key_id] = counted.get(key_id, 0) + 1
    return counted
