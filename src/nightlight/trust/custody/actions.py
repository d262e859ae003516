# SPDX-License-Identifier: Apache-2.0
"""Every write to the custody log: adding an entry, giving entries their order, signing a tree head.

An entry is added in the transaction of the act it records, without waiting for any other. Its place in the
tree is given later, by one sequencer at a time, as transparency logs do.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction

from nightlight.foundation.refusals import Conflict
from nightlight.trust import statements

from . import checkpoint, keys, merkle, queries, rules
from .checkpoint import Checkpoint, NoteRefused, SigningKey
from .models import Subtree, TreeHead

if TYPE_CHECKING:
    from datetime import datetime

    from nightlight.foundation.canonical_json import Json

# One number for the whole database: PostgreSQL's advisory locks have no names. "CUSTODY" in ASCII.
SEQUENCER_LOCK = 0x435553544F4459
BATCH = 4096
# Two transactions that put the same follow-up into the queue at once: the later one finds it there on its next try.
QUEUE_LOCK = "procrastinate_jobs_queueing_lock_idx_v1"

# The number is drawn first, not returned: who adds an entry need not be allowed to read the log.
_APPEND = """
WITH drawn AS MATERIALIZED (SELECT nextval(pg_get_serial_sequence('custody_event', 'id')) AS id),
added AS (INSERT INTO custody_event (id, at, kind, actor, subject, body, leaf_hash)
          SELECT id, %s, %s, %s, %s, %s, %s FROM drawn RETURNING 1)
