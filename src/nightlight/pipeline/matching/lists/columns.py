# SPDX-License-Identifier: Apache-2.0
"""What the columns of a separated list mean, whatever they are called, and the row that comes out of them.

Plain CSV, ThreatExchange CSV and INTERPOL's CSV differ only in their headers, so one reader serves them all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nightlight.pipeline.matching.lists import values
from nightlight.pipeline.matching.lists.rows import BadRow, Batch, Code, Entry, ListDamaged, Note, batch_of
from nightlight.pipeline.matching.lists.signals import Signal, frames_note, take_signal
from nightlight.pipeline.matching.lists.tables import Row, Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nightlight.pipeline.matching.lists.source import Source

BATCH = 2000
_WORD = re.compile(r"[^a-z0-9]+")

# Meaning by name, letters and digits only. "value" needs "type" beside it, or a length that tells what it is.
_MEANINGS = {
    "md5": "md5 md5hash hashmd5 md5sum md5hex",
    "sha1": "sha1 sha1hash hashsha1 sha1sum sha1hex",
    "sha256": "sha256 sha256hash hashsha256 sha256sum sha256hex",
    "pdq": "pdq pdqhash hashpdq pdqhex",
    "quality": "quality pdqquality hashquality",
    "value": "hash digest value hashvalue hashdigest signalstr signal indicator",
    "type": "type hashtype algorithm algo signaltype indicatortype hashname",
    "classification": "classification category class label severity status",
    "id": "id sourceid entryid imageid mediaid itemid fileid indicatorid",
    "media": "media mediatype filetype mimetype contenttype mime",
    "photodna": "photodna pdna",
    "opaque": "netclean videntifier tmk tmkpdqf ssvhpdna ssvhsaferhash sha512 sha384",
    "frames": "vpdq frames vpdqhash",
}
MEANING = {name: meaning for meaning, names in _MEANINGS.items() for name in names.split()}
DIGESTS = ("md5", "sha1", "sha256", "pdq")
_LENGTHS = {32: "md5", 40: "sha1"}


@dataclass(frozen=True, slots=True)
class Told:
    """What the person who imports says about a list that does not say it itself.

    ``kind``: what 64 hex digits are, "sha256" or "pdq". ``media`` and ``classification``: for rows that have none.
    """

    kind: str | None = None
    media: str = ""
    classification: str = ""


@dataclass(slots=True)
class Header:
    """The columns: meaning (or "" for a claim) and the source's name of each."""

    names: list[str]
    meanings: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.names = [name.strip() for name in self.names]
        self.meanings = [MEANING.get(plain(name), "") for name in self.names]
        seen: set[str] = set()
        for at, meaning in enumerate(self.meanings):  # the first column of a meaning has it; a second one is a claim
            if meaning != "opaque":
                self.meanings[at] = "" if meaning in seen else meaning
                seen.add(meaning)

    @property
    def readable(self) -> bool:
        """Whether there is a column with digests."""
        return any(meaning in (*DIGESTS, "value", "frames") for meaning in self.meanings)


def plain(name: str) -> str:
    """A column's name in letters and digits only."""
    return _WORD.sub("", name.strip().lower())


def kind_of(value: str, told: Told) -> str | None:
    """What a digest without a named type is, by its length. Raises ListDamaged for 64 digits nobody explained."""
    length = len(value.strip())
    if length == 64:
        if told.kind not in ("sha256", "pdq"):
            sentence = "Values of 64 digits may be SHA-256 or PDQ: say which when importing this list."
            raise ListDamaged(Code.KIND_NOT_TOLD, sentence)
        return told.kind
    return _LENGTHS.get(length)


