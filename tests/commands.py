# SPDX-License-Identifier: Apache-2.0
"""``nightlight`` commands of one installation under test, run in forks of a process that has loaded everything."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Commands that connect as commands do, and start nothing of their own; all others get a process of their own.
_FORKED = frozenset(
    {
        *("reporter", "person", "unit", "sign-in", "token", "tip", "import", "export", "hashes", "custody", "backup"),
        "exchange",
    }
)


@dataclass
class Commands:
    """Runs commands; its server (see command_server.py) is started anew where the environment has changed."""

    _server: subprocess.Popen[str] | None = None
    _knows: dict[str, str] = field(default_factory=dict)

    def run(self, words: Sequence[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """Run ``nightlight`` with these words to its end."""
        # pytest's own variables change from test to test; no command reads them.
        known = {name: value for name, value in environment.items() if not name.startswith("PYTEST_")}
        if words and words[0] in _FORKED:
            return self._forked(list(words), known)
        return subprocess.run(
            [sys.executable, "-m", "nightlight", *words],
            env=known,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    def end(self) -> None:
        """End the server; the next command starts another."""
        if self._server is not None:
            assert self._server.stdin is not None
            assert self._server.stdout is not None
            self._server.stdin.close()
            self._server.wait(30)
            self._server.stdout.close()
            self._server = None

    def _forked(self, words: list[str], known: dict[str, str]) -> subprocess.CompletedProcess[str]:
        if self._server is None or self._knows != known or self._server.poll() is not None:
            self.end()
            self._knows = known
            self._server = subprocess.Popen(
                [sys.executable, "-m", "tests.command_server"],
                env=known,
                cwd=Path(__file__).parent.parent,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        with tempfile.TemporaryDirectory() as folder:
            out, err = Path(folder) / "out", Path(folder) / "err"
            self._server.stdin.write(json.dumps({"words": words, "out": str(out), "err": str(err)}) + "\n")
            self._server.stdin.flush()
            told = self._server.stdout.readline()
            assert told, "the server of commands ended"
            return subprocess.CompletedProcess(words, int(told), out.read_text(), err.read_text())
