# SPDX-License-Identifier: Apache-2.0
"""Five hundred files that were made to do harm to a decoder, the same ones every time."""

from __future__ import annotations

import io
import random
import zipfile
import zlib
from itertools import chain, islice
from typing import TYPE_CHECKING

from PIL import Image

from nightlight.trust.viewing.tests import files

if TYPE_CHECKING:
    from collections.abc import Iterator

COUNT = 500
SEED = 20261122


def hostile() -> dict[str, bytes]:
    """Return ``COUNT`` files by a name that says what is wrong with them."""
    dice = random.Random(SEED)
    parts = (_bombs(), _lengths(), _polyglots(), _strangers(), _cut(dice), _spliced(dice), _flipped(dice))
    made = islice(chain.from_iterable(parts), COUNT)
    return {f"{number:03d}-{name}": content for number, (name, content) in enumerate(made)}


def _cut(dice: random.Random) -> Iterator[tuple[str, bytes]]:
    for name, content in files.good().items():
        for _ in range(5):
            yield f"cut-{name}", content[: dice.randrange(4, len(content))]


def _flipped(dice: random.Random) -> Iterator[tuple[str, bytes]]:
    """Bytes changed at random, half of them in the header; without end."""
    while True:
        for name, content in files.good().items():
            changed = bytearray(content)
            reach = min(len(content), dice.choice((96, 512, len(content))))
            for _ in range(dice.randint(1, 24)):
                changed[dice.randrange(4, reach)] = dice.choice((0, 1, 0x7F, 0x80, 0xFF, dice.randrange(256)))
            yield f"flipped-{name}", bytes(changed)


def _spliced(dice: random.Random) -> Iterator[tuple[str, bytes]]:
    """The head of one file on the body of another."""
    good = files.good()
    for _ in range(40):
        one, other = dice.choice(list(good)), dice.choice(list(good))
        head = dice.randrange(12, min(300, len(good[one])))
        yield f"spliced-{one}-{other}", good[one][:head] + good[other][dice.randrange(len(good[other])) :]


def _zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("index.html", "<script>1</script>")
    return file.getvalue()


def _polyglots() -> Iterator[tuple[str, bytes]]:
    """Files that are two things at once."""
    good = files.good()
    script, page = b"=1;/*x*/alert(1)//", b"<!doctype html><script>1</script>"
    for name, content in good.items():
        yield f"{name}-and-zip", content + _zip()
        yield f"{name}-and-page", content + page
    yield "gif-and-script", b"GIF89a/*" + good["gif"][8:] + b"*/" + script
    yield "jpeg-and-page", good["jpeg"][:2] + b"\xff\xfe" + (len(page) + 2).to_bytes(2, "big") + page + good["jpeg"][2:]
    yield "pdf-in-jpeg", good["jpeg"] + good["pdf"]
    yield "jpeg-in-pdf", good["pdf"][:9] + b"%" + good["jpeg"] + b"\n" + good["pdf"][9:]
    yield "png-in-pdf", good["pdf"] + good["png"]
    yield "page-in-png", good["png"][:33] + files.png_chunk(b"tEXt", b"Comment\0" + page) + good["png"][33:]
    yield "pdf-before-zip", b"%PDF-1.4\n" + _zip()
    yield "mp4-and-page", good["mp4-h264"][:32] + b"\0\0\0\x29free" + page + good["mp4-h264"][32:]
    yield "gif-in-webp", good["webp"][:12] + good["gif"]
    yield "webp-in-gif", good["gif"][:6] + good["webp"]
    yield "heif-in-mp4", good["mp4-h264"][:32] + good["heif"][32:]
    yield "mp4-in-heif", good["heif"][:32] + good["mp4-h264"]


def _strangers() -> Iterator[tuple[str, bytes]]:
    """Other things under the name of a picture; the name counts for nothing."""
    picture = files.gradient()
    yield "empty.jpg", b""
    yield "one-byte.jpg", b"\xff"
    yield "page.png", b"<!doctype html><script>1</script>"
    yield "vector.png", b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'a'>]><svg>&a;</svg>"
    yield "archive.jpg", _zip()
    yield "program.mp4", b"\x7fELF\x02\x01\x01" + bytes(200)
    yield "script.gif", b"#!/bin/sh\nexit 1\n"
    yield "playlist.mp4", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"
    yield "fonts.pdf", b"%!PS-Adobe-3.0\n(/etc/passwd) (r) file\n"
    for form in ("BMP", "TIFF", "ICO", "AVIF", "TGA", "PPM"):
        yield f"{form}.jpg".lower(), files.saved(picture, form)
    yield "matroska.webm", files.film("matroska", "libx264")
    yield "avi.mp4", files.film("avi", "mpeg4")
    # The right name, and the wrong one inside: sniffed by bytes it is a picture, and shown as such.
    for name, content in files.good().items():
        yield f"{name}.exe", content


