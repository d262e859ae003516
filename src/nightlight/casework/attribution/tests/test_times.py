# SPDX-License-Identifier: Apache-2.0
"""Times: refused before read, summer time, declared orders and zones, and the steps a court reads."""

from __future__ import annotations

import csv
import zoneinfo
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightlight.casework.attribution import time_vectors
from nightlight.casework.attribution.time_texts import Unread
from nightlight.casework.attribution.times import (
    ClockError,
    DateOrder,
    Derivation,
    TimeFault,
    TimeRefused,
    Times,
    Window,
    Zone,
    derive,
    derive_parts,
    offset_words,
    pair,
    self_check,
    zone_info,
)

INDIA = Zone.named("Asia/Kolkata", "the operator")
OWN = Zone.as_written()
SHARED = Path(__file__).parents[6] / "shared" / "reference" / "ip" / "synthetic"


def read(text: str, **kwargs: object) -> Derivation:
    found = derive(text, **{"zone": OWN, **kwargs})  # type: ignore[arg-type]
    assert isinstance(found, Derivation), found
    return found


def refused(text: str, **kwargs: object) -> TimeRefused:
    found = derive(text, **{"zone": OWN, **kwargs})  # type: ignore[arg-type]
    assert isinstance(found, TimeRefused), found
    return found


def test_the_built_in_vectors_come_out() -> None:
    assert self_check() == []
    assert len(time_vectors.READ) > 30
    assert len(time_vectors.REFUSED) > 30


def test_a_vector_that_does_not_come_out_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = time_vectors.Vector("2026-05-12T00:00:00Z", None, OWN, "2026-05-12T01:00:00", "2026-05-12T01:00:00")
    lenient = time_vectors.Vector("2026-05-12T00:00:00Z", None, OWN, fault=TimeFault.ZONE_MISSING)
    strict = time_vectors.Vector("2026-05-12", None, OWN, "2026-05-12T00:00:00", "2026-05-12T00:00:00")
    monkeypatch.setattr(time_vectors, "READ", (wrong, strict))
    monkeypatch.setattr(time_vectors, "REFUSED", (lenient,))
    assert [sentence.split(" was ")[1][:4] for sentence in self_check()] == ["read", "refu", "read"]


def test_the_package_of_zones_says_the_same_as_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """A minimal Debian has no zones of its own: the vectors have to come out of the package alone too."""
    found = zoneinfo.TZPATH
    zoneinfo.reset_tzpath(to=())
    zoneinfo.ZoneInfo.clear_cache()
    try:
        assert self_check() == []
    finally:
        zoneinfo.reset_tzpath(to=found)
        zoneinfo.ZoneInfo.clear_cache()


def test_the_steps_a_court_reads() -> None:
    found = read(
        "05:12:2026 00:44:36",
        order=DateOrder.MDY,
        zone=INDIA,
        where="column 'Start Date & Time'",
        order_by="the layout NAT-syslog",
    )
    assert found.steps == (
        "Source: '05:12:2026 00:44:36' in column 'Start Date & Time'.",
        "Date: read month first, as the layout NAT-syslog says: 12 May 2026.",
        "Clock: 00:44:36, to the second.",
        "Zone: Asia/Kolkata (UTC+05:30), stated by the operator.",
        "UTC 2026-05-11 19:14:36.",
        "IST 2026-05-12 00:44:36.",
        "The dates differ: 2026-05-11 in UTC, 2026-05-12 locally.",
    )
    assert found.dates_differ
    assert (found.zone_name, found.offset_minutes, found.zone_written) == ("Asia/Kolkata", 330, False)


def test_a_time_in_utc_is_shown_in_the_operators_zone_too() -> None:
    found = read("2026-05-11T19:14:36Z", shown_in="Asia/Kolkata")
    assert found.steps[-3:-1] == ("UTC 2026-05-11 19:14:36.", "IST 2026-05-12 00:44:36.")
    assert (found.offset_minutes, found.source_offset_minutes, found.zone_written) == (330, 0, True)
    assert not read("2026-05-11T10:00:00Z", shown_in="Asia/Kolkata").dates_differ


def test_an_ambiguous_time_names_both_instants_and_an_impossible_one_says_why() -> None:
    london = Zone.named("Europe/London")
    twice = refused("2026-10-25 01:30:00", zone=london)
    assert twice.code is TimeFault.LOCAL_AMBIGUOUS
    assert "UTC 2026-10-25 00:30:00 (UTC+01:00) and UTC 2026-10-25 01:30:00 (UTC+00:00)" in twice.explanation
    never = refused("2026-03-29 01:30:00", zone=london)
    assert never.code is TimeFault.LOCAL_IMPOSSIBLE
    assert "no clock there showed it" in never.explanation


