# SPDX-License-Identifier: Apache-2.0
"""A list of units is loaded in a workable order, and every line that is not loaded is named with the reason."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightlight.trust.units.loading import COLUMNS, KINDS, Fault, Loaded, UnitRow, india_seed, read_csv

if TYPE_CHECKING:
    import random

HEADER = ",".join(COLUMNS)
GOOD = f"""{HEADER}
IN,India,national,,IN
IN-MH,Maharashtra,state,IN,IN-MH
MH-EXAMPLE,Example City,district,IN-MH,LGD:482;PIN:431
MH-EXAMPLE-1,First Station,station,MH-EXAMPLE,PIN:43101
"""
REFERENCE = Path(__file__).parents[6] / "shared" / "reference" / "law" / "india.yaml"


def faults(loaded: Loaded) -> list[tuple[int, Fault]]:
    return [(problem.line, problem.fault) for problem in loaded.problems]


def written(rows: list[UnitRow]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows((row.code, row.name, row.kind, row.parent_code, ";".join(row.areas)) for row in rows)
    return out.getvalue()


def without_lines(rows: tuple[UnitRow, ...]) -> list[UnitRow]:
    return [row._replace(line=0) for row in rows]


@st.composite
def trees(draw: st.DrawFn) -> list[UnitRow]:
    """Units of a forest, parents first, with names as people write them."""
    codes = draw(st.lists(st.from_regex(r"[A-Z]{1,4}(-[0-9]{1,3})?", fullmatch=True), unique=True, max_size=24))
    names = st.text(st.characters(categories=("L", "N"), include_characters="-'\",; "), min_size=1, max_size=30)
    areas = st.lists(st.sampled_from(("IN-MH", "IN-TS", "LGD:482", "PIN:431", "PIN:56")), unique=True, max_size=3)
    rows: list[UnitRow] = []
    for code in codes:
        parent = draw(st.sampled_from(["", *(row.code for row in rows)]))
        name = draw(names.map(str.strip).filter(bool))
        rows.append(UnitRow(0, code, name, draw(st.sampled_from(KINDS)), parent, tuple(draw(areas))))
    return rows


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (",No Code,station,IN,", Fault.EMPTY_CODE),
        ("lower,Name,station,IN,", Fault.BAD_CODE),
        ("A B,Name,station,IN,", Fault.BAD_CODE),
        (f"{'A' * 41},Name,station,IN,", Fault.TOO_LONG),
        ("X,,station,IN,", Fault.EMPTY_NAME),
        ("X,  ,station,IN,", Fault.EMPTY_NAME),
        ('X,"two\nlines",station,IN,', Fault.BAD_NAME),
        (f"X,{'n' * 201},station,IN,", Fault.TOO_LONG),
        ("X,Name,outpost,IN,", Fault.UNKNOWN_KIND),
        ("X,Name,,IN,", Fault.UNKNOWN_KIND),
        ("X,Name,station,NOWHERE,", Fault.MISSING_PARENT),
        ("X,Name,station,X,", Fault.CYCLE),
        ("X,Name,station,IN,Pune", Fault.BAD_AREA),
        ("X,Name,station,IN,LGD:4a", Fault.BAD_AREA),
        ("X,Name,station,IN,PIN:431;PIN:431", Fault.BAD_AREA),
        (f"X,Name,station,IN,LGD:{'4' * 40}", Fault.TOO_LONG),
        ("X,Name,station,IN", Fault.FIELDS),
        ("X,Name,station,IN,,", Fault.FIELDS),
        ('X,"Name"s,station,IN,', Fault.QUOTES),
    ],
)
def test_a_bad_line_is_named_once_and_the_rest_is_loaded(line: str, fault: Fault) -> None:
    head, *tail = GOOD.splitlines()
    loaded = read_csv("\n".join([head, *tail[:2], line, *tail[2:]]))
    assert faults(loaded) == [(4, fault)]
    assert [row.code for row in loaded.rows] == ["IN", "IN-MH", "MH-EXAMPLE", "MH-EXAMPLE-1"]
    assert loaded.problems[0].sentence.endswith(".")


def test_a_file_of_another_encoding_is_refused_whole() -> None:
    for encoding, line in (("windows-1252", 3), ("utf-16", 1)):
        loaded = read_csv(f"{HEADER}\nIN,India,national,,\nX,Caf\u00e9 Lane,station,IN,\n".encode(encoding))
        assert faults(loaded) == [(line, Fault.ENCODING)]
        assert loaded.rows == ()
        assert "UTF-8" in loaded.problems[0].sentence


@pytest.mark.parametrize(
    "text", ["", "\n\n", "code;name;kind;parent;areas\nIN;India;national;;", "code,name,kind\nIN,India,national"]
)
def test_a_file_without_its_columns_is_refused_whole(text: str) -> None:
    loaded = read_csv(text)
    assert [problem.fault for problem in loaded.problems] == [Fault.HEADER]
    assert loaded.rows == ()


def test_a_column_named_twice_is_refused_and_an_unknown_one_is_told() -> None:
    assert faults(read_csv(f"{HEADER},name\nIN,India,national,,,x\n")) == [(1, Fault.HEADER)]
    loaded = read_csv(f"{HEADER},telephone\nIN,India,national,,,0\n")
    assert faults(loaded) == [(1, Fault.UNKNOWN_COLUMN)]
    assert [row.code for row in loaded.rows] == ["IN"]


def test_of_two_lines_with_one_code_none_is_loaded_and_what_hangs_on_it_is_told() -> None:
    loaded = read_csv(f"{HEADER}\nA,One,state,,\nB,Below,district,A,\nC,Deeper,station,B,\nA,Two,state,,\n")
    assert loaded.rows == ()
    assert faults(loaded) == [
        (2, Fault.DUPLICATE_CODE),
        (3, Fault.PARENT_NOT_LOADED),
        (4, Fault.PARENT_NOT_LOADED),
        (5, Fault.DUPLICATE_CODE),
    ]
    assert "line 5" in loaded.problems[0].sentence


def test_a_line_with_too_few_fields_does_not_take_a_good_one_of_the_same_code_with_it() -> None:
    loaded = read_csv(f"{HEADER}\nA,One,state,\nA,Two,state,,\nB,Below,district,A,\n")
    assert faults(loaded) == [(2, Fault.FIELDS)]
    assert [row.name for row in loaded.rows] == ["Two", "Below"]


def test_a_circle_is_told_apart_from_what_leads_into_it() -> None:
    loaded = read_csv(
        f"{HEADER}\nD,Leads in,station,A,\nA,One,state,C,\nB,Two,state,A,\nC,Three,state,B,\nE,Free,state,,\n"
    )
    assert faults(loaded) == [(2, Fault.PARENT_NOT_LOADED), (3, Fault.CYCLE), (4, Fault.CYCLE), (5, Fault.CYCLE)]
    assert [row.code for row in loaded.rows] == ["E"]


def test_an_open_quotation_mark_is_told_with_the_lines_it_swallows() -> None:
    loaded = read_csv(f'{HEADER}\nIN,India,national,,\nX,"Open,station,IN,\nY,Name,station,IN,\n')
    assert faults(loaded) == [(3, Fault.QUOTES)]
    assert "Lines 3 to 4" in loaded.problems[0].sentence
    assert [row.code for row in loaded.rows] == ["IN"]


# ---------------------------------------------------------------- what is loaded


def test_a_good_file_is_loaded_with_or_without_a_byte_order_mark() -> None:
    plain = read_csv(GOOD)
    assert plain.problems == ()
    assert plain.rows[2] == UnitRow(4, "MH-EXAMPLE", "Example City", "district", "IN-MH", ("LGD:482", "PIN:431"))
    for same in (GOOD.encode(), GOOD.encode("utf-8-sig"), "\ufeff" + GOOD, GOOD.replace("\n", "\r\n").encode()):
        assert read_csv(same) == plain


def test_columns_may_stand_in_any_order_and_lines_may_be_empty() -> None:
    loaded = read_csv("\nName,CODE,areas,parent,kind\n\n,,,,\nIndia,IN,,,National\n")
    assert loaded == Loaded((UnitRow(5, "IN", "India", "national", "", ()),), ())


def test_a_parent_may_be_there_already() -> None:
    text = f"{HEADER}\nX,Name,station,IN-MH,\n"
    assert faults(read_csv(text)) == [(2, Fault.MISSING_PARENT)]
    assert [row.code for row in read_csv(text, known={"IN-MH"}).rows] == ["X"]


@given(trees(), st.randoms(use_true_random=False))
def test_the_order_of_the_file_does_not_matter(rows: list[UnitRow], rng: random.Random) -> None:
    shuffled = list(rows)
    rng.shuffle(shuffled)
    first, second = read_csv(written(rows)), read_csv(written(shuffled).encode("utf-8-sig"))
    assert first.problems == second.problems == ()
    assert without_lines(first.rows) == without_lines(second.rows)
    assert sorted(without_lines(first.rows)) == sorted(rows)
    seen = {""}
    for row in first.rows:
        assert row.parent_code in seen
        seen.add(row.code)


@given(trees(), st.data())
def test_every_line_is_either_loaded_or_named_and_each_fault_once(rows: list[UnitRow], data: st.DataObject) -> None:
    """Faults are put into some lines; every one of them is told once, with what hangs on them and nothing else."""
    spoil = {
        Fault.EMPTY_NAME: lambda row: row._replace(name=""),
        Fault.UNKNOWN_KIND: lambda row: row._replace(kind="outpost"),
        Fault.MISSING_PARENT: lambda row: row._replace(parent_code="NOT.THERE"),
        Fault.CYCLE: lambda row: row._replace(parent_code=row.code),
        Fault.BAD_AREA: lambda row: row._replace(areas=("somewhere",)),
        Fault.TOO_LONG: lambda row: row._replace(name="n" * 201),
    }
    injected = data.draw(
        st.dictionaries(st.sampled_from(range(len(rows))), st.sampled_from(sorted(spoil))) if rows else st.just({})
    )
    spoilt = [spoil[injected[place]](row) if place in injected else row for place, row in enumerate(rows)]
    loaded = read_csv(written(spoilt))
    told = faults(loaded)
    assert [(line, fault) for line, fault in told if fault is not Fault.PARENT_NOT_LOADED] == [
        (place + 2, fault) for place, fault in sorted(injected.items())
    ]
    assert sorted([row.line for row in loaded.rows] + [line for line, _ in told]) == list(range(2, len(rows) + 2))
    places = {row.code: place for place, row in enumerate(spoilt)}
    lost = {place + 2 for place in injected}
    for place, row in enumerate(spoilt):  # parents stand first in these trees
        if row.parent_code and row.parent_code in places and places[row.parent_code] + 2 in lost:
            lost.add(place + 2)
    assert {line for line, _ in told} == lost


@given(st.binary(max_size=300) | st.text(max_size=300))
def test_no_file_whatever_makes_the_reader_fail(given_: bytes | str) -> None:
    loaded = read_csv(given_)
    assert loaded.rows or loaded.problems


@given(st.text(alphabet='AB,;"\n\r -1', max_size=200))
def test_no_line_under_a_good_header_is_lost(body: str) -> None:
    text = f"{HEADER}\n{body}"
    loaded = read_csv(text)
    told = {row.line for row in loaded.rows} | {problem.line for problem in loaded.problems}
    if '"' not in body and "\r" not in body:
        lines = enumerate(text.split("\n")[1:], 2)
        assert told == {number for number, line in lines if line.replace(",", "").strip()}


# ---------------------------------------------------------------- India


def test_the_seed_is_one_national_unit_and_36_below_it() -> None:
    national, *states = india_seed()
    assert (national.code, national.name, national.kind, national.parent_code) == (
        "IN",
        "India, national centre",
        "national",
        "",
    )
    assert len({row.code for row in states}) == len(states) == 36
    assert {(row.kind, row.parent_code) for row in states} == {("state", "IN")}
    telangana = next(row for row in states if row.name == "Telangana")
    assert (telangana.code, telangana.areas) == ("IN-TS", ("IN-TS", "IN-TG"))
    every = [area for row in india_seed() for area in row.areas]
    assert len(every) == len(set(every))


def test_the_seed_can_be_loaded_from_a_file() -> None:
    loaded = read_csv(written(list(india_seed())))
    assert loaded.problems == ()
    assert without_lines(loaded.rows) == list(india_seed())


def test_the_seed_agrees_with_the_reference() -> None:
    if not REFERENCE.exists():
        pytest.skip("the reference on law is not beside this repository")
    found = re.findall(
        r"- \{iso: (IN-\w+),(?: old: \[([^\]]*)\],)? lgd: (\d+), name: ([^,]+), kind: (\w+)", REFERENCE.read_text()
    )
    assert len(found) == 36
    expected = {(iso, name, (iso, *(part for part in old.split(", ") if part))) for iso, old, _, name, _ in found}
    assert {(row.code, row.name, row.areas) for row in india_seed()[1:]} == expected
    data = Path(__file__).parents[1] / "data" / "india-subdivisions.csv"
    kinds = {"UT": "union-territory", "state": "state"}
    ours = {
        (row["code"], row["lgd_state"], row["kind"])
        for row in csv.DictReader(io.StringIO(data.read_text(encoding="utf-8")))
    }
    assert ours == {(iso, lgd, kinds[kind]) for iso, _, lgd, _, kind in found}


def test_the_ranks_stand_in_order_and_the_line_is_at_inspector() -> None:
    data = Path(__file__).parents[1] / "data" / "india-ranks.csv"
    ranks = list(csv.DictReader(io.StringIO(data.read_text(encoding="utf-8"))))
    assert [int(rank["order"]) for rank in ranks] == list(range(1, len(ranks) + 1))
    assert {kind for rank in ranks for kind in rank["unit_kinds"].split(";")} <= set(KINDS)
    may = [rank["abbreviation"] for rank in ranks if rank["may_investigate_it_act"] == "yes"]
    assert may == [rank["abbreviation"] for rank in ranks][: len(may)]  # no gap: a rank, and all above it
    assert may[-1] == "Inspector"
