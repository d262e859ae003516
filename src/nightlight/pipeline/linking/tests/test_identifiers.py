# SPDX-License-Identifier: Apache-2.0
"""Identifiers come out of every part of a tip, on the right side, and nobody's own contact is a suspect's."""

from __future__ import annotations

import hashlib
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from nightlight.exercise.patterns import draw
from nightlight.exercise.reporters import BY_KEY
from nightlight.exercise.reports import write_file_details, write_report
from nightlight.exercise.world import World, build
from nightlight.pipeline.linking.identifiers import Found, Subject, attach, found, subjects
from nightlight.pipeline.linking.kinds import Kind, Side
from nightlight.pipeline.tips.formats import cybertip_json
from nightlight.pipeline.tips.formats.cybertipline import read
from nightlight.pipeline.tips.people import Account, Device, Email, EstimatedLocation, Link, Party, Person, Phone, Role
from nightlight.pipeline.tips.reading import (
    FileReading,
    Incident,
    IncidentType,
    InternetDetail,
    LawEnforcement,
    Reading,
    ReceivedFile,
    ReporterStatement,
)
from nightlight.pipeline.tips.values import (
    NamedValue,
    Stated,
    Text,
    Unknown,
    read_moment,
    read_network_event,
)

if TYPE_CHECKING:
    from nightlight.exercise.plan import Party as Planned
    from nightlight.exercise.plan import PlannedReport

AT = datetime(2026, 11, 1, 6, 30, 5, tzinfo=UTC)
MOMENT = read_moment("2026-11-01T12:00:05+05:30", "m")
DIGEST = hashlib.sha256(b"pattern").hexdigest()


def tip(*parties: Party, **parts: object) -> Reading:
    reporter = ReporterStatement(
        source="report/reporter",
        reporting_person=Person("report/reporter/reportingPerson", emails=(Email("safety@pepper.example.org", "r/e"),)),
        company_template="Write to desk@pepper.example.org or call +1 202 555 0199.",
        terms_of_service="Terms: terms@pepper.example.org",
        legal_url="https://pepper.example.org/legal",
    )
    plain = Reading(
        format="test",
        incident=Incident(IncidentType.MATERIAL, "report/incidentSummary"),
        reporter=reporter,
        parties=parties,
    )
    return replace(plain, **parts)  # type: ignore[arg-type]


def reported(source: str = "p1", **parts: object) -> Party:
    return replace(Party(Role.REPORTED, source, pseudonym="Reported person 1"), **parts)  # type: ignore[arg-type]


def victim(source: str = "v1", **parts: object) -> Party:
    return replace(Party(Role.VICTIM, source, pseudonym="Child 1", protected=True), **parts)  # type: ignore[arg-type]


def mail(*addresses: str) -> tuple[Person, ...]:
    return (Person("person", emails=tuple(Email(one, f"email[{one}]") for one in addresses)),)


def seen(sightings: list[Found], side: Side | None = None) -> set[tuple[Kind, str]]:
    return {(one.kind, one.value) for one in sightings if side in (None, one.side)}


# Refused: what is nobody's.


def test_a_reporters_own_contact_is_never_a_suspects() -> None:
    words = "Write to Safety@pepper.example.org, desk@pepper.example.org, terms@pepper.example.org, +12025550199."
    reading = tip(
        reported(persons=mail("safety@pepper.example.org"), statements=(Text(words, "p1/n"),), bio=words),
        statements=(Text(f"{words} See https://pepper.example.org/legal and him@example.net", "n"),),
        webs=(InternetDetail("email", "w", emails=(Email("safety@pepper.example.org", "w/e"),)),),
    )
    assert seen(found(reading)) == {(Kind.EMAIL, "him@example.net")}


def test_nothing_is_read_of_officers_and_boilerplate() -> None:
    officer = Person("o", emails=(Email("officer@police.example.org", "o/e"),), phones=(Phone("99999 00098", "o/p"),))
    reading = tip(
        reported(),
        law_enforcement=LawEnforcement("le", officer=officer),
        statements=(Text("Told officer@police.example.org, phone 99999 00098.", "n"),),
        unknown=(Unknown("report/reporter/extra", "other@pepper.example.org", "no field for this"),),
    )
    assert found(reading) == []


def test_a_reporter_who_is_the_child_stays_the_child() -> None:
    reading = tip(victim(persons=mail("safety@pepper.example.org")))
    assert seen(found(reading)) == {(Kind.EMAIL, "safety@pepper.example.org")}


def test_a_childs_number_in_words_about_the_reported_person_is_not_theirs() -> None:
    child = victim(persons=mail("pupil@example.com"))
    reading = tip(
        reported(statements=(Text("He wrote to pupil@example.com from him@example.net", "p1/n"),)),
        child,
        statements=(Text("pupil@example.com told us", "n"),),
    )
    attached = attach(reading, found(reading))
    assert {(index, one.value) for index, one in attached} == {(0, "him@example.net"), (1, "pupil@example.com")}


