# SPDX-License-Identifier: Apache-2.0
"""Proves that an entry is in the log, and that the log has only ever been added to (RFC 9162 section 2.1).

Leaves are kept as hashes, together with the hash of every complete subtree of 256, 256**2, 256**3 ...
leaves. They are read in tiles of 256, so a proof over ten million leaves reads at most six tiles. Hashes
are 32 bytes (SHA-256).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Protocol

WIDTH = 256
BITS = 8  # 2**BITS == WIDTH
EMPTY_ROOT = hashlib.sha256().digest()

Tile = Callable[[int, int], Sequence[bytes]]


class NodeReader(Protocol):
    """A place where the hashes of a tree are kept."""

    def tile(self, level: int, index: int) -> Sequence[bytes]:
        """Return nodes 256*index to 256*index+255 of `level`, fewer at the growing edge of the tree.

        A node of level k is the root of 256**k leaves; level 0 are the leaf hashes themselves.
        """


@dataclass(frozen=True, slots=True)
class Node:
    """The root of a complete subtree of 256**level leaves, counted from the left."""

    level: int
    index: int
    hash: bytes


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of one entry, `SHA-256(0x00 || data)`."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node, `SHA-256(0x01 || left || right)`."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(nodes: NodeReader, size: int) -> bytes:
    """Return the Merkle tree hash of the first `size` leaves."""
    return _range_root(nodes.tile, 0, size) if size else EMPTY_ROOT


def inclusion_path(nodes: NodeReader, position: int, size: int) -> list[bytes]:
    """Return PATH(position, D[size]) of RFC 9162 section 2.1.3.1, lowest node first.

    Raises ValueError unless 0 <= position < size.
    """
    if not 0 <= position < size:
        raise ValueError(f"no leaf {position} in a tree of {size}")
    tile = nodes.tile
    path: list[bytes] = []
    start, stop = 0, size
    while stop - start > 1:
        middle = start + _split(stop - start)
        if position < middle:
            path.append(_range_root(tile, middle, stop))
            stop = middle
        else:
            path.append(_range_root(tile, start, middle))
            start = middle
    return path[::-1]


def consistency_path(nodes: NodeReader, old: int, new: int) -> list[bytes]:
    """Return PROOF(old, D[new]) of RFC 9162 section 2.1.4.1; empty when the sizes are equal.

    Raises ValueError unless 0 < old <= new.
    """
    if not 0 < old <= new:
        raise ValueError(f"no consistency proof from size {old} to size {new}")
    tile = nodes.tile
    path: list[bytes] = []
    start, stop, known = 0, new, True
    while old != stop:
        middle = start + _split(stop - start)
        if old <= middle:
            path.append(_range_root(tile, middle, stop))
            stop = middle
        else:
            path.append(_range_root(tile, start, middle))
            start, known = middle, False
    # The verifier holds the old root already when the old tree is itself a complete left subtree.
    if not known:
        path.append(_range_root(tile, start, stop))
    return path[::-1]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a proof: the sibling, whether it stands on the left, and what the two come to."""

    sibling: bytes
    on_left: bool
    result: bytes


def inclusion_steps(leaf: bytes, position: int, size: int, path: Sequence[bytes]) -> list[Step]:
    """Return the way from `leaf` to the root along `path`, step by step (RFC 9162 section 2.1.3.2).

    The last result is the root; a tree of one leaf has no steps. Raises ValueError when the path cannot belong to
    that position and size.
    """
    if not 0 <= position < size:
        raise ValueError(f"no leaf {position} in a tree of {size}")
    index, last, result = position, size - 1, leaf
    steps: list[Step] = []
    for sibling in path:
        if last == 0:
            raise ValueError("inclusion path is too long")
        on_left = bool(index & 1) or index == last
        if on_left:
            result = node_hash(sibling, result)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            result = node_hash(result, sibling)
        steps.append(Step(sibling, on_left, result))
        index, last = index >> 1, last >> 1
    if last:
        raise ValueError("inclusion path is too short")
    return steps


