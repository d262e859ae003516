# SPDX-License-Identifier: Apache-2.0
"""Mistakes that known clients make in rare paths and whose meaning is beyond doubt (reporting-api.md 1.6, 1.10).

Only the tree used for checking is changed, never the bytes received. Used in the profile `advise`, where a
tip that can be understood is not sent back for its form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml import etree

    from nightlight.pipeline.tips.formats.cybertipline.schema import Schema

_RENAMED = (("associatedAccount", "accountType", "type"),)
_MISPLACED = (
    ("associatedAccount", "thirdPartyUser", "platform"),
    ("lawEnforcement", "fleaCountry", "servedLegalProcessInternational"),
    ("nameValuePair", "type", "details"),
)


def tolerate(root: etree._Element, schema: Schema) -> list[tuple[etree._Element, str]]:
    """Bring known mistakes below `root` into the schema's form; the element and a sentence for each."""
    notes = []
    for tag, wrong, right in _RENAMED:
        for element in root.iter(tag):
            if (value := element.get(wrong)) is not None and element.get(right) is None:
                del element.attrib[wrong]
                element.set(right, value)
                notes.append((element, f"attribute '{wrong}' of '{tag}' was read as '{right}'"))
    for tag, attribute, owner in _MISPLACED:
        for element in root.iter(tag):
            if element.get(attribute) is not None:
                del element.attrib[attribute]
                notes.append((element, f"attribute '{attribute}' belongs to '{owner}', not to '{tag}'"))
    if root.tag == "fileDetails":
        notes += _reordered(root, schema)
    return notes


def _reordered(root: etree._Element, schema: Schema) -> list[tuple[etree._Element, str]]:
    """Put the children of `root` into the schema's order, which carries no meaning of its own."""
    particles = schema.types[str(root.tag)].particles
    children = list(root)
    if not all(child.tag in particles for child in children):
        return []
    ordered = sorted(children, key=lambda child: particles[str(child.tag)].place)
    if ordered == children:
        return []
    moved = next(now for was, now in zip(children, ordered, strict=True) if was is not now)
    root[:] = ordered
    return [(moved, f"the children of '{root.tag}' are out of order: '{moved.tag}' comes too late")]
