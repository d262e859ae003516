# SPDX-License-Identifier: Apache-2.0
"""Answers put a candidate right or put it back, and a reader is told why and what is not said."""

from __future__ import annotations

from dataclasses import replace

from nightlight.casework.attribution import candidate_words as module
from nightlight.casework.attribution.candidate_answers import with_answers
from nightlight.casework.attribution.candidate_kinds import (
    Against,
    Caution,
    Confidence,
    For,
    Graded,
    NothingLeads,
    State,
    WhyApart,
)
from nightlight.casework.attribution.candidate_words import STANDING_WORDS, words
from nightlight.casework.attribution.kinds import EventKind, Label
from nightlight.casework.attribution.returns.answers import Answer, Asked, Certainty, Named, ProbableError, Trial
from nightlight.casework.attribution.returns.corroborating import Finding
from nightlight.casework.attribution.returns.rows import LogRow
from nightlight.casework.attribution.tests.clusters import HOME, IST, MOBILE, at_home, event, ranked
from nightlight.pipeline.tips.values import Stated

MOB = Label.MOBILE_SHARED


def answered(one: Graded, *names: str, lease: int = 0, wrong: bool = False) -> Finding:
    """An operator's answer to one event, each name by a row of its own; `lease` tells two rows apart."""
    at = int(one.event.utc.timestamp()) if one.event.utc else 0
    rows = {name: LogRow(place, 1, 0, 65_535, lease, at + 60, name) for place, name in enumerate(names, 1)}
    certainty = Certainty.NONE if not names else Certainty.STABLE if len(names) == 1 else Certainty.AMBIGUOUS
    return Finding(
        Answer(
            Asked(one.event.key, 1, one.event.port, at),
            certainty,
            tuple(Named(name, (row,), True, ("installation",)) for name, row in rows.items()),
            (ProbableError(Trial.ZONE, at - 19_800, ("b",), (1,)),) if wrong else (),
        ),
        one.traceability.grade,
        "example-mobile",
        pool=50_000,
        sticky=False,
    )


def mobile_days(count: int) -> list[Graded]:
    return [event(MOBILE, 5 * day, MOB, port=40_000 + day) for day in range(count)]


def test_two_matches_of_different_leases_on_different_days_are_strong() -> None:
    events = mobile_days(2)
    done = with_answers(ranked(*events), [answered(one, "a", lease=n) for n, one in enumerate(events)])
    (found,) = done.subscribers
    assert (found.band, found.subscriber, len(found.corroboration.independent)) == (Confidence.STRONG, "a", 2)
    assert all(one.state is State.CORROBORATED for one in done.ranking.candidates)
    assert (done.people, len(found.candidates)) == (1, 2)


def test_what_was_doubtful_stays_so_whatever_the_answers_say() -> None:
    events = [*mobile_days(2), event(MOBILE, 5.01, MOB, port=40_002, proxy=Stated.YES)]
    done = with_answers(ranked(*events), [answered(one, "a", lease=n) for n, one in enumerate(events)])
    (found,) = done.subscribers
    assert (found.band, found.contradicting[0].why) == (Confidence.WEAK, Against.REPORTER_SAYS_PROXY)
    assert not done.ranking.corroborated


def test_answers_that_differ_are_told_and_corroborate_nobody() -> None:
    events = mobile_days(3)
    names = ("a", "a", "b")
    said = [answered(one, name, lease=n) for n, (one, name) in enumerate(zip(events, names, strict=True))]
    done = with_answers(ranked(*events), said)
    assert [one.subscriber for one in done.subscribers] == ["a", "b"]
    assert all(one.corroboration.contradictions for one in done.subscribers)
    assert not done.ranking.corroborated


def test_a_home_and_a_mobile_line_do_not_contradict_each_other() -> None:
    events = [*mobile_days(2), *at_home(2)]
    names = ("m", "m", "h", "h")
    said = [answered(one, name, lease=n) for n, (one, name) in enumerate(zip(events, names, strict=True))]
    done = with_answers(ranked(*events), said)
    assert {one.band for one in done.subscribers} == {Confidence.STRONG}
    assert not any(one.corroboration.contradictions for one in done.subscribers)


