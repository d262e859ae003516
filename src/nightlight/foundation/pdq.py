# SPDX-License-Identifier: Apache-2.0
"""PDQ, the perceptual fingerprint that hash lists of pictures are written in: 256 bits that change little when a
picture is made smaller or compressed again.

Method and constants: "The TMK+PDQF video-hashing algorithm and the PDQ image-hashing algorithm", Facebook, 2019. The
grey picture is blurred twice by a box and 64 * 64 places of it are taken; of their cosine transform the 16 * 16 slowest
waves (without the constant ones) are compared with their median. Blur and choice of places are one linear step along
each side, ``X = A(height) L A(width)^T``, and ``A`` has few numbers that are not zero: that step is applied here at
once, where the published program walks over the whole picture four times.

Of a JPEG it is enough to decode a half, a quarter or an eighth of the size: such a pixel is the average of a block, so
the columns of ``A`` that belong to a block are added up (``original_size``). At most 4 of 256 bits differ as long as
512 pixels are left along the shorter side.

The 64 places do not lie evenly: their middles are rounded down, and windows of an even length reach further to one
side. The published program tells the hashes of a turned picture from the waves of the picture as it stands, and is off
by 10 to 30 bits from the hash of a small picture that really was turned. Here ``A`` itself is mirrored, down and
across: that makes four grids, each the one that the mirrored picture would have, and each of them, read along either
side, makes two of the eight hashes.

Computed by the compiled core where there is one, and else by numpy, with the same bits.
"""

from __future__ import annotations

import ctypes
import string
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from nightlight.foundation import native

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

BYTES, BITS = 32, 256
MATCH_AT_MOST = 31  # bits that differ; the published threshold
MATCH_QUALITY = 50  # below it a picture is too flat for its fingerprint to tell it from others
_DIGITS = frozenset(string.hexdigits)
_GRID, _SIDE = 64, 16
_SMALLEST = 5  # pixels; nothing shorter has a fingerprint
_SCALES = (1, 2, 4, 8)
_FINEST = 2.0**20  # what is smaller than a millionth is rounding, not picture: cut off, so that both paths agree
_MOST_OPERATORS = 64
_NO_MEMORY = -1


class Orientation(IntEnum):
    """How a picture is turned, in the order of ``Fingerprint.dihedral`` and of the published program.

    Rotations go against the clock. ``FLIP_X`` puts the picture upside down (mirrored along the x axis), ``FLIP_Y``
    mirrors left and right, ``FLIP_PLUS`` mirrors along the diagonal from the upper left, ``FLIP_MINUS`` along the
    other one. Each undoes itself, but ``ROTATE_90`` and ``ROTATE_270``, which undo each other.
    """

    ORIGINAL = 0
    ROTATE_90 = 1
    ROTATE_180 = 2
    ROTATE_270 = 3
    FLIP_X = 4
    FLIP_Y = 5
    FLIP_PLUS = 6
    FLIP_MINUS = 7


# For each orientation: do the sides change places, after the picture was put upside down, and mirrored left and right.
_TURNED = (
    (0, 0, 0),
    (1, 0, 1),
    (0, 1, 1),
    (1, 1, 0),
    (0, 1, 0),
    (0, 0, 1),
    (1, 0, 0),
    (1, 1, 1),
)


