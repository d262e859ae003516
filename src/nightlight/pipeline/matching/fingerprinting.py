# SPDX-License-Identifier: Apache-2.0
"""Makes the perceptual fingerprint of a file, or writes down why it has none. It is decoded in the sandbox only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from nightlight.pipeline.matching import keeping, rules
from nightlight.pipeline.matching.models import Fingerprint, Frame
from nightlight.trust.evidence import queries as evidence
from nightlight.trust.evidence.envelope import Damaged
from nightlight.trust.evidence.models import BlobKey
from nightlight.trust.evidence.store import Absent
from nightlight.trust.viewing.rendering.measure import measure
from nightlight.trust.viewing.rendering.terms import RenditionRefused, Why

if TYPE_CHECKING:
    from datetime import datetime

    from nightlight.trust.evidence.models import Item
    from nightlight.trust.viewing.rendering.terms import Measured

# What this computer could not do just now: made anew whenever the file is looked up again.
_MAY_PASS = {Why.NO_SANDBOX, Why.TOO_SLOW, Why.TOO_MUCH_MEMORY, Why.CRASHED}
NOT_KEPT = "not-kept"  # the vault has no bytes for it: destroyed, or damaged


def fingerprint(item: Item, *, at: datetime) -> Fingerprint:
    """Return the fingerprint of a received file, made now unless these rules made it before.

    Decoding lies outside any transaction and takes up to half a minute. A file that cannot be decoded is recorded as
    such and never stops a tip. Raises StoreFailed and KeysRefused where the vault does not answer now: it will later.
    """
    made = Fingerprint.objects.filter(pk=item.blob_id, version=rules.VERSION).first()
    if made is not None:
        return made
    why, measured = "", None
    try:
        measured = measure(evidence.read(item))
    except RenditionRefused as refused:
        why = refused.why.value
    except (Absent, Damaged, BlobKey.DoesNotExist):
        why = NOT_KEPT
    return _keep(item.blob_id, measured, why, at)


@transaction.atomic
def _keep(blob: int, measured: Measured | None, why: str, at: datetime) -> Fingerprint:
    if not BlobKey.objects.filter(blob_id=blob).exists():  # destroyed while it was decoded; a trigger holds to it too
        measured, why = None, NOT_KEPT
    still = measured is not None and len(measured.frames) == 1 and measured.duration is None
    only = measured.frames[0] if measured is not None and still else None
    made, _ = Fingerprint.objects.update_or_create(
        blob_id=blob,
        defaults={
            "version": 0 if why in _MAY_PASS else rules.VERSION,
            "format": measured.format.value if measured else "",
            "why": why,
            "pdq": only.hash if only else None,
            "quality": only.quality if only else None,
            "dihedral": b"".join(only.dihedral) if only else b"",
            "width": measured.width if measured else None,
            "height": measured.height if measured else None,
            "duration": measured.duration if measured else None,
            "at": at,
        },
    )
    Frame.objects.filter(blob_id=blob).delete()
    if measured is not None and not still:
        Frame.objects.bulk_create(
            Frame(blob_id=blob, number=number, at_second=frame.at, pdq=frame.hash, quality=frame.quality)
            for number, frame in enumerate(measured.frames)
        )
    keeping.alike(made)
    return made
