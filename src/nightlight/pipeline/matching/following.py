# SPDX-License-Identifier: Apache-2.0
"""Follows what lists change: files that are here are compared with new entries, and opened again where one goes.

What changed is found by the number of the transaction that wrote it. Up to which one the changes were followed is
written down together with what was found, so a change is followed once more rather than never.

In order that is exact only up to the oldest transaction still open. What later ones have committed is followed as well,
and not written down but remembered by the process: it is followed once more when that oldest one has ended, which finds
nothing new.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
from django.db import connection, transaction

from nightlight.foundation import pdq
from nightlight.pipeline.matching import looking_up, rules, serving
from nightlight.pipeline.matching.index import pairs
from nightlight.pipeline.matching.models import Fingerprint, Frame, Horizon

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

NAME = "followed"
BATCH = 500  # files compared anew in one transaction
PATIENCE = 20.0  # seconds
_AT_ONCE = 200_000  # entries taken at once
_CHANGED = """
SELECT id, transaction, pdq, frames FROM matching_entry
WHERE (transaction, id) > (%s, %s) AND transaction < %s ORDER BY transaction, id LIMIT %s
"""
_AHEAD = """
SELECT id, transaction, pdq, frames FROM matching_entry
WHERE (transaction >= %s OR transaction = ANY(%s::bigint[])) AND transaction >= %s AND (transaction, id) > (%s, %s)
ORDER BY transaction, id LIMIT %s
"""
# Files that agreed with one of these entries, or have a digest that one of them states.
_AFFECTED = """
WITH changed AS (SELECT id, md5, sha1, sha256 FROM matching_entry WHERE id = ANY(%s))
SELECT m.blob_id FROM matching_match m JOIN changed c ON c.id = m.entry_id WHERE m.ended_at IS NULL
UNION SELECT b.id FROM evidence_blob b JOIN changed c ON b.sha256 = c.sha256
UNION SELECT b.id FROM evidence_blob b JOIN changed c ON b.sha1 = c.sha1
UNION SELECT b.id FROM evidence_blob b JOIN changed c ON b.md5 = c.md5
"""
# Only what came with a tip is matched: not what was dropped on the import page, and not the lists themselves.
_OF_TIPS = """
SELECT DISTINCT i.blob_id FROM evidence_item i JOIN tips_tipfile f ON f.item_id = i.id
JOIN tips_tip t ON t.id = f.tip_id WHERE i.blob_id = ANY(%s) AND NOT t.set_apart
"""


class _Ahead:
    """What this process has followed beyond the oldest open transaction: all that ``seen`` shows.

    And of what ``now`` shows as much as lies up to ``place``, if a round ended half-way.
    """

    seen = serving.Snapshot(0, 0, ())
    now: serving.Snapshot | None = None
    place = (0, 0)


def follow(*, by: str, now: Callable[[], datetime], patience: float = PATIENCE) -> bool:
    """Compare our files with every entry that changed since the last time; return whether there is more to do.

    For one process at a time.
    """
    end = time.monotonic() + patience
    held, _ = Horizon.objects.get_or_create(name=NAME, defaults={"transaction": 0, "entry": 0})
    ended = serving.snapshot()
    if held.transaction > ended.following:  # of another cluster: the database was loaded from a dump
        held.transaction, held.entry = 0, 0
    # All below the oldest have ended: no row can still turn up there.
    while rows := _changed(held, ended.oldest):
        _compare(rows, by=by, now=now)
        held.entry, held.transaction = rows[-1][0], rows[-1][1]
        held.save()
        if time.monotonic() > end:
            return True
    held.transaction, held.entry = max(ended.oldest, held.transaction), 0
    held.save()
    return _follow_ahead(ended, end, by=by, now=now)


def _follow_ahead(ended: serving.Snapshot, end: float, *, by: str, now: Callable[[], datetime]) -> bool:
    if max(_Ahead.seen.following, _Ahead.now.following if _Ahead.now else 0) > ended.following:  # of another cluster
        _Ahead.seen, _Ahead.now = serving.Snapshot(0, 0, ()), None
    if _Ahead.now is None:
        _Ahead.now, _Ahead.place = ended, (0, 0)
    while rows := _changed_ahead(ended.oldest):
        _compare(rows, by=by, now=now)
        _Ahead.place = (rows[-1][1], rows[-1][0])
        if time.monotonic() > end:
            return True
    _Ahead.seen, _Ahead.now = _Ahead.now, None
    return False


def _compare(rows: list[tuple[int, int, bytes | None, bytes]], *, by: str, now: Callable[[], datetime]) -> None:
    affected = _affected([row[0] for row in rows]) | _near(rows)
    for some in _batches(sorted(_of_tips(affected))):
        looking_up.look_up_again(some, by=by, at=now())


def _changed(since: Horizon, before: int) -> list[tuple[int, int, bytes | None, bytes]]:
    with connection.cursor() as cursor:
        cursor.execute(_CHANGED, [since.transaction, since.entry, before, _AT_ONCE])
        return list(cursor.fetchall())


def _changed_ahead(oldest: int) -> list[tuple[int, int, bytes | None, bytes]]:
    seen, place = _Ahead.seen, _Ahead.place
    with connection.cursor() as cursor:
        cursor.execute(_AHEAD, [seen.following, list(seen.open), oldest, *place, _AT_ONCE])
        return list(cursor.fetchall())


def _affected(entries: list[int]) -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(_AFFECTED, [entries])
        return {row[0] for row in cursor.fetchall()}


def _of_tips(blobs: set[int]) -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(_OF_TIPS, [sorted(blobs)])
        return {row[0] for row in cursor.fetchall()}


def _near(rows: list[tuple[int, int, bytes | None, bytes]]) -> set[int]:
    """Return our files that lie near a changed entry: the entries are made an index, and every file of ours is asked.

    Asking the other way, entry by entry in the table of our own pairs, would take 5 ms each.
    """
    hashes = np.frombuffer(b"".join(bytes(value or b"") for row in rows for value in row[2:]), np.uint8).reshape(
        -1, pdq.BYTES
    )
    if not len(hashes):
        return set()
    index = pairs.PairIndex.of(np.arange(len(hashes)), hashes)
    found: set[int] = set()
    for blobs, asked in _ours():
        found.update(blobs[np.unique(index.search(asked, rules.RADIUS).query)].tolist())
    return found


def _ours() -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The hashes of our files in every orientation, in batches, each with the file it belongs to."""
    pictures = (
        Fingerprint.objects.filter(pdq__isnull=False).order_by("pk").values_list("pk", "dihedral", "pdq", "quality")
    )
    frames = Frame.objects.order_by("pk").values_list("blob_id", "pdq", "pdq", "quality")
    for rows in (pictures, frames):
        blobs: list[int] = []
        hashes = bytearray()
        for blob, turns, value, quality in rows.iterator(chunk_size=5000):
            if rules.comparable(value, quality):
                blobs += [blob] * (len(turns) // pdq.BYTES)
                hashes += turns
            if len(blobs) >= 40_000:
                yield np.array(blobs), np.frombuffer(bytes(hashes), np.uint8).reshape(-1, pdq.BYTES)
                blobs, hashes = [], bytearray()
        if blobs:
            yield np.array(blobs), np.frombuffer(bytes(hashes), np.uint8).reshape(-1, pdq.BYTES)


def _batches(blobs: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(blobs), BATCH):
        yield blobs[start : start + BATCH]


def up_to_date() -> bool:
    """Whether every change that was committed when asked has been followed."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM matching_entry e WHERE NOT EXISTS (SELECT 1 FROM matching_horizon h"
            " WHERE h.name = %s AND (e.transaction, e.id) <= (h.transaction, h.entry)))",
            [NAME],
        )
        (waiting,) = cursor.fetchone()
    return not waiting
