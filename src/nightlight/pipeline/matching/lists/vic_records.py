# SPDX-License-Identifier: Apache-2.0
"""One record of VIC JSON: its fields, its claims, and the careful way to a row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from operator import attrgetter
from typing import Any, ClassVar, overload

import msgspec

from nightlight.pipeline.matching.lists import values
from nightlight.pipeline.matching.lists.rows import JSON, BadRow, Code, Entry


class Media(msgspec.Struct, gc=False):
    """A media record. Every field may be anything: exporters write numbers and booleans as text, and null.

    Names are the source's. Null and absent are the same.
    """

    MediaID: JSON = None
    Category: JSON = None
    MD5: JSON = None
    SHA1: JSON = None
    PhotoDNA: JSON = None
    MediaSize: JSON = None
    DateUpdated: JSON = None
    VictimIdentified: JSON = None
    OffenderIdentified: JSON = None
    IsDistributed: JSON = None
    IsSuspected: JSON = None
    SelfGenerated: JSON = None
    IsPrecategorized: JSON = None
    PrecategorizationSource: JSON = None
    Series: JSON = None
    Tags: JSON = None
    Comments: JSON = None
    MimeType: JSON = None
    RelativeFilePath: JSON = None
    AlternativeHashes: JSON = None
    MediaFiles: JSON = None
    Exifs: JSON = None
    Miniature: JSON = None


class Plain(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """The record of an ordinary hash set: flat, digests as text, PhotoDNA as base64, which the decoder takes to bytes.

    Anything else is refused, and the chunk is decoded as :class:`Media`.
    """

    MediaID: JSON = None
    Category: JSON = None
    MD5: str | None = None
    SHA1: str | None = None
    PhotoDNA: bytes | None = None
    MediaSize: JSON = None
    DateUpdated: JSON = None
    VictimIdentified: JSON = None
    OffenderIdentified: JSON = None
    IsDistributed: JSON = None
    IsSuspected: JSON = None
    SelfGenerated: JSON = None
    IsPrecategorized: JSON = None
    PrecategorizationSource: JSON = None
    Series: JSON = None
    Tags: JSON = None
    Comments: JSON = None
    MimeType: JSON = None
    RelativeFilePath: JSON = None

    AlternativeHashes: ClassVar[JSON] = None
    MediaFiles: ClassVar[JSON] = None
    Exifs: ClassVar[JSON] = None
    Miniature: ClassVar[JSON] = None


MANY: tuple[msgspec.json.Decoder[list[Any]], ...] = (
    msgspec.json.Decoder(list[Plain]),
    msgspec.json.Decoder(list[Media]),
)
ONE: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Media)
Record = Media | Plain
KNOWN = frozenset(Media.__struct_fields__)
_TRUTHS = (
    "VictimIdentified",
    "OffenderIdentified",
    "IsDistributed",
    "IsSuspected",
    "SelfGenerated",
    "IsPrecategorized",
)
_AS_THEY_ARE = (
    "MediaSize",
    "PrecategorizationSource",
    "Series",
    "Tags",
    "Comments",
    "MimeType",
    "RelativeFilePath",
    "MediaFiles",
    "Exifs",
)
_CLAIMS = (*_TRUTHS, "DateUpdated", *_AS_THEY_ARE)
_CLAIMED = attrgetter(*_CLAIMS)
# AlternativeHashes names a value's type in words; these are ones we can compare.
_COMPARED = {"md5": "md5", "sha1": "sha1", "sha256": "sha256", "pdq": "pdq"}


class Claims(Sequence[dict[str, JSON]]):
    """The claims of a chunk of records, made when first asked for, by columns: most records of a chunk claim alike."""

    __slots__ = ("_made", "_records")

    def __init__(self, records: Sequence[Record]) -> None:
        self._records = records
        self._made: list[dict[str, JSON]] | None = None

    def _all(self) -> list[dict[str, JSON]]:
        if self._made is None:
            self._made = claims_of(self._records)
        return self._made

    def __len__(self) -> int:
        return len(self._records)

    @overload
    def __getitem__(self, index: int) -> dict[str, JSON]: ...
    @overload
    def __getitem__(self, index: slice) -> list[dict[str, JSON]]: ...
    def __getitem__(self, index: int | slice) -> dict[str, JSON] | list[dict[str, JSON]]:
        return self._all()[index]

    def __iter__(self) -> Iterator[dict[str, JSON]]:
        return iter(self._all())


def claims_of(records: Sequence[Record]) -> list[dict[str, JSON]]:
    """What the source says about each file, under its names: truths as booleans, moments as ISO 8601.

    Fields that are absent, null or blank say nothing and are left out.
    """
    columns = zip(*map(_CLAIMED, records), strict=True)
    names: list[str] = []
    said: list[Sequence[JSON]] = []
    gaps = False
    for name, column in zip(_CLAIMS, columns, strict=True):
        if column[0] in (None, "") and column.count(column[0]) == len(column):
            continue
        kinds = set(map(type, column))
        gaps = gaps or type(None) in kinds or (str in kinds and "" in column)
        names.append(name)
        if str in kinds and name in _TRUTHS:
            said.append([values.truth(value) for value in column])
        elif str in kinds and name == "DateUpdated":
            said.append([values.moment(v) if isinstance(v, str) and v[:1] == "/" else v for v in column])
        else:
            said.append(column)
    if not names:
        return [{} for _ in records]
    rows = zip(*said, strict=True)
    if not gaps:
        return list(map(dict, map(partial(zip, names), rows)))  # all in C: half the time of a comprehension
    return [{n: v for n, v in zip(names, row, strict=True) if v is not None and v != ""} for row in rows]


def entry_of(record: Record, row: int, offset: int, prefix: str) -> tuple[Entry, list[BadRow]]:
    """Turn one record into a row, and say of each bad value what is wrong with it."""
    bad: list[BadRow] = []
    entry = Entry(row=row, classification=classification(record.Category), media=values.media(record.MimeType))

    def report(code: Code, reason: str) -> None:
        bad.append(BadRow.of(row, offset, code, reason, msgspec.json.encode(record)))

    def take(kind: str, value: JSON) -> None:
        try:
            found = values.digest(kind, value)
        except values.BadValue as error:
            report(error.code, error.reason)
        else:
            if found is not None:
                entry.digests.setdefault(kind, found)

    def keep_photodna(value: JSON) -> None:
        try:
            found = values.photodna(value)
        except values.BadValue as error:
            report(error.code, error.reason)
        else:
            if found is not None:
                entry.opaque.setdefault("PhotoDNA", found)

    take("md5", record.MD5)
    take("sha1", record.SHA1)
    keep_photodna(record.PhotoDNA)
    others = record.AlternativeHashes
    for other in others if isinstance(others, list) else [] if others is None else [others]:
        if not isinstance(other, dict) or not isinstance(other.get("HashName"), str):
            report(Code.BAD_OPAQUE, "An alternative hash has no name.")
            continue
        name, value = other["HashName"], other.get("HashValue")
        plain = name.lower().replace("-", "").replace("_", "").strip()
        if plain == "photodna":
            keep_photodna(value)
        elif plain in _COMPARED:
            take(_COMPARED[plain], value)
        elif isinstance(value, str) and value:
            entry.opaque.setdefault(name, value)
    if not entry.usable:
        if not bad:
            report(Code.NO_DIGEST, "The record has no digest that can be compared.")
        return entry, bad
    identity = values.own_id(entry.digests) if record.MediaID is None else record.MediaID
    entry.source_id = f"{prefix}{identity}"
    entry.claims = claims_of([record])[0]
    return entry, bad


def classification(category: JSON) -> str:
    """The category as text; "" only where the record has none. 0 is a category."""
    if category is None:
        return ""
    if isinstance(category, bool) or (isinstance(category, float) and category.is_integer()):
        category = int(category)
    return str(category).strip()
