# SPDX-License-Identifier: Apache-2.0
"""Lines and separated fields out of a stream, with the place and the raw bytes of every row.

The csv module keeps neither, has one global limit for fields, and takes a stray quote as the beginning of a field
that ends megabytes later. Quoting is that of RFC 4180; line ends may be ``\\n``, ``\\r\\n`` or ``\\r``.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightlight.pipeline.matching.lists.rows import BadRow, Code, ListDamaged
from nightlight.pipeline.matching.lists.source import BLOCK, Source

if TYPE_CHECKING:
    from collections.abc import Iterator

LINE_LIMIT = 16 << 20  # an hour of video, a frame a second, is 0.3 MB in one field
QUOTE_LINES = 100  # a quoted field over more lines than this is a stray quote


@dataclass(slots=True, frozen=True)
class Line:
    """One line without its end; ``whole`` is False for a last line that has no line end."""

    number: int
    offset: int
    raw: bytes
    whole: bool


@dataclass(slots=True, frozen=True)
class Row:
    """One row of a table: the line it begins in and its fields."""

    line: Line
    fields: list[str]


def lines(source: Source, *, number: int = 1) -> Iterator[Line]:
    """Yield every line, blank ones too. Raises ListDamaged for a line that is longer than any list has."""
    rest, offset = b"", 0
    while block := source.read(BLOCK):
        data = rest + block
        if len(data) > LINE_LIMIT and b"\n" not in data and b"\r" not in data:
            raise ListDamaged(Code.TOO_LARGE, "One line is longer than 16 MB, so this is no hash list.")
        # A "\r" at the very end may be half of a line end: it waits for the next block.
        parts = data.splitlines(keepends=True)
        rest = parts.pop() if not parts[-1].endswith(b"\n") else b""
        for part in parts:
            yield Line(number, offset, part.rstrip(b"\r\n"), True)
            number += 1
            offset += len(part)
    if rest:
        yield Line(number, offset, rest.rstrip(b"\r"), rest.endswith(b"\r"))


def text_of(raw: bytes) -> tuple[str, bool]:
    """A row's bytes as text, and whether they were UTF-8; other bytes are read as Latin-1, so nothing is lost."""
    try:
        return raw.decode("utf-8"), True
    except UnicodeDecodeError:
        return raw.decode("latin-1"), False


def split(text: str, separator: str) -> list[str] | None:
    """Split a row into fields; None when a quoted field is still open at its end."""
    if '"' not in text:
        return text.split(separator)
    fields: list[str] = []
    at, length = 0, len(text)
    while True:
        if text[at : at + 1] == '"':
            parts, at = [], at + 1
            while True:
                stop = text.find('"', at)
                if stop < 0:
                    return None
                parts.append(text[at:stop])
                at = stop + 1
                if text[at : at + 1] != '"':
                    break
                parts.append('"')
                at += 1
            stop = text.find(separator, at)
            stop = length if stop < 0 else stop
            fields.append("".join(parts) + text[at:stop])  # what follows the closing quote belongs to the field
        else:
            stop = text.find(separator, at)
            stop = length if stop < 0 else stop
            fields.append(text[at:stop])
        if stop >= length:
            return fields
        at = stop + len(separator)


class Table:
    """The rows of a separated file after its header; counts rows that were not UTF-8."""

    def __init__(self, source: Source, separator: str) -> None:
        self._lines = lines(source)
        self._waiting: deque[Line] = deque()
        self._separator = separator
        self.not_utf8 = 0

    def _next(self) -> Line | None:
        return self._waiting.popleft() if self._waiting else next(self._lines, None)

    def rows(self) -> Iterator[Row | BadRow]:
        """Yield rows; blank lines and lines that begin with ``#`` are passed over.

        A quote that is never closed is a bad row, and reading goes on in the next line.
        """
        while (line := self._next()) is not None:
            if not line.raw.strip() or line.raw.startswith(b"#"):
                continue
            text, utf8 = text_of(line.raw)
            self.not_utf8 += not utf8
            fields = split(text, self._separator)
            more: list[Line] = []
            while fields is None and len(more) < QUOTE_LINES and (following := self._next()) is not None:
                more.append(following)
                text += "\n" + text_of(following.raw)[0]
                # Only a line with a quote can close one, so only then it is worth another look.
                fields = split(text, self._separator) if b'"' in following.raw else None
            if fields is not None:
                yield Row(Line(line.number, line.offset, line.raw, (more or [line])[-1].whole), fields)
                continue
            if len(more) < QUOTE_LINES:
                raise ListDamaged(
                    Code.TRUNCATED, f"The file ends inside the quoted field that line {line.number} opens."
                )
            self._waiting.extendleft(reversed(more))
            yield BadRow.of(line.number, line.offset, Code.OPEN_QUOTE, "A quote is opened and not closed.", line.raw)


def separator_of(header: str) -> str:
    """The separator of a header line: the one of ``;``, tab and ``,`` that occurs most; ``,`` when none does."""
    return max(";\t,", key=lambda each: (header.count(each), each == ","))
