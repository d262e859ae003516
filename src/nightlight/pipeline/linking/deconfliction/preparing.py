# SPDX-License-Identifier: Apache-2.0
"""Prepares the digests of a ring: of strong kinds alone, of what is reported, and of what stands in clear on pages.

Values are read where pages read them, so that what names a protected person has no digest of a ring at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction

from nightlight.pipeline.linking import rows as linking
from nightlight.pipeline.linking.deconfliction import keys, rules
from nightlight.pipeline.linking.deconfliction.models import Ring
from nightlight.pipeline.linking.kinds import Kind

if TYPE_CHECKING:
    from nightlight.pipeline.linking.deconfliction.keys import RingKey

BATCH = 2_000
# The value of an identifier is one, wherever it stands: the first place says it, and of which environment it is.
_NEXT = """
SELECT i.id, i.kind, s.value, s.environment FROM linking_identifier i CROSS JOIN LATERAL (
    SELECT s.value, t.environment FROM linking_sighting s JOIN tips_tip t ON t.id = s.tip_id
    WHERE s.identifier_id = i.id AND s.side = 'suspect' AND s.subject_id IS NOT NULL AND s.value <> ''
      AND NOT EXISTS (SELECT 1 FROM linking_waiting w WHERE w.tip_id = t.id)
    ORDER BY s.id LIMIT 1) AS s
WHERE i.id > %(after)s AND i.kind = ANY(%(kinds)s) AND NOT i.silenced AND i.suspects BETWEEN 1 AND %(most)s
  AND NOT EXISTS (SELECT 1 FROM linking_ringdigest d WHERE d.ring_id = %(ring)s AND d.identifier_id = i.id)
  AND NOT EXISTS (SELECT 1 FROM linking_sighting x
                  WHERE x.identifier_id = i.id AND (x.side = 'child' OR x.value = ''))
ORDER BY i.id LIMIT %(batch)s
"""
# Those that went meanwhile are left out; those that are here stay until it is done.
_ADD = """
INSERT INTO linking_ringdigest (ring_id, identifier_id, digest)
SELECT %s, i.id, w.digest FROM unnest(%s::bigint[], %s::bytea[]) AS w (id, digest)
JOIN linking_identifier i ON i.id = w.id FOR KEY SHARE OF i
ON CONFLICT DO NOTHING
"""
# What may be told no longer has no digest either.
_CLEAR = """
DELETE FROM linking_ringdigest d USING linking_identifier i
WHERE i.id = d.identifier_id AND d.ring_id = %(ring)s AND (i.silenced OR i.suspects NOT BETWEEN 1 AND %(most)s
  OR EXISTS (SELECT 1 FROM linking_sighting x WHERE x.identifier_id = i.id AND (x.side = 'child' OR x.value = '')))
"""


@dataclass(frozen=True, slots=True)
class Prepared:
    """How many digests were added to a ring and epoch, and how many were taken away."""

    ring: str
    epoch: str
    added: int
    removed: int


def prepare(*, whole: bool = False) -> list[Prepared]:
    """Prepare digests under every key there is; ``whole`` looks at all identifiers once more, else at new ones.

    A ring or epoch whose key is gone is forgotten with its digests. Raises KeyFileRefused. Safe to run twice.
    """
    held = keys.ring_keys()
    known = {(one.ring, one.epoch) for one in held}
    for ring in Ring.objects.all():
        if (ring.name, ring.epoch) not in known:
            with transaction.atomic():
                _run("DELETE FROM linking_ringdigest WHERE ring_id = %s", [ring.pk])
                _run("DELETE FROM linking_ring WHERE id = %s", [ring.pk])
    return [_one(key, whole=whole) for key in held]


def _one(key: RingKey, *, whole: bool) -> Prepared:
    ring, _new = Ring.objects.get_or_create(name=key.ring, epoch=key.epoch)
    told = {"ring": ring.pk, "most": rules.MOST_PEOPLE}
    removed = _run(_CLEAR, told) if whole else 0
    added, after = 0, 0 if whole else ring.upto
    while True:
        with transaction.atomic():
            rows = _fetched(_NEXT, {**told, "after": after, "kinds": sorted(rules.KINDS), "batch": BATCH})
            if not rows:
                break
            digests = [
                rules.digest(
                    key.key, ring=key.ring, epoch=key.epoch, environment=environment, kind=Kind(kind), value=value
                )
                for _id, kind, value, environment in rows
            ]
            linking.tell_alone()
            added += _run(_ADD, [ring.pk, [row[0] for row in rows], digests])
            after = rows[-1][0]
            Ring.objects.filter(pk=ring.pk, upto__lt=after).update(upto=after)
    return Prepared(key.ring, key.epoch, added, removed)


def _fetched(sql: str, told: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, told)
        return list(cursor.fetchall())


def _run(sql: str, told: dict[str, Any] | list[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, told)
        return int(max(cursor.rowcount, 0))
