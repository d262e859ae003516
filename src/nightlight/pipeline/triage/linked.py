# SPDX-License-Identifier: Apache-2.0
"""What linking says of many tips: how large the person in each is, and which pictures very many tips carry.

The same report sent again counts once: it makes nobody more urgent, and no picture more passed around.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db import connection

from nightlight.pipeline.linking.models import Progress

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from nightlight.pipeline.tips.models import Tip

_PERSONS = """
WITH mine AS (
    SELECT s.tip_id, s.party, s.person FROM linking_subject s
    WHERE s.tip_id = ANY (%(tips)s) AND s.side = 'suspect' AND NOT s.gone
), sizes AS (
    SELECT s.person, count(DISTINCT s.tip_id) AS tips, count(DISTINCT t.reporter_id) AS providers,
           extract(day FROM max(t.state_at) - min(t.state_at))::int AS span_days
    FROM linking_subject s JOIN tips_tip t ON t.id = s.tip_id
    WHERE s.person IN (SELECT person FROM mine) AND s.side = 'suspect' AND NOT s.gone
      AND NOT EXISTS (SELECT 1 FROM tips_likelyduplicate d WHERE d.tip_id = s.tip_id)
    GROUP BY s.person
)
SELECT mine.tip_id, mine.person, sizes.tips, sizes.providers, sizes.span_days
FROM mine JOIN sizes ON sizes.person = mine.person
ORDER BY mine.tip_id, mine.party
"""
_PICTURES = """
WITH mine AS (
    SELECT f.tip_id, g.blob_id, g.anchor FROM tips_tipfile f JOIN evidence_item i ON i.id = f.item_id
    JOIN linking_filegroup g ON g.blob_id = i.blob_id WHERE f.tip_id = ANY (%(tips)s)
), sizes AS (
    SELECT groups.anchor, (
        SELECT count(DISTINCT each.tip_id) FROM (
            SELECT f.tip_id FROM linking_filegroup g JOIN evidence_item i ON i.blob_id = g.blob_id
            JOIN tips_tipfile f ON f.item_id = i.id
            WHERE g.anchor = groups.anchor
              AND NOT EXISTS (SELECT 1 FROM tips_likelyduplicate d WHERE d.tip_id = f.tip_id)
            LIMIT %(most)s) AS each) AS tips
    FROM (SELECT DISTINCT anchor FROM mine) AS groups
)
SELECT mine.tip_id, mine.blob_id, mine.anchor, sizes.tips FROM mine JOIN sizes ON sizes.anchor = mine.anchor
"""
# Files of one picture that are looked at: far more than it takes to call it passed around, however many there are.
MOST_FILES = 1000
_FOUND = """
SELECT s.tip_id, i.kind, count(DISTINCT s.identifier_id)
FROM linking_sighting s JOIN linking_identifier i ON i.id = s.identifier_id
WHERE s.tip_id = ANY (%(tips)s) AND s.side IN ('suspect', 'tip') GROUP BY s.tip_id, i.kind
"""


@dataclass(slots=True)
class Link:
    """What linking says of one tip: the highest of each number where it reports several people.

    ``person`` is whom its first reported person is taken for, ``tips_of_first`` the tips about that one.
    ``pictures``: by file (blob) its group and the number of tips that carry it. ``found``: identifiers by kind.
    """

    person: int | None = None
    tips_of_first: int = 1
    tips: int = 1
    providers: int = 1
    span_days: int = 0
    pictures: dict[int, tuple[int, int]] = field(default_factory=dict)
    found: dict[str, int] = field(default_factory=dict)


def linked(tips: Sequence[Tip]) -> Mapping[int, Link]:
    """Return what linking says of each tip, by key; one that is not linked yet is not there. Four queries."""
    keys = [tip.pk for tip in tips]
    found = {tip: Link() for tip in Progress.objects.filter(tip__in=keys).values_list("tip_id", flat=True)}
    for tip, person, number, providers, days in _rows(_PERSONS, keys):
        link = found.setdefault(tip, Link())
        if link.person is None:
            link.person, link.tips_of_first = person, number
        link.tips, link.providers = max(link.tips, number), max(link.providers, providers)
        link.span_days = max(link.span_days, days)
    for tip, blob, anchor, number in _rows(_PICTURES, keys):
        found.setdefault(tip, Link()).pictures[blob] = (anchor, number)
    for tip, kind, number in _rows(_FOUND, keys):
        found.setdefault(tip, Link()).found[kind] = number
    return found


def _rows(sql: str, tips: list[int]) -> Iterator[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, {"tips": tips, "most": MOST_FILES})
        yield from cursor.fetchall()
