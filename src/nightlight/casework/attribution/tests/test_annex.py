# SPDX-License-Identifier: Apache-2.0
"""A list in an operator's columns says exactly what the letter says, and a sheet that cannot say it refuses."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import resources
from ipaddress import IPv4Address, IPv6Address
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightlight.casework.attribution import annex
from nightlight.casework.attribution.annex import AnnexRefused, Fault
from nightlight.casework.attribution.gate_lines import RequestLine, check_value, event_number

LAYOUTS = annex.layouts()
IST = "Asia/Kolkata"
TEXT = (resources.files("nightlight.casework.attribution") / "data" / "annex-layouts.toml").read_text("utf-8")


def line(at: datetime, *, address: str = "198.51.100.7", port: int | None = 40961, zone: str = IST) -> RequestLine:
    until = at + timedelta(seconds=1)
    local = ZoneInfo(zone)
    made = RequestLine(
        address, port, "tcp", at, until, at.astimezone(local), until.astimezone(local), zone, "neela", (), key="E-1"
    )
    return replace(made, check_value=check_value(made))


EVENING = datetime(2026, 5, 11, 18, 31, 7, tzinfo=UTC)  # in India the next day


@pytest.mark.parametrize(
    ("layout", "changes", "code"),
    [
        ("tab-compact-ist-no-port", {}, Fault.NO_PORT_COLUMN),
        ("csv-dotted-ist", {"zone": "UTC"}, Fault.OTHER_ZONE),
    ],
)
def test_a_sheet_that_cannot_hold_a_line_refuses_it(layout: str, changes: dict[str, str], code: Fault) -> None:
    lines = [line(EVENING, port=None), line(EVENING, **changes)]  # type: ignore[arg-type]
    with pytest.raises(AnnexRefused) as refusal:
        annex.write(LAYOUTS[layout], lines)
    assert (refusal.value.code, refusal.value.line) == (code, 2)


def test_an_empty_list_and_a_time_without_a_zone_are_refused() -> None:
    with pytest.raises(AnnexRefused) as refusal:
        annex.write(LAYOUTS["generic"], [])
    assert refusal.value.code is Fault.EMPTY
    bare = replace(line(EVENING), utc_from=EVENING.replace(tzinfo=None))
    with pytest.raises(AnnexRefused) as refusal:
        annex.write(LAYOUTS["generic"], [bare])
    assert refusal.value.code is Fault.NO_CLOCK


def test_a_local_time_that_came_twice_needs_an_offset() -> None:
    twice = line(datetime(2026, 11, 1, 5, 30, tzinfo=UTC), zone="America/New_York")
    local_only = replace(LAYOUTS["csv-dotted-ist"], zone="")
    with pytest.raises(AnnexRefused) as refusal:
        annex.write(local_only, [twice])
    assert refusal.value.code is Fault.HAPPENED_TWICE
    assert "came twice in America/New_York" in str(refusal.value)
    once_later = line(datetime(2026, 11, 1, 7, 30, tzinfo=UTC), zone="America/New_York")
    assert annex.read(local_only, annex.write(local_only, [once_later]).text, "America/New_York")
    generic = LAYOUTS["generic"]
    rows = annex.read(generic, annex.write(generic, [twice]).text, "America/New_York")
    assert rows[0].utc_from == twice.utc_from


def test_the_sheets_look_as_the_operators_know_them() -> None:
    four, six = line(EVENING), line(EVENING, address="2001:db8:40:1::7", port=None)
    made = annex.write(LAYOUTS["tab-compact-ist"], [four, six])
    assert made.text == (
        "Type\tSearch Value\tFrom Date\tFrom Time\tTo Date\tTo Time\tSource Port\r\n"
        "IPV4\t198.51.100.7\t20260512\t000107\t20260512\t000108\t40961\r\n"
        "IPV6\t2001:db8:40:1::7\t20260512\t000107\t20260512\t000108\t\r\n"
    )
    assert (made.rows, made.widened, made.layout.ending) == (2, (), ".txt")
    dotted = annex.write(LAYOUTS["csv-dotted-ist"], [four])
    assert dotted.text.splitlines()[1] == "198.51.100.7,40961,12.05.2026 00:01:07,12.05.2026 00:01:08"
    named = annex.write(LAYOUTS["csv-month-name-ist"], [four])
    assert named.text.splitlines()[1] == "198.51.100.7,40961,12-May-2026,00:01:07,12-May-2026,00:01:08"
    generic = next(csv.DictReader(io.StringIO(annex.write(LAYOUTS["generic"], [four]).text)))
    assert generic["From (UTC)"] == "2026-05-11 18:31:07"
    assert generic["From (local, with offset)"] == "2026-05-12 00:01:07 +05:30"
    assert generic["Check value"] == check_value(four)


def test_a_fraction_of_a_second_is_rounded_out_and_said() -> None:
    fine = replace(line(EVENING), utc_to=EVENING + timedelta(milliseconds=1))
    made = annex.write(LAYOUTS["csv-dotted-ist"], [line(EVENING), fine])
    assert made.widened == (2,)
    row = annex.read(made.layout, made.text, IST)[1]
    assert (row.utc_from, row.utc_to) == (EVENING, EVENING + timedelta(seconds=1))


@pytest.mark.parametrize("key", ["=1+1", "+44", "-1", "@now", "'quoted", "\tx", "\r=x", 'a"b,c', "a\nb", "\uff1d1"])
def test_no_cell_is_a_formula_and_an_event_has_a_number_of_its_own(key: str) -> None:
    made = annex.write(LAYOUTS["generic"], [replace(line(EVENING), key=key)])
    cells = list(csv.reader(io.StringIO(made.text, newline="")))[1]
    assert all(cell[:1] not in "=+-@\t\r\uff1d" or not cell for cell in cells)
    assert annex.read(made.layout, made.text, IST)[0].reference == event_number(key)


instants = st.datetimes(datetime(1996, 1, 1), datetime(2098, 1, 1)).map(  # noqa: DTZ001 - made aware here
    lambda at: at.replace(microsecond=0, tzinfo=UTC)
)
addresses = st.one_of(
    st.builds(IPv4Address, st.integers(0, 2**32 - 1)), st.builds(IPv6Address, st.integers(0, 2**128 - 1))
)


@given(
    st.sampled_from(sorted(LAYOUTS)),
    st.lists(st.tuples(addresses, st.none() | st.integers(1, 65535), instants, st.integers(1, 86_400)), min_size=1),
    st.sampled_from(("UTC", IST, "America/New_York", "Asia/Kathmandu")),
)
def test_reading_a_list_back_gives_the_same_instants_addresses_and_ports(
    name: str, rows: list[tuple[IPv4Address | IPv6Address, int | None, datetime, int]], zone: str
) -> None:
    layout = LAYOUTS[name]
    zone = layout.zone or zone
    lines = []
    for address, port, at, seconds in rows:
        fits = port if layout.has("port") else None
        one = line(at, address=str(address), port=fits, zone=zone)
        lines.append(replace(one, utc_to=at + timedelta(seconds=seconds)))
    read = annex.read(layout, annex.write(layout, lines).text, zone)
    assert [(row.address, row.port, row.utc_from, row.utc_to) for row in read] == [
        (one.address, one.port, one.utc_from, one.utc_to) for one in lines
    ]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("IP Address,", "Address,", Fault.HEADER),
        ("12.05.2026 00:01:07", "12/05/2026 00:01:07", Fault.CELL),
        ("12.05.2026 00:01:07", "31.02.2026 00:01:07", Fault.CELL),
        ("198.51.100.7", "198.51.100.700", Fault.CELL),
        (",40961,", ",40961,,", Fault.CELL),
        (",40961,", ",port,", Fault.CELL),
    ],
)
def test_a_list_that_was_changed_is_not_read_as_something_else(old: str, new: str, code: Fault) -> None:
    text = annex.write(LAYOUTS["csv-dotted-ist"], [line(EVENING)]).text
    assert old in text
    with pytest.raises(AnnexRefused) as refusal:
        annex.read(LAYOUTS["csv-dotted-ist"], text.replace(old, new), IST)
    assert refusal.value.code is code


def test_a_list_that_says_two_times_is_refused() -> None:
    text = annex.write(LAYOUTS["generic"], [line(EVENING)]).text
    with pytest.raises(AnnexRefused, match="two times"):
        annex.read(LAYOUTS["generic"], text.replace("2026-05-12 00:01:07 +05:30", "2026-05-12 00:01:07 +05:00"), IST)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("schema = 1", "schema = 2"),
        ("schema = 1", "schema = "),
        ('delimiter = "tab"', 'delimiter = "pipe"'),
        ('field = "address"', 'field = "adress"'),
        ('id = "tab-compact-ist"', 'id = "generic"'),
        ('format = "HHMISS"', 'format = "HHMI"'),
        ('{ name = "Type", field = "type" },', '{ name = "No.", field = "type" },'),
        ('source = "design"', 'source = "hearsay"'),
        ('check = "K"', 'chek = "K"'),
    ],
)
def test_a_wrong_layout_is_refused(old: str, new: str) -> None:
    assert old in TEXT
    with pytest.raises(AnnexRefused) as refusal:
        annex.read_layouts(TEXT.replace(old, new, 1))
    assert refusal.value.code is Fault.LAYOUTS


def test_what_a_sheet_has_no_column_for_is_said() -> None:
    made = annex.write(LAYOUTS["tab-compact-ist"], [replace(line(EVENING), protocol="udp")])
    assert made.left_out == ("protocol", "check value")
    assert annex.write(LAYOUTS["generic"], [replace(line(EVENING), protocol="udp")]).left_out == ()
