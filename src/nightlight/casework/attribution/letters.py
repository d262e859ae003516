# SPDX-License-Identifier: Apache-2.0
"""The words of a request: what exactly is asked, by which power, who signs, and what the answer has to hold.

Structure for a printable page (`Letter.parts`) and the same as plain text. Everything about an event comes from its
line. It never names a suspect: what an operator's records give is the subscriber to whom they assign an address.
What servers should log is RFC 6302; how shared addresses are assigned and logged RFC 6888, 7422 and 8158.
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightlight.casework.attribution import annex
from nightlight.casework.attribution.asking import GENERIC, Kind
from nightlight.casework.attribution.gate_lines import event_number
from nightlight.casework.attribution.grade_words import asked as words_of
from nightlight.casework.attribution.letter_words import (
    ANSWERS,
    HINDERED,
    NARROW,
    OPENINGS,
    PLATFORM_KEEPS,
    READ_BACK,
    REPLY_COLUMNS,
    TITLES,
)
from nightlight.casework.attribution.operators import Known, OperatorKind
from nightlight.casework.attribution.times import pair

if TYPE_CHECKING:
    from datetime import date

    from nightlight.casework.attribution.asking import Line, Power, Request

WIDTH = 100
_NOT_READ = {"K": "general knowledge, not checked", "T": "quoted by a third party"}
_PERIOD = re.compile(r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?")


@dataclass(frozen=True, slots=True)
class Heading:
    """Who writes, in which matter: from the records of the case and of the officer's post, as they stand there."""

    reference: str
    on: date
    unit: str
    case: str  # number and date of the first information report, or what stands for it
    sections: tuple[str, ...]
    officer: str
    post: str
    rank: str
    mail: str
    purpose: str  # why the records are needed, as the case states it
    telephone: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """A list of named values."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Words under a heading, which may be empty."""

    words: str
    heading: str = ""


@dataclass(frozen=True, slots=True)
class Items:
    """A numbered list."""

    heading: str
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the letter in words, value by value, as the page and the plain text show it."""

    number: int
    address: str
    port: str
    protocol: str
    utc_from: str
    utc_to: str
    local_from: str
    local_to: str
    dates_differ: bool
    check_value: str
    references: tuple[str, ...]
    account: str
    as_sent: str
    why: str
    window: str
    derivation: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """The lines of the letter."""

    heading: str
    rows: tuple[Row, ...]


Part = Facts | Paragraph | Items | Rows


@dataclass(frozen=True, slots=True)
class Letter:
    """A request in words. `ready` False: it is a draft that cannot go out, and `parts` says why at the end.

    `cautions`: what who signs has to see, and what is not for the addressee.
    """

    title: str
    parts: tuple[Part, ...]
    ready: bool
    cautions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The whole letter as plain text, lines of at most 100 characters where words allow it."""
        blocks = [self.title.upper()]
        for part in self.parts:
            blocks += _plain(part)
        return "\n\n".join(blocks) + "\n"


def letter(request: Request, heading: Heading) -> Letter:
    """Return the letter of a request."""
    rows = tuple(_row(number, one, request.kind) for number, one in enumerate(request.lines, 1))
    asked: list[Part] = [
        Facts(_head(request, heading)),
        Paragraph(OPENINGS[request.kind], "What is asked"),
        *_power(request.power),
        *([Paragraph(heading.purpose, "Purpose and reason")] if heading.purpose else []),
        *([Rows("The events, each with its check value", rows)] if rows else []),
        *([Items("Events whose time you stated in part", _questions(request))] if request.questions else []),
        *([Paragraph(_zone_words(request, rows), "Times")] if rows else []),
        Items(_answer_heading(request.kind), _answer(request)),
    ]
    columns = REPLY_COLUMNS.get(request.kind)
    if columns:
        asked.append(Paragraph(f"A table with these columns is easiest for us: {columns}.", "Form of the answer"))
    asked.append(Paragraph(_narrow(request), "Nobody else"))
    if request.power and request.power.silence:
        asked.append(Paragraph(request.power.silence, "Confidentiality"))
    asked.append(Paragraph(_signature(request, heading), "Signature"))
    if request.hindrances:
        asked.append(Items("This is a draft and cannot go out yet", tuple(HINDERED[one] for one in request.hindrances)))
    return Letter(TITLES[request.kind], tuple(asked), not request.hindrances, _cautions(request))


