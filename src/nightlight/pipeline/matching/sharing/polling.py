# SPDX-License-Identifier: Apache-2.0
"""Poll a Hash Sharing server: every page of a range of time is handed over, and only then does the checkpoint move.

Pages are not in order of time, so nothing is known to be complete before the last page. What goes wrong ends
the poll with a coded failure and leaves the checkpoint where it was; pages that came may come again, and
handing the same page over twice must be harmless (an entry is its member and id, see `terms.supersedes`).

The range. `from` is exclusive and `to` inclusive on the wire, both at whole seconds. `to` is LAG behind our
clock, so that its second is over on a server whose clock agrees with ours and rows that were being written are
there. `from` is OVERLAP before the checkpoint: that much may the clocks differ, or a row become visible late,
before anything is missed. The overlap comes twice, which is harmless.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode

from . import reading, writing
from .source import SourceFailed
from .terms import VERSION, Claim, Media, Page

if TYPE_CHECKING:
    from collections.abc import Callable

    from .source import Source

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
LAG = timedelta(seconds=10)
OVERLAP = timedelta(minutes=5)
KEPT = timedelta(hours=12)
"""How long the address of a next page may be stored; the servers do not promise it any longer."""

MAX_PAGES = 1_000_000
"""Pages of one poll; a thousand million entries."""

LONGEST = timedelta(hours=2)
"""How long one poll may go on asking for further pages: a server that is slow without end is left. Past it there is
no request, so what a poll takes at most is this and the time of one page (see source.py)."""

_ENTRIES = f"{VERSION}/entries?"


@dataclass(frozen=True, slots=True)
class Half:
    """A poll that stopped between two pages: its range, the address of the page to go on with, and when it came.

    `since` and `to` are what the server was asked; `rows` and `pages` are what had come by then.
    """

    since: datetime
    to: datetime
    next: str
    at: datetime
    pages: int
    rows: int


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Everything up to and including `upto` is known here. `half` is a poll to go on with.

    `again` is where the last poll began, when the server's own figures said that rows were missing: the next
    poll looks at that range once more.
    """

    upto: datetime = BEGINNING
    half: Half | None = None
    again: datetime | None = None

    def resumable(self, now: datetime) -> bool:
        """Whether a poll at `now` would go on half-way (the pages staged so far count) or start over."""
        return self.half is not None and timedelta(0) <= now - self.half.at <= KEPT

    def as_data(self) -> dict[str, Any]:
        """The checkpoint as plain JSON values, for `from_data`."""
        data: dict[str, Any] = {"upto": writing.stamp(self.upto, milliseconds=True)}
        if self.again is not None:
            data["again"] = writing.stamp(self.again, milliseconds=True)
        if self.half is not None:
            data["half"] = {
                "since": writing.stamp(self.half.since, milliseconds=True),
                "to": writing.stamp(self.half.to, milliseconds=True),
                "next": self.half.next,
                "at": writing.stamp(self.half.at, milliseconds=True),
                "pages": self.half.pages,
                "rows": self.half.rows,
            }
        return data

    @classmethod
    def from_data(cls, data: dict[str, Any] | None) -> Checkpoint:
        """Read what `as_data` wrote; nothing yet (None or {}) is the beginning. ValueError for anything else."""
        if not data:
            return cls()
        try:
            again, half = data.get("again"), data.get("half")
            return cls(_at(data["upto"]), None if half is None else _half(half), None if again is None else _at(again))
        except (KeyError, TypeError, AttributeError):
            raise ValueError("this is not a stored checkpoint") from None


class Trouble(StrEnum):
    """Why a poll ended that the server answered; the other codes are source.Fault and reading.Why."""

    LOOP = "loop"
    ELSEWHERE = "elsewhere"
    OTHER_RANGE = "other_range"
    TOO_MANY_PAGES = "too_many_pages"
    TOO_LONG = "too_long"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a poll ended before the last page: a code of Trouble, source.Fault or reading.Why, and a sentence."""

    code: str
    reason: str


class Remark(StrEnum):
    """What is odd about a poll that went through."""

    CLOCK = "clock"
    COUNT = "count"
    GAP = "gap"
    STARTED_OVER = "started_over"


@dataclass(frozen=True, slots=True)
class Note:
    """A discrepancy to show to whoever looks after the list."""

    code: Remark
    text: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a poll went. `checkpoint` is the one to store, whatever happened.

    `finished` is True only after the last page; then the pages may be put in use. Counts are of this run, not
    of the pages that an interrupted one brought.
    """

    checkpoint: Checkpoint
    finished: bool
    pages: int = 0
    entries: int = 0
    tombstones: int = 0
    lost: int = 0
    problems: int = 0
    notes: tuple[Note, ...] = ()
    failure: Failure | None = None