def test_devices_that_the_account_hardly_knows_take_the_strength() -> None:
    mobile = [replace(one, event=replace(one.event, device="theirs")) for one in mobile_days(2)]
    said = [answered(one, "a", lease=n) for n, one in enumerate(mobile)]
    elsewhere = [event("203.0.113.80", day, Label.VPN, device="own") for day in range(3)]
    done = with_answers(ranked(*mobile, *elsewhere), said)
    (found,) = done.subscribers
    assert (found.band, found.contradicting[0].why) == (Confidence.MODERATE, Against.OTHER_DEVICES)
    assert not done.ranking.corroborated
    known = event("203.0.113.80", 9, Label.VPN, device="theirs")
    assert with_answers(ranked(*mobile, *elsewhere, known), said).ranking.corroborated


def test_an_organisation_is_said_to_be_one_and_nobody_is_corroborated() -> None:
    events = [*at_home(3), *at_home(3, reporter="B")]
    said = [replace(answered(one, "Shop", lease=n), organisations=frozenset({"Shop"})) for n, one in enumerate(events)]
    done = with_answers(ranked(*events), said)
    (one,) = done.ranking.candidates
    assert (one.state, one.contradicting[0].why) == (State.ORGANISATION, Against.ORGANISATION)
    assert (done.subscribers[0].organisation, done.subscribers[0].band) == (True, Confidence.WEAK)


def test_one_event_that_was_called_a_proxy_does_not_unsay_three_others() -> None:
    events = [*mobile_days(3), event(MOBILE, 30, MOB, port=40_009, proxy=Stated.YES)]
    said = [answered(one, "a", lease=n) for n, one in enumerate(events)]
    done = with_answers(ranked(*events), said)
    (found,) = done.subscribers
    assert (found.band, found.contradicting[0].why) == (Confidence.STRONG, Against.REPORTER_SAYS_PROXY)
    assert len(done.ranking.corroborated) == 3  # and not the one that was called so


def test_two_subscribers_for_one_candidate_put_it_back() -> None:
    events = [*at_home(3), *at_home(3, reporter="B")]
    said = [answered(one, "a" if n else "b", lease=n) for n, one in enumerate(events)]
    done = with_answers(ranked(*events), said)
    (one,) = done.ranking.candidates
    assert (one.state, one.contradicting[0].why) == (State.CORROBORATE, Against.ANSWERS_DIFFER)


def test_a_match_only_with_another_zone_explains_nothing() -> None:
    events = [*at_home(3), *at_home(3, reporter="B")]
    before = ranked(*events)
    assert before.corroborated
    done = with_answers(before, [answered(events[0], wrong=True)])
    assert done.subscribers == ()
    assert done.ranking.candidates[0].state is State.CORROBORATE
    assert done.ranking.candidates[0].contradicting[0].why is Against.TIME_LIKELY_WRONG


def test_a_set_or_nobody_puts_a_corroborated_candidate_back() -> None:
    events = [*at_home(3), *at_home(3, reporter="B")]
    for said, why in (
        (answered(events[0], "a", "b"), Against.ANSWER_UNSTABLE),
        (answered(events[0]), Against.NO_RECORD),
    ):
        done = with_answers(ranked(*events), [said])
        assert done.ranking.candidates[0].state is State.TRACEABLE
        assert done.ranking.candidates[0].contradicting[0].why is why
    assert with_answers(ranked(*events), []).ranking == ranked(*events)


# In words.


def test_a_magistrate_reads_why_and_what_it_does_not_say() -> None:
    events = [*at_home(3), event(HOME, 1.1, reporter="B", kind=EventKind.REGISTRATION)]
    (one,) = ranked(*events).candidates
    said = words(one, {graded.event.key: graded.event for graded in events}, zone=IST)
    assert HOME in said.title
    assert "3 independent times" in said.paragraph
    assert "the subscriber to whom the operator's records assign this address" in said.paragraph
    assert "suspect" not in f"{said.title} {said.paragraph}".casefold()
    assert set(STANDING_WORDS) <= set(said.cautions)
    assert any("An account was opened" in line for line in said.supporting)
    assert any("IST" in line or "+05:30" in line for line in said.events)
    assert all("UTC" in line for line in said.events)


def test_every_code_has_words() -> None:
    assert set(module.FOR) == set(For)
    assert set(module.AGAINST) == set(Against)
    assert set(module.CAUTIONS) == set(Caution)
    assert set(module.STATES) == set(State)
    assert set(module.APART) == set(WhyApart)
    assert set(module.NOTHING) == set(NothingLeads)
    assert set(module.BANDS) == set(Confidence)
