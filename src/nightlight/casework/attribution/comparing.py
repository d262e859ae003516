# SPDX-License-Identifier: Apache-2.0
"""A whole return against the lines it should answer: every file in it is opened, read and asked twice.

One matcher needs nothing but Python and reads the file; the other is vectorised and gets the rows that a separate
reading of the file gives. Where they do not find the very same rows, there is no answer. Nothing is written to disk:
rows go to the second matcher in batches.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import islice, pairwise
from typing import IO, TYPE_CHECKING

import pyarrow as pa

from nightlight.casework.attribution.returns import answer_words
from nightlight.casework.attribution.returns.answers import Answer, Asked, answers, cut_off, disclosure, question
from nightlight.casework.attribution.returns.column_files import HALF, Events
from nightlight.casework.attribution.returns.layouts import LayoutRefused
from nightlight.casework.attribution.returns.opening import NotOpened, Return, ReturnRefused, Table
from nightlight.casework.attribution.returns.plain import Found, find
from nightlight.casework.attribution.returns.reading import (
    LEFT_OPEN,
    PEOPLE_COUNTED,
    BadRow,
    HeaderUnknown,
    Reading,
    Tally,
    read_head,
    sheet_rows,
)
from nightlight.casework.attribution.returns.records import HEADER_WITHIN, SEPARATORS, Dialect, cut, grid_head
from nightlight.casework.attribution.returns.vector import join_batches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from nightlight.casework.attribution.returns.answers import Disclosure, Question
    from nightlight.casework.attribution.returns.layouts import Layout
    from nightlight.casework.attribution.returns.rows import LogRow

FILE = 1 << 40
"""A row is numbered by its place in the return (which file) times this, and its line there: see `place_of`."""
_AT_ONCE = 1 << 16
_SHOWN = 20  # rows below an unknown header that a person is shown
_COLUMNS = (
    ("high", pa.uint64()),
    ("low", pa.uint64()),
    ("bits", pa.uint8()),
    ("port_low", pa.uint16()),
    ("port_high", pa.uint16()),
    ("start", pa.int64()),
    ("end", pa.int64()),
    ("number", pa.int64()),
)


class MatchersDisagree(Exception):
    """The two matchers did not find the same rows; ``file`` says where. No answer may be shown."""

    def __init__(self, file: str, only_plain: int, only_vector: int) -> None:
        super().__init__(f"{file}: {only_plain} rows were found by one matcher only, {only_vector} by the other only")
        self.file, self.only_plain, self.only_vector = file, only_plain, only_vector


class ColumnsUnknown(Exception):
    """A person has to say how a file is to be read: ``header``, with ``rows`` below it, of the file ``name``.

    ``layout`` is set where the columns are known and only the zone of the times is not.
    """

    def __init__(
        self, name: str, header: Sequence[str], rows: Sequence[Sequence[str]], layout: Layout | None = None
    ) -> None:
        super().__init__(f"{name}: it has to be said how this is read")
        self.name, self.header, self.layout = name, tuple(header), layout
        self.rows = tuple(tuple(row) for row in rows[:_SHOWN])


@dataclass(frozen=True, slots=True)
class FileRead:
    """One file of a return, read by one layout. ``first_lines``: for each code, the lines where it occurred first."""

    name: str
    layout: str  # its name; empty where the file says that there are no records
    confirmed: bool  # by a person, for this operator; else it is one of ours
    fingerprint: str
    rows: int
    good: int
    bad: tuple[tuple[str, int], ...]
    remarks: tuple[tuple[str, int], ...]
    first_lines: tuple[tuple[str, tuple[int, ...]], ...]
    no_records: bool
    earliest: int | None
    latest: int | None

    @property
    def bad_lines(self) -> tuple[tuple[str, int, tuple[int, ...]], ...]:
        """Rows that do not count: code, how many, and the first lines."""
        return self._with_lines(self.bad)

    @property
    def remark_lines(self) -> tuple[tuple[str, int, tuple[int, ...]], ...]:
        """Remarks about rows, in the same way."""
        return self._with_lines(self.remarks)

    def _with_lines(self, of: tuple[tuple[str, int], ...]) -> tuple[tuple[str, int, tuple[int, ...]], ...]:
        first = dict(self.first_lines)
        return tuple((code, number, first.get(code, ())[:5]) for code, number in of)


@dataclass(frozen=True, slots=True)
class Compared:
    """What a return answers, and what it held. ``answers`` stand in the order of the lines that were asked."""

    answers: tuple[Answer, ...]
    files: tuple[FileRead, ...]
    not_opened: tuple[NotOpened, ...]
    disclosed: Disclosure


def place_of(number: int) -> tuple[int, int]:
    """Which file of the return a row is in, from 0, and its line there."""
    return number // FILE, number % FILE


def compare(
    file: IO[bytes],
    name: str,
    events: Sequence[Asked],
    layouts: Iterable[Layout],
    *,
    passwords: Sequence[str] = (),
    bad: Callable[[str, BadRow], None] | None = None,
    doubted: bool = False,
) -> Compared:
    """Return what the file answers. ``bad`` is called with the name of the file and each row that does not count.

    ``doubted``: whatever layout fits, a person is to say how the columns are read.

    Raises ColumnsUnknown, ReturnRefused (damage that comes to light while reading) and MatchersDisagree.
    """
    comparing = _Comparing(events, tuple(layouts), bad or (lambda _name, _row: None), doubted)
    with Return(file, name, passwords=passwords) as opened:
        for one in opened:
            if isinstance(one, NotOpened):
                comparing.not_opened.append(one)
            else:
                comparing.take(one)
    return comparing.compared()


@dataclass
class _Comparing:
    events: Sequence[Asked]
    layouts: tuple[Layout, ...]
    bad: Callable[[str, BadRow], None]
    doubted: bool
    files: list[FileRead] = field(default_factory=list)
    not_opened: list[NotOpened] = field(default_factory=list)
    people: set[bytes] = field(default_factory=set)
    all_named: bool = True  # whether `people` are all whom the files name
    cut_off: set[int] = field(default_factory=set)  # last rows that may be

    def __post_init__(self) -> None:
        self.asked: Question = question(self.events)
        many = len(self.asked.sought)
        self.found = Found([], {}, [None] * many, [None] * many, [0] * many)

    def take(self, table: Table) -> None:
        """Read one file with both matchers and keep what they found."""
        asked = self.asked
        if self.doubted and (header := _head(table, self.layouts)).header:
            raise ColumnsUnknown(table.name, header.header, header.rows)
        try:
            reading = Reading(table, self.layouts, bad=lambda row: self.bad(table.name, row))
            plain = find(table, self.layouts, asked.sought, asked.error)
        except HeaderUnknown as unknown:
            self._unknown(table, unknown)
            return
        except LayoutRefused as refused:
            raise _head(table, self.layouts) from refused
        pairs = join_batches(Events.of(asked.sought, asked.error), _batches(reading))
        if (vector := pairs.matches) != plain.matches:
            one, other = set(plain.matches), set(vector)
            raise MatchersDisagree(table.name, len(one - other), len(other - one))
        self._merge(plain)
        self.cut_off |= {line + len(self.files) * FILE for line in reading.tally.first_lines.get(LEFT_OPEN, ())}
        self.files.append(_file(table, reading))
        if len(self.people) < PEOPLE_COUNTED:
            self.people |= reading.tally.digests
        self.all_named = self.all_named and reading.tally.people_exact

    def compared(self) -> Compared:
        found = replace(self.found, matches=sorted(self.found.matches))
        given = tuple(cut_off(one, self.cut_off) for one in answers(self.events, self.asked, found))
        exact = self.all_named and len(self.people) < PEOPLE_COUNTED
        return Compared(
            given, tuple(self.files), tuple(self.not_opened), disclosure(len(self.people), given, exact=exact)
        )

    def _merge(self, plain: Found) -> None:
        """Put what one file answers beside what the others do; its rows are numbered behind theirs."""
        whole, behind = self.found, len(self.files) * FILE
        whole.matches += [(event, number + behind) for event, number in plain.matches]
        whole.rows |= {n + behind: replace(row, number=n + behind) for n, row in plain.rows.items()}
        whole.inside_only = whole.inside_only or plain.inside_only
        for place, seen in enumerate(plain.at_address):
            whole.at_address[place] += seen
            whole.before[place] = _furthest(max, whole.before[place], plain.before[place])
            whole.after[place] = _furthest(min, whole.after[place], plain.after[place])
        for place, numbers in plain.refused.items():
            whole.refused.setdefault(place, []).extend(number + behind for number in numbers)

    def _unknown(self, table: Table, unknown: HeaderUnknown) -> None:
        if unknown.head.line:
            raise ColumnsUnknown(table.name, unknown.head.header, unknown.samples) from unknown
        guessed = _likely_table(table)
        if guessed is None:
            words = "No table of rows was found in this file."
            self.not_opened.append(NotOpened(table.name, "no-table", words))
        else:
            raise ColumnsUnknown(table.name, guessed[0], guessed[1:]) from unknown


def explained(answer: Answer, source: str, files: Sequence[str], zone: str) -> tuple[str, ...]:
    """How an answer came about, for a case file; with several files, each row with the name of its own."""
    lines = list(answer_words.derivation(answer, source, zone))
    if len(files) < 2:
        return tuple(lines)

    def shown(numbers: Iterable[int]) -> str:
        return ", ".join(f"{line} of {files[which]}" for which, line in map(place_of, numbers))

    if answer.refused:
        raw = ", ".join(map(str, answer.refused))
        lines = [line.replace(f"line {raw}.", f"line {shown(answer.refused)}.") for line in lines]
    for named in answer.named:
        raw = ", ".join(str(row.number) for row in named.rows)
        where = shown(row.number for row in named.rows)
        lines = [
            line.replace(f"(line {raw})", f"(line {where})") if line.startswith(named.subscriber) else line
            for line in lines
        ]
    return tuple(lines)


def _batches(rows: Iterable[LogRow]) -> Iterator[pa.RecordBatch]:
    """Rows as columns, some at a time."""
    coming = iter(rows)
    while some := list(islice(coming, _AT_ONCE)):
        columns = {
            "high": [row.address >> 64 for row in some],
            "low": [row.address & HALF for row in some],
        }
        yield pa.record_batch(
            [pa.array(columns.get(name) or [getattr(row, name) for row in some], kind) for name, kind in _COLUMNS],
            names=[name for name, _ in _COLUMNS],
        )


def _file(table: Table, reading: Reading) -> FileRead:
    tally: Tally = reading.tally
    layout = reading.head.layout
    return FileRead(
        name=table.name,
        layout=layout.name if layout else "",
        confirmed=bool(layout and layout.confirmed_by),
        fingerprint=reading.head.fingerprint if reading.head.line else "",
        rows=tally.rows,
        good=tally.good,
        bad=tuple(sorted(tally.bad.items())),
        remarks=tuple(sorted(tally.remarks.items())),
        first_lines=tuple((code, tuple(lines)) for code, lines in sorted(tally.first_lines.items())),
        no_records=tally.no_records,
        earliest=tally.earliest,
        latest=tally.latest,
    )


def _head(table: Table, layouts: tuple[Layout, ...]) -> ColumnsUnknown:
    """The header of a file with the layout that fits it."""
    if table.is_sheet:
        grid = [row.cells for row in sheet_rows(table)]
        head = grid_head(grid[:HEADER_WITHIN], layouts)
        return ColumnsUnknown(table.name, head.header, grid[head.line :], head.layout)
    head, samples = read_head(table.text(), layouts)
    return ColumnsUnknown(table.name, head.header, samples, head.layout)


def _furthest(choose: Callable[[int, int], int], one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return other if one is None else one
    return choose(one, other)


def _likely_table(table: Table) -> list[list[str]] | None:
    """The first line that looks like a header by its form alone, with the rows below it; None where nothing does.

    Three cells or more that are no numbers, and as many in the line below: what they mean, a person says.
    """
    if table.is_sheet:
        return _below([row.cells for row in sheet_rows(table)[:_LOOKED_AT]])
    text = table.text()
    with text.stream:
        lines = [line.decode("utf-8", "replace") for _, line in islice(text.lines(), _LOOKED_AT)]
    for separator in SEPARATORS:
        cells = [[cell.strip() for cell in cut(line, Dialect(separator)) or ()] for line in lines if line.strip()]
        if (found := _below(cells)) is not None:
            return found
    return None


_LOOKED_AT = 260


def _below(rows: Sequence[Sequence[str]]) -> list[list[str]] | None:
    for place, (header, first) in enumerate(pairwise(rows)):
        if len(header) >= 3 and len(header) == len(first) and not any(cell[:1].isdigit() for cell in header):
            return [list(row) for row in rows[place:]]
    return None


__all__ = [
    "FILE",
    "ColumnsUnknown",
    "Compared",
    "FileRead",
    "MatchersDisagree",
    "ReturnRefused",
    "compare",
    "explained",
    "place_of",
]
