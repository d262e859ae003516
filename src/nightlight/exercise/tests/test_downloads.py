# SPDX-License-Identifier: Apache-2.0
"""The downloads look like those police get, oddities included."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING

import pytest

from nightlight.exercise.downloads import Downloads, write_downloads
from nightlight.exercise.world import World, build

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def world() -> World:
    return build(31, 100)


@pytest.fixture
def downloads(world: World, tmp_path: Path) -> Downloads:
    return write_downloads(world, tmp_path / "new folder", 20)


def test_no_tips_make_an_empty_archive(world: World, tmp_path: Path) -> None:
    found = write_downloads(world, tmp_path, 0)
    assert found.tips == ()
    assert found.broken is None
    assert zipfile.ZipFile(found.archive).namelist() == []


def test_the_broken_one_cannot_be_read(downloads: Downloads) -> None:
    assert downloads.broken is not None
    with pytest.raises(json.JSONDecodeError):
        json.loads(downloads.broken.read_text("utf-8-sig"))


def test_the_duplicate_holds_the_very_same_bytes(downloads: Downloads) -> None:
    assert downloads.duplicate is not None
    assert downloads.duplicate.read_bytes() == downloads.tips[0][0].read_bytes()


def test_every_tip_is_readable_and_names_its_planned_report(world: World, downloads: Downloads) -> None:
    by_key = {report.key: report for report in world.reports}
    assert len(downloads.tips) == 20
    numbers = set()
    for path, key in downloads.tips:
        document = json.loads(path.read_text("utf-8-sig"))
        information = document["reportedInformation"]
        assert information["incidentSummary"]["incidentType"] == by_key[key].kind.value
        assert document["dateReceived"].endswith("Z")
        files = information.get("uploadedFiles") or {"uploadedFiles": []}
        assert len(files["uploadedFiles"]) == len(by_key[key].files)
        numbers.add(document["reportId"])
    assert len(numbers) == 20


def test_some_have_a_byte_order_mark_unknown_keys_or_nulls(downloads: Downloads) -> None:
    bodies = [path.read_bytes() for path, _ in downloads.tips]
    assert 0 < sum(body.startswith(b"\xef\xbb\xbf") for body in bodies) < len(bodies)
    assert 0 < sum(b'"exportBatch"' in body for body in bodies) < len(bodies)
    assert 0 < sum(b": null" in body for body in bodies) < len(bodies)


def test_the_archives_hold_everything(downloads: Downloads) -> None:
    with zipfile.ZipFile(downloads.archive) as archive:
        assert len(archive.namelist()) == 22
    assert downloads.folder_archive is not None
    with zipfile.ZipFile(downloads.folder_archive) as archive:
        assert any(name.startswith("media/") for name in archive.namelist())


def test_writing_twice_gives_the_same_bytes(world: World, downloads: Downloads, tmp_path: Path) -> None:
    again = write_downloads(world, tmp_path / "again", 20)
    assert again.archive.read_bytes() == downloads.archive.read_bytes()
