# SPDX-License-Identifier: Apache-2.0
"""Which files are one picture, whatever copy of it: the same bytes, or near copies in a chain (matching finds these).

A group is a connected component of near pairs, named by its smallest file. Pairs are only ever added, so a tip's files
join groups and never part them; ``rebuilding`` works all of them out at once, with the same result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from django.db import connection

from nightlight.pipeline.linking import bulk
from nightlight.pipeline.linking.weights import Points, Weights
from nightlight.pipeline.matching.rules import RADIUS

if TYPE_CHECKING:
    from numpy.typing import NDArray

# The files of a tip and those near them, each with the group it is in by now. Nothing at all is no picture.
_TOUCHED = """
WITH mine AS (
    SELECT DISTINCT b.id FROM tips_tipfile f JOIN evidence_item i ON i.id = f.item_id
    JOIN evidence_blob b ON b.id = i.blob_id WHERE f.tip_id = %s AND b.size > 0
), near AS (
    SELECT m.id AS mine, n.other_id AS other FROM mine m JOIN matching_near n ON n.blob_id = m.id AND n.distance <= %s
    UNION
    SELECT m.id, n.blob_id FROM mine m JOIN matching_near n ON n.other_id = m.id AND n.distance <= %s
)
SELECT e.mine, e.other, one.anchor, other.anchor
FROM (SELECT id AS mine, id AS other FROM mine UNION ALL SELECT mine, other FROM near) AS e
LEFT JOIN linking_filegroup one ON one.blob_id = e.mine LEFT JOIN linking_filegroup other ON other.blob_id = e.other
"""
_RENAME = """
UPDATE linking_filegroup g SET anchor = m.goes_to
FROM unnest(%s::bigint[], %s::bigint[]) AS m (anchor, goes_to) WHERE g.anchor = m.anchor
"""
_ADD = "INSERT INTO linking_filegroup (blob_id, anchor) SELECT * FROM unnest(%s::bigint[], %s::bigint[])"
# A pair is worth enough by itself: then persons among files are the components of pairs.
_PAIRS = Weights(1, 1, {"near": Points(1, 0, 2)})


def keep(tip: int) -> None:
    """Put the files of a tip into their groups, in the caller's transaction; for one at a time."""
    with connection.cursor() as cursor:
        cursor.execute(_TOUCHED, [tip, RADIUS, RADIUS])
        found = cursor.fetchall()
        if not found:
            return
        groups = {blob: anchor for mine, other, a, b in found for blob, anchor in ((mine, a), (other, b))}
        # Files that have no group yet are named by themselves.
        names = {blob: blob if anchor is None else anchor for blob, anchor in groups.items()}
        ends = np.array([(names[mine], names[other]) for mine, other, _, _ in found], dtype=np.int64)
        name = components(np.unique(ends), ends)
        moves = [(anchor, name[anchor]) for anchor in sorted(set(groups.values()) - {None}) if name[anchor] != anchor]
        if moves:
            cursor.execute(_RENAME, [[one for one, _ in moves], [to for _, to in moves]])
        new = sorted(blob for blob, anchor in groups.items() if anchor is None)
        if new:
            cursor.execute(_ADD, [new, [name[blob] for blob in new]])


def components(files: NDArray[np.int64], ends: NDArray[np.int64]) -> dict[int, int]:
    """Return the smallest file of the component of each of ``files``; ``ends`` has the two files of a pair a row."""
    return dict(zip(*(told.tolist() for told in linked(files, ends)[:2]), strict=True))


def linked(files: NDArray[np.int64], ends: NDArray[np.int64]) -> bulk.Linked:
    """Return the same as arrays."""
    pairs = ends[ends[:, 0] != ends[:, 1]] if len(ends) else ends.reshape(-1, 2)
    return bulk.link(
        pairs.reshape(-1),
        np.repeat(np.arange(len(pairs)), 2),
        np.zeros(len(pairs), np.int64),
        subjects=files,
        table=_PAIRS,
    )
