# SPDX-License-Identifier: Apache-2.0
"""Secrets of the installation: made once, kept in files only their owner may read."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def keep(folder: Path, name: str) -> bytes:
    """Return the 32-byte secret ``name`` in ``folder``, making it on first use (mode 0600, synced to disk).

    Two processes that start together agree: the file is created exclusively, the loser reads the winner's.
    Raises ValueError if the file does not hold 32 bytes in hex.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / name
    if not path.exists():
        fresh = folder / f".{name}.{secrets.token_hex(8)}"
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
            handle.write(secrets.token_hex(32) + "\n")
            handle.flush()
            os.fsync(handle.fileno())
        try:
            os.link(fresh, path)  # fails if another process was first: then its secret stands
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
        _sync(folder)
    value = bytes.fromhex(path.read_text().strip())
    if len(value) != 32:
        raise ValueError(f"the secret file {path} is damaged")
    return value


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
