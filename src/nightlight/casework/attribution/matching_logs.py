# SPDX-License-Identifier: Apache-2.0
"""Events in a file against the log of a whole network, kept as Parquet: on this machine or, by a setting, on Spark.

For logs that are too large to come as the return of one request. Files go in and files come out; no row is taken into
a case here, and nothing of what lies in Nightlight is read.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from nightlight.casework.attribution.addresses import NotRead, Trouble, read_address, read_port
from nightlight.casework.attribution.returns.column_files import Events, Log
from nightlight.casework.attribution.returns.rows import Sought, number_of

if TYPE_CHECKING:
    from pathlib import Path

    from nightlight.casework.attribution.returns.engines import Engine

COLUMNS = ("event", "address", "port", "time", "error")
_LONGEST_ERROR = 86_400  # seconds of a clock's error; beyond that it is no error but another time
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)


class NoEvents(Exception):
    """The file of events cannot be read; `code` says why."""

    def __init__(self, code: str, explanation: str) -> None:
        super().__init__(explanation)
        self.code = code


class _Open(Exception):
    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Refused:
    """A line of the events that cannot be looked for: its number, why, and what it says."""

    line: int
    code: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Matched:
    """What was found: events looked for, those with a row, pairs, rows of the log, and lines that were refused."""

    events: int
    with_rows: int
    pairs: int
    rows: int
    refused: int


def read_events(path: Path) -> tuple[list[str], Events, list[Refused]]:
    """Read events from a CSV in UTF-8 whose columns are `COLUMNS`. Raises NoEvents, OSError.

    `time` is ISO 8601 with its zone; `port` may be empty (none stated), `error` too (0): whole seconds by which the
    clock may be wrong. Nothing is guessed: a line that leaves anything open is refused and given back.
    """
    names, sought, errors, refused = [], [], [], []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file, strict=True)
            head = tuple(cell.strip().lower() for cell in next(lines, ()))
            if head != COLUMNS:
                raise NoEvents("not-these-columns", f"The first line has to be: {','.join(COLUMNS)}")
            for cells in lines:
                if not cells:
                    continue
                try:
                    name, event, error = _event(cells)
                except _Open as why:
                    refused.append(Refused(lines.line_num, why.code, tuple(cells)))
                    continue
                names.append(name)
                sought.append(event)
                errors.append(error)
    except UnicodeDecodeError as told:
        raise NoEvents("not-utf-8", f"{path.name} is not UTF-8.") from told
    except csv.Error as told:
        raise NoEvents("not-csv", f"{path.name} is no CSV: {told}.") from told
    return names, Events.of(sought, errors), refused


def _event(cells: list[str]) -> tuple[str, Sought, int]:
    """Read one line. Raises _Open."""
    if len(cells) != len(COLUMNS):
        raise _Open("another-number-of-columns")
    name, address_text, port_text, time_text, error_text = (cell.strip() for cell in cells)
    if not name:
        raise _Open("no-name")
    address = read_address(address_text)
    if isinstance(address, NotRead):
        raise _Open(f"address-{address.trouble}")
    if address.port_as_sent is not None:  # which of the two is meant?
        raise _Open("address-with-port")
    port = read_port(port_text) if port_text else None
    if isinstance(port, Trouble):
        raise _Open(port)
    if error_text and not (error_text.isascii() and error_text.isdecimal() and int(error_text) <= _LONGEST_ERROR):
        raise _Open("error-unreadable")
    return name, Sought(number_of(address.text), port, _seconds(time_text)), int(error_text or 0)


def _seconds(text: str) -> int:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise _Open("time-unreadable") from None
    if at.tzinfo is None:
        raise _Open("time-without-zone")
    if at < _EARLIEST:
        raise _Open("time-too-early")
    return int(at.timestamp())


def match(events: Path, log: Path, found: Path, engine: Engine) -> Matched:
    """Write every pair of an event and a row of the log to `found` (CSV: event, number of the row).

    Refused lines go to a file beside it, `<found>.refused.csv`. Raises NoEvents, WrongColumns, OSError.
    """
    names, sought, refused = read_events(events)
    opened = Log.open(log)
    pairs = engine.join(sought, opened)
    with found.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(("event", "row"))
        lines.writerows((names[event], row) for event, row in pairs.matches)
    beside = found.with_name(f"{found.name}.refused.csv")
    beside.unlink(missing_ok=True)
    if refused:
        with beside.open("w", encoding="utf-8", newline="") as file:
            lines = csv.writer(file)
            lines.writerow(("line", "why", *COLUMNS))
            lines.writerows((one.line, one.code, *one.cells) for one in refused)
    return Matched(len(names), len(set(pairs.event.tolist())), len(pairs), opened.rows, len(refused))
