# SPDX-License-Identifier: Apache-2.0
"""Errors planted into correct requests, to measure what the gate stops: those that inspectors found in real ones.

The world (`planted_world`) is made first, and both the evidence's text and the correct line are written from it. A
planted error changes the line (or, in the second group, what comes before the gate), and the line is then completed as
an officer's tools would complete it: local from UTC, the printed text and a fresh check value, so that nothing gives
the error away but its disagreement with the evidence.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from nightlight.casework.attribution import planted_readers
from nightlight.casework.attribution.gate import Care, Purpose, Statement, cautions, check
from nightlight.casework.attribution.kinds import Label
from nightlight.casework.attribution.planted_world import (
    OPERATORS,
    ZONES,
    Truth,
    completed,
    facts_of,
    line_of,
    local_of,
    source_of,
    truth_of,
)
from nightlight.casework.attribution.times import DateOrder, Zone

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from nightlight.casework.attribution.gate import GateFacts, RequestLine, SourceFields


class Planted(StrEnum):
    """What was planted. The first group is in the line; the second stands before the gate, in what it is given."""

    NOTHING = "nothing"
    ZONE_INDIA = "zone-5:30"  # UTC taken for local or local for UTC
    ZONE_HOURS = "zone-hours"
    SUMMER_TIME = "summer-time"  # one hour
    DAY_MONTH = "day-month"
    DIGIT = "digit"
    TWO_DIGITS = "two-digits-exchanged"
    OPERATOR = "operator"
    STALE_PORT = "stale-port"
    YEAR = "year"
    LOCAL_ONLY = "local-only"  # only the local side is wrong
    UTC_ONLY = "utc-only"
    PRINTED_ONLY = "printed-only"  # the values are right, the printed text is not
    SMALL_SLIP = "small-slip"  # a minute or a second mistyped
    PROTOCOL = "protocol"
    CLOCK_AS_ZONE = "clock-as-zone"  # a zone slip put in as an error of the clock, which moves the line with it
    PERSON_OF_PROXY = "person-of-proxy"  # a service in between, and its line's holder asked for whoever has the line
    # Before the gate.
    LAYOUT_ZONE = "layout-zone"  # the layout declares the wrong zone for the evidence
    LAYOUT_ORDER = "layout-order"  # the layout declares the wrong order of dates
    READER_DIGIT = "reader-digit"  # a reader mangled a digit; the bytes of the evidence are right
    SOURCE_YEAR = "source-year"  # whoever wrote the evidence had the wrong year
    PORT_OF_OTHER_TIME = "port-of-other-time"  # the evidence says for when the port was recorded
    DIRECTORY = "directory"  # the directory names the wrong operator, with a derivation
    WRONG_RECORD = "wrong-record"  # the record of somebody else was picked
    COPIED = "copied-statement"  # the source is wrong, and a second place of the same report was filled from it
    # A reader that gives a piece of the record, or something else in it; the bytes of the evidence are right.
    READER_OFFSET = "reader-offset-dropped"
    READER_HALF = "reader-half-of-day-dropped"
    READER_COLUMN = "reader-other-column"
    READER_ROW = "reader-other-row"
    READER_RANGE = "reader-range-as-address"
    READER_PIECE = "reader-piece"
    READER_CELL = "reader-cell-left-out"
    READER_END = "reader-end-of-session"
    READER_PORT = "reader-port-left-out"
    READER_SENTENCE = "reader-sentence-cut"


IN_LINE = tuple(list(Planted)[1:17])
NAMED = (
    *(Planted.ZONE_INDIA, Planted.ZONE_HOURS, Planted.DAY_MONTH, Planted.DIGIT),
    *(Planted.OPERATOR, Planted.STALE_PORT, Planted.YEAR),
)
UPSTREAM = tuple(list(Planted)[17:25])
READER = tuple(list(Planted)[25:])


@dataclass(frozen=True, slots=True)
class Case:
    """A request as it would come before the gate. `wrong`: whether an operator would be asked about something else."""

    line: RequestLine
    source: SourceFields
    facts: GateFacts
    planted: Planted
    wrong: bool


def plant(rng: Random, n: int, kinds: tuple[Planted, ...] = NAMED) -> list[Case]:
    """`n` cases, the kinds in turn; the same for the same generator. Raises ValueError for a number below zero."""
    if n < 0:
        raise ValueError("a number of cases cannot be below zero")
    return [_case(rng, kinds[at % len(kinds)]) for at in range(n)]


def correct(rng: Random, n: int) -> list[Case]:
    """`n` requests without a fault: what the gate may not stop."""
    return plant(rng, n, (Planted.NOTHING,))


def _moved(line: RequestLine, by: timedelta, *, utc: bool = True, local: bool = True) -> RequestLine:
    """The line at another time, with its local side computed from its UTC side as tools do, or one side alone."""
    begins, ends = line.utc_from + by, line.utc_to + by
    moved = replace(
        line,
        utc_from=begins if utc else line.utc_from,
        utc_to=ends if utc else line.utc_to,
        local_from=local_of(begins, line.zone) if local else line.local_from,
        local_to=local_of(ends, line.zone) if local else line.local_to,
    )
    return completed(moved)


def _case(rng: Random, kind: Planted) -> Case:
    truth = truth_of(
        rng,
        port=kind in {Planted.STALE_PORT, Planted.PORT_OF_OTHER_TIME, Planted.READER_PORT},
        swappable=kind in {Planted.DAY_MONTH, Planted.LAYOUT_ORDER},
        forms=_WRITTEN.get(kind, ()),
    )
    if kind in _READER_FAULTS:
        misread, wrong = _READER_FAULTS[kind](rng, truth)
        return _followed(truth, wrong, misread, kind)
    if kind in _UPSTREAM_FAULTS:
        return _UPSTREAM_FAULTS[kind](rng, truth)
    source, facts = source_of(truth), facts_of(truth)
    if kind is Planted.CLOCK_AS_ZONE:
        by = timedelta(minutes=rng.choice((-330, 330, 60, -60, 15, 525_600)))
        facts = replace(facts, clock=replace(facts.clock, ahead=by))
        return Case(_moved(line_of(truth, source), -by), source, facts, kind, wrong=True)
    if kind is Planted.PERSON_OF_PROXY:
        facts = replace(facts, label=replace(facts.label, label=rng.choice(_SERVICES)))
    line = _LINE_FAULTS[kind](rng, line_of(truth, source), truth)
    return Case(line, source, facts, kind, wrong=kind is not Planted.NOTHING)


def _zone_slip(rng: Random, line: RequestLine, _: Truth) -> RequestLine:
    return _moved(line, timedelta(minutes=rng.choice((-330, 330))))


def _hours(rng: Random, line: RequestLine, _: Truth) -> RequestLine:
    return _moved(line, timedelta(hours=rng.choice([*range(-12, 0), *range(1, 13)])))


def _swapped(_: Random, line: RequestLine, truth: Truth) -> RequestLine:
    """Day and month of the written date exchanged, and everything else computed from that."""
    return _moved(line, _exchange(truth))


def _exchange(truth: Truth) -> timedelta:
    return truth.local.replace(day=truth.local.month, month=truth.local.day) - truth.local


def _digit(rng: Random, line: RequestLine, _: Truth) -> RequestLine:
    while True:
        place = rng.choice([at for at, sign in enumerate(line.address) if sign not in ".:"])
        digits = "0123456789abcdef" if ":" in line.address else "0123456789"
        typed = line.address[:place] + rng.choice(digits) + line.address[place + 1 :]
        try:
            address = str(ipaddress.ip_address(typed))
        except ValueError:
            continue
        if address != line.address:
            return completed(replace(line, address=address))


def _exchanged(rng: Random, line: RequestLine, truth: Truth) -> RequestLine:
    """Two neighbouring signs exchanged; where none differ, a wrong digit."""
    places = [at for at in range(len(line.address) - 1) if line.address[at] != line.address[at + 1]]
    rng.shuffle(places)
    for at in places:
        typed = f"{line.address[:at]}{line.address[at + 1]}{line.address[at]}{line.address[at + 2 :]}"
        try:
            address = str(ipaddress.ip_address(typed))
        except ValueError:
            continue
        if address != line.address:
            return completed(replace(line, address=address))
    return _digit(rng, line, truth)


def _operator(rng: Random, line: RequestLine, _: Truth) -> RequestLine:
    others = [code for code in OPERATORS if code != line.operator]
    return completed(replace(line, operator=rng.choice(others)))


def _stale_port(rng: Random, line: RequestLine, _: Truth) -> RequestLine:
    """The port of another session of the same account."""
    others = [port for port in (rng.randrange(1024, 65536) for _ in range(4)) if port != line.port]
    return completed(replace(line, port=others[0]))


def _year(rng: Random, line: RequestLine, truth: Truth) -> RequestLine:
    year = truth.at.year + rng.choice((-2, -1, 1))
    return _moved(line, truth.at.replace(year=year) - truth.at)  # no 29 February lies in these years


def _one_side(rng: Random, line: RequestLine, *, utc: bool) -> RequestLine:
    by = rng.choice((timedelta(minutes=330), timedelta(days=1), timedelta(hours=1), timedelta(seconds=10)))
    return _moved(line, by, utc=utc, local=not utc)


def _printed(rng: Random, line: RequestLine, _: Truth) -> RequestLine:
    place = rng.choice([at for at, sign in enumerate(line.shown) if sign.isdigit()])
    other = rng.choice([sign for sign in "0123456789" if sign != line.shown[place]])
    return replace(line, shown=line.shown[:place] + other + line.shown[place + 1 :])


def _small(rng: Random, line: RequestLine, _: Truth) -> RequestLine:
    return _moved(line, timedelta(seconds=rng.choice((-600, -60, -10, -1, 1, 10, 60, 600))))


_LINE_FAULTS: dict[Planted, Callable[[Random, RequestLine, Truth], RequestLine]] = {
    Planted.NOTHING: lambda _, line, __: line,
    Planted.ZONE_INDIA: _zone_slip,
    Planted.ZONE_HOURS: _hours,
    Planted.SUMMER_TIME: lambda rng, line, _: _moved(line, timedelta(hours=rng.choice((-1, 1)))),
    Planted.DAY_MONTH: _swapped,
    Planted.DIGIT: _digit,
    Planted.TWO_DIGITS: _exchanged,
    Planted.OPERATOR: _operator,
    Planted.STALE_PORT: _stale_port,
    Planted.YEAR: _year,
    Planted.LOCAL_ONLY: lambda rng, line, _: _one_side(rng, line, utc=False),
    Planted.UTC_ONLY: lambda rng, line, _: _one_side(rng, line, utc=True),
    Planted.PRINTED_ONLY: _printed,
    Planted.SMALL_SLIP: _small,
    Planted.PROTOCOL: lambda _, line, __: completed(replace(line, protocol="udp")),
    Planted.PERSON_OF_PROXY: lambda rng, line, _: completed(replace(line, purpose=rng.choice(_OF_PEOPLE))),
}


def _followed(truth: Truth, wrong: Truth, source: SourceFields, kind: Planted) -> Case:
    """What comes before the gate when everything after the fault followed it: line, label, operator by the wrong fact.

    What is known apart from the fault stays true: when the account began, when the evidence came in, what a second
    place of the evidence states.
    """
    facts = replace(facts_of(wrong), received_at=facts_of(truth).received_at)
    return Case(line_of(wrong, source), source, facts, kind, wrong=True)


def _layout_zone(rng: Random, truth: Truth) -> Case:
    right = ZONES[truth.written_in]
    declared = rng.choice([minutes for minutes in (0, *ZONES.values()) if minutes != right])
    wrong = replace(truth, at=truth.at + timedelta(minutes=right - declared))
    source = replace(source_of(truth), zone=Zone.fixed(declared, "the layout"))
    return _followed(truth, wrong, source, Planted.LAYOUT_ZONE)


def _layout_order(_: Random, truth: Truth) -> Case:
    wrong, written = replace(truth, at=truth.at + _exchange(truth)), source_of(truth)
    order = DateOrder.MDY if written.order is DateOrder.DMY else DateOrder.DMY
    return _followed(truth, wrong, replace(written, order=order), Planted.LAYOUT_ORDER)


def _reader_digit(rng: Random, truth: Truth) -> Case:
    source = source_of(truth)
    wrong = replace(truth, address=_digit(rng, line_of(truth, source), truth).address)
    misread = replace(source, address_as_sent=source_of(wrong).address_as_sent)
    return _followed(truth, wrong, misread, Planted.READER_DIGIT)


def _source_year(_: Random, truth: Truth) -> Case:
    """The evidence is a year behind; the account's beginning and the second statement come from elsewhere."""
    wrong = replace(truth, at=truth.at - timedelta(days=365))
    written, known = source_of(wrong), source_of(truth)
    source = replace(written, account_created=known.account_created, same_event=known.same_event)
    return _followed(truth, wrong, source, Planted.SOURCE_YEAR)


