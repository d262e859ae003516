# SPDX-License-Identifier: Apache-2.0
"""What the rules for patterns look at, and what they find: small facts that know units as opaque marks only."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, tzinfo


class Rule(StrEnum):
    """What was noticed."""

    VIEWS_WITHOUT_WORK = "views-without-work"
    OFF_SHIFT = "off-shift"
    MASS_SEARCH = "mass-search"
    MANY_OUTSIDERS = "many-outsiders"
    GLASS_UNANSWERED = "glass-unanswered"
    GLASS_OFTEN = "glass-often"
    NEW_ADDRESS = "new-address"


class Did(StrEnum):
    """What an act was, as far as the rules care."""

    LOOKED = "looked"
    WORKED = "worked"
    SEARCHED = "searched"
    SIGNED_IN = "signed-in"
    FAILED = "failed"
    HANDED = "handed"


@dataclass(frozen=True, slots=True)
class Act:
    """One entry of the log as the rules see it. `ref` leads to the entry; `person` is "OF-…", `record` "tip:NL-…".

    `search` tells equal searches apart from others, `hits` is what it found; `address` is an address or its digest;
    `frm` and `to` are the units of a record handed over.
    """

    ref: str
    at: datetime
    did: Did
    person: str
    record: str = ""
    search: str = ""
    hits: int = -1
    address: str = ""
    frm: str = ""
    to: str = ""


@dataclass(frozen=True, slots=True)
class Duty:
    """A person is on duty."""

    person: str
    starts: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class Member:
    """A person works in a unit; the unit is an opaque mark."""

    person: str
    unit: str


@dataclass(frozen=True, slots=True)
class Broken:
    """A glass somebody broke."""

    ref: str
    person: str
    record: str
    at: datetime
    signed_off_at: datetime | None


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the rules look at, in any order. `holders` maps a record to the unit that holds it now."""

    acts: Sequence[Act]
    now: datetime
    zone: tzinfo
    duties: Sequence[Duty] = ()
    members: Sequence[Member] = ()
    glass: Sequence[Broken] = ()
    holders: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Finding:
    """Something worth asking about: by which rule, about whom or which record, and what lies behind it.

    `numbers` are the figures of the reason, by name. `weak` when the rule had less to go by than it wants.
    """

    rule: Rule
    person: str
    record: str
    since: datetime
    until: datetime
    mark: str  # with rule, person and record it names the finding, today and tomorrow
    numbers: tuple[tuple[str, int], ...]
    weak: bool = False
    acts: tuple[Act, ...] = field(default=(), compare=False)
    glass: tuple[Broken, ...] = field(default=(), compare=False)

    @property
    def key(self) -> str:
        """The name of the finding: 16 hex digits."""
        told = "|".join((self.rule, self.person, self.record, self.mark))
        return hashlib.sha256(told.encode()).hexdigest()[:16]