def test_what_is_said_about_a_child_may_name_anybody_and_joins_nobody() -> None:
    reading = tip(reported(), victim(statements=(Text("Wrote to her from him@example.net", "v1/n"),)))
    (one,) = found(reading)
    assert (one.side, one.party, one.role, one.from_text) == (Side.TIP, None, None, True)
    assert attach(reading, [one]) == []


def test_chat_lines_and_unknown_parts_join_nobody() -> None:
    chat = InternetDetail("chat", "w", contents=(Text("B: pupil@example.com", "w/content"),))
    unknown = Unknown("report/new", "x@example.net", "no field for this")
    reading = tip(reported(), webs=(chat,), unknown=(unknown,))
    assert seen(found(reading), Side.TIP) == {(Kind.EMAIL, "pupil@example.com"), (Kind.EMAIL, "x@example.net")}
    assert attach(reading, found(reading)) == []


def test_the_tips_own_identifiers_count_only_with_exactly_one_reported_person() -> None:
    words = {"statements": (Text("Payment handle: kite@examplebank", "n"),)}
    one, two, none = tip(reported(), **words), tip(reported(), reported("p2"), **words), tip(victim(), **words)
    assert [(index, item.value) for index, item in attach(one, found(one))] == [(0, "kite@examplebank")]
    assert attach(two, found(two)) == []
    assert attach(none, found(none)) == []
    assert len(found(two)) == len(found(none)) == 1


# Found: every part.


def test_every_part_of_a_reported_person() -> None:
    party = reported(
        persons=(
            Person(
                "person",
                emails=(Email("Kite@Example.net", "e", verified=Stated.YES),),
                phones=(Phone("99999 00001", "ph", verified=Stated.NO, country_calling_code="+91"),),
            ),
        ),
        accounts=(Account("p1", "Pepperchat", "777"),),
        screen_names=(Text("@Kite_007", "s"),),
        profile_urls=(Link("https://pepper.example.org/u/kite/", "pu"), Link("https://example.net", "pu2")),
        bio="Also kite2@example.net",
        group="Van Timings",
        devices=(Device("IDFA", "AB12CD34-EF56-7890-AB12-CD34EF567890", "d", moment=MOMENT),),
        network_events=(read_network_event("192.0.2.7", "ip", port="5060", moment=MOMENT),),
        statements=(Text("Payment handle: kite@examplebank", "st"),),
    )
    sightings = found(tip(party))
    assert {(one.kind, one.value, one.verified, one.from_text, one.at) for one in sightings} == {
        (Kind.EMAIL, "kite@example.net", True, False, None),
        (Kind.PHONE, "+919999900001", False, False, None),
        (Kind.ACCOUNT, "pepperchat|777", None, False, None),
        (Kind.ACCOUNT, "pepper.example.org|777", None, False, None),
        (Kind.HANDLE, "pepperchat|kite_007", None, False, None),
        (Kind.ANY_HANDLE, "kite_007", None, False, None),
        (Kind.PROFILE_URL, "pepper.example.org/u/kite", None, False, None),
        (Kind.URL, "example.net", None, False, None),
        (Kind.EMAIL, "kite2@example.net", None, True, None),
        (Kind.GROUP, "pepperchat|van timings", None, False, None),
        (Kind.DEVICE, "ab12cd34ef567890ab12cd34ef567890", None, False, AT),
        (Kind.ADDRESS, "192.0.2.7", None, False, AT),
        (Kind.NETWORK, "192.0.2.0/24", None, False, AT),
        (Kind.ENDPOINT, "192.0.2.7|5060|2026-11-01T06:30:05Z", None, False, AT),
        (Kind.PAYMENT, "kite@examplebank", None, True, None),
    }
    assert {(one.side, one.role, one.party) for one in sightings} == {(Side.SUSPECT, Role.REPORTED, 0)}
    assert next(one for one in sightings if one.kind is Kind.PHONE).as_sent == "99999 00001"


def test_an_address_to_the_minute_or_of_a_private_range_is_no_endpoint() -> None:
    minute = read_moment("2026-11-01T12:00+05:30", "m")
    no_zone = read_moment("2026-11-01T12:00:05", "m")
    for event in (
        read_network_event("192.0.2.7", "ip", port="5060", moment=minute),
        read_network_event("192.0.2.7", "ip", port="5060", moment=no_zone),
        read_network_event("192.0.2.7", "ip", moment=MOMENT),
    ):
        assert {one.kind for one in found(tip(reported(network_events=(event,))))} == {Kind.ADDRESS, Kind.NETWORK}
    inside = read_network_event("10.0.0.7", "ip", port="5060", moment=MOMENT)
    assert found(tip(reported(network_events=(inside,)))) == []


