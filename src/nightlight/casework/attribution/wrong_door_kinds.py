# SPDX-License-Identifier: Apache-2.0
"""The words of the wrong-door register: what went wrong, and on which path.

A path is what led there: an operator's records, a list, a layout, a reporter. Trust in a path is measured, not felt: of
all answers that came by it, how many led nowhere wrong, and the least share that so few answers allow for.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from nightlight.casework.attribution.returns.answers import Mark, Trial

if TYPE_CHECKING:
    from datetime import datetime

    from nightlight.casework.attribution.returns.answers import NearMiss


class DoorKind(StrEnum):
    """What went wrong; the first seven are noted by themselves from answers."""

    ZONE = "zone"
    HOUR = "hour"
    DAY_MONTH = "day-month"
    CLOCK = "clock"
    MINUTE = "minute"
    PORT = "port"
    GIVEN_TWICE = "given-twice"
    WRONG_ADDRESS = "wrong-address"
    WRONG_TIME = "wrong-time"
    WRONG_SUBSCRIBER = "wrong-subscriber"
    WRONG_PREMISES = "wrong-premises"
    SHARED_LINE = "shared-line"
    WRONG_LIST = "wrong-list"
    WRONG_COLUMNS = "wrong-columns"
    OTHER = "other"


BY_HAND = tuple(DoorKind)[7:]
WORDS = {
    DoorKind.ZONE: "A row fits only if the time zone was taken wrongly",
    DoorKind.HOUR: "A row fits only if the time is an hour off",
    DoorKind.DAY_MONTH: "A row fits only if day and month were changed round",
    DoorKind.CLOCK: "Within the stated error of the clocks, somebody else is named",
    DoorKind.MINUTE: "Within a minute, somebody else is named",
    DoorKind.PORT: "The records have the address at the time, but not the port",
    DoorKind.GIVEN_TWICE: "The records give the same port to two subscribers at once",
    DoorKind.WRONG_ADDRESS: "The address was not the one in the evidence",
    DoorKind.WRONG_TIME: "The time was not the one in the evidence",
    DoorKind.WRONG_SUBSCRIBER: "The records named the wrong subscriber",
    DoorKind.WRONG_PREMISES: "The address given for the subscriber was not where the line ends",
    DoorKind.SHARED_LINE: "The line was used by somebody who does not live there",
    DoorKind.WRONG_LIST: "A list called the address something that it was not",
    DoorKind.WRONG_COLUMNS: "The columns of a return were read wrongly",
    DoorKind.OTHER: "Something else",
}
PATHS = ("operator", "reporter", "layout", "list")
PATH_WORDS = {
    "operator": "Records of an operator",
    "reporter": "What a reporter states",
    "layout": "How columns were read",
    "list": "A list of networks",
}
_OF_OPERATOR = frozenset({Trial.PORT.value, Mark.GIVEN_TWICE.value})


@dataclass(frozen=True, slots=True)
class Path:
    """What stands in the register about one path. ``used``: answers that came by it; ``least`` in per cent."""

    path: str
    near: int
    reached: int
    used: int
    least: int | None  # of answers, how many at least were right, 95 times of 100; None: nothing came by it
    kinds: tuple[tuple[str, int], ...]
    last_at: datetime
    name: str = ""  # of the reporter

    @property
    def wrong(self) -> int:
        """All entries."""
        return self.near + self.reached

    @property
    def what(self) -> str:
        """What the path is, in words."""
        return PATH_WORDS.get(self.path.partition(":")[0], self.path)

    @property
    def named(self) -> str:
        """Which one of its kind."""
        return self.name or self.path.partition(":")[2]


@dataclass(frozen=True, slots=True)
class Caution:
    """What to know before relying on a path."""

    path: str
    words: str
    reached: bool


def path_of(near: NearMiss, *, operator: str, reporter: str) -> str:
    """Which path a near miss lowers trust in: the clock and the zone are the reporter's, rows are the operator's."""
    return f"operator:{operator}" if str(near.kind) in _OF_OPERATOR else f"reporter:{reporter}"


def caution(of: Path) -> Caution:
    """What is said of a path that has entries."""
    parts = []
    if of.reached:
        parts.append(f"{of.reached} led to somebody who had nothing to do with it")
    if of.near:
        parts.append("1 near miss" if of.near == 1 else f"{of.near} near misses")
    share = ""
    if of.least is not None:
        lines = "1 line was answered" if of.used == 1 else f"{of.used} lines were answered"
        share = f" {lines} this way; so few allow no more than to take {of.least} in 100 as right."
    return Caution(of.path, f"{of.what}, {of.named}: {' and '.join(parts)}.{share}", bool(of.reached))
