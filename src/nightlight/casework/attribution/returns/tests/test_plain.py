# SPDX-License-Identifier: Apache-2.0
"""The plain matcher gives what comparing every row of a full reading with every event gives."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nightlight.casework.attribution.returns.fields import Field
from nightlight.casework.attribution.returns.layouts import Column, Layout
from nightlight.casework.attribution.returns.opening import Return, ReturnRefused, Table
from nightlight.casework.attribution.returns.plain import find
from nightlight.casework.attribution.returns.reading import HeaderUnknown, Reading
from nightlight.casework.attribution.returns.rows import Sought, match_all, number_of
from nightlight.casework.attribution.returns.tests.helping import BLOCKS, HEADER, INDIA, layout, lines, row, table
from nightlight.casework.attribution.time_texts import DateOrder

AT = 1_778_527_000  # 2026-05-12 00:46:40 in India
EVENTS = [
    Sought(number_of("203.0.113.7"), 1500, AT),
    Sought(number_of("203.0.113.7"), None, AT),
    Sought(number_of("203.0.113.9"), 1500, AT + 86_400),
    Sought(number_of("2001:db8:40:1::5"), 1500, AT),
]
_ADDRESSES = [
    "203.0.113.7",
    "203.0.113.9",
    "203.0.113.70",
    "1203.0.113.7",
    "203.0.113.007",
    "::ffff:203.0.113.7",
    "::FFFF:CB00:7107",
    "0:0:0:0:0:ffff:203.0.113.7",
    "203[.]0[.]113[.]7",
    "203.0.113.7:1500",
    "203.0.113.7/32",
    "203.0.113.0/29",
    "'203.0.113.7'",
    " 203.0.113.7 ",
    "2001:db8:40:1::5",
    "2001:0DB8:0040:0001:0:0:0:5",
    "2001:db8:40:1::/64",
    "2001:db8:40::/48",
    "2001:db8:41::/48",
    "[2001:db8:40:1::5]",
    "0xcb.0x00.0x71.0x07",
    "3405803783",
    "",
    "-",
]
_PORTS = ["1024-2047", "1500", "", "0", "70000", "2047-1024", "1024 - 2047", "0-65535", "x"]
_STARTS = [
    "12/05/2026 00:44:36",
    "11/05/2026 23:59:59",
    "12/05/2026 24:00:00",
    "05/13/2026 00:00:00",
    "",
    "12/05/1970 01:00:00",
]
_ENDS = [
    "12/05/2026 01:00:48",
    "13/05/2026 12:00:00",
    "12/05/2026 00:44:36",
    "10/05/2026 00:00:00",
    "31/12/2106 00:00:00",
]
_NAMES = [
    "A",
    "Bä",
    '"B, C"',
    '"two\nlines"',
    '"open',
    'in"side',
    "'quoted'",
    "O'Brien",
    '""',
    '"a""b"',
    '"x" ',
    "=1",
    "\r",
    "a\rb",
]
_WHO = ["SUB1", "SUB2", '"SUB3"', '="0099"', "", '"open', "-", 'SUB4,"']


def _quoted(text: str, how: int) -> str:
    return f'"{text}"' if how == 1 else f"'{text}'" if how == 2 else text


_ROW = st.builds(
    lambda name, ip, ports, start, end, who, how: ",".join((name, _quoted(ip, how), ports, start, end, who)),
    st.sampled_from(_NAMES),
    st.sampled_from(_ADDRESSES),
    st.sampled_from(_PORTS[:2] * 4 + _PORTS),
    st.sampled_from(_STARTS[:1] * 6 + _STARTS),
    st.sampled_from(_ENDS[:2] * 3 + _ENDS),
    st.sampled_from(_WHO[:3] * 3 + _WHO),
    st.sampled_from([0, 0, 0, 1, 2]),
)
_LINE = st.one_of(
    _ROW, _ROW, _ROW, st.sampled_from(["", "   ", "Total: 5", HEADER, ",,,,,", '"', "203.0.113.7", "x" * 300])
)


def _naive(content: bytes, events: list[Sought], error: int, layouts: list[Layout]) -> list[tuple[int, int]]:
    return match_all(events, list(Reading(table(content), layouts)), error)


@settings(max_examples=250, deadline=None)
@given(
    st.lists(_LINE, max_size=12),
    st.tuples(st.sampled_from(["\n", "\r\n"]), st.booleans()),
    st.sampled_from([1, 40, 200, 1 << 20]),
    st.sampled_from([0, 60]),
    st.sampled_from(["utf-8", "cp1252", "utf-8-sig", "utf-16"]),
)
@example([row(name='"open'), row(), row(name='x"')], ("\n", True), 60, 0, "utf-8")
@example([row(name='"two\nlines"')] * 3, ("\n", False), 1, 0, "utf-8")
@example([row(), row("::ffff:203.0.113.7"), row("203.0.113.9")], ("\n", False), 1, 0, "utf-8")
def test_the_answer_is_the_naive_one(
    rows: list[str], ending: tuple[str, bool], block: int, error: int, encoding: str
) -> None:
    end, closed = ending
    text = end.join((HEADER, *rows)) + (end if closed else "")
    content = text.encode(encoding)
    found = find(table(content), [BLOCKS], EVENTS, error, block=block)
    assert found.matches == _naive(content, EVENTS, error, [BLOCKS])
    assert set(found.rows) == {number for _, number in found.matches}


def test_a_header_that_is_unknown_is_not_guessed() -> None:
    with pytest.raises(HeaderUnknown):
        find(table("IP Address,Subscriber ID,a\n203.0.113.7,SUB1,1\n"), [], EVENTS)


def test_it_finds_a_row_by_address_port_and_time() -> None:
    content = lines(row(), row(ports="2048-3071", who="SUB2"), row(ip="203.0.113.8"), row(start="13/05/2026 00:00:00"))
    found = find(table(content), [BLOCKS], EVENTS[:1])
    assert found.matches == [(0, 2)]
    assert found.rows[2].subscriber == "SUB1"


def test_clock_error_widens_a_row_on_both_sides() -> None:
    event = Sought(number_of("203.0.113.7"), 1500, AT + 868)  # 01:01:08, twenty seconds after the end
    assert find(table(lines(row())), [BLOCKS], [event], 20).matches == []
    assert find(table(lines(row())), [BLOCKS], [event], 21).matches == [(0, 2)]


def test_without_a_match_it_tells_where_the_log_has_a_gap() -> None:
    content = lines(row(end="12/05/2026 00:45:00"), row(start="12/05/2026 00:50:00"), row(ip="203.0.113.8"))
    found = find(table(content), [BLOCKS], EVENTS[:1])
    assert (found.matches, found.at_address) == ([], [2])
    assert (found.before, found.after) == ([AT - 100], [AT + 200])


def test_a_line_that_is_far_too_long_is_a_bad_row_and_no_more() -> None:
    content = lines(row(), row(name="x" * 700_000), row())
    for block in (1 << 10, 1 << 20):
        assert find(table(content), [BLOCKS], EVENTS[:1], block=block).matches == [(0, 2), (0, 4)]
    assert _naive(content.encode(), EVENTS[:1], 0, [BLOCKS]) == [(0, 2), (0, 4)]


def test_two_columns_of_addresses_give_both() -> None:
    both = Layout(
        "both",
        "Both",
        (
            Column("v6", Field.ADDRESS),
            Column("v4", Field.ADDRESS),
            Column("From", Field.START),
            Column("To", Field.END),
            Column("Who", Field.SUBSCRIBER),
        ),
        DateOrder.YMD,
        INDIA,
    )
    times = "2026-05-12 00:44:36,2026-05-12 01:00:48"
    addresses = ("2001:db8:40:1::5,203.0.113.7", ",203.0.113.7", "2001:db8:40:1::/64,")
    content = lines(*(f"{both},{times},S{n}" for n, both in enumerate(addresses)), header="v6,v4,From,To,Who")
    found = find(table(content), [both], EVENTS)
    assert found.matches == _naive(content.encode(), EVENTS, 0, [both])
    assert found.matches == [(0, 2), (0, 3), (1, 2), (1, 3), (3, 2), (3, 4)]


REFERENCE = Path(__file__).parents[7] / "shared" / "reference" / "ip" / "synthetic"


@pytest.mark.parametrize(
    ("name", "code"), [("dot2013_ipdr", "dot-2013-ipdr"), ("nat_syslog", "dot-2013-nat"), ("flow_ipdr", "flow-ipdr")]
)
def test_the_reference_returns_are_read_whole_and_matched_alike(name: str, code: str) -> None:
    path = REFERENCE / f"{name}.csv"
    if not path.exists():
        pytest.skip("the reference returns are not on this machine")
    with path.open("rb") as file:
        content = file.read()
    (found,) = Return(io.BytesIO(content), name)
    assert isinstance(found, Table)
    reading = Reading(found, [layout(code)])
    rows = list(reading)
    assert (len(rows), sum(reading.tally.bad.values())) == (content.count(b"\n") - 1, 0)
    # 18:31:07 UTC is 00:01:07 of the next day in India.
    events = [Sought(one.address, one.port_low, one.start + 1) for one in rows[:20]]
    events += [
        Sought(number_of("203.0.113.1"), 40_961, 1_778_524_267),
        Sought(number_of("203.0.113.1"), None, 1_778_524_267),
    ]
    matched = find(found, [layout(code)], events).matches
    assert matched == match_all(events, rows)
    assert {index for index, _ in matched} >= set(range(20))


class _Port(int):
    """A port that counts how often it is compared."""

    compared = 0

    def __ge__(self, other: int) -> bool:
        _Port.compared += 1
        return int(self) >= other


def test_many_events_of_one_address_are_not_each_compared_with_each_row() -> None:
    sought = [Sought(number_of("203.0.113.7"), _Port(1500), AT + n) for n in range(0, 200_000, 100)]
    content = lines(*(row(ports=f"{1024 + n % 900 * 64}-{1087 + n % 900 * 64}") for n in range(300)))
    assert find(table(content), [BLOCKS], sought).matches
    assert 0 < _Port.compared < 20_000  # of 600,000


def test_a_letter_that_windows_1252_lacks_changes_no_other_cell() -> None:
    content = (HEADER + "\n").encode() + row(name="A\x81", ip="203.0.113.7\x85").encode("latin-1") + b"\n"
    assert find(table(content), [BLOCKS], EVENTS).matches == _naive(content, EVENTS, 0, [BLOCKS])


@pytest.mark.parametrize("header", ["Subscriber,Public IP,Ports,From,Until,Name", "Subscriber ID,Port,IP Address"])
def test_a_second_table_with_other_columns_stops_both_readers(header: str) -> None:
    content = lines(row(), header, row(who="Asha", name="SUB9"))
    with pytest.raises(ReturnRefused) as refused:
        find(table(content), [BLOCKS], EVENTS)
    assert refused.value.code == "tables-several"
    with pytest.raises(ReturnRefused):
        list(Reading(table(content), [BLOCKS]))
    again = lines(row(), HEADER, row())
    assert find(table(again), [BLOCKS], EVENTS[:1]).matches == [(0, 2), (0, 4)]
