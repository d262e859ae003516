# SPDX-License-Identifier: Apache-2.0
"""Processes die at any moment; what was acknowledged stays, and every part comes back by itself."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from typing import TYPE_CHECKING

import pytest

from .accounting import damaged, missing, wait_until_read
from .installation import PATIENCE, until
from .reporting import SECRET_WORD, Reporters

if TYPE_CHECKING:
    from collections.abc import Callable

    from .installation import Installation

pytestmark = [pytest.mark.faults, pytest.mark.slow]
SEED = int(os.environ.get("NIGHTLIGHT_FAULTS_SEED", "7"))
ROUNDS = 4  # of five kills each, beside two of "nightlight up" itself


class Killer:
    """Kills one part of an installation and waits until it is back."""

    def __init__(self, installation: Installation, chance: random.Random) -> None:
        self.installation, self.chance = installation, chance
        self.kinds: dict[str, Callable[[], None]] = {
            "web server": self.web_server,
            "web process": self.web_process,
            "worker": self.worker,
            "database": self.database,
            "database process": self.database_process,
        }

    def web_server(self) -> None:
        before = self.installation.part("web")
        assert before is not None
        os.kill(before, signal.SIGKILL)
        until(lambda: self.installation.part("web") not in {before, None}, "the web server is back")

    def web_process(self) -> None:
        before = self.installation.web_processes()
        victim = self.chance.choice(before)
        os.kill(victim, signal.SIGKILL)

        def back() -> bool:
            now = self.installation.web_processes()
            return len(now) >= len(before) and victim not in now

        until(back, "the web server has as many processes as before")

    def worker(self) -> None:
        before = self.installation.part("worker")
        assert before is not None
        os.kill(before, signal.SIGKILL)
        until(lambda: self.installation.part("worker") not in {before, None}, "the worker is back")

    def database(self) -> None:
        before = self.installation.postmaster()
        assert before is not None
        os.kill(before, signal.SIGKILL)
        until(lambda: self.installation.postmaster() not in {before, None}, "the database is back")

    def database_process(self) -> None:
        # The server takes the death of one process for damage to all: it ends them and recovers from its log.
        os.kill(self.chance.choice(self.installation.backends()), signal.SIGKILL)

    def kill(self, kind: str) -> float:
        """Kill, wait until the installation answers again; return how long that took in seconds."""
        until(self.whole, "everything runs before the next kill")
        began = time.monotonic()
        self.kinds[kind]()
        until(self.installation.answers, f"it answers again after the {kind} was killed")
        return time.monotonic() - began

    def whole(self) -> bool:
        """Whether every part runs."""
        parts = self.installation.part("web"), self.installation.part("worker"), self.installation.web_processes()
        return all(parts) and bool(self.installation.backends())


def test_first_uploads_that_come_at_once_are_all_taken(running: Installation) -> None:
    assert running.rows("SELECT 1 FROM evidence_blob") == [], "this test comes before any other"
    with Reporters(running.port, running.login, threads=16, seed=SEED) as reporters:
        until(lambda: reporters.finished() >= 16, "sixteen reports are finished")
    assert [answer.body for answer in reporters.unserved] == [], running.log()[-4000:]
    assert reporters.surprises == []


def test_nothing_acknowledged_is_lost_when_processes_are_killed(running: Installation) -> None:
    chance = random.Random(SEED)
    killer = Killer(running, chance)
    back: dict[str, list[float]] = {}
    with Reporters(running.port, running.login, seed=SEED) as reporters:
        for _ in range(ROUNDS):
            for kind in chance.sample(list(killer.kinds), len(killer.kinds)):
                time.sleep(chance.uniform(0.1, 0.8))
                back.setdefault(kind, []).append(killer.kill(kind))
        for _ in range(2):
            time.sleep(chance.uniform(0.3, 1.0))
            running.kill_up()
            began = time.monotonic()
            time.sleep(chance.choice((0.0, 0.3)))
            running.start()
            until(killer.whole, "every part runs again")
            until(running.answers, "it answers again after nightlight up was killed and started")
            back.setdefault("nightlight up", []).append(time.monotonic() - began)
        finished = reporters.finished()
        until(lambda: reporters.finished() > finished + 5, "reports go on being finished")
    acknowledged = reporters.so_far()
    took = wait_until_read(running, 110)  # a step whose worker died is given back within about 80 s
    killed = ", ".join(f"{kind} {len(times)}x (at most {max(times):.1f} s)" for kind, times in back.items())
    sys.stdout.write(
        f"\nseed {SEED}; killed {killed}; {len(acknowledged)} reports, {reporters.finished()} finished, "
        f"{reporters.unanswered} requests unanswered, {len(reporters.unserved)} answered 5xx; read after {took:.0f} s\n"
    )
    assert sum(map(len, back.values())) >= 20
    assert max(max(times) for times in back.values()) < PATIENCE
    assert reporters.surprises == []
    uncoded = [answer for answer in reporters.unserved if b"<responseCode>" not in answer.body]
    assert reporters.finished() > 50
    assert missing(running, acknowledged) == []
    assert damaged(running, acknowledged) == []
    code, told = running.verified()
    assert (code, told["problems"]) == (0, [])
    last = next(kept for kept in reversed(acknowledged) if kept.receipt)
    shown = running.told("tip", "show", last.report_id)
    assert shown["state"] == "received"
    assert [file["md5"] for file in shown["files"]] == [md5 for _, md5, _ in last.files]
    log = running.log()
    assert running.login.password not in log, "the log holds a password"
    assert SECRET_WORD not in log, "the log holds what a report says"
    assert uncoded == [], "an answer that a reporter's software cannot read"
