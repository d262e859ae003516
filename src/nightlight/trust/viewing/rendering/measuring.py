# SPDX-License-Identifier: Apache-2.0
"""What the decoders find when a file is measured and not shown: the perceptual fingerprints of its frames.

Only the child process imports this module and the decoders. A picture is measured as it is stored, as the published
program does it: a note that it must be turned (EXIF) is not followed, since the hashes of the turned picture come back
as well. HEIF is the exception, because its decoder turns the picture itself. What is transparent counts as it would
look without transparency, also as there.
"""

from __future__ import annotations

import time
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image

from nightlight.foundation import pdq
from nightlight.trust.viewing.rendering.decoders import eight_bits

if TYPE_CHECKING:
    from nightlight.trust.viewing.rendering.terms import Limits

SHARE = 0.7  # of the processor time: what was found until then is worth more than a refusal
_LEAST_SIDE = 512  # pixels that a JPEG is decoded to: eight for each place that a fingerprint looks at
_GREY_FROM = (
    256  # pixels; in a smaller one the colours are decoded, since few pixels do not average out what they change
)
_FINE = 4096  # pixels up to which the grey is worked out without rounding; few of them do not average it out
_RED, _GREEN, _BLUE = 0.299, 0.587, 0.114  # ITU-R BT.601, as in the published program
_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "I", "I;16")


@dataclass(frozen=True)
class FrameFound:
    """One frame: its time, how telling it is, and its hashes one after the other."""

    at: float | None
    quality: int
    hashes: bytes


@dataclass(frozen=True)
class Found:
    """What was found in a file; ``seen`` counts the frames that were decoded."""

    width: int
    height: int
    duration: float | None
    seen: int
    frames: tuple[FrameFound, ...]


def still(image: Image.Image, size: tuple[int, int]) -> Found:
    """What is found in a single picture; ``size`` is the one it had before it was decoded smaller."""
    return Found(*size, duration=None, seen=1, frames=(frame(image, size=size),))


def frame(image: Image.Image, *, size: tuple[int, int] | None = None, at: float | None = None) -> FrameFound:
    """Return the fingerprint of a decoded picture in its eight orientations."""
    found = pdq.of_luma(luma_of(image), original_size=size)
    return FrameFound(at, found.quality, b"".join(found.dihedral))


def draft(image: Image.Image) -> None:
    """Have a JPEG decoded grey, and at a smaller scale, where it is large enough to look the same.

    Measured: drawn text and noise differ in up to 4 bits with this scale, in up to 20 with the next smaller one, which
    would save a twentieth of the time: most of it goes into reading the numbers, at any scale.
    """
    if min(image.size) >= _GREY_FROM:
        image.draft("L", (_LEAST_SIDE, _LEAST_SIDE))


def luma_of(image: Image.Image) -> memoryview[int] | memoryview[float]:
    """Return the grey of a picture as ``pdq.of_luma`` takes it: bytes, or doubles for a very small one.

    Colours are weighted as the published program weights them. That program takes the first three bands of whatever
    is stored; where they are not red, green and blue (CMYK, a colour table), the picture that they stand for is taken.
    """
    image = eight_bits(image)
    width, height = image.size
    if image.mode != "L" and width * height <= _FINE:
        data = image.convert("RGB").tobytes()
        grey = (
            _RED * red + _GREEN * green + _BLUE * blue
            for red, green, blue in zip(data[::3], data[1::3], data[2::3], strict=True)
        )
        return memoryview(memoryview(array("d", grey)).cast("B")).cast("d", (height, width))
    grey_image = image if image.mode == "L" else image.convert("L")
    return memoryview(grey_image.tobytes()).cast("B", (height, width))


def until(limits: Limits, share: float = SHARE) -> float:
    """Return what ``time.process_time`` says when a share of the processor time has gone by from now on."""
    return time.process_time() + limits.cpu_seconds * share


def prepare(limits: Limits) -> None:
    """Load what will be needed while files can still be read, by measuring a picture of nothing in each mode."""
    Image.MAX_IMAGE_PIXELS = limits.pixels  # for what Pillow decodes inside a file; we check the outside
    for mode in _MODES:
        for side in (8, 2 * pdq.BITS):
            frame(Image.new(mode, (side, side)))
