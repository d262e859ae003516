# SPDX-License-Identifier: Apache-2.0
"""The hard cases of who is who are there, the truth tells them apart, and partitions are measured right."""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightlight.exercise.hard import COMMON_NAME, Hard
from nightlight.exercise.measures import (
    CHILDREN,
    Node,
    at_risk_ids,
    at_risk_keys,
    pairwise,
    top_recall,
    truth_pairs,
    truth_parties,
)
from nightlight.exercise.plan import Ending, Party, PlannedReport
from nightlight.exercise.world import World, build


@pytest.fixture(scope="module")
def world() -> World:
    return build(41, 560)


def reports_of(world: World, case: Hard) -> list[PlannedReport]:
    keys = next(one.reports for one in world.truth.planted if one.name == case)
    return [one for one in world.reports if one.key in keys]


def first(reports: list[PlannedReport]) -> list[tuple[str, Party]]:
    return [(one.people[0], one.reported[0]) for one in reports if not one.batched]


def test_a_small_world_has_no_cast() -> None:
    assert not {one.name for one in build(41, 15).truth.planted} & {Hard.FAMILY, Hard.CAFE, Hard.ONE_VICTIM}


def test_every_party_is_somebody_and_the_reported_are_the_people_of_the_report(world: World) -> None:
    who = {(one.report, one.role, one.index): one.who for one in world.truth.parties}
    for report in world.reports:
        assert [who[report.key, "reported", n] for n in range(len(report.reported))] == list(report.people)
        assert all((report.key, "victim", n) in who for n in range(len(report.victims)))
        assert all((report.key, "recipient", n) in who for n in range(len(report.recipients)))
    assert len(who) == sum(len(r.reported) + len(r.victims) + len(r.recipients) for r in world.reports)


def test_a_family_shares_a_device_and_stays_two_people(world: World) -> None:
    users = defaultdict(set)
    for who, party in first(reports_of(world, Hard.FAMILY)):
        for device in party.devices:
            users[device.value].add(who)
    assert max(len(people) for people in users.values()) == 2


def test_strangers_go_online_behind_one_line(world: World) -> None:
    people = {who for who, _party in first(reports_of(world, Hard.CAFE))}
    assert len(people) == 5 * 2
    lines = defaultdict(set)
    for one in world.people:
        if one.key in people and one.home is not None:
            lines[one.home.key].add(one.key)
    assert sorted(len(some) for some in lines.values()) == [5, 5]
    behind = {event.person for event in world.truth.events if event.line in lines}
    assert len(behind) > 5


def test_a_common_screen_name_is_many_people_on_several_platforms(world: World) -> None:
    named = [one for one in world.reports for party in one.reported if party.screen_name == COMMON_NAME]
    assert len({one.people[0] for one in named}) >= 5
    assert len({one.reporter for one in named}) >= 3
    urls = {(party.profile_url, one.people[0]) for one in named for party in one.reported if party.profile_url}
    assert len({url for url, _person in urls}) == len(urls)


def test_a_person_goes_on_under_a_new_handle(world: World) -> None:
    accounts = defaultdict(set)
    devices = defaultdict(set)
    for report in reports_of(world, Hard.NEW_HANDLE):
        party = report.reported[0]
        if party.screen_name is not None:
            accounts[report.people[0], report.reporter].add((party.identifier, party.screen_name))
            devices[report.people[0]].add(party.devices)
    changed = [person for (person, _platform), some in accounts.items() if len(some) == 2]
    assert changed
    assert all(len(devices[person]) == 1 for person in changed)
    true = {one.key: one.accounts for one in world.truth.people}
    assert all(len({name.split(":")[0] for name in true[person]}) < len(true[person]) for person in changed)


def test_one_victim_is_reported_three_times_and_another_shares_nothing(world: World) -> None:
    thrice = reports_of(world, Hard.ONE_VICTIM)
    assert len(thrice) == 3
    assert len({one.victims[0].emails for one in thrice}) == 1
    assert len({one.people for one in thrice}) == 3
    children = truth_parties(world, CHILDREN)
    mine = {who for node, who in children.items() if node.report in {one.key for one in thrice}}
    assert len(mine) == 1
    mails = defaultdict(set)
    for report in world.reports:
        for party in (*report.reported, *report.victims, *report.recipients):
            for mail in party.emails:
                mails[mail.address].add(report.duplicate_of or report.key)
    own = reports_of(world, Hard.OWN_MAIL)
    assert own
    assert all(mails[mail.address] == {one.key} for one in own for mail in one.victims[0].emails)


def test_a_victim_shares_the_mail_of_the_reported_in_some_world() -> None:
    for one in reports_of(build(11, 500), Hard.SAME_MAIL):
        assert one.victims[0].emails[0].address == one.reported[0].emails[0].address


def test_pairs_are_those_of_the_partition_and_only_of_what_was_received(world: World) -> None:
    pairs, parties = truth_pairs(world), truth_parties(world)
    assert all(parties[one] == parties[other] and one < other for one, other in pairs)
    ended = {one.key: one.ending for one in world.reports}
    assert {ended[node.report] for node in parties} == {Ending.FINISHED}
    assert len(truth_pairs(world, received=False)) > len(pairs) > 300
    assert pairwise(parties, parties) == (1, 1, 1)
    assert pairwise(parties, {}).recall == 0


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=12))
def test_pairwise_counts_what_listing_all_pairs_would_find(labels: list[tuple[int, int]]) -> None:
    nodes = [Node(f"report-{n}", "reported", 0) for n in range(len(labels))]
    truth = {node: one for node, (one, _other) in zip(nodes, labels, strict=True)}
    found = {node: other for node, (_one, other) in zip(nodes, labels, strict=True)}
    true = {pair for pair in combinations(nodes, 2) if truth[pair[0]] == truth[pair[1]]}
    said = {pair for pair in combinations(nodes, 2) if found[pair[0]] == found[pair[1]]}
    score = pairwise(truth, found)
    assert score.precision == (len(true & said) / len(said) if said else 1)
    assert score.recall == (len(true & said) / len(true) if true else 1)
    if true or said:
        assert score.f1 == pytest.approx(2 * len(true & said) / (len(true) + len(said)))
    else:
        assert score.f1 == 1


def test_who_is_not_in_the_queue_is_missed() -> None:
    queue = list(range(100))
    assert top_recall(queue, {3, 50, 1000}) == pytest.approx(1 / 3)
    assert top_recall(queue, set()) == 1
    assert top_recall(queue[:5], {0}) == 1


def test_reports_at_risk_are_found_in_the_document_of_a_filing(world: World) -> None:
    keys = [one.report for one in world.truth.children_at_risk]
    receipts = [{"key": key, "report_id": n, "ending": "finished"} for n, key in enumerate(keys)]
    receipts[1]["ending"], receipts[2]["report_id"] = "retracted", None
    risks = [{"report": one.report, "reason": one.reason} for one in world.truth.children_at_risk]
    found = at_risk_ids({"receipts": receipts, "truth": {"children_at_risk": risks}})
    assert set(found) == set(range(len(keys))) - {1, 2}
    assert found[0] == world.truth.children_at_risk[0].reason
    assert at_risk_keys(world) <= set(keys)
