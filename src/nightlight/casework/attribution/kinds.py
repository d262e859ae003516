# SPDX-License-Identifier: Apache-2.0
"""The words of attribution: an event on the network, what its address is, and how far it can be traced.

Terms follow RFC 6302 (what servers log), RFC 6888 (shared addresses) and RFC 4291, 4380, 3056, 6052 (IPv6 forms).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from nightlight.pipeline.tips.values import Stated

if TYPE_CHECKING:
    from datetime import datetime

    from nightlight.pipeline.tips.values import Moment


class EventKind(StrEnum):
    """What somebody did when the address was recorded, as the Reporting API names it."""

    REGISTRATION = "registration"
    LOGIN = "login"
    UPLOAD = "upload"
    PURCHASE = "purchase"
    OTHER = "other"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Event:
    """Somebody used an address at a time, as one reporter recorded it.

    `key` is unique among the events that are looked at together. `address` is the canonical form (RFC 5952; an
    IPv4-mapped address as IPv4), None where what was sent is no address. `account` and `device` are what ties events
    to one user ("example-chat: kite77"), empty where nothing was stated. `offence` says that the event belongs to the
    reported incident itself. `port_at` is the time for which the port was recorded, where that is another time than
    `moment` (a platform that keeps a last port); None: the port is of the event.
    """

    key: str
    address_as_sent: str
    address: str | None
    version: int | None
    moment: Moment | None
    source: str
    kind: EventKind = EventKind.UNKNOWN
    port: int | None = None
    port_as_sent: str | None = None
    port_at: datetime | None = None
    possible_proxy: Stated = Stated.NOT_STATED
    tip: str = ""
    reporter: str = ""
    account: str = ""
    device: str = ""
    offence: bool = False

    @property
    def utc(self) -> datetime | None:
        """When it happened; None where no instant is known (no time, no zone, or a day only)."""
        return None if self.moment is None else self.moment.utc


class Label(StrEnum):
    """What an address is, one for each event, in order of precedence: the first that fits is the main one."""

    RESERVED = "reserved"  # not routable, or internal to a platform
    TOR_EXIT = "tor-exit"
    PRIVATE_RELAY = "private-relay"
    VPN = "vpn"
    PUBLIC_PROXY = "public-proxy"
    RESIDENTIAL_PROXY = "residential-proxy"  # only where a licensed list says so
    HOSTING = "hosting"
    MOBILE_SHARED = "mobile-shared"  # many subscribers behind one address (RFC 6888)
    MOBILE_IPV6 = "mobile-ipv6"
    EDUCATION = "education"
    BUSINESS = "business"
    SHARED_WIFI = "shared-wifi"  # also satellite
    FIXED_SHARED = "fixed-shared"  # on evidence only
    FIXED = "fixed"  # residential
    UNKNOWN = "unknown"

    @property
    def anonymises(self) -> bool:
        """Whether whoever uses it is somewhere else, behind a service or a machine of somebody else."""
        return self in _ANONYMISES

    @property
    def shared(self) -> bool:
        """Whether an address of this kind serves many subscribers at once, so that the port decides."""
        return self in {Label.MOBILE_SHARED, Label.FIXED_SHARED}


_ANONYMISES = frozenset(
    {
        Label.TOR_EXIT,
        Label.PRIVATE_RELAY,
        Label.VPN,
        Label.PUBLIC_PROXY,
        Label.RESIDENTIAL_PROXY,
        Label.HOSTING,
    }
)


class Transition(StrEnum):
    """A mechanism that carries an IPv4 address inside an IPv6 address."""

    NONE = ""
    SIX_TO_FOUR = "6to4"  # RFC 3056
    TEREDO = "teredo"  # RFC 4380: with the port of the client
    NAT64 = "nat64"  # RFC 6052


class Why(StrEnum):
    """The code of a reason for a label; `words` of pages are made from code and facts."""

    REGISTRY = "registry"  # an IANA special-purpose registry
    LISTED = "listed"  # in the list at the time of the event
    LISTED_BEFORE = "listed-before"  # in the list earlier, no more at that time
    LISTED_LATER = "listed-later"  # only later: no clearance and no verdict
    NOT_LISTED = "not-listed"  # the list covers the time and has it at no time: no clearance either
    NOT_COVERED = "not-covered"  # the list has nothing for that time
    NETWORK = "network"  # by the network (AS) that held the address then
    PREFIX = "prefix"
    COUNTRY = "country"  # where the address is registered, by one table; tables disagree
    ACCOUNTS = "accounts"  # the caller counted accounts behind it
    TRANSITION = "transition"
    REPORTER_SAYS = "reporter-says"  # possibleProxy: never proof
    OPERATOR = "operator"  # by the operator directory
    NO_TIME = "no-time"  # the event has no instant, so no list can be asked as of it
    NO_LIST = "no-list"  # nothing is loaded that could tell
    NOT_READ = "not-read"  # what was sent is no address, or can be read as several


ONLY_IPV4 = "IPv4 only"
"""What a reason NOT_COVERED shows where the list covers the time, but names no IPv6 address at all."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an address has a label, or what speaks against it: from which list, of which interval."""

    why: Why
    label: Label
    source: str = ""  # name and version of the list
    shown: str = ""  # prefix, network, provider
    since: datetime | None = None
    until: datetime | None = None  # half open; None: as far as the list goes; as `since`: a table of that moment
    against: bool = False  # disagrees with the main label, or with others of its kind
    later_day: bool = False  # said as of a day after the event, the nearest that is known


@dataclass(frozen=True, slots=True)
class Labelled:
    """An event's address with its label, network and all reasons; `asn` 0: not known."""

    label: Label
    reasons: tuple[Reason, ...]
    asn: int = 0
    network: str = ""  # name of the network as of then
    country: str = ""  # ISO 3166-1 alpha-2 by the registry: where it is registered, not where it is
    transition: Transition = Transition.NONE
    inner: str = ""  # the IPv4 address inside an IPv6 form
    inner_port: int | None = None
    disagreement: bool = False


class Grade(StrEnum):
    """How far an event leads (traceability)."""

    A = "A"  # one subscriber expected
    B = "B"  # shared address, with port and second
    C = "C"  # something has to be asked of the provider first
    D = "D"  # leads to an organisation
    E = "E"  # leads to a provider of VPN, proxy, hosting, relay
    F = "F"  # Tor exit at that time: no request
    X = "X"  # not routable, or the platform's own
    U = "U"  # unknown


class Way(StrEnum):
    """What to do with an event next."""

    TRACE = "trace"  # traceable now
    ASK_FIRST = "ask-first"  # ask the provider (platform) first
    CORROBORATE = "corroborate"
    UNTRACEABLE = "untraceable"
