# SPDX-License-Identifier: Apache-2.0
"""The endangered child stands on top, what everybody passes around at the end, and every number has its reasons."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightlight.exercise.plan import Case, IncidentType
from nightlight.pipeline.triage.facts import Facts
from nightlight.pipeline.triage.rulebook import Rulebook, load, shipped
from nightlight.pipeline.triage.rules import (
    Band,
    Score,
    compare,
    explain,
    from_json,
    score,
    score_again,
    to_json,
)
from nightlight.pipeline.triage.tests.readings import HOUR, NOW, facts_of, told, world
from nightlight.pipeline.triage.tests.test_rulebook import SMALL, when
from nightlight.pipeline.triage.vocabulary import FACTS, Fact, Type

if TYPE_CHECKING:
    from nightlight.pipeline.triage.vocabulary import Value

_NOTHING: dict[Type, Value] = {Type.FLAG: False, Type.NUMBER: 0, Type.CODES: (), Type.HOURS: None}
QUIET: dict[str, Value] = {name: _NOTHING[fact.type] for name, fact in FACTS.items()}
QUIET["incident_kind"] = ("material",)
"""An ordinary report of which everything is known and nothing stands out."""


def facts_with(**values: Value) -> Facts:
    """Return the facts of the quiet report, some of them changed."""
    return Facts({**QUIET, **values}, {})


def scored(book: Rulebook | None = None, at: datetime = NOW, **values: Value) -> Score:
    """Return the score of the quiet report with some facts changed."""
    return score(facts_with(**values), book or shipped(), at)


def test_a_time_without_its_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        score(facts_with(), shipped(), NOW.replace(tzinfo=None))


def test_scorings_of_different_tips_are_not_compared() -> None:
    with pytest.raises(ValueError, match="not of the same tips"):
        compare({"a": scored()}, {"b": scored()})


def test_what_is_no_score_is_not_read() -> None:
    for body in (b"{}", b"not json", to_json(scored()).replace(b'"harm":15', b'"harm":"15"')):
        with pytest.raises(msgspec.DecodeError):
            from_json(body)


# --- the exercise ------------------------------------------------------------------------------------------------


def test_the_meeting_this_evening_is_critical_and_says_why() -> None:
    one = next(one for one in told() if one.report.key in _planted(Case.MEETING))
    found = score(facts_of(one), shipped(), world().now)
    assert found.band is Band.CRITICAL
    assert explain(found)[0] == "Critical at once: The reporter asks for high priority."
    assert [place.place for place in found.tripwires[0].evidence] == [one.reading.incident.source]
    # What the words say is enough without the reporter's request.
    said = facts_of(one).with_value("escalated_by_reporter", False).with_value("meeting_arranged", True)
    found = score(said, shipped(), world().now)
    assert [wire.id for wire in found.tripwires] == ["meeting"]
    assert found.band is Band.CRITICAL
    assert found.dies_at == world().now + 6 * HOUR


def test_shares_of_the_file_that_everybody_passes_around_are_low() -> None:
    shares = [one for one in told() if one.report.key in _planted(Case.SHARED_BY_MANY)]
    alone = [score(facts_of(one), shipped(), world().now) for one in shares if len(one.report.files) == 1]
    assert len(alone) >= 5
    assert {found.band for found in alone} == {Band.LOW}
    assert {found.harm for found in alone} == {0}
    assert all("viral" in {cap.id for cap in found.caps} for found in alone)


def test_reports_of_lured_children_stand_above_ordinary_reports() -> None:
    found = {one.report.key: score(facts_of(one), shipped(), world().now) for one in told()}
    lured = [
        found[one.report.key] for one in told() if one.report.kind is IncidentType.ENTICEMENT and one.reading.parties
    ]
    plain = [
        found[one.report.key]
        for one in told()
        if one.report.kind is IncidentType.MATERIAL and not one.report.escalation
    ]
    assert len(lured) >= 3
    assert min(one.band for one in lured) >= Band.MEDIUM
    assert sum(one.harm for one in lured) / len(lured) > sum(one.harm for one in plain) / len(plain) + 15
    assert sum(one.band is Band.CRITICAL for one in plain) <= len(plain) // 20


def _planted(case: str) -> set[str]:
    return {key for planted in world().truth.planted if planted.name == case for key in planted.reports}


# --- the table of points --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "harm", "band"),
    [
        ({}, 15, Band.LOW),
        ({"files_new": 3}, 20, Band.MEDIUM),
        ({"new_file_self_taken": True}, 40, Band.MEDIUM),
        ({"enticement": True}, 40, Band.MEDIUM),
        ({"enticement": True, "child_in_report": True}, 45, Band.HIGH),
        ({"enticement": True, "child_in_report": True, "sextortion": True}, 65, Band.HIGH),
        ({"enticement": True, "child_in_report": True, "sextortion": True, "linked_tips": 2}, 70, Band.CRITICAL),
        ({"incident_kind": ("molestation",)}, 40, Band.MEDIUM),
        ({"prior_record": True, "access_to_children": True, "violence_record": True}, 60, Band.HIGH),
        ({"severe_unmatched": ("infant",)}, 25, Band.MEDIUM),
        ({"linked_tips": 2, "linked_providers": 2, "linked_span_days": 730}, 35, Band.MEDIUM),
        ({"group_admin": True}, 25, Band.MEDIUM),
        ({"files": 4000}, 15, Band.LOW),
        ({"viral_share_only": True}, 0, Band.LOW),
        ({"potential_meme": True}, 0, Band.LOW),
        ({"viral_share_only": True, "files_new": 1}, 0, Band.LOW),
        ({"viral_share_only": True, "enticement": True}, 40, Band.MEDIUM),  # something else: the cap does not hold
        ({"viral_share_only": True, "live_streaming": True}, 15, Band.CRITICAL),
        ({"same_home": True}, 15, Band.LOW),  # with no child of whom anything is said
        ({"same_home": True, "child_in_report": True}, 20, Band.CRITICAL),
    ],
)
def test_points_of_the_shipped_rulebook(values: dict[str, Value], harm: int, band: Band) -> None:
    found = score(facts_with(**values), shipped(), NOW)
    assert (found.harm, found.band) == (harm, band)


def test_the_three_numbers_do_not_touch_each_other() -> None:
    plain = scored(enticement=True)
    reached = scored(
        enticement=True,
        has_address=True,
        has_port=True,
        has_seconds=True,
        zone_stated=True,
        phones=1,
        payments=1,
        emails=2,
    )
    assert (plain.workability, reached.workability) == (0, 70)
    assert (plain.harm, plain.dies_at) == (reached.harm, reached.dies_at)
    assert scored(possible_proxy=True).workability == 0
    aged = scored(enticement=True, newest_event=NOW - 10 * HOUR)
    assert (aged.harm, aged.workability) == (plain.harm, plain.workability)


# --- unknown is not zero ---------------------------------------------------------------------------------------------


def test_what_is_not_known_is_listed_cheapest_first_with_what_it_could_come_to() -> None:
    found = scored(prior_record=None, access_to_children=None, new_file_self_taken=None, enticement=True)
    assert (found.harm, found.band, found.could_be) == (40, Band.MEDIUM, Band.CRITICAL)
    assert [(one.fact, one.points, one.band, one.minutes) for one in found.unknowns] == [
        ("new_file_self_taken", 25, Band.HIGH, 4),
        ("prior_record", 20, Band.HIGH, 10),
        ("access_to_children", 20, Band.HIGH, 25),
    ]
    assert explain(found)[-1] == (
        "3 unknown facts together could lift this to Critical. The quickest check (4 min, alone to High): "
        "Read the camera data of the files that are on no list."
    )


def test_facts_that_lift_only_together_are_listed_too() -> None:
    found = scored(violence_record=None, linked_tips=None)
    assert (found.harm, found.band, found.could_be) == (15, Band.LOW, Band.MEDIUM)
    found = scored(load(when('{ fact = "files_new", at_least = 1 }').replace("points = 25", "points = 10")
                        + '\n[[unknowns]]\nfact = "files_new"\ncheck = "Wait."\nminutes = 1\n'),
                   files_new=None, prior_record=None)  # fmt: skip
    assert (found.band, found.could_be) == (Band.LOW, Band.MEDIUM)
    assert [(one.fact, one.band) for one in found.unknowns] == [("files_new", Band.LOW), ("prior_record", Band.MEDIUM)]


def test_an_unknown_that_needs_a_second_one_is_listed_with_no_points_of_its_own() -> None:
    found = scored(same_home=None, child_in_report=None)
    assert found.could_be is Band.CRITICAL
    assert {one.fact: (one.points, one.band) for one in found.unknowns} == {
        "child_in_report": (5, Band.MEDIUM),
        "same_home": (0, Band.LOW),
    }
    assert scored(same_home=None, child_in_report=False).unknowns == ()


def test_what_could_not_lift_the_band_is_not_asked_for() -> None:
    assert (
        scored(enticement=True, violence_record=None, linked_span_days=None, prior_record=False).could_be is Band.HIGH
    )
    assert scored(violence_record=None, viral_share_only=True).unknowns != ()  # the cap would fall
    assert scored(linked_span_days=None, enticement=True, violence_record=False).could_be is Band.HIGH
    book = load(SMALL.replace("points = 20", "points = 1"))
    found = scored(book, prior_record=None)
    assert (found.could_be, found.unknowns) == (Band.LOW, ())
    assert scored(escalated_by_reporter=True, prior_record=None).unknowns == ()


# --- what is lost and when -------------------------------------------------------------------------------------------


def test_losses_in_order_and_what_is_gone_already() -> None:
    found = scored(
        newest_event=NOW - 30 * HOUR,
        newest_event_with_port=NOW - 200 * 24 * HOUR,
        report_received=NOW - 2 * HOUR,
        account_disabled_at=NOW - HOUR,
    )
    assert [(loss.id, loss.lost) for loss in found.losses] == [
        ("address-with-port", True),
        ("disabled-account", False),
        ("provider-preservation", False),
        ("address", False),
    ]
    assert found.dies_at == NOW - HOUR + timedelta(days=90)
    assert found.due_at == found.dies_at
    assert "In 89 days: What the closed account held may be deleted." in explain(found)
    assert "Too late: The log that tells who had address and port may be gone." in explain(found)
    assert scored().dies_at is None


def test_what_the_provider_said_stands_in_place_of_its_duty() -> None:
    found = scored(report_received=NOW, preserved_until=NOW + 48 * HOUR)
    assert [(loss.id, loss.at) for loss in found.losses] == [("provider-preservation-stated", NOW + 48 * HOUR)]


def test_a_year_past_the_calendar_loses_nothing() -> None:
    assert scored(newest_event=datetime.max.replace(tzinfo=NOW.tzinfo)).dies_at is None


def test_a_condition_about_age_says_when_it_may_change() -> None:
    book = load(when('{ fact = "report_received", at_least = 5 }')
                + '\n[[unknowns]]\nfact = "report_received"\ncheck = "Ask."\nminutes = 1\n')  # fmt: skip
    young = scored(book, report_received=NOW - 2 * HOUR)
    assert (young.harm, young.due_at) == (0, NOW + 3 * HOUR)
    old = scored(book, at=NOW + 3 * HOUR, report_received=NOW - 2 * HOUR)
    assert (old.harm, old.due_at) == (25, None)
    open_ = scored(book, report_received=None)
    assert [(one.fact, one.points) for one in open_.unknowns] == [("report_received", 25)]


# --- properties ------------------------------------------------------------------------------------------------------

POSITIVE = [
    fact
    for fact in FACTS.values()
    if fact.type in (Type.FLAG, Type.NUMBER)
    and fact.name not in {"viral_share_only", "potential_meme", "possible_proxy", "informational"}
]


def _value(fact: Fact) -> st.SearchStrategy[Value]:
    known: dict[Type, st.SearchStrategy[Value]] = {
        Type.FLAG: st.booleans(),
        Type.NUMBER: st.sampled_from([0, 1, 2, 20, 800]),
        Type.HOURS: st.integers(-50, 30_000).map(lambda hours: NOW - hours * HOUR),
        Type.CODES: st.sets(st.sampled_from(sorted(fact.codes)) if fact.codes else st.nothing(), max_size=2).map(
            lambda codes: tuple(sorted(codes))
        ),
    }
    return st.one_of(st.none(), known[fact.type]) if fact.open else known[fact.type]


VALUES = st.fixed_dictionaries({name: _value(fact) for name, fact in FACTS.items()})
BOOKS = st.sampled_from(["core-1", "rules-india-1"])
MANY = settings(max_examples=80, deadline=None)


@MANY
@given(VALUES, BOOKS)
def test_every_score_holds_together(values: dict[str, Value], name: str) -> None:
    book = shipped(name)
    found = score(Facts(values, {}), book, NOW)
    assert 0 <= found.harm <= 100
    assert 0 <= found.workability <= 100
    assert found.harm == max(0, min(100, sum(one.points for one in (*found.factors, *found.caps))))
    bands = book.book.bands
    by_harm = Band(sum(found.harm >= least for least in (bands.medium, bands.high, bands.critical)))
    assert found.band is (Band.CRITICAL if found.tripwires else by_harm)
    assert found.dies_at == min((loss.at for loss in found.losses if not loss.lost), default=None)
    assert found.dies_at is None or found.dies_at > NOW
    if found.caps:
        assert all(rule.line.base for rule in book.factors if rule.line.id in {one.id for one in found.factors})
    assert from_json(to_json(found)) == found
    assert to_json(from_json(to_json(found))) == to_json(found)
    assert explain(from_json(to_json(found))) == explain(found)
    again = score_again(from_json(to_json(found)), book, NOW)
    assert (again.harm, again.band, again.dies_at, again.workability) == (
        found.harm, found.band, found.dies_at, found.workability,
    )  # fmt: skip


@MANY
@given(VALUES, st.sampled_from(POSITIVE))
def test_a_fact_more_never_makes_a_tip_less_urgent(values: dict[str, Value], fact: Fact) -> None:
    more = True if fact.type is Type.FLAG else 900
    before = score(Facts(values, {}), shipped(), NOW)
    after = score(Facts({**values, fact.name: more}, {}), shipped(), NOW)
    assert after.harm >= before.harm
    assert after.band >= before.band


@MANY
@given(VALUES, st.sampled_from([fact.name for fact in FACTS.values() if fact.open]))
def test_not_knowing_never_makes_a_tip_more_urgent(values: dict[str, Value], name: str) -> None:
    known = score(Facts(values, {}), shipped(), NOW)
    unknown = score(Facts({**values, name: None}, {}), shipped(), NOW)
    assert unknown.harm <= known.harm
    assert unknown.band <= known.band
    # And what was known could be found out again.
    assert unknown.could_be >= known.band
    if known.band > unknown.band:
        assert name in {one.fact for one in unknown.unknowns}


@MANY
@given(VALUES, st.sampled_from(["escalated_by_reporter", "live_streaming", "meeting_arranged", "self_harm_stated",
                                "abuse_in_progress"]))  # fmt: skip
def test_a_tripwire_is_critical_whatever_else_is_known(values: dict[str, Value], name: str) -> None:
    found = score(Facts({**values, name: True}, {}), shipped(), NOW)
    assert found.band is Band.CRITICAL
    assert found.tripwires
    assert found.unknowns == ()
    assert explain(found)[0].startswith("Critical at once: ")


# --- explaining and comparing ---------------------------------------------------------------------------------------


def test_the_reasons_stand_in_the_order_of_their_weight() -> None:
    found = scored(escalated_by_reporter=True, child_in_report=True, enticement=True, sextortion=True)
    assert explain(found) == [
        "Critical at once: The reporter asks for high priority.",
        "+25: A child is lured or solicited.",
        "+20: A child is extorted.",
        "+15: A report was made.",
        "+5: A child is described in the report.",
        "A child is extorted: think of a welfare call first.",
    ]
    assert explain(scored(viral_share_only=True))[1].startswith("-30: ")
    assert explain(scored(load(SMALL))) == ["No rule applies to what is known."]


def test_what_other_rules_would_do_is_counted_and_the_largest_change_comes_first() -> None:
    old, new = load(SMALL), load(SMALL.replace("points = 25", "points = 50"))
    cases: dict[str, dict[str, Value]] = {
        "a": {}, "b": {"enticement": True}, "c": {"prior_record": True, "enticement": True},
        "d": {"prior_record": True},
        "e": {"enticement": True, "escalated_by_reporter": True},
    }  # fmt: skip
    before = {key: score(facts_with(**values), old, NOW) for key, values in cases.items()}
    after = {key: score_again(one, new, NOW) for key, one in before.items()}
    found = compare(before, after, largest=2)
    assert (found.compared, found.stay) == (5, 3)
    assert [(move.before, move.after, move.tips) for move in found.moves] == [
        (Band.MEDIUM, Band.HIGH, 1),
        (Band.HIGH, Band.CRITICAL, 1),
    ]
    assert [(one.key, one.harm_before, one.harm_after) for one in found.largest] == [("b", 25, 50), ("c", 45, 70)]
    assert [one.key for one in compare(before, after).largest] == ["b", "c", "e"]
    dropped = load(SMALL.replace("points = 25", "points = 0"))
    change = compare(before, {key: score_again(one, dropped, NOW) for key, one in before.items()}).largest[0]
    assert (change.no_longer, change.newly) == (("one",), ())
    assert compare({}, {}).moves == ()
