# SPDX-License-Identifier: Apache-2.0
"""What is understood of a value, of a person and of a whole reading."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightlight.foundation import canonical_json
from nightlight.pipeline.tips.formats.cybertipline import schema
from nightlight.pipeline.tips.formats.cybertipline.read import read_report
from nightlight.pipeline.tips.people import Party, Person, Role, with_pseudonyms
from nightlight.pipeline.tips.reading import (
    Incident,
    IncidentType,
    Reading,
    ReporterStatement,
    incident_type,
    summary,
    to_json,
)
from nightlight.pipeline.tips.tests.example_reports import FILE_DETAILS_XML, REPORT_XML
from nightlight.pipeline.tips.values import (
    Stated,
    Unknown,
    read_age,
    read_birth_date,
    read_moment,
    read_network_event,
    read_number,
    read_stated,
)


@pytest.mark.parametrize(
    "words",
    [
        "",
        "yesterday",
        "1767600000",
        "05/01/2026 10:00",
        "2026-02-30T10:00:00Z",
        "2026-01-05T25:00:00Z",
        "2026-01-05T24:00:01Z",
        "2016-12-31T23:59:60Z",
        "2026-01-05T10:00:00+15:00",
        "2026-01-05T10:00:00+05:75",
        "12026-01-05T10:00:00Z",
        "0000-01-05T10:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T24:00:00Z",
        "\u0662\u0660\u0662\u0666-01-05T10:00:00Z",
    ],
)
def test_a_time_that_cannot_be_read_keeps_its_words_and_nothing_else(words: str) -> None:
    moment = read_moment(words, "here")
    assert (moment.as_sent, moment.zone, moment.utc, moment.wall_clock) == (words, "unreadable", None, None)


def test_a_time_without_a_zone_is_never_given_one() -> None:
    moment = read_moment("2026-01-05T10:15:30", "here")
    assert (moment.utc, moment.zone, moment.offset_minutes) == (None, "not stated", None)
    assert (moment.wall_clock, moment.precision) == ("2026-01-05T10:15:30", "second")


def test_a_day_is_not_given_an_hour() -> None:
    moment = read_moment("2026-01-05Z", "here")
    assert (moment.utc, moment.zone, moment.precision) == (None, "stated", "day")
    assert moment.day == date(2026, 1, 5)


@pytest.mark.parametrize(
    ("words", "utc", "offset", "precision"),
    [
        ("2026-01-05T10:15:30+05:30", "2026-01-05T04:45:30+00:00", 330, "second"),
        ("2026-01-05 10:15:30Z", "2026-01-05T10:15:30+00:00", 0, "second"),
        ("2026-01-05T10:15-0800", "2026-01-05T18:15:00+00:00", -480, "minute"),
        ("2026-01-05T24:00:00Z", "2026-01-06T00:00:00+00:00", 0, "second"),
        ("2026-01-05T10:15:30.5Z", "2026-01-05T10:15:30.500000+00:00", 0, "millisecond"),
        ("2026-01-05T10:15:30.123456Z", "2026-01-05T10:15:30.123456+00:00", 0, "microsecond"),
        ("2026-01-05T10:15:30.123456789Z", "2026-01-05T10:15:30.123456+00:00", 0, "nanosecond"),
        ("2026-01-05 10:15:30 UTC", "2026-01-05T10:15:30+00:00", 0, "second"),
    ],
)
def test_a_stated_zone_gives_the_time_in_utc(words: str, utc: str, offset: int, precision: str) -> None:
    moment = read_moment(words, "here")
    assert moment.utc == datetime.fromisoformat(utc)
    assert (moment.offset_minutes, moment.precision, moment.as_sent) == (offset, precision, words)


@given(st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1)), st.integers(-840, 840))  # noqa: DTZ001
def test_every_time_with_an_offset_is_read_as_the_calendar_says(local: datetime, minutes: int) -> None:
    aware = local.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    assert read_moment(aware.isoformat(), "here").utc == aware.astimezone(UTC)


@given(st.text())
def test_no_words_make_a_value_reader_fail(words: str) -> None:
    assert read_moment(words, "here").as_sent == words.strip()
    assert read_network_event(words, "here", port=words).address_as_sent == words.strip()
    assert read_birth_date(words, "here").as_sent == read_age(words, "here").as_sent == words
    assert read_stated(words) in Stated


@pytest.mark.parametrize("sent", ["", "unknown", "192.0.2.300", "192.0.2.01", "192.0.2", "2001:db8::g", "\u0661.0.2.1"])
def test_what_is_no_address_stays_as_it_was_sent(sent: str) -> None:
    event = read_network_event(sent, "here")
    assert (event.address_as_sent, event.address, event.version) == (sent, None, None)


@pytest.mark.parametrize(
    ("sent", "address", "version", "port"),
    [
        ("192.0.2.7", "192.0.2.7", 4, None),
        (" 2001:DB8:0:0::7 ", "2001:db8::7", 6, None),
        ("::ffff:192.0.2.7", "192.0.2.7", 4, None),
        ("[2001:db8::7]", "2001:db8::7", 6, None),
        ("[2001:db8::7]:5060", "2001:db8::7", 6, 5060),
        ("192.0.2.7:5060", "192.0.2.7", 4, 5060),
    ],
)
def test_an_address_is_normalised_beside_what_was_sent(sent: str, address: str, version: int, port: int | None) -> None:
    event = read_network_event(sent, "here")
    assert (event.address, event.version, event.port) == (address, version, port)
    assert event.address_as_sent == sent.strip()


def test_a_port_that_cannot_be_is_kept_as_sent_and_not_used() -> None:
    event = read_network_event("192.0.2.7", "here", port="99999")
    assert (event.port, event.port_as_sent) == (None, "99999")
    assert read_network_event("192.0.2.7", "here", port="0").port is None
    assert read_network_event("192.0.2.7:1", "here", port="51820").port == 51820


def test_numbers_outside_their_bounds_are_not_numbers() -> None:
    assert read_number("-1", 0, 150) is None
    assert read_number("151", 0, 150) is None
    assert read_number("\u0663", 0, 150) is None
    assert read_number("9" * 5000, 0, 150) is None
    assert read_number(" +34 ", 0, 150) == 34


def test_only_a_stated_yes_counts_as_true() -> None:
    assert not any((Stated.NO, Stated.NOT_STATED, Stated.UNREADABLE))
    assert Stated.YES
    assert read_stated(None) is Stated.NOT_STATED
    assert read_stated("perhaps") is Stated.UNREADABLE
    assert [read_stated(words) for words in (" TRUE ", "1", "false", "No")] == [
        Stated.YES,
        Stated.YES,
        Stated.NO,
        Stated.NO,
    ]


def test_an_unknown_incident_type_is_other_and_none_is_unstated() -> None:
    assert incident_type("Kite theft") is IncidentType.OTHER
    assert incident_type(None) is IncidentType.UNSTATED


def test_each_incident_type_on_the_wire_has_its_code_and_a_present_term() -> None:
    wire = schema.load(False).incident_types
    read = {incident_type(text) for text in wire}
    assert read == set(IncidentType) - {IncidentType.OTHER, IncidentType.UNSTATED}
    assert IncidentType.MATERIAL.label == "Child sexual exploitative and abuse material (CSEAM)"
    assert len({kind.label for kind in IncidentType}) == len(IncidentType)


def _person(age: str | None = None, born: str | None = None, name: str | None = None) -> Person:
    return Person(
        source="p",
        first_name=name,
        ages=(read_age(age, "p/age"),) if age else (),
        birth_date=read_birth_date(born, "p/dateOfBirth") if born else None,
    )


def test_nobody_is_called_a_minor_because_a_date_is_ambiguous_or_an_age_unreadable() -> None:
    assert not _person(born="03/04/2019").minor_on(date(2026, 1, 5))
    assert not _person(age="young").minor_on(date(2026, 1, 5))


def test_somebody_is_a_minor_until_the_day_of_the_eighteenth_birthday() -> None:
    born = read_birth_date("2008-02-29", "p")
    assert born.minor_on(date(2026, 2, 28))
    assert not born.minor_on(date(2026, 3, 1))


def test_victims_and_minors_and_the_accounts_around_them_are_protected() -> None:
    parties = with_pseudonyms(
        [
            Party(Role.REPORTED, "r1", persons=(_person(age="40"),)),
            Party(Role.REPORTED, "r2", persons=(_person(born="2009-01-01"),)),
            Party(Role.ASSOCIATED, "r2/a", belongs_to="r2"),
            Party(Role.VICTIM, "v1"),
            Party(Role.VICTIM, "v2", persons=(_person(age="9"),)),
            Party(Role.ASSOCIATED, "v2/a", belongs_to="v2"),
        ],
        date(2026, 1, 5),
    )
    assert [(party.pseudonym, party.protected) for party in parties] == [
        ("Reported person 1", False),
        ("Reported person 2", True),
        ("Associated account 1", True),
        ("Victim 1", True),
        ("Child 2", True),
        ("Associated account 2", True),
    ]


def test_a_date_of_birth_protects_on_the_day_a_page_is_shown() -> None:
    (party,) = with_pseudonyms([Party(Role.RECIPIENT, "i1", persons=(_person(born="2010-05-01"),))], None)
    assert not party.protected
    assert party.protected_on(date(2026, 1, 5))
    assert not party.protected_on(date(2028, 5, 1))


def test_what_nobody_understood_is_protected_when_it_was_said_of_a_victim() -> None:
    assert Unknown("report/victim[1]/nickname", "x", "no field").protected
    assert not Unknown("report/reporter/nickname", "x", "no field").protected


def _reading(platform: str, *parties: Party) -> Reading:
    incident = Incident(IncidentType.ENTICEMENT, "i", platform=platform)
    return Reading("test", incident, ReporterStatement("r"), parties=parties)


@given(st.text(min_size=1, max_size=12).filter(str.strip), st.text(max_size=12), st.text(max_size=12))
def test_a_summary_names_nobody_even_where_the_platform_does(name: str, before: str, after: str) -> None:
    victim = Party(Role.VICTIM, "v", persons=(_person(name=name),))
    assert summary(_reading(before + name + after, victim)).sentence == "Online enticement of a child: 1 victim."


def test_an_empty_reading_has_a_sentence_too() -> None:
    assert (
        summary(_reading("Example\n Chat")).sentence
        == "Online enticement of a child on Example Chat: no people, network events or files."
    )


def test_a_summary_counts_what_the_report_holds() -> None:
    counted = summary(read_report(REPORT_XML, [FILE_DETAILS_XML]))
    assert (counted.people, counted.accounts, counted.files, counted.viewed) == (3, 4, 1, 1)
    assert (counted.network_events, counted.network_events_with_port) == (5, 4)
    assert counted.sentence == (
        "Online enticement of a child on Example Chat: 1 reported person, 1 recipient, 1 victim, "
        "5 network events (4 with port), 1 file (1 viewed by the reporter). "
        "The reporter asks for high priority."
    )


def test_a_reading_becomes_json_that_any_reader_and_the_custody_log_accept() -> None:
    reading = read_report(REPORT_XML, [FILE_DETAILS_XML])
    document = to_json(reading)
    assert json.loads(json.dumps(document)) == document
    assert canonical_json.encode(document) == canonical_json.encode(to_json(reading))
    assert document["reading_version"] == 1
    assert {"parties", "webs", "files", "law_enforcement", "unknown"} <= document.keys()