def _cautions(request: Request) -> tuple[str, ...]:
    said = []
    operator, person = request.operator, request.kind in {Kind.SUBSCRIBER, Kind.LOGS}
    if operator and person and operator.needs_destination is Known.YES:
        said.append(f"{operator.name} answers only with the destination address; the evidence states none.")
    said += _sheet(request)
    for number, one in enumerate(request.lines, 1):
        if one.holder.near_change:
            said.append(f"Line {number}: the block changed hands within a day of it: {one.holder.near_change}.")
        if operator and person and operator.needs_port is Known.YES and one.line.port is None and _four(one):
            said.append(f"Line {number}: {operator.name} cannot tell anybody apart without the port.")
    check = getattr(getattr(request.power, "basis", None), "check", "")
    if str(check) in _NOT_READ:
        section = request.power.section if request.power else ""
        said.append(
            f"{section} was not read in its primary text ({_NOT_READ[str(check)]}): have a lawyer confirm the "
            "power before it is signed."
        )
    if request.power and not request.power.binding:
        said.append("The addressee is not bound by this; for use in a court another way may be needed.")
    return tuple(said)


def _sheet(request: Request) -> list[str]:
    """What stands in the lines of the letter and has no column in the list that goes with it."""
    known = annex.layouts()
    missing = annex.left_out(known.get(request.layout, known[GENERIC]), [one.line for one in request.lines])
    return [f"The list in the columns of the addressee has none for: {', '.join(missing)}."] if missing else []


def _questions(request: Request) -> tuple[str, ...]:
    """Each event without a line, as it was sent, and what is missing of it."""
    found = []
    for one in request.questions:
        port = f", port {one.source.port_as_sent!r}" if one.source.port_as_sent else ""
        account = f", account {one.account}" if one.account else ""
        sent = f"address {one.source.address_as_sent!r}{port}, time {one.source.moment_as_sent!r}{account}"
        missing = f" Please state {words_of(one.ask_for)}." if one.ask_for else ""
        found.append(f"{event_number(one.key)}: {sent}, as you sent it.{missing}")
    return tuple(found)


def _four(one: Line) -> bool:
    return ":" not in one.line.address


def _head(request: Request, heading: Heading) -> tuple[tuple[str, str], ...]:
    rows = [
        ("Our reference", f"{heading.reference}, {heading.on.isoformat()}"),
        ("From", heading.unit),
        ("To", request.addressee + (f" ({request.country})" if request.country else "")),
        *((f"By {one.way}", f"{one.address}{f' ({one.hours})' if one.hours else ''}") for one in request.contacts),
        ("Matter", heading.case),
        ("Sections", "; ".join(heading.sections)),
    ]
    if request.power:
        rows.append(("Power", f"{request.power.section} ({request.power.title})"))
    return tuple((name, value) for name, value in rows if value)


def _power(power: Power | None) -> list[Part]:
    if power is None:
        return []
    words = power.sentence
    if not power.binding:
        words += " We know that you may decline, and ask you to answer by your own policy."
    if power.holds:
        again = {0: "", 1: ", and may be asked for once more"}.get(
            power.renewals, f", up to {power.renewals} times more"
        )
        words += f" It is asked for {_period(power.holds.text)} from the day you receive this{again}."
    if power.answer_hours:
        words += f" The answer is due within {power.answer_hours} hours of receipt."
    return [Paragraph(words, power.section)]


def _period(text: str) -> str:
    match = _PERIOD.fullmatch(text)
    parts = zip(match.groups() if match else (), ("year", "month", "week", "day"), strict=False)
    said = [f"{count} {unit}{'' if count == '1' else 's'}" for count, unit in parts if count and int(count)]
    return " and ".join(said) or text


def _row(number: int, one: Line, kind: Kind) -> Row:
    line = one.line
    ends = [
        pair(at, line.zone, "second" if at.microsecond == 0 else "microsecond") for at in (line.utc_from, line.utc_to)
    ]
    sent = f"{one.source.address_as_sent!r}, {one.source.moment_as_sent!r}"
    sent += _port_as_sent(one, kind)
    return Row(
        number=number,
        address=line.address,
        port="not known" if line.port is None else str(line.port),
        protocol=line.protocol.upper() or "not known",
        utc_from=ends[0].utc,
        utc_to=ends[1].utc,
        local_from=ends[0].local,
        local_to=ends[1].local,
        dates_differ=any(end.dates_differ for end in ends),
        check_value=line.check_value,
        references=tuple(event_number(key) for key in (line.key, *one.also)),
        account=one.account,
        as_sent=sent,  # without the place in the report, which says who was reported and by what
        why=one.holder.why,
        window=_window(one),
        derivation=line.derivation,
    )


def _port_as_sent(one: Line, kind: Kind) -> str:
    """The port of the evidence; one that is not asked about is kept from a holder, who could look for it."""
    port = one.source.port_as_sent
    if port is None:
        return ", no port"
    if kind.of_platform or port.strip() == str(one.line.port):
        return f", port {port!r}"
    return ", and no port that is of this address and time"


