# SPDX-License-Identifier: Apache-2.0
"""Say in our own words why a document does not follow the schema: which element, and what was expected there.

libxml2 decides whether a document is valid; this is asked only after it said no, so it may take its time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightlight.pipeline.tips.formats.cybertipline.schema import EMPTY_MEANS_TRUE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml import etree

    from nightlight.pipeline.tips.formats.cybertipline.schema import Complex, Particle, Schema, Value

_WHITE = " \t\r\n"
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and the element it is wrong with."""

    element: etree._Element
    text: str


def first_fault(root: etree._Element, schema: Schema) -> Fault | None:
    """The first thing in document order that the schema forbids; None when this module finds nothing."""
    return next(_faults(root, schema.types[str(root.tag)], schema), None)


def _faults(element: etree._Element, kind: Complex, schema: Schema) -> Iterator[Fault]:
    yield from _attributes(element, kind)
    if kind.text is not None:
        yield from _text_only(element, kind.text)
        return
    if not kind.particles and element.text:
        yield Fault(element, f"element '{element.tag}' must be empty, without even white space")
    if stray := _stray_text(element):
        yield Fault(element, f"text {_shown(stray)} is not allowed directly inside element '{element.tag}'")
    order = _Order(kind)
    for child in element:
        particle = kind.particles.get(str(child.tag))
        if particle is None:
            yield Fault(child, order.unexpected(str(child.tag)))
            return
        if misplaced := order.refuses(particle):
            yield Fault(child, misplaced)
            return
        inner = schema.of(particle)
        if inner is not None:
            yield from _faults(child, inner, schema)
        elif particle.value is not None:
            yield from _attributes(child, None)
            yield from _text_only(child, particle.value)
    if missing := order.missing():
        yield Fault(element, f"element '{element.tag}' is incomplete: expected {missing}")


class _Order:
    """Walks along the places of a type while its children go by."""

    def __init__(self, kind: Complex) -> None:
        self._kind = kind
        self._reached = -1
        self._last = ""
        self._seen: set[int] = set()

    def refuses(self, particle: Particle) -> str | None:
        """Take note of the next child; a sentence when it may not stand here."""
        if particle.place in self._seen and not particle.repeats:
            others = [other.name for other in self._kind.particles.values() if other.place == particle.place]
            if len(others) > 1:
                return f"element '{particle.name}' is too much here: only one of {_names(others)} may be given"
            return f"element '{particle.name}' may be given only once in '{self._kind.name}'"
        if not self._kind.ordered:
            self._seen.add(particle.place)
            return None
        if particle.place < self._reached:
            return f"element '{particle.name}' must stand before '{self._last}'{self._expected()}"
        if self._required_before(particle.place):
            return self.unexpected(particle.name)
        self._reached = particle.place
        self._last = particle.name
        self._seen.add(particle.place)
        return None

    def unexpected(self, name: str) -> str:
        """The sentence for an element that is unknown here, or comes before a required one."""
        return f"element '{name}' is not expected here{self._expected()}"

    def missing(self) -> str | None:
        """The required elements that have not come by the end."""
        names = self._required_before(len(self._kind.places) + 1)
        return _names(names) if names else None

    def _required_before(self, place: int) -> list[str]:
        """The names at the first required place that was passed over."""
        for alternatives in self._kind.places:
            here = alternatives[0].place
            required = all(particle.required for particle in alternatives)
            if here < place and here not in self._seen and required:
                return [particle.name for particle in alternatives]
        return []

    def _expected(self) -> str:
        names: list[str] = []
        for alternatives in self._kind.places:
            here = alternatives[0].place
            open_again = here in self._seen and alternatives[0].repeats
            if here < self._reached or (here in self._seen and not open_again):
                continue
            names += [particle.name for particle in alternatives]
            if self._kind.ordered and alternatives[0].required and here not in self._seen:
                break
        return f"; expected {_names(names)}" if names else "; nothing more is expected"


def _attributes(element: etree._Element, kind: Complex | None) -> Iterator[Fault]:
    known = {} if kind is None else kind.attributes
    for name, text in ((str(name), str(text)) for name, text in element.items()):
        attribute = known.get(name)
        if attribute is None:
            allowed = f"; allowed: {_names(list(known))}" if known else ""
            yield Fault(element, f"attribute '{name}' is not allowed on element '{element.tag!s}'{allowed}")
        elif wrong := _wrong(text, attribute.value):
            yield Fault(element, f"attribute '{name}' of element '{element.tag}' {wrong}")
    for attribute in known.values():
        if attribute.required and element.get(attribute.name) is None:
            yield Fault(element, f"element '{element.tag}' needs the attribute '{attribute.name}'")


def _text_only(element: etree._Element, value: Value) -> Iterator[Fault]:
    if len(element):
        yield Fault(element[0], f"element '{element[0].tag}' is not allowed inside '{element.tag}', which holds text")
        return
    if not element.text and value.simple.name in EMPTY_MEANS_TRUE:
        return
    if wrong := _wrong(element.text or "", value):
        yield Fault(element, f"element '{element.tag}' {wrong}")


def _wrong(text: str, value: Value) -> str | None:
    simple = value.simple
    if simple.accepts(text.strip(_WHITE) if simple.collapses else text):
        return None
    return f"has the value {_shown(text)}; expected {simple.says}"


def _stray_text(element: etree._Element) -> str:
    pieces = [element.text or "", *(child.tail or "" for child in element)]
    return "".join(pieces).strip(_WHITE)


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…")


def _names(names: list[str]) -> str:
    quoted = [f"'{name}'" for name in names]
    return quoted[0] if len(quoted) == 1 else "one of " + ", ".join(quoted)