def test_an_associated_account_belongs_to_whom_it_is_associated_with() -> None:
    def associated(owner: str | None) -> Party:
        return Party(
            Role.ASSOCIATED,
            f"{owner}/a",
            belongs_to=owner,
            platform="Postbaum",
            accounts=(Account("a", None, "x9@example.net"),),
        )

    reading = tip(reported(), associated("p1"), victim(), associated("v1"), associated(None))
    held = {(one.side, one.party) for one in found(reading) if one.role is Role.ASSOCIATED}
    assert held == {(Side.SUSPECT, 0), (Side.CHILD, 2), (Side.TIP, None)}
    assert seen(found(reading)) == {(Kind.ACCOUNT, "postbaum|x9@example.net"), (Kind.EMAIL, "x9@example.net")}
    assert subjects(reading) == [
        Subject(0, Side.SUSPECT, Role.REPORTED, "Reported person 1"),
        Subject(2, Side.CHILD, Role.VICTIM, "Child 1"),
    ]


def test_places_and_files_are_on_the_tips_own_side() -> None:
    received = ReceivedFile("f", "a.png", 1, "", "", DIGEST, AT)
    web = InternetDetail(
        "web page",
        "w",
        links=(Link("https://cartoon.example.net/a?utm_source=b", "w/u"),),
        phones=(Phone("+91 99999 00002", "w/p"),),
        named=(NamedValue("chatRoomName", "join example.net/room/5", "w/n"),),
        network_events=(read_network_event("2001:db8:1:2::9", "w/ip"),),
        devices=(Device(None, "ab12cd34ef567890", "w/d"),),
    )
    file = FileReading(
        "f1",
        received=received,
        uploaded_at=MOMENT,
        location="https://files.example.org/a.png",
        metadata=(NamedValue("Artist", "kite@example.net", "f1/x"), NamedValue("Serial", "9999900003456789", "f1/y")),
        network_events=(read_network_event("192.0.2.9", "f1/ip"),),
    )
    sightings = found(tip(webs=(web,), files=(file,)))
    assert seen(sightings) == {
        (Kind.URL, "cartoon.example.net/a"),
        (Kind.PHONE, "+919999900002"),
        (Kind.URL, "example.net/room/5"),
        (Kind.ADDRESS, "2001:db8:1:2::9"),
        (Kind.NETWORK, "2001:db8:1:2::/64"),
        (Kind.DEVICE, "ab12cd34ef567890"),
        (Kind.FILE, DIGEST),
        (Kind.URL, "files.example.org/a.png"),
        (Kind.EMAIL, "kite@example.net"),
        (Kind.ADDRESS, "192.0.2.9"),
        (Kind.NETWORK, "192.0.2.0/24"),
    }
    assert {(one.side, one.role, one.party) for one in sightings} == {(Side.TIP, None, None)}
    assert next(one.at for one in sightings if one.kind is Kind.FILE) == AT


def test_the_same_in_one_place_is_one_sighting_and_in_two_places_two() -> None:
    words = Text("a@example.net, A@example.net", "n")
    assert len(found(tip(statements=(words, words)))) == 2  # two spellings as sent
    assert len(found(tip(statements=(Text("a@example.net a@example.net", "n"), Text("a@example.net", "m"))))) == 2


def test_a_number_without_a_country_is_from_where_the_party_is_said_to_be() -> None:
    phone = (Person("person", phones=(Phone("202 555 0101", "ph"),)),)
    there = reported(persons=phone, estimated_location=EstimatedLocation("l", country_code="US"))
    odd = reported(persons=phone, estimated_location=EstimatedLocation("l", country_code="A1"))
    assert seen(found(tip(there))) == {(Kind.PHONE, "+12025550101")}
    assert seen(found(tip(odd), region="US")) == {(Kind.PHONE, "+12025550101")}


def test_accounts_without_a_service_are_the_reporters() -> None:
    party = reported(accounts=(Account("p1", None, "777"),))
    assert seen(found(tip(party))) == {(Kind.ACCOUNT, "pepper.example.org|777")}
    assert seen(found(tip(party), reporter="Pepper Desk")) == {(Kind.ACCOUNT, "pepper desk|777")}
    webmail = ReporterStatement("r", reporting_person=Person("r/p", emails=(Email("volunteer@gmail.com", "r/e"),)))
    assert found(tip(party, reporter=webmail)) == []
    assert seen(found(tip(party, reporter=replace(webmail, esp_name="Millpond")))) == {(Kind.ACCOUNT, "millpond|777")}


def test_a_sighting_has_no_room_for_a_persons_name_or_place() -> None:
    names = {item.name for item in fields(Found)}
    assert names == {"kind", "value", "as_sent", "source", "side", "role", "party", "at", "verified", "from_text"}