def poll(
    source: Source,
    checkpoint: Checkpoint,
    now: Callable[[], datetime],
    keep: Callable[[Page], None],
    mark: Callable[[Checkpoint], None] = lambda _: None,
    *,
    max_pages: int = MAX_PAGES,
    longest: timedelta = LONGEST,
) -> Outcome:
    """Fetch every page of what is new since `checkpoint`, and hand each one to `keep`.

    After each page but the last, `mark` gets the checkpoint from which a killed poll can go on. Nothing is
    raised for what a server does; what `keep` or `mark` raise passes through. A page staged by an interrupted
    poll is needed again only if `checkpoint.resumable(now())`; keeping it otherwise does no harm. A poll that is
    not over `longest` after it began (by `now`) ends with TOO_LONG; the next one can go on where it stopped.
    """
    at = now()
    if checkpoint.half is not None and not checkpoint.resumable(at):
        checkpoint = replace(checkpoint, half=None)
    run = _Run(source, checkpoint, now, keep, mark, max_pages, at + longest)
    if checkpoint.half is not None:
        outcome = run.go(checkpoint.half.since, checkpoint.half.to, checkpoint.half)
        if outcome is not None:
            return outcome
        run.note(Remark.STARTED_OVER, "the server no longer knows the page we stopped at; the poll began again")
        run.checkpoint = replace(checkpoint, half=None)
    to = (at - LAG).astimezone(UTC).replace(microsecond=0)
    if to <= checkpoint.upto:
        if to < checkpoint.upto - LAG:
            run.note(Remark.CLOCK, "our clock is behind the last poll; nothing was asked")
        return run.outcome(run.checkpoint, finished=True)
    since = max(min(checkpoint.upto, checkpoint.again or checkpoint.upto) - OVERLAP, BEGINNING).replace(microsecond=0)
    outcome = run.go(since, to, None)
    assert outcome is not None  # noqa: S101  only a resumed run can be told to start over
    return outcome


