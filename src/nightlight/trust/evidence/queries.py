# SPDX-License-Identifier: Apache-2.0
"""Reads of the evidence: what is kept, under which key, and the bytes themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Count

from nightlight.trust.evidence import envelope
from nightlight.trust.evidence.keys import WrappedKey
from nightlight.trust.evidence.models import Blob, BlobKey, Item
from nightlight.trust.evidence.vault import Sealed, current_vault

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def sealed(blob: Blob) -> Sealed:
    """Return the blob as the vault knows it. Raises ``BlobKey.DoesNotExist`` if its key is gone."""
    key = WrappedKey(blob.key.key_id, bytes(blob.key.wrapped_key))
    return Sealed(blob.locator, blob.digests, key, envelope.stored_size(blob.size), blob.envelope)


def read(item: Item) -> Iterator[bytes]:
    """Yield the bytes of a received file. For background steps; no page shows them yet.

    Raises StoreFailed, Damaged or KeysRefused; a file is whole only once the iteration has ended without.
    """
    blob = Blob.objects.select_related("key").get(pk=item.blob_id)
    return current_vault().open(sealed(blob))


def keys_in_use() -> dict[str, int]:
    """Return how many blobs each master key locks; one that locks none may be taken away."""
    counted = BlobKey.objects.values("key_id").annotate(blobs=Count("pk")).order_by("key_id")
    return {row["key_id"]: row["blobs"] for row in counted}


def listed(locators: Iterable[str]) -> set[str]:
    """Return those of the locators that a record names."""
    return set(Blob.objects.filter(locator__in=list(locators)).values_list("locator", flat=True))
