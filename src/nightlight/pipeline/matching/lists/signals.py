# SPDX-License-Identifier: Apache-2.0
"""Types of values as exchanges name them, and how each goes into a row.

Names are those of python-threatexchange 1.2 (``get_name()`` and the API's indicator types), StopNCII, TCAP and the
Hash Sharing API. vPDQ: a JSON list of ``"<64 hex>,<quality>,<seconds>"`` or of objects, or an object by frame number.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from nightlight.pipeline.matching.lists import values
from nightlight.pipeline.matching.lists.jsonstream import JSON_ERRORS
from nightlight.pipeline.matching.lists.rows import JSON, Code, Entry, Note

MOST_FRAMES = 7200
"""Different frames of one film: two hours at one a second. Each is looked up by itself, so there must be an end."""

_NAMES: dict[str, tuple[str, str]] = {
    "md5": ("md5", ""),
    "hashmd5": ("md5", ""),
    "videomd5": ("md5", "video"),
    "hashvideomd5": ("md5", "video"),
    "sha1": ("sha1", ""),
    "hashsha1": ("sha1", ""),
    "sha256": ("sha256", ""),
    "hashsha256": ("sha256", ""),
    "hashvideosha256": ("sha256", "video"),
    "pdq": ("pdq", "image"),
    "hashpdq": ("pdq", "image"),
    "imagepdq": ("pdq", "image"),
    "vpdq": ("frames", "video"),
    "videovpdq": ("frames", "video"),
    "hashvpdq": ("frames", "video"),
    "hashvideovpdq": ("frames", "video"),
    "photodna": ("photodna", ""),
    "hashphotodna": ("photodna", ""),
    "pdna": ("photodna", ""),
}
_OPAQUE = {"tmk", "hashtmk", "videotmk", "tmkpdqf", "netclean", "videntifier", "ssvhpdna", "ssvhsaferhash"}
_OPAQUE |= {"sha512", "hashsha512"}


@dataclass(frozen=True, slots=True)
class Signal:
    """What a value is (md5, sha1, sha256, pdq, frames, photodna, or opaque under a name) and of which media."""

    kind: str
    media: str = ""
    name: str = ""

    @classmethod
    def named(cls, name: str, media: str | None = None) -> Signal | None:
        """Return the type an exchange calls by this name; None when nothing here has a use for it."""
        plain = name.strip().lower().replace("_", "").replace("-", "").replace(" ", "")
        if plain in _NAMES:
            kind, of = _NAMES[plain]
            return cls(kind, values.media(media) or of)
        return cls("opaque", "", name.strip()) if plain in _OPAQUE else None


def take_signal(entry: Entry, signal: Signal, value: JSON, report: values.Report) -> int:
    """Put a value into its entry, or report what is wrong with it; returns how many frames were left out."""
    entry.media = entry.media or signal.media
    try:
        if signal.kind == "frames":
            found, left_out, bad = frames(value)
            if bad:
                report(Code.BAD_FRAME, f"{bad} frames of the video are no PDQ hash with a quality.")
            entry.frames = entry.frames or found
            return left_out
        if signal.kind == "photodna":
            if (text := values.photodna(value)) is not None:
                entry.opaque.setdefault("PhotoDNA", text)
        elif signal.kind == "opaque":
            if isinstance(value, str) and value:
                entry.opaque.setdefault(signal.name, value)
        elif (raw := values.digest(signal.kind, value)) is not None:
            entry.digests.setdefault(signal.kind, raw)
    except values.BadValue as error:
        report(error.code, error.reason)
    return 0


def frames(value: JSON) -> tuple[tuple[bytes, ...], int, int]:
    """Read the frames of a video: hashes of frames that are good enough, how many were left out, how many are bad.

    Left out are frames that are not good enough, and one that is equal to a frame before it: a still scene says
    nothing more the second time. Raises BadValue when the value is no list of frames at all, and when more than
    MOST_FRAMES different ones are left.
    """
    if isinstance(value, str):
        try:
            value = msgspec.json.decode(value)
        except JSON_ERRORS:
            raise values.BadValue(Code.BAD_FRAME, "The frames of the video are no JSON.") from None
    if isinstance(value, dict):  # older writers: an object by frame number
        value = list(value.values())
    if not isinstance(value, list):
        raise values.BadValue(Code.BAD_FRAME, "The frames of the video are no list.")
    good: dict[bytes, None] = {}  # in their order
    left_out = bad = 0
    for frame in value:
        try:
            raw, quality = _frame(frame)
        except values.BadValue:
            bad += 1
            continue
        if (quality is not None and quality < values.FRAME_QUALITY) or raw in good:
            left_out += 1
            continue
        if len(good) == MOST_FRAMES:
            raise values.BadValue(Code.BAD_FRAME, f"The video has more than {MOST_FRAMES:,} different frames.")
        good[raw] = None
    return tuple(good), left_out, bad


def frames_note(left_out: int) -> Note:
    """Say how many frames of a list's films were left out."""
    text = f"Video frames with a quality below {values.FRAME_QUALITY} match everything, repeated ones say nothing more:"
    return Note(Code.FRAMES_LEFT_OUT, f"{text} they were left out.", {"frames": left_out})


def _frame(frame: JSON) -> tuple[bytes, int | None]:
    if isinstance(frame, str):
        parts = frame.split(",")
        text: JSON = parts[0]
        quality: JSON = parts[1].strip() if len(parts) > 1 else None
    elif isinstance(frame, dict):
        text = next((frame[name] for name in ("hash", "pdq_hex", "pdq", "hex") if name in frame), None)
        quality = frame.get("quality")
    else:
        raise values.BadValue(Code.BAD_FRAME, "A frame is neither text nor an object.")
    found = values.quality(quality)
    if isinstance(text, str) and found is not None and found < values.FRAME_QUALITY and not text.strip("0 "):
        return b"", found  # a black frame: all zeros and no quality, which is no fault of the list
    raw = values.digest("pdq", text)
    if raw is None:
        raise values.BadValue(Code.BAD_FRAME, "A frame has no hash.")
    return raw, found
