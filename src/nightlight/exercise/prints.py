# SPDX-License-Identifier: Apache-2.0
"""What hash lists say of a file of the exercise: its digests and the perceptual fingerprint of the picture."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache

from nightlight.exercise.patterns import Format, Picture, draw, rows_of
from nightlight.foundation import pdq

_BROKEN = (Format.EMPTY, Format.TRUNCATED, Format.TEXT_AS_JPEG)
_MOST = 20_000
_FINE = 4096  # pixels up to which grey is not rounded; so is the grey of whoever receives the file


@dataclass(frozen=True, slots=True)
class Digests:
    """The digests of a file, as raw bytes."""

    md5: bytes
    sha1: bytes
    sha256: bytes


@lru_cache(maxsize=_MOST)
def digests(picture: Picture) -> Digests:
    """Return the digests of the file that the recipe makes."""
    data = draw(picture)
    return Digests(
        hashlib.md5(data, usedforsecurity=False).digest(),
        hashlib.sha1(data, usedforsecurity=False).digest(),
        hashlib.sha256(data).digest(),
    )


@lru_cache(maxsize=_MOST)
def fingerprint(picture: Picture) -> pdq.Fingerprint | None:
    """Return what the picture looks like in PDQ; None for a broken file. Grey by ITU-R BT.601."""
    import numpy as np

    if picture.format in _BROKEN:
        return None
    colours = np.frombuffer(b"".join(rows_of(picture)), np.uint8).reshape(picture.height, picture.width, 3)
    if picture.format is Format.GIF:
        colours = np.repeat(colours[:, :, 1:2] & 0xFE, 3, axis=2)  # 128 greys, of the green (see patterns)
    red, green, blue = (colours[:, :, band].astype(np.float64) for band in range(3))
    grey = 0.299 * red + 0.587 * green + 0.114 * blue
    if picture.width * picture.height > _FINE:
        # In 65536ths, as image libraries round it.
        whole = colours.astype(np.uint32) @ np.array([19595, 38470, 7471], np.uint32)
        return pdq.of_luma(((whole + 0x8000) >> 16).astype(np.uint8))
    return pdq.of_luma(grey)
