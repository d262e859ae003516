# SPDX-License-Identifier: Apache-2.0
"""The smallest facts a report can state: a text, a yes or no, a time, an address on the network.

A value is kept as it was sent. Where it could also be understood, the understood form stands beside it;
where it could not, that form is None and the words sent remain. Nothing here guesses and nothing raises.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from enum import StrEnum
from typing import Literal

Zone = Literal["stated", "not stated", "unreadable"]
MAJORITY = 18


class Stated(StrEnum):
    """What a report says to a yes-or-no question; true in a condition only when it says yes."""

    YES = "yes"
    NO = "no"
    NOT_STATED = "not stated"
    UNREADABLE = "unreadable"

    def __bool__(self) -> bool:
        return self is Stated.YES


_ANSWERS = {
    **dict.fromkeys(("true", "1", "yes", "y"), Stated.YES),
    **dict.fromkeys(("false", "0", "no", "n"), Stated.NO),
}


def read_stated(text: str | None) -> Stated:
    """What the words of a yes-or-no field say: xs:boolean, and the yes and no that other exports write."""
    if text is None:
        return Stated.NOT_STATED
    return _ANSWERS.get(text.strip().lower(), Stated.UNREADABLE)


@dataclass(frozen=True, slots=True)
class Text:
    """Words as sent, and the place in the report they were read from."""

    value: str
    source: str

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class NamedValue:
    """A value under a name the sender chose; `group` is the sender's heading for it, such as EXIF."""

    name: str
    value: str
    source: str
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """Something the report says that has no field here, or whose field could not read it."""

    path: str
    value: str
    reason: str

    @property
    def protected(self) -> bool:
        """Whether the place it was found in speaks of a victim or a child: not to be shown without need."""
        path = self.path.lower()
        return "victim" in path or "child" in path


@dataclass(frozen=True, slots=True)
class Moment:
    """A time as the sender wrote it; `utc` is None unless the sender stated the zone.

    `wall_clock` is the same time in ISO 8601 without its zone, None when unreadable. `precision` is the
    smallest unit written: day, minute, second, millisecond, microsecond or nanosecond (kept to the
    microsecond), or "none" when unreadable. `offset_minutes` is east of UTC.
    """

    as_sent: str
    utc: datetime | None
    zone: Zone
    offset_minutes: int | None
    precision: str
    wall_clock: str | None
    source: str

    @property
    def day(self) -> date | None:
        """The calendar day the sender wrote, in the sender's zone, whether or not that zone is known."""
        return None if self.wall_clock is None else date.fromisoformat(self.wall_clock[:10])


# ISO 8601 as XML Schema and RFC 3339 write it, plus a blank for the T, as several exports do.
_MOMENT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]+))?)?)?"
    r" ?(?:([Zz]|UTC)|([+-])([0-9]{2}):?([0-9]{2}))?"
)
_FRACTIONS = ((3, "millisecond"), (6, "microsecond"))
_WIDEST_OFFSET = 14 * 60


def read_moment(text: str, source: str) -> Moment:
    """The time in `text`; of a form or a value that cannot be read, only the words sent are kept."""
    as_sent = text.strip()
    try:
        return _moment(as_sent, source)
    except (ValueError, OverflowError):
        return Moment(as_sent, None, "unreadable", None, "none", None, source)


def _moment(as_sent: str, source: str) -> Moment:
    match = _MOMENT.fullmatch(as_sent)
    if match is None:
        raise ValueError(as_sent)
    day, hour, minute, second, fraction, zulu, sign, offset_hours, offset_rest = match.groups()
    # 24:00:00 is midnight at the end of the day (XML Schema 1.1, part 2, 3.3.7).
    at_day_end = hour == "24" and not int(minute) and not int(second or 0) and not int(fraction or 0)
    local = datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC).replace(
        hour=0 if at_day_end else int(hour or 0),
        minute=int(minute or 0),
        second=int(second or 0),
        microsecond=int((fraction or "").ljust(6, "0")[:6]),
    ) + timedelta(days=1 if at_day_end else 0)
    precision = _precision(hour, second, fraction)
    wall_clock = day if hour is None else local.replace(tzinfo=None).isoformat()
    # A day is not an instant: its zone is noted, but no hour is invented for it.
    if zulu is None and sign is None:
        return Moment(as_sent, None, "not stated", None, precision, wall_clock, source)
    offset = 0 if zulu else int(offset_hours) * 60 + int(offset_rest)
    if offset > _WIDEST_OFFSET or int(offset_rest or 0) > 59:
        raise ValueError(as_sent)
    offset = -offset if sign == "-" else offset
    utc = None if hour is None else local.replace(tzinfo=timezone(timedelta(minutes=offset))).astimezone(UTC)
    return Moment(as_sent, utc, "stated", offset, precision, wall_clock, source)


