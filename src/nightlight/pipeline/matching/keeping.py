# SPDX-License-Identifier: Apache-2.0
"""Writes down what was found about files: agreement with lists, files alike among ours, and in which tips each came.

Derived data: it can be worked out again, and is, when the rules or a list change. What agreed once and no longer does
is kept with the moment at which it ended.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from django.db import connection

from nightlight.pipeline.matching import rules
from nightlight.pipeline.matching.index import own
from nightlight.pipeline.matching.models import Match, Near

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from nightlight.pipeline.matching.finding import Found
    from nightlight.pipeline.matching.models import Fingerprint, How

# The same bytes in received tips that are not set apart, the first one by when it was received. Test reports make no
# real file one that was here before.
_SIGHTINGS = """
INSERT INTO matching_sighting (blob_id, tips, reporters, first_tip_id, first_at, first_reporter)
SELECT b.id, s.tips, s.reporters, s.first_tip, s.first_at, r.name
FROM unnest(%s::bigint[]) AS b (id) CROSS JOIN LATERAL (
    SELECT count(DISTINCT t.id) AS tips, count(DISTINCT t.reporter_id) AS reporters,
           (array_agg(t.id ORDER BY t.state_at, t.id))[1] AS first_tip, min(t.state_at) AS first_at,
           (array_agg(t.reporter_id ORDER BY t.state_at, t.id))[1] AS reporter_id
    FROM evidence_item i JOIN tips_tipfile f ON f.item_id = i.id JOIN tips_tip t ON t.id = f.tip_id
    WHERE i.blob_id = b.id AND t.state = 'received' AND t.environment = 'production' AND NOT t.set_apart) s
JOIN accounts_reporter r ON r.id = s.reporter_id
ON CONFLICT (blob_id) DO UPDATE SET tips = excluded.tips, reporters = excluded.reporters,
    first_tip_id = excluded.first_tip_id, first_at = excluded.first_at, first_reporter = excluded.first_reporter
"""
# Of files alike, the nearest are noted: one picture that was cropped ten thousand times would make as many rows for
# each new crop. All lie in the pair table, and chain from one to the next.
MOST_ALIKE = 200


def sightings(blobs: Sequence[int]) -> None:
    """Count anew in which tips these files came; one that is in none any more has no row."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM matching_sighting WHERE blob_id = ANY(%s)", [sorted(set(blobs))])
        cursor.execute(_SIGHTINGS, [sorted(set(blobs))])


def matches(blobs: Iterable[int], found: Iterable[Found], *, hows: Sequence[How], at: datetime) -> None:
    """Make the matches of these files, as far as of one of ``hows``, what was found just now."""
    blobs = set(blobs)
    new = {(one.blob, one.entry, str(one.how)): one for one in found}
    stood = {
        (match.blob_id, match.entry_id, match.how): match
        for match in Match.objects.filter(blob_id__in=blobs, how__in=hows)
    }
    ended = [match.pk for key, match in stood.items() if match.ended_at is None and key not in new]
    Match.objects.filter(pk__in=ended).update(ended_at=at)
    rows = []
    for key, one in new.items():
        before = stood.get(key)
        rows.append(
            Match(
                blob_id=one.blob,
                entry_id=one.entry,
                how=one.how,
                agree=" ".join(one.agree),
                differ=" ".join(one.differ),
                distance=one.distance,
                orientation=one.orientation,
                frames=one.frames,
                frames_of=one.frames_of,
                version=rules.VERSION,
                found_at=before.found_at if before is not None and before.ended_at is None else at,
                ended_at=None,
            )
        )
    told = ["agree", "differ", "distance", "orientation", "frames", "frames_of", "version", "found_at", "ended_at"]
    Match.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["blob", "entry", "how"], update_fields=told, batch_size=1000
    )


def alike(fingerprint: Fingerprint) -> None:
    """Note which of our own files are nearly the same picture as this one, however it was turned."""
    turns = rules.hashes(bytes(fingerprint.dihedral))
    best: dict[int, tuple[int, int]] = defaultdict(lambda: (256, 0))
    with connection.cursor() as cursor:
        own.forget(cursor, fingerprint.pk)  # it may have been made by earlier rules
        if fingerprint.pdq is None or not rules.comparable(fingerprint.pdq, fingerprint.quality):
            return
        for which, file_id, distance in own.near(cursor, turns, rules.RADIUS):
            if file_id != fingerprint.pk:
                best[file_id] = min(best[file_id], (distance, which))
        own.keep(cursor, fingerprint.pk, bytes(fingerprint.pdq))
    Near.objects.bulk_create(
        [
            Near(blob_id=fingerprint.pk, other_id=other, distance=distance, orientation=turn, version=rules.VERSION)
            for other, (distance, turn) in sorted(best.items(), key=lambda one: (one[1], one[0]))[:MOST_ALIKE]
        ],
        update_conflicts=True,
        unique_fields=["blob", "other"],
        update_fields=["distance", "orientation", "version"],
    )
