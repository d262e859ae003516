# SPDX-License-Identifier: Apache-2.0
"""Writes small databases in MaxMind's format (MaxMind DB File Format Specification 2.0) for tests."""

from __future__ import annotations

import struct
from ipaddress import ip_network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_MARK = b"\xab\xcd\xefMaxMind.com"
_BEHIND = 16  # zero bytes between tree and data


def value(of: object) -> bytes:
    """A value as the data section holds it: a text, a number, a flag, or a map of these."""
    if isinstance(of, bool):
        return bytes([int(of), 7])
    if isinstance(of, str):
        body = of.encode()
        assert len(body) < 285
        return (bytes([0x40 | len(body)]) if len(body) < 29 else bytes([0x40 | 29, len(body) - 29])) + body
    if isinstance(of, int):
        return bytes([8, 2]) + struct.pack(">Q", of)
    assert isinstance(of, dict) and len(of) < 29
    return bytes([0xE0 | len(of)]) + b"".join(value(name) + value(one) for name, one in of.items())


def _metadata(kind: str, nodes: int, version: int, built: int) -> bytes:
    small = {
        "record_size": 24,
        "ip_version": version,
        "binary_format_major_version": 2,
        "binary_format_minor_version": 0,
    }
    found = b"".join(value(name) + b"\xa2" + struct.pack(">H", number) for name, number in small.items())
    found += value("node_count") + b"\xc4" + struct.pack(">I", nodes) + value("build_epoch") + value(built)
    found += value("database_type") + value(kind) + value("languages") + bytes([0, 4]) + value("description")
    return bytes([0xE0 | 9]) + found + bytes([0xE0])


def database(kind: str, rows: Mapping[str, dict[str, object]], *, built: int, version: int = 6) -> bytes:
    """A database of a type with a record for each prefix; IPv4 lies under ::/96 in one of version 6."""
    data, places = b"", {}
    for prefix, record in rows.items():
        places[prefix] = len(data)
        data += value(record)
    nodes: list[list[int | str | None]] = [[None, None]]
    for prefix in rows:
        net = ip_network(prefix)
        bits, length = int(net.network_address), net.prefixlen
        width = 32 if version == 4 else 128
        if net.version == 4 and version == 6:
            length += 96
        node = 0
        for depth in range(length):
            side = bits >> (width - 1 - depth) & 1
            if depth == length - 1:
                nodes[node][side] = prefix
                break
            below = nodes[node][side]
            if not isinstance(below, int):
                nodes.append([None, None])
                below = nodes[node][side] = len(nodes) - 1
            node = below
    tree = b""
    for pair in nodes:
        for one in pair:
            found = len(nodes) if one is None else one if isinstance(one, int) else len(nodes) + _BEHIND + places[one]
            tree += found.to_bytes(3, "big")
    return tree + bytes(_BEHIND) + data + _MARK + _metadata(kind, len(nodes), version, built)


def each_node_twice(depth: int) -> bytes:
    """A tree of which both ways of each node lead to the next: a few hundred bytes, and 2 ** depth ways."""
    tree = b"".join(min(node + 1, depth).to_bytes(3, "big") * 2 for node in range(depth))
    return tree + bytes(_BEHIND) + b"\xe0" + _MARK + _metadata("GeoLite2-ASN", depth, 6, 1_700_000_000)