def _window(one: Line) -> str:
    clock = one.clock
    seconds, ahead = clock.plus_minus.total_seconds(), clock.ahead.total_seconds()
    if not seconds and not ahead:
        return ""
    off = f", and ran {abs(ahead):g} s {'ahead' if ahead > 0 else 'behind'}" if ahead else ""
    by = f", as stated by {clock.stated_by}" if clock.stated_by else ""
    return f"The clock that wrote the time may have been off by {seconds:g} s{off}{by}."


def _zone_words(request: Request, rows: tuple[Row, ...]) -> str:
    words = (
        f"Each time is given in UTC and in the time of {request.zone}, each with its own date; both are the same "
        "instant. A line means from its first time up to, and not including, its second."
    )
    if any(row.dates_differ for row in rows):
        numbers = ", ".join(str(row.number) for row in rows if row.dates_differ)
        words += f" The date in UTC is another than the local one in line {numbers}."
    return f"{words} {READ_BACK}"


def _answer_heading(kind: Kind) -> str:
    return (
        "What is to be kept, and confirmed"
        if kind is Kind.PRESERVATION
        else "What the answer should hold, line by line"
    )


def _answer(request: Request) -> tuple[str, ...]:
    items = [*ANSWERS[request.kind]]
    operator = request.operator
    if operator and operator.kind is OperatorKind.PLATFORM and request.kind is Kind.PRESERVATION:
        items[0] = PLATFORM_KEEPS
    if operator and operator.deterministic is Known.YES and request.kind in {Kind.SUBSCRIBER, Kind.LOGS}:
        items.insert(0, "The table of the fixed mapping (RFC 7422) that was valid on the day of each line.")
    if request.power and request.power.certificate and request.kind is not Kind.PRESERVATION:
        items.append(request.power.certificate)
    return tuple(items)


def _narrow(request: Request) -> str:
    if request.kind in {Kind.SUBSCRIBER, Kind.LOGS} and not request.people_at_most_one:
        numbers = [
            str(n) for n, one in enumerate(request.lines, 1) if one.line.port is None and ":" not in one.line.address
        ]
        return (
            f"Line {', '.join(numbers)} has no port. If the address was shared at that time, please name nobody for "
            "it, whatever is asked above, and do not send a list of everybody on it: tell us that it was shared and "
            "among how many, and we will ask the platform for the port, or ask you again with the destination address."
        )
    return NARROW.get(request.kind, "Please send nothing about other addresses, ports, times or people.")


def _signature(request: Request, heading: Heading) -> str:
    who = f"{heading.officer}, {', '.join(filter(None, (heading.rank, heading.post)))}, {heading.unit}"
    reach = ", ".join(filter(None, (heading.mail, heading.telephone)))
    if request.power is None:
        return f"{who}. {reach}"
    least = f", not below {request.power.least_rank}" if request.power.least_rank else ""
    return f"To be signed by: {request.power.signs}{least}. Drafted by {who}. {reach}"


def _plain(part: Part) -> list[str]:
    if isinstance(part, Facts):
        wide = max(len(name) for name, _value in part.rows)
        return ["\n".join(_hung(f"{name + ':':<{wide + 2}}", value) for name, value in part.rows)]
    if isinstance(part, Paragraph):
        words = textwrap.fill(part.words, WIDTH, break_long_words=False, break_on_hyphens=False)
        return [f"{part.heading}\n{words}" if part.heading else words]
    if isinstance(part, Items):
        return [part.heading + "\n" + "\n".join(_hung(f"{n}. ", item) for n, item in enumerate(part.items, 1))]
    return [part.heading, *(_plain_row(row) for row in part.rows)]


def _plain_row(row: Row) -> str:
    facts = [
        ("Address", row.address),
        ("Source port", row.port),
        ("Protocol", row.protocol),
        ("From", f"{row.utc_from}   =   {row.local_from}"),
        ("Up to", f"{row.utc_to}   =   {row.local_to}"),
        ("Window", row.window),
        ("Check value", row.check_value),
        ("Account", row.account),
        ("Our event", ", ".join(row.references)),
        ("As sent to us", row.as_sent),
        ("How the time was read", " ".join(row.derivation)),
        ("Why you are asked", row.why),
    ]
    shown = [_hung(f"   {name + ':':<23}", value) for name, value in facts if value]
    return f"Line {row.number}{' (two dates)' if row.dates_differ else ''}\n" + "\n".join(shown)


def _hung(first: str, words: str) -> str:
    """A text hung under its beginning; blanks inside are kept, so that times stand as they are."""
    indent = " " * len(first)
    lines = textwrap.wrap(words, WIDTH - len(first), break_long_words=False, break_on_hyphens=False)
    return "\n".join((indent if n else first) + line for n, line in enumerate(lines)) or first.rstrip()
