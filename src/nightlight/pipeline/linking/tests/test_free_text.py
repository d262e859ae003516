# SPDX-License-Identifier: Apache-2.0
"""What is an identifier in a text, what only looks like one, and texts written to make the search slow."""

from __future__ import annotations

import sys
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightlight.pipeline.linking.free_text import LONGEST_TEXT, MOST_OF_A_KIND, spotted
from nightlight.pipeline.linking.kinds import Kind

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType


def values(text: str) -> list[tuple[Kind, str]]:
    return [(one.kind, one.value) for one in spotted(text)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Come at six, platform 2.",
        "me@home and meet@six",
        "@kite wrote to @sail",
        "At 12:30:45 on 2026-11-01 12:00 and 01-11-2026",
        "Pepperchat Android 7.2, build 4.1.20, Agent/120.0.0.0",
        "18 U.S.C. 2258A(h), and/or either/or",
        "account 2025550101, id 123456789012, 20261101120000",
        "logged as 192.168.1.4, ::1 and 10.0.0.1:5000",
        "1.2.3.4.5 and 999.1.1.1",
        "a@b@c and a@@example.org",
        "http:// www. x/y",
    ],
)
def test_what_only_looks_like_an_identifier(text: str) -> None:
    assert values(text) == []


def test_identifiers_with_their_places() -> None:
    text = "Payment handle: arun.kite007@examplebank. Foo@Example.org (call 99999 00012), see https://www.example.org/a(b)."
    found = spotted(text)
    assert [(one.kind, one.value) for one in found] == [
        (Kind.PAYMENT, "arun.kite007@examplebank"),
        (Kind.EMAIL, "foo@example.org"),
        (Kind.PHONE, "+919999900012"),
        (Kind.URL, "example.org/a(b)"),
    ]
    assert all(text[one.start : one.end] == one.as_sent for one in found)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("send to 9999900001@ybl.Then go", [(Kind.PAYMENT, "9999900001@ybl")]),
        ("kite@okaxis", [(Kind.PAYMENT, "kite@okaxis")]),
        ("upi kite@newbank", [(Kind.PAYMENT, "kite@newbank")]),
        ("mailto:x@example.com;y@example.net", [(Kind.EMAIL, "x@example.com"), (Kind.EMAIL, "y@example.net")]),
        ("kite@उदाहरण.example।", [(Kind.EMAIL, "kite@xn--p1b6ci4b4b3a.example")]),
        ("https://example.org/?to=a@example.net", [(Kind.URL, "example.org?to=a@example.net")]),
        ("example.org/join/AbC, (www.example.net)", [(Kind.URL, "example.org/join/AbC"), (Kind.URL, "example.net")]),
        ("from 192.0.2.7:5060 and 2001:DB8::1.", [(Kind.ADDRESS, "192.0.2.7"), (Kind.ADDRESS, "2001:db8::1")]),
        ("फोन ९९९९९००००१", [(Kind.PHONE, "+919999900001")]),
        ("+1 (202) 555-0101", [(Kind.PHONE, "+12025550101")]),
        ("telephone 20 2611 0112", [(Kind.PHONE, "+912026110112")]),
        ("Her number:+91 99999-00001!", [(Kind.PHONE, "+919999900001")]),
    ],
)
def test_identifiers(text: str, found: list[tuple[Kind, str]]) -> None:
    assert values(text) == found


def test_the_region_is_the_callers() -> None:
    assert [one.value for one in spotted("mobile 202 555 0101", region="US")] == ["+12025550101"]


PIECES = st.sampled_from(
    ["a@example.org", "kite@ybl", "upi ", "http://example.org/", "www.", "example.net/a", "99999 00001", "+91",
     "192.0.2.7", "2001:db8::1", "@", ".", ":", "/", " ", "(", ")", "1", "a", "ന", "\u200d", "\ud800", "\n"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=40).map("".join) | st.text(max_size=200))
def test_no_two_overlap_and_each_is_where_it_says(text: str) -> None:
    found = spotted(text)
    assert all(text[one.start : one.end] == one.as_sent for one in found)
    assert all(one.end <= other.start for one, other in pairwise(found))
    assert all(one.start < one.end for one in found)


@given(st.from_regex(r"[a-z][a-z0-9._-]{0,20}[a-z0-9]", fullmatch=True), st.sampled_from([", ", "\n", " <", "; "]))
def test_an_address_is_found_wherever_it_stands(local: str, before: str) -> None:
    assert (Kind.EMAIL, f"{local}@example.org") in values(f"Seen{before}{local}@example.org. Then nothing.")


HOSTILE: tuple[Callable[[int], str], ...] = (
    lambda size: "a" * size,
    lambda size: "@" * size,
    lambda size: "a@" * (size // 2),
    lambda size: "a@b.c " * (size // 6),
    lambda size: "a@ऽ.ऽ " * (size // 6),
    lambda size: "9" * size,
    lambda size: "99999 00001 " * (size // 12),
    lambda size: "9." * (size // 2),
    lambda size: "a." * (size // 2),
    lambda size: "f:" * (size // 2),
    lambda size: "http://" * (size // 7),
    lambda size: "www.a)))" * (size // 8),
    lambda size: "".join(f"{9_999_900_000 + number} " for number in range(size // 11)),
)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_hostile_text_costs_few_steps(hostile: Callable[[int], str]) -> None:
    """Counts calls rather than seconds, so that a busy machine changes nothing."""

    def calls(text: str) -> int:
        count = 0

        def step(_frame: FrameType, event: str, _argument: object) -> None:
            nonlocal count
            count += event == "call"

        before = sys.getprofile()
        sys.setprofile(step)
        try:
            spotted(text)
        finally:
            sys.setprofile(before)
        return count

    spotted(hostile(100))  # what is read once is read
    assert calls(hostile(100_000)) <= 600_000
    assert len(spotted(hostile(100_000))) <= 2 * MOST_OF_A_KIND


def test_what_lies_beyond_the_longest_text_is_not_read() -> None:
    inside = spotted(f"{' ' * (LONGEST_TEXT - 13)}a@example.org")
    assert [one.value for one in inside] == ["a@example.org"]
    assert spotted(f"{' ' * LONGEST_TEXT}a@example.org") == []
