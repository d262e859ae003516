# SPDX-License-Identifier: Apache-2.0
"""Works out all persons, all counts and all groups of files from the rows, at once: what ``linking`` keeps up to date.

Rows leave the database by COPY in binary (PostgreSQL manual, COPY, Binary Format) into arrays; of what was worked out,
only what differs is written back. One transaction: pages see what was before until all is there, and what comes in
meanwhile waits to be linked.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from django.db import connection, transaction
from django.db.models import Count

from nightlight.pipeline.linking import bulk, file_groups, rows
from nightlight.pipeline.linking.joining import Decisions
from nightlight.pipeline.linking.models import Decision, Subject, Waiting
from nightlight.pipeline.linking.weights import weights
from nightlight.pipeline.matching.rules import RADIUS

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from nightlight.pipeline.linking.bulk import Ints

_HEADER = 19  # bytes: signature, flags, length of an extension, which is never there
_END = 2  # bytes: a count of -1
_KINDS = list(weights().codes)
# Everything as bigint and never null, so that every record is as long as any other.
_SUBJECTS = """
SELECT id, component, person, (side = 'child')::int::bigint, gone::int::bigint FROM linking_subject ORDER BY id
"""
_IDENTIFIERS = """
SELECT id, array_position({kinds}::text[], kind::text)::bigint, suspects::bigint, children::bigint,
       silenced::int::bigint FROM linking_identifier
"""
_SIGHTINGS = """
SELECT subject_id, identifier_id, coalesce(verified, false)::int::bigint FROM linking_sighting
WHERE subject_id IS NOT NULL
"""
_BLOBS = """
SELECT DISTINCT b.id, coalesce(g.anchor, 0) FROM tips_tipfile f JOIN evidence_item i ON i.id = f.item_id
JOIN evidence_blob b ON b.id = i.blob_id LEFT JOIN linking_filegroup g ON g.blob_id = b.id WHERE b.size > 0
UNION SELECT blob_id, anchor FROM linking_filegroup
"""
_NEAR = """
SELECT n.blob_id, n.other_id FROM matching_near n WHERE n.distance <= {radius}
"""
_SILENCE = """
UPDATE linking_identifier i SET silenced = i.cleared OR d.silent
FROM (SELECT DISTINCT ON (identifier_id) identifier_id, verdict = 'silence' AS silent FROM linking_decision
      WHERE identifier_id IS NOT NULL ORDER BY identifier_id, id DESC) AS d
