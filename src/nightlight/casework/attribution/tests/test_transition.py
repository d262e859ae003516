# SPDX-License-Identifier: Apache-2.0
"""What IPv6 addresses carry, by the examples of the documents that define them."""

from __future__ import annotations

from ipaddress import IPv6Address

import pytest

from nightlight.casework.attribution.kinds import Transition
from nightlight.casework.attribution.transition import (
    Inside,
    Interface,
    InterfaceId,
    embedded,
    interface_of,
    prefix_of,
    transition_of,
)


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("2001:db8::1", Inside(Transition.NONE)),
        ("2001:1::1", Inside(Transition.NONE)),  # not Teredo: its first 32 bits are others
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", Inside(Transition.TEREDO, "192.0.2.45", 40000)),  # RFC 4380, 5.1
        ("2001:0:4136:e378:8000:ffff:3fff:fdd2", Inside(Transition.TEREDO, "192.0.2.45")),  # no port is 0
        ("2002:c000:204::1", Inside(Transition.SIX_TO_FOUR, "192.0.2.4")),
        ("64:ff9b::c000:221", Inside(Transition.NAT64, "192.0.2.33")),  # RFC 6052, 2.4
        ("64:ff9b:1::c000:221", Inside(Transition.NAT64)),  # RFC 8215: its own network knows where
        ("64:ff9b::1:c000:221", Inside(Transition.NONE)),  # outside the /96
    ],
)
def test_the_inner_address(address: str, inside: Inside) -> None:
    assert transition_of(IPv6Address(address)) == inside


@pytest.mark.parametrize(
    ("address", "length"),
    [  # RFC 6052, table 2
        ("2001:db8:c000:221::", 32),
        ("2001:db8:1c0:2:21::", 40),
        ("2001:db8:122:c000:2:2100::", 48),
        ("2001:db8:122:3c0:0:221::", 56),
        ("2001:db8:122:344:c0:2:2100::", 64),
        ("2001:db8:122:344::192.0.2.33", 96),
    ],
)
def test_a_prefix_of_its_own_network(address: str, length: int) -> None:
    assert embedded(IPv6Address(address), length) == "192.0.2.33"


def test_a_prefix_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="33 bits"):
        embedded(IPv6Address("2001:db8::"), 33)
    with pytest.raises(ValueError, match="zero"):
        embedded(IPv6Address("2001:db8:122:344:1c0:2:2100::"), 64)


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("2001:db8:40:1:3c1f:8ff:fe12:3456", InterfaceId(Interface.MAC, "3e:1f:08:12:34:56")),
        ("2001:db8::1", InterfaceId(Interface.COUNTED)),
        ("2001:db8::5efe:c000:204", InterfaceId(Interface.ISATAP, "192.0.2.4")),
        ("2001:db8::200:5efe:c000:204", InterfaceId(Interface.ISATAP, "192.0.2.4")),
        ("2001:db8::d5a2:77c1:9b3e:41f0", InterfaceId(Interface.OTHER)),
    ],
)
def test_the_last_64_bits(address: str, found: InterfaceId) -> None:
    assert interface_of(IPv6Address(address)) == found


def test_prefixes() -> None:
    assert prefix_of(IPv6Address("2001:db8:1:2ff::9"), 64) == "2001:db8:1:2ff::/64"
    assert prefix_of(IPv6Address("2001:db8:1:2ff::9"), 56) == "2001:db8:1:200::/56"
