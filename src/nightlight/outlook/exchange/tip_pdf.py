# SPDX-License-Identifier: Apache-2.0
"""A tip as a PDF to print, to file, and to be read by programs that look for "MD5:" or "IP Address:" in its text.

Knows no database, and no clock but one that says when it takes too long: the same sheet gives the same bytes on one
installation. Letters are shaped by HarfBuzz and each line that was shaped also says what it means (ActualText; ISO
32000-1, 14.9.4), so that copying and searching find the words as they were written. The library and the fonts:
docs/decisions/0027-pdf.md.
"""

from __future__ import annotations

import itertools
import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fpdf import FPDF
from fpdf.fonts import TTFFont
from fpdf.line_break import Fragment

from nightlight.outlook.exchange import letters

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nightlight.outlook.exchange.letters import Letters
    from nightlight.outlook.exchange.sheets import Block, Sheet

RESTRICTED = "Restricted: child protection"
_MARGIN = 18.0  # mm
_TOP = 24.0
_BOTTOM = 26.0
_STEP = 5.0  # from one line of text to the next
_INDENT = 5.0
_SIZE = 9.5  # points
_SMALL = 7.5
_GREY, _BLACK, _RED = (96, 96, 96), (0, 0, 0), (160, 0, 0)
_MOST_TIED = 16  # characters that hang together; no script has as many
_CORE = "helvetica"  # in every reader; draws Latin 1 only


class TooSlow(Exception):
    """It was not done within the time that was given."""


def write(sheet: Sheet, *, letters: Letters, seconds: float = math.inf) -> bytes:
    """The sheet as a PDF, A4. Raises TooSlow where it is not filled within so many seconds."""
    paper = _Paper(letters, time.perf_counter() + seconds)
    try:
        paper.fill(sheet)
        return bytes(paper.output())
    finally:
        paper.close_fonts()


_UNDRAWN = (
    "[U+…]: characters that no font of this installation draws, or that cannot be seen; their code points in Unicode "
    "stand for them, in order."
)


@dataclass(slots=True)
class _Word:
    text: str
    bold: bool
    width: float
    after_blank: bool


@dataclass(slots=True)
class _Row:
    """One printed line, as it fills up."""

    words: list[_Word] = field(default_factory=list)
    width: float = 0.0

    def add(self, word: _Word, blank: float) -> None:
        self.width += word.width + (blank if self.words and word.after_blank else 0)
        self.words.append(word)


