# SPDX-License-Identifier: Apache-2.0
"""Reads an operator directory (TOML), and refuses it whole when any line is unknown, missing, unsourced or in conflict.

``data/operators-exercise.toml`` shows the form. What a unit loads is its own; the project ships invented operators on
documentation ranges, and the network numbers of some large operators without anybody's address.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from nightlight.casework.attribution.annex import layouts
from nightlight.casework.attribution.operators import (
    Contact,
    Directory,
    DirectoryConflict,
    Known,
    Network,
    Operator,
    OperatorKind,
    RetentionRow,
    Span,
    prefix,
)
from nightlight.casework.attribution.time_texts import Unread
from nightlight.casework.attribution.times import zone_info
from nightlight.foundation.tables import Table

if TYPE_CHECKING:
    from datetime import date

SCHEMA = 1
LARGEST_NUMBER = 2**32 - 1  # RFC 6793
LONGEST_DAYS = 36_525
LONGEST_ANSWER = 730  # days
RECORDS = ("ipdr", "logs", "subscriber", "vpn-assignment", "platform-content")
ASKS = ("preservation", "subscriber", "logs", "customer")
ORDERS = ("dmy", "mdy", "ymd")
CHECKS = ("P", "O", "S", "T", "K", "D")
_COUNTRY = re.compile(r"[A-Z]{2}")


class DirectoryRefused(Exception):
    """A directory cannot be used; ``place`` says where in the file, ``reason`` is a sentence for who edits it."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"{place}: {reason}")
        self.place, self.reason = place, reason


def read_directory(text: str) -> Directory:
    """Return the directory written in `text`. Raises DirectoryRefused, naming the place."""
    try:
        values = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise DirectoryRefused("file", f"is not TOML: {error}") from error
    top = Table("", values, DirectoryRefused)
    if top.number("schema", at_most=1000) != SCHEMA:
        raise DirectoryRefused("schema", f"is not {SCHEMA}, the only one this version reads")
    name, version, as_of = top.text("name"), top.text("version"), top.day("as_of")
    exercise = top.yes_or_no("exercise")
    sources = {key: one.text("title") for key, one in top.table("sources").named_tables()}
    operators = [_operator(one, as_of, sources, exercise=exercise) for one in top.tables("operator")]
    top.end()
    try:
        return Directory(name, version, operators)
    except DirectoryConflict as conflict:
        raise DirectoryRefused(f"operator.{conflict.place}", conflict.reason) from conflict


@cache
def shipped(name: str) -> Directory:
    """Return a directory that comes with Nightlight: ``exercise`` or ``in``."""
    file = resources.files("nightlight.casework.attribution") / "data" / f"operators-{name}.toml"
    return read_directory(file.read_text(encoding="utf-8"))


def _operator(one: Table, as_of: date, sources: dict[str, str], *, exercise: bool) -> Operator:
    country = one.text("country")
    if not _COUNTRY.fullmatch(country):
        raise DirectoryRefused(one.at("country"), f"{country!r} is not a country (ISO 3166-1)")
    made = Operator(
        code=one.name("code"),
        name=one.text("name"),
        country=country,
        kind=one.choice("kind", OperatorKind),
        networks=tuple(pair for each in _tables(one, "network") for pair in _networks(each)),
        prefixes=tuple(_prefix(each) for each in _tables(one, "prefix")),
        reporters=one.texts("reporters") if one.has("reporters") else (),
        contacts=tuple(_contact(each) for each in _tables(one, "contact")),
        layouts=_of(one, "layouts", tuple(layouts())) if one.has("layouts") else (),
        zone=_zone(one) if one.has("zone") else "",
        date_order=_one_of(one, "date_order", ORDERS) if one.has("date_order") else "",
        retention=tuple(_retention(each, sources) for each in _tables(one, "retention")),
        shares_addresses=_known(one, "shares_addresses"),
        port_block=one.number("port_block", at_most=65_536) if one.has("port_block") else None,
        deterministic=_known(one, "deterministic"),
        needs_port=_known(one, "needs_port"),
        needs_destination=_known(one, "needs_destination"),
        subscribers=one.number("subscribers", at_most=LARGEST_NUMBER) if one.has("subscribers") else None,
        answer_days=one.number("answer_days", at_most=LONGEST_ANSWER) if one.has("answer_days") else None,
        source=_source(one, sources),
        check=_one_of(one, "check", CHECKS),
        as_of=one.day("as_of") if one.has("as_of") else as_of,
        exercise=exercise,
    )
    one.end()
    _apart(made.code, made.retention)
    if not (made.networks or made.prefixes or made.reporters):
        raise DirectoryRefused(one.place, "has no network, no prefix and no name it reports under: nothing leads to it")
    return made


