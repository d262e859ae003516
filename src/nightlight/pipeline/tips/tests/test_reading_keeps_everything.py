# SPDX-License-Identifier: Apache-2.0
"""Whatever is in a report is either understood or kept as unknown: nothing is dropped in silence."""

from __future__ import annotations

import json
from itertools import count
from random import Random
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from nightlight.pipeline.tips.formats import cybertip_json
from nightlight.pipeline.tips.formats.cybertipline import schema
from nightlight.pipeline.tips.formats.cybertipline.read import read_report
from nightlight.pipeline.tips.reading import Json, to_json
from nightlight.pipeline.tips.tests.example_reports import CYBERTIP_JSON

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SCHEMA = schema.load(True)
PLAUSIBLE = {
    "boolean": "true",
    "flag": "",
    "mark": "true",
    "dateTime": "2026-01-05T04:40:00Z",
    "date": "1991-06-30",
}


def _words(value: Json) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _words(item)
    elif isinstance(value, list):
        for item in value:
            yield from _words(item)
    elif value is not None:
        yield str(value)


def _element(name: str, kind: str, ask: Callable[[int], bool], word: Callable[[str], str]) -> etree._Element:
    """An element of the schema; `ask(n)` is true once in n, `word` gives a value of a simple type."""
    element = etree.Element(name)
    described = SCHEMA.types[kind]
    for attribute in described.attributes.values():
        if ask(2):
            element.set(attribute.name, word(attribute.value.simple.name))
    if described.text is not None:
        element.text = word(described.text.simple.name)
    for particle in described.particles.values():
        for _ in range(3 if particle.repeats else 2):
            if ask(2):
                inner = SCHEMA.of(particle)
                if inner is None:
                    assert particle.value is not None
                    child = etree.SubElement(element, particle.name)
                    child.text = word(particle.value.simple.name)
                else:
                    element.append(_element(particle.name, inner.name, ask, word))
    if ask(9):
        element.set("shade", word("string"))
    if ask(9):
        etree.SubElement(element, "odd").text = word("string")
    if ask(9) and len(element):
        element[0].tail = word("string")
    return element


@given(st.integers(0, 2**32))
def test_every_word_of_a_report_is_understood_or_kept(seed: int) -> None:
    random = Random(seed)
    numbers = count(1)
    sent: list[str] = []

    def word(kind: str) -> str:
        if kind in PLAUSIBLE and random.random() < 0.5:
            return PLAUSIBLE[kind]
        sent.append(f"w{next(numbers)}w")
        return sent[-1]

    def ask(one_in: int) -> bool:
        return random.random() < 1 / one_in

    report = etree.tostring(_element("report", "report", ask, word))
    details = [etree.tostring(_element("fileDetails", "fileDetails", ask, word)) for _ in range(2)]
    kept = "\n".join(_words(to_json(read_report(report, details))))
    assert [words for words in sent if words not in kept] == []


def test_every_element_and_attribute_of_the_schema_has_its_field() -> None:
    numbers = count(1)
    seen: set[tuple[str, str]] = set()

    def word(kind: str) -> str:
        return PLAUSIBLE[kind] if kind in PLAUSIBLE else f"w{next(numbers)}w"

    def build(name: str, kind: str) -> etree._Element:
        element = etree.Element(name)
        described = SCHEMA.types[kind]
        for attribute in described.attributes.values():
            element.set(attribute.name, word(attribute.value.simple.name))
        if described.text is not None:
            element.text = word(described.text.simple.name)
        for particle in described.particles.values():
            seen.add((kind, particle.name))
            inner = SCHEMA.of(particle)
            if inner is not None:
                element.append(build(particle.name, inner.name))
            else:
                assert particle.value is not None
                etree.SubElement(element, particle.name).text = word(particle.value.simple.name)
        return element

    reading = read_report(
        etree.tostring(build("report", "report")), [etree.tostring(build("fileDetails", "fileDetails"))]
    )
    assert len(seen) > 150
    assert reading.unknown == ()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["reportedPeople", "uploadedFiles", "incidentDetails", "x"]), json_values))
def test_no_json_makes_the_reader_fail(reported: dict[str, object]) -> None:
    body = json.dumps({"reportId": 1, "reportedInformation": reported}).encode()
    json.dumps(to_json(cybertip_json.read(body)), ensure_ascii=False).encode()


@given(st.integers(0, 2**32))
def test_every_word_of_a_cybertip_json_is_understood_or_kept(seed: int) -> None:
    random = Random(seed)
    numbers = count(1)
    sent: list[str] = []

    def word() -> str:
        sent.append(f"w{next(numbers)}w")
        return sent[-1]

    def bent(value: Json, odds: float = 0.08) -> Json:
        """`value` with new words, and here and there in another shape than the layout's."""
        if isinstance(value, dict):
            members = {name: bent(item) for name, item in value.items() if random.random() > odds}
            if random.random() < odds:
                members["novelty"] = bent({"a": ["x", {"b": "y"}]})
            changed: Json = members
        elif isinstance(value, list):
            items = [bent(item) for item in value for _ in range(random.choice((1, 1, 2)))]
            changed = items[0] if len(items) == 1 and random.random() < odds else items
        elif isinstance(value, bool) or value is None or random.random() < odds:
            changed = random.choice((True, False, None))
        else:
            changed = word()
        if random.random() < odds:
            wrapped: tuple[Json, ...] = ([changed], {"value": changed}, [[changed]])
            return random.choice(wrapped)
        return changed if random.random() > odds / 2 else word()

    document = json.loads(CYBERTIP_JSON)
    bent_document: Json = {name: bent(item) for name, item in document.items()}
    body = json.dumps({"reportId": word(), **bent_document})  # type: ignore[dict-item]
    kept = "\n".join(_words(to_json(cybertip_json.read(body.encode()))))
    assert [words for words in sent if words in body and words not in kept] == []
