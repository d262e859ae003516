# SPDX-License-Identifier: Apache-2.0
"""Patterns: what is asked about and what is not, whatever order the facts come in, and whatever else happened."""

from __future__ import annotations

import ast
import inspect
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightlight.outlook.audit import facts as shapes
from nightlight.outlook.audit import patterns
from nightlight.outlook.audit.facts import Act, Broken, Did, Duty, Facts, Finding, Member, Rule
from nightlight.outlook.audit.patterns import Thresholds

INDIA = ZoneInfo("Asia/Kolkata")
MORNING = datetime(2026, 11, 18, 4, 30, tzinfo=UTC)  # ten in India
NIGHT = datetime(2026, 11, 18, 19, 30, tzinfo=UTC)  # one at night in India
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
_ref = count(1)


def _act(did: Did, at: datetime, person: str = "OF-A", **rest: object) -> Act:
    return Act(str(next(_ref)), at, did, person, **rest)  # type: ignore[arg-type]


def _looks(number: int, at: datetime = MORNING, person: str = "OF-A", every: timedelta = MINUTE) -> list[Act]:
    return [_act(Did.LOOKED, at + n * every, person, record=f"tip:NL-{n}") for n in range(number)]


def _facts(*acts: Act, **rest: object) -> Facts:
    return Facts(acts=acts, now=MORNING + timedelta(days=5), zone=INDIA, **rest)  # type: ignore[arg-type]


def _rules(facts: Facts, limits: Thresholds | None = None) -> list[Rule]:
    return [finding.rule for finding in patterns.findings(facts, limits)]


def test_a_quiet_day_raises_no_question() -> None:
    assert _rules(_facts()) == []
    assert _rules(_facts(*_looks(19), _act(Did.SEARCHED, MORNING, search="a", hits=1))) == []


def test_many_records_opened_and_nothing_done_is_asked_about_once() -> None:
    (found,) = patterns.findings(_facts(*_looks(20)))
    assert (found.rule, found.person, found.weak) == (Rule.VIEWS_WITHOUT_WORK, "OF-A", True)
    assert dict(found.numbers) == {"records": 20, "usual": 0, "colleagues": 0}
    assert len(found.acts) == 20


def test_whoever_works_on_what_they_open_is_not_asked() -> None:
    looked = _looks(40)
    worked = [_act(Did.WORKED, act.at + MINUTE, record=act.record) for act in looked[:21]]
    assert _rules(_facts(*looked, *worked)) == []


def test_reading_much_is_normal_where_everybody_in_the_unit_does() -> None:
    mine = [Member("OF-A", "u1"), Member("OF-B", "u1"), Member("OF-C", "u1")]
    others = [*_looks(15, person="OF-B"), *_looks(15, person="OF-C")]
    assert _rules(_facts(*_looks(40), *others, members=mine)) == []
    (found,) = patterns.findings(_facts(*_looks(46), *others, members=mine))
    assert not found.weak
    elsewhere = [replace(member, unit=member.person) for member in mine]
    assert _rules(_facts(*_looks(40), *others, members=elsewhere)) == [Rule.VIEWS_WITHOUT_WORK]


def test_on_duty_by_the_roster_is_no_burst_and_early_or_late_neither() -> None:
    duty = [Duty("OF-A", NIGHT + 20 * MINUTE, NIGHT + 8 * HOUR)]
    assert _rules(_facts(*_looks(16, NIGHT), duties=duty)) == []


def test_a_burst_outside_the_roster_is_asked_about_and_is_not_weak() -> None:
    duty = [Duty("OF-A", MORNING + 20 * HOUR, MORNING + 28 * HOUR)]
    (found,) = patterns.findings(_facts(*_looks(15), duties=duty))
    assert (found.rule, found.weak) == (Rule.OFF_SHIFT, False)
    assert _rules(_facts(*_looks(14), duties=duty)) == []


def test_views_spread_over_a_day_off_are_no_burst() -> None:
    duty = [Duty("OF-A", MORNING + 40 * HOUR, MORNING + 48 * HOUR)]
    assert _rules(_facts(*_looks(16, every=5 * MINUTE), duties=duty)) == []


def test_without_a_roster_only_the_local_night_counts_and_the_finding_is_weak() -> None:
    assert _rules(_facts(*_looks(16))) == []
    (found,) = patterns.findings(_facts(*_looks(16, NIGHT)))
    assert (found.rule, found.weak) == (Rule.OFF_SHIFT, True)


def test_the_same_search_again_and_again_is_one_search() -> None:
    same = [_act(Did.SEARCHED, MORNING + n * MINUTE, search="a", hits=2) for n in range(30)]
    assert _rules(_facts(*same)) == []
    different = [replace(act, search=str(n)) for n, act in enumerate(same[:20])]
    assert _rules(_facts(*different)) == [Rule.MASS_SEARCH]
    assert _rules(_facts(*different[:19])) == []


