# SPDX-License-Identifier: Apache-2.0
"""The drawings of linked people: nothing is lost, every line has its ends, and days are those of the officers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightlight.outlook.desk.linked_drawing import MOST_TIPS, Point, Shared, graph, span, time_line
from nightlight.outlook.desk.tests import cast
from nightlight.pipeline.linking.kinds import Kind

INDIA = ZoneInfo("Asia/Kolkata")


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        ((2026, 10, 4), (2026, 10, 29), "4 to 29 October"),
        ((2026, 10, 4), (2026, 10, 4), "4 October"),
        ((2026, 9, 28), (2026, 10, 3), "28 September to 3 October"),
        ((2025, 12, 30), (2026, 1, 2), "30 December 2025 to 2 January 2026"),
        ((2025, 3, 1), (2025, 3, 9), "1 to 9 March 2025"),
        ((2025, 3, 1), (2025, 3, 1), "1 March 2025"),
    ],
)
def test_days_are_as_short_as_is_clear(first: tuple[int, ...], last: tuple[int, ...], said: str) -> None:
    begin, end = datetime(*first, 9, tzinfo=UTC), datetime(*last, 9, tzinfo=UTC)  # type: ignore[misc,arg-type]
    assert span(begin, end, INDIA, cast.NOON) == said


def test_days_are_those_of_the_officers() -> None:
    late = datetime(2026, 10, 3, 20, tzinfo=UTC)  # the fourth in India
    assert span(late, late, INDIA, cast.NOON) == "4 October"


def _points(number: int) -> list[Point]:
    return [
        Point(key, f"NL-0000-{key:04}", "Reported 1", "Example Chat", cast.NOON + timedelta(hours=key))
        for key in range(number)
    ]


def test_one_tip_has_no_line_of_time() -> None:
    assert time_line(_points(1), {}, INDIA) is None


def test_a_line_of_time_has_a_ring_for_each_tip_and_a_dot_for_each_sighting() -> None:
    seen = {"NL-0000-0001": [(cast.NOON - timedelta(days=3), "device identifier"), (cast.NOON, "device identifier")]}
    line = time_line(_points(3), seen, INDIA)
    assert line is not None
    assert [[dot.open_ring for dot in lane.dots] for lane in line.lanes] == [[True], [False, False, True], [True]]
    places = [dot.x for lane in line.lanes for dot in lane.dots]
    assert all(line.left <= x <= line.right for x in places)
    assert min(places) == line.lanes[1].dots[0].x
    assert "device identifier" in line.lanes[1].dots[0].title


@given(
    number=st.integers(1, MOST_TIPS + 5),
    shared=st.lists(
        st.tuples(st.sampled_from(list(Kind)), st.sets(st.integers(0, MOST_TIPS + 4), min_size=1, max_size=6))
    ),
)
def test_every_edge_has_both_its_ends_and_nothing_is_lost(number: int, shared: list[tuple[Kind, set[int]]]) -> None:
    values = [
        Shared(kind, "x" * 99, "strong", f"reason {n}", tuple(sorted(holders)))
        for n, (kind, holders) in enumerate(shared)
    ]
    drawn = graph(_points(number), values)
    ids = [node["data"]["id"] for node in drawn.nodes]  # type: ignore[index]
    assert len(set(ids)) == len(ids)
    edges = [edge["data"] for edge in drawn.edges]
    assert all(edge["source"] in ids and edge["target"] in ids and edge["why"] for edge in edges)  # type: ignore[index]
    assert len([one for one in ids if one.startswith("s")]) == min(number, MOST_TIPS)
    shown = len([one for one in ids if one.startswith("v")])
    assert drawn.undrawn == max(0, number - MOST_TIPS) + len(values) - shown
    assert graph(_points(number), values) == drawn
