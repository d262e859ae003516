# SPDX-License-Identifier: Apache-2.0
"""Documents of the reporting API for tests: grown from the schema data, and then damaged."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import TYPE_CHECKING

from lxml import etree

from nightlight.pipeline.tips.formats.cybertipline import schema as schemas

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from nightlight.pipeline.tips.formats.cybertipline.schema import Complex, Schema, Value

ORACLE = Path(__file__).parents[6] / "shared/reference/ncmec/cybertipline-report.xsd"
NO_ORACLE = "the published schema is not part of this repository"

_GOOD = {
    "string": ("", "text", "a & b < c", " spaced ", "näme", "0"),
    "token": ("abc", " a1b2 ", "a  b"),
    "boolean": ("true", "false", "1", "0", " true\n"),
    "flag": ("", "true", "1", " true ", "\n1"),
    "mark": ("", "true", "false"),
    "int": ("1", "443", "+7", " 12 ", "007"),
    "long": ("1", "4242", "-9", "9007199254740991"),
    "double": ("1.5", "-12", "1e1", ".5", "INF", " 3.25 "),
    "date": ("2001-02-28", "1990-01-01Z", " 2000-02-29 ", "1999-12-31+05:30"),
    "dateTime": (
        "2024-01-31T12:00:00Z",
        "2024-01-31T12:00:00",
        "2024-01-31T24:00:00Z",
        "2024-01-31T12:00:00.123456789+05:30",
        "\n 2024-02-29T23:59:59-11:00 ",
    ),
    "digits": ("0", "12", "0123456789012"),
    "calling-code": ("+1", "+91", "+353"),
}
_BAD = (
    "", " ", "x", "TRUE", "-", "2024-01-31 12:00:00", "2023-02-29", "2023-02-29T00:00:00Z", "2024-01-31",
    "1.0.0", "99999999999999999999", "2147483648", "us", "ZZ",
    "true false", "+1234", "12a", "VIRAL", "reported",
    "2024-01-01T25:00:00Z",
    "2024-01-01T00:00:60Z", "2024-01-01T00:00:00+15:00", "0000-01-01T00:00:00Z",
)  # fmt: skip


def grown(rng: random.Random, root: str, *, newer: bool = False) -> etree._Element:
    """A document that follows the schema, with a random choice of everything optional."""
    schema = schemas.load(newer)
    element = etree.Element(root)
    _fill(element, schema.types[root], schema, rng)
    return element


def _fill(element: etree._Element, kind: Complex, schema: Schema, rng: random.Random) -> None:
    for attribute in kind.attributes.values():
        if attribute.required or rng.random() < 0.4:
            element.set(attribute.name, _word(attribute.value, rng))
    if kind.text is not None:
        element.text = _word(kind.text, rng)
    places = list(kind.places)
    if not kind.ordered:
        rng.shuffle(places)
    for alternatives in places:
        particle = rng.choice(alternatives)
        most = rng.choice((1, 1, 2, 3)) if particle.repeats else 1
        for _ in range(most if particle.required or rng.random() < 0.35 else 0):
            child = etree.SubElement(element, particle.name)
            inner = schema.of(particle)
            if inner is not None:
                _fill(child, inner, schema, rng)
            elif particle.value is not None:
                child.text = _word(particle.value, rng)


def _word(value: Value, rng: random.Random) -> str:
    return rng.choice(value.simple.values or _GOOD[value.simple.name])


def damaged(document: etree._Element, rng: random.Random) -> tuple[etree._Element, str]:
    """A copy with one random change, which may or may not break it, and what was done."""
    changed = copy.deepcopy(document)
    element = rng.choice(list(changed.iter()))
    change = rng.choice(_CHANGES)
    change(element, rng)
    return changed, f"{change.__name__} at {element.tag}"


def _remove(element: etree._Element, _rng: random.Random) -> None:
    parent = element.getparent()
    if parent is not None:
        parent.remove(element)


def _repeat(element: etree._Element, _rng: random.Random) -> None:
    parent = element.getparent()
    if parent is not None:
        element.addnext(copy.deepcopy(element))


def _move(element: etree._Element, rng: random.Random) -> None:
    parent = element.getparent()
    if parent is not None:
        parent.remove(element)
        parent.insert(rng.randrange(len(parent) + 1), element)


def _rename(element: etree._Element, rng: random.Random) -> None:
    names = sorted({name for kind in schemas.load(True).types.values() for name in kind.particles})
    element.tag = rng.choice([*names, "notInTheSchema", "{urn:x}email"])


def _retext(element: etree._Element, rng: random.Random) -> None:
    element.text = rng.choice(_BAD)


def _attribute(element: etree._Element, rng: random.Random) -> None:
    names = ("type", "verified", "reason", "hashType", "timestamp", "accountType", "extension", "fleaCountry")
    element.set(rng.choice([*names, *map(str, element.keys())]), rng.choice(_BAD))


def _no_attribute(element: etree._Element, rng: random.Random) -> None:
    if element.keys():
        del element.attrib[rng.choice(list(element.keys()))]


def _tail(element: etree._Element, rng: random.Random) -> None:
    if element.getparent() is not None:
        element.tail = rng.choice((" ", "\n", "stray"))


def _nest(element: etree._Element, _rng: random.Random) -> None:
    etree.SubElement(element, "additionalInfo").text = "text"


_CHANGES: tuple[Callable[[etree._Element, random.Random], None], ...] = (
    _remove,
    _repeat,
    _move,
    _rename,
    _retext,
    _retext,
    _attribute,
    _no_attribute,
    _tail,
    _nest,
)
