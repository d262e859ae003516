# SPDX-License-Identifier: Apache-2.0
"""The invented world repeats, keeps the published proportions, and holds nothing that is not invented."""

from __future__ import annotations

import re
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from nightlight.exercise.incidents import quotas
from nightlight.exercise.networks import ANONYMISER, BLOCK, HOMES, MOBILES, NETWORKS
from nightlight.exercise.plan import Case, Ending, Fault, IncidentType
from nightlight.exercise.reports import write_file_details, write_report
from nightlight.exercise.world import STANDING_NOW, World, build

if TYPE_CHECKING:
    from nightlight.exercise.truth import TrueEvent

ALLOWED = [
    ip_network(block)
    for block in (
        "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "100.64.0.0/10", "10.0.0.0/8",
    )
]  # fmt: skip

# Every word of the incident types but the harmless ones: it may stand nowhere else.
HARMLESS = "child children distribution domain images internet manufacture misleading name digital material"
HARMLESS += " online possession sent tourism words acts and for of on or the to a"
ENUMERATED = {word for kind in IncidentType for word in re.findall(r"[a-z]+", kind.value.lower())}
FORBIDDEN = (ENUMERATED - set(HARMLESS.split())) | {"abuse", "explicit", "naked", "nude"}


@pytest.fixture(scope="module")
def world() -> World:
    return build(11, 500)


def documents(world: World) -> list[bytes]:
    ids = {report.key: 1000 + report.order for report in world.reports}
    whole = [one for one in world.reports if one.fault is not Fault.CUT_SHORT]
    return [write_report(one, ids) for one in whole] + [
        write_file_details(one, file, 1, "ab") for one in whole for file in one.files
    ]


def texts(world: World) -> list[str]:
    """Every text and attribute of every document, without the enumerated incident types."""
    found: list[str] = []
    for document in documents(world):
        for element in etree.fromstring(document).iter():
            found += [str(value) for value in element.attrib.values()]
            if element.tag != "incidentType" and element.text:
                found.append(element.text)
    found += [file.name for report in world.reports for file in report.files]
    return found


def test_a_moment_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        build(1, 1, now=datetime(2026, 1, 1))  # noqa: DTZ001


def test_a_negative_number_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        build(1, -1)


def test_the_same_seed_gives_the_same_world() -> None:
    assert build(3, 150) == build(3, 150)
    assert documents(build(3, 60)) == documents(build(3, 60))


def test_another_seed_gives_another_world() -> None:
    assert build(3, 60).reports != build(4, 60).reports


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32), st.integers(0, 130))
def test_a_world_of_any_size_holds_exactly_that_many_reports(seed: int, reports: int) -> None:
    world = build(seed, reports)
    assert len(world.reports) == reports
    assert [one.order for one in world.reports] == list(range(reports))
    assert len({one.key for one in world.reports}) == reports


def test_five_hundred_reports_are_built_within_five_seconds() -> None:
    start = time.perf_counter()
    build(12, 500)
    assert time.perf_counter() - start < 5


@given(st.integers(0, 100_000))
def test_quotas_add_up_and_the_first_type_leads(reports: int) -> None:
    counts = quotas(reports)
    assert sum(counts.values()) == reports
    assert min(counts.values()) >= (1 if reports >= 50 else 0)
    assert max(counts, key=lambda kind: counts[kind]) is IncidentType.MATERIAL or reports == 0


def test_all_types_occur_in_published_proportions(world: World) -> None:
    kinds = Counter(report.kind for report in world.reports)
    assert set(kinds) == set(IncidentType)
    assert kinds[IncidentType.MATERIAL] / len(world.reports) > 0.9
    assert 0.015 < kinds[IncidentType.ENTICEMENT] / len(world.reports) < 0.05
    assert all(
        count <= 3 for kind, count in kinds.items() if kind not in {IncidentType.MATERIAL, IncidentType.ENTICEMENT}
    )


