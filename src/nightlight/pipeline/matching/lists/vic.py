# SPDX-License-Identifier: Apache-2.0
"""Reads VIC JSON, the format of Project VIC's hash sets (``#Media``) and case files (``#Cases``), 2.0 and 1.x.

The names are those that public importers and exporters use (GLEAPP's projectvic.py, IPED's HashDBTool.java); the data
model itself is shared under agreement. Category 0 is a value. What it means differs by country, so the scheme that
the file names is given as a note and the number is passed on as it is. Several records may name one file.

Records are decoded in chunks (:mod:`jsonstream`); digests are converted a column at a time. A chunk with anything
unusual in it goes record by record (:mod:`vic_records`) and gives the same rows.
"""

from __future__ import annotations

import binascii
import re
from collections import Counter
from typing import TYPE_CHECKING

from nightlight.pipeline.matching.lists import values
from nightlight.pipeline.matching.lists.jsonstream import CHUNK, Broken, Chunk, JsonStream, ReadInto
from nightlight.pipeline.matching.lists.rows import (
    JSON,
    BadRow,
    Batch,
    Code,
    ListDamaged,
    Made,
    Note,
    Repeated,
    batch_of,
)
from nightlight.pipeline.matching.lists.vic_records import KNOWN, MANY, ONE, Claims, Media, Record, entry_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# 0 to 5 in the model, as numbers or as text; others are passed on and noted.
CATEGORIES = {number: str(number) for number in range(6)} | {str(number): str(number) for number in range(6)}
_CONTEXT = re.compile(r"/DataModels/(\d+(?:\.\d+)*)\.xml(?:/([^/$#]+))?", re.IGNORECASE)
_KIND = re.compile(r"#(Media|Cases)\b")
_CASE_KEYS = frozenset({"CaseID", "CaseNumber", "CaseMetadata", "SourceApplicationName", "Media", "TotalMediaFiles"})
_IGNORED = re.compile(r"odata|@")  # links of the protocol the format was taken from

Item = Batch | BadRow | Note


class Tally:
    """What was counted here, beside what the file says of itself."""

    def __init__(self) -> None:
        self.records = 0
        self.good = 0
        self.bad = 0
        self.pictures = 0
        self.files = 0
        self.precategorized = 0
        self.categories: Counter[str] = Counter()
        self.unknown: set[str] = set()
        self.told: dict[str, int] = {}

    def notes(self) -> Iterator[Note]:
        """The counts, and every claim of the file that differs from them."""
        numbers = {"records": self.records, "good": self.good, "bad": self.bad, "precategorized": self.precategorized}
        numbers |= {f"category {name or 'none'}": count for name, count in sorted(self.categories.items())}
        yield Note(Code.COUNTED, f"{self.records} records came, {self.good} are in.", numbers)
        counted = {"TotalMediaFiles": {self.records, self.files}, "TotalPrecategorized": {self.precategorized}}
        for name, claimed in self.told.items():
            if claimed not in counted[name]:
                came = min(counted[name], key=lambda count: abs(count - claimed))
                text = f"The file says {name} = {claimed}; counted were {came}."
                yield Note(Code.COUNT_DIFFERS, text, {"claimed": claimed, "counted": came}, {"name": name})
        odd = {name: count for name, count in self.categories.items() if name not in CATEGORIES.values() and name}
        if odd:
            names = ", ".join(sorted(odd)[:10])
            text = f"Categories outside 0 to 5: {names}. They are kept as they are."
            yield Note(Code.CATEGORY_OUT_OF_RANGE, text, {"records": sum(odd.values())})
        if self.pictures:
            text = "Records came with a small picture. Pictures are never taken from a hash list."
            yield Note(Code.PICTURES_LEFT_OUT, text, {"records": self.pictures})
        if self.unknown:
            names = ", ".join(sorted(self.unknown)[:30])
            yield Note(Code.UNKNOWN_FIELDS, f"Fields that were not read: {names}.", {"fields": len(self.unknown)})


