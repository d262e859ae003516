# SPDX-License-Identifier: Apache-2.0
"""All persons at once from arrays: the same as by the rule in plain Python."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightlight.pipeline.linking import bulk
from nightlight.pipeline.linking.joining import Decisions, persons
from nightlight.pipeline.linking.weights import Points, Weights, weights

TABLE = Weights(
    1,
    20,
    {
        "strong": Points(30, 1, 6),
        "middling": Points(22, 2, 5, verified=2),
        "weak": Points(13, 2, 6, verified=8),
        "faint": Points(7, 1, 5),
    },
)
SUBJECTS, IDENTIFIERS = 25, 14
NOTHING = np.zeros(0, np.int64)


def same(
    rows: list[tuple[int, int]],
    kinds: list[int],
    decisions: Decisions,
    *,
    verified: set[int],
    more: list[int],
    table: Weights,
) -> bulk.Linked:
    """Both ways agree; returns what the arrays say."""
    names = list(table.kinds)
    subject, identifier = np.array(rows, dtype=np.int64).reshape(-1, 2).T
    linked = bulk.link(
        subject,
        identifier,
        np.array(kinds, dtype=np.uint8),
        verified=np.array([place in verified for place in range(len(kinds))], dtype=bool),
        decisions=decisions,
        subjects=np.array(more, dtype=np.int64),
        table=table,
    )
    named = {place: names[code] for place, code in enumerate(kinds)}
    result = persons(rows, named, None, decisions, verified=verified, subjects=more, table=table)
    assert linked.subject.tolist() == sorted(result.anchor)
    assert dict(zip(linked.subject.tolist(), linked.anchor.tolist(), strict=True)) == result.anchor
    assert dict(zip(linked.subject.tolist(), linked.component.tolist(), strict=True)) == result.component
    return linked


@pytest.mark.parametrize(
    ("subject", "identifier", "kind", "said"),
    [
        ([1, 2], [0], [0], "one length"),
        ([1], [1], [0], "an identifier has no kind"),
        ([1], [-1], [0], "an identifier has no kind"),
        ([-1], [0], [0], "a subject is below zero"),
        ([1, 2], [0, 0], [9], "a kind is not in the table"),
        ([1.5], [0], [0], "whole numbers"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(
    subject: list[float], identifier: list[int], kind: list[int], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        bulk.link(np.array(subject), np.array(identifier), np.array(kind), table=TABLE)


def test_flags_and_further_subjects_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="kinds and flags"):
        bulk.link(NOTHING, NOTHING, np.zeros(2, np.uint8), verified=np.zeros(1, bool), table=TABLE)
    with pytest.raises(ValueError, match="a subject is below zero"):
        bulk.link(NOTHING, NOTHING, NOTHING, subjects=np.array([-4]), table=TABLE)


def test_no_sightings_are_no_persons() -> None:
    assert [len(part) for part in bulk.link(NOTHING, NOTHING, NOTHING, table=TABLE)] == [0, 0, 0]
    alone = bulk.link(NOTHING, NOTHING, NOTHING, subjects=np.array([7, 3]), table=TABLE)
    assert [part.tolist() for part in alone] == [[3, 7]] * 3


key = st.one_of(st.integers(0, SUBJECTS - 1), st.sampled_from([10**6, 10**12, 10**12 + 1]))
pairs = st.tuples(key, key).filter(lambda pair: pair[0] != pair[1])


@given(
    st.lists(st.tuples(key, st.integers(0, IDENTIFIERS - 1)), max_size=70),
    st.lists(st.integers(0, len(TABLE.kinds) - 1), min_size=IDENTIFIERS, max_size=IDENTIFIERS),
    st.builds(
        Decisions,
        confirmed=st.frozensets(pairs, max_size=3),
        forbidden=st.frozensets(pairs, max_size=5),
        silenced=st.frozensets(st.integers(0, IDENTIFIERS + 2), max_size=2),
    ),
    st.sets(st.integers(0, IDENTIFIERS - 1), max_size=3),
    st.lists(key, max_size=3),
    st.sampled_from([1, 3, bulk.PAIRS_AT_ONCE]),
)
@settings(max_examples=300, deadline=None)
def test_arrays_give_what_the_rule_gives(  # noqa: PLR0917 - what is drawn
    rows: list[tuple[int, int]],
    kinds: list[int],
    decisions: Decisions,
    verified: set[int],
    more: list[int],
    at_once: int,
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bulk, "PAIRS_AT_ONCE", at_once)
        same(rows, kinds, decisions, verified=verified, more=more, table=TABLE)


@pytest.mark.parametrize("seed", range(3))
def test_a_larger_world_gives_what_the_rule_gives(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """3,000 subjects under the table in use: chains, values common to many, decisions everywhere."""
    monkeypatch.setattr(bulk, "PAIRS_AT_ONCE", 5_000)
    draw = random.Random(seed)
    many, values = 3_000, 4_000
    kinds = [draw.randrange(len(weights().kinds)) for _ in range(values)]
    rows = [(draw.randrange(many), int(values * draw.random() ** 2)) for _ in range(9_000)]
    rows += [(subject, 0) for subject in range(0, many, 3)]
    some = [(draw.randrange(many), draw.randrange(many)) for _ in range(400)]
    some = [pair for pair in some if pair[0] != pair[1]]
    decisions = Decisions(frozenset(some[:100]), frozenset(some[100:]), frozenset(range(1, 5)))
    linked = same(rows, kinds, decisions, verified=set(range(0, values, 5)), more=[many + 5], table=weights())
    assert (linked.anchor != linked.component).any()
    assert len(np.unique(linked.anchor)) < many


def test_a_long_chain_is_one_person() -> None:
    order = np.random.default_rng(1).permutation(5_000)
    subject, identifier = np.concatenate([order[:-1], order[1:]]), np.tile(np.arange(4_999), 2)
    linked = bulk.link(subject, identifier, np.zeros(4_999, np.uint8), table=TABLE)
    assert set(linked.anchor.tolist()) == {0}


def test_unsigned_and_narrow_arrays_will_do() -> None:
    subject, identifier = np.array([3, 1, 1, 2], np.uint32), np.array([0, 0, 0, 1], np.uint64)
    linked = bulk.link(subject, identifier, np.zeros(2, np.int8), table=TABLE)
    assert [part.tolist() for part in linked] == [[1, 2, 3], [1, 2, 1], [1, 2, 1]]
