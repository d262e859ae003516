# SPDX-License-Identifier: Apache-2.0
"""The word lists as data: read from TOML, checked whole, refused whole. What the fields mean is told in data/README.md.

Nothing is looked up here; ``book.py`` turns lists into tables to look up in.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from nightlight.pipeline.triage.language.letters import WORD, fold

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA = 1
LANGUAGES = ("en", "hi", "ml", "mr")
CRISIS_CODES = ("abuse-now", "meeting", "self-harm")  # every list has words for each: silence about them is an answer
CODES = (*CRISIS_CODES, "access")
PARTS = ("agree", "ask", "place", "time", "secrecy")
BUILT_IN = ("number", "clock")
MAX_WORDS, MAX_GAP, MAX_GAPS = 10, 6, 2  # of one phrase: words, words in a gap, gaps. They bound the time of a look-up
_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_NEGATION = ("before", "before_name", "not_before", "after", "bridges", "not_if_next")
_CLAUSES = ("stops", "condition", "condition_after")
_REPLY = ("yes", "no")
_ASIDE_WORDS = ("verse", "now")
_ASIDE_PHRASES = ("rules", "long_ago", "everyday")
_ASIDE_MAY = ("labels",)
_ASIDE_PHRASES_MAY = ("doubts", "doubts_after", "young")
_TABLES = ("words", "negation", "clauses", "reply", "aside")
_FIELDS = {"schema", "language", "version", "reviewed", "note", "phrase", *_TABLES}
_PHRASE_FIELDS = {"id", "code", "part", "say", "even_if", "unless", "not_after", "not_then", "first"}


class ListRefused(Exception):
    """A word list is not usable; ``place`` says where, ``reason`` what is wrong with it."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"{place}: {reason}")
        self.place = place
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Element:
    """One word of a phrase: any of ``words`` (folded; ``*`` at an end stands for any letters), or a gap.

    ``denies``: it is of a class whose name begins with ``not``, so the phrase says no there itself
    and is not undone by it.
    """

    words: frozenset[str]
    optional: bool = False
    gap: int = 0
    denies: bool = False


@dataclass(frozen=True, slots=True)
class Phrase:
    """What is looked for. ``part`` is empty but for meetings; ``even_if`` holds after an if and in a question too.

    ``unless``: words that near it make it harmless; ``not_after``, ``not_then``: words right before it and
    right behind it that make it another's; ``first``: only where it begins a sentence or follows a comma or the like.
    """

    id: str
    code: str
    part: str
    ways: tuple[tuple[Element, ...], ...]
    even_if: bool
    unless: frozenset[str]
    not_after: frozenset[str] = frozenset()
    not_then: frozenset[str] = frozenset()
    first: bool = False


@dataclass(frozen=True, slots=True)
class WordList:
    """One language. ``sets`` are plain words by field (``negation.before``), ``asides`` phrases by field."""

    language: str
    version: str
    reviewed: bool
    note: str
    phrases: tuple[Phrase, ...]
    sets: Mapping[str, frozenset[str]]
    asides: Mapping[str, tuple[tuple[Element, ...], ...]]


@cache
def word_lists() -> tuple[WordList, ...]:
    """Return the lists that come with Nightlight, read once. Raises ListRefused."""
    folder = resources.files(__package__) / "data"
    return tuple(read_list((folder / f"{name}.toml").read_text(encoding="utf-8"), language=name) for name in LANGUAGES)


@cache
def lists_digest() -> str:
    """Return what exactly is in the lists that come with Nightlight: 8 hex digits of a SHA-256 over their files."""
    folder = resources.files(__package__) / "data"
    found = hashlib.sha256()
    for name in (*LANGUAGES, "meeting"):
        found.update(hashlib.sha256((folder / f"{name}.toml").read_bytes()).digest())
    return found.hexdigest()[:8]


@cache
def combinations() -> tuple[frozenset[str], ...]:
    """Return which parts together make a meeting, read once. Raises ListRefused."""
    folder = resources.files(__package__) / "data"
    return read_combinations((folder / "meeting.toml").read_text(encoding="utf-8"))