class TableReader:
    """Reads a table with a header; formats override what is theirs."""

    def __init__(self, source: Source, separator: str, told: Told) -> None:
        self.table = Table(source, separator)
        self.told = told
        self.records = self.good = 0
        self.frames_left_out = 0

    def read(self) -> Iterator[Batch | BadRow | Note]:
        """Yield the rows. Raises ListDamaged when the header names no digest or the last row breaks off."""
        rows = self.table.rows()
        first = next(rows, None)
        header = Header(first.fields) if isinstance(first, Row) else None
        if header is None or not header.readable:
            raise ListDamaged(Code.HEADER_MISSING, "No header line names a column with digests (md5, sha1, pdq, ...).")
        entries: list[Entry] = []
        number = 0
        for row in rows:
            number += 1
            if isinstance(row, BadRow):
                yield BadRow(number, row.offset, row.code, row.reason, row.raw)
                continue
            entry, bad = self.entry(header, row, number)
            yield from bad
            if entry is not None:
                entries.append(entry)
            if len(entries) >= BATCH:
                self.good += len(entries)
                yield batch_of(entries)
                entries = []
        if entries:
            self.good += len(entries)
            yield batch_of(entries)
        yield from self.notes(number)

    def notes(self, records: int) -> Iterator[Note]:
        """What was counted."""
        text = f"{records} records came, {self.good} are in."
        yield Note(Code.COUNTED, text, {"records": records, "good": self.good, "bad": records - self.good})
        if self.table.not_utf8:
            text = "Rows that are no UTF-8 were read as Latin-1."
            yield Note(Code.NOT_UTF8, text, {"rows": self.table.not_utf8})
        if self.frames_left_out:
            yield frames_note(self.frames_left_out)

    def entry(self, header: Header, row: Row, number: int) -> tuple[Entry | None, list[BadRow]]:
        """Turn a row into an entry, None when it is not in; and what is wrong with it."""
        bad: list[BadRow] = []

        def report(code: Code, reason: str) -> None:
            bad.append(BadRow.of(number, row.line.offset, code, reason, row.line.raw))

        if len(row.fields) != len(header.names):
            if not row.line.whole and len(row.fields) < len(header.names):
                raise ListDamaged(Code.TRUNCATED, "The last row breaks off: the file was cut off.")
            # More fields than names by blanks alone is a habit of spreadsheets.
            if len(row.fields) < len(header.names) or any(f.strip() for f in row.fields[len(header.names) :]):
                report(Code.FIELD_COUNT, f"The row has {len(row.fields)} fields, the header {len(header.names)}.")
                return None, bad
        entry = Entry(row=number, media=self.told.media)
        given: dict[str, str] = {}
        for name, meaning, text in zip(header.names, header.meanings, row.fields, strict=False):
            value = text.strip()
            if not value:
                continue
            if meaning in ("", "opaque"):
                (entry.opaque if meaning else entry.claims)[name] = value
            else:
                given[meaning] = value
        self.fill(entry, given, report)
        if not row.line.whole and bad:
            raise ListDamaged(Code.TRUNCATED, "The last row breaks off: the file was cut off.")
        if not entry.usable:
            if not bad:
                report(Code.NO_DIGEST, "The row has no digest that can be compared.")
            return None, bad
        entry.source_id = given.get("id") or values.own_id(entry.digests, entry.frames)
        return entry, bad

    def fill(self, entry: Entry, given: dict[str, str], report: values.Report) -> None:
        """Put the values of the known columns where they belong."""
        for kind in DIGESTS:
            if kind in given:
                take_signal(entry, Signal(kind), given[kind], report)
        if "frames" in given:
            self.frames_left_out += take_signal(entry, Signal("frames", "video"), given["frames"], report)
        if "photodna" in given:
            take_signal(entry, Signal("photodna"), given["photodna"], report)
        if "value" in given:
            self.value(entry, given, report)
        elif "type" in given:
            entry.claims["type"] = given["type"]
        if "quality" in given:
            try:
                entry.pdq_quality = values.quality(given["quality"])
            except values.BadValue as error:
                report(error.code, error.reason)
        entry.classification = given.get("classification") or self.told.classification
        if "media" in given:
            entry.media = values.media(given["media"]) or entry.media
            entry.claims["media"] = given["media"]

    def value(self, entry: Entry, given: dict[str, str], report: values.Report) -> None:
        """A value whose type stands in another column, or is told by its length."""
        name = given.get("type")
        signal = Signal.named(name, given.get("media")) if name else None
        if name is None and (kind := kind_of(given["value"], self.told)):
            signal = Signal(kind)
        if signal is None:
            if name:
                report(Code.TYPE_NOT_USED, f"Values of the type {name[:60]} are not compared here.")
            else:
                report(Code.WRONG_LENGTH, f"A value of {len(given['value'])} characters is no known digest.")
            return
        self.frames_left_out += take_signal(entry, signal, given["value"], report)
