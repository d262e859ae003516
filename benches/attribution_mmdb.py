# SPDX-License-Identifier: Apache-2.0
"""Writes IPv4 ranges as a database in MaxMind's format, so that its reader can be measured on the ranges we hold.

MaxMind DB File Format Specification 2.0: a binary search tree with two records of 32 bits for each node, a data section
and metadata. Only what a comparison needs.
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike

_MARKER = b"\xab\xcd\xefMaxMind.com"
_STRING, _UINT16, _UINT32, _MAP, _UINT64, _ARRAY = 2, 5, 6, 7, 9, 11


def _control(kind: int, size: int) -> bytes:
    extended = b"" if kind < 8 else bytes([kind - 7])
    first = (kind if kind < 8 else 0) << 5
    if size < 29:
        return bytes([first | size]) + extended
    if size < 285:
        return bytes([first | 29]) + extended + bytes([size - 29])
    raise ValueError("Longer than this writer is for.")


def encoded(value: object) -> bytes:
    """A value of the data section: texts, numbers of 32 bits, lists, maps."""
    if isinstance(value, str):
        text = value.encode()[:284]
        return _control(_STRING, len(text)) + text
    if isinstance(value, int):
        digits = value.to_bytes((value.bit_length() + 7) // 8, "big")
        return _control(_UINT32, len(digits)) + digits
    if isinstance(value, list):
        return _control(_ARRAY, len(value)) + b"".join(encoded(item) for item in value)
    if isinstance(value, dict):
        return _control(_MAP, len(value)) + b"".join(encoded(key) + encoded(item) for key, item in value.items())
    raise TypeError(type(value))


def _as(kind: int, value: int) -> bytes:
    digits = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return _control(kind, len(digits)) + digits


def write(starts: ArrayLike, ends: ArrayLike, places: Sequence[int], records: Sequence[Mapping[str, object]]) -> bytes:
    """The database of sorted disjoint ranges, each with the place of its record."""
    lows, highs = (np.asarray(column, np.int64).tolist() for column in (starts, ends))
    data, offsets = bytearray(), []
    for record in records:
        offsets.append(len(data))
        data += encoded(dict(record))
    nodes: list[list[int]] = []  # a record: another node, -1: nothing, -2 - place: data

    def branch(low: int, size: int, first: int, last: int) -> int:
        """What stands for [low, low + size), over which the ranges first to last (not included) lie."""
        if first == last:
            return -1
        if lows[first] <= low and highs[first] >= low + size - 1:
            return -2 - places[first]
        number = len(nodes)
        nodes.append([-1, -1])
        half = size // 2
        middle = bisect_left(highs, low + half, first, last)
        upper = middle + 1 if middle < last and lows[middle] < low + half else middle
        nodes[number][0] = branch(low, half, first, upper)
        nodes[number][1] = branch(low + half, half, middle, last)
        return number

    branch(0, 1 << 32, 0, len(lows))
    count = len(nodes)
    tree = np.array(nodes, np.int64).reshape(-1)
    to_data = tree <= -2
    tree[tree == -1] = count
    tree[to_data] = np.array(offsets, np.int64)[-2 - tree[to_data]] + count + 16
    metadata = _control(_MAP, 9) + b"".join(
        encoded(name) + value
        for name, value in {
            "binary_format_major_version": _as(_UINT16, 2),
            "binary_format_minor_version": _as(_UINT16, 0),
            "build_epoch": _as(_UINT64, 1_700_000_000),
            "database_type": encoded("Example-ASN"),
            "description": encoded({"en": "Invented ranges"}),
            "ip_version": _as(_UINT16, 4),
            "languages": encoded(["en"]),
            "node_count": _as(_UINT32, count),
            "record_size": _as(_UINT16, 32),
        }.items()
    )
    return struct.pack(f">{len(tree)}I", *tree.tolist()) + bytes(16) + bytes(data) + _MARKER + metadata