def read_combinations(text: str) -> tuple[frozenset[str], ...]:
    """Read the rule of meetings: each combination is two or more different parts. Raises ListRefused."""
    place = "meeting.toml"
    data = _toml(text, place)
    _fields(data, {"schema", "version", "together"}, set(), place)
    rows = data["together"]
    if not isinstance(rows, list) or not rows:
        raise ListRefused(f"{place}, together", "is no list, or is empty")
    found = []
    for number, row in enumerate(rows, 1):
        parts = _texts(row, f"{place}, together {number}")
        if unknown := sorted(set(parts) - set(PARTS) | {"ask"} & set(parts)):
            raise ListRefused(f"{place}, together {number}", f"{', '.join(unknown)} is no part that combines")
        if len(set(parts)) < 2 or not {"agree", "secrecy"} & set(parts):
            raise ListRefused(f"{place}, together {number}", "needs two parts, and agree or secrecy among them")
        found.append(frozenset(parts))
    return tuple(found)


def read_list(text: str, *, language: str) -> WordList:
    """Read one list. Raises ListRefused for anything that is not exactly as it must be."""
    place = f"{language}.toml"
    data = _toml(text, place)
    _fields(data, _FIELDS, set(), place)
    if data["language"] != language:
        raise ListRefused(f"{place}, language", f"is {data['language']!r}")
    if not isinstance(data["reviewed"], bool):
        raise ListRefused(f"{place}, reviewed", "is neither true nor false")
    classes = _classes(_table(data, "words", place), f"{place}, words")
    tables = {name: _table(data, name, place) for name in _TABLES[1:]}
    for name, wanted in (("negation", _NEGATION), ("clauses", _CLAUSES), ("reply", _REPLY)):
        _fields(tables[name], set(wanted), set(), f"{place}, {name}")
    _fields(tables["aside"], {*_ASIDE_WORDS, *_ASIDE_PHRASES}, {*_ASIDE_MAY, *_ASIDE_PHRASES_MAY}, f"{place}, aside")
    plain = [(name, word) for name in ("negation", "clauses", "reply") for word in tables[name]]
    plain += [("aside", word) for word in (*_ASIDE_WORDS, *_ASIDE_MAY)]
    return WordList(
        language=language,
        version=_text(data, "version", place),
        reviewed=data["reviewed"],
        note=_text(data, "note", place),
        phrases=_phrases(data["phrase"], classes, f"{place}, phrase", language),
        sets={
            f"{name}.{field}": frozenset(
                _word(word, f"{place}, {name}.{field}")
                for word in _texts(tables[name].get(field, []), f"{place}, {name}.{field}", empty=True)
            )
            for name, field in plain
        },
        asides={
            field: tuple(
                way(said, classes, f"{place}, aside.{field}")
                for said in _texts(tables["aside"].get(field, []), f"{place}, aside.{field}", empty=True)
            )
            for field in (*_ASIDE_PHRASES, *_ASIDE_PHRASES_MAY)
        },
    )


def way(said: str, classes: Mapping[str, frozenset[str]], place: str) -> tuple[Element, ...]:
    """Read one way of saying a thing: words, ``a|b``, ``<class>``, ``word?``, and dots for a gap of so many words."""
    found = []
    for piece in said.split():
        if not piece.strip("."):
            if len(piece) > MAX_GAP:
                raise ListRefused(place, f"{said!r}: a gap has at most {MAX_GAP} words")
            found.append(Element(frozenset(), gap=len(piece)))
            continue
        words: set[str] = set()
        denies = False
        for choice in piece.removesuffix("?").split("|"):
            if choice.startswith("<") and choice.endswith(">"):
                name = choice[1:-1]
                if name in BUILT_IN:
                    words.add(f"<{name}>")
                elif name in classes:
                    words |= classes[name]
                    denies = denies or name.partition("-")[0] == "not"
                else:
                    raise ListRefused(place, f"{said!r}: there is no class {name}")
            else:
                words.add(_word(choice, place))
        found.append(Element(frozenset(words), optional=piece.endswith("?"), denies=denies))
    if not found or found[0].gap or found[-1].gap or found[0].optional:
        raise ListRefused(place, f"{said!r} is empty, or begins or ends with a gap, or begins with an optional word")
    if len(found) > MAX_WORDS or sum(bool(element.gap) for element in found) > MAX_GAPS:
        raise ListRefused(place, f"{said!r} has more than {MAX_WORDS} words or {MAX_GAPS} gaps")
    return tuple(found)