def _tables(one: Table, key: str) -> list[Table]:
    return one.tables(key) if one.has(key) else []


def _span(one: Table) -> Span:
    since = one.day("from") if one.has("from") else None
    until = one.day("until") if one.has("until") else None
    if since is not None and until is not None and until <= since:
        raise DirectoryRefused(one.at("until"), "is not after the first day")
    return Span(since, until)


def _networks(one: Table) -> list[tuple[int, Span]]:
    numbers, span = one.numbers("numbers", at_most=LARGEST_NUMBER), _span(one)
    one.end()
    return [(number, span) for number in numbers]


def _prefix(one: Table) -> tuple[Network, Span]:
    text = one.text("prefix")
    try:
        found = prefix(text), _span(one)
    except ValueError as error:
        raise DirectoryRefused(one.at("prefix"), f"is not a prefix: {error}") from error
    one.end()
    return found


def _contact(one: Table) -> Contact:
    asks = frozenset(_of(one, "asks", ASKS)) if one.has("asks") else frozenset()
    made = Contact(one.text("way"), one.text("address"), one.optional_text("hours"), asks)
    one.end()
    return made


def _retention(one: Table, sources: dict[str, str]) -> RetentionRow:
    made = RetentionRow(
        record=_one_of(one, "record", RECORDS),
        days=one.number("days", at_most=LONGEST_DAYS),
        span=_span(one),
        source=_source(one, sources),
        check=_one_of(one, "check", CHECKS),
    )
    one.end()
    return made


def _apart(code: str, rows: tuple[RetentionRow, ...]) -> None:
    for place, row in enumerate(rows):
        if any(row.record == other.record and row.span.meets(other.span) for other in rows[:place]):
            raise DirectoryRefused(f"operator.{code}.retention", f"{row.record!r} has two times on the same days")


def _zone(one: Table) -> str:
    name = one.text("zone")
    try:
        zone_info(name)  # the same that the letter is written by: no abbreviation
    except Unread as error:
        raise DirectoryRefused(one.at("zone"), f"{name!r} is not a zone such as Asia/Kolkata") from error
    if name.startswith(("right/", "posix/", "Etc/GMT")):
        raise DirectoryRefused(one.at("zone"), f"{name!r} is not the zone of a place such as Asia/Kolkata")
    return name


def _known(one: Table, key: str) -> Known:
    return one.choice(key, Known) if one.has(key) else Known.UNKNOWN


def _source(one: Table, sources: dict[str, str]) -> str:
    name = one.text("source")
    if name not in sources:
        raise DirectoryRefused(one.at("source"), f"{name!r} is not among the sources")
    return sources[name]


def _one_of(one: Table, key: str, allowed: tuple[str, ...]) -> str:
    value = one.text(key)
    if value not in allowed:
        raise DirectoryRefused(one.at(key), f"{value!r} is not one of {', '.join(allowed)}")
    return value


def _of(one: Table, key: str, allowed: tuple[str, ...]) -> tuple[str, ...]:
    values = one.texts(key)
    for value in values:
        if value not in allowed:
            raise DirectoryRefused(one.at(key), f"{value!r} is not one of {', '.join(allowed)}")
    return values
