# SPDX-License-Identifier: Apache-2.0
"""What the gate looks at: the fields of the evidence, the line a letter would hold, and what is known around them.

The check value is a short code over everything in a line that an operator acts on, and over what is asked. It is
printed beside the line, so a code that is read back says that the same line is spoken of, and no more: an operator who
copied the line wrongly still reads the right code. Only address, port and UTC read back one by one (`spoken`,
`heard_otherwise`) show what was copied. Here the code is made anew from the line, so that nobody changes one silently.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from nightlight.casework.attribution.kinds import EventKind, Labelled
from nightlight.casework.attribution.times import ClockError, Derivation, Role, TimeRefused, Zone, derive, pair
from nightlight.foundation.public_ids import ALPHABET, check_symbol

if TYPE_CHECKING:
    from nightlight.casework.attribution.grades import Retention
    from nightlight.casework.attribution.times import DateOrder

_SYMBOLS = 7  # 35 bits, and one symbol that shows a slip of the pen
_PREFIX = "CV"
_MISREAD = str.maketrans("OIL", "011")


class Purpose(StrEnum):
    """What a line asks for; the words of the law pack's powers."""

    SUBSCRIBER = "subscriber"
    LOGS = "logs"
    PRESERVATION = "preservation"
    CUSTOMER = "customer"  # of a service in between (VPN, hosting, relay): its own records, never a line's subscriber

    @property
    def names_people(self) -> bool:
        """Whether the answer names somebody. A platform that is asked for particulars of an event names nobody."""
        return self is not Purpose.PRESERVATION


@dataclass(frozen=True, slots=True)
class Statement:
    """Another place of the evidence that states when the same event was, read from its own text.

    `independent`: somebody else wrote it than the record of the event, or by another clock. Places of one report are
    not: whoever filed it filled both from one row.
    """

    path: str
    utc: datetime
    independent: bool = False


@dataclass(frozen=True, slots=True)
class SourceFields:
    """What the evidence holds for one event, as sent, and where.

    `record` are the bytes of the record it was read from (a row, an element), `digest` their SHA-256 in hexadecimal as
    it was noted when the evidence came in: what is claimed to be sent has to stand in them, each as a whole cell
    (`record_cells`). `places` says in which: pairs of "address", "port", "time", "account" or "protocol" and the name
    of the element or key, or "column 3" of a row; where it is left out, any cell will do, and two addresses in one
    record stop the line. `order` and `zone` are what the layout declares; `port_at` the time the port was recorded
    for, where that is a time of its own. `protocol_as_sent` None: the evidence states none.
    """

    path: str
    digest: str
    record: bytes
    address_as_sent: str
    moment_as_sent: str
    zone: Zone
    order: DateOrder | None = None
    order_by: str = ""
    port_as_sent: str | None = None
    port_at: datetime | None = None
    role: Role = Role.OFFENCE
    account_created: datetime | None = None
    kind: EventKind = EventKind.UNKNOWN
    same_event: tuple[Statement, ...] = ()
    subject_as_sent: str = ""  # the account that the record names, empty where it names none
    protocol_as_sent: str | None = None
    places: tuple[tuple[str, str], ...] = ()

    def derived(self, shown_in: str, now: datetime | None = None) -> Derivation | TimeRefused:
        """The time of the event with the steps that a letter prints, locally in the zone `shown_in`.

        The steps do not name the place in the evidence: a place says who was reported, and by what.
        """
        return derive(
            self.moment_as_sent,
            zone=self.zone,
            order=self.order,
            order_by=self.order_by,
            shown_in=shown_in,
            now=now,
            not_before=self.account_created,
        )


@dataclass(frozen=True, slots=True)
class RequestLine:
    """What a letter would hold for one event. Times are half open: from, up to but not including.

    `zone` is the IANA name of the local times, `shown` the text that is printed for the times (`shown_times`),
    `derivation` the printed steps. `port` None: asked without a port.
    """

    address: str
    port: int | None
    protocol: str  # "tcp", "udp", or empty where the evidence states none
    utc_from: datetime
    utc_to: datetime
    local_from: datetime
    local_to: datetime
    zone: str
    operator: str
    derivation: tuple[str, ...]
    shown: str = ""
    check_value: str = ""
    purpose: Purpose = Purpose.SUBSCRIBER
    format: str = ""  # the layout of the annex
    key: str = ""  # of the event


@dataclass(frozen=True, slots=True)
class Chosen:
    """Who held the address, chosen by network number and prefix as of `at`; never by a name.

    [since, until) is the interval for which the data say so, None: open on that side.
    """

    code: str
    asn: int
    prefix: str
    at: datetime
    derivation: str
    since: datetime | None = None
    until: datetime | None = None
    other_tables: tuple[tuple[str, str], ...] = ()  # name of a table, and the code it leads to
    by: str = "network"  # or "prefix": the directory names the block itself, and needs no network number
    kind: str = ""  # what the operator does, as the directory says; empty: not known
    near_change: str = ""  # who held it a day earlier or later


@dataclass(frozen=True, slots=True)
class Authority:
    """By which power it is asked and who approved it; places of ranks count from the lowest, as the law pack does."""

    power: str
    least_rank: str
    least_place: int | None  # None where the law names no rank: then no rank is asked for
    approver: str
    rank: str
    place: int | None  # None: the pack does not know the rank
    approved_at: datetime
    asks: frozenset[str] = frozenset()  # what may be asked by this power (values of `Purpose`); empty: not stated


