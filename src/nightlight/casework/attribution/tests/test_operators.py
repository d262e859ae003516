# SPDX-License-Identifier: Apache-2.0
"""The holder is whoever held the network that day: by prefix, then by number, and never a neighbour of like name."""

from __future__ import annotations

import csv
import gzip
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightlight.casework.attribution.operators import (
    By,
    Directory,
    DirectoryConflict,
    Operator,
    OperatorKind,
    Span,
    prefix,
    record_asked,
    response_days,
    retention,
)
from nightlight.casework.attribution.operators_reading import DirectoryRefused, read_directory, shipped
from nightlight.trust.law.queries import pack
from nightlight.trust.law.records import Holder, Kept
from nightlight.trust.law.rules import kept_until

REFERENCE = Path(__file__).parents[6] / "shared" / "reference" / "ip" / "india"
TEXT = (resources.files("nightlight.casework.attribution") / "data" / "operators-exercise.toml").read_text("utf-8")
EXERCISE = shipped("exercise")
CUT = date(2026, 8, 1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


NOON = at("2026-05-01T12:00")


def one(code: str, **given: object) -> Operator:
    return Operator(code, code.title(), "IN", OperatorKind.FIXED, **given)  # type: ignore[arg-type]


def test_without_an_instant_nobody_is_chosen() -> None:
    chosen = EXERCISE.holder(64499, "198.51.100.7", None)
    assert (chosen.operator, chosen.by) == (None, By.NOTHING)
    with pytest.raises(ValueError, match="zone"):
        EXERCISE.holder(64499, "198.51.100.7", datetime(2026, 5, 1))  # noqa: DTZ001 - the refusal is the test
    with pytest.raises(ValueError, match="address"):
        EXERCISE.holder(64499, "198.51.100", NOON)


def test_a_network_without_an_entry_is_its_own_addressee_and_no_neighbour_is_taken() -> None:
    chosen = EXERCISE.holder(64511, "192.0.2.1", NOON, network="Neela Mobile Services Division")
    assert (chosen.operator, chosen.by, chosen.addressee) == (None, By.NAME, "Neela Mobile Services Division")
    assert "address for requests is unknown" in chosen.why
    assert EXERCISE.holder(0, "192.0.2.1", NOON).by is By.NOTHING
    assert EXERCISE.holder(64511, "192.0.2.1", NOON).addressee == "AS64511"


def test_a_block_that_changed_hands_belongs_to_each_on_its_days() -> None:
    before = EXERCISE.holder(64497, "203.0.113.170", at("2026-07-30T12:00"))
    after = EXERCISE.holder(64496, "203.0.113.170", at("2026-08-02T12:00"))
    assert (before.addressee, before.by, before.until) == ("Kadal Fibre", By.PREFIX, CUT)
    assert (after.addressee, after.by, after.since) == ("Malar Cable", By.PREFIX, CUT)
    assert before.near_change == after.near_change == ""
    assert "203.0.113.160/27" in before.why
    assert "AS64497, is not asked" in before.why
    # On the days beside the change both are possible: the directory's days have no zone.
    for text, other in (("2026-07-31T23:00", "Malar Cable"), ("2026-08-01T01:00", "Kadal Fibre")):
        assert EXERCISE.holder(64496, "203.0.113.170", at(text)).near_change.startswith(other)


def test_the_longest_prefix_of_that_day_goes_first_in_both_versions() -> None:
    wide, narrow = (
        one("wide", prefixes=((prefix("203.0.113.0/24"), Span()), (prefix("2001:db8::/32"), Span()))),
        one(
            "narrow",
            prefixes=((prefix("203.0.113.128/25"), Span(CUT)), (prefix("2001:db8:7::/48"), Span(None, CUT))),
        ),
    )
    directory = Directory("d", "1", [wide, narrow])
    early, late = at("2026-07-01T00:00"), at("2026-09-01T00:00")
    assert directory.holder(0, "203.0.113.200", early).addressee == "Wide"
    assert directory.holder(1, "203.0.113.200", late).addressee == "Narrow"
    assert directory.holder(0, "203.0.113.1", late).addressee == "Wide"
    assert directory.holder(1, "2001:db8:7::1", early).addressee == "Narrow"
    assert directory.holder(0, "2001:db8:7::1", late).addressee == "Wide"
    assert directory.holder(1, "2001:db9::1", late).by is By.NAME


def test_two_claims_of_one_network_on_one_day_are_refused() -> None:
    for field, value in (("networks", 64496), ("prefixes", prefix("192.0.2.0/24"))):
        first = one("a", **{field: ((value, Span(None, CUT)),)})
        Directory("d", "1", [first, one("b", **{field: ((value, Span(CUT)),)})])
        with pytest.raises(DirectoryConflict, match="a claims it"):
            Directory("d", "1", [first, one("b", **{field: ((value, Span(CUT - timedelta(days=1))),)})])
    with pytest.raises(DirectoryConflict, match="twice"):
        Directory("d", "1", [one("a"), one("a")])
    with pytest.raises(DirectoryConflict, match="another entry"):
        Directory("d", "1", [one("a", reporters=("Kite",)), one("b", reporters=(" KITE",))])


def test_a_units_own_entry_takes_the_place_of_the_shipped_one() -> None:
    own = Directory("own", "3", [one("kadal", networks=((64496, Span()),))])
    joined = own.over(EXERCISE)
    assert joined.holder(64496, "203.0.113.1", NOON).addressee == "Kadal"
    assert joined.holder(64499, "198.51.100.7", NOON).addressee == "Neela Mobile"
    assert joined.name == "own 3 over Exercise operators 2026-11"


def test_a_platform_is_found_by_its_whole_name_only() -> None:
    found = EXERCISE.of_reporter(" kitefield  GAMES ")
    assert found is not None
    assert (found.code, found.kind) == ("kitefield", OperatorKind.PLATFORM)
    for name in ("Kite", "Kitefield Games Ltd", ""):
        assert EXERCISE.of_reporter(name) is None


@given(st.integers(0, 2**32 - 1), st.integers(-400, 400))
def test_it_is_the_answer_of_looking_at_every_row(number: int, days: int) -> None:
    """Against the plain rule: among rows whose span holds the day, the longest prefix, else the number."""
    address, moment = f"203.0.113.{number % 256}", at("2026-08-01T12:00") + timedelta(days=days)
    asn = 64494 + number % 16
    rows = [
        (found.prefixlen, entry)
        for entry in EXERCISE.operators
        for found, span in entry.prefixes
        if prefix(f"{address}/32").subnet_of(found) and span.holds(moment.date())  # type: ignore[arg-type]
    ]
    rows += [(-1, e) for e in EXERCISE.operators for n, span in e.networks if n == asn and span.holds(moment.date())]
    expected = max(rows, key=lambda row: row[0])[1] if rows else None
    assert EXERCISE.holder(asn, address, moment).operator is expected


@pytest.mark.parametrize(
    ("old", "new", "place", "words"),
    [
        ("schema = 1", "schema = 2", "schema", "the only one"),
        ('country = "IN"', 'country = "India"', "operator[1].country", "ISO 3166-1"),
        ('kind = "fixed"', 'kind = "radio"', "operator[1].kind", "'radio' is not one of"),
        ('zone = "Asia/Kolkata"', 'zone = "IST"', "operator[1].zone", "not a zone"),
        ('layouts = ["generic"]', 'layouts = ["fancy"]', "operator[1].layouts", "'fancy' is not one of"),
        ('date_order = "dmy"', 'date_order = "dym"', "operator[1].date_order", "'dym'"),
        ("[64496]", "[64496, 64496]", "operator[1].network[1].numbers", "twice"),
        ("[64496]", "[0]", "operator[1].network[1].numbers", "whole numbers"),
        ("[64496]", "[64497]", "operator.malar", "kadal claims it"),
        ('"203.0.113.160/27"', '"203.0.113.161/27"', "operator[1].prefix[1].prefix", "is not a prefix"),
        ('"203.0.113.160/27"', '"203.0.113.160"', "operator[1].prefix[1].prefix", "no length"),
        ("until = 2026-08-01", "until = 2026-08-02", "operator.malar", "kadal claims it"),
        ("until = 2026-08-01", "till = 2026-08-02", "operator[1].prefix[1].till", "not a key"),
        ('source = "invented"', 'source = "hearsay"', "operator[1].source", "not among the sources"),
        ('check = "K"', 'check = "Z"', "operator[1].check", "'Z' is not one of"),
        ('shares_addresses = "no"', 'shares_addresses = "maybe"', "operator[1].shares_addresses", "'maybe'"),
        ("network = [{ numbers = [64502] }]", "", "operator[7]", "nothing leads to it"),
        ("exercise = true", 'exercise = "yes"', "exercise", "neither true nor false"),
        ('record = "ipdr"', 'record = "gossip"', "operator[6].retention[1].record", "'gossip'"),
        (
            'retention = [{ record = "ipdr", days = 400,',
            'retention = [{ record = "ipdr", days = 1, source = "invented", check = "K" }, '
            '{ record = "ipdr", days = 400,',
            "operator.minnal.retention",
            "two times",
        ),
    ],
)
def test_one_wrong_line_refuses_the_directory_and_is_named(old: str, new: str, place: str, words: str) -> None:
    assert old in TEXT
    with pytest.raises(DirectoryRefused, match=words) as refusal:
        read_directory(TEXT.replace(old, new, 1))
    assert refusal.value.place == place


def test_what_is_not_toml_is_refused() -> None:
    for text in ("", "schema = ", "[" * 2000):
        with pytest.raises(DirectoryRefused):
            read_directory(text)


def test_the_words_are_those_of_the_law_pack() -> None:
    assert {kind.value for kind in OperatorKind} == {holder.value for holder in Holder}
    minnal = EXERCISE.with_code("minnal")
    assert minnal is not None
    row = minnal.retention_of(Kept.IPDR.value, date(2026, 5, 1))
    assert row is not None
    assert row.days == 400
    assert minnal.retention_of(Kept.LOGS.value, date(2026, 5, 1)) is None


def test_the_longer_of_the_operators_word_and_the_law_holds_and_unknown_stays_unknown() -> None:
    law = pack("IN").records
    # Two years from noon of 1 May 2026, to the first moment at which it is 1 May 2028 anywhere.
    by_law = timedelta(days=731) - timedelta(hours=12 + 14)
    for code, keep, shorter in (("minnal", by_law, timedelta(days=400)), ("neela", by_law, None)):
        entry = EXERCISE.with_code(code)
        assert entry is not None
        record = Kept(record_asked(entry.kind))
        rule = law.retention_of(record, country=entry.country, holder=Holder(entry.kind.value), event=NOON.date())
        assert rule is not None
        found = retention(entry, NOON, kept_until(rule, NOON), rule.id)
        assert found is not None
        assert (found.keep, found.minimum, found.said_shorter) == (keep, True, shorter)
        longer = retention(entry, NOON, NOON.date() + timedelta(days=100), "a shorter law")
        assert longer is not None
        assert longer.minimum is (shorter is None)
    assert retention(EXERCISE.with_code("mistgate"), NOON, None, "us-no-duty") is None
    assert {record_asked(kind) for kind in OperatorKind} <= {kept.value for kept in Kept}
    with pytest.raises(ValueError, match="zone"):
        retention(None, datetime(2026, 5, 1), None, "")  # noqa: DTZ001 - the refusal is the test


def test_the_shipped_numbers_have_nobodys_address_and_invent_no_day() -> None:
    shipped_in = shipped("in")
    assert not any(entry.contacts or entry.exercise or entry.prefixes for entry in shipped_in.operators)
    assert all(entry.exercise for entry in EXERCISE.operators)
    chosen = shipped_in.holder(55836, "", NOON)
    assert (chosen.addressee, chosen.since, chosen.until) == ("Reliance Jio Infocomm Limited", None, None)
    assert "from a day not known" in chosen.why


def test_response_times_are_counted_and_none_is_made_up() -> None:
    assert response_days([]) == {}
    days = [timedelta(days=number) for number in (9, 1, 2, 4)]
    assert response_days(days) == {"count": 4, "median": 3, "slowest": 9}


def test_none_of_the_indian_networks_of_the_sample_goes_to_the_wrong_operator() -> None:
    if not REFERENCE.exists():
        pytest.skip("the reference tables are not beside this repository")
    names: dict[int, tuple[str, str]] = {}
    with gzip.open(REFERENCE / "india-asn-ipv4.csv.gz", "rt", encoding="utf-8") as rows:
        for row in csv.DictReader(rows):
            names.setdefault(int(row["asn"]), (row["as_name"], row["start"]))
    assert len(names) == 3281
    directory, covered = shipped("in"), 0
    for asn, (name, start) in names.items():
        chosen = directory.holder(asn, start, NOON, network=name)
        if chosen.operator is None:
            assert chosen.addressee == name  # the network itself
        else:
            covered += 1
            # The directory's legal name and the registry's begin with the same two words.
            assert name.casefold().split()[:2] == chosen.addressee.casefold().split()[:2], (asn, name)
    assert covered == sum(len(entry.networks) for entry in directory.operators)


def test_a_block_without_days_gives_way_to_another_network_that_a_table_of_that_day_names() -> None:
    mine = one("mine", prefixes=((prefix("203.0.113.0/24"), Span()),), networks=((64500, Span()),))
    other = one("other", networks=((64501, Span()),))
    directory = Directory("d", "1", [mine, other])
    when = at("2023-03-01T12:00")
    assert directory.holder(64501, "203.0.113.7", when).addressee == other.name
    assert directory.holder(64509, "203.0.113.7", when, network="Third Net").addressee == "Third Net"
    for number in (0, 64500):
        assert directory.holder(number, "203.0.113.7", when).by is By.PREFIX


@pytest.mark.parametrize("name", ["GMT", "EST", "Singapore", "right/Asia/Kolkata", "Etc/GMT+5"])
def test_a_zone_that_no_letter_is_written_in_is_refused(name: str) -> None:
    with pytest.raises(DirectoryRefused, match=r"is not (a zone|the zone of a place)"):
        read_directory(TEXT.replace('zone = "Asia/Kolkata"', f'zone = "{name}"', 1))