class _Paper(FPDF):
    """Pages that fill up line by line. Lines are broken here, because the width of a word depends on its shaping."""

    def __init__(self, fonts: Letters, ends: float = math.inf) -> None:
        super().__init__(format="A4")
        self._ends = ends
        self._letters = fonts
        self._bold = False
        self._widths: dict[tuple[str, bool, float], float] = {}
        self._known: set[str] = set()
        self.undrawn = False
        self.set_margin(_MARGIN)
        self.set_auto_page_break(False)

    def fill(self, sheet: Sheet) -> None:
        """Print the whole sheet."""
        self.set_creation_date(sheet.at)
        self.set_title(sheet.tip)
        self.set_creator("Nightlight")
        self.set_lang("en")
        self.page_on()
        self.flow([(sheet.title, True)], size=15, step=8)
        if sheet.warning:
            self.flow([(sheet.warning, True)], colour=_RED)
        for block in sheet.front:
            self.block(block)
        for section in sheet.sections:
            self.heading(section.title, section.note)
            for block in section.blocks:
                self.block(block)
        if self.undrawn:
            self.flow([(_UNDRAWN, False)], size=_SMALL, colour=_GREY)
        self.mark_pages(sheet)

    def close_fonts(self) -> None:
        """Close the files of the fonts; the library leaves them open."""
        for font in self.fonts.values():
            if isinstance(font, TTFFont):
                font.ttfont.close()

    # --- filling pages ------------------------------------------------------------------------------------------------

    def page_on(self) -> None:
        self.add_page()
        self.set_y(_TOP)

    def _room(self, height: float) -> None:
        if self.get_y() + height > self.h - _BOTTOM:
            self.page_on()

    def heading(self, title: str, note: str) -> None:
        self._room(5 * _STEP)
        self.ln(_STEP)
        self.set_draw_color(*_GREY)
        self.line(_MARGIN, self.get_y(), self.w - _MARGIN, self.get_y())
        self.ln(1.5)
        self.flow([(title, True)], size=12, step=6.5)
        if note:
            self.flow([(note, False)], size=_SMALL, step=4, colour=_GREY)
        self.ln(1)

    def block(self, block: Block) -> None:
        self._room(3 * _STEP)
        self.ln(1.5)
        if block.title:
            self.flow([(block.title, True)], size=10.5, step=5.5)
        for line in block.lines:
            if line.label:
                self.flow([(f"{line.label}:", True), (line.text, False)], indent=_INDENT)
            else:
                self.flow([(line.text, False)], indent=_INDENT, colour=_GREY)
        for text in block.prose:
            for row in letters.lines(text):
                self.flow([(row, False)], indent=_INDENT, hanging=0.0)
            self.ln(1)

    def flow(
        self,
        parts: Iterable[tuple[str, bool]],
        *,
        indent: float = 0.0,
        hanging: float = _INDENT,
        size: float = _SIZE,
        step: float = _STEP,
        colour: tuple[int, int, int] = _BLACK,
    ) -> None:
        """Print parts (text, whether bold) one after the other, broken at blanks; what follows stands further in."""
        first = True
        for row in self._rows(parts, self.w - 2 * _MARGIN - indent - hanging, size):
            if time.perf_counter() > self._ends:
                raise TooSlow
            self._room(step)
            self.set_text_color(*colour)
            self.set_xy(_MARGIN + indent + (0 if first else hanging), self.get_y())
            self._draw(row, size, step)
            self.set_y(self.get_y() + step)
            first = False

    def _rows(self, parts: Iterable[tuple[str, bool]], most: float, size: float) -> Iterator[_Row]:
        row, blank = _Row(), self._width(" ", False, size)
        for word in self._words(parts, most, size):
            if row.words and row.width + blank + word.width > most:
                yield row
                row = _Row()
            row.add(word, blank)
        yield row

    def _words(self, parts: Iterable[tuple[str, bool]], most: float, size: float) -> Iterator[_Word]:
        for part, bold in parts:
            shown = self._shown(part)
            for text in shown.split(" "):
                after_blank = True
                for piece in self._pieces(text, bold, most, size):
                    if piece:
                        yield _Word(piece, bold, self._width(piece, bold, size), after_blank)
                    after_blank = False

    def _shown(self, text: str) -> str:
        one_line = " ".join(letters.lines(text))
        if self._letters.of("A", bold=False) is None:  # no font at all
            shown = "".join(c if c.isprintable() and c.isascii() else f"[U+{ord(c):04X}]" for c in one_line)
        else:
            shown = self._letters.drawable(one_line)
        self.undrawn = self.undrawn or ("[U+" in shown and "[U+" not in text)
        return shown

    def _pieces(self, word: str, bold: bool, most: float, size: float) -> Iterator[str]:
        """A word as it is, or cut where it is wider than a line; never between a letter and its marks."""
        if len(word) < 20 or self._width(word, bold, size) <= most:
            yield word
            return
        piece, wide = "", 0.0
        for cluster in _clusters(word):
            width = self._width(cluster, bold, size)
            if piece and wide + width > most:
                yield piece
                piece, wide = "", 0.0
            piece, wide = piece + cluster, wide + width
        yield piece

    # --- letters ------------------------------------------------------------------------------------------------------

    def _use(self, text: str, bold: bool, size: float) -> None:
        """Set the font of what comes next; the fonts of single letters are chosen in ``_parse_chars``."""
        self._bold = bold
        face = self._letters.of("A", bold=bold)
        if face is None:
            self.set_font(_CORE, style="B" if bold else "", size=size)
            return
        self.set_font(self._key(face), size=size)
        self.set_text_shaping(letters.needs_shaping(text))

    def _key(self, face: letters.Face) -> str:
        if face.key not in self._known:
            self.add_font(face.key, fname=face.path)
            self._known.add(face.key)
        return face.key

    def _width(self, text: str, bold: bool, size: float) -> float:
        key = (text, bold, size)
        if key not in self._widths:
            self._use(text, bold, size)
            self._widths[key] = float(self.get_string_width(text))
        return self._widths[key]

    def _draw(self, row: _Row, size: float, step: float) -> None:
        for number, (bold, words) in enumerate(itertools.groupby(row.words, lambda word: word.bold)):
            text = "".join(f"{' ' if word.after_blank else ''}{word.text}" for word in words)
            text = text if number else text.removeprefix(" ")
            self._use(text, bold, size)
            meant = self.text_shaping is not None
            if meant:
                self._out(f"/Span <</ActualText <{(chr(0xFEFF) + text).encode('utf-16-be').hex()}>>> BDC")
            self.cell(w=float(self.get_string_width(text)), h=step, text=text)
            if meant:
                self._out("EMC")

    def _parse_chars(
        self,
        text: str,
        markdown: bool,
        *,
        _initial_emphasis: tuple[bool, bool, bool, bool] | None = None,
    ) -> Iterator[Fragment]:
        """Cut a text where the font changes. The library's own way cuts at joiners too, and breaks old Malayalam."""
        for face, run in self._letters.runs(text, bold=self._bold):
            state = self._get_current_graphics_state()
            if face is not None:
                key = self._key(face)
                state.font_family, state.font_style, state.current_font = key, "", self.fonts[key]
            yield Fragment(list(run), state, self.k)

    # --- the edges ----------------------------------------------------------------------------------------------------

    def mark_pages(self, sheet: Sheet) -> None:
        """Print head and foot of every page, now that it is known how many there are."""
        for number in range(1, self.pages_count + 1):
            self.page = number
            self.set_text_color(*_RED)
            self._edge(RESTRICTED, 11, bold=True)
            self.set_text_color(*_GREY)
            self._edge(sheet.tip, 11, right=True)
            top = self.h - _BOTTOM + 4
            for text in sheet.footer:
                self._edge(text, top)
                top += 3.6
            self._edge(f"Page {number} of {self.pages_count}", top - 3.6 if sheet.footer else top, right=True)

    def _edge(self, text: str, top: float, *, bold: bool = False, right: bool = False) -> None:
        most = self.w - 2 * _MARGIN - (0 if right else 24)
        row = next(self._rows([(text, bold)], most, _SMALL))
        self.set_font(_CORE, size=_SMALL + 1)  # so that the font is set anew on this page
        self.set_xy(self.w - _MARGIN - row.width if right else _MARGIN, top)
        self._draw(row, _SMALL, 3.6)


def _clusters(word: str) -> Iterator[str]:
    """A word in pieces that may be parted: a letter with its marks, and what a joiner or a virama ties to it."""
    piece = ""
    for char in word:
        tied = letters.leans(char) or letters.ties(piece[-1:])
        if piece and (not tied or len(piece) >= _MOST_TIED):
            yield piece
            piece = ""
        piece += char
    yield piece
