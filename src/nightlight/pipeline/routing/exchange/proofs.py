# SPDX-License-Identifier: Apache-2.0
"""The part of the sender's custody log that goes with a tip: entries about it, each with its place in the signed tree.

Pure. With the tree head that the sender's log key signed, they show that the report and its files were recorded there
as they came, and who held them since. Other entries about a tip (who looked at what) stay where they are.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import Meta, Struct

from nightlight.foundation import canonical_json
from nightlight.pipeline.routing.exchange import manifest
from nightlight.pipeline.routing.exchange.envelope import Code, PackageRefused
from nightlight.trust.custody import checkpoint, merkle, rules
from nightlight.trust.custody.checkpoint import NoteRefused, VerifierKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from nightlight.pipeline.routing.exchange.manifest import Tip
    from nightlight.trust.custody.checkpoint import Checkpoint

# How it came, and through whose hands it went. Of its files, only that they came.
OF_A_TIP = frozenset(
    {
        *("tip.opened", "tip.imported", "tip.told", "tip.added-to", "tip.file-described", "tip.received"),
        *("tip.retracted", "tip.expired", "tip.referred-in", "tip.handed-over"),
        *("routing.sent", "routing.delivered", "routing.opened", "routing.accepted", "routing.bounced"),
        *("routing.recalled", "routing.given-back"),
    }
)
OF_A_FILE = frozenset({"evidence.received"})


class ProvedEntry(Struct, forbid_unknown_fields=True, frozen=True):
    """An entry byte for byte as it was written, its place in the tree, and the hashes from there to the root."""

    position: Annotated[int, Meta(ge=0, le=canonical_json.LARGEST_INTEGER)]
    body: Annotated[str, Meta(max_length=4 * 1024 * 1024)]
    path: Annotated[list[manifest.Hex], Meta(max_length=64)]


class Proof(Struct, forbid_unknown_fields=True, frozen=True):
    """The entries that go with one tip, in the order in which they were written."""

    v: Annotated[int, Meta(ge=1, le=1)]
    tip: manifest.TipId
    entries: Annotated[list[ProvedEntry], Meta(min_length=1, max_length=100_000)]

    def to_bytes(self) -> bytes:
        """Return the proof as canonical JSON."""
        return canonical_json.encode(msgspec.to_builtins(self))


def head_of(note: str, keys: Iterable[str]) -> Checkpoint:
    """Return the tree head that one of these log keys ("name+keyid+key") signed. Raises PackageRefused (proof)."""
    try:
        return checkpoint.verify(note, [VerifierKey.parse(key) for key in keys])
    except (NoteRefused, ValueError) as refused:
        raise PackageRefused(Code.PROOF, f"The tree head of the sender's log does not hold: {refused}.") from None


def check(body: bytes, tip: Tip, head: Checkpoint) -> list[str]:
    """Check the proof of a tip against the signed tree head; return the leaf hashes of the entries, in hex.

    Each entry must be about this tip and stand in the tree, and each document and file that the manifest lists must
    be recorded by one of them. Raises PackageRefused (proof).
    """
    try:
        proof = manifest.strictly(body, Proof)
    except PackageRefused:
        raise PackageRefused(Code.PROOF, f"The proof of {tip.tip} cannot be read.") from None
    if proof.tip != tip.tip:
        raise PackageRefused(Code.PROOF, f"The proof that came with {tip.tip} is that of another tip.")
    leaves: list[str] = []
    recorded: set[str] = set()
    for entry in proof.entries:
        leaf = merkle.leaf_hash(entry.body.encode())
        path = [bytes.fromhex(one) for one in entry.path]
        told = _told(entry.body)
        if not _concerns(told, tip.tip) or not merkle.verify_inclusion(
            leaf, entry.position, head.size, path, head.root
        ):
            raise PackageRefused(Code.PROOF, f"An entry that came with {tip.tip} is not in the sender's signed log.")
        leaves.append(leaf.hex())
        recorded.update(_digests(told["data"]))
    listed = {entry.sha256 for entry in tip.entries if entry.what in {"document", "file"}}
    if not listed | {tip.payload_sha256} <= recorded:
        raise PackageRefused(Code.PROOF, f"The sender's log does not record all that came with {tip.tip}.")
    return leaves


def _told(body: str) -> Mapping[str, Any]:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict) or told.keys() != rules.FIELDS:
        raise PackageRefused(Code.PROOF, "An entry of the sender's log cannot be read.")
    return told


def _concerns(told: Mapping[str, Any], tip: str) -> bool:
    subject, data = f"tip:{tip}", told["data"]
    if told["kind"] in OF_A_FILE:
        return isinstance(data, dict) and data.get("context") == subject
    return told["kind"] in OF_A_TIP and told["subject"] == subject


def _digests(data: object) -> Iterator[str]:
    """Every digest that an entry states, under whatever name ending in "sha256", at any depth."""
    if isinstance(data, dict):
        for name, value in data.items():
            if isinstance(value, str) and name.endswith("sha256"):
                yield value
            else:
                yield from _digests(value)
    elif isinstance(data, list):
        for value in data:
            yield from _digests(value)
