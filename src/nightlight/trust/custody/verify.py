# SPDX-License-Identifier: Apache-2.0
"""Goes through the whole log and says whether every entry, place, subtree and signed head is as written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from heapq import merge
from typing import Any, TypeAlias

from django.db import connection, transaction

from nightlight.foundation.clock import stamp

from . import checkpoint, keys, merkle, rules
from .append_only import APPEND_ONLY_TABLES, GUARD
from .checkpoint import NoteRefused, VerifierKey

KEPT_PROBLEMS = 1000
CHUNK = 4096


class Code(StrEnum):
    """What can be wrong with the log."""

    ENTRY_CHANGED = "entry-changed"
    ENTRY_MISSING = "entry-missing"
    ENTRY_NOT_AWAITED = "entry-not-awaited"
    PENDING_WRONG = "pending-wrong"
    PLACES_WRONG = "places-wrong"
    LEAF_CHANGED = "leaf-changed"
    SUBTREE_WRONG = "subtree-wrong"
    HEAD_WRONG = "head-wrong"
    HEAD_NOT_SIGNED = "head-not-signed"
    HEADS_SHRINK = "heads-shrink"
    GUARD_MISSING = "guard-missing"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: what kind (other apps bring codes of their own), where, and a sentence."""

    code: str
    where: str
    text: str


# Other apps hand in checks of what they keep against what the log says; they run in the same snapshot.
Check: TypeAlias = Callable[[], Iterable[Problem]]
Progress: TypeAlias = Callable[[int, int], None]