def test_searches_that_find_nothing_are_asked_about_sooner() -> None:
    tries = [_act(Did.SEARCHED, MORNING + n * MINUTE, search=str(n), hits=0) for n in range(8)]
    assert _rules(_facts(*tries)) == [Rule.MASS_SEARCH]
    assert _rules(_facts(*tries[:7])) == []


def _opened_by(*people: str, at: datetime = MORNING) -> list[Act]:
    return [_act(Did.LOOKED, at + n * MINUTE, person, record="tip:NL-X") for n, person in enumerate(people)]


def test_one_record_opened_by_four_who_do_not_hold_it() -> None:
    members = [*(Member(f"OF-{n}", "elsewhere") for n in range(4)), Member("OF-H", "holder")]
    held = frozenset({("tip:NL-X", "holder")})
    acts = _opened_by("OF-0", "OF-1", "OF-2", "OF-3", "OF-H")
    (found,) = patterns.findings(_facts(*acts, members=members, holders=held))
    assert (found.rule, found.record, dict(found.numbers)["people"]) == (Rule.MANY_OUTSIDERS, "tip:NL-X", 4)
    assert _rules(_facts(*acts[1:], members=members, holders=held)) == []


def test_who_held_it_before_it_was_handed_over_was_no_outsider_then() -> None:
    members = [Member(f"OF-{n}", "before") for n in range(5)]
    acts = _opened_by("OF-0", "OF-1", "OF-2", "OF-3")
    handed = _act(Did.HANDED, MORNING + HOUR, "OF-4", record="tip:NL-X", frm="before", to="holder")
    held = frozenset({("tip:NL-X", "holder")})
    assert _rules(_facts(*acts, handed, members=members, holders=held)) == []
    later = _opened_by("OF-0", "OF-1", "OF-2", "OF-3", at=MORNING + 2 * HOUR)
    assert _rules(_facts(*later, handed, members=members, holders=held)) == [Rule.MANY_OUTSIDERS]


def test_of_a_record_whose_holder_nobody_knows_nothing_is_said() -> None:
    assert _rules(_facts(*_opened_by("OF-0", "OF-1", "OF-2", "OF-3", "OF-4"))) == []


def _glass(number: int, signed_after: timedelta | None) -> list[Broken]:
    times = [MORNING - n * timedelta(days=6) for n in range(number)]
    return [
        Broken(f"BG-{n}", "OF-A", f"tip:NL-{n}", at, at + signed_after if signed_after else None)
        for n, at in enumerate(times)
    ]


def test_broken_glass_answered_for_in_time_is_no_question_and_three_in_a_month_neither() -> None:
    assert _rules(_facts(glass=_glass(3, timedelta(hours=71)))) == []


def test_broken_glass_that_nobody_signs_off_is() -> None:
    (found,) = patterns.findings(_facts(glass=_glass(1, None)))
    assert (found.rule, dict(found.numbers)) == (Rule.GLASS_UNANSWERED, {"hours": 120, "open": 1})
    assert _rules(_facts(glass=_glass(1, timedelta(hours=72)))) == [Rule.GLASS_UNANSWERED]


def test_the_fourth_broken_glass_in_a_month_is() -> None:
    assert _rules(_facts(glass=_glass(4, HOUR))) == [Rule.GLASS_OFTEN]


def _failed_then_in(failures: int, *, before: str = "a", after: str = "b") -> list[Act]:
    first = _act(Did.SIGNED_IN, MORNING - HOUR * 24, address=before)
    failed = [_act(Did.FAILED, MORNING + n * MINUTE) for n in range(failures)]
    return [first, *failed, _act(Did.SIGNED_IN, MORNING + 10 * MINUTE, address=after)]


def test_failed_sign_ins_before_one_from_a_new_address() -> None:
    assert _rules(_facts(*_failed_then_in(2))) == []
    assert _rules(_facts(*_failed_then_in(3, after="a"))) == []
    assert _rules(_facts(*_failed_then_in(3, before="", after=""))) == []
    assert _rules(_facts(*_failed_then_in(3))) == [Rule.NEW_ADDRESS]


def test_a_finding_keeps_its_name_while_what_is_behind_it_stays_and_gets_another_when_more_is_done() -> None:
    looked = _looks(21)
    assert patterns.findings(_facts(*looked))[0].key == patterns.findings(_facts(*looked[1:]))[0].key
    assert patterns.findings(_facts(*looked[:20]))[0].key != patterns.findings(_facts(*looked))[0].key


# Few people, records and minutes, so that patterns do come about; low thresholds for the same reason.
_PEOPLE = ["OF-A", "OF-B", "OF-C"]
_LOW = Thresholds(idle_records=3, burst_views=3, searches=3, empty_searches=2, outsiders=2, failures=1)


