# SPDX-License-Identifier: Apache-2.0
"""The 256 bits of a perceptual hash as squares, drawn by the server: ours, theirs, and where they differ.

A square stands for one of the 16 by 16 waves a picture is made of: the coarsest upper left, the finest lower right. It
says nothing of what the picture shows. Shapes carry the meaning; colour comes besides.
"""

from __future__ import annotations

from dataclasses import dataclass

from nightlight.foundation import pdq

SIDE = 16
SIZE = 10  # of a square, in the drawing's own units


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table behind the pictures: the bits as 0 and 1, and in how many places they differ."""

    number: int
    ours: str
    theirs: str
    differ: int


@dataclass(frozen=True, slots=True)
class Bits:
    """Two hashes as drawings (SVG path data, ``SIDE * SIZE`` units wide and high) and as a table."""

    ours: str
    theirs: str
    both: str  # set in both
    only_ours: str
    only_theirs: str
    distance: int
    rows: tuple[Row, ...]
    width: int = SIDE * SIZE


def side_by_side(ours: bytes, theirs: bytes) -> Bits:
    """Compare two hashes. Raises pdq.NotPdq(wrong-length)."""
    distance = pdq.distance(ours, theirs)
    mine, other = grid(ours), grid(theirs)
    places = [(line, place) for line in range(SIDE) for place in range(SIDE)]
    return Bits(
        ours=_squares([at for at in places if _is(mine, at)]),
        theirs=_squares([at for at in places if _is(other, at)]),
        both=_squares([at for at in places if _is(mine, at) and _is(other, at)]),
        only_ours=_squares([at for at in places if _is(mine, at) and not _is(other, at)]),
        only_theirs=_rings([at for at in places if _is(other, at) and not _is(mine, at)]),
        distance=distance,
        rows=tuple(
            Row(number, one, two, sum(a != b for a, b in zip(one, two, strict=True)))
            for number, (one, two) in enumerate(zip(mine, other, strict=True), 1)
        ),
    )


def grid(value: bytes) -> list[str]:
    """Return a hash as 16 lines of 0 and 1, the coarsest waves first: the published order, read from its end."""
    number = int.from_bytes(value, "big")
    bits = f"{number:0{pdq.BITS}b}"[::-1]
    return [bits[start : start + SIDE] for start in range(0, pdq.BITS, SIDE)]


def _is(lines: list[str], at: tuple[int, int]) -> bool:
    return lines[at[0]][at[1]] == "1"


def _squares(places: list[tuple[int, int]]) -> str:
    inner = SIZE - 1
    return "".join(f"M{x * SIZE + 0.5} {y * SIZE + 0.5}h{inner}v{inner}h-{inner}z" for y, x in places)


def _rings(places: list[tuple[int, int]]) -> str:
    """Squares to be drawn by their outline, a little smaller so that the line stays inside."""
    inner = SIZE - 3
    return "".join(f"M{x * SIZE + 1.5} {y * SIZE + 1.5}h{inner}v{inner}h-{inner}z" for y, x in places)