@dataclass(slots=True)
class VerifyReport:
    """What was checked, and what was found; the first 1,000 problems are kept, all are counted."""

    placed: int = 0
    pending: int = 0
    subtrees: int = 0
    heads: int = 0
    problem_count: int = 0
    problems: list[Problem] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing at all was wrong."""
        return self.problem_count == 0

    def add(self, problem: Problem) -> None:
        """Count a problem, and keep it if there is room."""
        self.problem_count += 1
        if len(self.problems) < KEPT_PROBLEMS:
            self.problems.append(problem)


def verify(
    *,
    extra_checks: Sequence[Check] = (),
    on_progress: Progress | None = None,
    trusted: Sequence[VerifierKey] | None = None,
    witnessed: Sequence[str] = (),
) -> VerifyReport:
    """Check the whole log in one snapshot and bounded memory; other work goes on meanwhile.

    `on_progress(done, total)` is called every 4,096 entries. `trusted` are the keys whose heads count, by
    default the installation's own. `witnessed` are signed heads (note texts) that were kept elsewhere: only
    they reveal a log that its owner rewrote from the beginning, heads and all.
    """
    with _snapshot():
        run = _Run(keys.trusted_keys() if trusted is None else trusted, on_progress or _ignore)
        run.guards()
        run.placed(witnessed)
        run.unplaced()
        for check in extra_checks:
            for problem in check():
                run.report.add(problem)
    return run.report


class _Run:
    def __init__(self, trusted: Sequence[VerifierKey], on_progress: Progress) -> None:
        self.report = VerifyReport()
        self.trusted = trusted
        self.on_progress = on_progress
        self.total: int = next(_rows("SELECT count(*) FROM custody_event"))[0]

    def problem(self, code: Code, where: str, text: str) -> None:
        self.report.add(Problem(code, where, text))

    def guards(self) -> None:
        """Are the triggers that refuse changes, and the one that notes new entries, in place and on?"""
        sql = "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE tgenabled IN ('O', 'A')"
        present = set(_rows(sql))
        wanted = [*((table, GUARD) for table in APPEND_ONLY_TABLES), ("custody_event", "note_pending")]
        for table, trigger in wanted:
            if (table, trigger) not in present:
                self.problem(Code.GUARD_MISSING, f"table {table}", f"trigger {trigger} is missing or switched off")

    def placed(self, witnessed: Sequence[str]) -> None:
        """Walk the leaves from left to right beside the stored subtrees and heads, growing the tree anew."""
        tree = merkle.Frontier()
        subtrees = _Subtrees(self)
        heads = _Heads(self, witnessed)
        heads.reached(tree)
        for position, event_id, leaf_hash, found, *columns in _rows(
            "SELECT leaf.position, leaf.event_id, leaf.hash, event.id,"
            " event.at, event.kind, event.actor, event.subject, event.body, event.leaf_hash"
            " FROM custody_leaf leaf LEFT JOIN custody_event event ON event.id = leaf.event_id"
            " ORDER BY leaf.position"
        ):
            where = f"leaf {position}"
            if position != tree.size:
                self.problem(Code.PLACES_WRONG, where, f"expected position {tree.size}: a leaf is missing or extra")
            if found is None:
                self.problem(Code.ENTRY_MISSING, where, f"event {event_id} is gone")
            else:
                self.entry(f"event {event_id}", rules.Entry(*columns))
                if columns[-1] != leaf_hash:
                    self.problem(Code.LEAF_CHANGED, where, f"differs from the hash of event {event_id}")
            for node in tree.add([bytes(leaf_hash)]):
                subtrees.completed(node)
            heads.reached(tree)
            self.report.placed = tree.size
            if tree.size % CHUNK == 0:
                self.on_progress(tree.size, self.total)
        subtrees.end()
        heads.end(tree.size)

    def unplaced(self) -> None:
        """Is every other entry awaiting its place, and nothing else?"""
        for event_id, pending, *columns in _rows(
            "SELECT event.id, pending.event_id IS NOT NULL,"
            " event.at, event.kind, event.actor, event.subject, event.body, event.leaf_hash"
            " FROM custody_event event LEFT JOIN custody_leaf leaf ON leaf.event_id = event.id"
            " LEFT JOIN custody_pending pending ON pending.event_id = event.id"
            " WHERE leaf.event_id IS NULL ORDER BY event.id"
        ):
            self.entry(f"event {event_id}", rules.Entry(*columns))
            if not pending:
                self.problem(Code.ENTRY_NOT_AWAITED, f"event {event_id}", "has no place and awaits none")
            self.report.pending += 1
        for event_id, exists in _rows(
            "SELECT pending.event_id, event.id IS NOT NULL FROM custody_pending pending"
            " LEFT JOIN custody_event event ON event.id = pending.event_id"
            " LEFT JOIN custody_leaf leaf ON leaf.event_id = pending.event_id"
            " WHERE event.id IS NULL OR leaf.event_id IS NOT NULL ORDER BY pending.event_id"
        ):
            text = "has a place already, yet awaits one" if exists else "is gone, yet awaits a place"
            self.problem(Code.PENDING_WRONG, f"event {event_id}", text)
        self.on_progress(self.total, self.total)

    def entry(self, where: str, entry: rules.Entry) -> None:
        wrong = rules.discrepancy(entry)
        if wrong:
            self.problem(Code.ENTRY_CHANGED, where, wrong)


class _Subtrees:
    """The stored subtrees in the order in which growing the tree completes them."""

    def __init__(self, run: _Run) -> None:
        self.run = run
        self.stored = (
            merkle.Node(level, index, bytes(hash_))
            for level, index, hash_ in _rows(
                'SELECT level, "index", hash FROM custody_subtree'
                # numeric: a forged level or index must not overflow the sort
                ' ORDER BY ("index"::numeric + 1) * 256::numeric ^ level, level'
            )
        )
        self.next = next(self.stored, None)

    def completed(self, node: merkle.Node) -> None:
        while self.next and _order(self.next) < _order(node):
            self._extra()
        self.run.report.subtrees += 1
        where = f"subtree {node.index} of level {node.level}"
        if self.next is None or _order(self.next) != _order(node):
            self.run.problem(Code.SUBTREE_WRONG, where, "is missing")
            return
        if self.next.hash != node.hash:
            self.run.problem(Code.SUBTREE_WRONG, where, "differs from its leaves")
        self.next = next(self.stored, None)

    def end(self) -> None:
        while self.next:
            self._extra()

    def _extra(self) -> None:
        assert self.next  # noqa: S101 - for the type checker; both callers have looked
        where = f"subtree {self.next.index} of level {self.next.level}"
        self.run.problem(Code.SUBTREE_WRONG, where, "has no such leaves")
        self.next = next(self.stored, None)


@dataclass(frozen=True, slots=True)
class _Head:
    """What a head states, and where that head was found."""

    where: str
    size: int
    root: bytes


class _Heads:
    """The heads, stored and witnessed, in order of size.

    Each head's root is computed anew over one and the same sequence of leaves. Heads that all agree with it
    are consistent with each other, so no consistency proof is needed here.
    """

    def __init__(self, run: _Run, witnessed: Sequence[str]) -> None:
        self.run = run
        self.heads = merge(self._stored(), self._witnessed(witnessed), key=lambda head: head.size)
        self.next = next(self.heads, None)

    def reached(self, tree: merkle.Frontier) -> None:
        """Check every head of exactly this size."""
        while self.next and self.next.size <= tree.size:
            if self.next.size != tree.size or self.next.root != tree.root():
                self.run.problem(Code.HEAD_WRONG, self.next.where, "the log is not what was signed")
            self._advance()

    def end(self, size: int) -> None:
        while self.next:
            text = f"{self.next.size} entries were signed, only {size} are here"
            self.run.problem(Code.HEAD_WRONG, self.next.where, text)
            self._advance()

    def _advance(self) -> None:
        self.run.report.heads += 1
        self.next = next(self.heads, None)

    def _stored(self) -> Iterator[_Head]:
        last_id = 0
        for id_, size, root, note, at in _rows("SELECT id, size, root, note, at FROM custody_tree_head ORDER BY size"):
            where = f"head {size}"
            if id_ < last_id:
                self.run.problem(Code.HEADS_SHRINK, where, "was signed before a smaller head")
            last_id = id_
            try:
                signed = checkpoint.verify(note, self.run.trusted)
            except NoteRefused as error:
                self.run.problem(Code.HEAD_NOT_SIGNED, where, str(error))
            else:
                if (signed.size, signed.root, stamp(signed.at)) != (size, root, stamp(at)):
                    self.run.problem(Code.HEAD_WRONG, where, "its columns differ from what was signed")
            yield _Head(where, size, root)

    def _witnessed(self, notes: Sequence[str]) -> list[_Head]:
        heads = []
        for number, note in enumerate(notes, 1):
            where = f"witnessed head {number}"
            try:
                signed = checkpoint.verify(note, self.run.trusted)
            except NoteRefused as error:
                self.run.problem(Code.HEAD_NOT_SIGNED, where, str(error))
            else:
                heads.append(_Head(f"{where} (size {signed.size})", signed.size, signed.root))
        return sorted(heads, key=lambda head: head.size)


def _order(node: merkle.Node) -> tuple[float, int]:
    """The last leaf a subtree covers decides when it is complete; of several, the lower level comes first."""
    return (node.index + 1) * 256**node.level, node.level


def _rows(sql: str) -> Iterator[tuple[Any, ...]]:
    """Stream rows through a cursor of the server, so that memory stays bounded."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(sql)
        while rows := cursor.fetchmany(CHUNK):
            yield from rows


@contextmanager
def _snapshot() -> Iterator[None]:
    """One unchanging view of the database for the whole run; in an open transaction, that transaction's."""
    nested = connection.in_atomic_block
    if not nested:
        with connection.cursor() as cursor:
            # Who is acting is told before the first statement: inside the transaction it would come before the next.
            cursor.execute("SELECT 1")
    with transaction.atomic():
        if not nested:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield


def _ignore(_done: int, _total: int) -> None:
    return None
