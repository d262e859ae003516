# SPDX-License-Identifier: Apache-2.0
"""The same facts give the same bytes, and what has no single form is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from types import MappingProxyType

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from nightlight.foundation.canonical_json import Json, encode

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=20,
)


@pytest.mark.parametrize(
    "value",
    [
        0.5,
        1.0,
        float("nan"),
        2**53,
        -(2**53),
        "\ud800",
        {"\udc00": 1},
        {1: "one"},
        {None: 1},
        {"a": {True: 1}},
        [b"bytes"],
        {"at": datetime(2026, 1, 1, tzinfo=UTC)},
        {1, 2},
    ],
)
def test_what_has_no_single_form_is_refused(value: Json) -> None:
    with pytest.raises(ValueError):
        encode(value)


def test_endless_nesting_is_refused() -> None:
    loop: list[Json] = []
    loop.append(loop)
    with pytest.raises(ValueError, match="nested deeper"):
        encode(loop)


def test_keys_are_sorted_by_utf_16_code_unit_as_in_section_3_2_3() -> None:
    value = {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\x80": 6, "\xf6": 7}
    assert encode(value) == ('{"\\r":2,"1":4,"\x80":6,"\xf6":7,"\u20ac":1,"\U0001f600":5,"\ufb33":3}'.encode())


def test_control_characters_are_written_as_in_section_3_2_2_2() -> None:
    assert encode('\b\t\n\f\r"\\/\x00\x1f\x7f') == b'"\\b\\t\\n\\f\\r\\"\\\\/\\u0000\\u001f\x7f"'


def test_any_mapping_and_tuple_is_written_like_a_dict_and_a_list() -> None:
    assert encode(MappingProxyType({"b": (1, 2), "a": MappingProxyType({})})) == b'{"a":{},"b":[1,2]}'


@given(VALUES)
def test_bytes_equal_those_of_another_implementation(value: Json) -> None:
    assert encode(value) == rfc8785.dumps(value)
