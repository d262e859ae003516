# SPDX-License-Identifier: Apache-2.0
"""Lists of where addresses are (RFC 8805) are read line by line; the longest prefix and the right day decide."""

from __future__ import annotations

import ipaddress
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightlight.pipeline.routing.geofeed import (
    MOST_PROBLEMS,
    Feed,
    Feeds,
    ListKind,
    Mark,
    NetworkPlace,
    Nowhere,
    Said,
    packed,
    read,
)

EVENT = datetime(2026, 6, 15, tzinfo=UTC)


def feeds(*lists: tuple[str, date, str]) -> Feeds:
    return Feeds(Feed(source, day, read(text.splitlines())) for source, day, text in lists)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("192.0.2.0/33,IN", "length"),
        ("192.0.2.0/x,IN", "length"),
        ("192.0.2.1/24,IN", "bits set"),
        ("192.0.2,IN", "no prefix"),
        ("example.org,IN", "no prefix"),
        ("2001:db8::/129,IN", "length"),
        ("2001:db8::1/64,IN", "bits set"),
        ("192.0.2.0/24,India", "no country"),
        ("192.0.2.0/24,IN,IN-KL,Kochi,682,more", "is not prefix,country"),
        ('192.0.2.0/24,IN,IN-KL,"Kochi', "is not prefix,country"),
        (",IN", "no prefix"),
    ],
)
def test_a_line_with_a_fault_is_named_and_left_out(line: str, words: str) -> None:
    table = read(["# a comment", line, "203.0.113.0/24,IN,,,"])
    assert table.rows == 1
    assert [(one.line, words in one.sentence) for one in table.problems] == [(2, True)]
    assert table.at("192.0.2.1") is None
    assert table.at("203.0.113.9") == Said("IN")


def test_a_region_of_another_country_is_left_out_and_the_line_is_kept() -> None:
    for region in ("US-CA", "Kerala", "IN"):
        table = read([f"192.0.2.0/24,IN,{region},Kochi,682001"])
        assert table.at("192.0.2.1") == Said("IN", "", "Kochi", "682001")
        assert table.problem_count == 1


def test_what_the_standard_lets_a_line_leave_out_may_be_left_out() -> None:
    table = read(b'\xef\xbb\xbf# feed\r\n192.0.2.0/24,in,in-kl,"Fort, Kochi",\r\n\r\n2001:db8::1,DE\n192.0.2.7\n')
    assert not table.problems
    assert table.at("192.0.2.1") == Said("IN", "IN-KL", "Fort, Kochi")
    assert table.at("2001:db8::1") == Said("DE")
    assert table.at("2001:db8::2") is None
    assert table.at("192.0.2.7") is None  # not to be placed, although what lies around it is
    assert table.at("::ffff:192.0.2.1") == table.at("192.0.2.1")


def test_a_prefix_said_twice_in_two_ways_is_nowhere() -> None:
    table = read(["192.0.2.0/24,IN", "192.0.2.0/24,DE", "192.0.0.0/16,US", "203.0.113.0/24,IN", "203.0.113.0/24,IN"])
    assert table.at("192.0.2.1") is None
    assert table.at("192.0.3.1") == Said("US")
    assert table.at("203.0.113.1") == Said("IN")
    assert [one.line for one in table.problems] == [2, 5]


def test_bytes_that_are_no_text_are_a_fault_of_their_line() -> None:
    table = read(b"192.0.2.0/24,IN,IN-KL,K\xff,\n203.0.113.0/24,IN\n")
    assert table.rows == 1
    assert table.problem_count == 1


def test_problems_are_counted_beyond_those_that_are_kept() -> None:
    table = read(["x"] * (MOST_PROBLEMS + 5))
    assert len(table.problems) == MOST_PROBLEMS
    assert table.problem_count == MOST_PROBLEMS + 5


prefixes = st.one_of(
    st.tuples(st.integers(0, 2**8 - 1), st.integers(24, 32)).map(
        lambda one: str(ipaddress.ip_network((0xC0000200 | one[0], one[1]), strict=False))
    ),
    st.tuples(st.integers(0, 2**8 - 1), st.integers(120, 128)).map(
        lambda one: str(ipaddress.ip_network(((0x20010DB8 << 96) | one[0], one[1]), strict=False))
    ),
)


@settings(deadline=None)
@given(st.lists(prefixes, unique=True, max_size=30), st.integers(0, 255))
def test_the_longest_prefix_decides_as_in_the_plain_way(some: list[str], last: int) -> None:
    table = read([f"{prefix},IN,,Town {number}," for number, prefix in enumerate(some)])
    networks = [ipaddress.ip_network(prefix) for prefix in some]
    for address in (ipaddress.ip_address(0xC0000200 | last), ipaddress.ip_address((0x20010DB8 << 96) | last)):
        around = [
            (one.prefixlen, n) for n, one in enumerate(networks) if address.version == one.version and address in one
        ]
        expected = Said("IN", "", f"Town {max(around)[1]}") if around else None
        assert table.at(str(address)) == expected


def test_the_ends_of_the_address_space_are_ranges_like_others() -> None:
    table = read(["0.0.0.0/0,IN", "255.255.255.255,DE", "::/0,NO", "ffff::/16,US"])
    assert [table.at(one) for one in ("0.0.0.1", "255.255.255.254", "255.255.255.255")] == [
        Said("IN"), Said("IN"), Said("DE"),
    ]  # fmt: skip
    assert table.at("ffff:ffff::1") == Said("US")
    assert table.at("fffe::1") == Said("NO")


