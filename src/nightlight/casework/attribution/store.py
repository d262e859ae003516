# SPDX-License-Identifier: Apache-2.0
"""Keeps what was loaded about networks in the home: files under their digest, written once and checked when read.

``netdata/files`` holds the lists as they came, ``netdata/archives`` what all imports of a series are together (.nlia)
and tables of one day (.nlrt). A file no row speaks of was left by an import that was cut off, and does no harm; an
archive that has grown into another is taken away. Nothing else is: a list is kept as it came.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import TYPE_CHECKING

from django.conf import settings

from nightlight.foundation import durable

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

FOLDER = "netdata"
FILES, ARCHIVES = "files", "archives"
_BLOCK = 1 << 20


def folder(part: str) -> Path:
    """Return where files or archives lie."""
    home: Path = settings.ENVIRONMENT.home
    return home / FOLDER / part


def place(part: str, sha256: str) -> Path:
    """Return where the file with a digest lies."""
    return folder(part) / sha256


def keep(data: bytes) -> str:
    """Keep an archive or a table; return its digest. What lies there under that digest and is not it, is replaced."""
    sha256 = hashlib.sha256(data).hexdigest()
    path = place(ARCHIVES, sha256)
    if read(sha256) is None:
        path.unlink(missing_ok=True)
        with suppress(FileExistsError):  # another import made the same one
            durable.create(path, data)
    return sha256


def keep_file(source: Path) -> tuple[str, int]:
    """Keep a list as it came; return its digest and size. Raises OSError where it cannot be read."""
    sha256 = digest_of(source)
    path = place(FILES, sha256)
    if not sound(FILES, sha256):
        path.unlink(missing_ok=True)
        with source.open("rb") as stream, suppress(FileExistsError):
            durable.copy(path, stream)
    return sha256, source.stat().st_size


def read(sha256: str) -> bytes | None:
    """Return the bytes of an archive as they were kept; None where they are not there any more, or others are."""
    try:
        data = place(ARCHIVES, sha256).read_bytes()
    except OSError:
        return None
    return data if hashlib.sha256(data).hexdigest() == sha256 else None


def sound(part: str, sha256: str) -> bool:
    """Whether the file is there, and as it was kept."""
    try:
        return digest_of(place(part, sha256)) == sha256
    except OSError:
        return False


def there(part: str, sha256: str) -> bool:
    """Whether a file lies there at all."""
    return place(part, sha256).is_file()


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file, read block by block. Raises OSError."""
    found = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            found.update(block)
    return found.hexdigest()


def remove(sha256: str) -> None:
    """Take an archive away that no row speaks of any more: it can be made anew from its lists."""
    place(ARCHIVES, sha256).unlink(missing_ok=True)


def unspoken(part: str, known: Collection[str]) -> list[Path]:
    """Return the files that no row speaks of: of imports that were cut off, and archives that have grown since."""
    where = folder(part)
    return sorted(path for path in where.iterdir() if path.name not in known) if where.is_dir() else []
