# SPDX-License-Identifier: Apache-2.0
"""The index of lists as the processes of this machine share it: flat files, and what changed since they were built.

Every change of an entry bears the number of its transaction. A base is built from all entries that stand, and knows
which transactions were still open or had not begun then; whatever was written by one of them is read beside it. So a
new or withdrawn entry counts from the next look-up after its commit, and nothing has to be told to anybody. Another
transaction that stays open for hours changes nothing in this.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from django.conf import settings
from django.db import connection

from nightlight.foundation import pdq
from nightlight.foundation.refusals import Conflict
from nightlight.pipeline.matching import rules
from nightlight.pipeline.matching.index import store
from nightlight.pipeline.matching.index.files import IndexDamaged, SourceDigest
from nightlight.pipeline.matching.index.known import Known
from nightlight.pipeline.matching.index.overlay import LENGTHS, WITHDRAWN
from nightlight.pipeline.matching.index.overlay import Entry as Row

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from nightlight.pipeline.matching.index.known import Generation

DUE = 20_000  # changes from which the base is built anew, in the background
AT_ONCE = 100_000  # changes from which it is built at once: reading so many beside it would cost more
WAIT = 300.0  # seconds for another process to end its build
_FRAME = 40  # a frame of a film stands in the index under the key of its entry and its own number above this bit
_ROWS = 20_000
# The asking transaction is not in its own snapshot, but it may write more.
_SNAPSHOT = """
SELECT pg_snapshot_xmin(s)::text::bigint, pg_snapshot_xmax(s)::text::bigint,
    array(SELECT x::text::bigint FROM pg_snapshot_xip(s) x), pg_current_xact_id_if_assigned()::text::bigint
FROM pg_current_snapshot() s
"""
_CHANGES = """
SELECT id, withdrawn, md5, sha1, sha256, pdq, frames FROM matching_entry
WHERE transaction >= %s OR transaction = ANY(%s::bigint[]) LIMIT %s
"""
_STANDING = "SELECT id, false, md5, sha1, sha256, pdq, frames FROM matching_entry WHERE NOT withdrawn ORDER BY id"


class Snapshot(NamedTuple):
    """Which transactions had ended: all below ``oldest``, and those below ``following`` that are not in ``open``."""

    oldest: int
    following: int
    open: tuple[int, ...]


_NEVER = Snapshot(0, 0, ())


class _Here:
    """What this process has mapped, and as of when it has read the changes since."""

    lock = threading.Lock()
    known = Known()
    path: Path | None = None
    horizon = _NEVER


def folder() -> Path:
    """Where the files of the index lie."""
    return Path(settings.ENVIRONMENT.home) / "hashes"


def entry_of(number: int) -> int:
    """Return the key of the entry that a number of the index belongs to."""
    return number & ((1 << _FRAME) - 1)


def is_frame(number: int) -> bool:
    """Whether a number of the index is that of a film's frame."""
    return number >> _FRAME > 0


def refresh() -> Known:
    """Return what is known as of now: the newest base, and every change that was committed before the call.

    Builds the base where there is none or too much changed. Raises the database's errors, OSError for want of room.
    """
    with _Here.lock:
        path = folder()
        if _Here.path != path:
            _Here.path, _Here.known, _Here.horizon = path, Known(), _NEVER
        kept = store.Folder(path)
        known = _Here.known
        base, since = known.generation, _Here.horizon
        if _newer(path, base) and (mapped := _mapped(kept)) is not None:
            base, since = mapped, _shown(mapped)
        now = snapshot()  # before the changes are read: what commits meanwhile is read again next time
        foreign = since.following > now.following  # numbers of another cluster: the database was loaded from a dump
        changes = None if base is None or foreign else _changes(since, AT_ONCE)
        if changes is None:
            base = _built(kept, None if foreign else base)
            now = snapshot()
            changes = _changes(_shown(base), AT_ONCE)
        if changes is None:  # a whole list was committed while another process built
            base = build()
            now = snapshot()
            changes = _changes(_shown(base), 1 << 40) or {}
        assert base is not None  # noqa: S101 - for the type checker
        if base is known.generation:
            known.apply(changes)
        else:
            known.replace_base(base, changes)
        _Here.horizon = now
        return known


def exact(known: Known, asked: Mapping[str, Sequence[bytes]]) -> set[tuple[int, int]]:
    """Return which of the files asked for by digests, one of each kind for each, may be which entry."""
    found: set[tuple[int, int]] = set()
    for kind, digests in asked.items():
        if digests:
            rows = np.frombuffer(b"".join(digests), np.uint8).reshape(-1, LENGTHS[kind])
            which, ids = known.exact_many(kind, rows)
            found.update(zip(which.tolist(), ids.tolist(), strict=True))
    return found


def near(known: Known, asked: Sequence[bytes]) -> set[tuple[int, int]]:
    """Return which of the hashes asked for may lie within ``rules.RADIUS`` of which number of the index."""
    if not asked:
        return set()
    hits = known.near(np.frombuffer(b"".join(asked), np.uint8).reshape(-1, pdq.BYTES), rules.RADIUS)
    return set(zip(hits.query.tolist(), hits.id.tolist(), strict=True))


def build() -> Generation:
    """Build the base from the database and let it count for every process of this machine. Raises Conflict, OSError."""
    kept = store.Folder(folder())
    now = snapshot()  # before the rows are read: what commits meanwhile is in the base or read beside it, or both
    made = kept.build(_standing(), since=now.following, xip=now.open)
    with suppress(Conflict):  # another process builds already; it sweeps
        kept.sweep()
    return made


