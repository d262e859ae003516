# SPDX-License-Identifier: Apache-2.0
"""Which part of an IPv6 address leads to a line: the delegated prefix, not the address; and what the rest of it says.

A mobile bearer gets a /64 (RFC 6459), a home usually a /56 and a business a /48 (RIPE-690), but nothing obliges an
operator to that: without its own statement two addresses are taken for one line only within one /64, and what agrees in
fewer bits is said to agree in fewer. Where an address carries an IPv4 address (6to4, Teredo, NAT64), that is the line;
the bits in front of it are those of a server or of everybody. The last 64 bits may carry a hardware address (RFC 4291,
appendix A) that goes along into other networks; random ones (RFC 8981) change daily by design, so neither their
sameness nor their change tells people apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from ipaddress import IPv6Address
from typing import TYPE_CHECKING

from nightlight.casework.attribution.addresses import Address, read_address
from nightlight.casework.attribution.kinds import Transition
from nightlight.casework.attribution.transition import Interface, interface_of, prefix_of, transition_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

_BITS = 128
_HALF = 64
_LOCAL, _GROUP = 0x02, 0x01  # bits of the first byte of a hardware address (IEEE 802)
# Hardware addresses that many devices share: nothing set, and those that samples are shipped with.
_SHARED_MACS = frozenset({"00:00:00:00:00:00", "00:11:22:33:44:55", "00:10:20:30:40:50"})


class Unit(IntEnum):
    """How many leading bits two addresses are compared in."""

    LINK = 64  # one link: a mobile bearer, or one network in a home
    HOME = 56
    SITE = 48


@lru_cache(maxsize=65_536)
def _number(address: str) -> int:
    return int(IPv6Address(address))


@lru_cache(maxsize=65_536)
def _carried(address: str) -> str:
    """The line that an address names in a form for transition: its IPv4 address, or itself; empty: no such form."""
    inside = transition_of(IPv6Address(address))
    if inside.transition is Transition.NONE:
        return ""
    # Where the IPv4 address stands in a prefix for local use is not known, so no two addresses are one line.
    return inside.inner or f"{IPv6Address(address)}/{_BITS}"


@lru_cache(maxsize=65_536)
def prefix(address: str, length: int = Unit.LINK) -> str:
    """The prefix of an IPv6 address in CIDR form; of 6to4, Teredo and NAT64 the IPv4 address that it carries.

    Raises ValueError for what is no IPv6 address or no length.
    """
    if not 0 <= length <= _BITS:
        raise ValueError(f"no length of a prefix: {length}")
    return _carried(address) or prefix_of(IPv6Address(address), length)


@lru_cache(maxsize=65_536)
def networks_of(address: str | None, as_sent: str = "") -> frozenset[str]:
    """What a household has in common: an IPv4 address, or an IPv6 prefix of 56 bits (RIPE-690).

    Alike in every notation: what was sent is read as labels read it. Of a text that is read in several ways, all that
    it could be, and of every one that is not read the text itself, so that it still meets its like.
    """
    if address:
        return frozenset({_network(address)})
    found = read_address(as_sent)
    if isinstance(found, Address):
        return frozenset({_network(found.text)})
    text = " ".join(as_sent.casefold().split())
    return frozenset({*map(_network, found.could_be), *([f"as sent: {text}"] if text else [])})


def _network(address: str) -> str:
    return prefix(address.partition("%")[0], Unit.HOME) if ":" in address else address


def agree(one: str, other: str) -> Unit | None:
    """The longest of /64, /56 and /48 in which two IPv6 addresses are the same; None when they differ before that."""
    if _carried(one) or _carried(other):
        return Unit.LINK if _carried(one) == _carried(other) else None
    differs = _number(one) ^ _number(other)
    return next((unit for unit in Unit if not differs >> (_BITS - unit)), None)


@lru_cache(maxsize=65_536)
def hardware(address: str) -> str | None:
    """The hardware address inside an IPv6 address, as 00:00:5e:00:53:01; None where there is none to rely on.

    Only universally administered addresses of single devices count: the others are made up, often at random, and may
    repeat; so do those that samples and cheap devices carry. What carries an IPv4 address has no room for one, but for
    6to4.
    """
    if transition_of(IPv6Address(address)).transition in {Transition.TEREDO, Transition.NAT64}:
        return None
    found = interface_of(IPv6Address(address))
    if found.kind is not Interface.MAC or int(found.named[:2], 16) & (_LOCAL | _GROUP) or found.named in _SHARED_MACS:
        return None
    return found.named


def across_networks(addresses: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
    """Hardware addresses seen in more than one /64, each with those prefixes in order: one device in several places."""
    seen: dict[str, set[int]] = {}
    for address in dict.fromkeys(addresses):
        if (mac := hardware(address)) is not None:
            seen.setdefault(mac, set()).add(_number(address) >> _HALF)
    return {
        mac: tuple(f"{IPv6Address(link << _HALF)}/{Unit.LINK.value}" for link in sorted(links))
        for mac, links in sorted(seen.items())
        if len(links) > 1
    }


@dataclass(frozen=True, slots=True)
class Stretch:
    """A prefix from its first to its last observation, without any other prefix of that length between."""

    prefix: str
    first: datetime
    last: datetime
    count: int
    days: int  # on how many days of UTC


@dataclass(frozen=True, slots=True)
class Stability:
    """How long prefixes stayed; `returned` are those that came back after another had been seen."""

    unit: Unit
    stretches: tuple[Stretch, ...]
    returned: tuple[str, ...]

    @property
    def changes(self) -> int:
        """How often the prefix changed."""
        return max(0, len(self.stretches) - 1)

    @property
    def steady(self) -> bool:
        """Whether one prefix was seen on more than one day and no other at all."""
        return len(self.stretches) == 1 and self.stretches[0].days > 1


def stability(observed: Iterable[tuple[str, datetime]], unit: Unit = Unit.LINK) -> Stability:
    """How the prefix changed over the observations (IPv6 address, aware time), in any order."""
    drop = _BITS - unit
    runs: list[tuple[int, list[datetime]]] = []
    for at, number in sorted((at, _number(address) >> drop) for address, at in observed):
        if not runs or runs[-1][0] != number:
            runs.append((number, []))
        runs[-1][1].append(at)
    stretches = tuple(
        Stretch(
            prefix=f"{IPv6Address(number << drop)}/{unit.value}",
            first=times[0],
            last=times[-1],
            count=len(times),
            days=len({(at - offset).date() if (offset := at.utcoffset()) else at.date() for at in times}),
        )
        for number, times in runs
    )
    names = [stretch.prefix for stretch in stretches]
    returned = tuple(dict.fromkeys(name for name in names if names.count(name) > 1)) if len(names) > 2 else ()
    return Stability(unit, stretches, returned)
