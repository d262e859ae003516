# SPDX-License-Identifier: Apache-2.0
"""Keeps frozen dataclasses as JSON that says what each part is, and reads back only the classes it was told of."""

from __future__ import annotations

import base64
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from nightlight.foundation.canonical_json import Json

_KIND = "_"


def _kept(value: date | timedelta | bytes) -> Json:
    """What has no form of its own in JSON, as a text; a datetime is a date too, so it comes first."""
    if isinstance(value, datetime):
        return {_KIND: "datetime", "is": value.astimezone(UTC).isoformat()}
    if isinstance(value, date):
        return {_KIND: "date", "is": value.isoformat()}
    if isinstance(value, timedelta):
        return {_KIND: "microseconds", "is": value // timedelta(microseconds=1)}
    return {_KIND: "bytes", "is": base64.b64encode(value).decode()}


_READ: dict[str, Callable[[str], object]] = {
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "microseconds": lambda text: timedelta(microseconds=int(text)),
    "bytes": lambda text: base64.b64decode(text, validate=True),
}


class NotKept(Exception):
    """What lies there is not what was kept; the message says why."""


class Keeper:
    """Turns values made of the given classes (frozen dataclasses and enums) into JSON values and back.

    Fields that have their default are left out, so a field may be added with a default. Nothing but the given
    classes is ever made from what is read: it comes from a database, and a database may be tampered with.
    """

    def __init__(self, classes: Iterable[type]) -> None:
        self._classes = {f"{c.__module__.rpartition('.')[2]}.{c.__name__}": c for c in classes}
        self._names = {c: name for name, c in self._classes.items()}

    def keep(self, value: object) -> Json:
        """Return the value as JSON values. Raises TypeError for a class it was not told of."""
        if isinstance(value, Enum):
            return {_KIND: self._name(type(value)), "is": value.value}
        if value is None or isinstance(value, str | int | bool):
            return value
        if isinstance(value, tuple | list):
            return [self.keep(item) for item in value]
        if isinstance(value, date | timedelta | bytes):
            return _kept(value)
        if is_dataclass(value) and not isinstance(value, type):
            kept: dict[str, Json] = {_KIND: self._name(type(value))}
            for field in fields(value):
                said = getattr(value, field.name)
                if field.default is MISSING or said != field.default:
                    kept[field.name] = self.keep(said)
            return kept
        raise TypeError(f"{type(value).__name__} is not kept")

    def read(self, kept: Json) -> Any:  # noqa: ANN401 - whatever was kept
        """Return the value. Raises NotKept for anything that ``keep`` would not have made."""
        if isinstance(kept, list):
            return tuple(self.read(item) for item in kept)
        if not isinstance(kept, dict):
            return kept
        kind = kept.get(_KIND)
        try:
            if kind in _READ:
                return _READ[str(kind)](str(kept["is"]))
            made = self._classes[str(kind)]
            if issubclass(made, Enum):
                return made(kept["is"])
            return made(**{name: self.read(item) for name, item in kept.items() if name != _KIND})
        except (KeyError, ValueError, TypeError) as error:
            raise NotKept(f"{kind!r} cannot be read: {type(error).__name__}") from error

    def _name(self, kind: type) -> str:
        try:
            return self._names[kind]
        except KeyError:
            raise TypeError(f"{kind.__name__} is not kept") from None
