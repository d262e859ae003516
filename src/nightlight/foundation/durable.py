# SPDX-License-Identifier: Apache-2.0
"""Writes a file so that it is there whole after a crash, or not at all."""

from __future__ import annotations

import io
import os
import secrets
import shutil
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_BLOCK = 1 << 20


def create(path: Path, body: bytes) -> None:
    """Create ``path`` with mode 0600, durable on return, its folder (0700) too if that is missing.

    It is written beside its place and linked there: of several processes one wins and none sees half a file.
    Raises FileExistsError if it is there already; nothing is ever written over.
    """
    copy(path, io.BytesIO(body))


def copy(path: Path, source: IO[bytes]) -> None:
    """Do the same as `create` with all that is left in a stream, block by block."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as handle:
        shutil.copyfileobj(source, handle, _BLOCK)
        handle.flush()
        os.fsync(handle.fileno())
    try:
        path.hardlink_to(draft)
    finally:
        draft.unlink()
    for folder in (path.parent, path.parent.parent):
        sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Make the names in ``folder`` durable: a file whose name is lost in a crash is lost."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
