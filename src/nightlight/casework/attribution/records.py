# SPDX-License-Identifier: Apache-2.0
"""Cuts one record out of a document, byte for byte: the XML element or the JSON value that stands at a place.

A place is what the readers of tips say ("report/personOrUserReported[2]/ipCaptureEvent[1]"): names from the outermost
inward, numbered from 1 among those of the same name; one without a number is the first. XML comes here as it was
accepted (no document type, so nothing in it expands); JSON as RFC 8259.
"""

from __future__ import annotations

import json
import re
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import TYPE_CHECKING
from xml.parsers import expat

if TYPE_CHECKING:
    from collections.abc import Iterator

_STEP = re.compile(r"(.+?)(?:\[([0-9]{1,9})\])?\Z", re.DOTALL)
_BLANK = re.compile(r"[ \t\r\n]*")
_BARE = re.compile(r"[^,\]}\s]+")
_DEEPEST = 64

Steps = tuple[tuple[str, int], ...]


def steps_of(place: str) -> Steps:
    """Return a place as names with their numbers."""
    return tuple((match[1], int(match[2] or 1)) for part in place.split("/") if (match := _STEP.match(part)))


def xml_record(body: bytes, place: str) -> bytes | None:
    """Return the bytes of the element at a place, its tags among them; None where there is none.

    The root's own number is not looked at: it stands for which document it is.
    """
    wanted = steps_of(place)
    found: list[int] = []
    path: list[tuple[str, int]] = []
    counted: list[dict[str, int]] = [{}]
    parser = expat.ParserCreate()

    def here() -> Steps:
        return ((path[0][0], wanted[0][1]), *path[1:])

    def start(tag: str, _attributes: object) -> None:
        name = tag.rpartition(":")[2]
        counted[-1][name] = counted[-1].get(name, 0) + 1
        path.append((name, counted[-1][name]))
        counted.append({})
        if not found and here() == wanted:
            found.append(parser.CurrentByteIndex)

    def end(_tag: str) -> None:
        if len(found) == 1 and here() == wanted:
            found.append(body.find(b">", parser.CurrentByteIndex) + 1)
        path.pop()
        counted.pop()

    parser.StartElementHandler, parser.EndElementHandler = start, end
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, ValueError):
        return None
    if len(found) < 2:
        return None
    return body[found[0] : found[1] + (1 if body[found[1] : found[1] + 1] == b"\0" else 0)]


def json_record(body: bytes, place: str) -> bytes | None:
    """Return the text of the value at a place, as UTF-8; None where there is none, or the document is no JSON."""
    wanted = steps_of(place)
    try:
        text = body.decode(json.detect_encoding(body)).removeprefix("\ufeff")
        # Of a key that occurs twice the last counts, as in the reading.
        ends = [(start, end) for steps, start, end in _values(text) if steps == wanted]
    except (ValueError, IndexError, RecursionError):
        return None
    return text[ends[-1][0] : ends[-1][1]].encode() if ends else None


def _values(text: str) -> Iterator[tuple[Steps, int, int]]:
    found: list[tuple[Steps, int, int]] = []
    _value(text, _skip(text, 0), (), found)
    yield from found


def _value(text: str, at: int, steps: Steps, found: list[tuple[Steps, int, int]]) -> int:
    """Go over the value that begins at a place of the text, and return where it ends."""
    if len(steps) > _DEEPEST:
        raise ValueError("nested too deep")
    start = at
    if text[at] == '"':
        _, at = scanstring(text, at + 1)
    elif text[at] in "{[":
        at = _inside(text, at, steps, found)
    else:
        match = _BARE.match(text, at)
        if match is None:
            raise ValueError("no value")
        at = match.end()
    found.append((steps, start, at))
    return at


def _inside(text: str, at: int, steps: Steps, found: list[tuple[Steps, int, int]]) -> int:
    named, closing, number = text[at] == "{", "}" if text[at] == "{" else "]", 0
    at = _skip(text, at + 1)
    while text[at] != closing:
        number += 1
        inner = (*steps[:-1], (steps[-1][0], number)) if steps and not named else steps
        if named:
            key, at = scanstring(text, at + 1)
            at = _skip(text, at)
            if text[at] != ":":
                raise ValueError("no colon")
            at, inner = _skip(text, at + 1), (*steps, (key, 1))
        at = _skip(text, _value(text, at, inner, found))
        if text[at] == ",":
            at = _skip(text, at + 1)
        elif text[at] != closing:
            raise ValueError("no comma")
    return at + 1


def _skip(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    return at if match is None else match.end()
