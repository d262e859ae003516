# SPDX-License-Identifier: Apache-2.0
"""Compares staged rows with a list's entries and brings the list to what they say, in the caller's transaction.

What is unchanged is not written, so that an index built before need not look at it. What an entry said before it was
updated, withdrawn or taken back in stays as an EntryChange. Works in sets: a few statements whatever the list's size.
"""

# ruff: noqa: S608 - statements put together of our own text; values are bound

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import connection

from nightlight.pipeline.matching.lists.rows import Code
from nightlight.pipeline.matching.staging import TABLE

if TYPE_CHECKING:
    from datetime import datetime

_CONTENT = (
    "media",
    "classification",
    "md5",
    "sha1",
    "sha256",
    "pdq",
    "pdq_quality",
    "frames",
    "opaque",
    "claims",
)
_SAME = " AND ".join(f"a.{name} IS NOT DISTINCT FROM b.{name}" for name in _CONTENT)
_DIFFERS = " OR ".join(f"e.{name} IS DISTINCT FROM s.{name}" for name in _CONTENT)
# A copy of the row for whoever has to find it in the file: as it was read, not as it stood there.
_AS_READ = """convert_to(left(jsonb_strip_nulls(jsonb_build_object('id', s.source_id, 'media', s.media,
    'classification', s.classification, 'md5', encode(s.md5, 'hex'), 'sha1', encode(s.sha1, 'hex'),
    'sha256', encode(s.sha256, 'hex'), 'pdq', encode(s.pdq, 'hex'), 'claims', s.claims))::text, 500), 'UTF8')"""
_BEFORE = """jsonb_build_object('media', e.media, 'classification', e.classification, 'md5', encode(e.md5, 'hex'),
    'sha1', encode(e.sha1, 'hex'), 'sha256', encode(e.sha256, 'hex'), 'pdq', encode(e.pdq, 'hex'),
    'pdq_quality', e.pdq_quality, 'frames', encode(e.frames, 'hex'), 'opaque', e.opaque, 'claims', e.claims,
    'withdrawn', e.withdrawn, 'edition', e.edition)"""

_REPEATS = f"""
CREATE TEMP TABLE matching_repeats ON COMMIT DROP AS
WITH first AS (SELECT source_id, min(n) AS n FROM {TABLE} GROUP BY source_id HAVING count(*) > 1)
SELECT b.n, ({_SAME}) AS same FROM first f
JOIN {TABLE} a ON a.source_id = f.source_id AND a.n = f.n
JOIN {TABLE} b ON b.source_id = f.source_id AND b.n > f.n
"""
_CONTRADICTIONS = f"""
INSERT INTO matching_badrow (edition_id, row, code, reason, raw)
SELECT %(edition)s, s.row, %(code)s, 'Another row before has this id and says something else; that one is in.',
       {_AS_READ}
FROM matching_repeats r JOIN {TABLE} s ON s.n = r.n WHERE NOT r.same
"""
_DROP_REPEATS = f"DELETE FROM {TABLE} s USING matching_repeats r WHERE s.n = r.n"
# Of what a server says about one entry the latest counts; at equal times what came last (sharing/terms.supersedes).
_LATEST = f"""
DELETE FROM {TABLE} s USING
    (SELECT n, row_number() OVER (PARTITION BY source_id ORDER BY stated_at DESC, n DESC) AS place FROM {TABLE}) o
WHERE s.n = o.n AND o.place > 1
"""
_OLDER = f"""
DELETE FROM {TABLE} s USING matching_entry e
WHERE e.hash_list_id = %(list)s AND e.source_id = s.source_id AND s.stated_at < (e.claims->>'timestamp')::timestamptz
"""
_ANY = "SELECT EXISTS (SELECT 1 FROM matching_entry WHERE hash_list_id = %(list)s)"
_CHANGED = f"""
CREATE TEMP TABLE matching_changed ON COMMIT DROP AS
SELECT e.id, s.n, CASE WHEN e.id IS NULL THEN 'added' WHEN s.gone THEN 'withdrawn'
                       WHEN e.withdrawn THEN 'restored' ELSE 'updated' END AS what
FROM {TABLE} s LEFT JOIN matching_entry e ON e.hash_list_id = %(list)s AND e.source_id = s.source_id
WHERE CASE WHEN e.id IS NULL THEN NOT s.gone WHEN s.gone THEN NOT e.withdrawn ELSE e.withdrawn OR {_DIFFERS} END
"""
_MISSING = f"""
INSERT INTO matching_changed
SELECT e.id, NULL, 'withdrawn' FROM matching_entry e
WHERE e.hash_list_id = %(list)s AND NOT e.withdrawn
  AND NOT EXISTS (SELECT 1 FROM {TABLE} s WHERE s.source_id = e.source_id)
"""
_KEEP_BEFORE = f"""
INSERT INTO matching_entrychange (entry_id, edition, what, before, at)
SELECT e.id, %(number)s, c.what, {_BEFORE}, %(at)s FROM matching_changed c JOIN matching_entry e ON e.id = c.id
"""
_UPDATE = f"""
UPDATE matching_entry e SET {", ".join(f"{name} = s.{name}" for name in _CONTENT)},
    withdrawn = false, edition = %(number)s, changed_at = %(at)s
FROM matching_changed c JOIN {TABLE} s ON s.n = c.n WHERE e.id = c.id AND c.what IN ('updated', 'restored')
"""
# The last word of a server stays with the entry, so that an older page does not bring it back.
_WITHDRAW = f"""
UPDATE matching_entry e SET withdrawn = true, edition = %(number)s, changed_at = %(at)s,
    claims = CASE WHEN s.stated_at IS NULL THEN e.claims
             ELSE e.claims || jsonb_build_object('timestamp', s.claims->>'timestamp') END
FROM matching_changed c LEFT JOIN {TABLE} s ON s.n = c.n WHERE e.id = c.id AND c.what = 'withdrawn'
"""
_INSERT = f"""
INSERT INTO matching_entry (hash_list_id, source_id, {", ".join(_CONTENT)}, withdrawn, edition, changed_at)
SELECT %(list)s, s.source_id, {", ".join(f"s.{name}" for name in _CONTENT)}, false, %(number)s, %(at)s
FROM {TABLE} s
"""
_ALL = " WHERE NOT s.gone"  # into a list without entries
_NEW = " JOIN matching_changed c ON c.n = s.n AND c.what = 'added'"
_ROWS = f"""
SELECT (SELECT count(*) FROM {TABLE}),
       (SELECT count(DISTINCT b.row) FROM matching_badrow b WHERE b.edition_id = %(edition)s
        AND NOT EXISTS (SELECT 1 FROM {TABLE} s WHERE s.row = b.row))
"""


