# SPDX-License-Identifier: Apache-2.0
"""Reads the registries' statistics: to which country each range and AS number was handed out, and on which day.

Format: "RIR Statistics Exchange Format", also in its extended form (NRO):

    2|apnic|20240102|3|19830613|20240101|+1000        version, registry, serial, records, first day, last day, offset
    apnic|*|ipv4|*|1|summary
    apnic|XA|ipv4|192.0.2.0|256|20100101|allocated|A1234       ipv4: how many addresses
    apnic|XA|ipv6|2001:db8::|32|20100101|assigned|A1234        ipv6: prefix length
    apnic|XA|asn|64496|2|20100101|allocated|A1234              asn: how many numbers

Only what was handed out (allocated, assigned) is an entry. The country is the registration's: not where a user is.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import IO, NamedTuple

from nightlight.casework.attribution.netdata.reading.lines import (
    LIMITS,
    BadLine,
    DamageCode,
    Limits,
    Line,
    NetdataDamaged,
    ProblemCode,
    Read,
    Tally,
    lines,
    must_hold,
)
from nightlight.casework.attribution.netdata.spans import Family, NotASpan, Span, address_of, number_of

_COUNTRY = re.compile(r"[A-Z]{2}\Z")
_FAMILIES = {"ipv4": Family.IPV4, "ipv6": Family.IPV6, "asn": Family.NUMBERS}
_DIGITS = re.compile(r"[0-9]{1,10}\Z")


class Delegation(NamedTuple):
    """What a registry handed out; `holder` is its opaque number of the holder, the same for all its ranges that day."""

    span: Span
    country: str
    registry: str
    day: date | None
    status: str
    holder: str = ""


def read_delegated(stream: IO[bytes], limits: Limits = LIMITS) -> Read[Delegation]:
    """Read one registry's file, or several that were joined.

    `as_of` is the end of the last day the header names (of several, the earliest). A summary line that counts other
    records than are there is a problem of the file. Raises NetdataDamaged where no header comes first.
    """
    tally = Tally()
    found: list[Delegation] = []
    promised: dict[tuple[str, str], tuple[int, int]] = {}
    counted: dict[tuple[str, str], int] = {}
    days: list[date] = []
    for line in lines(stream, tally, limits):
        if line.text.startswith("#"):
            tally.comments += 1
            continue
        values = [value.strip() for value in line.text.split("|")]
        if values[0][:1].isdigit() and len(values) >= 6:
            days += _header(values, line, tally)
        elif not days:
            raise NetdataDamaged(DamageCode.NOT_THIS_FORMAT, "This is no statistics file of a registry: no header.")
        elif len(values) >= 6 and values[-1] == "summary":
            tally.passed_over += 1
            if _DIGITS.match(values[4]):
                promised[values[0], values[2]] = line.number, int(values[4])
        else:
            counted[values[0], _at(values, 2)] = counted.get((values[0], _at(values, 2)), 0) + 1
            try:
                entry = _delegation(values)
            except (BadLine, NotASpan) as bad:
                tally.note(line.number, (bad if isinstance(bad, BadLine) else BadLine.of(bad)).code, line.text)
                continue
            if entry is None:
                tally.passed_over += 1
                continue
            tally.entries += 1
            found.append(entry)
    must_hold(len(found), tally)
    for (registry, sort), (_, number) in promised.items():
        if counted.get((registry, sort), 0) != number:
            text = f"{registry} {sort}: {number} records promised, {counted.get((registry, sort), 0)} there"
            tally.note(0, ProblemCode.COUNT_DIFFERS, text)
    last = min(days)
    return Read(tuple(found), tally, datetime(last.year, last.month, last.day, 23, 59, 59, tzinfo=UTC))


def _at(values: list[str], place: int) -> str:
    return values[place] if place < len(values) else ""


def _header(values: list[str], line: Line, tally: Tally) -> list[date]:
    day = _day(values[5]) or _day(values[2])
    if not values[0].startswith("2") or day is None:
        raise NetdataDamaged(DamageCode.NOT_THIS_FORMAT, f"Line {line.number} is no header of a registry's statistics.")
    tally.passed_over += 1
    tally.about[f"serial of {values[1][:40]}"] = values[2][:40]
    return [day]


def _delegation(values: list[str]) -> Delegation | None:
    """Read one record; None for what was not handed out. Raises BadLine and NotASpan."""
    if len(values) < 7 or values[2] not in _FAMILIES:
        raise BadLine(ProblemCode.FIELDS)
    registry, country, sort, start, size, day, status = values[:7]
    if status in {"available", "reserved"}:
        return None
    if status not in {"allocated", "assigned"}:
        raise BadLine(ProblemCode.VALUE)
    if not _COUNTRY.match(country):
        raise BadLine(ProblemCode.COUNTRY)
    when = _day(day)
    if when is None and day not in {"", "00000000"}:  # which registries write for an unknown day
        raise BadLine(ProblemCode.DATE)
    return Delegation(_span(_FAMILIES[sort], start, size), country, registry, when, status, _at(values, 7))


def _span(family: Family, start: str, size: str) -> Span:
    found, lo = (family, number_of(start)) if family is Family.NUMBERS else address_of(start)
    if found is not family:
        raise BadLine(ProblemCode.WRONG_SORT)
    if not _DIGITS.match(size) or not (length := int(size)):
        raise BadLine(ProblemCode.VALUE)
    if family is Family.IPV6:
        if length > 128 or lo & ((1 << (128 - length)) - 1):
            raise BadLine(ProblemCode.PREFIX_LENGTH)
        length = 1 << (128 - length)
    if lo + length > 1 << family.bits:
        raise BadLine(ProblemCode.VALUE)
    return Span(family, lo, lo + length - 1)


def _day(text: str) -> date | None:
    try:
        return datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC).date()
    except ValueError:
        return None
