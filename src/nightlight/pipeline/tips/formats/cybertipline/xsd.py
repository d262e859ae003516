# SPDX-License-Identifier: Apache-2.0
"""The XML Schema document we serve at /xsd and validate with, written from the schema data.

A flag is a boolean with the default true and the pattern true|1, rather than one with a fixed value: libxml2
compares fixed values as text and so refuses 1 (reporting-api.md 1.9), and reporters check with libxml2 before they
send.
"""

from __future__ import annotations

import threading
from functools import cache
from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

from lxml import etree

from nightlight.pipeline.tips.formats.cybertipline import schema as schemas

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nightlight.pipeline.tips.formats.cybertipline.schema import Complex, Particle, Schema, Value

_RESTRICTED = {
    "flag": ("boolean", "true|1"),
    "digits": ("string", "[0-9]+"),
    "calling-code": ("string", r"\+[0-9]{1,3}"),
}


class _Validators(threading.local):
    """Compiled schemas, one set per thread: a validator keeps the errors of its last document in itself."""

    def __init__(self) -> None:
        self.compiled: dict[bool, etree.XMLSchema] = {}


_validators = _Validators()
# libxml2 fills its table of built-in types when the first schema is compiled, and does not lock it: threads that
# compile the first ones at the same moment get a broken table, and the process then answers nothing right again.
_compiling = threading.Lock()


def validator(newer: bool) -> etree.XMLSchema:
    """This thread's libxml2 validator; about 3 ms when a thread asks for the first time."""
    compiled = _validators.compiled.get(newer)
    if compiled is None:
        with _compiling:
            compiled = _validators.compiled[newer] = etree.XMLSchema(etree.fromstring(document(newer)))
    return compiled


@cache
def document(newer: bool) -> bytes:
    """The schema document in UTF-8, as served."""
    return "\n".join(_lines(schemas.load(newer))).encode() + b"\n"


def _lines(schema: Schema) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield (
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" elementFormDefault="qualified"'
        f' version="{schema.version}">'
    )
    for root in schema.roots:
        yield f'  <xs:element name="{root}" type="{root}"/>'
    for kind in schema.types.values():
        yield from _complex(kind)
    for name, (base, pattern) in _RESTRICTED.items():
        yield f'  <xs:simpleType name="{name}">'
        yield f'    <xs:restriction base="xs:{base}"><xs:pattern value="{pattern}"/></xs:restriction>'
        yield "  </xs:simpleType>"
    for name, enumeration in schema.enumerations.items():
        yield f'  <xs:simpleType name="{name}">'
        yield '    <xs:restriction base="xs:string">'
        yield from (f"      <xs:enumeration value={quoteattr(value)}/>" for value in enumeration.values)
        yield "    </xs:restriction>"
        yield "  </xs:simpleType>"
    yield "</xs:schema>"


def _complex(kind: Complex) -> Iterator[str]:
    yield f'  <xs:complexType name="{kind.name}">'
    if kind.text is not None:
        yield f'    <xs:simpleContent><xs:extension base="{_type(kind.text)}">'
    if kind.places:
        container = "sequence" if kind.ordered else "all"
        yield f"    <xs:{container}>"
        for alternatives in kind.places:
            yield from _place(alternatives)
        yield f"    </xs:{container}>"
    for attribute in kind.attributes.values():
        use = ' use="required"' if attribute.required else ""
        yield f'    <xs:attribute name="{attribute.name}" type="{_type(attribute.value)}"{use}/>'
    if kind.text is not None:
        yield "    </xs:extension></xs:simpleContent>"
    yield "  </xs:complexType>"


def _place(alternatives: tuple[Particle, ...]) -> Iterator[str]:
    if len(alternatives) == 1:
        yield f"      {_element(alternatives[0])}"
        return
    yield "      <xs:choice>"
    yield from (f"        {_element(particle)}" for particle in alternatives)
    yield "      </xs:choice>"


def _element(particle: Particle) -> str:
    kind = particle.type_name if particle.value is None else _type(particle.value)
    default = ' default="true"' if particle.type_name in schemas.EMPTY_MEANS_TRUE else ""
    least = "" if particle.required else ' minOccurs="0"'
    most = ' maxOccurs="unbounded"' if particle.repeats else ""
    return f'<xs:element name="{particle.name}" type="{kind}"{default}{least}{most}/>'


def _type(value: Value) -> str:
    name = value.simple.name
    if name in _RESTRICTED or name not in schemas.SIMPLE:
        return name
    return "xs:boolean" if name == "mark" else f"xs:{name}"
