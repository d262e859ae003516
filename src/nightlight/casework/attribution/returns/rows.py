# SPDX-License-Identifier: Apache-2.0
"""A row of an operator's log, what is looked for in it, and what counts as found: the meaning both matchers share.

Addresses are 128-bit numbers; an IPv4 address stands in its mapped form (::ffff:0:0/96, RFC 4291 2.5.5.2), so that the
same address written either way is the same number. Times are whole Unix seconds. A row counts from `start` up to, not
including, `end`; where the log wrote fractions, `start` is rounded down and `end` up, an event's time down.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAPPED = 0xFFFF << 32  # ::ffff:0:0
WHOLE = 128  # prefix length of a single address
LOWEST_PORT, HIGHEST_PORT = 0, 65535  # a row whose ports are not known counts for all of them
FOREVER = 1 << 40  # the end of a row that its layout declares still open

# The columns of a log as Arrow or Parquet, for the vectorised matcher: `high` and `low` are the two 64-bit halves of
# the address (uint64), ports uint16 inclusive, times int64 Unix seconds, `number` int64. A table may leave `number`
# out: then it is the position of the row, from 0. Rows that name a prefix have no place in it; they go through the
# plain matcher.
COLUMNS = ("number", "high", "low", "port_low", "port_high", "start", "end", "subscriber")

Matches = list[tuple[int, int]]
"""What both matchers answer: (index of the event, number of the row), sorted, without doubles."""


def number_of(address: str) -> int:
    """The 128-bit number of a canonical address; ValueError where it is none."""
    read = ipaddress.ip_address(address)
    return int(read) | MAPPED if read.version == 4 else int(read)


def text_of(number: int) -> str:
    """The canonical text of a 128-bit number: an address that is IPv4-mapped as IPv4."""
    if number >> 32 == 0xFFFF:
        return str(ipaddress.IPv4Address(number & 0xFFFFFFFF))
    return str(ipaddress.IPv6Address(number))


@dataclass(frozen=True, slots=True)
class Sought:
    """An event as a matcher needs it: address as a 128-bit number, port (None: none stated), time in Unix seconds."""

    address: int
    port: int | None
    at: int


@dataclass(frozen=True, slots=True)
class LogRow:
    """Whom an operator's log names for an address, some ports and some time.

    `number` is the line of the file (from 1) at which the row begins, for a spreadsheet its row: what an officer finds
    it by. `address` is the first address of the row's prefix, `bits` the prefix length (128: one address). Ports are
    inclusive. `details` are the other fields the layout maps, as they were written, by the name of the field.
    """

    number: int
    address: int
    port_low: int
    port_high: int
    start: int
    end: int
    subscriber: str
    bits: int = WHOLE
    details: tuple[tuple[str, str], ...] = ()

    @property
    def ports_known(self) -> bool:
        """Whether the row says anything of ports."""
        return (self.port_low, self.port_high) != (LOWEST_PORT, HIGHEST_PORT)

    def detail(self, field: str) -> str:
        """The text of another field; empty where the row has none."""
        return next((text for name, text in self.details if name == field), "")


def matches(sought: Sought, row: LogRow, error: int = 0) -> bool:
    """Whether a row answers an event, when either clock may be wrong by `error` seconds: the one definition.

    Address equal (or inside the row's prefix); the port within the row's ports, any row where the event has no port;
    start - error <= time < end + error.
    """
    shift = WHOLE - row.bits
    return (
        sought.address >> shift == row.address >> shift
        and (sought.port is None or row.port_low <= sought.port <= row.port_high)
        and row.start - error <= sought.at < row.end + error
    )


def match_all(events: Sequence[Sought], rows: Iterable[LogRow], error: int = 0) -> Matches:
    """Every match, by comparing everything with everything: what faster matchers must agree with."""
    return sorted(
        {(index, row.number) for row in rows for index, event in enumerate(events) if matches(event, row, error)}
    )
