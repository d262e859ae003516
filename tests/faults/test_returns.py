# SPDX-License-Identifier: Apache-2.0
"""The worker dies in the middle of an operator's answer; it is read whole once afterwards, and nothing counts twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .installation import until
from .reporting import Line, report
from .return_acting import ROWS

if TYPE_CHECKING:
    from .installation import Installation

pytestmark = [pytest.mark.faults, pytest.mark.slow]
_ACTING = Path(__file__).with_name("return_acting.py")
_DOING = "SELECT 1 FROM procrastinate_jobs WHERE status = 'doing' AND task_name LIKE '%%read_return'"
LONG = 200.0  # a step whose worker died is given back within about 80 s


def _act(running: Installation, *what: str) -> Any:  # noqa: ANN401 - whatever was printed
    done = subprocess.run(
        [sys.executable, str(_ACTING), *what], env=running.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def _state(running: Installation) -> str:
    ((state,),) = running.rows("SELECT state FROM attribution_return")
    return str(state)


def test_a_return_whose_worker_is_killed_is_read_whole_once(running: Installation) -> None:
    running.told("person", "add", "asker", "--role", "investigator")
    running.told("person", "add", "checker", "--role", "commander")
    with Line(running.port, running.login) as line:
        report_id = line.submit(report("kite-1")).value("reportId")
        line.finish(report_id)
    _act(running, "ask:asker", "send:checker", "receive:asker")
    until(lambda: _state(running) == "unknown-layout", "the columns are asked for", LONG)
    _act(running, "confirm:asker")
    until(lambda: bool(running.rows(_DOING)), "the worker reads the return")
    time.sleep(1.0)
    victim = running.part("worker")
    assert victim is not None
    os.kill(victim, signal.SIGKILL)
    assert _state(running) == "received", "the worker was to be killed in the middle"
    took = until(lambda: _state(running) == "read", "the return is read", LONG)
    until(lambda: not running.rows(_DOING), "the worker rests", LONG)
    said = [json.loads(body)["data"] for (body,) in running.rows(
        "SELECT body FROM custody_event WHERE kind = 'return.read' ORDER BY id"
    )]  # fmt: skip
    assert [one["state"] for one in said] == ["unknown-layout", "read"]
    assert (said[1]["rows"], said[1]["bad_rows"], said[1]["people_named"]) == (ROWS + 2, 0, ROWS + 2)
    assert (said[1]["lines_ambiguous"], said[1]["lines_stable"]) == (1, 0)
    assert running.rows("SELECT kind, count(*) FROM attribution_wrongdoor GROUP BY kind") == [("given-twice", 1)]
    assert running.rows("SELECT count(*) FROM attribution_step WHERE kind = 'answered'") == [(1,)]
    assert running.rows("SELECT state FROM attribution_request") == [("answered",)]
    problems = [one for one in running.verified()[1]["problems"] if "return" in str(one)]
    assert problems == []
    sys.stdout.write(f"\nread {took:.0f} s after the worker was killed\n")
