# SPDX-License-Identifier: Apache-2.0
"""Documented rules that only strict enforces, notes that never refuse, and mistakes known from clients."""

from __future__ import annotations

from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightlight.pipeline.tips.formats.cybertipline.check import (
    Profile,
    Refused,
    Situation,
)
from nightlight.pipeline.tips.tests.cybertip_reports import (
    ACCOUNT,
    PAGE,
    REPORTER,
    check,
    clean,
    codes,
    identity,
    person,
    refused,
    refused_in_strict_only,
    report,
    summary,
)

# Documented rules: strict refuses, advise records


@pytest.mark.parametrize(
    ("bad", "good", "code"),
    [
        (report(about=summary(f"<platform>{'x' * 257}</platform>")),
         report(about=summary(f"<platform>{'x' * 256}</platform>")), "too-long"),
        (report(about=summary("<escalateToHighPriority> </escalateToHighPriority>")),
         report(about=summary("<escalateToHighPriority>Now</escalateToHighPriority>")), "blank"),
        (report(ACCOUNT * 2), report(ACCOUNT), "several-persons-reported"),
        (report(reporter="<reporter><reportingPerson/></reporter>"), report(), "reporter-without-email"),
        (report(reporter=REPORTER.replace("desk@example.org", "desk")), report(), "bad-email"),
        (report(details=PAGE.replace("https://", "")), report(), "bad-url"),
        (report(details=PAGE.replace("/p<", f"/{'p' * 2083}<")), report(), "too-long"),
        (report("<intendedRecipient><additionalInfo/><additionalInfo/></intendedRecipient>"),
         report("<intendedRecipient><additionalInfo/></intendedRecipient>"), "too-many"),
        (report(identity("<age>151</age>")), report(identity("<age>150</age>")), "out-of-range"),
        (report(identity("<phone verificationDate='2026-01-01T00:00:00Z'>1</phone>")),
         report(identity("<phone verified='1' verificationDate='2026-01-01T00:00:00Z'>1</phone>")),
         "not-verified"),
        (report(identity("<email verified='false' verificationDate='2026-01-01T00:00:00Z'>a@b</email>")),
         report(identity("<email verified='true' verificationDate='2026-01-01T00:00:00Z'>a@b</email>")),
         "not-verified"),
        (report(identity("<phone countryCallingCode='+91'>+91 0000</phone>")),
         report(identity("<phone countryCallingCode='+91'>0000</phone>")), "calling-code-repeated"),
        (report(identity("<phone extension='12345678901'>1</phone>")),
         report(identity("<phone extension='1234567890'>1</phone>")), "too-long"),
        (report(person("<accountTemporarilyDisabled disabledDate='2026-01-02T00:00:00Z'"
                       " userNotifiedDate='2026-01-01T00:00:00Z'>true</accountTemporarilyDisabled>")),
         report(person("<accountTemporarilyDisabled disabledDate='2026-01-02T00:00:00Z'"
                       " userNotifiedDate='2026-01-02T00:00:00Z'>true</accountTemporarilyDisabled>")),
         "dates-out-of-order"),
        (report(person("<accountTemporarilyDisabled disabledDate='2026-01-02T00:00:00Z'"
                       " reenabledDate='2026-01-02T00:00:00Z'>true</accountTemporarilyDisabled>")),
         report(person("<accountTemporarilyDisabled disabledDate='2026-01-02T00:00:00Z'"
                       " reenabledDate='2027-01-02T00:00:00Z'>true</accountTemporarilyDisabled>")),
         "dates-out-of-order"),
        (report(person("<estimatedLocation><city>Pune</city></estimatedLocation>")),
         report(person("<estimatedLocation><city>Pune</city><countryCode>IN</countryCode></estimatedLocation>")),
         "country-missing"),
        (report(person("<estimatedLocation><region>Ohio</region><countryCode>US</countryCode></estimatedLocation>")),
         report(person("<estimatedLocation><region>OH</region><countryCode>US</countryCode></estimatedLocation>")),
         "region-unknown"),
        (report(person("<estimatedLocation><city>Dayton</city><countryCode>US</countryCode></estimatedLocation>")),
         report(person("<estimatedLocation><countryCode>US</countryCode></estimatedLocation>")),
         "region-missing"),
        (report(person("<associatedAccount type='Other'><approximateAge>9</approximateAge>"
                       "<dateOfBirth>2015-01-01</dateOfBirth></associatedAccount>")),
         report(person("<associatedAccount type='Other'><approximateAge>9</approximateAge>"
                       "</associatedAccount>")),
         "age-and-birth"),
        (report(person("<deviceId><idType> </idType><idValue>1</idValue></deviceId>")),
         report(person("<deviceId><idType>IMEI</idType><idValue>1</idValue></deviceId>")), "blank"),
        (report(details="<internetDetails><cellPhoneIncident><latitude>-123.456</latitude></cellPhoneIncident></internetDetails>"),
         report(details="<internetDetails><cellPhoneIncident><latitude>-12.3</latitude></cellPhoneIncident></internetDetails>"),
         "out-of-range"),
    ],
)  # fmt: skip
def test_a_documented_rule_is_enforced_in_strict_and_recorded_in_advise(bad: str, good: str, code: str) -> None:
    refused_in_strict_only(bad, code)
    clean(good, code)