@dataclass(slots=True)
class Counts:
    """What was counted here. ``bad`` counts reports of rows and values that are not in, ``rows`` the source's rows."""

    rows: int = 0
    good: int = 0
    bad: int = 0
    repeated: int = 0
    added: int = 0
    updated: int = 0  # those that came back among them
    restored: int = 0
    withdrawn: int = 0
    unchanged: int = 0
    replaces: bool = False
    first: bool = False  # whether the list had no entry before


def settle(*, edition_id: int, bad: int) -> Counts:
    """Find rows that came twice: identical ones are counted, contradictory ones kept as bad rows; the first stays.

    Needs a transaction. Raises the database's errors.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {TABLE}")
        cursor.execute(_ROWS, {"edition": edition_id})
        staged, only_bad = cursor.fetchone()
        cursor.execute("SET LOCAL work_mem = '128MB'")
        cursor.execute("DROP TABLE IF EXISTS matching_repeats")
        cursor.execute(_REPEATS)
        repeats = cursor.rowcount
        contradictions = 0
        if repeats:
            cursor.execute(_CONTRADICTIONS, {"edition": edition_id, "code": str(Code.DUPLICATE_CONFLICT)})
            contradictions = cursor.rowcount
            cursor.execute(_DROP_REPEATS)
    return Counts(
        rows=staged + only_bad, good=staged - repeats, bad=bad + contradictions, repeated=repeats - contradictions
    )


def settle_stated(*, list_id: int) -> Counts:
    """Of what a server said, keep the latest word on each entry, and nothing older than what is known. Counts rows."""
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {TABLE}")
        cursor.execute(f"SELECT count(*) FROM {TABLE}")
        (staged,) = cursor.fetchone()
        cursor.execute(_LATEST)
        repeated = cursor.rowcount
        cursor.execute(_OLDER, {"list": list_id})
        return Counts(rows=staged, good=staged - repeated - cursor.rowcount, repeated=repeated + cursor.rowcount)


def compare(counts: Counts, *, list_id: int, replaces: bool) -> bool:
    """Find what differs from the list, count it, and return whether anything does.

    The transaction's own. ``replaces``: whether an entry that is not among the rows is withdrawn.
    """
    counts.replaces = replaces
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '128MB'")
        cursor.execute(_ANY, {"list": list_id})
        counts.first = not cursor.fetchone()[0]
        if counts.first:
            cursor.execute(f"SELECT count(*) FROM {TABLE} s {_ALL}")
            (counts.added,) = cursor.fetchone()
        else:
            cursor.execute("DROP TABLE IF EXISTS matching_changed")
            cursor.execute(_CHANGED, {"list": list_id})
            if replaces:
                cursor.execute(_MISSING, {"list": list_id})
            cursor.execute("SELECT what, count(*) FROM matching_changed GROUP BY what")
            found = dict(cursor.fetchall())
            counts.added = found.get("added", 0)
            counts.restored = found.get("restored", 0)
            counts.updated = found.get("updated", 0) + counts.restored
            counts.withdrawn = found.get("withdrawn", 0)
    # A list that is replaced withdraws what is not among the rows; a server's rows say themselves what is.
    said = counts.added + counts.updated + (0 if replaces else counts.withdrawn)
    counts.unchanged = counts.good - said
    return bool(counts.added or counts.updated or counts.withdrawn)


def write(counts: Counts, *, list_id: int, number: int, at: datetime) -> None:
    """Write what ``compare`` found in this transaction, and keep what was said before."""
    values: dict[str, int | datetime] = {"list": list_id, "number": number, "at": at}
    with connection.cursor() as cursor:
        if counts.updated or counts.withdrawn:
            cursor.execute("ANALYZE matching_changed")
            cursor.execute(_KEEP_BEFORE, values)
        if counts.updated:
            cursor.execute(_UPDATE, values)
        if counts.withdrawn:
            cursor.execute(_WITHDRAW, values)
        if counts.added:
            cursor.execute(_INSERT + (_ALL if counts.first else _NEW), values)
