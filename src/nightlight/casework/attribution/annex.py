# SPDX-License-Identifier: Apache-2.0
"""The list that goes with a letter, in the columns of the operator's own sheet, and the same list read back.

Layouts are data (``data/annex-layouts.toml``). Reading a list back gives the instants, addresses and ports that went
in. A sheet that cannot hold a line (no column for its port, a local time that happened twice, another zone than the
letter's) refuses it; a sheet of whole seconds holds the smallest window of whole seconds around the line's, and says
so.
CSV is RFC 4180; a cell that a spreadsheet would take for a formula gets an apostrophe before it.
"""

from __future__ import annotations

import csv
import io
import re
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from functools import cache
from importlib import resources
from ipaddress import ip_address
from typing import TYPE_CHECKING

from nightlight.casework.attribution.gate_lines import check_value, event_number
from nightlight.casework.attribution.times import zone_info
from nightlight.foundation.tables import Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nightlight.casework.attribution.gate_lines import RequestLine

FIELDS = ("number", "reference", "type", "address", "port", "protocol", "zone", "check")
TIMES = ("from-utc", "to-utc", "from-local", "to-local")
_DELIMITERS = {"comma": ",", "tab": "\t", "semicolon": ";"}
_CALCULATED = frozenset(
    "=+-@\t\r\n'\uff1d\uff0b\uff0d\uff20"
)  # what is calculated, in full width too; and the apostrophe
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TOKEN = re.compile(r"YYYY|MON|MM|DD|HH|MI|SS|OFF")
_PATTERNS = {
    "YYYY": r"(?P<YYYY>[0-9]{4})",
    "MM": r"(?P<MM>[0-9]{2})",
    "MON": rf"(?P<MON>{'|'.join(_MONTHS)})",
    "DD": r"(?P<DD>[0-9]{2})",
    "HH": r"(?P<HH>[0-9]{2})",
    "MI": r"(?P<MI>[0-9]{2})",
    "SS": r"(?P<SS>[0-9]{2})",
    "OFF": r"(?P<OFF>[+-][0-9]{2}:[0-9]{2})",
}


class Fault(StrEnum):
    """Why a list was not made, or not read."""

    LAYOUTS = "layouts-unreadable"
    NO_PORT_COLUMN = "no-port-column"
    OTHER_ZONE = "other-zone"
    HAPPENED_TWICE = "happened-twice"
    NO_CLOCK = "time-without-zone"
    HEADER = "header"
    CELL = "cell"
    EMPTY = "no-line"


class AnnexRefused(Exception):
    """A list cannot be made or read; `line` counts from 1, 0 is the list itself."""

    def __init__(self, code: Fault, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}" if line else reason)
        self.code, self.line, self.reason = code, line, reason


@dataclass(frozen=True, slots=True)
class Column:
    """One column; `format` only of a time."""

    name: str
    field: str
    format: str = ""


@dataclass(frozen=True, slots=True)
class Layout:
    """A sheet. `zone`: IANA name of its local times; empty: that of the letter."""

    id: str
    title: str
    used_by: tuple[str, ...]
    delimiter: str
    zone: str
    columns: tuple[Column, ...]
    note: str
    source: str
    check: str

    def has(self, field: str) -> bool:
        return any(one.field == field for one in self.columns)

    @property
    def ending(self) -> str:
        """The ending of the file's name."""
        return ".txt" if self.delimiter == "\t" else ".csv"


@dataclass(frozen=True, slots=True)
class Annex:
    """A list as text (write it as UTF-8). `widened`: numbers of lines whose window was rounded out to whole seconds.

    `left_out`: what lines hold and the sheet has no column for; whoever sends it says so in the letter.
    """

    layout: Layout
    text: str
    rows: int
    widened: tuple[int, ...]
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AnnexRow:
    """A line as the operator will read it: [utc_from, utc_to)."""

    address: str
    port: int | None
    utc_from: datetime
    utc_to: datetime
    reference: str = ""
    check: str = ""


def _refuse(place: str, reason: str) -> AnnexRefused:
    return AnnexRefused(Fault.LAYOUTS, 0, f"{place}: {reason}")


@cache
def layouts() -> Mapping[str, Layout]:
    """Return the layouts that come with Nightlight, by id."""
    file = resources.files("nightlight.casework.attribution") / "data" / "annex-layouts.toml"
    return read_layouts(file.read_text(encoding="utf-8"))


def read_layouts(text: str) -> Mapping[str, Layout]:
    """Return layouts written in TOML. Raises AnnexRefused, naming the place."""
    try:
        top = Table("", tomllib.loads(text), _refuse)
    except tomllib.TOMLDecodeError as error:
        raise _refuse("file", f"is not TOML: {error}") from error
    if top.number("schema", at_most=1000) != 1:
        raise _refuse("schema", "is not 1, the only one this version reads")
    sources = {key: one.text("title") for key, one in top.table("sources").named_tables()}
    found: dict[str, Layout] = {}
    for one in top.tables("layout"):
        made = _layout(one, sources)
        if found.setdefault(made.id, made) is not made:
            raise _refuse(one.at("id"), f"{made.id!r} stands there twice")
    top.end()
    return found


