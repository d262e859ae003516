# SPDX-License-Identifier: Apache-2.0
"""No text of a report names a protected party once it has gone through withholding."""

from __future__ import annotations

import json
from datetime import date

from hypothesis import example, given, settings
from hypothesis import strategies as st

from nightlight.pipeline.tips.formats.cybertipline.read import read_report
from nightlight.pipeline.tips.people import Role
from nightlight.pipeline.tips.reading import Reading, to_json
from nightlight.pipeline.tips.tests.example_reports import CHILD_WORDS, FILE_DETAILS_XML, REPORT_XML
from nightlight.pipeline.tips.withholding import withhold

TODAY = date(2026, 11, 22)


def _said(reading: Reading) -> str:
    return json.dumps(to_json(reading), ensure_ascii=False)


def _report(narrative: str = "", victim: str = "", reported: str = "") -> Reading:
    return read_report(
        f"""<report><incidentSummary><incidentType>Child Sex Trafficking</incidentType>
        <incidentDateTime>2026-01-05T10:15:30Z</incidentDateTime></incidentSummary>
        <reporter><reportingPerson><email>desk@example.org</email></reportingPerson></reporter>
        <personOrUserReported>{reported}</personOrUserReported>
        <victim>{victim}</victim><additionalInfo>{narrative}</additionalInfo></report>""".encode()
    )


def test_the_example_names_its_child_before_and_not_after() -> None:
    reading = read_report(REPORT_XML, [FILE_DETAILS_XML])
    assert all(word in _said(reading) for word in CHILD_WORDS)
    shown = withhold(reading, TODAY)
    assert not any(word in _said(shown.reading) for word in CHILD_WORDS)


def test_a_childs_name_is_masked_where_others_wrote_it() -> None:
    reading = _report(
        narrative="MEERA said: ask meera  invented, not Meerabai. Call 98220-55501 or +91 98220 55501.",
        victim="<victimPerson><firstName>Meera</firstName><lastName>Invented</lastName>"
        "<phone>9822055501</phone></victimPerson>",
    )
    (text,) = withhold(reading, TODAY).reading.statements
    assert text.value == "[Victim 1] said: ask [Victim 1], not Meerabai. Call [Victim 1] or +91 [Victim 1]."


def test_a_reported_persons_own_name_stays_though_a_victim_shares_it() -> None:
    reading = _report(
        narrative="Ravi Invented and Meera",
        victim="<victimPerson><firstName>Meera</firstName><lastName>Invented</lastName></victimPerson>",
        reported="<personOrUserReportedPerson><firstName>Ravi</firstName><lastName>Invented</lastName>"
        "</personOrUserReportedPerson>",
    )
    shown = withhold(reading, TODAY).reading
    assert shown.parties_as(Role.REPORTED)[0].names[:2] == ("Ravi", "Invented")
    assert shown.statements[0].value == "Ravi Invented and [Victim 1]"


def test_a_reported_person_under_eighteen_is_held_back_too() -> None:
    reading = _report(
        reported="<personOrUserReportedPerson><firstName>Ravi</firstName><age>15</age>"
        "</personOrUserReportedPerson><espIdentifier>u-7</espIdentifier>"
        "<ipCaptureEvent><ipAddress>192.0.2.9</ipAddress><port>4000</port></ipCaptureEvent>"
    )
    shown = withhold(reading, TODAY)
    (held,) = (back for source, back in shown.held_back.items() if "Reported" in source)
    assert (held.ages, held.accounts, held.network_events_with_port) == ((15,), 1, 1)
    assert shown.reading.network_events == ()
    assert "Ravi" not in _said(shown.reading)


def test_without_a_protected_party_nothing_is_changed() -> None:
    reading = read_report(REPORT_XML.replace(b"<victim>", b"<!--").replace(b"</victim>", b"-->"))
    assert withhold(reading, TODAY).reading == reading


_words = st.text(st.characters(categories=("Lu", "Ll", "Lo", "Mn")), min_size=2, max_size=12)


@settings(max_examples=60, deadline=None)
@example(first="A\U0002f800", last="AA", before="", after=" ")
@given(first=_words, last=_words, before=st.text("abc .,;", max_size=9), after=st.text(" .,;", min_size=1))
def test_whatever_a_victim_is_called_the_name_is_gone(first: str, last: str, before: str, after: str) -> None:
    victim = f"<victimPerson><firstName>{first}</firstName><lastName>{last}</lastName></victimPerson>"
    reading = _report(narrative=f"{before} {first}{after}{last}", victim=victim)
    shown = withhold(reading, TODAY).reading
    assert first not in shown.statements[0].value.replace("[Victim 1]", "").split()
    assert all(not party.names for party in shown.parties_as(Role.VICTIM))