def test_endings_and_faults_are_few_and_all_there(world: World) -> None:
    endings = Counter(report.ending for report in world.reports)
    assert endings[Ending.FINISHED] > 0.9 * len(world.reports)
    assert 0 < endings[Ending.LEFT_OPEN] < 30
    assert 0 < endings[Ending.RETRACTED] < 30
    assert {report.fault for report in world.reports} == {None, *Fault}
    assert all((report.fault is not None) == (report.ending is Ending.REFUSED) for report in world.reports)


def test_every_moment_lies_in_the_four_weeks_before_now(world: World) -> None:
    future = {report.key for report in world.reports if report.fault is Fault.FUTURE_DATE}
    start = STANDING_NOW - timedelta(days=50)
    for report in world.reports:
        moments = [event.at for party in report.reported for event in party.events]
        moments += [party.disabled_at for party in report.reported] + [file.uploaded_at for file in report.files]
        moments += [] if report.key in future else [report.at]
        assert all(start < moment < STANDING_NOW for moment in moments if moment is not None)
    assert all(report.at > STANDING_NOW for report in world.reports if report.key in future)


def test_local_times_without_zone_lie_in_the_past_even_when_read_as_utc(world: World) -> None:
    latest = max(one.at for one in world.reports if one.reporter == "game" and one.fault is None)
    assert latest + timedelta(hours=5, minutes=30) < STANDING_NOW


def test_dates_follow_the_moment_given() -> None:
    now = datetime(2030, 6, 1, tzinfo=UTC)
    latest = max(report.at for report in build(2, 40, now=now).reports)
    assert now - timedelta(hours=1) < latest < now


def test_addresses_come_only_from_reserved_blocks(world: World) -> None:
    stated = [event.address for one in world.reports for party in one.reported for event in party.events]
    true = [event.address for event in world.truth.events]
    behind = [event.behind_address for event in world.truth.events if event.behind_address]
    assert len(stated) > 500
    for text in {*stated, *true, *behind}:
        address = ip_address(text)
        assert any(address in block for block in ALLOWED if block.version == address.version)
    found = {found for text in texts(world) for found in re.findall(r"\b\d{1,3}(?:\.\d{1,3}){3}\b", text)}
    assert found <= set(stated)


def test_no_generated_text_holds_a_forbidden_word(world: World) -> None:
    words = {word for text in texts(world) for word in re.findall(r"[a-z]+", text.lower())}
    # Annotations are element names and not texts, and the incident types are taken out above.
    assert not {word for word in words if any(word.startswith(stem) for stem in FORBIDDEN)}


def test_hosts_mail_and_telephone_numbers_are_invented(world: World) -> None:
    for text in texts(world):
        for host in re.findall(r"https?://([^/\s]+)", text):
            assert re.search(r"(^|\.)example\.(org|com|net)$", host), host
        for host in re.findall(r"[\w.+-]+@([\w.-]*\w)", text):
            assert re.search(r"(^|\.)example\.(org|com|net)$", host) or host == "examplebank", host
    phones = {(phone.code, phone.number) for one in world.people if (phone := one.phone)}
    assert len(phones) == sum(one.phone is not None for one in world.people)
    assert all(code + number == f"+9199999000{number[-2:]}" or code + number == f"+120255501{number[-2:]}"
               for code, number in phones)  # fmt: skip


def test_one_person_is_reported_by_three_platforms_and_nobody_else_is_that_person(world: World) -> None:
    planted = {case.name: case.reports for case in world.truth.planted}
    keys = planted[Case.THREE_PLATFORMS]
    reports = [report for report in world.reports if report.key in keys]
    assert {report.reporter for report in reports} == {"chat", "mail", "market"}
    assert len({report.people for report in reports}) == 1
    emails = [{email.address for party in report.reported for email in party.emails} for report in reports]
    assert set.intersection(*emails)
    person = next(one for one in world.truth.people if one.key == reports[0].people[0])
    assert set(person.reports) == set(keys)


def test_one_file_is_reported_by_exactly_forty(world: World) -> None:
    planted = {case.name: case.reports for case in world.truth.planted}
    shared = next(one for one in world.truth.shared_files if one.key == "shared-00")
    assert len(shared.reports) == 40
    assert set(shared.reports) == set(planted[Case.SHARED_BY_MANY])
    people = [report.people for report in world.reports if report.key in shared.reports]
    assert len(set(people)) == 40


