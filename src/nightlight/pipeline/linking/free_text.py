# SPDX-License-Identifier: Apache-2.0
"""Identifiers in free text: e-mail and payment addresses, telephone numbers, web and network addresses.

Each place in the text is read as one thing at most: the host of an e-mail address is no web address. Every search
looks a bounded number of characters ahead and back, so the time grows with the length of the text whatever it says.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import phonenumbers

from nightlight.pipeline.linking.kinds import Kind
from nightlight.pipeline.linking.normalising import host_name, normalise
from nightlight.pipeline.linking.rules_data import rules

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LONGEST_TEXT = 200_000
"""Characters read of one text; the rest stays in the report and is not searched."""

MOST_OF_A_KIND = 2_000
"""Candidates of one kind tried in one text. No letter a person writes comes near it; a hostile one may."""


@dataclass(frozen=True, slots=True)
class Spotted:
    """One identifier in a text: `as_sent` is text[start:end], `value` its one spelling."""

    kind: Kind
    value: str
    as_sent: str
    start: int
    end: int


def spotted(text: str, *, region: str | None = None) -> list[Spotted]:
    """The identifiers in `text` in their order, none overlapping another. Never raises.

    `region` (ISO 3166-1) is for telephone numbers without a country; default as in the data.
    """
    text = text[:LONGEST_TEXT]
    taken = _Taken()
    for search in (_web_addresses, _with_at, _bare_web_addresses, _network_addresses):
        for found in search(text):
            taken.add(found)
    for found in _telephones(text, region or rules().region, taken):
        taken.add(found)
    return taken.found


class _Taken:
    """What was found so far, in order; what comes first keeps its place."""

    def __init__(self) -> None:
        self.found: list[Spotted] = []
        self._starts: list[int] = []

    def free(self, start: int, end: int) -> bool:
        place = bisect_left(self._starts, end)
        return place == 0 or self.found[place - 1].end <= start

    def add(self, found: Spotted) -> None:
        if self.free(found.start, found.end):
            place = bisect_left(self._starts, found.start)
            self.found.insert(place, found)
            self._starts.insert(place, found.start)


def _spot(kind: Kind, text: str, start: int, end: int, region: str | None = None) -> Iterator[Spotted]:
    as_sent = text[start:end]
    value = normalise(kind, as_sent, region=region)
    if value is not None:
        yield Spotted(kind, value, as_sent, start, end)


def _first(matches: Iterable[re.Match[str]]) -> Iterator[re.Match[str]]:
    return (match for _, match in zip(range(MOST_OF_A_KIND), matches, strict=False))


# Web addresses.

_WEB = re.compile(r"(?<![a-z0-9])(?:h(?:tt|xx)ps?://|www\.)[^\s<>\"'|\\^`{}]{1,2000}", re.IGNORECASE)
_BARE = re.compile(r"(?<![\w.@/:-])(?:[a-z0-9-]{1,63}\.){1,6}[a-z]{2,24}/[^\s<>\"'|\\^`{}]{1,2000}", re.IGNORECASE)
_STOPS = ".,;:!?*_~\u0964\u2026\u201d\u2019"


def _web_addresses(text: str) -> Iterator[Spotted]:
    return chain.from_iterable(_web(text, match) for match in _first(_WEB.finditer(text)))


def _bare_web_addresses(text: str) -> Iterator[Spotted]:
    return chain.from_iterable(_web(text, match) for match in _first(_BARE.finditer(text)))


def _web(text: str, match: re.Match[str]) -> Iterator[Spotted]:
    return _spot(Kind.URL, text, match.start(), match.start() + len(_without_stops(match[0])))


def _without_stops(said: str) -> str:
    """The address without the punctuation of its sentence; a bracket stays if it was opened inside."""
    opened = {")": said.count("("), "]": said.count("[")}
    closed = {")": said.count(")"), "]": said.count("]")}
    end = len(said)
    while end:
        last = said[end - 1]
        if last in opened and closed[last] > opened[last]:
            closed[last] -= 1
        elif last not in _STOPS:
            break
        end -= 1
    return said[:end]


# What has an @ in it.

_LOCAL_BACK = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,65}")
# Letters and vowel signs of every script, digits, hyphen and dot; no other punctuation.
_HOST = re.compile(
    r"[^\W_](?:[^\s\x00-\x2c\x2f\x3a-\x40\x5b-\x60\x7b-\xbf\u0964\u0965\u2000-\u206f\u3000-\u303f]{0,252})"
)
_WORD = re.compile(r"[a-z]+", re.IGNORECASE)
_NEAR = 40


def _with_at(text: str) -> Iterator[Spotted]:
    place = text.find("@")
    tried = 0
    while place >= 0 and tried < 2 * MOST_OF_A_KIND:
        tried += 1
        yield from _at(text, place)
        place = text.find("@", place + 1)


def _at(text: str, place: int) -> Iterator[Spotted]:
    back = _LOCAL_BACK.match(text[max(0, place - 66) : place][::-1])
    right = _HOST.match(text, place + 1)
    if (
        back is None
        or right is None
        or len(back[0]) > 64
        or text[place - len(back[0]) - 1 : place - len(back[0])] == "@"
    ):
        return
    local = back[0][::-1].lstrip("!#$%&'*/=?^`{|}~.-")
    start = place - len(local)
    host = right[0].rstrip(".-")
    first, dot, rest = host.partition(".")
    end = place + 1 + len(host)
    if not local or text[end : end + 1] == "@":
        return
    # A full stop without a blank behind it ends a sentence, not a host.
    ends_here = first.lower() in rules().payment_providers and (not dot or rest[:1].isupper())
    if dot and not ends_here:
        if host_name(host) is None:
            plain = re.match(r"[A-Za-z0-9.-]+", host)
            end = place + 1 + len(plain[0].rstrip(".-")) if plain else end
        yield from _spot(Kind.EMAIL, text, start, end)
    elif ends_here or _near(text, start, rules().payment_words):
        yield from _spot(Kind.PAYMENT, text, start, place + 1 + len(first))


def _near(text: str, start: int, words: frozenset[str]) -> bool:
    """Whether one of these words stands within `_NEAR` characters before."""
    return any(word[0].lower() in words for word in _WORD.finditer(text, max(0, start - _NEAR), start))


# Addresses on the network.

_FOUR = re.compile(r"(?<![\w./-])(?:\d{1,3}\.){3}\d{1,3}(?![\w/-]|\.\w)")
_SIX = re.compile(r"(?<![\w:.])[0-9a-f:]{2,39}(?:\.\d{1,3}){0,3}(?![\w:])", re.IGNORECASE)


def _network_addresses(text: str) -> Iterator[Spotted]:
    for match in _first(_FOUR.finditer(text)):
        yield from _spot(Kind.ADDRESS, text, match.start(), match.end())
    for match in _first(one for one in _SIX.finditer(text) if one[0].count(":") >= 2):
        yield from _spot(Kind.ADDRESS, text, match.start(), match.end())


# Telephone numbers.

# Only ASCII digits have the separators of telephone numbers between them; other scripts' digits come in one run.
_TELEPHONE = re.compile(
    r"(?<![\w.,/@+:-])(?:\+|\(\+?)?\d(?:[ \t\u00a0().\u2010-\u2013/-]{0,3}\d){6,15}(?![\w@]|[.:/,-]\d)"
)
_DATE = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4}")
_MOBILE = (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE)


def _telephones(text: str, region: str, taken: _Taken) -> Iterator[Spotted]:
    for match in _first(_TELEPHONE.finditer(text)):
        if not taken.free(match.start(), match.end()) or _DATE.match(match[0]):
            continue
        for one in _spot(Kind.PHONE, text, match.start(), match.end(), region):
            if _meant(text, one):
                yield one


def _meant(text: str, one: Spotted) -> bool:
    """Whether a run of digits that could be dialled is meant to be: many numbers in reports are no telephone's."""
    digits = one.as_sent.lstrip("(")
    if digits.startswith(("+", "0")) or _near(text, one.start, rules().phone_words):
        return True
    return phonenumbers.number_type(phonenumbers.parse(one.value)) in _MOBILE