# Against the truth of an invented world.


@pytest.fixture(scope="module")
def world() -> World:
    return build(52, 120)


def understood(report: PlannedReport) -> Reading:
    details = [write_file_details(report, file, 5_000_000, file.key) for file in report.files if file.described]
    files = []
    for file in report.files:
        sha256 = hashlib.sha256(draw(file.picture)).hexdigest()
        files.append(ReceivedFile(file.key, file.name, 1, "", "", sha256, AT))
    return read.read_report(write_report(report, {}), details, files)


def expected(planned: Planned, desk: str) -> set[tuple[Kind, str]]:
    """What is to be found of a planned party, spelled as the world invents it: lower case, and numbers in full."""
    found = {(Kind.EMAIL, email.address) for email in planned.emails}
    found |= {(Kind.PHONE, phone.code + phone.number) for phone in planned.phones}
    found |= {(Kind.DEVICE, device.value) for device in planned.devices}
    if planned.identifier:
        found.add((Kind.ACCOUNT, f"{desk.partition('@')[2]}|{planned.identifier}"))
    if planned.identifier and planned.service:
        found.add((Kind.ACCOUNT, f"{planned.service.lower()}|{planned.identifier}"))
    if planned.screen_name:
        found.add((Kind.ANY_HANDLE, planned.screen_name))
    if planned.profile_url:
        found.add((Kind.PROFILE_URL, planned.profile_url.removeprefix("https://")))
    return found


def test_every_identifier_of_every_planned_party_is_found_on_its_side(world: World) -> None:
    compared = 0
    for report in world.reports:
        if report.fault is not None and report.fault.breaks_schema:
            continue
        desk = BY_KEY[report.reporter].desk
        reading = understood(report)
        sightings = found(reading)
        people = [party for party in reading.parties if party.role is not Role.ASSOCIATED]
        planned = [*report.reported, *report.recipients, *report.victims]
        assert len(people) == len(planned) == len(subjects(reading))
        for subject, plan in zip(subjects(reading), planned, strict=True):
            side = Side.SUSPECT if plan in report.reported else Side.CHILD
            assert subject.side is side
            mine = {(one.kind, one.value) for one in sightings if one.party == subject.party and one.side is side}
            assert expected(plan, desk) <= mine, report.key
            other = {(Kind.ACCOUNT, f"{one.platform.lower()}|{one.identifier}") for one in plan.associated}
            assert other <= mine, report.key
            compared += len(expected(plan, desk)) + len(other)
        assert (Kind.EMAIL, desk) not in seen(sightings)
        digests = {(Kind.FILE, hashlib.sha256(draw(file.picture)).hexdigest()) for file in report.files}
        assert digests <= seen(sightings, Side.TIP)
    assert compared > 500


def test_nothing_is_found_of_a_suspect_that_the_world_did_not_put_there(world: World) -> None:
    people = {person.key: person for person in world.people}
    for report in world.reports:
        if report.fault is not None and report.fault.breaks_schema:
            continue
        reading = understood(report)
        whose = [people[key] for key in report.people]
        emails = {account.email.address for person in whose for account in person.accounts if account.email}
        emails |= {account.identifier for person in whose for account in person.accounts}
        phones = {person.phone.code + person.phone.number for person in whose if person.phone}
        payments = {person.payment for person in whose}
        for _, one in attach(reading, found(reading)):
            if one.side is not Side.CHILD and one.kind in (Kind.EMAIL, Kind.PHONE, Kind.PAYMENT):
                assert one.value in emails | phones | payments | {"nobody.named@example.net"}, report.key


def test_a_payment_handle_in_words_is_found(world: World) -> None:
    told = [one for one in world.reports if one.narrative and "Payment handle:" in one.narrative and not one.fault]
    assert told
    people = {person.key: person for person in world.people}
    for report in told:
        assert (Kind.PAYMENT, people[report.people[0]].payment) in seen(found(understood(report)))


def test_a_download_names_its_reporter() -> None:
    body = (
        b'{"reportId": 1, "reportedInformation": {"reportingEsp": {"espName": "Pepperchat"}, "reportedPeople": '
        b'{"reportedPersons": [{"espUserId": "777", "screenName": {"value": "Kite"}, "phones": '
        b'{"phones": [{"value": "+919999900001", "verified": true}]}}]}}}'
    )
    sightings = found(cybertip_json.read(body))
    assert [(one.kind, one.value, one.verified) for one in sightings] == [
        (Kind.PHONE, "+919999900001", True),
        (Kind.ACCOUNT, "pepperchat|777", None),
        (Kind.HANDLE, "pepperchat|kite", None),
        (Kind.ANY_HANDLE, "kite", None),
    ]