def _precision(hour: str | None, second: str | None, fraction: str | None) -> str:
    if hour is None:
        return "day"
    if second is None:
        return "minute"
    if fraction is None:
        return "second"
    return next((name for digits, name in _FRACTIONS if len(fraction) <= digits), "nanosecond")


@dataclass(frozen=True, slots=True)
class Age:
    """An age in years as stated; `approximate` when the sender calls it an estimate."""

    as_sent: str
    years: int | None
    approximate: bool
    source: str


def read_age(text: str, source: str, *, approximate: bool = False) -> Age:
    """The age in `text`, 0 to 150 years."""
    return Age(text, read_number(text, 0, 150), approximate, source)


@dataclass(frozen=True, slots=True)
class BirthDate:
    """A date of birth as stated; `day` is None when it is not a year, a month and a day in that order."""

    as_sent: str
    day: date | None
    source: str

    def minor_on(self, day: date) -> bool:
        """Whether somebody born on this date is under eighteen on `day`; False when it is unreadable."""
        if self.day is None:
            return False
        had_birthday = (day.month, day.day) >= (self.day.month, self.day.day)
        return day.year - self.day.year - (not had_birthday) < MAJORITY


def read_birth_date(text: str, source: str) -> BirthDate:
    """The date of birth in `text`; 03/04/2011 stays unread, because it names two different days."""
    return BirthDate(text, read_moment(text, source).day, source)


def read_number(text: str, lowest: int, highest: int) -> int | None:
    """The whole number in `text`, or None when it is none or lies outside the two bounds."""
    digits = text.strip()
    # A length bound first: converting a very long number is slow on purpose in Python.
    if not (digits.isascii() and digits.removeprefix("+").isdigit() and len(digits) <= 20):
        return None
    number = int(digits)
    return number if lowest <= number <= highest else None


@dataclass(frozen=True, slots=True)
class NetworkEvent:
    """Somebody used this address, through this port, at this time, as the reporter recorded it.

    `address` is the canonical form (RFC 5952; an IPv4-mapped address as IPv4), None when what was sent is
    no address; `version` is 4 or 6. Without a port an address shared by many subscribers finds nobody.
    """

    address_as_sent: str
    address: str | None
    version: int | None
    port: int | None
    port_as_sent: str | None
    moment: Moment | None
    event_name: str | None
    possible_proxy: Stated
    source: str


_WITH_PORT = re.compile(r"(?:\[([^\]]+)\]|([0-9.]+)):([0-9]{1,5})")


def read_network_event(
    address: str,
    source: str,
    *,
    port: str | None = None,
    moment: Moment | None = None,
    event_name: str | None = None,
    possible_proxy: Stated = Stated.NOT_STATED,
) -> NetworkEvent:
    """The event with address and port understood; `192.0.2.7:5060` gives a port where no other is stated."""
    as_sent = address.strip()
    host, port_as_sent = as_sent, port
    if with_port := _WITH_PORT.fullmatch(as_sent):
        host = with_port[1] or with_port[2]
        port_as_sent = port or with_port[3]
    canonical, version = canonical_address(host)
    number = None if port_as_sent is None else read_number(port_as_sent, 1, 65535)
    return NetworkEvent(as_sent, canonical, version, number, port_as_sent, moment, event_name, possible_proxy, source)


def canonical_address(text: str) -> tuple[str | None, int | None]:
    """The address in `text` as RFC 5952 writes it (an IPv4-mapped one as IPv4), and its version; None: no address."""
    try:
        address = ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return None, None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return str(address), address.version