@st.composite
def _histories(draw: st.DrawFn) -> Facts:
    acts = [
        Act(
            ref=str(n),
            at=MORNING + draw(st.integers(0, 60 * 36)) * MINUTE,
            did=draw(st.sampled_from(Did)),
            person=draw(st.sampled_from(_PEOPLE)),
            record=f"tip:NL-{draw(st.integers(0, 5))}",
            search=draw(st.sampled_from("abcde")),
            hits=draw(st.integers(0, 2)),
            address=draw(st.sampled_from(["", "x", "y"])),
            frm="u1",
            to="u2",
        )
        for n in range(draw(st.integers(0, 40)))
    ]
    return Facts(
        acts=tuple(acts),
        now=MORNING + timedelta(days=4),
        zone=INDIA,
        duties=tuple(
            Duty(person, MORNING + draw(st.integers(0, 30)) * HOUR, MORNING + 38 * HOUR)
            for person in draw(st.sets(st.sampled_from(_PEOPLE)))
        ),
        members=tuple(Member(person, draw(st.sampled_from(["u1", "u2"]))) for person in _PEOPLE),
        glass=tuple(
            Broken(f"BG-{n}", draw(st.sampled_from(_PEOPLE)), "tip:NL-1", MORNING + n * HOUR, None)
            for n in range(draw(st.integers(0, 5)))
        ),
        holders=frozenset((f"tip:NL-{n}", draw(st.sampled_from(["u1", "u2"]))) for n in range(6)),
    )


def _shuffled(facts: Facts, how: st.DataObject) -> Facts:
    return replace(
        facts,
        acts=how.draw(st.permutations(facts.acts)),
        duties=how.draw(st.permutations(facts.duties)),
        members=how.draw(st.permutations(facts.members)),
        glass=how.draw(st.permutations(facts.glass)),
    )


@given(facts=_histories(), how=st.data())
def test_the_order_of_the_facts_does_not_matter(facts: Facts, how: st.DataObject) -> None:
    found, again = patterns.findings(facts, _LOW), patterns.findings(_shuffled(facts, how), _LOW)
    assert found == again
    assert [one.acts for one in found] == [one.acts for one in again]


@given(facts=_histories(), others=_histories())
def test_what_others_did_elsewhere_never_removes_a_finding(facts: Facts, others: Facts) -> None:
    """People of other units, working on other records."""
    added = tuple(
        replace(act, ref=f"o{act.ref}", person=f"{act.person}-other", record=f"{act.record}-other")
        for act in others.acts
    )
    more = replace(
        facts,
        acts=(*facts.acts, *added),
        members=(*facts.members, *(Member(f"{one.person}-other", f"{one.unit}-other") for one in others.members)),
        glass=(*facts.glass, *(replace(one, ref=f"o{one.ref}", person=f"{one.person}-other") for one in others.glass)),
    )
    before, after = patterns.findings(facts, _LOW), patterns.findings(more, _LOW)
    assert set(before) <= set(after)


@given(facts=_histories(), names=st.permutations(["u1", "u2"]))
def test_what_a_unit_is_called_makes_no_difference(facts: Facts, names: list[str]) -> None:
    called = dict(zip(["u1", "u2"], (f"Unit {name}" for name in names), strict=True))
    renamed = replace(
        facts,
        acts=tuple(replace(act, frm=called[act.frm], to=called[act.to]) for act in facts.acts),
        members=tuple(replace(member, unit=called[member.unit]) for member in facts.members),
        holders=frozenset((record, called[unit]) for record, unit in facts.holders),
    )
    assert patterns.findings(facts, _LOW) == patterns.findings(renamed, _LOW)


def test_the_rules_cannot_read_a_name_a_place_a_language_or_anything_personal() -> None:
    known = {field.name for shape in (Act, Duty, Member, Broken, Facts, Finding) for field in fields(shape)}
    assert known == {
        *("ref", "at", "did", "person", "record", "search", "hits", "address", "frm", "to"),
        *("starts", "ends", "unit", "signed_off_at"),
        *("acts", "now", "zone", "duties", "members", "glass", "holders"),
        *("rule", "since", "until", "mark", "numbers", "weak"),
    }
    for module in (patterns, shapes):
        imported = [
            alias.name if isinstance(node, ast.Import) else node.module
            for node in ast.walk(ast.parse(inspect.getsource(module)))
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
        ]
        assert all(str(name).partition(".")[0] != "django" for name in imported)
        assert {name for name in imported if str(name).startswith("nightlight")} <= {"nightlight.outlook.audit.facts"}


@pytest.mark.parametrize("rule", patterns.RULES, ids=lambda rule: rule.__name__)
def test_every_rule_is_silent_about_nothing(rule: object) -> None:
    assert list(rule(_facts(), Thresholds())) == []  # type: ignore[operator]
