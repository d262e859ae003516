# SPDX-License-Identifier: Apache-2.0
"""A home line that many unrelated people are reported with is somebody's proxy: another event must come first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nightlight.casework.attribution import queries, weighing
from nightlight.casework.attribution.candidate_kinds import Against
from nightlight.casework.attribution.tests import prepared_cast as cast
from nightlight.pipeline.linking.tests.db_cast import person
from nightlight.trust.units.viewer import viewer_of

if TYPE_CHECKING:
    from nightlight.casework.attribution.candidate_kinds import Con

pytestmark = pytest.mark.django_db
AT = "2026-11-09T08:00:00Z"


def _against(others: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch) -> list[Con]:
    """What stands against a fixed line, others having used an address at a time."""
    reporter = cast.reporter()
    mine = cast.tip(reporter, cast.reported(cast.used(cast.FIBRE, AT, 41000), name="kite77"))
    for number, (address, when) in enumerate(others):
        cast.tip(reporter, cast.reported(cast.used(address, when, 42000 + number), name=f"heron-{number}"))
    cast.link()
    cast.load(monkeypatch)
    cast.prepare()
    found = queries.traces(viewer_of(person("Asha", "investigator"), cast.NOW), mine)
    (candidate,) = weighing.answered(found, at=cast.NOW).ranking.candidates
    return [con for con in candidate.contradicting if con.why is Against.UNRELATED_ACCOUNTS]


def test_four_unrelated_people_at_a_home_line_within_hours_speak_against_it(monkeypatch: pytest.MonkeyPatch) -> None:
    (con,) = _against([(cast.FIBRE, f"2026-11-09T{hour:02}:30:00Z") for hour in (6, 9, 12, 15)], monkeypatch)
    assert con.number == 4


@pytest.mark.parametrize(
    "others",
    [
        [(cast.FIBRE, f"2026-11-09T{hour:02}:30:00Z") for hour in (6, 9, 12)],  # guests of a household
        [(cast.FIBRE, f"2026-11-{day}T08:30:00Z") for day in ("07", "08", "10", "11")],  # at other times
        [("198.51.100.10", f"2026-11-09T{hour:02}:30:00Z") for hour in (6, 9, 12, 15)],  # neighbours
    ],
)
def test_fewer_others_other_times_and_neighbours_do_not(
    others: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _against(others, monkeypatch) == []
