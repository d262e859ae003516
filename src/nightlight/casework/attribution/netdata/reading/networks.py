# SPDX-License-Identifier: Apache-2.0
"""Reads tables of ranges: which network (AS) held each, or in which country it was registered; and lists of AS numbers.

    start,end,asn,as_name        192.0.2.0,192.0.2.255,64496,Example Net
    start,end,country            192.0.2.0,192.0.2.255,XA
    network,asn,as_name          192.0.2.0/24,64496,Example Net
    asn,entity                   64496, "Example Net, XA"

with a header (its names decide) or without one (the values decide). Ranges that overlap are named; all stay, because
the more specific one decides where both hold (`netdata.lookup.disjoint`, which cuts them).
"""

from __future__ import annotations

import re
from typing import IO, TYPE_CHECKING, NamedTuple

from nightlight.casework.attribution.netdata.reading.lines import (
    LIMITS,
    BadLine,
    Limits,
    ProblemCode,
    Read,
    Tally,
    fields,
    lines,
    must_hold,
)
from nightlight.casework.attribution.netdata.reading.prefixes import Listed
from nightlight.casework.attribution.netdata.spans import (
    Family,
    Fault,
    NotASpan,
    Span,
    address_of,
    number_of,
    range_of,
    span_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST_NAME = 200
_COUNTRY = re.compile(r"[A-Z]{2}\Z")
_HEADERS = {
    "start": {"start", "start_ip", "range_start", "first", "ip_range_start", "from"},
    "end": {"end", "end_ip", "range_end", "last", "ip_range_end", "to"},
    "network": {"network", "cidr", "prefix", "range"},
    "asn": {"asn", "as", "as_number", "autonomous_system_number"},
    "name": {"as_name", "name", "as_description", "organization", "autonomous_system_organization", "entity", "org"},
    "country": {"country", "country_code", "cc"},
}


class NetworkRow(NamedTuple):
    """A range with its network and country as far as the table says them (0 and "" where it does not)."""

    span: Span
    number: int = 0
    name: str = ""
    country: str = ""


def read_networks(stream: IO[bytes], limits: Limits = LIMITS) -> Read[NetworkRow]:
    """Read a table, in its order. Raises NetdataDamaged when not one line is a row, or the file is damaged."""
    tally = Tally()
    found = list(_rows(stream, tally, limits))
    must_hold(len(found), tally)
    _name_overlaps(found, tally)
    return Read(tuple(row for _, row in found), tally)


def _rows(stream: IO[bytes], tally: Tally, limits: Limits) -> Iterator[tuple[int, NetworkRow]]:
    columns: dict[str, int] | None = None
    names: dict[str, str] = {}  # few names for many ranges
    for line in lines(stream, tally, limits):
        if line.text.startswith("#"):
            tally.comments += 1
            continue
        values = fields(line)
        if columns is None:
            columns, header = _columns(values)
            if header:
                tally.about["columns"] = ", ".join(columns)
                tally.passed_over += 1
                continue
            if not columns:
                columns = None
                tally.note(line.number, ProblemCode.FIELDS, line.text)
                continue
        try:
            row = _row(values, columns)
        except (BadLine, NotASpan) as bad:
            tally.note(line.number, (bad if isinstance(bad, BadLine) else BadLine.of(bad)).code, line.text)
            continue
        if not row.number and not row.country:
            tally.passed_over += 1  # "not routed"
            continue
        tally.entries += 1
        yield line.number, row._replace(name=names.setdefault(row.name, row.name))


def _columns(values: list[str]) -> tuple[dict[str, int], bool]:
    """Where each value stands, and whether the line is a header; nothing where it is neither."""
    named = {
        column: place
        for place, value in enumerate(values)
        for column, words in _HEADERS.items()
        if value.lower().lstrip("\ufeff") in words
    }
    if ("network" in named or {"start", "end"} <= named.keys()) and named.keys() & {"asn", "country"}:
        return named, True
    if len(values) < 2 or not _is_span(values[0]):
        return {}, False
    found = {"start": 0, "end": 1} if _is_address(values[1]) else {"network": 0}
    at = len(found)
    if at < len(values) and _COUNTRY.match(values[at]):
        return {**found, "country": at}, False
    return {**found, "asn": at, "name": at + 1}, False


def _is_address(text: str) -> bool:
    try:
        address_of(text)
    except NotASpan:
        return False
    return True


def _is_span(text: str) -> bool:
    return _is_address(text.partition("/")[0])


def _row(values: list[str], columns: dict[str, int]) -> NetworkRow:
    """Read one line. Raises BadLine and NotASpan."""

    def value(column: str) -> str:
        place = columns.get(column, -1)
        return values[place] if 0 <= place < len(values) else ""

    needed = [columns[c] for c in ("start", "end", "network", "asn", "country") if c in columns]
    if len(values) <= max(needed):
        raise BadLine(ProblemCode.FIELDS)
    span = span_of(value("network")) if "network" in columns else range_of(value("start"), value("end"))
    if span.family is Family.NUMBERS:
        raise BadLine(ProblemCode.WRONG_SORT)
    country = value("country").upper()
    if country in {"", "-", "ZZ", "NONE"}:
        country = ""
    elif not _COUNTRY.match(country):
        raise BadLine(ProblemCode.COUNTRY)
    number = _number(value("asn")) if value("asn") else 0
    return NetworkRow(span, number, value("name")[:LONGEST_NAME], country)


def _number(text: str) -> int:
    try:
        return number_of(text)
    except NotASpan as no:
        large = no.fault is Fault.NUMBER_TOO_LARGE
        raise BadLine(ProblemCode.NUMBER_TOO_LARGE if large else ProblemCode.NOT_A_NUMBER) from None


def _name_overlaps(found: list[tuple[int, NetworkRow]], tally: Tally) -> None:
    """Note each range that begins within one that begins before it (or at the same address and ends later)."""
    ordered = sorted(found, key=lambda item: (item[1].span.family, item[1].span.lo, -item[1].span.hi, item[0]))
    widest: tuple[int, NetworkRow] | None = None
    for number, row in ordered:
        if widest is not None and widest[1].span.family is row.span.family and row.span.lo <= widest[1].span.hi:
            code = ProblemCode.TWICE if row == widest[1] else ProblemCode.OVERLAP
            tally.note(number, code, f"{row.span} lies over {widest[1].span} of line {widest[0]}")
        if widest is None or (row.span.family, row.span.hi) > (widest[1].span.family, widest[1].span.hi):
            widest = number, row


def read_numbers(stream: IO[bytes], limits: Limits = LIMITS) -> Read[Listed]:
    """Read a table of AS numbers and who has them, quoted or not, with blanks after the comma or not.

    Raises NetdataDamaged when not one line is an entry, or the file is damaged. (Lists of the form `AS64496 # name`
    are read by `read_prefixes`.)
    """
    tally = Tally()
    found: dict[int, Listed] = {}
    for line in lines(stream, tally, limits):
        if line.text.startswith("#"):
            tally.comments += 1
            continue
        values = fields(line)
        if line.number == 1 and values and values[0].lower().lstrip("\ufeff") in _HEADERS["asn"]:
            tally.passed_over += 1
            continue
        try:
            number = _number(values[0] if values else "")
        except BadLine as bad:
            tally.note(line.number, bad.code, line.text)
            continue
        if number in found:
            tally.note(line.number, ProblemCode.TWICE, line.text)
            tally.passed_over += 1
            continue
        tally.entries += 1
        found[number] = Listed(Span(Family.NUMBERS, number, number), ", ".join(values[1:])[:LONGEST_NAME])
    must_hold(len(found), tally)
    return Read(tuple(found.values()), tally)
