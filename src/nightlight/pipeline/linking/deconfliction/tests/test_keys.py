# SPDX-License-Identifier: Apache-2.0
"""Keys of rings lie in files that nobody else may read; what is wrong with one is said, and never what it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nightlight.config import environment
from nightlight.foundation.refusals import Conflict
from nightlight.pipeline.linking.deconfliction import keys
from nightlight.trust.key_folder import KeyFileRefused

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_django import Settings

SECRET = bytes(range(40)).hex()


@pytest.fixture
def rings(settings: Settings, tmp_path: Path) -> Path:
    """An empty folder for keys."""
    settings.NIGHTLIGHT_DECONFLICTION_KEYS_DIR = tmp_path / "rings"
    (tmp_path / "rings").mkdir(mode=0o700)
    return tmp_path / "rings"


def write(path: Path, text: str, mode: int = 0o600) -> None:
    path.write_text(text)
    path.chmod(mode)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_key_that_others_may_read_stops_the_start_and_the_step(rings: Path, mode: int) -> None:
    write(rings / "states.2026-11.key", SECRET, mode)
    with pytest.raises(KeyFileRefused, match="read by others") as refused:
        keys.ring_keys()
    assert SECRET not in str(refused.value)
    env = {"NIGHTLIGHT_HOME": str(rings.parent), "NIGHTLIGHT_DECONFLICTION_KEYS_DIR": str(rings)}
    with pytest.raises(environment.WrongSetting, match="read by others") as stopped:
        environment.read(env)
    assert SECRET not in str(stopped.value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("states.key", SECRET),
        ("States.2026.key", SECRET),
        ("states.2026.11.key", SECRET),
        ("states.2026-11.key", SECRET[:62]),
        ("states.2026-11.key", "00" * 32),
        ("states.2026-11.key", "no key at all"),
        ("states.2026-11.key", "\u00e4" * 64),
    ],
)
def test_what_is_no_key_is_refused_without_saying_what_it_is(rings: Path, name: str, text: str) -> None:
    write(rings / name, text)
    with pytest.raises(KeyFileRefused) as refused:
        keys.ring_keys()
    assert text not in str(refused.value)


def test_one_key_under_two_names_is_refused(rings: Path) -> None:
    write(rings / "states.2026-11.key", SECRET)
    write(rings / "states.2027-01.key", SECRET)
    with pytest.raises(KeyFileRefused, match="hold one key"):
        keys.ring_keys()


def test_a_key_is_made_once_for_the_installations_user_alone(rings: Path) -> None:
    for ring, epoch in (("../x", "2026"), ("states", "")):
        with pytest.raises(Conflict):
            keys.make(ring, epoch)
    path = keys.make("states", "2026-11")
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(Conflict, match="already"):
        keys.make("states", "2026-11")
    keys.make("states", "2027-01")
    assert [(one.ring, one.epoch, len(one.key)) for one in keys.ring_keys()] == [
        ("states", "2026-11", 32),
        ("states", "2027-01", 32),
    ]
    assert keys.ring_keys()[0].key.hex() not in repr(keys.ring_keys())


def test_a_limit_that_is_no_number_stops_the_start(tmp_path: Path) -> None:
    for wrong in ("0", "many", "100001"):
        env = {"NIGHTLIGHT_HOME": str(tmp_path), "NIGHTLIGHT_DECONFLICTION_DAILY": wrong}
        with pytest.raises(environment.WrongSetting, match="NIGHTLIGHT_DECONFLICTION_DAILY"):
            environment.read(env)
    assert environment.read({"NIGHTLIGHT_HOME": str(tmp_path)}).deconfliction_daily == 2000
