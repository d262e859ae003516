# SPDX-License-Identifier: Apache-2.0
"""Reads a table of a return row by row, in memory that does not grow with it. What cannot count is kept, with why."""

from __future__ import annotations

import csv
import hashlib
import json
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING

from nightlight.casework.attribution.returns.fields import TIMES
from nightlight.casework.attribution.returns.layouts import LayoutRefused, fingerprint, fingerprints
from nightlight.casework.attribution.returns.opening import ReturnRefused
from nightlight.casework.attribution.returns.records import (
    HEADER_WITHIN,
    Head,
    Record,
    another_header,
    grid_head,
    head_of,
    records,
    says_no_records,
)
from nightlight.casework.attribution.returns.texts import Text, decoded
from nightlight.casework.attribution.returns.values import BadCell, Cells, RowFault
from nightlight.casework.attribution.time_texts import DateOrder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from nightlight.casework.attribution.returns.layouts import Layout
    from nightlight.casework.attribution.returns.opening import Table
    from nightlight.casework.attribution.returns.rows import LogRow

PEOPLE_COUNTED = 200_000  # different subscribers counted exactly; beyond, only "more than"
LEFT_OPEN = "last-line-open"
"""The remark that a file ends without the end of a line: its last row may be cut off, and its last cell with it."""
_FIRST_LINES = 20  # how many line numbers are kept for each fault
_CHILD = Path(__file__).with_name("sheet_child.py")
_SECONDS = 600  # that a workbook may take
_NOBODYS = frozenset({RowFault.NOT_A_ROW, RowFault.NO_SUBSCRIBER})
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that does not count: its line, the code and the sentence why, and its text as it stood there."""

    number: int
    code: str
    explanation: str
    text: str


@dataclass(slots=True)
class Tally:
    """What was in a table. `first_lines`: for each code of a fault or remark, where it occurred first."""

    rows: int = 0
    good: int = 0
    bad: Counter[str] = field(default_factory=Counter)
    remarks: Counter[str] = field(default_factory=Counter)
    first_lines: dict[str, list[int]] = field(default_factory=dict)
    no_records: bool = False
    earliest: int | None = None
    latest: int | None = None
    unnamed: int = 0  # rows that do not count and may name somebody who was not counted
    digests: set[bytes] = field(default_factory=set, repr=False)  # one for each of `people`

    @property
    def people(self) -> int:
        """How many different subscribers the rows name, those that do not count among them; see `people_exact`."""
        return len(self.digests)

    @property
    def people_exact(self) -> bool:
        """Whether `people` is all of them; else at least so many."""
        return len(self.digests) < PEOPLE_COUNTED and not self.unnamed

    def note(self, code: str, number: int, where: Counter[str]) -> None:
        """Count a fault or a remark."""
        where[code] += 1
        lines = self.first_lines.setdefault(code, [])
        if len(lines) < _FIRST_LINES:
            lines.append(number)

    def take(self, row: LogRow) -> None:
        """Count a row that counts."""
        self.good += 1
        if self.earliest is None or row.start < self.earliest:
            self.earliest = row.start
        if self.latest is None or row.end > self.latest:
            self.latest = row.end
        self.name(row.subscriber)

    def name(self, subscriber: str) -> None:
        """Count somebody whom a row names."""
        if len(self.digests) < PEOPLE_COUNTED:
            self.digests.add(hashlib.blake2b(subscriber.encode("utf-8", "surrogatepass"), digest_size=8).digest())


class HeaderUnknown(Exception):
    """The columns of a table are of no layout that is known: propose one from `head` and `samples`."""

    def __init__(self, head: Head, samples: list[list[str]]) -> None:
        super().__init__("The columns of this table are not known yet.")
        self.head, self.samples = head, samples


class Reading:
    """The rows of one table. Iterate once; `tally` then says what was there, `bad` was called with each bad row.

    Raises HeaderUnknown where no layout fits, LayoutRefused where the one that fits lacks a fact (the zone), and
    ReturnRefused where the file turns out damaged; while iterating ReturnRefused only, also where another table begins.
    `claiming` is called with what each row may claim that does not count.
    """

    claiming: Callable[[list[LogRow]], None] | None = None

    def __init__(
        self, table: Table, layouts: Iterable[Layout] = (), *, bad: Callable[[BadRow], None] | None = None
    ) -> None:
        self.tally = Tally()
        self._bad = bad or (lambda _: None)
        layouts = tuple(layouts)
        self._name, self._headers = table.name, fingerprints(layouts)
        self._records: Iterable[Record]
        as_dates: frozenset[str] = frozenset()
        self._mixed: frozenset[int] = frozenset()
        self._doubtful: frozenset[int] = frozenset()
        if table.is_sheet:
            grid = sheet_rows(table)
            self.head = grid_head([row.cells for row in grid[:HEADER_WITHIN]], layouts)
            self._records = [row.record() for row in grid[self.head.line :]]
            samples = [row.cells for row in grid[self.head.line : self.head.line + 200]]
        else:
            text = table.text()
            self.head, samples = read_head(text, layouts)
            lines = text_from(table, self.head.line, self._left_open)
            self._records = records(lines, self.head.dialect, len(self.head.header))
            grid = []
        if not self.head.line:
            if not self.head.no_records:
                raise HeaderUnknown(self.head, samples)
            self.tally.no_records, self._records, self._cells = True, (), None
            return
        if self.head.layout is None:
            raise HeaderUnknown(self.head, samples)
        if grid:
            below = grid[self.head.line :]
            as_dates, self._mixed = date_columns(self.head.layout, below)
            self._doubtful = doubtful_dates(self.head.layout, below, as_dates)
        self._cells = Cells(self.head.layout, as_dates)

    def __iter__(self) -> Iterator[LogRow]:
        """Each row that counts."""
        if self._cells is None:
            return
        tally, read, header = self.tally, self._cells.rows, self.head.fingerprint
        first = self.head.header[0]
        for record in self._records:
            tally.rows += 1
            if not record.utf8:
                tally.note("other-encoding", record.number, tally.remarks)
            if "\ufffd" in record.text:
                tally.note("letters-lost", record.number, tally.remarks)
            if (fault := self._fault(record)) is not None:
                self._refuse(record, *fault)
                continue
            try:
                rows = read(record.number, record.cells)
            except BadCell as refused:
                if record.cells and record.cells[0].strip() == first and fingerprint(record.cells) == header:
                    tally.note("header-again", record.number, tally.remarks)
                elif refused.code == RowFault.NOT_A_ROW and says_no_records(record.text):
                    tally.no_records = True
                    tally.note("no-records", record.number, tally.remarks)
                elif another_header(record.cells, header, self._headers):
                    raise ReturnRefused("tables-several", f"{self._name}, line {record.number}") from None
                else:
                    self._refuse(record, refused.code, refused.explanation)
                continue
            row = rows[0]
            tally.take(row)
            if row.end == row.start + 1:
                tally.note("one-second", record.number, tally.remarks)
            if not row.ports_known:
                tally.note("ports-not-stated", record.number, tally.remarks)
            yield from rows

    def _fault(self, record: Record) -> tuple[RowFault, str] | None:
        """Why a row cannot be looked at; None: it can."""
        if record.fault is not None:
            return record.fault, "The line could not be cut into cells."
        if record.number in self._mixed:
            return RowFault.DATE_AMONG_TEXT, "A date among texts: which of its numbers was the day?"
        if record.number in self._doubtful:
            words = "A program may have changed day and month round in this date. Ask for the rows as text (CSV)."
            return RowFault.DATE_DOUBTFUL, words
        return None

    def _left_open(self, number: int) -> None:
        """The file ends without the end of a line: its last row may be cut off."""
        self.tally.note(LEFT_OPEN, number, self.tally.remarks)

    def _refuse(self, record: Record, code: str, explanation: str) -> None:
        self.tally.note(str(code), record.number, self.tally.bad)
        self._bad(BadRow(record.number, str(code), explanation, record.text))
        assert self._cells is not None  # noqa: S101 - only what has rows has refused ones
        cells = record.cells or record.text.split(self.head.dialect.separator)
        name = None if record.fault is not None else self._cells.named(cells)
        if name:
            self.tally.name(name)
        elif name is None and code not in _NOBODYS:
            self.tally.unnamed += 1
        if self.claiming is not None:
            self.claiming(self._cells.claims(record.number, cells))


def read_head(text: Text, layouts: Iterable[Layout] = ()) -> tuple[Head, list[list[str]]]:
    """The head of a text and the cells of rows below it, for a proposal. Closes the text."""
    with text.stream:
        first = [decoded(line)[0] for _, line in islice(text.lines(), HEADER_WITHIN + 200)]
    head = head_of(first, layouts)
    below = records(
        ((n, line.encode()) for n, line in enumerate(first[head.line :], 1)), head.dialect, len(head.header)
    )
    return head, [record.cells for record in below if record.fault is None]


def text_from(table: Table, line: int, left_open: Callable[[int], None] | None = None) -> Iterator[tuple[int, bytes]]:
    """The numbered lines of a table below `line`."""
    text = table.text()
    with text.stream:
        yield from islice(text.lines(left_open), line, None)


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A row of a spreadsheet as texts; `dates` are the places of cells that hold dates instead of text."""

    number: int
    cells: list[str]
    dates: frozenset[int]

    def record(self) -> Record:
        """The same as a row of a file."""
        return Record(self.number, self.cells, "\t".join(self.cells))