@dataclass
class _Run:
    """One poll while it runs."""

    source: Source
    checkpoint: Checkpoint
    now: Callable[[], datetime]
    keep: Callable[[Page], None]
    mark: Callable[[Checkpoint], None]
    max_pages: int
    until: datetime
    pages: int = 0
    entries: int = 0
    tombstones: int = 0
    lost: int = 0
    problems: int = 0
    short: bool = False
    came: Counter[Media] = field(default_factory=Counter)
    odd: list[Claim] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    def note(self, code: Remark, text: str) -> None:
        self.notes.append(Note(code, text))

    def go(self, since: datetime, to: datetime, half: Half | None) -> Outcome | None:
        """Page through one range; None when the server refuses the page that `half` says to go on with."""
        pages, rows = (0, 0) if half is None else (half.pages, half.rows)
        target = first_target(since, to) if half is None else half.next
        seen = {_digest(target)}
        start = _whole(target, "start")
        resumed = half is not None
        while True:
            try:
                page = reading.query_result(self.source.get(target))
            except SourceFailed as error:
                if resumed and error.status is not None and error.status in {400, 404, 410}:
                    return None
                return self.failed(error.code, error.reason)
            except reading.Unreadable as error:
                return self.failed(error.code, error.reason)
            resumed = False
            pages, rows = pages + 1, rows + page.rows
            self._take(page)
            if page.next is None:
                self._compare(rows, whole=half is None)
                again = since + OVERLAP if self.short and self.checkpoint.again is None else None
                return self.outcome(Checkpoint(to, again=again), finished=True)
            trouble = _trouble(page.next, since, to)
            ahead = _whole(page.next, "start")
            if trouble is None and (
                _digest(page.next) in seen or (start is not None and ahead is not None and ahead <= start)
            ):
                trouble = Failure(Trouble.LOOP, "the server sends us round in a circle")
            if trouble is None and pages >= self.max_pages:
                trouble = Failure(Trouble.TOO_MANY_PAGES, f"there is no end after {pages} pages")
            if trouble is not None:
                # Going on from the middle would only lead there again.
                return self.outcome(replace(self.checkpoint, half=None), finished=False, failure=trouble)
            if ahead is not None and ahead - 1 > rows and not self.short:
                self.short = True
                self.note(Remark.GAP, f"the server counts {ahead - 1} rows before page {pages + 1}; {rows} came")
            seen.add(_digest(page.next))
            target, start = page.next, ahead
            self.checkpoint = replace(self.checkpoint, half=Half(since, to, target, self.now(), pages, rows))
            self.mark(self.checkpoint)
            if self.now() >= self.until:
                return self.failed(Trouble.TOO_LONG, f"the poll was not over in time; {pages} pages had come")

    def _take(self, page: Page) -> None:
        self.keep(page)
        self.pages += 1
        self.entries += len(page.entries)
        self.tombstones += len(page.tombstones)
        self.lost += sum(problem.lost for problem in page.problems)
        self.problems += len(page.problems)
        for claim in page.claims:
            self.came[claim.media] += claim.came
        self.odd += [claim for claim in page.claims if claim.count not in {None, claim.came}]

    def _compare(self, rows: int, *, whole: bool) -> None:
        """Hold the server's counts against what came: each page's own, or the same total on every page."""
        for medium in Media:
            odd = [claim for claim in self.odd if claim.media is medium]
            if not odd or (whole and all(claim.count == self.came[medium] for claim in odd)):
                continue
            self.short = self.short or any((claim.count or 0) > claim.came for claim in odd)
            example = odd[0]
            self.note(
                Remark.COUNT,
                f"{medium.value}s: on {len(odd)} pages the server's count is not what came, "
                f"for example {example.count} where {example.came} came; {rows} rows in all",
            )

    def failed(self, code: str, reason: str) -> Outcome:
        return self.outcome(self.checkpoint, finished=False, failure=Failure(str(code), reason))

    def outcome(self, checkpoint: Checkpoint, *, finished: bool, failure: Failure | None = None) -> Outcome:
        return Outcome(
            checkpoint=checkpoint,
            finished=finished,
            pages=self.pages,
            entries=self.entries,
            tombstones=self.tombstones,
            lost=self.lost,
            problems=self.problems,
            notes=tuple(self.notes),
            failure=failure,
        )


def first_target(since: datetime, to: datetime) -> str:
    """The address of the first page of a range: after `since`, up to and including `to`."""
    asked = {"from": writing.stamp(since, milliseconds=True), "to": writing.stamp(to, milliseconds=True)}
    return _ENTRIES + urlencode(asked)


def _trouble(target: str, since: datetime, to: datetime) -> Failure | None:
    """What is wrong with the address of a next page: it must stay with the entries of the same range."""
    if not target.startswith(_ENTRIES) or "#" in target or "\\" in target:
        return Failure(Trouble.ELSEWHERE, "the next page is not among the entries of this server")
    query = parse_qs(target.removeprefix(_ENTRIES))
    for name, asked in (("from", since), ("to", to)):
        told = [reading.timestamp(text) for text in query.get(name, ())]
        if len(told) > 1 or any(at is not None and at.replace(microsecond=0) != asked for at in told):
            return Failure(Trouble.OTHER_RANGE, f"the next page is of another range of time ({name})")
    return None


def _digest(target: str) -> bytes:
    """What is remembered of an address: 32 bytes, since a million addresses of 4,000 letters are too many."""
    return hashlib.sha256(target.encode("utf-8", "surrogatepass")).digest()


def _whole(target: str, name: str) -> int | None:
    """The whole number called `name` in an address, or None."""
    found = parse_qs(target.partition("?")[2]).get(name, [""])[0]
    return int(found) if found.isascii() and found.isdigit() and len(found) < 19 else None


def _half(data: dict[str, Any]) -> Half:
    """The stored half of a poll; its address is judged again, since it was outside our hands."""
    since, to, target = _at(data["since"]), _at(data["to"]), str(data["next"])
    if _trouble(target, since, to) is not None:
        raise ValueError("this is not a stored checkpoint")
    return Half(since, to, target, _at(data["at"]), int(data["pages"]), int(data["rows"]))


def _at(text: str) -> datetime:
    found = reading.timestamp(text)
    if found is None:
        raise ValueError("this is not a stored checkpoint")
    return found
