# SPDX-License-Identifier: Apache-2.0
"""The database of a new installation: made once in each run of the tests by the real command, and then copied."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from nightlight.config import postgres, testing

if TYPE_CHECKING:
    from pathlib import Path

_OURS = ("NIGHTLIGHT_", "DJANGO_", "DATABASE_URL", "PYTEST_")


def give_database(home: Path) -> None:
    """Put the tables of a first start into a home that has none; keys and everything else are its own."""
    if postgres.data_folder(home).exists():
        return
    made = testing.RUN / "first-start"
    with (testing.RUN / "first-start.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the processes of the tests share it
        if not made.exists():
            _make(testing.RUN / "first-start-made", made)
    # Not shutil: the files belong to the server's own user.
    subprocess.run(["cp", "-a", str(postgres.data_folder(made)), str(postgres.data_folder(home))], check=True)


def _make(folder: Path, made: Path) -> None:
    """Any command that needs the database makes it, brings the tables up to date, and stops it again."""
    outer = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    done = subprocess.run(
        [sys.executable, "-m", "nightlight", "reporter", "list"],
        env=outer | {"NIGHTLIGHT_HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    folder.rename(made)