@pytest.mark.parametrize("order", list(DateOrder))
@pytest.mark.parametrize("text", ["1778526876", "1778526876250", "0"])
def test_a_bare_number_is_no_instant_where_a_date_in_figures_was_declared(text: str, order: DateOrder) -> None:
    assert refused(text, order=order).code is TimeFault.ORDER_CONTRADICTS


@pytest.mark.parametrize("text", ["12/05/2026-05:30", "2026-05-12-05:30", "2026-05-12-0530"])
def test_a_day_with_a_zone_behind_it_is_no_clock(text: str) -> None:
    assert refused(text, order=DateOrder.DMY if "/" in text else None, zone=INDIA).code is TimeFault.UNREADABLE


def test_a_repeated_hour_is_told_apart_only_by_what_the_text_calls_its_zone() -> None:
    berlin = Zone.named("Europe/Berlin", "the layout")
    assert refused("2025-10-26 02:30:00", zone=berlin).code is TimeFault.LOCAL_AMBIGUOUS
    assert refused("26/10/2025 02:30:00 PST", zone=berlin, order=DateOrder.DMY).code is TimeFault.ZONE_ABBREVIATION
    summer = read("26/10/2025 02:30:00 CEST", zone=berlin, order=DateOrder.DMY)
    winter = read("26/10/2025 02:30:00 CET", zone=berlin, order=DateOrder.DMY)
    assert summer.utc == datetime(2025, 10, 26, 0, 30, tzinfo=UTC)
    assert winter.utc == datetime(2025, 10, 26, 1, 30, tzinfo=UTC)


def test_only_the_unit_that_was_written_is_known() -> None:
    minute = read("2026-05-12 00:44", zone=INDIA)
    assert minute.window.width == timedelta(minutes=1)
    assert "UTC 2026-05-11 19:14." in minute.steps
    day = read("12/05/2026", zone=INDIA, order=DateOrder.DMY)
    assert (day.utc, day.local, day.precision) == (None, None, "day")
    assert day.window == Window(datetime(2026, 5, 11, 18, 30, tzinfo=UTC), datetime(2026, 5, 12, 18, 30, tzinfo=UTC))
    assert read("2026-03-29", zone=Zone.named("Europe/London")).window.width == timedelta(hours=23)


def test_a_time_that_has_not_come_or_is_before_the_account_is_refused() -> None:
    now = datetime(2026, 5, 12, tzinfo=UTC)
    assert refused("2026-05-12T00:00:01Z", now=now).code is TimeFault.FUTURE
    assert refused("2026-05-11T23:59:58Z", not_before=now).code is TimeFault.BEFORE_ACCOUNT
    assert read("2026-05-12T00:00:00Z", now=now, not_before=now).utc == now


@pytest.mark.parametrize(
    ("text", "words"), [("1970-01-01T00:00:00Z", "never set"), ("2106-02-07T06:28:15Z", "32 bits ends")]
)
def test_years_that_unset_clocks_show_are_named(text: str, words: str) -> None:
    assert words in refused(text).explanation


def test_an_empty_column_is_not_half_a_time() -> None:
    assert isinstance(derive_parts("", "00:44:36", zone=INDIA), TimeRefused)
    found = derive_parts("12/05/2026", "00:44:36", zone=INDIA, order=DateOrder.DMY)
    assert isinstance(found, Derivation)
    assert found.utc == datetime(2026, 5, 11, 19, 14, 36, tzinfo=UTC)


def test_a_clock_that_was_off_moves_and_widens_the_window() -> None:
    with pytest.raises(ValueError, match="less than nothing"):
        ClockError(timedelta(seconds=-1))
    window = read("2026-05-11T19:14:36Z").window
    assert window.widened(ClockError(timedelta(seconds=2), ahead=timedelta(seconds=40))) == Window(
        datetime(2026, 5, 11, 19, 13, 54, tzinfo=UTC), datetime(2026, 5, 11, 19, 13, 59, tzinfo=UTC)
    )
    assert window.widened(ClockError(timedelta(seconds=2))).holds(window)


