# SPDX-License-Identifier: Apache-2.0
"""Harmless pictures drawn from a recipe: patchwork, haze, gradients, stripes, calendars, and a few broken files."""

from __future__ import annotations

import struct
import zlib
from calendar import Calendar
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache

from nightlight.exercise import chance
from nightlight.exercise.lettering import HEIGHT, WIDTH, dots

Colour = tuple[int, int, int]

MONTHS = [
    "JANUARY",
    "FEBRUARY",
    "MARCH",
    "APRIL",
    "MAY",
    "JUNE",
    "JULY",
    "AUGUST",
    "SEPTEMBER",
    "OCTOBER",
    "NOVEMBER",
    "DECEMBER",
]


class Motif(StrEnum):
    """What a picture shows."""

    PATCHWORK = "patchwork"
    GRADIENT = "gradient"
    STRIPES = "stripes"
    CHEQUER = "chequer"
    CALENDAR = "calendar"
    GRAIN = "grain"
    HAZE = "haze"


class Format(StrEnum):
    """How the bytes are laid out; the last three are faults as they happen."""

    PNG = "png"
    BMP = "bmp"
    GIF = "gif"
    EMPTY = "empty"
    TRUNCATED = "truncated"
    TEXT_AS_JPEG = "text named .jpg"


SUFFIX = {
    Format.PNG: "png", Format.BMP: "bmp", Format.GIF: "gif",
    Format.EMPTY: "png", Format.TRUNCATED: "png", Format.TEXT_AS_JPEG: "jpg",
}  # fmt: skip

CONTENT_TYPE = {"png": "image/png", "bmp": "image/bmp", "gif": "image/gif", "jpg": "image/jpeg"}


