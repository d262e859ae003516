# SPDX-License-Identifier: Apache-2.0
"""Which font draws which character of a printed page, and what stands there where none does.

Reports hold every script, and anything else that fits into a text field. A character that cannot be drawn, or that
would change the text around it unseen (control characters, overrides of direction), is written as its code point. So
nothing is left out silently, and no text can make a page fail.
"""

from __future__ import annotations

import functools
import itertools
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

FONTS = Path(__file__).parent / "fonts"
_SYSTEM = Path("/usr/share/fonts/truetype")
_SCRIPTS = ("arabic", "bengali", "gujarati", "gurmukhi", "kannada", "malayalam", "oriya", "tamil", "telugu")
_LATIN = ("latin", "latin-ext", "cyrillic", "cyrillic-ext", "greek", "greek-ext", "vietnamese", "devanagari")
# Where our own are missing, and for what they do not draw: what a Debian may have (fonts-noto-core, fonts-dejavu).
_INSTALLED = (
    *(f"noto/NotoSans{script}-Regular.ttf" for script in ("", "Devanagari", *(name.title() for name in _SCRIPTS))),
    *(
        f"noto/NotoSans{script}-Regular.ttf"
        for script in ("Sinhala", "OlChiki", "MeeteiMayek", "Myanmar", "Thai", "Hebrew", "Armenian", "Georgian")
    ),
    "noto/NotoSansSymbols-Regular.ttf",
    "noto/NotoSansSymbols2-Regular.ttf",
    "dejavu/DejaVuSans.ttf",
)
_JOINERS = "\u200c\u200d"
_ENDS_OF_LINE = re.compile("\r\n|[\r\n\x0b\x0c\x85\u2028\u2029]")
# What is written in order, letter by letter, and needs no shaping: Latin, Greek, Cyrillic and punctuation.
_PLAIN = re.compile("[ -\u02ff\u0370-\u0482\u048a-\u052f\u1e00-\u1fff\u2010-\u2027\u2030-\u205e\u20a0-\u20bf]*")


@dataclass(frozen=True, slots=True)
class Face:
    """A font file and the code points it has."""

    path: Path
    covers: frozenset[int]

    @property
    def key(self) -> str:
        """What a document calls it."""
        return re.sub("[^a-z0-9]", "", self.path.stem.lower())


@functools.cache
def _face(path: Path) -> Face | None:
    from fontTools.ttLib import TTFont

    if not path.exists():
        return None
    with TTFont(path, lazy=True) as font:
        return Face(path, frozenset(font.getBestCmap()))


@dataclass(frozen=True, slots=True)
class Letters:
    """The fonts of one installation, in the order in which they are asked; none of them need be there."""

    ours: Path = FONTS
    system: Path = _SYSTEM

    def of(self, char: str, *, bold: bool) -> Face | None:
        """The font that draws a character; None where there is none."""
        return _drawing(self, ord(char), bold)

    def runs(self, text: str, *, bold: bool) -> Iterator[tuple[Face | None, str]]:
        """A text that can be drawn (``drawable``), cut where the font changes; marks stay with what they stand on."""
        current: Face | None = None

        def chosen(char: str) -> Face | None:
            nonlocal current
            if not (current and leans(char) and ord(char) in current.covers):
                current = self.of(char, bold=bold)
            return current

        for face, chars in itertools.groupby(text, chosen):
            yield face, "".join(chars)

    def drawable(self, text: str) -> str:
        """The text in composed form (NFC) and one line, with code points for what cannot be drawn: "[U+1F600]"."""
        told: list[str] = []
        codes: list[str] = []
        before = " "
        for char in unicodedata.normalize("NFC", text):
            shown = self._shown(char, " " if codes else before)
            if shown:
                if codes:
                    told.append(f"[{' '.join(codes)}]")
                    codes = []
                told.append(shown)
            else:
                codes.append(f"U+{ord(char):04X}")
            before = char
        if codes:
            told.append(f"[{' '.join(codes)}]")
        return "".join(told)

    def _shown(self, char: str, before: str) -> str:
        """What stands for a character: itself, a blank, or nothing where its code has to."""
        kind = unicodedata.category(char)
        if kind == "Zs" or char == "\t":
            return " "
        if char in _JOINERS:  # between letters of a script that joins; elsewhere nobody would see it
            return char if needs_shaping(before) and self.of(before, bold=False) is not None else ""
        if kind in {"Cc", "Cf", "Cs", "Co", "Cn"}:
            return ""
        # Beyond the first plane lie emoji and rare scripts; readers lose them when text is copied out of a PDF.
        return char if ord(char) <= 0xFFFF and self.of(char, bold=False) is not None else ""


def leans(char: str) -> bool:
    """Whether a character belongs to the one before it, or is a blank, which every font has."""
    return char == " " or char in _JOINERS or unicodedata.category(char).startswith("M")


def ties(char: str) -> bool:
    """Whether a character draws the next letter to itself: a joiner, or a virama (canonical combining class 9)."""
    return bool(char) and (char in _JOINERS or unicodedata.combining(char) == 9)


@functools.lru_cache(maxsize=20_000)
def _drawing(letters: Letters, code: int, bold: bool) -> Face | None:
    for path in _asked(letters, bold):
        face = _face(path)
        if face is not None and code in face.covers:
            return face
    return None


@functools.cache
def _asked(letters: Letters, bold: bool) -> tuple[Path, ...]:
    heavy = [letters.ours / f"noto-sans-{part}-700.woff" for part in _LATIN] if bold else []
    if bold:
        heavy.append(letters.system / "noto/NotoSans-Bold.ttf")
    return (
        *heavy,
        *(letters.ours / f"noto-sans-{part}-400.woff" for part in (*_LATIN, *_SCRIPTS)),
        *(letters.system / name for name in _INSTALLED),
    )


def lines(text: str) -> list[str]:
    """The lines of a text, however their ends were written."""
    return _ENDS_OF_LINE.split(text)


def needs_shaping(text: str) -> bool:
    """Whether letters join, stack or run from right to left, so that one after the other would be wrong."""
    return _PLAIN.fullmatch(text) is None
