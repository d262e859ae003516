# SPDX-License-Identifier: Apache-2.0
"""Files that are there whole or not at all."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from nightlight.foundation import durable

if TYPE_CHECKING:
    from pathlib import Path


def test_nothing_is_written_over_and_no_draft_stays(tmp_path: Path) -> None:
    durable.create(tmp_path / "keys" / "a", b"first")
    with pytest.raises(FileExistsError):
        durable.create(tmp_path / "keys" / "a", b"second")
    assert (tmp_path / "keys" / "a").read_bytes() == b"first"
    assert [path.name for path in (tmp_path / "keys").iterdir()] == ["a"]


def test_only_the_owner_may_read(tmp_path: Path) -> None:
    durable.create(tmp_path / "keys" / "a", b"x")
    assert stat.S_IMODE((tmp_path / "keys" / "a").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700


def test_of_many_at_once_one_wins_and_its_body_is_whole(tmp_path: Path) -> None:
    def attempt(number: int) -> int | None:
        try:
            durable.create(tmp_path / "one", bytes([number]) * 10_000)
        except FileExistsError:
            return None
        return number

    with ThreadPoolExecutor(8) as pool:
        winners = [number for number in pool.map(attempt, range(8)) if number is not None]
    assert len(winners) == 1
    assert (tmp_path / "one").read_bytes() == bytes(winners) * 10_000
