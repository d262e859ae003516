# SPDX-License-Identifier: Apache-2.0
"""What is no valid report is refused with place and reason; what is one is summed up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from nightlight.pipeline.tips import reading
from nightlight.pipeline.tips.formats.cybertipline import schema
from nightlight.pipeline.tips.formats.cybertipline.check import (
    Profile,
    Situation,
    check_report,
)
from nightlight.pipeline.tips.tests.cybertip_reports import (
    ACCOUNT,
    BATCH,
    NOW,
    PAGE,
    always_refused,
    check,
    identity,
    person,
    refused,
    report,
    summary,
)

# Malformed and invalid documents


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"<report>", b"<fileDetails/>", b"<!DOCTYPE report><report/>", b"<report>\xff</report>",
     b"<incidentSummary/>", b'<report xmlns="urn:x"/>', b"<a>" * 300_000],
)  # fmt: skip
def test_what_is_not_a_report_document_is_malformed(body: bytes) -> None:
    caught = refused(body)
    assert caught.situation is Situation.MALFORMED_XML
    assert caught.description.startswith("Malformed XML submittal")


def test_a_violation_names_line_column_element_and_what_was_expected() -> None:
    body = "<report>\n  <incidentSummary>\n    <platform>x</platform>\n  </incidentSummary>\n</report>"
    assert refused(body).description == (
        "Validation failed: [3,5] - element 'platform' is not expected here; expected 'incidentType'"
    )


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (report(about=summary("<unheardOf/>")), "element 'unheardOf' is not expected here"),
        (report(about=summary(date="yesterday")), "has the value 'yesterday'; expected a time like"),
        (report(about=summary("<platform/><platform/>")), "'platform' may be given only once"),
        (report("<victim/>"), "element 'victim' is incomplete: expected 'victimPerson'"),
        (report(PAGE), "element 'internetDetails' must stand before 'reporter'"),
        (report(person("<associatedAccount/>")), "element 'associatedAccount' needs the attribute 'type'"),
        (report(person("<espService a='1'/>")), "attribute 'a' is not allowed on element 'espService'"),
        (report(person("stray")), "text 'stray' is not allowed directly inside"),
        (report(identity("<email type='home'>a@example.org</email>")), "of element 'email' has"),
        (report("<victim><victimPerson xmlns:x='urn:x'><x:a/></victimPerson></victim>"), "{urn:x}a"),
        ("<report/>", "element 'report' is incomplete: expected 'incidentSummary'"),
    ],
)  # fmt: skip
def test_a_violation_is_described_in_our_words(body: str, words: str) -> None:
    assert words in refused(body).description


def test_the_position_counts_in_the_bytes_as_received() -> None:
    body = "\ufeff<?xml version='1.0'?>\n<!-- a\ncomment -->\n" + report(about=summary("<x/>"))
    assert "[4,77]" in refused(body.encode()).description


def test_a_very_long_name_does_not_make_a_very_long_description() -> None:
    assert len(refused(report(about=summary(f"<{'x' * 40_000}/>"))).description) <= 1000


# What a checked report says


def test_a_report_is_summed_up() -> None:
    body = report(
        person("<espIdentifier>u1</espIdentifier>")
        + "<intendedRecipient/><intendedRecipient/><victim><victimPerson/></victim>",
        about=summary("<escalateToHighPriority> A child is alone there. </escalateToHighPriority>"),
    )
    checked = check(body)
    assert checked.incident_type == "misleading_domain"
    assert checked.incident_at_sent == "2026-01-10T08:00:00+05:30"
    assert checked.incident_at == datetime(2026, 1, 10, 2, 30, tzinfo=UTC)
    assert checked.zone_stated
    assert checked.escalation == "A child is alone there."
    assert (checked.persons_reported, checked.intended_recipients, checked.victims) == (1, 2, 1)
    assert not checked.batched
    assert checked.findings == ()


def test_a_time_without_a_zone_stays_a_fact_about_the_source() -> None:
    checked = check(report(about=summary(date="2026-01-10T08:00:00")), Profile.ADVISE)
    assert checked.incident_at is None
    assert not checked.zone_stated
    [finding] = [finding for finding in checked.findings if finding.code == "zone-not-stated"]
    assert finding.path == "/report/incidentSummary/incidentDateTime"
    assert finding.line == 1


@pytest.mark.parametrize("date", ["0001-01-01T00:00:00+14:00", "-0044-03-15T00:00:00Z"])
def test_a_time_that_no_calendar_here_holds_is_kept_as_sent(date: str) -> None:
    checked = check(report(about=summary(date=date)))
    assert (checked.incident_at, checked.zone_stated, checked.incident_at_sent) == (None, True, date)


def test_flags_and_white_space_that_the_standard_allows_are_accepted() -> None:
    flags = "<reportAnnotations><spam>1</spam><sextortion> true </sextortion></reportAnnotations>"
    checked = check(report(about=summary(flags, date="\n 2026-01-10T08:00:00Z ")))
    assert checked.incident_at_sent == "2026-01-10T08:00:00Z"


# Rules enforced in every profile


@pytest.mark.parametrize(
    "date",
    ["2026-01-15T12:02:00Z", "2099-01-01T00:00:00+05:30", "2026-01-16T03:00:00", "12026-01-01T00:00:00Z",
     "9999-12-31T24:00:00Z"],
)  # fmt: skip
def test_an_incident_in_the_future_is_refused(date: str) -> None:
    always_refused(report(about=summary(date=date)), "must be a past date", Situation.FUTURE_DATE)


@pytest.mark.parametrize(
    "date",
    ["2026-01-15T12:00:00Z", "2026-01-15T12:00:30.123456789Z", "2026-01-15T23:00:00",
     "2026-01-16T00:00:00+12:30"],
)  # fmt: skip
def test_an_incident_up_to_now_in_some_zone_is_accepted(date: str) -> None:
    check(report(about=summary(date=date)))


@pytest.mark.parametrize(
    "party",
    [
        person("<ipCaptureEvent><ipAddress>192.0.2.1</ipAddress><dateTime>{}</dateTime></ipCaptureEvent>"),
        person("<deviceId><idType>IMEI</idType><idValue>1</idValue><dateTime>{}</dateTime></deviceId>"),
        person("<accountPermanentlyDisabled disabledDate='{}'>true</accountPermanentlyDisabled>"),
        person("<accountTemporarilyDisabled userNotifiedDate='{}'>true</accountTemporarilyDisabled>"),
        person("<estimatedLocation timestamp='{}'><countryCode>IN</countryCode></estimatedLocation>"),
        identity("<phone verified='true' verificationDate='{}'>1</phone>"),
        identity("<email verified='true' verificationDate='{}'>a@example.org</email>"),
    ],
)
def test_other_times_in_the_future_are_refused_too(party: str) -> None:
    always_refused(report(party.format("2026-02-01T00:00:00Z")), "must be a past date", Situation.FUTURE_DATE)
    check(report(party.format("2026-01-01T00:00:00Z")), Profile.STRICT)


def test_a_date_of_birth_is_in_the_past() -> None:
    born = "<dateOfBirth>{}</dateOfBirth>"
    account = person("<associatedAccount type='Linked'><dateOfBirth>2030-01-01</dateOfBirth></associatedAccount>")
    always_refused(report(identity(born.format("2026-01-17"))), "past date", Situation.FUTURE_DATE)
    always_refused(report(account), "past date", Situation.FUTURE_DATE)
    check(report(identity(born.format("2011-01-31Z"))))


@pytest.mark.parametrize("port", ["0", "-1", "65536", "99999"])
def test_a_port_outside_the_range_is_refused(port: str) -> None:
    event = "<ipCaptureEvent><ipAddress>192.0.2.1</ipAddress><port>{}</port></ipCaptureEvent>"
    always_refused(report(person(event.format(port))), "must lie between 1 and 65535")
    check(report(person(event.format("65535"))))
    check(report(person(event.format("0" * 5000 + "1"))))


@pytest.mark.parametrize("address", ["", " ", "example.org", "192.0.2.256", "192.0.2.1:80", "fe80::1%eth0", "1"])
def test_what_is_not_an_ip_address_is_refused(address: str) -> None:
    always_refused(report(person(f"<ipCaptureEvent><ipAddress>{address}</ipAddress></ipCaptureEvent>")), "not an IP")


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::7", "2001:DB8::7", "::ffff:192.0.2.1", " 192.0.2.1 "])
def test_an_ip_address_of_either_family_is_accepted(address: str) -> None:
    check(report(person(f"<ipCaptureEvent><ipAddress>{address}</ipAddress></ipCaptureEvent>")), Profile.STRICT)


@pytest.mark.parametrize("kind", ["emailIncident", "newsgroupIncident"])
def test_an_incident_email_must_belong_to_a_party(kind: str) -> None:
    used = f"<internetDetails><{kind}><emailAddress>Asha@example.org</emailAddress></{kind}></internetDetails>"
    always_refused(report(details=used), "not an email of a reported person")
    owned = "<email>asha@example.org</email>"
    for party in (
        identity(owned),
        f"<intendedRecipient><intendedRecipientPerson>{owned}</intendedRecipientPerson></intendedRecipient>",
        f"<victim><victimPerson>{owned}</victimPerson></victim>",
    ):
        check(report(party, details=used), Profile.STRICT)


def test_the_email_of_the_reporter_does_not_count_as_a_party() -> None:
    incident = "<emailIncident><emailAddress>desk@example.org</emailAddress></emailIncident>"
    used = f"<internetDetails>{incident}</internetDetails>"
    always_refused(report(details=used), "not an email of a reported person")


@pytest.mark.parametrize(
    "party",
    [
        person("<priorCTReports>{}</priorCTReports>"),
        "<intendedRecipient><priorCTReports>{}</priorCTReports></intendedRecipient>",
        person("<associatedAccount type='Other'><priorCTReport>{}</priorCTReport></associatedAccount>"),
    ],
)
def test_an_earlier_report_must_exist(party: str) -> None:
    always_refused(report(party.format(41)), "names report 41, which does not exist")
    checked = check(report(party.format(" 0042\n")), known=frozenset({42}))
    assert checked.prior_reports == {42}
    assert check(report(party.format("0" * 5000 + "42")), known=frozenset({42})).prior_reports == {42}


def test_earlier_reports_are_looked_up_at_once_and_only_when_named() -> None:
    asked: list[frozenset[int]] = []

    def known(numbers: frozenset[int]) -> frozenset[int]:
        asked.append(numbers)
        return numbers

    for body in (
        report(),
        report(person("<priorCTReports>1</priorCTReports><priorCTReports>2</priorCTReports>")),
    ):
        check_report(body.encode(), profile=Profile.SANDBOX, now=NOW, newer=False, known_reports=known)
    assert asked == [{1, 2}]


@pytest.mark.parametrize(
    ("body", "element"),
    [
        (report(ACCOUNT, head=BATCH), "internetDetails"),
        (report(ACCOUNT + "<intendedRecipient/>", head=BATCH, details=""), "intendedRecipient"),
        (report(ACCOUNT + "<victim><victimPerson/></victim>", head=BATCH, details=""), "victim"),
        (report(ACCOUNT + "<additionalInfo/>", head=BATCH, details=""), "additionalInfo"),
        (report(ACCOUNT, head=BATCH, details="<lawEnforcement><agencyName/></lawEnforcement>"),
         "lawEnforcement"),
        (report(ACCOUNT, head=BATCH, details="", about=summary("<escalateToHighPriority/>")),
         "escalateToHighPriority"),
        (report(ACCOUNT + person("<screenName>s</screenName>"), head=BATCH, details=""), "espIdentifier"),
        (report(person(""), head=BATCH, details=""), "espIdentifier"),
    ],
)  # fmt: skip
def test_a_batch_names_accounts_and_nothing_else(body: str, element: str) -> None:
    always_refused(body, element)


def test_a_batch_of_several_accounts_is_accepted() -> None:
    checked = check(report(ACCOUNT * 3, head=BATCH, details=""), Profile.STRICT)
    assert checked.batched
    assert checked.persons_reported == 3


def test_the_present_is_passed_in() -> None:
    body = report(about=summary(date="2026-01-20T00:00:00Z")).encode()
    later = NOW + timedelta(days=10)
    check_report(body, profile=Profile.STRICT, now=later, newer=False, known_reports=lambda asked: asked)
    assert refused(body).situation is Situation.FUTURE_DATE


def test_the_schema_and_the_readings_name_incident_types_alike() -> None:
    for text, code in schema.load(False).incident_types.items():
        assert reading.incident_type(text).value == code