def read(readinto: ReadInto, *, chunk: int = CHUNK) -> Iterator[Item]:
    """Yield the rows of a VIC JSON file in UTF-8.

    Raises ListDamaged when the file is cut off, is no JSON, or has no list of media. Peak memory is a chunk and its
    rows; the default of 128 KB is the fastest measured, larger ones are slower because they leave the cache.
    """
    stream, tally = JsonStream(readinto, chunk=chunk), Tally()
    kind, seen = "", False
    for key in stream.members():
        if key in ("@odata.context", "odata.metadata"):
            text = str(stream.value())
            kind = match[1] if (match := _KIND.search(text)) else kind
            yield _scheme(text, kind)
        elif key == "value" and not seen:
            seen = True
            if stream.peek() not in (b"[", b""):
                raise ListDamaged(Code.HEADER_MISSING, "The file's “value” is no list of media or cases.")
            # The context may come after the list, or not at all: then the first record's first field tells.
            cases = kind == "Cases" or (not kind and stream.first_key() in _CASE_KEYS)
            yield from _cases(stream, tally) if cases else _media(stream, tally, "")
        elif key in ("TotalMediaFiles", "TotalPrecategorized"):
            _claim(tally, key, stream.value())
        else:
            stream.value()
    stream.end()
    tally.unknown = {name for name in stream.names - KNOWN if not _IGNORED.search(name)}
    if not seen:
        raise ListDamaged(Code.HEADER_MISSING, "The JSON has no “value”, the list a VIC file consists of.")
    yield from tally.notes()


def _scheme(text: str, kind: str) -> Note:
    found = _CONTEXT.search(text)
    model, scheme = (found[1], found[2] or "") if found else ("", "")
    said = f"VICS {model or 'of unknown version'}{', scheme ' + scheme if scheme else ''}"
    return Note(
        Code.SCHEME_HINT, f"The file says it follows {said}.", {}, {"model": model, "scheme": scheme, "kind": kind}
    )


def _claim(tally: Tally, name: str, value: JSON) -> None:
    try:
        tally.told[name] = tally.told.get(name, 0) + int(value)
    except (TypeError, ValueError, OverflowError):
        return


def _cases(stream: JsonStream, tally: Tally) -> Iterator[Item]:
    """Walk the cases. Ids of media count within a case only, so the case is put before them."""
    stream.expect(b"[")
    number = 0
    while stream.peek() != b"]":
        if number:
            stream.expect(b",")
        number += 1
        case = str(number)
        for key in stream.members():
            if key == "Media" and stream.peek() == b"[":
                yield from _media(stream, tally, f"{case}/")
                continue
            value = stream.value()
            if key == "CaseID" and value not in (None, ""):
                case = str(value)
            elif key in ("TotalMediaFiles", "TotalPrecategorized"):
                _claim(tally, key, value)
    stream.expect(b"]")


def _media(stream: JsonStream, tally: Tally, prefix: str) -> Iterator[Item]:
    before = tally.records
    for part in stream.records(MANY, ONE):
        if isinstance(part, Broken):
            tally.records += 1
            tally.bad += 1
            code, what = (Code.NOT_JSON, "no JSON") if part.syntax else (Code.NOT_A_RECORD, "no record of a file")
            yield BadRow.of(before + part.row, part.offset, code, f"This is {what}.", part.raw)
            continue
        first = before + part.first
        tally.records += len(part.records)
        batch = _columns(part.records, first, prefix, tally)
        if batch is not None:
            tally.good += len(batch)
            yield batch
        else:
            yield from _one_by_one(part, first, prefix, tally)


