# SPDX-License-Identifier: Apache-2.0
"""What is understood of a CyberTip JSON, however loosely it is written, and what is written back."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING

import pytest

from nightlight.pipeline.tips.formats import cybertip_json
from nightlight.pipeline.tips.formats.cybertip_json import Unreadable
from nightlight.pipeline.tips.formats.cybertipline.read import read_report
from nightlight.pipeline.tips.formats.json_parts import REPLACED
from nightlight.pipeline.tips.formats.parts import NO_FIELD, REPEATED
from nightlight.pipeline.tips.reading import IncidentType, Json, Reading, to_json
from nightlight.pipeline.tips.tests.example_reports import CYBERTIP_JSON, FILE_DETAILS_XML, REPORT_XML
from nightlight.pipeline.tips.values import Stated, Unknown

if TYPE_CHECKING:
    from nightlight.pipeline.tips.people import Party


def _read(**reported: object) -> Reading:
    return cybertip_json.read(json.dumps({"reportId": 1, "reportedInformation": reported}).encode())


def _person(person: object) -> Party:
    (party,) = _read(reportedPeople={"reportedPersons": [person]}).parties
    return party


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not JSON"),
        (b"<report/>", "not JSON"),
        (b'{"reportId": 1', "not JSON"),
        (b"\xff\xfe\xfa", "not text"),
        (b"[1]", "not one object"),
        (b'"reportId"', "not one object"),
        (b"{}", "not a CyberTip"),
        (b'{"cases": []}', "not a CyberTip"),
        (b'{"reportId": null}', "not a CyberTip"),
        (b'{"reportId": NaN}', "NaN"),
        (b'{"reportId": -Infinity}', "Infinity"),
        (b'{"reportId": 1, "x": ' + b"[" * 70 + b"]" * 70 + b"}", "deep"),
        (b'{"x":' * 70 + b"1" + b"}" * 70, "deep"),
        (b"[" * 200_000, "deep"),
    ],
)
def test_what_is_not_a_cybertip_is_refused_with_a_reason(body: bytes, reason: str) -> None:
    with pytest.raises(Unreadable) as refusal:
        cybertip_json.read(body)
    assert reason in refusal.value.reason


def test_a_key_nobody_knows_is_kept_at_any_depth() -> None:
    reading = _read(
        reportedPeople={"reportedPersons": [{"firstName": "Kiran", "pets": [{"kind": "parrot", "age": 3}]}]},
        priority={"level": "2", "empty": None},
    )
    assert reading.unknown == (
        Unknown("reportedInformation/reportedPeople[1]/reportedPersons[1]/pets/kind", "parrot", NO_FIELD),
        Unknown("reportedInformation/reportedPeople[1]/reportedPersons[1]/pets/age", "3", NO_FIELD),
        Unknown("reportedInformation/priority/level", "2", NO_FIELD),
    )


def test_a_repeated_key_gives_its_last_value_and_is_noted() -> None:
    reading = cybertip_json.read(b'{"reportId": 1, "reportId": 2}')
    assert reading.external_number == "2"
    assert reading.unknown == (Unknown("reportId", "", REPEATED), Unknown("reportId[2]", "1", REPEATED))


def test_characters_no_database_holds_are_replaced_and_noted() -> None:
    party = _person({"screenName": {"value": "blue\x00kite\ud800"}})
    assert party.screen_names[0].value == "blue\ufffdkite\ufffd"
    reading = _read(additionalInformations=["a\ud800"])
    assert reading.unknown == (Unknown("reportedInformation/additionalInformations[1]", "'a\\ud800'", REPLACED),)


def test_nulls_and_absent_keys_are_absent_facts() -> None:
    reading = cybertip_json.read(b'{"reportId": "7", "reportedInformation": null}')
    assert (reading.external_number, reading.parties, reading.files, reading.unknown) == ("7", (), (), ())
    assert reading.incident.type is IncidentType.UNSTATED
    assert reading.reporter.esp_name is None


def test_a_number_of_people_is_not_a_person() -> None:
    reading = _read(reportedPeople={"reportedPersons": [], "total": 0})
    assert reading.parties == ()
    assert [left.path for left in reading.unknown] == ["reportedInformation/reportedPeople[1]/total"]


def test_a_time_that_is_a_bare_number_is_not_guessed() -> None:
    moment = _read(incidentSummary={"incidentDateTime": 1767600000}).incident.at
    assert moment is not None
    assert (moment.as_sent, moment.zone, moment.utc) == ("1767600000", "unreadable", None)


@pytest.mark.parametrize(
    "people",
    [
        {"reportedPersons": [{"firstName": "Kiran"}]},
        {"reportedPersons": {"firstName": "Kiran"}},
        [{"firstName": "Kiran"}],
        [{"reportedPersons": [[{"firstName": {"value": "Kiran"}}]]}],
        {"firstName": "Kiran"},
    ],
)
def test_a_list_may_be_an_object_and_an_object_a_list(people: object) -> None:
    reading = _read(reportedPeople=people)
    assert [party.persons[0].first_name for party in reading.parties] == ["Kiran"]
    assert reading.unknown == ()


@pytest.mark.parametrize(
    "emails",
    [
        {"emails": [{"value": "kiran@example.org", "verified": "true"}]},
        {"emails": {"value": "kiran@example.org", "verified": 1}},
        [{"value": "kiran@example.org", "verified": {"value": "Yes"}}],
    ],
)
def test_an_email_may_come_in_any_wrapping(emails: object) -> None:
    party = _person({"emails": emails})
    assert [(email.value, email.verified) for email in party.emails] == [("kiran@example.org", Stated.YES)]


def test_a_text_may_stand_where_an_object_belongs() -> None:
    party = _person({"emails": "kiran@example.org", "screenName": "blue-kite", "addresses": "1 Example Road"})
    assert party.emails[0].value == "kiran@example.org"
    assert party.screen_names[0].value == "blue-kite"
    assert party.addresses[0].street == ("1 Example Road",)
    assert _read(reportingEsp="Example Chat").reporter.esp_name == "Example Chat"


def test_numbers_may_be_texts_and_texts_numbers() -> None:
    captures = [{"captureType": "ip address", "value": "192.0.2.44", "port": "51820"}]
    party = _person({"espUserId": 12345678901234567890, "sourceInformation": {"sourceCaptures": captures}})
    assert party.accounts[0].identifier == "12345678901234567890"
    assert party.network_events[0].port == 51820


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32-le"])
def test_a_byte_order_mark_or_another_encoding_changes_nothing(encoding: str) -> None:
    assert cybertip_json.read(CYBERTIP_JSON.decode().encode(encoding)) == cybertip_json.read(CYBERTIP_JSON)


def test_everything_in_the_known_layout_is_understood() -> None:
    reading = cybertip_json.read(CYBERTIP_JSON)
    assert reading.unknown == ()
    assert (reading.external_number, reading.incident.type) == ("7860042", IncidentType.TOURISM)
    assert reading.reporter.esp_name == "Example Chat"
    reported, recipient = reading.parties
    assert [(event.address, event.port, event.moment and event.moment.zone) for event in reported.network_events] == [
        ("192.0.2.44", None, None),
        ("192.0.2.44", 51820, "stated"),
        ("2001:db8::7", None, "not stated"),
    ]
    assert [str(link) for link in (*reported.profile_urls, *reported.urls)] == [
        "https://example.org/u/blue-kite",
        "https://example.org/kites",
    ]
    assert (reported.devices[0].kind, reported.devices[0].value) == ("IMEI", "490154203237518")
    assert [trait.value for trait in reported.persons[0].traits if trait.name == "languages"] == [
        "Marathi",
        "Hindi",
    ]
    assert (recipient.pseudonym, recipient.accounts[0].identifier) == ("Recipient 1", "u-1002")
    (file,) = reading.files
    assert (file.file_id, file.viewed_by_esp, file.hashes[0].kind) == ("b0c1", Stated.YES, "MD5")
    assert [tag.value for tag in file.tags] == ["Pattern", "Squares"]
    assert [place.kind for place in reading.webs] == ["web page", "email"]


def _without_sources(value: Json) -> Json:
    if isinstance(value, dict):
        return {name: _without_sources(item) for name, item in value.items() if name != "source"}
    return [_without_sources(item) for item in value] if isinstance(value, list) else value


def test_what_is_written_reads_back_as_the_same() -> None:
    reading = cybertip_json.read(CYBERTIP_JSON)
    again = cybertip_json.read(cybertip_json.write(reading))
    assert _without_sources(to_json(again)) == _without_sources(to_json(reading))
    assert cybertip_json.write(again) == cybertip_json.write(reading)


def test_no_child_is_named_in_what_is_written() -> None:
    written = cybertip_json.write(read_report(REPORT_XML, [FILE_DETAILS_XML])).decode()
    assert not any(words in written for words in ("Meera", "Invented", "yellow-boat", "Example School", "Asha"))
    minor = json.dumps(
        {
            "reportId": 1,
            "reportedInformation": {"reportedPeople": [{"firstName": "Tara", "dateOfBirth": "2010-05-01"}]},
        }
    )
    reading = cybertip_json.read(minor.encode())
    assert b"Tara" not in cybertip_json.write(reading, on=date(2026, 1, 5))
    assert b"Reported person 1" in cybertip_json.write(reading, on=date(2026, 1, 5))
    assert b"Tara" in cybertip_json.write(reading, on=date(2029, 1, 5))


def test_a_report_from_the_reporting_api_can_be_written_for_police_tools() -> None:
    reading = read_report(REPORT_XML, [FILE_DETAILS_XML])
    again = cybertip_json.read(cybertip_json.write(reading))
    assert again.unknown == ()
    assert again.incident.at is not None
    assert again.incident.at.as_sent == "2026-01-05T04:45:30Z"
    before, after = reading.parties[0].network_events, again.parties[0].network_events
    assert [(event.address, event.port) for event in after] == [(event.address, event.port) for event in before]
    # The zone that was not stated is still not stated.
    assert after[1].moment is not None
    assert after[1].moment.zone == "not stated"
    # A hash of the original is not passed off as the hash of what was uploaded.
    assert again.files[0].hashes == ()