def _phrases(rows: object, classes: Mapping[str, frozenset[str]], place: str, language: str) -> tuple[Phrase, ...]:
    if not isinstance(rows, list):
        raise ListRefused(place, "is no list of tables")
    found: dict[str, Phrase] = {}
    for number, row in enumerate(rows, 1):
        here = f"{place} {number}"
        if not isinstance(row, dict):
            raise ListRefused(here, "is no table")
        _fields(row, {"id", "code", "say"}, _PHRASE_FIELDS, here)
        id_, code, part = _text(row, "id", here), _text(row, "code", here), row.get("part", "")
        if not _ID.fullmatch(id_) or not id_.startswith(f"{language}-") or id_ in found:
            raise ListRefused(f"{here}, id", f"{id_!r} is taken, or does not read {language}-some-words")
        if code not in CODES or (part not in PARTS if code == "meeting" else part != ""):
            raise ListRefused(here, f"code {code!r} with part {part!r} is not known")
        for name in ("even_if", "first"):
            if not isinstance(row.get(name, False), bool):
                raise ListRefused(f"{here}, {name}", "is neither true nor false")
        ways = tuple(way(said, classes, here) for said in _texts(row["say"], f"{here}, say"))
        even_if, first = row.get("even_if", False), row.get("first", False)
        unless, not_after, not_then = (_one(row, name, classes, here) for name in ("unless", "not_after", "not_then"))
        found[id_] = Phrase(id_, code, part, ways, even_if, unless, not_after, not_then, first)
    if missing := sorted(set(CRISIS_CODES) - {phrase.code for phrase in found.values()}):
        raise ListRefused(place, f"has nothing for {', '.join(missing)}")
    return tuple(found.values())


def _one(row: Mapping[str, Any], name: str, classes: Mapping[str, frozenset[str]], place: str) -> frozenset[str]:
    """Return the choice of words of a field that is one word long, empty where the field is missing."""
    found = way(row[name], classes, f"{place}, {name}") if name in row else ()
    if len(found) > 1:
        raise ListRefused(f"{place}, {name}", "is more than one word; write a|b or a class")
    return found[0].words if found else frozenset()


def _classes(data: Mapping[str, object], place: str) -> dict[str, frozenset[str]]:
    found = {}
    for name, words in data.items():
        if not _ID.fullmatch(name) or name in BUILT_IN:
            raise ListRefused(place, f"{name!r} is no name for a class")
        found[name] = frozenset(_word(word, f"{place}.{name}") for word in _texts(words, f"{place}.{name}"))
    return found


def _word(said: str, place: str) -> str:
    """Return a folded word; a star may stand at one of its ends, with two letters or more beside it."""
    bare = said.strip("*")
    folded = fold(bare)
    if not folded or not WORD.fullmatch(bare) or said.count("*") > 1 or ("*" in said and len(folded) < 2):
        raise ListRefused(place, f"{said!r} is not one word")
    return f"{'*' * said.startswith('*')}{folded}{'*' * said.endswith('*')}"


def _toml(text: str, place: str) -> dict[str, Any]:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ListRefused(place, f"is no TOML: {error}") from error
    if data.get("schema") != SCHEMA:
        raise ListRefused(place, f"schema is {data.get('schema')!r}; this version reads {SCHEMA}")
    return data


def _fields(data: Mapping[str, object], wanted: set[str], allowed: set[str], place: str) -> None:
    if missing := sorted(wanted - data.keys()):
        raise ListRefused(place, f"{', '.join(missing)} is missing")
    if unknown := sorted(data.keys() - wanted - allowed):
        raise ListRefused(place, f"{', '.join(unknown)} is not known")


def _table(data: Mapping[str, Any], name: str, place: str) -> Mapping[str, Any]:
    value = data[name]
    if not isinstance(value, dict):
        raise ListRefused(f"{place}, {name}", "is no table")
    return value


def _text(data: Mapping[str, object], name: str, place: str) -> str:
    value = data[name]
    if not isinstance(value, str) or not value.strip():
        raise ListRefused(f"{place}, {name}", "is no text")
    return value


def _texts(value: object, place: str, *, empty: bool = False) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item.strip() for item in value):
        raise ListRefused(place, "is not a list of texts")
    if (not value and not empty) or len(set(value)) != len(value):
        raise ListRefused(place, "is empty, or says something twice")
    return tuple(value)
