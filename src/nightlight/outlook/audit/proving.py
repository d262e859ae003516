# SPDX-License-Identifier: Apache-2.0
"""Proves one entry of the log from its bytes to the signature, step by step, so that a person can follow it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightlight.trust.custody import checkpoint, keys, merkle, queries, rules
from nightlight.trust.custody.checkpoint import NoteRefused
from nightlight.trust.custody.models import Event, Leaf

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nightlight.trust.custody.checkpoint import Checkpoint, VerifierKey
    from nightlight.trust.custody.models import TreeHead
    from nightlight.trust.custody.queries import EventRow


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must hold for the entry to be proved: `code` says which, `detail` why it does not."""

    code: str
    holds: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Proved:
    """A proof as it was worked out just now. Hashes are in hex; `verified` only when every check holds.

    `steps` go from the leaf to the root: (sibling, whether it stands on the left, result).
    """

    leaf_hash: str
    position: int | None
    head: TreeHead | None
    steps: tuple[tuple[str, bool, str], ...]
    root: str
    signed_root: str
    signer: str
    checks: tuple[Check, ...]

    @property
    def waiting(self) -> bool:
        """Whether no signed head covers the entry yet; then nothing is proved and nothing refuted but its own bytes."""
        return self.head is None

    @property
    def verified(self) -> bool:
        """Whether everything holds and a signed head covers the entry."""
        return not self.waiting and all(check.holds for check in self.checks)

    @property
    def broken(self) -> bool:
        """Whether something does not hold."""
        return any(not check.holds for check in self.checks)


def prove(row: EventRow) -> Proved:
    """Work the proof of an entry out from what is stored now, trusting nothing of it but the public key.

    Reads the stored hashes again and recomputes the tree's path; opens the newest signed note that covers the entry.
    """
    stored = Event.objects.filter(pk=row.id).values_list("leaf_hash", flat=True).first()
    computed = merkle.leaf_hash(row.body.encode())
    wrong = rules.discrepancy(rules.Entry(row.at, row.kind, row.actor, row.subject, row.body, computed))
    checks = [Check("entry", wrong is None, wrong or "")]
    leaf = Leaf.objects.filter(event_id=row.id).first()
    kept = {bytes(hash_) for hash_ in (stored, leaf.hash if leaf else None) if hash_ is not None}
    checks.append(Check("leaf", kept == {computed}, "" if kept == {computed} else ", ".join(h.hex() for h in kept)))
    head = queries.latest_head()
    if leaf is None or head is None or head.size <= leaf.position:
        return Proved(computed.hex(), leaf.position if leaf else None, None, (), "", "", "", tuple(checks))
    signed, signer, refused = _open(head)
    checks.append(Check("signature", signed is not None, refused))
    size = signed.size if signed else head.size
    signed_root = signed.root if signed else bytes(head.root)
    steps: Sequence[merkle.Step] = ()
    trouble = ""
    try:
        path = merkle.inclusion_path(queries.StoredTree(), leaf.position, size)
        steps = merkle.inclusion_steps(computed, leaf.position, size, path)
    except (ValueError, IndexError) as error:  # a tree with nodes missing has no path
        trouble = str(error) or "nodes of the tree are missing"
    root = steps[-1].result if steps else computed
    checks.append(Check("root", not trouble and root == signed_root, trouble))
    return Proved(
        leaf_hash=computed.hex(),
        position=leaf.position,
        head=head,
        steps=tuple((step.sibling.hex(), step.on_left, step.result.hex()) for step in steps),
        root=root.hex() if not trouble else "",
        signed_root=signed_root.hex(),
        signer=str(signer) if signer else "",
        checks=tuple(checks),
    )


def _open(head: TreeHead) -> tuple[Checkpoint | None, VerifierKey | None, str]:
    """What the note states, who signed it, and else why it does not count."""
    try:
        trusted = keys.trusted_keys()
    except (OSError, ValueError) as error:
        return None, None, str(error)
    try:
        signed = checkpoint.verify(head.note, trusted)
        _text, signer = checkpoint.open_note(head.note, trusted)
    except NoteRefused as refused:
        return None, None, str(refused)
    if signed.size != head.size or signed.root != bytes(head.root):
        return None, signer, "the stored head is not what the note states"
    return signed, signer, ""