def _columns(records: list[Record], first: int, prefix: str, tally: Tally) -> Batch | None:
    """Convert a chunk column by column; None when a record in it is out of the ordinary."""
    count = len(records)
    md5 = values.column("md5", [r.MD5 for r in records])
    sha1 = _optional("sha1", [r.SHA1 for r in records])
    opaque = _photodna(records)
    ids = [r.MediaID for r in records]
    if md5 is None or sha1 is None or opaque is None:
        return None
    if None in ids:
        ids = [_own_id(m, s) if i is None else i for i, m, s in zip(ids, md5, sha1, strict=True)]
    categories = [r.Category for r in records]
    try:
        names = [CATEGORIES[category] for category in categories]
    except (KeyError, TypeError):
        return None
    for name in set(names):
        tally.categories[name] += names.count(name)
    flags = [r.IsPrecategorized for r in records]
    tally.precategorized += flags.count(True)
    if str in set(map(type, flags)):
        tally.precategorized += sum(isinstance(flag, str) and values.truth(flag) is True for flag in flags)
    _extras(records, tally)
    kinds = [r.MimeType for r in records]
    none: Repeated[None] = Repeated(None, count)
    return Batch(
        source_id=[f"{prefix}{i}" for i in ids] if prefix else list(map(str, ids)),
        media=Repeated("", count) if kinds.count(None) == count else [values.media(kind) for kind in kinds],
        classification=names,
        md5=md5,
        sha1=sha1,
        sha256=none,
        pdq=none,
        pdq_quality=none,
        frames=Repeated((), count),
        opaque=opaque,
        claims=Claims(records),
        row=range(first, first + count),
    )


def _photodna(records: list[Record]) -> Sequence[dict[str, str]] | None:
    """The column of PhotoDNA, from the field or from alternative hashes that hold nothing else; None when unusual."""
    others = [r.AlternativeHashes for r in records] if type(records[0]) is Media else []
    found: list[JSON] = [r.PhotoDNA for r in records]
    if others and others.count(None) != len(others):
        try:
            for at, several in enumerate(others):
                if not several:
                    continue
                (other,) = several
                if other["HashName"] != "PhotoDNA" or found[at] is not None:
                    return None
                found[at] = other["HashValue"]
        except (TypeError, KeyError, ValueError):
            return None
    absent = found.count(None)
    present = [value for value in found if value is not None] if absent else found
    if not present:
        return Repeated({}, len(records))
    return Made(found, _opaque) if _canonical(present) else None


def _canonical(present: list[JSON]) -> bool:
    """Whether each value is 144 bytes, or base64 of them in its one canonical form."""
    try:
        sizes = set(map(len, present))
        if type(present[0]) is bytes:
            return sizes == {values.PHOTODNA_SIZE}
        # 192 characters are 144 bytes exactly when each is of the alphabet, for others are skipped in decoding.
        return sizes == {192} and len(binascii.a2b_base64("".join(present))) == len(present) * values.PHOTODNA_SIZE
    except (TypeError, ValueError):
        return False


def _own_id(md5: bytes, sha1: bytes | None) -> str:
    return values.own_id({"md5": md5} if sha1 is None else {"sha1": sha1})


def _opaque(value: str | bytes | None) -> dict[str, str]:
    if value is None:
        return {}
    return {"PhotoDNA": value if isinstance(value, str) else values.encoded(value)}


def _optional(kind: str, texts: list[JSON]) -> Sequence[bytes | None] | None:
    absent = texts.count(None)
    if absent == len(texts):
        return Repeated(None, absent)
    found = values.column(kind, [text for text in texts if text is not None] if absent else texts)
    if not absent or found is None:
        return found
    rest = iter(found)
    return [None if text is None else next(rest) for text in texts]


def _extras(records: list[Record], tally: Tally) -> None:
    if type(records[0]) is not Media:
        return
    tally.pictures += len(records) - [r.Miniature for r in records].count(None)
    files = [r.MediaFiles for r in records]
    if files.count(None) != len(files):
        tally.files += sum(len(f) for f in files if isinstance(f, list))


def _one_by_one(part: Chunk[Record], first: int, prefix: str, tally: Tally) -> Iterator[Item]:
    good = []
    for number, record in enumerate(part.records, first):
        entry, bad = entry_of(record, number, part.offset, prefix)
        yield from bad
        tally.categories[entry.classification] += 1
        tally.precategorized += values.truth(record.IsPrecategorized) is True
        if entry.usable:
            good.append(entry)
        else:
            tally.bad += 1
    _extras(part.records, tally)
    tally.good += len(good)
    if good:
        yield batch_of(good)
