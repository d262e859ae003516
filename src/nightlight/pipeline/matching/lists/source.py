# SPDX-License-Identifier: Apache-2.0
"""Opens a hash-list file of any wrapping as one stream of UTF-8: plain, gzip (RFC 1952), a ZIP with one file in it,
with or without a byte order mark, UTF-8 or UTF-16.

Everything is streamed, a cut-off wrapping is told, and what a small file may unpack to is bounded.
"""

from __future__ import annotations

import codecs
import io
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import IO, cast

from nightlight.pipeline.matching.lists.rows import Code, ListDamaged

Progress = Callable[[int], None]
Reader = Callable[[int], bytes]
BLOCK = 128 * 1024
UNPACKED_LIMIT = 64 << 30  # no list is near 64 GB; the largest public one is about 15
RATIO_LIMIT = 400  # hex digests do not compress, so a list stays below 20
RATIO_FROM = 256 << 20  # nobody counts ratios of small files
_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"


class Source:
    """The text of a list file as UTF-8 without a byte order mark. ``progress`` hears the packed bytes read so far."""

    def __init__(self, stream: IO[bytes], *, progress: Progress | None = None) -> None:
        self._stream = stream
        self._progress = progress
        self._packed = 0
        self._left = b""
        self._direct = False
        start = self._raw(4)
        while len(start) < 4 and (more := self._raw(4 - len(start))):
            start += more
        if start.startswith(_GZIP):
            blocks = _gunzip(start, self._raw)
        elif start == _ZIP:
            blocks = _unzip(stream, self._told)
        else:
            self._direct = True
            blocks = _blocks(start, self._raw)
        self._blocks = self._decoded(blocks)

    def _told(self, packed: int) -> None:
        self._packed = packed
        if self._progress:
            self._progress(packed)

    def _raw(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._told(self._packed + len(data))
        return data

    def _decoded(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        head = b""
        for block in blocks:
            head += block
            if len(head) >= 4:
                break
        if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
            raise ListDamaged(Code.ENCODING, "The file is written in UTF-32; UTF-8 and UTF-16 are read.")
        encoding, mark = _encoding(head)
        if encoding == "utf-8":
            self._left = head[mark:]
            return blocks
        self._direct = False
        return _to_utf8(encoding, head[mark:], blocks)

    def peek(self, size: int) -> bytes:
        """Return up to ``size`` bytes of the beginning of what is unread, without taking them."""
        parts, have = [self._left], len(self._left)
        while have < size and (block := next(self._blocks, b"")):
            parts.append(block)
            have += len(block)
        self._left = b"".join(parts)
        return self._left[:size]

    def read(self, size: int = BLOCK) -> bytes:
        """Return the next 1 to ``size`` bytes; b"" at the end. Raises ListDamaged when the wrapping is cut off."""
        if not self._left:
            self._left = next(self._blocks, b"")
        data, self._left = self._left[:size], self._left[size:]
        return data

    def readinto(self, view: memoryview) -> int:
        """Read into a buffer; 0 at the end. Plain UTF-8 goes there without a copy where the stream can do that."""
        if not self._left and self._direct and isinstance(self._stream, io.BufferedIOBase | io.RawIOBase):
            got = self._stream.readinto(view) or 0
            self._told(self._packed + got)
            return got
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)


def _encoding(head: bytes) -> tuple[str, int]:
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if head.startswith(mark):
            return name, len(mark)
    # Without a mark: every list begins with two ASCII characters.
    if len(head) >= 4 and head[0] and not head[1] and head[2] and not head[3]:
        return "utf-16-le", 0
    if len(head) >= 4 and not head[0] and head[1] and not head[2] and head[3]:
        return "utf-16-be", 0
    return "utf-8", 0


def _blocks(start: bytes, read: Reader) -> Iterator[bytes]:
    if start:
        yield start
    while block := read(BLOCK):
        yield block


def _to_utf8(encoding: str, head: bytes, blocks: Iterator[bytes]) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    block: bytes | None = head
    try:
        while block is not None:
            if text := decoder.decode(block):
                yield text.encode("utf-8")
            block = next(blocks, None)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        cut_off = error.reason in {"truncated data", "unexpected end of data"}
        raise ListDamaged(
            Code.TRUNCATED if cut_off else Code.ENCODING,
            "The file ends in the middle of a character." if cut_off else "The file is no valid UTF-16.",
        ) from None


class _Bounds:
    """Counts what came out against what went in."""

    def __init__(self) -> None:
        self._out = 0

    def add(self, out: int, packed: int) -> None:
        self._out += out
        if self._out > UNPACKED_LIMIT or (self._out > RATIO_FROM and self._out > RATIO_LIMIT * max(packed, 1)):
            raise ListDamaged(Code.TOO_LARGE, "The packed file unpacks to far more than a hash list holds.")


def _gunzip(start: bytes, read: Reader) -> Iterator[bytes]:
    """Unpack gzip, one member after another. Each ends with its length and checksum, so a cut is always told."""
    bounds, packed = _Bounds(), len(start)
    data, unpack = start, zlib.decompressobj(31)
    cut = ListDamaged(Code.TRUNCATED, "The gzip file ends in the middle: it was cut off, or not fetched to its end.")
    while True:
        if not data:
            data = read(BLOCK)
            packed += len(data)
            if not data:
                raise cut
        try:
            out = unpack.decompress(data, BLOCK)
        except zlib.error:
            raise ListDamaged(Code.ARCHIVE, "The gzip file is damaged: its checksum does not fit.") from None
        bounds.add(len(out), packed)
        if out:
            yield out
        if not unpack.eof:
            data = unpack.unconsumed_tail
            continue
        data = unpack.unused_data.lstrip(b"\0") or read(BLOCK).lstrip(b"\0")  # padding is allowed between and after
        packed += len(data)
        if not data:
            return
        if not data.startswith(_GZIP[: len(data)]):
            raise ListDamaged(Code.ARCHIVE, "Something that is no gzip follows the packed list.")
        unpack = zlib.decompressobj(31)


def _unzip(stream: IO[bytes], told: Progress) -> Iterator[bytes]:
    if not stream.seekable():
        raise ListDamaged(Code.ARCHIVE, "A ZIP file can only be read from a file, not from a pipe: unpack it first.")
    try:
        with zipfile.ZipFile(cast("io.BufferedReader", stream)) as archive:
            members = [m for m in archive.infolist() if not m.is_dir() and not m.filename.startswith("__MACOSX/")]
            if len(members) != 1:
                raise ListDamaged(Code.ARCHIVE, f"The ZIP file holds {len(members)} files; it must hold one list.")
            if members[0].flag_bits & 1:
                raise ListDamaged(Code.ARCHIVE, "The ZIP file is locked with a password: unpack it first.")
            bounds = _Bounds()
            with archive.open(members[0]) as member:
                while out := member.read(BLOCK):
                    told(stream.tell())
                    bounds.add(len(out), members[0].compress_size)
                    yield out
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError):
        raise ListDamaged(Code.ARCHIVE, "The ZIP file is damaged or was cut off.") from None
