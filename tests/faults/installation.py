# SPDX-License-Identifier: Apache-2.0
"""A real ``nightlight up`` in a home of its own, seen as the machine sees it: processes, sockets, rows."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import psycopg

from nightlight.config import postgres
from nightlight.config.supervisor import die_with_parent
from tests.commands import Commands
from tests.first_start import give_database
from tests.installation import free_port

from .reporting import Line, Login, Unanswered

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PATIENCE = 60.0  # seconds until a killed part must be back: it takes a few, more where other tests run beside it
_OURS = ("NIGHTLIGHT_", "DATABASE_", "DJANGO_")
_DIGESTS = Path(__file__).with_name("vault_digests.py")


def processes() -> dict[int, tuple[int, list[str]]]:
    """Return every process of the machine: its parent and its command line (proc(5))."""
    found = {}
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            state, parent = (path / "stat").read_text().rpartition(")")[2].split()[:2]
            if state != "Z":
                words = (path / "cmdline").read_bytes().decode(errors="replace").rstrip("\0").split("\0")
                found[int(path.name)] = int(parent), words
    return found


def until(true: Callable[[], bool], what: str, seconds: float = PATIENCE) -> float:
    """Wait until ``true()``; return how long it took. Fails with ``what`` after ``seconds``."""
    began = time.monotonic()
    while not true():
        if time.monotonic() - began > seconds:
            raise AssertionError(f"after {seconds:.0f} s still not: {what}")
        time.sleep(0.05)
    return time.monotonic() - began


@dataclass
class Installation:
    """One home, and the processes that ``nightlight up`` runs in it."""

    folder: Path
    port: int = field(default_factory=free_port)
    up: subprocess.Popen[bytes] | None = None
    commands: Commands = field(default_factory=Commands)
    login: Login = field(init=False)

    def __post_init__(self) -> None:
        self.home = self.folder / "home"
        self.home.mkdir(parents=True, mode=0o700)
        self._log: IO[bytes] = (self.folder / "up.log").open("ab")

    # --- running it -------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Run ``nightlight up`` and wait until it answers."""
        give_database(self.home)
        self.up = subprocess.Popen(
            [sys.executable, "-m", "nightlight", "up", "--port", str(self.port)],
            env=self.environment,
            stdout=self._log,
            stderr=self._log,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - it calls prctl(2) and nothing else
        )
        until(self.listens, "the web server listens", 90)

    def open_to(self, name: str) -> None:
        """Give a reporter a credential, and remember it as ours."""
        told = self.told("reporter", "add", name, "--environment", "production")
        self.login = Login(told["username"], told["password"])

    def kill_up(self) -> None:
        """End ``nightlight up`` itself with SIGKILL; what it started is left to fend for itself."""
        assert self.up is not None
        self.up.kill()
        self.up.wait()

    def close(self) -> None:
        """Stop everything, politely first, and close the log."""
        self.commands.end()
        if self.up is not None and self.up.poll() is None:
            self.up.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.up.wait(30)
            if self.up.poll() is None:
                self.kill_up()
        self.kill_everything()
        self._log.close()

    def kill_everything(self) -> None:
        """End every process of this home with SIGKILL, as a power cut would."""
        if self.up is not None and self.up.poll() is None:
            self.kill_up()
        for pid in self.all_processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        until(lambda: not self.all_processes(), "all processes are gone")

    def destroy(self) -> None:
        """Lose the home, and everything in it."""
        self.commands.end()  # it has read the keys
        self.kill_everything()
        shutil.rmtree(self.home)
        self.home.mkdir(mode=0o700)

    @property
    def environment(self) -> dict[str, str]:
        """The environment of this installation's processes: nothing of ours comes from the tests' own."""
        outer = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        return outer | {"NIGHTLIGHT_HOME": str(self.home), "NIGHTLIGHT_INSECURE_HTTP": "yes"}

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one ``nightlight`` command to its end."""
        return self.commands.run(arguments, self.environment)

    def told(self, *arguments: str) -> dict[str, Any]:
        """Run one command with ``--json`` that must succeed, and return what it printed."""
        done = self.command(*arguments, "--json")
        assert done.returncode == 0, f"{arguments}: {done.stderr[-2000:]}{done.stdout[-2000:]}"
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def verified(self) -> tuple[int, dict[str, Any]]:
        """Run ``custody verify``: its exit code and its report."""
        done = self.command("custody", "verify", "--json")
        assert done.stdout, done.stderr[-2000:]
        return done.returncode, json.loads(done.stdout)

    # --- looking at it ----------------------------------------------------------------------------------------

    def listens(self) -> bool:
        """Whether somebody listens on the port."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2):
                return True
        except OSError:
            return False

    def answers(self) -> bool:
        """Whether a reporter who asks for the status is answered well: web server and database both work."""
        try:
            with Line(self.port, self.login, timeout=3) as line:
                return line.status() == 200
        except Unanswered:
            return False

    def part(self, word: str) -> int | None:
        """Return the process of a part: ``web`` or ``worker``."""
        assert self.up is not None
        for pid, (parent, words) in processes().items():
            if parent == self.up.pid and ("nightlight", word) in pairwise(words):
                return pid
        return None

    def web_processes(self) -> list[int]:
        """Return the processes that answer requests, below the web server's own."""
        web = self.part("web")
        return [] if web is None else sorted(pid for pid, (parent, _) in processes().items() if parent == web)

    def postmaster(self) -> int | None:
        """Return the database server's process."""
        return postgres.postmaster(self.home)

    def backends(self) -> list[int]:
        """Return the database processes that serve web and worker."""
        server = self.postmaster()
        return [
            pid
            for pid, (parent, words) in processes().items()
            if parent == server and words[0].startswith("postgres: nightlight_")
        ]

    def all_processes(self) -> list[int]:
        """Return every process of this home and port, children of children included."""
        table = processes()
        roots = {
            pid
            for pid, (_, words) in table.items()
            if str(postgres.data_folder(self.home)) in words
            or ("nightlight" in words and str(self.port) in words)
            or self._in_home(pid, words)
        }
        found = set(roots)
        while more := {pid for pid, (parent, _) in table.items() if parent in found} - found:
            found |= more
        return sorted(found - {os.getpid()})

    def _in_home(self, pid: int, words: list[str]) -> bool:
        if "nightlight" not in words:
            return False
        with suppress(OSError):
            return f"NIGHTLIGHT_HOME={self.home}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        return False

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Run one statement as superuser; return its rows, if it has any."""
        with self.superuser() as connection:
            cursor = connection.execute(sql, parameters)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []

    def superuser(self) -> psycopg.Connection[tuple[Any, ...]]:
        """Connect as the one whom no trigger and no right stops."""
        return psycopg.connect(
            postgres.url(self.home, role=postgres.SUPERUSER),
            autocommit=True,
            options="-c session_replication_role=replica",
        )

    def vault_digests(self) -> dict[str, dict[str, str]]:
        """Decrypt every listed file anew: by file id, the MD5 of its bytes and that of its record."""
        done = subprocess.run(
            [sys.executable, str(_DIGESTS)], env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-2000:]
        digests: dict[str, dict[str, str]] = json.loads(done.stdout)
        return digests

    def state(self) -> str:
        """Return its processes, what the database's sessions do and what they wait for, for a report of a failure."""
        table = processes()
        lines = [
            f"{pid} of {table[pid][0]}: {' '.join(table[pid][1])[:150]}" for pid in self.all_processes() if pid in table
        ]
        sessions = (
            "SELECT pid, usename, state, wait_event, pg_blocking_pids(pid), now() - xact_start, left(query, 150) "
            "FROM pg_stat_activity WHERE usename IS NOT NULL"
        )
        with suppress(psycopg.Error):
            lines += [" | ".join(map(str, row)) for row in self.rows(sessions)]
        return "\n".join(lines)

    def log(self) -> str:
        """Return everything the processes said so far."""
        return (self.folder / "up.log").read_text(errors="replace")
