# SPDX-License-Identifier: Apache-2.0
"""Where phrases of the lists stand in a sentence, whether they are denied there, and what takes them back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightlight.pipeline.triage.language.book import match

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nightlight.pipeline.triage.language.book import Book, Way
    from nightlight.pipeline.triage.language.sentences import Sentence

REACH = 6  # words that a denial may stand away from a phrase, with nothing but light words between
BEFORE = 3  # words before a phrase, back to a comma, in which one of its "not_after" takes it away
BEHIND = 2  # words behind a phrase, up to a comma, in which one of its "not_then" takes it away
NEAR = 5  # words around a phrase in which a word of its "unless" makes it harmless
DOUBT_REACH = 8  # words that a doubt about who has children around may stand away from it, with no comma between
CONDITION_REACH = 14  # words after an if that it still covers, up to the next comma
ANSWER_LINES, ANSWER_WORDS = 2, 3  # an answer comes within so many lines and begins with its yes within so many words


@dataclass(slots=True)
class Hit:
    """A phrase in a sentence, from its first to its last word; ``own`` are the words with which it denies itself."""

    way: Way
    first: int
    last: int
    own: frozenset[int]
    denied: bool = False

    def span(self, sentence: Sentence) -> tuple[int, int]:
        return sentence.spans[self.first][0], sentence.spans[self.last][1]


def hits(book: Book, sentence: Sentence) -> list[Hit]:
    """Return every phrase of the lists in a sentence, each told whether it is denied there."""
    present = sentence.present
    found = []
    for mark in present & book.by_mark.keys():
        for way in book.by_mark[mark]:
            if way.needed <= present:
                found += [hit for hit in _places(way, sentence) if not _figurative(sentence, hit)]
    found = [hit for hit in found if not _others(sentence, hit)]
    if found:
        sentence.look_closer()
        taken = frozenset().union(*(hit.own for hit in found))
        beside = frozenset(
            at for hit in found if hit.way.part in ("place", "time") for at in range(hit.first, hit.last + 1)
        )
        for hit in found:
            hit.denied = _denied(book, sentence, hit, taken, beside if hit.way.part else frozenset())
    return found


def _places(way: Way, sentence: Sentence) -> Iterator[Hit]:
    words = sentence.words
    begins = way.steps[0].mark
    for at, marks in enumerate(words):
        if begins in marks and (found := match(way.steps, words, at)) is not None:
            places = [~place if place < 0 else place for place in found]
            yield Hit(way, places[0], places[-1], frozenset(~place for place in found if place < 0))


def _figurative(sentence: Sentence, hit: Hit) -> bool:
    """Say whether one of the words that make a phrase harmless stands near it; far away it may belong to anything."""
    unless = hit.way.unless
    if unless is None or unless not in sentence.present:
        return False
    near = sentence.words[max(0, hit.first - NEAR) : hit.last + 1 + NEAR]
    return any(unless in marks for marks in near)


def _others(sentence: Sentence, hit: Hit) -> bool:
    """Say whether words beside a phrase make it somebody else's, wished for, or over ("my", "former")."""
    not_after, not_then = hit.way.not_after, hit.way.not_then
    if not hit.way.first and not {not_after, not_then} & sentence.present:
        return False
    sentence.look_closer()
    if hit.way.first and hit.first and hit.first not in sentence.breaks:
        return True
    for at in range(hit.last + 1, min(len(sentence.words), hit.last + 1 + BEHIND)):
        if at in sentence.breaks:
            break
        if not_then in sentence.words[at]:
            return True
    for at in range(hit.first - 1, max(-1, hit.first - 1 - BEFORE), -1):
        if at + 1 in sentence.breaks:
            return False
        if not_after in sentence.words[at]:
            return True
    return False


def _denied(book: Book, sentence: Sentence, hit: Hit, taken: frozenset[int], beside: frozenset[int]) -> bool:
    """Say whether a denial stands inside a phrase, right before it, or right after it; light words may be between.

    ``taken``: words with which phrases deny themselves. ``beside``: places and times, as light as other light words.
    """
    words, sets = sentence.words, book.sets[hit.way.language]
    denying = book.denying[hit.way.language]
    void = sets["negation.not_if_next"]

    def denies(at: int, *names: str) -> bool:
        if at in taken or not any(sets[f"negation.{name}"] in words[at] for name in names):
            return False
        return at + 1 >= len(words) or void not in words[at + 1]

    if any(words[at] & denying and denies(at, "before", "after") for at in range(hit.first, hit.last + 1)):
        return True
    bridge, stop = sets["negation.bridges"], sets["clauses.stops"]
    for at in range(hit.first - 1, max(-1, hit.first - 1 - REACH), -1):
        if at + 1 in sentence.breaks:
            break
        if denies(at, "before"):
            return True
        if denies(at, "before_name"):
            return sets["negation.not_before"] not in words[at + 1]
        if bridge not in words[at] and at not in beside:
            break
    for at in range(hit.last + 1, min(len(words), hit.last + 1 + REACH)):
        if at in sentence.breaks or stop in words[at]:
            break
        if denies(at, "after"):
            return True
        if bridge not in words[at] and at not in beside:
            break
    return False


