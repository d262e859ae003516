# SPDX-License-Identifier: Apache-2.0
"""What stands in a record, cell by cell: a field of the evidence is a whole cell of it, and never a piece of one.

A record is an XML element, a JSON value or a row of a table, as it was cut out of a document. Its escapes are read
(``\\u002b``, ``&amp;``, UTF-16), so that what is compared is what it says. A time may stand in cells side by side,
first the date and then the clock. In running text a field has to stand by itself, and nothing may be left beside the
fields that could belong to one: no figure, no half of the day, no zone.
"""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING
from xml.parsers import expat

from nightlight.casework.attribution.addresses import NotRead, read_address
from nightlight.casework.attribution.time_texts import TimeFault, Unread, read_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_DELIMITERS = ",\t;|"
_PROSE = 6  # words from which on a cell is running text: no time, address or account is written in so many
_DATE = re.compile(r"[0-9]{1,4}([-/.:])[0-9]{1,2}\1[0-9]{1,4}(?![0-9.])")
_BEFORE = r"(?:(?<=[\s\"'(\[<{=,;>])|\A)"
_AFTER = r"(?=[\s\"')\]>},;]|[.!?](?:\s|\Z)|\Z)"
_HALF = r"[AaPp]\.?[Mm]\.?"
_LETTERS = (
    *(
        "UTC",
        "GMT",
        "Z",
        "UT",
        "IST",
        "NPT",
        "PKT",
        "BDT",
        "BTT",
        "MMT",
        "SGT",
        "HKT",
        "ICT",
        "JST",
        "KST",
        "GST",
        "AST",
    ),
    *("EST", "EDT", "CST", "CDT", "MST", "MDT", "PST", "PDT", "ADT", "HST", "BST", "WET", "WEST", "CET", "CEST", "EET"),
    *("EEST", "MSK", "SAST", "EAT", "WAT", "AEST", "AEDT", "ACST", "AWST", "NZST", "NZDT"),
)
_AREAS = "Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Europe|Indian|Pacific|Etc"
_ZONE = rf"(?:UTC|GMT)?\s?[+\-\u2212][0-9]{{1,2}}(?::?[0-9]{{2}})?|{'|'.join(_LETTERS)}|(?:{_AREAS})/[A-Za-z_/+-]+"
_WORDS = "local|time|noon|midnight|morning|afternoon|evening|night"
_BESIDE = re.compile(rf"(?:{_HALF}|{_ZONE})")
# What a field in running text could go on with: figures, a half of the day, a zone.
_LEFT = re.compile(rf"[0-9]|(?<![A-Za-z]){_HALF}(?![A-Za-z])|(?<![A-Za-z])(?:{_ZONE})(?![A-Za-z])|\b(?:{_WORDS})\b")
_EPOCH_DIGITS = 9
_NO_TIME = frozenset({TimeFault.EMPTY, TimeFault.UNREADABLE, TimeFault.YEAR_TWO_DIGITS})


class How(IntEnum):
    """How a field stands in a record, the worst first."""

    NOT = 0
    PROSE = 1  # by itself, in running text
    JOINED = 2  # in two cells side by side
    WHOLE = 3


@dataclass(frozen=True, slots=True)
class Cell:
    """One value of a record. `place`: the name of its element, attribute or key, or "column 3" of a row."""

    place: str
    text: str


Row = tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """How each field stands in the row that holds them best. `others`: other values there that could be a field's.

    `beside`: halves of the day and zones that stand in cells of their own, and not in the time.
    """

    how: Mapping[str, How]
    others: Mapping[str, tuple[str, ...]]
    beside: tuple[str, ...] = ()


def stand(record: bytes, fields: Mapping[str, str], places: Mapping[str, str]) -> Found:
    """Return how fields stand in a record. `places`: in which cell each is, as whoever read it says; may be empty."""
    best: Found | None = None
    for row in _readings(record):
        how = {name: _how(row, name, text.strip(), places.get(name, "")) for name, text in fields.items()}
        if How.PROSE in how.values() and _left_over(row, how, fields):
            how = {name: How.NOT if one is How.PROSE else one for name, one in how.items()}
        others = {name: _others(row, name, text.strip()) for name, text in fields.items()}
        time = fields.get("time", "")
        beside = tuple(cell.text for cell in row if _BESIDE.fullmatch(cell.text) and cell.text not in time)
        found = Found(how, others, beside)
        if best is None or _rank(found) > _rank(best):
            best = found
    return best or Found(dict.fromkeys(fields, How.NOT), {})


def _rank(found: Found) -> tuple[int, int]:
    return min(found.how.values(), default=0), sum(found.how.values())


def cells(record: bytes) -> tuple[Row, ...]:
    """Return the rows of a record, each as its cells: an element or a value is one row."""
    return tuple(_readings(record))


def _readings(record: bytes) -> Iterator[Row]:
    text = _decoded(record).removeprefix("\ufeff").strip()
    row = None
    if text[:1] == "<":
        row = _of_xml(text)
    elif text[:1] in {"{", "[", '"'}:
        row = _of_json(text)
    if row is not None:
        yield row
        return
    for delimiter in _DELIMITERS:
        try:
            for values in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True):
                yield tuple(Cell(f"column {number}", value.strip()) for number, value in enumerate(values, 1))
        except csv.Error:
            continue


