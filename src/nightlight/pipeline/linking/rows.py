# SPDX-License-Identifier: Apache-2.0
"""Rows of linking, read and written many at a time: for the step that links, and for nobody else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import connection

from nightlight.pipeline.linking.joining import Decisions, Value
from nightlight.pipeline.linking.kinds import Side

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from nightlight.pipeline.linking.joining import Change, Pair

Key = tuple[str, bytes]  # kind and digest
SubjectRow = tuple[int, int, str, str, bool]  # key, party, side, pseudonym, gone
# One at a time: whoever links, and whoever rebuilds. Its name is hashed, as PostgreSQL's advisory locks have none.
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('linking', 0))"

_IDENTIFIERS = """
SELECT i.kind, i.digest, i.id FROM unnest(%s::text[], %s::bytea[]) AS w (kind, digest)
JOIN linking_identifier i ON i.kind = w.kind AND i.digest = w.digest
"""
_ADD_IDENTIFIERS = """
INSERT INTO linking_identifier (kind, digest) SELECT * FROM unnest(%s::text[], %s::bytea[]) RETURNING kind, digest, id
"""
_SUBJECTS = "SELECT id, party, side, pseudonym, gone FROM linking_subject WHERE tip_id = %s ORDER BY party"
# A new one stands alone until it is linked: its person is itself.
_ADD_SUBJECTS = """
INSERT INTO linking_subject (id, tip_id, party, side, pseudonym, component, person)
SELECT n.id, %s, n.party, n.side, n.pseudonym, n.id, n.id
FROM (SELECT nextval(pg_get_serial_sequence('linking_subject', 'id')) AS id, w.*
      FROM unnest(%s::smallint[], %s::text[], %s::text[]) AS w (party, side, pseudonym)) AS n
RETURNING party, id
"""
_CHANGE_SUBJECT = "UPDATE linking_subject SET side = %s, pseudonym = %s, gone = %s WHERE id = %s"
_SIGHTINGS = """
SELECT id, identifier_id, subject_id, side, role, source, as_sent, value, verified, from_text, at
FROM linking_sighting WHERE tip_id = %s ORDER BY id
"""
_ADD_SIGHTINGS = """
INSERT INTO linking_sighting (tip_id, identifier_id, subject_id, side, role, source, as_sent, value, verified,
                              from_text, at)
SELECT %s, * FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],
                         %s::boolean[], %s::boolean[], %s::timestamptz[])
"""
_ELSEWHERE = """
SELECT i.id FROM unnest(%s::bigint[]) AS i (id) WHERE EXISTS (
    SELECT 1 FROM linking_sighting s WHERE s.identifier_id = i.id AND s.verified AND s.subject_id IS NOT NULL
      AND s.tip_id <> %s AND s.side = ANY(%s))
"""
_COUNT = """
UPDATE linking_identifier i SET suspects = i.suspects + g.suspects, children = i.children + g.children
FROM unnest(%s::bigint[], %s::integer[], %s::integer[]) AS g (id, suspects, children) WHERE i.id = g.id
"""
# By what an officer decided last; and what is a cleared person's, unless it is seen with somebody else too.
_SWITCH = """
UPDATE linking_identifier i SET silenced = w.decided OR w.cleared, cleared = w.cleared
FROM (SELECT n.id, n.silenced AS before,
             n.cleared OR n.id = ANY(%(cleared)s)
                 AND NOT EXISTS (SELECT 1 FROM linking_sighting s WHERE s.identifier_id = n.id) AS cleared,
             coalesce((SELECT d.verdict = 'silence' FROM linking_decision d WHERE d.identifier_id = n.id
                       ORDER BY d.id DESC LIMIT 1), false) AS decided
      FROM linking_identifier n WHERE n.id = ANY(%(them)s)) AS w
