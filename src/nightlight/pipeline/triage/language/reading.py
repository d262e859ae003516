# SPDX-License-Identifier: Apache-2.0
"""Reads free text for crisis language: phrases of the lists, then what takes them back, then what makes a meeting.

What takes a phrase back: a denial beside it (the finding is kept and marked); an if before it, a rule or a help
text around it, a verse in quotation marks, long ago (nothing is found). A question counts once it is answered with a
yes. A child's words in a reporter's quotation marks do count: that is how reporters tell them. Who has children
around (access) is not heard in the turns of a chat.

Lists are incomplete and unreviewed, and words are not facts: a finding asks a person to look, and no finding is no
all-clear. See the package's docstring for what rules of triage may hear.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from nightlight.pipeline.triage.language.book import Book
from nightlight.pipeline.triage.language.lists import combinations, word_lists
from nightlight.pipeline.triage.language.meetings import meetings
from nightlight.pipeline.triage.language.phrases import answered, hits, taken_back
from nightlight.pipeline.triage.language.sentences import sentences

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nightlight.pipeline.triage.language.phrases import Hit
    from nightlight.pipeline.triage.language.sentences import Sentence

MAX_TEXT = 500_000  # code points of one text; of a longer one the first and the last half of that are read
MAX_ALL = 2_000_000  # code points of all texts of one call
MAX_FINDINGS = 50  # of one text and code, denied and not denied apart


@dataclass(frozen=True, slots=True)
class Finding:
    """Words in one place of a report. Only ``code`` and ``place`` may reach rules, and only if not ``negated``.

    ``code`` is self-harm, meeting, abuse-now or access. ``start`` and ``end`` are code points of the text as given,
    the end not included. ``phrase_id`` names the phrases of the lists, several joined with ``+``. ``language`` is the
    list's, for the officer's page. ``negated``: the text denies it; shown, never a tripwire.
    """

    code: str
    place: str
    start: int
    end: int
    language: str
    phrase_id: str
    negated: bool


@dataclass(frozen=True, slots=True)
class Unread:
    """A part of a text that was too long to be read: code points from ``start`` up to and without ``end``."""

    place: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Lists:
    """Which word lists read: language, version, and whether a native speaker has reviewed them."""

    language: str
    version: str
    reviewed: bool


def read(texts: Iterable[tuple[str, str]]) -> tuple[Finding, ...]:
    """Return what texts say, in order. ``texts`` are (place in the report, text).

    Never raises for any text. Long texts are cut (see ``unread``). Time is linear in the length of the texts.
    Raises ListRefused if the word lists that come with Nightlight are damaged.
    """
    book = _book()
    found: list[Finding] = []
    for place, text, parts in _bounded(texts):
        for start, end in parts:
            found += _read(book, place, text[start:end], start)
    return tuple(found)


def for_rules(findings: Iterable[Finding]) -> tuple[tuple[str, str], ...]:
    """Return (code, place in the report) of what is not denied, each once, in order: all that rules may hear."""
    return tuple(dict.fromkeys((finding.code, finding.place) for finding in findings if not finding.negated))


def unread(texts: Iterable[tuple[str, str]]) -> tuple[Unread, ...]:
    """Return the parts that ``read`` leaves out of the same texts, for a note on the page; mostly empty."""
    found = []
    for place, text, parts in _bounded(texts):
        ends = [0, *(number for part in parts for number in part), len(text)]
        gaps = zip(ends[::2], ends[1::2], strict=True)
        found += [Unread(place, start, end) for start, end in gaps if start < end]
    return tuple(found)


def lists_in_use() -> tuple[Lists, ...]:
    """Return which lists are read with. Raises ListRefused."""
    return tuple(Lists(words.language, words.version, words.reviewed) for words in word_lists())


@cache
def _book() -> Book:
    return Book(word_lists())


def _bounded(texts: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str, list[tuple[int, int]]]]:
    left = MAX_ALL
    for place, text in texts:
        size = min(MAX_TEXT, left)
        if len(text) <= size:
            parts = [(0, len(text))]
        else:
            # The newest lines of a chat are the last ones, the report's own words the first.
            parts = [(0, size - size // 2), (len(text) - size // 2, len(text))] if size else []
        left -= min(size, len(text))
        yield place, text, parts


def _read(book: Book, place: str, text: str, shift: int) -> list[Finding]:
    found: list[Finding] = []
    counts: dict[tuple[str, bool], int] = {}
    reach: dict[str, int] = {}

    def add(finding: Finding) -> None:
        kind = finding.code, finding.negated
        if finding.start < reach.get(finding.code, 0) or counts.get(kind, 0) >= MAX_FINDINGS:
            return
        counts[kind] = counts.get(kind, 0) + 1
        reach[finding.code] = finding.end
        start, end = shift + finding.start, shift + finding.end
        found.append(replace(finding, start=start, end=end))

    read_so_far = [(sentence, hits(book, sentence)) for sentence in sentences(text, book)]
    for number, (sentence, here) in enumerate(read_so_far):
        a_turn = bool(sentence.speaker) and not book.labels(sentence.speaker)
        for hit in _longest(here, sentence):
            if a_turn and hit.way.code == "access":
                continue  # in a chat people speak of their own teachers and families
            negated = hit.denied
            if sentence.question and not hit.way.even_if:
                reply = answered(book, read_so_far, number)
                if reply is None:
                    continue
                negated = negated or not reply
            if not taken_back(book, sentence, hit):
                way, (start, end) = hit.way, hit.span(sentence)
                add(Finding(way.code, place, start, end, way.language, way.phrase, negated))
        for meeting in meetings(book, read_so_far, number, combinations()):
            add(Finding("meeting", place, *meeting))
    return sorted(found, key=lambda finding: (finding.start, finding.code))


def _longest(here: list[Hit], sentence: Sentence) -> list[Hit]:
    """Return the hits that are no part of a meeting, of overlapping ones of a code the longest, in order."""
    kept: list[Hit] = []
    for hit in sorted(here, key=lambda hit: (hit.first - hit.last, hit.denied, hit.first)):
        if hit.way.part or any(
            other.way.code == hit.way.code and other.first <= hit.last and hit.first <= other.last for other in kept
        ):
            continue
        kept.append(hit)
    return sorted(kept, key=lambda hit: hit.first)