def _copied(_: Random, truth: Truth) -> Case:
    """The evidence is a year behind, and so is what the same report states in another place: they are one statement."""
    case = _source_year(_, truth)
    copy = Statement("another place", truth.at - timedelta(days=365))
    return replace(case, source=replace(case.source, same_event=(copy,)), planted=Planted.COPIED)


def _other_port(rng: Random, truth: Truth) -> Case:
    recorded = truth.at - timedelta(hours=rng.randrange(1, 900))
    return _followed(truth, truth, replace(source_of(truth), port_at=recorded), Planted.PORT_OF_OTHER_TIME)


def _directory(rng: Random, truth: Truth) -> Case:
    wrong = replace(truth, operator=rng.choice([code for code in OPERATORS if code != truth.operator]))
    return _followed(truth, wrong, source_of(truth), Planted.DIRECTORY)


def _wrong_record(rng: Random, truth: Truth) -> Case:
    other = replace(truth_of(rng), agrees=truth.agrees)
    case = _followed(other, other, source_of(other), Planted.WRONG_RECORD)
    return replace(case, facts=replace(case.facts, subject=truth.account))


_DECLARED = ("dmy", "mdy", "half-day", "minute")  # figures whose order and zone rest on what the layout declares
_SERVICES = (Label.VPN, Label.PRIVATE_RELAY, Label.PUBLIC_PROXY, Label.RESIDENTIAL_PROXY, Label.HOSTING)
_OF_PEOPLE: tuple[Purpose, ...] = (Purpose.SUBSCRIBER, Purpose.LOGS, Purpose.CUSTOMER)
_READER_FAULTS = {kind: planted_readers.FAULTS[kind.value] for kind in READER}
_WRITTEN: dict[Planted, tuple[str, ...]] = {
    Planted.READER_OFFSET: ("offset",),
    Planted.READER_HALF: ("half-day",),
    Planted.READER_CELL: ("half-day", "ymd", "dmy", "mdy", "named"),
    Planted.READER_END: ("ymd", "dmy", "zulu", "offset", "named", "epoch"),
    Planted.READER_SENTENCE: ("ymd", "dmy", "mdy", "minute", "zulu"),
    Planted.LAYOUT_ZONE: (*_DECLARED, "ymd", "named", "joined"),
    Planted.LAYOUT_ORDER: _DECLARED,
}
_UPSTREAM_FAULTS: dict[Planted, Callable[[Random, Truth], Case]] = {
    Planted.LAYOUT_ZONE: _layout_zone,
    Planted.LAYOUT_ORDER: _layout_order,
    Planted.READER_DIGIT: _reader_digit,
    Planted.SOURCE_YEAR: _source_year,
    Planted.PORT_OF_OTHER_TIME: _other_port,
    Planted.DIRECTORY: _directory,
    Planted.WRONG_RECORD: _wrong_record,
    Planted.COPIED: _copied,
}

