# SPDX-License-Identifier: Apache-2.0
"""What the perceptual fingerprint of a picture costs, beside the program that hash lists of the field are matched with.

Pictures are made here: smooth noise at several scales, grain and a faint pattern, in colours that photos have, saved as
JPEG of quality 88 with 12 and with 1 million pixels. Both sides are given the bytes of the file and decode it in this
process: ours as the shut-in process does (``stills.measure``), the peer by threatexchange's ``pdq_from_bytes``. Turns
are interleaved; times are processor time of this process, the median over pictures and turns. The hashes alone are
measured beside them (``hashed``). What the shut-in process itself takes is measured apart (``measured``): it is paid
for every file, whatever the decoder.

    python benches/matching_pdq.py            # 6 pictures of each size, about a minute
    python benches/matching_pdq.py --count 3
"""

from __future__ import annotations

import argparse
import io
import json
import random
import statistics
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageChops, ImageDraw

from nightlight.foundation import pdq
from nightlight.trust.viewing.rendering import stills
from nightlight.trust.viewing.rendering.measure import measure
from nightlight.trust.viewing.rendering.measuring import draft, luma_of
from nightlight.trust.viewing.rendering.terms import DEFAULT, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SIZES = {"12 MP": (4000, 3000), "1 MP": (1152, 864)}
_SCALES = ((5, 1.0), (17, 0.5), (60, 0.28), (200, 0.16))  # spots along the longer side, and how strong they are
_GRAIN = 4.2  # deviation of the grain; it makes the files about as large as photos of that size are (2.1 MB at 12 MP)
_TURNS = 3
_HASHES = 50


def photo_like(width: int, height: int, seed: int) -> Image.Image:
    """A picture with the statistics of a photo, and nothing on it."""
    dice = random.Random(seed)
    light = _noise(width, height, dice, _SCALES)
    drawing = Image.new("L", (width, height), 128)
    pen = ImageDraw.Draw(drawing)
    for _ in range(12):
        left, top = dice.randrange(width), dice.randrange(height)
        box = (left, top, left + dice.randrange(1, width // 2), top + dice.randrange(1, height // 2))
        (pen.ellipse if dice.random() < 0.5 else pen.rectangle)(box, fill=dice.randrange(96, 160))
    light = ImageChops.add(light, drawing, offset=-128)
    light = ImageChops.add(light, Image.effect_noise((width, height), _GRAIN), offset=-128)
    colours = [_noise(width, height, dice, ((4, 0.35),)) for _ in range(2)]
    return Image.merge("YCbCr", [light, *colours]).convert("RGB")


def _noise(width: int, height: int, dice: random.Random, scales: tuple[tuple[int, float], ...]) -> Image.Image:
    total = Image.new("L", (width, height), 128)
    for spots, strength in scales:
        size = max(2, spots * width // max(width, height)), max(2, spots * height // max(width, height))
        grey = Image.frombytes(
            "L", size, bytes(int(128 + strength * (value - 128)) for value in dice.randbytes(size[0] * size[1]))
        )
        total = ImageChops.add(total, grey.resize((width, height), Image.Resampling.BICUBIC), offset=-128)
    return total


def as_jpeg(image: Image.Image, quality: int = 88) -> bytes:
    """The bytes of a picture as a camera would save it."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return file.getvalue()


def _ours(data: bytes) -> bytes:
    return stills.measure(io.BytesIO(data), Kind.JPEG, DEFAULT).frames[0].hashes[: pdq.BYTES]


@contextmanager
def _numpy_alone() -> Iterator[None]:
    compiled, pdq._compiled = pdq._compiled, None
    try:
        yield
    finally:
        pdq._compiled = compiled


def _ours_by_numpy(data: bytes) -> bytes:
    with _numpy_alone():
        return _ours(data)


def _by_numpy(luma: object, *, original_size: tuple[int, int]) -> pdq.Fingerprint:
    with _numpy_alone():
        return pdq.of_luma(luma, original_size=original_size)


def _peer(data: bytes) -> bytes:
    from threatexchange.signal_type.pdq.pdq_hasher import pdq_from_bytes

    return pdq.from_hex(pdq_from_bytes(data)[0])


def pictures(count: int) -> dict[str, Any]:
    """Compare our fingerprint of ``count`` JPEGs of each size with the peer's: milliseconds, ratios, bits off."""
    ways: dict[str, Callable[[bytes], bytes]] = {"numpy": _ours_by_numpy, "peer": _peer}
    if pdq.compiled():
        ways["compiled"] = _ours
    found: dict[str, Any] = {}
    for name, (width, height) in SIZES.items():
        files = [as_jpeg(photo_like(width, height, seed)) for seed in range(count)]
        times: dict[str, list[float]] = {way: [] for way in ways}
        off: dict[str, int] = dict.fromkeys(ways, 0)
        for function in ways.values():
            function(files[0])  # loads what is loaded once
        for data in files:
            for _ in range(_TURNS):
                hashes = {}
                for way, function in ways.items():
                    began = time.process_time()
                    hashes[way] = function(data)
                    times[way].append(time.process_time() - began)
            off = {way: max(off[way], pdq.distance(hashes[way], hashes["peer"])) for way in ways}
        row: dict[str, Any] = {"pictures": count, "kilobytes": round(statistics.mean(map(len, files)) / 1000)}
        for way in ways:
            row[f"{way}_ms"] = round(1000 * statistics.median(times[way]), 3)
            if way != "peer":
                row[f"{way}_ratio"] = round(statistics.median(times["peer"]) / statistics.median(times[way]), 1)
                row[f"{way}_bits_off_at_most"] = off[way]
        found[name] = row
    return found


def hashed() -> dict[str, Any]:
    """What the eight hashes of a decoded picture cost, without decoding, in ms: by the compiled core and by numpy."""
    found: dict[str, Any] = {}
    for name, size in SIZES.items():
        image = Image.open(io.BytesIO(as_jpeg(photo_like(*size, 1))))
        draft(image)
        luma = luma_of(image)
        row: dict[str, Any] = {"decoded": image.size}
        for way in ("compiled", "numpy") if pdq.compiled() else ("numpy",):
            times = []
            for _ in range(_HASHES):
                began = time.process_time()
                (pdq.of_luma if way == "compiled" else _by_numpy)(luma, original_size=size)
                times.append(time.process_time() - began)
            row[f"{way}_ms"] = round(1000 * statistics.median(times), 3)
        found[name] = row
    return found


def measured(count: int) -> dict[str, Any]:
    """What a whole file costs through the shut-in process: its processor time and the time until the answer, in ms."""
    found: dict[str, Any] = {}
    for name, (width, height) in SIZES.items():
        data = as_jpeg(photo_like(width, height, 1))
        costs = [measure([data]).cost for _ in range(count)]
        found[name] = {
            "cpu_ms": round(1000 * statistics.median(cost.cpu_seconds for cost in costs), 1),
            "wall_ms": round(1000 * statistics.median(cost.wall_seconds for cost in costs), 1),
        }
    return found


def main() -> None:
    """Print all of them as one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--count", type=int, default=6)
    count = parser.parse_args().count
    print(json.dumps({"pictures": pictures(count), "hashed": hashed(), "measured": measured(count)}, indent=2))


if __name__ == "__main__":
    main()
