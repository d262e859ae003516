# SPDX-License-Identifier: Apache-2.0
"""Copies a whole installation to a folder and back: database, vault and keys, incremental by content.

The database is read in one snapshot first, then the vault: a file is in the vault before its row exists, so
every row of the snapshot finds its file. Pieces of the dump are named by their SHA-256, so a second backup into
the same folder writes only what is new. A backup holds the keys: it is as secret as the installation itself.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
import zlib
from dataclasses import asdict, dataclass, field
from typing import IO, TYPE_CHECKING

from nightlight.config import postgres
from nightlight.foundation import clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime
    from pathlib import Path

    from nightlight.config.environment import Environment
    from nightlight.trust.evidence.store import Store

_FORMAT = 1
# A piece ends at the first line whose checksum has its low 8 bits zero, so that rows added in one place
# leave the pieces before and after unchanged; never larger than 8 MB.
_CUT_MASK = 0xFF
_LARGEST = 8 * 2**20
_CHUNK = 2**20


# Entries of lists bear the number of the transaction that wrote them last (see pipeline/matching/serving.py). A new
# cluster counts from the beginning, so numbers of the old one would count as not yet ended for years. After this all
# entries count as followed by nobody: the files that are here are compared with them once more.
RENUMBER = """
DO $$
BEGIN
    IF to_regclass('public.matching_entry') IS NOT NULL AND to_regclass('public.matching_horizon') IS NOT NULL THEN
        ALTER TABLE public.matching_entry DISABLE TRIGGER matching_stamp;
        UPDATE public.matching_entry SET transaction = 0;
        ALTER TABLE public.matching_entry ENABLE TRIGGER matching_stamp;
        UPDATE public.matching_horizon SET transaction = 0, entry = 0;
    END IF;
END
$$;
"""


class BackupRefused(Exception):
    """A backup or a restore cannot be done; the message says why."""


@dataclass
class Manifest:
    """What one backup consists of."""

    format: int
    made_at: str
    pieces: list[str] = field(default_factory=list)  # SHA-256 of each piece of the dump, in order
    files: dict[str, str] = field(default_factory=dict)  # vault locator -> SHA-256 of the stored (encrypted) bytes
    keys: dict[str, str] = field(default_factory=dict)  # path below keys/ -> SHA-256
    tree_head: str = ""  # the latest signed tree head, to compare after a restore


@dataclass(frozen=True)
class Done:
    """What a backup or restore did."""

    manifest: Path
    pieces: int
    new_pieces: int
    files: int
    new_files: int
    bytes_written: int


def backup(env: Environment, target: Path, *, store: Store, tree_head: str, at: datetime) -> Done:
    """Write a backup of ``env`` into ``target``. Raises BackupRefused."""
    target.mkdir(parents=True, exist_ok=True, mode=0o700)
    target.chmod(0o700)
    writer = _Writer(target)
    manifest = Manifest(_FORMAT, clock.stamp(at), tree_head=tree_head)
    with _dump(env) as dump:
        manifest.pieces = [writer.piece(piece) for piece in _pieces(dump)]
    new_pieces = writer.written
    for locator in _locators():
        manifest.files[locator] = writer.file(locator, store.open(locator))
    new_files = writer.written - new_pieces
    for path in sorted(p for p in env.keys.rglob("*") if p.is_file()):
        name = str(path.relative_to(env.keys))
        manifest.keys[name] = writer.key(name, path.read_bytes())
    made = target / f"backup-{at:%Y%m%dT%H%M%SZ}.json"
    _write(made, json.dumps(asdict(manifest), indent=1).encode())
    return Done(made, len(manifest.pieces), new_pieces, len(manifest.files), new_files, writer.size)


def restore(env: Environment, source: Path, *, make_store: Callable[[], Store]) -> Done:
    """Bring the latest backup in ``source`` (or the manifest it names) into an empty home.

    Every piece is checked against its digest before anything is trusted. Raises BackupRefused.
    """
    chosen = source if source.is_file() else max(source.glob("backup-*.json"), default=None)
    if chosen is None:
        raise BackupRefused(f"{source} holds no backup.")
    if env.home.exists() and any(env.home.iterdir()):
        raise BackupRefused(f"{env.home} is not empty; restore into an empty home.")
    manifest = Manifest(**json.loads(chosen.read_text()))
    if manifest.format != _FORMAT:
        raise BackupRefused(f"{chosen.name} has format {manifest.format}; this version reads {_FORMAT}.")
    folder = chosen.parent
    _check(folder, manifest)
    for name, digest in manifest.keys.items():
        path = env.keys / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write_all(path, _read(folder / "keys" / digest, digest))
    if env.embedded:
        postgres.ensure_running(env.home)
    _load(env, (zlib.decompress(_read_piece(folder, digest)) for digest in manifest.pieces))
    _load(env, [RENUMBER.encode()])  # on its own: rows of one's own transaction would have their keys checked again
    store, size = make_store(), 0
    for locator, digest in manifest.files.items():
        if store.size(locator) is None:
            out = store.create(locator)
            for chunk in _read(folder / "vault" / locator[:2] / locator, digest):
                out.write(chunk)
                size += len(chunk)
            out.commit()
    return Done(chosen, len(manifest.pieces), len(manifest.pieces), len(manifest.files), len(manifest.files), size)


def _locators() -> Iterator[str]:
    from nightlight.trust.evidence.models import Blob

    yield from Blob.objects.order_by("id").values_list("locator", flat=True).iterator()


class _Writer:
    def __init__(self, target: Path) -> None:
        self.target, self.written, self.size = target, 0, 0
        earlier = max(target.glob("backup-*.json"), default=None)
        self.known: dict[str, str] = json.loads(earlier.read_text())["files"] if earlier else {}

    def piece(self, piece: bytes) -> str:
        digest = hashlib.sha256(piece).hexdigest()
        self._put(self.target / "pieces" / digest[:2] / digest, lambda: zlib.compress(piece, 3))
        return digest

    def file(self, locator: str, chunks: Iterable[bytes]) -> str:
        """Copy a stored (encrypted) file, never holding more than a chunk of it; return its SHA-256."""
        path = self.target / "vault" / locator[:2] / locator
        if path.exists() and locator in self.known:  # stored files never change under a locator
            return self.known[locator]
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        digest = hashlib.sha256()
        self.size += _write_all(path, _hashed(chunks, digest))
        self.written += 1
        return digest.hexdigest()

    def key(self, name: str, body: bytes) -> str:
        digest = hashlib.sha256(body).hexdigest()
        self._put(self.target / "keys" / digest, lambda: body)
        return digest

    def _put(self, path: Path, body: Callable[[], bytes]) -> None:
        if path.exists():
            return
        data = body()
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write(path, data)
        self.written += 1
        self.size += len(data)


def _write(path: Path, body: bytes) -> None:
    _write_all(path, [body])


def _write_all(path: Path, chunks: Iterable[bytes]) -> int:
    """Write a file whole or not at all, readable by its owner only; return its size."""
    fresh, size = path.with_name(f".{path.name}.part"), 0
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as out:
        for chunk in chunks:
            size += out.write(chunk)
        out.flush()
        os.fsync(out.fileno())
    fresh.rename(path)
    return size


def _hashed(chunks: Iterable[bytes], digest: hashlib._Hash) -> Iterator[bytes]:
    for chunk in chunks:
        digest.update(chunk)
        yield chunk


def _read(path: Path, digest: str) -> Iterator[bytes]:
    """Yield a file's bytes. Raises BackupRefused at its end unless they are those of ``digest``."""
    actual = hashlib.sha256()
    if path.exists():
        with path.open("rb") as handle:
            yield from _hashed(iter(lambda: handle.read(_CHUNK), b""), actual)
    if actual.hexdigest() != digest:
        raise BackupRefused(f"{path} is missing or damaged.")


