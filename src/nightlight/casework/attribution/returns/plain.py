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
from bisect import bisect_left
from dataclasses import dataclass, field
from itertools import compress, count
from socket import AF_INET6, inet_pton
from typing import IO, TYPE_CHECKING

from nightlight.casework.attribution.returns.layouts import fingerprints
from nightlight.casework.attribution.returns.opening import ReturnRefused
from nightlight.casework.attribution.returns.reading import HeaderUnknown, Reading, read_head
from nightlight.casework.attribution.returns.records import JOINED, another_header, records
from nightlight.casework.attribution.returns.rows import WHOLE, text_of
from nightlight.casework.attribution.returns.texts import LONGEST_LINE, decoded, ended
from nightlight.casework.attribution.returns.values import NOTHING, BadCell, Cells

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from nightlight.casework.attribution.returns.layouts import Layout
    from nightlight.casework.attribution.returns.opening import Table
    from nightlight.casework.attribution.returns.records import Head, Record
    from nightlight.casework.attribution.returns.rows import LogRow, Matches, Sought

BLOCK = 1 << 20  # bytes looked through at once
_KEPT_CELLS = 1 << 14
_REFUSED_KEPT = 20  # numbers of refused rows for each event
_PART = rb"(?:0|[1-9][0-9]{0,2})"
_DOTTED = rb"\.".join([_PART] * 4)
_DOTTED_CELL = re.compile(_DOTTED)
_COLONS = re.compile(rb"([0-9a-fA-F:]{2,39})(?:/([0-9]{2,3}))?")


@dataclass(slots=True)
class Found:
    """What a table answers. `rows` are the rows that matched, by number.

    For each event: `before` the latest end of a row of its address that ended by then, whatever the port, `after` the
    earliest start of one that began afterwards (None: none), and `at_address` how many rows its address has, those that
    do not count among them: where nothing matches, they tell a gap in the log from an address the log does not know.
    `inside_only`: the rows name addresses inside the operator's network instead of subscribers. `refused`: by event,
    the numbers of rows that do not count and may be of its address, port and time, the first of them.
    """

    matches: Matches
    rows: dict[int, LogRow] = field(default_factory=dict)
    before: list[int | None] = field(default_factory=list)
    after: list[int | None] = field(default_factory=list)
    at_address: list[int] = field(default_factory=list)
    inside_only: bool = False
    refused: dict[int, list[int]] = field(default_factory=dict)


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
        reading.claiming = collecting.refuse
        for row in reading:
            collecting.take(row)
        return collecting.found(reading.head.layout)
    head, samples = read_head(table.text(), known)
    if head.no_records and not head.line:
        return collecting.found(None)
    if head.layout is None:
        raise HeaderUnknown(head, samples)
    looking = _Looking(head, Cells(head.layout), collecting, known, table.name)
    text = table.text()
    with text.stream:
        for _ in range(head.line):
            _skip_line(text.stream)
        looking.through(text.stream, head.line, block)
    return collecting.found(head.layout)


class _Collecting:
    """Compares rows with the events of their address, which are in the order of their time."""

    def __init__(self, sought: Sequence[Sought], error: int) -> None:
        self._error = error
        self._matches: set[tuple[int, int]] = set()
        self._rows: dict[int, LogRow] = {}
        self._refused: dict[int, list[int]] = {}
        self._many = len(sought)
        listed: dict[int, list[tuple[int, int, int | None]]] = {}
        for index, event in enumerate(sought):
            listed.setdefault(event.address, []).append((event.at, index, event.port))
        self.by_address = {
            address: _Events(sorted(events, key=lambda one: one[:2])) for address, events in listed.items()
        }
        self._sorted = sorted(self.by_address)

    def _of(self, row: LogRow) -> Iterable[_Events]:
        if row.bits == WHOLE:
            events = self.by_address.get(row.address)
            return () if events is None else (events,)
        shift = WHOLE - row.bits
        first = row.address >> shift << shift
        among = self._sorted[bisect_left(self._sorted, first) : bisect_left(self._sorted, first + (1 << shift))]
        return [self.by_address[address] for address in among]

    def take(self, row: LogRow) -> None:
        for events in self._of(row):
            events.seen += 1
            events.ended(row.end)
            events.began(row.start)
            for index, port in events.between(row.start - self._error, row.end + self._error):
                if port is None or row.port_low <= port <= row.port_high:
                    self._matches.add((index, row.number))
                    self._rows[row.number] = row

    def refuse(self, rows: Iterable[LogRow]) -> None:
        """Rows that do not count, with all they may claim."""
        for row in rows:
            for events in self._of(row):
                events.seen += 1
                for index, port in events.between(row.start - self._error, row.end + self._error):
                    if port is None or row.port_low <= port <= row.port_high:
                        numbers = self._refused.setdefault(index, [])
                        if len(numbers) < _REFUSED_KEPT and row.number not in numbers:
                            numbers.append(row.number)

    def found(self, layout: Layout | None) -> Found:
        before: list[int | None] = [None] * self._many
        after: list[int | None] = [None] * self._many
        seen = [0] * self._many
        for events in self.by_address.values():
            for index, last, first in events.around():
                before[index], after[index], seen[index] = last, first, events.seen
        inside = layout is not None and layout.names_inside_only
        return Found(sorted(self._matches), self._rows, before, after, seen, inside, self._refused)


