# SPDX-License-Identifier: Apache-2.0
"""What every reader of a hash list yields: columns of good rows, rows that are not in, and notes about the whole.

Rules all readers keep:

* A row with one bad digest and another good one is **in**, with its good digests, and the bad value is reported as
  a :class:`BadRow` besides: nothing is lost, nothing is silent. So one row can be in a batch and in the bad rows.
* A row without any digest we can compare (MD5, SHA-1, SHA-256, PDQ, frames of PDQ) is a bad row only.
* Readers hold one chunk at a time and remember no ids, so they cannot see that an id came twice. The importer finds
  duplicates in its staging table: identical ones are counted, contradictory ones are reported with
  :attr:`Code.DUPLICATE_CONFLICT` and the first stays. The same digest under several ids is allowed.
* What the source says about a file is kept apart under the source's own names (``claims``); nothing here believes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar, overload

JSON = Any  # what json.loads returns; a recursive alias buys nothing where every value is passed through
RAW_LIMIT = 500
S = TypeVar("S")
T = TypeVar("T")


class Code(StrEnum):
    """Why a row is not in, or what a note is about. The importer stores these."""

    # rows
    WRONG_LENGTH = "wrong_length"
    NOT_HEX = "not_hex"
    NOT_TEXT = "not_text"
    EMPTY_FILE = "empty_file"
    PLACEHOLDER = "placeholder"
    NO_DIGEST = "no_digest"
    TYPE_NOT_USED = "type_not_used"
    BAD_FRAME = "bad_frame"
    BAD_QUALITY = "bad_quality"
    BAD_OPAQUE = "bad_opaque"
    NOT_A_RECORD = "not_a_record"
    NOT_JSON = "not_json"
    FIELD_COUNT = "field_count"
    ROW_TOO_LONG = "row_too_long"
    OPEN_QUOTE = "open_quote"
    WITHDRAWN_BY_SOURCE = "withdrawn_by_source"
    DUPLICATE_CONFLICT = "duplicate_conflict"  # for the importer's staging table
    # notes
    SCHEME_HINT = "scheme_hint"
    COUNTED = "counted"
    COUNT_DIFFERS = "count_differs"
    CATEGORY_OUT_OF_RANGE = "category_out_of_range"
    UNKNOWN_FIELDS = "unknown_fields"
    PICTURES_LEFT_OUT = "pictures_left_out"
    FRAMES_LEFT_OUT = "frames_left_out"
    MORE_PAGES = "more_pages"
    NOT_UTF8 = "not_utf8"
    # the whole file
    TRUNCATED = "truncated"
    MALFORMED = "malformed"
    EMPTY = "empty"
    UNKNOWN_FORMAT = "unknown_format"
    HEADER_MISSING = "header_missing"
    KIND_NOT_TOLD = "kind_not_told"
    ENCODING = "encoding"
    TOO_LARGE = "too_large"
    ARCHIVE = "archive"


class ListDamaged(Exception):
    """The file cannot be read as a whole list; what was read of it before must not be counted as one."""

    def __init__(self, code: Code, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


@dataclass(slots=True, frozen=True)
class BadRow:
    """A row, or one value of it, that is not in.

    ``row`` is the number of the record in the source, from 1; ``offset`` is where it starts, in bytes of the text
    as UTF-8 without its byte order mark (the record's chunk where the parser does not tell more); ``raw`` is its
    beginning, at most 500 bytes.
    """

    row: int
    offset: int
    code: Code
    reason: str
    raw: bytes

    @classmethod
    def of(cls, row: int, offset: int, code: Code, reason: str, raw: bytes | str) -> BadRow:
        """Make one, cutting ``raw`` to its limit."""
        data = raw.encode("utf-8", "backslashreplace") if isinstance(raw, str) else bytes(raw[:RAW_LIMIT])
        return cls(row, offset, code, reason, data[:RAW_LIMIT])


@dataclass(slots=True, frozen=True)
class Note:
    """Something about the whole list that a person should know: what it says of itself, and where that differs."""

    code: Code
    text: str
    numbers: dict[str, int] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)


class Repeated(Sequence[T]):
    """A column in which every row has the same value, in constant memory."""

    __slots__ = ("_length", "_value")

    def __init__(self, value: T, length: int) -> None:
        self._value = value
        self._length = length

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        if isinstance(index, slice):
            return [self._value] * len(range(*index.indices(self._length)))
        if not -self._length <= index < self._length:
            raise IndexError(index)
        return self._value

    def __iter__(self) -> Iterator[T]:
        for _ in range(self._length):
            yield self._value


class Made(Sequence[T]):
    """A column whose values are made from the rows' records when they are asked for, so that nobody pays unasked."""

    __slots__ = ("_make", "_records")

    def __init__(self, records: Sequence[S], make: Callable[[S], T]) -> None:
        self._records: Sequence[Any] = records
        self._make: Callable[[Any], T] = make

    def __len__(self) -> int:
        return len(self._records)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        if isinstance(index, slice):
            return [self._make(record) for record in self._records[index]]
        return self._make(self._records[index])

    def __iter__(self) -> Iterator[T]:
        return map(self._make, self._records)


@dataclass(slots=True)
class Batch:
    """Good rows as parallel columns of one length.

    ``source_id``: the source's id of the entry; where the source has none, ``<kind>:<hex>`` of its strongest digest.
    ``media``: "image", "video" or "". ``classification``: in the source's scheme, "" where it has none.
    ``md5``, ``sha1``, ``sha256``, ``pdq``: raw bytes (16, 20, 32, 32) or None. ``pdq_quality``: 0..100 or None.
    ``frames``: PDQ hashes of a video's frames, 32 bytes each. ``opaque``: values we store and never compute, by type
    name (PhotoDNA as canonical base64 of 144 bytes). ``claims``: what the source says, under its names.
    ``row``: the record's number in the source, from 1. Columns may be lists, ranges or columns made when asked for.
    """

    source_id: Sequence[str]
    media: Sequence[str]
    classification: Sequence[str]
    md5: Sequence[bytes | None]
    sha1: Sequence[bytes | None]
    sha256: Sequence[bytes | None]
    pdq: Sequence[bytes | None]
    pdq_quality: Sequence[int | None]
    frames: Sequence[tuple[bytes, ...]]
    opaque: Sequence[dict[str, str]]
    claims: Sequence[dict[str, JSON]]
    row: Sequence[int]

    def __len__(self) -> int:
        return len(self.row)


@dataclass(slots=True)
class Entry:
    """One row, for readers that go row by row; :class:`Rows` turns them into a batch."""

    row: int
    source_id: str = ""
    media: str = ""
    classification: str = ""
    digests: dict[str, bytes] = field(default_factory=dict)
    pdq_quality: int | None = None
    frames: tuple[bytes, ...] = ()
    opaque: dict[str, str] = field(default_factory=dict)
    claims: dict[str, JSON] = field(default_factory=dict)

    @property
    def usable(self) -> bool:
        """Whether there is anything to compare a file with."""
        return bool(self.digests or self.frames)


def batch_of(entries: list[Entry]) -> Batch:
    """Turn single rows into columns."""
    return Batch(
        source_id=[e.source_id for e in entries],
        media=[e.media for e in entries],
        classification=[e.classification for e in entries],
        md5=[e.digests.get("md5") for e in entries],
        sha1=[e.digests.get("sha1") for e in entries],
        sha256=[e.digests.get("sha256") for e in entries],
        pdq=[e.digests.get("pdq") for e in entries],
        pdq_quality=[e.pdq_quality for e in entries],
        frames=[e.frames for e in entries],
        opaque=[e.opaque for e in entries],
        claims=[e.claims for e in entries],
        row=[e.row for e in entries],
    )
