# SPDX-License-Identifier: Apache-2.0
"""Has hostile files shown, one after the other, in a process so small that the memory it reports is the child's own."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from pathlib import Path

from nightlight.trust.viewing.rendering.render import render
from nightlight.trust.viewing.rendering.terms import Limits, RenditionRefused, Wanted


def look(path: Path, limits: Limits, wanted: Wanted) -> dict[str, object]:
    """Return what came of one file: outcome, sizes, cost, and its digest afterwards."""
    began = time.monotonic()
    original = path.read_bytes()
    sizes: list[tuple[int, int]] = []
    try:
        rendition = render(
            (original[at : at + 65536] for at in range(0, len(original), 65536)), wanted=wanted, limits=limits
        )
        outcome, cost = "shown", rendition.cost
        sizes = [(picture.width, picture.height) for picture in rendition.pictures]
    except RenditionRefused as refused:
        outcome, cost = refused.why.value, refused.cost  # type: ignore[assignment]
    return {
        "name": path.name,
        "outcome": outcome,
        "sizes": sizes,
        "size": wanted.size,
        "wall": time.monotonic() - began,
        "cpu": cost.cpu_seconds if cost else 0,
        "memory": cost.memory if cost else 0,
        "sha256": hashlib.sha256(original).hexdigest(),
        "kept": hashlib.sha256(path.read_bytes()).hexdigest(),
    }


def main() -> None:
    """Answer each path on standard input with a line of JSON. Arguments: the limits, and the watermark."""
    limits = Limits(**json.loads(sys.argv[1]))
    for line in sys.stdin:
        path = Path(line.rstrip("\n"))
        large = int(path.name[:3]) % 2 == 1
        wanted = Wanted(sys.argv[2], size=1024 if large else 96, grey=not large)
        sys.stdout.write(json.dumps(look(path, limits, wanted)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
