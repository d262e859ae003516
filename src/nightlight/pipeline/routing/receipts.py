# SPDX-License-Identifier: Apache-2.0
"""What a receipt says, to be kept and checked by anybody: the entry of the log, and the proof that it is in it.

A receipt is signed when a signed head of the log covers its entry, which takes a minute at most; until then it says so.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightlight.foundation import clock
from nightlight.foundation.refusals import Conflict, NotFound
from nightlight.pipeline.routing import recording
from nightlight.pipeline.routing.models import Receipt
from nightlight.trust.custody import bundle, keys, queries
from nightlight.trust.custody.models import Event

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nightlight.foundation.canonical_json import Json
    from nightlight.pipeline.routing.models import Offer
    from nightlight.trust.custody.queries import EventRow, InclusionProof

VERSION = 1


@dataclass(frozen=True, slots=True)
class Proof:
    """A receipt with its entry. ``inclusion`` is None as long as no signed head covers it."""

    receipt: Receipt
    entry: EventRow
    inclusion: InclusionProof | None

    @property
    def signed(self) -> bool:
        """Whether it can be checked already; else within a minute."""
        return self.inclusion is not None

    def document(self) -> Mapping[str, Json]:
        """What is downloaded. ``entry`` is the text whose bytes the proof is about (docs/routing.md, Receipts)."""
        offer = self.receipt.offer
        said: dict[str, Json] = {
            "v": VERSION,
            "offer": offer.public_id,
            "tip": recording.facts(self.receipt)["tip"],
            "step": self.receipt.kind,
            "at": clock.stamp(self.receipt.at),
            "from": {"unit": offer.from_unit.public_id, "name": offer.from_unit.name},
            "to": {"unit": offer.to_unit.public_id, "name": offer.to_unit.name},
            "entry": self.entry.body,
            "signed": self.signed,
        }
        if self.inclusion is None:
            return {**said, "proof": None, "note": "Not signed yet: within a minute."}
        return {
            **said,
            "proof": {
                "position": self.inclusion.position,
                "leaf_hash": self.inclusion.leaf_hash.hex(),
                "path": [one.hex() for one in self.inclusion.path],
                "size": self.inclusion.size,
                "checkpoint": self.inclusion.note,
                "keys": [str(key) for key in keys.trusted_keys()],
            },
        }


def proofs(offer: Offer) -> list[Proof]:
    """Return the receipts of an offer in their order, each with its entry and, once signed, its proof.

    Receipts whose entries whoever is acting may not see are left out.
    """
    found = list(
        Receipt.objects.filter(offer=offer).select_related("offer__from_unit", "offer__to_unit").order_by("pk")
    )
    entries = {row.id: row for row in queries.rows(Event.objects.filter(pk__in=[one.event for one in found]))}
    head, tree = queries.latest_head(), queries.StoredTree()
    return [
        Proof(one, entries[one.event], queries.inclusion(one.event, head, tree))
        for one in found
        if one.event in entries
    ]


def proof(offer: Offer, kind: str) -> Proof:
    """Return the receipt of one step of an offer, the newest of its kind. Raises NotFound."""
    for one in reversed(proofs(offer)):
        if one.receipt.kind == kind:
            return one
    raise NotFound("There is no such receipt of this offer.")


def bundle_of(offer: Offer) -> bytes:
    """Return all receipts of an offer as a ZIP that `verify_bundle.py`, which lies in it, checks offline.

    Raises NotFound where there is none, Conflict while the newest is not signed yet.
    """
    return bundle_for(proofs(offer))


def bundle_for(chosen: Iterable[Proof]) -> bytes:
    """Return these receipts as such a ZIP; otherwise as `bundle_of`."""
    found = list(chosen)
    if not found:
        raise NotFound("There is no such receipt of this offer.")
    if not all(one.signed for one in found):
        raise Conflict("The newest receipt is not signed yet; it will be within a minute. Try again then.")
    to = io.BytesIO()
    bundle.export_entries(events=[one.entry for one in found], to=to)
    return to.getvalue()