def root_from_inclusion(leaf: bytes, position: int, size: int, path: Sequence[bytes]) -> bytes:
    """Return the root that `path` leads to from `leaf`; raises ValueError as `inclusion_steps` does."""
    steps = inclusion_steps(leaf, position, size, path)
    return steps[-1].result if steps else leaf


def verify_inclusion(leaf: bytes, position: int, size: int, path: Sequence[bytes], root_hash: bytes) -> bool:
    """Tell whether `path` shows that `leaf` stands at `position` in the tree with that size and root."""
    try:
        return root_from_inclusion(leaf, position, size, path) == root_hash
    except ValueError:
        return False


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Tell whether `path` shows that the new tree begins with the old one (RFC 9162 section 2.1.4.2)."""
    if old == new:
        return not path and old_root == new_root
    if not 0 < old < new or not path:
        return False
    steps = list(path)
    if old & (old - 1) == 0:
        steps.insert(0, old_root)
    index, last = old - 1, new - 1
    while index & 1:
        index, last = index >> 1, last >> 1
    from_old = from_new = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if index & 1 or index == last:
            from_old, from_new = node_hash(step, from_old), node_hash(step, from_new)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            from_new = node_hash(from_new, step)
        index, last = index >> 1, last >> 1
    return last == 0 and from_old == old_root and from_new == new_root


@dataclass(slots=True)
class Frontier:
    """The growing edge of a tree: all that is needed to add leaves and to know the root.

    It holds one hash for each complete subtree that `size` leaves divide into, the largest first: as many as
    `size` has bits that are 1.
    """

    size: int = 0
    _peaks: list[bytes] = field(default_factory=list)

    @classmethod
    def load(cls, nodes: NodeReader, size: int) -> Frontier:
        """Return the edge of a stored tree of `size` leaves."""
        peaks: list[bytes] = []
        start = 0
        for height in range(size.bit_length() - 1, -1, -1):
            if size >> height & 1:
                peaks.append(_range_root(nodes.tile, start, start + (1 << height)))
                start += 1 << height
        return cls(size, peaks)

    def add(self, leaves: Iterable[bytes]) -> list[Node]:
        """Add leaf hashes and return the subtrees of 256**k leaves they completed, lower levels first."""
        completed: list[Node] = []
        for leaf in leaves:
            node, height, index = leaf, 0, self.size
            while index & 1:
                node, height, index = node_hash(self._peaks.pop(), node), height + 1, index >> 1
                if height % BITS == 0:
                    completed.append(Node(height // BITS, index, node))
            self._peaks.append(node)
            self.size += 1
        return completed

    def root(self) -> bytes:
        """Return the Merkle tree hash of all leaves so far."""
        return reduce(lambda right, left: node_hash(left, right), reversed(self._peaks)) if self.size else EMPTY_ROOT


def _split(count: int) -> int:
    """Return the largest power of two smaller than `count`."""
    return 1 << (count - 1).bit_length() - 1


def _range_root(tile: Tile, start: int, stop: int) -> bytes:
    """Return the root of leaves [start, stop), a range that RFC 9162 section 2.1.1 recurs to."""
    count = stop - start
    if count & (count - 1) == 0:
        level, height = divmod(count.bit_length() - 1, BITS)
        first = start >> BITS * level
        nodes = tile(level, first >> BITS)
        offset = first % WIDTH
        return _fold(nodes[offset : offset + (1 << height)])
    middle = start + _split(count)
    return node_hash(_range_root(tile, start, middle), _range_root(tile, middle, stop))


def _fold(nodes: Sequence[bytes]) -> bytes:
    """Return the root over a power of two of nodes."""
    sha256 = hashlib.sha256
    while len(nodes) > 1:
        nodes = [sha256(b"\x01" + left + right).digest() for left, right in zip(nodes[::2], nodes[1::2], strict=True)]
    return nodes[0]