class NotPdq(ValueError):
    """This is no fingerprint, or nothing one can be made of. ``code`` is one of ``CODES``."""

    CODES = {
        "not-hex": "A PDQ fingerprint is written in the digits 0-9 and a-f.",
        "odd-hex": "A digit is missing: two hexadecimal digits make a byte.",
        "wrong-length": "A PDQ fingerprint has 32 bytes, written as 64 hexadecimal digits.",
        "wrong-luma": "A grey picture is lines of bytes or finite doubles, one for each pixel, at least one.",
        "wrong-size": "The decoded picture is not a whole, a half, a quarter or an eighth of the original size.",
    }

    def __init__(self, code: str) -> None:
        super().__init__(self.CODES[code])
        self.code = code


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a picture looks like: ``hash`` is 32 bytes, ``quality`` 0 to 100, ``dihedral`` the 8 hashes that the picture
    would have if it were turned, in the order of ``Orientation``; the first is ``hash`` itself.

    ``dihedral[k]`` is the hash of the picture turned by k, as if that one had been measured: the same 256 bits, or up
    to 2 others if both were decoded smaller, since other blocks are averaged then. So a copy that someone turned by k
    matches the hash of the unturned picture through its own ``dihedral`` at the orientation that undoes k.

    128 bits of a hash are set, fewer only where waves are equal (symmetric and one-coloured pictures).
    """

    hash: bytes
    quality: int
    dihedral: tuple[bytes, ...]


def of_luma(luma: Any, *, original_size: tuple[int, int] | None = None) -> Fingerprint:  # noqa: ANN401 - any buffer
    """Return the fingerprint of a grey picture.

    ``luma`` is a buffer of unsigned bytes or of doubles (format "B" or "d", 0 to 255) of shape (height, width) without
    gaps, for example a numpy array or ``memoryview(data).cast("B", (height, width))``. ``original_size`` is (width,
    height) of the picture if ``luma`` is a JPEG of that size decoded at a half, a quarter or an eighth, each side
    rounded up. A picture shorter than 5 pixels has an empty hash of quality 0, as in the published program. Raises
    NotPdq(wrong-luma, wrong-size) and MemoryError.
    """
    try:
        view = memoryview(luma)
    except TypeError:
        raise NotPdq("wrong-luma") from None
    shape = view.shape or ()
    if len(shape) != 2 or min(shape) < 1 or view.format not in ("B", "d") or not view.c_contiguous:
        raise NotPdq("wrong-luma")
    height, width = shape
    size = original_size or (width, height)
    scale = _scale((width, height), size)
    if min(size) < _SMALLEST:
        return Fingerprint(bytes(BYTES), 0, (bytes(BYTES),) * len(Orientation))
    hashes, quality = (_compiled or _computed)(view, width, size, scale)
    found = tuple(hashes[at : at + BYTES] for at in range(0, len(hashes), BYTES))
    return Fingerprint(found[0], quality, found)


def _scale(decoded: tuple[int, int], original: tuple[int, int]) -> int:
    for scale in _SCALES:
        if all(-(-whole // scale) == part for whole, part in zip(original, decoded, strict=True)):
            return scale
    raise NotPdq("wrong-size")


def compiled() -> bool:
    """Whether the compiled core does the work."""
    return _compiled is not None


def distance(one: bytes, other: bytes) -> int:
    """Return in how many of 256 bits two hashes differ. Raises NotPdq(wrong-length)."""
    if len(one) != BYTES or len(other) != BYTES:
        raise NotPdq("wrong-length")
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).bit_count()


def from_hex(written: str) -> bytes:
    """Return the 32 bytes of a hash as lists write it, in capitals or not.

    Raises NotPdq(not-hex, odd-hex, wrong-length).
    """
    if not _DIGITS.issuperset(written):
        raise NotPdq("not-hex")
    if len(written) % 2:
        raise NotPdq("odd-hex")
    if len(written) != 2 * BYTES:
        raise NotPdq("wrong-length")
    return bytes.fromhex(written)


def to_hex(hash_: bytes) -> str:
    """Return a hash as 64 lower-case hexadecimal digits, as the published program prints it.

    Raises NotPdq(wrong-length).
    """
    if len(hash_) != BYTES:
        raise NotPdq("wrong-length")
    return hash_.hex()


# --- the compiled path ---


def _bind(library: ctypes.CDLL | None) -> Callable[[memoryview, int, tuple[int, int], int], tuple[bytes, int]] | None:
    """Return the compiled path; None where there is none."""
    function = getattr(library, "nl_pdq_hashes", None)
    if function is None:
        return None
    function.restype = ctypes.c_int
    function.argtypes = [ctypes.c_void_p, ctypes.c_int, *[ctypes.c_int64] * 4, ctypes.c_char_p]

    def through(view: memoryview, width: int, size: tuple[int, int], scale: int) -> tuple[bytes, int]:
        hashes = ctypes.create_string_buffer(BYTES * len(Orientation))
        quality = function(_address(view), view.format == "d", width, size[0], size[1], scale, hashes)
        if quality == _NO_MEMORY:
            raise MemoryError
        if quality < 0:
            raise NotPdq("wrong-luma")
        return hashes.raw, quality

    return through


def _address(view: memoryview) -> Any:  # noqa: ANN401 - whatever ctypes takes for a pointer
    """Something that ctypes passes as the address of the first byte; it keeps the memory alive."""
    if not view.readonly:
        return ctypes.byref(ctypes.c_char.from_buffer(view))
    whole = view.obj
    # Bytes can be pointed at as they are; any other memory that may not be written, ctypes cannot point at.
    data = whole if isinstance(whole, bytes) and len(whole) == view.nbytes else view.tobytes()
    return ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p) if data is whole else ctypes.create_string_buffer(data)


# --- the numpy path ---


@lru_cache(maxsize=_MOST_OPERATORS)
def _operator(length: int, scale: int) -> tuple[tuple[int, Floats], ...]:
    """``A`` for a side of ``length`` pixels in blocks of ``scale``: for each place the first block, and two rows.

    The first row holds the weights of that place, the second those of the opposite place (63 - place) of the mirrored
    side, told in the blocks of the side as it stands, of which the last may be cut short. Both look at about the same
    blocks, so that each is read once.
    """
    import numpy as np

    rows = [_row(length, place) for place in range(_GRID)]
    pairs = []
    for (first, weights), (opposite, others) in zip(rows, reversed(rows), strict=True):
        mirrored = length - opposite - len(others)
        block = min(first, mirrored) // scale
        end = max(first + len(weights), mirrored + len(others))
        both = np.zeros((2, end - block * scale))
        both[0, first - block * scale :][: len(weights)] = weights
        both[1, mirrored - block * scale :][: len(others)] = others[::-1]
        pairs.append((block, np.add.reduceat(both, np.arange(0, both.shape[1], scale), axis=1)))
    return tuple(pairs)


def _row(length: int, place: int) -> tuple[int, Floats]:
    """The first pixel that two blurs carry to a place, and the weights from there on."""
    import numpy as np

    window = -(-length // (2 * _GRID))
    right = (window + 2) // 2 - 1
    left = window - 1 - right
    centre = int((place + 0.5) * length / _GRID)
    first, last = max(0, centre - 2 * left), min(length - 1, centre + 2 * right)
    middles = np.arange(max(0, centre - left), min(length - 1, centre + right) + 1)
    low, high = np.maximum(0, middles - left), np.minimum(length - 1, middles + right)
    shares = 1.0 / len(middles) / (high - low + 1)
    # Each blur adds its share from low to high: told as a step up and a step down.
    steps = np.zeros(last - first + 2)
    np.add.at(steps, low - first, shares)
    np.add.at(steps, high - first + 1, -shares)
    return first, np.cumsum(steps)[:-1]


@lru_cache(maxsize=1)
def _cosines() -> Floats:
    import numpy as np

    waves, places = np.arange(1, _SIDE + 1)[:, None], 2 * np.arange(_GRID) + 1
    cosines: Floats = np.sqrt(2 / _GRID) * np.cos(np.pi / (2 * _GRID) * waves * places)
    return cosines


def _computed(view: memoryview, width: int, size: tuple[int, int], scale: int) -> tuple[bytes, int]:
    """The same by numpy."""
    import numpy as np

    luma: NDArray[np.uint8 | np.float64] = np.asarray(view)
    lines = np.empty((2, _GRID, width))  # as it stands, and upside down
    for row, (first, weights) in enumerate(_operator(size[1], scale)):
        lines[0, row], lines[1, -1 - row] = weights @ luma[first : first + weights.shape[1]].astype(np.float64)
    grids = np.empty((2, 2, _GRID, _GRID))  # and each of these mirrored left and right
    for column, (first, weights) in enumerate(_operator(size[0], scale)):
        both = lines[:, :, first : first + weights.shape[1]] @ weights.T
        grids[:, 0, :, column], grids[:, 1, :, -1 - column] = both[..., 0], both[..., 1]
    if not np.isfinite(grids).all():
        raise NotPdq("wrong-luma")
    grids = _cut(grids)
    cosines = _cosines()
    waves = _cut(cosines @ grids @ cosines.T)
    turned = (waves[down, across].T if transposed else waves[down, across] for transposed, down, across in _TURNED)
    return b"".join(map(_bits, turned)), _quality(grids[0, 0])


def _cut(values: Floats) -> Floats:
    import numpy as np

    cut: Floats = np.rint(values * _FINEST) / _FINEST
    return cut


def _quality(grid: Floats) -> int:
    """The sum of the noticeable steps between neighbours, scaled as published."""
    import numpy as np

    steps = (np.trunc(np.diff(grid, axis=axis) * 100 / 255) for axis in (0, 1))
    return min(100, int(sum(np.abs(step).sum() for step in steps)) // 90)


def _bits(waves: Floats) -> bytes:
    import numpy as np

    flat = waves.reshape(-1)
    median = np.partition(flat, BITS // 2 - 1)[BITS // 2 - 1]
    return np.packbits(flat[::-1] > median).tobytes()


_compiled = _bind(native.LIBRARY)
