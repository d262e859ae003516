# SPDX-License-Identifier: Apache-2.0
"""The trails repeat, their operators never give one seat to two, and their lists are as wrong as they say."""

from __future__ import annotations

import csv
import io
import itertools
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightlight.exercise import habits, netlists, returns, trails
from nightlight.exercise.carriers import (
    BY_KEY,
    CARRIERS,
    DAY,
    SERVES_PEOPLE,
    TRANSFERRED,
    Access,
    Books,
    Carrier,
    Layout,
    Subscriber,
)
from nightlight.exercise.plotting import Writing, write
from nightlight.exercise.returns import Asked, Flaw

if TYPE_CHECKING:
    from pathlib import Path

    from nightlight.exercise.trails import Trails

ALLOWED = [ip_network(block) for block in netlists.EXERCISE]
PEOPLE = [carrier for carrier in CARRIERS if carrier.access in SERVES_PEOPLE]


@pytest.fixture(scope="module")
def world() -> Trails:
    return trails.build(3, 60)


@pytest.fixture(scope="module")
def books() -> Books:
    return Books(3, trails.STANDING_NOW, trails.DAYS)


def test_a_moment_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        trails.build(1, 1, now=datetime(2026, 1, 1))  # noqa: DTZ001


def test_the_same_seed_gives_the_same_trails_and_another_seed_others(world: Trails) -> None:
    again = trails.build(3, 60)
    assert (again.records, again.truth, again.users) == (world.records, world.truth, world.users)
    assert trails.build(4, 60).records != world.records


def test_every_record_has_its_truth_and_comes_from_a_range_for_documentation(world: Trails) -> None:
    assert [one.key for one in world.records] == [one.key for one in world.truth]
    assert len(world.true) == len(world.records)
    inside = 0
    for record in world.records:
        parsed = ip_address(record.address)
        if parsed in ip_network("10.0.0.0/8"):
            inside += 1
            assert record.port is None
            continue
        assert any(parsed in block for block in ALLOWED if block.version == parsed.version)
        assert record.address == world.true[record.key].address
    assert 0 < inside < len(world.records) / 30


def test_what_is_seen_directly_is_the_lease_of_the_line(world: Trails) -> None:
    for true in world.truth:
        carrier = world.books.holder(true.address, true.at)
        assert carrier is not None
        if true.exit:
            assert BY_KEY[true.exit].asn == carrier.asn or carrier.key == "kadal"  # the exit that runs in a home
            continue
        port = None if ":" in true.address else true.port
        (lease,) = world.books.leases(carrier, true.address, true.at, true.at + 1, port)
        assert f"{carrier.key}-{lease.subscriber:05d}" == true.line


def test_all_ways_of_going_online_and_all_faults_of_platforms_occur() -> None:
    worlds = [trails.build(seed, 60) for seed in range(3)]
    assert {user.style for world in worlds for user in world.users} == set(habits.Style)
    many = [site for seed in range(30) for site in trails.build(seed, 1).sites]
    assert {site.writing for site in many} == set(Writing)
    assert {site.ports for site in many} == set(habits.Ports)
    assert any(abs(site.off) > 60 and site.stated_error is None for site in many)
    assert all(abs(site.off) <= site.stated_error for site in many if site.stated_error is not None)


def test_people_behind_a_vpn_always_never_show_their_line(world: Trails) -> None:
    always = {user.key for user in world.users if user.style is habits.Style.ALWAYS}
    slips = {user.key: user.own | user.used for user in world.users if user.style is habits.Style.SLIPS}
    assert all(one.exit for one in world.truth if one.actor in always)
    direct = [one for one in world.truth if one.actor in slips and not one.exit]
    share = len(direct) / sum(one.actor in slips for one in world.truth)
    assert 0.03 < share < 0.12
    assert all(one.line in slips[one.actor] for one in direct)


def test_a_borrowed_line_is_somebody_elses(world: Trails) -> None:
    users = {user.key: user for user in world.users}
    mine = frozenset().union(*(user.own for user in world.users))
    borrowed = [
        one
        for one in world.truth
        if users[one.actor].style is habits.Style.BORROWS
        and one.line not in users[one.actor].own | users[one.actor].used
    ]
    assert borrowed
    assert not any(one.exit for one in borrowed)
    assert not {one.line for one in borrowed} & mine


