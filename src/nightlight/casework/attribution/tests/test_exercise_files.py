# SPDX-License-Identifier: Apache-2.0
"""What the exercise writes for a unit can be read by what reads such files: operators, lists, networks."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest

from nightlight.casework.attribution.netdata.kinds import About, ListKind
from nightlight.casework.attribution.netdata.reading.networks import read_networks, read_numbers
from nightlight.casework.attribution.netdata.reading.prefixes import read_prefixes
from nightlight.casework.attribution.netdata.reading.tor import read_tor_exits
from nightlight.casework.attribution.operators import By, Known
from nightlight.casework.attribution.operators_reading import DirectoryRefused, read_directory, shipped
from nightlight.exercise import netlists
from nightlight.exercise.carriers import CARRIERS, SERVES_PEOPLE, TRANSFERRED, Books
from nightlight.exercise.directory import operator_directory
from nightlight.exercise.exits import Exits
from nightlight.exercise.networks import HOMES, MOBILES
from nightlight.exercise.trails import DAYS, STANDING_NOW


@pytest.fixture(scope="module")
def books() -> Books:
    return Books(1, STANDING_NOW, DAYS)


def test_the_directory_names_the_holder_of_every_network_as_of_the_day(books: Books) -> None:
    directory = read_directory(operator_directory(STANDING_NOW))
    for days in (0, 99, 101, 180):
        at = STANDING_NOW - timedelta(days=days)
        for block, carrier in netlists.ranges(books, int(at.timestamp())):
            if carrier.access in SERVES_PEOPLE:
                chosen = directory.holder(carrier.asn, str(block[3]), at)
                assert chosen.operator is not None
                assert (chosen.operator.code, chosen.operator.exercise) == (carrier.key, True)
    assert directory.holder(64496, str(TRANSFERRED[9]), STANDING_NOW).by is By.PREFIX


def test_the_directory_states_among_how_many_an_operator_deals_its_addresses(books: Books) -> None:
    directory = read_directory(operator_directory(STANDING_NOW))
    stated = {one.code: one.subscribers for one in directory.operators if one.subscribers is not None}
    assert stated == {one.key: books.capacity(one) for one in CARRIERS if one.access in SERVES_PEOPLE}
    wrong = operator_directory(STANDING_NOW).replace("subscribers = ", "subscribers = -", 1)
    with pytest.raises(DirectoryRefused, match="subscribers"):
        read_directory(wrong)


def test_the_directory_agrees_with_the_networks_of_the_filed_world() -> None:
    directory = read_directory(operator_directory(STANDING_NOW))
    numbers = {carrier.key: carrier.asn for carrier in CARRIERS}
    for network in (*HOMES, *MOBILES):
        chosen = directory.holder(numbers[network.key], str(network.block[1]), STANDING_NOW)
        assert chosen.operator is not None
        assert (chosen.operator.code, chosen.operator.name) == (network.key, network.name)
        if network in MOBILES:
            assert (chosen.operator.shares_addresses, chosen.operator.port_block) == (Known.YES, 1024)


def test_every_list_is_read_without_a_bad_line(books: Books) -> None:
    exits = Exits.of(books)
    seen = set()
    for one in (*netlists.published(books), *netlists.tor_lists(books, exits, every=30 * 86_400)):
        kind, stream = ListKind(one.kind), io.BytesIO(one.text.encode())
        seen.add(kind)
        if kind in {ListKind.NETWORKS, ListKind.COUNTRIES}:
            networks = read_networks(stream)
            found, overlaps = len(networks.entries), int(kind is ListKind.NETWORKS)
            assert len(networks.tally.problems) == overlaps, one.file  # the planted overlap
        elif kind is ListKind.TOR_EXIT:
            found = len(read_tor_exits(stream).entries)
        elif one.text.startswith("ASN,"):
            found = len(read_numbers(stream).entries)
        else:
            about = About.NUMBERS if kind.meaning.about is About.NUMBERS else About.ADDRESSES
            listed = read_prefixes(stream, about)
            found = len(listed.entries)
            assert not listed.tally.problems
        lines = [line for line in one.text.splitlines() if line and not line.startswith(("#", "start,", "ASN,"))]
        assert found == len(lines), one.file
    assert len(seen) == 9


def test_the_directory_that_shows_the_form_names_the_same_operators() -> None:
    made = read_directory(operator_directory(STANDING_NOW))
    shown = [one for one in shipped("exercise").operators if made.with_code(one.code) is not None]
    assert len(shown) > 5
    for one in shown:
        other = made.with_code(one.code)
        assert other is not None
        assert one.name == other.name
        assert {number for number, _ in other.networks} <= {number for number, _ in one.networks}
        assert one.port_block == other.port_block
