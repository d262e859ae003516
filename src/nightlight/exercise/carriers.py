# SPDX-License-Identifier: Apache-2.0
"""The operators behind the trails: who held which address, ports and IPv6 prefix when, lease by lease.

Operators, ranges and numbers are invented: addresses of RFC 5737 and RFC 3849, AS numbers of RFC 5398. Where the demo
has an operator (see `networks`) the ranges are the same. How long a subscriber keeps a lease is drawn from an
exponential distribution with the operator's mean; at each change a group of subscribers is dealt the group's seats
anew, so that no two hold one seat at once and a seat goes from hand to hand. Times are Unix seconds, leases half open.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING, NamedTuple

from nightlight.exercise import chance
from nightlight.exercise.names import FIRST_NAMES, LAST_NAMES, STREETS, TOWNS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from random import Random

DAY, HOUR = 86_400, 3_600
FIRST_PORT = 1024
GROUP = 31
"""Seats that are dealt among their holders together."""

TURNS_OF_SIX = 4096
"""After so many leases a mobile subscriber meets an IPv6 prefix of his own again."""


class Access(StrEnum):
    """What an operator sells."""

    HOME = "home"
    SHARED_HOME = "shared home"
    MOBILE = "mobile"
    CAMPUS = "campus"
    OFFICE = "office"
    HOSTING = "hosting"
    VPN = "vpn"
    TOR = "tor"
    RELAY = "relay"


SERVES_PEOPLE = frozenset({Access.HOME, Access.SHARED_HOME, Access.MOBILE, Access.CAMPUS, Access.OFFICE})


class Layout(StrEnum):
    """The three layouts in which operators answer, under the names Nightlight has for them; see `returns`."""

    IPDR = "dot-2013-ipdr"
    SYSLOG = "dot-2013-nat"
    FLOW = "flow-ipdr"


class Holding(NamedTuple):
    """A block and the days before the world's now from which and until which it was the operator's (None: always)."""

    block: IPv4Network
    since: int | None = None
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Carrier:
    """An invented operator. `shares` subscribers sit on one address, each with a block of ports; `lease` in seconds."""

    key: str
    name: str
    asn: int
    access: Access
    holdings: tuple[Holding, ...]
    lease: int
    shares: int = 1
    six: IPv6Network | None = None
    layout: Layout = Layout.IPDR
    country: str = "IN"

    @property
    def ports(self) -> int:
        """How many ports a subscriber has: a power of two, so that blocks begin at its multiples (RFC 7422)."""
        return 65536 if self.shares == 1 else 65536 >> (self.shares - 1).bit_length()

    @property
    def first_port(self) -> int:
        """Where the first block begins: the well-known ports are left out where blocks are small."""
        return FIRST_PORT if 1 < self.ports <= FIRST_PORT else 0


@dataclass(frozen=True, slots=True)
class Lease:
    """A subscriber's hold on an address (or an IPv6 prefix, as text with its length) and ports, both ends included."""

    subscriber: int
    address: str
    port_low: int
    port_high: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Subscriber:
    """What the operator has in its books; `organisation` where the line is not a household's."""

    account: str
    name: str
    installation: str
    billing: str
    inside: str
    organisation: bool = False


def _v4(*texts: str) -> tuple[Holding, ...]:
    return tuple(Holding(IPv4Network(text)) for text in texts)


TRANSFERRED_DAYS_AGO = 100
TRANSFERRED = IPv4Network("203.0.113.160/27")
"""A block that Kadal Fibre handed to Malar Cable so many days before the world's now."""

