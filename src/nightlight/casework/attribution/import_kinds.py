# SPDX-License-Identifier: Apache-2.0
"""What is stated of lists that are loaded, what comes of it, and why nothing may."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from nightlight.foundation.refusals import Conflict

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from nightlight.casework.attribution.netdata.kinds import ListKind


class Code(StrEnum):
    """Why nothing was loaded, besides the codes of damaged files (`DamageCode`) and archives (`ArchiveFault`)."""

    UNREADABLE = "unreadable"
    WRONG_KIND = "wrong-kind"
    STATED = "not-stated"  # name or licence is missing
    TIME = "time-not-known"
    LATER = "time-to-come"
    EARLIER = "time-before-its-own"
    LINES = "bad-lines"
    THERE = "loaded-already"
    ANOTHER = "another-table"
    LOST = "archive-lost"
    DIRECTORY = "directory-refused"
    CONFLICT = "directory-conflict"
    EXERCISE = "of-an-exercise"


class Refused(Conflict):
    """Nothing was loaded; ``code`` says why, ``reason`` says it to a person."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = str(code)


class ListFile(NamedTuple):
    """A file, and its own time and version where they are not those stated for all."""

    path: Path
    as_of: datetime | None = None
    version: str = ""


@dataclass(frozen=True, slots=True)
class Stated:
    """What whoever loads lists states of them. `as_of` None: as each file says itself, or with `by_name` its name.

    `attribution` of the publisher goes into `licence`. `version` empty: the time of the list.
    """

    kind: ListKind
    series: str
    licence: str
    version: str = ""
    as_of: datetime | None = None
    by_name: bool = False
    pass_over: bool = False


class Done(NamedTuple):
    """What was loaded: files, entries, lines left out, files that were there already, the first problems in words."""

    files: int
    entries: int
    left_out: int
    there: int
    problems: tuple[str, ...]
    archives: tuple[str, ...]
    again: int
