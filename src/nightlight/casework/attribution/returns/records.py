# SPDX-License-Identifier: Apache-2.0
"""From lines to cells: how a text of rows is cut, and where its header stands. One definition for every reader.

RFC 4180 with what operators do to it: other separators, apostrophes for quotes, lines before the header, notes after
the last row. A quote that is opened and not closed spoils its own line only; it does not swallow the lines that follow.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightlight.casework.attribution.returns.fields import Field, field_named
from nightlight.casework.attribution.returns.layouts import fingerprint, recognised
from nightlight.casework.attribution.returns.texts import LONGEST_LINE, decoded
from nightlight.casework.attribution.returns.values import RowFault

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from nightlight.casework.attribution.returns.layouts import Layout

SEPARATORS = (",", ";", "\t", "|")
QUOTES = ('"', "'")
HEADER_WITHIN = 60  # lines
JOINED = 20  # a quoted cell runs over so many lines at the most
_NO_RECORDS = re.compile(
    r"\bno\s+(?:matching\s+|such\s+)?(?:record|records|data|result|results|rows)\b(?:\s+(?:were\s+)?(?:found|available))?",
    re.I,
)
_FORMULA_TEXT = re.compile(r'="(.*)"', re.DOTALL)  # how exports keep a spreadsheet from eating zeros


@dataclass(frozen=True, slots=True)
class Dialect:
    """How cells are separated and quoted."""

    separator: str = ","
    quote: str = '"'


@dataclass(frozen=True, slots=True)
class Head:
    """Where a table begins. `line` is the header's line, 0 where none was found; `before` are the lines above it."""

    dialect: Dialect
    header: tuple[str, ...]
    line: int
    before: tuple[str, ...]
    layout: Layout | None
    no_records: bool = False

    @property
    def fingerprint(self) -> str:
        """The digest by which a layout for this header is remembered."""
        return fingerprint(self.header)


@dataclass(frozen=True, slots=True)
class Record:
    """The cells of one row of a file and its text; `fault` where it could not be cut. `last`: its last line."""

    number: int
    cells: list[str]
    text: str
    utf8: bool = True
    fault: RowFault | None = None
    last: int = 0


def cut(text: str, dialect: Dialect) -> list[str] | None:
    """The cells of one line; None where a quote is left open."""
    quote, separator = dialect.quote, dialect.separator
    if quote not in text:
        return text.split(separator)
    text = text.replace("\r", " ")
    try:
        cells = next(csv.reader([text], delimiter=separator, quotechar=quote, strict=True))
    except csv.Error as error:
        if "end of data" in str(error):
            return None
        cells = next(csv.reader([text], delimiter=separator, quotechar=quote))
    if f"={quote}" in text:
        cells = [found[1] if (found := _FORMULA_TEXT.fullmatch(cell.strip())) else cell for cell in cells]
    return cells


def records(lines: Iterable[tuple[int, bytes]], dialect: Dialect, width: int) -> Iterator[Record]:
    """The rows of numbered lines without blank ones. Lines of a row whose quote stays open are read one by one."""
    source = iter(lines)
    waiting: deque[tuple[int, bytes]] = deque()
    while True:
        if waiting:
            number, line = waiting.popleft()
        else:
            number, line = next(source, (0, b""))
            if not number:
                return
        if len(line) > LONGEST_LINE:
            yield Record(number, [], decoded(line[:4000])[0], fault=RowFault.TOO_LONG)
            continue
        text, utf8 = decoded(line)
        if not text or text.isspace():
            continue
        cells = cut(text, dialect)
        if cells is not None:
            yield Record(number, cells, text, utf8)
            continue
        joined = _joined(text, waiting, source, dialect, width)
        if joined is None:
            yield Record(number, [], text, utf8, RowFault.QUOTE_OPEN)
        else:
            yield Record(number, joined[0], joined[1], utf8 and joined[2], last=number + joined[1].count("\n"))


