# SPDX-License-Identifier: Apache-2.0
"""A whole world is filed as planned, and the receipts say which report became which number."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING

import pytest

from nightlight.exercise import expected
from nightlight.exercise import filer as filer_module
from nightlight.exercise.filing import Filed, Login, Progress, Receipt, file_world
from nightlight.exercise.plan import Ending, Fault
from nightlight.exercise.tests.answering_server import PASSWORD, USERNAME, Desk, answering
from nightlight.exercise.world import World, build

if TYPE_CHECKING:
    from pathlib import Path

LOGIN = Login(USERNAME, PASSWORD)

# Faults that the tiny server, which knows no schema, does notice.
NOTICED = {Fault.CUT_SHORT, Fault.TWO_FILES_IN_BATCH}


def logins(world: World) -> dict[str, Login]:
    return dict.fromkeys((reporter.key for reporter in world.reporters), LOGIN)


def receipt_of(filed: Filed, key: str) -> Receipt:
    return next(one for one in filed.receipts if one.key == key)


@pytest.fixture(scope="module")
def world() -> World:
    return build(5, 120)


@pytest.fixture(scope="module")
def filing(world: World) -> tuple[Filed, Desk, list[Progress]]:
    seen: list[Progress] = []
    with answering() as (base, desk):
        filed = file_world(world, logins(world), base, workers=4, on_progress=seen.append)
    return filed, desk, seen


def test_a_missing_login_is_named_before_anything_is_filed(world: World) -> None:
    some = {key: login for key, login in logins(world).items() if key != "mail"}
    with answering() as (base, desk), pytest.raises(ValueError, match="mail"):
        file_world(world, some, base, workers=1)
    assert not desk.reports


def test_a_refused_login_is_named_before_anything_is_filed(world: World) -> None:
    wrong = {**logins(world), "game": Login(USERNAME, "wrong")}
    with answering() as (base, desk), pytest.raises(ValueError, match=r"game was refused \(HTTP 401\)"):
        file_world(world, wrong, base, workers=1)
    assert not desk.reports


def test_every_report_ends_as_planned(world: World, filing: tuple[Filed, Desk, list[Progress]]) -> None:
    filed, _, _ = filing
    assert [one.key for one in filed.receipts] == [one.key for one in world.reports]
    faults = {one.key: one.fault for one in world.reports}
    expected = {key for key, fault in faults.items() if fault is not None and fault not in NOTICED}
    assert {one.key for one in filed.surprises} == expected


def test_what_the_server_holds_is_what_was_planned(world: World, filing: tuple[Filed, Desk, list[Progress]]) -> None:
    filed, desk, _ = filing
    states = {Ending.FINISHED: "finished", Ending.LEFT_OPEN: "open", Ending.RETRACTED: "retracted"}
    for report, receipt in zip(world.reports, filed.receipts, strict=True):
        if report.fault is None and receipt.report_id is not None:
            kept = desk.reports[receipt.report_id]
            assert kept.state == states[report.ending]
            assert len(kept.files) == len(report.files) == len(receipt.files)
            assert len(kept.infos) == sum(file.described for file in report.files)


def test_priors_name_earlier_finished_reports(world: World, filing: tuple[Filed, Desk, list[Progress]]) -> None:
    filed, desk, _ = filing
    finished = {one.report_id for one in filed.receipts if one.ending is Ending.FINISHED}
    named = 0
    for report in world.reports:
        number = filed.ids.get(report.key)
        if number is not None and report.prior:
            priors = re.findall(rb"<priorCTReports>(\d+)<", desk.reports[number].document)
            assert [int(prior) for prior in priors] == [filed.ids[key] for key in report.prior]
            assert {int(prior) for prior in priors} <= finished
            named += len(priors)
    assert named > 0


def test_copies_are_filed_again_byte_for_byte(world: World, filing: tuple[Filed, Desk, list[Progress]]) -> None:
    filed, desk, _ = filing
    copies = [one for one in world.reports if one.duplicate_of]
    assert len(copies) >= 3
    for copy in copies:
        original = filed.ids[copy.duplicate_of or ""]
        assert desk.reports[filed.ids[copy.key]].document == desk.reports[original].document
        assert filed.ids[copy.key] != original


def test_progress_counts_up_to_the_whole(world: World, filing: tuple[Filed, Desk, list[Progress]]) -> None:
    _, _, seen = filing
    assert [one.done for one in seen] == list(range(1, len(world.reports) + 1))
    assert {one.total for one in seen} == {len(world.reports)}


def test_the_truth_file_joins_receipts_and_truth(
    world: World, filing: tuple[Filed, Desk, list[Progress]], tmp_path: Path
) -> None:
    filed = filing[0]
    states = expected.states(world, (), order=filed.finished, refused=filed.refused_files)
    filed.write_truth(world, tmp_path / "truth.json", states={"without lists": states})
    document = json.loads((tmp_path / "truth.json").read_text())
    assert document["seed"] == 5
    assert len(document["receipts"]) == 120
    assert document["truth"]["planted"]
    told = document["states"]["without lists"]
    assert {one["state"] for one in told} == {expected.NEW, expected.SEEN, expected.UNMEASURED}
    assert (
        {one["report"] for one in told}
        <= set(filed.finished)
        == {one.key for one in filed.receipts if one.ending is Ending.FINISHED}
    )


def test_an_upload_lost_on_the_way_is_made_good_by_filing_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filer_module, "PAUSES", (0.0, 0.0))
    small = build(1, 8)
    with answering() as (base, desk):
        desk.lose.append("upload")
        filed = file_world(small, logins(small), base, workers=1)
    assert not filed.surprises
    assert sorted(one.state for one in desk.reports.values()).count("retracted") == 1
    assert len(desk.reports) == 9


def test_a_pace_spreads_the_reports_out() -> None:
    small = build(1, 6)
    start = time.monotonic()
    with answering() as (base, _):
        file_world(small, logins(small), base, workers=3, per_second=20)
    assert time.monotonic() - start >= 5 / 20
