# SPDX-License-Identifier: Apache-2.0
"""Everything that is known behind one face: a generation of base files, and what changed since.

Readers take one look at which generation and which changes count and stay with these until they have answered, so a
swap needs no pause and no answer mixes two states.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .digests import WIDTHS, DigestFile
from .files import IndexDamaged
from .overlay import LENGTHS, Entry, Overlay, merged
from .pairs import FARTHEST, Hits, PairIndex

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from .files import Array

FORMAT = 2
MANIFEST = "manifest.json"
PAIRS = "pdq.index"


@dataclass(frozen=True)
class Generation:
    """Base files built together. ``since`` and ``xip``: what the database was; the builder knows what they mean."""

    folder: Path
    number: int
    since: int
    xip: tuple[int, ...]
    pairs: PairIndex
    digests: Mapping[str, DigestFile]

    @property
    def counts(self) -> dict[str, int]:
        """How many hashes of each kind it holds."""
        return {"pdq": self.pairs.count} | {kind: file.count for kind, file in self.digests.items()}

    @property
    def sources(self) -> dict[str, str]:
        """By kind the digest of what it was built from; ``SourceDigest`` over the database must give the same."""
        return {"pdq": self.pairs.digest} | {kind: file.digest for kind, file in self.digests.items()}

    @classmethod
    def open(cls, folder: Path, *, compiled: bool | None = None) -> Generation:
        """Map its files.

        Raises FileNotFoundError if one is missing, IndexDamaged if one is not as the manifest says.
        """
        path = folder / MANIFEST
        try:
            manifest = json.loads(path.read_bytes())
            if (version := int(manifest["format"])) != FORMAT:
                raise IndexDamaged("version", path, f"it is of format {version}, this program reads {FORMAT}")
            number, since, told = int(manifest["number"]), int(manifest["since"]), dict(manifest["files"])
            xip = tuple(int(number) for number in manifest["xip"])
        except (ValueError, KeyError, TypeError) as wrong:
            raise IndexDamaged("header", path, "its manifest cannot be read") from wrong
        pairs = PairIndex.open(folder / PAIRS, compiled=compiled)
        digests = {kind: DigestFile.open(folder / f"{kind}.index", compiled=compiled) for kind in WIDTHS}
        opened = cls(folder, number, since, xip, pairs, digests)
        if told != opened.told() or any(digests[kind].width != WIDTHS[kind] for kind in WIDTHS):
            raise IndexDamaged("content", path, "its files are not those of its manifest")
        return opened

    def told(self) -> dict[str, dict[str, str | int]]:
        """What the manifest says of its files."""
        return {kind: {"count": count, "digest": self.sources[kind]} for kind, count in self.counts.items()}

    def verify(self) -> None:
        """Read every file and hold it to itself. Raises IndexDamaged (content)."""
        self.pairs.verify()
        for file in self.digests.values():
            file.verify()


class Known:
    """What is known. Any number of threads may ask while one follows the database and changes it."""

    def __init__(self, generation: Generation | None = None) -> None:
        self._state: tuple[Generation | None, Overlay] = (generation, Overlay())
        self._changing = threading.Lock()

    @property
    def generation(self) -> Generation | None:
        """The base that counts now."""
        return self._state[0]

    @property
    def overlay(self) -> Overlay:
        """What changed since that base."""
        return self._state[1]

    def apply(self, changes: Mapping[int, Entry]) -> None:
        """Let changes count, all at once: by id the entry as it is now, ``WITHDRAWN`` for one that is no more."""
        with self._changing:
            generation, overlay = self._state
            self._state = (generation, overlay.changed(changes))

    def replace_base(self, generation: Generation, changes: Mapping[int, Entry] | None = None) -> None:
        """Let another base count, with all ``changes`` since it.

        What was applied before is forgotten in the same moment.

        Call it from the thread that applies changes, with all that the database has after ``generation.since``.
        """
        overlay = Overlay().changed(changes or {})
        with self._changing:
            self._state = (generation, overlay)

    def near(self, queries: Array, radius: int = FARTHEST) -> Hits:
        """All known within ``radius`` bits of each of the queries (m, 32) uint8; as ``PairIndex.search``."""
        generation, overlay = self._state
        base = [] if generation is None else [overlay.rest(generation.pairs.search(queries, radius))]
        return merged([*base, overlay.near(queries, radius)])

    def exact(
        self, *, md5: bytes | None = None, sha1: bytes | None = None, sha256: bytes | None = None
    ) -> dict[str, list[int]]:
        """The ids that have each digest asked for, by its kind, ascending. ValueError for a wrong length."""
        generation, overlay = self._state
        asked = {"md5": md5, "sha1": sha1, "sha256": sha256}
        return {kind: _exact(generation, overlay, kind, digest) for kind, digest in asked.items() if digest is not None}

    def exact_many(self, kind: str, digests: Array) -> tuple[Array, Array]:
        """Look up digests (m, width) uint8 of one kind: which of them, and the id (int64 both), ascending by both."""
        generation, overlay = self._state
        which, ids = np.empty(0, np.int64), np.empty(0, np.int64)
        if generation is not None:
            which, ids = generation.digests[kind].find(digests)
        if not len(overlay):
            return which, ids
        base = ((w, i) for w, i in zip(which.tolist(), ids.tolist(), strict=True) if i not in overlay)
        changed = ((w, i) for w, row in enumerate(digests) for i in overlay.exact(kind, row.tobytes()))
        pairs = np.array(sorted([*base, *changed]), np.int64).reshape(-1, 2)
        return pairs[:, 0], pairs[:, 1]


def _exact(generation: Generation | None, overlay: Overlay, kind: str, digest: bytes) -> list[int]:
    if len(digest) != LENGTHS[kind]:
        raise ValueError(f"{kind} has {LENGTHS[kind]} bytes, not {len(digest)}")
    base = [] if generation is None else generation.digests[kind].find_one(digest)
    return sorted([number for number in base if number not in overlay] + overlay.exact(kind, digest))
