# SPDX-License-Identifier: Apache-2.0
"""Lists about networks and the directory at the command line: refused with a code, loaded, listed, checked, mended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nightlight.exercise.directory import operator_directory
from nightlight.foundation import clock

if TYPE_CHECKING:
    from pathlib import Path

    from tests.installation import Installation

VPN = ("--kind", "vpn", "--name", "VPN exits", "--licence", "CC0")


def test_lists_and_operators_are_loaded_shown_and_checked(installation: Installation, tmp_path: Path) -> None:
    first, second = tmp_path / "vpn-2026-01-02.txt", tmp_path / "vpn-2026-01-03.txt"
    first.write_text("192.0.2.7\n")
    second.write_text("192.0.2.7\n192.0.2.9\nnothing\n")
    files = (str(second), str(first))
    run = installation.run
    assert "(time-not-known)" in run("netdata", "import", *files, *VPN, expect=2).stderr
    assert "(unreadable)" in run("netdata", "import", "missing", *VPN, "--as-of", "2026-01-02", expect=2).stderr
    run("netdata", "import", *files, "--kind", "cats", *VPN[2:], expect=2)
    run("netdata", "import", *files, *VPN, "--as-of", "2026-01-02T10:00", expect=2)  # whose ten o'clock?
    assert "(bad-lines)" in run("netdata", "import", *files, *VPN, "--as-of", "name", expect=2).stderr
    done = installation.json("netdata", "import", *files, *VPN, "--as-of", "name", "--pass-over")
    assert (done["files"], done["entries"], done["left_out"]) == (2, 3, 1)
    listed = installation.json("netdata", "list")["lists"][0]  # type: ignore[index]
    assert (listed["snapshots"], listed["covers_from"]) == (2, "2026-01-02T23:59:59+00:00")

    directory = tmp_path / "operators.toml"
    directory.write_text(operator_directory(clock.now()))
    assert "(of-an-exercise)" in run("operators", "load", str(directory), expect=2).stderr
    assert installation.json("operators", "load", str(directory), "--exercise")["operators"]
    assert installation.json("netdata", "list")["exercise"] is True

    assert installation.json("netdata", "verify")["faults"] == []
    (archive,) = (installation.home / "netdata" / "archives").iterdir()
    archive.unlink()
    assert "(archive-gone)" in run("netdata", "verify", expect=1).stdout
    assert "netdata verify --mend" in run("doctor", expect=None).stdout
    run("netdata", "verify", "--mend")
    assert installation.json("netdata", "verify")["faults"] == []
