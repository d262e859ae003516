# SPDX-License-Identifier: Apache-2.0
"""The feedback reasons and labels that our own server offers: data, in `reasons.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from .terms import KINDS, Categorization, Group, Reason

_SOURCE = Path(__file__).with_name("reasons.toml")


@dataclass(frozen=True, slots=True)
class Offered:
    """Everything a member can say: `affirmative` is for showing (the wire's yes carries no reason)."""

    version: str
    affirmative: tuple[Reason, ...]
    negative: tuple[Reason, ...]
    groups: tuple[Group, ...]

    def against(self, type: str) -> tuple[Reason, ...]:  # noqa: A002  the word of the wire
        """The reasons that can be given against a fingerprint of this type ("MD5"), naming no other type."""
        return tuple(Reason(one.guid, one.name, (type,)) for one in self.negative if type in one.types)

    def reason(self, guid: str) -> Reason | None:
        """The reason of this GUID, either way; None for one we do not offer."""
        return next((one for one in (*self.affirmative, *self.negative) if one.guid == guid), None)


@cache
def offered() -> Offered:
    """Read the table. Raises ValueError when two things share a GUID or a type is unknown."""
    return read(tomllib.loads(_SOURCE.read_text(encoding="utf-8")))


def read(data: dict[str, Any]) -> Offered:
    """The table out of its parsed TOML; see `offered`."""
    every = tuple(kind.type for kind in KINDS)
    found = Offered(
        version=data["version"],
        affirmative=tuple(_reason(row, every) for row in data["affirmative"]),
        negative=tuple(_reason(row, every) for row in data["negative"]),
        groups=tuple(
            Group(
                row["name"],
                row["allow_multiple"],
                tuple(Categorization(label["guid"], label["name"]) for label in row["labels"]),
            )
            for row in data["group"]
        ),
    )
    guids = [one.guid for one in (*found.affirmative, *found.negative)]
    guids += [label.guid for group in found.groups for label in group.categorizations]
    if len(set(guids)) != len(guids):
        raise ValueError("two reasons or labels have the same GUID")
    return found


def _reason(row: dict[str, Any], every: tuple[str, ...]) -> Reason:
    types = tuple(row.get("types", every))
    if unknown := set(types) - set(every):
        raise ValueError(f"{row['name']!r} names unknown types: {', '.join(sorted(unknown))}")
    return Reason(row["guid"], row["name"], types)
