# SPDX-License-Identifier: Apache-2.0
"""Who held an address at a time, and how that operator is asked: by number and day, never by a likeness of names.

A directory is data that a unit loads and keeps (`operators_reading`); each entry names its source and its day. The
holder is, in this order: the entry of the longest prefix that was valid that day (a transferred block; one that says
for no days since when it holds gives way to another network's number, which a table of that day names), the entry of
the network number (AS, RFC 6996 and RFC 5398 for those that only documents use), else the network itself under the name
the loaded tables give it, without an address to write to. A neighbour is never taken because its name sounds alike.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING

from nightlight.casework.attribution.grades import Retention

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Network = IPv4Network | IPv6Network
_BITS = {4: 32, 6: 128}
_EARLIEST = timezone(timedelta(hours=14))  # where a day begins first: no log is said to last longer than it may


class OperatorKind(StrEnum):
    """What an operator does. A law pack uses the same words for holders of records."""

    MOBILE = "mobile"
    FIXED = "fixed"
    BOTH = "both"
    HOSTING = "hosting"
    VPN = "vpn"
    PLATFORM = "platform"
    ORGANISATION = "organisation"


class Known(StrEnum):
    """An answer that may not be known; nothing is taken for granted."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class By(StrEnum):
    """By what the holder was chosen."""

    PREFIX = "prefix"
    NETWORK = "network"
    NAME = "name"  # no entry covers the network: it is itself the addressee, under its own name
    NOTHING = "nothing"  # not even the network is known


@dataclass(frozen=True, slots=True)
class Span:
    """Days [since, until); None: not known since when, or still so on the day of the directory."""

    since: date | None = None
    until: date | None = None

    def holds(self, day: date) -> bool:
        return (self.since is None or self.since <= day) and (self.until is None or day < self.until)

    def meets(self, other: Span) -> bool:
        """Whether there is a day that both hold."""
        return (self.since is None or other.until is None or self.since < other.until) and (
            other.since is None or self.until is None or other.since < self.until
        )

    def __str__(self) -> str:
        since = "a day not known" if self.since is None else self.since.isoformat()
        return f"from {since}" + (f" until {self.until.isoformat()}" if self.until else "")


@dataclass(frozen=True, slots=True)
class Contact:
    """How an operator is reached for something; `way`: e-mail, portal, post, telephone."""

    way: str
    address: str
    hours: str = ""
    asks: frozenset[str] = frozenset()  # preservation, subscriber, logs; empty: all


@dataclass(frozen=True, slots=True)
class RetentionRow:
    """How long this operator says it keeps a kind of record, for records made in `span`: before what the law says."""

    record: str
    days: int
    span: Span
    source: str
    check: str


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator or a platform, as of a day. `zone`: the IANA zone in which its sheets are read; empty: not known."""

    code: str
    name: str
    country: str  # ISO 3166-1
    kind: OperatorKind
    networks: tuple[tuple[int, Span], ...] = ()
    prefixes: tuple[tuple[Network, Span], ...] = ()
    reporters: tuple[str, ...] = ()  # names under which a platform reports: whole names, not parts
    contacts: tuple[Contact, ...] = ()
    layouts: tuple[str, ...] = ()  # of `annex`, the preferred first
    zone: str = ""
    date_order: str = ""  # dmy, mdy, ymd of what it returns; empty: not known
    retention: tuple[RetentionRow, ...] = ()
    shares_addresses: Known = Known.UNKNOWN
    port_block: int | None = None  # ports of one lease
    deterministic: Known = Known.UNKNOWN  # RFC 7422: the mapping of that day is asked, there is no log
    needs_port: Known = Known.UNKNOWN
    needs_destination: Known = Known.UNKNOWN
    subscribers: int | None = None  # among whom it deals its addresses, by its own word; None: it has said nothing
    answer_days: int | None = None  # within which it answers, by its own word; None: it has said nothing
    source: str = ""
    as_of: date | None = None
    check: str = "K"
    exercise: bool = False  # invented: never for a real letter

    def retention_of(self, record: str, event: date) -> RetentionRow | None:
        """Return what the operator itself says of a record made on a day; None: the law pack answers."""
        return next((one for one in self.retention if one.record == record and one.span.holds(event)), None)

    def contacts_for(self, asked: str) -> tuple[Contact, ...]:
        """Return where to send what asks for something, in the order of the directory."""
        return tuple(one for one in self.contacts if not one.asks or asked in one.asks)


@dataclass(frozen=True, slots=True)
class Chosen:
    """Whom to ask, by what, for which days, and why in words. `near_change`: another held it within a day."""

    operator: Operator | None
    by: By
    addressee: str  # name; empty where not even the network is known
    why: str
    since: date | None = None
    until: date | None = None
    shown: str = ""  # the prefix or AS number that decided
    near_change: str = ""  # who held it a day earlier or later; the day's zone is not known, so both are possible


class DirectoryConflict(Exception):
    """Two entries claim the same network on the same day; `place` says which."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"{place}: {reason}")
        self.place, self.reason = place, reason


