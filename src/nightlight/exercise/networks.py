# SPDX-License-Identifier: Apache-2.0
"""The invented operators and who held which address and port when: what an operator would answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from typing import TYPE_CHECKING

from nightlight.exercise import chance

if TYPE_CHECKING:
    from random import Random

EPOCH = datetime(2024, 1, 1, tzinfo=UTC)

BLOCK = 1024
"""Ports in one block of a shared address; a block serves one subscriber at a time."""

BLOCKS = 62
"""Blocks per address: ports 1024 up to 64511."""


class Service(StrEnum):
    """What kind of access a network sells."""

    HOME = "home"
    MOBILE = "mobile"
    ANONYMISER = "anonymiser"


@dataclass(frozen=True, slots=True)
class Network:
    """An invented operator holding part of a documentation range (RFC 5737, RFC 3849).

    `lease` is how long a subscriber keeps an address. A home subscriber has an address alone; in a mobile
    network `BLOCKS` subscribers share one, each with a block of ports (RFC 6888 pooling, RFC 7422 blocks).
    """

    key: str
    name: str
    country: str
    service: Service
    block: IPv4Network
    prefix: IPv6Network | None
    lease: timedelta

    def held_by(self, subscriber: int, at: datetime) -> tuple[str, range]:
        """Return the IPv4 address and the ports that this subscriber held at `at`.

        No two subscribers below `capacity` hold the same address and port at once; above it numbers wrap.
        """
        turn = int((at - EPOCH) / self.lease)
        seat, share = divmod(subscriber, BLOCKS) if self.service is Service.MOBILE else (subscriber, 0)
        # All seats shift alike, so each turn is a permutation and two leases never collide.
        address = str(self.block[1 + (seat + 17 * turn) % self.addresses])
        if self.service is Service.MOBILE:
            low = BLOCK + BLOCK * ((share + turn) % BLOCKS)
            return address, range(low, low + BLOCK)
        return address, range(BLOCK, 65536)

    @property
    def addresses(self) -> int:
        """How many addresses the network hands out."""
        return self.block.num_addresses - 2

    @property
    def capacity(self) -> int:
        """How many subscribers can be connected at once."""
        return self.addresses * (BLOCKS if self.service is Service.MOBILE else 1)

    def delegated_to(self, subscriber: int) -> IPv6Network | None:
        """Return the /64 that this subscriber keeps, or None where the operator has no IPv6."""
        if self.prefix is None:
            return None
        base = int(self.prefix.network_address) + ((subscriber % 65536) << 64)
        return IPv6Network((base, 64))


@dataclass(frozen=True, slots=True)
class Line:
    """One subscription: the `subscriber`-th of a network."""

    network: Network
    subscriber: int

    @property
    def key(self) -> str:
        """The subscriber's account at the operator."""
        return f"{self.network.key}-{self.subscriber:05d}"


@dataclass(frozen=True, slots=True)
class Seen:
    """What a server really saw, and the line it came from; `behind` is the line in front of an anonymiser."""

    address: str
    port: int
    line: str
    behind: str | None = None
    behind_address: str | None = None
    behind_port: int | None = None


def connect(rng: Random, line: Line, at: datetime, *, six: bool = False) -> Seen:
    """Return what a server sees of a connection from `line` at `at`; over IPv6 where `six` and possible."""
    delegated = line.network.delegated_to(line.subscriber) if six else None
    if delegated is not None:
        host = rng.getrandbits(62)
        return Seen(str(delegated[host]), rng.randint(32768, 60999), line.key)
    address, ports = line.network.held_by(line.subscriber, at)
    return Seen(address, rng.choice(ports), line.key)


def connect_through(rng: Random, exit_network: Network, line: Line, at: datetime) -> Seen:
    """Return what a server sees when `line` goes through an anonymiser: an exit that many people share."""
    own = connect(rng, line, at)
    address = str(exit_network.block[1 + rng.randrange(exit_network.addresses)])
    return Seen(address, rng.randint(10000, 60999), exit_network.key, own.line, own.address, own.port)


def _network(label: str, country: str, service: Service, blocks: tuple[str, str | None], hours: int) -> Network:
    four, six = blocks
    prefix = None if six is None else IPv6Network(six)
    key = label.split(maxsplit=1)[0].lower()
    return Network(key, label, country, service, IPv4Network(four), prefix, timedelta(hours=hours))


HOMES = (
    _network("Kadal Fibre", "IN", Service.HOME, ("203.0.113.0/25", "2001:db8:1000::/48"), 72),
    _network("Malar Cable", "IN", Service.HOME, ("203.0.113.128/26", None), 200),
    _network("Nordfjell Bredband", "NO", Service.HOME, ("192.0.2.0/26", "2001:db8:2000::/48"), 700),
    _network("Prairie Link", "US", Service.HOME, ("192.0.2.64/26", "2001:db8:3000::/48"), 340),
    _network("Ilmenau Netz", "DE", Service.HOME, ("203.0.113.192/26", "2001:db8:4000::/48"), 24),
)

MOBILES = (
    _network("Neela Mobile", "IN", Service.MOBILE, ("198.51.100.0/26", "2001:db8:5000::/48"), 5),
    _network("Vayu Mobile", "IN", Service.MOBILE, ("198.51.100.64/26", "2001:db8:6000::/48"), 9),
    _network("Roamwell Mobile", "NO", Service.MOBILE, ("198.51.100.128/27", None), 12),
    _network("Bluestem Wireless", "US", Service.MOBILE, ("198.51.100.160/27", "2001:db8:7000::/48"), 12),
    _network("Funkel Mobil", "DE", Service.MOBILE, ("198.51.100.192/27", None), 12),
)

ANONYMISER = _network("Veilroute", "SC", Service.ANONYMISER, ("192.0.2.128/26", None), 24)

NETWORKS = (*HOMES, *MOBILES, ANONYMISER)

SHARED_SPACE = IPv4Network("100.64.0.0/10")
PRIVATE_SPACE = IPv4Network("10.0.0.0/8")


def leaked_address(seed_key: str, *, shared: bool) -> str:
    """Return an inside address (RFC 6598 or RFC 1918) that a careless front end logs as the user's."""
    space = SHARED_SPACE if shared else PRIVATE_SPACE
    return str(space[chance.stream("leak", seed_key).randrange(1, space.num_addresses - 1)])
