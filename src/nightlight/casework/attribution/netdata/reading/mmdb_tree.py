# SPDX-License-Identifier: Apache-2.0
"""Looks at the search tree of a database in MaxMind's format before anything is read by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from pathlib import Path

    from maxminddb.reader import Metadata

_METADATA_MARK, _METADATA_WITHIN = b"\xab\xcd\xefMaxMind.com", 128 * 1024
_NODES = 1 << 20  # nodes looked at in one go
_ALIASES = 8  # ways to IPv4: ::/96, ::ffff:0:0/96, 2001::/32, 2002::/16, and some to spare


def sound_tree(path: Path, metadata: Metadata) -> bool:
    """Whether every record of the search tree points to a node, to nothing, or into the data, and it is a tree.

    The package does not look: it reads past the tree, and goes each of the ways to a node, which a few hundred nodes
    can make more than anybody can wait for. Only the node under which IPv4 lies may be reached by some other ways (the
    publishers' aliases for IPv4 inside IPv6).
    """
    data = np.memmap(path, dtype=np.uint8, mode="r")
    nodes, size, bits = metadata.node_count, metadata.record_size // 4, 32 if metadata.ip_version == 4 else 128
    end = bytes(data[-_METADATA_WITHIN:]).rfind(_METADATA_MARK) + max(0, len(data) - _METADATA_WITHIN)
    if size not in {6, 7, 8} or not 0 < nodes <= end // size:
        return False
    records = np.empty((2, nodes), dtype=np.uint32)
    for start in range(0, nodes, _NODES):
        some = data[start * size : min(nodes, start + _NODES) * size].reshape(-1, size).astype(np.uint32)
        half = size // 2
        for side, part in ((0, some[:, :half]), (1, some[:, -half:])):
            value = np.zeros(len(some), dtype=np.uint32)
            for place in range(half):
                value = value << np.uint32(8) | part[:, place]
            if size == 7:  # 28 bits: the middle byte holds the highest four of each
                value |= (some[:, 3] >> np.uint32(4) if side == 0 else some[:, 3] & np.uint32(15)) << np.uint32(24)
            records[side, start : start + len(some)] = value
    first, past = nodes + 16, end - nodes * size + nodes  # what records that point into the data lie between
    if bool(((records > nodes) & ((records < first) | (records >= past))).any()):
        return False
    parents = np.bincount(records[records < nodes], minlength=nodes)
    if metadata.ip_version != 4 and (root := _ipv4_root(records)) is not None and parents[root] <= _ALIASES:
        parents[root] = min(1, parents[root])
    if parents[0] or int(parents.max()) > 1:
        return False
    level = np.zeros(1, dtype=np.uint32)
    for _ in range(bits):
        below = records[:, level]
        level = np.unique(below[below < nodes])
    return not len(level)


def _ipv4_root(records: npt.NDArray[np.uint32]) -> int | None:
    """The node under which IPv4 lies in a tree of IPv6 (96 zero bits); None where the tree ends before."""
    node = 0
    for _ in range(96):
        node = int(records[0, node])
        if node >= records.shape[1]:
            return None
    return node
