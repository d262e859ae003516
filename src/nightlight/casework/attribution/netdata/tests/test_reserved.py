# SPDX-License-Identifier: Apache-2.0
"""The special-purpose registries agree with those that Python carries, and with themselves."""

from __future__ import annotations

import pytest

from nightlight.casework.attribution.netdata.reserved import BLOCKS, NotDocumentation, block_of, exercise_networks


def test_each_block_is_a_prefix_with_a_document_and_stands_once() -> None:
    networks = [block.network for block in BLOCKS]  # raises for bits behind a prefix
    assert len(set(networks)) == len(networks)
    assert all(block.document.startswith("RFC ") for block in BLOCKS)


def test_what_python_calls_private_is_in_a_block_and_what_it_calls_global_is_not_reserved() -> None:
    """Python's lists are of the same registries, some years older; what is reached from everywhere differs by year."""
    for block in BLOCKS:
        for address in (block.network.network_address, block.network.broadcast_address):
            smallest = block_of(str(address))
            assert smallest is not None
            assert smallest.network.prefixlen >= block.network.prefixlen
            if address.is_private:
                assert not smallest.routable or smallest.document in {"RFC 7723", "RFC 8155", *_NEWER}, address


_NEWER = {"RFC 4380", "RFC 7343", "RFC 7535", "RFC 7450", "RFC 9374", "RFC 9665"}  # inside 2001::/23, of later years


@pytest.mark.parametrize(
    ("address", "document"),
    [
        ("100.64.0.0", "RFC 6598"),
        ("100.127.255.255", "RFC 6598"),
        ("192.0.2.1", "RFC 5737"),
        ("0.0.0.0", "RFC 1122"),  # noqa: S104
        ("255.255.255.255", "RFC 919"),
        ("fd00::1", "RFC 4193"),
        ("fe80::1", "RFC 4291"),
        ("2001:db8::1", "RFC 3849"),
        ("3fff:fff::1", "RFC 9637"),
        ("abcd::1", "RFC 4291"),
    ],
)
def test_the_smallest_block_says_what_an_address_is(address: str, document: str) -> None:
    block = block_of(address)
    assert block is not None
    assert (block.document, block.routable) == (document, False)


def test_ordinary_addresses_are_in_no_block() -> None:
    assert [block_of(address) for address in ("100.63.255.255", "100.128.0.0", "9.9.9.9", "2620:fe::fe")] == [None] * 4


def test_an_exercise_may_use_documentation_alone() -> None:
    for prefix in ("10.0.0.0/8", "100.64.0.0/10", "192.0.2.0/23", "8.8.8.0/24", "2001:db8::/31", "0.0.0.0/0"):
        with pytest.raises(NotDocumentation, match="set aside"):
            exercise_networks((prefix,))
    assert len(exercise_networks(("192.0.2.0/24", "203.0.113.128/25", "2001:db8:40::/48"))) == 3
