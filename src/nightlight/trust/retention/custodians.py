# SPDX-License-Identifier: Apache-2.0
"""Who keeps records of a kind, and so can say how old one is, set a part of it apart, and destroy it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from nightlight.foundation.refusals import NotFound

if TYPE_CHECKING:
    from datetime import datetime

    from nightlight.foundation.canonical_json import Json
    from nightlight.trust.law.facts import Record
    from nightlight.trust.units.models import Unit


@dataclass(frozen=True, slots=True)
class Kept:
    """What retention has to know of a record: its class, since when the time counts, and which unit holds it."""

    subject: str
    record: Record
    since: datetime
    unit: Unit
    all_cleared: bool = False  # whoever it reports was cleared, so it is a record of cleared people alone


@dataclass(frozen=True, slots=True)
class Piece:
    """One thing that was destroyed, or that stays, and why: a line of a certificate; named by digest or id."""

    what: str
    name: str
    destroyed: bool
    how: str

    def told(self) -> dict[str, Json]:
        """As JSON values."""
        return {"what": self.what, "name": self.name, "destroyed": self.destroyed, "how": self.how}


class Holder(Protocol):
    """An app that holds something of a record."""

    def destroy(self, subject: str, *, by: str, at: datetime) -> tuple[Piece, ...]:
        """Make it unreadable for good, in the caller's transaction. In the worker, in the step "retention"."""

    def readable(self, subject: str) -> tuple[str, ...]:
        """Try to read each piece of a destroyed record; return those that could still be read."""


class Custodian(Holder, Protocol):
    """An app that keeps records of one kind."""

    def kept(self, subject: str) -> Kept | None:
        """Return what retention has to know; None where the acting person or step sees no such record."""

    def part(self, subject: str, part: str) -> str | None:
        """Return the pseudonym of a person of the record by their place in it; None if there is nobody there."""

    def set_apart(self, subject: str, *, by: str, at: datetime) -> None:
        """Act on what was set apart: hide it, and match it no more. In the worker, in the step "reading"."""


_custodians: dict[str, Custodian] = {}
_holders: dict[str, list[Holder]] = {}


def keeps(kind: str, custodian: Custodian) -> None:
    """Make an app the custodian of subjects "kind:…"."""
    _custodians[kind] = custodian


def holds_more(kind: str, holder: Holder) -> None:
    """Make an app one that holds more of subjects "kind:…": it is destroyed after what their custodian keeps."""
    _holders.setdefault(kind, []).append(holder)


def everybody(subject: str) -> tuple[Holder, ...]:
    """Return whoever holds anything of a record, its custodian first. Raises NotFound."""
    return (of(subject), *_holders.get(subject.partition(":")[0], ()))


def of(subject: str) -> Custodian:
    """Return who keeps a record. Raises NotFound."""
    try:
        return _custodians[subject.partition(":")[0]]
    except KeyError:
        raise NotFound(f"There is no record {subject}.") from None
