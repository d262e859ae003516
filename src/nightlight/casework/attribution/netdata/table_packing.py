# SPDX-License-Identifier: Apache-2.0
"""A dated table as bytes: ranges and what they say, exact, and refused when one bit of them is wrong.

    "NLRT" | version u16 | IPv4 ranges u64 | IPv6 ranges u64 | bytes of the values u64 | values | columns | SHA-256

all little-endian. The values are JSON, the columns (starts, ends, places in the values; for IPv6 the upper and lower
halves of both) one behind the other; both are compressed (RFC 1950). Kind, name, version and day stand beside the file.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np

from nightlight.casework.attribution.kinds import Label
from nightlight.casework.attribution.lists import Network, Said, Table, Value
from nightlight.casework.attribution.netdata.lookup import RangeTable, RangeTable6
from nightlight.casework.attribution.netdata.tracks import ArchiveFault, ArchiveRefused

if TYPE_CHECKING:
    from datetime import datetime

    from nightlight.casework.attribution.netdata.kinds import ListKind

MAGIC, VERSION = b"NLRT", 1
_HEAD = struct.Struct("<4sHQQQ")
_DIGEST = 32
_MOST = 60_000_000  # ranges
_V4, _V6 = 12, 36  # bytes of one range
_LEVEL = 6
_MOST_WRITTEN = 1 << 27  # bytes of values
_HALF = 0xFFFFFFFFFFFFFFFF


def packed(table: Table) -> bytes:
    """Write a table's ranges and values; the same table always gives the same bytes.

    Raises ArchiveRefused for one that `unpacked` would not read.
    """
    written = json.dumps([_written(one) for one in table.values], ensure_ascii=False).encode()
    if len(written) > _MOST_WRITTEN or len(table.v4) + len(table.v6) > _MOST:
        raise ArchiveRefused(ArchiveFault.TOO_LARGE, "The table is larger than is allowed.")
    values = zlib.compress(written, _LEVEL)
    v4, v6 = table.v4, table.v6
    columns6 = zip(*(v6.range_at(place) for place in range(len(v6))), strict=True)
    halves = [[number >> shift & _HALF for number in column] for column in columns6 for shift in (64, 0)]
    columns = [
        v4.starts.astype("<u4"),
        v4.ends.astype("<u4"),
        v4.values.astype("<i4"),
        *(np.array(half, "<u8") for half in halves),
        v6.values.astype("<i4"),
    ]
    body = zlib.compress(b"".join(column.tobytes() for column in columns), _LEVEL)
    head = _HEAD.pack(MAGIC, VERSION, len(v4), len(v6), len(values))
    return head + values + body + hashlib.sha256(head + values + body).digest()


def unpacked(data: bytes, kind: ListKind, name: str, version: str, as_of: datetime) -> Table:
    """Read what `packed` wrote. Raises ArchiveRefused for damaged or foreign bytes."""
    if len(data) < _HEAD.size + _DIGEST:
        raise ArchiveRefused(ArchiveFault.TRUNCATED, "The table is cut off.")
    magic, version_of, four, six, size = _HEAD.unpack_from(data)
    if magic != MAGIC or version_of != VERSION:
        raise ArchiveRefused(ArchiveFault.NOT_AN_ARCHIVE, "These bytes are no table of this version.")
    if hashlib.sha256(memoryview(data)[:-_DIGEST]).digest() != data[-_DIGEST:]:
        raise ArchiveRefused(ArchiveFault.CHECKSUM, "The table was damaged: its digest differs.")
    try:
        if four + six > _MOST or size > len(data) - _HEAD.size - _DIGEST:
            raise ValueError
        length = four * _V4 + six * _V6
        body = _inflated(data[_HEAD.size + size : -_DIGEST], length)
        if len(body) != length:
            raise ValueError
        values = tuple(_read(one) for one in json.loads(_inflated(data[_HEAD.size : _HEAD.size + size], _MOST_WRITTEN)))
        table = Table(kind, name, version, as_of, _four(body, four), _six(body[four * _V4 :], six), values)
        if max((int(part.values.max()) for part in (table.v4, table.v6) if len(part)), default=-1) >= len(values):
            raise ValueError
    except (ValueError, KeyError, TypeError, RecursionError, zlib.error) as error:
        raise ArchiveRefused(ArchiveFault.MALFORMED, "The table contradicts itself.") from error
    return table


def _inflated(data: bytes, most: int) -> bytes:
    """Decompress one stream of at most so many bytes and nothing behind it. Raises ValueError, zlib.error."""
    stream = zlib.decompressobj()
    found = stream.decompress(data, most + 1)
    if len(found) > most or not stream.eof or stream.unused_data:
        raise ValueError
    return found


def _four(body: bytes, count: int) -> RangeTable:
    starts, ends = (np.frombuffer(body, "<u4", count, place * count * 4) for place in (0, 1))
    return RangeTable(starts, ends, np.frombuffer(body, "<i4", count, 8 * count))


def _six(body: bytes, count: int) -> RangeTable6:
    high, low, end_high, end_low = (np.frombuffer(body, "<u8", count, place * count * 8).tolist() for place in range(4))
    starts = [upper << 64 | lower for upper, lower in zip(high, low, strict=True)]
    ends = [upper << 64 | lower for upper, lower in zip(end_high, end_low, strict=True)]
    return RangeTable6(starts, ends, np.frombuffer(body, "<i4", count, 32 * count))


def _written(value: Value) -> object:
    if isinstance(value, Network):
        return {"asn": value.asn, "name": value.name}
    if isinstance(value, Said):
        return {"labels": sorted(value.labels), "shown": value.shown}
    return value


def _read(value: object) -> Value:
    if isinstance(value, dict):
        if "asn" in value:
            return Network(int(value["asn"]), str(value["name"]))
        return Said(frozenset(Label(one) for one in value["labels"]), str(value["shown"]))
    if not isinstance(value, str | int):
        raise TypeError
    return value