def test_the_urgent_tip_is_there_and_others_are_few(world: World) -> None:
    urgent = [report for report in world.reports if report.escalation]
    assert 2 <= len(urgent) <= len(world.reports) * 4 // 100
    meeting = [report for report in urgent if "railway station" in (report.escalation or "")]
    assert len(meeting) == 1
    assert any("platform two" in text.lower() for detail in meeting[0].details for _, text in detail.fields)
    assert STANDING_NOW - meeting[0].at < timedelta(hours=2)
    assert all(event.port for event in meeting[0].reported[0].events)


def test_gaps_and_contradictions_are_planted_and_known(world: World) -> None:
    found = {finding.what for finding in world.truth.findings}
    assert {"no address", "no port", "time zone not stated", "age contradicts date of birth"} <= found
    assert "victim and reported share an e-mail address" in found


def test_batched_reports_keep_to_their_rules(world: World) -> None:
    batched = [report for report in world.reports if report.batched]
    assert len(batched) >= 5
    for report in batched:
        assert len(report.reported) >= 2
        assert len(report.files) == (2 if report.fault is Fault.TWO_FILES_IN_BATCH else 1)
        assert not (report.details or report.victims or report.recipients or report.narrative or report.escalation)
        assert all(set(file.annotations) & {"viral", "potentialMeme"} for file in report.files)


def test_priors_name_earlier_finished_reports_of_the_same_reporter(world: World) -> None:
    by_key = {report.key: report for report in world.reports}
    named = [(report, by_key[key]) for report in world.reports for key in report.prior]
    assert named
    for report, prior in named:
        assert prior.order < report.order
        assert prior.ending is Ending.FINISHED
        assert prior.reporter == report.reporter


def test_ports_are_always_there_or_never_as_the_reporter_has_it(world: World) -> None:
    ports: dict[str, set[bool]] = {}
    inside = [ip_network("10.0.0.0/8"), ip_network("100.64.0.0/10")]
    for report in world.reports:
        for event in (event for party in report.reported for event in party.events):
            address = ip_address(event.address)
            if not any(address in block for block in inside if block.version == address.version):
                ports.setdefault(report.reporter, set()).add(event.port is not None)
    assert ports["chat"] == {True}
    assert ports["photos"] == {False}
    assert ports["market"] == {True, False}


def test_the_truth_never_leaves_in_a_document(world: World) -> None:
    sent = b"".join(documents(world))
    for word in (b"person-0", b"shared-0", b"report-0", b"kadal-", b"neela-", b"veil"):
        assert word not in sent.lower()


def _holders(world: World, network: str) -> list[TrueEvent]:
    return [event for event in world.truth.events if event.line.startswith(f"{network}-") and "." in event.address]


def test_no_two_lines_hold_one_address_and_port_at_once(world: World) -> None:
    seen: dict[tuple[str, int, int], str] = {}
    for network in (*HOMES, *MOBILES):
        for event in _holders(world, network.key):
            turn = int((event.at - datetime(2024, 1, 1, tzinfo=UTC)) / network.lease)
            block = event.port // BLOCK if network in MOBILES else 0
            assert seen.setdefault((event.address, block, turn), event.line) == event.line


@given(st.integers(0, 3000), st.integers(0, 3000), st.integers(0, 10**8))
def test_leases_of_two_subscribers_never_overlap(first: int, second: int, seconds: int) -> None:
    at = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    for network in (*HOMES, *MOBILES):
        one, other = first % network.capacity, second % network.capacity
        (address, ports), (address2, ports2) = network.held_by(one, at), network.held_by(other, at)
        assert one == other or address != address2 or not set(ports) & set(ports2)
        assert 1024 <= ports[0] <= ports[-1] <= 65535


def test_networks_do_not_overlap() -> None:
    for number, network in enumerate(NETWORKS):
        for other in NETWORKS[number + 1 :]:
            assert not network.block.overlaps(other.block)
    assert ANONYMISER in NETWORKS
