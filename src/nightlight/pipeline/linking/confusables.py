# SPDX-License-Identifier: Apache-2.0
"""Characters that look alike (Unicode Technical Standard #39, section 4), from the data of confusable-homoglyphs."""

from __future__ import annotations

import json
import unicodedata
from functools import cache
from importlib.resources import files

_ROUNDS = 4
# Characters without a look of their own that are not of category Cf (DerivedCoreProperties, Default_Ignorable).
_INVISIBLE = frozenset(
    {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0, *range(0x180B, 0x1810), *range(0xFE00, 0xFE10)}
)


def skeleton(text: str) -> str:
    """How `text` looks, in lower case: two texts with the same skeleton are taken for each other by a reader.

    NFKC and case folding first; digits of every script become 0 to 9; what cannot be seen is left out; a character
    outside ASCII becomes the ASCII one it looks like, or else the one that stands for all that look like it.
    ASCII stays as it is, which is less than the standard's skeleton.
    """
    for _ in range(_ROUNDS):
        turned = _once(text)
        if turned == text:
            break
        text = turned
    return text


def _once(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    if folded.isascii():
        return folded
    looks = _looks()
    seen = (_look(letter, looks) for letter in unicodedata.normalize("NFD", folded))
    return unicodedata.normalize("NFKC", "".join(seen).casefold())


def _look(letter: str, looks: dict[str, str]) -> str:
    if letter.isascii():
        return letter
    if (digit := unicodedata.decimal(letter, None)) is not None:
        return str(digit)
    code = ord(letter)
    if unicodedata.category(letter) == "Cf" or code in _INVISIBLE or 0xE0000 <= code <= 0xE0FFF:
        return ""
    return looks.get(letter, letter)


@cache
def _looks() -> dict[str, str]:
    """For each character outside ASCII, what it looks like.

    The data names, for every character, those that look like it: one for a member of a class, all members for the
    character that stands for the class. Which of the two comes first in a class of two makes no difference here.
    """
    source = files("confusable_homoglyphs").joinpath("confusables.json").read_text(encoding="utf-8")
    alike = {_bare(one): sorted({_bare(other["c"]) for other in others}) for one, others in json.loads(source).items()}
    found: dict[str, str] = {}
    for letter, others in alike.items():
        if len(letter) == 1 and not letter.isascii():
            centre = others[0] if len(others) == 1 else letter
            found[letter] = _stands_for({centre, *alike.get(centre, ())}, centre)
    return found


def _stands_for(members: set[str], centre: str) -> str:
    plain = sorted({one for member in members if (one := member.lower()).isascii() and len(one) == 1 and one.isalnum()})
    if plain:
        return centre.lower() if centre.lower() in plain else plain[0]
    return min(members) if len(members) == 2 else centre


def _bare(text: str) -> str:
    """Without the marks of direction that the data puts around letters written from right to left."""
    return text.strip("\u200e\u200f")
