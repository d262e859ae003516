# SPDX-License-Identifier: Apache-2.0
"""What is often done instead: the newest lists, the latest address that is on none of them, and whom the answer names.

Where the answer names several people it names nobody, which is kinder than taking the first.
"""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from attribution_world import event
from nightlight.exercise import netlists
from nightlight.exercise.carriers import SERVES_PEOPLE
from nightlight.exercise.returns import Asked, entries

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network

    from nightlight.exercise.carriers import Carrier
    from nightlight.exercise.trails import Record, Trails


class Latest:
    """Reads every list as of today, and takes a time without a zone for UTC."""

    def __init__(self, world: Trails) -> None:
        self.world = world
        newest = {one.kind: one for one in netlists.published(world.books)}
        *_, tor = netlists.tor_lists(world.books, world.exits)
        lines = [newest["vpn"].text, newest["private-relay"].text, tor.text]
        self.listed = [
            ip_network(line) for text in lines for line in text.splitlines() if line and not line.startswith("#")
        ]
        now = int(world.now.timestamp())
        self.holders: list[tuple[IPv4Network | IPv6Network, Carrier]] = netlists.ranges(world.books, now)

    def names(self, subject: str) -> str | None:
        """Return the subscriber it would name for a subject, or None where nothing fits."""
        fit = [one for one in self.world.by_subject[subject] if self._usable(one)]
        if not fit:
            return None
        last = max(fit, key=self._at)
        address = ip_address(last.address)
        carrier = next(one for block, one in self.holders if address in block)
        at = int(self._at(last).timestamp())
        if carrier.access not in SERVES_PEOPLE:  # a provider that serves no people names nobody
            return None
        port = last.port if carrier.shares > 1 and address.version == 4 else None
        rows = entries(self.world.books, carrier, [Asked(last.address, port, at, at + 1)])
        return rows[0].subscriber.account if len(rows) == 1 else None

    def _usable(self, record: Record) -> bool:
        address = ip_address(record.address)
        known = any(address in block for block, _ in self.holders)
        return known and not any(address in block for block in self.listed)

    def _at(self, record: Record) -> datetime:
        moment = event(self.world, record).moment
        if moment is None or moment.wall_clock is None:
            return datetime.min.replace(tzinfo=UTC)
        return moment.utc or datetime.fromisoformat(moment.wall_clock).replace(tzinfo=UTC)