@settings(deadline=None)
@given(st.binary(max_size=200) | st.lists(st.text(max_size=40), max_size=5), st.text(max_size=40))
def test_nothing_makes_reading_or_asking_fail(data: bytes | list[str], address: str) -> None:
    table = read(data)
    assert len(table.problems) == table.problem_count
    assert table.at(address) is None or packed(address) is not None
    assert Feeds([Feed("a", date(2026, 1, 1), table)]).at(address, None) is None or packed(address) is not None


def test_the_newest_list_that_is_not_younger_than_the_event_is_asked() -> None:
    known = feeds(
        ("old", date(2026, 1, 1), "192.0.2.0/24,IN,IN-KL,Kochi,\n203.0.113.0/24,IN,IN-GA,,"),
        ("new", date(2026, 6, 1), "192.0.2.0/24,IN,IN-MH,Pune,"),
        ("later", date(2026, 9, 1), "192.0.2.0/24,DE,,,\n198.51.100.0/24,NO,,,"),
    )
    assert known.at("192.0.2.1", EVENT) == NetworkPlace("IN", "IN-MH", "Pune", "", "new", date(2026, 6, 1))
    assert known.at("192.0.2.1", datetime(2026, 2, 1, tzinfo=UTC)) == NetworkPlace(
        "IN", "IN-KL", "Kochi", "", "old", date(2026, 1, 1)
    )
    # The newest of that day does not know it, an older one does.
    assert known.at("203.0.113.1", EVENT) == NetworkPlace("IN", "IN-GA", "", "", "old", date(2026, 1, 1))
    only_later = known.at("198.51.100.1", EVENT)
    assert only_later is not None
    assert (only_later.country, only_later.marks) == ("NO", (Mark.LATER_LIST,))
    before_all = known.at("192.0.2.1", datetime(2020, 1, 1, tzinfo=UTC))
    assert before_all is not None
    assert (before_all.source, before_all.marks) == ("old", (Mark.LATER_LIST,))
    newest = known.at("192.0.2.1", None)
    assert newest is not None
    assert (newest.source, newest.marks) == ("later", ())
    assert known.at("192.0.9.1", EVENT) is None
    assert known.at("no address", EVENT) is None
    assert Nowhere().at("192.0.2.1", EVENT) is None


def test_a_list_does_not_hold_after_its_last_day() -> None:
    table = read(["192.0.2.0/24,IN,IN-KL,,"])
    known = Feeds([Feed("a", date(2026, 1, 1), table, until=date(2026, 3, 1))])
    assert known.at("192.0.2.1", EVENT) is None
    assert known.at("192.0.2.1", datetime(2026, 3, 1, tzinfo=UTC)) is not None


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("IN,IN-KL,Kochi,", "IN,IN-KL,Kochi,", ("IN", "IN-KL", "Kochi", ())),
        ("IN,IN-KL,Kochi,", "IN,IN-KL,KOCHI,", ("IN", "IN-KL", "Kochi", ())),
        ("IN,IN-KL,Kochi,", "IN,IN-KL,,", ("IN", "IN-KL", "Kochi", ())),
        ("IN,IN-KL,Kochi,", "IN,IN-KL,Kollam,", ("IN", "IN-KL", "", (Mark.LISTS_DISAGREE,))),
        ("IN,IN-KL,Kochi,", "IN,IN-MH,,", ("IN", "", "", (Mark.LISTS_DISAGREE,))),
        ("IN,IN-KL,Kochi,", "DE,,,", ("IN", "", "", (Mark.LISTS_DISAGREE,))),
        ("IN,IN-KL,Kochi,", ",,,", ("IN", "IN-KL", "Kochi", ())),
    ],
)
def test_lists_of_one_day_are_heard_together(one: str, other: str, expected: tuple[object, ...]) -> None:
    for first, second in ((one, other), (other, one)):
        day = date(2026, 6, 1)
        found = feeds(("a", day, f"192.0.2.0/24,{first}"), ("b", day, f"192.0.2.0/24,{second}")).at("192.0.2.1", EVENT)
        assert found is not None
        city = found.city if found.city.casefold() != "kochi" else "Kochi"
        assert (found.country, found.state, city, found.marks) == expected


def test_addresses_of_anonymisers_are_marked_and_what_lists_say_of_them_stays_beside() -> None:
    exits = read(["192.0.2.7,,,,"])
    known = Feeds(
        [
            Feed("places", date(2026, 1, 1), read(["192.0.2.0/24,SC"])),
            Feed("exits", date(2026, 6, 1), exits, until=date(2026, 7, 1), kind=ListKind.ANONYMISERS),
            Feed("machines", date(2026, 6, 1), read(["203.0.113.0/24"]), kind=ListKind.HOSTING),
        ]
    )
    marked = known.at("192.0.2.7", EVENT)
    assert marked is not None
    assert (marked.country, marked.marks) == ("SC", (Mark.ANONYMISER,))
    beside = known.at("192.0.2.8", EVENT)
    assert beside is not None
    assert beside.marks == ()
    hosted = known.at("203.0.113.1", EVENT)
    assert hosted is not None
    assert (hosted.country, hosted.marks) == ("", (Mark.HOSTING,))
    # Before the first list of exits it is the best there is; after its last day it says nothing.
    for when, marks in ((datetime(2026, 2, 1, tzinfo=UTC), (Mark.ANONYMISER,)), (datetime(2026, 8, 1, tzinfo=UTC), ())):
        found = known.at("192.0.2.7", when)
        assert found is not None
        assert found.marks == marks
