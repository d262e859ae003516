# SPDX-License-Identifier: Apache-2.0
"""A text cut into sentences with their words, and lines of a chat with their speakers, all with places in the text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nightlight.pipeline.triage.language.letters import WORD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nightlight.pipeline.triage.language.book import Book, Marks

LONGEST_SENTENCE, OVERLAP = 60, 12  # words: a run without a full stop is read in pieces that overlap by a phrase
# A full stop ends a sentence, but not in 6.30 and not in p.m.
_SENTENCE = re.compile(r"(?:[^.!?;\u0964\u0965\u2026]|\.(?=\d|m\b))+[.!?;\u0964\u0965\u2026]*")
_LINE = re.compile(r"[^\r\n\u2028\u2029\x0b\x0c\x85]+")
# "A: ", "[18:02] somebody: ", "12/03/26, 6:02 pm - somebody: "
_SPEAKER = re.compile(
    r"\s{0,8}(?:\[[^\]]{0,40}\]|[\d:/., -]{3,24}(?:[ap]m)?[ -]{0,3})?\s{0,4}((?:[^\s:\"\u201c]{1,24} ?){1,3}):\s"
)
_BREAK = re.compile(r"[,:|()\[\]\"\u201c\u201d\u2013\u2014\u00ab\u00bb\u00b7\u2022\U0001f300-\U0001faff]| - ")
_QUOTE = re.compile(r"[\"\u201c\u201d\u00ab\u00bb\u2018\u266a]|(?<!\w)'")


@dataclass(slots=True)
class Sentence:
    """``words`` and ``spans`` go together; spans are code points of the whole text, the end not included."""

    line: int
    speaker: str
    start: int
    end: int
    text: str
    question: bool
    words: list[Marks]
    present: frozenset[int]
    spans: list[tuple[int, int]] = field(default_factory=list)
    breaks: frozenset[int] = frozenset()
    quotes: tuple[int, ...] = ()

    def look_closer(self) -> None:
        """Fill in spans, breaks (numbers of words with a comma or the like before them) and quotes; needed by few."""
        if self.spans:
            return
        found = [match.span() for match in WORD.finditer(self.text)]
        self.breaks = frozenset(
            number
            for number in range(1, len(found))
            if _BREAK.search(self.text, found[number - 1][1], found[number][0])
        )
        self.quotes = tuple(self.start + match.start() for match in _QUOTE.finditer(self.text))
        self.spans = [(self.start + start, self.start + end) for start, end in found]


def sentences(text: str, book: Book) -> Iterator[Sentence]:
    """Yield the sentences of a text in order. Linear in its length; never raises."""
    marks = book.marks.__getitem__
    for number, line in enumerate(_LINE.finditer(text)):
        said = line.group()
        who = _SPEAKER.match(said)
        speaker = who.group(1).strip().casefold() if who else ""
        for match in _SENTENCE.finditer(said, who.end() if who else 0):
            piece = match.group()
            words = list(map(marks, WORD.findall(piece)))
            present = frozenset().union(*words)
            if not present:
                continue
            start = line.start() + match.start()
            whole = Sentence(number, speaker, start, start + len(piece), piece, "?" in piece[-6:], words, present)
            if len(words) <= LONGEST_SENTENCE:
                yield whole
            else:
                yield from _pieces(whole)


def _pieces(whole: Sentence) -> Iterator[Sentence]:
    spans = [match.span() for match in WORD.finditer(whole.text)]
    for first in range(0, len(spans) - OVERLAP, LONGEST_SENTENCE - OVERLAP):
        words = whole.words[first : first + LONGEST_SENTENCE]
        present: frozenset[int] = frozenset().union(*words)
        if not present:
            continue
        last = min(first + LONGEST_SENTENCE, len(spans))
        start, end = spans[first][0], spans[last - 1][1]
        yield Sentence(
            whole.line,
            whole.speaker,
            whole.start + start,
            whole.start + end,
            whole.text[start:end],
            whole.question and last == len(spans),
            words,
            present,
        )
