# SPDX-License-Identifier: Apache-2.0
"""Rows that give one port of one address at one time to two subscribers: one is wrong, or something is left out."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nightlight.casework.attribution.returns.fields import Field

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nightlight.casework.attribution.returns.rows import LogRow

_CONNECTION = (Field.PROTOCOL.value, Field.DESTINATION.value, Field.DESTINATION_PORT.value)
_MANY_GROUPS = 64
_MOST_PAIRS = 100_000


def given_twice(exact: Sequence[LogRow], port: int | None) -> list[LogRow]:
    """Of the rows of an event's time, those of two subscribers that claim its port; without one, whose ports overlap.

    Rows that say nothing of ports claim none; rows of other protocols or destinations claim other connections, since
    one port may then serve several (RFC 4787, RFC 7857).
    """
    claiming = [row for row in exact if row.ports_known]
    if port is not None and len(_who(claiming)) < 2:
        return []
    stated = {name for row in claiming for name in _CONNECTION if row.detail(name)}
    groups: dict[tuple[str, ...], list[LogRow]] = {}
    wild = []
    for row in claiming:
        key = tuple(row.detail(name).casefold() for name in sorted(stated))
        if all(key):
            groups.setdefault(key, []).append(row)
        else:
            wild.append(row)  # nothing tells it apart from any of them
    if wild and len(groups) > _MANY_GROUPS:
        groups, wild = {}, claiming
    found = {row.number: row for group in groups.values() or [[]] for row in _overlapping([*group, *wild])}
    return sorted(found.values(), key=lambda row: row.number)


def _overlapping(rows: Sequence[LogRow]) -> list[LogRow]:
    """The rows that share a port with a row of another subscriber, all being of one address and time."""
    whole, own = _Blocks(), dict[str, _Blocks]()
    for row in rows:
        for blocks in (whole, own.setdefault(row.subscriber, _Blocks())):
            blocks.lows.append(row.port_low)
            blocks.highs.append(row.port_high)
    for blocks in (whole, *own.values()):
        blocks.lows.sort()
        blocks.highs.sort()
    return [row for row in rows if whole.meeting(row) > own[row.subscriber].meeting(row)]


@dataclass(slots=True)
class _Blocks:
    """Where blocks of ports begin and end, each sorted."""

    lows: list[int] = field(default_factory=list)
    highs: list[int] = field(default_factory=list)

    def meeting(self, row: LogRow) -> int:
        """How many blocks share a port with a row's: those that begin before it ends, but for those that end before."""
        return bisect_right(self.lows, row.port_high) - bisect_left(self.highs, row.port_low)


def told_apart(rows: Iterable[LogRow]) -> bool:
    """Whether rows that say something of ports name several subscribers: by protocol or destination, then."""
    return len(_who(row for row in rows if row.ports_known)) > 1 and any(
        row.detail(name) for row in rows for name in _CONNECTION
    )


def overlaps(rows: Iterable[LogRow], most: int = _MOST_PAIRS) -> list[tuple[LogRow, LogRow]]:
    """Pairs of rows that give the same port of the same address at the same time to two subscribers, `most` of them.

    By address, in the order of their start, each row against those that have not ended. For rows that fit in memory.
    """
    by_address: dict[tuple[int, int], list[LogRow]] = {}
    for row in rows:
        by_address.setdefault((row.address, row.bits), []).append(row)
    found: list[tuple[LogRow, LogRow]] = []
    for listed in by_address.values():
        running: list[LogRow] = []
        for row in sorted(listed, key=lambda one: (one.start, one.number)):
            if len(found) >= most:
                return sorted(found[:most], key=lambda both: (both[0].number, both[1].number))
            running = [other for other in running if other.end > row.start]
            found += [
                (other, row)
                for other in running
                if other.subscriber != row.subscriber
                and other.port_low <= row.port_high
                and row.port_low <= other.port_high
            ]
            running.append(row)
    return sorted(found, key=lambda both: (both[0].number, both[1].number))


def _who(rows: Iterable[LogRow]) -> set[str]:
    return {row.subscriber for row in rows}
