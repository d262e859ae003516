# SPDX-License-Identifier: Apache-2.0
"""A document on its way in: parsed safely, put into a form libxml2 can judge, and validated."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, cast

from lxml import etree

from nightlight.foundation import xml
from nightlight.pipeline.tips.formats.cybertipline import diagnosis, xsd
from nightlight.pipeline.tips.formats.cybertipline import schema as schemas
from nightlight.pipeline.tips.formats.cybertipline.aliases import tolerate
from nightlight.pipeline.tips.formats.cybertipline.answers import Situation

if TYPE_CHECKING:
    from nightlight.pipeline.tips.formats.cybertipline.schema import Schema, Value

MAX_BYTES = 8 * 1024 * 1024
"""The largest report or file description accepted, in bytes; the documentation states no limit."""

MAX_DESCRIPTION = 1000
"""Characters of a description: an element name in it may be as long as its sender likes."""

_WHITE = " \t\r\n"
_HINTED = etree.XPath("//*[@*[namespace-uri() = 'http://www.w3.org/2001/XMLSchema-instance']]")
_HINTS = frozenset(
    f"{{http://www.w3.org/2001/XMLSchema-instance}}{name}" for name in ("schemaLocation", "noNamespaceSchemaLocation")
)


class Refused(Exception):
    """The document is refused: the situation to answer, and the sentence for `responseDescription`."""

    def __init__(self, situation: Situation, description: str) -> None:
        super().__init__(situation, description)
        self.situation = situation
        self.description = description[:MAX_DESCRIPTION]


class Document:
    """A document that follows the schema; `root` is the copy for checking, `body` the bytes as received."""

    def __init__(self, body: bytes, *, root_name: str, newer: bool, tolerant: bool, max_bytes: int = MAX_BYTES) -> None:
        """Parse and validate `body`; Refused with MALFORMED_XML or INVALID.

        With `tolerant` the mistakes known from clients are brought into the schema's form and listed in
        `tolerated`.
        """
        try:
            self.root = xml.parse(body, max_bytes=max_bytes)
        except xml.XmlRefused as refused:
            raise Refused(Situation.MALFORMED_XML, f"Malformed XML submittal: {refused}") from None
        if self.root.tag != root_name:
            text = f"Malformed XML submittal: the root element must be '{root_name}', not '{self.root.tag}'"
            raise Refused(Situation.MALFORMED_XML, text)
        self.body = body
        self.schema = schemas.load(newer)
        self.tolerated: list[tuple[etree._Element, str]] = []
        self._order: list[etree._Element] | None = None
        self._validate(tolerant)

    def refused(self, element: etree._Element, text: str, situation: Situation = Situation.INVALID) -> Refused:
        """The refusal of this document because of `element`, with line and column (from 1) as received."""
        order = self._order if self._order is not None else list(self.root.iter())
        place = xml.position(self.body, order.index(element))
        line, column = (place.line, place.column) if place else (line_of(element), 1)
        return Refused(situation, f"Validation failed: [{line},{column}] - {text}")

    def _validate(self, tolerant: bool) -> None:
        for element in _hinted(self.root):
            # libxml2 would fetch the schema a document names for itself.
            for hint in _HINTS & set(element.keys()):
                del element.attrib[hint]
        _collapse(self.root, self.schema)
        validator = xsd.validator(self.schema.newer)
        if validator.validate(self.root):
            return
        if tolerant:
            self._order = list(self.root.iter())
            self.tolerated = tolerate(self.root, self.schema)
            if self.tolerated and validator.validate(self.root):
                return
        fault = diagnosis.first_fault(self.root, self.schema)
        if fault is not None:
            raise self.refused(fault.element, fault.text)
        # What is left are attributes of XML Schema itself, such as xsi:nil: in the words of libxml2.
        try:
            validator.assertValid(self.root)
        except etree.DocumentInvalid as invalid:
            raise self.refused(self.root, str(invalid)) from None


def line_of(element: etree._Element) -> int:
    """The line (from 1) on which the element stands in the bytes as received."""
    line: object = element.sourceline
    return line if isinstance(line, int) else 1


def _hinted(root: etree._Element) -> list[etree._Element]:
    return cast("list[etree._Element]", _HINTED(root))


def _collapse(root: etree._Element, schema: Schema) -> None:
    """Take the white space off values whose type ignores it, which libxml2 forgets for times."""
    elements, attributes = _collapsing(schema.newer)
    for element in root.iter(*elements):
        text = element.text
        if text and (text[0] in _WHITE or text[-1] in _WHITE):
            element.text = text.strip(_WHITE)
    for element in root.iter(*attributes):
        for name, value in element.items():
            if name in attributes[str(element.tag)]:
                element.set(name, str(value).strip(_WHITE))


@cache
def _collapsing(newer: bool) -> tuple[frozenset[str], dict[str, frozenset[str]]]:
    """The names of elements whose text collapses, and for each element name its attributes that do.

    By name alone, because no name stands for a collapsing type in one place and for plain text in another
    (tested).
    """
    schema = schemas.load(newer)
    elements: set[str] = set()
    attributes: dict[str, frozenset[str]] = {}
    for kind in schema.types.values():
        for particle in kind.particles.values():
            inner = schema.of(particle)
            value = particle.value if inner is None else inner.text
            if value is not None and _collapses(value):
                elements.add(particle.name)
            names = {item.name for item in inner.attributes.values() if _collapses(item.value)} if inner else set()
            if names:
                attributes[particle.name] = attributes.get(particle.name, frozenset()) | names
    return frozenset(elements), attributes


def _collapses(value: Value) -> bool:
    # An empty flag means true, one of only white space is an error: left for the validator to tell apart.
    return value.simple.collapses and value.simple.name not in schemas.EMPTY_MEANS_TRUE
