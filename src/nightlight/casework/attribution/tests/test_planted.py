# SPDX-License-Identifier: Apache-2.0
"""Planted errors: what the gate stops, what it only names, and that it stops nothing that is right."""

from __future__ import annotations

from random import Random

import pytest

from nightlight.casework.attribution.gate import Stop, check
from nightlight.casework.attribution.planted import IN_LINE, NAMED, READER, UPSTREAM, Planted, correct, measured, plant


def test_a_number_below_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="below zero"):
        plant(Random(1), -1)


def test_no_right_line_is_stopped() -> None:
    cases = correct(Random(11), 400)
    assert not any(case.wrong for case in cases)
    assert [stop for case in cases for stop in check(case.line, case.source, case.facts)] == []
    assert {case.line.port is None for case in cases} == {True, False}
    assert len({case.line.zone for case in cases}) == 6


def test_every_error_in_a_line_is_stopped() -> None:
    found = measured(plant(Random(12), 15 * len(IN_LINE), IN_LINE))
    assert set(found) == set(IN_LINE)
    assert {kind: one.blocked for kind, one in found.items() if one.blocked != one.cases} == {}


def test_what_the_issue_names_is_among_them_and_stopped_for_its_own_reason() -> None:
    found = measured(plant(Random(13), 70))
    assert tuple(found) == NAMED
    for kind, code in (
        (Planted.ZONE_INDIA, Stop.TIME_DIFFERS),
        (Planted.DAY_MONTH, Stop.TIME_DIFFERS),
        (Planted.DIGIT, Stop.ADDRESS_DIFFERS),
        (Planted.OPERATOR, Stop.OPERATOR_DIFFERS),
        (Planted.STALE_PORT, Stop.PORT_DIFFERS),
        (Planted.YEAR, Stop.TIME_DIFFERS),
    ):
        assert found[kind].codes[code] == found[kind].cases == 10


def test_a_planted_error_differs_from_the_evidence_and_completes_itself() -> None:
    for case in plant(Random(14), 130, IN_LINE):
        stops = {stop.code for stop in check(case.line, case.source, case.facts)}
        assert Stop.CHECK_VALUE not in stops
        if case.planted not in {Planted.LOCAL_ONLY, Planted.UTC_ONLY}:
            assert Stop.LOCAL_DIFFERS not in stops


def test_every_error_of_a_reader_is_stopped_and_not_only_named() -> None:
    found = measured(plant(Random(16), 20 * len(READER), READER))
    assert set(found) == set(READER)
    assert {kind: one.blocked for kind, one in found.items() if one.blocked != one.cases} == {}


def test_errors_before_the_gate_are_stopped_where_something_else_speaks_and_else_named() -> None:
    found = measured(plant(Random(15), 30 * len(UPSTREAM), UPSTREAM))
    for kind in (Planted.READER_DIGIT, Planted.PORT_OF_OTHER_TIME):
        assert found[kind].blocked == found[kind].cases
    named = (Planted.LAYOUT_ZONE, Planted.LAYOUT_ORDER, Planted.SOURCE_YEAR, Planted.WRONG_RECORD, Planted.COPIED)
    for kind in named:
        assert 0 < found[kind].blocked < found[kind].cases
        assert found[kind].silent == 0
    # A directory that is wrong cannot be seen by its own answer: that it stands alone is all there is to say.
    assert found[Planted.DIRECTORY].blocked == 0
    assert found[Planted.DIRECTORY].warned == found[Planted.DIRECTORY].cases