def test_the_time_of_notice_never_stands_for_the_time_of_use() -> None:
    used, noticed = read("2026-05-11T19:14:36Z"), read("2026-05-13T08:00:00Z")
    for times, code in (
        (Times(), TimeFault.ONLY_DETECTION),
        (Times(detection=noticed), TimeFault.ONLY_DETECTION),
        (Times(offence=noticed, detection=used), TimeFault.ORDER_OF_EVENTS),
        (Times(offence=read("12/05/2026", zone=INDIA, order=DateOrder.DMY)), TimeFault.NOT_AN_INSTANT),
    ):
        answer = times.for_request()
        assert isinstance(answer, TimeRefused)
        assert answer.code is code
    assert Times(used, noticed).for_request() is used


def test_what_has_no_zone_is_not_shown_in_two() -> None:
    with pytest.raises(ValueError, match="without a zone"):
        pair(datetime(2026, 5, 11), "Asia/Kolkata")  # noqa: DTZ001
    with pytest.raises(Unread):
        zone_info("../etc/passwd")
    assert pair(datetime(2026, 5, 11, 19, tzinfo=UTC), "UTC+05:45").text == (
        "UTC 2026-05-11 19:00:00; UTC+05:45 2026-05-12 00:45:00"
    )
    assert offset_words(-570) == "UTC-09:30"


_FORMS = {
    DateOrder.DMY: ("%d/%m/%Y %H:%M:%S", "%d.%m.%Y %H:%M:%S", "%d%m%Y%H%M%S"),
    DateOrder.MDY: ("%m:%d:%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p"),
    DateOrder.YMD: ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d-%H:%M:%S", "%Y%m%d %H%M%S", "%Y/%m/%d %H:%M:%S"),
}


@given(st.datetimes(datetime(1996, 1, 1), datetime(2036, 1, 1)), st.sampled_from(sorted(_FORMS)), st.data())  # noqa: DTZ001
def test_reads_what_the_standard_library_writes(wall: datetime, order: DateOrder, data: st.DataObject) -> None:
    """strptime is the second reading: another parser, told the whole form."""
    form = data.draw(st.sampled_from(_FORMS[order]))
    text = wall.strftime(form)
    minutes = data.draw(st.integers(-14 * 60, 14 * 60))
    found = read(text, order=order, zone=Zone.fixed(minutes))
    assert found.utc == datetime.strptime(text, form).replace(tzinfo=UTC) - timedelta(minutes=minutes)
    undeclared = derive(text, zone=Zone.fixed(minutes))
    if isinstance(undeclared, Derivation):
        assert undeclared.utc == found.utc
    else:
        assert undeclared.code is TimeFault.ORDER_NEEDED


@given(
    st.text(max_size=40) | st.from_regex(r"[0-9/:. TZ+-]{0,30}", fullmatch=True), st.sampled_from([None, *DateOrder])
)
def test_any_text_is_read_or_refused_with_a_reason(text: str, order: DateOrder | None) -> None:
    found = derive(text, zone=Zone.named("Europe/London"), order=order)
    if isinstance(found, TimeRefused):
        assert found.explanation
    else:
        assert found.window.earliest < found.window.latest


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001
    st.sampled_from(["Europe/London", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Asia/Kolkata"]),
)
def test_local_times_go_there_and_back(wall: datetime, name: str) -> None:
    found = derive(wall.isoformat(" "), zone=Zone.named(name))
    if isinstance(found, Derivation):
        assert found.utc is not None
        assert found.utc.astimezone(zone_info(name)).replace(tzinfo=None) == wall
    else:
        assert found.code in {TimeFault.LOCAL_AMBIGUOUS, TimeFault.LOCAL_IMPOSSIBLE}
        assert len(found.instants) == 2


def test_the_two_orders_of_one_regulation_name_the_same_instants() -> None:
    if not SHARED.exists():
        pytest.skip("the reference samples are not here")
    with (SHARED / "dot2013_ipdr.csv").open(newline="") as one, (SHARED / "nat_syslog.csv").open(newline="") as two:
        for record, log, _ in zip(csv.DictReader(one), csv.DictReader(two), range(200), strict=False):
            left = derive_parts(
                record["Start Date of IP address allocation"],
                record["IST Start Time of IP address allocation"],
                zone=INDIA,
                order=DateOrder.DMY,
            )
            right = read(log["Start Date & Time"], zone=INDIA, order=DateOrder.MDY)
            assert isinstance(left, Derivation)
            assert left.utc == right.utc
