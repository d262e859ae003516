# SPDX-License-Identifier: Apache-2.0
"""What a list's entry covers: a prefix, a range, a single address, or an AS number; and columns of them.

Text is read strictly (RFC 4632, RFC 4291, RFC 5396): no short forms, no leading zeros, because `010.0.0.1` means two
addresses to two programs.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

Keys: TypeAlias = npt.NDArray[Any]
"""Addresses or numbers of one family: uint32, or for IPv6 "S16" (16 bytes, most significant first).

numpy compares byte strings of one width as memory is compared, so that they sort and search as the numbers would.
"""

_AS = re.compile(r"AS(\d{1,10})\Z", re.IGNORECASE)
_LENGTH = re.compile(r"[0-9]{1,3}\Z")


class Family(IntEnum):
    """What a number in a span is."""

    NUMBERS = 1  # AS numbers
    IPV4 = 4
    IPV6 = 6

    @property
    def bits(self) -> int:
        """How many bits a number of it has."""
        return 128 if self is Family.IPV6 else 32


class Span(NamedTuple):
    """An inclusive range of one family."""

    family: Family
    lo: int
    hi: int

    def __str__(self) -> str:
        """The prefix, address, `lo-hi` or `AS<number>`."""
        if self.family is Family.NUMBERS:
            return f"AS{self.lo}" if self.lo == self.hi else f"AS{self.lo}-AS{self.hi}"
        kind = ipaddress.IPv6Address if self.family is Family.IPV6 else ipaddress.IPv4Address
        if self.lo == self.hi:
            return str(kind(self.lo))
        size = self.hi - self.lo + 1
        if size & (size - 1) == 0 and self.lo % size == 0:
            return f"{kind(self.lo)}/{self.family.bits - size.bit_length() + 1}"
        return f"{kind(self.lo)}-{kind(self.hi)}"


class Fault(StrEnum):
    """Why a text is no span."""

    NOT_AN_ADDRESS = "not-an-address"
    PREFIX_LENGTH = "prefix-length"
    REVERSED = "reversed"  # the range ends before it begins
    MIXED = "mixed"  # a range from IPv4 to IPv6
    NUMBER_TOO_LARGE = "number-too-large"  # AS numbers have 32 bits


class NotASpan(ValueError):
    """A text says no prefix, range, address or AS number."""

    def __init__(self, fault: Fault, sentence: str) -> None:
        super().__init__(sentence)
        self.fault = fault
        self.sentence = sentence


def address_of(text: str) -> tuple[Family, int]:
    """Read one address; an IPv4-mapped one (RFC 4291 2.5.5.2) stays IPv6 here. Raises NotASpan."""
    try:
        if ":" in text:
            return Family.IPV6, int.from_bytes(socket.inet_pton(socket.AF_INET6, text), "big")
        return Family.IPV4, int.from_bytes(socket.inet_pton(socket.AF_INET, text), "big")
    except (OSError, ValueError):  # ValueError: a NUL or a lone surrogate in the text
        raise NotASpan(Fault.NOT_AN_ADDRESS, f"“{text[:60]}” is no address.") from None


def unmapped(span: Span) -> Span:
    """Return an IPv4-mapped range (within ::ffff:0:0/96) as the IPv4 range that it is; any other as it came."""
    if span.family is Family.IPV6 and span.lo >> 32 == 0xFFFF == span.hi >> 32:
        return Span(Family.IPV4, span.lo & 0xFFFFFFFF, span.hi & 0xFFFFFFFF)
    return span


def number_of(text: str) -> int:
    """Read `AS64496` or `64496`. Raises NotASpan."""
    match = _AS.match(text) or _AS.match("AS" + text)
    if match is None or not text.isascii():
        raise NotASpan(Fault.NOT_AN_ADDRESS, f"“{text[:60]}” is no AS number.")
    number = int(match[1])
    if number >= 1 << 32:
        raise NotASpan(Fault.NUMBER_TOO_LARGE, f"AS numbers have 32 bits; {number} is larger.")
    return number


def span_of(text: str) -> Span:
    """Read `192.0.2.0/24`, `192.0.2.7`, `192.0.2.1-192.0.2.9`, `2001:db8::/32` or `AS64496`. Raises NotASpan.

    Bits behind the prefix length are dropped; whether there were any is told by comparing (`host_bits`).
    """
    if text[:2] in {"AS", "as", "As", "aS"}:
        number = number_of(text)
        return Span(Family.NUMBERS, number, number)
    first, dash, second = text.partition("-")
    if dash:
        return range_of(first.strip(), second.strip())
    address, slash, length = text.partition("/")
    family, number = address_of(address)
    if not slash:
        return unmapped(Span(family, number, number))
    if not _LENGTH.match(length) or int(length) > family.bits:
        raise NotASpan(Fault.PREFIX_LENGTH, f"/{length[:20]} is no prefix length of {family.bits} bits.")
    below = (1 << (family.bits - int(length))) - 1
    return unmapped(Span(family, number & ~below, number | below))


def range_of(first: str, last: str) -> Span:
    """Read the inclusive range between two addresses. Raises NotASpan."""
    (family, lo), (other, hi) = address_of(first), address_of(last)
    if family is not other:
        raise NotASpan(Fault.MIXED, "The range begins in one version of the protocol and ends in the other.")
    if hi < lo:
        raise NotASpan(Fault.REVERSED, "The range ends before it begins.")
    return unmapped(Span(family, lo, hi))


def keys_of(numbers: Sequence[int], family: Family) -> Keys:
    """Put numbers of one family into a column."""
    if family is Family.IPV6:
        return np.frombuffer(b"".join([n.to_bytes(16, "big") for n in numbers]), dtype="S16")
    return np.array(numbers, dtype=np.uint32)


def number_at(keys: Keys, index: int) -> int:
    """Take one number out of a column."""
    if keys.dtype.kind == "S":
        return int.from_bytes(keys[index : index + 1].tobytes(), "big")  # indexing would cut zero bytes off
    return int(keys[index])


def halves(keys: Keys) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    """Split IPv6 keys into their upper and lower 64 bits."""
    pairs = np.ascontiguousarray(keys).view(">u8").reshape(-1, 2)
    return pairs[:, 0].astype(np.uint64), pairs[:, 1].astype(np.uint64)


def joined(high: npt.NDArray[np.uint64], low: npt.NDArray[np.uint64]) -> Keys:
    """Make IPv6 keys from their upper and lower 64 bits."""
    pairs = np.empty((len(high), 2), dtype=">u8")
    pairs[:, 0], pairs[:, 1] = high, low
    return pairs.reshape(-1).view("S16")


def after(keys: Keys) -> tuple[Keys, npt.NDArray[np.bool_]]:
    """Return each number plus one, and where that is past the family's end (the value there is 0)."""
    if keys.dtype.kind == "S":
        high, low = halves(keys)
        low = low + np.uint64(1)
        high = high + (low == 0)
        return joined(high, low), (high == 0) & (low == 0)
    return keys + np.uint32(1), keys == np.uint32(0xFFFFFFFF)