@settings(deadline=None, max_examples=25)
@given(carrier=st.sampled_from(PEOPLE), days=st.integers(0, 189), seconds=st.integers(0, DAY))
def test_no_two_subscribers_hold_a_seat_at_once(books: Books, carrier: Carrier, days: int, seconds: int) -> None:
    at = int(books.now.timestamp()) - days * DAY - seconds
    size = books.capacity(carrier)
    held = [books.held_by(carrier, number, at) for number in range(0, size, max(1, size // 60))]
    assert len({(one.address, one.port_low) for one in held}) == len(held)
    for one in held[:3]:
        assert one.start <= at < one.end
        assert books.holder(one.address, at) == carrier
        port = one.port_low if carrier.shares > 1 else None
        (found,) = books.leases(carrier, one.address, at, at + 1, port)
        assert found == one
        prefix = books.six_of(carrier, one.subscriber, at)
        if prefix is not None:
            (six,) = books.leases(carrier, str(prefix[7]), at, at + 1)
            assert (six.subscriber, six.address) == (one.subscriber, str(prefix))


@pytest.mark.parametrize("carrier", [one for one in PEOPLE if one.access is not Access.OFFICE])
def test_leases_of_an_address_follow_each_other_and_last_as_long_as_stated(books: Books, carrier: Carrier) -> None:
    at = int(books.now.timestamp()) - 40 * DAY
    seat = books.held_by(carrier, 5, at)
    port = seat.port_low if carrier.shares > 1 else None
    found = books.leases(carrier, seat.address, at - 30 * DAY, at + 30 * DAY, port)
    assert all(one.end == other.start for one, other in itertools.pairwise(found))
    if len(found) > 20:
        mean = (found[-1].end - found[0].start) / len(found)
        assert carrier.lease / 2 < mean < carrier.lease * 2


def test_a_block_changes_hands(books: Books) -> None:
    address = str(TRANSFERRED[5])
    before, after = books.holder(address, books.transferred - 1), books.holder(address, books.transferred)
    assert before is not None
    assert after is not None
    assert (before.key, after.key) == ("kadal", "malar")
    for at, key in ((books.transferred - 1, "kadal"), (books.transferred, "malar")):
        assert len(books.leases(BY_KEY[key], address, at, at + 1)) == 1
    tables = [one for one in netlists.published(books) if one.kind == "networks"]
    told = {one.as_of: f"203.0.113.160,203.0.113.191,{before.asn}," in one.text for one in tables}
    assert set(told.values()) == {True, False}
    assert all(held == (as_of.timestamp() < books.transferred) for as_of, held in told.items())


def test_the_list_of_tor_is_complete_at_each_hour_and_of_an_exit_that_moved(world: Trails) -> None:
    hours = list(netlists.tor_lists(world.books, world.exits))
    assert len({one.as_of for one in hours}) == len(hours) > 24 * 180
    listed = {int(one.as_of.timestamp()): set(one.text.split()) for one in hours}
    through = [one for one in world.truth if one.exit == "kovil-exits"]
    assert through
    assert all(one.address in listed[one.at // 3600 * 3600] for one in through)
    ever = set().union(*listed.values())
    at_home = {address for address in ever if address.startswith("203.0.113.")}
    assert at_home, "an exit at home takes its address from the operator"
    assert len(listed[max(listed)] - at_home) < len(ever - at_home)


def test_the_vpn_list_knows_three_of_four_and_some_of_them_late(books: Books) -> None:
    exits = sum(len(list(one.block)[1:-1]) for key in ("veilroute", "veilroute-two") for one in BY_KEY[key].holdings)
    shares, grown = [], 0
    for seed in range(12):
        lists = [one for one in netlists.published(Books(seed, books.now, books.days)) if one.kind == "vpn"]
        lengths = [len(one.text.splitlines()) - 2 for one in lists]
        shares.append(lengths[-1] / exits)
        grown += lengths[-1] > lengths[0]
        assert max(b.as_of - a.as_of for a, b in itertools.pairwise(lists)) <= timedelta(days=14)
    assert 0.65 < sum(shares) / len(shares) < 0.85
    assert grown > 9


def test_lists_are_written_as_files(world: Trails, tmp_path: Path) -> None:
    files = [file for _, file in netlists.write(tmp_path, world.books, world.exits)]
    assert len(files) == len(set(files)) == len(list(tmp_path.iterdir()))
    newest = max(file for file in files if file.name.startswith("networks-"))
    rows = list(csv.DictReader(newest.read_text().splitlines()))
    assert set(rows[0]) == {"start", "end", "asn", "as_name"}
    assert sum(row["start"] == "192.0.2.246" for row in rows) == 1  # the planted overlap


def rows_of(data: bytes) -> list[list[str]]:
    return [row for row in csv.reader(io.StringIO(data.decode())) if row]


def asked(world: Trails, carrier: Carrier) -> Asked:
    at = int(world.now.timestamp()) - 20 * DAY
    lease = world.books.held_by(carrier, 3, at)
    port = lease.port_low + 1 if carrier.shares > 1 else None
    return Asked(lease.address, port, at, at + 1)


@pytest.mark.parametrize("layout", list(Layout))
def test_an_answer_states_the_lease_in_the_times_of_its_layout(world: Trails, layout: Layout) -> None:
    carrier = BY_KEY["neela"]
    (entry,) = returns.entries(world.books, carrier, [asked(world, carrier)])
    header, row = rows_of(returns.answer("a", layout, [entry]).data)
    cells = dict(zip(header, row, strict=True))
    utc = datetime.fromtimestamp(entry.start, UTC)
    local = utc + timedelta(hours=5, minutes=30)
    expected = {
        Layout.IPDR: (local.strftime("%d/%m/%Y %H:%M:%S"), "IP address assigned"),
        Layout.SYSLOG: (local.strftime("%m:%d:%Y %H:%M:%S"), "Translated IP Address"),
        Layout.FLOW: (utc.strftime("%Y-%m-%d-%H:%M:%S"), "NAT IP"),
    }[layout]
    start = cells.get("Start Date & Time") or cells.get("Start Time") or " ".join(
        (cells["Start Date of IP address allocation"], cells["IST Start Time of IP address allocation"])
    )  # fmt: skip
    assert (start, cells[expected[1]]) == (expected[0], entry.address)
    assert entry.subscriber.account in row or entry.subscriber.inside in row


def test_answers_err_as_said(world: Trails) -> None:
    carrier = BY_KEY["thoni"]
    rows = returns.entries(world.books, carrier, [asked(world, carrier)]) * 5
    other = Subscriber("thoni-99999", "Somebody Else", "1 Lotus Lane", "1 Lotus Lane", "100.64.0.9")
    plain = rows_of(returns.answer("b", Layout.IPDR, rows).data)
    for flaw, more in ((Flaw.BAD_ROWS, 1), (Flaw.PREAMBLE, 2), (Flaw.FOOTER, 2), (Flaw.TWO_IN_ONE_BLOCK, 5)):
        made = returns.answer("b", Layout.IPDR, rows, {flaw}, other=other)
        assert len(rows_of(made.data)) == len(plain) + more, flaw
    assert [one.end - 600 for one in returns.answer("b", Layout.IPDR, rows, {Flaw.OVERLAP}).entries] == [
        one.end for one in rows
    ]
    assert b"No Records Found" in returns.answer("b", Layout.IPDR, rows, {Flaw.NOTHING}).data
    zone = rows_of(returns.answer("b", Layout.IPDR, rows, {Flaw.WRONG_ZONE}).data)
    assert zone[1][12] == datetime.fromtimestamp(rows[0].start, UTC).strftime("%d/%m/%Y")
    assert zone[1][10] == datetime.fromtimestamp(rows[0].start, UTC).strftime("%H:%M:%S")


def test_a_time_is_written_in_the_manner_of_the_platform() -> None:
    at = int(datetime(2026, 3, 1, 20, 0, 59, tzinfo=UTC).timestamp())
    told = {writing: write(at, writing) for writing in Writing}
    assert told == {
        Writing.ZULU: "2026-03-01T20:00:59Z",
        Writing.OFFSET: "2026-03-02T01:30:59+05:30",
        Writing.NO_ZONE: "2026-03-02T01:30:59",
        Writing.MINUTES: "2026-03-01T20:00Z",
        Writing.LYING: "2026-03-02T01:30:59Z",
    }


def test_a_home_without_a_port_is_one_subscriber_and_a_shared_address_many(world: Trails) -> None:
    found: dict[str, set[str]] = defaultdict(set)
    for key in ("kadal", "thoni", "neela"):
        carrier = BY_KEY[key]
        one = asked(world, carrier)
        for entry in returns.entries(world.books, carrier, [Asked(one.address, None, one.since, one.until)]):
            found[key].add(entry.subscriber.account)
    assert (len(found["kadal"]), len(found["thoni"]), len(found["neela"])) == (1, 16, 62)
