# SPDX-License-Identifier: Apache-2.0
"""Police import the CyberTips they downloaded: a file, a folder, a ZIP; again; and broken ones."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING

import pytest

from nightlight.exercise import downloads, world

if TYPE_CHECKING:
    from pathlib import Path

    from tests.installation import Installation


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> downloads.Downloads:
    return downloads.write_downloads(world.build(4242, 80), tmp_path_factory.mktemp("downloads"), 30)


def test_a_missing_path_and_a_folder_without_tips_are_refused(installation: Installation, tmp_path: Path) -> None:
    assert "does not exist" in installation.run("import", str(tmp_path / "none"), expect=1).stderr
    (tmp_path / "photo.png").write_bytes(b"not a tip")
    told = installation.json("import", str(tmp_path), expect=1)
    assert (told["new"], told["not-a-tip"]) == (0, 1)


def test_what_cannot_be_read_is_kept_marked_and_shown(installation: Installation, tmp_path: Path) -> None:
    bad = {
        "broken.json": b'{"reportId": 1, "reported',
        "list.json": b"[]",
        "other.json": b'{"a": 1}',
        "empty.json": b"",
    }
    for name, body in bad.items():
        (tmp_path / name).write_bytes(body)
    told = installation.json("import", str(tmp_path), expect=3)
    assert (told["unreadable"], told["new"]) == (4, 0)
    reasons = told["not_understood"]
    assert isinstance(reasons, list)
    assert {entry["name"] for entry in reasons} == set(bad)
    assert all(entry["reason"] for entry in reasons)


def test_a_folder_imports_and_the_same_again_is_recognised(
    installation: Installation, folder: downloads.Downloads
) -> None:
    place = folder.archive.parent
    first = installation.json("import", str(place), expect=3)
    assert first["new"] == len(folder.tips)
    assert (first["known"], first["unreadable"]) == (1, 1)  # the duplicate and the broken one
    again = installation.json("import", str(place), expect=0)
    assert (again["new"], again["known"], again["unreadable"]) == (0, len(folder.tips) + 2, 0)
    zipped = installation.json("import", str(folder.archive))
    assert (zipped["new"], zipped["known"]) == (0, len(folder.tips) + 2)


def test_unknown_keys_are_kept_and_shown(installation: Installation, tmp_path: Path) -> None:
    body = {
        "reportId": 555001,
        "dateReceived": "2026-11-02T10:00:00Z",
        "surprise": {"deep": ["kept"]},
        "reportedInformation": {"reportingEsp": {"espName": "Example Photos"}},
    }
    (tmp_path / "CyberTip_555001.json").write_text(json.dumps(body))
    told = installation.json("import", str(tmp_path))
    assert told["new"] == 1
    assert any("surprise" in path for path in told["unknown_fields"])  # type: ignore[attr-defined]
    shown = installation.json("tip", "show", "555001")
    assert shown["state"] == "received"
    assert "kept" in json.dumps(shown["reading"]["unknown"])  # type: ignore[index, call-overload]


def test_a_zip_of_thousands_imports_and_verifies(installation: Installation, tmp_path: Path) -> None:
    path = tmp_path / "thousands.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(1500):
            body = {
                "reportId": 7_000_000 + number,
                "reportedInformation": {"reportingEsp": {"espName": "Example Mail"}},
            }
            archive.writestr(f"folder/CyberTip_{number}.json", json.dumps(body))
        archive.writestr("folder/readme.txt", "not a tip")
    told = installation.json("import", str(path))
    assert (told["new"], told["not-a-tip"]) == (1500, 1)
    assert installation.json("custody", "verify")["ok"] is True


def test_no_secret_and_no_stack_trace_is_shown_to_the_user(installation: Installation, tmp_path: Path) -> None:
    done = installation.run("tip", "show", "NL-0000-0001", expect=1)
    assert "Traceback" not in done.stderr
    done = installation.run("reporter", "add", "X", "--environment", "neither", expect=2)
    assert "test or production" in done.stderr
    for number in ("1' OR '1'='1", "", "\u0661", "9" * 30):
        assert "Traceback" not in installation.run("tip", "show", number, expect=1).stderr
