# SPDX-License-Identifier: Apache-2.0
"""Master keys are made once, kept to their owner, and known by an id that gives nothing away."""

from __future__ import annotations

import base64
import multiprocessing
import stat
from pathlib import Path

import pytest

from nightlight.trust.evidence import keys
from nightlight.trust.evidence.keys import Keyring, KeysRefused, MasterKey, WrappedKey

FILE_KEY = bytes(range(32))
OLD, NEW = MasterKey(b"o" * 32), MasterKey(b"n" * 32)


def _first(folder: str) -> str:
    return keys.first_in_folder(Path(folder)).id


def test_a_key_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    keys.add_to_folder(tmp_path)
    (tmp_path / "0001.key").chmod(0o640)
    with pytest.raises(KeysRefused, match="may be read by others"):
        keys.from_folder(tmp_path)


def test_a_key_of_the_wrong_length_is_refused(tmp_path: Path) -> None:
    keys.add_to_folder(tmp_path)
    (tmp_path / "0001.key").write_bytes(b"short")
    with pytest.raises(KeysRefused, match="32 bytes, not the 5"):
        keys.from_folder(tmp_path)


@pytest.mark.parametrize("text", ["not base64!", base64.b64encode(b"short").decode(), ","])
def test_a_key_in_the_environment_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(KeysRefused):
        keys.from_text(text)


def test_a_keyring_without_keys_is_refused() -> None:
    with pytest.raises(KeysRefused, match="no master key"):
        Keyring(lambda: ())


def test_a_file_key_does_not_open_with_another_master_key() -> None:
    wrapped = Keyring(lambda: (OLD,)).wrap(FILE_KEY)
    with pytest.raises(KeysRefused, match="is not on the ring"):
        Keyring(lambda: (NEW,)).unwrap(wrapped)
    with pytest.raises(KeysRefused, match="does not open"):
        Keyring(lambda: (NEW,)).unwrap(WrappedKey(NEW.id, wrapped.wrapped))


def test_an_altered_wrapped_key_is_refused() -> None:
    ring = Keyring(lambda: (OLD,))
    wrapped = bytearray(ring.wrap(FILE_KEY).wrapped)
    wrapped[11] ^= 4
    with pytest.raises(KeysRefused, match="does not open"):
        ring.unwrap(WrappedKey(OLD.id, bytes(wrapped)))


def test_the_keys_in_the_folder_are_private_and_the_highest_number_is_current(tmp_path: Path) -> None:
    folder = tmp_path / "vault"
    first, second = keys.add_to_folder(folder), keys.add_to_folder(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert keys.from_folder(folder) == (first, second)
    assert Keyring(lambda: keys.from_folder(folder)).current == second.id


def test_the_first_key_of_the_environment_is_current() -> None:
    text = ", ".join(base64.b64encode(key.secret).decode() for key in (NEW, OLD))
    ring = Keyring(lambda: keys.from_text(text))
    assert ring.current == NEW.id
    assert ring.ids == {NEW.id, OLD.id}


def test_processes_that_start_at_once_agree_on_the_first_key(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        made = pool.map(_first, [str(tmp_path / "keys")] * 8)
    assert len(set(made)) == 1
    assert [path.name for path in (tmp_path / "keys").iterdir()] == ["0001.key"]


def test_a_key_added_by_another_process_is_found_when_a_file_names_it(tmp_path: Path) -> None:
    keys.add_to_folder(tmp_path)
    ours = Keyring(lambda: keys.from_folder(tmp_path))
    keys.add_to_folder(tmp_path)
    theirs = Keyring(lambda: keys.from_folder(tmp_path))
    assert ours.unwrap(theirs.wrap(FILE_KEY)) == FILE_KEY


def test_an_id_shows_nothing_of_the_key_and_neither_does_printing_it() -> None:
    assert len(OLD.id) == 8
    assert OLD.id != NEW.id
    assert "ooo" not in repr(OLD)