SELECT id FROM drawn
"""
# LEFT JOIN: a pending row whose event is gone stops the sequencer (hash is NOT NULL) instead of vanishing.
_SEQUENCE = """
WITH taken AS (
    DELETE FROM custody_pending
    WHERE event_id = ANY (ARRAY(SELECT event_id FROM custody_pending ORDER BY event_id LIMIT %s))
    RETURNING event_id
)
INSERT INTO custody_leaf (position, event_id, hash)
SELECT %s + row_number() OVER (ORDER BY taken.event_id) - 1, taken.event_id, event.leaf_hash
FROM taken LEFT JOIN custody_event event ON event.id = taken.event_id
RETURNING position, hash
"""


@dataclass(frozen=True, slots=True)
class EventRef:
    """An entry just added: its number, what happened, and to what."""

    id: int
    kind: str
    subject: str


Listener = Callable[[EventRef], None]
FollowUp = Callable[[str], Sequence[str]]
_listeners: list[Listener] = []
_follow_ups: list[FollowUp] = []


def listen(callback: Listener, *, statements: FollowUp | None = None) -> None:
    """Have `callback` told of each entry, inside the entry's transaction; what it raises undoes both.

    `statements` does the same for entries written by `run_with_event`: for a kind of event it returns the SELECTs
    (without parameters, ending in a WHERE clause) that are to run as part of the entry's own statement.
    """
    if callback not in _listeners:
        _listeners.append(callback)
    if statements is not None and statements not in _follow_ups:
        _follow_ups.append(statements)


def run_with_event(
    ctes: str,
    parameters: Mapping[str, object],
    *,
    source: str,
    by: str,
    at: datetime,
    kind: str,
    subject: str,
    data: Mapping[str, Json],
    also: str = "NULL",
) -> tuple[int, Any]:
    """Run common table expressions and add an entry for what they did, all in one statement.

    `ctes` is "WITH name AS (...), ... ," and ends in a comma; the entry is written once for each row of the one named
    `source` (so not at all where nothing was done). Returns the number of entries and the value of `also`. One
    statement is one transaction where none is open, so this is as safe as `append`, in a quarter of the round trips.
    Raises ValueError as `rules.entry` does, and the database's errors; then nothing was written.
    """
    entry = rules.entry(by=by, at=at, kind=kind, subject=subject, data=data, unique=secrets.token_hex(16))
    follow_ups = [sql for give in _follow_ups for sql in give(kind)]
    followed = "".join(f", follow_{n} AS ({sql} AND EXISTS (SELECT 1 FROM event))" for n, sql in enumerate(follow_ups))
    # A SELECT in a common table expression runs only where something asks for its rows.
    asked = "".join(f", (SELECT count(*) FROM follow_{n})" for n in range(len(follow_ups)))
    sql = (
        f"{ctes} event AS (INSERT INTO custody_event (at, kind, actor, subject, body, leaf_hash)"
        f" SELECT %(event_at)s, %(event_kind)s, %(event_actor)s, %(event_subject)s, %(event_body)s, %(event_leaf)s"
        f" FROM {source} RETURNING 1){followed} SELECT (SELECT count(*) FROM event), {also}{asked}"
    )
    told = {
        "event_at": entry.at,
        "event_kind": entry.kind,
        "event_actor": entry.actor,
        "event_subject": entry.subject,
        "event_body": entry.body,
        "event_leaf": entry.leaf_hash,
    }
    (row,) = statements.until_unique(lambda: statements.rows(sql, {**parameters, **told}), only=QUEUE_LOCK)
    return row[0], row[1]


def append(*, by: str, at: datetime, kind: str, subject: str, data: Mapping[str, Json]) -> EventRef:
    """Add an entry to the log, in the caller's transaction, and tell the listeners.

    `by` and `subject` are "what:which" ("officer:OF-7F3K-9QTX", "tip:NL-7F3K-9QTX"). In `data`, the key
    "sha256" (lower-case hex) is reserved for the digest of a file, at any depth: the court bundle checks
    files against it.

    Raises RuntimeError outside a transaction: an entry without its act, or an act without its entry, must
    not be possible. Raises ValueError as `rules.entry` does.
    """
    sql, parameters = append_sql(by=by, at=at, kind=kind, subject=subject, data=data)
    if not connection.in_atomic_block:
        raise RuntimeError("a custody entry is added in the transaction of the act it records")
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        row = cursor.fetchone()
    event = EventRef(row[0], kind, subject)
    announce(event)
    return event


def append_sql(
    *, by: str, at: datetime, kind: str, subject: str, data: Mapping[str, Json]
) -> tuple[str, tuple[datetime | str | bytes, ...]]:
    """Return the statement that adds an entry and gives its number, and its parameters, to be run by itself.

    Writes nothing. Whoever runs it does so in a transaction and calls `announce` afterwards. Raises
    ValueError.
    """
    entry = rules.entry(by=by, at=at, kind=kind, subject=subject, data=data, unique=secrets.token_hex(16))
    return _APPEND, (entry.at, entry.kind, entry.actor, entry.subject, entry.body, entry.leaf_hash)


def announce(event: EventRef) -> None:
    """Tell the listeners of an entry added by way of `append_sql`; `append` does so by itself."""
    for callback in _listeners:
        callback(event)


def sequence(*, at: datetime) -> int:
    """Give every committed entry that has no place the next free one in the tree; return how many there were.

    Why nothing is skipped and nothing placed twice. A trigger notes each entry in `custody_pending` in the
    entry's own transaction, so a committed entry is either pending or placed, always. Entries commit in
    another order than their ids are drawn; therefore we take what is pending instead of remembering a last
    id: a latecomer with a lower id is simply placed in the next run. One sequencer works at a time
    (advisory lock until commit); taking from pending, placing, and completing subtrees are one transaction.
    Places are gapless because they are counted from the last one under that lock, never drawn from a
    database sequence.

    What remains open is the time between an entry's commit and the next signed head: until then the log
    itself cannot show that an entry was altered. Hence heads are signed every few minutes. `at` is not
    stored: the head, not the sequencer, states the time. Works in batches of 4,096, each in its own
    transaction when none is open.
    """
    total = 0
    while True:
        with transaction.atomic():
            done = _sequence_batch()
        total += done
        if done < BATCH:
            return total


def sign_head(*, at: datetime, key: SigningKey) -> TreeHead | None:
    """Place all pending entries, then sign the size and root of the tree; None when nothing was added since.

    Raises Conflict, and signs nothing, when the stored tree no longer contains the tree of the last head,
    or when that head was signed by a key that is neither `key` nor retired.
    """
    sequence(at=at)
    with transaction.atomic():
        _lock()
        size = queries.size()
        latest = queries.latest_head()
        if latest is None and size == 0:
            return None
        tree = queries.StoredTree()
        if latest is not None:
            _must_extend(latest, size, tree, key)
            if latest.size == size:
                return None
        root = merkle.root(tree, size)
        note = checkpoint.sign(Checkpoint(key.name, size, root, at), key)
        return TreeHead.objects.create(size=size, root=root, note=note, at=at)


def _lock() -> None:
    # A statement of its own: the next one must take its snapshot after the lock is ours.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [SEQUENCER_LOCK])


def _sequence_batch() -> int:
    _lock()
    size = queries.size()
    with connection.cursor() as cursor:
        cursor.execute(_SEQUENCE, [BATCH, size])
        placed = sorted(cursor.fetchall())
    if placed:
        frontier = merkle.Frontier.load(queries.StoredTree(), size)
        completed = frontier.add(bytes(leaf) for _position, leaf in placed)
        Subtree.objects.bulk_create(Subtree(level=n.level, index=n.index, hash=n.hash) for n in completed)
    return len(placed)


def _must_extend(latest: TreeHead, size: int, tree: merkle.NodeReader, key: SigningKey) -> None:
    try:
        signed = checkpoint.verify(latest.note, [key.verifier, *keys.retired_keys()])
    except NoteRefused as error:
        raise Conflict(
            f"The last tree head (size {latest.size}) is not signed by this key or a retired one: {error}. "
            "Restore the key file, or list the earlier public key as retired."
        ) from error
    if size < signed.size or merkle.root(tree, signed.size) != signed.root:
        raise Conflict(
            f"The log no longer contains what was signed at size {signed.size}. Nothing more is signed; "
            "run the custody verification and compare with the heads that left the building."
        )