WHERE i.id = w.id AND (i.silenced, i.cleared) <> (w.decided OR w.cleared, w.cleared)
RETURNING i.id, w.before <> i.silenced
"""
# What stands nowhere any more is not kept, unless somebody wants it silent should it come again.
_FORGET = """
DELETE FROM linking_identifier i WHERE i.id = ANY(%s) AND NOT i.silenced
  AND NOT EXISTS (SELECT 1 FROM linking_sighting s WHERE s.identifier_id = i.id)
  AND NOT EXISTS (SELECT 1 FROM linking_decision d WHERE d.identifier_id = i.id)
"""
# Of those who write what was told, or prepare it, one at a time: before any row of it is locked, so that no two wait
# for each other.
_TELLS_ALONE = "SELECT pg_advisory_xact_lock(hashtextextended('deconfliction', 0))"
_HELD_NO_MORE = "DELETE FROM linking_held WHERE tip_id = %s AND identifier_id = ANY(%s)"
# Tips of others name a unit for as long as it holds the value.
_UNIT_HOLDS_NO_MORE = """
DELETE FROM linking_held h WHERE h.identifier_id = ANY(%s) AND h.unit_id IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM linking_sighting s JOIN tips_tip t ON t.id = s.tip_id
    WHERE s.identifier_id = h.identifier_id AND s.side = 'suspect' AND t.unit_id = h.unit_id)
"""
_PARTNERS = """
SELECT first_id, second_id FROM linking_decision WHERE first_id = ANY(%(them)s)
UNION SELECT first_id, second_id FROM linking_decision WHERE second_id = ANY(%(them)s)
"""


def one_at_a_time() -> None:
    """Wait until nobody else links; until the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK)


def _rows(sql: str, parameters: Sequence[Any] | Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())


