# SPDX-License-Identifier: Apache-2.0
"""However much a report holds, what is printed of it has a bound, and the sheet says what lacks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightlight.outlook.exchange import sheets, tip_pdf
from nightlight.outlook.exchange.letters import Letters
from nightlight.outlook.exchange.sheets import Block, Line
from nightlight.outlook.exchange.tests.test_tip_pdf import _with

_TEXT = st.text(max_size=400)
_BLOCKS = st.lists(
    st.builds(
        Block,
        _TEXT,
        st.lists(st.builds(Line, _TEXT, _TEXT), max_size=12).map(tuple),
        st.lists(_TEXT, max_size=4).map(tuple),
    ),
    max_size=12,
)


def _cost(blocks: tuple[Block, ...]) -> float:
    return sum(map(sheets._cost_of, blocks))


@given(_BLOCKS, st.integers(100, 1000))
def test_what_is_printed_is_bounded_and_what_lacks_is_said(blocks: list[Block], most: int) -> None:
    printed = sheets.bounded(blocks, most)
    # Each block may add the sentence that says what lacks.
    assert _cost(printed) <= most + 10 * (len(printed) + 1)
    told = [text for block in printed for text in (*(line.text for line in block.lines), *block.prose)]
    whole = {text for block in blocks for text in (*(line.text for line in block.lines), *block.prose)}
    if sum(map(sheets._cost_of, blocks)) > most + 1:
        assert any("Too long to print" in one for one in told)
    else:
        assert set(told) == whole


def test_short_parts_stand_whole_beside_a_long_one() -> None:
    long = Block("first", tuple(Line("IP Address", f"192.0.2.{n}") for n in range(20_000)))
    short = Block("second", (Line("Filename", "pattern-07.png"),), ("what was told",))
    cut, kept = sheets.bounded([long, short], sheets.MOST_OF_REPORT)
    assert kept == short
    assert 2000 < len(cut.lines) < 3200
    lacking = 20_000 - len(cut.lines)
    assert f"Too long to print: {lacking} more lines or texts" in cut.prose[-1]


def test_a_text_that_is_told_in_full_on_the_page_is_printed_in_full() -> None:
    told = Block("Incident", (), ("മലയാളം " * 1428,))  # the most that the hotline takes
    assert sheets.bounded([told, Block("Reporter", (Line("Name", "x"),))], sheets.MOST_OF_REPORT)[0] == told


@pytest.mark.parametrize("char", ["\x80", "\xad", "ക", "a\u0301", "\U0001f600"])
def test_letters_that_cost_much_are_counted_as_such(char: str) -> None:
    (cut,) = sheets.bounded([Block("", (), (char * 30_000,))], sheets.MOST_OF_REPORT)
    assert len(cut.prose[0]) < 30_000


def test_it_stops_when_its_time_is_up() -> None:
    with pytest.raises(tip_pdf.TooSlow):
        tip_pdf.write(_with("a pattern of squares"), letters=Letters(), seconds=0)
