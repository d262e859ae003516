# SPDX-License-Identifier: Apache-2.0
"""Where the exercise's people live is true, told apart from what operators say, and changes nothing else in a world."""

from __future__ import annotations

import csv
import io
from ipaddress import ip_address, ip_network

from nightlight.exercise import names, places
from nightlight.exercise.networks import HOMES
from nightlight.exercise.plan import Ending
from nightlight.exercise.world import build


def _lines(data: bytes) -> list[list[str]]:
    return [row for row in csv.reader(io.StringIO(data.decode())) if row and not row[0].startswith("#")]


def test_every_town_has_a_state_and_every_indian_town_a_district() -> None:
    regions = {region for towns in names.TOWNS.values() for _, region, _ in towns}
    assert regions == places.STATES.keys()
    assert places.DISTRICTS.keys() == {city for city, _, _ in names.TOWNS["IN"]}
    codes = [one.code for one in places.DISTRICTS.values()]
    assert len(set(codes)) == len(codes)
    header, *rows = _lines(places.district_list())
    assert header == ["code", "name", "state", "aliases", "pins"] and len(rows) == len(codes)


def test_each_person_of_each_report_lives_somewhere() -> None:
    world = build(5, 150)
    people = {one.key: one for one in world.people}
    told = [(one.report, one.person) for one in world.truth.places]
    assert told == [(report.key, who) for report in world.reports for who in report.people]
    for one in world.truth.places:
        person = people[one.person]
        assert one.country == person.country
        assert one.state == places.STATES[person.postal.region]
        assert bool(one.district) is (person.country == "IN")


def test_operators_are_mostly_right_and_not_always() -> None:
    wrong = whole = 0
    for seed in range(6):
        world = build(seed, 400)
        said = places.network_places(seed, world.people)
        assert said == places.network_places(seed, world.people)
        towns = {prefix: (region, city) for prefix, _, region, city, _ in _lines(said) if region}
        assert len(towns) == len([row for row in _lines(said) if row[2]])  # each prefix once
        for prefix, (region, city) in towns.items():
            lives = {
                (places.STATES[one.postal.region], one.postal.city)
                for one in world.people
                if one.home and str(one.home.network.delegated_to(one.home.subscriber)) == prefix
            }
            assert lives
            whole += 1
            wrong += not any(region == state and city in ("", town) for state, town in lives)
    assert 0.01 < wrong / whole < 0.1


def test_every_line_is_about_addresses_of_the_exercise() -> None:
    blocks = [ip_network(one) for one in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")]
    for data in (places.network_places(3, build(3, 60).people), places.anonymisers()):
        for prefix, *_ in _lines(data):
            network = ip_network(prefix)
            assert any(network.version == block.version and network.subnet_of(block) for block in blocks)  # type: ignore[arg-type]
    assert any(str(net.block) in places.network_places(3, ()).decode() for net in HOMES)
    assert ip_address("192.0.2.130") in ip_network(_lines(places.anonymisers())[0][0])


def test_what_is_clearly_in_a_district_is_received_and_names_no_child() -> None:
    pune = places.DISTRICTS["Pune"].code
    world = build(7, 560)
    by_key, lives = {one.key: one for one in world.reports}, {one.report: one for one in world.truth.places}
    found = places.clearly_in(pune, world.reports)
    assert found
    for key in found:
        assert by_key[key].ending is Ending.FINISHED and not by_key[key].victims
    # Those with a postal address come first, and live there; an estimate may be wrong.
    assert lives[found[0]].district == pune
