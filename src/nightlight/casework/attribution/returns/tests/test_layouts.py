# SPDX-License-Identifier: Apache-2.0
"""Layouts: known by their header, proposed where unknown, used only once a person has answered what rows cannot say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nightlight.casework.attribution.returns.fields import Field, normalised
from nightlight.casework.attribution.returns.layouts import (
    WRITTEN,
    Column,
    Layout,
    LayoutRefused,
    built_in,
    fingerprint,
    recognised,
)
from nightlight.casework.attribution.returns.proposing import Asked, propose
from nightlight.casework.attribution.returns.tests.helping import BLOCKS, HEADER, INDIA
from nightlight.casework.attribution.time_texts import DateOrder

NAMES = ["Customer Name", "WAN IP", "Port Block", "Lease Start", "Lease End", "Customer ID", "Address"]
ROWS = [
    ["A", "203.0.113.7", "1024-2047", "12/05/2026 00:44:36", "12/05/2026 01:00:48", "S1", "1 Example Road"],
    ["B", "203.0.113.8", "1024-2047", "13/05/2026 00:44:36", "13/05/2026 01:00:48", "S2", "2 Example Road"],
]
ANSWERS = {Asked.DATE_ORDER: "dmy", Asked.ZONE: INDIA, Asked.POSTAL: "installation-address"}


def test_a_layout_without_a_zone_reads_nothing() -> None:
    flow = next(layout for layout in built_in() if layout.code == "flow-ipdr")
    with pytest.raises(LayoutRefused) as refused:
        flow.declared_zone()
    assert refused.value.code == "zone-not-stated"
    assert flow.in_zone(INDIA, by="Officer A").declared_zone().name == INDIA


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        ([Column("a", Field.SUBSCRIBER), Column("b", Field.START), Column("c", Field.END)], "no-address-column"),
        ([Column("a", Field.ADDRESS), Column("b", Field.START), Column("c", Field.END)], "no-subscriber-column"),
        ([*BLOCKS.columns[1:2], *BLOCKS.columns[4:]], "no-start-column"),
        ([*BLOCKS.columns[1:2], Column("d", Field.START_DATE), *BLOCKS.columns[4:]], "no-start-column"),
        ([*BLOCKS.columns, Column("low", Field.PORT_LOW)], "half-a-port-block"),
        ([*BLOCKS.columns, Column("again", Field.SUBSCRIBER)], "field-twice"),
        ([*BLOCKS.columns, Column("d", Field.END_DATE), Column("e", Field.END_CLOCK)], "two-end-columns"),
    ],
)
def test_a_mapping_that_reads_nothing_for_certain_is_refused(columns: list[Column], code: str) -> None:
    with pytest.raises(LayoutRefused) as refused:
        replace(BLOCKS, columns=tuple(columns)).checked()
    assert refused.value.code == code


@pytest.mark.parametrize("zone", ["IST", "India", "Asia/Nowhere", "../etc"])
def test_a_zone_that_is_none_is_refused(zone: str) -> None:
    with pytest.raises(LayoutRefused) as refused:
        BLOCKS.in_zone(zone, by="Officer A")
    assert refused.value.code == "zone-unknown"


@pytest.mark.parametrize(
    "kept", [{}, {"code": 1}, {**BLOCKS.to_json(), "order": "xyz"}, {**BLOCKS.to_json(), "columns": [["a"]]}]
)
def test_what_is_no_layout_is_refused(kept: dict[str, object]) -> None:
    with pytest.raises(LayoutRefused) as refused:
        Layout.from_json(kept)
    assert refused.value.code == "not-a-layout"


def test_a_layout_is_kept_and_comes_back() -> None:
    for layout in (BLOCKS, *built_in()):
        assert Layout.from_json(layout.to_json()) == layout


def test_a_header_is_known_by_its_names_in_their_order() -> None:
    names = HEADER.split(",")
    assert recognised([f" {name.upper()} " for name in names], [BLOCKS]) is BLOCKS
    assert recognised([*names, "", ""], [BLOCKS]) is BLOCKS
    assert recognised(names[::-1], [BLOCKS]) is None
    assert fingerprint(["Start Date & Time"]) == fingerprint(["start date, time"])
    assert normalised("Start Date (dd/mm/yyyy)") == "start date dd mm yyyy"


def test_the_public_layouts_state_order_and_zone_or_leave_them_open() -> None:
    found = {layout.code: (layout.order, layout.zone) for layout in built_in()}
    assert found["dot-2013-ipdr"] == (DateOrder.DMY, INDIA)
    assert found["dot-2013-nat"] == (DateOrder.MDY, INDIA)
    assert found["flow-ipdr"] == (DateOrder.YMD, "")
    assert next(layout for layout in built_in() if layout.code == "dot-2013-nat").names_inside_only


def test_date_order_and_zone_are_asked_even_where_rows_leave_one_reading() -> None:
    proposal = propose(NAMES, ROWS[1:])
    assert {question.asked for question in proposal.questions} == {Asked.DATE_ORDER, Asked.ZONE, Asked.POSTAL}
    shown = next(question.shows for question in proposal.questions if question.asked is Asked.DATE_ORDER)
    assert "month first: 0 of 2 are dates" in shown
    assert "day first: 2 of 2 are dates" in shown


@pytest.mark.parametrize("left_out", list(ANSWERS))
def test_every_question_needs_an_answer(left_out: Asked) -> None:
    answers = {asked: answer for asked, answer in ANSWERS.items() if asked is not left_out}
    with pytest.raises(LayoutRefused) as refused:
        propose(NAMES, ROWS).confirmed(answers, by="Officer A", name="Example")
    assert refused.value.code == f"unanswered-{left_out}"


def test_an_answer_has_to_be_one_of_the_choices_and_somebody_has_to_give_it() -> None:
    with pytest.raises(LayoutRefused) as refused:
        propose(NAMES, ROWS).confirmed({**ANSWERS, Asked.DATE_ORDER: "usual"}, by="Officer A", name="Example")
    assert refused.value.code == "answer-date-order"
    with pytest.raises(LayoutRefused) as refused:
        propose(NAMES, ROWS).confirmed(ANSWERS, by=" ", name="Example")
    assert refused.value.code == "nobody-confirms"


def test_a_confirmed_proposal_is_a_layout_for_that_header() -> None:
    layout = propose(NAMES, ROWS).confirmed(ANSWERS, by="Officer A", name="Example leases", operator="Example Net")
    assert [column.field for column in layout.columns] == [
        Field.NAME,
        Field.ADDRESS,
        Field.PORT,
        Field.START,
        Field.END,
        Field.SUBSCRIBER,
        Field.INSTALLATION_ADDRESS,
    ]
    assert (layout.order, layout.zone, layout.confirmed_by) == (DateOrder.DMY, INDIA, "Officer A")
    assert recognised(NAMES, [layout]) is layout


def test_a_column_of_addresses_is_seen_by_what_it_holds_but_which_one_counts_is_asked() -> None:
    names = ["Client", "Address", "Start Time", "End Time", "User ID", "IP"]
    rows = [["10.0.0.1", "203.0.113.7", "2026-05-12T00:00:00Z", "2026-05-12T01:00:00Z", "S1", "203.0.113.9"]]
    proposal = propose(names, rows)
    (question,) = proposal.questions
    assert (question.asked, question.choices) == (Asked.ADDRESS, ("2: Address", "6: IP", "all"))
    layout = proposal.confirmed({Asked.ADDRESS: "6: IP", Asked.ZONE: "written"}, by="Officer A", name="Example")
    assert layout.places(Field.ADDRESS) == (5,)


def test_what_is_missing_is_said() -> None:
    proposal = propose(["Name", "Total"], [["A", "5"]])
    assert proposal.missing == ("no-address-column", "no-subscriber-column", "no-start-column", "no-end-column")


def test_where_every_time_states_its_zone_each_time_is_held_to_it() -> None:
    header = ["Subscriber", "Public IP", "Start", "End"]
    proposal = propose(header, [["S", "203.0.113.7", "2026-05-12T00:00:00Z", "2026-05-12T01:00:00Z"]])
    confirmed = proposal.confirmed({}, by="Officer A", name="Example Net")
    assert (proposal.questions, confirmed.zone) == ((), WRITTEN)
