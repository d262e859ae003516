# SPDX-License-Identifier: Apache-2.0
"""A rulebook: the rules of triage as data (TOML), checked whole and made ready to apply.

Conditions are a small language of their own and nothing in a rulebook is ever run as a program. A condition is true,
false, or unknown where a fact it needs is unknown (Kleene, 1952); an unknown condition applies nothing. A rulebook may
extend one that comes with Nightlight: what it says under an id that is there already stands in its place.
"""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import msgspec

from nightlight.pipeline.triage.conditions import (
    Check,
    Condition,
    RulebookRefused,
    Written,
    check_condition,
    compiled,
    fact_named,
    leaves,
    number_in,
)
from nightlight.pipeline.triage.vocabulary import FACTS, Type

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SHIPPED = "rules-india-1"
"""The rulebook in use until a commander writes another."""

SCHEMA = 1
LONGEST = 200_000  # characters
_HOURS = 24 * 366 * 20


class Line(Written, frozen=True):
    """A rule with points, or without any (tripwires, notes).

    ``base``: every tip of this kind has it, so that a cap may still hold. ``evidence`` names the literature in
    docs/triage; ``assumption`` says that no source gives this number.
    """

    id: str
    label: str
    when: Condition
    points: int = 0
    base: bool = False
    evidence: str = ""
    assumption: bool = False
    group: str = ""


class Bands(Written, frozen=True):
    """The least harm of each band; below ``medium`` is low."""

    critical: int
    high: int
    medium: int


class Life(Written, frozen=True):
    """What is lost, so many hours after the moment that a fact in hours is counted from."""

    id: str
    label: str
    since: str
    hours: int
    evidence: str
    when: Condition | None = None
    assumption: bool = False


class Question(Written, frozen=True):
    """The cheapest way to find out an unknown fact, and how many minutes it takes."""

    fact: str
    check: str
    minutes: int


class Book(Written, frozen=True):
    """A rulebook as written."""

    schema: int
    version: str
    legal: str
    bands: Bands
    factors: tuple[Line, ...]
    tripwires: tuple[Line, ...]
    unknowns: tuple[Question, ...]
    country: str = ""
    comment: str = ""
    caps: tuple[Line, ...] = ()
    notes: tuple[Line, ...] = ()
    lives: tuple[Life, ...] = ()
    workability: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """A line made ready; ``facts`` are those its condition asks for."""

    line: Line
    when: Check
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Rulebook:
    """A checked rulebook. ``digest``: of everything in it, what it extends included (SHA-256, 16 hex digits).

    ``candidates``: values an open fact could turn out to have, as far as rules tell them apart; hours as numbers.
    ``ages``: facts in hours and the hours at which a condition about them may change.
    """

    book: Book
    digest: str
    factors: tuple[Rule, ...]
    tripwires: tuple[Rule, ...]
    caps: tuple[Rule, ...]
    notes: tuple[Rule, ...]
    workability: tuple[Rule, ...]
    lives: tuple[tuple[Life, Check | None], ...]
    questions: Mapping[str, Question]
    candidates: Mapping[str, tuple[bool | int | tuple[str, ...], ...]]
    ages: tuple[tuple[str, int], ...]


@cache
def shipped(name: str = SHIPPED) -> Rulebook:
    """Return a rulebook that comes with Nightlight, read once. Raises RulebookRefused."""
    return load(_text(name, "file"))