def _read_piece(folder: Path, digest: str) -> bytes:
    path = folder / "pieces" / digest[:2] / digest
    try:
        packed = path.read_bytes()
        sound = hashlib.sha256(zlib.decompress(packed)).hexdigest() == digest
    except (OSError, zlib.error):
        sound = False
    if not sound:
        raise BackupRefused(f"{path} is missing or damaged.")
    return packed


def _check(folder: Path, manifest: Manifest) -> None:
    for digest in manifest.pieces:
        _read_piece(folder, digest)
    for locator, digest in manifest.files.items():
        _look_at(folder / "vault" / locator[:2] / locator, digest)
    for digest in manifest.keys.values():
        _look_at(folder / "keys" / digest, digest)


def _look_at(path: Path, digest: str) -> None:
    for _ in _read(path, digest):
        pass


def _pieces(lines: IO[bytes]) -> Iterator[bytes]:
    held: list[bytes] = []
    size = 0
    for line in lines:
        held.append(line)
        size += len(line)
        if size >= _LARGEST or not zlib.crc32(line) & _CUT_MASK:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)


@contextlib.contextmanager
def _dump(env: Environment) -> Iterator[IO[bytes]]:
    """Yield the lines of a dump of the database, taken in one snapshot. Raises BackupRefused."""
    with subprocess.Popen(  # noqa: S603 - our own command
        # What is in unlogged tables is for the hour: how often an address told something is in no backup.
        [str(postgres.bin_folder() / "pg_dump"), "--no-unlogged-table-data", "--no-password", "--dbname", _owner(env)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        if process.stdout is None or process.stderr is None:
            raise BackupRefused("The database could not be dumped: no output.")
        yield process.stdout
        said = process.stderr.read().decode()
        if process.wait():
            raise BackupRefused(f"The database could not be dumped: {said[-400:]}")


def _load(env: Environment, pieces: Iterable[bytes]) -> None:
    command = [str(postgres.bin_folder() / "psql"), "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1"]
    process = subprocess.Popen(  # noqa: S603 - our own command
        [*command, "--single-transaction", "--no-password", "--output", os.devnull, "--dbname", _owner(env)],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None  # noqa: S101 - asked for above
    try:
        for piece in pieces:
            process.stdin.write(piece)
    except BrokenPipeError:
        pass  # psql says below what it did not like
    _, complaint = process.communicate()
    if process.returncode:
        raise BackupRefused(f"The database could not be loaded: {complaint.decode()[-400:]}")


def _owner(env: Environment) -> str:
    if env.embedded:
        return postgres.url(env.home, role=postgres.SUPERUSER)
    return env.database_owner_url or env.database_url
