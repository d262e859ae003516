# SPDX-License-Identifier: Apache-2.0
"""Pictures to be compared: spots, shapes, noise and a page of a calendar; and what ours and the peer say of them."""

from __future__ import annotations

import calendar
import io
import random
from typing import TYPE_CHECKING

import pytest
from PIL import Image, ImageDraw

from nightlight.foundation import pdq
from nightlight.trust.viewing.rendering import stills
from nightlight.trust.viewing.rendering.terms import DEFAULT, Kind
from nightlight.trust.viewing.tests import files

if TYPE_CHECKING:
    from collections.abc import Callable


def spots(width: int, height: int, seed: int = 1) -> Image.Image:
    """Soft spots of several sizes in soft colours; no symmetry."""
    dice = random.Random(seed)

    def band(scales: tuple[tuple[int, float], ...]) -> Image.Image:
        total = Image.new("L", (width, height), 128)
        for count, strength in scales:
            size = max(2, count * width // min(width, height)), max(2, count * height // min(width, height))
            small = Image.frombytes("L", size, dice.randbytes(size[0] * size[1]))
            soft = small.resize((width, height), Image.Resampling.BICUBIC)
            total = Image.blend(total, soft, strength)
        return total

    light = band(((60, 0.3), (17, 0.4), (5, 0.6)))
    return Image.merge("YCbCr", [light, band(((4, 0.3),)), band(((4, 0.3),))]).convert("RGB")


def pattern(width: int, height: int, seed: int) -> Image.Image:
    """Flat shapes with hard edges, over a slope."""
    dice = random.Random(seed)
    image = files.gradient(width, height)
    pen = ImageDraw.Draw(image)
    for _ in range(14):
        left, top = dice.randrange(width), dice.randrange(height)
        box = (left, top, left + dice.randrange(1, width // 2 + 2), top + dice.randrange(1, height // 2 + 2))
        colour = tuple(dice.randrange(30, 226) for _ in range(3))
        (pen.ellipse if dice.random() < 0.5 else pen.rectangle)(box, fill=colour)
    return image


def page(width: int, height: int, seed: int) -> Image.Image:
    """A month of a calendar, written large."""
    image = Image.new("RGB", (width, height), "ivory")
    lines = calendar.month(2026, 1 + seed % 12)
    ImageDraw.Draw(image).multiline_text((width // 20, height // 20), lines, "navy", font_size=max(8, width // 12))
    return image


def noise(width: int, height: int, seed: int) -> Image.Image:
    bands = [
        Image.frombytes("L", (width, height), random.Random(seed + band).randbytes(width * height))
        for band in (0, 1, 2)
    ]
    return Image.merge("RGB", bands)


MAKERS: dict[str, Callable[[int, int, int], Image.Image]] = {
    "spots": spots,
    "pattern": pattern,
    "page": page,
    "noise": noise,
}


def in_this_process(data: bytes, kind: Kind) -> tuple[bytes, int, tuple[bytes, ...]]:
    """Hash, quality and turned hashes by the decoder that the child runs."""
    frame = stills.measure(io.BytesIO(data), kind, DEFAULT).frames[0]
    hashes = tuple(frame.hashes[at : at + pdq.BYTES] for at in range(0, len(frame.hashes), pdq.BYTES))
    return hashes[0], frame.quality, hashes


def by_the_peer(data: bytes) -> tuple[bytes, int]:
    hasher = pytest.importorskip(
        "threatexchange.signal_type.pdq.pdq_hasher", reason="the group of peers is not installed", exc_type=ImportError
    )
    written, quality = hasher.pdq_from_bytes(data)
    return pdq.from_hex(written), quality
