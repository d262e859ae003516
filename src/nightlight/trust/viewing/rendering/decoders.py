# SPDX-License-Identifier: Apache-2.0
"""What every decoder gives back, and the picture made of it: small, upright, grey if asked, and marked.

Only the child process imports this module and those of the decoders.
"""

from __future__ import annotations

import io
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image, PngImagePlugin  # noqa: F401 - the writer of PNG, loaded while files can still be read

from nightlight.trust.viewing.rendering import watermark
from nightlight.trust.viewing.rendering.terms import Limits, RenditionRefused, Wanted, Why

if TYPE_CHECKING:
    from collections.abc import Iterable

LEAST_WIDTH, LEAST_HEIGHT = 64, 32  # smaller pictures lie on a plate of this size, so that the mark finds room
_PLATE = 128
# Exif 2.32, tag 0x0112: how the picture must be turned to stand upright.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class Raster:
    """A finished picture as lines of pixels, each after the number of its PNG filter. ``channels`` is 1 or 3."""

    width: int
    height: int
    channels: int
    lines: bytes
    at: float | None = None


@dataclass(frozen=True)
class Decoded:
    """What a decoder found in a file."""

    rasters: tuple[Raster, ...]
    duration: float | None = None
    pages: int | None = None


def places(count: int, wanted: Wanted) -> list[int]:
    """Return which of ``count`` frames are wanted: evenly spaced, each in the middle of its share.

    Raises RenditionRefused(no-such-part) for a single frame that a shorter animation does not have.
    """
    shown = min(count, wanted.frames)
    every = [(2 * number + 1) * count // (2 * shown) for number in range(shown)]
    if wanted.frame is None:
        return every
    if wanted.frame >= shown:
        raise RenditionRefused(Why.NO_SUCH_PART)
    return [every[wanted.frame]]


def check_pixels(size: tuple[int, int], most: int) -> None:
    """Refuse a picture of more pixels than allowed, before it is decoded."""
    if size[0] < 1 or size[1] < 1:
        raise RenditionRefused(Why.DAMAGED)
    if size[0] * size[1] > most:
        raise RenditionRefused(Why.TOO_LARGE)


def finish(image: Image.Image, wanted: Wanted, *, orientation: int = 1, at: float | None = None) -> Raster:
    """Make the picture that is shown. Shrinks first: what follows costs no memory to speak of."""
    image = _shrink(image, wanted.size)
    if orientation in _UPRIGHT:
        image = image.transpose(_UPRIGHT[orientation])
    image = _flat(image)
    image = image.convert("L" if wanted.grey else "RGB")
    image = watermark.draw(_on_plate(image, wanted.size), wanted.watermark)
    return Raster(image.width, image.height, len(image.getbands()), _lines(image), at)


def eight_bits(image: Image.Image) -> Image.Image:
    """Return the picture in a mode whose pixels can be averaged: no colour table, and eight bits for each band."""
    if image.mode == "P":
        return image.convert("RGBA" if "transparency" in image.info else "RGB")
    if image.mode == "1":
        return image.convert("L")
    if image.mode.startswith("I"):  # 16 bits: a plain conversion would cut off instead of scaling
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    return image


def _shrink(image: Image.Image, longest: int) -> Image.Image:
    image = eight_bits(image)
    scale = longest / max(image.size)
    if scale >= 1:
        return image.copy()
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)


def _flat(image: Image.Image) -> Image.Image:
    """What is transparent is shown on white."""
    if not (image.mode in ("RGBA", "RGBa", "LA", "La", "PA") or "transparency" in image.info):
        return image
    image = image.convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    white.alpha_composite(image)
    return white


def _on_plate(image: Image.Image, size: int) -> Image.Image:
    width, height = max(image.width, min(size, LEAST_WIDTH)), max(image.height, min(size, LEAST_HEIGHT))
    plate = Image.new(image.mode, (width, height), _PLATE if image.mode == "L" else (_PLATE,) * 3)
    plate.paste(image, ((width - image.width) // 2, (height - image.height) // 2))
    return plate


def _lines(image: Image.Image) -> bytes:
    """Let Pillow choose the filters that make a PNG small, and keep the filtered lines only."""
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=1)
    return zlib.decompress(b"".join(_chunks(file.getvalue(), b"IDAT")))


def _chunks(png: bytes, name: bytes) -> Iterable[bytes]:
    at = 8
    while at < len(png):
        length = int.from_bytes(png[at : at + 4], "big")
        if png[at + 4 : at + 8] == name:
            yield png[at + 8 : at + 8 + length]
        at += length + 12


def prepare(wanted: Wanted, limits: Limits) -> None:
    """Load what will be needed while files can still be read, by making a picture of nothing."""
    Image.MAX_IMAGE_PIXELS = limits.pixels  # for what Pillow decodes inside a file; we check the outside
    for side in (watermark.TILED_FROM, 1):
        finish(Image.new("RGBA", (side, side)), wanted)
