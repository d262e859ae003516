# SPDX-License-Identifier: Apache-2.0
"""Small vaults in temporary folders, for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nightlight.trust.evidence.keys import Keyring, MasterKey
from nightlight.trust.evidence.store import FolderStore
from nightlight.trust.evidence.vault import Sealed, Vault

if TYPE_CHECKING:
    from pathlib import Path

OLD_KEY, NEW_KEY = MasterKey(b"o" * 32), MasterKey(b"n" * 32)


def folder_vault(root: Path, *keys: MasterKey) -> Vault:
    """A vault in ``root``; the last key is the current one."""
    return Vault(FolderStore(root), Keyring(lambda: keys or (OLD_KEY,)))


def seal(vault: Vault, data: bytes) -> Sealed:
    """Take ``data`` into the vault."""
    with vault.stage() as staging:
        staging.write(data)
        return staging.seal()


def lies_at(root: Path, sealed: Sealed) -> Path:
    """Where in the folder store the file lies."""
    return root / sealed.locator[:2] / sealed.locator


def flip_a_bit(path: Path, position: int = 100) -> None:
    """Alter one bit of a file, as a failing disk would."""
    stored = bytearray(path.read_bytes())
    stored[position] ^= 1
    path.write_bytes(stored)
