# SPDX-License-Identifier: Apache-2.0
"""Harmless files of each format that can be shown: gradients, made when they are needed and never stored."""

from __future__ import annotations

import io
import os
import zlib
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, cast

import av
import pillow_heif
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterator

    from av.video.stream import VideoStream

WATERMARK = "OF-7F3K-9QTX 2026-11-22T09:30Z"


def gradient(width: int = 160, height: int = 120) -> Image.Image:
    """A picture whose four corners differ, so that turning and mirroring show."""
    bands = [
        Image.linear_gradient("L"),
        Image.linear_gradient("L").rotate(90),
        Image.radial_gradient("L"),
    ]
    return Image.merge("RGB", [band.resize((width, height)) for band in bands])


def saved(image: Image.Image, form: str, **how: Any) -> bytes:  # noqa: ANN401 - whatever the format takes
    """The bytes of a picture in a format that Pillow writes."""
    file = io.BytesIO()
    image.save(file, form, **how)
    return file.getvalue()


def frames(count: int, width: int = 160, height: int = 120) -> list[Image.Image]:
    """A gradient that turns."""
    return [gradient(width, height).rotate(number * 360 / count) for number in range(count)]


def animation(form: str, count: int = 12, milliseconds: int = 100) -> bytes:
    """An animation of ``count`` frames."""
    first, *rest = frames(count)
    return saved(first, form, save_all=True, append_images=rest, duration=milliseconds)


def heif(image: Image.Image) -> bytes:
    """The bytes of a picture as a phone would keep it."""
    file = io.BytesIO()
    pillow_heif.from_pillow(image).save(file)
    return file.getvalue()


@contextmanager
def _usual_priority() -> Iterator[None]:
    """Take back the real-time priority that the encoder of AV1 gives to whoever calls it as root.

    It would stay with the process and pass to all it starts: nothing else of the computer would get its turn.
    """
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        os.sched_setscheduler(0, policy, parameters)


def film(
    form: str,
    codec: str,
    *,
    count: int = 20,
    rate: int = 10,
    width: int = 160,
    height: int = 120,
    turned: int = 0,
    sound: bool = False,
) -> bytes:
    """A film of a turning gradient; ``turned`` is what the film says about how to hold it, in degrees."""
    file = io.BytesIO()
    with _usual_priority(), av.open(file, "w", format=form) as container:
        stream = cast("VideoStream", container.add_stream(codec, rate=rate))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        if turned:
            stream.set_display_rotation(turned)
        if sound:
            silence = container.add_stream("aac", rate=8000, layout="mono")
            quiet = av.AudioFrame(format="fltp", layout="mono", samples=1024)
            quiet.sample_rate, quiet.pts = 8000, 0
            for plane in quiet.planes:
                plane.update(bytes(plane.buffer_size))
            container.mux(silence.encode(quiet))
            container.mux(silence.encode())
        for image in frames(count, width, height):
            frame: av.VideoFrame = av.VideoFrame.from_image(image)  # type: ignore[no-untyped-call]
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return file.getvalue()


def pdf(contents: bytes = b"0.2 0.4 0.8 rg 20 20 100 60 re f", box: str = "0 0 200 100", pages: int = 3) -> bytes:
    """A document of equal pages, each a coloured rectangle."""
    kids = " ".join(f"{4 + number} 0 R" for number in range(pages))
    page = f"<</Type/Page/Parent 2 0 R/MediaBox[{box}]/Contents 3 0 R/Resources<<>>>>".encode()
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        f"<</Type/Pages/Count {pages}/Kids[{kids}]>>".encode(),
        b"<</Length %d>>stream\n%s\nendstream" % (len(contents), contents),
        *[page] * pages,
    ]
    return document(objects)


def document(objects: list[bytes]) -> bytes:
    """A PDF of the given objects, numbered from 1; the first is the catalogue."""
    out, places = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    tail = b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (size, len(out))
    return out + b"xref\n0 %d\n0000000000 65535 f \n" % size + table + tail


def png_chunk(name: bytes, data: bytes, *, length: int | None = None) -> bytes:
    """A chunk of a PNG; its length may be a lie."""
    said = len(data) if length is None else length
    return said.to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")


def png(width: int, height: int, data: bytes, *, depth: int = 8, colour: int = 0, before: bytes = b"") -> bytes:
    """A PNG that says it is as large as it is told to say."""
    size = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    header = png_chunk(b"IHDR", size + bytes([depth, colour, 0, 0, 0]))
    return b"\x89PNG\r\n\x1a\n" + header + before + png_chunk(b"IDAT", data) + png_chunk(b"IEND", b"")


@cache
def good() -> dict[str, bytes]:
    """One good file of each format and of the codecs that films come in. The part before "-" is the format."""
    picture = gradient()
    return {
        "jpeg": saved(picture, "JPEG"),
        "jpeg-progressive": saved(picture, "JPEG", progressive=True),
        "jpeg-cmyk": saved(picture.convert("CMYK"), "JPEG"),
        "png": saved(picture, "PNG"),
        "png-palette": saved(picture.quantize(32), "PNG", transparency=3),
        "png-transparent": saved(picture.convert("RGBA"), "PNG"),
        "png-grey-transparent": saved(picture.convert("LA"), "PNG"),
        "png-1bit": saved(picture.convert("1"), "PNG"),
        "png-animated": animation("PNG"),
        "webp": saved(picture, "WEBP"),
        "webp-lossless": saved(picture.convert("RGBA"), "WEBP", lossless=True),
        "webp-animated": animation("WEBP"),
        "gif": saved(picture, "GIF"),
        "gif-animated": animation("GIF"),
        "heif": heif(picture),
        "mp4-h264": film("mp4", "libx264"),
        "mp4-h265": film("mp4", "libx265"),
        "mp4-mpeg4": film("mp4", "mpeg4"),
        "webm-vp8": film("webm", "libvpx"),
        "webm-vp9": film("webm", "libvpx-vp9"),
        "webm-av1": film("webm", "libsvtav1"),
        "pdf": pdf(),
    }
