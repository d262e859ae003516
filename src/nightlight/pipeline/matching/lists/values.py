# SPDX-License-Identifier: Apache-2.0
"""Values as hash lists write them: digests, PhotoDNA, truth, moments, quality; one at a time and in columns.

Sizes: MD5 16 bytes (RFC 1321), SHA-1 20, SHA-256 32 (FIPS 180-4), PDQ 32 (256 bits), PhotoDNA 144 bytes, written as
192 base64 characters or 288 hex digits.
"""

from __future__ import annotations

import binascii
import re
import struct
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from nightlight.pipeline.matching.lists.rows import JSON, Code

SIZES = {"md5": 16, "sha1": 20, "sha256": 32, "pdq": 32}
STRENGTH = ("sha256", "sha1", "md5", "pdq")  # which digest names a row that has no id
PHOTODNA_SIZE = 144
FRAME_QUALITY = 50  # frames below it are flat and match everything; PDQ's own threshold

# A list that names the empty file would match every empty file; a digest of zeros stands for "none" in some exports.
EMPTY = {
    "md5": bytes.fromhex("d41d8cd98f00b204e9800998ecf8427e"),
    "sha1": bytes.fromhex("da39a3ee5e6b4b0d3255bfef95601890afd80709"),
    "sha256": bytes.fromhex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
}
_ZEROS = {16: bytes(16), 20: bytes(20), 32: bytes(32)}
_DOTNET = re.compile(r"/Date\((-?\d{1,16})(?:[+-]\d{4})?\)/")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


Report = Callable[[Code, str], None]  # says what is wrong with a value of a row


class BadValue(Exception):
    """A value that is not what its column holds."""

    def __init__(self, code: Code, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def digest(kind: str, value: JSON) -> bytes | None:
    """Return the bytes of a hex digest; None for an absent one (null or blank).

    Raises BadValue for anything else that is not exactly the hex digits of ``kind``.
    """
    if value is None:
        return None
    if not isinstance(value, str):
        raise BadValue(Code.NOT_TEXT, f"{kind} is not text.")
    text = value.strip()
    if not text:
        return None
    size = SIZES[kind]
    if len(text) != size * 2:
        raise BadValue(Code.WRONG_LENGTH, f"{kind} has {len(text)} characters, not {size * 2}.")
    try:
        raw = binascii.a2b_hex(text)
    except ValueError:
        raise BadValue(Code.NOT_HEX, f"{kind} holds characters that are not hex digits.") from None
    if raw == EMPTY.get(kind):
        raise BadValue(Code.EMPTY_FILE, f"{kind} is that of a file without any bytes: it would match every empty file.")
    if not any(raw):
        raise BadValue(Code.PLACEHOLDER, f"{kind} is all zeros: a placeholder, not a digest.")
    return raw


def column(kind: str, texts: Sequence[JSON]) -> list[bytes] | None:
    """Convert a whole column in one go; None when any value needs a look of its own.

    Equal in result to :func:`digest` on each value: a length that differs, a character that is no hex digit, the
    empty file's digest or a zero digest anywhere sends the whole column back.
    """
    count, size = len(texts), SIZES[kind]
    width = size * 2 + 1
    try:
        joined = "\n".join(texts)
        # All line breaks where they belong, and (below) none elsewhere: so every value has the right length.
        if len(joined) != count * width - 1 or joined[width - 1 :: width] != "\n" * (count - 1):
            return None
        raw = bytes.fromhex(joined)  # skips white space, which the length then tells
    except (TypeError, ValueError):
        return None
    if len(raw) != count * size:
        return None
    # Both look for a value at any alignment: a false alarm only costs the slow way.
    if (kind in EMPTY and EMPTY[kind] in raw) or _ZEROS[size] in raw:
        return None
    return list(_slices(size, count).unpack(raw))


@lru_cache(maxsize=256)
def _slices(size: int, count: int) -> struct.Struct:
    return struct.Struct(f"{size}s" * count)


def photodna(value: JSON) -> str | None:
    """Return a PhotoDNA value as canonical base64 of its 144 bytes; None for an absent one.

    Takes 192 base64 characters, 288 hex digits, or bytes that a decoder made from either as base64: hex digits are
    base64 characters too, so what was hex is found again by writing the bytes back. Raises BadValue.
    """
    if value is None or value in ("", b""):
        return None
    if isinstance(value, bytes):
        value = encoded(value)
    if not isinstance(value, str):
        raise BadValue(Code.BAD_OPAQUE, "PhotoDNA is not text.")
    text = value.strip()
    try:
        raw = binascii.a2b_hex(text) if len(text) == PHOTODNA_SIZE * 2 else binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        raise BadValue(Code.BAD_OPAQUE, "PhotoDNA is neither base64 nor hex.") from None
    if len(raw) != PHOTODNA_SIZE:
        raise BadValue(Code.BAD_OPAQUE, f"PhotoDNA has {len(raw)} bytes, not {PHOTODNA_SIZE}.")
    return encoded(raw)


def encoded(raw: bytes) -> str:
    """Bytes as canonical base64 (RFC 4648)."""
    return binascii.b2a_base64(raw, newline=False).decode("ascii")


def truth(value: JSON) -> JSON:
    """Return True or False where a source wrote it as text; every other value as it came."""
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower(), value)
    return value


def moment(value: JSON) -> JSON:
    """Return .NET's ``/Date(ms)/`` as ISO 8601 in UTC (milliseconds since 1970); everything else as it came.

    The offset .NET may append says how to show the moment, not when it was, so it is not applied.
    """
    if isinstance(value, str) and (found := _DOTNET.fullmatch(value.strip())):
        try:
            at = _EPOCH + timedelta(milliseconds=int(found[1]))
        except OverflowError:
            return value
        return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return value


def quality(value: JSON) -> int | None:
    """Return a PDQ quality 0..100, None where absent. Raises BadValue."""
    if value is None or value == "":
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise BadValue(Code.BAD_QUALITY, "The quality is not a number.") from None
    if not 0 <= number <= 100 or number != int(number):
        raise BadValue(Code.BAD_QUALITY, "The quality is not a whole number from 0 to 100.")
    return int(number)


def own_id(digests: dict[str, bytes], frames: tuple[bytes, ...] = ()) -> str:
    """Return the id of a row whose source has none: ``<kind>:<hex>`` of its strongest digest."""
    for kind in STRENGTH:
        if kind in digests:
            return f"{kind}:{digests[kind].hex()}"
    return f"frames:{len(frames)}:{frames[0].hex()}" if frames else ""


def media(value: JSON) -> str:
    """Return "image" or "video" from a MIME type, a word or a file ending; "" where it tells neither."""
    if not isinstance(value, str):
        return ""
    word = value.strip().lower().lstrip(".")
    if word.startswith(("image", "photo", "picture")) or word in _IMAGE:
        return "image"
    if word.startswith(("video", "movie")) or word in _VIDEO:
        return "video"
    return ""


_IMAGE = frozenset(["jpg", "jpeg", "png", "gif", "bmp", "webp", "heic", "heif", "avif", "tif", "tiff"])
_VIDEO = frozenset(["mov", "m4v", "mp4", "webm", "mkv", "avi", "mpg", "mpeg", "wmv", "flv", "3gp", "ts"])
