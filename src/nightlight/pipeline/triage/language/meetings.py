# SPDX-License-Identifier: Apache-2.0
"""When words make a meeting: an agreement to come, with a place, a time or secrecy beside it, as meeting.toml says.

One word is never enough: people come, go and keep small secrets all day. What is said of school, work and games
(``everyday`` in the lists) counts only with secrecy. Parts are looked for in the sentence, then beside it: the
sentences before and after on its line, or the turns around it in a chat.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from nightlight.pipeline.triage.language.phrases import answered, everyday, taken_back

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nightlight.pipeline.triage.language.book import Book
    from nightlight.pipeline.triage.language.phrases import Hit
    from nightlight.pipeline.triage.language.sentences import Sentence

TURNS = 2  # lines of a chat after a turn, and one before it, that belong to it


class Meeting(NamedTuple):
    """Words that make a meeting, from the first to the last of its parts."""

    start: int
    end: int
    language: str
    phrases: str
    negated: bool


def meetings(
    book: Book,
    texts: Sequence[tuple[Sentence, list[Hit]]],
    number: int,
    together: Sequence[frozenset[str]],
) -> Iterator[Meeting]:
    """Yield what the sentence ``number`` arranges: at most one meeting, and one that is denied."""
    sentence, here = texts[number]
    told: set[bool] = set()
    for hit in sorted(here, key=lambda hit: (hit.way.part != "agree", hit.denied, hit.first)):
        if hit.way.part not in ("agree", "ask", "secrecy") or taken_back(book, sentence, hit):
            continue
        if hit.way.part == "agree" and any(
            other.way.part == "ask" and other.first <= hit.last and hit.first <= other.last for other in here
        ):
            continue  # "will you come", typed without its question mark: read as the question that it is
        denied = hit.denied
        if hit.way.part == "ask" or (hit.way.part == "agree" and sentence.question):
            reply = answered(book, texts, number)
            if reply is None:
                continue
            denied = denied or not reply
        elif hit.way.part == "secrecy" and denied:
            continue
        if denied in told:
            continue
        part = "secrecy" if hit.way.part == "secrecy" else "agree"
        # Outside a chat a secret and a place in two sentences are two stories.
        wide = part == "agree" or bool(sentence.speaker)
        for window in ([texts[number]], _around(texts, number) if wide else []):
            parts = _parts(book, window, hit, part, together)
            if parts is not None:
                told.add(denied)
                spans = [other.span(where) for where, other in parts]
                yield Meeting(
                    start=min(start for start, _ in spans),
                    end=max(end for _, end in spans),
                    language=hit.way.language,
                    phrases="+".join(dict.fromkeys(other.way.phrase for _, other in parts)),
                    negated=denied,
                )
                break


def _parts(
    book: Book,
    window: Sequence[tuple[Sentence, list[Hit]]],
    hit: Hit,
    part: str,
    together: Sequence[frozenset[str]],
) -> list[tuple[Sentence, Hit]] | None:
    """Return the parts that make a meeting with ``hit``, itself first, or None."""
    home = next((sentence for sentence, here in window if any(other is hit for other in here)), None)
    if home is None:
        return None
    beside: dict[str, tuple[Sentence, Hit]] = {part: (home, hit)}
    for sentence, here in window:
        for other in here:
            name = other.way.part
            if not name or name in ("ask", "agree") or (name == "secrecy" and other.denied):
                continue
            # A word may not be its own company: the place in "meet at the station" is beside the meeting.
            if name not in beside:
                beside[name] = (sentence, other)
    if not any(parts <= beside.keys() for parts in together):
        return None
    found = [pair for name, pair in beside.items()]
    if "secrecy" not in beside and any(everyday(book, sentence) for sentence, _ in found):
        return None
    return found


def _around(texts: Sequence[tuple[Sentence, list[Hit]]], number: int) -> list[tuple[Sentence, list[Hit]]]:
    """Return the sentence with those beside it: on its line one before and after; in a chat the turns around it."""
    home = texts[number][0]
    found = []
    for at in range(max(0, number - 4), min(len(texts), number + 7)):
        other = texts[at][0]
        if other.line == home.line:
            near = abs(at - number) <= 1 or bool(home.speaker)
        else:
            near = bool(home.speaker and other.speaker) and -1 <= other.line - home.line <= TURNS
        if near:
            found.append(texts[at])
    return found