WHERE d.identifier_id = i.id AND i.silenced <> (i.cleared OR d.silent)
"""
_WRITE_PERSONS = """
UPDATE linking_subject s SET person = n.a, component = n.b FROM linking_new n WHERE s.id = n.id
"""
_WRITE_COUNTS = """
UPDATE linking_identifier i SET suspects = n.a, children = n.b FROM linking_new n WHERE i.id = n.id
"""
_WRITE_GROUPS = """
INSERT INTO linking_filegroup (blob_id, anchor) SELECT id, a FROM linking_new
ON CONFLICT (blob_id) DO UPDATE SET anchor = excluded.anchor
"""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """How much there was, how much of it was otherwise than kept, and how long each part took in seconds."""

    subjects: int
    sightings: int
    identifiers: int
    persons: int
    persons_changed: int  # subjects that are in another person or component than was kept
    counts_changed: int
    files: int
    groups_changed: int
    seconds: dict[str, float]


def rebuild(*, say: Callable[[str], None] = lambda _text: None) -> Rebuilt:
    """Work out everything anew, heeding what officers decided; ``say`` is told in a sentence how far it is."""
    clock = _Clock(say)
    with transaction.atomic():
        rows.one_at_a_time()
        _run(_SILENCE)
        clock.next("Reading", "read")
        people = _copied(_SUBJECTS, 5)
        values = _copied(_IDENTIFIERS.format(kinds=_literal(_KINDS)), 5)
        seen = _copied(_SIGHTINGS, 3)
        decisions = rows.standing(_fetched(rows.STANDING.format(which="")))
        clock.next(f"Linking {len(people):,} people of tips by {len(seen):,} sightings", "link")
        place = int(values[:, 0].max()) + 1 if len(values) else 0
        kind = np.zeros(place, np.int64)
        kind[values[:, 0]] = values[:, 1] - 1
        silenced = frozenset(values[values[:, 4] != 0, 0].tolist())
        linked = np.stack([people[:, 0]] * 3, axis=1)  # who is gone is alone
        counts = np.zeros((2, place), np.int64)
        child = people[:, 3] != 0
        of = np.searchsorted(people[:, 0], seen[:, 0])
        for number, mine in enumerate((~child, child)):
            some = seen[mine[of]]
            verified = np.zeros(place, bool)
            verified[some[some[:, 2] != 0, 1]] = True
            there = mine & (people[:, 4] == 0)
            found = bulk.link(
                some[:, 0],
                some[:, 1],
                kind,
                verified=verified,
                decisions=Decisions(decisions.confirmed, decisions.forbidden, silenced),
                subjects=people[there, 0],
            )
            linked[there, 1], linked[there, 2] = found.anchor, found.component
            counts[number] = _counted(some, place)
        clock.next("Writing persons", "write")
        new = linked[(linked[:, 1] != people[:, 2]) | (linked[:, 2] != people[:, 1])]
        _write(new, _WRITE_PERSONS)
        told = np.stack([values[:, 0], counts[0][values[:, 0]], counts[1][values[:, 0]]], axis=1)
        wrong = told[(told[:, 1:] != values[:, 2:4]).any(axis=1)]
        _write(wrong, _WRITE_COUNTS)
        clock.next("Grouping files", "files")
        files, groups = _group_files()
        clock.next("", "")
    return Rebuilt(
        subjects=int((people[:, 4] == 0).sum()),
        sightings=len(seen),
        identifiers=len(values),
        persons=len(np.unique(linked[people[:, 4] == 0, 1])),
        persons_changed=len(new),
        counts_changed=len(wrong),
        files=files,
        groups_changed=groups,
        seconds=clock.seconds,
    )


def status() -> dict[str, int]:
    """Return how things stand, counted: tips that wait, tips and people that are linked, persons, decisions."""
    there = Subject.objects.filter(gone=False)
    told = there.aggregate(
        tips=Count("tip", distinct=True), subjects=Count("pk"), persons=Count("person", distinct=True)
    )
    return {"waiting": Waiting.objects.count(), **told, "decisions": Decision.objects.count()}


def _counted(seen: Ints, places: int) -> Ints:
    """How many subjects have each identifier."""
    if not len(seen):
        return np.zeros(places, np.int64)
    wide = int(seen[:, 0].max()) + 1
    key = seen[:, 1] * wide + seen[:, 0] if places < np.iinfo(np.int64).max // wide else None
    if key is None:
        one = np.unique(seen[:, :2], axis=0)[:, 1]
    else:
        key.sort()
        one = key[np.append(True, key[1:] != key[:-1])] // wide
    return np.bincount(one, minlength=places).astype(np.int64)


def _group_files() -> tuple[int, int]:
    blobs = _copied(_BLOBS, 2)
    blobs = blobs[np.argsort(blobs[:, 0])]
    if not len(blobs):
        return 0, 0
    pairs = _copied(_NEAR.format(radius=RADIUS), 2)
    here = np.isin(pairs, blobs[:, 0]).all(axis=1)
    found = file_groups.linked(blobs[:, 0], pairs[here])
    new = np.stack([found.subject, found.anchor, found.anchor], axis=1)[found.anchor != blobs[:, 1]]
    _write(new, _WRITE_GROUPS)
    return len(blobs), len(new)


def _copied(query: str, columns: int) -> Ints:
    """Return the rows of a query whose columns are all bigint and never null, one row each."""
    sink = bytearray()
    with connection.cursor() as cursor, cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT BINARY)") as copy:
        for block in copy:
            sink += block
    record = np.dtype([("n", ">i2"), *((f"c{i}", [("size", ">i4"), ("value", ">i8")]) for i in range(columns))])
    body = np.frombuffer(sink, record, offset=_HEADER, count=(len(sink) - _HEADER - _END) // record.itemsize)
    found = np.empty((len(body), columns), np.int64)
    for i in range(columns):
        found[:, i] = body[f"c{i}"]["value"]
    return found


def _write(new: NDArray[Any], sql: str) -> None:
    """Send rows (id, a, b) and write them with one statement."""
    if not len(new):
        return
    record = np.dtype([("n", ">i2"), *((f"c{i}", [("size", ">i4"), ("value", ">i8")]) for i in range(3))])
    body = np.zeros(len(new), record)
    body["n"] = 3
    for i in range(3):
        body[f"c{i}"]["size"], body[f"c{i}"]["value"] = 8, new[:, i]
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE linking_new (id bigint NOT NULL, a bigint, b bigint) ON COMMIT DROP")
        with cursor.copy("COPY linking_new FROM STDIN (FORMAT BINARY)") as copy:
            copy.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
            copy.write(body.tobytes())
            copy.write(b"\xff\xff")
        cursor.execute("ANALYZE linking_new")
        cursor.execute(sql)
        cursor.execute("DROP TABLE linking_new")


def _run(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def _fetched(sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def _literal(words: list[str]) -> str:
    """Our own words as an array."""
    return "ARRAY[" + ",".join(f"'{word}'" for word in words) + "]"


class _Clock:
    """Says what begins, and how long what came before took."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.seconds: dict[str, float] = {}
        self._say, self._name, self._since = say, "", time.monotonic()

    def next(self, sentence: str, name: str) -> None:
        now = time.monotonic()
        if self._name:
            self.seconds[self._name] = round(now - self._since, 2)
        if sentence:
            self._say(sentence)
        self._name, self._since = name, now
