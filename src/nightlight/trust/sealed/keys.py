# SPDX-License-Identifier: Apache-2.0
"""The installation's sealing keys: a public half that every process may use to close, a private half that only opens
in the background worker.

``0001.key`` is an X25519 private key (32 bytes, mode 0600), ``0001.pub`` its public half, derived and written
beside it. The highest number is current; older keys still open what they closed. The web process reads the ``.pub``
files only, so the ``.key`` files can be put where only the worker's system user reads them.
"""

from __future__ import annotations

import contextlib
import time
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from nightlight.foundation import durable
from nightlight.trust import key_folder
from nightlight.trust.key_folder import KeyFileRefused
from nightlight.trust.sealed.box import Key, Keyring, KeysRefused, Lock, Sealer, one_time

_FRESH = 30.0  # seconds after which a process looks for a newer key


def add_to_folder(folder: Path) -> Lock:
    """Make a new sealing key, the current one from now on, and return its public half when both are on the disk."""
    return _publish(key_folder.add(folder, lambda: one_time().secret))


def first_in_folder(folder: Path) -> Lock:
    """Make the first sealing key; of several processes that start at once, one makes it and all return it."""
    return _publish(key_folder.first(folder, lambda: one_time().secret))


def locks_in_folder(folder: Path) -> tuple[Lock, ...]:
    """Return the public halves in ``folder``, oldest first. Raises KeysRefused for a file that cannot be used."""
    try:
        return tuple(Lock(key_folder.read_public(path)) for path in key_folder.numbered(folder, ".pub"))
    except KeyFileRefused as error:
        raise KeysRefused(error.reason) from error


def keyring_in_folder(folder: Path) -> Keyring:
    """Return the private halves in ``folder``, and write any public half that is missing.

    Raises KeysRefused for a key that others may read, for a public half that is not that of its private key (what is
    closed with it opens for somebody else), and if there is no key.
    """
    keys = []
    for path in key_folder.numbered(folder):
        _publish(path)
        keys.append(_read(path))
    return Keyring(tuple(keys))


def current_sealer() -> Sealer:
    """Return what closes for this installation; makes the first key where there is none. Raises KeysRefused.

    One per process and folder; every half minute it looks whether there is a newer key.
    """
    folder = Path(settings.NIGHTLIGHT_SEALING_KEYS_DIR)
    return _sealer(folder, _newest(folder, int(time.monotonic() / _FRESH)))


def current_keyring() -> Keyring:
    """Return what opens: for the background worker alone. Raises KeysRefused."""
    folder = Path(settings.NIGHTLIGHT_SEALING_KEYS_DIR)
    return _keyring(folder, tuple(path.name for path in key_folder.numbered(folder)))


@lru_cache(maxsize=4)
def _keyring(folder: Path, _names: tuple[str, ...]) -> Keyring:
    return keyring_in_folder(folder)


@lru_cache(maxsize=4)
def _newest(folder: Path, _half_minute: int) -> Lock:
    locks = locks_in_folder(folder)
    keys = key_folder.numbered(folder)
    if not keys and not locks:
        return first_in_folder(folder)
    if not locks:  # a process died between the two halves
        return _publish(keys[-1])
    return locks[-1]


@lru_cache(maxsize=4)
def _sealer(_folder: Path, lock: Lock) -> Sealer:
    return Sealer(lock.public)


def _publish(path: Path) -> Lock:
    """Write the public half of the private key in ``path`` beside it, unless it is there, and return it."""
    lock, public = _read(path).lock, path.with_suffix(".pub")
    with contextlib.suppress(FileExistsError):
        durable.create(public, lock.public)
    try:
        if key_folder.read_public(public) != lock.public:
            raise KeysRefused(f"{public} is not the public half of {path}: what it closes opens for somebody else")
    except KeyFileRefused as error:
        raise KeysRefused(error.reason) from error
    return lock


def _read(path: Path) -> Key:
    try:
        return Key(key_folder.read_secret(path))
    except KeyFileRefused as error:
        raise KeysRefused(error.reason) from error