def build_if_due() -> bool:
    """Build the base where much has changed since it was built; return whether it was."""
    known = refresh()
    if len(known.overlay) < DUE:
        return False
    try:
        build()
    except Conflict:  # another process of this machine does
        return False
    refresh()
    return True


@dataclass(frozen=True, slots=True)
class Verified:
    """Whether what is served is what the database says, and in words what was looked at and what was wrong."""

    ok: bool
    lines: tuple[str, ...]


def verify() -> Verified:
    """Hold the index to the database: every entry that stands is found, and the files are what they were built from."""
    known = refresh()
    generation = known.generation
    assert generation is not None  # noqa: S101 - refresh() has built one
    wrong: list[str] = []
    digests = {kind: SourceDigest() for kind in LENGTHS}
    counts = dict.fromkeys(LENGTHS, 0)
    missing = 0
    frames: list[
        tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]
    ] = []  # their numbers lie above all others: they come last
    for batch in _standing():
        for kind, (ids, values) in batch.items():
            counts[kind] += len(ids)
            if len(ids):
                of_frame = ids >> _FRAME > 0
                digests[kind].add(ids[~of_frame], values[~of_frame])
                frames += [(ids[of_frame], values[of_frame])] if of_frame.any() else []
                missing += _missing(known, kind, ids, values)
    if frames:
        ids, values = (np.concatenate(column) for column in zip(*frames, strict=True))
        digests["pdq"].add(ids[np.argsort(ids)], values[np.argsort(ids)])
    if missing:
        wrong.append(f"{missing} fingerprints of entries that stand are not found")
    if not len(known.overlay):
        for kind, count in counts.items():
            if count != generation.counts[kind]:
                wrong.append(f"{kind}: {generation.counts[kind]} in the index, {count} in the database")
            elif digests[kind].hexdigest() != generation.sources[kind]:
                wrong.append(f"{kind}: the index was built from other values than the database has")
    try:
        generation.verify()
    except IndexDamaged as damaged:
        wrong.append(str(damaged))
    told = ", ".join(f"{count} {kind}" for kind, count in counts.items())
    beside = f"{len(known.overlay)} changes since it was built are read beside it"
    return Verified(not wrong, (f"{told} stand on lists; generation {generation.number}; {beside}", *wrong))


def _missing(known: Known, kind: str, ids: np.ndarray[Any, Any], values: np.ndarray[Any, Any]) -> int:
    if kind == "pdq":
        hits = known.near(values, 0)
        which, found = hits.query, hits.id
    else:
        which, found = known.exact_many(kind, values)
    there = set(zip(which.tolist(), found.tolist(), strict=True))
    return sum((place, number) not in there for place, number in enumerate(ids.tolist()))


def _newer(path: Path, generation: Generation | None) -> bool:
    """Whether another base counts than the one that is mapped."""
    try:
        name = (path / "current").read_text("ascii").strip()
    except (FileNotFoundError, UnicodeDecodeError):
        return True
    return generation is None or generation.folder.name != name


def _mapped(kept: store.Folder) -> Generation | None:
    """The base that counts; None where there is none that serves: it can be built again from the database."""
    try:
        generation = kept.current()
    except IndexDamaged:
        return None
    if generation is None or generation.since > snapshot().following:  # the latter: built from another cluster
        return None
    generation.pairs.warm()  # the first questions would wait for the disk, page by page
    return generation


def _built(kept: store.Folder, old: Generation | None) -> Generation:
    """Build, or wait for what another process of this machine builds just now. Raises Conflict after ``WAIT``."""
    try:
        return build()
    except Conflict:
        kept.wait(WAIT)
    made = _mapped(kept)
    if made is None or (old is not None and made.folder == old.folder):  # it failed, or only swept
        return build()
    return made


def _shown(generation: Generation) -> Snapshot:
    return Snapshot(min((generation.since, *generation.xip)), generation.since, generation.xip)


def snapshot() -> Snapshot:
    """Which transactions have ended as of now; one that is not among them may still write, this one too."""
    with connection.cursor() as cursor:
        cursor.execute(_SNAPSHOT)
        oldest, following, others, own = cursor.fetchone()
    return Snapshot(oldest, following, (*others, *([own] if own is not None else [])))


def _changes(since: Snapshot, most: int) -> dict[int, Row] | None:
    """What was written by transactions that had not ended, by number of the index; None for ``most`` and more."""
    with connection.cursor() as cursor:
        cursor.execute(_CHANGES, [since.following, list(since.open), most])
        rows = cursor.fetchall()
    if len(rows) >= most:
        return None
    found: dict[int, Row] = {}
    for row in rows:
        found.update({row[0]: WITHDRAWN} if row[1] else _numbered(row))
    return found


def _numbered(row: Sequence[Any]) -> Iterator[tuple[int, Row]]:
    """An entry and the frames of its film, each under its number of the index."""
    number, _withdrawn, md5, sha1, sha256, picture, frames = row
    yield number, Row(*(None if value is None else bytes(value) for value in (md5, sha1, sha256, picture)))
    for place, frame in enumerate(rules.hashes(bytes(frames)), 1):
        yield place << _FRAME | number, Row(pdq=frame)


def _standing() -> Iterator[store.Batch]:
    """Every entry that stands, in batches; read in one statement, so as of one moment."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(_STANDING)
        while rows := cursor.fetchmany(_ROWS):
            yield store.batch(pair for row in rows for pair in _numbered(row))
