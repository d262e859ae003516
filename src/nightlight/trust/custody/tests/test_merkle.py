# SPDX-License-Identifier: Apache-2.0
"""Roots and proofs follow RFC 9162, agree with another implementation, and wrong proofs are refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from .. import merkle
from .trees import MemoryTree, naive_path, naive_root

ENTRIES = [b"entry %d" % number for number in range(70_000)]
LEAVES = [merkle.leaf_hash(entry) for entry in ENTRIES]
# Around every border of 256 and 65,536 leaves.
TREE = MemoryTree(LEAVES)
SIZES = st.one_of(
    st.integers(1, 600),
    st.sampled_from([255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, 65_791, 65_792, 65_793, 70_000]),
    st.integers(1, 70_000),
)


@pytest.mark.parametrize(("position", "size"), [(0, 0), (5, 5), (-1, 5), (6, 5)])
def test_a_proof_for_a_leaf_outside_the_tree_is_refused(position: int, size: int) -> None:
    with pytest.raises(ValueError, match="no leaf"):
        merkle.inclusion_path(TREE, position, size)
    assert not merkle.verify_inclusion(LEAVES[0], position, size, [], LEAVES[0])


@pytest.mark.parametrize(("old", "new"), [(0, 5), (6, 5), (-1, 5)])
def test_a_consistency_proof_from_an_empty_or_larger_tree_is_refused(old: int, new: int) -> None:
    with pytest.raises(ValueError, match="no consistency"):
        merkle.consistency_path(TREE, old, new)
    assert not merkle.verify_consistency(old, new, LEAVES[0], LEAVES[0], [LEAVES[0]])


@given(size=SIZES, data=st.data())
@settings(max_examples=150, deadline=None)
def test_an_inclusion_proof_with_anything_changed_is_refused(size: int, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, size - 1))
    path = merkle.inclusion_path(TREE, position, size)
    root = merkle.root(TREE, size)
    assert merkle.verify_inclusion(LEAVES[position], position, size, path, root)
    assert not merkle.verify_inclusion(bytes(32), position, size, path, root)
    assert not merkle.verify_inclusion(LEAVES[position], position, size, path, bytes(32))
    assert not merkle.verify_inclusion(LEAVES[position], position, size, [*path, bytes(32)], root)
    if path:
        index = data.draw(st.integers(0, len(path) - 1))
        assert not merkle.verify_inclusion(LEAVES[position], position, size, path[:-1], root)
        wrong = [*path[:index], bytes(32), *path[index + 1 :]]
        assert not merkle.verify_inclusion(LEAVES[position], position, size, wrong, root)


@given(new=SIZES, data=st.data())
@settings(max_examples=150, deadline=None)
def test_a_consistency_proof_with_anything_changed_is_refused(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, new))
    path = merkle.consistency_path(TREE, old, new)
    roots = merkle.root(TREE, old), merkle.root(TREE, new)
    assert merkle.verify_consistency(old, new, *roots, path)
    assert not merkle.verify_consistency(old, new, bytes(32), roots[1], path)
    assert not merkle.verify_consistency(old, new, roots[0], bytes(32), path)
    assert not merkle.verify_consistency(old, new, *roots, [*path, bytes(32)])
    if path:
        index = data.draw(st.integers(0, len(path) - 1))
        assert not merkle.verify_consistency(old, new, *roots, path[:-1])
        wrong = [*path[:index], bytes(32), *path[index + 1 :]]
        assert not merkle.verify_consistency(old, new, *roots, wrong)


def test_roots_are_the_published_ones_of_certificate_transparency() -> None:
    entries = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ]
    tree = MemoryTree(merkle.leaf_hash(bytes.fromhex(entry)) for entry in entries)
    assert merkle.root(tree, 0).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert merkle.root(tree, 1).hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert merkle.root(tree, 2).hex() == "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
    assert merkle.root(tree, 7).hex() == "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"
    assert merkle.root(tree, 8).hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


@given(size=st.integers(1, 700), data=st.data())
@settings(max_examples=60, deadline=None)
def test_roots_and_inclusion_paths_equal_the_definition(size: int, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, size - 1))
    assert merkle.root(TREE, size) == naive_root(LEAVES[:size])
    assert merkle.inclusion_path(TREE, position, size) == naive_path(position, LEAVES[:size])


def test_roots_and_proofs_equal_those_of_another_implementation() -> None:
    other = InmemoryTree.init_from_entries(ENTRIES[:700])
    for size in (1, 2, 3, 255, 256, 257, 511, 512, 513, 699, 700):
        assert merkle.root(TREE, size) == other.get_root(size)
        for position in {0, size // 2, size - 1}:
            # pymerkle counts from one, and its path holds the leaf itself at the place where folding begins.
            theirs = other.prove_inclusion(position + 1, size)
            path = merkle.inclusion_path(TREE, position, size)
            assert sorted([*path, LEAVES[position]]) == sorted(theirs.path)
            assert merkle.root_from_inclusion(LEAVES[position], position, size, path) == theirs.compute_root()


def test_every_consistency_proof_up_to_forty_leaves_verifies() -> None:
    roots = [merkle.root(TREE, size) for size in range(41)]
    for new in range(1, 41):
        for old in range(1, new + 1):
            path = merkle.consistency_path(TREE, old, new)
            assert merkle.verify_consistency(old, new, roots[old], roots[new], path)


@given(st.lists(st.integers(0, 700), max_size=5))
@settings(max_examples=40, deadline=None)
def test_a_reloaded_frontier_continues_as_if_it_had_never_stopped(batches: list[int]) -> None:
    tree, done = MemoryTree(), 0
    for batch in batches:
        tree.frontier = merkle.Frontier.load(tree, done)
        tree.add(LEAVES[done : done + batch])
        done += batch
        assert tree.frontier.root() == merkle.root(TREE, done)
    assert (
        tree.levels[1:]
        == [level[: done >> 8 * height] for height, level in enumerate(TREE.levels) if height][: len(tree.levels) - 1]
    )


def test_a_proof_reads_two_tiles_a_level_at_most() -> None:
    TREE.reads.clear()
    merkle.inclusion_path(TREE, 12_345, 69_999)
    merkle.consistency_path(TREE, 12_345, 69_999)
    assert len(set(TREE.reads)) <= 2 * 2 * 3
