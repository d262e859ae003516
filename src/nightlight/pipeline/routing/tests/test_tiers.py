# SPDX-License-Identifier: Apache-2.0
"""Who is responsible for a place, and who is next: never in circles, never whoever sent it back, one tier at a time."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from nightlight.pipeline.routing.tiers import DISTRICT, NATIONAL, STATE, STATION, Node, Step, Tree, Where, Why

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn

INDIA, MH, KL, PUNE, NASHIK, RIVER, HILL, LAKE, CITY, RURAL, VID = range(1, 12)
UNITS = (
    Node(INDIA, None, NATIONAL, "IN"),
    Node(MH, INDIA, STATE, "MH", ("IN-MH",)),
    Node(KL, INDIA, STATE, "KL", ("IN-KL",)),
    Node(PUNE, MH, DISTRICT, "MH-PUNE", ("LGD:490",)),
    Node(NASHIK, MH, DISTRICT, "MH-NASHIK", ("LGD:487",)),
    Node(RIVER, PUNE, STATION, "PS-RIVER", ("PIN:411",)),
    Node(HILL, PUNE, STATION, "PS-HILL"),
    Node(LAKE, PUNE, STATION, "PS-LAKE", ("PIN:41204",)),
    Node(CITY, KL, DISTRICT, "KL-CITY", ("LGD:555", "PIN:682")),
    Node(RURAL, KL, DISTRICT, "KL-RURAL", ("LGD:555", "PIN:683")),
    Node(VID, INDIA, "special", "VID"),
)
TREE = Tree(UNITS)
AT_RIVER = Where("IN", "IN-MH", "LGD:490", ("411001",))


def keys(steps: list[Step]) -> list[int]:
    return [step.key for step in steps]


def test_no_unit_is_responsible_for_another_country_or_for_nothing() -> None:
    assert TREE.responsible(Where("US", "US-ID")) is None
    assert TREE.responsible(Where("")) is None
    assert Tree(()).responsible(AT_RIVER) is None
    assert Tree(()).next_for(7, [AT_RIVER]) == []


def test_a_unit_that_sent_it_back_is_never_named_again_and_the_holder_never() -> None:
    assert MH not in keys(TREE.next_for(INDIA, [AT_RIVER], {MH}))
    assert not any(step.pick for step in TREE.next_for(INDIA, [AT_RIVER], {MH}))
    assert keys(TREE.next_for(RIVER, [AT_RIVER])) == [PUNE]
    assert TREE.next_for(RIVER, [AT_RIVER], {PUNE}) == []


def test_it_goes_one_tier_at_a_time_down_to_the_station() -> None:
    assert TREE.way(AT_RIVER) == (INDIA, MH, PUNE, RIVER)
    assert TREE.next_for(INDIA, [AT_RIVER])[0] == Step(MH, Why.TOWARDS, pick=True)
    assert TREE.next_for(MH, [AT_RIVER])[0] == Step(PUNE, Why.TOWARDS, pick=True)
    assert TREE.next_for(PUNE, [AT_RIVER])[0] == Step(RIVER, Why.TOWARDS, pick=True)
    assert TREE.next_for(RIVER, [AT_RIVER]) == [Step(PUNE, Why.ABOVE, pick=False)]


def test_as_deep_as_is_known_and_no_deeper() -> None:
    assert TREE.responsible(Where("IN")) == INDIA
    assert TREE.responsible(Where("IN", "IN-RJ")) == INDIA
    assert TREE.responsible(Where("IN", "IN-RJ", "LGD:490", ("411001",))) == INDIA
    assert TREE.responsible(Where("IN", "IN-MH")) == MH
    assert TREE.responsible(Where("IN", "IN-MH", "LGD:999")) == MH
    assert TREE.responsible(Where("IN", "IN-MH", "LGD:490")) == PUNE


def test_without_one_station_for_the_postal_code_all_are_named_and_none_is_picked() -> None:
    for pins in ((), ("412045", "411001"), ("413000",)):
        steps = TREE.next_for(PUNE, [Where("IN", "IN-MH", "LGD:490", pins)])
        assert {RIVER, HILL, LAKE} <= set(keys(steps))
        assert not any(step.pick for step in steps)
        assert steps[-1] == Step(MH, Why.ABOVE, pick=False)
    first, *_ = TREE.next_for(PUNE, [Where("IN", "IN-MH", "LGD:490", ("412",))])
    assert first == Step(LAKE, Why.STATION, pick=False)  # 412 may be 41204 or not


def test_two_units_of_one_district_are_told_apart_by_the_postal_code() -> None:
    assert TREE.responsible(Where("IN", "IN-KL", "LGD:555")) == KL
    assert TREE.responsible(Where("IN", "IN-KL", "LGD:555", ("682011",))) == CITY
    assert TREE.responsible(Where("IN", "IN-KL", "LGD:555", ("683101",))) == RURAL
    assert TREE.responsible(Where("IN", "IN-KL", "", ("683101",))) == RURAL
    assert TREE.responsible(Where("IN", "IN-KL", "LGD:555", ("682011", "683101"))) == KL


def test_the_longest_postal_area_decides() -> None:
    tree = Tree((*UNITS, Node(20, PUNE, STATION, "PS-WELL", ("PIN:41104",))))
    assert tree.responsible(AT_RIVER) == RIVER
    assert tree.responsible(Where("IN", "IN-MH", "LGD:490", ("411045",))) == 20


def test_from_where_it_does_not_belong_it_goes_beside_or_above() -> None:
    assert TREE.next_for(KL, [AT_RIVER])[0] == Step(MH, Why.TOWARDS, pick=True)
    assert TREE.next_for(KL, [AT_RIVER], {MH})[0] == Step(INDIA, Why.TOWARDS, pick=True)
    assert TREE.next_for(CITY, [AT_RIVER])[0] == Step(KL, Why.TOWARDS, pick=True)
    assert TREE.next_for(NASHIK, [AT_RIVER])[0] == Step(PUNE, Why.TOWARDS, pick=True)
    assert TREE.next_for(VID, [AT_RIVER])[0] == Step(MH, Why.TOWARDS, pick=True)


def test_other_places_come_after_the_likeliest() -> None:
    both = [AT_RIVER, Where("IN", "IN-KL", "LGD:555", ("682011",))]
    assert TREE.next_for(INDIA, both) == [Step(MH, Why.TOWARDS, pick=True), Step(KL, Why.CANDIDATE, pick=False)]
    assert TREE.next_for(INDIA, both, {MH}) == [Step(KL, Why.CANDIDATE, pick=True)]
    # Whoever lies on the way to a place hands nothing sideways by itself.
    assert not any(step.pick for step in TREE.next_for(MH, both, {PUNE}))
    assert {KL, INDIA} <= set(keys(TREE.next_for(MH, both, {PUNE})))


def test_an_installation_of_a_state_has_its_unit_at_the_top() -> None:
    alone = Tree(
        Node(n.key, None if n.key == MH else n.parent, n.kind, n.code, n.areas) for n in UNITS if n.key != INDIA
    )
    assert alone.way(AT_RIVER) == (MH, PUNE, RIVER)
    assert alone.responsible(Where("IN", "IN-GJ")) is None


PLACES = st.builds(
    Where,
    st.sampled_from(("IN", "IN", "IN", "US")),
    st.sampled_from(("", "IN-MH", "IN-KL", "IN-RJ")),
    st.sampled_from(("", "LGD:1", "LGD:2", "LGD:3")),
    st.lists(st.sampled_from(("411001", "411", "682011", "5")), max_size=2, unique=True).map(tuple),
)
AREAS = st.sampled_from(("IN-MH", "IN-KL", "LGD:1", "LGD:2", "LGD:3", "PIN:411", "PIN:41", "PIN:682", "IN"))


@st.composite
def trees(draw: DrawFn) -> Tree:
    """Any tree of up to fifteen units, tiers in any order, areas anywhere."""
    nodes = [Node(1, None, NATIONAL, "IN")]
    for key in range(2, draw(st.integers(2, 16))):
        parent = draw(st.integers(1, key - 1))
        kind = draw(st.sampled_from((STATE, DISTRICT, DISTRICT, STATION, STATION, "special")))
        nodes.append(Node(key, parent, kind, f"U{key}", tuple(draw(st.lists(AREAS, max_size=2, unique=True)))))
    return Tree(nodes)


@given(trees(), st.lists(PLACES, max_size=3), st.data())
def test_following_what_is_picked_always_ends(tree: Tree, wheres: list[Where], data: st.DataObject) -> None:
    """Whoever accepts and whoever sends back: each unit is picked a few times at most, and then nobody is."""
    holder = data.draw(st.sampled_from(sorted(tree.nodes)))
    tried: set[int] = set()
    been = {holder}
    for _ in range(3 * len(tree.nodes) + 3):
        steps = tree.next_for(holder, wheres, tried)
        assert len(set(keys(steps))) == len(steps)
        assert holder not in keys(steps)
        assert not tried & set(keys(steps))
        assert not any(step.pick for step in steps[1:])
        if not steps or not steps[0].pick:
            break
        to = steps[0].key
        if data.draw(st.booleans()):
            assert to not in been  # nobody who held it gets it again by itself
            been.add(to)
            holder = to
        else:
            tried.add(to)
    else:
        raise AssertionError("it went on and on")


@given(trees(), PLACES)
def test_whoever_is_responsible_lies_on_a_path_from_the_top(tree: Tree, where: Where) -> None:
    way = tree.way(where)
    assert (way[-1] if way else None) == tree.responsible(where)
    for above, below in pairwise(way):
        assert tree.nodes[below].parent == above
