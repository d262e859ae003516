# SPDX-License-Identifier: Apache-2.0
"""A lettering of three by five dots, enough to print a month calendar without a font."""

from __future__ import annotations

from functools import cache

WIDTH, HEIGHT = 3, 5

# Five octal digits per sign, one per row, top first; in each the bit 4 is the left dot.
_SIGNS = {
    "A": "25755", "B": "65656", "C": "34443", "D": "65556", "E": "74647", "F": "74644",
    "G": "34553", "H": "55755", "I": "72227", "J": "11152", "K": "55655", "L": "44447",
    "M": "57755", "N": "65555", "O": "25552", "P": "65644", "Q": "25563", "R": "65655",
    "S": "34216", "T": "72222", "U": "55557", "V": "55552", "W": "55775", "X": "55255",
    "Y": "55222", "Z": "71247", "0": "75557", "1": "26227", "2": "71747", "3": "71317",
    "4": "55711", "5": "74717", "6": "74757", "7": "71122", "8": "75757", "9": "75717",
}  # fmt: skip


@cache
def dots(sign: str) -> tuple[tuple[int, int], ...]:
    """Return the (x, y) of every inked dot of `sign`; an unknown sign is a blank."""
    return tuple(
        (x, y)
        for y, row in enumerate(_SIGNS.get(sign, "00000"))
        for x, bit in enumerate((4, 2, 1))
        if int(row, 8) & bit
    )
