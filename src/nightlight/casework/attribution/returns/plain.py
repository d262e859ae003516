# SPDX-License-Identifier: Apache-2.0
"""The matcher that needs nothing but Python: one pass over a table, in memory that does not grow with it.

Most rows are of other addresses. So a block of whole lines is looked through by one compiled expression that hands out
the cell of the address of every line; only lines whose cell is looked for, or is written in a way the expression does
not vouch for (another notation, a prefix, an odd line), are cut and read like any row. A block with quotes is trusted
only where every line of it is well-formed by itself; else its rows are cut one by one. So the answer is the one of
`rows.match_all` over the whole `Reading`, which tests hold it to.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import compress, count
from socket import AF_INET6, inet_pton
from typing import IO, TYPE_CHECKING

from nightlight.casework.attribution.returns.reading import HeaderUnknown, Reading, read_head
from nightlight.casework.attribution.returns.records import JOINED, records
from nightlight.casework.attribution.returns.rows import WHOLE, text_of
from nightlight.casework.attribution.returns.texts import LONGEST_LINE, decoded, ended
from nightlight.casework.attribution.returns.values import NOTHING, BadCell, Cells

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from nightlight.casework.attribution.returns.layouts import Layout
    from nightlight.casework.attribution.returns.opening import Table
    from nightlight.casework.attribution.returns.records import Head
    from nightlight.casework.attribution.returns.rows import LogRow, Matches, Sought

BLOCK = 1 << 20  # bytes looked through at once
_KEPT_CELLS = 1 << 14
_PART = rb"(?:0|[1-9][0-9]{0,2})"
_DOTTED = rb"\.".join([_PART] * 4)
_DOTTED_CELL = re.compile(_DOTTED)
_COLONS = re.compile(rb"([0-9a-fA-F:]{2,39})(?:/([0-9]{2,3}))?")


@dataclass(slots=True)
class Found:
    """What a table answers. `rows` are the rows that matched, by number.

    For each event: `before` the latest end of an earlier row of its address, whatever the port, `after` the earliest
    start of a later one (None: none), and `at_address` how many rows its address has: where nothing matches, they tell
    a gap in the log from an address the log does not know. `inside_only`: the rows name addresses inside the operator's
    network instead of subscribers.
    """

    matches: Matches
    rows: dict[int, LogRow] = field(default_factory=dict)
    before: list[int | None] = field(default_factory=list)
    after: list[int | None] = field(default_factory=list)
    at_address: list[int] = field(default_factory=list)
    inside_only: bool = False


def find(
    table: Table, layouts: Iterable[Layout], sought: Sequence[Sought], error: int = 0, *, block: int = BLOCK
) -> Found:
    """The rows of a table that answer each event, each clock being wrong by up to `error` seconds.

    Raises HeaderUnknown, LayoutRefused and ReturnRefused, as `Reading` does.
    """
    known = tuple(layouts)
    collecting = _Collecting(sought, error)
    if table.is_sheet:
        reading = Reading(table, known)
        for row in reading:
            collecting.take(row)
        return collecting.found(reading.head.layout)
    head, samples = read_head(table.text(), known)
    if head.no_records and not head.line:
        return collecting.found(None)
    if head.layout is None:
        raise HeaderUnknown(head, samples)
    looking = _Looking(head, Cells(head.layout), collecting)
    text = table.text()
    with text.stream:
        for _ in range(head.line):
            _skip_line(text.stream)
        looking.through(text.stream, head.line, block)
    return collecting.found(head.layout)


class _Collecting:
    """Compares rows with the events of their address."""

    def __init__(self, sought: Sequence[Sought], error: int) -> None:
        self._error = error
        self._matches: set[tuple[int, int]] = set()
        self._rows: dict[int, LogRow] = {}
        self._before: list[int | None] = [None] * len(sought)
        self._after: list[int | None] = [None] * len(sought)
        self._seen = [0] * len(sought)
        self.by_address: dict[int, list[tuple[int, int | None, int]]] = {}
        for index, event in enumerate(sought):
            self.by_address.setdefault(event.address, []).append((index, event.port, event.at))

    def take(self, row: LogRow) -> None:
        if row.bits == WHOLE:
            events = self.by_address.get(row.address, ())
        else:
            shift, prefix = WHOLE - row.bits, row.address >> (WHOLE - row.bits)
            events = [
                event for address, listed in self.by_address.items() if address >> shift == prefix for event in listed
            ]
        starts, ends = row.start - self._error, row.end + self._error
        for index, port, at in events:
            self._seen[index] += 1
            if at < starts:
                after = self._after[index]
                self._after[index] = row.start if after is None or row.start < after else after
            elif at >= ends:
                before = self._before[index]
                self._before[index] = row.end if before is None or row.end > before else before
            elif port is None or row.port_low <= port <= row.port_high:
                self._matches.add((index, row.number))
                self._rows[row.number] = row

    def found(self, layout: Layout | None) -> Found:
        inside = layout is not None and layout.names_inside_only
        return Found(sorted(self._matches), self._rows, self._before, self._after, self._seen, inside)


class _Looking:
    """Looks through the text of a table for the rows of the addresses that are looked for."""

    def __init__(self, head: Head, cells: Cells, collecting: _Collecting) -> None:
        self._dialect, self._width = head.dialect, len(head.header)
        self._cells, self._take = cells, collecting.take
        self._addresses = collecting.by_address
        self._prefixes: dict[int, set[int]] = {}  # what is looked for, by the length of a prefix
        dotted = {text_of(address).encode() for address in self._addresses if address >> 32 == 0xFFFF}
        self._quote, separator = head.dialect.quote.encode(), head.dialect.separator.encode()
        self._wanted = frozenset(dotted | {self._quote + text + self._quote for text in dotted})
        self._verdicts: dict[bytes, bool] = {}
        mark, quote = re.escape(separator), re.escape(self._quote)
        cell = rb"[^" + mark + rb"\n]*+"
        strict, loose, quoted = [], [], []
        # A cell in quotes that closes before the next separator, or one that does not begin with a quote.
        whole = rb"(?:" + quote + rb"(?:[^" + quote + rb"\n]++|" + quote * 2 + rb")*+" + quote + rb"(?=" + mark
        whole += rb"|\r?\n|\r?\Z)|(?!" + quote + rb")" + cell + rb")"
        end = rb"(?:" + mark + whole + rb")*+\r?(?=\n|\Z)"
        either = rb"(" + quote + _DOTTED + quote + rb"|" + _DOTTED + rb")(?=" + mark + rb"|\r?\n|\r?\Z)"
        for place in cells.address_places:
            start = rb"\n" + (cell + mark) * place
            strict.append(re.compile(start + rb"(" + _DOTTED + rb")(?=" + mark + rb"|\r?\n|\r?\Z)"))
            loose.append(re.compile(start + rb"(" + cell + rb")|\n"))
            start = rb"\n" + (whole + mark) * place
            quoted.append((re.compile(start + either + end), re.compile(start + rb"(" + whole + rb")" + end)))
        self._strict, self._loose, self._quoted = strict, loose, quoted

    def through(self, stream: IO[bytes], number: int, size: int) -> None:
        """All of a stream, `number` being that of the line before."""
        rest = b""
        while True:
            piece = stream.read(size)
            rest = _bounded(rest + piece) if rest else piece
            if piece:
                cut_at = rest.rfind(b"\n") + 1
                block, rest = rest[:cut_at], rest[cut_at:]
            else:
                block, rest = rest, b""
            if block:
                lines = self._block(block, number)
                if lines is None:  # a row may go on over the lines that follow: read them as well before deciding
                    number, rest = self._row_by_row(block, number, rest, stream)
                else:
                    number += lines
            if not piece:
                return

    def _block(self, block: bytes, number: int) -> int | None:
        """Look through a block of whole lines; how many, or None: not to be trusted line by line, and nothing taken."""
        body = b"\n" + block
        whole = block.split(b"\n")
        if not whole[-1]:
            whole.pop()
            body = body[:-1]
        hits: set[int] = set()
        is_quoted = self._quote in block
        for place in range(len(self._loose)):
            first, second = self._quoted[place] if is_quoted else (self._strict[place], self._loose[place])
            cells = first.findall(body)
            if len(cells) == len(whole):
                hits.update(compress(count(), map(self._wanted.__contains__, cells)))
                continue
            cells = second.findall(body)
            if len(cells) != len(whole):
                return None
            hits.update(compress(count(), map(self._may_match, cells)))
        for hit in sorted(hits):
            self._line(number + hit + 1, whole[hit])
        return len(whole)

    def _may_match(self, cell: bytes) -> bool:
        """Whether a line with this cell has to be read in full."""
        if cell in self._wanted or not cell:
            return True
        if _DOTTED_CELL.fullmatch(cell):
            return False
        if (colons := _COLONS.fullmatch(cell)) and not self._may_be_v6(colons):
            return False
        verdict = self._verdicts.get(cell)
        if verdict is None:
            if len(self._verdicts) >= _KEPT_CELLS:
                self._verdicts.clear()
            verdict = self._verdicts[cell] = self._read_cell(cell)
        return verdict

    def _may_be_v6(self, colons: re.Match[bytes]) -> bool:
        """Whether a plain IPv6 address or prefix holds an address that is looked for; True where it is none."""
        bits = int(colons[2] or WHOLE)
        if not 0 < bits <= WHOLE:
            return True
        try:
            number = int.from_bytes(inet_pton(AF_INET6, colons[1].decode()), "big")
        except OSError:
            return True
        shift = WHOLE - bits
        if bits not in self._prefixes:
            self._prefixes[bits] = {address >> shift for address in self._addresses}
        return number >> shift in self._prefixes[bits]

    def _read_cell(self, cell: bytes) -> bool:
        if self._quote in cell:
            return True
        text = decoded(cell)[0].strip()
        if text.casefold() in NOTHING:
            return False
        span = self._cells.span(text)
        if span is None:
            return False
        shift = WHOLE - span.bits
        return any(address >> shift == span.address >> shift for address in self._addresses)

    def _line(self, number: int, line: bytes) -> None:
        line = ended(line)
        if self._quote in line or len(line) > LONGEST_LINE:
            for record in records([(number, line)], self._dialect, self._width):
                if record.fault is None:
                    self._read(record.number, record.cells)
            return
        text = decoded(line)[0]
        if text and not text.isspace():
            self._read(number, text.split(self._dialect.separator))

    def _read(self, number: int, cells: list[str]) -> None:
        try:
            rows = self._cells.rows(number, cells)
        except BadCell:
            return  # `Reading` keeps and counts it
        for row in rows:
            self._take(row)

    def _row_by_row(self, block: bytes, before: int, rest: bytes, stream: IO[bytes]) -> tuple[int, bytes]:
        """The rows that begin in a block after line `before`: the last line they used, what is left to read."""
        while rest.count(b"\n") <= JOINED and (piece := stream.read(BLOCK // 16)):
            rest = _bounded(rest + piece)
        following = rest.split(b"\n", JOINED + 1)
        ahead = [line for line in following[: JOINED + 1] if line] if len(following) == 1 else following[: JOINED + 1]
        lines = block.removesuffix(b"\n").split(b"\n")
        used = last = before + len(lines)
        for record in records(_numbered(lines + ahead, before + 1), self._dialect, self._width):
            if record.number > last:
                break
            used = max(used, record.last)
            if record.fault is None:
                self._read(record.number, record.cells)
        for _ in range(used - last):
            rest = rest.partition(b"\n")[2]
        return used, rest


def _numbered(lines: list[bytes], first: int) -> Iterator[tuple[int, bytes]]:
    return ((number, ended(line)) for number, line in enumerate(lines, first))


def _bounded(rest: bytes) -> bytes:
    """What is left of a block; of a line that is too long to be a row, no more than shows that it is."""
    if len(rest) <= 8 * LONGEST_LINE or rest.rfind(b"\n", len(rest) - 8 * LONGEST_LINE) >= 0:
        return rest
    start = rest.rfind(b"\n") + 1
    return rest[: start + LONGEST_LINE + 2]


def _skip_line(stream: IO[bytes]) -> None:
    while (line := stream.readline(LONGEST_LINE)) and not line.endswith(b"\n"):
        pass
