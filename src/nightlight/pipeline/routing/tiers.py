# SPDX-License-Identifier: Apache-2.0
"""Which unit is responsible for a place, and to whom a tip goes next: one tier at a time, from its areas. Pure.

Whoever follows what is picked comes to an end: a pick leads towards the best candidate until a unit on the way to some
candidate is reached, from then on only downwards, and never to a unit that has sent the tip back.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

NATIONAL, STATE, DISTRICT, STATION = "national", "state", "district", "station"
_PIN = "PIN:"


class Node(NamedTuple):
    """A unit as far as placing needs it; `areas` are codes of its areas."""

    key: int
    parent: int | None
    kind: str
    code: str
    areas: tuple[str, ...] = ()


class Where(NamedTuple):
    """A place to find a unit for; `pins` are postal codes or beginnings of them, all of which may be meant."""

    country: str
    state: str = ""
    district: str = ""
    pins: tuple[str, ...] = ()


class Why(StrEnum):
    """Why a unit is named as the next one."""

    TOWARDS = "towards"  # the next tier on the way to where the tip seems to belong
    CANDIDATE = "candidate"  # the next tier on the way to another place that signs point to
    STATION = "station"  # one of the stations of the district; which of them is for a person to say
    ABOVE = "above"  # the unit above, which sees further


class Step(NamedTuple):
    """A unit to offer the tip to. At most the first is `pick`, which may be offered without anybody choosing."""

    key: int
    why: Why
    pick: bool


@dataclass(frozen=True, slots=True)
class _Found:
    """The units that fit best at one tier; one of them alone can be taken."""

    keys: tuple[int, ...]

    @property
    def only(self) -> int | None:
        return self.keys[0] if len(self.keys) == 1 else None


class Tree:
    """Units with their areas. Safe to share; never changes. Parents that are not among the units end a path."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        self.nodes = {node.key: node for node in nodes}
        self._children: dict[int, list[int]] = defaultdict(list)
        self._by_area: dict[tuple[str, str], list[int]] = defaultdict(list)
        self._tops: list[int] = []
        for key in sorted(self.nodes):
            node = self.nodes[key]
            if node.parent in self.nodes and node.parent is not None:
                self._children[node.parent].append(key)
            else:
                self._tops.append(key)
            for area in node.areas:
                self._by_area[node.kind, area].append(key)

    def path(self, key: int) -> tuple[int, ...]:
        """The units from the top down to this one."""
        found: list[int] = []
        current: int | None = key
        while current in self.nodes and current is not None and current not in found:
            found.append(current)
            current = self.nodes[current].parent
        return tuple(reversed(found))

    def way(self, where: Where) -> tuple[int, ...]:
        """The units from the top down to the one that is responsible, as deep as is known; none for another country."""
        return self.path(key) if (key := self._deepest(where)) is not None else ()

    def responsible(self, where: Where) -> int | None:
        """The unit that is responsible for a place, as deep as is known."""
        return self._deepest(where)

    def next_for(self, holder: int, wheres: Sequence[Where], tried: Collection[int] = ()) -> list[Step]:
        """Whom the unit that holds a tip may offer it to, the best first.

        `wheres` are where the tip may belong, the likeliest first; `tried` are the units that sent it back. Never one
        of those and never the holder. Empty where there is nothing to say.
        """
        ways = list(dict.fromkeys(way for where in wheres if (way := self.way(where))))
        found: dict[int, Step] = {}

        def add(key: int | None, why: Why, *, pick: bool = False) -> None:
            if key is not None and key != holder and key not in tried and key not in found:
                found[key] = Step(key, why, pick and not found)

        on_the_way = any(holder in way for way in ways)
        for place, way in enumerate(ways):
            why = Why.CANDIDATE if place else Why.TOWARDS
            if holder in way:
                add(dict(pairwise(way)).get(holder), why, pick=True)
            else:
                for key in self._nearer(holder, way):
                    add(key, why, pick=place == 0 and not on_the_way)
        if on_the_way:
            for key in self._stations(holder, [one for one in wheres if holder in self.way(one)]):
                add(key, Why.STATION)
        if holder in self.nodes and (parent := self.nodes[holder].parent) in self.nodes:
            add(parent, Why.ABOVE)
        return list(found.values())

    def _nearer(self, holder: int, way: tuple[int, ...]) -> tuple[int, ...]:
        """The next unit from one that is not on this way: beside it if the unit above is on it; else, the one above."""
        above = self.nodes[holder].parent if holder in self.nodes else None
        if above not in self.nodes or above is None:
            return ()
        beside = dict(pairwise(way)).get(above)
        return (above,) if beside is None else (beside, above)

    def _stations(self, holder: int, wheres: Sequence[Where]) -> list[int]:
        """The stations right below, those first that may be meant by a postal code."""
        pins = {pin for where in wheres for pin in where.pins}
        below = [key for key in self._children[holder] if self.nodes[key].kind == STATION]
        return sorted(below, key=lambda key: (not self._may_have(key, pins), self.nodes[key].code))

    def _may_have(self, key: int, pins: Collection[str]) -> bool:
        return any(pin.startswith(area) or area.startswith(pin) for area in _pins(self.nodes[key]) for pin in pins)

    # Who is responsible.

    def _deepest(self, where: Where) -> int | None:
        top = next((key for key in self._tops if self._of_country(key, where)), None)
        if top is None:
            return None
        state = self._in_area(STATE, where.state, top)
        if where.state and state is None and self.nodes[top].kind != STATE:
            return top  # no unit for this state: what lies below it is not known to be of it
        found = top if state is None else state
        district = self._district(where, found)
        found = found if district is None else district
        if self.nodes[found].kind != DISTRICT:
            return found
        station = self._by_pin(STATION, where.pins, found).only
        return found if station is None else station

    def _of_country(self, key: int, where: Where) -> bool:
        """Whether a unit at the top is of the place's country, and of its state where it is a state's own."""
        node = self.nodes[key]
        # A code of two letters is a country's; longer ones are our own names for units ("MH-CYBER").
        named = [*node.areas, *([node.code] if len(node.code) == 2 else [])]
        countries = {code[:2] for code in named if code[:2].isalpha() and code[2:3] in ("", "-")}
        states = {area for area in node.areas if area[2:3] == "-"}
        if not where.country or node.kind not in (NATIONAL, STATE, DISTRICT):
            return False
        if countries and where.country not in countries:
            return False
        return not (node.kind == STATE and states and where.state and where.state not in states)

    def _district(self, where: Where, within: int) -> int | None:
        named = [key for key in self._by_area.get((DISTRICT, where.district), ()) if within in self.path(key)]
        if not where.district or not named:
            # Without a district of its own a postal code may still tell one, where units say which are theirs.
            return self._by_pin(DISTRICT, where.pins, within).only if where.state else None
        if len(named) == 1:
            return named[0]
        return self._by_pin(DISTRICT, where.pins, within, named).only

    def _in_area(self, kind: str, area: str, within: int) -> int | None:
        if not area:
            return None
        found = [key for key in self._by_area.get((kind, area), ()) if within in self.path(key)]
        return min(found, key=lambda key: (len(self.path(key)), key), default=None)

    def _by_pin(self, kind: str, pins: Collection[str], within: int, among: Collection[int] | None = None) -> _Found:
        """The units with the longest area that all of these postal codes begin with, or one for each."""
        best: dict[str, tuple[int, ...]] = {}
        for pin in pins:
            for length in range(len(pin), 0, -1):
                keys = self._by_area.get((kind, f"{_PIN}{pin[:length]}"), ())
                here = tuple(k for k in keys if within in self.path(k) and (among is None or k in among))
                if here:
                    best[pin] = here
                    break
        return _Found(tuple(sorted({key for keys in best.values() for key in keys})))


def _pins(node: Node) -> tuple[str, ...]:
    return tuple(area.removeprefix(_PIN) for area in node.areas if area.startswith(_PIN))
