# SPDX-License-Identifier: Apache-2.0
"""Reads a table of facts (TOML) to its last key; what is missing, misspelt or of another kind is refused by place."""

from __future__ import annotations

import re
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_ID = re.compile(r"[A-Za-z0-9]+(?:[-_][A-Za-z0-9]+)*")
_Choice = TypeVar("_Choice", bound=StrEnum)


class Table:
    """One table of the file, which has to be read to its last key."""

    def __init__(self, place: str, values: object, refuse: Callable[[str, str], Exception]) -> None:
        if not isinstance(values, dict):
            raise refuse(place or "file", "is not a table")
        self.place, self.refuse, self._left = place, refuse, dict(values)

    def at(self, key: str) -> str:
        return f"{self.place}.{key}" if self.place else key

    def _take(self, key: str) -> Any:  # noqa: ANN401 - TOML holds what it holds; the callers look
        if key not in self._left:
            raise self.refuse(self.at(key), "is missing")
        return self._left.pop(key)

    def has(self, key: str) -> bool:
        return key in self._left

    def text(self, key: str) -> str:
        value = self._take(key)
        if not isinstance(value, str) or not value.strip() or value != value.strip():
            raise self.refuse(self.at(key), "is not a text, or is empty, or begins or ends with a space")
        return value

    def optional_text(self, key: str) -> str:
        return self.text(key) if self.has(key) else ""

    def name(self, key: str) -> str:
        value = self.text(key)
        if not _ID.fullmatch(value):
            raise self.refuse(self.at(key), f"{value!r} is not an identifier of letters, digits, - and _")
        return value

    def number(self, key: str, *, at_most: int) -> int:
        value = self._take(key)
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= at_most:
            raise self.refuse(self.at(key), f"is not a whole number from 1 to {at_most}")
        return value

    def numbers(self, key: str, *, at_most: int) -> tuple[int, ...]:
        values = self._take(key)
        if not isinstance(values, list) or not all(type(one) is int and 1 <= one <= at_most for one in values):
            raise self.refuse(self.at(key), f"is not a list of whole numbers from 1 to {at_most}")
        if not values or len(set(values)) != len(values):
            raise self.refuse(self.at(key), "is empty, or says something twice")
        return tuple(values)

    def yes_or_no(self, key: str) -> bool:
        value = self._take(key)
        if not isinstance(value, bool):
            raise self.refuse(self.at(key), "is neither true nor false")
        return value

    def day(self, key: str) -> date:
        value = self._take(key)
        if type(value) is not date:
            raise self.refuse(self.at(key), "is not a date such as 2026-11-22")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        value = self._take(key)
        if not isinstance(value, list) or not all(isinstance(item, str) and item.strip() == item for item in value):
            raise self.refuse(self.at(key), "is not a list of texts")
        if not value or "" in value or len(set(value)) != len(value):
            raise self.refuse(self.at(key), "is empty, holds an empty text, or says something twice")
        return tuple(value)

    def choice(self, key: str, of: type[_Choice]) -> _Choice:
        return self._choose(self.at(key), self.text(key), of)

    def choices(self, key: str, of: type[_Choice]) -> frozenset[_Choice]:
        return frozenset(self._choose(self.at(key), text, of) for text in self.texts(key))

    def _choose(self, place: str, text: str, of: type[_Choice]) -> _Choice:
        try:
            return of(text)
        except ValueError:
            raise self.refuse(place, f"{text!r} is not one of {', '.join(of)}") from None

    def table(self, key: str) -> Table:
        return Table(self.at(key), self._take(key), self.refuse)

    def tables(self, key: str) -> list[Table]:
        values = self._take(key)
        if not isinstance(values, list) or not values:
            raise self.refuse(self.at(key), "is not a list of tables")
        return [Table(f"{self.at(key)}[{place}]", value, self.refuse) for place, value in enumerate(values, 1)]

    def named_tables(self) -> list[tuple[str, Table]]:
        return [(key, self.table(key)) for key in tuple(self._left)]

    def end(self) -> None:
        """Refuse what nobody asked for: a misspelt key would otherwise be a rule that silently does not hold."""
        if self._left:
            raise self.refuse(self.at(min(self._left)), "is not a key that is known here")