def _joined(
    text: str, waiting: deque[tuple[int, bytes]], source: Iterator[tuple[int, bytes]], dialect: Dialect, width: int
) -> tuple[list[str], str, bool] | None:
    """A row that goes on over the next lines, if it then has as many cells as the header; else the lines wait again."""
    whole, utf8, size = [text], True, len(text)

    def going_on() -> Iterator[str]:
        nonlocal utf8, size
        yield f"{text}\n".replace("\r", " ")
        for place in range(JOINED):
            if place == len(waiting):
                following = next(source, None)
                if following is None:
                    return
                waiting.append(following)
            line = waiting[place][1]
            size += len(line)
            if size > LONGEST_LINE:  # all lines of a row together are no longer than one may be
                return
            more, plain = decoded(line)
            whole.append(more)
            utf8 = utf8 and plain
            yield f"{more}\n".replace("\r", " ")

    try:
        # The reader takes a line more as long as a quote is open, and reads each once.
        cells = next(csv.reader(going_on(), delimiter=dialect.separator, quotechar=dialect.quote, strict=True))
    except csv.Error:
        return None
    if len(cells) != width:
        return None
    for _ in whole[1:]:
        waiting.popleft()
    return cells, "\n".join(whole), utf8


def head_of(lines: Sequence[str], kept: Iterable[Layout] = ()) -> Head:
    """How these first lines of a file are to be read: the header a layout is known for, else the likeliest one."""
    known = tuple(kept)
    best: tuple[int, int, Head] | None = None
    for separator in SEPARATORS:
        for quote in QUOTES:
            dialect = Dialect(separator, quote)
            for place, line in enumerate(lines[:HEADER_WITHIN]):
                cells = cut(line, dialect)
                if cells is None or len(cells) < 2:
                    continue
                cells = [cell.strip() for cell in cells]
                layout = recognised(cells, known)
                head = Head(dialect, tuple(cells), place + 1, tuple(lines[:place]), layout)
                if layout is not None:
                    return _quoted(head, lines)
                score = _score(cells)
                if score >= 2 and (best is None or (score, len(cells)) > best[:2]):
                    best = (score, len(cells), head)
    if best is not None:
        return _quoted(best[2], lines)
    return Head(Dialect(), (), 0, tuple(lines), None, any(_NO_RECORDS.search(line) for line in lines))


def grid_head(rows: Sequence[Sequence[str]], kept: Iterable[Layout] = ()) -> Head:
    """The same for the rows of a spreadsheet."""
    known = tuple(kept)
    best: tuple[int, Head] | None = None
    shown = tuple(" ".join(cell for cell in row if cell) for row in rows)
    for place, row in enumerate(rows[:HEADER_WITHIN]):
        cells = [cell.strip() for cell in row]
        while cells and not cells[-1]:
            cells.pop()
        layout = recognised(cells, known)
        head = Head(Dialect(), tuple(cells), place + 1, shown[:place], layout)
        if layout is not None:
            return head
        if (score := _score(cells)) >= 2 and (best is None or score > best[0]):
            best = (score, head)
    if best is not None:
        return best[1]
    return Head(Dialect(), (), 0, shown, None, any(_NO_RECORDS.search(line) for line in shown))


def says_no_records(text: str) -> bool:
    """Whether a line says that nothing was found."""
    return len(text) < 400 and _NO_RECORDS.search(text) is not None


def another_header(cells: Sequence[str], header: str, known: frozenset[str] = frozenset()) -> bool:
    """Whether a row that does not count is the header of another table, which the first header does not explain.

    `known`: fingerprints of headers that layouts are known for.
    """
    names = [cell.strip() for cell in cells]
    if sum(map(bool, names)) < 2 or 2 * sum(name[:1].isdigit() for name in names) >= len(names):
        return False
    digest = fingerprint(names)
    return digest != header and (digest in known or _score(names) >= 2)


def _score(cells: Sequence[str]) -> int:
    """How much a row looks like a header: columns known by name, none without an address."""
    fields = [field_named(cell) for cell in cells]
    return len({field for field in fields if field is not None}) if Field.ADDRESS in fields else 0


def _quoted(head: Head, lines: Sequence[str]) -> Head:
    """The head with the quote that its rows use: apostrophes around cells, where the header may have none."""
    if head.dialect.quote == "'":
        return head
    mark = re.escape(head.dialect.separator)
    wrapped = re.compile(rf"(?:^|{mark})\s?'[^']*'(?={mark}|$)")
    following = [line for line in lines[head.line :] if line.strip()]
    hits = sum(1 for line in following if len(wrapped.findall(line)) >= 2)
    doubled = sum(1 for line in following if '"' in line)
    if hits and hits * 2 >= len(following) and not doubled:
        return Head(
            Dialect(head.dialect.separator, "'"), head.header, head.line, head.before, head.layout, head.no_records
        )
    return head
