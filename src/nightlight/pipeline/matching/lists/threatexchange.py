# SPDX-License-Identifier: Apache-2.0
"""Reads what ThreatExchange tools and their like write: CSV, ``type value`` lines, JSON pages, JSON lines, vPDQ.

Field names are those of python-threatexchange 1.2: the command line's CSV (``signal_type, signal_str, collab,
category, tags``), its local files (``<type> <value>`` a line), the API's pages (``data`` of ``indicator, type,
status, tags, descriptors, should_delete``, with ``paging``), StopNCII's (``hashRecords``) and TCAP's (``results``).
Several members' statuses for one indicator are put together as they stand ("MALICIOUS/NON_MALICIOUS"): that is a
dispute for people, not for a reader. An entry that its source withdrew is not in, and is reported.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from nightlight.pipeline.matching.lists import values
from nightlight.pipeline.matching.lists.columns import BATCH, Told
from nightlight.pipeline.matching.lists.jsonstream import JSON_ERRORS, Broken, JsonStream, truncated
from nightlight.pipeline.matching.lists.rows import JSON, BadRow, Batch, Code, Entry, ListDamaged, Note, batch_of
from nightlight.pipeline.matching.lists.signals import Signal, frames_note, take_signal
from nightlight.pipeline.matching.lists.tables import Line, lines, text_of

if TYPE_CHECKING:
    from nightlight.pipeline.matching.lists.source import Source

ARRAYS = ("data", "results", "hashRecords")
_VALUE = ("indicator", "signal_str", "hashValue", "hash_digest", "hash", "value")
_TYPE = ("type", "signal_type", "signalType", "algorithm")
_STATUS = ("status", "category", "hashStatus")
_GONE = frozenset({"Withdrawn", "Deleted"})
_MANY = (msgspec.json.Decoder(list[dict[str, Any]]),)
_ONE = msgspec.json.Decoder(dict[str, Any])

Item = Batch | BadRow | Note
_Find = Callable[["Reader", Line], "BadRow | None"]


class Reader:
    """Collects entries and counts; each shape of file has its own way to bring records."""

    def __init__(self, told: Told) -> None:
        self.told = told
        self.records = self.good = self.frames_left_out = self.withdrawn = 0
        self._entries: list[Entry] = []

    def add(self, record: dict[str, JSON], offset: int, raw: bytes | None = None) -> Iterator[BadRow]:
        """Take one record in, and report what is wrong with it."""
        self.records += 1
        number, bad = self.records, list[BadRow]()

        def report(code: Code, reason: str) -> None:
            bad.append(BadRow.of(number, offset, code, reason, msgspec.json.encode(record) if raw is None else raw))

        entry = self._entry(record, number, report)
        yield from bad
        if entry is not None:
            self._entries.append(entry)

    def _entry(self, record: dict[str, JSON], number: int, report: values.Report) -> Entry | None:
        name = next((record[key] for key in _TYPE if isinstance(record.get(key), str)), None)
        value = next((record[key] for key in _VALUE if record.get(key) is not None), None)
        if _withdrawn(record):
            self.withdrawn += 1
            report(Code.WITHDRAWN_BY_SOURCE, "The source withdrew this entry.")
            return None
        if name is None or value is None:
            report(Code.NO_DIGEST, "The record has no type and value.")
            return None
        signal = Signal.named(name, record.get("file_type"))
        if signal is None:
            report(Code.TYPE_NOT_USED, f"Values of the type {name[:60]} are not compared here.")
            return None
        entry = Entry(number)
        problems = 0

        def count(code: Code, reason: str) -> None:
            nonlocal problems
            problems += 1
            report(code, reason)

        self.frames_left_out += take_signal(entry, signal, value, count)
        entry.media = entry.media or self.told.media
        if not entry.usable:
            if not problems:
                report(Code.TYPE_NOT_USED, f"A record with {name[:60]} only has nothing that can be compared.")
            return None
        entry.classification = _status(record) or self.told.classification
        identity = record.get("id")
        entry.source_id = str(identity) if identity not in (None, "") else own_id(entry)
        skipped = {*_VALUE, "id"}
        entry.claims = {key: said for key, said in record.items() if key not in skipped and said not in (None, "", [])}
        return entry

    def full(self, at_least: int = BATCH) -> Iterator[Batch]:
        """Yield what is collected when there is enough of it."""
        if len(self._entries) >= at_least:
            self.good += len(self._entries)
            yield batch_of(self._entries)
            self._entries = []

    def end(self) -> Iterator[Item]:
        """Yield the rest and the counts."""
        yield from self.full(1)
        numbers = {"records": self.records, "good": self.good, "bad": self.records - self.good}
        if self.withdrawn:
            numbers["withdrawn"] = self.withdrawn
        yield Note(Code.COUNTED, f"{self.records} records came, {self.good} are in.", numbers)
        if self.frames_left_out:
            yield frames_note(self.frames_left_out)


def own_id(entry: Entry) -> str:
    """The id of a record without one; for a video a digest over all its frames."""
    if entry.digests or not entry.frames:
        return values.own_id(entry.digests)
    return f"frames:{hashlib.sha256(b''.join(entry.frames)).hexdigest()[:32]}"


def _withdrawn(record: dict[str, JSON]) -> bool:
    return (
        values.truth(record.get("should_delete")) is True
        or values.truth(record.get("deleted")) is True
        or record.get("hashStatus") in _GONE
    )


def _status(record: dict[str, JSON]) -> str:
    found = {str(record[key]) for key in _STATUS if isinstance(record.get(key), str | int)}
    members = record.get("descriptors")
    for member in members.get("data", []) if isinstance(members, dict) else []:
        if isinstance(member, dict) and isinstance(member.get("status"), str):
            found.add(member["status"])
    return "/".join(sorted(found))


def read_json(source: Source, told: Told, *, chunk: int) -> Iterator[Item]:
    """Yield the rows of a page: an object with one array of records, or the bare array.

    Raises ListDamaged when it is cut off, is no JSON, or has no array of records. A page that names a next one gets a
    note: the list is not whole without it, which the importer must decide about.
    """
    stream, reader = JsonStream(source.readinto, chunk=chunk), Reader(told)
    notes: list[Note] = []
    if stream.peek() == b"[":
        yield from _records(stream, reader)
        stream.end()
        yield from reader.end()
        return
    seen = False
    for key in stream.members():
        if key in ARRAYS and not seen and stream.peek() == b"[":
            seen = True
            yield from _records(stream, reader)
            continue
        notes.extend(_page(key, stream.value(), reader if seen else None))
    stream.end()
    if not seen:
        raise ListDamaged(Code.HEADER_MISSING, "The JSON has no list of records (data, results or hashRecords).")
    yield from reader.end()
    yield from notes


def _page(key: str, value: JSON, reader: Reader | None) -> Iterator[Note]:
    more = (value.get("next") if isinstance(value, dict) else None) if key == "paging" else value
    if (key in ("paging", "next", "nextPageToken") and more) or (key == "hasMoreRecords" and value is True):
        yield Note(Code.MORE_PAGES, "The file is one page of several: it names a next one.")
    if key == "count" and isinstance(value, int) and reader is not None and value != reader.records:
        text = f"The file says it has {value} records; {reader.records} came."
        yield Note(Code.COUNT_DIFFERS, text, {"claimed": value, "counted": reader.records}, {"name": "count"})


def _records(stream: JsonStream, reader: Reader) -> Iterator[Item]:
    for part in stream.records(_MANY, _ONE):
        if isinstance(part, Broken):
            reader.records += 1
            code, what = (Code.NOT_JSON, "no JSON") if part.syntax else (Code.NOT_A_RECORD, "no record")
            yield BadRow.of(reader.records, part.offset, code, f"This is {what}.", part.raw)
            continue
        for record in part.records:
            yield from reader.add(record, part.offset)
        yield from reader.full()


def read_json_lines(source: Source, told: Told) -> Iterator[Item]:
    """Yield the rows of a file with one JSON object a line. Raises ListDamaged when the last line breaks off."""
    reader = Reader(told)
    for line in lines(source):
        raw = line.raw.strip()
        if not raw:
            continue
        try:
            record = _ONE.decode(raw)
        except JSON_ERRORS as error:
            if not line.whole:
                raise truncated() from None
            reader.records += 1
            code = Code.NOT_A_RECORD if isinstance(error, msgspec.ValidationError) else Code.NOT_JSON
            yield BadRow.of(reader.records, line.offset, code, "The line is no JSON object.", raw)
            continue
        yield from reader.add(record, line.offset, raw)
        yield from reader.full()
    yield from reader.end()


def read_typed_lines(source: Source, told: Told) -> Iterator[Item]:
    """Yield the rows of a local file: the type's name, a space, the value. Raises ListDamaged when it is cut off."""
    reader = Reader(told)
    for line in lines(source):
        raw = line.raw.strip()
        if not raw or raw.startswith(b"#"):
            continue
        name, _, value = text_of(raw)[0].partition(" ")
        for bad in reader.add({"type": name, "value": value.strip()}, line.offset, raw):
            if not line.whole and bad.code in (Code.WRONG_LENGTH, Code.NO_DIGEST, Code.BAD_FRAME):
                raise truncated()
            yield bad
        yield from reader.full()
    yield from reader.end()


def read_vpdq(source: Source, told: Told) -> Iterator[Item]:
    """Yield the one row of a file that holds the frames of one video, as the vPDQ tools write it."""
    stream, reader = JsonStream(source.readinto), Reader(told)
    value = stream.value()
    stream.end()
    yield from reader.add({"type": "vpdq", "value": value}, 0)
    yield from reader.end()
