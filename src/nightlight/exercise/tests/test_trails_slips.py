# SPDX-License-Identifier: Apache-2.0
"""The hardest people of the demo are added behind all others, slip once, and the operator's answer names their line."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest

from nightlight.exercise import slips
from nightlight.exercise.networks import ANONYMISER, MOBILES, Line
from nightlight.exercise.reports import INDIA, write_file_details, write_report
from nightlight.exercise.slips import MOBILE, Slip
from nightlight.exercise.world import STANDING_NOW, World, build

if TYPE_CHECKING:
    from pathlib import Path

    from nightlight.exercise.slips import Walk


@pytest.fixture(scope="module")
def world() -> World:
    return build(11, 60)


@pytest.fixture(scope="module")
def found() -> dict[Slip, Walk]:
    return {walk.case: walk for walk in slips.walks(11, STANDING_NOW)}


def test_nothing_that_was_there_changes(world: World) -> None:
    more = slips.add(world)
    count = len(world.reports)
    assert more.reports[:count] == world.reports
    assert [one.order for one in more.reports] == list(range(count + 4))
    assert more.people[: len(world.people)] == world.people
    for name in ("people", "planted", "events", "parties", "places"):
        old = getattr(world.truth, name)
        assert getattr(more.truth, name)[: len(old)] == old
    assert {one.name: len(one.reports) for one in more.truth.planted if one.name in set(Slip)} == dict.fromkeys(Slip, 2)


def test_the_same_arguments_give_the_same_people() -> None:
    assert slips.walks(5, STANDING_NOW) == slips.walks(5, STANDING_NOW)
    assert slips.walks(5, STANDING_NOW) != slips.walks(6, STANDING_NOW)


@pytest.mark.parametrize("case", list(Slip))
def test_all_but_one_event_come_from_the_anonymiser(found: dict[Slip, Walk], case: Slip) -> None:
    walk = found[case]
    events = [event for report in walk.reports for event in report.reported[0].events]
    bare = [event for event in events if ip_address(event.address) not in ANONYMISER.block]
    assert len(events) == 2 * slips.EVENTS + 4
    (slip,) = bare
    assert (slip.address, slip.at, slip.port) == (walk.address, walk.at, walk.stated_port)
    assert slip.proxy is None
    moments = [event.at for event in events if event.at is not None]
    assert max(moments) - min(moments) > timedelta(days=60)
    assert len({report.reporter for report in walk.reports}) == 2
    devices = [device for report in walk.reports for device in report.reported[0].devices]
    assert len({device.value for device in devices}) == 1
    assert all(report.reported[0].devices for report in walk.reports)
    assert walk.at in {device.at for device in devices}
    assert (walk.stated_port is None) == (case is Slip.WITHOUT_PORT)
    assert len(walk.events) == len(events)


def test_the_line_held_address_and_port_and_nobody_of_a_world_has_it(found: dict[Slip, Walk]) -> None:
    lines = set()
    for walk in found.values():
        address, ports = MOBILE.held_by(walk.person.mobile.subscriber, walk.at)
        assert (address, walk.port in ports, walk.line) == (walk.address, True, walk.person.mobile.key)
        lines.add(walk.line)
    others = {one.mobile.key for one in build(11, 600).people}
    assert len(lines) == 2
    assert not lines & others


def test_operators_answers_agree_with_who_held_what() -> None:
    for network in MOBILES[:2]:
        at = STANDING_NOW - timedelta(days=9, minutes=7)
        for number in (0, 61, 62, 700, network.capacity - 1):
            address, ports = network.held_by(number, at)
            (entry,) = slips.leases(network, address, ports[5], (at, at), {})
            assert entry.subscriber.account == Line(network, number).key
            assert entry.start <= at.timestamp() < entry.end
            assert entry.ports == (ports[0], ports[-1])


def test_answers_are_written_for_uploading(found: dict[Slip, Walk], tmp_path: Path) -> None:
    written = slips.write_returns(tmp_path, 11, STANDING_NOW)
    assert Counter(one.case for one in written) == {Slip.WITH_PORT: 1, Slip.WITHOUT_PORT: 2}
    for one in written:
        walk = found[one.case]
        rows = [row for row in csv.reader(one.path.read_text().splitlines()) if len(row) == 15][1:]
        names = [row[0] for row in rows if _covers(row, walk.at) and _has(row[9], walk.port)]
        assert names == [f"{walk.person.first_name} {walk.person.last_name}"]
        everybody = {row[6] for row in rows if _covers(row, walk.at)}
        assert len(everybody) == (62 if "all" in one.path.name else 1)


def test_the_reports_can_be_written_and_say_who_is_who(world: World, found: dict[Slip, Walk]) -> None:
    more = slips.add(world)
    for walk in found.values():
        for report in walk.reports:
            assert b"ipCaptureEvent" in write_report(report, {})
            assert write_file_details(report, report.files[0], 1, "ab")
            assert report.at < STANDING_NOW
        (true,) = [one for one in more.truth.people if one.key == walk.person.key]
        assert true.reports == tuple(report.key for report in walk.reports)
        assert {one.who for one in more.truth.parties if one.report in true.reports} == {walk.person.key}


def _covers(row: list[str], at: datetime) -> bool:
    start, end = (
        datetime.strptime(f"{day} {clock}", "%d/%m/%Y %H:%M:%S").replace(tzinfo=INDIA)
        for day, clock in ((row[12], row[10]), (row[13], row[11]))
    )
    return start <= at < end


def _has(ports: str, port: int) -> bool:
    low, high = (int(part) for part in ports.split("-"))
    return low <= port <= high


def test_the_two_share_no_exit_so_that_nobody_takes_them_for_one_person() -> None:
    for seed in (7, 11):
        first, second = (
            {event.address for report in walk.reports for event in report.reported[0].events}
            for walk in slips.walks(seed, STANDING_NOW)
        )
        assert len(first) > 5 and first.isdisjoint(second)
