# SPDX-License-Identifier: Apache-2.0
"""Five hundred hostile files: each is shown within limits or refused, and none takes too long or too much."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from nightlight.trust.viewing.rendering.terms import MIB, Why
from nightlight.trust.viewing.tests import files, hostile

if TYPE_CHECKING:
    from pathlib import Path

# The time of the real limits is shortened, so that the slow ones do not make the test slow.
LIMITS = {"cpu_seconds": 2, "wall_seconds": 6.0}
MEMORY = 512 * MIB
LIBRARIES = 96 * MIB  # what the interpreter and the decoders hold before a file is opened; measured: up to 50
SLACK = 4  # seconds for starting and ending a process on a busy computer


def _look(paths: list[Path]) -> list[dict[str, Any]]:
    """One small process per half: what a process reports of its children starts at its own size."""
    worker = [sys.executable, "-I", "-m", "nightlight.trust.viewing.tests.hostile_worker"]
    said = subprocess.run(
        [*worker, json.dumps(LIMITS), files.WATERMARK],
        input="".join(f"{path}\n" for path in paths),
        capture_output=True,
        check=True,
        text=True,
    )
    assert said.stderr == ""
    return [json.loads(line) for line in said.stdout.splitlines()]


@pytest.mark.slow
def test_five_hundred_hostile_files_end_in_a_picture_or_a_refusal(tmp_path: Path) -> None:
    made = hostile.hostile()
    assert len(made) == hostile.COUNT
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in made.items()}
    for name, content in made.items():
        (tmp_path / name).write_bytes(content)
    paths = sorted(tmp_path.iterdir())
    with ThreadPoolExecutor(2) as two:
        found = [result for half in two.map(_look, (paths[::2], paths[1::2])) for result in half]

    assert {result["name"] for result in found} == set(made)
    refusals = {why.value for why in Why}
    for result in found:
        assert result["outcome"] == "shown" or result["outcome"] in refusals, result
        assert result["outcome"] != Why.NO_SANDBOX.value, result
        assert result["wall"] < LIMITS["wall_seconds"] + SLACK, result
        assert result["cpu"] < LIMITS["cpu_seconds"] + 1.5, result
        assert result["memory"] < MEMORY + LIBRARIES, result
        assert all(max(size) <= result["size"] for size in result["sizes"]), result
        assert result["sha256"] == result["kept"] == digests[result["name"]], result
    outcomes = Counter(result["outcome"] for result in found)
    # Not a test that refuses everything: what is harmless underneath is shown, and each limit is met by some.
    assert outcomes["shown"] > 100
    assert {"damaged", "not-on-the-list", "too-large", "too-slow", "too-much-memory"} <= outcomes.keys()
