# SPDX-License-Identifier: Apache-2.0
"""The process that reads one file: it shuts itself in, decodes, hands over pixels or fingerprints, and ends.

Standard input: one JSON object, from our own server (see ``render``). The file: an open descriptor that the object
names. Standard output: four bytes of length, a JSON object of that length, the lines of the pictures or the hashes. A
refusal is told by the exit code (``EXITS``) and nothing else; nothing is ever written to standard error.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from importlib import import_module
from typing import TYPE_CHECKING, Any

from nightlight.trust.viewing.rendering import sandbox
from nightlight.trust.viewing.rendering.terms import Kind, Limits, Protections, RenditionRefused, Wanted, Why

if TYPE_CHECKING:
    from nightlight.trust.viewing.rendering.decoders import Decoded
    from nightlight.trust.viewing.rendering.measuring import Found

EXITS = {why: 64 + number for number, why in enumerate(Why)}
_DECODERS = {
    Kind.JPEG: "stills",
    Kind.PNG: "stills",
    Kind.WEBP: "stills",
    Kind.GIF: "stills",
    Kind.HEIF: "heif",
    Kind.MP4: "films",
    Kind.WEBM: "films",
    Kind.PDF: "documents",
}
# Read by Python when they are first used, which is too late inside.
_CODECS = ("ascii", "latin_1", "utf_8", "utf_16_le", "utf_16_be", "utf_16", "unicode_escape")


def main() -> None:
    """Do what standard input asks for."""
    request = json.load(sys.stdin)
    limits = Limits(**request["limits"])
    if request["kind"] is None:  # asked only what would hold it in
        _answer(_enter(limits), None)
        return
    kind, original = Kind(request["kind"]), int(request["original"])
    wanted = Wanted(**request["wanted"]) if request["wanted"] else None  # None: measured, not shown
    # Everything that must be read from the disk is read now: inside, no file can be opened.
    for name in _CODECS:
        import_module(f"encodings.{name}")
    from PIL import Image

    from nightlight.trust.viewing.rendering import decoders, measuring

    decoder = import_module(f"nightlight.trust.viewing.rendering.{_DECODERS[kind]}")
    if wanted:
        decoders.prepare(wanted, limits)
    else:
        measuring.prepare(limits)
    warnings.simplefilter("ignore")
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    protections = _enter(limits, original)
    if not protections.enough:
        _refuse(Why.NO_SANDBOX)
    with open(original, "rb", closefd=False) as file:
        if wanted:
            _answer(protections, decoder.decode(file, kind, wanted, limits))
        else:
            _answer_measured(protections, decoder.measure(file, kind, limits))


def _enter(limits: Limits, *keep: int) -> Protections:
    try:
        return sandbox.enter(memory=limits.memory, cpu_seconds=limits.cpu_seconds, keep=frozenset(keep))
    except OSError as refusal:
        raise RenditionRefused(Why.NO_SANDBOX) from refusal


def _answer(protections: Protections, decoded: Decoded | None) -> None:
    rasters = decoded.rasters if decoded else ()
    head = {
        "protections": vars(protections),
        "duration": decoded.duration if decoded else None,
        "pages": decoded.pages if decoded else None,
        "pictures": [[raster.width, raster.height, raster.channels, raster.at] for raster in rasters],
    }
    _say(head, [raster.lines for raster in rasters])


def _answer_measured(protections: Protections, found: Found) -> None:
    head = {
        "protections": vars(protections),
        "width": found.width,
        "height": found.height,
        "duration": found.duration,
        "seen": found.seen,
        "frames": [[frame.at, frame.quality] for frame in found.frames],
    }
    _say(head, [frame.hashes for frame in found.frames])


def _say(head: dict[str, Any], parts: list[bytes]) -> None:
    written = json.dumps(head).encode()
    for part in (len(written).to_bytes(4, "big"), written, *parts):
        _write(part)


def _write(part: bytes) -> None:
    rest = memoryview(part)
    while rest:
        rest = rest[os.write(1, rest) :]


def _refuse(why: Why) -> None:
    os._exit(EXITS[why])


def run() -> None:
    """Run ``main`` and end with a code, whatever happens; destructors of decoders are not worth waiting for."""
    try:
        main()
    except RenditionRefused as refusal:
        _refuse(refusal.why)
    except MemoryError:
        _refuse(Why.TOO_MUCH_MEMORY)
    except (ImportError, PermissionError):  # it wanted something it cannot have: our fault, or an attack
        _refuse(Why.CRASHED)
    except Exception as failure:  # whatever a decoder does with a file that is not as it should be
        bomb = type(failure).__name__.startswith("DecompressionBomb")
        _refuse(Why.TOO_LARGE if bomb else Why.DAMAGED)
    os._exit(0)


if __name__ == "__main__":
    run()
