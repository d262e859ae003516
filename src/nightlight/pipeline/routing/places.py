# SPDX-License-Identifier: Apache-2.0
"""One spelling for the name of a place, so that the same name written in two ways is found to be the same.

Nothing here knows any place. Marks that change a word's meaning in Indian scripts stay; what only differs between
keyboards (nukta, joiners, two ways to write a Malayalam chillu, accents over Latin letters) goes.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

LONGEST = 300
"""Characters of a text that are read; no name of a place is longer."""

_CHILLUS = {
    "\u0d23\u0d4d\u200d": "\u0d7a",
    "\u0d28\u0d4d\u200d": "\u0d7b",
    "\u0d30\u0d4d\u200d": "\u0d7c",
    "\u0d32\u0d4d\u200d": "\u0d7d",
    "\u0d33\u0d4d\u200d": "\u0d7e",
    "\u0d15\u0d4d\u200d": "\u0d7f",
}
# Dots below letters of Devanagari, Bengali, Gurmukhi, Gujarati, Odia; joiners; accents.
_DROPPED = re.compile("[\u093c\u09bc\u0a3c\u0abc\u0b3c\u200b-\u200d\u2060\ufeff\u0300-\u036f]")
_DOTTED = re.compile(r"(?<![^\W_])((?:[^\W\d_]\.){2,})([^\W\d_]?)(?![^\W_])")
_OTHER = re.compile(r"[\s!-/:-@\[-`{-~\u00a0-\u00bf\u0964\u2010-\u205f\u3000-\u303f]+")
_AROUND = re.compile(
    r"^(?:(?:the )?(?:state|union territory|ut|district|dist|distt|city|town) of )|^(?:district|dist|distt|city) "
    r"|(?: (?:district|dist|distt|dt|city|town|municipal corporation|state))$"
)
_PARTS = re.compile(r"[,;/|\n\r\u060c]+")


@lru_cache(maxsize=50_000)
def plain(text: str) -> str:
    """`text` without case, punctuation, accents or runs of blanks; empty when nothing is left. Never raises."""
    cut = unicodedata.normalize("NFKC", text[:LONGEST]).casefold()
    for two, one in _CHILLUS.items():
        cut = cut.replace(two, one)
    # Taken apart, so that accents over Latin letters can go; put together again for the other scripts.
    apart = _DROPPED.sub("", unicodedata.normalize("NFD", cut))
    whole = unicodedata.normalize("NFC", apart).replace("&", " and ")
    whole = _DOTTED.sub(lambda found: found[0].replace(".", ""), whole)
    return _OTHER.sub(" ", whole).strip()


@lru_cache(maxsize=50_000)
def bare(text: str) -> str:
    """`plain(text)` without the words around a name: "Dist. Ernakulam", "State of Kerala", "Pune City"."""
    name = plain(text)
    while True:
        shorter = _AROUND.sub("", name, count=1).strip()
        if shorter == name or not shorter:
            return name
        name = shorter


def parts(text: str) -> tuple[str, ...]:
    """The parts of "Kochi, Kerala, India", each as `plain` writes it, without empty ones."""
    found = (plain(part) for part in _PARTS.split(text[:LONGEST]))
    return tuple(part for part in found if part)


def phrases(text: str, longest: int = 4) -> tuple[str, ...]:
    """Every run of at most `longest` words of `text`, longer ones first, from left to right."""
    words = plain(text).split()[:40]
    return tuple(
        " ".join(words[start : start + length])
        for length in range(min(longest, len(words)), 0, -1)
        for start in range(len(words) - length + 1)
    )
