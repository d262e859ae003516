# SPDX-License-Identifier: Apache-2.0
"""The ground truth of the exercise: what only the makers of the world know, kept aside and never sent."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nightlight.exercise.networks import Seen
    from nightlight.exercise.plan import AddressEvent


@dataclass(frozen=True, slots=True)
class TrueEvent:
    """One address event as stated and as it was; `behind` fields hold the line in front of an anonymiser."""

    report: str
    person: str
    at: datetime
    stated_address: str
    stated_port: int | None
    address: str
    port: int
    line: str
    behind: str | None
    behind_address: str | None
    behind_port: int | None

    @classmethod
    def of(cls, report: str, person: str, at: datetime, stated: AddressEvent, seen: Seen) -> TrueEvent:
        """Return the truth about one stated event."""
        return cls(
            report, person, at, stated.address, stated.port, seen.address, seen.port, seen.line,
            seen.behind, seen.behind_address, seen.behind_port,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class TruePerson:
    """A person with the lines that are theirs and every report about them, under whatever account."""

    key: str
    name: str
    country: str
    city: str
    home: str | None
    mobile: str
    accounts: tuple[str, ...]
    reports: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SharedFile:
    """A file that several reports carry: `md5` of the file, `md5_smaller` of the copy at half the size."""

    key: str
    md5: str
    md5_smaller: str
    reports: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Planted:
    """A case put into the world on purpose, such as `one person on three platforms`."""

    name: str
    reports: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """A gap or contradiction planted in a report."""

    report: str
    what: str


@dataclass(frozen=True, slots=True)
class AtRisk:
    """A report in whose matter a child is at risk now: `reason` is a `danger.Risk`, `signs` what the report shows.

    `by_person` says that the danger is the person: then it holds for every report about that person.
    """

    report: str
    reason: str
    by_person: bool
    signs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FalseAlarm:
    """A report that shows signs though no child is at risk; `escalated` where the platform asks for high priority."""

    report: str
    escalated: bool
    signs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Spoken:
    """Chat lines in a report: `crisis` when the words speak of a need, otherwise they only look like it.

    `language` is ISO 639-1, `what` a `speech.Need` or `speech.Trap`. Whether a child is at risk is another question:
    now and then the words of a need are said where there is none.
    """

    report: str
    language: str
    romanised: bool
    crisis: bool
    what: str


@dataclass(frozen=True, slots=True)
class TrueParty:
    """Who a party of a report is: `role` reported, victim or recipient; `index` counts in the report, by role, from 0.

    `who` is a person's key, or a key for the young person; a copy's parties are those of its original.
    """

    report: str
    role: str
    index: int
    who: str


@dataclass(frozen=True, slots=True)
class TruePlace:
    """Where a person of a report lives, and so where it belongs: ISO 3166-1, ISO 3166-2, district (India only)."""

    report: str
    person: str
    country: str
    state: str
    district: str


@dataclass(frozen=True, slots=True)
class Truth:
    """Everything true about a world, by the planned keys of its reports.

    `children_at_risk` names the reports in whose matter a child is at risk now; in all others none is.
    """

    people: tuple[TruePerson, ...]
    shared_files: tuple[SharedFile, ...]
    planted: tuple[Planted, ...]
    duplicates: tuple[Planted, ...]
    findings: tuple[Finding, ...]
    events: tuple[TrueEvent, ...]
    children_at_risk: tuple[AtRisk, ...] = ()
    false_alarms: tuple[FalseAlarm, ...] = ()
    spoken: tuple[Spoken, ...] = ()
    parties: tuple[TrueParty, ...] = ()
    places: tuple[TruePlace, ...] = ()

    def to_json(self) -> str:
        """Return the truth as indented JSON; moments are ISO 8601 in UTC."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1, default=_moment)


def _moment(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    message = f"no JSON for {type(value).__name__}"
    raise TypeError(message)
