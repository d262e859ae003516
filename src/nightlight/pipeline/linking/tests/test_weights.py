# SPDX-License-Identifier: Apache-2.0
"""Points of shared values: the table is refused whole, and one value and an array of them are weighed alike."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightlight.pipeline.linking.kinds import Kind
from nightlight.pipeline.linking.weights import Points, Weights, WeightsRefused, read, weights

GOOD = """
schema = 1
version = 3
threshold = 20
[kinds]
a = { base = 26, slope = 2, ceiling = 256, verified = 1 }
b = { base = 6, slope = 2, ceiling = 16, verified = 0 }
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("schema = 1", "schema = 2", "this version reads 1"),
        ("schema = 1", "", "schema is None"),
        ("version = 3", "", "version is missing"),
        ("version = 3", "version = 0", "0 is out of range"),
        ("threshold = 20", "threshold = 20\nother = 1", "other is not known"),
        ("threshold = 20", "threshold = 20.5", "is no whole number"),
        ("threshold = 20", "threshold = true", "is no whole number"),
        ("slope = 2, ceiling = 16", "slope = -1, ceiling = 16", "b, slope: -1 is out of range"),
        ("ceiling = 16", "ceiling = 0", "b, ceiling: 0 is out of range"),
        ("ceiling = 16, ", "", "b: ceiling is missing"),
        ("b = {", "c = {", "kinds: b is missing"),
        ("b = {", "c = { base = 1 }\nb = {", "kinds: c is not known"),
        ("a = { base = 26, slope = 2, ceiling = 256, verified = 1 }", "a = 3", "a: is no table"),
        ("[kinds]", "[kinds", "is no TOML"),
    ],
)
def test_a_table_that_is_not_exactly_right_is_refused(old: str, new: str, said: str) -> None:
    assert old in GOOD
    with pytest.raises(WeightsRefused, match=re.escape(said)):
        read(GOOD.replace(old, new), place="test", kinds=["a", "b"])


def test_kinds_that_are_no_table_are_refused() -> None:
    with pytest.raises(WeightsRefused, match="kinds: is no table"):
        read("schema = 1\nversion = 1\nthreshold = 1\nkinds = []", place="test")


def test_a_table_is_read() -> None:
    table = read(GOOD, place="test", kinds=["a", "b"])
    assert table == Weights(3, 20, {"a": Points(26, 2, 256, 1), "b": Points(6, 2, 16)})
    assert table.codes == {"a": 0, "b": 1}


def test_our_own_table_names_every_kind() -> None:
    assert set(weights().kinds) == set(Kind)
    # What two subjects share of a strong kind joins them; an address, a network or a file alone never does.
    joins = {kind for kind in Kind if weights().weight(kind, 2) >= weights().threshold}
    assert joins >= {Kind.EMAIL, Kind.PHONE, Kind.ACCOUNT, Kind.DEVICE, Kind.PAYMENT}
    assert not joins & {Kind.ADDRESS, Kind.NETWORK, Kind.FILE, Kind.GROUP, Kind.URL, Kind.ANY_HANDLE}


def test_each_doubling_costs_a_slope_until_the_ceiling() -> None:
    weight = read(GOOD, place="test", kinds=["a", "b"]).weight
    told = [weight("a", count) for count in (0, 1, 2, 3, 4, 5, 8, 9, 16, 17, 256, 257)]
    assert told == [26, 26, 26, 24, 24, 22, 22, 20, 20, 18, 12, 0]
    assert [weight("b", count) for count in (2, 4, 8, 9, 16, 17)] == [6, 4, 2, 0, 0, 0]
    assert weight("a", 3, verified=True) == 25
    assert weight("a", 257, verified=True) == 0


def test_what_cannot_be_weighed_is_refused() -> None:
    table = read(GOOD, place="test", kinds=["a", "b"])
    with pytest.raises(ValueError, match="-1 subjects"):
        table.weight("a", -1)
    with pytest.raises(KeyError):
        table.weight("c", 1)
    one = np.ones(1, np.int64)
    with pytest.raises(ValueError, match="one length"):
        table.weigh(one, np.ones(2, np.int64))
    with pytest.raises(ValueError, match="a count is out of range"):
        table.weigh(one, -one)
    with pytest.raises(ValueError, match="not in the table"):
        table.weigh(one + 1, one)
    assert len(table.weigh(one[:0], one[:0])) == 0


@given(
    st.lists(
        st.tuples(
            st.integers(0, len(Kind) - 1),
            st.one_of(
                st.integers(0, 40),
                st.builds(lambda power, off: max(0, (1 << power) + off), st.integers(0, 30), st.integers(-2, 2)),
            ),
            st.booleans(),
        ),
        max_size=60,
    )
)
def test_arrays_are_weighed_as_single_values_are(rows: list[tuple[int, int, bool]]) -> None:
    table, names = weights(), list(weights().kinds)
    kind, count, verified = (
        (np.array(column) for column in zip(*rows, strict=True)) if rows else (np.zeros(0, int),) * 3
    )
    found = table.weigh(kind.astype(np.uint8), count.astype(np.int64), verified.astype(bool))
    assert found.tolist() == [table.weight(names[code], many, sure) for code, many, sure in rows]