def load(text: str) -> Rulebook:
    """Return the rulebook written in `text`. Raises RulebookRefused for anything that is not as it must be."""
    data = _table(text)
    seen: set[str] = set()
    while (parent := data.pop("extends", None)) is not None:
        if not isinstance(parent, str) or parent in seen:
            raise RulebookRefused("extends", "extends", "is not the name of a rulebook further up")
        seen.add(parent)
        data = _merged(_table(_text(parent, "extends")), data)
    try:
        book = msgspec.convert(data, Book)
    except msgspec.ValidationError as error:
        said, _, place = str(error).partition(" - at `")
        raise RulebookRefused("wrong-shape", place.strip("`$.") or "file", said) from error
    except RecursionError:
        raise RulebookRefused("too-deep", "file", "conditions are nested too deeply") from None
    if b"\\u0000" in msgspec.json.encode(book):  # no alert could be kept under such a label
        raise RulebookRefused("nul", "file", "holds a NUL, which no kept text may")
    _check(book)
    return _ready(book)


def _text(name: str, place: str) -> str:
    file = resources.files("nightlight.pipeline.triage") / "data" / f"{name}.toml"
    if not name.replace("-", "").isalnum() or not file.is_file():
        raise RulebookRefused("extends", place, f"no rulebook named {name!r} comes with Nightlight")
    return file.read_text(encoding="utf-8")


def _table(text: str) -> dict[str, Any]:
    if len(text) > LONGEST:
        raise RulebookRefused("too-long", "file", f"is longer than {LONGEST:,} characters")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RulebookRefused("not-toml", "file", f"is not TOML: {error}") from error
    except RecursionError:
        raise RulebookRefused("too-deep", "file", "is nested too deeply") from None


def _merged(parent: dict[str, Any], child: dict[str, Any]) -> dict[str, Any]:
    """The parent with what the child says in its place: by id (by fact for questions) where it is a list of tables."""
    merged = parent | {key: value for key, value in child.items() if not isinstance(value, list)}
    for key, rows in child.items():
        if isinstance(rows, list):
            kept = {_id(row, ("old", place)): row for place, row in enumerate(parent.get(key, ()))}
            said = {_id(row, ("new", place)) for place, row in enumerate(rows)}
            # Rows that stand twice in the child stay twice, and are refused further down.
            replaced = {name: row for name, row in kept.items() if name not in said}
            merged[key] = [*replaced.values(), *rows]
    return merged


def _id(row: object, otherwise: object) -> object:
    found = row.get("id", row.get("fact")) if isinstance(row, dict) else None
    return found if isinstance(found, str) else otherwise


def _check(book: Book) -> None:
    if book.schema != SCHEMA:
        raise RulebookRefused("schema", "schema", f"is {book.schema}; this version reads {SCHEMA}")
    for name in ("version", "legal"):
        if not str(getattr(book, name)).strip():
            raise RulebookRefused("empty", name, "is empty")
    if not 0 < book.bands.medium < book.bands.high < book.bands.critical <= 100:
        raise RulebookRefused("bands", "bands", "0 < medium < high < critical <= 100 does not hold")
    for name, least, most, harm in (
        ("factors", 0, 100, True),
        ("tripwires", 0, 0, True),
        ("caps", -100, -1, True),
        ("notes", 0, 0, False),
        ("workability", -100, 100, False),
    ):
        lines: tuple[Line, ...] = getattr(book, name)
        _once(name, (line.id for line in lines))
        for line in lines:
            place = f"{name}.{line.id}"
            if not line.label.strip() or not line.id.strip():
                raise RulebookRefused("empty", place, "has no id or no label")
            if not least <= line.points <= most:
                raise RulebookRefused("points", f"{place}.points", f"is {line.points}, not {least} to {most}")
            if line.base and name != "factors":
                raise RulebookRefused("points", f"{place}.base", "only a factor is one that every tip may have")
            if name in {"factors", "tripwires", "caps"} and not line.evidence.strip():
                raise RulebookRefused("no-evidence", f"{place}.evidence", "says on what it rests, or assumption")
            check_condition(line.when, f"{place}.when", harm=harm, may_ask_unknown=name == "notes")
    _lives(book)
    _questions(book)


