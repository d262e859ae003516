# SPDX-License-Identifier: Apache-2.0
"""A whole installation for tests: the real command, a real PostgreSQL, a real HTTP server, in a home of its own."""

from __future__ import annotations

import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from tests.commands import Commands
from tests.first_start import give_database


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@dataclass
class Installation:
    """One running ``nightlight up``."""

    home: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="nightlight-story-")))
    port: int = field(default_factory=free_port)
    settings: dict[str, str] = field(default_factory=dict)
    tls: tuple[Path, Path] | None = None  # certificate and key
    process: subprocess.Popen[bytes] | None = None
    empty: bool = False  # its first start makes the database, too
    commands: Commands = field(default_factory=Commands)

    @property
    def base(self) -> str:
        """The address of the pages."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What commands against this installation are run with."""
        dropped = ("NIGHTLIGHT_", "DJANGO_", "DATABASE_URL")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
        ours = {
            "NIGHTLIGHT_HOME": str(self.home),
            "NIGHTLIGHT_WEB_PROCESSES": "2",
            "NIGHTLIGHT_SECOND_FACTOR": "offered",
        }
        return kept | ours | self.settings

    def start(self) -> None:
        """Start it and wait until it answers."""
        if not self.empty and "DATABASE_URL" not in self.settings:
            give_database(self.home)
        tls = ["--tls-cert", str(self.tls[0]), "--tls-key", str(self.tls[1])] if self.tls else []
        log = (self.home / "up.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "nightlight", "up", "--port", str(self.port), *tls],
            env=self.environment,
            stdout=log,
            stderr=log,
        )
        log.close()
        self.wait_until_it_answers()

    def wait_until_it_answers(self, seconds: float = 150) -> None:
        """Wait for the sign-in page."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert self.process is None or self.process.poll() is None, self.log()
            try:
                context = ssl.create_default_context(cafile=self.tls[0]) if self.tls else None
                urllib.request.urlopen(f"{self.base}/accounts/login/", timeout=2, context=context).close()
            except urllib.error.HTTPError:
                return
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise AssertionError(f"the installation does not answer\n{self.log()}")

    def log(self) -> str:
        """Return what it has printed."""
        return (self.home / "up.log").read_text()[-4000:]

    def stop(self) -> None:
        """Stop it and remove its home."""
        self.commands.end()
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(40)
        shutil.rmtree(self.home, ignore_errors=True)

    def run(self, *words: str, expect: int | None = 0) -> subprocess.CompletedProcess[str]:
        """Run a ``nightlight`` command against this home."""
        done = self.commands.run(words, self.environment)
        if expect is not None:
            assert done.returncode == expect, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def json(self, *words: str, expect: int | None = 0) -> dict[str, object]:
        """Run a command with ``--json`` and return what it printed."""
        told: dict[str, object] = json.loads(self.run(*words, "--json", expect=expect).stdout)
        return told

    def reporter(self, name: str, environment: str = "production") -> tuple[str, str]:
        """Make a credential; return user name and password."""
        told = self.json("reporter", "add", name, "--environment", environment)
        return str(told["username"]), str(told["password"])