def _decoded(record: bytes) -> str:
    if record[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        encoding = "utf-16"
    elif record[1:2] == b"\0":
        encoding = "utf-16-le"
    else:
        encoding = "utf-16-be" if record[:1] == b"\0" else "utf-8"
    try:
        return record.decode(encoding)
    except UnicodeDecodeError:
        return record.decode("latin-1")


def _of_xml(text: str) -> Row | None:
    found: list[Cell] = []
    said: list[list[str]] = [[]]
    names: list[str] = []
    parser = expat.ParserCreate("utf-8")

    def start(name: str, attributes: dict[str, str]) -> None:
        names.append(name.rpartition(":")[2])
        said.append([])
        found.extend(Cell(key.rpartition(":")[2], value.strip()) for key, value in attributes.items())

    def end(_name: str) -> None:
        text = "".join(said.pop()).strip()
        if text:
            found.append(Cell(names[-1], text))
        names.pop()

    def words(piece: str) -> None:
        said[-1].append(piece)

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, words
    body = re.sub(r"\A<\?xml[^>]*\?>", "", text)
    try:
        parser.Parse(f"<record>{body}</record>".encode(), True)
    except (expat.ExpatError, ValueError):
        return None
    return tuple(found)


def _of_json(text: str) -> Row | None:
    found: list[Cell] = []

    def walk(name: str, value: object) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                walk(key, inner)
        elif isinstance(value, list):
            for inner in value:
                walk(name, inner)
        elif isinstance(value, str):
            found.append(Cell(name, value.strip()))

    try:
        walk("", json.loads(text, parse_int=str, parse_float=str))
    except (ValueError, RecursionError):
        return None
    return tuple(found)


def _how(row: Row, name: str, text: str, place: str) -> How:
    if not text:
        return How.WHOLE
    mine = [cell for cell in row if not place or cell.place == place]
    if any(cell.text == text for cell in mine):
        return How.WHOLE
    if name == "time" and _joined(row, text, place):
        return How.JOINED
    if any(_is_prose(cell) and _by_itself(text).search(cell.text) for cell in mine):
        return How.PROSE
    return How.NOT


def _joined(row: Row, text: str, place: str) -> bool:
    """Whether a date and what stands right behind it (clock, half of the day or zone) are the text.

    `place` is that of the first cell.
    """
    return any(
        " ".join(cell.text for cell in row[at : at + count]) == text
        and _DATE.match(row[at].text)
        and (not place or row[at].place == place)
        for count in (2, 3)
        for at in range(len(row) - count + 1)
    )


def _is_prose(cell: Cell) -> bool:
    return len(cell.text.split()) >= _PROSE


def _by_itself(text: str) -> re.Pattern[str]:
    return re.compile(_BEFORE + re.escape(text) + _AFTER)


def _left_over(row: Row, how: Mapping[str, How], fields: Mapping[str, str]) -> bool:
    """Whether running text holds anything besides the fields that one of them could go on with."""
    said = sorted({text.strip() for text in fields.values() if text.strip()}, key=len, reverse=True)
    for cell in filter(_is_prose, row):
        words = cell.text
        if not any(_by_itself(fields[name].strip()).search(words) for name, one in how.items() if one is How.PROSE):
            continue
        for text in said:
            words = _by_itself(text).sub(" ", words, count=1)  # what stands there twice is a range
        if _LEFT.search(words):
            return True
    return False


def _others(row: Row, name: str, text: str) -> tuple[str, ...]:
    """Other values in the row that could be the field's: what a reader that took another column would have given."""
    if not text and name == "port":  # nobody took it, and it is there
        return tuple(cell.text for cell in row if cell.place.casefold() == "port" and cell.text.isdecimal())
    if not text or name not in {"address", "time", "port"}:
        return ()
    mine = [cell for cell in row if cell.text and cell.text != text and cell.text not in text.split()]
    if name == "address":
        return _unlike(text, [cell.text for cell in mine if cell.text.count(".") == 3 or cell.text.count(":") > 1])
    if name == "time":
        return tuple(dict.fromkeys(cell.text for cell in mine if _is_time(cell.text)))
    return tuple(
        dict.fromkeys(
            cell.text
            for cell in mine
            if cell.text.isdecimal()
            and ("port" in cell.place.casefold() or (cell.place.startswith("column ") and len(cell.text) < 6))
        )
    )


def _is_time(text: str) -> bool:
    """Whether a cell holds a time with its clock, in whatever order of figures."""
    if text.isdecimal() and len(text) < _EPOCH_DIGITS:
        return False
    try:
        return read_text(text, None, "").clock is not None
    except Unread as fault:
        return fault.code not in _NO_TIME and (":" in text or "." in text)


def _unlike(text: str, others: list[str]) -> tuple[str, ...]:
    own = read_address(text)
    read = [(other, read_address(other)) for other in others]
    return tuple(
        dict.fromkeys(
            other
            for other, one in read
            if not isinstance(one, NotRead) and (isinstance(own, NotRead) or one.text != own.text)
        )
    )
