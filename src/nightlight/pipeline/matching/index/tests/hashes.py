# SPDX-License-Identifier: Apache-2.0
"""Made-up hashes and the slow, certain answers that the index is held to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nightlight.pipeline.matching.index import pairs

if TYPE_CHECKING:
    from nightlight.pipeline.matching.index.files import Array

Found = set[tuple[int, int, int]]  # query, id, distance


def flipped(chance: np.random.Generator, value: Array, bits: int) -> Array:
    """Flip so many of a hash's bits, chosen by chance."""
    mask = np.zeros(value.size * 8, np.uint8)
    mask[chance.permutation(mask.size)[:bits]] = 1
    return value ^ np.packbits(mask)


def clustered(chance: np.random.Generator, photos: int, crops: int, most: int = 60) -> Array:
    """Hashes as of many crops of few photos: around each photo's hash, nearer and farther; 128 bits set, as PDQ has."""
    rows = []
    for _ in range(photos):
        photo = np.zeros(256, bool)
        photo[chance.permutation(256)[:128]] = True
        for _ in range(crops):
            moved = int(chance.integers(0, most // 2 + 1))
            crop = photo.copy()
            crop[chance.permutation(np.flatnonzero(photo))[:moved]] = False
            crop[chance.permutation(np.flatnonzero(~photo))[:moved]] = True
            rows.append(np.packbits(crop))
    return np.array(rows)


def brute(ids: Array, hashes: Array, queries: Array, radius: int) -> Found:
    """Compare every query with every hash."""
    words, found = hashes.view(np.uint64), set()
    for number, query in enumerate(queries):
        distances = np.bitwise_count(words ^ query.view(np.uint64)).sum(axis=1)
        found |= {(number, int(ids[row]), int(distances[row])) for row in np.flatnonzero(distances <= radius)}
    return found


def triples(hits: pairs.Hits) -> list[tuple[int, int, int]]:
    """An answer as plain numbers, in its own order."""
    return list(zip(hits.query.tolist(), hits.id.tolist(), hits.distance.tolist(), strict=True))


def ways() -> list[tuple[bool, int]]:
    """Every path this machine has: without the compiled core, then plain, AVX2 and AVX-512 as far as they are there."""
    return [(False, 0)] + [(True, level) for level in range(pairs.LEVEL + 1) if pairs.LIBRARY is not None]
