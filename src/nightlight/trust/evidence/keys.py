# SPDX-License-Identifier: Apache-2.0
"""The keys that lock the keys: every file has a key of its own, kept only wrapped under a master key.

Master keys are 32 random bytes. They live in a folder that only the installation's user may read, one file
each (``0001.key``, ``0002.key``, the highest number is the current one), or in the environment. Wrapping is
AES key wrap, RFC 3394, which refuses a wrong master key by itself. A new master key therefore re-wraps 40
bytes per file and touches no file. Whoever loses the master keys loses the evidence: they belong in the
backup, apart from it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from nightlight.trust import key_folder
from nightlight.trust.key_folder import KeyFileRefused

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_KEY_SIZE = 32
_FRESH = 30.0  # seconds after which the ring looks for a newer key
_ID_LABEL = b"nightlight vault master key id v1\n"


class KeysRefused(Exception):
    """The master keys cannot be used; ``reason`` says what is wrong with them."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class MasterKey:
    """One master key; ``id`` is the first 8 hex digits of SHA-256 over a label and the key, safe to show."""

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != _KEY_SIZE:
            raise KeysRefused(f"a master key is {_KEY_SIZE} bytes, not {len(self.secret)}")

    @property
    def id(self) -> str:
        return hashlib.sha256(_ID_LABEL + self.secret).hexdigest()[:8]


@dataclass(frozen=True)
class WrappedKey:
    """A file's key as it is kept: 40 bytes (RFC 3394), and which master key opens them."""

    key_id: str
    wrapped: bytes = field(repr=False)


class Keyring:
    """The master keys of the installation, the current one last.

    ``load`` is asked again when a file names a key that is not on the ring, and every half minute before a key is
    wrapped: another process may have added a key.
    """

    def __init__(self, load: Callable[[], tuple[MasterKey, ...]]) -> None:
        self._load = load
        self._take(load())

    def _take(self, keys: tuple[MasterKey, ...]) -> None:
        if not keys:
            raise KeysRefused("there is no master key")
        self._current = (keys[-1].id, keys[-1].secret)
        self._taken = time.monotonic()
        self._secrets = {key.id: key.secret for key in keys}

    @property
    def current(self) -> str:
        """The id of the key under which new files are wrapped."""
        return self._current[0]

    @property
    def ids(self) -> frozenset[str]:
        """The ids of all keys on the ring."""
        return frozenset(self._secrets)

    def reload(self) -> None:
        """Read the keys again, so that a key added since becomes the current one."""
        self._take(self._load())

    def wrap(self, file_key: bytes) -> WrappedKey:
        """Lock a file's key under the current master key."""
        if time.monotonic() - self._taken > _FRESH:
            self.reload()
        key_id, secret = self._current
        return WrappedKey(key_id, aes_key_wrap(secret, file_key))

    def unwrap(self, key: WrappedKey) -> bytes:
        """Return the file's key. Raises KeysRefused if its master key is missing or is not the one it was."""
        if key.key_id not in self._secrets:
            self.reload()
        if key.key_id not in self._secrets:
            raise KeysRefused(f"master key {key.key_id} is not on the ring")
        try:
            return aes_key_unwrap(self._secrets[key.key_id], key.wrapped)
        except InvalidUnwrap as error:
            raise KeysRefused(f"the file's key does not open with master key {key.key_id}") from error


def from_text(text: str) -> tuple[MasterKey, ...]:
    """Read master keys written as base64, comma-separated, the current one first. Raises KeysRefused."""
    keys = []
    for part in text.split(","):
        try:
            keys.append(MasterKey(base64.b64decode(part.strip(), validate=True)))
        except binascii.Error as error:
            raise KeysRefused("a master key in the environment is not base64") from error
    return tuple(reversed(keys))


def from_folder(folder: Path) -> tuple[MasterKey, ...]:
    """Read the master keys in ``folder``, oldest first; none if there is no folder.

    Raises KeysRefused for a key file that others may read, or that is not 32 bytes.
    """
    try:
        return tuple(MasterKey(key_folder.read_secret(path)) for path in key_folder.numbered(folder))
    except KeyFileRefused as error:
        raise KeysRefused(error.reason) from error


def add_to_folder(folder: Path) -> MasterKey:
    """Make a new master key, the current one from now on, and return it when it is safely on the disk."""
    return MasterKey(key_folder.read_secret(key_folder.add(folder, _new)))


def first_in_folder(folder: Path) -> MasterKey:
    """Make the first master key; of several processes that start at once, one makes it and all return it."""
    return MasterKey(key_folder.read_secret(key_folder.first(folder, _new)))


def _new() -> bytes:
    return secrets.token_bytes(_KEY_SIZE)