@dataclass(frozen=True, slots=True)
class _Claim:
    operator: Operator
    span: Span
    shown: str


@dataclass(slots=True)
class _Index:
    by_number: dict[int, list[_Claim]] = field(default_factory=dict)
    by_prefix: dict[tuple[int, int], dict[int, list[_Claim]]] = field(default_factory=dict)
    by_reporter: dict[str, Operator] = field(default_factory=dict)
    lengths: dict[int, list[int]] = field(default_factory=dict)  # of prefixes, longest first, by version


class Directory:
    """Operators by network and day. Raises DirectoryConflict where two claim one network on one day."""

    def __init__(self, name: str = "", version: str = "", operators: Iterable[Operator] = ()) -> None:
        self.name, self.version = name, version
        self.operators: tuple[Operator, ...] = tuple(operators)
        self._by_code: dict[str, Operator] = {}
        self._index = _Index()
        for one in self.operators:
            if self._by_code.setdefault(one.code, one) is not one:
                raise DirectoryConflict(one.code, "stands there twice")
            self._add(one)
        for version_of, length in sorted(self._index.by_prefix, reverse=True):
            self._index.lengths.setdefault(version_of, []).append(length)

    def _add(self, one: Operator) -> None:
        for number, span in one.networks:
            self._claim(self._index.by_number.setdefault(number, []), _Claim(one, span, f"AS{number}"))
        for prefix, span in one.prefixes:
            same_length = self._index.by_prefix.setdefault((prefix.version, prefix.prefixlen), {})
            claims = same_length.setdefault(int(prefix.network_address), [])
            self._claim(claims, _Claim(one, span, str(prefix)))
        for reporter in one.reporters:
            if self._index.by_reporter.setdefault(_whole(reporter), one) is not one:
                raise DirectoryConflict(one.code, f"{reporter!r} is the name of another entry too")

    @staticmethod
    def _claim(claims: list[_Claim], new: _Claim) -> None:
        for old in claims:
            if old.span.meets(new.span):
                other = f"{old.operator.code} claims it {old.span}"
                raise DirectoryConflict(new.operator.code, f"claims {new.shown} {new.span}, and {other}")
        claims.append(new)

    def over(self, base: Directory) -> Directory:
        """Return this directory put over another: an entry with the same code takes the place of the other's."""
        kept = [one for one in base.operators if one.code not in self._by_code]
        names = (f"{part.name} {part.version}".strip() for part in (self, base))
        return Directory(" over ".join(filter(None, names)), "", (*self.operators, *kept))

    def with_code(self, code: str) -> Operator | None:
        """Return an entry by its code."""
        return self._by_code.get(code)

    def of_reporter(self, name: str) -> Operator | None:
        """Return the platform that reports under exactly this name (capitals and blanks apart)."""
        return self._index.by_reporter.get(_whole(name))

    def holder(self, asn: int, address: str, at: datetime | None, *, network: str = "") -> Chosen:
        """Return who held an address at an instant.

        `asn`: the network number as of then by the loaded tables, 0 where they have none; `network`: its name there.
        `address`: canonical text, or empty to ask by number alone. `at`: aware; None, no instant known, chooses nobody.
        Raises ValueError for a text that is no address and for a time without a zone.
        """
        if at is None:
            return Chosen(None, By.NOTHING, "", "Without an instant nobody can say who held the address then.")
        if at.tzinfo is None:
            raise ValueError("a time needs a zone")
        day = at.astimezone(UTC).date()
        found = self._claimed(asn, address, day)
        if found is None:
            return self._nobody(asn, network, day, self._near(asn, address, day, None))
        by = By.NETWORK if found.shown.startswith("AS") else By.PREFIX
        return Chosen(
            operator=found.operator,
            by=by,
            addressee=found.operator.name,
            why=self._why(found, by, asn, address, day),
            since=found.span.since,
            until=found.span.until,
            shown=found.shown,
            near_change=self._near(asn, address, day, found.operator),
        )

    def _claimed(self, asn: int, address: str, day: date) -> _Claim | None:
        if address and self._index.lengths:
            read = ip_address(address)
            number, bits = int(read), _BITS[read.version]
            for length in self._index.lengths.get(read.version, ()):
                start = number >> (bits - length) << (bits - length)
                claims = self._index.by_prefix[read.version, length].get(start, ())
                for claim in claims:
                    if claim.span.holds(day) and not self._outdated(claim, asn, day):
                        return claim
        return next((claim for claim in self._index.by_number.get(asn, ()) if claim.span.holds(day)), None)

    def _outdated(self, claim: _Claim, asn: int, day: date) -> bool:
        """Whether a block without any day stands against a table that names another network on the day asked for."""
        if claim.span.since is not None or claim.span.until is not None or not asn:
            return False
        return not any(number == asn and span.holds(day) for number, span in claim.operator.networks)

    def _near(self, asn: int, address: str, day: date, now: Operator | None) -> str:
        for other in (day - timedelta(days=1), day + timedelta(days=1)):
            claim = self._claimed(asn, address, other)
            if claim is not None and claim.operator is not now:
                return f"{claim.operator.name} on {other.isoformat()} ({claim.shown} {claim.span})"
        return ""

    def _why(self, found: _Claim, by: By, asn: int, address: str, day: date) -> str:
        entry = f"the directory {self.name!r} {self.version}".rstrip()
        subject = f"{address} lies in {found.shown}" if by is By.PREFIX else f"The network was {found.shown}"
        words = f"{subject}, which {entry} gives to {found.operator.name} {found.span}; asked for {day} (UTC)."
        if by is By.PREFIX and asn:
            words += f" The number of the network, AS{asn}, is not asked: the block is named by itself."
        return words

    def _nobody(self, asn: int, network: str, day: date, near: str) -> Chosen:
        if not asn and not network:
            words = f"No loaded table names the network on {day} (UTC), and no entry of the directory the block."
            return Chosen(None, By.NOTHING, "", words, near_change=near)
        shown = f"AS{asn}" if asn else ""
        name = network or shown
        words = (
            f"No directory entry for {' '.join(filter(None, (shown, network)))} on {day} (UTC): the holder is the "
            "network itself; its address for requests is unknown and has to be found and confirmed first."
        )
        return Chosen(None, By.NAME, name, words, shown=shown, near_change=near)


