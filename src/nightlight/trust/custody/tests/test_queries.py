# SPDX-License-Identifier: Apache-2.0
"""History is complete and in order; proofs from the database hold at odd sizes."""

from __future__ import annotations

import pytest

from .. import actions, checkpoint, merkle, queries
from ..models import Leaf, TreeHead
from .conftest import START, Log


def test_there_is_no_proof_before_a_head_covers_the_entry(log: Log) -> None:
    assert queries.proof(1) is None
    log.append(2)
    assert queries.proof(1) is None
    actions.sequence(at=START)
    assert queries.proof(1) is None
    log.head()
    assert queries.proof(1) is not None
    assert queries.proof(3) is None


def test_consistency_with_a_tree_that_does_not_exist_yet_is_refused(log: Log) -> None:
    log.grow(5)
    with pytest.raises(ValueError, match="does not have 6 entries"):
        queries.consistency(1, 6)
    with pytest.raises(ValueError, match="no consistency proof"):
        queries.consistency(0, 5)


def test_history_holds_every_entry_about_the_subjects_in_order(log: Log) -> None:
    log.grow(8)
    log.append()
    rows = queries.history(["tip:NL-0", "tip:NL-2"])
    assert [(row.data["number"], row.position) for row in rows] == [
        (0, 0),
        (2, 2),
        (3, 3),
        (5, 5),
        (6, 6),
        (8, None),
    ]
    assert {(row.kind, row.actor) for row in rows} == {("test.happened", "command:test")}
    assert queries.history([]) == []


def test_proofs_hold_at_odd_sizes(log: Log) -> None:
    sizes = (1, 2, 3, 255, 256, 257, 511, 513, 700)
    log.grow(*sizes)
    heads = {head.size: head for head in TreeHead.objects.all()}
    assert tuple(sorted(heads)) == sizes
    ids = dict(Leaf.objects.values_list("position", "event_id"))
    for size, head in heads.items():
        for position in {0, size // 3, size - 1}:
            proof = queries.inclusion(ids[position], head, queries.StoredTree())
            assert proof is not None
            assert merkle.verify_inclusion(proof.leaf_hash, position, size, proof.path, bytes(head.root))
            assert checkpoint.verify(proof.note, [log.key.verifier]).root == proof.root
        for new, later in heads.items():
            if new >= size:
                path = queries.consistency(size, new)
                assert merkle.verify_consistency(size, new, bytes(head.root), bytes(later.root), path)
