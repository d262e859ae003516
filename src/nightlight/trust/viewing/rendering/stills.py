# SPDX-License-Identifier: Apache-2.0
"""Reads JPEG, PNG, WebP and GIF, with the one decoder that belongs to the format and no other."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, BinaryIO

# TiffImagePlugin reads EXIF; Pillow would load it when it is needed, which is too late.
from PIL import GifImagePlugin, Image, JpegImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin  # noqa: F401

from nightlight.trust.viewing.rendering.decoders import Decoded, Raster, check_pixels, finish, places
from nightlight.trust.viewing.rendering.measuring import Found, FrameFound, draft, frame, still, until
from nightlight.trust.viewing.rendering.terms import (
    MOST_HASHES_OF_AN_ANIMATION,
    Kind,
    Limits,
    RenditionRefused,
    Wanted,
    Why,
)

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

_ORIENTATION = 0x0112
# The classes themselves: Pillow's general opener tries other formats, and other files inside a JPEG.
_READERS: dict[Kind, type[ImageFile]] = {
    Kind.JPEG: JpegImagePlugin.JpegImageFile,
    Kind.PNG: PngImagePlugin.PngImageFile,
    Kind.WEBP: WebPImagePlugin.WebPImageFile,
    Kind.GIF: GifImagePlugin.GifImageFile,
}


def decode(file: BinaryIO, kind: Kind, wanted: Wanted, limits: Limits) -> Decoded:
    """Return the picture, or the wanted frames of an animation with its duration in seconds."""
    image, frames = _opened(file, kind, limits)
    if frames > 1:
        return _animation(image, frames, wanted)
    if wanted.frame:
        raise RenditionRefused(Why.NO_SUCH_PART)
    if kind is Kind.JPEG:  # decodes at a half, a quarter or an eighth of the size; no smaller than asked for
        image.draft("L" if wanted.grey else "RGB", (wanted.size, wanted.size))
    check_pixels(image.size, limits.pixels)
    image.load()
    return Decoded((finish(image, wanted, orientation=_orientation(image)),))


def measure(file: BinaryIO, kind: Kind, limits: Limits) -> Found:
    """Return the fingerprint of the picture, or those of evenly spaced frames of an animation, with the first."""
    image, frames = _opened(file, kind, limits)
    if frames > 1:
        return _measured_animation(image, frames, limits)
    size = image.size
    if kind is Kind.JPEG:
        draft(image)
    check_pixels(image.size, limits.pixels)
    image.load()
    return still(image, size)


def _opened(file: BinaryIO, kind: Kind, limits: Limits) -> tuple[ImageFile, int]:
    """The picture, not yet decoded, and how many frames it has."""
    image = _READERS[kind](file)
    check_pixels(image.size, limits.declared_pixels)
    frames = getattr(image, "n_frames", 1)
    if frames > 1:
        check_pixels(image.size, limits.pixels)
    return image, frames


def _animation(image: ImageFile, frames: int, wanted: Wanted) -> Decoded:
    """Frames build on each other, so all are decoded; the limit on time is what ends a long one."""
    chosen = set(places(frames, wanted))
    rasters: list[Raster] = []
    at = 0.0
    for number in range(frames):
        image.seek(number)
        image.load()
        if number in chosen:
            rasters.append(finish(image, wanted, at=round(at, 3)))
        at += float(image.info.get("duration") or 0) / 1000
    return Decoded(tuple(rasters), duration=round(at, 3))


def _measured_animation(image: ImageFile, frames: int, limits: Limits) -> Found:
    """Of an animation that takes too long, what was decoded in time; its duration is unknown then."""
    shown = min(frames, MOST_HASHES_OF_AN_ANIMATION)
    chosen = {number * frames // shown for number in range(shown)}
    found: list[FrameFound] = []
    at, deadline = 0.0, until(limits)
    for number in range(frames):
        image.seek(number)
        image.load()
        if number in chosen:
            found.append(frame(image, at=round(at, 3)))
        at += float(image.info.get("duration") or 0) / 1000
        if time.process_time() > deadline:
            return Found(*image.size, duration=None, seen=number + 1, frames=tuple(found))
    return Found(*image.size, duration=round(at, 3), seen=frames, frames=tuple(found))


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except (ImportError, MemoryError):
        raise
    except Exception:  # a broken note about the picture is no reason not to show the picture
        return 1
