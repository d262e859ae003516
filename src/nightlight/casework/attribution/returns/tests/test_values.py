# SPDX-License-Identifier: Apache-2.0
"""Cells understood: the short way for times gives what the derivation for court gives; what is uncertain is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightlight.casework.attribution.returns.rows import FOREVER, WHOLE, number_of
from nightlight.casework.attribution.returns.tests.helping import BLOCKS, INDIA
from nightlight.casework.attribution.returns.values import BadCell, Cells, read_ports, read_span
from nightlight.casework.attribution.time_texts import DateOrder
from nightlight.casework.attribution.times import TimeRefused, Zone, derive

ZONES = (INDIA, "UTC", "Europe/London", "America/New_York", "Australia/Lord_Howe")
FORMS = {
    DateOrder.DMY: ("%d/%m/%Y %H:%M:%S", "%d:%m:%Y %H:%M:%S", "%d-%m-%Y %H:%M:%S"),
    DateOrder.MDY: ("%m/%d/%Y %H:%M:%S", "%m:%d:%Y %H:%M:%S"),
    DateOrder.YMD: ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d-%H:%M:%S", "%Y-%m-%dT%H:%M:%S"),
}
READERS = {(order, zone): Cells(replace(BLOCKS, order=order, zone=zone)) for order in DateOrder for zone in ZONES}
_WALL = st.one_of(
    st.datetimes(datetime(1990, 1, 1), datetime(2110, 1, 1)),  # noqa: DTZ001 - wall times, on purpose without a zone
    # Around the changes of summer time in these zones.
    st.builds(
        lambda day, second: datetime.fromtimestamp(day + second, UTC).replace(tzinfo=None),
        st.sampled_from([1774656000, 1772928000, 1792800000, 1793404800, 1775260800]),
        st.integers(0, 90_000),
    ),
)


@settings(max_examples=400, deadline=None)
@given(_WALL, st.sampled_from(list(READERS)), st.data())
def test_the_short_way_gives_what_the_long_way_gives(
    wall: datetime, key: tuple[DateOrder, str], data: st.DataObject
) -> None:
    order, zone = key
    text = wall.strftime(
        data.draw(st.sampled_from(FORMS[data.draw(st.sampled_from([order, order, order, *DateOrder]))]))
    )
    derived = derive(text, zone=Zone.named(zone), order=order)
    for _ in range(2):  # the second time from what is remembered
        if isinstance(derived, TimeRefused):
            with pytest.raises(BadCell) as refused:
                READERS[key].seconds(text, "start")
            assert refused.value.code == derived.code
        else:
            assert derived.utc is not None
            assert READERS[key].seconds(text, "start") == READERS[key].seconds(text, "end") == derived.utc.timestamp()


def test_a_time_is_rounded_outwards() -> None:
    cells = READERS[DateOrder.YMD, "UTC"]
    assert cells.seconds("2026-05-12 00:44:36.250", "start") % 60 == 36
    assert cells.seconds("2026-05-12 00:44:36.250", "end") % 60 == 37
    assert cells.seconds("2026-05-12 00:44", "end") - cells.seconds("2026-05-12 00:44", "start") == 60
    assert cells.seconds("2026-05-12", "end") - cells.seconds("2026-05-12", "start") == 86_400


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("0", "port-zero"),
        ("70000", "port-too-high"),
        ("1-70000", "port-too-high"),
        ("9-5", "port-backwards"),
        ("a", "port-unreadable"),
    ],
)
def test_ports_that_are_none_are_refused(text: str, code: str) -> None:
    with pytest.raises(BadCell) as refused:
        read_ports(text)
    assert refused.value.code == code


@pytest.mark.parametrize(
    "text", ["3072-4095", " 3072 - 4095 ", "3072\u20134095", "3072:4095", "3072 to 4095", "03072-4095"]
)
def test_a_block_of_ports_in_many_forms(text: str) -> None:
    assert read_ports(text) == (3072, 4095)
    assert read_ports("0-1023") == (0, 1023)
    assert read_ports("N/A") is None


def test_a_prefix_of_one_assignment_is_read_a_wider_one_is_not() -> None:
    span = read_span("2001:db8:40:1::/64")
    assert span is not None
    assert (span.address, span.bits) == (number_of("2001:db8:40:1::"), 64)
    assert read_span("203.0.113.8/29") is not None
    assert read_span("2001:db8::/31") is None
    assert read_span("203.0.0.0/15") is None
    assert read_span("203.0.113.007") is None


def _row(*cells: str, **layout: object) -> object:
    return Cells(replace(BLOCKS, **layout)).rows(2, cells)[0]  # type: ignore[arg-type]


GOOD = ("A", "203.0.113.7", "1024-2047", "12/05/2026 00:44:36", "12/05/2026 01:00:48", "S1")


@pytest.mark.parametrize(
    ("place", "text", "code"),
    [
        (1, "203.0.113.007", "address-leading-zero"),
        (1, "", "address-empty"),
        (1, "203.0.0.0/8", "prefix-too-wide"),
        (1, "203.0.113.7:9", "ports-contradict"),
        (3, "12/05/1970 00:44:36", "year-default"),
        (3, "12/05/2106 00:44:36", "year-default"),
        (3, "05/13/2026 00:44:36", "date-order-contradicts"),
        (3, "", "time-empty"),
        (4, "11/05/2026 00:44:36", "end-before-start"),
        (4, "", "no-end"),
        (5, " - ", "no-subscriber"),
    ],
)
def test_what_is_not_certain_is_refused_by_name(place: int, text: str, code: str) -> None:
    cells = [*GOOD[:place], text, *GOOD[place + 1 :]]
    with pytest.raises(BadCell) as refused:
        _row(*cells)
    assert refused.value.code == code


def test_a_zone_that_nobody_states_is_a_fault_of_each_row() -> None:
    with pytest.raises(BadCell) as refused:
        _row(*GOOD, zone="written")
    assert refused.value.code == "zone-missing"


def test_an_empty_end_lasts_only_where_the_layout_says_so() -> None:
    row = Cells(replace(BLOCKS, open_end=True)).rows(2, [*GOOD[:4], "", "S1"])[0]
    assert (row.end, row.bits) == (FOREVER, WHOLE)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        *(
            (text, "no-subscriber")
            for text in ("Not Available", "N.A.", "Unknown", "not-known", "****", "0000", "#N/A")
        ),
        *((text, "subscriber-rounded") for text in ("9.19877E+11", "4.04123456789012e17", "9,19877E+11", "9E11")),
    ],
)
def test_what_names_nobody_or_many_is_no_subscriber(text: str, code: str) -> None:
    with pytest.raises(BadCell) as refused:
        _row(*GOOD[:5], text)
    assert refused.value.code == code


@pytest.mark.parametrize("text", ["S1", "Naeem", "Nona", "Nil Ratan", "919877000001", "404E", "E11", "Anil", "00-1"])
def test_names_that_only_look_like_nothing_stay(text: str) -> None:
    assert _row(*GOOD[:5], text).subscriber == text  # type: ignore[attr-defined]


def test_an_end_that_is_unknown_is_not_one_that_lasts() -> None:
    with pytest.raises(BadCell) as refused:
        _row(*GOOD[:4], "unknown", "S1", open_end=True)
    assert refused.value.code == "no-end"


@pytest.mark.parametrize("text", ["::/32", "::ffff:0:0/96", "::ffff:203.0.0.0/104"])
def test_a_prefix_over_all_of_ipv4_is_no_assignment(text: str) -> None:
    assert read_span(text) is None
    small = read_span("::ffff:203.0.113.0/120")
    assert small is not None
    assert small == read_span("203.0.113.0/24")