@dataclass(frozen=True, slots=True)
class GateFacts:
    """What is known around a line when it is checked.

    `label` is of `label_address` as of `label_at`. `clock` is the stated error of the clock that wrote the evidence:
    the line's window is the source's, widened by it. `operator_shares`: what the directory says of shared addresses,
    None unknown. `received_at`: when the evidence came in. `max_window`: the longest time that may be asked for.
    `agreement`: how far two statements of one time may lie apart; of a shared address at most a minute. `max_ahead`: by
    how much a clock may be stated to have run ahead or behind before a person has to put the evidence right first.
    """

    now: datetime
    operator: Chosen | None
    retention: Retention | None
    authority: Authority | None
    drafter: str
    checker: str
    label: Labelled
    label_address: str
    label_at: datetime
    allowed_formats: frozenset[str] = frozenset()  # empty: the operator takes any
    clock: ClockError = field(default_factory=ClockError)
    operator_shares: bool | None = None
    received_at: datetime | None = None
    max_window: timedelta = timedelta(minutes=10)
    agreement: timedelta = timedelta(minutes=5)
    max_ahead: timedelta = timedelta(minutes=30)
    subject: str = ""  # the account that the request is about, as the case knows it
    to_platform: str = ""
    zone: str = ""  # the zone the operator reads local times in; empty: not stated


def shown_times(line: RequestLine) -> str:
    """The text that a letter prints for the times: both ends, in UTC and locally, each with its date.

    Raises ValueError for a time without a zone, `Unread` for a zone that does not exist.
    """
    ends = []
    for at in (line.utc_from, line.utc_to):
        precision = "second" if at.microsecond == 0 else "microsecond"
        ends.append(pair(at, line.zone, precision))
    return f"{ends[0].utc} up to {ends[1].utc}; {ends[0].local} up to {ends[1].local}"


def check_value(line: RequestLine) -> str:
    """The code that stands beside a line, such as ``7F3K-9QTX``, in Crockford's base 32.

    Over address, port, protocol, both ends in UTC and locally, zone, operator and purpose. Raises ValueError for a time
    without a zone: such a line has no code.
    """
    said = "\n".join(
        (
            line.address,
            "" if line.port is None else str(line.port),
            line.protocol,
            *(_stamp(at) for at in (line.utc_from, line.utc_to)),
            *(_stamp(at, local=True) for at in (line.local_from, line.local_to)),
            line.zone,
            line.operator,
            line.purpose.value,
        )
    )
    number = int.from_bytes(hashlib.sha256(said.encode()).digest()[:5], "big")
    body = "".join(ALPHABET[number >> shift & 31] for shift in range(0, 5 * _SYMBOLS, 5))
    body += check_symbol(_PREFIX, body)
    return f"{body[:4]}-{body[4:]}"


def read_back(line: RequestLine, heard: str) -> bool:
    """Whether the code that somebody read out is that of the line; O for 0 and I or L for 1 are forgiven.

    It says that both speak of the same line, not that it was copied as it stands: for that see `heard_otherwise`.
    """
    symbols = "".join(heard.split()).replace("-", "").upper().translate(_MISREAD)
    return symbols == check_value(line).replace("-", "")


def spoken(line: RequestLine) -> tuple[tuple[str, str], ...]:
    """What has to be read back of a line, value by value: address, port, and both ends in UTC."""
    begins, ends = line.shown.split("; ")[0].split(" up to ") if line.shown else ("", "")
    return (
        ("address", line.address),
        ("port", "none" if line.port is None else str(line.port)),
        ("from", begins or _stamp(line.utc_from)),
        ("up to", ends or _stamp(line.utc_to)),
    )


def heard_otherwise(line: RequestLine, *, address: str, port: str, utc_from: str, utc_to: str) -> tuple[str, ...]:
    """Return the names of what somebody read back otherwise than it stands in the line; empty: all of it as it is."""
    said = {"address": address, "port": port, "from": utc_from, "up to": utc_to}
    return tuple(name for name, value in spoken(line) if _plain(said[name]) != _plain(value))


def _plain(words: str) -> str:
    return " ".join(words.replace("T", " ").split()).casefold().removeprefix("utc ")


def event_number(key: str) -> str:
    """A number of an event's own for whoever is asked: an event's key says in which report it stands, and where."""
    number = int.from_bytes(hashlib.sha256(key.encode(errors="surrogatepass")).digest()[:5], "big")
    return "E-" + "".join(ALPHABET[number >> shift & 31] for shift in range(0, 40, 5))


_PROTOCOLS = {"6": "tcp", "17": "udp", "tcp": "tcp", "udp": "udp", "quic": "udp", "tcp6": "tcp", "udp6": "udp"}


def protocol_of(as_sent: str | None) -> str | None:
    """The protocol that the evidence states: "tcp", "udp", empty where it states none; None where it is unreadable."""
    words = "" if as_sent is None else as_sent.strip().casefold()
    return _PROTOCOLS.get(words) if words else ""


def _stamp(at: datetime, *, local: bool = False) -> str:
    if at.utcoffset() is None:
        raise ValueError("a time without a zone has no check value")
    return at.isoformat() if local else at.astimezone(UTC).isoformat()
