# SPDX-License-Identifier: Apache-2.0
"""Texts and what they must come out as: run before a court asks, on the machine whose answer is in question.

The expected instants are written by hand from the published rules of each zone (IANA database 2025: northamerica,
europe, asia, australasia), not computed by the code that is checked.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from nightlight.casework.attribution.time_texts import DateOrder, TimeFault
from nightlight.casework.attribution.times import TimeRefused, Zone, derive

YMD, DMY, MDY = DateOrder.YMD, DateOrder.DMY, DateOrder.MDY
_OWN = Zone.as_written()
_NEVER, _TWICE = TimeFault.LOCAL_IMPOSSIBLE, TimeFault.LOCAL_AMBIGUOUS


class Vector(NamedTuple):
    """A text, how it is declared, and either UTC and local (ISO 8601) with precision, or the code of the refusal."""

    text: str
    order: DateOrder | None
    zone: Zone
    utc: str = ""
    local: str = ""
    precision: str = "second"
    fault: TimeFault | None = None
    instants: tuple[str, ...] = ()


def _in(name: str) -> Zone:
    return Zone.named(name)


def _no(text: str, order: DateOrder | None, zone: Zone, fault: TimeFault, *instants: str) -> Vector:
    return Vector(text, order, zone, fault=fault, instants=instants)


_INDIA, _LONDON, _NEW_YORK = _in("Asia/Kolkata"), _in("Europe/London"), _in("America/New_York")
_KATHMANDU, _LORD_HOWE = _in("Asia/Kathmandu"), _in("Australia/Lord_Howe")

READ: tuple[Vector, ...] = (
    # The two orders of one regulation, both in IST: the same instant.
    Vector("05:12:2026 00:44:36", MDY, _INDIA, "2026-05-11T19:14:36", "2026-05-12T00:44:36"),
    Vector("12/05/2026 00:44:36", DMY, _INDIA, "2026-05-11T19:14:36", "2026-05-12T00:44:36"),
    Vector("12-May-2026 00:44:36", None, _INDIA, "2026-05-11T19:14:36", "2026-05-12T00:44:36"),
    Vector("May 12, 2026 12:44:36 AM", None, _INDIA, "2026-05-11T19:14:36", "2026-05-12T00:44:36"),
    Vector("2026-05-12-00:44:36", YMD, _INDIA, "2026-05-11T19:14:36", "2026-05-12T00:44:36"),
    Vector("20260512 004436", YMD, _INDIA, "2026-05-11T19:14:36", "2026-05-12T00:44:36"),
    Vector("12.05.2026 00.44.36", DMY, _INDIA, "2026-05-11T19:14:36", "2026-05-12T00:44:36"),
    Vector("2026-05-11 19:14:36 UTC", None, _OWN, "2026-05-11T19:14:36", "2026-05-11T19:14:36"),
    Vector("2026-05-11T19:14:36Z", YMD, _OWN, "2026-05-11T19:14:36", "2026-05-11T19:14:36"),
    Vector("2026-05-12T00:44:36+05:30", None, _OWN, "2026-05-11T19:14:36", "2026-05-12T00:44:36"),
    Vector("2026-05-12T00:44:36+05:30", None, _INDIA, "2026-05-11T19:14:36", "2026-05-12T00:44:36"),
    Vector("12/05/2026 00:44:36 GMT+5:30", DMY, _OWN, "2026-05-11T19:14:36", "2026-05-12T00:44:36"),
    Vector("12/05/2026 00:44:36 IST", DMY, _INDIA, "2026-05-11T19:14:36", "2026-05-12T00:44:36"),
    Vector("2026-05-12 00:44:36", None, Zone.fixed(330), "2026-05-11T19:14:36", "2026-05-12T00:44:36"),
    Vector("1778526876", None, _OWN, "2026-05-11T19:14:36", "2026-05-11T19:14:36"),
    Vector("1778526876", None, _INDIA, "2026-05-11T19:14:36", "2026-05-12T00:44:36"),
    Vector("1778526876250", None, _OWN, "2026-05-11T19:14:36.250", "2026-05-11T19:14:36.250", "millisecond"),
    # Precision is kept.
    Vector("2026-05-12 00:44", None, _INDIA, "2026-05-11T19:14", "2026-05-12T00:44", "minute"),
    Vector("12/05/2026", DMY, _INDIA, "", "", "day"),
    Vector("2026-05-11T19:14:36.5Z", None, _OWN, "2026-05-11T19:14:36.5", "2026-05-11T19:14:36.5", "millisecond"),
    # Only one order gives a day, or both give the same.
    Vector("13/05/2026 00:00:00", None, _INDIA, "2026-05-12T18:30:00", "2026-05-13T00:00:00"),
    Vector("05/05/2026 12:00:00", None, _INDIA, "2026-05-05T06:30:00", "2026-05-05T12:00:00"),
    # The midnight that ends a day; across a month and a year.
    Vector("31/12/2025 24:00:00", DMY, _INDIA, "2025-12-31T18:30:00", "2026-01-01T00:00:00"),
    Vector("2026-02-28T24:00:00Z", None, _OWN, "2026-03-01T00:00:00", "2026-03-01T00:00:00"),
    Vector("29/02/2024 23:59:59", DMY, _INDIA, "2024-02-29T18:29:59", "2024-02-29T23:59:59"),
    # London: forward on 29 March 2026 at 01:00 UTC, back on 25 October 2026 at 01:00 UTC.
    Vector("2026-03-29 00:59:59", None, _LONDON, "2026-03-29T00:59:59", "2026-03-29T00:59:59"),
    Vector("2026-03-29 02:00:00", None, _LONDON, "2026-03-29T01:00:00", "2026-03-29T02:00:00"),
    Vector("2026-07-01 12:00:00", None, _LONDON, "2026-07-01T11:00:00", "2026-07-01T12:00:00"),
    Vector("2026-10-25 00:59:59", None, _LONDON, "2026-10-24T23:59:59", "2026-10-25T00:59:59"),
    Vector("2026-10-25 02:00:00", None, _LONDON, "2026-10-25T02:00:00", "2026-10-25T02:00:00"),
    # New York: forward on 8 March 2026 at 07:00 UTC, back on 1 November 2026 at 06:00 UTC.
    Vector("2026-03-08 01:59:59", None, _NEW_YORK, "2026-03-08T06:59:59", "2026-03-08T01:59:59"),
    Vector("2026-03-08 03:00:00", None, _NEW_YORK, "2026-03-08T07:00:00", "2026-03-08T03:00:00"),
    Vector("2026-11-01 02:00:00", None, _NEW_YORK, "2026-11-01T07:00:00", "2026-11-01T02:00:00"),
    # 45 minutes: Kathmandu is 5:45 ahead, so it changes the day 15 minutes before India's clocks show it.
    Vector("2026-05-12 00:00:00", None, _KATHMANDU, "2026-05-11T18:15:00", "2026-05-12T00:00:00"),
    Vector("2026-05-12 05:44:59", None, _KATHMANDU, "2026-05-11T23:59:59", "2026-05-12T05:44:59"),
    Vector("2026-01-10 12:00:00", None, _in("Pacific/Chatham"), "2026-01-09T22:15:00", "2026-01-10T12:00:00"),
    Vector("2026-01-10 12:00:00", None, _in("Australia/Adelaide"), "2026-01-10T01:30:00", "2026-01-10T12:00:00"),
    # Lord Howe moves its clocks by half an hour: 10:30 in winter, 11:00 in summer.
    Vector("2026-07-01 12:00:00", None, _LORD_HOWE, "2026-07-01T01:30:00", "2026-07-01T12:00:00"),
    Vector("2026-01-01 12:00:00", None, _LORD_HOWE, "2026-01-01T01:00:00", "2026-01-01T12:00:00"),
    Vector("2026-10-04 02:30:00", None, _LORD_HOWE, "2026-10-03T15:30:00", "2026-10-04T02:30:00"),
    # The day after a day that a country skipped (Samoa had no 30 December 2011).
    Vector("2011-12-31 00:00:00", None, _in("Pacific/Apia"), "2011-12-30T10:00:00", "2011-12-31T00:00:00"),
)

REFUSED: tuple[Vector, ...] = (
    _no("", None, _INDIA, TimeFault.EMPTY),
    _no("yesterday", None, _INDIA, TimeFault.UNREADABLE),
    _no("05/12/2026 00:44:36", None, _INDIA, TimeFault.ORDER_NEEDED),
    _no("20/05/2026 00:44:36", MDY, _INDIA, TimeFault.ORDER_CONTRADICTS),
    _no("05/20/2026 00:44:36", DMY, _INDIA, TimeFault.ORDER_CONTRADICTS),
    _no("2026-05-12 00:44:36", DMY, _INDIA, TimeFault.ORDER_CONTRADICTS),
    _no("31/02/2026 10:00:00", DMY, _INDIA, TimeFault.DATE_IMPOSSIBLE),
    _no("29/02/2025 10:00:00", DMY, _INDIA, TimeFault.DATE_IMPOSSIBLE),
    _no("12/05/26 00:44:36", DMY, _INDIA, TimeFault.YEAR_TWO_DIGITS),
    _no("12-May-26 00:44:36", None, _INDIA, TimeFault.YEAR_TWO_DIGITS),
    _no("12/05/2026 24:00:01", DMY, _INDIA, TimeFault.CLOCK_IMPOSSIBLE),
    _no("12/05/2026 13:00 PM", DMY, _INDIA, TimeFault.CLOCK_IMPOSSIBLE),
    _no("12/05/2026 00:61:00", DMY, _INDIA, TimeFault.CLOCK_IMPOSSIBLE),
    _no("2016-12-31T23:59:60Z", None, _OWN, TimeFault.LEAP_SECOND),
    _no("12/05/2026 10:00:60", DMY, _INDIA, TimeFault.LEAP_SECOND),
    _no("1970-01-01T00:00:00Z", None, _OWN, TimeFault.YEAR_DEFAULT),
    _no("0", None, _OWN, TimeFault.YEAR_DEFAULT),
    _no("01/01/1970 05:30:00", DMY, _INDIA, TimeFault.YEAR_DEFAULT),
    _no("2106-02-07T06:28:15Z", None, _OWN, TimeFault.YEAR_DEFAULT),
    _no("4294967295", None, _OWN, TimeFault.YEAR_DEFAULT),
    _no("1926-05-12 00:44:36", None, _INDIA, TimeFault.YEAR_IMPLAUSIBLE),
    _no("2206-05-12 00:44:36", None, _INDIA, TimeFault.YEAR_IMPLAUSIBLE),
    _no("2026-05-12 00:44:36", None, _OWN, TimeFault.ZONE_MISSING),
    _no("2026-05-12 00:44:36 IST", None, _OWN, TimeFault.ZONE_ABBREVIATION),
    _no("2026-05-12 00:44:36 IST", None, _in("Europe/Paris"), TimeFault.ZONE_ABBREVIATION),
    _no("2026-07-12 00:44:36 GMT", None, _LONDON, TimeFault.ZONE_CONTRADICTS),
    _no("2026-05-12-00:44", None, _INDIA, TimeFault.UNREADABLE),
    _no("12/05/2026 00:44:36 IST", DMY, _OWN, TimeFault.ZONE_ABBREVIATION),
    _no("2026-05-12 00:44:36", None, _in("Asia/Nowhere"), TimeFault.ZONE_UNKNOWN),
    _no("2026-05-12 00:44:36", None, _in("IST"), TimeFault.ZONE_UNKNOWN),
    _no("12/05/2026 00:44:36 +15:00", DMY, _OWN, TimeFault.ZONE_IMPOSSIBLE),
    _no("2026-05-12T00:44:36Z", None, _INDIA, TimeFault.ZONE_CONTRADICTS),
    _no("2026-03-29 01:30:00", None, _LONDON, _NEVER, "2026-03-29T00:30:00", "2026-03-29T01:30:00"),
    _no("2026-10-25 01:30:00", None, _LONDON, _TWICE, "2026-10-25T00:30:00", "2026-10-25T01:30:00"),
    _no("2026-03-08 02:30:00", None, _NEW_YORK, _NEVER, "2026-03-08T06:30:00", "2026-03-08T07:30:00"),
    _no("2026-11-01 01:30:00", None, _NEW_YORK, _TWICE, "2026-11-01T05:30:00", "2026-11-01T06:30:00"),
    _no("2026-10-04 02:15:00", None, _LORD_HOWE, _NEVER, "2026-10-03T15:15:00", "2026-10-03T15:45:00"),
    _no("2026-04-05 01:45:00", None, _LORD_HOWE, _TWICE, "2026-04-04T14:45:00", "2026-04-04T15:15:00"),
    _no("2011-12-30 12:00:00", None, _in("Pacific/Apia"), TimeFault.LOCAL_IMPOSSIBLE),
)


def failures() -> list[str]:
    """One sentence for each vector that does not come out as written here."""
    return [sentence for vector in (*READ, *REFUSED) if (sentence := _failure(vector))]


def _failure(vector: Vector) -> str:
    got = derive(vector.text, order=vector.order, zone=vector.zone)
    name = f"{vector.text!r} in {vector.zone.name or vector.zone.minutes or 'its own zone'}"
    if isinstance(got, TimeRefused):
        instants = tuple(at.replace(tzinfo=None).isoformat() for at in got.instants)
        if got.code is not vector.fault or (vector.instants and instants != vector.instants):
            expected = f"{vector.fault or vector.utc} {vector.instants or ''}".rstrip()
            return f"{name} was refused as {got.code} {instants or ''} ({got.explanation}), expected {expected}."
        return ""
    expected_side = (_at(vector.utc), _at(vector.local), vector.precision, None)
    came = tuple(None if at is None else at.replace(tzinfo=None) for at in (got.utc, got.local))
    if (*came, got.precision, None) != (*expected_side[:3], vector.fault):
        return f"{name} was read as {came} to the {got.precision}, expected {vector.fault or expected_side}."
    return ""


def _at(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