@dataclass(frozen=True, slots=True)
class Picture:
    """The recipe of a picture: the same recipe gives the same bytes. Sizes in pixels.

    ``halvings`` says how often it was made half as large since it was drawn.
    """

    motif: Motif
    format: Format
    seed: int
    width: int = 64
    height: int = 64
    halvings: int = 0

    @property
    def suffix(self) -> str:
        """The file name suffix a platform would give it."""
        return SUFFIX[self.format]

    def smaller(self) -> Picture:
        """Return the same picture at half the size, as a platform makes when a file is shared again."""
        return replace(self, width=self.width // 2, height=self.height // 2, halvings=self.halvings + 1)


@lru_cache(maxsize=128)
def draw(picture: Picture) -> bytes:
    """Return the file's bytes, 0 to about 200 kB, the same for the same recipe."""
    if picture.format is Format.EMPTY:
        return b""
    if picture.format is Format.TEXT_AS_JPEG:
        return f"This is a line of text and not a picture, number {picture.seed}.\n".encode() * 20
    rows = rows_of(picture)
    if picture.format is Format.BMP:
        return _bmp(rows, picture.width)
    if picture.format is Format.GIF:
        return _gif(rows, picture.width)
    whole = _png(rows, picture.width)
    return whole[: len(whole) * 2 // 3] if picture.format is Format.TRUNCATED else whole


def rows_of(picture: Picture) -> list[bytes]:
    """Return the lines of the picture, from the top, three bytes (red, green, blue) a pixel."""
    if not picture.halvings:
        return _ROWS[picture.motif](picture)
    larger = replace(picture, width=2 * picture.width, height=2 * picture.height, halvings=picture.halvings - 1)
    return _halved(rows_of(larger))


def _halved(rows: list[bytes]) -> list[bytes]:
    """Make of each four pixels one, their average: what shrinking a picture comes to."""
    import numpy as np

    pixels = np.frombuffer(b"".join(rows), np.uint8).reshape(len(rows) // 2, 2, -1, 2, 3)
    return [row.tobytes() for row in ((pixels.sum(axis=(1, 3), dtype=np.uint16) + 2) >> 2).astype(np.uint8)]


def _palette(picture: Picture) -> tuple[Colour, Colour]:
    rng = chance.stream("palette", picture.seed)
    dark = (rng.randint(0, 110), rng.randint(0, 110), rng.randint(0, 110))
    light = (rng.randint(145, 255), rng.randint(145, 255), rng.randint(145, 255))
    return (dark, light) if rng.random() < 0.5 else (light, dark)


def _mix(first: Colour, last: Colour, step: int, steps: int) -> bytes:
    return bytes(a + (b - a) * step // max(1, steps) for a, b in zip(first, last, strict=True))


def _gradient(picture: Picture) -> list[bytes]:
    first, last = _palette(picture)
    wide, high = picture.width, picture.height
    slope = picture.seed % 3
    if slope == 0:
        return [b"".join(_mix(first, last, x, wide) for x in range(wide))] * high
    if slope == 1:
        return [_mix(first, last, y, high) * wide for y in range(high)]
    ramp = b"".join(_mix(first, last, step, wide + high) for step in range(wide + high))
    return [ramp[3 * y : 3 * (y + wide)] for y in range(high)]


def _patchwork(picture: Picture) -> list[bytes]:
    """Coarse coloured patches: unlike two gradients, no two look alike to a perceptual hash."""
    rng = chance.stream("patches", picture.seed)
    across, down = rng.randint(6, 11), rng.randint(5, 9)
    bands = [
        b"".join(
            patch * ((column + 1) * picture.width // across - column * picture.width // across)
            for column, patch in enumerate(rng.randbytes(3) for _ in range(across))
        )
        for _ in range(down)
    ]
    return [bands[y * down // picture.height] for y in range(picture.height)]


def _haze(picture: Picture) -> list[bytes]:
    """Patches of colour that run into one another: without hard edges, a smaller copy keeps its fingerprint."""
    import numpy as np

    rng = chance.stream("haze", picture.seed)
    across, down = rng.randint(12, 16), rng.randint(11, 15)
    points = np.frombuffer(rng.randbytes(3 * (across + 1) * (down + 1)), np.uint8)
    grid = points.reshape(down + 1, across + 1, 3).astype(np.int64)
    # Places in 256ths of a patch: which patch, and how far into it.
    column, right = np.divmod(np.arange(picture.width) * across * 256 // picture.width, 256)
    row, below = np.divmod(np.arange(picture.height) * down * 256 // picture.height, 256)
    right, below = right[None, :, None], below[:, None, None]
    lines = grid[:, column] * (256 - right) + grid[:, column + 1] * right
    page = (lines[row] * (256 - below) + lines[row + 1] * below) >> 16
    return [line.tobytes() for line in page.astype(np.uint8)]


def _stripes(picture: Picture) -> list[bytes]:
    first, last = _palette(picture)
    band = max(2, picture.width // (4 + picture.seed % 7))
    row = b"".join(bytes(first if (x // band) % 2 else last) for x in range(picture.width))
    if picture.seed % 2:
        return [row] * picture.height
    return [bytes(first if (y // band) % 2 else last) * picture.width for y in range(picture.height)]


def _chequer(picture: Picture) -> list[bytes]:
    first, last = _palette(picture)
    side = max(2, picture.width // (4 + picture.seed % 9))
    even, odd = (
        b"".join(bytes(first if (x // side + shift) % 2 else last) for x in range(picture.width)) for shift in (0, 1)
    )
    return [odd if (y // side) % 2 else even for y in range(picture.height)]


def _grain(picture: Picture) -> list[bytes]:
    """A patchwork under paper grain: the grain does not compress, which is what makes a file large."""
    rng = chance.stream("grain", picture.seed)
    size = 3 * picture.width
    mask = int.from_bytes(b"\x1f" * size, "big")
    return [
        (int.from_bytes(row, "big") ^ (rng.getrandbits(8 * size) & mask)).to_bytes(size, "big")
        for row in _patchwork(picture)
    ]


def _calendar(picture: Picture) -> list[bytes]:
    """One month on paper: title, weekday letters and days, as it might hang on a kitchen wall."""
    paper, ink = b"\xf4\xf0\xe4", bytes(_palette(picture)[0])
    year, month = 2020 + picture.seed % 8, 1 + picture.seed % 12
    scale = max(1, picture.width // 120)
    page = [bytearray(paper * picture.width) for _ in range(picture.height)]
    _write(page, f"{MONTHS[month - 1]} {year}", left=4 * scale, top=3 * scale, scale=scale, ink=ink)
    step_x, step_y = picture.width // 7, (HEIGHT + 4) * scale
    for column, letter in enumerate("MTWTFSS"):
        _write(page, letter, left=column * step_x + 4 * scale, top=14 * scale, scale=scale, ink=ink)
    for week_number, week in enumerate(Calendar().monthdayscalendar(year, month)):
        for column, day in enumerate(week):
            if day:
                top = 24 * scale + week_number * step_y
                _write(page, str(day), left=column * step_x + 4 * scale, top=top, scale=scale, ink=ink)
    return [bytes(row) for row in page]


def _write(page: list[bytearray], text: str, *, left: int, top: int, scale: int, ink: bytes) -> None:
    """Put `text` on the page; what would fall over the edge is left out."""
    for place, character in enumerate(text):
        start = left + place * (WIDTH + 1) * scale
        for x, y in dots(character):
            for row in range(top + y * scale, top + (y + 1) * scale):
                begin = 3 * (start + x * scale)
                if row < len(page) and begin + 3 * scale <= len(page[row]):
                    page[row][begin : begin + 3 * scale] = ink * scale


_ROWS = {
    Motif.PATCHWORK: _patchwork,
    Motif.GRADIENT: _gradient,
    Motif.STRIPES: _stripes,
    Motif.CHEQUER: _chequer,
    Motif.CALENDAR: _calendar,
    Motif.GRAIN: _grain,
    Motif.HAZE: _haze,
}


def _png(rows: list[bytes], width: int) -> bytes:
    """Encode as PNG, 8-bit RGB, filter 0 (W3C PNG 3rd edition, section 5)."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, len(rows), 8, 2, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows), 6)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def _bmp(rows: list[bytes], width: int) -> bytes:
    """Encode as an uncompressed 24-bit Windows bitmap, bottom row first, rows padded to four bytes."""
    padding = b"\0" * (-3 * width % 4)
    body = b"".join(_blue_first(row) + padding for row in reversed(rows))
    head = struct.pack("<IiiHHIIiiII", 40, width, len(rows), 1, 24, 0, len(body), 2835, 2835, 0, 0)
    return b"BM" + struct.pack("<IHHI", 14 + len(head) + len(body), 0, 0, 14 + len(head)) + head + body


def _blue_first(row: bytes) -> bytes:
    swapped = bytearray(row)
    swapped[0::3], swapped[2::3] = row[2::3], row[0::3]
    return bytes(swapped)


def _gif(rows: list[bytes], width: int) -> bytes:
    """Encode as GIF89a, 128 greys, literal codes only: a clear code before each run keeps codes at 8 bits."""
    table = b"".join(bytes((2 * level,) * 3) for level in range(128))
    pixels = b"".join(bytes(value >> 1 for value in row[1::3]) for row in rows)
    clear, end, run = 128, 129, 120
    codes = bytearray()
    for start in range(0, len(pixels), run):
        codes.append(clear)
        codes += pixels[start : start + run]
    codes.append(end)
    blocks = b"".join(bytes((len(part),)) + part for part in (codes[i : i + 255] for i in range(0, len(codes), 255)))
    screen = struct.pack("<HHBBB", width, len(rows), 0xF6, 0, 0)
    image = b"," + struct.pack("<HHHHB", 0, 0, width, len(rows), 0)
    return b"GIF89a" + screen + table + image + b"\x07" + blocks + b"\0;"
