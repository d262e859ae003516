# SPDX-License-Identifier: Apache-2.0
"""Who is one person: by rule, against officers' decisions, and one arrival at a time as all at once."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightlight.pipeline.linking import bulk
from nightlight.pipeline.linking.joining import (
    Affected,
    Change,
    Decisions,
    Join,
    Pair,
    Result,
    Value,
    affected_identifiers,
    anew,
    arrive,
    persons,
)
from nightlight.pipeline.linking.weights import Points, Weights

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

# Bands and ceilings so near that a few subjects cross them.
TABLE = Weights(
    1,
    20,
    {
        "strong": Points(30, 1, 6),  # sufficient, then nothing at once
        "middling": Points(22, 2, 5, verified=2),  # sufficient for four, light for five, then nothing
        "weak": Points(13, 3, 6, verified=8),  # light; sufficient where verified and shared by two
        "faint": Points(7, 1, 4),
    },
)
KINDS = list(TABLE.kinds)
SUBJECTS, IDENTIFIERS = 12, 9


def found(sightings: Iterable[Pair], kinds: str, decisions: Decisions | None = None) -> Result:
    """Persons, of identifiers 0 up whose kinds begin with these letters."""
    named = {place: next(kind for kind in KINDS if kind[0] == letter) for place, letter in enumerate(kinds)}
    return persons(sightings, named, decisions=decisions or Decisions(), table=TABLE)


def groups(result: Result) -> list[list[int]]:
    gathered: dict[int, list[int]] = {}
    for subject, anchor in sorted(result.anchor.items()):
        gathered.setdefault(anchor, []).append(subject)
    assert all(anchor == members[0] for anchor, members in gathered.items())
    return list(gathered.values())


def test_what_nobody_decided_cannot_be_said() -> None:
    with pytest.raises(ValueError, match="confirmed with itself"):
        Decisions(confirmed=frozenset({(3, 3)}))
    with pytest.raises(ValueError, match="forbidden with itself"):
        Decisions(forbidden=frozenset({(3, 3)}))
    with pytest.raises(KeyError):
        persons([(1, 0), (2, 0)], {}, table=TABLE)


def test_nothing_shared_joins_nobody() -> None:
    assert groups(found([(1, 0), (2, 1), (3, 2)], "sss")) == [[1], [2], [3]]
    assert groups(persons([], {}, subjects=[4, 2], table=TABLE)) == [[2], [4]]


def test_light_values_add_up_for_each_pair_alone() -> None:
    assert groups(found([(1, 0), (2, 0)], "w")) == [[1], [2]]
    assert groups(found([(1, 0), (2, 0), (1, 1), (2, 1)], "wf")) == [[1, 2]]
    # 1 shares one value with 2 and another with 3: no pair has both.
    assert groups(found([(1, 0), (2, 0), (1, 1), (3, 1)], "wf")) == [[1], [2], [3]]


def test_a_value_past_its_ceiling_joins_nobody() -> None:
    assert groups(found([(one, 0) for one in range(6)], "s")) == [[0, 1, 2, 3, 4, 5]]
    assert len(groups(found([(one, 0) for one in range(7)], "s"))) == 7


def test_counts_of_the_whole_world_weigh() -> None:
    assert len(groups(persons([(1, 0), (2, 0)], {0: "strong"}, {0: 7}, table=TABLE))) == 2
    assert len(groups(persons([(1, 0), (2, 0)], {0: "strong"}, {0: 6}, table=TABLE))) == 1


def test_a_verified_value_weighs_more() -> None:
    rows = [(1, 0), (2, 0)]
    assert len(groups(persons(rows, {0: "weak"}, table=TABLE))) == 2
    assert len(groups(persons(rows, {0: "weak"}, verified={0}, table=TABLE))) == 1


def test_joins_tell_the_shared_values() -> None:
    result = found([(1, 0), (2, 0), (3, 0), (1, 1), (2, 1), (3, 2), (4, 2), (3, 3), (4, 3)], "smwf")
    assert groups(result) == [[1, 2, 3, 4]]
    assert result.joins() == (Join(1, 2, 51, (0, 1)), Join(1, 3, 29, (0,)), Join(3, 4, 20, (2, 3)))


def test_a_silenced_value_joins_nobody() -> None:
    assert len(groups(found([(1, 0), (2, 0)], "s", Decisions(silenced=frozenset({0}))))) == 2


def test_a_confirmed_pair_is_one_person_and_says_so() -> None:
    result = found([(1, 0), (2, 1), (3, 1)], "sw", Decisions(confirmed=frozenset({(2, 1), (3, 99)})))
    assert groups(result) == [[1, 2], [3]]
    assert result.joins() == (Join(1, 2, 0, (), confirmed=True),)


def test_a_forbidden_pair_is_kept_apart_and_the_stronger_join_stands() -> None:
    rows = [(1, 0), (2, 0), (2, 1), (3, 1)]
    result = found(rows, "sm", Decisions(forbidden=frozenset({(1, 3)})))
    assert groups(result) == [[1, 2], [3]]
    assert set(result.component.values()) == {1}
    assert result.joins() == (Join(1, 2, 30, (0,)),)
    assert groups(found(rows, "ms", Decisions(forbidden=frozenset({(3, 1)})))) == [[1], [2, 3]]
    # Confirmed comes before any weight; forbidden stands above confirmed.
    both = Decisions(confirmed=frozenset({(2, 3)}), forbidden=frozenset({(1, 3)}))
    assert groups(found(rows, "sm", both)) == [[1], [2, 3]]
    assert groups(found(rows, "sm", Decisions(both.forbidden, both.forbidden))) == [[1, 2], [3]]


def test_those_kept_apart_from_the_first_are_still_joined_with_each_other() -> None:
    decisions = Decisions(forbidden=frozenset({(1, 2), (1, 3)}))
    assert groups(found([(one, 0) for one in (1, 2, 3, 4)], "s", decisions)) == [[1, 4], [2, 3]]


pairs = st.tuples(st.integers(0, SUBJECTS - 1), st.integers(0, SUBJECTS - 1)).filter(lambda pair: pair[0] != pair[1])
decided = st.builds(
    Decisions,
    confirmed=st.frozensets(pairs, max_size=2),
    forbidden=st.frozensets(pairs, max_size=4),
    silenced=st.frozensets(st.integers(0, IDENTIFIERS - 1), max_size=1),
)
kinds_of_all = st.lists(st.sampled_from(KINDS), min_size=IDENTIFIERS, max_size=IDENTIFIERS)
holdings = st.lists(
    st.frozensets(st.integers(0, IDENTIFIERS - 1), max_size=4), min_size=2, max_size=SUBJECTS
)  # the identifiers of each subject
verified_ones = st.frozensets(st.integers(0, IDENTIFIERS - 1), max_size=3)


def plainly(
    held: list[frozenset[int]], kinds: list[str], decisions: Decisions, verified: Collection[int]
) -> tuple[list[int], list[int]]:
    """The rule word for word: every pair of every value, one after the other; anchors and components."""
    counts = [sum(one in values for values in held) for one in range(IDENTIFIERS)]
    joins: list[tuple[int, tuple[int, ...], Pair]] = []
    for pair in itertools.combinations(range(len(held)), 2):
        light = 0
        for one in held[pair[0]] & held[pair[1]]:
            weight = 0 if one in decisions.silenced else TABLE.weight(kinds[one], counts[one], one in verified)
            if weight >= TABLE.threshold:
                joins.append((-weight, tuple(place for place, has in enumerate(held) if one in has), pair))
            else:
                light += weight
        if light >= TABLE.threshold:
            joins.append((-light, pair, pair))
    there = [pair for pair in sorted(decisions.confirmed) if max(pair) < len(held)]
    in_order = there + [pair for _, _, pair in sorted(joins)]

    def grouped(forbidden: Collection[Pair]) -> list[int]:
        home = list(range(len(held)))
        for one, other in in_order:
            merged = [min(home[one], home[other]) if at in {home[one], home[other]} else at for at in home]
            if not any(max(pair) < len(held) and merged[pair[0]] == merged[pair[1]] for pair in forbidden):
                home = merged
        return home

    return grouped(decisions.forbidden), grouped(())


@given(holdings, kinds_of_all, decided, verified_ones)
@settings(max_examples=300, deadline=None)
def test_persons_are_what_the_rule_says(
    held: list[frozenset[int]], kinds: list[str], decisions: Decisions, verified: frozenset[int]
) -> None:
    rows = [(subject, one) for subject, values in enumerate(held) for one in values]
    result = persons(
        rows, dict(enumerate(kinds)), decisions=decisions, verified=verified, subjects=range(len(held)), table=TABLE
    )
    anchors, components = plainly(held, kinds, decisions, verified)
    assert [result.anchor[one] for one in range(len(held))] == anchors
    assert [result.component[one] for one in range(len(held))] == components
    # The joins that are told hold exactly these persons together.
    home = list(range(len(held)))
    for join in result.joins():
        home = [min(home[join.a], home[join.b]) if at in {home[join.a], home[join.b]} else at for at in home]
        assert set(join.identifiers) <= held[join.a] & held[join.b]
        assert join.confirmed or join.weight >= TABLE.threshold
    assert home == anchors


# One arrival at a time --------------------------------------------------------------------------------------------


@dataclass
class Rows:
    """What a database would hold, and nothing handed out beyond what was asked for."""

    kinds: list[str]
    decided: Decisions = field(default_factory=Decisions)
    held: dict[int, frozenset[int]] = field(default_factory=dict)
    home: dict[int, Pair] = field(default_factory=dict)  # subject -> (anchor, component)
    verified: set[int] = field(default_factory=set)
    asked: set[int] = field(default_factory=set)  # subjects whose sightings were read

    def sightings(self, subjects: Collection[int]) -> Iterable[Pair]:
        self.asked |= set(subjects)
        return [(subject, one) for subject in subjects for one in self.held[subject]]

    def values(self, identifiers: Collection[int]) -> Mapping[int, Value]:
        return {
            one: Value(
                self.kinds[one],
                sum(one in values for values in self.held.values()),
                one in self.verified,
                one in self.decided.silenced,
            )
            for one in identifiers
        }

    def subjects_of(self, identifiers: Collection[int], at_most: int | None = None) -> Iterable[Pair]:
        for one in identifiers:
            # The latest first: which of them are handed out must not matter.
            yield from [(who, one) for who in sorted(self.held, reverse=True) if one in self.held[who]][:at_most]

    def components(self, subjects: Collection[int]) -> Mapping[int, int]:
        return {subject: self.home[subject][1] for subject in subjects if subject in self.home}

    def members(self, components: Collection[int]) -> Collection[int]:
        return [subject for subject, (_, component) in self.home.items() if component in components]

    def decisions(self, components: Collection[int], subjects: Collection[int]) -> Decisions:
        near = {*self.members(components), *subjects}
        return Decisions(
            frozenset(pair for pair in self.decided.confirmed if near.issuperset(pair)),
            frozenset(pair for pair in self.decided.forbidden if near.issuperset(pair)),
        )

    def write(self, change: Change) -> None:
        for subject, (anchor, component) in self.home.items():
            if component in change.moved:
                assert anchor == component
                self.home[subject] = (change.moved[component],) * 2
        self.home.update(change.placed)

    def decide(self, all_: Decisions) -> set[int]:
        """Make those of the decisions whose subjects are all there; returns the subjects of those made anew."""
        before = self.decided.confirmed | self.decided.forbidden
        self.decided = Decisions(
            frozenset(pair for pair in all_.confirmed if self.held.keys() >= set(pair)),
            frozenset(pair for pair in all_.forbidden if self.held.keys() >= set(pair)),
            all_.silenced,
        )
        return {
            subject
            for pair in self.decided.confirmed | self.decided.forbidden
            for subject in pair
            if pair not in before
        }

    def is_as_from_scratch(self) -> None:
        rows = [(subject, one) for subject, values in self.held.items() for one in values]
        kinds = dict(enumerate(self.kinds))
        whole = persons(rows, kinds, None, self.decided, verified=self.verified, subjects=self.held, table=TABLE)
        assert self.home == {one: (whole.anchor[one], whole.component[one]) for one in self.held}
        # And from arrays.
        subject, identifier = np.array(rows, dtype=np.int64).reshape(-1, 2).T
        linked = bulk.link(
            subject,
            identifier,
            np.array([TABLE.codes[kind] for kind in self.kinds]),
            verified=np.array([one in self.verified for one in range(len(self.kinds))]),
            decisions=self.decided,
            subjects=np.array(list(self.held), dtype=np.int64),
            table=TABLE,
        )
        told = zip(*(part.tolist() for part in linked), strict=True)
        assert self.home == {one: (anchor, component) for one, anchor, component in told}


arrivals = st.lists(
    st.tuples(
        st.lists(st.frozensets(st.integers(0, IDENTIFIERS - 1), max_size=4), min_size=1, max_size=2),
        st.frozensets(st.integers(0, IDENTIFIERS - 1), max_size=1),
    ),
    min_size=2,
    max_size=9,
)  # the identifiers of each subject of a tip, and what is verified by it


@given(arrivals, kinds_of_all, decided, st.permutations(range(20)), st.booleans())
@settings(max_examples=200, deadline=None)
def test_one_tip_at_a_time_gives_what_all_at_once_gives(
    tips: list[tuple[list[frozenset[int]], frozenset[int]]],
    kinds: list[str],
    decisions: Decisions,
    names: list[int],
    plain: bool,
) -> None:
    rows = Rows(kinds, Decisions(silenced=decisions.silenced))
    coming = iter(names)  # subjects do not come in the order of their keys
    for held, verified in tips:
        new = {next(coming): values for values in held}
        fresh = (verified & frozenset().union(*held)) - rows.verified
        rows.held |= new
        rows.verified |= fresh
        rows.write(arrive(new, rows, newly_verified=fresh, table=TABLE))
        rows.is_as_from_scratch()
        named = set() if plain else rows.decide(decisions)  # as soon as both are there
        if named:
            rows.write(anew(rows, subjects=named, table=TABLE))
            rows.is_as_from_scratch()


@given(holdings, kinds_of_all, st.lists(decided, min_size=1, max_size=3))
@settings(max_examples=150, deadline=None)
def test_decisions_give_what_all_at_once_gives(
    held: list[frozenset[int]], kinds: list[str], decisions: list[Decisions]
) -> None:
    rows = Rows(kinds, held=dict(enumerate(held)))
    rows.write(arrive(rows.held, rows, table=TABLE))
    rows.is_as_from_scratch()
    for one in decisions:
        before, rows.decided = rows.decided, one
        pairs = (one.confirmed | one.forbidden) ^ (before.confirmed | before.forbidden)
        pairs |= (one.confirmed ^ before.confirmed) | (one.forbidden ^ before.forbidden)
        named = {subject for pair in pairs for subject in pair if subject in rows.held}
        rows.write(anew(rows, subjects=named, identifiers=one.silenced ^ before.silenced, table=TABLE))
        rows.is_as_from_scratch()


@given(holdings, kinds_of_all, decided, st.data())
@settings(max_examples=150, deadline=None)
def test_corrected_sightings_give_what_all_at_once_gives(
    held: list[frozenset[int]], kinds: list[str], decisions: Decisions, data: st.DataObject
) -> None:
    rows = Rows(kinds, decisions, dict(enumerate(held)))
    rows.write(anew(rows, subjects=rows.held, table=TABLE))
    rows.is_as_from_scratch()
    who = data.draw(st.integers(0, len(held) - 1))
    now = data.draw(st.frozensets(st.integers(0, IDENTIFIERS - 1), max_size=4))
    differ = rows.held[who] ^ now
    before = {one: value.count for one, value in rows.values(differ).items()}
    rows.held[who] = now
    after = {one: value.count for one, value in rows.values(differ).items()}
    affected = affected_identifiers(before, after, dict(enumerate(kinds)), silenced=decisions.silenced, table=TABLE)
    rows.write(anew(rows, subjects=[who], identifiers=affected.grown + affected.changed, table=TABLE))
    rows.is_as_from_scratch()


def test_only_identifiers_that_link_before_or_after_are_affected() -> None:
    kinds = dict.fromkeys(range(8), "middling") | {6: "strong", 7: "weak"}
    before = {0: 0, 1: 1, 2: 2, 3: 4, 4: 5, 5: 6, 6: 5, 7: 3}
    found = affected_identifiers(before, {one: many + 1 for one, many in before.items()}, kinds, table=TABLE)
    # 0: nobody else has it; 3: sufficient no more; 4: past its ceiling now; 5: was so before.
    assert found == Affected(grown=(1, 2, 6, 7), changed=(3, 4))
    assert affected_identifiers({1: 1}, {1: 2}, kinds, silenced={1}, table=TABLE) == Affected((), ())


def test_a_common_value_costs_no_look_at_those_who_share_it() -> None:
    rows = Rows(["strong", "strong"])
    for subject in range(40):
        rows.held[subject] = frozenset({0})
        rows.asked.clear()
        change = arrive([subject], rows, table=TABLE)
        rows.write(change)
        if subject > 6:
            assert rows.asked == {subject}
            assert change == Change({}, {subject: (subject, subject)})
        elif subject == 6:  # the value says nothing from now on: those it joined are looked at once more
            assert rows.asked == set(range(7))
    rows.is_as_from_scratch()
