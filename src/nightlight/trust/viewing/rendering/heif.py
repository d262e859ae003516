# SPDX-License-Identifier: Apache-2.0
"""Reads the main picture of a HEIC or HEIF file, as phones take them."""

from __future__ import annotations

from typing import BinaryIO

import pillow_heif
from pillow_heif import options

from nightlight.trust.viewing.rendering.decoders import Decoded, check_pixels, finish
from nightlight.trust.viewing.rendering.measuring import Found, still
from nightlight.trust.viewing.rendering.terms import Kind, Limits, RenditionRefused, Wanted, Why

# The picture itself and nothing beside it: a thumbnail in the file need not show the same.
options.THUMBNAILS = options.DEPTH_IMAGES = options.AUX_IMAGES = False
options.DECODE_THREADS = 1


def decode(file: BinaryIO, kind: Kind, wanted: Wanted, limits: Limits) -> Decoded:
    """Return the main picture; the library has already turned it upright."""
    del kind
    if wanted.frame:
        raise RenditionRefused(Why.NO_SUCH_PART)
    return Decoded((finish(_opened(file, limits).to_pillow(), wanted),))


def measure(file: BinaryIO, kind: Kind, limits: Limits) -> Found:
    """Return the fingerprint of the main picture, upright."""
    del kind
    heif = _opened(file, limits)
    return still(heif.to_pillow(), heif.size)


def _opened(file: BinaryIO, limits: Limits) -> pillow_heif.HeifFile:
    heif = pillow_heif.open_heif(file, convert_hdr_to_8bit=True)
    check_pixels(heif.size, limits.pixels)
    return heif
