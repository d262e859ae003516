# SPDX-License-Identifier: Apache-2.0
"""A report as a tree that remembers which of its parts were read, so that no part is dropped in silence.

XML and JSON become the same tree: an element or a key is a part, a list is a part that occurs several
times, an attribute is a part whose name begins with @. A reader takes the parts it knows; `leftovers` then
gives every part that nobody took, with its path and the words in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nightlight.pipeline.tips.values import (
    Moment,
    Stated,
    Text,
    Unknown,
    read_moment,
    read_stated,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lxml import etree

NO_FIELD = "no field for this"
REPEATED = "stated more than once"
NOT_READABLE = "not the kind of value this field holds"

_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"


class Part:
    """One element, attribute or key: its own words (None without any) and the parts inside it."""

    __slots__ = ("_bad", "_children", "_notes", "_read", "_taken", "_value", "name", "number", "path")

    def __init__(self, name: str, value: str | None = None) -> None:
        self.name = name
        self.number = "1"
        self.path = name
        self._value = value
        self._children: dict[str, list[Part]] = {}
        self._notes: list[tuple[str, str, str]] = []
        self._taken = False
        self._read = False
        self._bad = False

    def add(self, child: Part, number: str | None = None) -> None:
        """Put `child` inside this part, after those of the same name, under its number in the source."""
        siblings = self._children.setdefault(child.name, [])
        siblings.append(child)
        child.number = number or str(len(siblings))

    def note(self, reason: str, value: str, inside: str = "") -> None:
        """Remember something odd about this part, or the name `inside` it, for the leftovers."""
        self._notes.append((reason, value, inside))

    def take(self, path: str) -> Part:
        """Mark this part as known to its reader, at `path`; the first path given stays."""
        if not self._taken:
            self._taken = True
            self.path = path
        return self

    def holds(self, names: Iterable[str]) -> bool:
        """Whether a part of any of these names is inside; nothing is taken."""
        return not self._children.keys().isdisjoint(names)

    def has_words(self) -> bool:
        """Whether the part has words of its own; nothing is taken."""
        return bool(self._value)

    def is_empty(self) -> bool:
        """Whether there is nothing in the part at all; nothing is taken."""
        return not self._value and not self._children

    # The parts inside.

    def first(self, name: str) -> Part | None:
        """The first part of this name, taken; later ones of the same name stay among the leftovers."""
        children = self._children.get(name)
        return children[0].take(_path(self.path, name)) if children else None

    def every(self, name: str) -> list[Part]:
        """All parts of this name, taken, their paths numbered from 1."""
        children = self._children.get(name)
        if not children:
            return []
        base = _path(self.path, name)
        return [child.take(f"{base}[{child.number}]") for child in children]

    # Their words.

    def text(self) -> str | None:
        """The words of this part, now read; None when there are none."""
        self._read = True
        return self._value or None

    def unreadable(self) -> None:
        """Give the words back to the leftovers, because they are not of the kind the field holds."""
        self._read, self._bad = False, True

    def stated(self) -> Stated:
        """Yes, no, not stated, or unreadable (and then among the leftovers)."""
        answer = read_stated(self.text())
        if answer is Stated.UNREADABLE:
            self.unreadable()
        return answer

    def flagged(self) -> bool:
        """Whether a flag is set: present and empty, or present and true. Anything else is left over."""
        text = self.text()
        if text is None or read_stated(text):
            return True
        self.unreadable()
        return False

    def text_of(self, name: str) -> str | None:
        """The words of the first part of this name."""
        child = self.first(name)
        return None if child is None else child.text()

    def texts_of(self, name: str) -> tuple[Text, ...]:
        """The words of every part of this name that has any."""
        if name not in self._children:
            return ()
        return tuple(Text(text, child.path) for child in self.every(name) if (text := child.text()))

    def stated_of(self, name: str) -> Stated:
        """What the first part of this name says to a yes-or-no question."""
        child = self.first(name)
        return Stated.NOT_STATED if child is None else child.stated()

    def moment_of(self, name: str) -> Moment | None:
        """The time in the first part of this name."""
        child = self.first(name)
        text = None if child is None else child.text()
        return None if child is None or text is None else read_moment(text, child.path)

    def flags_among(self, names: Iterable[str]) -> tuple[str, ...]:
        """Which of the flags with these names are set."""
        return tuple(name for name in names if (child := self.first(name)) is not None and child.flagged())

    # What nobody read.

    def leftovers(self, reason: str = NO_FIELD) -> Iterator[Unknown]:
        """Everything in this part that no reader took, each with its path."""
        for why, value, inside in self._notes:
            yield Unknown(_path(self.path, inside) if inside else self.path, value, why)
        if self._value and not self._read:
            path = f"{self.path}/text()" if self._children else self.path
            yield Unknown(path, self._value, NOT_READABLE if self._bad else reason)
        elif not self._taken and not self._children:
            yield Unknown(self.path, "", reason)
        for name, children in self._children.items():
            known = children[0]._taken
            for child in children:
                if child._taken:
                    yield from child.leftovers()
                else:
                    base = _path(self.path, name)
                    child.path = base if len(children) == 1 else f"{base}[{child.number}]"
                    yield from child.leftovers(REPEATED if known else reason)


def _path(parent: str, name: str) -> str:
    return f"{parent}/{name}" if parent else name


def from_xml(element: etree._Element, path: str) -> Part:
    """The tree of an XML element, its paths beginning with `path`.

    Names in the root's own namespace lose it; a name in any other keeps it, and so no reader knows it.
    Outer white space is not kept here: the bytes as received are.
    """
    namespace = element.tag[: element.tag.rfind("}") + 1]
    root = _xml_part(element, namespace).take(path)
    if namespace:
        root.add(Part("@xmlns", namespace[1:-1]))
    return root


def _xml_part(element: etree._Element, namespace: str) -> Part:
    tag: object = element.tag
    if not isinstance(tag, str):  # a comment or a processing instruction
        return Part("comment()", (element.text or "").strip())
    part = Part(tag.removeprefix(namespace))
    for name, value in element.attrib.items():
        part.add(Part(_attribute_name(str(name)), str(value).strip()))
    words = element.text or ""
    for child in element:
        part.add(_xml_part(child, namespace))
        words += child.tail or ""
    part._value = words.strip()
    return part


def _attribute_name(name: str) -> str:
    return f"@xsi:{name.removeprefix(_XSI)}" if name.startswith(_XSI) else f"@{name}"
