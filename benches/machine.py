# SPDX-License-Identifier: Apache-2.0
"""A throw-away installation on this machine for measurements, and what the machine itself can do."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self

import psycopg

from nightlight.config import postgres
from nightlight.config.supervisor import die_with_parent

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).resolve().parent
ADDRESS = "127.0.0.1"
_OURS = ("NIGHTLIGHT_", "DATABASE_", "DJANGO_")
_ROUTINE = re.compile('"status": 200')  # the wire's line for a request that went well
_TICK = os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """Return a port on the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        port: int = probe.getsockname()[1]
        return port


def fsync_ms(folder: Path, times: int = 50) -> float:
    """Return how long the disk takes to keep 8 kB for good: median of ``times``, in milliseconds."""
    path, taken = folder / "fsync-probe", []
    handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        for _ in range(times):
            os.pwrite(handle, os.urandom(8192), 0)
            started = time.perf_counter()
            os.fsync(handle)
            taken.append((time.perf_counter() - started) * 1000)
    finally:
        os.close(handle)
        path.unlink()
    return statistics.median(taken)


def percentile(values: list[float], share: float) -> float:
    """Return the value below which ``share`` (0 to 1) of the values lie; 0 where there are none."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def cpu_seconds(pids: list[int]) -> float:
    """Return the processor time these processes have used so far (fields 14 and 15 of proc(5) stat)."""
    total = 0
    for pid in pids:
        with suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
    return total / _TICK


def children(pid: int) -> list[int]:
    """Return the processes that ``pid`` has started and that still run."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if path.read_text().rpartition(")")[2].split()[1] == str(pid):
                found.append(int(path.parent.name))
    return found


def command_line(pid: int) -> list[str]:
    """Return the words of a process's command line; empty if it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []


def end_on_signals() -> None:
    """Turn SIGTERM into an ordinary end, so that nothing is left behind."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


@dataclass
class Installation:
    """``nightlight up`` in a temporary home; leaving the ``with`` block stops it and removes the home."""

    settings: dict[str, str] = field(default_factory=dict)
    home: Path = field(init=False)
    port: int = field(init=False)
    process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="nightlight-bench-"))
        self.home, self.port = self._folder / "home", free_port()
        self.home.mkdir(mode=0o700)
        self._log: IO[bytes] = (self._folder / "up.log").open("wb")
        try:
            self.process = self.start("-m", "nightlight", "up", "--port", str(self.port))
            self.wait_for(self.port, self.process)
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None = None, *_: object) -> None:
        if kind is not None:  # what the servers said is part of why a measurement failed
            sys.stderr.write(self._last_words())
        if self.process is not None:
            stop(self.process)
        postgres.stop(self.home)
        self._log.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def environment(self) -> dict[str, str]:
        """The environment of every process of this installation: nothing of ours comes from outside."""
        outer = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        return outer | {"NIGHTLIGHT_HOME": str(self.home), "NIGHTLIGHT_INSECURE_HTTP": "yes"} | self.settings

    def start(self, *arguments: str, **more: str) -> subprocess.Popen[bytes]:
        """Start Python with these arguments; what it prints goes to the log."""
        return subprocess.Popen(
            [sys.executable, *arguments],
            env=self.environment | more,
            cwd=HERE.parent,
            stdout=self._log,
            stderr=self._log,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - started before any thread
        )

    def command(self, *arguments: str) -> dict[str, str]:
        """Run one ``nightlight`` command with ``--json`` and return what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "nightlight", *arguments, "--json"],
            env=self.environment,
            capture_output=True,
            check=True,
        )
        told: dict[str, str] = json.loads(done.stdout)
        return told

    def wait_for(self, port: int, server: subprocess.Popen[bytes], seconds: float = 90) -> None:
        """Wait until ``server`` answers on ``port``. Raises RuntimeError with the end of the log."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and server.poll() is None:
            with suppress(OSError), socket.create_connection((ADDRESS, port), timeout=2) as probe:
                probe.sendall(b"GET /ispws/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                if probe.recv(12).startswith(b"HTTP/1.1 "):
                    return
            time.sleep(0.1)
        raise RuntimeError("The server does not answer.")

    def _last_words(self) -> str:
        told = (self._folder / "up.log").read_text(errors="replace").splitlines()
        return "".join(f"{line}\n" for line in told if not _ROUTINE.search(line))[-4000:]

    @contextmanager
    def database(self) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
        """Connect as superuser, each statement its own transaction."""
        with psycopg.connect(postgres.url(self.home, role=postgres.SUPERUSER), autocommit=True) as connection:
            yield connection

    def parts(self) -> dict[str, list[int]]:
        """Return the processes of each part: web, worker, database."""
        postmaster = postgres.postmaster(self.home) or 0
        found: dict[str, list[int]] = {"database": [postmaster, *children(postmaster)]}
        for pid in children(self.process.pid) if self.process else ():
            words = command_line(pid)
            part = next((word for word in ("web", "worker") if word in words), "")
            if part:
                found[part] = [pid, *children(pid)]
        return found


def stop(process: subprocess.Popen[bytes], seconds: float = 30) -> None:
    """End a process we started, politely first."""
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
