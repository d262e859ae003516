# SPDX-License-Identifier: Apache-2.0
"""The hardest people of the exercise, from their reports to the answer: found, or the port is asked for."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from nightlight.casework.attribution.candidate_answers import with_answers
from nightlight.casework.attribution.candidate_kinds import AddressFacts, Confidence, For, Graded, State, WhyApart
from nightlight.casework.attribution.candidates import rank
from nightlight.casework.attribution.gathering_events import gather
from nightlight.casework.attribution.grades import AskFor, Retention, grade
from nightlight.casework.attribution.kinds import Grade, Label, Way
from nightlight.casework.attribution.labelling import Labeller
from nightlight.casework.attribution.operators_reading import read_directory
from nightlight.casework.attribution.returns.answers import Asked, Certainty, answer
from nightlight.casework.attribution.returns.corroborating import Finding
from nightlight.casework.attribution.returns.opening import Return, Table
from nightlight.casework.attribution.returns.reading import Reading
from nightlight.casework.attribution.returns.rows import Sought, matches, number_of
from nightlight.casework.attribution.tests.exercise_lists import loaded
from nightlight.exercise import slips
from nightlight.exercise.carriers import DAY, Books
from nightlight.exercise.directory import operator_directory
from nightlight.exercise.exits import Exits
from nightlight.exercise.reporters import BY_KEY
from nightlight.exercise.reports import write_file_details, write_report
from nightlight.exercise.slips import Slip
from nightlight.exercise.trails import DAYS, STANDING_NOW
from nightlight.pipeline.tips.formats.cybertipline.read import read_report

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from nightlight.casework.attribution.candidate_kinds import Ranking
    from nightlight.casework.attribution.kinds import Event
    from nightlight.casework.attribution.returns.rows import LogRow
    from nightlight.exercise.slips import Walk

SEED = 11


@pytest.fixture(scope="module")
def labeller() -> Labeller:
    books = Books(SEED, STANDING_NOW, DAYS)
    return Labeller(loaded(books, Exits.of(books), every=DAY // 2))


@pytest.fixture(scope="module")
def walks() -> dict[Slip, Walk]:
    return {walk.case: walk for walk in slips.walks(SEED, STANDING_NOW)}


def events_of(walk: Walk) -> list[Event]:
    found: list[Event] = []
    for number, report in enumerate(walk.reports):
        details = [write_file_details(report, file, 1, "ab") for file in report.files]
        reading = read_report(write_report(report, {}), details)
        found += gather(reading, tip=f"tip-{number}", reporter=BY_KEY[report.reporter].name).events
    return found


def graded(labeller: Labeller, walk: Walk) -> list[Graded]:
    keeps = Retention(timedelta(days=730), "exercise")
    made = []
    for event in events_of(walk):
        labelled = labeller.label(event)
        made.append(Graded(event, labelled, grade(event, labelled, keeps, now=STANDING_NOW)))
    return made


def ranked(events: list[Graded]) -> Ranking:
    directory = read_directory(operator_directory(STANDING_NOW))
    asn = {one.event.address: one.labelled.asn for one in events}

    def facts(address: str, at: datetime | None) -> AddressFacts | None:
        operator = directory.holder(asn[address], address, at).operator
        return None if operator is None else AddressFacts(operator.code, shared=True, block=operator.port_block)

    return rank(events, facts, now=STANDING_NOW)


def returned(folder: Path, name: str) -> list[LogRow]:
    with (folder / name).open("rb") as file, Return(file, name) as opened:
        return [row for table in opened if isinstance(table, Table) for row in Reading(table)]


def test_one_event_in_thirty_leads_to_a_line_and_nothing_else_does(labeller: Labeller, walks: dict[Slip, Walk]) -> None:
    for walk in walks.values():
        events = graded(labeller, walk)
        assert len(events) == 2 * slips.EVENTS + 4
        slip = [one for one in events if one.labelled.label is Label.MOBILE_SHARED]
        assert [(one.event.address, one.event.utc, one.event.port) for one in slip] == [
            (walk.address, walk.at, walk.stated_port)
        ]
        ranking = ranked(events)
        best = ranking.candidates[0]
        assert best.target == walk.address
        if walk.stated_port is not None:
            assert {pro.why for pro in best.supporting} >= {For.SLIP}
        exits = {key for one in ranking.apart if one.why is WhyApart.EXIT for key in one.events}
        # An exit that no list knows stays without a label, and is nobody's line either.
        others = [one for one in ranking.candidates if one is not best]
        assert {one.label for one in others} <= {Label.UNKNOWN}
        assert all(one.state is State.CORROBORATE for one in others)
        assert len(exits) > len(events) / 2


def test_with_the_port_the_answer_names_the_line(labeller: Labeller, walks: dict[Slip, Walk], tmp_path: Path) -> None:
    walk = walks[Slip.WITH_PORT]
    events = graded(labeller, walk)
    ranking = ranked(events)
    best = ranking.candidates[0]
    assert (best.state, best.grade, best.operator) == (State.TRACEABLE, Grade.B, "neela")
    slips.write_returns(tmp_path, SEED, STANDING_NOW)
    wanted = Asked(best.ask[0], number_of(walk.address), walk.stated_port, int(walk.at.timestamp()))
    given = answer(wanted, returned(tmp_path, "neela-slip-with-port.csv"))
    assert (given.certainty, given.subscribers) == (Certainty.STABLE, (walk.line,))
    finding = Finding(given, best.grade, "neela", slips.MOBILE.capacity)
    (found,) = with_answers(ranking, [finding]).subscribers
    assert (found.subscriber, found.band) == (walk.line, Confidence.MODERATE)  # one event alone is never more


def test_without_the_port_the_platform_is_asked_first(
    labeller: Labeller, walks: dict[Slip, Walk], tmp_path: Path
) -> None:
    walk = walks[Slip.WITHOUT_PORT]
    events = graded(labeller, walk)
    best = ranked(events).candidates[0]
    assert (best.state, best.grade, best.way) == (State.ASK_FIRST, Grade.C, Way.ASK_FIRST)
    (slip,) = [one for one in events if one.event.key in best.events]
    asked = grade(slip.event, slip.labelled, None, now=STANDING_NOW).ask_for
    assert asked[0] is AskFor.PORT
    slips.write_returns(tmp_path, SEED, STANDING_NOW)
    sought = Sought(number_of(walk.address), None, int(walk.at.timestamp()))
    everybody = returned(tmp_path, "neela-slip-without-port-all.csv")
    assert len({row.subscriber for row in everybody if matches(sought, row)}) == 62
    after = returned(tmp_path, "neela-slip-without-port.csv")
    sought = Sought(sought.address, walk.port, sought.at)
    assert {row.subscriber for row in after if matches(sought, row, 60)} == {walk.line}
