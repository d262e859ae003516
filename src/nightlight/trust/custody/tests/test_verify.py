# SPDX-License-Identifier: Apache-2.0
"""Whatever the owner of the database changes behind the log's back is found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import connection

from .. import actions, checkpoint, merkle, queries
from ..checkpoint import Checkpoint
from ..models import TreeHead
from ..verify import KEPT_PROBLEMS, Code, Problem, verify
from .conftest import START, Log, superuser

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..checkpoint import SigningKey

# An entry changed together with its hash, as somebody who knows the log would do it.
REWRITE = """
UPDATE custody_event SET (body, leaf_hash) = (
    SELECT other, sha256('\\x00'::bytea || convert_to(other, 'UTF8'))
    FROM replace(body, '"number":5}', '"number":6}') other
) WHERE id = 6
"""
REPLACE_LEAF = """
UPDATE custody_leaf SET hash = event.leaf_hash FROM custody_event event
WHERE event.id = event_id AND event_id = 6
"""

TAMPERINGS = {
    "the time of an entry": (
        "UPDATE custody_event SET at = at + interval '1 microsecond' WHERE id = 6",
        {Code.ENTRY_CHANGED},
    ),
    "the kind of an entry": (
        "UPDATE custody_event SET kind = 'test.other' WHERE id = 6",
        {Code.ENTRY_CHANGED},
    ),
    "the actor of an entry": (
        "UPDATE custody_event SET actor = 'command:me' WHERE id = 6",
        {Code.ENTRY_CHANGED},
    ),
    "the subject of an entry": (
        "UPDATE custody_event SET subject = 'tip:NL-9' WHERE id = 6",
        {Code.ENTRY_CHANGED},
    ),
    "the body of an entry": (
        "UPDATE custody_event SET body = replace(body, '\"number\":5}', '\"number\":6}') WHERE id = 6",
        {Code.ENTRY_CHANGED},
    ),
    "the white space of an entry": (
        "UPDATE custody_event SET body = replace(body, ',', ', ') WHERE id = 6",
        {Code.ENTRY_CHANGED},
    ),
    "the hash of an entry": (
        "UPDATE custody_event SET leaf_hash = sha256('x') WHERE id = 6",
        {Code.ENTRY_CHANGED, Code.LEAF_CHANGED},
    ),
    "body and hash of an entry": (REWRITE, {Code.LEAF_CHANGED}),
    "body, hash and leaf of an entry": (f"{REWRITE}; {REPLACE_LEAF}", {Code.SUBTREE_WRONG, Code.HEAD_WRONG}),
    "the number of an entry": (
        "UPDATE custody_event SET id = 9999 WHERE id = 6",
        {Code.ENTRY_MISSING, Code.ENTRY_NOT_AWAITED},
    ),
    "an entry, removed": ("DELETE FROM custody_event WHERE id = 6", {Code.ENTRY_MISSING}),
    "an entry and its leaf, removed": (
        "DELETE FROM custody_event WHERE id = 6; DELETE FROM custody_leaf WHERE event_id = 6",
        {Code.PLACES_WRONG, Code.SUBTREE_WRONG, Code.HEAD_WRONG},
    ),
    "an entry and its leaf, removed without a gap": (
        "DELETE FROM custody_event WHERE id = 6; DELETE FROM custody_leaf WHERE event_id = 6;"
        "UPDATE custody_leaf SET position = -position WHERE position > 5;"
        "UPDATE custody_leaf SET position = -position - 1 WHERE position < 0",
        {Code.SUBTREE_WRONG, Code.HEAD_WRONG},
    ),
    "the last entries, removed": (
        "DELETE FROM custody_event WHERE id > 650; DELETE FROM custody_pending;"
        "DELETE FROM custody_leaf WHERE event_id > 650",
        {Code.HEAD_WRONG},
    ),
    "the body of an entry that awaits its place": (
        "UPDATE custody_event SET body = replace(body, '\"number\"', '\"nombre\"') WHERE id = 710",
        {Code.ENTRY_CHANGED},
    ),
    "what awaits its place, forgotten": (
        "DELETE FROM custody_pending WHERE event_id = 710",
        {Code.ENTRY_NOT_AWAITED},
    ),
    "what awaits its place, removed": ("DELETE FROM custody_event WHERE id = 710", {Code.PENDING_WRONG}),
    "what has a place, awaiting another": ("INSERT INTO custody_pending VALUES (6)", {Code.PENDING_WRONG}),
    "a leaf": (
        "UPDATE custody_leaf SET hash = sha256('x') WHERE position = 5",
        {Code.LEAF_CHANGED, Code.SUBTREE_WRONG, Code.HEAD_WRONG},
    ),
    "a leaf cut short": (
        "UPDATE custody_leaf SET hash = '' WHERE position = 5",
        {Code.LEAF_CHANGED, Code.SUBTREE_WRONG, Code.HEAD_WRONG},
    ),
    "the place of a leaf": (
        "UPDATE custody_leaf SET position = 9999 WHERE position = 699",
        {Code.PLACES_WRONG},
    ),
    "the places of two leaves, exchanged": (
        "UPDATE custody_leaf SET position = -1 WHERE position = 5;"
        "UPDATE custody_leaf SET position = 5 WHERE position = 6;"
        "UPDATE custody_leaf SET position = 6 WHERE position = -1",
        {Code.SUBTREE_WRONG, Code.HEAD_WRONG},
    ),
    "the entry of a leaf": (
        "UPDATE custody_leaf SET event_id = 710 WHERE position = 5",
        {Code.LEAF_CHANGED, Code.ENTRY_NOT_AWAITED, Code.PENDING_WRONG},
    ),
    "a subtree": ("UPDATE custody_subtree SET hash = sha256('x') WHERE \"index\" = 0", {Code.SUBTREE_WRONG}),
    "a subtree, removed": ('DELETE FROM custody_subtree WHERE "index" = 0', {Code.SUBTREE_WRONG}),
    "a subtree, moved": ('UPDATE custody_subtree SET "index" = 9 WHERE "index" = 1', {Code.SUBTREE_WRONG}),
    "a subtree of another level": (
        'UPDATE custody_subtree SET level = 32767 WHERE "index" = 1',
        {Code.SUBTREE_WRONG},
    ),
    "a subtree below the leaves": (
        'UPDATE custody_subtree SET level = -1 WHERE "index" = 1',
        {Code.SUBTREE_WRONG},
    ),
    "a subtree, invented": ("INSERT INTO custody_subtree VALUES (1, 2, sha256('x'))", {Code.SUBTREE_WRONG}),
    "the size of a head": ("UPDATE custody_tree_head SET size = 301 WHERE size = 300", {Code.HEAD_WRONG}),
    "the root of a head": (
        "UPDATE custody_tree_head SET root = sha256('x') WHERE size = 300",
        {Code.HEAD_WRONG},
    ),
    "the time of a head": (
        "UPDATE custody_tree_head SET at = at + interval '1 day' WHERE size = 300",
        {Code.HEAD_WRONG},
    ),
    "the note of a head": (
        "UPDATE custody_tree_head SET note = replace(note, 'time 2026', 'time 2025') WHERE size = 300",
        {Code.HEAD_NOT_SIGNED},
    ),
    "the note of a head, from another": (
        "UPDATE custody_tree_head SET note = other.note FROM custody_tree_head other"
        " WHERE other.size = 100 AND custody_tree_head.size = 300",
        {Code.HEAD_WRONG},
    ),
    "the order of heads": ("UPDATE custody_tree_head SET id = 99 WHERE size = 100", {Code.HEADS_SHRINK}),
    "a guard, switched off": ("ALTER TABLE custody_leaf DISABLE TRIGGER append_only", {Code.GUARD_MISSING}),
    "a guard, for replicas only": (
        "ALTER TABLE custody_event ENABLE REPLICA TRIGGER append_only",
        {Code.GUARD_MISSING},
    ),
    "the note of what awaits, switched off": (
        "ALTER TABLE custody_event DISABLE TRIGGER note_pending",
        {Code.GUARD_MISSING},
    ),
}
CONSTRAINT = "custody_event_hash_is_of_body"


@pytest.fixture
def grown(log: Log) -> Iterator[Log]:
    """700 placed entries under three heads, and 20 that await their place."""
    log.grow(100, 300, 700)
    log.append(20)
    yield log
    connection.close()
    with superuser() as raw:
        for table in ("custody_event", "custody_leaf"):
            raw.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def _tamper(sql: str) -> None:
    """Change what only the owner could, taking the check of the hash out of the way and putting it back."""
    with superuser() as raw:
        found = raw.execute("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s", [CONSTRAINT])
        definition = found.fetchall()[0][0].removesuffix(" NOT VALID")
        raw.execute(f"ALTER TABLE custody_event DROP CONSTRAINT {CONSTRAINT}")
        raw.execute(sql.encode())
        raw.execute(f"ALTER TABLE custody_event ADD CONSTRAINT {CONSTRAINT} {definition} NOT VALID")


@pytest.mark.parametrize("what", TAMPERINGS)
def test_tampering_is_found(grown: Log, what: str) -> None:
    sql, codes = TAMPERINGS[what]
    _tamper(sql)
    report = verify()
    assert not report.ok
    assert {problem.code for problem in report.problems} == codes
    assert report.problem_count == len(report.problems)


def test_a_single_change_is_told_where_it_is(grown: Log) -> None:
    _tamper(REWRITE)
    assert verify().problems == [Problem(Code.LEAF_CHANGED, "leaf 5", "differs from the hash of event 6")]


def test_a_log_rewritten_from_the_beginning_is_found_by_a_head_that_was_kept_elsewhere(grown: Log) -> None:
    kept = [head.note for head in TreeHead.objects.order_by("size")]
    connection.close()
    _tamper("; ".join([REWRITE, REPLACE_LEAF, "DELETE FROM custody_subtree", "DELETE FROM custody_tree_head"]))
    _rewrite_tree(grown)
    assert verify().ok
    report = verify(witnessed=kept)
    assert [(problem.code, problem.where) for problem in report.problems] == [
        (Code.HEAD_WRONG, "witnessed head 1 (size 100)"),
        (Code.HEAD_WRONG, "witnessed head 2 (size 300)"),
        (Code.HEAD_WRONG, "witnessed head 3 (size 700)"),
    ]


def _rewrite_tree(log: Log) -> None:
    """What an owner with the key would do: make subtrees and a head anew over the changed leaves."""
    frontier = merkle.Frontier()
    with superuser() as raw:
        leaves = raw.execute("SELECT hash FROM custody_leaf ORDER BY position").fetchall()
        for node in frontier.add(row[0] for row in leaves):
            raw.execute("INSERT INTO custody_subtree VALUES (%s, %s, %s)", [node.level, node.index, node.hash])
    checkpoint_ = Checkpoint(log.key.name, frontier.size, frontier.root(), START)
    TreeHead.objects.create(
        size=frontier.size, root=frontier.root(), note=checkpoint.sign(checkpoint_, log.key), at=START
    )


def test_a_witnessed_head_larger_than_the_log_or_unsigned_is_a_problem(grown: Log, stranger: SigningKey) -> None:
    beyond = checkpoint.sign(Checkpoint(grown.key.name, 5000, bytes(32), START), grown.key)
    foreign = checkpoint.sign(Checkpoint(grown.key.name, 300, bytes(32), START), stranger)
    report = verify(witnessed=[beyond, foreign, "nonsense"])
    assert [(problem.code, problem.where) for problem in report.problems] == [
        (Code.HEAD_NOT_SIGNED, "witnessed head 2"),
        (Code.HEAD_NOT_SIGNED, "witnessed head 3"),
        (Code.HEAD_WRONG, "witnessed head 1 (size 5000)"),
    ]


def test_heads_of_another_key_are_not_trusted(grown: Log, stranger: SigningKey) -> None:
    report = verify(trusted=[stranger.verifier])
    assert {problem.code for problem in report.problems} == {Code.HEAD_NOT_SIGNED}
    assert report.problem_count == 3


def test_problems_beyond_the_first_thousand_are_counted_not_kept(log: Log) -> None:
    log.append(KEPT_PROBLEMS + 5)
    actions.sequence(at=START)
    _tamper("UPDATE custody_event SET kind = 'test.other'")
    report = verify()
    assert len(report.problems) == KEPT_PROBLEMS
    assert report.problem_count == KEPT_PROBLEMS + 5


def test_what_other_checks_find_is_reported_with_the_rest(grown: Log) -> None:
    problem = Problem("file-missing", "item EV-1", "is not in the vault")

    def check() -> Iterator[Problem]:
        assert queries.size() == 700
        yield problem

    report = verify(extra_checks=[check, list])
    assert report.problems == [problem]
    assert not report.ok


def test_an_empty_log_is_sound(log: Log) -> None:
    report = verify()
    assert report.ok
    assert (report.placed, report.pending, report.subtrees, report.heads) == (0, 0, 0, 0)


def test_a_sound_log_is_counted_and_progress_is_told(grown: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nightlight.trust.custody.verify.CHUNK", 256)
    progress: list[tuple[int, int]] = []
    kept = [head.note for head in TreeHead.objects.all()]
    report = verify(on_progress=lambda done, total: progress.append((done, total)), witnessed=kept)
    assert report.ok, report.problems
    assert (report.placed, report.pending, report.subtrees, report.heads) == (700, 20, 2, 6)
    assert progress == [(256, 720), (512, 720), (720, 720)]
