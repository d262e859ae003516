# SPDX-License-Identifier: Apache-2.0
"""What changed since the base files were built: entries added, changed or withdrawn, looked at beside the base.

An id that stands here is answered from here alone: what the base says of it is dropped. A change makes a new
``Overlay``; whoever holds the old one sees it as it was. A few thousand recent entries are laid out anew with each
change, the others only when the recent ones have become many, so a change costs milliseconds and a look-up hardly
more than without.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .digests import WIDTHS
from .pairs import FARTHEST, Hits, PairIndex

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .files import Array

LENGTHS = {**WIDTHS, "pdq": 32}  # bytes
_RECENT = 2000


class Entry(NamedTuple):
    """The digests of one entry as bytes, each absent or of its own length; without any it is withdrawn."""

    md5: bytes | None = None
    sha1: bytes | None = None
    sha256: bytes | None = None
    pdq: bytes | None = None

    def check(self) -> None:
        """Raise ValueError if a digest has another length than its kind."""
        for kind, length in LENGTHS.items():
            value = getattr(self, kind)
            if value is not None and len(value) != length:
                raise ValueError(f"{kind} has {length} bytes, not {len(value)}")


WITHDRAWN = Entry()


class _Part:
    """Some entries, laid out for looking up."""

    def __init__(self, entries: Mapping[int, Entry]) -> None:
        self.entries = dict(entries)
        self.by: dict[str, dict[bytes, list[int]]] = {kind: {} for kind in WIDTHS}
        ids, hashes = [], []
        for number, entry in sorted(entries.items()):
            for kind, known in self.by.items():
                if (value := getattr(entry, kind)) is not None:
                    known.setdefault(value, []).append(number)
            if entry.pdq is not None:
                ids.append(number)
                hashes.append(entry.pdq)
        values = np.frombuffer(b"".join(hashes), np.uint8).reshape(-1, 32)
        self.pairs = PairIndex.of(np.array(ids, np.int64), values) if ids else None


class Overlay:
    """Entries by id, never changed itself: ``changed`` returns another. Any number of threads may ask it."""

    def __init__(self) -> None:
        self._settled = self._recent = _Part({})

    def changed(self, changes: Mapping[int, Entry]) -> Overlay:
        """This with ``changes``, all of them or none.

        ValueError if an id is negative or a digest has a wrong length.
        """
        for number, entry in changes.items():
            entry.check()
            if number < 0:
                raise ValueError("ids begin at 0")
        then = Overlay()
        recent = {**self._recent.entries, **changes}
        if len(recent) > _RECENT:
            then._settled = _Part({**self._settled.entries, **recent})
        else:
            then._settled, then._recent = self._settled, _Part(recent)
        return then

    def __len__(self) -> int:
        return len(self._settled.entries.keys() | self._recent.entries.keys())

    def __contains__(self, number: int) -> bool:
        return number in self._recent.entries or number in self._settled.entries

    def exact(self, kind: str, digest: bytes) -> list[int]:
        """The ids whose digest of that kind (md5, sha1, sha256) is this one, ascending."""
        recent = self._recent.entries
        ids = [number for number in self._settled.by[kind].get(digest, ()) if number not in recent]
        return sorted(ids + self._recent.by[kind].get(digest, []))

    def near(self, queries: Array, radius: int = FARTHEST) -> Hits:
        """As ``PairIndex.search``, among the entries here."""
        parts = []
        if self._settled.pairs is not None:
            parts.append(without(self._settled.pairs.search(queries, radius), self._recent.entries))
        if self._recent.pairs is not None:
            parts.append(self._recent.pairs.search(queries, radius))
        return merged(parts)

    def rest(self, hits: Hits) -> Hits:
        """What is left of a base's hits: those whose id does not stand here."""
        return without(without(hits, self._settled.entries), self._recent.entries)


def without(hits: Hits, entries: Mapping[int, Entry]) -> Hits:
    """The hits whose id is not among ``entries``."""
    if not len(hits.id) or not entries:
        return hits
    kept = np.fromiter((number not in entries for number in hits.id.tolist()), bool, len(hits.id))
    return Hits(*(column[kept] for column in hits))


def merged(parts: list[Hits]) -> Hits:
    """Several answers about the same queries as one, in the order of ``Hits``."""
    parts = [part for part in parts if len(part.id)]
    if not parts:
        return Hits(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.uint8))
    if len(parts) == 1:
        return parts[0]
    query, number, distance = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = np.lexsort((number, distance, query))
    return Hits(query[order], number[order], distance[order])