def test_dates_are_not_ordered_when_only_one_has_a_zone() -> None:
    dates = "disabledDate='2026-01-02T00:00:00Z' userNotifiedDate='2026-01-01T23:00:00'"
    check(
        report(person(f"<accountPermanentlyDisabled {dates}>true</accountPermanentlyDisabled>")),
        Profile.STRICT,
    )


# Notes: never a refusal


@pytest.mark.parametrize(
    ("noted", "quiet", "code"),
    [
        (report(about=summary(date="2026-01-10T08:00:00")), report(), "zone-not-stated"),
        (report(person("<ipCaptureEvent><ipAddress>192.0.2.1</ipAddress></ipCaptureEvent>")), report(),
         "capture-without-port"),
        (report(person("<ipCaptureEvent><ipAddress>192.0.2.1</ipAddress></ipCaptureEvent>")),
         report(person("<ipCaptureEvent><ipAddress>192.0.2.1</ipAddress>"
                       "<dateTime>2026-01-01T00:00:00Z</dateTime></ipCaptureEvent>")),
         "capture-without-time"),
        (report(identity("<email>a@example.org</email>")
                + "<victim><victimPerson><email>A@example.org</email></victimPerson></victim>"),
         report(identity("<email>a@example.org</email>")
                + "<victim><victimPerson><email>b@example.org</email></victimPerson></victim>"),
         "victim-is-reported"),
        (report(details=""), report(), "thin-report"),
        (report("<victim><victimPerson/></victim>", details=""), report(ACCOUNT, details=""), "thin-report"),
    ],
)  # fmt: skip
def test_what_makes_a_tip_hard_to_act_on_is_noted_in_advise(noted: str, quiet: str, code: str) -> None:
    assert check(noted, Profile.STRICT).findings == ()
    assert check(noted, Profile.SANDBOX).findings == ()
    assert code in codes(noted)
    assert code not in codes(quiet)


def test_a_finding_on_an_attribute_names_it() -> None:
    body = report(identity("<phone verificationDate='2026-01-01T00:00:00Z'>1</phone>"))
    [finding] = check(body, Profile.ADVISE).findings
    assert finding.path.endswith("/personOrUserReportedPerson/phone/@verificationDate")


@given(st.sampled_from(Profile), st.text(max_size=40))
def test_no_text_makes_the_check_fail_otherwise_than_by_refusing(profile: Profile, words: str) -> None:
    for body in (
        report(about=summary(date=escape(words))),
        report(identity(f"<email>{escape(words)}</email>")),
    ):
        try:
            check(body.encode("utf-8", "surrogatepass"), profile)
        except Refused as caught:
            assert caught.description


# Mistakes known from clients


@pytest.mark.parametrize(
    "body",
    [
        report(person("<associatedAccount accountType='Other'/>")),
        report(person("<associatedAccount type='Other' thirdPartyUser='true'/>")),
        report(details="<lawEnforcement fleaCountry='IN'><agencyName>Unit</agencyName></lawEnforcement>"),
    ],
)
def test_a_known_client_mistake_is_tolerated_only_when_advising(body: str) -> None:
    for profile in (Profile.SANDBOX, Profile.STRICT):
        assert refused(body, profile).situation is Situation.INVALID
    assert "tolerated" in codes(body)


def test_a_mistake_beside_a_known_one_is_still_refused_where_it_stands() -> None:
    body = report(person("<associatedAccount accountType='Nobody'/>"))
    assert (
        "attribute 'type' of element 'associatedAccount' has the value 'Nobody'"
        in refused(body, Profile.ADVISE).description
    )
