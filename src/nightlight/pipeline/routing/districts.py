# SPDX-License-Identifier: Apache-2.0
"""Reads a list of districts from a CSV file: what can be loaded, and what is wrong with every other line.

Columns, by the names in the first line: ``code``, ``name``, ``state``, ``aliases``, ``pins``; the last two separated by
``;`` and either may be left out. A code of digits is one of the Local Government Directory and becomes ``LGD:482``, as
the areas of units have it. ``state`` may be a code or a name. Nothing here touches the database, and nothing raises.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from nightlight.pipeline.routing.gazetteer import Gazetteer, india
from nightlight.pipeline.routing.place_rows import DistrictRow

if TYPE_CHECKING:
    from collections.abc import Iterator

NEEDED = ("code", "name", "state")
COLUMNS = (*NEEDED, "aliases", "pins")
LONGEST_CODE, LONGEST_NAME, MOST_ALIASES = 40, 200, 100

_CODE = re.compile(r"[A-Z0-9]+(?:[:._/-][A-Z0-9]+)*")
_PIN = re.compile(r"[1-9][0-9]{1,5}")


class Fault(StrEnum):
    """What can be wrong with a line or a file."""

    ENCODING = "encoding"
    HEADER = "header"
    UNKNOWN_COLUMN = "unknown-column"  # not read; the lines are loaded all the same
    QUOTES = "quotes"
    FIELDS = "fields"
    CODE = "code"
    NAME = "name"
    STATE = "state"
    PIN = "pin"
    DUPLICATE_CODE = "duplicate-code"


class Problem(NamedTuple):
    """Something wrong with one line; the line is not loaded, unless the fault is ``unknown-column``."""

    line: int
    fault: Fault
    sentence: str


class Loaded(NamedTuple):
    """What a file holds: the districts by code, and the problems by line."""

    rows: tuple[DistrictRow, ...]
    problems: tuple[Problem, ...]


def read_districts(given: bytes | str, *, gazetteer: Gazetteer | None = None) -> Loaded:
    """Read a list of districts; `gazetteer` (default: India's) knows the states.

    Every line with a fault is named in ``problems`` and left out. Of lines with the same code none is loaded: which
    one is meant is not ours to guess.
    """
    known = gazetteer or india()
    problems: list[Problem] = []
    if isinstance(given, bytes):
        try:
            text = given.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = given.count(b"\n", 0, error.start) + 1
            sentence = "The file is not UTF-8. Save it as “CSV UTF-8” again; nothing was loaded."
            return Loaded((), (Problem(line, Fault.ENCODING, sentence),))
    else:
        text = given
    rows = [row for line, fields in _lines(text, problems) if (row := _row(line, fields, known, problems))]
    times = Counter(row.code for row in rows)
    for row in rows:
        if times[row.code] > 1:
            others = ", ".join(str(one.line) for one in rows if one.code == row.code and one.line != row.line)
            problems.append(
                Problem(row.line, Fault.DUPLICATE_CODE, f"The code {row.code!r} also stands in line {others}.")
            )
    kept = sorted((row for row in rows if times[row.code] == 1), key=lambda row: row.code)
    return Loaded(tuple(kept), tuple(sorted(problems)))


def _lines(text: str, problems: list[Problem]) -> Iterator[tuple[int, dict[str, str]]]:
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    header: list[str] | None = None
    while True:
        line = reader.line_num + 1
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            break
        except csv.Error:
            until = reader.line_num
            sentence = f"Lines {line} to {until} cannot be read; a quotation mark may be missing or one too many."
            problems.append(Problem(line, Fault.QUOTES, sentence))
            continue
        if not any(cells):
            continue
        if header is None:
            header = [cell.lower() for cell in cells]
            if any(header.count(column) != 1 for column in NEEDED) or any(header.count(one) > 1 for one in COLUMNS):
                sentence = f"The first line has to name the columns {', '.join(COLUMNS)}, once, with commas between."
                problems.append(Problem(line, Fault.HEADER, sentence))
                return
            unread = [f"The column {column!r} is not read." for column in header if column not in COLUMNS]
            problems.extend(Problem(line, Fault.UNKNOWN_COLUMN, sentence) for sentence in unread)
        elif len(cells) != len(header):
            sentence = f"There are {len(cells)} fields, and the first line names {len(header)} columns."
            problems.append(Problem(line, Fault.FIELDS, sentence))
        else:
            yield line, dict(zip(header, cells, strict=True))
    if header is None and not problems:
        sentence = f"The file is empty; its first line names the columns {', '.join(COLUMNS)}."
        problems.append(Problem(1, Fault.HEADER, sentence))


def _row(line: int, fields: dict[str, str], known: Gazetteer, problems: list[Problem]) -> DistrictRow | None:
    before = len(problems)

    def fault(kind: Fault, sentence: str) -> None:
        problems.append(Problem(line, kind, sentence))

    code = fields["code"].upper()
    code = f"LGD:{code}" if code.isascii() and code.isdigit() else code
    if len(code) > LONGEST_CODE or not _CODE.fullmatch(code):
        fault(Fault.CODE, f"The code {fields['code'][:LONGEST_CODE]!r} is not like 482 or LGD:482.")
    name = fields["name"]
    aliases = tuple(dict.fromkeys(part.strip() for part in fields.get("aliases", "").split(";") if part.strip()))
    if not name:
        fault(Fault.NAME, "The district has no name.")
    elif not all(0 < len(one) <= LONGEST_NAME and one.isprintable() for one in (name, *aliases)):
        fault(Fault.NAME, f"A name is longer than {LONGEST_NAME} characters, or holds one that cannot be shown.")
    elif len(aliases) > MOST_ALIASES:
        fault(Fault.NAME, f"There are more than {MOST_ALIASES} other names.")
    state = known.find_state(fields["state"], known.country)
    if not state:
        fault(Fault.STATE, f"{fields['state'][:LONGEST_NAME]!r} is no state: write a code such as IN-KL, or its name.")
    pins = tuple(dict.fromkeys(part.strip() for part in fields.get("pins", "").split(";") if part.strip()))
    for pin in pins:
        if not _PIN.fullmatch(pin):
            fault(Fault.PIN, f"{pin[:20]!r} is no beginning of a postal code: two to six digits.")
    return None if len(problems) > before else DistrictRow(line, code, name, state, aliases, pins)
