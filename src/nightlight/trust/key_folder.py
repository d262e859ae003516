# SPDX-License-Identifier: Apache-2.0
"""A folder of keys: numbered files that only the installation's user may read, the highest number being current.

Each file holds one key of 32 bytes (``0001.key``). Nothing is ever written over, and of several processes that start
at once exactly one makes the first key.
"""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

from nightlight.foundation import durable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KEY_SIZE = 32
_NUMBERED = re.compile(r"[0-9]{4,}")


class KeyFileRefused(Exception):
    """A key file cannot be used; ``reason`` says what is wrong with it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def numbered(folder: Path, ending: str = ".key") -> list[Path]:
    """Return the key files in ``folder``, oldest first; none if there is no folder."""
    if not folder.is_dir():
        return []
    found = [path for path in folder.iterdir() if path.suffix == ending and _NUMBERED.fullmatch(path.stem)]
    return sorted(found, key=lambda path: int(path.stem))


def read_secret(path: Path) -> bytes:
    """Return the key in ``path``. Raises KeyFileRefused where others may read it, or it is not 32 bytes."""
    if path.stat().st_mode & 0o077:
        raise KeyFileRefused(f"{path} may be read by others; make it 0600 and consider the key known to them")
    return _of_key_size(path)


def read_public(path: Path) -> bytes:
    """Return the public key in ``path``. Raises KeyFileRefused where others may write it, or it is not 32 bytes."""
    if path.stat().st_mode & 0o022:
        raise KeyFileRefused(f"{path} may be written by others; a public key that others choose is theirs to open")
    return _of_key_size(path)


def add(folder: Path, make: Callable[[], bytes]) -> Path:
    """Write a new key, the current one from now on, and return its file when it is safely on the disk."""
    while True:
        # A number is taken by any file that bears it, such as the public half of a key that lies elsewhere.
        taken = (
            [int(path.stem) for path in folder.iterdir() if _NUMBERED.fullmatch(path.stem)] if folder.is_dir() else []
        )
        path = folder / f"{max(taken, default=0) + 1:04}.key"
        with contextlib.suppress(FileExistsError):  # another process was faster
            durable.create(path, make())
            return path


def first(folder: Path, make: Callable[[], bytes]) -> Path:
    """Write the first key; of several processes that start at once, one writes it and all return its file."""
    path = folder / "0001.key"
    with contextlib.suppress(FileExistsError):
        durable.create(path, make())
    return path


def _of_key_size(path: Path) -> bytes:
    body = path.read_bytes()
    if len(body) != KEY_SIZE:
        raise KeyFileRefused(f"a key is {KEY_SIZE} bytes, not the {len(body)} of {path}")
    return body
