# SPDX-License-Identifier: Apache-2.0
"""Names, codes and numbers say the place they are of, several where several are meant, and nothing where nothing is."""

from __future__ import annotations

import csv
import io
from importlib import resources

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightlight.pipeline.routing.districts import COLUMNS, Fault, read_districts
from nightlight.pipeline.routing.gazetteer import Place, india
from nightlight.pipeline.routing.place_rows import shipped
from nightlight.pipeline.routing.places import LONGEST, bare, parts, plain
from nightlight.pipeline.routing.tests.making import gazetteer

BARE = india()


def states(text: str, country: str = "") -> list[str]:
    return [place.state for place in BARE.find_place(text, country)]


def listed() -> dict[str, str]:
    file = resources.files("nightlight.trust.units") / "data" / "india-subdivisions.csv"
    rows = csv.DictReader(io.StringIO(file.read_text(encoding="utf-8")))
    return {code: row["code"] for row in rows for code in (row["code"], *filter(None, row["old_codes"].split(";")))}


def test_every_state_of_the_list_is_found_by_code_former_code_and_name() -> None:
    assert len(set(listed().values())) == 36
    for written, code in listed().items():
        assert BARE.find_state(written) == code
        assert BARE.find_state(written.partition("-")[2].lower(), "IN") == code
    for row in shipped().states:
        for name in (row.name, row.name.upper(), *row.aliases):
            assert BARE.find_state(name) == row.code, name


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("Orissa", "IN-OD"),
        ("Pondicherry", "IN-PY"),
        ("Uttaranchal", "IN-UK"),
        ("State of Kerala", "IN-KL"),
        ("  tamil-nadu ", "IN-TN"),
        ("J&K", "IN-JK"),
        ("Jammu & Kashmir", "IN-JK"),
        ("केरल", "IN-KL"),
        ("महाराष्ट्र", "IN-MH"),
        ("उड़ीसा", "IN-OD"),
        ("उड़ीसा".replace("ड़", "ड"), "IN-OD"),  # without the dot that some keyboards leave out
        ("തമിഴ്നാട്", "IN-TN"),
        ("തമിഴ്\u200cനാട്", "IN-TN"),
        ("കര്\u200dണാടക", "IN-KA"),  # the older way to write a chillu
    ],
)
def test_states_are_found_however_they_are_written(text: str, state: str) -> None:
    assert BARE.find_state(text) == state


def test_short_forms_are_read_only_where_the_country_is_ours() -> None:
    for short in ("MH", "TN", "U.P.", "GA", "MN", "UA"):
        assert BARE.find_state(short) == ""
        assert BARE.find_state(short, "US") == ""
        assert BARE.find_state(short, "IN")
    assert BARE.find_state("Punjab", "PK") == ""
    assert BARE.find_state("Kerala", "US") == ""


@pytest.mark.parametrize("name", ["Aurangabad", "Hamirpur", "Bilaspur", "Pratapgarh", "Balrampur", "Srinagar"])
def test_a_name_of_two_towns_gives_both_states_and_a_state_beside_it_decides(name: str) -> None:
    both = states(name)
    assert len(both) == 2
    for state in both:
        assert states(f"{name}, {BARE.names[state]}") == [state]
        assert states(f"{name}, {state.partition('-')[2]}") == [state]


def test_towns_are_found_under_former_names_and_among_other_words() -> None:
    for text, state in (
        ("Kochi", "IN-KL"),
        ("Bombay", "IN-MH"),
        ("Madras", "IN-TN"),
        ("കൊച്ചി", "IN-KL"),
        ("near the old harbour, Fort Kochi", "IN-KL"),
        ("Pune City", "IN-MH"),
        ("Dist. Ernakulam", "IN-KL"),
        ("Gurgaon Haryana India", "IN-HR"),
    ):
        assert states(text) == [state], text
    assert states("Springfield") == []
    assert states("Delhi, United States") == [""]
    assert BARE.find_place("Berlin, Germany") == (Place("DE"),)
    assert BARE.find_place("Lake View", "IN") == (Place("IN"),)
    assert BARE.find_place("") == ()