def taken_back(book: Book, sentence: Sentence, hit: Hit) -> bool:
    """Say whether the sentence tells a phrase as a rule, a help text, a condition, a verse, or as long ago.

    Who has children around (access) is no crisis, so that more takes it back: a doubt, and words of a pupil.
    """
    if hit.way.code == "access" and _doubted(book, sentence, hit):
        return True
    return (not hit.way.even_if and _conditional(book, sentence, hit)) or aside(book, sentence, hit)


def _doubted(book: Book, sentence: Sentence, hit: Hit) -> bool:
    """Say whether a sentence doubts that somebody has children around, or says first that it speaks of one."""
    words, breaks = sentence.words, sentence.breaks
    for language, asides in book.asides.items():
        stop = book.sets[language]["clauses.stops"]
        if any(young.first <= hit.first for young in _found(asides["young"], sentence)):
            return True
        for doubt in _found(asides["doubts"], sentence):
            between = range(doubt.last + 1, hit.first + 1)
            apart = len(between) > DOUBT_REACH or any(at in breaks or stop in words[at] for at in between)
            if doubt.first <= hit.last and not apart:
                return True
        for doubt in _found(asides["doubts_after"], sentence):
            between = range(hit.last + 1, doubt.first)
            apart = len(between) > DOUBT_REACH or any(stop in words[at] for at in between)
            if doubt.last > hit.last and not apart:
                return True
    return False


def aside(book: Book, sentence: Sentence, hit: Hit) -> bool:
    """Say whether a phrase is told as a rule, as a verse in quotation marks, or as long ago."""
    first, last = hit.first, hit.last
    for language, asides in book.asides.items():
        sets = book.sets[language]
        if sets["aside.verse"] in sentence.present and _quoted(sentence, hit):
            return True
        if sets["aside.now"] not in sentence.present and next(_found(asides["long_ago"], sentence), None):
            return True
        stop = sets["clauses.stops"]
        for rule in _found(asides["rules"], sentence):
            between = range(rule.last + 1, first) if rule.last < first else range(last + 1, rule.first)
            if not any(stop in sentence.words[at] for at in between):
                return True
    return False


def everyday(book: Book, sentence: Sentence) -> bool:
    """Say whether a sentence speaks of school, work, games and the like, where people meet every day."""
    return any(next(_found(asides["everyday"], sentence), None) for asides in book.asides.values())


def answered(book: Book, texts: Sequence[tuple[Sentence, list[Hit]]], number: int) -> bool | None:
    """Return whether the question is answered with yes (True) or no (False) by somebody else, None for neither."""
    asked = texts[number][0]
    for at in range(number + 1, len(texts)):
        reply = texts[at][0]
        if reply.line > asked.line + ANSWER_LINES:
            break
        if reply.line == asked.line or (asked.speaker and reply.speaker == asked.speaker):
            continue
        for marks in reply.words[:ANSWER_WORDS]:
            for name, says in (("no", False), ("yes", True)):
                if marks & book.replies[name]:
                    return says
    return None


def _found(ways: Sequence[Way], sentence: Sentence) -> Iterator[Hit]:
    for way in ways:
        if way.needed <= sentence.present:
            yield from _places(way, sentence)


def _conditional(book: Book, sentence: Sentence, hit: Hit) -> bool:
    """Say whether an if stands before a phrase in its clause, or a word that makes it one within or right after it."""
    words = sentence.words
    for sets in book.sets.values():
        condition, stop = sets["clauses.condition"], sets["clauses.stops"]
        if condition in sentence.present:
            for at in range(hit.first, max(-1, hit.first - CONDITION_REACH), -1):
                if condition in words[at]:
                    return True
                if at in sentence.breaks or stop in words[at]:
                    break
    after = book.sets[hit.way.language]["clauses.condition_after"]
    return any(after in words[at] for at in range(hit.first, min(len(words), hit.last + 4)))


def _quoted(sentence: Sentence, hit: Hit) -> bool:
    start = hit.span(sentence)[0]
    return any(quote <= start for quote in sentence.quotes)
