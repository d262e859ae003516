# SPDX-License-Identifier: Apache-2.0
"""What a CyberTipline document consists of: `schema.toml` as objects, in its older and newer form."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from nightlight.pipeline.tips.formats.cybertipline import times
from nightlight.pipeline.tips.formats.cybertipline.limits import ZONE_NOT_STATED, Limit, limit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_SOURCE = Path(__file__).with_name("schema.toml")
_CARDINALITY = {"?": (False, False), "*": (False, True), "+": (True, True), "": (True, False)}
_PARTICLE = re.compile(r"(\w+)([?*+]?)\Z")
_DOUBLE = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([Ee][+-]?[0-9]+)?|-?INF|NaN")
_INTEGER = re.compile(r"[+-]?[0-9]+")


@dataclass(frozen=True, slots=True)
class Simple:
    """A type of text: how XML Schema names it, what it looks like in words, and whether a text is of it."""

    name: str
    says: str
    accepts: Callable[[str], bool]
    collapses: bool = False
    """White space around the value carries no meaning (whiteSpace=collapse in XML Schema)."""
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Value:
    """A simple type with the limits that this element or attribute adds."""

    simple: Simple
    limits: tuple[Limit, ...] = ()


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of an element."""

    name: str
    required: bool
    value: Value


@dataclass(frozen=True, slots=True)
class Particle:
    """A child element: its place in the sequence (equal for alternatives), how often, and its type."""

    name: str
    place: int
    required: bool
    repeats: bool
    value: Value | None
    """The type when it is simple; otherwise None, and `type_name` names the complex one."""
    type_name: str


@dataclass(frozen=True, slots=True)
class Complex:
    """A type of element with attributes, or children, or both."""

    name: str
    ordered: bool
    particles: dict[str, Particle]
    places: tuple[tuple[Particle, ...], ...]
    text: Value | None
    attributes: dict[str, Attribute]


@dataclass(frozen=True, slots=True)
class Schema:
    """One version of the whole language."""

    version: str
    newer: bool
    roots: tuple[str, ...]
    types: dict[str, Complex]
    enumerations: dict[str, Simple]
    incident_types: dict[str, str]
    """Our short code for each incident type as written on the wire."""

    def of(self, particle: Particle) -> Complex | None:
        """The complex type of a child element, or None when it holds only text."""
        return None if particle.value is not None else self.types[particle.type_name]


@cache
def load(newer: bool) -> Schema:
    """The schema of November 2025, or with `newer` also the elements seen since (reporting-api.md 1.11)."""
    data = tomllib.loads(_SOURCE.read_text(encoding="utf-8"))
    lists = {name: tuple(values) for name, values in data["enumerations"].items()}
    lists |= {name: ("", *codes.split()) for name, codes in data["codes"].items()}
    lists["incidentType"] = tuple(data["incident_types"].values())
    enumerations = {name: _enumeration(name, values) for name, values in lists.items()}
    simple = SIMPLE | enumerations
    return Schema(
        version=data["newer_version"] if newer else data["version"],
        newer=newer,
        roots=tuple(data["roots"]),
        types={name: _complex(name, table, simple, newer) for name, table in data["types"].items()},
        enumerations=enumerations,
        incident_types={text: code for code, text in data["incident_types"].items()},
    )


def _complex(name: str, table: dict[str, object], simple: dict[str, Simple], newer: bool) -> Complex:
    lines = table.get("sequence") or table.get("all") or []
    assert isinstance(lines, list)  # noqa: S101  our own file, read once at start
    places: list[tuple[Particle, ...]] = []
    for line in lines:
        alternatives = [words for part in line.split("|") if (words := _words(part, newer))]
        if alternatives:
            places.append(tuple(_particle(words, len(places), simple) for words in alternatives))
    attributes = table.get("attributes", [])
    assert isinstance(attributes, list)  # noqa: S101
    text = table.get("text")
    return Complex(
        name=name,
        ordered="all" not in table,
        particles={particle.name: particle for alternatives in places for particle in alternatives},
        places=tuple(places),
        text=_value(text.split(), simple) if isinstance(text, str) else None,
        attributes={item.name: item for item in (_attribute(line, simple) for line in attributes)},
    )


def _words(line: str, newer: bool) -> list[str]:
    words = line.split()
    if "newer" not in words:
        return words
    return [word for word in words if word != "newer"] if newer else []


def _particle(words: list[str], place: int, simple: dict[str, Simple]) -> Particle:
    name, (required, repeats) = _name(words[0])
    value = _value(words[1:], simple) if words[1] in simple else None
    return Particle(name, place, required, repeats, value, words[1])


def _attribute(line: str, simple: dict[str, Simple]) -> Attribute:
    words = line.split()
    name, (required, _) = _name(words[0])
    return Attribute(name, required, _value(words[1:], simple))


def _name(word: str) -> tuple[str, tuple[bool, bool]]:
    match = _PARTICLE.match(word)
    if match is None:
        raise ValueError(f"schema.toml: {word!r} is not a name with a cardinality")
    return match[1], _CARDINALITY[match[2]]


def _value(words: list[str], simple: dict[str, Simple]) -> Value:
    kind = simple[words[0]]
    limits = [limit(word) for word in words[1:]]
    if kind.name == "dateTime":
        limits.append(ZONE_NOT_STATED)
    return Value(kind, tuple(limits))


def _enumeration(name: str, values: Iterable[str]) -> Simple:
    known = tuple(values)
    shown = ", ".join(repr(value) for value in known if value)
    says = f"one of {shown}" if len(known) < 12 else "one of the two-letter codes, in upper case"
    return Simple(name, says, frozenset(known).__contains__, values=known)


def _is_whole(text: str, bits: int) -> bool:
    if not _INTEGER.fullmatch(text):
        return False
    digits = text.lstrip("+-").lstrip("0")
    if len(digits) > 19:
        return False
    number = -int(digits or 0) if text.startswith("-") else int(digits or 0)
    return -(1 << bits - 1) <= number < 1 << bits - 1


def _is_time(text: str, with_hour: bool) -> bool:
    if ("T" in text) is not with_hour:
        return False
    try:
        times.read(text)
    except ValueError:
        return False
    return True


def _matches(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern)
    return lambda text: compiled.fullmatch(text) is not None


SIMPLE = {
    kind.name: kind
    for kind in (
        Simple("string", "text", lambda _: True),
        Simple("token", "text", lambda _: True, collapses=True),
        Simple("boolean", "'true' or 'false'", _matches("true|false|1|0"), collapses=True),
        Simple("flag", "'true', or left empty", _matches("true|1"), collapses=True),
        Simple("mark", "'true', 'false', or left empty", _matches("true|false|1|0"), collapses=True),
        Simple("int", "a whole number of at most 32 bits", lambda text: _is_whole(text, 32), collapses=True),
        Simple("long", "a whole number of at most 64 bits", lambda text: _is_whole(text, 64), collapses=True),
        Simple("double", "a decimal number", _matches(_DOUBLE.pattern), collapses=True),
        Simple("date", "a date like 2026-01-31", lambda text: _is_time(text, False), collapses=True),
        Simple("dateTime", "a time like 2026-01-31T12:00:00Z", lambda text: _is_time(text, True), collapses=True),
        Simple("digits", "digits only", _matches("[0-9]+")),
        Simple("calling-code", "a plus sign and one to three digits, like +91", _matches(r"\+[0-9]{1,3}")),
    )
}

EMPTY_MEANS_TRUE = frozenset({"flag", "mark"})
