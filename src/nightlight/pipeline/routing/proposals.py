# SPDX-License-Identifier: Apache-2.0
"""A proposal of where a tip belongs: its candidates with their reasons, as JSON and back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # noqa: TC003 - read when a proposal is decoded

import msgspec

from nightlight.pipeline.routing.sign_kinds import Mark, SignKind, Whose  # noqa: TC001 - likewise

REPORTED, CHILD, BOTH = "reported", "child", "both"
_CHILDS = ("child", "recipient")


@dataclass(frozen=True, slots=True)
class Reason:
    """One sign, or several that say the same (`count`), and what it weighed, 0 to 100; `against`: it says elsewhere.

    `country`, `state`, `district`: where it points. What weighs 0 was seen and did not count; `note` says why.
    `code`: a whole postal code, to find a unit by; no page shows it.
    """

    kind: SignKind
    whose: Whose
    shown: str
    weight: int
    note: str
    against: bool
    country: str = ""
    state: str = ""
    district: str = ""
    marks: tuple[Mark, ...] = ()
    source: str = ""
    at: datetime | None = None
    count: int = 1
    code: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A place where the tip may belong; `side`: where the "reported" person is, the "child", or "both"."""

    country: str
    state: str
    district: str
    confidence: int
    reasons: tuple[Reason, ...]
    side: str = REPORTED

    @property
    def named(self) -> str:
        """The district as a page names it and the log keeps it: empty where only a child's signs point to it.

        `district` itself is for finding the unit.
        """
        told = (one for one in self.reasons if one.whose not in _CHILDS and not one.against)
        return self.district if self.side != CHILD and any(one.district == self.district for one in told) else ""


@dataclass(frozen=True, slots=True)
class Proposed:
    """Where a tip seems to belong, the best candidate first; none where it is unknown.

    `foreign`: the country of the best candidate where that is not ours. `tied`: the first two are as good as each
    other. `abroad`: other countries than ours that any sign which counts points to. `unused`: signs that were seen and
    do not count. `rules`: the version of the rules.
    """

    candidates: tuple[Candidate, ...]
    unknown: bool
    why: str
    foreign: str
    tied: bool = False
    abroad: tuple[str, ...] = ()
    unused: tuple[Reason, ...] = ()
    rules: str = ""

    @property
    def best(self) -> Candidate | None:
        """The first candidate, None where it is unknown."""
        return self.candidates[0] if self.candidates else None

    def best_in(self, country: str) -> Candidate | None:
        """The first candidate in this country: whose duty a child in danger there is, whatever else is true."""
        return next((one for one in self.candidates if one.country == country), None)


def to_json(proposed: Proposed) -> str:
    """The proposal as JSON, with the version of the rules; `from_json` reads it back."""
    return msgspec.json.encode(proposed).decode()


def from_json(text: str | bytes) -> Proposed:
    """A proposal from its JSON. Raises ValueError for anything else."""
    try:
        return msgspec.json.decode(text, type=Proposed)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise ValueError(f"this is no proposal: {error}") from error
