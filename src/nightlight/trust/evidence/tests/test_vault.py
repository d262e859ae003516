# SPDX-License-Identifier: Apache-2.0
"""The vault gives back what it was given, in bounded memory, and notices what was altered."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightlight.trust.evidence import keys
from nightlight.trust.evidence.envelope import CHUNK_SIZE, Damaged
from nightlight.trust.evidence.keys import KeysRefused
from nightlight.trust.evidence.store import Absent
from nightlight.trust.evidence.tests.vaults import NEW_KEY, OLD_KEY, flip_a_bit, folder_vault, lies_at, seal
from nightlight.trust.evidence.vault import Sealed, current_vault

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_django import Settings

GRADIENT = bytes(range(256)) * 1000

STREAM_300_MB = """
import resource, sys
from django.conf import settings
settings.configure()
from pathlib import Path
from nightlight.trust.evidence.tests.vaults import folder_vault
vault = folder_vault(Path(sys.argv[1]))
piece = bytes(range(256)) * 4096
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with vault.stage() as staging:
    staging.write(piece)
    before = peak()
    for _ in range(299):
        staging.write(piece)
    sealed = staging.seal()
vault.check(sealed)
print(sealed.digests.size, peak() - before)
"""


def test_a_file_does_not_open_without_its_master_key(tmp_path: Path) -> None:
    sealed = seal(folder_vault(tmp_path, OLD_KEY), GRADIENT)
    with pytest.raises(KeysRefused, match="is not on the ring"):
        folder_vault(tmp_path, NEW_KEY).open(sealed)


def test_an_altered_file_is_noticed(tmp_path: Path) -> None:
    vault = folder_vault(tmp_path)
    sealed = seal(vault, GRADIENT)
    flip_a_bit(lies_at(tmp_path, sealed), 70_000)
    with pytest.raises(Damaged, match="chunk 1"):
        vault.check(sealed)


def test_two_files_that_changed_places_are_noticed(tmp_path: Path) -> None:
    vault = folder_vault(tmp_path)
    one, other = seal(vault, b"first calendar"), seal(vault, b"other calendar")
    first, second = lies_at(tmp_path, one), lies_at(tmp_path, other)
    kept = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(kept)
    for sealed in (one, other):
        with pytest.raises(Damaged):
            vault.check(sealed)


def test_two_files_that_changed_places_with_their_keys_are_noticed_too(tmp_path: Path) -> None:
    vault = folder_vault(tmp_path)
    one, other = seal(vault, b"first calendar"), seal(vault, b"other calendar")
    lies_at(tmp_path, one).write_bytes(lies_at(tmp_path, other).read_bytes())
    swapped = Sealed(one.locator, one.digests, other.key, one.stored_size)
    with pytest.raises(Damaged):
        vault.check(swapped)


def test_a_record_with_other_digests_is_noticed(tmp_path: Path) -> None:
    vault = folder_vault(tmp_path)
    one, other = seal(vault, b"first calendar"), seal(vault, b"other calendar")
    with pytest.raises(Damaged, match="digests"):
        vault.check(Sealed(one.locator, other.digests, one.key, one.stored_size))


def test_a_file_that_is_gone_is_absent(tmp_path: Path) -> None:
    vault = folder_vault(tmp_path)
    sealed = seal(vault, GRADIENT)
    vault.discard(sealed)
    assert not vault.whole(sealed)
    with pytest.raises(Absent):
        vault.check(sealed)


def test_a_file_given_up_or_interrupted_leaves_nothing(tmp_path: Path) -> None:
    vault = folder_vault(tmp_path)
    with vault.stage() as staging:
        staging.write(GRADIENT)
    with pytest.raises(KeyboardInterrupt), vault.stage() as staging:
        staging.write(GRADIENT)
        raise KeyboardInterrupt
    assert list(vault.store.stored()) == []


def test_a_sealed_file_that_was_not_recorded_can_still_be_discarded(tmp_path: Path) -> None:
    vault = folder_vault(tmp_path)
    with vault.stage() as staging:
        sealed = staging.seal()
    vault.check(sealed)
    staging.discard()
    staging.discard()
    assert not vault.whole(sealed)


def test_a_lost_file_is_not_restored_from_other_bytes(tmp_path: Path) -> None:
    vault = folder_vault(tmp_path)
    lost, other = seal(vault, GRADIENT), seal(vault, b"a calendar")
    vault.discard(lost)
    with pytest.raises(Damaged, match="not of the same bytes"):
        vault.restore(lost, good=other)
    with pytest.raises(Damaged):
        vault.restore(lost, good=Sealed(other.locator, lost.digests, other.key, other.stored_size))
    assert not vault.whole(lost)


@pytest.mark.parametrize("left", [None, 0, 70_000])
def test_a_file_lost_or_cut_short_is_restored_to_the_byte(tmp_path: Path, left: int | None) -> None:
    vault = folder_vault(tmp_path)
    lost, good = seal(vault, GRADIENT), seal(vault, GRADIENT)
    path = lies_at(tmp_path, lost)
    before = path.read_bytes()
    if left is None:
        path.unlink()
    else:
        path.write_bytes(before[:left])
    assert not vault.whole(lost)
    vault.restore(lost, good=good)
    assert path.read_bytes() == before
    vault.check(lost)


def test_the_digests_are_those_of_the_bytes_and_nothing_readable_lies_on_the_disk(tmp_path: Path) -> None:
    vault = folder_vault(tmp_path)
    sealed = seal(vault, GRADIENT)
    assert sealed.digests.sha256 == hashlib.sha256(GRADIENT).hexdigest()
    assert sealed.digests.size == len(GRADIENT)
    stored = lies_at(tmp_path, sealed).read_bytes()
    assert len(stored) == sealed.stored_size
    assert GRADIENT[:64] not in stored
    assert b"".join(vault.open(sealed)) == GRADIENT


@settings(deadline=None, max_examples=25)
@given(
    st.builds(lambda chunks, off: max(0, chunks * CHUNK_SIZE + off), st.integers(0, 3), st.integers(-20, 20)),
    st.integers(1, 2 * CHUNK_SIZE),
)
def test_files_of_every_size_come_back(tmp_path_factory: pytest.TempPathFactory, size: int, piece: int) -> None:
    vault = folder_vault(tmp_path_factory.getbasetemp() / "sizes")
    data = (GRADIENT * 2)[:size]
    with vault.stage() as staging:
        for at in range(0, size, max(piece, 500)):
            staging.write(data[at : at + max(piece, 500)])
        sealed = staging.seal()
    assert b"".join(vault.open(sealed)) == data
    vault.check(sealed)
    vault.discard(sealed)


def test_a_new_master_key_opens_old_files_after_rewrapping_and_the_old_one_is_not_needed(
    tmp_path: Path,
) -> None:
    sealed = seal(folder_vault(tmp_path, OLD_KEY), GRADIENT)
    rewrapped = folder_vault(tmp_path, OLD_KEY, NEW_KEY).rewrap(sealed.key)
    folder_vault(tmp_path, NEW_KEY).check(Sealed(sealed.locator, sealed.digests, rewrapped, sealed.stored_size))


def test_300_megabytes_pass_through_a_small_memory(tmp_path: Path) -> None:
    command = [sys.executable, "-c", STREAM_300_MB, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    size, grown = map(int, done.stdout.split())
    assert size == 300 * 1024 * 1024
    assert grown < 8 * 1024, f"{grown} KiB"


def test_a_vault_with_files_but_without_keys_is_refused_instead_of_given_a_new_key(
    tmp_path: Path, settings: Settings
) -> None:
    seal(folder_vault(tmp_path / "vault"), GRADIENT)
    settings.NIGHTLIGHT_VAULT = str(tmp_path / "vault")
    settings.NIGHTLIGHT_VAULT_KEYS_DIR = tmp_path / "keys"
    with pytest.raises(KeysRefused, match="holds files, but there is no master key"):
        current_vault()
    assert not (tmp_path / "keys").exists()


def test_the_installations_vault_makes_its_first_key_and_finds_it_again(tmp_path: Path, settings: Settings) -> None:
    settings.NIGHTLIGHT_VAULT = str(tmp_path / "vault")
    settings.NIGHTLIGHT_VAULT_KEYS_DIR = tmp_path / "keys"
    vault = current_vault()
    assert current_vault() is vault
    assert vault.keyring.current == keys.from_folder(tmp_path / "keys")[0].id
    vault.check(seal(vault, GRADIENT))