def _run(sql: str, parameters: Sequence[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


def sides_of(side: Side) -> list[str]:
    """The sides of sightings that count towards subjects of a side: what is the tip's own is its reported person's."""
    return ["child"] if side is Side.CHILD else ["suspect", "tip"]


def identifiers(keys: Collection[Key]) -> dict[Key, int]:
    """Return the key of each identifier; those that are new are made."""
    found: dict[Key, int] = {}
    for sql in (_IDENTIFIERS, _ADD_IDENTIFIERS):
        missing = sorted(keys - found.keys())
        if missing:
            told = _rows(sql, [[kind for kind, _ in missing], [digest for _, digest in missing]])
            found |= {(kind, bytes(digest)): number for kind, digest, number in told}
    return found


def subjects_of_tip(tip: int) -> list[SubjectRow]:
    """The people of a tip, those that are gone too."""
    return [(key, party, side, name, gone) for key, party, side, name, gone in _rows(_SUBJECTS, [tip])]


def add_subjects(tip: int, people: Sequence[tuple[int, str, str]]) -> dict[int, int]:
    """Add people (party, side, pseudonym), each alone for now; return their keys by party."""
    return dict(_rows(_ADD_SUBJECTS, [tip, *map(list, zip(*people, strict=True))]))


def change_subject(key: int, *, side: str, pseudonym: str, gone: bool) -> None:
    """Write what is said of one of them anew."""
    _run(_CHANGE_SUBJECT, [side, pseudonym, gone, key])


def sightings_of_tip(tip: int) -> list[tuple[Any, ...]]:
    """Key, identifier, subject, and the rest of each sighting in a tip."""
    return _rows(_SIGHTINGS, [tip])


def add_sightings(tip: int, sightings: Sequence[tuple[Any, ...]]) -> None:
    """Add sightings: identifier, subject, and the rest in the order of the table."""
    if sightings:
        _run(_ADD_SIGHTINGS, [tip, *map(list, zip(*sightings, strict=True))])


def delete_sightings(numbers: Sequence[int]) -> None:
    """Take sightings away."""
    _run("DELETE FROM linking_sighting WHERE id = ANY(%s)", [list(numbers)])


def verified_elsewhere(tip: int, identifiers: Collection[int], *, child: bool) -> set[int]:
    """Return those that a provider verified for somebody on this side in another tip."""
    if not identifiers:
        return set()
    sides = sides_of(Side.CHILD if child else Side.SUSPECT)
    return {one for (one,) in _rows(_ELSEWHERE, [sorted(identifiers), tip, sides])}


def count(suspects: Mapping[int, int], children: Mapping[int, int]) -> None:
    """Add to the counts of identifiers."""
    them = sorted(suspects.keys() | children.keys())
    if them:
        _run(_COUNT, [them, [suspects.get(one, 0) for one in them], [children.get(one, 0) for one in them]])


def switch(touched: Collection[int], cleared: Collection[int]) -> set[int]:
    """Silence or hear these by what officers decided last, and silence those of the second seen with nobody.

    Return those that link otherwise than before.
    """
    if not touched and not cleared:
        return set()
    told = {"them": sorted({*touched, *cleared}), "cleared": sorted(cleared)}
    return {one for one, switched in _rows(_SWITCH, told) if switched}


def tell_alone() -> None:
    """Wait until nobody else writes what is told to others (deconfliction); until the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute(_TELLS_ALONE)


def untell(tip: int, gone: Collection[int], left: Collection[int]) -> None:
    """Forget who else was told to hold what a tip holds no longer, and what no tip of a unit holds any longer.

    ``gone`` are the identifiers of which something in the tip went, ``left`` all that stand in it now.
    """
    if gone:
        tell_alone()
        _run(_HELD_NO_MORE, [tip, sorted(set(gone) - set(left))])
        _run(_UNIT_HOLDS_NO_MORE, [sorted(gone)])


def forget(identifiers: Collection[int]) -> None:
    """Remove those of them that stand nowhere any more."""
    if identifiers:
        _run(_FORGET, [sorted(identifiers)])


def partners(subjects: Collection[int]) -> set[int]:
    """Return both ends of all pairs about which somebody decided and of which one is among these."""
    return {one for pair in _rows(_PARTNERS, {"them": sorted(subjects)}) for one in pair} if subjects else set()


def on_side(side: Side, subjects: Collection[int]) -> set[int]:
    """Return those of them that are on a side."""
    sql = "SELECT id FROM linking_subject WHERE id = ANY(%s) AND side = %s"
    return {one for (one,) in _rows(sql, [sorted(subjects), side.value])} if subjects else set()


# Pairs that stand by their last decision, of which both are still there and on one side.
STANDING = """
SELECT DISTINCT ON (d.first_id, d.second_id) d.first_id, d.second_id, d.verdict
FROM linking_decision d JOIN linking_subject a ON a.id = d.first_id JOIN linking_subject b ON b.id = d.second_id
WHERE d.verdict IN ('confirm', 'forbid') AND a.side = b.side AND NOT a.gone AND NOT b.gone {which}
ORDER BY d.first_id, d.second_id, d.id DESC
"""
_AMONG = "AND (a.component = ANY(%(components)s) OR a.id = ANY(%(subjects)s))" + (
    "AND (b.component = ANY(%(components)s) OR b.id = ANY(%(subjects)s))"
)
_VALUES = """
SELECT i.id, i.kind, CASE WHEN %(child)s THEN i.children ELSE i.suspects END,
       EXISTS (SELECT 1 FROM linking_sighting s WHERE s.identifier_id = i.id AND s.verified
               AND s.subject_id IS NOT NULL AND s.side = ANY(%(sides)s)), i.silenced
FROM linking_identifier i WHERE i.id = ANY(%(them)s)
"""
_SUBJECTS_OF = """
SELECT s.subject_id, i.id FROM unnest(%(them)s::bigint[]) AS i (id) CROSS JOIN LATERAL (
    SELECT DISTINCT h.subject_id FROM unnest(%(sides)s::text[]) AS w (side) CROSS JOIN LATERAL (
        SELECT DISTINCT subject_id FROM linking_sighting
        WHERE identifier_id = i.id AND side = w.side AND subject_id IS NOT NULL LIMIT %(most)s) AS h
    LIMIT %(most)s) AS s
"""
_MOVE = """
UPDATE linking_subject s SET component = m.goes_to, person = m.goes_to
FROM unnest(%s::bigint[], %s::bigint[]) AS m (component, goes_to) WHERE s.component = m.component
"""
_PLACE = """
UPDATE linking_subject s SET person = p.person, component = p.component
FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS p (id, person, component)
WHERE s.id = p.id AND (s.person, s.component) <> (p.person, p.component)
"""


class Rows:
    """The rows of one side that ``joining`` asks for; ``fresh`` are subjects that have no component yet."""

    def __init__(self, side: Side, fresh: Collection[int] = ()) -> None:
        self._child = side is Side.CHILD
        self._sides = sides_of(side)
        self._fresh = frozenset(fresh)

    def sightings(self, subjects: Collection[int]) -> list[Pair]:
        """Return the (subject, identifier) of these subjects."""
        sql = "SELECT DISTINCT subject_id, identifier_id FROM linking_sighting WHERE subject_id = ANY(%s)"
        return [(subject, one) for subject, one in _rows(sql, [sorted(subjects)])]

    def values(self, identifiers: Iterable[int]) -> dict[int, Value]:
        """Return what is known of these identifiers."""
        told = {"child": self._child, "sides": self._sides, "them": sorted(identifiers)}
        return {
            one: Value(kind, many, verified, silenced) for one, kind, many, verified, silenced in _rows(_VALUES, told)
        }

    def subjects_of(self, identifiers: Collection[int], at_most: int | None = None) -> list[Pair]:
        """Return (subject, identifier) for these identifiers; for each no more than ``at_most``."""
        told = {"sides": self._sides, "them": sorted(identifiers), "most": at_most}
        return [(subject, one) for subject, one in _rows(_SUBJECTS_OF, told)]

    def components(self, subjects: Collection[int]) -> dict[int, int]:
        """Return the component of each of these subjects that has one."""
        sql = "SELECT id, component FROM linking_subject WHERE id = ANY(%s)"
        return dict(_rows(sql, [sorted(set(subjects) - self._fresh)]))

    def members(self, components: Collection[int]) -> list[int]:
        """Return all subjects of these components."""
        sql = "SELECT id FROM linking_subject WHERE component = ANY(%s)"
        return [one for (one,) in _rows(sql, [sorted(components)]) if one not in self._fresh]

    def decisions(self, components: Collection[int], subjects: Collection[int]) -> Decisions:
        """Return the pairs that stand with both ends among these components and subjects."""
        told = {"components": sorted(components), "subjects": sorted(subjects)}
        return standing(_rows(STANDING.format(which=_AMONG), told))


def standing(decided: Iterable[tuple[Any, ...]]) -> Decisions:
    """Return decisions from rows of a pair and its verdict."""
    pairs: dict[str, set[Pair]] = {"confirm": set(), "forbid": set()}
    for first, second, verdict in decided:
        pairs[verdict].add((first, second))
    return Decisions(confirmed=frozenset(pairs["confirm"]), forbidden=frozenset(pairs["forbid"]))


def write(change: Change) -> None:
    """Write what linking changes."""
    if change.moved:
        _run(_MOVE, [list(change.moved), list(change.moved.values())])
    if change.placed:
        people, homes = list(change.placed), list(change.placed.values())
        _run(_PLACE, [people, [person for person, _ in homes], [component for _, component in homes]])


_WITH_OTHERS = """
SELECT s.id, count(DISTINCT m.tip_id), md5(string_agg(m.id::text, ' ' ORDER BY m.id))
FROM linking_subject s JOIN linking_subject m ON m.person = s.person AND NOT m.gone
WHERE s.tip_id = %s AND NOT s.gone GROUP BY s.id HAVING count(DISTINCT m.tip_id) > 1
"""


def linked_with(tip: int) -> dict[int, tuple[int, str]]:
    """For each subject of a tip that is linked with another tip: in how many tips, and a digest of with whom."""
    return {subject: (tips, whom) for subject, tips, whom in _rows(_WITH_OTHERS, [tip])}
