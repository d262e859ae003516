# SPDX-License-Identifier: Apache-2.0
"""The fingerprints of pictures: as the published program would, however they are stored, and near those of copies."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageChops

from nightlight.foundation import pdq
from nightlight.trust.viewing.rendering.measure import measure
from nightlight.trust.viewing.rendering.terms import Kind
from nightlight.trust.viewing.tests import files
from nightlight.trust.viewing.tests.pictures import MAKERS, by_the_peer, in_this_process, spots

JPEGS: dict[str, dict[str, Any]] = {
    "4:4:4": {"quality": 88, "subsampling": 0},
    "4:2:2": {"quality": 88, "subsampling": 1},
    "4:2:0": {"quality": 75, "subsampling": 2},
    "progressive": {"quality": 88, "progressive": True},
    "low": {"quality": 30},
}
SIZES = [(1152, 864), (1023, 517), (640, 480), (300, 2100), (257, 255), (64, 64), (63, 900), (23, 31), (9, 7), (5, 5)]


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_published_program_says_the_same(maker: str, size: tuple[int, int]) -> None:
    compared = 0
    for seed, how in enumerate(JPEGS.values()):
        image = MAKERS[maker](*size, seed)
        grey = image.convert("L")
        stored = [(files.saved(image, "JPEG", **how), Kind.JPEG)]
        if seed == 0:
            stored += [
                (files.saved(grey, "JPEG", **how), Kind.JPEG),
                (files.saved(image, "PNG", compress_level=1), Kind.PNG),
                (files.saved(grey.convert("LA"), "PNG", compress_level=1), Kind.PNG),
            ]
        for data, kind in stored:
            found, quality, _ = in_this_process(data, kind)
            expected, peer_quality = by_the_peer(data)
            assert abs(quality - peer_quality) <= 2
            if peer_quality >= pdq.MATCH_QUALITY:
                compared += 1
                assert pdq.distance(found, expected) <= 4, (kind, how)
    assert compared or (maker, size) in {("page", (5, 5)), ("page", (9, 7)), ("page", (23, 31))}


def test_twelve_million_pixels() -> None:
    data = files.saved(spots(4000, 3000), "JPEG", quality=88)
    found = measure([data])
    assert (found.width, found.height) == (4000, 3000)
    assert pdq.distance(found.frames[0].hash, by_the_peer(data)[0]) <= 4


@pytest.mark.parametrize("mode", ["P", "1", "CMYK", "I;16", "RGBA", "P-transparent"])
def test_the_picture_is_meant_and_not_how_it_is_stored(mode: str) -> None:
    """The published program hashes the numbers of a colour table, and clips 16 bits; about the picture we agree."""
    image = spots(640, 480)
    kind = Kind.JPEG if mode == "CMYK" else Kind.PNG
    if mode == "I;16":
        stored = Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)
    elif mode == "RGBA":
        stored = image.copy()
        stored.putalpha(Image.linear_gradient("L").resize(image.size))
    else:
        stored = image.convert("P" if mode == "P-transparent" else mode)
    how = {"transparency": 3} if mode == "P-transparent" else {}
    data = files.saved(stored, kind.value.upper(), **how)
    plain = image.convert("L") if mode == "I;16" else Image.open(io.BytesIO(data)).convert("RGB")
    expected, _ = by_the_peer(files.saved(plain, "PNG"))
    assert pdq.distance(in_this_process(data, kind)[0], expected) <= 4


def test_a_picture_is_measured_as_it_is_stored_and_its_turns_are_told() -> None:
    image = spots(640, 480)
    exif = Image.Exif()
    exif[0x0112] = 6
    plain, _, turns = in_this_process(files.saved(image, "JPEG"), Kind.JPEG)
    noted, _, _ = in_this_process(files.saved(image, "JPEG", exif=exif), Kind.JPEG)
    assert noted == plain
    upright, _, _ = in_this_process(files.saved(image.transpose(Image.Transpose.ROTATE_270), "JPEG"), Kind.JPEG)
    assert pdq.distance(turns[pdq.Orientation.ROTATE_270], upright) <= 2


@pytest.mark.parametrize("maker", ["spots", "pattern"])
@pytest.mark.parametrize("seed", range(2))
def test_copies_are_found_and_their_orientation_is_told(maker: str, seed: int) -> None:
    image = MAKERS[maker](1000, 700, seed)
    known, quality, _ = in_this_process(files.saved(image, "JPEG", quality=92), Kind.JPEG)
    assert quality >= pdq.MATCH_QUALITY
    transposes = {
        pdq.Orientation.ORIGINAL: None,
        pdq.Orientation.ROTATE_90: Image.Transpose.ROTATE_270,  # turned back it is the known one
        pdq.Orientation.ROTATE_180: Image.Transpose.ROTATE_180,
        pdq.Orientation.ROTATE_270: Image.Transpose.ROTATE_90,
        pdq.Orientation.FLIP_X: Image.Transpose.FLIP_TOP_BOTTOM,
        pdq.Orientation.FLIP_Y: Image.Transpose.FLIP_LEFT_RIGHT,
        pdq.Orientation.FLIP_PLUS: Image.Transpose.TRANSPOSE,
        pdq.Orientation.FLIP_MINUS: Image.Transpose.TRANSVERSE,
    }
    for how, transpose in transposes.items():
        copy = image.transpose(transpose) if transpose is not None else image
        for size, form, options in (
            (1.0, "JPEG", {"quality": 40}),
            (0.5, "JPEG", {"quality": 75}),
            (0.25, "PNG", {}),
            (1.6, "JPEG", {"quality": 85}),
            (0.7, "WEBP", {"quality": 60}),
        ):
            resized = copy.resize((round(copy.width * size), round(copy.height * size)), Image.Resampling.LANCZOS)
            _, _, turns = in_this_process(files.saved(resized, form, **options), Kind(form.lower()))
            near = [
                pdq.Orientation(at) for at, one in enumerate(turns) if pdq.distance(one, known) <= pdq.MATCH_AT_MOST
            ]
            assert near == [how], (how, form, size)


def test_other_pictures_are_not_found() -> None:
    _, _, turns = in_this_process(files.saved(spots(640, 480, 1), "PNG"), Kind.PNG)
    for seed in range(2, 12):
        other, _, _ = in_this_process(files.saved(spots(640, 480, seed), "PNG"), Kind.PNG)
        assert min(pdq.distance(one, other) for one in turns) > 3 * pdq.MATCH_AT_MOST // 2


def test_a_shifted_picture_is_not_the_same_bits() -> None:
    """Not a test that accepts everything: moving the picture by an eighth moves many bits."""
    image = spots(640, 480)
    known, _, _ = in_this_process(files.saved(image, "PNG"), Kind.PNG)
    moved, _, _ = in_this_process(files.saved(ImageChops.offset(image, 80, 60), "PNG"), Kind.PNG)
    assert pdq.distance(known, moved) > pdq.MATCH_AT_MOST
