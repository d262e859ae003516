# SPDX-License-Identifier: Apache-2.0
"""The pictures are harmless, repeat, and are really the formats they claim, except the faulty ones."""

from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightlight.exercise.files import make_pool
from nightlight.exercise.lettering import dots
from nightlight.exercise.patterns import MONTHS, Format, Motif, Picture, draw
from nightlight.exercise.prints import fingerprint
from nightlight.exercise.world import build
from nightlight.foundation import pdq

SIGNATURES = {Format.PNG: b"\x89PNG\r\n\x1a\n", Format.BMP: b"BM", Format.GIF: b"GIF89a"}


def read_png(data: bytes) -> tuple[int, int, bytes]:
    """Return width, height and RGB rows; checks every chunk's checksum."""
    at, chunks = 8, {}
    while at < len(data):
        (size,) = struct.unpack(">I", data[at : at + 4])
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + size]
        assert zlib.crc32(kind + body) == struct.unpack(">I", data[at + 8 + size : at + 12 + size])[0]
        chunks[kind] = body
        at += 12 + size
    width, height = struct.unpack(">II", chunks[b"IHDR"][:8])
    raw = zlib.decompress(chunks[b"IDAT"])
    assert len(raw) == height * (1 + 3 * width)
    return width, height, b"".join(raw[y * (1 + 3 * width) + 1 :][: 3 * width] for y in range(height))


def read_gif(data: bytes) -> bytes:
    """Return the pixels of a GIF of literal 8-bit codes; checks that no decoder would widen its codes."""
    at = 13 + 3 * 128 + 10
    assert data[at] == 7
    at, codes = at + 1, b""
    while size := data[at]:
        codes, at = codes + data[at + 1 : at + 1 + size], at + 1 + size
    assert data[at:] == b"\0;"
    assert codes[0] == 128
    assert codes[-1] == 129
    runs = codes[:-1].split(b"\x80")[1:]
    assert all(len(run) <= 126 for run in runs)
    return b"".join(runs)


def test_the_faulty_files_are_faulty() -> None:
    whole = Picture(Motif.PATCHWORK, Format.PNG, 9)
    truncated = draw(Picture(Motif.PATCHWORK, Format.TRUNCATED, 9))
    assert draw(Picture(Motif.PATCHWORK, Format.EMPTY, 9)) == b""
    assert draw(whole).startswith(truncated)
    assert not truncated.endswith(b"IEND\xaeB`\x82")
    assert draw(Picture(Motif.PATCHWORK, Format.TEXT_AS_JPEG, 9)).isascii()


@pytest.mark.parametrize("motif", Motif)
@pytest.mark.parametrize("format_", SIGNATURES)
def test_every_motif_comes_in_every_format(motif: Motif, format_: Format) -> None:
    data = draw(Picture(motif, format_, 12, 280, 240))
    assert data.startswith(SIGNATURES[format_])
    assert 500 < len(data) < 210_000


@settings(deadline=None, max_examples=40)
@given(st.sampled_from(list(Motif)), st.integers(0, 2**40), st.integers(8, 90), st.integers(8, 90))
def test_pictures_have_the_size_asked_for(motif: Motif, seed: int, width: int, height: int) -> None:
    png = draw(Picture(motif, Format.PNG, seed, width, height))
    assert read_png(png)[:2] == (width, height)
    bmp = draw(Picture(motif, Format.BMP, seed, width, height))
    assert struct.unpack("<I", bmp[2:6])[0] == len(bmp)
    assert struct.unpack("<ii", bmp[18:26]) == (width, height)
    gif = draw(Picture(motif, Format.GIF, seed, width, height))
    assert len(read_gif(gif)) == width * height


def test_the_same_recipe_gives_the_same_bytes_and_another_seed_others() -> None:
    one = Picture(Motif.GRAIN, Format.PNG, 5)
    first = draw(one)
    draw.cache_clear()
    assert draw(one) == first
    assert draw(Picture(Motif.GRAIN, Format.PNG, 6)) != first


def test_a_smaller_copy_is_the_same_picture_averaged() -> None:
    picture = Picture(Motif.PATCHWORK, Format.PNG, 77, 240, 180)
    width, height, rows = read_png(draw(picture))
    small_width, small_height, small = read_png(draw(picture.smaller()))
    assert (small_width, small_height) == (width // 2, height // 2)
    for y, x, band in ((0, 0, 0), (41, 13, 1), (89, 119, 2), (60, 12, 0), (17, 99, 1)):
        four = [rows[3 * ((2 * y + j) * width + 2 * x + i) + band] for j in (0, 1) for i in (0, 1)]
        assert small[3 * (y * small_width + x) + band] == (sum(four) + 2) // 4


@settings(deadline=None, max_examples=5)
@given(st.integers(0, 2**32))
def test_a_shared_picture_keeps_its_fingerprint_when_it_is_shared_again_smaller(seed: int) -> None:
    for picture in make_pool(seed, 200).pictures.values():
        whole, small = fingerprint(picture), fingerprint(picture.smaller())
        assert whole is not None
        assert small is not None
        assert min(whole.quality, small.quality) >= pdq.MATCH_QUALITY
        assert pdq.distance(whole.hash, small.hash) <= 24


def test_the_calendar_can_write_all_it_needs() -> None:
    assert all(dots(sign) for sign in {*"".join(MONTHS), *"MTWFS0123456789"})
    assert dots("?") == ()


def test_sizes_in_a_world_run_from_nothing_to_about_two_hundred_kilobytes() -> None:
    sizes = [len(draw(file.picture)) for report in build(2, 400).reports for file in report.files]
    assert max(sizes) > 100_000
    assert max(sizes) < 210_000
    assert sum(size > 500 for size in sizes) > 0.8 * len(sizes)
