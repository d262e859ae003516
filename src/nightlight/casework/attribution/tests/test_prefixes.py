# SPDX-License-Identifier: Apache-2.0
"""Prefixes are compared in the bits that are said, and only a real hardware address links networks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import IPv6Address, IPv6Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightlight.casework.attribution.prefixes import (
    Unit,
    across_networks,
    agree,
    hardware,
    networks_of,
    prefix,
    stability,
)

START = datetime(2026, 3, 2, tzinfo=UTC)
MAC = "0200:5eff:fe00:5301"  # 00-00-5E-00-53-01, of the documentation range (RFC 7042)
ADDRESSES = st.integers(0x20010DB8 << 96, (0x20010DB9 << 96) - 1).map(lambda number: str(IPv6Address(number)))


@pytest.mark.parametrize(("address", "length"), [("192.0.2.1", 64), ("no address", 64), ("2001:db8::", 129)])
def test_what_has_no_prefix_is_refused(address: str, length: int) -> None:
    with pytest.raises(ValueError, match=r".+"):
        prefix(address, length)


@pytest.mark.parametrize(
    ("one", "other", "unit"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::", Unit.LINK),
        ("2001:db8:1:200::1", "2001:db8:1:2ff::1", Unit.HOME),
        ("2001:db8:1:200::1", "2001:db8:1:300::1", Unit.SITE),
        ("2001:db8:1::", "2001:db8:2::", None),
    ],
)
def test_the_longest_common_unit_is_said(one: str, other: str, unit: Unit | None) -> None:
    assert agree(one, other) is unit
    assert agree(other, one) is unit


@given(ADDRESSES, ADDRESSES)
def test_units_agree_with_networks(one: str, other: str) -> None:
    same = [unit for unit in Unit if IPv6Address(other) in IPv6Network(prefix(one, unit))]
    assert agree(one, other) is (max(same) if same else None)


def test_only_a_universal_hardware_address_of_one_device_counts() -> None:
    assert hardware(f"2001:db8:1:2:{MAC}") == "00:00:5e:00:53:01"
    for no in (
        "2001:db8::1",
        "2001:db8::5efe:192.0.2.1",
        "2001:db8:1:2:8c1d:77ff:ab12:9",
        "2001:db8::5eff:fe00:5301",  # its universal bit says it is made up
        "2001:db8::300:5eff:fe00:5301",  # of a group
        "2001:db8::200:ff:fe00:0",  # nothing but zeros
        "2001:db8::211:22ff:fe33:4455",  # what samples carry
    ):
        assert hardware(no) is None, no


@given(st.lists(ADDRESSES, max_size=8), st.integers(1, 5))
def test_a_device_is_linked_only_across_networks(random: list[str], networks: int) -> None:
    carried = [f"2001:db8:aaaa:{n}:{MAC}" for n in range(1, networks + 1)]
    found = across_networks([*random, *carried, *carried])
    expected = tuple(f"2001:db8:aaaa:{n}::/64" for n in range(1, networks + 1))
    assert found.get("00:00:5e:00:53:01", ()) == (expected if networks > 1 else ())


def test_stability_tells_a_steady_prefix_from_one_that_changes_and_returns() -> None:
    a, b = "2001:db8:1:1::", "2001:db8:1:2::"
    steady = stability([(f"{a}{n}", START + timedelta(days=n)) for n in range(1, 5)])
    assert (steady.steady, steady.changes, steady.stretches[0].days) == (True, 0, 4)
    seen = [(f"{text}1", START + timedelta(days=n)) for n, text in enumerate((a, a, b, a))]
    moved = stability(reversed(seen))
    assert (moved.steady, moved.changes, moved.returned) == (False, 2, (f"{a}/64",))
    assert [stretch.count for stretch in moved.stretches] == [2, 1, 1]
    assert stability(seen, Unit.HOME).steady
    assert stability([]).stretches == ()


def test_what_carries_an_ipv4_address_is_that_line_and_not_its_servers() -> None:
    one, other = "2001:0:c000:201:8000:e79f:34ff:8efa", "2001:0:c000:201:8000:f05f:39cc:9bf8"
    assert (prefix(one), prefix(other)) == ("203.0.113.5", "198.51.100.7")
    assert agree(one, other) is None
    assert agree("64:ff9b::cb00:7105", "64:ff9b::c633:6407") is None
    assert agree("64:ff9b::cb00:7105", "2002:cb00:7105::1") is Unit.LINK
    assert agree("64:ff9b:1::1", "64:ff9b:1::2") is None
    assert networks_of("2002:c633:6407::1") == networks_of(None, "198[.]51[.]100[.]7") == {"198.51.100.7"}
    assert "8.0.0.1" in networks_of(None, "010.0.0.1")
    assert hardware("2001:0:c000:201:0:edff:fe21:4365") is None
