# SPDX-License-Identifier: Apache-2.0
"""Range tables against a plain search through all ranges; every way of asking gives the same."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightlight.casework.attribution.netdata import lookup
from nightlight.casework.attribution.netdata.lookup import (
    NOWHERE,
    RangeTable,
    RangeTable6,
    disjoint,
    look_up_texts,
    tables_of,
)

HALF = (1 << 64) - 1
Rows = list[tuple[int, int, int]]


def ranges(top: int) -> st.SearchStrategy[Rows]:
    edges = st.one_of(st.integers(0, 600), st.integers(top - 600, top), st.integers(0, top))
    widths = st.one_of(st.integers(0, 9), st.integers(0, 70_000))
    one = st.builds(lambda first, width, value: (first, min(first + width, top), value), edges, widths,
                    st.integers(0, 5))  # fmt: skip
    return st.lists(one, max_size=12)


def plainly(rows: Rows, number: int) -> int:
    over = [(last - first, -place, value) for place, (first, last, value) in enumerate(rows) if first <= number <= last]
    return min(over)[2] if over else NOWHERE


def asked(rows: Rows, top: int) -> list[int]:
    edges = {edge + step for first, last, _ in rows for edge in (first, last) for step in (-1, 0, 1)}
    return sorted(number for number in edges | {0, top, top // 2} if 0 <= number <= top)


@pytest.mark.parametrize(("starts", "ends"), [([5], [4]), ([1, 4], [4, 9]), ([9, 1], [9, 1]), ([1], [2, 3])])
def test_ranges_that_overlap_or_are_not_sorted_are_refused(starts: list[int], ends: list[int]) -> None:
    values = list(range(len(starts)))
    with pytest.raises(ValueError, match=r"[Rr]ange"):
        RangeTable(starts, ends, values)
    with pytest.raises(ValueError, match=r"[Rr]ange"):
        RangeTable6(starts, ends, values)


@settings(deadline=None, max_examples=60)
@given(ranges(0xFFFFFFFF))
def test_ipv4_ranges(rows: Rows) -> None:
    table = RangeTable.of(rows)
    numbers = asked(rows, 0xFFFFFFFF)
    expected = [plainly(rows, number) for number in numbers]
    queries = np.array(numbers, np.uint32)
    assert table.many(queries).tolist() == expected
    assert table.many(queries, compiled=False).tolist() == expected
    assert [table.find(number) for number in numbers] == expected
    texts = [str(IPv4Address(number)) for number in numbers]
    assert look_up_texts(table, texts).tolist() == look_up_texts(table, texts, compiled=False).tolist() == expected


@settings(deadline=None, max_examples=60)
@given(ranges((1 << 128) - 1))
def test_ipv6_ranges(rows: Rows) -> None:
    table = RangeTable6.of(rows)
    numbers = asked(rows, (1 << 128) - 1)
    expected = [plainly(rows, number) for number in numbers]
    high = np.array([number >> 64 for number in numbers], np.uint64)
    low = np.array([number & HALF for number in numbers], np.uint64)
    assert table.many(high, low).tolist() == expected
    assert table.many(high, low, compiled=False).tolist() == expected
    assert [table.find(number) for number in numbers] == expected
    texts = [IPv6Address(number).exploded for number in numbers if number >> 32 != 0xFFFF]
    found = look_up_texts(RangeTable.of([]), texts, table).tolist()
    assert found == [value for value, number in zip(expected, numbers, strict=True) if number >> 32 != 0xFFFF]


def test_the_table_by_24_answers_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "_MANY", 1)
    rng = np.random.default_rng(7)
    cuts = np.unique(rng.integers(0, 1 << 32, 300, dtype=np.uint64) & ~np.uint64(0x3F))
    rows = [(int(first), int(last) - 1, place) for place, (first, last) in enumerate(pairwise(cuts))]
    rows = [row for row in rows if row[2] % 3]  # with holes
    table = RangeTable.of(rows)
    queries = np.concatenate((
        rng.integers(0, 1 << 32, 20_000, dtype=np.uint64), cuts, cuts - 1, cuts + 1,
    )).astype(np.uint32)  # fmt: skip
    assert (table.many(queries, compiled=False) == table.many(queries)).all()
    if lookup.LIBRARY is not None:
        assert (table.places(queries[:1000], compiled=False) == table.places(queries[:1000])).all()


def test_overlaps_are_counted() -> None:
    assert disjoint([(0, 9, 1), (10, 19, 2)])[1] == 0
    assert disjoint([(0, 9, 1), (4, 5, 2), (9, 12, 3)]) == ([(0, 3, 1), (4, 5, 2), (6, 8, 1), (9, 12, 3)], 2)


def test_texts_that_are_no_addresses_lie_nowhere() -> None:
    v4, v6 = tables_of([("0.0.0.0/0", 1), ("::/0", 2), ("192.0.2.7", 3)])
    texts = ["192.0.2.7", "192.0.2.8", "2001:db8::1", "no", "010.0.0.1", "::ffff:192.0.2.7"]
    assert look_up_texts(v4, texts, v6).tolist() == [3, 1, 2, NOWHERE, NOWHERE, 3]
    assert look_up_texts(v4, texts).tolist() == [3, 1, NOWHERE, NOWHERE, NOWHERE, 3]
