# SPDX-License-Identifier: Apache-2.0
"""Walks one JSON document of any size: small members whole, long arrays in chunks of decoded records.

No streaming parser is needed for the arrays. A chunk is cut after its last ``}`` and decoded as ``[...]``; a cut
inside a record leaves a bracket or a string open and cannot decode, so the next earlier ``}`` is tried. The key that
begins the first record is remembered: before its last occurrence lies, nearly always, the end of a record, so one try
is enough also where records hold lists of objects. After a few failures the brackets are counted instead.

Memory: one chunk, or one record where that is longer, up to a limit. RFC 8259 is the grammar.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from nightlight.pipeline.matching.lists.rows import JSON, Code, ListDamaged

T = TypeVar("T")
CHUNK = 128 * 1024
RECORD_LIMIT = 64 * 1024 * 1024
_TRIES = 3
_SPACE = re.compile(rb"[ \t\r\n]*+")
_NOT_SCALAR = re.compile(rb"[,\]} \t\r\n]")
_FIRST_OF_ARRAY = re.compile(rb'\[[ \t\r\n]*+\{[ \t\r\n]*+"([^"\\]{1,100})"')
_FIRST_KEY = re.compile(rb'\{[ \t\r\n]*+("[^"\\]{1,200}")')
# A whole string, a bracket or comma, or a quote that opens a string which is not all there yet.
_MARKS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{},]|"', re.DOTALL)
_OPEN, _CLOSE, _COMMA, _QUOTE = b"[{", b"]}", b",", b'"'
# What a decoder raises for bytes that are no JSON: bad grammar, too deep, no UTF-8.
JSON_ERRORS = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)

_SAMPLE_EVERY = 64
_NAMES = msgspec.json.Decoder(dict[str, msgspec.Raw])

ReadInto = Callable[[memoryview], int]
Many = Sequence[msgspec.json.Decoder[list[T]]]


@dataclass(slots=True, frozen=True)
class Chunk(Generic[T]):
    """Decoded records of an array; ``first`` is the number of the first one from 1, ``offset`` where they begin."""

    records: list[T]
    first: int
    offset: int


@dataclass(slots=True, frozen=True)
class Broken:
    """A record of an array that cannot be decoded though its end is certain."""

    row: int
    offset: int
    raw: bytes
    syntax: bool  # False: JSON, but not an object


class JsonStream:
    """A cursor over one JSON document in UTF-8."""

    def __init__(self, readinto: ReadInto, *, chunk: int = CHUNK, limit: int = RECORD_LIMIT) -> None:
        self._readinto = readinto
        self._chunk = chunk
        self._limit = limit
        self._buf = bytearray(chunk * 2 + 8)
        self._pos = 1  # byte 0 is room for the bracket that is put before a chunk
        self._end = 1
        self._base = -1  # offset in the stream of byte 0
        self._eof = False
        self.names: set[str] = set()  # fields of the array records that were sampled, one record in every 64 chunks

    @property
    def offset(self) -> int:
        """Where the cursor stands, in bytes from the start of the stream."""
        return self._base + self._pos

    def _fill(self, want: int) -> bool:
        """Read until ``want`` bytes are unread in the buffer; False when the stream ended before."""
        have = self._end - self._pos
        if have >= want:
            return True
        if self._pos + want + 8 > len(self._buf):  # move what is unread to the front, with room for one byte before
            fresh = self._buf if want + 16 <= len(self._buf) else bytearray(want + self._chunk + 16)
            fresh[1 : 1 + have] = self._buf[self._pos : self._end]
            self._base += self._pos - 1
            self._buf, self._pos, self._end = fresh, 1, 1 + have
        with memoryview(self._buf) as view:
            while not self._eof and self._end - self._pos < want:
                got = self._readinto(view[self._end : self._pos + want])
                self._end += got
                self._eof = not got
        return self._end - self._pos >= want

    def peek(self) -> bytes:
        """Skip white space and return the next byte; b"" at the end of the stream."""
        while True:
            if found := _SPACE.match(self._buf, self._pos, self._end):
                self._pos = found.end()
            if self._pos < self._end:
                return bytes(self._buf[self._pos : self._pos + 1])
            if not self._fill(1):
                return b""

    def _damaged(self, wanted: str) -> ListDamaged:
        if self._eof and self._pos >= self._end:
            return truncated()
        return ListDamaged(Code.MALFORMED, f"The JSON is broken at byte {self.offset}: {wanted} was expected.")

    def expect(self, byte: bytes) -> None:
        """Take one byte that must come next."""
        if self.peek() != byte:
            raise self._damaged(byte.decode())
        self._pos += 1

    def members(self) -> Iterator[str]:
        """Walk an object: yields each key; the caller takes its value before asking for the next."""
        self.expect(b"{")
        if self.peek() == b"}":
            self._pos += 1
            return
        while True:
            if self.peek() != b'"':
                raise self._damaged("a name in quotes")
            key = self.value()
            self.expect(b":")
            yield key
            if self.peek() == b"}":
                self._pos += 1
                return
            self.expect(b",")

    def first_key(self) -> str:
        """The first name in the first object of the array at the cursor, which stays; "" if none is near."""
        self._fill(256)
        found = _FIRST_OF_ARRAY.match(self._buf, self._pos, self._end)
        return found[1].decode("utf-8", "replace") if found else ""

    def value(self) -> JSON:
        """Take the next value whole. Raises ListDamaged when it is longer than the limit."""
        if not self.peek():
            raise truncated()
        want = 256
        while True:
            whole = not self._fill(want)
            stop = self._value_end()
            if stop is not None:
                try:
                    with memoryview(self._buf) as view:
                        found = msgspec.json.decode(view[self._pos : stop])
                except JSON_ERRORS:
                    raise self._damaged("a JSON value") from None
                self._pos = stop
                return found
            if whole:
                raise truncated()
            want = max(want, self._end - self._pos) * 2
            if want > self._limit:
                raise too_large(self._limit)

    def _value_end(self) -> int | None:
        """Where the value at the cursor ends, or None when its end is not in the buffer."""
        if bytes(self._buf[self._pos : self._pos + 1]) not in (b"{", b"[", b'"'):
            found = _NOT_SCALAR.search(self._buf, self._pos, self._end)
            return found.start() if found else (self._end if self._eof else None)
        depth = 0
        for mark in _MARKS.finditer(self._buf, self._pos, self._end):
            text = mark[0]
            if text == _QUOTE:
                return None
            if text in (b"[", b"{"):
                depth += 1
            elif text in (b"]", b"}"):
                depth -= 1
            if depth == 0 and text != _COMMA:
                return mark.end()
        return None

    def end(self) -> None:
        """Say that the document is over: only white space may follow."""
        if self.peek():
            raise self._damaged("the end of the file")

    def records(self, many: Many[T], one: msgspec.json.Decoder[T]) -> Iterator[Chunk[T] | Broken]:
        """Walk an array of objects as chunks of decoded records; the array is taken with its closing bracket.

        ``many`` are decoders of lists, strict ones first: one that keeps refusing what the next takes is dropped.
        Raises ListDamaged when the stream ends inside the array, when it is no JSON, or when a record passes the limit.
        """
        self.expect(b"[")
        if self.peek() == b"]":
            self._pos += 1
            return
        self._fill(256)
        found = _FIRST_KEY.match(self._buf, self._pos, self._end)
        marker = found[1] if found else b""
        row, want, chunks, refused = 1, self._chunk, 0, 0
        while True:
            whole = not self._fill(want)
            if chunks % _SAMPLE_EVERY == 0:
                self._sample()
            offset = self.offset
            records, level = self._try_cuts(many, marker)
            if records is None:
                spans, stop = self._split()
                if not spans:
                    if whole:
                        raise truncated()
                    want = max(want, self._end - self._pos) * 2
                    if want > self._limit:
                        raise too_large(self._limit)
                    continue
                yield from self._one_by_one(spans, one, row)
                row += len(spans)
                self._pos = stop
            else:
                yield Chunk(records, row, offset)
                row += len(records)
                refused = refused + 1 if level else 0
                if refused > _TRIES:
                    many, refused = many[1:], 0
            chunks += 1
            want = self._chunk
            if self.peek() == b"]":
                self._pos += 1
                return
            self.expect(b",")
            if not self.peek():
                raise truncated()

    def _sample(self) -> None:
        """Remember the names of the fields of the record at the cursor."""
        stop = self._value_end()
        if stop is None:
            return
        with contextlib.suppress(*JSON_ERRORS), memoryview(self._buf) as view:
            self.names.update(_NAMES.decode(view[self._pos : stop]))

    def _try_cuts(self, many: Many[T], marker: bytes) -> tuple[list[T] | None, int]:
        """Decode up to the end of some record near the end of the buffer; None when no quick cut fits."""
        buf, pos, end = self._buf, self._pos, self._end
        cut = buf.rfind(marker, pos, end) if marker else -1
        cut = buf.rfind(b"}", pos, cut) if cut > pos else -1
        tries = _TRIES + 1
        if cut < 0:
            cut, tries = buf.rfind(b"}", pos, end), _TRIES
        kept_first, buf[pos - 1], level = buf[pos - 1], 0x5B, 0
        try:
            while cut >= 0 and tries:
                kept, buf[cut + 1] = buf[cut + 1], 0x5D
                try:
                    with memoryview(buf) as view:
                        records = many[level].decode(view[pos - 1 : cut + 2])
                except JSON_ERRORS as error:
                    if isinstance(error, msgspec.ValidationError) and level + 1 < len(many):
                        level += 1
                        continue
                else:
                    self._pos = cut + 1
                    return records, level
                finally:
                    buf[cut + 1] = kept
                # After a miss at the marker, the plain ends of the buffer are tried from the back.
                cut = buf.rfind(b"}", pos, end if tries > _TRIES else cut)
                tries -= 1
        finally:
            buf[pos - 1] = kept_first
        return None, level

    def _split(self) -> tuple[list[tuple[int, int]], int]:
        """Count brackets: the spans of the elements that are all there, and where the last of them ends."""
        spans: list[tuple[int, int]] = []
        start, stop, depth = self._pos, self._pos, 0
        for mark in _MARKS.finditer(self._buf, self._pos, self._end):
            text = mark[0]
            if text == _QUOTE:
                break
            if len(text) > 1:
                continue
            if depth == 0 and text in b",]}":
                spans.append((start, mark.start()))
                stop, start = mark.start(), mark.end()
                if text != _COMMA:
                    break
            elif text in _OPEN:
                depth += 1
            elif text in _CLOSE:
                depth -= 1
        return spans, stop

    def _one_by_one(
        self, spans: list[tuple[int, int]], one: msgspec.json.Decoder[T], row: int
    ) -> Iterator[Chunk[T] | Broken]:
        good: list[T] = []
        first, began = row, self.offset
        for number, (start, stop) in enumerate(spans, row):
            raw = bytes(self._buf[start:stop]).strip()
            if not raw:
                raise ListDamaged(
                    Code.MALFORMED, f"The JSON is broken at byte {self._base + start}: a record is missing."
                )
            try:
                record = one.decode(raw)
            except JSON_ERRORS as error:
                if good:
                    yield Chunk(good, first, began)
                yield Broken(number, self._base + start, raw, not isinstance(error, msgspec.ValidationError))
                good, first, began = [], number + 1, self._base + stop + 1
            else:
                good.append(record)
        if good:
            yield Chunk(good, first, began)


def truncated() -> ListDamaged:
    """The file ends in the middle of the document."""
    return ListDamaged(Code.TRUNCATED, "The file ends in the middle: it was cut off, or not fetched to its end.")


def too_large(limit: int) -> ListDamaged:
    """One value is too long to be a record."""
    return ListDamaged(Code.TOO_LARGE, f"One record is longer than {limit // (1 << 20)} MB, so this is no hash list.")
