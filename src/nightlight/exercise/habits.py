# SPDX-License-Identifier: Apache-2.0
"""Every parameter of the trails: how people go online, and what platforms leave out or get wrong.

Where a share is measured its source stands beside it; the others are assumptions, and are meant to be changed to see
what depends on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Style(StrEnum):
    """How somebody goes online."""

    PLAIN = "own lines"
    SLIPS = "vpn, now and then without"
    ALWAYS = "vpn always"
    TOR = "tor, now and then without"
    RELAY = "private relay"
    BORROWS = "through lines of innocent people"
    CAFE = "shared wi-fi"


class Ports(StrEnum):
    """Which port a platform keeps."""

    EACH = "of each event"
    SOME = "of some events"
    NONE = "none"
    LAST = "the last one seen, with its own time"


@dataclass(frozen=True, slots=True)
class Habits:
    """Every parameter of the trails. Shares are from 0 to 1, counts are of a person or account, drawn evenly."""

    styles: tuple[tuple[Style, float], ...] = (
        (Style.PLAIN, 0.26), (Style.SLIPS, 0.28), (Style.ALWAYS, 0.10), (Style.TOR, 0.10), (Style.RELAY, 0.08),
        (Style.BORROWS, 0.10), (Style.CAFE, 0.08),
    )  # fmt: skip
    slip: float = 0.07
    """Of events of people who hide: without hiding."""
    plain_hides: float = 0.03
    relayed: float = 0.6
    borrowed_hours: float = 6
    """How long a line of somebody else is kept: proxies in homes rotate."""
    borrowed_kept: float = 0.05
    """Of people who borrow: through one line all the time, such as a neighbour's or a router that was taken over."""
    in_cafe: float = 0.5
    mobile: float = 0.4
    works: float = 0.35
    household: float = 0.3
    six: float = 0.25
    accounts: tuple[int, int] = (1, 4)
    events: tuple[int, int] = (4, 22)
    months: tuple[int, int] = (2, 6)
    devices: tuple[int, int] = (1, 2)
    thief: float = 0.02
    """Of accounts: somebody else got in, from a line of their own, a few times."""
    inside: float = 0.01
    flag_on_exit: float = 0.5
    flag_on_home: float = 0.03
    flag_denied: float = 0.3
    """Of records without the flag: written as false, also on exits."""
    skewed: float = 0.25
    """Of platforms: the clock is off, by up to `skew` seconds; half of them say by how much at most."""
    skew: int = 240
    lying: float = 0.08
    """Of platforms: writes Indian local time and calls it UTC."""
    no_zone: float = 0.1
    minutes: float = 0.1
    ports: tuple[tuple[Ports, float], ...] = (
        (Ports.EACH, 0.45), (Ports.SOME, 0.25), (Ports.NONE, 0.2), (Ports.LAST, 0.1),
    )  # fmt: skip
