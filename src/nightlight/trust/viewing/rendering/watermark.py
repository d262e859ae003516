# SPDX-License-Identifier: Apache-2.0
"""Draws who looks at a picture, and when, into its pixels, so that a photograph of the screen tells it too."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from collections.abc import Iterator

TILED_FROM = 160  # pixels of the shorter side; below, the mark is a strip at the lower border
_ANGLE = 30
_STRENGTH = 0.42  # how much of the picture a letter covers: it must be read, and so must the picture
_SMALLEST_LETTER, _STRIP_LETTER = 5, 8


def draw(image: Image.Image, text: str) -> Image.Image:
    """Return the picture with the text in it: tiled across it, or as a strip if it is small. Mode "L" or "RGB"."""
    if min(image.size) < TILED_FROM:
        return _strip(image, text)
    return _tiled(image, text)


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _tiled(image: Image.Image, text: str) -> Image.Image:
    for colour, mask in zip(("black", "white"), _masks(image.size, text), strict=True):
        image.paste(colour, (0, 0), mask)
    return image


@cache
def _masks(size: tuple[int, int], text: str) -> tuple[Image.Image, Image.Image]:
    """Where the dark edge and the white letters cover a picture: the text once, turned, and set like bricks."""
    letters = max(11, max(size) // 40)
    font = _font(letters)
    edge = max(1, letters // 14)
    length = round(font.getlength(text)) + 2
    centres = list(_centres(size, along=length + 2 * letters, across=4 * letters))
    masks = []
    for offset in (edge, 0):  # white with a dark edge is seen on every ground
        tile = Image.new("L", (length + edge, length + edge))  # square, so that turning moves no letter out of it
        place = (1 + offset, (length - letters) // 2 + offset)
        ImageDraw.Draw(tile).text(place, text, fill=round(255 * _STRENGTH), font=font)
        tile = tile.rotate(_ANGLE, Image.Resampling.BILINEAR)
        mask = Image.new("L", size)
        for x, y in centres:
            mask.paste(tile, (x - length // 2, y - length // 2), tile.point(bool, "1"))
        masks.append(mask)
    return masks[0], masks[1]


def _centres(size: tuple[int, int], *, along: int, across: int) -> Iterator[tuple[int, int]]:
    cos, sin = math.cos(math.radians(_ANGLE)), math.sin(math.radians(_ANGLE))
    reach = math.hypot(*size) / 2 + along
    rows, columns = math.ceil(reach / across), math.ceil(reach / along)
    for row in range(-rows, rows + 1):
        for column in range(-columns, columns + 1):
            far, aside = (column + row % 2 / 2) * along, row * across
            x, y = size[0] / 2 + far * cos + aside * sin, size[1] / 2 - far * sin + aside * cos
            if -along / 2 < x < size[0] + along / 2 and -along / 2 < y < size[1] + along / 2:
                yield round(x), round(y)


def _strip(image: Image.Image, text: str) -> Image.Image:
    words = text.split()
    font, lines = _fitting(words, image.width - 2)
    heights = [round(font.getbbox("0")[3]) + 1 for _ in lines]
    top = max(0, image.height - sum(heights) - 1)
    ground = Image.new("L", (image.width, image.height - top), 200)
    image.paste("black", (0, top), ground)
    pen = ImageDraw.Draw(image)
    for number, line in enumerate(lines):
        pen.text((1, top + sum(heights[:number])), line, fill="white", font=font)
    return image


def _fitting(words: list[str], width: int) -> tuple[ImageFont.FreeTypeFont | ImageFont.ImageFont, list[str]]:
    """The largest letters in which the longest word fits, and the lines they make."""
    for size in range(_STRIP_LETTER, _SMALLEST_LETTER, -1):
        if max(_font(size).getlength(word) for word in words) <= width:
            break
    else:
        size = _SMALLEST_LETTER
    font = _font(size)
    lines = [words[0]]
    for word in words[1:]:
        if font.getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] = f"{lines[-1]} {word}"
        else:
            lines.append(word)
    return font, lines
