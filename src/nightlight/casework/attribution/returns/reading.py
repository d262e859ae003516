# SPDX-License-Identifier: Apache-2.0
"""Reads a table of a return row by row, in memory that does not grow with it. What cannot count is kept, with why."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from typing import IO, TYPE_CHECKING

from nightlight.casework.attribution.returns.fields import TIMES
from nightlight.casework.attribution.returns.layouts import LayoutRefused, fingerprint
from nightlight.casework.attribution.returns.opening import ReturnRefused
from nightlight.casework.attribution.returns.records import (
    HEADER_WITHIN,
    Head,
    Record,
    grid_head,
    head_of,
    records,
    says_no_records,
)
from nightlight.casework.attribution.returns.texts import Text, decoded
from nightlight.casework.attribution.returns.values import BadCell, Cells, RowFault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from nightlight.casework.attribution.returns.layouts import Layout
    from nightlight.casework.attribution.returns.opening import Table
    from nightlight.casework.attribution.returns.rows import LogRow

PEOPLE_COUNTED = 200_000  # different subscribers counted exactly; beyond, only "more than"
_FIRST_LINES = 20  # how many line numbers are kept for each fault
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
    _people: set[bytes] = field(default_factory=set, repr=False)

    @property
    def people(self) -> int:
        """How many different subscribers the rows name; at PEOPLE_COUNTED, at least so many."""
        return len(self._people)

    @property
    def people_exact(self) -> bool:
        """Whether `people` is all of them."""
        return len(self._people) < PEOPLE_COUNTED

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
        if len(self._people) < PEOPLE_COUNTED:
            self._people.add(hashlib.blake2b(row.subscriber.encode("utf-8", "surrogatepass"), digest_size=8).digest())


class HeaderUnknown(Exception):
    """The columns of a table are of no layout that is known: propose one from `head` and `samples`."""

    def __init__(self, head: Head, samples: list[list[str]]) -> None:
        super().__init__("The columns of this table are not known yet.")
        self.head, self.samples = head, samples


class Reading:
    """The rows of one table. Iterate once; `tally` then says what was there, `bad` was called with each bad row.

    Raises HeaderUnknown where no layout fits, LayoutRefused where the one that fits lacks a fact (the zone), and
    ReturnRefused where the file turns out damaged; while iterating, ReturnRefused only.
    """

    def __init__(
        self, table: Table, layouts: Iterable[Layout] = (), *, bad: Callable[[BadRow], None] | None = None
    ) -> None:
        self.tally = Tally()
        self._bad = bad or (lambda _: None)
        self._records: Iterable[Record]
        as_dates: frozenset[str] = frozenset()
        self._mixed: frozenset[int] = frozenset()
        if table.is_sheet:
            grid = sheet_rows(table)
            self.head = grid_head([row.cells for row in grid[:HEADER_WITHIN]], layouts)
            self._records = [row.record() for row in grid[self.head.line :]]
            samples = [row.cells for row in grid[self.head.line : self.head.line + 200]]
        else:
            text = table.text()
            self.head, samples = read_head(text, layouts)
            lines = text_from(table, self.head.line)
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
            as_dates, self._mixed = date_columns(self.head.layout, grid[self.head.line :])
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
            if record.fault is not None:
                self._refuse(record, record.fault, "The line could not be cut into cells.")
                continue
            if record.number in self._mixed:
                self._refuse(record, RowFault.DATE_AMONG_TEXT, "A date among texts: which of its numbers was the day?")
                continue
            try:
                rows = read(record.number, record.cells)
            except BadCell as refused:
                if record.cells and record.cells[0].strip() == first and fingerprint(record.cells) == header:
                    tally.note("header-again", record.number, tally.remarks)
                elif refused.code == RowFault.NOT_A_ROW and says_no_records(record.text):
                    tally.no_records = True
                    tally.note("no-records", record.number, tally.remarks)
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

    def _refuse(self, record: Record, code: str, explanation: str) -> None:
        self.tally.note(str(code), record.number, self.tally.bad)
        self._bad(BadRow(record.number, str(code), explanation, record.text))


def read_head(text: Text, layouts: Iterable[Layout] = ()) -> tuple[Head, list[list[str]]]:
    """The head of a text and the cells of rows below it, for a proposal. Closes the text."""
    with text.stream:
        first = [decoded(line)[0] for _, line in islice(text.lines(), HEADER_WITHIN + 200)]
    head = head_of(first, layouts)
    below = records(
        ((n, line.encode()) for n, line in enumerate(first[head.line :], 1)), head.dialect, len(head.header)
    )
    return head, [record.cells for record in below if record.fault is None]


def text_from(table: Table, line: int) -> Iterator[tuple[int, bytes]]:
    """The numbered lines of a table below `line`."""
    text = table.text()
    with text.stream:
        yield from islice(text.lines(), line, None)


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
    import python_calamine  # only where a spreadsheet comes in: 2 MB of native code

    try:
        book = python_calamine.load_workbook(table.open())
        sheets = [book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in book.sheet_names]
    except (python_calamine.CalamineError, OSError, ValueError) as error:
        raise ReturnRefused("sheet-damaged", table.name) from error
    filled = [sheet for sheet in sheets if any(any(cell not in {"", None} for cell in row) for row in sheet)]
    if len(filled) > 1:
        raise ReturnRefused("sheets-several", table.name)
    rows = []
    for number, cells in enumerate(filled[0] if filled else [], 1):
        if any(cell not in {"", None} for cell in cells):
            dates = frozenset(place for place, cell in enumerate(cells) if isinstance(cell, dt.date))
            rows.append(SheetRow(number, [_cell(cell) for cell in cells], dates))
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


def _cell(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1 << 53:
        return str(int(cell))
    if isinstance(cell, dt.datetime):
        return cell.isoformat(" ")
    if isinstance(cell, dt.timedelta):
        return str(cell)
    return "" if cell is None else str(cell)


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
