# SPDX-License-Identifier: Apache-2.0
"""A file of events against a network's log: what is refused, what is found, and that the command says so."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from nightlight.casework.attribution import matching_logs
from nightlight.casework.attribution.returns.engines import Local
from nightlight.casework.attribution.returns.log_writing import write_log
from nightlight.casework.attribution.returns.rows import LogRow, number_of

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "event,address,port,time,error"
T = 1_760_000_000  # 2025-10-09T08:53:20Z


@pytest.fixture
def log(tmp_path: Path) -> Path:
    rows = [
        LogRow(2, number_of("198.51.100.7"), 1024, 2047, T, T + 60, "line-1"),
        LogRow(3, number_of("198.51.100.7"), 2048, 3071, T, T + 60, "line-2"),
        LogRow(4, number_of("2001:db8::7"), 0, 65535, T, T + 60, "line-3"),
    ]
    write_log(rows, tmp_path / "log")
    return tmp_path / "log"


def _matched(tmp_path: Path, log: Path, *lines: str) -> tuple[matching_logs.Matched, list[list[str]], list[list[str]]]:
    (tmp_path / "events.csv").write_text("\n".join((HEAD, *lines)), encoding="utf-8")
    done = matching_logs.match(tmp_path / "events.csv", log, tmp_path / "pairs.csv", Local())
    refused = tmp_path / "pairs.csv.refused.csv"
    files = [
        list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
        for path in (tmp_path / "pairs.csv", refused)
        if path.exists()
    ]
    return done, files[0][1:], files[1][1:] if len(files) > 1 else []


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("a,198.51.100.7,1500,2025-10-09T08:53:30,0", "time-without-zone"),
        ("a,198.51.100.7,1500,09/10/2025 08:53:30+00:00,0", "time-unreadable"),
        ("a,198.51.100.7,1500,1970-01-01T00:00:00Z,0", "time-too-early"),
        ("a,198.51.100.7,0,2025-10-09T08:53:30Z,0", "port-zero"),
        ("a,198.51.100.7,70000,2025-10-09T08:53:30Z,0", "port-too-high"),
        ("a,198.51.100.7:1500,,2025-10-09T08:53:30Z,0", "address-with-port"),
        ("a,198.51.100.0/24,1500,2025-10-09T08:53:30Z,0", "address-a-network"),
        ("a,198.51.100.007,1500,2025-10-09T08:53:30Z,0", "address-leading-zero"),
        ("a,198.51.100.7,1500,2025-10-09T08:53:30Z,-5", "error-unreadable"),
        (",198.51.100.7,1500,2025-10-09T08:53:30Z,0", "no-name"),
        ("a,198.51.100.7,1500", "another-number-of-columns"),
    ],
)
def test_a_line_that_leaves_anything_open_is_given_back(tmp_path: Path, log: Path, line: str, why: str) -> None:
    done, pairs, refused = _matched(tmp_path, log, line)
    assert (pairs, refused) == ([], [["2", why, *line.split(",")]])
    assert done == matching_logs.Matched(events=0, with_rows=0, pairs=0, rows=3, refused=1)


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"event,address\n", "not-these-columns"), (b"", "not-these-columns"), (HEAD.encode() + b"\n\xff", "not-utf-8")],
)
def test_a_file_that_is_no_file_of_events_is_refused(tmp_path: Path, content: bytes, code: str) -> None:
    (tmp_path / "events.csv").write_bytes(content)
    with pytest.raises(matching_logs.NoEvents) as told:
        matching_logs.read_events(tmp_path / "events.csv")
    assert told.value.code == code


def test_the_rows_that_answer_are_found(tmp_path: Path, log: Path) -> None:
    done, pairs, refused = _matched(
        tmp_path,
        log,
        "upload,198.51.100.7,1500,2025-10-09T14:23:30+05:30,0",
        "no port,198.51.100.7,,2025-10-09T08:53:30Z,",
        "six,2001:DB8:0::7,4711,2025-10-09T08:53:30Z,0",
        "too late,198.51.100.7,1500,2025-10-09T08:54:25Z,0",
        "within the clock's error,198.51.100.7,1500,2025-10-09T08:54:25Z,10",
    )
    assert pairs == [
        ["upload", "2"],
        ["no port", "2"],
        ["no port", "3"],
        ["six", "4"],
        ["within the clock's error", "2"],
    ]
    assert refused == []
    assert done == matching_logs.Matched(events=5, with_rows=4, pairs=5, rows=3, refused=0)


def test_the_command_takes_the_engine_of_the_setting(tmp_path: Path, log: Path) -> None:
    (tmp_path / "events.csv").write_text(f"{HEAD}\nupload,198.51.100.7,1500,2025-10-09T08:53:30Z,0\n", encoding="utf-8")
    paths = [str(tmp_path / name) for name in ("events.csv", "log", "pairs.csv")]

    def run(setting: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "nightlight", "logs", "match", *paths, "--json"],
            env=os.environ | {"NIGHTLIGHT_HOME": str(tmp_path / "home"), "NIGHTLIGHT_LOG_ENGINE": setting, "PATH": ""},
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    wrong = run("cluster")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "NIGHTLIGHT_LOG_ENGINE" in wrong.stderr
    done = run("local")
    assert (done.returncode, json.loads(done.stdout)["pairs"]) == (0, 1), done.stderr