def _lengths() -> Iterator[tuple[str, bytes]]:
    """Lengths that lie."""
    good = files.good()
    for said in (0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF):
        four = said.to_bytes(4, "big")
        for chunk in (b"IDAT", b"tEXt", b"zTXt", b"iCCP", b"eXIf", b"acTL"):
            lie = files.png_chunk(chunk, b"x\0\0" + bytes(20), length=said)
            yield f"png-{chunk.decode()}-{said:x}", good["png"][:33] + lie + good["png"][33:]
        yield f"riff-{said:x}", good["webp"][:4] + said.to_bytes(4, "little") + good["webp"][8:]
        yield f"vp8-{said:x}", good["webp"][:16] + said.to_bytes(4, "little") + good["webp"][20:]
        for name in ("mp4-h264", "heif"):
            content = good[name]
            for box in (b"moov", b"trak", b"stsz", b"stco", b"stsd", b"meta", b"iloc", b"ipco", b"ispe", b"mdat"):
                at = content.find(box)
                if at >= 4:
                    yield f"{name}-{box.decode()}-{said:x}", content[: at - 4] + four + content[at:]
        count = good["mp4-h264"].find(b"stsz") + 12
        yield f"mp4-samples-{said:x}", good["mp4-h264"][:count] + four + good["mp4-h264"][count + 4 :]
        size = good["heif"].find(b"ispe") + 8
        yield f"heif-width-{said:x}", good["heif"][:size] + four + good["heif"][size + 4 :]
        yield f"pdf-xref-{said:x}", good["pdf"].replace(b"startxref\n", b"startxref\n%d" % said)
        yield f"pdf-length-{said:x}", good["pdf"].replace(b"/Length ", b"/Length %d" % said)
        yield f"pdf-count-{said:x}", good["pdf"].replace(b"/Count 3", b"/Count %d" % said)
    segment = good["webm-vp8"].find(b"\x18\x53\x80\x67") + 4
    for lie in (b"\x01" + b"\xff" * 7, b"\x08" + b"\xff" * 7, b"\xff", b"\x01" + bytes(7)):
        yield f"webm-segment-{lie.hex()}", good["webm-vp8"][:segment] + lie + good["webm-vp8"][segment + len(lie) :]
    for length in (0, 1, 0xFFFF):
        lie = b"\xff\xe1" + length.to_bytes(2, "big") + b"Exif\0\0MM"
        yield f"jpeg-segment-{length:x}", good["jpeg"][:2] + lie + good["jpeg"][2:]


def _jpeg_of(width: int, height: int, form: str = "jpeg") -> bytes:
    """A JPEG that claims another size."""
    content = files.good()[form]
    at = max(content.find(b"\xff\xc0"), content.find(b"\xff\xc2")) + 5
    return content[:at] + height.to_bytes(2, "big") + width.to_bytes(2, "big") + content[at + 4 :]


def _gif_of(frames: int, width: int = 160, height: int = 120, *, screen: bytes = b"") -> bytes:
    """A GIF with one frame repeated."""
    content = files.saved(Image.new("P", (width, height), 1), "GIF")
    body = content.index(b"\x2c")
    screen = screen or content[6:10]
    return content[:6] + screen + content[10:body] + content[body:-1] * frames + b";"


def _nothing(length: int) -> bytes:
    """That many zeros as a zlib stream (RFC 1950): one piece is compressed, and stands there as often as is needed."""
    whole, rest = divmod(length, 1_000_000)
    packer = zlib.compressobj(9, wbits=-15)
    packer.compress(bytes(64))
    packer.flush(zlib.Z_FULL_FLUSH)  # what follows refers to nothing before it
    piece = packer.compress(bytes(1_000_000)) + packer.flush(zlib.Z_FULL_FLUSH)
    last = packer.compress(bytes(rest)) + packer.flush()
    # Adler-32 of zeros: the first sum stays one, the second counts the bytes.
    return b"\x78\xda" + piece * whole + last + (length % 65521 << 16 | 1).to_bytes(4, "big")


