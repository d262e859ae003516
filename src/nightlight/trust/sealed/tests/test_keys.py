# SPDX-License-Identifier: Apache-2.0
"""Sealing keys are made once; whoever has the public half alone can close, and nobody slips in another."""

from __future__ import annotations

import multiprocessing
import stat
from pathlib import Path

import pytest

from nightlight.trust import key_folder
from nightlight.trust.key_folder import KeyFileRefused
from nightlight.trust.sealed import box, keys
from nightlight.trust.sealed.box import KeysRefused, unseal


def _first(folder: str) -> str:
    return keys.first_in_folder(Path(folder)).id.hex()


def test_a_private_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    keys.add_to_folder(tmp_path)
    (tmp_path / "0001.key").chmod(0o640)
    with pytest.raises(KeysRefused, match="may be read by others"):
        keys.keyring_in_folder(tmp_path)


def test_a_public_key_that_others_may_write_is_refused(tmp_path: Path) -> None:
    keys.add_to_folder(tmp_path)
    (tmp_path / "0001.pub").chmod(0o660)
    with pytest.raises(KeysRefused, match="may be written by others"):
        keys.locks_in_folder(tmp_path)
    with pytest.raises(KeysRefused, match="may be written by others"):
        keys.keyring_in_folder(tmp_path)


def test_a_public_key_that_is_not_that_of_the_private_key_is_refused(tmp_path: Path) -> None:
    keys.add_to_folder(tmp_path)
    (tmp_path / "0001.pub").write_bytes(box.one_time().lock.public)
    with pytest.raises(KeysRefused, match="opens for somebody else"):
        keys.keyring_in_folder(tmp_path)


def test_a_key_of_the_wrong_length_is_refused(tmp_path: Path) -> None:
    keys.add_to_folder(tmp_path)
    (tmp_path / "0001.key").write_bytes(b"short")
    with pytest.raises(KeysRefused, match="32 bytes, not the 5"):
        keys.keyring_in_folder(tmp_path)
    with pytest.raises(KeyFileRefused, match="32 bytes"):
        key_folder.read_secret(tmp_path / "0001.key")


def test_a_folder_without_private_keys_opens_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeysRefused, match="no private sealing key"):
        keys.keyring_in_folder(tmp_path / "none")


def test_both_halves_are_made_private_and_the_highest_number_is_current(tmp_path: Path) -> None:
    folder = tmp_path / "sealing"
    first, second = keys.add_to_folder(folder), keys.add_to_folder(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == dict.fromkeys(
        ["0001.key", "0001.pub", "0002.key", "0002.pub"], 0o600
    )
    assert keys.locks_in_folder(folder) == (first, second)
    assert keys.keyring_in_folder(folder).ids == {first.id, second.id}


def test_of_processes_that_start_at_once_one_makes_the_key_and_all_use_it(tmp_path: Path) -> None:
    folder = tmp_path / "sealing"
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        found = set(pool.map(_first, [str(folder)] * 8))
    assert found == {lock.id.hex() for lock in keys.locks_in_folder(folder)}
    assert len(found) == 1
    assert sorted(path.name for path in folder.iterdir()) == ["0001.key", "0001.pub"]


def test_the_public_half_is_enough_to_close(sealing: Path, tmp_path: Path) -> None:
    key = box.one_time()
    sealing.mkdir(mode=0o700)
    (sealing / "0007.pub").write_bytes(key.lock.public)
    (sealing / "0007.pub").chmod(0o600)
    closed = keys.current_sealer().seal(b"x", b"place")
    assert unseal(box.Keyring((key,)), closed, b"place") == b"x"
    assert [path.name for path in sealing.iterdir()] == ["0007.pub"]
    with pytest.raises(KeysRefused):
        keys.current_keyring()


def test_a_new_key_does_not_take_the_number_of_one_that_lies_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "0007.pub").write_bytes(box.one_time().lock.public)
    (tmp_path / "0007.pub").chmod(0o600)
    keys.add_to_folder(tmp_path)
    assert (tmp_path / "0008.key").exists()


def test_a_public_half_that_was_not_written_is_written(sealing: Path) -> None:
    lock = keys.add_to_folder(sealing)
    (sealing / "0001.pub").unlink()
    assert keys.current_sealer().lock == lock
    (sealing / "0001.pub").unlink()
    assert keys.keyring_in_folder(sealing).ids == {lock.id}
    assert (sealing / "0001.pub").read_bytes() == lock.public


def test_after_a_rotation_old_keys_still_open(sealing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = keys.current_sealer()
    closed = old.seal(b"x", b"place")
    assert keys.current_sealer() is old
    new = keys.add_to_folder(sealing)
    monkeypatch.setattr(keys, "_FRESH", 1e-9)  # half a minute later
    assert keys.current_sealer().lock == new
    assert new != old.lock
    assert unseal(keys.current_keyring(), closed, b"place") == b"x"
    assert unseal(keys.current_keyring(), keys.current_sealer().seal(b"y", b"place"), b"place") == b"y"


def test_the_worker_knows_a_new_key_at_once(sealing: Path) -> None:
    keys.current_sealer()
    assert len(keys.current_keyring().ids) == 1
    keys.add_to_folder(sealing)
    assert len(keys.current_keyring().ids) == 2
