# SPDX-License-Identifier: Apache-2.0
"""What an IPv6 address says of itself: an IPv4 address inside it, and the kind of its last 64 bits.

6to4 (RFC 3056): 2002:V4ADDR::/48. Teredo (RFC 4380 section 4): 2001::/32, the client's IPv4 address and UDP port in the
last 48 bits, each bit inverted. NAT64 (RFC 6052): 64:ff9b::/96 with the IPv4 address in the last 32 bits. The prefix
for local use 64:ff9b:1::/48 (RFC 8215) is divided as each network likes, so what stands inside is told only to who
knows the length (`embedded`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nightlight.casework.attribution.kinds import Transition

if TYPE_CHECKING:
    from numpy.typing import NDArray

TRANSITIONS = tuple(Transition)  # the codes of `Inner.transition` are places in it
_NONE, _SIX_TO_FOUR, _TEREDO, _NAT64 = range(4)
_WORD = 0xFFFFFFFF
_LOCAL_NAT64 = 0x0064FF9B0001  # the first 48 bits
_EMBEDDED_AT = {32: 64, 40: 56, 48: 48, 56: 40, 64: 24, 96: 0}  # RFC 6052 section 2.2: bits after the IPv4 address
_LOW = 0x10000  # an interface identifier below it was given by hand or counted up


@dataclass(frozen=True, slots=True)
class Inside:
    """What an IPv6 address carries: `inner` is empty where the place of the IPv4 address is not known."""

    transition: Transition
    inner: str = ""
    port: int | None = None


def transition_of(address: IPv6Address) -> Inside:
    """The mechanism an address belongs to, and the IPv4 address and port that it carries."""
    number = int(address)
    found = transitions(
        np.array([number >> 64], dtype=np.uint64), np.array([number & 0xFFFFFFFFFFFFFFFF], dtype=np.uint64)
    )
    mechanism = TRANSITIONS[found.transition[0]]
    if mechanism is Transition.NONE or not found.known[0]:
        return Inside(mechanism)
    port = int(found.port[0])
    return Inside(mechanism, str(IPv4Address(int(found.inner[0]))), port if port > 0 else None)


class Inner(NamedTuple):
    """What many IPv6 addresses carry, in arrays of one length."""

    transition: NDArray[np.uint8]  # place in TRANSITIONS
    known: NDArray[np.bool_]  # whether `inner` is the IPv4 address
    inner: NDArray[np.uint32]
    port: NDArray[np.int32]  # Teredo's, -1: none


def transitions(high: NDArray[np.uint64], low: NDArray[np.uint64]) -> Inner:
    """What IPv6 addresses carry, each given as two halves."""
    code = np.zeros(len(high), np.uint8)
    inner = np.zeros(len(high), np.uint32)
    port = np.full(len(high), -1, np.int32)
    six = high >> np.uint64(48) == 0x2002
    teredo = high >> np.uint64(32) == 0x20010000
    nat = (high == 0x0064FF9B00000000) & (low >> np.uint64(32) == 0)
    local = high >> np.uint64(16) == _LOCAL_NAT64
    code[six], code[teredo], code[nat | local] = _SIX_TO_FOUR, _TEREDO, _NAT64
    inner[six] = (high[six] >> np.uint64(16) & np.uint64(_WORD)).astype(np.uint32)
    inner[teredo] = (~low[teredo] & np.uint64(_WORD)).astype(np.uint32)
    port[teredo] = (~low[teredo] >> np.uint64(32) & np.uint64(0xFFFF)).astype(np.int32)
    port[port == 0] = -1
    inner[nat] = (low[nat] & np.uint64(_WORD)).astype(np.uint32)
    return Inner(code, six | teredo | nat, inner, port)


def embedded(address: IPv6Address, length: int) -> str:
    """The IPv4 address in an address of a NAT64 prefix of `length` bits (RFC 6052 section 2.2).

    Raises ValueError for a length that the RFC does not know, or where bits 64 to 71 are not zero.
    """
    if length not in _EMBEDDED_AT:
        raise ValueError(f"No NAT64 prefix has {length} bits.")
    number = int(address)
    if length != 96:
        if number >> 56 & 0xFF:
            raise ValueError("Bits 64 to 71 of such an address are zero.")
        # Without that byte, the 32 bits follow the prefix.
        number = (number >> 64) << 56 | number & ((1 << 56) - 1)
    return str(IPv4Address(number >> (120 - length - 32 if length != 96 else 0) & _WORD))


class Interface(StrEnum):
    """What the last 64 bits of an address look like."""

    MAC = "mac"  # EUI-64 (RFC 4291 appendix A): names a network card, also in other networks
    COUNTED = "counted"  # low: a server, a router, or set by hand
    ISATAP = "isatap"  # RFC 5214: an IPv4 address of the same organisation
    OTHER = "other"  # random (RFC 8981) or opaque (RFC 7217): its change says nothing


@dataclass(frozen=True, slots=True)
class InterfaceId:
    """The kind of an address's last 64 bits, and what they name: a MAC address, or an IPv4 address."""

    kind: Interface
    named: str = ""


def interface_of(address: IPv6Address) -> InterfaceId:
    """What the interface identifier of an address is. A MAC may be made up: it links events, and proves no device."""
    low = int(address) & 0xFFFFFFFFFFFFFFFF
    if low >> 32 in {0x00005EFE, 0x02005EFE}:
        return InterfaceId(Interface.ISATAP, str(IPv4Address(low & _WORD)))
    if low >> 24 & 0xFFFF == 0xFFFE:
        octets = (low ^ 1 << 57).to_bytes(8, "big")  # the bit for "universal" is stored inverted
        return InterfaceId(Interface.MAC, (octets[:3] + octets[5:]).hex(":"))
    return InterfaceId(Interface.COUNTED if low < _LOW else Interface.OTHER)


def prefix_of(address: IPv6Address, length: int) -> str:
    """The prefix of `length` bits that an address lies in: what belongs to one subscriber is a prefix (RIPE-690)."""
    below = 128 - length
    return f"{IPv6Address(int(address) >> below << below)}/{length}"
