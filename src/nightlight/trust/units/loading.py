# SPDX-License-Identifier: Apache-2.0
"""Reads a list of units from a CSV file: what can be loaded, in which order, and what is wrong with every other line.

Columns, by the names in the first line: ``code``, ``name``, ``kind``, ``parent`` (a code; empty at the top) and
``areas`` (separated by ``;``: ``IN-MH``, ``LGD:482`` for a district, ``PIN:431`` for a postal prefix). UTF-8, with or
without a byte-order mark. Nothing here touches the database.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, field
from enum import StrEnum
from importlib import resources
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

COLUMNS = ("code", "name", "kind", "parent", "areas")
KINDS = ("national", "state", "district", "station", "special")
LONGEST_CODE, LONGEST_NAME, LONGEST_AREA = 40, 200, 40

_CODE = re.compile(r"[A-Z0-9]+(?:[-./_][A-Z0-9]+)*")
_AREA = re.compile(r"[A-Z]{2}(?:-[A-Z0-9]{1,3})?|LGD:[0-9]{1,6}|PIN:[0-9]{1,6}")


class Fault(StrEnum):
    """What can be wrong with a line or a file."""

    ENCODING = "encoding"  # the file is not UTF-8
    HEADER = "header"  # the first line does not name the columns
    UNKNOWN_COLUMN = "unknown-column"  # a column that is not read
    QUOTES = "quotes"  # a quotation mark is opened and not closed, or stands inside
    FIELDS = "fields"  # more or fewer fields than the first line
    EMPTY_CODE = "empty-code"
    BAD_CODE = "bad-code"
    EMPTY_NAME = "empty-name"
    BAD_NAME = "bad-name"  # control characters, such as a line break
    TOO_LONG = "too-long"
    UNKNOWN_KIND = "unknown-kind"
    BAD_AREA = "bad-area"
    DUPLICATE_CODE = "duplicate-code"
    MISSING_PARENT = "missing-parent"  # neither in the file nor there already
    CYCLE = "cycle"  # going up from the unit leads back to it
    PARENT_NOT_LOADED = "parent-not-loaded"  # the parent is in the file, and something is wrong with it


class UnitRow(NamedTuple):
    """A unit to be loaded."""

    line: int  # where it begins in the file, from 1; 0 when it comes from our own list
    code: str
    name: str
    kind: str  # one of KINDS
    parent_code: str  # empty at the top
    areas: tuple[str, ...]


class Problem(NamedTuple):
    """Something wrong with one line; the line is not loaded, unless the fault is ``unknown-column``."""

    line: int
    fault: Fault
    sentence: str


class Loaded(NamedTuple):
    """What a file holds."""

    rows: tuple[UnitRow, ...]  # every parent before its children; the same whatever the file's order
    problems: tuple[Problem, ...]  # by line


@dataclass
class _Reading:
    """What is known while a file is being read."""

    known: frozenset[str]
    rows: list[UnitRow] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    bad: set[int] = field(default_factory=set)  # lines that are not loaded
    refused: set[str] = field(default_factory=set)  # codes in such lines, so that what hangs on them is told why

    def fault(self, line: int, fault: Fault, sentence: str) -> None:
        self.problems.append(Problem(line, fault, sentence))

    def refuse(self, row: UnitRow, fault: Fault, sentence: str) -> None:
        self.fault(row.line, fault, sentence)
        self.bad.add(row.line)
        self.refused.add(row.code)


def read_csv(text_or_bytes: str | bytes, *, known: Collection[str] = ()) -> Loaded:
    """Read a list of units. `known`: codes of units that are there already and may be parents.

    Never raises for what is in the file: every line with a fault is named in ``problems`` and left out, with all
    that lies below it; every other line is in ``rows``. Lines without any text are passed over. Of lines with the
    same code none is loaded: which one is meant is not ours to guess. A circle that closes only through units in
    `known` is not seen here; the database refuses it.
    """
    reading = _Reading(frozenset(known))
    text = _decode(text_or_bytes, reading)
    if text is not None:
        for line, fields in _lines(text, reading):
            _read_line(line, fields, reading)
        _refuse_duplicates(reading)
        _refuse_orphans(reading)
    ordered = _topological(reading.rows)
    return Loaded(tuple(ordered), tuple(sorted(reading.problems)))


def _decode(given: str | bytes, reading: _Reading) -> str | None:
    if isinstance(given, str):
        return given.removeprefix("\ufeff")
    try:
        return given.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = given.count(b"\n", 0, error.start) + 1
        reading.fault(
            line,
            Fault.ENCODING,
            "The file is not UTF-8, perhaps Windows-1252 or UTF-16. Save it as “CSV UTF-8” again; nothing was loaded.",
        )
        return None


def _lines(text: str, reading: _Reading) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the number and the fields of every line that has the right number of them."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] | None = None
    while True:
        line = reader.line_num + 1
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            break
        except csv.Error:
            reading.fault(
                line,
                Fault.QUOTES,
                f"Lines {line} to {reader.line_num} cannot be read; a quotation mark may be missing or one too many.",
            )
            continue
        if not any(cells):
            continue
        if header is None:
            header = [cell.lower() for cell in cells]
            if not _right_header(line, header, reading):
                return
        elif len(cells) != len(header):
            reading.fault(
                line, Fault.FIELDS, f"There are {len(cells)} fields, and the first line names {len(header)} columns."
            )
            reading.refused.update(cells[header.index("code") :][:1])
        else:
            yield line, dict(zip(header, cells, strict=True))
    if header is None and not reading.problems:
        reading.fault(1, Fault.HEADER, f"The file is empty; its first line names the columns {', '.join(COLUMNS)}.")


def _right_header(line: int, header: list[str], reading: _Reading) -> bool:
    missing = [column for column in COLUMNS if column not in header]
    if missing or any(header.count(column) > 1 for column in COLUMNS):
        reading.fault(
            line,
            Fault.HEADER,
            f"The first line has to name the columns {', '.join(COLUMNS)}, once, with commas between.",
        )
        return False
    for column in header:
        if column not in COLUMNS:
            reading.fault(line, Fault.UNKNOWN_COLUMN, f"The column {column!r} is not read.")
    return True


def _read_line(line: int, fields: dict[str, str], reading: _Reading) -> None:
    areas = tuple(part.strip() for part in fields["areas"].split(";") if part.strip())
    row = UnitRow(line, fields["code"], fields["name"], fields["kind"].lower(), fields["parent"], areas)
    before = len(reading.problems)
    if not row.code:
        reading.fault(line, Fault.EMPTY_CODE, "The unit has no code.")
    elif len(row.code) > LONGEST_CODE:
        reading.fault(line, Fault.TOO_LONG, f"The code is longer than {LONGEST_CODE} characters.")
    elif not _CODE.fullmatch(row.code):
        reading.fault(
            line,
            Fault.BAD_CODE,
            f"The code {row.code!r} is not made of capital letters and digits, with - . / _ between.",
        )
    if not row.name:
        reading.fault(line, Fault.EMPTY_NAME, "The unit has no name.")
    elif len(row.name) > LONGEST_NAME:
        reading.fault(line, Fault.TOO_LONG, f"The name is longer than {LONGEST_NAME} characters.")
    elif not row.name.isprintable():
        reading.fault(line, Fault.BAD_NAME, "The name holds a line break or another character that cannot be shown.")
    if row.kind not in KINDS:
        reading.fault(line, Fault.UNKNOWN_KIND, f"The kind {fields['kind']!r} is not one of {', '.join(KINDS)}.")
    for area in sorted(set(areas)):
        if len(area) > LONGEST_AREA:
            reading.fault(line, Fault.TOO_LONG, f"An area is longer than {LONGEST_AREA} characters.")
        elif not _AREA.fullmatch(area):
            reading.fault(line, Fault.BAD_AREA, f"The area {area!r} is not like IN-MH, LGD:482 or PIN:431.")
        elif areas.count(area) > 1:
            reading.fault(line, Fault.BAD_AREA, f"The area {area!r} stands there twice.")
    if len(reading.problems) > before:
        reading.bad.add(line)
        reading.refused.add(row.code)
    reading.rows.append(row)


def _refuse_duplicates(reading: _Reading) -> None:
    lines: dict[str, list[int]] = {}
    for row in reading.rows:
        if row.code:
            lines.setdefault(row.code, []).append(row.line)
    for row in reading.rows:
        same = lines.get(row.code, [])
        if len(same) > 1:
            others = ", ".join(str(line) for line in same if line != row.line)
            reading.refuse(row, Fault.DUPLICATE_CODE, f"The code {row.code!r} also stands in line {others}.")
    reading.rows = [row for row in reading.rows if row.line not in reading.bad]


def _refuse_orphans(reading: _Reading) -> None:
    """Refuse lines whose parent is nowhere, then circles, then all that hangs on what was refused."""
    by_code = {row.code: row for row in reading.rows}
    for row in list(by_code.values()):
        parent = row.parent_code
        if parent and parent not in by_code and parent not in reading.known and parent not in reading.refused:
            del by_code[row.code]
            reading.refuse(
                row, Fault.MISSING_PARENT, f"The parent {parent!r} is neither in the file nor there already."
            )
    for row in _in_circles(by_code):
        del by_code[row.code]
        reading.refuse(row, Fault.CYCLE, f"Going up from {row.code!r} leads back to it.")
    for row in _hanging(by_code, reading.known):
        del by_code[row.code]
        reading.refuse(
            row, Fault.PARENT_NOT_LOADED, f"The parent {row.parent_code!r} is not loaded: see the fault in its line."
        )
    reading.rows = list(by_code.values())


def _in_circles(by_code: dict[str, UnitRow]) -> list[UnitRow]:
    found: list[UnitRow] = []
    settled: set[str] = set()
    for start in by_code:
        path: dict[str, None] = {}
        code = start
        while code in by_code and code not in settled and code not in path:
            path[code] = None
            code = by_code[code].parent_code
        if code in path:  # the walk came back to itself; what lies before that place only leads into the circle
            walked = list(path)
            found.extend(by_code[one] for one in walked[walked.index(code) :])
        settled.update(path)
    return found


def _hanging(by_code: dict[str, UnitRow], known: frozenset[str]) -> list[UnitRow]:
    children: dict[str, list[UnitRow]] = {}
    for row in by_code.values():
        children.setdefault(row.parent_code, []).append(row)
    loose = [
        row
        for parent in children
        if parent and parent not in by_code and parent not in known
        for row in children[parent]
    ]
    for row in loose:  # grows while it is walked: each unit brings what lies below it
        loose.extend(children.get(row.code, ()))
    return loose


def _topological(rows: list[UnitRow]) -> list[UnitRow]:
    """Return the rows with every parent before its children, level by level, each level by code."""
    by_code = {row.code: row for row in rows}
    depth: dict[str, int] = {}
    for row in rows:
        above = []
        code = row.code
        while code in by_code and code not in depth:
            above.append(code)
            code = by_code[code].parent_code
        level = depth.get(code, -1)
        for one in reversed(above):
            level += 1
            depth[one] = level
    return sorted(rows, key=lambda row: (depth[row.code], row.code))


def india_seed() -> tuple[UnitRow, ...]:
    """Return the units every installation in India can begin with: the national centre and one unit for each state.

    A state unit's areas are its ISO 3166-2 code and the former codes that data still carries (Telangana: IN-TS, IN-TG).
    """
    file = resources.files("nightlight.trust.units") / "data" / "india-subdivisions.csv"
    rows = [UnitRow(0, "IN", "India, national centre", "national", "", ("IN",))]
    for fields in csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"), newline="")):
        areas = (fields["code"], *(code for code in fields["old_codes"].split(";") if code))
        rows.append(UnitRow(0, fields["code"], fields["name"], "state", "IN", areas))
    return tuple(rows)
