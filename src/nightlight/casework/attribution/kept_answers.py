# SPDX-License-Identifier: Apache-2.0
"""What is kept of a return that was read, as JSON: the answers as they were worked out, each with its derivation."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightlight.casework.attribution import comparing
from nightlight.casework.attribution.returns import answers, opening, rows
from nightlight.foundation.tagged_json import Keeper, NotKept

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Explained:
    """An answer and how it came about, line by line, for a case file."""

    answer: answers.Answer
    derivation: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Counts:
    """What a return held. ``bad_kept``: how many of its bad rows can be downloaded."""

    files: tuple[comparing.FileRead, ...] = ()
    not_opened: tuple[opening.NotOpened, ...] = ()
    disclosed: answers.Disclosure | None = None
    bad_kept: int = 0
    told: str = ""  # where it could not be read: what was noticed

    @property
    def rows(self) -> int:
        """Rows in all files."""
        return sum(one.rows for one in self.files)

    @property
    def good(self) -> int:
        """Rows that count."""
        return sum(one.good for one in self.files)

    @property
    def bad(self) -> int:
        """Rows that do not."""
        return sum(number for one in self.files for _code, number in one.bad)


@dataclass(frozen=True, slots=True)
class Unknown:
    """A file for which a person has to say how it is read. ``layout`` (JSON): known but for its zone; else empty."""

    file: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    layout: str = ""


_KEEPER = Keeper(
    (
        *(Explained, Counts, Unknown, comparing.FileRead, opening.NotOpened, rows.LogRow),
        *(answers.Answer, answers.Asked, answers.Named, answers.ProbableError, answers.NearMiss, answers.Disclosure),
        *(answers.Trial, answers.Certainty, answers.Mark, answers.Gap),
    )
)


def written(value: Counts | Unknown | Sequence[Explained]) -> str:
    """Return it as text that the database holds."""
    return json.dumps(_KEEPER.keep(value), separators=(",", ":"))


def answers_of(text: str) -> tuple[Explained, ...]:
    """Return the answers that were kept; none where nothing was. Raises NotKept for what was altered."""
    found = _KEEPER.read(json.loads(text)) if text else ()
    if not isinstance(found, tuple) or not all(isinstance(one, Explained) for one in found):
        raise NotKept("these are no answers")
    return found


def counts_of(text: str) -> Counts:
    """Return what was counted. Raises NotKept."""
    found = _KEEPER.read(json.loads(text)) if text else Counts()
    if not isinstance(found, Counts):
        raise NotKept("these are no counts")
    return found


def unknown_of(text: str) -> Unknown:
    """Return the header that a person has to explain. Raises NotKept."""
    found = _KEEPER.read(json.loads(text)) if text else None
    if not isinstance(found, Unknown):
        raise NotKept("no header waits here")
    return found
