# SPDX-License-Identifier: Apache-2.0
"""Tells by its content what kind of list a file is, and reads it. The name decides only where content does not."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import IO, TYPE_CHECKING

from nightlight.pipeline.matching.lists import icse, plain, threatexchange, vic
from nightlight.pipeline.matching.lists.columns import Header, Told
from nightlight.pipeline.matching.lists.columns import plain as plain_name
from nightlight.pipeline.matching.lists.jsonstream import CHUNK
from nightlight.pipeline.matching.lists.rows import BadRow, Batch, Code, ListDamaged, Note
from nightlight.pipeline.matching.lists.signals import Signal
from nightlight.pipeline.matching.lists.source import Progress, Source
from nightlight.pipeline.matching.lists.tables import separator_of, split, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD = 64 * 1024


class Format(StrEnum):
    """The formats that are read."""

    VIC = "vic"
    ICSE = "icse"
    THREATEXCHANGE_JSON = "threatexchange-json"
    THREATEXCHANGE_JSON_LINES = "threatexchange-json-lines"
    THREATEXCHANGE_CSV = "threatexchange-csv"
    THREATEXCHANGE_LINES = "threatexchange-lines"
    VPDQ = "vpdq"
    CSV = "csv"
    LINES = "lines"


READS = (
    "VIC JSON, INTERPOL's hash CSV, ThreatExchange CSV, JSON and JSON lines, vPDQ JSON, CSV with a header that names "
    "its digests, and text with one digest a line; each plain, as gzip or alone in a ZIP, in UTF-8 or UTF-16"
)
_KEYS = re.compile(rb'"([A-Za-z@.][A-Za-z_.]{1,40})"\s*:')
_VIC = {b"@odata.context", b"odata.metadata", b"MediaID", b"CaseNumber", b"CaseID", b"VictimIdentified"}
_EXCHANGE = {b"indicator", b"signal_type", b"hashRecords", b"signalType", b"hash_digest", b"paging", b"should_delete"}
_PAGE = {b"data", b"results", b"hashRecords", b"paging", b"count", b"next"}
_ARRAY = re.compile(rb'"(?:results|hashRecords)"\s*:\s*\[|"data"\s*:\s*\[\s*\{\s*"(?:indicator|type)"')
_FRAME = re.compile(rb'\A\[\s*"[0-9a-fA-F]{64}\s*,|\A[\[{]\s*(?:"\d+"\s*:\s*)?\{\s*"(?:hash|pdq_hex|quality)"')
_DIGEST = re.compile(r"(?:[0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{64})(?:\s|\Z)")
_KIND_LINE = re.compile(r"(?:pdq|sha-?_?256)(?:\s+hash(?:es)?)?", re.IGNORECASE)


def read(
    stream: IO[bytes],
    *,
    name: str,
    format: Format | str | None = None,  # noqa: A002  the word people use for it
    told: Told | None = None,
    progress: Progress | None = None,
    chunk: int = CHUNK,
) -> Iterator[Batch | BadRow | Note]:
    """Yield the rows of a list file. ``stream`` is binary; a ZIP needs one that can seek.

    ``format`` overrides what the content looks like; ``told`` is what the importing person says about the list;
    ``progress`` hears how many packed bytes were read. Raises ListDamaged when the file is no whole list of a known
    format: whatever was yielded before must then not count as the list.
    """
    told = told or Told()
    source = Source(stream, progress=progress)
    head = source.peek(HEAD)
    if not head.strip():
        raise ListDamaged(Code.EMPTY, "The file is empty.")
    if format is None:
        chosen = detect(head, name)
    else:
        try:
            chosen = Format(format)
        except ValueError:
            raise ListDamaged(Code.UNKNOWN_FORMAT, f"There is no format “{format}”. Read are: {READS}.") from None
    match chosen:
        case Format.VIC:
            yield from vic.read(source.readinto, chunk=chunk)
        case Format.ICSE:
            yield from icse.IcseReader(source).read()
        case Format.THREATEXCHANGE_JSON:
            yield from threatexchange.read_json(source, told, chunk=chunk)
        case Format.THREATEXCHANGE_JSON_LINES:
            yield from threatexchange.read_json_lines(source, told)
        case Format.THREATEXCHANGE_LINES:
            yield from threatexchange.read_typed_lines(source, told)
        case Format.VPDQ:
            yield from threatexchange.read_vpdq(source, told)
        case Format.CSV | Format.THREATEXCHANGE_CSV:
            yield from plain.read_table(source, separator_of(_first_line(head)), told)
        case Format.LINES:
            yield from plain.read_lines(source, told)


def detect(head: bytes, name: str) -> Format:
    """Tell the format from the beginning of the text. Raises ListDamaged where it is none that is read."""
    start = head.lstrip()
    if start.startswith(b"<"):
        raise _unknown(name, "looks like XML; lists of a Hash Sharing API are polled, not imported from files")
    if b"\0" in head:
        raise _unknown(name, "is binary")
    if start.startswith((b"{", b"[")):
        return _json(start, name)
    first = _first_line(head)
    if icse.is_header(first):
        return Format.ICSE
    fields = split(first, separator_of(first)) or []
    if Header(fields).readable and (len(fields) > 1 or not _KIND_LINE.fullmatch(first.strip())):
        names = {plain_name(field) for field in fields}
        return Format.THREATEXCHANGE_CSV if names >= {"signaltype", "signalstr"} else Format.CSV
    if _DIGEST.match(first) or _KIND_LINE.fullmatch(first.strip()):
        return Format.LINES
    word, _, rest = first.partition(" ")
    if rest and Signal.named(word) is not None:
        return Format.THREATEXCHANGE_LINES
    if name.lower().endswith((".txt", ".md5", ".sha1", ".sha256", ".pdq")) and len(fields) == 1:
        return Format.LINES  # a first line that is no digest is then a bad row among good ones
    if len(fields) > 1:
        raise ListDamaged(
            Code.HEADER_MISSING,
            f"No header line names a column with digests (md5, sha1, pdq, ...). Read are: {READS}.",
        )
    raise _unknown(name, "is of no kind that is known")


def _json(start: bytes, name: str) -> Format:
    if _FRAME.match(start):
        return Format.VPDQ
    for key in _KEYS.finditer(start):
        if key[1] in _VIC:
            if start.startswith(b"["):
                raise ListDamaged(
                    Code.HEADER_MISSING, "The records stand alone: a VIC file begins with its context, then “value”."
                )
            return Format.VIC
        if key[1] in _EXCHANGE:
            return _exchange(start)
    # An empty list has no record to tell it by.
    if re.match(rb'\{\s*"data"\s*:\s*\[\s*\]', start):
        return Format.THREATEXCHANGE_JSON
    raise _unknown(name, "is JSON of no kind that is known")


def _exchange(start: bytes) -> Format:
    """One record a line, or a page: in the first, the first line is a whole object, and a record itself."""
    line = start.partition(b"\n")[0].rstrip()
    own = next(_KEYS.finditer(line), None)
    if start.startswith(b"{") and line.endswith(b"}") and own and own[1] not in _PAGE and not _ARRAY.search(line):
        return Format.THREATEXCHANGE_JSON_LINES
    return Format.THREATEXCHANGE_JSON


def _first_line(head: bytes) -> str:
    for raw in head.splitlines():
        if raw.strip() and not raw.startswith(b"#"):
            return text_of(raw)[0]
    # Only comments so far: one of them may say what the digests are.
    return next((text_of(raw)[0].lstrip("# ") for raw in head.splitlines() if raw.strip()), "")


def _unknown(name: str, what: str) -> ListDamaged:
    shown = name[:80] if name else "The file"
    return ListDamaged(Code.UNKNOWN_FORMAT, f"{shown} {what}. Read are: {READS}.")
