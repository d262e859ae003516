# SPDX-License-Identifier: Apache-2.0
"""Checks all that is inside a package before any of it is taken in. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nightlight.pipeline.routing.exchange import cards, payload, proofs
from nightlight.pipeline.routing.exchange.cards import CardRefused
from nightlight.pipeline.routing.exchange.envelope import Code, PackageRefused

if TYPE_CHECKING:
    from nightlight.pipeline.routing.exchange.cards import Card
    from nightlight.pipeline.routing.exchange.manifest import Entry, Manifest, Tip
    from nightlight.trust.custody.checkpoint import Checkpoint


class Verifying(payload.Taker):
    """Reads a package without keeping anything of it, and checks the proofs."""

    def __init__(self) -> None:
        self._tree: Checkpoint | None = None
        self._proof: bytearray | None = None

    def begins(self, manifest: Manifest) -> None:
        if manifest.tips:
            self._tree = proofs.head_of(manifest.head, sender_card(manifest).custody_keys)

    def entry_begins(self, tip: Tip, entry: Entry) -> None:
        self._proof = bytearray() if entry.what == "proof" else None

    def takes(self, piece: bytes) -> None:
        if self._proof is not None:
            self._proof += piece

    def entry_ends(self, tip: Tip, entry: Entry) -> None:
        if self._proof is not None and self._tree is not None:
            proofs.check(bytes(self._proof), tip, self._tree)
        self._proof = None


def sender_card(manifest: Manifest) -> Card:
    """Return the card that came with a package: that of the installation known to us, with its log's keys of today."""
    try:
        card = cards.read(manifest.card)
    except CardRefused as refused:
        raise PackageRefused(Code.MANIFEST, str(refused)) from None
    if card.fingerprint != manifest.sender:
        raise PackageRefused(Code.MANIFEST, "The card in the package is that of another installation.")
    return card
