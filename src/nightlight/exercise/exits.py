# SPDX-License-Identifier: Apache-2.0
"""Which addresses were exits of Tor when: most at a hosting company, one run by a volunteer at home."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from nightlight.exercise import chance
from nightlight.exercise.carriers import BY_KEY, DAY, HOUR

if TYPE_CHECKING:
    from nightlight.exercise.carriers import Books

UP, DOWN = 4 * DAY, 3 * DAY
"""Mean time that an exit runs, and that it does not: afterwards the address is anybody's."""

VOLUNTEER, VOLUNTEER_UP, VOLUNTEER_DOWN = 70, DAY, 30 * DAY
"""The subscriber of Kadal Fibre who runs an exit for a day each month, at whatever address the line has."""


class Run(NamedTuple):
    """An address was an exit in [since, until), Unix seconds at full hours."""

    address: str
    since: int
    until: int


@dataclass(frozen=True, slots=True)
class Exits:
    """All runs of all exits."""

    runs: tuple[Run, ...]

    @classmethod
    def of(cls, books: Books) -> Exits:
        """Return the exits of the time that the books cover."""
        runs: list[Run] = []
        (holding,) = BY_KEY["kovil-exits"].holdings
        for number, address in enumerate(list(holding.block)[1:-1]):
            # The first never stops, so that there always is an exit.
            if number == 0:
                runs.append(Run(str(address), books.first, books.last))
                continue
            for since, until in _shifts(books, number, UP, DOWN):
                runs.append(Run(str(address), since, until))
        home = BY_KEY["kadal"]
        for since, until in _shifts(books, -1, VOLUNTEER_UP, VOLUNTEER_DOWN):
            at = since
            while at < until:
                lease = books.held_by(home, VOLUNTEER, at)
                # A new address is an exit from the next full hour on; the old one is none any more.
                end = min(until, lease.end // HOUR * HOUR)
                if at < end:
                    runs.append(Run(lease.address, at, end))
                at = max(end, -(-lease.end // HOUR) * HOUR)
        return cls(tuple(runs))

    def at(self, when: int) -> list[str]:
        """Return the addresses of the exits that run at that time."""
        return [one.address for one in self.runs if one.since <= when < one.until]


def _shifts(books: Books, number: int, up: int, down: int) -> list[tuple[int, int]]:
    rng = chance.stream(books.seed, "exit", number)
    at, found = books.first // HOUR * HOUR, []
    while at < books.last:
        until = at + max(1, int(rng.expovariate(1 / up)) // HOUR) * HOUR
        found.append((at, min(until, books.last)))
        at = until + max(1, int(rng.expovariate(1 / down)) // HOUR) * HOUR
    return found
