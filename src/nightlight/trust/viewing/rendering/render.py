# SPDX-License-Identifier: Apache-2.0
"""Has a file decoded in a process of its own, watches over it, and makes pictures of the pixels it hands over.

This module runs in our servers. It decodes nothing, imports no decoder, and believes the child nothing but numbers
it has checked: the PNG files are put together here, so that nothing but pixels can be in them.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import asdict
from typing import TYPE_CHECKING

from nightlight.trust.viewing.rendering.asking import (
    HEAD_AT_MOST,
    WRONG,
    Answer,
    head_of,
    held,
    not_ours,
    protections_of,
    run,
    seconds,
    whole,
)
from nightlight.trust.viewing.rendering.terms import (
    DEFAULT,
    Kind,
    Limits,
    Picture,
    Protections,
    Rendition,
    RenditionRefused,
    Wanted,
    Why,
)

if TYPE_CHECKING:
    from collections.abc import Iterable


def render(original: Iterable[bytes], *, wanted: Wanted, limits: Limits = DEFAULT) -> Rendition:
    """Return pictures of a file given in pieces. Takes up to ``limits.wall_seconds``; never call it in a transaction.

    The original is held in memory, sealed against change, and never touches the disk. Raises RenditionRefused.
    """
    with held(original, limits) as (kind, descriptor):
        request = {"kind": kind, "wanted": asdict(wanted), "limits": asdict(limits), "original": descriptor}
        output = HEAD_AT_MOST + 4 + wanted.pictures * wanted.size * (1 + wanted.size * wanted.channels)
        answer = run(request, descriptor, output=output, limits=limits)
    return _read(answer, kind, wanted)


def protections(limits: Limits = DEFAULT) -> Protections:
    """Return what would hold a reader of files in on this computer. Raises RenditionRefused if it cannot be tried."""
    answer = run({"kind": None, "limits": asdict(limits)}, None, output=HEAD_AT_MOST + 4, limits=limits)
    try:
        return protections_of(head_of(answer)[0])
    except WRONG:
        raise RenditionRefused(Why.CRASHED, answer.cost) from None


def _read(answer: Answer, kind: Kind, wanted: Wanted) -> Rendition:
    """Check every number and make the pictures. Whatever is wrong is one refusal: it was not our program any more."""
    try:
        return _checked(answer, kind, wanted)
    except WRONG:
        raise RenditionRefused(Why.CRASHED, answer.cost) from None


def _checked(answer: Answer, kind: Kind, wanted: Wanted) -> Rendition:
    head, rest = head_of(answer)
    pictures = []
    for width, height, channels, at in head["pictures"]:
        if not (whole(width, wanted.size) and whole(height, wanted.size) and channels == wanted.channels):
            not_ours()
        length = height * (1 + width * channels)
        pictures.append(Picture(_png(width, height, channels, rest[:length]), width, height, seconds(at)))
        rest = rest[length:]
    if len(rest) or not 1 <= len(pictures) <= wanted.pictures:
        not_ours()
    pages = head["pages"]
    if pages is not None and not whole(pages, 1 << 31):
        not_ours()
    return Rendition(kind, tuple(pictures), seconds(head["duration"]), pages, protections_of(head), answer.cost)


def _png(width: int, height: int, channels: int, lines: memoryview) -> bytes:
    """Make a PNG of filtered lines (PNG specification, 9.2): a header, the pixels, the end, and nothing else."""
    stride = 1 + width * channels
    if len(lines) != height * stride or max(lines[::stride]) > 4:
        not_ours()
    header = struct.pack(">IIBBBBB", width, height, 8, 0 if channels == 1 else 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines, 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
