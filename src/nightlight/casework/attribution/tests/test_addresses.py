# SPDX-License-Identifier: Apache-2.0
"""Addresses as people and programs write them: read in one way, or refused by name; in batches as one by one."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nightlight.casework.attribution import batches
from nightlight.casework.attribution.addresses import Address, Notation, NotRead, Trouble, read_address, read_port
from nightlight.pipeline.tips.values import read_network_event

REFUSED = [
    ("", Trouble.EMPTY, ()),
    (" \t ", Trouble.EMPTY, ()),
    ('""', Trouble.EMPTY, ()),
    ("192.0.2.010", Trouble.LEADING_ZERO, ("192.0.2.10", "192.0.2.8")),
    ("192.0.2.08", Trouble.LEADING_ZERO, ("192.0.2.8",)),  # no octal number has an 8
    ("0300.0000.0002.0001", Trouble.LEADING_ZERO, ("192.0.2.1",)),
    ("00", Trouble.LEADING_ZERO, ("0.0.0.0",)),  # noqa: S104
    ("3221225985", Trouble.NUMBER, ("192.0.2.1", "1.2.0.192")),
    ("0xC0000201", Trouble.NUMBER, ("192.0.2.1", "1.2.0.192")),
    ("4294967296", Trouble.OUT_OF_RANGE, ()),
    ("192.2", Trouble.SHORTENED, ("192.0.0.2",)),
    ("192.0.2", Trouble.SHORTENED, ("192.0.0.2",)),
    ("0xC0.0.2.1", Trouble.MIXED_BASES, ("192.0.2.1",)),
    ("192.0.2.256", Trouble.OUT_OF_RANGE, ()),
    ("0xC0.0x00.0x02.0x100", Trouble.OUT_OF_RANGE, ()),
    ("192.0.2.0/24", Trouble.A_NETWORK, ()),
    ("2001:db8::/32", Trouble.A_NETWORK, ()),
    ("192.0.2.1 (mobile)", Trouble.TRAILING_TEXT, ("192.0.2.1",)),
    ("192.0.2.1%2", Trouble.TRAILING_TEXT, ("192.0.2.1",)),
    ("fe80::1%", Trouble.TRAILING_TEXT, ("fe80::1",)),
    ("fe80::1%\x00", Trouble.TRAILING_TEXT, ("fe80::1",)),
    ("192.0.2.1, 198.51.100.7", Trouble.SEVERAL, ("192.0.2.1", "198.51.100.7")),
    ("192.0.2.1\n198.51.100.7", Trouble.SEVERAL, ("192.0.2.1", "198.51.100.7")),
    ("2001:db8:1:2:3:4:5:6:443", Trouble.PORT_OR_GROUP, ("2001:db8:1:2:3:4:5:6",)),
    ("\u0661\u0669\u0662.0.2.1", Trouble.NOT_ASCII, ()),
    ("192\u30020.2.1", Trouble.NOT_ASCII, ()),
    ("192. 0.2.1", Trouble.NOT_AN_ADDRESS, ()),
    ("1.2.3.4.5", Trouble.NOT_AN_ADDRESS, ()),
    ("12:30:15", Trouble.NOT_AN_ADDRESS, ()),
    (":::", Trouble.NOT_AN_ADDRESS, ()),
    ("2001:db8::12345", Trouble.NOT_AN_ADDRESS, ()),
    ("example.org", Trouble.NOT_AN_ADDRESS, ()),
    ("\x00", Trouble.NOT_AN_ADDRESS, ()),
    ("1" * 201, Trouble.TOO_LONG, ()),
]

READ = [
    ("192.0.2.1", "192.0.2.1", (Notation.DOTTED,)),
    (" 192.0.2.1\r\n", "192.0.2.1", (Notation.DOTTED,)),
    ("2001:DB8:0:0:0:0:0:1", "2001:db8::1", (Notation.IPV6,)),
    ("2001:0db8::0001", "2001:db8::1", (Notation.IPV6,)),
    ("64:ff9b::192.0.2.33", "64:ff9b::c000:221", (Notation.IPV6,)),
    ("2001:db8::1:443", "2001:db8::1:443", (Notation.IPV6,)),
    ("::ffff:192.0.2.1", "192.0.2.1", (Notation.MAPPED,)),
    ("::FFFF:C000:201", "192.0.2.1", (Notation.MAPPED,)),
    ("fe80::1%eth0", "fe80::1", (Notation.ZONE, Notation.IPV6)),
    ("192.0.2.7:5060", "192.0.2.7", (Notation.PORT, Notation.DOTTED)),
    ("[2001:db8::1]:443", "2001:db8::1", (Notation.PORT, Notation.IPV6)),
    ("[fe80::1%en0]:443", "fe80::1", (Notation.PORT, Notation.ZONE, Notation.IPV6)),
    ("[::ffff:192.0.2.1]:443", "192.0.2.1", (Notation.PORT, Notation.MAPPED)),
    ("[2001:db8::1]", "2001:db8::1", (Notation.WRAPPED, Notation.IPV6)),
    ('"192.0.2.1"', "192.0.2.1", (Notation.WRAPPED, Notation.DOTTED)),
    ("'192.0.2.1:80'", "192.0.2.1", (Notation.WRAPPED, Notation.PORT, Notation.DOTTED)),
    ("\u201c192.0.2.1\u201d", "192.0.2.1", (Notation.WRAPPED, Notation.DOTTED)),
    ("<192.0.2.1>", "192.0.2.1", (Notation.WRAPPED, Notation.DOTTED)),
    ("192[.]0[.]2[.]1", "192.0.2.1", (Notation.DEFANGED, Notation.DOTTED)),
    ("192.0.2[.]1", "192.0.2.1", (Notation.DEFANGED, Notation.DOTTED)),
    ("192(dot)0(dot)2(dot)1", "192.0.2.1", (Notation.DEFANGED, Notation.DOTTED)),
    ("2001[:]db8[:][:]1", "2001:db8::1", (Notation.DEFANGED, Notation.IPV6)),
    ("192.0.2.1/32", "192.0.2.1", (Notation.SINGLE, Notation.DOTTED)),
    ("2001:db8::1/128", "2001:db8::1", (Notation.SINGLE, Notation.IPV6)),
    ("0xC0.0x00.0x02.0x01", "192.0.2.1", (Notation.DOTTED_HEX,)),
]


@pytest.mark.parametrize(("text", "trouble", "could_be"), REFUSED)
def test_what_can_be_read_in_two_ways_or_none_is_refused_by_name(
    text: str, trouble: Trouble, could_be: tuple[str, ...]
) -> None:
    assert read_address(text) == NotRead(text, trouble, could_be)


@pytest.mark.parametrize(("text", "canonical", "notations"), READ)
def test_it_says_which_notation_an_address_was_read_from(
    text: str, canonical: str, notations: tuple[Notation, ...]
) -> None:
    found = read_address(text)
    assert isinstance(found, Address)
    assert (found.text, found.notations, found.as_sent) == (canonical, notations, text)
    assert found.number == int(IPv4Address(canonical) if found.version == 4 else IPv6Address(canonical))


def test_numbers_are_read_only_where_the_layout_says_so() -> None:
    for text, notation in (("3221225985", Notation.NUMBER), ("0xC0000201", Notation.HEX)):
        found = read_address(text, numbers=True)
        assert isinstance(found, Address)
        assert (found.text, found.notations) == ("192.0.2.1", (notation,))
    assert read_address("0300000001", numbers=True) == NotRead(
        "0300000001", Trouble.LEADING_ZERO, ("17.225.163.1", "1.163.225.17")
    )


@pytest.mark.parametrize(
    ("port", "trouble"),
    [
        ("0", Trouble.PORT_ZERO),
        ("000", Trouble.PORT_ZERO),
        ("70000", Trouble.PORT_TOO_HIGH),
        ("65536", Trouble.PORT_TOO_HIGH),
        ("9" * 60, Trouble.PORT_TOO_HIGH),
        ("", Trouble.PORT_UNREADABLE),
        ("-1", Trouble.PORT_UNREADABLE),
        ("80a", Trouble.PORT_UNREADABLE),
        ("\u0668\u0660", Trouble.PORT_UNREADABLE),
    ],
)
def test_a_port_that_is_none_is_named_and_the_address_kept(port: str, trouble: Trouble) -> None:
    assert read_port(port) is trouble
    if port.isascii():
        found = read_address(f"192.0.2.1:{port}")
        assert isinstance(found, Address)
        assert (found.text, found.port, found.port_as_sent, found.port_trouble) == ("192.0.2.1", None, port, trouble)


def test_ports_and_zones_are_kept() -> None:
    found = read_address("[fe80::1%eth0]:65535")
    assert isinstance(found, Address)
    assert (found.port, found.port_as_sent, found.zone) == (65535, "65535", "eth0")
    assert read_port(" 1 ") == 1


fours, sixes = st.ip_addresses(v=4).map(str), st.ip_addresses(v=6)
written = st.one_of(
    fours,
    sixes.map(str),
    sixes.map(lambda address: address.exploded.upper()),
    fours.map(lambda address: f"::ffff:{address}"),
    fours.map(lambda address: f"2001:db8::{address}"),
    st.builds("{}:{}".format, fours, st.integers(0, 70000)),
    st.builds("[{}]:{}".format, sixes, st.integers(0, 70000)),
)


@given(written)
def test_tips_read_the_same_address_and_port(text: str) -> None:
    found, event = read_address(text), read_network_event(text, "x")
    assert isinstance(found, Address)
    assert (found.text, found.version, found.port) == (event.address, event.version, event.port)


near = st.text("0123456789abcdefxX.:[]%/ \n\t\"'", max_size=24)
spoilt = st.builds(
    lambda text, place, piece: text[: place % (len(text) + 1)] + piece + text[place % (len(text) + 1) :],
    written,
    st.integers(0, 60),
    near.filter(lambda piece: len(piece) < 4),
)


@settings(deadline=None, max_examples=150)
@given(st.lists(st.one_of(written, near, spoilt, st.text(max_size=6)), max_size=12), st.booleans())
@example(["192.0.2.1\n", "192.0.2.1", ""], False)
@example(["1.2.3.4\n5.6.7.8", "\n"], False)
@example(["256.1.1.1", "01.1.1.1", "1.1.1.1:080", "1.1.1.1:65536", "1.1.1.1:", "::1.2.3", "1::2::3", "::1:"], False)
@example(["1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8::", "1::2:3:4:5:6:7:8", "::", ":", ""], False)
@example(["1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:7:1.2.3.4", "::1.2.3.4:5", "1.2.3.4\x00", "\ud800", "é"], False)
@example(["3221225985", "0xC0000201"], True)
def test_a_batch_reads_as_one_by_one(texts: list[str], numbers: bool) -> None:
    for compiled in (False, None):
        found = batches.parse_many(texts, numbers=numbers, compiled=compiled)
        for row, text in enumerate(texts):
            alone = read_address(text, numbers=numbers)
            if isinstance(alone, NotRead):
                assert (found.version[row], batches.TROUBLES[found.trouble[row]]) == (0, alone.trouble)
                assert found.text(row) == ""
                continue
            assert (found.version[row], found.text(row)) == (alone.version, alone.text)
            assert batches.NOTATIONS[found.notation[row]] is alone.notations[0]
            assert found.port[row] == (-1 if alone.port is None else alone.port)
            assert batches.TROUBLES[found.trouble[row]] is alone.port_trouble
            if alone.version == 4:
                assert (found.high[row], found.low[row]) == (0, 0)


def test_an_empty_batch_is_one() -> None:
    assert [len(column) for column in batches.parse_many([])] == [0] * 7