def _layout(one: Table, sources: Mapping[str, str]) -> Layout:
    columns = []
    for each in one.tables("column"):
        name, field = each.text("name"), each.text("field")
        if field not in FIELDS and field not in TIMES:
            raise _refuse(each.at("field"), f"{field!r} is not one of {', '.join((*FIELDS, *TIMES))}")
        columns.append(Column(name, field, each.text("format") if field in TIMES else ""))
        each.end()
    delimiter, zone, source = one.text("delimiter"), one.text("zone"), one.text("source")
    if delimiter not in _DELIMITERS or source not in sources:
        raise _refuse(one.place, "has a delimiter or a source that is not known")
    made = Layout(
        id=one.name("id"),
        title=one.text("title"),
        used_by=one.texts("used_by"),
        delimiter=_DELIMITERS[delimiter],
        zone="" if zone == "letter" else zone,
        columns=tuple(columns),
        note=one.optional_text("note"),
        source=sources[source],
        check=one.text("check"),
    )
    one.end()
    if made.zone:
        zone_info(made.zone)
    for side in ("from", "to"):
        tokens = [_tokens(made, f"{side}-{clock}") for clock in ("utc", "local")]
        if not any({"YYYY", "DD", "HH", "MI", "SS"} <= them and them & {"MM", "MON"} for them in tokens):
            raise _refuse(one.place, f"has no columns that give the whole {side} time")
    if len({column.name for column in columns}) != len(columns) or not made.has("address"):
        raise _refuse(one.place, "has two columns of one name, or none for the address")
    return made


def _tokens(layout: Layout, field: str) -> set[str]:
    return {token for one in layout.columns if one.field == field for token in _TOKEN.findall(one.format)}


def write(layout: Layout, lines: Sequence[RequestLine]) -> Annex:
    """Return the list of the lines in the order given. Raises AnnexRefused where the sheet cannot hold one of them."""
    if not lines:
        raise AnnexRefused(Fault.EMPTY, 0, "There is nothing to ask.")
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=layout.delimiter, lineterminator="\r\n")
    writer.writerow(_guarded(one.name) for one in layout.columns)
    widened = []
    for number, line in enumerate(lines, 1):
        row, rounded = _row(layout, line, number)
        writer.writerow(map(_guarded, row))
        widened += [number] if rounded else []
    return Annex(layout, out.getvalue(), len(lines), tuple(widened), left_out(layout, lines))


def left_out(layout: Layout, lines: Sequence[RequestLine]) -> tuple[str, ...]:
    """Return what stands in lines and has no column in the sheet, in words: the protocol, the check value."""
    missing = []
    if any(line.protocol for line in lines) and not layout.has("protocol"):
        missing.append("protocol")
    if lines and not layout.has("check"):
        missing.append("check value")
    return tuple(missing)


def _row(layout: Layout, line: RequestLine, number: int) -> tuple[list[str], bool]:
    if line.port is not None and not layout.has("port"):
        raise AnnexRefused(Fault.NO_PORT_COLUMN, number, f"The sheet {layout.id!r} has no column for the port.")
    if layout.zone and layout.zone != line.zone:
        words = f"The sheet {layout.id!r} is read in {layout.zone}, and the letter shows {line.zone}."
        raise AnnexRefused(Fault.OTHER_ZONE, number, words)
    if line.utc_from.utcoffset() is None or line.utc_to.utcoffset() is None:
        raise AnnexRefused(Fault.NO_CLOCK, number, "A time has no zone.")
    start, end = line.utc_from.astimezone(UTC).replace(microsecond=0), line.utc_to.astimezone(UTC)
    end = end.replace(microsecond=0) + (timedelta(seconds=1) if end.microsecond else timedelta())
    info = zone_info(line.zone)
    for side, at in (("from", start), ("to", end)):
        if not layout.has(f"{side}-utc") and "OFF" not in _tokens(layout, f"{side}-local"):
            _only_once(at.astimezone(info), line.zone, number)
    ends = {
        "from-utc": start,
        "to-utc": end,
        "from-local": start.astimezone(info),
        "to-local": end.astimezone(info),
    }
    said = {
        "number": str(number),
        "reference": event_number(line.key),
        "type": f"IPV{ip_address(line.address).version}",
        "address": line.address,
        "port": "" if line.port is None else str(line.port),
        "protocol": line.protocol.upper(),
        "zone": line.zone,
        "check": line.check_value or check_value(line),
    }
    cells = [_clock(ends[one.field], one.format) if one.field in ends else said[one.field] for one in layout.columns]
    return cells, (start, end) != (line.utc_from, line.utc_to)


