# SPDX-License-Identifier: Apache-2.0
"""The home is lost; what was acknowledged before the backup comes back from it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from .accounting import damaged, missing, wait_until_read
from .installation import until
from .reporting import Line, Reporters, file_whole

if TYPE_CHECKING:
    from pathlib import Path

    from .installation import Installation

pytestmark = [pytest.mark.faults, pytest.mark.slow]


def test_a_lost_home_comes_back_from_a_backup_made_under_load(running: Installation, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    with Line(running.port, running.login) as line:
        file_whole(line, "first", b"the first file")
    with Reporters(running.port, running.login, threads=4) as reporters:
        until(lambda: reporters.finished() >= 40, "forty reports are finished")
        early = reporters.so_far()
        first = running.told("backup", str(copy))
        until(lambda: reporters.finished() >= len(early) + 40, "forty more are finished")
        before = reporters.so_far()
        time.sleep(1.1)  # backups are named by the second
        second = running.told("backup", str(copy))
    assert reporters.surprises == []
    assert reporters.unserved == []
    assert second["new_files"] == second["files"] - first["files"] > 0
    wait_until_read(running, 60)
    third = running.told("backup", str(copy))
    time.sleep(1.1)
    fourth = running.told("backup", str(copy))
    assert fourth["new_files"] == 0
    assert fourth["bytes_written"] < third["bytes_written"]

    refused = running.command("restore", str(copy))
    assert (refused.returncode, "not empty" in refused.stderr) == (1, True), refused.stderr

    running.destroy()
    piece = next((copy / "vault").glob("*/*"))
    whole = piece.read_bytes()
    piece.write_bytes(whole[:-1])
    refused = running.command("restore", str(copy))
    assert (refused.returncode, "damaged" in refused.stderr) == (1, True), refused.stderr
    assert "Traceback" not in refused.stderr
    piece.write_bytes(whole)

    restored = running.told("restore", second["manifest"])
    assert restored["files"] == second["files"]
    code, told = running.verified()
    assert (code, told["problems"]) == (0, [])
    running.start()
    until(running.answers, "the restored installation answers")
    assert missing(running, before) == []
    assert damaged(running, before) == []
    with Line(running.port, running.login) as line:  # the reporter's credential came back too
        new = file_whole(line, "after", b"a new file")
    wait_until_read(running, 100)
    assert missing(running, [*before, new]) == []
    code, told = running.verified()
    assert (code, told["problems"]) == (0, [])
    assert first["new_files"] == first["files"] > 0
    assert fourth["new_pieces"] < fourth["pieces"]