def _lives(book: Book) -> None:
    _once("lives", (life.id for life in book.lives))
    for life in book.lives:
        place = f"lives.{life.id}"
        if fact_named(life.since, f"{place}.since", harm=False).type is not Type.HOURS:
            raise RulebookRefused("wrong-operator", f"{place}.since", f"{life.since} is not counted in hours")
        if not 0 <= life.hours <= _HOURS:
            raise RulebookRefused("life", f"{place}.hours", f"is not 0 to {_HOURS}")
        if not life.evidence.strip():
            raise RulebookRefused("no-evidence", f"{place}.evidence", "says on what it rests, or assumption")
        if life.when is not None:
            check_condition(life.when, f"{place}.when", harm=False, may_ask_unknown=True)


def _questions(book: Book) -> None:
    _once("unknowns", (question.fact for question in book.unknowns))
    asked = {question.fact for question in book.unknowns}
    for question in book.unknowns:
        place = f"unknowns.{question.fact}"
        if not fact_named(question.fact, f"{place}.fact", harm=True).open:
            raise RulebookRefused("never-unknown", f"{place}.fact", "is always known")
        if question.minutes < 0 or not question.check.strip():
            raise RulebookRefused("no-check", place, "has no check, or minutes below zero")
    for line in (*book.factors, *book.tripwires):
        for leaf in leaves(line.when):
            # A factor switched off lifts nothing, so nobody has to find out.
            if FACTS[str(leaf.fact)].open and leaf.fact not in asked and (line.points or line in book.tripwires):
                raise RulebookRefused("no-check", f"unknowns.{leaf.fact}", f"{line.id} needs it; how is it found out?")


def _once(place: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise RulebookRefused("twice", place, f"{name!r} stands there twice")
        seen.add(name)


def _ready(book: Book) -> Rulebook:
    def rules(lines: Iterable[Line]) -> tuple[Rule, ...]:
        return tuple(
            Rule(line, compiled(line.when), tuple(dict.fromkeys(str(leaf.fact) for leaf in leaves(line.when))))
            for line in lines
        )

    harm = [*(line for line in book.factors if line.points), *book.tripwires]
    every = [*harm, *book.caps, *book.notes, *book.workability]
    conditions = [*(line.when for line in every), *(life.when for life in book.lives if life.when)]
    ages = {
        (str(leaf.fact), number)
        for condition in conditions
        for leaf in leaves(condition)
        if FACTS[str(leaf.fact)].type is Type.HOURS and (number := number_in(leaf)) is not None
    }
    return Rulebook(
        book=book,
        digest=hashlib.sha256(msgspec.json.encode(book, order="deterministic")).hexdigest()[:16],
        factors=rules(line for line in book.factors if line.points),
        tripwires=rules(book.tripwires),
        caps=rules(book.caps),
        notes=rules(book.notes),
        workability=rules(line for line in book.workability if line.points),
        lives=tuple((life, compiled(life.when) if life.when else None) for life in book.lives),
        questions={question.fact: question for question in book.unknowns},
        candidates=_candidates(harm),
        ages=tuple(sorted(ages)),
    )


def _candidates(lines: Iterable[Line]) -> dict[str, tuple[bool | int | tuple[str, ...], ...]]:
    found: dict[str, set[bool | int | str]] = {}
    for line in lines:
        for leaf in leaves(line.when):
            fact = FACTS[str(leaf.fact)]
            if not fact.open:
                continue
            values = found.setdefault(fact.name, set())
            if fact.type is Type.FLAG:
                values |= {True, False}
            elif fact.type is Type.CODES:
                values.update(leaf.any_of or ())
            elif (number := number_in(leaf)) is not None:
                # On both sides of the threshold.
                values |= {number, number + 1, max(0, number - 1)}
    ready: dict[str, tuple[bool | int | tuple[str, ...], ...]] = {}
    for name, values in found.items():
        codes = tuple(sorted(value for value in values if isinstance(value, str)))
        plain = sorted(value for value in values if not isinstance(value, str))
        ready[name] = (codes,) if codes else tuple(plain)
    return ready
