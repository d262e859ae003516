# SPDX-License-Identifier: Apache-2.0
"""The lines of a list, packed or not, within limits; and the account of what was wrong with them."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import IO, TYPE_CHECKING, Generic, NamedTuple, NoReturn, TypeVar

from nightlight.pipeline.matching.lists.rows import Code, ListDamaged
from nightlight.pipeline.matching.lists.source import BLOCK, Source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from nightlight.casework.attribution.netdata.spans import NotASpan

T = TypeVar("T")
MOST_PROBLEMS = 1_000
LONGEST_TEXT = 120


class ProblemCode(StrEnum):
    """What is wrong with a line."""

    NOT_AN_ADDRESS = "not-an-address"
    PREFIX_LENGTH = "prefix-length"
    REVERSED = "reversed"
    MIXED = "mixed"
    NUMBER_TOO_LARGE = "number-too-large"
    NOT_A_NUMBER = "not-a-number"
    WRONG_SORT = "wrong-sort"  # an AS number among addresses, or the other way round
    TOO_WIDE = "too-wide"  # no list of such services holds a part of the Internet that large
    FIELDS = "fields"
    COUNTRY = "country"
    DATE = "date"
    OVERLAP = "overlap"
    COUNT_DIFFERS = "count-differs"
    LINE_TOO_LONG = "line-too-long"
    VALUE = "value"  # a field of a record does not have the form it should have
    # taken in all the same
    HOST_BITS = "host-bits"  # bits behind the prefix length: the prefix is meant
    NOT_UTF8 = "not-utf8"
    TWICE = "twice"


TAKEN = frozenset({ProblemCode.HOST_BITS, ProblemCode.NOT_UTF8, ProblemCode.TWICE, ProblemCode.OVERLAP})
"""Faults whose line is in all the same (of an overlap both lines are, and the more specific one wins)."""


class DamageCode(StrEnum):
    """Why a file is no list."""

    DAMAGED = "damaged"  # its packing, or its structure
    CUT_OFF = "cut-off"
    ENCODING = "encoding"
    TOO_LARGE = "too-large"
    NOT_THIS_FORMAT = "not-this-format"
    EMPTY = "empty"  # not one entry in it
    NO_ADDRESSES = "no-addresses"  # a database whose addresses cannot be gone through


class NetdataDamaged(ValueError):
    """The file cannot be taken as a list; ``code`` says why, ``sentence`` says it to a person."""

    def __init__(self, code: DamageCode, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


class BadLine(Exception):
    """One line cannot be taken; the reader notes the code and goes on."""

    def __init__(self, code: ProblemCode) -> None:
        super().__init__(code)
        self.code = code

    @classmethod
    def of(cls, no: NotASpan) -> BadLine:
        """The same fault of a text, as a fault of its line."""
        return cls(ProblemCode(no.fault.value))


class Problem(NamedTuple):
    """Something wrong with one line (from 1; 0: the file as a whole); ``text`` is its beginning."""

    line: int
    code: ProblemCode
    text: str

    @property
    def left_out(self) -> bool:
        """Whether the line is not in."""
        return self.code not in TAKEN


@dataclass(slots=True)
class Tally:
    """The account of one reading: every line is an entry, a comment, blank, or left out with a problem.

    The first thousand problems are kept; `by_code` counts them all. `about` holds what the file says of itself.
    """

    lines: int = 0
    entries: int = 0
    comments: int = 0
    blank: int = 0
    left_out: int = 0
    passed_over: int = 0  # lines that are right and say nothing for us, such as free ranges of a registry
    problems: list[Problem] = field(default_factory=list)
    by_code: Counter[ProblemCode] = field(default_factory=Counter)
    about: dict[str, str] = field(default_factory=dict)

    def note(self, line: int, code: ProblemCode, text: str) -> None:
        """Count a problem, and keep it if it is among the first."""
        self.by_code[code] += 1
        if line and code not in TAKEN:
            self.left_out += 1
        if len(self.problems) < MOST_PROBLEMS:
            cut = text[: LONGEST_TEXT + 1].replace("\t", " ")
            shown = "".join(sign if sign.isprintable() else "�" for sign in cut)
            self.problems.append(Problem(line, code, shown[:LONGEST_TEXT] + "…" * (len(shown) > LONGEST_TEXT)))


@dataclass(frozen=True, slots=True)
class Read(Generic[T]):
    """What was read of a list: entries in the file's order, the account, and the time the file itself gives."""

    entries: tuple[T, ...]
    tally: Tally
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a list may be: bytes unpacked, lines, bytes of one line, and how much packing may shrink it."""

    size: int = 2 << 30
    lines: int = 30_000_000
    line: int = 16_384
    ratio: int = 200
    ratio_from: int = 16 << 20


LIMITS = Limits()


class Line(NamedTuple):
    """One line: its number from 1, and its text without white space around it."""

    number: int
    text: str


def lines(stream: IO[bytes], tally: Tally, limits: Limits = LIMITS) -> Iterator[Line]:
    """Go through the lines of a file (plain, gzip, or a ZIP with one file in it) that are not blank.

    Holds one block at a time. A line that is too long, or no UTF-8, is a problem; raises NetdataDamaged for a file
    that is too large, cut off or broken in its packing.
    """
    for number, raw in _raw_lines(stream, limits):
        if number > limits.lines:
            raise NetdataDamaged(DamageCode.TOO_LARGE, f"The list has more than {limits.lines} lines.")
        tally.lines = number
        if raw is None or len(raw) > limits.line:
            tally.note(number, ProblemCode.LINE_TOO_LONG, "" if raw is None else raw[:200].decode("utf-8", "replace"))
            continue
        try:
            text = raw.decode("utf-8").strip()
        except UnicodeDecodeError:
            text = raw.decode("utf-8", "replace").strip()
            tally.note(number, ProblemCode.NOT_UTF8, text)
        if text:
            yield Line(number, text)
        else:
            tally.blank += 1


def _raw_lines(stream: IO[bytes], limits: Limits) -> Iterator[tuple[int, bytes | None]]:
    """Each line with its number; None in place of one that is too long to hold."""
    rest, number, skipping = b"", 0, False
    for block in _blocks(stream, limits):
        *whole, rest = (rest + block).split(b"\n")
        for raw in whole:
            number += 1
            yield number, None if skipping else raw
            skipping = False
        if len(rest) > limits.line:
            skipping, rest = True, b""
    if rest or skipping:
        yield number + 1, None if skipping else rest


def _blocks(stream: IO[bytes], limits: Limits) -> Iterator[bytes]:
    packed = size = 0

    def told(read: int) -> None:
        nonlocal packed
        packed = read

    try:
        source = Source(stream, progress=told)
        while block := source.read(BLOCK):
            size += len(block)
            if size > limits.size or (size > limits.ratio_from and size > limits.ratio * max(packed, 1)):
                raise NetdataDamaged(DamageCode.TOO_LARGE, "The file holds far more than such a list does.")
            yield block
    except ListDamaged as damaged:
        _damaged(damaged.code)


_SAID = {
    Code.TRUNCATED: (DamageCode.CUT_OFF, "The file was cut off: it ends in the middle."),
    Code.ENCODING: (DamageCode.ENCODING, "The file is no text in UTF-8 or UTF-16."),
    Code.TOO_LARGE: (DamageCode.TOO_LARGE, "The file holds far more than such a list does."),
}


def _damaged(code: Code) -> NoReturn:
    found, sentence = _SAID.get(
        code, (DamageCode.DAMAGED, "The packed file is damaged, locked, or holds several files.")
    )
    raise NetdataDamaged(found, sentence) from None


def fields(line: Line) -> list[str]:
    """Split a line of comma-separated values (RFC 4180, blanks after the comma allowed); no value spans two lines."""
    try:
        row = next(csv.reader([line.text], skipinitialspace=True), [])
    except csv.Error:
        return []
    return [value.strip() for value in row]


def must_hold(found: int, tally: Tally) -> None:
    """Refuse a file in which not one line was an entry: an empty list is rather a wrong file. Raises NetdataDamaged."""
    if found:
        return
    if tally.left_out:
        sentence = f"Not one of the {tally.left_out} lines is an entry of such a list."
        raise NetdataDamaged(DamageCode.NOT_THIS_FORMAT, sentence)
    raise NetdataDamaged(DamageCode.EMPTY, "There is no entry in this file.")
