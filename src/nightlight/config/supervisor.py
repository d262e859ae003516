# SPDX-License-Identifier: Apache-2.0
"""Keeps the parts of one installation running: database, web, worker. A part that dies is started again."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nightlight.config import postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nightlight.config.environment import Environment

_PR_SET_PDEATHSIG = 1
_SHORTEST_LIFE = 2.0  # a part that died younger than this waits a moment before it is started again


def die_with_parent() -> None:
    """Ask the kernel to end this process when the one that started it dies (prctl(2), Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


@dataclass
class Part:
    """One process to keep running."""

    name: str
    command: Sequence[str]
    started: float = 0.0
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0

    def start(self) -> None:
        """Start the process in a group of its own, so that its children can be ended with it."""
        self.started = time.monotonic()
        self.starts += 1
        self.process = subprocess.Popen(  # noqa: S603 - our own command
            self.command,
            start_new_session=True,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - the supervisor has no threads
            env=os.environ | {"NIGHTLIGHT_SUPERVISED": "1"},
        )

    def dead(self) -> bool:
        """Whether the process has ended."""
        return self.process is not None and self.process.poll() is not None

    def end(self, sign: int) -> None:
        """Send a signal to the process and all its children."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, sign)


@dataclass
class Supervisor:
    """Runs the parts until told to stop."""

    environment: Environment
    parts: list[Part]
    say: Callable[[str], None]
    errand: Part | None = None  # started once beside the others, never again
    stopping: bool = False
    own_database: bool = field(init=False)

    def __post_init__(self) -> None:
        self.own_database = self.environment.embedded

    def run(self) -> None:
        """Start every part, watch them, and stop them in order on SIGINT or SIGTERM."""
        for sign in (signal.SIGINT, signal.SIGTERM):
            signal.signal(sign, self._asked_to_stop)
        for part in (*self.parts, *self._errands()):
            part.start()
        while not self.stopping:
            time.sleep(0.1)
            self._look_after_database()
            for part in self.parts:
                if part.dead() and not self.stopping:
                    self._again(part)
        self._stop()

    def _asked_to_stop(self, *_: object) -> None:
        self.stopping = True

    def _look_after_database(self) -> None:
        if not self.own_database or postgres.postmaster(self.environment.home) or self.stopping:
            return
        self.say("The database has stopped; starting it again.")
        try:
            postgres.ensure_running(self.environment.home)
        except postgres.DatabaseFailed as failure:
            self.say(str(failure))

    def _again(self, part: Part) -> None:
        code = part.process.returncode if part.process else None
        part.end(signal.SIGKILL)  # children that outlived their parent would hold the port
        self.say(f"{part.name} ended ({code}); starting it again.")
        if time.monotonic() - part.started < _SHORTEST_LIFE:
            time.sleep(0.5)
        part.start()

    def _errands(self) -> list[Part]:
        return [self.errand] if self.errand else []

    def _stop(self) -> None:
        for part in (*self.parts, *self._errands()):
            part.end(signal.SIGTERM)
        end = time.monotonic() + 20
        while any(part.process and not part.dead() for part in self.parts) and time.monotonic() < end:
            time.sleep(0.05)
        for part in self.parts:
            part.end(signal.SIGKILL)
        if self.own_database:
            postgres.stop(self.environment.home)