CARRIERS = (
    Carrier(
        "kadal", "Kadal Fibre", 64496, Access.HOME,
        (*_v4("203.0.113.0/25"), Holding(TRANSFERRED, None, TRANSFERRED_DAYS_AGO)),
        30 * HOUR, six=IPv6Network("2001:db8:1000::/40"),
    ),
    Carrier(
        "malar", "Malar Cable", 64497, Access.HOME,
        (*_v4("203.0.113.128/27"), Holding(TRANSFERRED, TRANSFERRED_DAYS_AGO, None)), 200 * HOUR,
    ),
    Carrier("thoni", "Thoni Cable", 64498, Access.SHARED_HOME, _v4("198.51.100.240/28"), 81 * HOUR, 16),
    Carrier(
        "neela", "Neela Mobile", 64499, Access.MOBILE, _v4("198.51.100.0/26"), 7 * HOUR, 62,
        IPv6Network("2001:db8:5000::/40"),
    ),
    Carrier("vayu", "Vayu Mobile", 64500, Access.MOBILE, _v4("198.51.100.64/26"), 9 * HOUR, 62,
            IPv6Network("2001:db8:6000::/40"), Layout.FLOW),
    Carrier("minnal", "Minnal Mobile", 64501, Access.MOBILE, _v4("198.51.100.224/28"), HOUR // 2, 62,
            layout=Layout.SYSLOG),
    Carrier("nilavu", "Nilavu Campus Network", 64502, Access.CAMPUS, _v4("192.0.2.240/29"), 900 * HOUR),
    Carrier("vanigam", "Vanigam Business Net", 64503, Access.OFFICE, _v4("192.0.2.248/29"), 9000 * HOUR),
    Carrier("veilroute", "Veilroute", 64504, Access.VPN, _v4("192.0.2.128/27", "192.0.2.160/28"), DAY, country="SC"),
    Carrier("veilroute-two", "Granite Colocation", 64505, Access.VPN, _v4("192.0.2.176/28"), DAY, country="SC"),
    Carrier("kovil", "Kovil Hosting", 64506, Access.HOSTING, _v4("192.0.2.192/28"), DAY),
    Carrier("kovil-exits", "Kovil Hosting", 64506, Access.TOR, _v4("192.0.2.208/28"), DAY),
    Carrier("mistgate", "Mistgate Relay", 64507, Access.RELAY, _v4("192.0.2.224/28"), DAY, country="US"),
    # Nobody of the trails is with these; the demo has people there.
    Carrier("nordfjell", "Nordfjell Bredband", 65536, Access.HOME, _v4("192.0.2.0/26"), 700 * HOUR,
            six=IPv6Network("2001:db8:2000::/40"), country="NO"),
    Carrier("prairie", "Prairie Link", 65537, Access.HOME, _v4("192.0.2.64/26"), 340 * HOUR,
            six=IPv6Network("2001:db8:3000::/40"), country="US"),
    Carrier("ilmenau", "Ilmenau Netz", 65538, Access.HOME, _v4("203.0.113.192/26"), DAY,
            six=IPv6Network("2001:db8:4000::/40"), country="DE"),
    Carrier("roamwell", "Roamwell Mobile", 65539, Access.MOBILE, _v4("198.51.100.128/27"), DAY // 2, 62, country="NO"),
    Carrier("bluestem", "Bluestem Wireless", 65540, Access.MOBILE, _v4("198.51.100.160/27"), DAY // 2, 62,
            IPv6Network("2001:db8:7000::/40"), country="US"),
    Carrier("funkel", "Funkel Mobil", 65541, Access.MOBILE, _v4("198.51.100.192/27"), DAY // 2, 62, country="DE"),
)  # fmt: skip

BY_KEY = {carrier.key: carrier for carrier in CARRIERS}


class _Pool:
    """The seats of one block (or several) and their holders over time."""

    def __init__(self, name: str, carrier: Carrier, blocks: Sequence[IPv4Network], first: int, last: int) -> None:
        self._name, self._mean, self._first, self._last = name, carrier.lease, first, last
        size = carrier.ports
        seats = [
            (str(address), carrier.first_port + size * n)
            for block in blocks
            for address in list(block)[1:-1]
            for n in range(carrier.shares)
        ]
        chance.stream(name, "seats").shuffle(seats)
        self.size, self._ports = len(seats), size
        self._count = max(1, len(seats) // GROUP)
        self._groups = [seats[group :: self._count] for group in range(self._count)]
        self._at = {seat: (g, place) for g, group in enumerate(self._groups) for place, seat in enumerate(group)}
        self._dealt: dict[tuple[int, int], list[int]] = {}

    def changes(self, group: int) -> list[int]:
        """Return when the seats of a group were dealt, first to last, and the end of all."""
        return _changes(f"{self._name}/{group}", self._mean, self._first, self._last)

    def _deal(self, group: int, turn: int) -> list[int]:
        """Return the seat of each holder of a group in one turn."""
        dealt = self._dealt.get((group, turn))
        if dealt is None:
            dealt = list(range(len(self._groups[group])))
            chance.stream(self._name, group, turn).shuffle(dealt)
            self._dealt[group, turn] = dealt
        return dealt

    def held(self, subscriber: int, at: int) -> Lease:
        group, place = subscriber % self._count, subscriber // self._count
        changes = self.changes(group)
        turn = bisect_right(changes, at) - 1
        address, low = self._groups[group][self._deal(group, turn)[place]]
        return Lease(subscriber, address, low, low + self._ports - 1, changes[turn], changes[turn + 1])

    def leases(self, address: str, since: int, until: int, port: int | None) -> Iterator[Lease]:
        for (seat, low), (group, place) in self._at.items():
            if seat != address or (port is not None and not low <= port < low + self._ports):
                continue
            changes = self.changes(group)
            first = max(0, bisect_right(changes, since) - 1)
            for turn in range(first, len(changes) - 1):
                if changes[turn] >= until:
                    break
                holder = self._deal(group, turn).index(place) * self._count + group
                yield Lease(holder, seat, low, low + self._ports - 1, changes[turn], changes[turn + 1])


@cache
def _changes(name: str, mean: int, first: int, last: int) -> list[int]:
    rng = chance.stream(name, "changes")
    at, found = first, [first]
    while True:
        at += max(60, int(rng.expovariate(1 / mean)))
        if at >= last:
            return [*found, last]
        found.append(at)


@dataclass
class Books:
    """What all operators would find in their books of the time from `first` to `last` (Unix seconds)."""

    seed: int
    now: datetime
    days: int
    _pools: dict[tuple[str, int], _Pool] = field(default_factory=dict)

    @property
    def last(self) -> int:
        """The end of all leases: a day after now."""
        return int(self.now.timestamp()) + DAY

    @property
    def first(self) -> int:
        """The begin of all leases."""
        return int(self.now.timestamp()) - (self.days + 3) * DAY

    @property
    def transferred(self) -> int:
        """When the block went from one operator to another: at midnight of UTC."""
        return self._midnight(TRANSFERRED_DAYS_AGO)

    def _midnight(self, days_ago: int) -> int:
        return (int(self.now.timestamp()) // DAY - days_ago) * DAY

    def holds(self, one: Holding, at: int) -> bool:
        """Whether a block was its operator's at that time."""
        return (one.since is None or at >= self._midnight(one.since)) and (
            one.until is None or at < self._midnight(one.until)
        )

    def _eras(self, carrier: Carrier) -> tuple[tuple[int, int], ...]:
        if len(carrier.holdings) == 1 or all(h.since is None and h.until is None for h in carrier.holdings):
            return ((self.first, self.last),)
        at = min(self.last, max(self.first, self.transferred))
        return tuple((a, b) for a, b in ((self.first, at), (at, self.last)) if a < b)

    def _pool(self, carrier: Carrier, at: int) -> _Pool:
        era = next((n for n, (_, end) in enumerate(self._eras(carrier)) if at < end), len(self._eras(carrier)) - 1)
        if (carrier.key, era) not in self._pools:
            start, end = self._eras(carrier)[era]
            later = end > self.transferred
            blocks = [
                one.block
                for one in carrier.holdings
                if (one.since is None or later) and (one.until is None or not later)
            ]
            name = f"{self.seed}/{carrier.key}/{era}"
            self._pools[carrier.key, era] = _Pool(name, carrier, blocks, start, end)
        return self._pools[carrier.key, era]

    def capacity(self, carrier: Carrier) -> int:
        """How many subscribers the operator can have online at any time."""
        return min(self._pool(carrier, start).size for start, _end in self._eras(carrier))

    def held_by(self, carrier: Carrier, subscriber: int, at: int) -> Lease:
        """Return the IPv4 lease of a subscriber at a time; no other holds its address and ports then."""
        return self._pool(carrier, at).held(subscriber, at)

    def six_of(self, carrier: Carrier, subscriber: int, at: int) -> IPv6Network | None:
        """Return the /56 that a home keeps, or the /64 of a mobile bearer, which lasts a lease; None without IPv6."""
        if carrier.six is None:
            return None
        base = int(carrier.six.network_address)
        if carrier.access is not Access.MOBILE:
            return IPv6Network((base + (subscriber << 72), 56))
        pool = self._pool(carrier, at)
        changes = pool.changes(subscriber % 8)
        turn = bisect_right(changes, at) - 1
        return IPv6Network((base + ((subscriber * TURNS_OF_SIX + turn % TURNS_OF_SIX) << 64), 64))

    def leases(self, carrier: Carrier, address: str, since: int, until: int, port: int | None = None) -> list[Lease]:
        """Return who held the address (IPv4 or IPv6 text) in [since, until), by start; any port if none is given."""
        parsed = ip_address(address)
        if isinstance(parsed, IPv6Address):
            return list(self._leases_of_six(carrier, parsed, since, until))
        found: list[Lease] = []
        for start, end in self._eras(carrier):
            if start < until and since < end:
                found += self._pool(carrier, start).leases(address, max(since, start), min(until, end), port)
        return sorted(found, key=lambda one: (one.start, one.port_low))

    def _leases_of_six(self, carrier: Carrier, address: IPv6Address, since: int, until: int) -> Iterator[Lease]:
        if carrier.six is None or address not in carrier.six:
            return
        offset = int(address) - int(carrier.six.network_address)
        if carrier.access is not Access.MOBILE:
            number = offset >> 72
            prefix = self.six_of(carrier, number, since)
            if number < self.capacity(carrier):
                yield Lease(number, str(prefix), 0, 65535, self.first, self.last)
            return
        number, turn = divmod(offset >> 64, TURNS_OF_SIX)
        if number >= self.capacity(carrier):
            return
        changes = self._pool(carrier, since).changes(number % 8)
        for n in range(turn, len(changes) - 1, TURNS_OF_SIX):
            if changes[n] < until and since < changes[n + 1]:
                yield Lease(number, str(self.six_of(carrier, number, changes[n])), 0, 65535, changes[n], changes[n + 1])

    def subscriber(self, carrier: Carrier, number: int, *, organisation: bool = False) -> Subscriber:
        """Return what the operator has in its books of a subscriber: an invented name and two addresses."""
        return in_the_books(self.seed, carrier.key, number, organisation or carrier.access is Access.OFFICE)

    def holder(self, address: str, at: int) -> Carrier | None:
        """Return whose address it was at that time, None for an address of nobody here."""
        parsed = ip_address(address)
        for carrier in CARRIERS:
            if isinstance(parsed, IPv6Address):
                if carrier.six is not None and parsed in carrier.six:
                    return carrier
                continue
            for one in carrier.holdings:
                if parsed in one.block and self.holds(one, at):
                    return carrier
        return None


def in_the_books(seed: int, key: str, number: int, organisation: bool = False) -> Subscriber:
    """Return an invented subscriber; one in eight is billed elsewhere than the line is installed."""
    rng = chance.stream(seed, "books", key, number)
    name = f"{rng.choice(FIRST_NAMES['IN'])} {rng.choice(LAST_NAMES['IN'])}"
    if organisation:
        name = f"{rng.choice(('Lotus', 'Banyan', 'Harbour', 'Teak'))} {rng.choice(('Tea House', 'Traders', 'Hostel'))}"
    installed, other = (_street(rng), _street(rng))
    billed = other if rng.random() < 1 / 8 else installed
    inside = f"100.{64 + number // 65536 % 64}.{number // 256 % 256}.{number % 256}"
    return Subscriber(f"{key}-{number:05d}", name, installed, billed, inside, organisation)


def _street(rng: Random) -> str:
    city, _region, code = rng.choice(TOWNS["IN"])
    return f"{rng.randint(1, 98)} {rng.choice(STREETS)}, {city} {code}"