def _bombs() -> Iterator[tuple[str, bytes]]:
    """Small files that want to become very large."""
    for width, height in (
        (2**31 - 1, 2**31 - 1),
        (2**31 - 1, 1),
        (1, 2**31 - 1),
        (65535, 65535),
        (2**32 - 1, 5),
        (0, 0),
    ):
        yield f"png-{width}x{height}", files.png(width, height, zlib.compress(bytes(100_000)))
    nothing = _nothing(40_000_000)
    yield "png-inflates-past-its-size", files.png(16, 16, nothing)
    yield "png-large-and-deep", files.png(6000, 6000, _nothing(6000 * 48001), depth=16, colour=6)
    yield "png-just-within", files.png(7999, 7999, _nothing(7999 * 8000))
    yield "png-interlaced-nothing", files.png(60000, 1000, nothing)
    inflating = _nothing(200_000_000)
    for chunk in (b"zTXt", b"iCCP"):
        bomb = files.png_chunk(chunk, b"x\0\0" + inflating)
        yield f"png-{chunk.decode()}", files.png(16, 16, zlib.compress(bytes(16 * 17)), before=bomb)
    many = files.png_chunk(b"tEXt", b"k\0v") * 100_000
    yield "png-many-notes", files.png(16, 16, zlib.compress(bytes(16 * 17)), before=many)
    nested = zlib.compress(zlib.compress(_nothing(100_000_000), 9), 9)
    yield "png-nested-zlib", files.png(100, 100, nested)
    for width, height in ((65500, 65500), (65500, 1), (1, 65500), (16000, 15900), (0, 0)):
        yield f"jpeg-{width}x{height}", _jpeg_of(width, height)
        yield f"jpeg-progressive-{width}x{height}", _jpeg_of(width, height, "jpeg-progressive")
    yield "gif-many-frames", _gif_of(20_000)
    yield "gif-many-large-frames", _gif_of(3000, 2000, 2000)
    yield "gif-large-screen", _gif_of(1, screen=b"\xff\xff\xff\xff")
    yield "gif-large-screen-many-frames", _gif_of(2000, screen=b"\xff\xff\xff\xff")
    yield "gif-small-screen-large-frame", _gif_of(3, 3000, 3000, screen=b"\1\0\1\0")
    yield "webp-large", files.saved(Image.new("RGB", (8100, 8100)), "WEBP", method=0)
    yield "webp-within", files.saved(Image.new("RGB", (7900, 7900)), "WEBP", method=0)
    header = files.good()["webp-lossless"]
    yield "webp-claims", header[:21] + b"\xff\xff\xff\x0f" + header[25:]
    yield "heif-large", files.heif(Image.new("RGB", (4000, 3000)))
    for box in ("0 0 1e9 1e9", "0 0 14400000 1", "0 0 1e-9 1e-9", "0 0 0 0", "-1e38 -1e38 1e38 1e38", "0 0 1 99999999"):
        yield f"pdf-box-{box.replace(' ', '_')}", files.pdf(box=box)
    yield "pdf-many-strokes", files.pdf(b"0 0 m 200 100 l S " * 300_000)
    yield "pdf-dashes", files.pdf(b"[0.0001 0.0001] 0 d 0 0 m 200 100 l S " * 100)
    yield "pdf-deep-states", files.pdf(b"q " * 200_000)
    yield "pdf-many-pages", files.pdf(pages=20_000)
    flate = _nothing(300_000_000)
    yield "pdf-flate", _pdf_stream(flate, b"/FlateDecode")
    yield "pdf-flate-of-flate", _pdf_stream(zlib.compress(flate, 9), b"[/FlateDecode/FlateDecode]")
    yield "pdf-huge-picture", _pdf_picture(60000, 60000, flate)
    yield "pdf-large-picture", _pdf_picture(17000, 17000, _nothing(17000 * 17000))
    yield "pdf-doubling", _pdf_doubling(30)
    yield (
        "pdf-pages-in-a-circle",
        files.document([b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Count 9/Kids[2 0 R]>>"]),
    )
    yield "pdf-arrays", files.document([b"<</Type/Catalog/Pages 2 0 R/X " + b"[" * 500_000 + b">>", b"<<>>"])


def _pdf_stream(data: bytes, filters: bytes) -> bytes:
    stream = b"<</Filter%s/Length %d>>stream\n%s\nendstream" % (filters, len(data), data)
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 100]/Contents 3 0 R/Resources<<>>>>"
    return files.document([b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Count 1/Kids[4 0 R]>>", stream, page])


def _pdf_picture(width: int, height: int, data: bytes) -> bytes:
    says = b"/Width %d/Height %d/ColorSpace/DeviceGray/BitsPerComponent 8/Filter/FlateDecode" % (width, height)
    return _pdf_objects([
        b"<</Type/XObject/Subtype/Image%s/Length %d>>stream\n%s\nendstream" % (says, len(data), data),
    ])  # fmt: skip


def _pdf_doubling(depth: int) -> bytes:
    """Forms that each draw the next one twice."""
    forms = []
    for number in range(depth):
        inner = b"0 0 9 9 re f" if number == depth - 1 else b"/X Do /X Do"
        following = b"" if number == depth - 1 else b"/Resources<</XObject<</X %d 0 R>>>>" % (6 + number)
        says = b"/Type/XObject/Subtype/Form/BBox[0 0 200 100]%s/Length %d" % (following, len(inner))
        forms.append(b"<<%s>>stream\n%s\nendstream" % (says, inner))
    return _pdf_objects(forms)


def _pdf_objects(objects: list[bytes]) -> bytes:
    """One page that draws the first of ``objects``, which is numbered 5."""
    draw = b"200 0 0 100 0 0 cm /X Do"
    return files.document([
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count 1/Kids[4 0 R]>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(draw), draw),
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 100]/Contents 3 0 R/Resources<</XObject<</X 5 0 R>>>>>>",
        *objects,
    ])  # fmt: skip
