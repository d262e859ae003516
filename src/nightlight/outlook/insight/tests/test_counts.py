# SPDX-License-Identifier: Apache-2.0
"""What is counted in a report, what a provider could mend, and which numbers do not leave."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightlight.outlook.insight import counts, measuring
from nightlight.outlook.insight.counts import Counts
from nightlight.outlook.insight.measuring import Measured, lacks, measure
from nightlight.pipeline.routing import outcomes
from nightlight.pipeline.tips.formats.cybertipline import read
from nightlight.pipeline.tips.tests.example_reports import REPORT_XML

ARRIVED = datetime(2026, 1, 8, 3, tzinfo=UTC)


def _report(summary: str, rest: str = "") -> Measured:
    text = f"<report><incidentSummary>{summary}</incidentSummary>{rest}</report>"
    return measure(read.read_report(text.encode(), [], []), arrived_at=ARRIVED)


def _counts(**what: int) -> Counts:
    nothing = {field.name: 0 for field in fields(Counts)}
    return Counts(**{**nothing, "month": None, "median": None, "p90": None, **what})  # type: ignore[arg-type]


def test_what_could_not_be_read_holds_nothing_and_is_thin() -> None:
    found = measure(None, arrived_at=ARRIVED)
    assert found == Measured()
    assert found.thin
    assert set(lacks(found)) == {"no-address", "no-file", "no-contact"}


def test_a_port_a_zone_and_an_account_are_counted_where_they_are() -> None:
    events = """<personOrUserReported><screenName>grey-heron</screenName>
        <ipCaptureEvent><ipAddress>192.0.2.7</ipAddress><dateTime>2026-01-05T10:00:00Z</dateTime><port>4711</port></ipCaptureEvent>
        <ipCaptureEvent><ipAddress>192.0.2.8</ipAddress><dateTime>2026-01-05T10:00:00</dateTime></ipCaptureEvent>
        <ipCaptureEvent><ipAddress>none</ipAddress></ipCaptureEvent></personOrUserReported>"""
    found = _report("<incidentDateTime>2026-01-05T23:30:00Z</incidentDateTime>", events)
    assert (found.events, found.addressed, found.with_port, found.with_zone) == (3, 2, 1, 1)
    assert (found.account, found.contact, found.thin) == (True, False, False)
    assert lacks(found) == ("no-port", "no-zone", "no-file")


def test_what_is_told_of_a_lack_is_one_of_the_documented_codes() -> None:
    assert set(lacks(Measured(events=2, addressed=2, files=1))) <= set(outcomes.LACKS)
    assert lacks(measure(read.read_report(REPORT_XML, [], []), arrived_at=ARRIVED))  # reads the fullest report there is


@pytest.mark.parametrize(
    ("summary", "days"),
    [
        ("<incidentDateTime>2026-01-05T23:30:00Z</incidentDateTime>", 3),
        ("<incidentDateTime>2026-01-05</incidentDateTime>", 3),
        ("<incidentDateTime>2026-01-09T01:00:00Z</incidentDateTime>", 0),  # a clock in another zone
        ("<incidentDateTime>2026-03-01T01:00:00Z</incidentDateTime>", None),  # to come
        ("<incidentDateTime>1900-01-01T01:00:00Z</incidentDateTime>", None),
        ("<incidentDateTime>last week</incidentDateTime>", None),
        ("", None),
    ],
)
def test_days_from_the_incident_to_its_arrival(summary: str, days: int | None) -> None:
    assert _report(summary).days == days


@given(st.dictionaries(st.sampled_from([one.value for one in outcomes.Outcome]), st.integers(0, 40)))
def test_no_small_number_leaves_and_none_can_be_worked_out(told: dict[str, int]) -> None:
    cells = {cell.code: cell.reports for cell in counts.without_small(told)}
    assert all(n >= counts.SMALLEST and n == told[code] for code, n in cells.items())
    # Whoever knows the whole knows how many reports the outcomes have that are left out.
    left_out = sum(told.values()) - sum(cells.values())
    assert left_out == 0 or left_out >= counts.SMALLEST or not cells


@pytest.mark.parametrize(
    ("told", "left"),
    [
        ({"in-progress": 50, "actioned": 1, "linked": 1}, []),
        ({"in-progress": 3}, []),
        ({"in-progress": 4, "actioned": 4, "linked": 0}, []),
        ({"in-progress": 40, "actioned": 4, "linked": 4}, ["in-progress"]),
        ({"in-progress": 40, "actioned": 3, "linked": 7}, ["in-progress"]),
        ({"in-progress": 40, "actioned": 5}, ["in-progress", "actioned"]),
    ],
)
def test_what_is_left_of_small_numbers(told: dict[str, int], left: list[str]) -> None:
    assert [cell.code for cell in counts.without_small(told)] == left


def test_only_what_lacks_is_said_the_largest_share_first_and_with_its_numbers() -> None:
    assert counts.mendings(_counts(reports=3, with_address=3, contact_or_account=3, dated=3)) == []
    said = counts.mendings(
        _counts(
            reports=600, with_address=600, contact_or_account=590, dated=600, addressed=500, with_port=88, events=500
        )
    )
    assert [one.split(":")[0] for one in said] == [
        "500 of 500 network events have no time, or one without a zone",
        "412 of 500 network events have an address without a port",
        "10 of 600 reports name no account, e-mail address or telephone number",
    ]


@pytest.mark.parametrize(("n", "of", "percent"), [(0, 0, None), (0, 9, 0), (1, 900, 1), (899, 900, 99), (9, 9, 100)])
def test_neither_none_nor_all_is_said_of_what_is_not(n: int, of: int, percent: int | None) -> None:
    assert counts.Share("port", "", "", n, of).percent == percent


def test_months_follow_each_other_over_the_turn_of_a_year() -> None:
    found = list(counts.months_between(date(2025, 11, 1), date(2026, 2, 1)))
    assert found == [date(2025, 11, 1), date(2025, 12, 1), date(2026, 1, 1), date(2026, 2, 1)]
    assert counts.following(date(2026, 2, 1), -14) == date(2024, 12, 1)
    assert measuring.VERSION == 1  # counted otherwise: raise it, and say in CHANGELOG.md to rebuild
