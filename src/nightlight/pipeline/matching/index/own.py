# SPDX-License-Identifier: Apache-2.0
"""Near-duplicates among the installation's own files: exact, transactional, in plain PostgreSQL without an extension.

The two pigeonholes of ``pairs``, as rows: for each hash sixteen of (key = half number * 65536 + half, sibling = the
other half of its chunk, file). A search reads 272 keys out of the primary key's index alone, keeps the rows whose
sibling is within 3 bits, and reads the hashes of these few files. A row counts as soon as its transaction is committed.

Tables (made by a migration): ``matching_pair(key integer, sibling integer, file_id bigint, PRIMARY KEY (key, sibling,
file_id))`` with an index on ``file_id``, and ``matching_fingerprint(blob_id bigint PRIMARY KEY, pdq bytea)`` with the
hash that decides; ``file_id`` is its ``blob_id``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from .pairs import FARTHEST

if TYPE_CHECKING:
    from collections.abc import Sequence


class Cursor(Protocol):
    """What is used of a DB-API cursor (PEP 249) that takes ``%(name)s`` and lists as arrays: psycopg's or Django's."""

    def execute(self, sql: str, params: Any = None, /) -> Any: ...  # noqa: ANN401

    def fetchall(self) -> list[tuple[Any, ...]]: ...


_LENGTH = 32
_TABLES = 16

KEEP = """
INSERT INTO matching_pair (key, sibling, file_id)
SELECT key, sibling, %(file)s::bigint FROM unnest(%(keys)s::integer[], %(siblings)s::integer[]) AS half (key, sibling)
ON CONFLICT DO NOTHING
"""

FORGET = "DELETE FROM matching_pair WHERE file_id = %(file)s"

# "= ANY" of one sorted array walks the index once; the sibling's place in its array is the half's number. OFFSET 0
# holds the planner to reading the few hashes by their key, whatever it expects.
NEAR = """
SELECT near.file_id, hash.distance
FROM (
    SELECT DISTINCT file_id FROM matching_pair
    WHERE key = ANY (%(keys)s::integer[])
      AND bit_count((sibling # (%(siblings)s::integer[])[1 + (key >> 16)])::bit(16)) <= %(pair)s
) AS near
CROSS JOIN LATERAL (
    SELECT bit_count(('x' || encode(pdq, 'hex'))::bit(256) # %(hash)s::bit(256)) AS distance
    FROM matching_fingerprint WHERE blob_id = near.file_id AND pdq IS NOT NULL OFFSET 0
) AS hash
WHERE hash.distance <= %(radius)s
ORDER BY hash.distance, near.file_id
"""


def _halves(pdq: bytes) -> list[int]:
    if len(pdq) != _LENGTH:
        raise ValueError(f"a PDQ hash has {_LENGTH} bytes, not {len(pdq)}")
    return [pdq[2 * table] << 8 | pdq[2 * table + 1] for table in range(_TABLES)]


def _siblings(halves: list[int]) -> list[int]:
    return [halves[table ^ 1] for table in range(_TABLES)]


def keep(cursor: Cursor, file_id: int, pdq: bytes) -> None:
    """Let a file be found by its hash, which must stand in ``matching_fingerprint`` by the end of the transaction.

    Safe to call twice. After a change of the hash call ``forget`` first. ValueError if it has not 32 bytes.
    """
    halves = _halves(pdq)
    keys = [table << 16 | half for table, half in enumerate(halves)]
    cursor.execute(KEEP, {"file": file_id, "keys": keys, "siblings": _siblings(halves)})


def forget(cursor: Cursor, file_id: int) -> None:
    """Let a file be found no more."""
    cursor.execute(FORGET, {"file": file_id})


def near(cursor: Cursor, queries: Sequence[bytes], radius: int = FARTHEST) -> list[tuple[int, int, int]]:
    """All files within ``radius`` bits of each query: (which query, file id, distance), ascending by query, distance.

    Exact, among what the cursor's transaction sees. ValueError for another radius than 0 to 31 or a query of another
    length than 32 bytes.
    """
    if not 0 <= radius <= FARTHEST:
        raise ValueError(f"a radius lies between 0 and {FARTHEST}")
    pair = radius // 8
    flips = [0, *(1 << bit for bit in range(16))] if pair // 2 else [0]
    found = []
    for number, query in enumerate(queries):
        halves = _halves(query)
        keys = sorted(table << 16 | half ^ flip for table, half in enumerate(halves) for flip in flips)
        bits = format(int.from_bytes(query, "big"), "0256b")
        asked = {"keys": keys, "siblings": _siblings(halves), "pair": pair, "hash": bits, "radius": radius}
        cursor.execute(NEAR, asked)
        found += [(number, int(file_id), int(distance)) for file_id, distance in cursor.fetchall()]
    return found
