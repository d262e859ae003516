# SPDX-License-Identifier: Apache-2.0
"""Spreadsheets: read like text, and never believed where a program may have changed what an operator wrote."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from dataclasses import replace

import pytest

from nightlight.casework.attribution.returns.opening import ReturnRefused
from nightlight.casework.attribution.returns.plain import find
from nightlight.casework.attribution.returns.reading import Reading, SheetRow, date_columns
from nightlight.casework.attribution.returns.rows import Sought, number_of
from nightlight.casework.attribution.returns.tests.helping import BLOCKS, HEADER, codes, read, table, zipped
from nightlight.casework.attribution.returns.tests.sheets import SHEET, workbook
from nightlight.casework.attribution.time_texts import DateOrder

EVENT = Sought(number_of("203.0.113.7"), 1500, 1_778_527_000)


def test_a_spreadsheet_is_read_like_a_text() -> None:
    start, end = dt.datetime(2026, 5, 13, 0, 44, 36), dt.datetime(2026, 5, 13, 1, 0, 48)  # noqa: DTZ001 - as a cell has them
    content = workbook(
        [["Example Net"], list(HEADER.split(",")), ["A", "203.0.113.7", 1500.0, start, end, 917000000001.0]]
    )
    rows, bad, _ = read(content)
    assert bad == []
    assert [(one.number, one.port_low, one.port_high, one.subscriber) for one in rows] == [
        (3, 1500, 1500, "917000000001")
    ]
    later = replace(EVENT, at=EVENT.at + 86_400)
    assert find(table(content), [BLOCKS], [later]).matches == [(0, 3)]


def test_dates_among_texts_in_a_spreadsheet_are_not_believed() -> None:
    start, end = dt.datetime(2026, 12, 5, 0, 44, 36), "12/05/2026 01:00:48"  # noqa: DTZ001 - as a cell has them
    good: list[str | float | dt.datetime] = ["A", "203.0.113.7", "1500", "12/05/2026 00:44:36", end, "S1"]
    rows, bad, _ = read(workbook([list(HEADER.split(",")), [*good[:3], start, end, "S2"], good]))
    assert [one.subscriber for one in rows] == ["S1"]
    assert [(one.number, one.code) for one in bad] == [(2, "date-cell-among-text")]
    grid = [SheetRow(2, ["", "", "", "2026-05-12 00:00:00", "", ""], frozenset({3}))]
    assert date_columns(BLOCKS, grid) == (frozenset({"start"}), frozenset())


def test_a_subscriber_that_a_spreadsheet_cut_is_nobodys() -> None:
    day = dt.datetime(2026, 5, 13, 0, 44, 36), dt.datetime(2026, 5, 13, 1, 0, 48)  # noqa: DTZ001 - as a cell has them
    given = (404123456789012345.0, 404123456789012399.0, 1234567890123456.0)
    table: list[list[str | float | dt.datetime]] = [["A", "203.0.113.7", "1500", *day, who] for who in given]
    rows, bad, reading = read(workbook([list(HEADER.split(",")), *table]))
    assert (rows, codes(bad), reading.tally.people_exact) == ([], ["subscriber-rounded"] * 3, False)


def test_dates_of_a_sheet_that_may_be_changed_round_are_refused_unless_one_shows_they_are_not() -> None:
    def sheet(*days: int) -> bytes:
        starts = [dt.datetime(2026, 5, day, 0, 44, 36) for day in days]  # noqa: DTZ001 - as a cell has them
        rows: list[list[str | float | dt.datetime]] = [
            ["A", "203.0.113.7", "1500", at, at + dt.timedelta(minutes=16), f"S{at.day}"] for at in starts
        ]
        return workbook([list(HEADER.split(",")), *rows])

    rows, bad, _ = read(sheet(12, 5))
    assert ([one.subscriber for one in rows], codes(bad)) == (["S5"], ["date-cell-doubtful"])
    rows, bad, _ = read(sheet(12, 5, 13))
    assert (len(rows), bad) == (3, [])
    assert read(sheet(12), replace(BLOCKS, order=DateOrder.YMD))[1] == []


def test_rows_of_a_sheet_that_do_not_count_are_told_to_the_answer() -> None:
    day = dt.datetime(2026, 5, 12, 0, 44, 36), dt.datetime(2026, 5, 12, 1, 0, 48)  # noqa: DTZ001 - as a cell has them
    content = workbook([list(HEADER.split(",")), ["A", "203.0.113.7", "1500", *day, "S1"]])
    assert find(table(content), [BLOCKS], [EVENT]).refused == {0: [2]}


def test_a_sheet_with_one_cell_far_away_is_refused_before_it_is_laid_out() -> None:
    cells = '<row r="1"><c r="A1" t="inlineStr"><is><t>x</t></is></c></row>'
    far = '<row r="1048576"><c s="1" r="XFD1048576"><v>1</v></c></row>'
    content = workbook([["marked"]])
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["xl/worksheets/sheet1.xml"] = SHEET.format(cells + far).encode()
    with pytest.raises(ReturnRefused) as refused:
        Reading(table(zipped(parts)), [BLOCKS])
    assert refused.value.code == "too-large"
