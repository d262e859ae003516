# SPDX-License-Identifier: Apache-2.0
"""One shape for words that people type in many: joiners, accents, look-alike letters, stretched letters, spellings."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from nightlight.pipeline.linking.confusables import skeleton

LONGEST = 48  # code points; no word of the lists is longer, and a longer run is no word that anybody typed

# Python counts Indian vowel signs, viramas and joiners as no part of a word; here they are. The two danda are not.
_MARKS = r"\u0300-\u036f\u0900-\u0963\u0966-\u097f\u0d00-\u0d7f\u00ad\u200b-\u200f\u2060\ufeff'\u2019\u02bc"
WORD = re.compile(rf"[\w{_MARKS}]+")

# Zero-width characters, apostrophes, the nukta and the underscore carry nothing that the lists distinguish.
_DROPPED = dict.fromkeys((0xAD, *range(0x200B, 0x2010), 0x2060, 0xFEFF, 0x27, 0x2019, 0x2BC, 0x93C, ord("_")))
# Two ways of writing one thing: chandrabindu and anusvara; Malayalam chillu letters, au sign, samvruthokaram.
_SAME = {
    0x901: "\u0902",
    0xD7A: "\u0d23\u0d4d",
    0xD7B: "\u0d28\u0d4d",
    0xD7C: "\u0d30\u0d4d",
    0xD7D: "\u0d32\u0d4d",
    0xD7E: "\u0d33\u0d4d",
    0xD7F: "\u0d15\u0d4d",
    0xD4C: "\u0d57",
}
_TABLE = {**_DROPPED, **_SAME}
_ACCENTS = re.compile(r"[\u0300-\u036f]")
_STRETCHED = re.compile(r"(.)\1{2,}", re.DOTALL)
_DOUBLED = re.compile(r"(.)\1+", re.DOTALL)
_DIGITS_FOR_LETTERS = str.maketrans("013457", "oieast")
# How Hindi, Marathi and Malayalam words are spelt in Latin letters differs from writer to writer in these.
_ROMAN = (("ee", "i"), ("oo", "u"), ("sh", "s"), ("th", "t"), ("dh", "d"), ("ph", "f"), ("w", "v"), ("z", "j"))


def fold(word: str) -> str:
    """Return a word in the shape the lists are kept in; it may be empty. Never raises."""
    if word.isascii():
        return word.casefold().translate(_TABLE)
    text = unicodedata.normalize("NFKC", word).casefold().translate(_TABLE).replace("\u0d41\u0d4d", "\u0d4d")
    if _ACCENTS.search(text := unicodedata.normalize("NFD", text)):
        text = _ACCENTS.sub("", text)
    if not text.isascii():
        text = "".join(char if char < "\u0250" or "\u0900" <= char <= "\u0d7f" else _plain(char) for char in text)
    return unicodedata.normalize("NFC", text.translate(_TABLE))


def shapes(folded: str) -> tuple[str, ...]:
    """Return the other spellings to try of a folded word that is stretched or has digits for letters."""
    found = []
    if _STRETCHED.search(folded):
        found += [_STRETCHED.sub(r"\1\1", folded), _STRETCHED.sub(r"\1", folded), _DOUBLED.sub(r"\1", folded)]
    if folded.isascii() and not folded.isalpha() and not folded[:1].isdigit():
        found.append(folded.translate(_DIGITS_FOR_LETTERS))
    return tuple(found)


def roman(folded: str) -> str:
    """Return the loose spelling of an Indian word in Latin letters, empty where it is too short to be loose about."""
    if len(folded) < 4 or not folded.isascii():
        return ""
    for said, kept in _ROMAN:
        folded = folded.replace(said, kept)
    return _DOUBLED.sub(r"\1", folded)


@lru_cache(maxsize=4096)
def _plain(char: str) -> str:
    """Return the Latin letter that a character of another script looks like, or the character itself."""
    look = skeleton(char)
    return look if len(look) == 1 and look.isascii() and look.isalpha() else char
