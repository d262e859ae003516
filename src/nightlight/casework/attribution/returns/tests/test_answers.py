# SPDX-License-Identifier: Apache-2.0
"""Answers are sets: stable or not, never moved to another time, and weighed over independent days."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightlight.casework.attribution.kinds import Grade
from nightlight.casework.attribution.returns import answer_words
from nightlight.casework.attribution.returns.answers import (
    Answer,
    Asked,
    Certainty,
    Gap,
    Mark,
    Trial,
    answer,
    answers,
    disclosure,
    question,
)
from nightlight.casework.attribution.returns.corroborating import Against, Band, Doubt, Finding, corroborated
from nightlight.casework.attribution.returns.opening import Return, Table
from nightlight.casework.attribution.returns.plain import find
from nightlight.casework.attribution.returns.rows import LogRow, number_of
from nightlight.casework.attribution.returns.tests.helping import BLOCKS, layout, lines, row, table
from nightlight.casework.attribution.returns.twice import overlaps

IP = number_of("203.0.113.7")
AT = 1_778_527_000  # 2026-05-12 00:46:40 in India
DAY = 86_400
EVENT = Asked("e1", IP, 1500, AT, clock_error=5)


def lease(
    who: str = "S1", *, start: int = AT - 600, end: int = AT + 600, low: int = 1024, high: int = 2047, number: int = 2
) -> LogRow:
    return LogRow(number, IP, low, high, start, end, who, details=(("installation-address", "1 Example Road"),))


def test_nothing_is_no_answer_and_says_so() -> None:
    found = answer(EVENT, [])
    assert (found.certainty, found.named, found.gap) == (Certainty.NONE, (), Gap.ADDRESS_NOT_IN_LOG)
    assert answer(EVENT, [], seen=3, before=AT - 900, after=AT + 900).gap is Gap.NO_ROWS_AT_THE_TIME


@pytest.mark.parametrize("shift", [-19_800, 19_800])
def test_a_match_with_the_zone_taken_wrongly_is_an_error_of_the_source_not_an_answer(shift: int) -> None:
    found = answer(EVENT, [lease(start=AT + shift - 60, end=AT + shift + 60)])
    assert (found.certainty, found.subscribers) == (Certainty.NONE, ())
    assert [(error.trial, error.at, error.subscribers) for error in found.probable_errors] == [
        (Trial.ZONE, AT + shift, ("S1",))
    ]
    assert [(near.kind, near.shift) for near in found.near_misses] == [(Trial.ZONE, shift)]


def test_a_match_an_hour_off_is_reported_as_that() -> None:
    found = answer(EVENT, [lease(start=AT + 3500, end=AT + 3700)])
    assert [error.trial for error in found.probable_errors] == [Trial.HOUR]


@pytest.mark.parametrize("offset", [0, 330])
def test_day_and_month_changed_round_are_seen_in_either_zone(offset: int) -> None:
    # 2026-05-11 19:16:40 UTC is 2026-05-12 00:46:40 in India; read round: 2026-11-05 UTC, or 2026-12-05 in India.
    other = AT + 178 * DAY if offset == 0 else AT + 207 * DAY
    found = answer(EVENT, [lease(start=other - 60, end=other + 60)])
    assert (found.certainty, [error.trial for error in found.probable_errors]) == (Certainty.NONE, [Trial.DAY_MONTH])


def test_where_the_stated_time_matches_other_times_say_nothing() -> None:
    found = answer(EVENT, [lease(), lease("S2", start=AT + 19_700, end=AT + 19_900, number=3)])
    assert (found.certainty, found.subscribers, found.probable_errors) == (Certainty.STABLE, ("S1",), ())


def test_another_subscriber_within_a_minute_makes_it_ambiguous() -> None:
    found = answer(EVENT, [lease(end=AT + 30), lease("S2", start=AT + 31, number=3)])
    assert (found.certainty, found.subscribers) == (Certainty.AMBIGUOUS, ("S1", "S2"))
    assert [named.at_stated_time for named in found.named] == [True, False]
    assert [(near.kind, near.subscribers) for near in found.near_misses] == [("minute", ("S2",))]


def test_one_that_only_a_wrong_clock_gives_is_no_stable_answer() -> None:
    found = answer(EVENT, [lease(start=AT + 3)])
    assert (found.certainty, found.named[0].at_stated_time, found.gap) == (Certainty.AMBIGUOUS, False, None)
    assert [near.kind for near in found.near_misses] == ["clock"]


def test_without_a_port_everybody_at_the_address_is_listed() -> None:
    found = answer(replace(EVENT, port=None), [lease(), lease("S2", low=2048, high=3071, number=3)])
    assert (found.certainty, found.subscribers) == (Certainty.AMBIGUOUS, ("S1", "S2"))
    assert {Mark.NO_PORT, Mark.MANY} <= set(found.marks)
    assert Mark.GIVEN_TWICE not in found.marks


def test_the_same_port_given_to_two_is_named() -> None:
    rows = [lease(), lease("S2", low=1400, high=1600, number=3), lease("S2", low=3000, high=3001, number=4)]
    found = answer(EVENT, rows)
    assert (found.certainty, Mark.GIVEN_TWICE in found.marks) == (Certainty.AMBIGUOUS, True)
    assert [(one.number, other.number) for one, other in overlaps(rows)] == [(2, 3)]
    assert overlaps([lease(), lease("S1", number=3)]) == []


_LEASES = st.lists(
    st.builds(
        lambda who, start, long, low, wide: (who, start, start + long, low, low + wide),
        st.sampled_from("AB"), st.integers(0, 9), st.integers(1, 9), st.integers(1, 9), st.integers(0, 4),
    ),
    max_size=8,
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(_LEASES)
def test_overlaps_are_those_that_comparing_all_pairs_gives(leases: list[tuple[str, int, int, int, int]]) -> None:
    rows = [
        lease(who, start=start, end=end, low=low, high=high, number=number)
        for number, (who, start, end, low, high) in enumerate(leases)
    ]
    naive = {
        (a.number, b.number)
        for a in rows
        for b in rows
        if a.number < b.number and a.subscriber != b.subscriber
        if a.start < b.end and b.start < a.end and a.port_low <= b.port_high and b.port_low <= a.port_high
    }
    assert {tuple(sorted((a.number, b.number))) for a, b in overlaps(rows)} == naive


def test_an_address_of_unknown_type_is_marked_and_not_usable() -> None:
    unknown = replace(lease(), details=(("postal-address", "1 Example Road"),))
    assert Mark.ADDRESS_TYPE_UNKNOWN in answer(EVENT, [unknown]).marks
    assert not answer(EVENT, [unknown]).usable_address
    assert Mark.NO_POSTAL_ADDRESS in answer(EVENT, [replace(lease(), details=())]).marks
    assert answer(EVENT, [lease()]).usable_address


def test_a_return_is_asked_once_for_everything() -> None:
    content = lines(
        row(who="SUB1"),
        row(ports="2048-3071", who="SUB2"),
        row(ip="203.0.113.9", start="12/05/2026 06:10:00", end="12/05/2026 06:20:00", who="SUB3"),
        row(ip="203.0.113.8", ports="2048-3071", who="SUB4"),
    )
    events = [EVENT, *(replace(EVENT, key=f"e{n}", address=number_of(f"203.0.113.{n}")) for n in (8, 9, 10))]
    asked = question(events)
    found = answers(events, asked, find(table(content), [BLOCKS], asked.sought, asked.error))
    assert [one.certainty for one in found] == [Certainty.STABLE, Certainty.NONE, Certainty.NONE, Certainty.NONE]
    assert [one.gap for one in found] == [None, Gap.PORT_NOT_IN_LOG, Gap.NO_ROWS_AT_THE_TIME, Gap.ADDRESS_NOT_IN_LOG]
    assert [error.trial for error in found[2].probable_errors] == [Trial.ZONE]
    assert found[2].gap_until is not None
    counted = disclosure(4, found)
    assert (counted.people, counted.listed, counted.beyond) == (4, 1, 3)
    assert "Beyond what was needed: 3" in answer_words.disclosed(counted)
    steps = answer_words.derivation(found[0], "log.csv")
    assert any("2026-05-12 00:46:40" in line for line in steps)
    assert any(answer_words.WHO in line and "(line 2)" in line for line in steps)
    assert any(answer_words.ASK_THE_SOURCE in line for line in answer_words.derivation(found[2], "log.csv"))
    assert answer_words.ALWAYS in steps


def _finding(key: str, at: int, rows: list[LogRow], grade: Grade = Grade.B, **how: object) -> Finding:
    given = answer(Asked(key, IP, 1500, at, 5), rows)
    return Finding(given, grade, "Example Net", **{"pool": 100_000, "sticky": False, **how})  # type: ignore[arg-type]


def _on(day: int, who: str = "S1", **how: object) -> Finding:
    at = AT + day * DAY
    return _finding(f"d{day}", at, [lease(who, start=at - 600, end=at + 600)], **how)  # type: ignore[arg-type]


def test_one_day_is_moderate_and_two_are_strong() -> None:
    (one,) = corroborated([_on(0)])
    assert (one.band, one.days, one.expected_coincidences, one.doubts) == (Band.MODERATE, 1, 1.0, (Doubt.ONE_DAY,))
    (two,) = corroborated([_on(0), _on(3)])
    assert (two.band, two.days, two.independent) == (Band.STRONG, 2, (("d0",), ("d3",)))
    assert two.expected_coincidences == pytest.approx(1e-5)


def test_events_of_one_day_of_one_lease_or_of_a_sticky_pool_are_one() -> None:
    same_day = _finding("later", AT + 3000, [lease(start=AT + 2000, end=AT + 4000)])
    assert [one.band for one in corroborated([_on(0), same_day])] == [Band.MODERATE]
    long = [lease(start=AT - DAY, end=AT + 9 * DAY)]
    found = corroborated([_finding("a", AT, long), _finding("b", AT + 5 * DAY, long)])
    assert [(one.band, one.independent) for one in found] == [(Band.MODERATE, (("a", "b"),))]
    (sticky,) = corroborated([_on(0, sticky=True), _on(3, sticky=True)])
    assert (sticky.band, sticky.doubts) == (Band.MODERATE, (Doubt.STICKY,))


@pytest.mark.parametrize(
    ("pool", "sticky", "doubt"), [(None, False, Doubt.POOL_UNKNOWN), (100, None, Doubt.STICKINESS_UNKNOWN)]
)
def test_what_is_unknown_is_said(pool: int | None, sticky: bool | None, doubt: Doubt) -> None:
    (found,) = corroborated([_on(0, pool=pool, sticky=sticky), _on(3, pool=pool, sticky=sticky)])
    assert doubt in found.doubts
    assert found.band is not Band.STRONG or found.expected_coincidences is not None


def test_a_contradiction_comes_first_and_takes_the_strength() -> None:
    found = corroborated([_on(0), _on(3), _on(5, "S2")])
    assert [one.band for one in found] == [Band.MODERATE, Band.WEAK]
    first = next(one for one in found if one.subscriber == "S1")
    assert [(one.against, one.key, one.others) for one in first.contradictions] == [
        (Against.OTHER_SUBSCRIBER, "d5", ("S2",))
    ]
    assert answer_words.corroboration_lines(first)[0].startswith("Against (d5)")


def test_a_line_among_as_many_others_of_its_kind_is_one_of_several_doors() -> None:
    lines = [replace(_on(day, f"S{day}", line="fixed"), operator=f"Net {day}") for day in range(3)]
    for found in corroborated(lines):
        assert found.band is Band.WEAK
        assert {one.against for one in found.contradictions} == {Against.OTHER_LINES}
    # Of another kind, or where the kind is not known at another operator, they are no rivals.
    assert [one.band for one in corroborated([lines[0], replace(lines[1], line="mobile")])] == [Band.MODERATE] * 2
    # Two lines in turn speak against each other; one after the other is a move.
    turns = [replace(_on(day, f"S{day % 2}", line="fixed"), operator=f"Net {day % 2}") for day in range(6)]
    assert {one.band for one in corroborated(turns)} == {Band.WEAK}
    move = [replace(_on(day, f"S{day // 3}", line="fixed"), operator=f"Net {day // 3}") for day in range(6)]
    assert {one.band for one in corroborated(move)} == {Band.STRONG}


def test_an_organisation_is_never_a_person_and_no_rival_of_a_home() -> None:
    shop = {"organisations": frozenset({"Shop"})}
    days = [_on(0), _on(2), *(_on(day, "Shop", **shop) for day in (20, 22, 24))]
    apart = [replace(one, operator=one.answer.subscribers[0], line="fixed") for one in days]
    found = {one.subscriber: one for one in corroborated(apart)}
    assert (found["Shop"].organisation, found["Shop"].band) == (True, Band.WEAK)
    assert found["Shop"].contradictions[0].against is Against.ORGANISATION
    assert (found["S1"].organisation, found["S1"].band) == (False, Band.STRONG)


def test_lists_of_candidates_are_weak_whatever_their_number() -> None:
    def candidates(day: int) -> Finding:
        at = AT + day * DAY
        rows = [
            lease(who, start=at - 600, end=at + 600, low=n * 1000, high=n * 1000 + 999, number=n)
            for n, who in enumerate(("S1", f"X{day}", f"Y{day}"), 1)
        ]
        asked: Answer = answer(Asked(f"c{day}", IP, None, at, 5), rows)
        return Finding(asked, Grade.C, "Example Net", pool=100_000, sticky=False)

    found = corroborated([candidates(0), candidates(3), candidates(6)])
    assert {one.band for one in found} == {Band.WEAK}
    assert found[0].subscriber == "S1"
    assert found[0].expected_coincidences == pytest.approx(1e5 * (3 / 1e5) ** 3)


def test_every_code_has_words() -> None:
    assert set(answer_words.MARKS) == set(Mark)
    assert set(answer_words.GAPS) == set(Gap)
    assert set(answer_words.CERTAINTIES) == set(Certainty)
    assert set(answer_words.BANDS) == set(Band)
    assert set(answer_words.CONTRADICTIONS) == set(Against)
    assert set(answer_words.DOUBTS) == set(Doubt)
    assert set(answer_words.PROBABLE_ERRORS) == set(Trial) - {Trial.STATED, Trial.PORT}


def test_the_reference_tip_is_answered_from_two_returns_alike() -> None:
    folder = Path(__file__).parents[7] / "shared" / "reference" / "ip" / "synthetic"
    if not folder.exists():
        pytest.skip("the reference returns are not on this machine")
    # 203.0.113.1 at 2026-05-11T18:31:07Z, which is 00:01:07 of the next day in India: with port 40961, and without.
    events = [Asked(str(port), number_of("203.0.113.1"), port, 1_778_524_267) for port in (40_961, None)]
    asked, found = question(events), []
    for name, code in (("dot2013_ipdr", "dot-2013-ipdr"), ("nat_syslog", "dot-2013-nat")):
        with (folder / f"{name}.csv").open("rb") as file, Return(file, name) as given:
            (one,) = given
            assert isinstance(one, Table)
            found.append(answers(events, asked, find(one, [layout(code)], asked.sought, asked.error)))
    assert [(one.certainty, one.gap) for (one, _) in found] == [(Certainty.NONE, Gap.PORT_NOT_IN_LOG)] * 2
    by_line = [sorted(row.number for named in one.named for row in named.rows) for (_, one) in found]
    assert by_line[0] == by_line[1]
    assert [len(one.named) for (_, one) in found] == [9, 10]
    assert [Mark.INSIDE_ONLY in one.marks for (_, one) in found] == [False, True]


def _asked(content: str, *events: Asked) -> tuple[Answer, ...]:
    asked = question(events)
    return answers(events, asked, find(table(content), [BLOCKS], asked.sought, asked.error))


@pytest.mark.parametrize(
    "refused",
    [
        row(who="SUB2", end="11/05/2026 00:40:00"),  # ends before it begins: its time is not known
        row(who="SUB2") + ",more",
        row(who="Not Available"),
        row(who="SUB2", start="12/05/1970 00:44:36"),
        row(who="SUB2", ports="70000"),
        row(who="SUB2", name="B, C"),  # a comma without quotes: the cells have shifted
        row(who="SUB2", name='"open'),
    ],
)
def test_beside_a_row_that_could_not_be_read_no_answer_is_stable(refused: str) -> None:
    (found,) = _asked(lines(row(), refused), EVENT)
    assert (found.certainty, found.subscribers, found.refused) == (Certainty.AMBIGUOUS, ("SUB1",), (3,))
    assert Mark.ROWS_REFUSED in found.marks
    (alone,) = _asked(lines(refused), EVENT)
    assert (alone.certainty, alone.gap, alone.refused) == (Certainty.NONE, Gap.ROWS_REFUSED, (2,))
    assert any("line 2" in line for line in answer_words.derivation(alone, "log.csv"))


def test_a_row_that_could_not_be_read_and_is_of_another_time_port_or_address_changes_nothing() -> None:
    others = (row(who="", start="12/05/2026 01:00:00"), row(who="", ports="5060"), row("203.0.113.8", who=""))
    (found,) = _asked(lines(row(), *others), EVENT)
    assert (found.certainty, found.refused) == (Certainty.STABLE, ())
    (other,) = _asked(lines(row(who="", start="12/05/2026 01:00:00")), EVENT)
    assert other.gap is Gap.NO_ROWS_AT_THE_TIME


def test_a_neighbour_within_a_minute_does_not_hide_a_probable_error() -> None:
    event = replace(EVENT, at=AT + 200, clock_error=1)
    rows = [lease("NEXT", start=AT + 240), lease("TRUE", start=AT + 19_800, end=AT + 20_400, number=3)]
    found = answer(event, rows)
    assert (found.certainty, found.subscribers) == (Certainty.AMBIGUOUS, ("NEXT",))
    assert [(error.trial, error.subscribers) for error in found.probable_errors] == [(Trial.ZONE, ("TRUE",))]
    assert {near.kind for near in found.near_misses} == {"minute", Trial.ZONE}


def test_a_gap_does_not_depend_on_other_events() -> None:
    content = lines(row(start="12/05/2026 00:10:00", end="12/05/2026 00:30:00"))
    other = Asked("other", number_of("198.51.100.1"), 1500, AT, clock_error=3600)
    event = replace(EVENT, clock_error=0)
    ((alone,), (beside, _)) = _asked(content, event), _asked(content, event, other)
    assert alone.gap_from == beside.gap_from == AT - 1000


def test_one_port_for_two_destinations_is_not_given_twice() -> None:
    def to(who: str, protocol: str, where: str, number: int) -> LogRow:
        return replace(lease(who, number=number), details=(("protocol", protocol), ("destination", where)))

    found = answer(EVENT, [to("S1", "TCP", "192.0.2.1", 2), to("S2", "UDP", "198.51.100.9", 3)])
    assert (found.certainty, Mark.GIVEN_TWICE in found.marks) == (Certainty.AMBIGUOUS, False)
    assert Mark.BY_DESTINATION in found.marks
    for other in (to("S2", "tcp", "192.0.2.1", 3), to("S2", "TCP", "", 3)):
        assert Mark.GIVEN_TWICE in answer(EVENT, [to("S1", "TCP", "192.0.2.1", 2), other]).marks


class _Name(str):
    """A subscriber that counts how often it is looked up."""

    looked_up = 0
    __slots__ = ()

    def __hash__(self) -> int:
        _Name.looked_up += 1
        return super().__hash__()


def test_many_rows_at_one_time_are_not_each_held_against_each() -> None:
    many = 1_000
    found = answer(replace(EVENT, port=None, clock_error=5), [lease(_Name(f"S{n}"), number=n) for n in range(many)])
    assert Mark.GIVEN_TWICE in found.marks
    assert _Name.looked_up < 60 * many


@settings(max_examples=100, deadline=None)
@given(_LEASES)
def test_rows_given_twice_are_those_that_comparing_all_pairs_gives(
    leases: list[tuple[str, int, int, int, int]],
) -> None:
    rows = [lease(who, low=low, high=high, number=n) for n, (who, _, _, low, high) in enumerate(leases)]
    naive = {
        a.number
        for a in rows
        for b in rows
        if a.subscriber != b.subscriber and a.port_low <= b.port_high and b.port_low <= a.port_high
    }
    found = answer(replace(EVENT, port=None), rows)
    twice = [number for near in found.near_misses if near.kind == Mark.GIVEN_TWICE for number in near.rows]
    assert set(twice) == naive


def test_a_list_without_a_subscriber_speaks_against_them_and_each_pool_counts_for_itself() -> None:
    at = AT + 5 * DAY
    both = [lease(who, start=at - 600, end=at + 600, number=n) for n, who in enumerate(("X", "Y"), 1)]
    found = next(one for one in corroborated([_on(0), _on(3), _finding("c", at, both)]) if one.subscriber == "S1")
    assert [(one.against, one.key) for one in found.contradictions] == [(Against.OTHER_SUBSCRIBER, "c")]
    assert found.band is Band.MODERATE
    (pools,) = corroborated([_on(0, pool=4), _on(3)])
    assert pools.expected_coincidences == pytest.approx(0.25)
    assert pools.band is Band.MODERATE
