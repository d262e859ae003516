# SPDX-License-Identifier: Apache-2.0
"""Flat files of named arrays, written whole or not at all, opened by mapping them: no array is read before it is used.

Layout: eight bytes of magic, the length of a JSON header (four bytes, little-endian), SHA-256 of that header, the
header; then each array at a multiple of 64 bytes. The header names kind, version, facts, and every array with type,
shape, place.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nightlight.foundation import durable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy.typing as npt

    Array = npt.NDArray[Any]
    Shapes = Mapping[str, tuple[str, tuple[int, ...]]]  # by name: numpy's name of the type, and the shape

MAGIC = b"NLINDEX\x00"
_PREFIX = len(MAGIC) + 4 + 32
_ALIGNED = 64
_POPULATE_READ = 22  # madvise(2); Python has no name for it


class IndexDamaged(Exception):
    """A file of the index cannot be used. ``code``: foreign, version, header, truncated or content."""

    def __init__(self, code: str, path: Path, what: str) -> None:
        super().__init__(f"{path}: {what} [{code}]")
        self.code = code
        self.path = path


@dataclass(frozen=True)
class Plan:
    """What a file is to hold. ``fill`` is given the arrays, all zeroes, and fills them."""

    kind: str
    version: int
    facts: Mapping[str, Any]
    shapes: Shapes
    fill: Callable[[dict[str, Array]], None]


@dataclass(frozen=True)
class Flat:
    """An opened file: facts as written, arrays (read-only views of the mapping) and their places, size in bytes."""

    path: Path
    facts: dict[str, Any]
    arrays: dict[str, Array]
    mapping: mmap.mmap | None
    places: dict[str, int]
    size: int


class SourceDigest:
    """SHA-256 over (id as eight bytes big-endian, then the hash), in ascending id order; batches as they come.

    The same over the rows of a database, streamed in the order of their ids, tells whether a file holds just these.
    """

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._last: int | None = None
        self.count = 0

    def add(self, ids: Array, values: Array) -> None:
        """Take in ids (k,) int64 ascending, above all before, and values (k, width) uint8. ValueError otherwise."""
        if not len(ids):
            return
        if (self._last is not None and int(ids[0]) <= self._last) or bool(np.any(ids[1:] <= ids[:-1])):
            raise ValueError("ids must ascend")
        rows = np.empty((len(ids), 8 + values.shape[1]), np.uint8)
        rows[:, :8] = ids.astype(">i8").view(np.uint8).reshape(-1, 8)
        rows[:, 8:] = values
        self._digest.update(rows.data)
        self._last = int(ids[-1])
        self.count += len(ids)

    def add_one(self, number: int, value: bytes) -> None:
        """Take in one row. ValueError if its id is not above the last one."""
        if self._last is not None and number <= self._last:
            raise ValueError("ids must ascend")
        self._digest.update(number.to_bytes(8, "big", signed=True) + value)
        self._last = number
        self.count += 1

    def hexdigest(self) -> str:
        """Return the digest of everything taken in so far."""
        return self._digest.hexdigest()


def digest_of(ids: Array, values: Array, block: int = 1 << 18) -> str:
    """SHA-256 as in ``SourceDigest`` of ids (n,) in any order and values (n, width).

    ValueError if an id comes twice.
    """
    digest = SourceDigest()
    ascending = bool(np.all(ids[1:] > ids[:-1]))
    order = None if ascending else np.argsort(ids, kind="stable")
    for start in range(0, len(ids), block):
        part = slice(start, start + block) if order is None else order[start : start + block]
        digest.add(ids[part], values[part])
    return digest.hexdigest()


def checked(ids: Array, values: Array, width: int) -> tuple[Array, Array]:
    """Hold a caller to ids (n,) from 0, n below 2^32, and values (n, width) uint8, C-contiguous.

    ValueError otherwise.
    """
    ids = np.asarray(ids)
    values = np.asarray(values)
    if ids.ndim != 1 or (len(ids) and ids.dtype.kind not in "iu"):
        raise ValueError("ids must be whole numbers in one dimension")
    if values.dtype != np.uint8 or values.shape != (len(ids), width):
        raise ValueError(f"values must be uint8 of shape ({len(ids)}, {width})")
    if len(ids) >= 1 << 32 or (len(ids) and int(ids.min()) < 0):
        raise ValueError("ids begin at 0, and places have 32 bits")
    return np.ascontiguousarray(ids, np.int64), np.ascontiguousarray(values)


def write(path: Path, plan: Plan) -> None:
    """Write ``path`` by letting the plan fill its arrays (zeroes at first): durable, and in its place only when whole.

    Raises OSError for want of room before the filling begins.
    """
    places, header = _places(plan)
    shapes = plan.shapes
    total = max((at + _bytes(*shapes[name]) for name, at in places.items()), default=_PREFIX + len(header))
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "rb+") as handle:
            os.posix_fallocate(handle.fileno(), 0, total)  # no room must be an error, not a signal while filling
            mapping = mmap.mmap(handle.fileno(), total)  # closed with the last view of it
            mapping[:_PREFIX] = MAGIC + len(header).to_bytes(4, "little") + hashlib.sha256(header).digest()
            mapping[_PREFIX : _PREFIX + len(header)] = header
            plan.fill(_views(mapping, shapes, places))
            mapping.flush()
            os.fsync(handle.fileno())
        draft.replace(path)
        durable.sync_folder(path.parent)
    finally:
        draft.unlink(missing_ok=True)


def in_memory(plan: Plan) -> Flat:
    """What ``write`` and then ``read`` would give, without a file."""
    arrays = {name: np.zeros(shape, dtype) for name, (dtype, shape) in plan.shapes.items()}
    plan.fill(arrays)
    return Flat(Path("(memory)"), dict(plan.facts), arrays, None, {}, sum(array.nbytes for array in arrays.values()))


def read(path: Path, kind: str, version: int) -> Flat:
    """Map a file that ``write`` wrote. Raises FileNotFoundError, or IndexDamaged if it is not that, whole."""
    with path.open("rb") as handle:
        size = os.fstat(handle.fileno()).st_size
        if size < _PREFIX:
            raise IndexDamaged("truncated", path, f"{size} bytes are no index")
        mapping = mmap.mmap(handle.fileno(), size, access=mmap.ACCESS_READ)
    if mapping[: len(MAGIC)] != MAGIC:
        raise IndexDamaged("foreign", path, "this is not a file of ours")
    length = int.from_bytes(mapping[len(MAGIC) : len(MAGIC) + 4], "little")
    body = mapping[_PREFIX : _PREFIX + length]
    if hashlib.sha256(body).digest() != mapping[len(MAGIC) + 4 : _PREFIX]:
        raise IndexDamaged("header", path, "its header is damaged")
    header = json.loads(body)
    if header["kind"] != kind:
        raise IndexDamaged("foreign", path, f"this is {header['kind']}, not {kind}")
    if header["version"] != version:
        raise IndexDamaged("version", path, f"it is of version {header['version']}, this program reads {version}")
    shapes = {name: (dtype, tuple(shape)) for name, dtype, shape, _ in header["arrays"]}
    places = {name: at for name, _, _, at in header["arrays"]}
    wanted = max((at + _bytes(*shapes[name]) for name, at in places.items()), default=_PREFIX + length)
    if wanted != size:
        raise IndexDamaged("truncated", path, f"it has {size} of {wanted} bytes")
    return Flat(path, header["facts"], _views(mapping, shapes, places), mapping, places, size)


def warm(flat: Flat) -> None:
    """Enter every page of the mapping into this process at once; else each costs its first reader a microsecond."""
    if flat.mapping is not None:
        try:
            flat.mapping.madvise(_POPULATE_READ)
        except OSError:  # an older kernel than 5.14: touch each page
            np.add.reduce(np.frombuffer(flat.mapping, np.uint8)[:: mmap.PAGESIZE], dtype=np.int64)


def address(array: Array) -> int:
    """Where an array's bytes lie in memory, for the compiled core."""
    return int(array.__array_interface__["data"][0])


