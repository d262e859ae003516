# SPDX-License-Identifier: Apache-2.0
"""A tree kept in memory, and the definition of RFC 9162 written out naively, to test against."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import merkle

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class MemoryTree:
    """All leaves and complete subtrees in lists; counts the tiles it is asked for."""

    def __init__(self, leaves: Iterable[bytes] = ()) -> None:
        self.levels: list[list[bytes]] = [[]]
        self.reads: list[tuple[int, int]] = []
        self.frontier = merkle.Frontier()
        self.add(leaves)

    def add(self, leaves: Iterable[bytes]) -> None:
        leaves = list(leaves)
        self.levels[0] += leaves
        for node in self.frontier.add(leaves):
            if node.level == len(self.levels):
                self.levels.append([])
            assert node.index == len(self.levels[node.level])
            self.levels[node.level].append(node.hash)

    def tile(self, level: int, index: int) -> Sequence[bytes]:
        self.reads.append((level, index))
        return self.levels[level][index * 256 : index * 256 + 256]


def naive_root(leaves: Sequence[bytes]) -> bytes:
    if not leaves:
        return merkle.EMPTY_ROOT
    if len(leaves) == 1:
        return leaves[0]
    middle = 1
    while middle * 2 < len(leaves):
        middle *= 2
    return merkle.node_hash(naive_root(leaves[:middle]), naive_root(leaves[middle:]))


def naive_path(position: int, leaves: Sequence[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    middle = 1
    while middle * 2 < len(leaves):
        middle *= 2
    if position < middle:
        return [*naive_path(position, leaves[:middle]), naive_root(leaves[middle:])]
    return [*naive_path(position - middle, leaves[middle:]), naive_root(leaves[:middle])]
