# SPDX-License-Identifier: Apache-2.0
"""Drawings of linked people, worked out before any template: over how long, when, and who is linked by what.

The same data give the same drawing: places in the graph are columns, not found by chance.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.utils.dateformat import format as told
from django.utils.translation import gettext as _

from nightlight.outlook.desk.network import (
    LANE,
    LETTER,
    MAX_DOTS,
    MAX_LANES,
    RIGHT,
    TOP,
    WIDTH,
    Dot,
    Lane,
    TimeLine,
    ticks,
)
from nightlight.pipeline.linking.kinds import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime, tzinfo

MOST_TIPS = 40  # drawn in the graph
MOST_VALUES = 60
_COLUMN, _ROW = 300, 72  # units between columns and rows of the graph
_LONGEST = 40  # letters of a value in the graph
# What a kind is drawn as.
_SORTS = {
    Kind.ACCOUNT: "account",
    Kind.HANDLE: "account",
    Kind.ANY_HANDLE: "account",
    Kind.PROFILE_URL: "account",
    Kind.DEVICE: "device",
    Kind.FILE: "file",
    Kind.ENDPOINT: "network",
    Kind.ADDRESS: "network",
    Kind.NETWORK: "network",
}


@dataclass(frozen=True, slots=True)
class Point:
    """One person of one tip, as drawings take it; ``key`` is any key that is its own."""

    key: int
    tip: str
    pseudonym: str
    reporter: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Shared:
    """One value that several of them have; ``label`` says how strong it is, ``sentence`` why."""

    kind: Kind
    value: str
    strength: str
    sentence: str
    holders: tuple[int, ...]


def span(first: datetime, last: datetime, zone: tzinfo, at: datetime) -> str:
    """From when to when, by days, as short as is clear: "4 to 29 October", "30 December 2025 to 2 January 2026"."""
    one, other, today = first.astimezone(zone), last.astimezone(zone), at.astimezone(zone)
    if one.date() == other.date():
        return told(one, "j F" if one.year == today.year else "j F Y")
    if one.year != other.year:
        begin, end = "j F Y", "j F Y"
    else:
        begin = "j" if one.month == other.month else "j F"
        end = "j F" if other.year == today.year else "j F Y"
    return _("%(first)s to %(last)s") % {"first": told(one, begin), "last": told(other, end)}


def time_line(
    points: Sequence[Point], seen: Mapping[str, Iterable[tuple[datetime, str]]], zone: tzinfo
) -> TimeLine | None:
    """Draw one lane for each tip, in the order of ``points``: a ring where it came, a dot where a value was seen.

    ``seen`` gives for each tip the times and what was seen. None for fewer than two tips.
    """
    came = {one.tip: one.at for one in points}
    if len(came) < 2:
        return None
    lanes = list(came)[:MAX_LANES]
    moments = [at for tip in lanes for at in (came[tip], *(when for when, _what in seen.get(tip, ())))]
    first, last = min(moments), max(moments)
    left = round(max(map(len, lanes)) * LETTER) + 24
    margin = max((last - first) * 0.04, timedelta(minutes=5))
    begin, length = first - margin, (last - first) + 2 * margin

    def x(at: datetime) -> float:
        return round(left + (at - begin) / length * (WIDTH - left - RIGHT), 1)

    def dots(tip: str) -> Iterable[Dot]:
        for at, what in sorted(seen.get(tip, ()))[:MAX_DOTS]:
            yield Dot(x(at), f"{tip} · {what} · {at.astimezone(zone):%d %b %Y %H:%M:%S %Z}", open_ring=False)
        received = came[tip].astimezone(zone)
        yield Dot(x(came[tip]), f"{tip} · {_('received')} · {received:%d %b %Y %H:%M:%S %Z}", open_ring=True)

    return TimeLine(
        height=TOP + LANE * len(lanes) + 12,
        lanes=tuple(Lane(tip, TOP + LANE * row + LANE // 2, tuple(dots(tip))) for row, tip in enumerate(lanes)),
        ticks=tuple(ticks(begin, length, x, zone)),
        incident_x=None,
        left_out=0,
        more_lanes=len(came) - len(lanes),
        left=left,
    )


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes and edges as Cytoscape.js takes them, and how many things are not drawn."""

    nodes: list[dict[str, object]]
    edges: list[dict[str, object]]
    undrawn: int


def graph(points: Sequence[Point], shared: Sequence[Shared], confirmed: Iterable[tuple[int, int]] = ()) -> Graph:
    """Draw tips to the left, oldest first, the people in them beside, and to the right what they share.

    Every node and edge says why it is there. Values stand at the height of those who have them: few lines cross.
    """
    drawn = list(points[:MOST_TIPS])
    row = {point.key: number for number, point in enumerate(drawn)}
    there = [one for one in shared if sum(holder in row for holder in one.holders) > 1]
    values = sorted(there[:MOST_VALUES], key=lambda one: _middle(one, row))
    tips: dict[str, int] = {}
    nodes: list[dict[str, object]] = []
    edges: list[dict[str, object]] = []
    for number, point in enumerate(drawn):
        if point.tip not in tips:
            tips[point.tip] = number
            where = _("Tip %(tip)s, from %(reporter)s.") % {"tip": point.tip, "reporter": point.reporter}
            nodes.append(_node(f"t{number}", "tip", f"{point.tip}\n{point.reporter}", where, (0, number)))
        said = _("%(whose)s of tip %(tip)s") % {"whose": point.pseudonym, "tip": point.tip}
        nodes.append(_node(f"s{number}", "subject", point.pseudonym, f"{said}.", (1, number)))
        edges.append(
            _edge(f"t{tips[point.tip]}", f"s{number}", "", _("%(said)s: the tip is about them.") % {"said": said})
        )
    high = max(len(drawn) - 1, 1) / max(len(values) - 1, 1)
    for number, one in enumerate(values):
        label = f"{one.kind.label}\n{_cut(one.value)}" if one.value else one.kind.label
        height = number * max(high, 0.75) if len(values) > 1 else (len(drawn) - 1) / 2
        nodes.append(_node(f"v{number}", _SORTS.get(one.kind, "contact"), label, one.sentence, (2, height)))
        edges += [
            _edge(f"s{row[holder]}", f"v{number}", one.strength, one.sentence)
            for holder in one.holders
            if holder in row
        ]
    edges += [
        _edge(f"s{row[one]}", f"s{row[other]}", "decided", _("An officer confirmed that these are one person."))
        for one, other in confirmed
        if one in row and other in row
    ]
    return Graph(nodes, edges, len(points) - len(drawn) + len(shared) - len(values))


def _middle(one: Shared, row: Mapping[int, int]) -> tuple[float, int]:
    rows = [row[holder] for holder in one.holders if holder in row]
    return sum(rows) / len(rows), rows[0]


def _cut(value: str) -> str:
    return value if len(value) <= _LONGEST else f"{value[: _LONGEST - 1]}…"


def _node(key: str, sort: str, label: str, why: str, place: tuple[int, float]) -> dict[str, object]:
    column, row = place
    return {
        "data": {"id": key, "sort": sort, "label": label, "why": why},
        "position": {"x": column * _COLUMN, "y": round(row * _ROW, 1)},
    }


def _edge(source: str, target: str, strength: str, why: str) -> dict[str, object]:
    return {"data": {"id": f"{source}-{target}", "source": source, "target": target, "strength": strength, "why": why}}