def test_districts_once_loaded_are_found_by_name_other_name_town_and_postal_code() -> None:
    loaded = gazetteer()
    here = (Place("IN", "IN-KL", "LGD:482"),)
    assert BARE.find_place("Ernakulam") == (Place("IN", "IN-KL"),)
    for text in ("Ernakulam", "Cochin", "Kochi, Kerala", "എറണാകുളം", "Ernakulam District"):
        assert loaded.find_place(text) == here, text
    assert loaded.by_postal("682 020") == here
    assert loaded.by_phone("+914842345678") == here
    assert {place.district for place in loaded.find_place("Aurangabad")} == {"LGD:502", "LGD:601"}
    assert loaded.find_district("Aurangabad", "IN-BR") == "LGD:601"
    assert loaded.find_district("Aurangabad", "IN-KL") == ""
    assert loaded.by_postal("682555") == (Place("IN", "IN-LD"),)  # the longer beginning decides


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("403001", ["IN-GA"]),
        ("160017", ["IN-CH"]),
        ("605001", ["IN-PY"]),
        ("605602", ["IN-PY", "IN-TN"]),
        ("682555", ["IN-LD"]),
        ("682001", ["IN-KL"]),
        ("673310", ["IN-PY"]),
        ("737101", ["IN-SK"]),
        ("744101", ["IN-AN"]),
        ("396210", ["IN-DH"]),
        ("396445", ["IN-GJ"]),
        ("790001", ["IN-AR"]),
        ("793001", ["IN-ML"]),
        ("795001", ["IN-MN"]),
        ("796001", ["IN-MZ"]),
        ("797001", ["IN-NL"]),
        ("799001", ["IN-TR"]),
        ("194101", ["IN-LA"]),
        ("834001", ["IN-JH"]),
        ("900056", [""]),  # the army's post
        ("560 001", ["IN-KA"]),
        ("290001", []),
        ("012345", []),
        ("5600012", []),
        ("५६०००१", []),
    ],
)
def test_postal_codes_say_their_state(code: str, expected: list[str]) -> None:
    assert [place.state for place in BARE.by_postal(code, "IN")] == expected
    assert BARE.by_postal(code, "CN") == ()


def test_every_state_has_a_postal_code_and_a_land_line() -> None:
    rows = shipped()
    every = {row.code for row in rows.states}
    assert {state for found in rows.pins.values() for state in found} == every
    assert {state for found in rows.std.values() for state in found} == every


@pytest.mark.parametrize(
    ("number", "expected", "beginning"),
    [
        ("+914842345678", [Place("IN", "IN-KL")], "+91 484"),
        ("+912223456789", [Place("IN", "IN-MH")], "+91 22"),
        ("+911122345678", [Place("IN", "IN-DL")], "+91"),
        ("+914132345678", [Place("IN", "IN-PY"), Place("IN", "IN-TN")], "+91"),
        ("+919999900001", [Place("IN")], "+91"),  # mobile: taken along anywhere
        ("+12025550123", [Place("US")], "+1"),
        ("+4930123456", [Place("DE")], "+49"),
        ("+4930123456;ext=7", [Place("DE")], "+49"),
        ("+999123", [], ""),
        ("", [], ""),
    ],
)
def test_numbers_say_the_country_and_land_lines_of_ours_the_state(
    number: str, expected: list[Place], beginning: str
) -> None:
    assert list(BARE.by_phone(number)) == expected
    assert BARE.phone_beginning(number) == beginning


def test_the_area_codes_agree_with_the_towns_that_have_one() -> None:
    rows = shipped()
    for town in rows.towns:
        if town.std:
            longest = max((one for one in rows.std if town.std.startswith(one)), key=len)
            assert town.state in rows.std[longest], town


def test_a_number_that_may_as_well_be_mobile_says_the_country_only() -> None:
    number = phonenumbers.parse("+917212345678")  # begins like Amravati's land lines, and like a series of mobiles
    assert phonenumbers.number_type(number) != phonenumbers.PhoneNumberType.FIXED_LINE
    assert BARE.by_phone("+917212345678") == (Place("IN"),)


