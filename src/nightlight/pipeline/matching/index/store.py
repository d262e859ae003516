# SPDX-License-Identifier: Apache-2.0
"""The folder of the base files: generations built one beside the other, and a pointer to the one that counts.

``generation-<number>/`` holds the four files and a manifest, which is written last; ``current`` names a generation
and is replaced in one step. A generation without a manifest is what an interrupted build left. Deleting one that is
still mapped takes nothing from whoever mapped it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nightlight.foundation import canonical_json, durable
from nightlight.foundation.refusals import Conflict

from . import digests, files, pairs
from .files import IndexDamaged
from .known import FORMAT, MANIFEST, PAIRS, Generation
from .overlay import LENGTHS, Entry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import BinaryIO

    from .files import Array

    # By kind (md5, sha1, sha256, pdq): ids (k,) int64, and values (k, length) uint8. A kind may be missing.
    Batch = Mapping[str, tuple[Array, Array]]

_NAME = "generation-"
_LOOK = 0.1  # seconds between two looks whether the lock is free


def batch(rows: Iterable[tuple[int, Entry]]) -> Batch:
    """Turn some rows into columns. ValueError if a digest has a wrong length."""
    ids: dict[str, list[int]] = {kind: [] for kind in LENGTHS}
    values: dict[str, list[bytes]] = {kind: [] for kind in LENGTHS}
    for number, entry in rows:
        entry.check()
        for kind in LENGTHS:
            if (value := getattr(entry, kind)) is not None:
                ids[kind].append(number)
                values[kind].append(value)
    return {
        kind: (np.array(ids[kind], np.int64), np.frombuffer(b"".join(values[kind]), np.uint8).reshape(-1, length))
        for kind, length in LENGTHS.items()
    }


class Folder:
    """Generations in a folder, which is made (0700) when first built in."""

    def __init__(self, path: Path, *, compiled: bool | None = None) -> None:
        self.path = path
        self._compiled = compiled

    def current(self) -> Generation | None:
        """Map the generation that counts; None if none was ever built. Raises IndexDamaged."""
        name = self._pointer()
        while name is not None:
            try:
                return Generation.open(self.path / name, compiled=self._compiled)
            except FileNotFoundError as missing:
                again = self._pointer()  # replaced and swept away between the two looks?
                if again == name:
                    raise IndexDamaged("truncated", self.path / name, "a file of it is missing") from missing
                name = again
        return None

    def build(self, batches: Iterable[Batch], *, since: int, xip: Iterable[int] = ()) -> Generation:
        """Build a generation from all that is known, let it count, and return it mapped.

        Holds no more in memory than one batch and, one kind after the other, its row numbers; the columns themselves go
        through files beside. Raises Conflict if another process builds, ValueError for a bad batch, OSError for want of
        room; the generation that counted then counts on.
        """
        with self._lock():
            number = max([0, *(number for number, _ in self._generations())]) + 1
            folder = self.path / f"{_NAME}{number}"
            folder.mkdir(mode=0o700)
            try:
                with tempfile.TemporaryDirectory(dir=folder, prefix=".columns-") as spool:
                    columns = _Columns(Path(spool))
                    columns.take(batches)
                    pairs.build(folder / PAIRS, *columns.read("pdq"), compiled=self._compiled)
                    for kind in digests.WIDTHS:
                        digests.build(folder / f"{kind}.index", *columns.read(kind))
                made = Generation(
                    folder,
                    number,
                    since,
                    tuple(xip),
                    pairs.PairIndex.open(folder / PAIRS, compiled=self._compiled),
                    {
                        kind: digests.DigestFile.open(folder / f"{kind}.index", compiled=self._compiled)
                        for kind in digests.WIDTHS
                    },
                )
                manifest: canonical_json.Json = {
                    "format": FORMAT,
                    "number": number,
                    "since": since,
                    "xip": list(made.xip),
                    "files": made.told(),
                }
                durable.create(folder / MANIFEST, canonical_json.encode(manifest))
                self._point(folder.name)
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
            return made

    def sweep(self) -> list[int]:
        """Delete every generation but the one that counts, and what interrupted builds left; return their numbers.

        Raises Conflict if a build is going on.
        """
        with self._lock():
            kept = self._pointer()
            gone = [(number, folder) for number, folder in self._generations() if folder.name != kept]
            for _, folder in gone:
                shutil.rmtree(folder)
            return sorted(number for number, _ in gone)

    def wait(self, seconds: float) -> None:
        """Return when nobody builds. Raises Conflict if somebody still does after so long."""
        with self._lock(seconds):
            pass

    def _generations(self) -> list[tuple[int, Path]]:
        named = [(path.name.removeprefix(_NAME), path) for path in self.path.glob(f"{_NAME}*")]
        return [(int(number), path) for number, path in named if number.isdecimal()]

    def _pointer(self) -> str | None:
        path = self.path / "current"
        try:
            name = path.read_text("ascii").strip()
        except FileNotFoundError:
            return None
        except UnicodeDecodeError:
            name = ""
        if not (name.startswith(_NAME) and name.removeprefix(_NAME).isdecimal()):
            raise IndexDamaged("header", path, "it names no generation")
        return name

    def _point(self, name: str) -> None:
        draft = self.path / ".current"
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as handle:
            handle.write(f"{name}\n")
            handle.flush()
            os.fsync(handle.fileno())
        draft.replace(self.path / "current")
        durable.sync_folder(self.path)

    @contextmanager
    def _lock(self, wait: float = 0.0) -> Iterator[None]:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(self.path / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        end = time.monotonic() + wait
        try:
            while True:  # a lock that blocks would know no end
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() >= end:
                        raise Conflict("The hash index is being built by another process.") from None
                time.sleep(_LOOK)
            yield
        finally:
            os.close(handle)


class _Columns:
    """The columns of all batches in plain files, one for ids and one for values of each kind."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def take(self, batches: Iterable[Batch]) -> None:
        """Write them down; ValueError if one has another kind, shape or type."""
        opened: dict[str, tuple[BinaryIO, BinaryIO]] = {}
        try:
            for kind in LENGTHS:
                opened[kind] = (self._path(kind, "ids").open("wb"), self._path(kind, "values").open("wb"))
            for columns in batches:
                for kind, (ids, values) in columns.items():
                    if kind not in LENGTHS:
                        raise ValueError(f"no hash is called {kind}")
                    checked = files.checked(ids, values, LENGTHS[kind])
                    for column, handle in zip(checked, opened[kind], strict=True):
                        handle.write(column.data)
        finally:
            for pair in opened.values():
                for handle in pair:
                    handle.close()

    def read(self, kind: str) -> tuple[Array, Array]:
        """Both columns of a kind, mapped."""
        length = LENGTHS[kind]
        many = self._path(kind, "ids").stat().st_size // 8
        if not many:
            return np.empty(0, np.int64), np.empty((0, length), np.uint8)
        ids = np.memmap(self._path(kind, "ids"), np.int64, "r", shape=(many,))
        return ids, np.memmap(self._path(kind, "values"), np.uint8, "r", shape=(many, length))

    def _path(self, kind: str, column: str) -> Path:
        return self._folder / f"{kind}.{column}"
