# SPDX-License-Identifier: Apache-2.0
"""Where encrypted files lie: a place to put each once, safely, and to read it back.

A store knows nothing of what it keeps. A file lies at its locator, 32 random hex digits; what the database
does not list is not evidence yet, so nothing is ever renamed. The folder store is our own because the local
store of ``obstore`` does not promise durability: ``object_store`` 0.14 syncs only when told to, ``obstore``
0.12 offers no way to tell it, and ``strace`` showed no fsync at all.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from nightlight.foundation import durable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nightlight.foundation.digests import Bytes

_LOCATOR = re.compile(r"[0-9a-f]{32}")
_READ_SIZE = 256 * 1024


class StoreFailed(Exception):
    """The store could not do what was asked; ``reason`` is a sentence for the operator."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Absent(StoreFailed):
    """Nothing lies at the locator."""


class Occupied(StoreFailed):
    """Something lies at the locator already; a file is written once."""


@dataclass(frozen=True)
class Stored:
    """A file in the store: where, how many bytes, and when it was last written to."""

    locator: str
    size: int
    changed_at: datetime


class Writer(Protocol):
    """A file being written. It is there for good once ``commit()`` has returned, and not before."""

    def write(self, data: Bytes) -> None:
        """Take the next bytes; they are written or copied on return. Raises StoreFailed."""

    def commit(self) -> None:
        """Make the file durable. Raises StoreFailed, then nothing was kept."""

    def abort(self) -> None:
        """Leave nothing behind. May be called after any failure, and twice."""


class Store(Protocol):
    """A place for files. Every method raises StoreFailed when the disk or the service does not answer."""

    def create(self, locator: str) -> Writer:
        """Begin a file. Raises Occupied, here or in the writer's ``commit()``, if the locator is taken."""

    def open(self, locator: str) -> Iterator[bytes]:
        """Return the file's bytes in pieces. Raises Absent."""

    def size(self, locator: str) -> int | None:
        """Return the size in bytes of the file there, or None if there is none."""

    def stored(self) -> Iterator[Stored]:
        """Yield everything that lies in the store, in no order."""

    def remove(self, locator: str) -> None:
        """Remove a file that no record lists. Raises Absent."""


def checked(locator: str) -> str:
    """Return the locator if it is one; nothing else ever becomes part of a path. Raises ValueError."""
    if not _LOCATOR.fullmatch(locator):
        raise ValueError("a locator is 32 lower-case hex digits")
    return locator


def _failed(error: OSError, doing: str) -> StoreFailed:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return StoreFailed(f"{doing}: the vault's disk is full")
    if error.errno == errno.ENOENT:
        return Absent(f"{doing}: there is no such file or folder in the vault")
    if error.errno == errno.EEXIST:
        return Occupied(f"{doing}: there is a file already")
    return StoreFailed(f"{doing}: {error.strerror or error}")


class FolderStore:
    """Files in 256 folders (``ab/ab12…``), mode 0600; each is synced to the disk, and its folder too."""

    def __init__(self, root: Path) -> None:
        self._root = root
        try:
            root.mkdir(parents=True, exist_ok=True, mode=0o700)
            for number in range(256):
                (root / f"{number:02x}").mkdir(exist_ok=True, mode=0o700)
            durable.sync_folder(root)
            durable.sync_folder(root.parent)
        except OSError as error:
            raise _failed(error, f"preparing the vault folder {root}") from error

    def create(self, locator: str) -> Writer:
        return _FolderWriter(self._path(locator))

    def open(self, locator: str) -> Iterator[bytes]:
        try:
            with self._path(locator).open("rb", buffering=0) as handle:
                while piece := handle.read(_READ_SIZE):
                    yield piece
        except OSError as error:
            raise _failed(error, f"reading evidence file {locator}") from error

    def size(self, locator: str) -> int | None:
        try:
            return self._path(locator).stat().st_size
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _failed(error, f"looking for evidence file {locator}") from error

    def stored(self) -> Iterator[Stored]:
        for number in range(256):
            try:
                with os.scandir(self._root / f"{number:02x}") as entries:
                    found = [(entry.name, entry.stat(follow_symlinks=False)) for entry in entries]
            except OSError as error:
                raise _failed(error, "listing the vault") from error
            for name, stat in found:
                if _LOCATOR.fullmatch(name):
                    yield Stored(name, stat.st_size, datetime.fromtimestamp(stat.st_mtime, UTC))

    def remove(self, locator: str) -> None:
        path = self._path(locator)
        try:
            path.unlink()
            durable.sync_folder(path.parent)
        except OSError as error:
            raise _failed(error, f"removing file {locator}") from error

    def _path(self, locator: str) -> Path:
        return self._root / checked(locator)[:2] / locator


class _FolderWriter:
    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            # At its final place at once: until a record names the locator, nobody can find it.
            self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _failed(error, "creating an evidence file") from error

    def write(self, data: Bytes) -> None:
        try:
            written = os.write(self._fd, data)
            while written < len(data):  # a disk that fills up takes a part first, and refuses the next
                written += os.write(self._fd, memoryview(data)[written:])
        except OSError as error:
            raise _failed(error, "writing an evidence file") from error

    def commit(self) -> None:
        try:
            os.fsync(self._fd)
            self._close()
            durable.sync_folder(self._path.parent)
        except OSError as error:
            # After a failed fsync the kernel may have dropped the pages: trying again would prove nothing.
            self.abort()
            raise _failed(error, "making an evidence file durable") from error

    def abort(self) -> None:
        with contextlib.suppress(OSError):  # what stays is not listed, and swept later
            self._close()
            self._path.unlink()

    def _close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)