# The caution that names what an error of a kind rests on; a kind that is not here has none.
_NAMED_BY: dict[Planted, frozenset[Care]] = {
    Planted.LAYOUT_ZONE: frozenset({Care.DECLARED_ZONE}),
    Planted.LAYOUT_ORDER: frozenset({Care.READS_BOTH_WAYS}),
    Planted.SOURCE_YEAR: frozenset({Care.ONE_STATEMENT}),
    Planted.DIRECTORY: frozenset({Care.ONE_TABLE, Care.TABLES_DISAGREE}),
    Planted.WRONG_RECORD: frozenset({Care.NO_SUBJECT}),
    Planted.COPIED: frozenset({Care.ONE_STATEMENT}),
}


@dataclass(frozen=True, slots=True)
class Measured:
    """What became of planted cases: stopped, only named by a caution, or passed in silence."""

    cases: int
    blocked: int
    warned: int
    silent: int
    codes: Counter[str]


def measured(cases: list[Case]) -> dict[Planted, Measured]:
    """The gate run over cases, by what was planted. A caution counts only where it names what the error rests on."""
    found: dict[Planted, Measured] = {}
    for kind in dict.fromkeys(case.planted for case in cases):
        blocked = warned = silent = 0
        codes: Counter[str] = Counter()
        mine = [case for case in cases if case.planted is kind]
        for case in mine:
            stops = check(case.line, case.source, case.facts)
            codes.update({stop.code.value for stop in stops})
            if stops:
                blocked += 1
            elif _NAMED_BY.get(kind, frozenset()) & {one.code for one in cautions(case.line, case.source, case.facts)}:
                warned += 1
            else:
                silent += 1
        found[kind] = Measured(len(mine), blocked, warned, silent, codes)
    return found