class _Events:
    """The events of one address (time, index, port), by time."""

    def __init__(self, listed: list[tuple[int, int, int | None]]) -> None:
        self._times = [at for at, _, _ in listed]
        self._events = [(index, port) for _, index, port in listed]
        # At each event: the latest end of a row between it and the event before; the earliest start up to the next.
        self._ended: list[int | None] = [None] * len(listed)
        self._began: list[int | None] = [None] * len(listed)
        self.seen = 0

    def between(self, start: int, end: int) -> list[tuple[int, int | None]]:
        """The events (index, port) from a time up to, not including, another."""
        return self._events[bisect_left(self._times, start) : bisect_left(self._times, end)]

    def ended(self, at: int) -> None:
        """Note when a row ended."""
        place = bisect_left(self._times, at)
        if place < len(self._times):
            self._ended[place] = _last(self._ended[place], at)

    def began(self, at: int) -> None:
        """Note when a row began."""
        place = bisect_left(self._times, at) - 1
        if place >= 0:
            self._began[place] = _first(self._began[place], at)

    def around(self) -> Iterator[tuple[int, int | None, int | None]]:
        """Each event's index, the latest end of a row by then, and the earliest start afterwards."""
        later: list[int | None] = []
        start: int | None = None
        for began in reversed(self._began):
            start = _first(start, began)
            later.append(start)
        end: int | None = None
        for (index, _), latest, first in zip(self._events, self._ended, reversed(later), strict=True):
            end = _last(end, latest)
            yield index, end, first


def _last(one: int | None, other: int | None) -> int | None:
    return max((at for at in (one, other) if at is not None), default=None)


def _first(one: int | None, other: int | None) -> int | None:
    return min((at for at in (one, other) if at is not None), default=None)


class _Looking:
    """Looks through the text of a table for the rows of the addresses that are looked for."""

    def __init__(
        self, head: Head, cells: Cells, collecting: _Collecting, layouts: tuple[Layout, ...] = (), name: str = ""
    ) -> None:
        self._header, self._name, self._headers = head.fingerprint, name, fingerprints(layouts)
        self._refuse = collecting.refuse
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
            return True  # cells that have shifted, or another table that begins: the whole line is looked at
        shift = WHOLE - span.bits
        return any(address >> shift == span.address >> shift for address in self._addresses)

    def _line(self, number: int, line: bytes) -> None:
        line = ended(line)
        if self._quote in line or len(line) > LONGEST_LINE:
            for record in records([(number, line)], self._dialect, self._width):
                self._record(record)
            return
        text = decoded(line)[0]
        if text and not text.isspace():
            self._read(number, text.split(self._dialect.separator))

    def _record(self, record: Record) -> None:
        if record.fault is None:
            self._read(record.number, record.cells)
        else:
            self._refuse(self._cells.claims(record.number, record.text.split(self._dialect.separator)))

    def _read(self, number: int, cells: list[str]) -> None:
        try:
            rows = self._cells.rows(number, cells)
        except BadCell:  # `Reading` keeps and counts it
            if another_header(cells, self._header, self._headers):
                raise ReturnRefused("tables-several", f"{self._name}, line {number}") from None
            self._refuse(self._cells.claims(number, cells))
            return
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
            self._record(record)
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