def _only_once(local: datetime, zone: str, number: int) -> None:
    """Refuse a local time that a sheet without an offset cannot tell from another (clocks put back, PEP 495)."""
    if local.replace(fold=1 - local.fold).utcoffset() != local.utcoffset():
        words = f"{local:%Y-%m-%d %H:%M:%S} came twice in {zone}, and the sheet has no column that says which is meant."
        raise AnnexRefused(Fault.HAPPENED_TWICE, number, words)


def _clock(at: datetime, form: str) -> str:
    offset = at.strftime("%z")
    parts = {
        "YYYY": f"{at.year:04}",
        "MM": f"{at.month:02}",
        "MON": _MONTHS[at.month - 1],
        "DD": f"{at.day:02}",
        "HH": f"{at.hour:02}",
        "MI": f"{at.minute:02}",
        "SS": f"{at.second:02}",
        "OFF": f"{offset[:3]}:{offset[3:5]}",
    }
    return _TOKEN.sub(lambda match: parts[match[0]], form)


def _guarded(cell: str) -> str:
    return f"'{cell}" if cell[:1] in _CALCULATED and cell else cell


def _unguarded(cell: str) -> str:
    return cell[1:] if cell[:1] == "'" else cell


def read(layout: Layout, text: str, zone: str) -> tuple[AnnexRow, ...]:
    """Return the rows of a list as an operator would read it; `zone`: that of the letter. Raises AnnexRefused."""
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=layout.delimiter, strict=True))
    header = [one.name for one in layout.columns]
    if not rows or [_unguarded(cell) for cell in rows[0]] != header:
        raise AnnexRefused(Fault.HEADER, 0, f"The first line is not {', '.join(header)}.")
    return tuple(_read_row(layout, row, number, layout.zone or zone) for number, row in enumerate(rows[1:], 1))


def _read_row(layout: Layout, row: Sequence[str], number: int, zone: str) -> AnnexRow:
    if len(row) != len(layout.columns):
        raise AnnexRefused(Fault.CELL, number, f"has {len(row)} cells of {len(layout.columns)}")
    cells: dict[str, str] = {}
    clocks: dict[str, dict[str, str]] = {}
    for column, guarded in zip(layout.columns, row, strict=True):
        cell = _unguarded(guarded)
        if column.field not in TIMES:
            cells[column.field] = cell
            continue
        match = _pattern(column.format).fullmatch(cell)
        if match is None:
            raise AnnexRefused(Fault.CELL, number, f"{cell!r} in {column.name!r} is not {column.format}")
        clocks.setdefault(column.field, {}).update(match.groupdict())
    port = cells.get("port", "")
    try:
        address, whole = str(ip_address(cells["address"])), int(port) if port else None
    except ValueError as error:
        raise AnnexRefused(Fault.CELL, number, f"is not an address and a port: {error}") from error
    start, end = (_instant(clocks, side, zone, number) for side in ("from", "to"))
    return AnnexRow(address, whole, start, end, cells.get("reference", ""), cells.get("check", ""))


@cache
def _pattern(form: str) -> re.Pattern[str]:
    parts, at = [], 0
    for match in _TOKEN.finditer(form):
        parts += [re.escape(form[at : match.start()]), _PATTERNS[match[0]]]
        at = match.end()
    return re.compile("".join([*parts, re.escape(form[at:])]), re.ASCII)


def _instant(clocks: dict[str, dict[str, str]], side: str, zone: str, number: int) -> datetime:
    """The instant of one side; where a sheet gives it in UTC and locally, both have to be the same."""
    found = []
    for clock in ("utc", "local"):
        said = clocks.get(f"{side}-{clock}")
        if said is None:
            continue
        try:
            month = _MONTHS.index(said["MON"]) + 1 if "MON" in said else int(said["MM"])
            wall = datetime(  # noqa: DTZ001 - the zone is put on below
                int(said["YYYY"]), month, int(said["DD"]), int(said["HH"]), int(said["MI"]), int(said["SS"])
            )
        except (KeyError, ValueError) as error:
            raise AnnexRefused(Fault.CELL, number, f"is not a time: {said}") from error
        if "OFF" in said:
            hours, minutes = said["OFF"].split(":")
            east = timedelta(hours=int(hours), minutes=int(hours[0] + minutes))
            found.append(wall.replace(tzinfo=timezone(east)).astimezone(UTC))
        else:
            found.append(wall.replace(tzinfo=UTC if clock == "utc" else zone_info(zone)).astimezone(UTC))
    if len(set(found)) != 1:
        raise AnnexRefused(Fault.CELL, number, f"says two times: {', '.join(at.isoformat() for at in found)}")
    return found[0]
