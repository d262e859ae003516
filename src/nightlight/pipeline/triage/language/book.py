# SPDX-License-Identifier: Apache-2.0
"""Word lists made ready to look up in: each word of a text becomes the set of marks it bears; phrases look at marks.

A mark is a number for one choice of words in one language. A word that is on no list bears none, and a sentence
without the marks that a phrase needs is passed over, which is why reading is quick.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nightlight.pipeline.triage.language.letters import LONGEST, WORD, fold, roman, shapes
from nightlight.pipeline.triage.language.lists import BUILT_IN, Phrase

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from nightlight.pipeline.triage.language.lists import Element, WordList

Marks = frozenset[int]
NOTHING: Marks = frozenset()
_CLOCK = re.compile(r"\d{1,2}(?:am|pm|baje|vajta|mani|manikku)")
_REMEMBERED = 50_000  # words whose marks are kept; then all are forgotten and the memory starts anew


@dataclass(frozen=True, slots=True)
class Step:
    """One word of a phrase as a mark, or a gap. ``denies``: the phrase itself says no there."""

    mark: int
    optional: bool
    gap: int
    denies: bool


@dataclass(frozen=True, slots=True)
class Way:
    """One way of saying a phrase. ``needed`` are the marks without which it cannot be there."""

    phrase: str
    language: str
    code: str
    part: str
    steps: tuple[Step, ...]
    needed: Marks
    even_if: bool
    unless: int | None
    not_after: int | None
    not_then: int | None
    first: bool


@dataclass(slots=True)
class Spelling:
    """Where the words of one language are looked up: whole, by beginning, by ending; and loosely in Latin letters."""

    whole: dict[str, set[int]] = field(default_factory=dict)
    begins: dict[str, set[int]] = field(default_factory=dict)
    ends: dict[str, set[int]] = field(default_factory=dict)
    loose: dict[str, set[int]] = field(default_factory=dict)
    loose_begins: dict[str, set[int]] = field(default_factory=dict)
    is_loose: bool = False
    sizes: list[int] = field(default_factory=list)  # of beginnings and endings, rising

    def add(self, word: str, mark: int) -> None:
        bare = word.strip("*")
        table = self.ends if word.startswith("*") else self.begins if word.endswith("*") else self.whole
        table.setdefault(bare, set()).add(mark)
        if self.is_loose and not word.startswith("*") and (spelt := roman(bare)):
            table = self.loose_begins if word.endswith("*") else self.loose
            table.setdefault(spelt, set()).add(mark)
        else:
            spelt = ""
        if "*" in word:
            self.sizes = sorted({*self.sizes, len(bare), *([len(spelt)] if spelt else [])})

    def marks(self, word: str) -> set[int]:
        found = set(self.whole.get(word, ()))
        for size in self.sizes:
            if size > len(word):
                break
            found |= self.begins.get(word[:size], NOTHING) | self.ends.get(word[-size:], NOTHING)
        if self.is_loose and (spelt := roman(word)):
            found |= self.loose.get(spelt, NOTHING)
            for size in self.sizes:
                if size > len(spelt):
                    break
                found |= self.loose_begins.get(spelt[:size], NOTHING)
        return found


class _Remembered(dict[str, Marks]):
    """The marks of each word as it was typed, worked out when first asked for; forgotten when there are too many."""

    def __init__(self, work_out: Callable[[str], Marks]) -> None:
        super().__init__()
        self._work_out = work_out

    def __missing__(self, word: str) -> Marks:
        found = self._work_out(word)
        if len(self) >= _REMEMBERED:
            self.clear()
        self[word] = found
        return found


class Book:
    """Every list at once. Looking up never raises, whatever the text."""

    def __init__(self, lists: Iterable[WordList]) -> None:
        self._numbers: dict[tuple[str, frozenset[str]], int] = {}
        self._spellings: dict[str, Spelling] = {}
        self.marks = _Remembered(self._marks)
        self._built_in: dict[str, set[int]] = {f"<{name}>": set() for name in BUILT_IN}
        self.sets: dict[str, dict[str, int]] = {}
        self.asides: dict[str, dict[str, tuple[Way, ...]]] = {}
        self.denying: dict[str, Marks] = {}
        self.ways: list[Way] = []
        for words in lists:
            self._add(words)
        self.by_mark: dict[int, list[Way]] = {}
        letters = {mark: sorted(map(len, words)) for (_, words), mark in self._numbers.items() if words}
        for way in self.ways:
            # The rarest word cannot be known; a choice without any short word is most often a content word.
            self.by_mark.setdefault(max(way.needed, key=lambda mark: (letters[mark], mark)), []).append(way)
        self._labels = frozenset(sets["aside.labels"] for sets in self.sets.values())
        self.replies = {name: frozenset(sets[f"reply.{name}"] for sets in self.sets.values()) for name in ("yes", "no")}

    def labels(self, speaker: str) -> bool:
        """Say whether what stands before a colon is a label ("Bio", "Occupation"), and nobody who speaks."""
        return any(self.marks[word] & self._labels for word in WORD.findall(speaker))

    def _marks(self, word: str) -> Marks:
        if len(word) > LONGEST:
            return NOTHING
        folded = fold(word)[:LONGEST]
        # A stretched word is on a list by chance only: any of its other spellings may be meant, in whichever language.
        return frozenset().union(*map(self._marks_of, (folded, *shapes(folded))))

    def _marks_of(self, shape: str) -> set[int]:
        found: set[int] = set()
        for spelling in self._spellings.values():
            found |= spelling.marks(shape)
        if shape.isdecimal() and len(shape) <= 4:
            found |= self._built_in["<number>"]
        if _CLOCK.fullmatch(shape):
            found |= self._built_in["<clock>"]
        return found

    def _add(self, words: WordList) -> None:
        language = words.language
        self._spellings[language] = Spelling(is_loose=language != "en")
        self.sets[language] = {name: self._mark(language, members) for name, members in words.sets.items()}
        names = ("negation.before", "negation.before_name", "negation.after")
        self.denying[language] = frozenset(self.sets[language][name] for name in names)
        denying = frozenset[str]().union(*(words.sets[name] for name in names))
        self.asides[language] = {
            name: tuple(
                self._way(Phrase(name, "", "", (), even_if=False, unless=frozenset()), said, language, denying)
                for said in ways
            )
            for name, ways in words.asides.items()
        }
        for phrase in words.phrases:
            self.ways += [self._way(phrase, said, language, denying) for said in phrase.ways]

    def _way(self, phrase: Phrase, said: Sequence[Element], language: str, denying: frozenset[str]) -> Way:
        steps = tuple(
            Step(
                mark=-1 if element.gap else self._mark(language, element.words),
                optional=element.optional,
                gap=element.gap,
                denies=element.denies or (bool(element.words) and element.words <= denying),
            )
            for element in said
        )
        return Way(
            phrase=phrase.id,
            language=language,
            code=phrase.code,
            part=phrase.part,
            steps=steps,
            needed=frozenset(step.mark for step in steps if not step.gap and not step.optional),
            even_if=phrase.even_if,
            unless=self._mark(language, phrase.unless) if phrase.unless else None,
            not_after=self._mark(language, phrase.not_after) if phrase.not_after else None,
            not_then=self._mark(language, phrase.not_then) if phrase.not_then else None,
            first=phrase.first,
        )

    def _mark(self, language: str, words: frozenset[str]) -> int:
        mark = self._numbers.setdefault((language, words), len(self._numbers))
        for word in words:
            if word in self._built_in:
                self._built_in[word].add(mark)
            else:
                self._spellings[language].add(word, mark)
        return mark


def match(steps: Sequence[Step], words: Sequence[Marks], at: int, step: int = 0) -> tuple[int, ...] | None:
    """Return where each word of a phrase stands if it begins at ``at``; shortest gaps first.

    A place is negative (``~index``) where the phrase itself denies there. The lists bound gaps and words, so this
    takes a bounded time for each beginning.
    """
    while step < len(steps):
        this = steps[step]
        if this.gap:
            for skipped in range(this.gap + 1):
                if (rest := match(steps, words, at + skipped, step + 1)) is not None:
                    return rest
            return None
        if at < len(words) and this.mark in words[at]:
            rest = match(steps, words, at + 1, step + 1)
            if rest is not None:
                return (~at if this.denies else at, *rest)
        if not this.optional:
            return None
        step += 1
    return ()