def test_countries_are_found_by_code_and_name_and_old_codes_are_none() -> None:
    for text, code in (("IN", "IN"), ("india", "IN"), ("भारत", "IN"), ("U.S.A.", "US"), ("Côte d'Ivoire", "CI")):
        assert BARE.find_country(text) == code
    for text in ("A1", "A2", "EU", "AP", "O1", "", "Atlantis"):
        assert BARE.find_country(text) == ""


@settings(deadline=None)
@given(st.text(max_size=LONGEST + 20))
def test_spelling_is_settled_once_and_nothing_fails(text: str) -> None:
    once = plain(text)
    assert plain(once) == once
    assert bare(bare(text)) == bare(text)
    assert all(part == plain(part) for part in parts(text))
    assert all(place.country for place in BARE.find_place(text))
    assert BARE.find_state(text, "DE") == ""
    assert BARE.by_phone(text) == () or text.startswith("+")


@pytest.mark.parametrize(
    ("text", "fault", "line"),
    [
        (b"\xff\xfe", Fault.ENCODING, 1),
        ("", Fault.HEADER, 1),
        ("code,name\n1,x", Fault.HEADER, 1),
        ("code,name,state,state\n", Fault.HEADER, 1),
        ("code,name,state\n1,A,IN-KL,x", Fault.FIELDS, 2),
        ("code,name,state\n,A,IN-KL", Fault.CODE, 2),
        ("code,name,state\na b,A,IN-KL", Fault.CODE, 2),
        ("code,name,state\n1,,IN-KL", Fault.NAME, 2),
        ("code,name,state\n1,A,Atlantis", Fault.STATE, 2),
        ("code,name,state,pins\n1,A,KL,68x", Fault.PIN, 2),
        ("code,name,state\n1,A,KL\nLGD:1,B,KL", Fault.DUPLICATE_CODE, 2),
        ('code,name,state\n1,"A,KL', Fault.QUOTES, 2),
    ],
)
def test_a_line_with_a_fault_is_named_and_left_out(text: str | bytes, fault: Fault, line: int) -> None:
    loaded = read_districts(text)
    assert loaded.rows == ()
    assert (loaded.problems[0].line, loaded.problems[0].fault) == (line, fault)
    assert loaded.problems[0].sentence.endswith(".")


def test_a_column_that_is_not_read_is_named_and_the_lines_are_loaded() -> None:
    loaded = read_districts("\ufeffcode,name,state,area\n482, Ernakulam ,kerala,x\n\n")
    assert [(row.code, row.name, row.state, row.line) for row in loaded.rows] == [("LGD:482", "Ernakulam", "IN-KL", 2)]
    assert [problem.fault for problem in loaded.problems] == [Fault.UNKNOWN_COLUMN]


@settings(deadline=None)
@given(st.binary(max_size=80) | st.text(max_size=80))
def test_reading_districts_never_fails(data: bytes | str) -> None:
    header = "code,name,state,aliases,pins\n"
    for given_data in (data, header.encode() + data if isinstance(data, bytes) else header + data):
        loaded = read_districts(given_data)
        assert list(loaded.problems) == sorted(loaded.problems)
        assert all(row.state in BARE.names and row.code for row in loaded.rows)


names = st.text("abcdefghij", min_size=3, max_size=8)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 9999), names), unique_by=(lambda row: row[0], lambda row: row[1]), max_size=8))
def test_every_district_of_a_clean_list_is_loaded_and_found(rows: list[tuple[int, str]]) -> None:
    text = "\n".join([",".join(COLUMNS), *(f"{number},zz{name},IN-KL,," for number, name in rows)])
    loaded = read_districts(text)
    assert not loaded.problems
    known = BARE.with_districts(loaded.rows)
    for number, name in rows:
        assert known.find_place(f"zz{name}") == (Place("IN", "IN-KL", f"LGD:{number}"),)