def sheet_rows(table: Table) -> list[SheetRow]:
    """The rows of the one sheet that holds any. Raises ReturnRefused; several sheets with rows are refused as well."""
    with table.open() as file:
        content = file.read()
    # In a process of its own: a small file can ask for any amount of memory, and native code then aborts.
    try:
        done = subprocess.run(  # noqa: S603 - this interpreter, a file of ours
            [sys.executable, "-I", str(_CHILD)], input=content, capture_output=True, check=False, timeout=_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise ReturnRefused("too-large", table.name) from error
    if done.returncode:
        # Killed, or aborted by native code that got no memory; anything else is damage it did not name.
        code = "too-large" if done.returncode < 0 or b"MemoryError" in done.stderr else "sheet-damaged"
        raise ReturnRefused(code, table.name)
    rows = []
    for line in done.stdout.splitlines():
        found = json.loads(line)
        if isinstance(found, str):
            raise ReturnRefused(found, table.name)
        rows.append(SheetRow(found[0], found[1], frozenset(found[2])))
    return rows


def date_columns(layout: Layout, grid: Iterable[SheetRow]) -> tuple[frozenset[str], frozenset[int]]:
    """Which of start and end a spreadsheet holds as dates, and the rows that hold a date where others hold text.

    A program that takes day first for month first turns 05/12/2026 into a date and leaves 13/12/2026 a text. So dates
    in a column count only where there is nothing else in it.
    """
    whole, mixed = set(), set()
    rows = list(grid)
    for which, fields in TIMES.items():
        place = next((at for one in fields[:2] if (at := layout.index(one)) is not None), None)
        if place is None:
            continue
        dates = {row.number for row in rows if place in row.dates}
        texts = sum(1 for row in rows if len(row.cells) > place and row.cells[place].strip() and place not in row.dates)
        if dates and texts:
            mixed |= dates
        elif dates:
            whole.add(which)
    return frozenset(whole), frozenset(mixed)


def doubtful_dates(layout: Layout, grid: Iterable[SheetRow], as_dates: frozenset[str]) -> frozenset[int]:
    """The rows whose dates may have been changed round, where an operator writes the day or the month first.

    A program that reads in another order than the operator wrote makes a date of 05/12/2026, and none of 13/12/2026. So
    one date with a day above the twelfth shows that it read in the operator's; a sheet without any shows nothing.
    """
    if layout.order not in {DateOrder.DMY, DateOrder.MDY}:
        return frozenset()
    places = {layout.index(field) for which in as_dates for field in TIMES[which][:2]} - {None}
    dates = [
        (row.number, int(row.cells[place][5:7]), int(row.cells[place][8:10]))
        for row in grid
        for place in places & row.dates
        if place is not None
    ]
    if any(day > 12 for _, _, day in dates):
        return frozenset()
    return frozenset(number for number, month, day in dates if month != day)


class BadRows:
    """Writes bad rows to a CSV table; a cell that a spreadsheet takes for a formula gets an apostrophe."""

    def __init__(self, file: IO[str]) -> None:
        self._writer = csv.writer(file)
        self._writer.writerow(["line", "code", "why", "text"])

    def __call__(self, row: BadRow) -> None:
        """Write one."""
        text = f"'{row.text}" if row.text.startswith(_FORMULA) else row.text
        self._writer.writerow([row.number, row.code, row.explanation, text])


__all__ = ["BadRow", "BadRows", "HeaderUnknown", "LayoutRefused", "Reading", "Tally", "read_head", "sheet_rows"]
