# SPDX-License-Identifier: Apache-2.0
"""Reads lists of one digest a line, and separated tables with a header.

A line is a digest; after white space a comment or a file name may follow (what md5sum and its kin write), which is
kept as the claim ``text``. The type is told by the length: 32 digits MD5, 40 SHA-1; 64 may be SHA-256 or PDQ, so the
caller or a first line such as ``# sha256`` must say which. Ids are digests, so duplicates are the importer's to find.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nightlight.pipeline.matching.lists import values
from nightlight.pipeline.matching.lists.columns import BATCH, TableReader, Told, kind_of
from nightlight.pipeline.matching.lists.rows import BadRow, Batch, Code, Entry, ListDamaged, Note, Repeated, batch_of
from nightlight.pipeline.matching.lists.signals import Signal, take_signal
from nightlight.pipeline.matching.lists.source import BLOCK, Source
from nightlight.pipeline.matching.lists.tables import Line, lines, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_SAID = re.compile(rb"\A#?\s*(pdq|sha-?_?256)\s*(?:hash(?:es)?)?\s*\Z", re.IGNORECASE)
_HEX = re.compile(r"[0-9a-fA-F]*")
_WIDTHS = {32: "md5", 40: "sha1", 64: ""}

Item = Batch | BadRow | Note


def read_table(source: Source, separator: str, told: Told) -> Iterator[Item]:
    """Yield the rows of a separated file whose header names the columns. Raises ListDamaged."""
    return TableReader(source, separator, told).read()


def read_lines(source: Source, told: Told) -> Iterator[Item]:
    """Yield the digests of a text file, one a line; blank lines and comments are passed over.

    Raises ListDamaged when 64 digits are not explained, or when the last line is the beginning of a digest.
    """
    head = source.peek(4096)
    first = next((line.strip() for line in head.splitlines() if line.strip()), b"")
    if told.kind is None and (said := _SAID.match(first)):
        told = Told("pdq" if said[1].lower() == b"pdq" else "sha256", told.media, told.classification)
    reader = _Lines(told)
    rest, offset = b"", 0
    while block := source.read(BLOCK):
        data = rest + block
        stop = data.rfind(b"\n") + 1
        yield from reader.block(data[:stop], offset)
        rest, offset = data[stop:], offset + stop
        if len(rest) > BLOCK * 8:
            raise ListDamaged(Code.TOO_LARGE, "One line is longer than a megabyte, so this is no list of digests.")
    yield from reader.block(rest, offset)
    text = f"{reader.records} lines came, {reader.good} are in."
    counts = {"records": reader.records, "good": reader.good, "bad": reader.records - reader.good}
    yield Note(Code.COUNTED, text, counts)


class _Lines:
    def __init__(self, told: Told) -> None:
        self.told = told
        self.records = self.good = 0
        self._line = 0

    def block(self, data: bytes, offset: int) -> Iterator[Item]:
        """Read some whole lines; in one go where all are digests of one type."""
        if not data:
            return
        batch = self._uniform(data)
        if batch is not None:
            self.records += len(batch)
            self.good += len(batch)
            yield batch
            return
        entries: list[Entry] = []
        for line in lines(_Held(data)):
            self._line += 1
            raw = line.raw.strip()
            if not raw or raw.startswith(b"#") or (self._line == 1 and _SAID.match(raw)):
                continue
            self.records += 1
            found = self._one(Line(self._line, offset + line.offset, raw, line.whole))
            if isinstance(found, BadRow):
                yield found
            else:
                entries.append(found)
            if len(entries) >= BATCH:
                self.good += len(entries)
                yield batch_of(entries)
                entries = []
        if entries:
            self.good += len(entries)
            yield batch_of(entries)

    def _uniform(self, data: bytes) -> Batch | None:
        first = data.find(b"\n")
        width = len(data[:first].rstrip(b"\r"))
        if width not in _WIDTHS or not data.endswith(b"\n"):
            return None
        kind = kind_of("0" * width, self.told)
        if kind is None:
            return None
        try:
            texts = data.decode("ascii").split()
        except UnicodeDecodeError:
            return None
        # As many values as lines: no line is blank, none has a second word.
        found = values.column(kind, texts) if len(texts) == data.count(b"\n") else None
        if found is None:
            return None
        count, at = len(found), self._line + 1
        self._line += count
        none: Repeated[None] = Repeated(None, count)
        columns = {"md5": none, "sha1": none, "sha256": none, "pdq": none} | {kind: found}
        media = self.told.media or ("image" if kind == "pdq" else "")
        return Batch(
            source_id=[f"{kind}:{raw.hex()}" for raw in found],
            media=Repeated(media, count),
            classification=Repeated(self.told.classification, count),
            md5=columns["md5"],
            sha1=columns["sha1"],
            sha256=columns["sha256"],
            pdq=columns["pdq"],
            pdq_quality=none,
            frames=Repeated((), count),
            opaque=Repeated({}, count),
            claims=Repeated({}, count),
            row=range(at, at + count),
        )

    def _one(self, line: Line) -> Entry | BadRow:
        text, _ = text_of(line.raw)
        value, _, rest = text.partition(" ") if " " in text else text.partition("\t")
        kind = kind_of(value, self.told)
        if kind is None:
            if not line.whole and _HEX.fullmatch(value):
                raise ListDamaged(
                    Code.TRUNCATED, "The last line breaks off in the middle of a digest: the file was cut off."
                )
            reason = f"A value of {len(value)} characters is no known digest."
            return BadRow.of(line.number, line.offset, Code.WRONG_LENGTH, reason, line.raw)
        bad: list[BadRow] = []
        entry = Entry(line.number, media=self.told.media, classification=self.told.classification)

        def report(code: Code, reason: str) -> None:
            bad.append(BadRow.of(line.number, line.offset, code, reason, line.raw))

        take_signal(entry, Signal(kind, "image" if kind == "pdq" else ""), value, report)
        if bad:
            return bad[0]
        entry.source_id = values.own_id(entry.digests)
        if rest.strip(" *\t"):
            entry.claims["text"] = rest.strip(" *\t")
        return entry


class _Held(Source):
    """A block of text as a source, so that lines are split in one place."""

    def __init__(self, data: bytes) -> None:
        self._held = data

    def read(self, size: int = BLOCK) -> bytes:
        data, self._held = self._held[:size], self._held[size:]
        return data
