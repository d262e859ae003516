# SPDX-License-Identifier: Apache-2.0
"""What is understood of a report sent through the CyberTipline Reporting API."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from nightlight.pipeline.tips.formats.cybertipline.read import REPLACED_LATER, read_report
from nightlight.pipeline.tips.formats.parts import NO_FIELD, NOT_READABLE, REPEATED
from nightlight.pipeline.tips.people import Role
from nightlight.pipeline.tips.reading import IncidentType, ReceivedFile
from nightlight.pipeline.tips.tests.example_reports import FILE_DETAILS_XML, REPORT_XML
from nightlight.pipeline.tips.values import Stated, Unknown

RECEIVED = ReceivedFile(
    "b0c1", "pattern-07.png", 2048, "0" * 32, "0" * 40, "0" * 64, datetime(2026, 1, 5, 5, 0, tzinfo=UTC)
)


@pytest.mark.parametrize("body", [b"", b"kite", b"<report>", b"<!DOCTYPE report><report/>", b"<a>" * 500])
def test_a_document_that_cannot_be_parsed_is_kept_with_the_reason(body: bytes) -> None:
    reading = read_report(body, [body], [])
    assert [left.path for left in reading.unknown] == ["report", "fileDetails[1]"]
    assert all(left.value == body.decode() and "could not be parsed" in left.reason for left in reading.unknown)
    assert reading.incident.type is IncidentType.UNSTATED
    assert not reading.parties
    assert not reading.files


def test_an_element_nobody_knows_is_kept_where_it_stood() -> None:
    reading = read_report(
        b"<report colour='blue'><victim><victimPerson><nickname kind='short'>Boat</nickname></victimPerson>"
        b"</victim><odd/><odd><b>one</b></odd>stray</report>"
    )
    assert reading.unknown == (
        Unknown("report/text()", "stray", NO_FIELD),
        Unknown("report/@colour", "blue", NO_FIELD),
        Unknown("report/victim[1]/victimPerson/nickname/text()", "Boat", NO_FIELD),
        Unknown("report/victim[1]/victimPerson/nickname/@kind", "short", NO_FIELD),
        Unknown("report/odd[1]", "", NO_FIELD),
        Unknown("report/odd[2]/b", "one", NO_FIELD),
    )


def test_a_second_value_where_one_is_expected_is_kept() -> None:
    reading = read_report(
        b"<report><incidentSummary><platform>A</platform><platform>B</platform></incidentSummary></report>"
    )
    assert reading.incident.platform == "A"
    assert reading.unknown == (Unknown("report/incidentSummary/platform[2]", "B", REPEATED),)


def test_an_answer_that_is_neither_yes_nor_no_is_kept_and_marked() -> None:
    reading = read_report(
        b"<report/>",
        [b"<fileDetails><fileId>1</fileId><fileViewedByEsp>partly</fileViewedByEsp></fileDetails>"],
    )
    assert reading.files[0].viewed_by_esp is Stated.UNREADABLE
    assert reading.unknown == (Unknown("fileDetails[1]/fileViewedByEsp", "partly", NOT_READABLE),)


def test_a_flag_that_says_false_is_not_set_and_not_lost() -> None:
    reading = read_report(
        b"<report><incidentSummary><reportAnnotations><spam>false</spam><informational/></reportAnnotations>"
        b"</incidentSummary></report>"
    )
    assert reading.incident.annotations == ("informational",)
    assert [left.path for left in reading.unknown] == ["report/incidentSummary/reportAnnotations/spam"]


def test_a_second_description_of_a_file_replaces_the_first_without_losing_it() -> None:
    later = b"<fileDetails><fileId>b0c1</fileId><originalFileName>calendar.png</originalFileName></fileDetails>"
    reading = read_report(REPORT_XML, [FILE_DETAILS_XML, later], [RECEIVED])
    (file,) = reading.files
    assert (file.original_name, file.source) == ("calendar.png", "fileDetails[2]")
    # A yes from the replaced description is no yes any more, but whoever looks can see it was given.
    assert file.viewed_by_esp is Stated.NOT_STATED
    assert Unknown("fileDetails[1]/fileViewedByEsp", "true", REPLACED_LATER) in reading.unknown


def test_a_description_that_names_another_report_is_noted() -> None:
    other = b"<fileDetails><reportId>5</reportId><fileId>z</fileId></fileDetails>"
    reading = read_report(REPORT_XML, [FILE_DETAILS_XML, other])
    assert reading.external_number == "7860042"
    assert [(left.path, left.value) for left in reading.unknown] == [("fileDetails[2]/reportId", "5")]


def test_files_without_a_description_and_descriptions_without_a_file_both_stand() -> None:
    undescribed = ReceivedFile(
        "b0c2", "pattern-08.png", 1, "0" * 32, "0" * 40, "0" * 64, datetime(2026, 1, 5, tzinfo=UTC)
    )
    reading = read_report(REPORT_XML, [FILE_DETAILS_XML], [undescribed])
    assert [(file.file_id, file.received is not None) for file in reading.files] == [
        ("b0c2", True),
        ("b0c1", False),
    ]
    assert reading.files[0].viewed_by_esp is Stated.NOT_STATED
    assert reading.files[0].name_as_sent == "pattern-08.png"


def test_blank_contacts_and_addresses_are_not_made_into_identifiers() -> None:
    reading = read_report(
        b"<report><personOrUserReported><personOrUserReportedPerson><email type='Home'> </email><phone/>"
        b"</personOrUserReportedPerson><ipCaptureEvent><ipAddress/><port>80</port></ipCaptureEvent>"
        b"<deviceId><idType>IMEI</idType><idValue/></deviceId><screenName/></personOrUserReported></report>"
    )
    (party,) = reading.parties
    assert (party.emails, party.phones, party.network_events, party.devices, party.screen_names) == ((),) * 5
    assert {left.value for left in reading.unknown} == {"Home", "80", "IMEI"}


def test_asking_for_high_priority_counts_without_a_reason() -> None:
    reading = read_report(b"<report><incidentSummary><escalateToHighPriority/></incidentSummary></report>")
    assert reading.incident.escalation == ""


def test_a_report_in_a_namespace_is_read_all_the_same() -> None:
    reading = read_report(
        b"<report xmlns='urn:example'><incidentSummary><platform>Example Chat</platform></incidentSummary>"
        b"<x:platform xmlns:x='urn:other'>elsewhere</x:platform></report>"
    )
    assert reading.incident.platform == "Example Chat"
    assert [left.value for left in reading.unknown] == ["elsewhere", "urn:example"]


def test_everything_in_a_full_report_is_understood() -> None:
    reading = read_report(REPORT_XML, [FILE_DETAILS_XML], [RECEIVED])
    assert reading.unknown == ()
    assert (reading.format_version, reading.external_number) == ("https://example.org/xsd", "7860042")

    assert reading.incident.type is IncidentType.ENTICEMENT
    assert reading.incident.annotations == ("sextortion", "minorToMinorInteraction")
    assert reading.incident.at is not None
    assert reading.incident.at.utc == datetime(2026, 1, 5, 4, 45, 30, tzinfo=UTC)

    assert [place.kind for place in reading.webs] == ["web page", "chat"]
    assert reading.webs[0].third_party_hosted is Stated.NO
    assert reading.webs[1].contents[0].value == "see you at the cricket ground"

    law = reading.law_enforcement
    assert law is not None
    assert law.officer is not None
    assert (law.agency, law.country, law.officer.names) == (
        "Example District Police",
        "IN",
        ("Ravi", "Example"),
    )
    assert (law.reported, law.served_domestic, law.served_international) == (
        Stated.YES,
        Stated.NOT_STATED,
        Stated.YES,
    )

    (file,) = reading.files
    assert (file.viewed_by_esp, file.exif_viewed_by_esp) == (Stated.YES, Stated.NO)
    assert (file.annotations, file.industry_classification) == (("viral", "generativeAi"), "B2")
    assert [(pair.name, pair.value, pair.group) for pair in file.metadata] == [
        ("Model", "Sample 3", "EXIF"),
        ("Software", "", "EXIF"),
    ]
    assert (file.hashes[0].kind, file.received) == ("MD5", RECEIVED)


def test_the_people_in_a_full_report_stand_with_their_accounts_and_their_places_in_it() -> None:
    reading = read_report(REPORT_XML, [FILE_DETAILS_XML])
    assert [(party.role, party.pseudonym, party.protected) for party in reading.parties] == [
        (Role.REPORTED, "Reported person 1", False),
        (Role.ASSOCIATED, "Associated account 1", False),
        (Role.RECIPIENT, "Recipient 1", False),
        (Role.VICTIM, "Child 1", True),
        (Role.ASSOCIATED, "Associated account 2", True),
    ]
    reported, linked = reading.parties[:2]
    assert linked.belongs_to == reported.source == "report/personOrUserReported[1]"
    assert (linked.relation, linked.platform, linked.third_party_user) == (
        "Linked",
        "Example Games",
        Stated.YES,
    )
    assert [(event.address, event.port, event.moment and event.moment.zone) for event in reported.network_events] == [
        ("192.0.2.44", 51820, "stated"),
        ("2001:db8::7", None, "not stated"),
        ("198.51.100.9", 443, None),
    ]
    assert reported.network_events[1].source == "report/personOrUserReported[1]/ipCaptureEvent[2]"
    assert (reported.phones[0].country_calling_code, reported.phones[0].verified) == ("+91", Stated.YES)
    (state,) = reported.account_states
    assert (state.kind, state.disabled, state.user_notified) == ("temporarily", Stated.YES, Stated.NO)
