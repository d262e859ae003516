# SPDX-License-Identifier: Apache-2.0
"""Secrets of the installation: made once, kept in files only their owner may read."""

from __future__ import annotations

import contextlib
import secrets
from typing import TYPE_CHECKING

from nightlight.foundation import durable

if TYPE_CHECKING:
    from pathlib import Path


def keep(folder: Path, name: str) -> bytes:
    """Return the 32-byte secret ``name`` in ``folder``, making it on first use (hex, mode 0600, durable).

    Two processes that start together agree: one makes it, the other reads it. Raises ValueError if the file does not
    hold 32 bytes in hex.
    """
    path = folder / name
    if not path.exists():
        with contextlib.suppress(FileExistsError):
            durable.create(path, secrets.token_hex(32).encode() + b"\n")
    value = bytes.fromhex(path.read_text().strip())
    if len(value) != 32:
        raise ValueError(f"the secret file {path} is damaged")
    return value