def _whole(name: str) -> str:
    return " ".join(name.split()).casefold()


def record_asked(kind: OperatorKind) -> str:
    """Return the kind of record that would answer who used an address: the words of the law pack and the directory."""
    if kind in {OperatorKind.HOSTING, OperatorKind.VPN}:
        return "vpn-assignment"
    return "logs" if kind in {OperatorKind.PLATFORM, OperatorKind.ORGANISATION} else "ipdr"


def retention(operator: Operator | None, event: datetime, until: date | None, source: str) -> Retention | None:
    """Return how long the records of an event are kept: by the longer of the operator's word and the law.

    `event` aware. `until`: the first day on which the law lets them go (`law.rules.kept_until`), `source` the rule's
    name; the law's is the least, for an operator may keep longer. Its own shorter word lifts no duty: it is handed on
    for the order of work (`said_shorter`). Raises ValueError for a time without a zone.
    """
    if event.tzinfo is None:
        raise ValueError("a time needs a zone")
    row = operator.retention_of(record_asked(operator.kind), event.astimezone(UTC).date()) if operator else None
    own = None if row is None else timedelta(days=row.days)
    law = None if until is None else datetime.combine(until, time(tzinfo=_EARLIEST)) - event
    if own is not None and row is not None and (law is None or own >= law):
        return Retention(own, f"{row.source} ({row.check})")
    return None if law is None else Retention(law, source, minimum=True, said_shorter=own)


def response_days(answered: Sequence[timedelta]) -> Mapping[str, float]:
    """Return count, median and slowest of the times an operator took to answer, in days; empty without any."""
    if not answered:
        return {}
    ordered = sorted(one.total_seconds() / 86_400 for one in answered)
    middle = len(ordered) // 2
    median = ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
    return {"count": float(len(ordered)), "median": median, "slowest": ordered[-1]}


def prefix(text: str) -> Network:
    """Return a prefix written with its length and no bits beyond it. Raises ValueError."""
    if "/" not in text:
        raise ValueError(f"{text!r} has no length")
    return ip_network(text)