def _bytes(dtype: str, shape: tuple[int, ...]) -> int:
    return int(np.dtype(dtype).itemsize * np.prod(shape, dtype=np.int64))


def _places(plan: Plan) -> tuple[dict[str, int], bytes]:
    """Where each array lies, and the header that says so. Places move with the header's length, so room is left."""
    listed = [[name, dtype, list(shape), 0] for name, (dtype, shape) in plan.shapes.items()]
    header = {"kind": plan.kind, "version": plan.version, "facts": dict(plan.facts), "arrays": listed}
    at = _PREFIX + len(json.dumps(header)) + 20 * len(listed)
    for row, (dtype, shape) in zip(listed, plan.shapes.values(), strict=True):
        row[3] = at = -(-at // _ALIGNED) * _ALIGNED
        at += _bytes(dtype, shape)
    return {str(row[0]): int(row[3]) for row in listed}, json.dumps(header).encode()  # type: ignore[call-overload]


def _views(mapping: mmap.mmap, shapes: Shapes, places: Mapping[str, int]) -> dict[str, Array]:
    views = {}
    for name, (dtype, shape) in shapes.items():
        many = int(np.prod(shape, dtype=np.int64))
        # Of nothing there is no view.
        flat = np.frombuffer(mapping, dtype, many, places[name]) if many else np.empty(0, dtype)
        views[name] = flat.reshape(shape)
    return views
