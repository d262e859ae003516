# SPDX-License-Identifier: Apache-2.0
"""Lines of a text of unknown encoding: UTF-8, UTF-16, Windows-1252, mixed in one file. No line is lost or made up.

A line is what stands between line feeds; its number is what an editor shows. UTF-16 is turned into UTF-8 on the way, a
file whose lines end in carriage returns alone gets line feeds. A line that is not UTF-8 is read as Windows-1252, which
has a meaning for nearly every byte, and counted: names in it may be misspelt, figures are not.
"""

from __future__ import annotations

import codecs
import io
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# The five bytes that Windows-1252 leaves out are those of Latin-1, each by itself: what a cell says never depends on
# another cell of its line.
_AS_LATIN = "nightlight-latin-1"
codecs.register_error(
    _AS_LATIN,
    lambda error: (cast("UnicodeDecodeError", error).object[error.start : error.end].decode("latin-1"), error.end),  # type: ignore[attr-defined]
)
LONGEST_LINE = 1 << 16  # bytes; a longer one is no row
_PEEK = 1 << 16
_BOMS = ((codecs.BOM_UTF8, ""), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


@dataclass(frozen=True, slots=True)
class Text:
    """A stream of lines ended by line feeds, and the encoding the file seemed to have ("" for one byte a letter)."""

    stream: IO[bytes]
    encoding: str

    def lines(self, left_open: Callable[[int], None] | None = None) -> Iterator[tuple[int, bytes]]:
        """Every line with its number from 1, without its end; of one that is too long, LONGEST_LINE + 1 bytes."""
        return numbered(self.stream, left_open=left_open)


def numbered(
    stream: IO[bytes], number: int = 0, left_open: Callable[[int], None] | None = None
) -> Iterator[tuple[int, bytes]]:
    """Lines from here on, `number` being that of the line before; `left_open` is told of a last one without an end."""
    while line := stream.readline(LONGEST_LINE + 2):
        number += 1
        if not line.endswith(b"\n") and len(line) > LONGEST_LINE:
            rest = line
            while rest and not rest.endswith(b"\n"):
                rest = stream.readline(LONGEST_LINE)
        if left_open is not None and not line.endswith(b"\n") and len(line) <= LONGEST_LINE:
            left_open(number)
        yield number, ended(line)


def ended(line: bytes) -> bytes:
    """A line without its end."""
    return line.removesuffix(b"\n").removesuffix(b"\r")


def decoded(line: bytes) -> tuple[str, bool]:
    """The letters of a line, and whether it was UTF-8."""
    try:
        return line.decode(), True
    except UnicodeDecodeError:
        pass
    return line.decode("cp1252", _AS_LATIN), False


def text_stream(stream: IO[bytes]) -> Text:
    """The lines of a file, whatever its encoding."""
    buffered = cast(
        "io.BufferedReader", stream if hasattr(stream, "peek") else io.BufferedReader(cast("io.RawIOBase", stream))
    )
    head = buffered.peek(_PEEK)[:_PEEK]
    for bom, encoding in _BOMS:
        if head.startswith(bom):
            buffered.read(len(bom))
            return Text(_transcoded(buffered, encoding), encoding or "utf-8-sig")
    sample = head[:4096]
    for encoding, zeros in (("utf-16-le", sample[1::2]), ("utf-16-be", sample[::2])):
        # Letters of columns and figures are below 256: every second byte is nothing.
        if len(sample) >= 8 and zeros.count(0) > 0.9 * len(zeros):
            return Text(_transcoded(buffered, encoding), encoding)
    if b"\r" in head and b"\n" not in head:
        return Text(_transcoded(buffered, "latin-1-cr"), "")
    return Text(buffered, "")


def _transcoded(stream: io.BufferedReader, encoding: str) -> IO[bytes]:
    return cast("IO[bytes]", io.BufferedReader(_Transcoded(stream, encoding), _PEEK)) if encoding else stream


class _Transcoded(io.RawIOBase):
    """Turns UTF-16 into UTF-8, or carriage returns into line feeds, block by block."""

    def __init__(self, stream: io.BufferedReader, encoding: str) -> None:
        self._stream, self._left, self._ended = stream, b"", False
        self._decoder = None if encoding == "latin-1-cr" else codecs.getincrementaldecoder(encoding)("replace")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._left and not self._ended:
            block = self._stream.read(_PEEK)
            self._ended = not block
            if self._decoder is None:
                self._left = block.replace(b"\r", b"\n")
            else:
                self._left = self._decoder.decode(block, final=self._ended).encode("utf-8", "replace")
        size = min(len(buffer), len(self._left))
        buffer[:size] = self._left[:size]
        self._left = self._left[size:]
        return size

    def close(self) -> None:
        self._stream.close()
        super().close()
