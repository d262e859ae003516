# SPDX-License-Identifier: Apache-2.0
"""JSON as the tree of parts that readers take from, with every oddity of the document kept beside it."""

from __future__ import annotations

import json
from itertools import chain

from nightlight.pipeline.tips.formats.parts import REPEATED, Part

MAX_DEPTH = 64
REPLACED = "characters that cannot be stored were replaced; these are their codes"


class Unreadable(ValueError):
    """The document cannot be read at all; `reason` is a sentence for the person who sent or imported it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Members(list[tuple[str, "_Json"]]):
    """The members of a JSON object in the order sent, a repeated key included."""


# Numbers stay the digits that were sent: report ids pass 2**53, and a port is not a measurement.
_Json = str | bool | None | list["_Json"] | _Members


def parse_object(body: bytes) -> Part:
    """The tree of a JSON object in UTF-8, UTF-16 or UTF-32, with or without a byte order mark.

    Raises `Unreadable` for anything else, for NaN and infinity, and for more than 64 levels.
    """
    try:
        text = body.decode(json.detect_encoding(body)).removeprefix("\ufeff")
    except UnicodeDecodeError:
        raise Unreadable("The file is not text in a Unicode encoding.") from None
    try:
        value: _Json = json.loads(
            text, object_pairs_hook=_Members, parse_int=str, parse_float=str, parse_constant=_refuse_constant
        )
    except RecursionError:
        raise Unreadable(f"The file is nested more than {MAX_DEPTH} levels deep.") from None
    except json.JSONDecodeError as error:
        raise Unreadable(f"The file is not JSON: {error.msg}, line {error.lineno}.") from None
    if not isinstance(value, _Members):
        raise Unreadable("The file is JSON, but not one object.")
    return _part("", value, 1).take("")


def _refuse_constant(name: str) -> None:
    raise Unreadable(f"The file holds {name}, which is not a JSON value.")


def _part(name: str, value: str | bool | _Members, depth: int) -> Part:
    if depth > MAX_DEPTH:
        raise Unreadable(f"The file is nested more than {MAX_DEPTH} levels deep.")
    if isinstance(value, _Members):
        part = Part(name)
        _add_members(part, value, depth)
        return part
    if isinstance(value, bool):
        return Part(name, "true" if value else "false")
    storable = _storable(value)
    part = Part(name, storable.strip())
    if storable != value:
        part.note(REPLACED, ascii(value))
    return part


def _add_members(part: Part, members: _Members, depth: int) -> None:
    last = dict(members)
    if len(last) != len(members):
        # JSON readers take the last of a repeated key; so does this one, and keeps the others.
        at = {key: index for index, (key, _) in enumerate(members)}
        chosen = [member for index, member in enumerate(members) if at[member[0]] == index]
        others = [member for index, member in enumerate(members) if at[member[0]] != index]
        for key, _ in others:
            part.note(REPEATED, "", inside=_storable(key))
        members = _Members(chain(chosen, others))
    for key, value in members:
        _add(part, _storable(key), value, depth + 1, "")


def _add(part: Part, key: str, value: _Json, depth: int, number: str) -> None:
    if depth > MAX_DEPTH:
        raise Unreadable(f"The file is nested more than {MAX_DEPTH} levels deep.")
    if isinstance(value, list) and not isinstance(value, _Members):
        for position, item in enumerate(value, 1):
            _add(part, key, item, depth + 1, f"{number}][{position}" if number else str(position))
    elif value is not None:
        part.add(_part(key, value, depth), number or None)


def _storable(text: str) -> str:
    """`text` without the two things PostgreSQL and UTF-8 cannot hold: NUL and half a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text.replace("\x00", "\ufffd")
