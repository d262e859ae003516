# SPDX-License-Identifier: Apache-2.0
"""What is read of a report as a sign of its place, whose it is said to be, and what is never read."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightlight.pipeline.routing.geofeed import NetworkPlace as At
from nightlight.pipeline.routing.geofeed import Nowhere
from nightlight.pipeline.routing.money import payments
from nightlight.pipeline.routing.signs import Mark, Sign, SignKind, Whose, officer_signs, read
from nightlight.pipeline.routing.tests.making import Known, event, gazetteer, party, reading
from nightlight.pipeline.tips.people import Address, Email, EstimatedLocation, Person, Phone, Role
from nightlight.pipeline.tips.reading import FileReading, InternetDetail, LawEnforcement, Reading, ReporterStatement
from nightlight.pipeline.tips.values import NamedValue, Stated, Text, read_birth_date, read_moment

KOCHI = At("IN", "IN-KL", "Kochi", "", "operators", date(2026, 10, 1))


def signs(report: Reading, **places: At) -> tuple[Sign, ...]:
    known = Known({address.replace("_", ".").removeprefix("a."): place for address, place in places.items()})
    return read(report, gazetteer=gazetteer(), network=known)


def where(found: tuple[Sign, ...]) -> list[tuple[SignKind, Whose, str, str, str]]:
    return [(one.kind, one.whose, one.country, one.state, one.district) for one in found]


def postal(**fields: Any) -> Address:  # noqa: ANN401 - fields of Address
    return Address("address", **fields)


def test_a_report_without_a_place_has_no_sign() -> None:
    assert signs(reading()) == ()
    assert signs(reading(party(network_events=(event("192.0.2.1"), event("no address"))))) == ()


def test_names_traits_languages_and_what_reporters_and_officers_are_are_never_read() -> None:
    desk = Person(
        "desk",
        first_name="Kerala",
        phones=(Phone("+914842345678", "desk/phone"),),
        addresses=(postal(city="Kochi", country="IN"),),
    )
    named = Person(
        "person",
        first_name="Kochi",
        last_name="Kerala",
        emails=(Email("kochi@example.org", "email"),),
        traits=(NamedValue("Ethnicity", "Malayali", "trait"), NamedValue("Language", "Malayalam", "trait")),
    )
    report = reading(
        party(persons=(named,), screen_names=(Text("kochi", "name"),), display_names=(Text("Pune Boy", "name"),)),
        reporter=ReporterStatement("reporter", esp_name="Kochi Chat", reporting_person=desk, contact_person=desk),
        law_enforcement=LawEnforcement("le", agency="Kerala Police", officer=desk, country="IN"),
        # The same number once more, where it would otherwise count.
        webs=(InternetDetail("phone", "web", phones=(Phone("+91 484 2345678", "web/phone"),)),),
    )
    assert signs(report) == ()


def test_an_address_counts_where_it_was_at_the_time_of_the_event() -> None:
    known = Known({"192.0.2.1": KOCHI})
    report = reading(party(network_events=(event("192.0.2.1", "2026-10-20T08:00:00+05:30"),)))
    (found,) = read(report, gazetteer=gazetteer(), network=known)
    at = datetime(2026, 10, 20, 2, 30, tzinfo=UTC)
    assert known.asked == [("192.0.2.1", at)]
    assert where((found,)) == [(SignKind.ADDRESS, Whose.REPORTED, "IN", "IN-KL", "LGD:482")]
    assert (found.at, found.shown, found.note) == (at, "Ernakulam, Kerala", "operators (2026-10-01)")
    # A time without its zone is good enough for a list of a day.
    without = reading(party(network_events=(event("192.0.2.1", "2026-10-20T08:00:00"),)))
    read(without, gazetteer=gazetteer(), network=known)
    assert known.asked[-1] == ("192.0.2.1", datetime(2026, 10, 20, 8, tzinfo=UTC))


def test_the_same_address_on_one_day_is_asked_for_once_and_inside_addresses_never() -> None:
    known = Known({"192.0.2.1": KOCHI, "10.0.0.1": KOCHI, "100.64.0.1": KOCHI})
    events = [event("192.0.2.1", f"2026-10-20T08:00:{second:02}Z") for second in range(60)]
    report = reading(party(network_events=(*events, event("10.0.0.1"), event("100.64.0.1"))))
    assert len(read(report, gazetteer=gazetteer(), network=known)) == 1
    assert [address for address, _ in known.asked] == ["192.0.2.1"]


@pytest.mark.parametrize("note", ["anonymiser", "hosting", "later-list,anonymiser"])
def test_an_address_of_an_anonymiser_or_a_data_centre_points_nowhere(note: str) -> None:
    report = reading(party(network_events=(event("192.0.2.1"),)))
    (found,) = signs(report, a_192_0_2_1=dataclasses.replace(KOCHI, note=note))
    assert (found.country, found.state, found.district, found.shown) == ("", "", "", "")
    assert {str(mark) for mark in found.marks} == set(note.split(","))


def test_what_a_list_or_the_reporter_doubts_is_marked() -> None:
    report = reading(party(network_events=(event("192.0.2.1", proxy=True), event("192.0.2.9"), event("198.51.100.1"))))
    disagree = dataclasses.replace(KOCHI, note="lists-disagree")
    found = signs(report, a_192_0_2_1=disagree, a_192_0_2_9=KOCHI, a_198_51_100_1=At("SC"))
    marks = {one.country: one.marks for one in found}
    assert marks["SC"] == (Mark.REGISTERED_THERE,)
    assert {one.marks for one in found if one.country == "IN"} == {
        (Mark.LISTS_DISAGREE, Mark.POSSIBLE_PROXY),
        (Mark.POSSIBLE_PROXY,),  # beside an address that is called a proxy
    }


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (At("IN", "IN-TG"), [("IN", "IN-TS", "")]),  # a former code
        (At("IN", "", "Pune"), [("IN", "IN-MH", "LGD:501")]),
        (At("IN", "", "Aurangabad"), [("IN", "IN-MH", "LGD:502"), ("IN", "IN-BR", "LGD:601")]),
        (At("IN", "IN-KL", "Nowhere Town"), [("IN", "IN-KL", "")]),
        (At("IN", "IN-KL", "", "682001"), [("IN", "IN-KL", "LGD:482")]),
        (At("IN", "IN-MH", "", "682001"), [("IN", "IN-MH", "")]),  # a code of somewhere else adds nothing
        (At("IN"), [("IN", "", "")]),
        (At("NO", "NO-46", "Bergen"), [("NO", "", "")]),
    ],
)
def test_what_lists_say_is_found_in_the_gazetteer(place: At, expected: list[tuple[str, str, str]]) -> None:
    found = signs(reading(party(network_events=(event("192.0.2.1"),))), a_192_0_2_1=place)
    assert [one[2:] for one in where(found)] == expected
    assert all(one.among == len(expected) for one in found)


@pytest.mark.parametrize(
    ("phone", "expected", "marks"),
    [
        (Phone("+91 484 234 5678", "p"), ("IN", "IN-KL", "LGD:482", "+91 484"), ()),
        (Phone("99999 00001", "p", country_calling_code="+91"), ("IN", "", "", "+91"), (Mark.MOBILE,)),
        (Phone("0484 2345678", "p"), ("IN", "", "", "+91"), (Mark.COUNTRY_ASSUMED,)),
        # American ones, which are as long as ours and begin as our area codes do.
        *(
            (Phone(number, "p"), ("IN", "", "", "+91"), (Mark.COUNTRY_ASSUMED,))
            for number in ("2025550143", "(212) 555-0123", "4045550123", "8045550123")
        ),
        (Phone("+12025550123", "p", verified=Stated.NO), ("US", "", "", "+1"), (Mark.UNVERIFIED,)),
        (Phone("12345", "p"), None, ()),
    ],
)
def test_numbers(phone: Phone, expected: tuple[str, ...] | None, marks: tuple[Mark, ...]) -> None:
    found = signs(reading(party(phones=(phone,))))
    assert [(one.country, one.state, one.district, one.shown) for one in found] == ([expected] if expected else [])
    assert all(one.marks == marks for one in found)


def test_a_number_without_its_country_says_nothing_of_somebody_who_is_elsewhere() -> None:
    here = party(phones=(Phone("0484 2345678", "p"),), addresses=(postal(country="IN"),))
    assert [one.state for one in signs(reading(here)) if one.kind is SignKind.PHONE] == ["IN-KL"]
    somewhere = party(phones=(Phone("9999900001", "p"),), addresses=(postal(country="US", city="Boise"),))
    assert [one.kind for one in signs(reading(somewhere))] == [SignKind.STATED_PLACE]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (
            postal(country="IN", city="Kochi", state_outside_usa="KL", postal_code="682001"),
            [("stated_place", "IN-KL", "LGD:482", ()), ("postal_code", "IN-KL", "LGD:482", ())],
        ),
        (postal(country="India", state_outside_usa="Orissa"), [("stated_place", "IN-OD", "", ())]),
        (postal(state_outside_usa="Kerala"), [("stated_place", "IN-KL", "", ())]),
        (postal(city="Pune"), [("stated_place", "IN-MH", "LGD:501", (Mark.COUNTRY_NOT_STATED,))]),
        (postal(postal_code="682001"), [("postal_code", "IN-KL", "LGD:482", (Mark.COUNTRY_NOT_STATED,))]),
        (postal(country="IN", city="Lake View"), [("stated_place", "", "", (Mark.NOT_FOUND,))]),
        (postal(country="IN"), [("stated_place", "", "", ())]),
        (postal(country="A1", state_outside_usa="Lake View"), [("stated_place", "", "", (Mark.NAME_ONLY,))]),
        (postal(street=("12 Kochi Road, Kerala",)), []),
        (
            postal(country="IN", city="Aurangabad"),
            [
                ("stated_place", "IN-MH", "LGD:502", (Mark.SEVERAL_PLACES,)),
                ("stated_place", "IN-BR", "LGD:601", (Mark.SEVERAL_PLACES,)),
            ],
        ),
    ],
)
def test_stated_places(address: Address, expected: list[tuple[str, str, str, tuple[Mark, ...]]]) -> None:
    found = signs(reading(party(addresses=(address,))))
    assert [(one.kind, one.state, one.district, one.marks) for one in found] == expected
    assert all("Road" not in one.shown and "682001" not in one.shown for one in found)
    assert {one.code for one in found if one.kind == "postal_code"} <= {"682001"}


def test_a_place_abroad_says_its_country_and_its_postal_code_is_not_ours() -> None:
    found = signs(reading(party(addresses=(postal(country="CN", city="Beijing", postal_code="100000"),))))
    assert where(found) == [(SignKind.STATED_PLACE, Whose.REPORTED, "CN", "", "")]


def test_estimated_locations() -> None:
    at = read_moment("2026-09-01T00:00:00Z", "at")
    for location, expected in (
        (EstimatedLocation("e", "Kochi", "Kerala", "IN", at=at), [("IN", "IN-KL", "LGD:482")]),
        (EstimatedLocation("e", None, "KL", "IN"), [("IN", "IN-KL", "")]),
        (EstimatedLocation("e", None, "682001", "IN"), [("IN", "", ""), ("IN", "IN-KL", "LGD:482")]),
        (EstimatedLocation("e", "Boise", "83700", "US"), [("US", "", "")]),
        (EstimatedLocation("e"), []),
    ):
        found = signs(reading(party(estimated_location=location)))
        assert [(one.country, one.state, one.district) for one in found] == expected
    (first,) = signs(reading(party(estimated_location=EstimatedLocation("e", "Kochi", "Kerala", "IN", at=at))))
    assert first.at == datetime(2026, 9, 1, tzinfo=UTC)


def test_whose_a_sign_is() -> None:
    phones = (Phone("+914842345678", "p"),)
    report = reading(
        party(number=1, phones=phones),
        party(Role.VICTIM, number=2, phones=phones, protected=True),
        party(Role.RECIPIENT, number=3, phones=phones),
        party(Role.RECIPIENT, number=4, phones=phones, protected=True),
        party(Role.ASSOCIATED, number=5, phones=phones, belongs_to="party[1]"),
        party(Role.ASSOCIATED, number=6, phones=phones, belongs_to="party[2]", protected=True),
        party(Role.ASSOCIATED, number=7, phones=phones),
        party(Role.REPORTED, number=8, phones=phones, protected=True),
        webs=(InternetDetail("chat", "web", phones=phones),),
        files=(FileReading("file", network_events=(event("192.0.2.1"),)),),
    )
    found = {(one.whose, one.shown) for one in signs(report, a_192_0_2_1=KOCHI)}
    number = "+91 484"
    assert found == {
        (Whose.REPORTED, number),
        (Whose.REPORTED, ""),  # a reported person under eighteen is protected too
        (Whose.CHILD, ""),
        (Whose.RECIPIENT, number),
        (Whose.PLACE, number),
        (Whose.FILE, "Ernakulam, Kerala"),
    }


def test_nothing_of_a_protected_party_is_shown() -> None:
    grown = party(
        Role.RECIPIENT,
        persons=(
            Person(
                "p",
                birth_date=read_birth_date("2010-01-01", "b"),
                phones=(Phone("+914842345678", "ph"),),
                addresses=(postal(country="IN", city="Kochi", postal_code="682001"),),
            ),
        ),
        network_events=(event("192.0.2.1"),),
        estimated_location=EstimatedLocation("e", "Kochi", "Kerala", "IN"),
    )
    known = Known({"192.0.2.1": KOCHI})
    report = reading(grown)
    on_day = read(report, gazetteer=gazetteer(), network=known, day=date(2026, 11, 1))
    assert len(on_day) == 5
    assert {(one.whose, one.shown, one.code) for one in on_day} == {(Whose.CHILD, "", "")}
    assert {one.whose for one in read(report, gazetteer=gazetteer(), network=known)} == {Whose.RECIPIENT}


def test_payment_handles_say_the_country_and_of_a_child_they_are_not_read() -> None:
    words = (Text("send to someone@okaxis or pay other@examplebank, IFSC SBIN0001234", "s"),)
    found = signs(reading(party(statements=words)))
    assert [(one.kind, one.country, one.state, one.shown, one.marks) for one in found] == [
        ("payment", "IN", "", "@okaxis", ()),
        ("payment", "IN", "", "@examplebank", (Mark.UNKNOWN_SUFFIX,)),
        ("payment", "IN", "", "IFSC SBIN", (Mark.BANK_ONLY,)),
    ]
    assert signs(reading(party(Role.VICTIM, statements=words))) == ()
    assert {one.whose for one in signs(reading(webs=(InternetDetail("chat", "w", contents=words),)))} == {Whose.PLACE}
    assert list(payments("file SBIN0001234 and someone@example.org")) == []


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("officer_place", "Kochi", [("IN-KL", "LGD:482")]),
        ("officer_place", "LGD:501", [("IN-MH", "LGD:501")]),
        ("officer_place", "IN-GA", [("IN-GA", "")]),
        ("officer_place", "MH", [("IN-MH", "")]),
        ("officer_place", "Aurangabad", [("IN-MH", "LGD:502"), ("IN-BR", "LGD:601")]),
        ("officer_place", "682001", [("IN-KL", "LGD:482")]),
        ("officer_place", "India", [("", "")]),
        ("officer_place", "somewhere", []),
        ("postal_code", "403 001", [("IN-GA", "")]),
        ("phone", "+914842345678", [("IN-KL", "LGD:482")]),
        ("phone", "nothing", []),
        ("language", "Malayalam", [("IN-KL", "")]),
        ("language", "te", [("IN-AP", ""), ("IN-TS", "")]),
        ("language", "Hindi", [("", "")]),
        ("language", "Klingon", []),
    ],
)
def test_what_officers_add(kind: str, value: str, expected: list[tuple[str, str]]) -> None:
    found = officer_signs(kind, value, gazetteer=gazetteer())
    assert [(one.state, one.district) for one in found] == expected
    assert all((one.kind, one.whose, one.country) == (kind, Whose.OFFICER, "IN") for one in found)


def test_an_officer_may_name_another_country_and_no_other_kind_of_sign() -> None:
    assert [one.country for one in officer_signs("officer_place", "Norway", gazetteer=gazetteer())] == ["NO"]
    for kind in ("address", "religion", "name", ""):
        with pytest.raises(ValueError, match="no kind"):
            officer_signs(kind, "x", gazetteer=gazetteer())


text = st.text(max_size=60) | st.none()


@settings(deadline=None)
@given(
    st.builds(Address, st.just("a"), city=text, postal_code=text, state=text, state_outside_usa=text, country=text),
    st.builds(Phone, st.text(max_size=20), st.just("p"), country_calling_code=text, extension=text),
    st.builds(EstimatedLocation, st.just("e"), text, text, text),
    st.text(max_size=80),
)
def test_nothing_a_report_says_makes_reading_fail(
    address: Address, phone: Phone, location: EstimatedLocation, words: str
) -> None:
    report = reading(
        party(addresses=(address,), phones=(phone,), estimated_location=location, bio=words),
        webs=(InternetDetail("chat", "w", addresses=(address,), contents=(Text(words, "w"),)),),
    )
    found = read(report, gazetteer=gazetteer(), network=Nowhere())
    assert len(set(found)) == len(found)
    assert all(one.country or not (one.state or one.district) for one in found)
    for one in officer_signs("officer_place", words, gazetteer=gazetteer()):
        assert one.country
