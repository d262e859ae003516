# SPDX-License-Identifier: Apache-2.0
"""A planned report: every fact a platform is going to say, before it is written in that platform's manner."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date, datetime

    from nightlight.exercise.danger import Risk
    from nightlight.exercise.patterns import Picture
    from nightlight.exercise.people import Person
    from nightlight.exercise.speech import Voice


class IncidentType(StrEnum):
    """The eight values of `incidentType` in the CyberTipline Reporting API (report schema)."""

    MATERIAL = "Child Pornography (possession, manufacture, and distribution)"
    TRAFFICKING = "Child Sex Trafficking"
    TOURISM = "Child Sex Tourism"
    MOLESTATION = "Child Sexual Molestation"
    DOMAIN_NAME = "Misleading Domain Name"
    WORDS_OR_IMAGES = "Misleading Words or Digital Images on the Internet"
    ENTICEMENT = "Online Enticement of Children for Sexual Acts"
    UNSOLICITED = "Unsolicited Obscene Material Sent to a Child"


class Ending(StrEnum):
    """How the reporter leaves the report."""

    FINISHED = "finished"
    LEFT_OPEN = "left open"
    RETRACTED = "retracted"
    REFUSED = "refused"


class Case(StrEnum):
    """A case put into the world on purpose, for a good system to find."""

    MEETING = "meeting this evening"
    THREE_PLATFORMS = "one person on three platforms"
    SHARED_BY_MANY = "one file shared by many"
    EARLIEST = "earliest uploader of the file shared by many"
    WITH_SIGNS = "sharer of the file shared by many with other signs"


class Fault(StrEnum):
    """What is deliberately wrong with a submission that a server has to refuse."""

    WRONG_ORDER = "elements in the wrong order"
    UNKNOWN_TYPE = "incident type outside the enumeration"
    LOWER_CASE_COUNTRY = "country code in lower case"
    CUT_SHORT = "document cut off in the middle"
    FUTURE_DATE = "incident date in the future"
    EMAIL_NOT_NAMED = "incident e-mail address of nobody in the report"
    TWO_FILES_IN_BATCH = "batched report with two files"

    @property
    def breaks_schema(self) -> bool:
        """Whether the schema alone already refuses the document (the others need the documented rules)."""
        return self in {Fault.WRONG_ORDER, Fault.UNKNOWN_TYPE, Fault.LOWER_CASE_COUNTRY, Fault.CUT_SHORT}


@dataclass(frozen=True, slots=True)
class AddressEvent:
    """An address as the reporter will state it: `at` is aware UTC, `address` may be a reporter's fault."""

    address: str
    event: str | None = None
    at: datetime | None = None
    port: int | None = None
    proxy: bool | None = None


@dataclass(frozen=True, slots=True)
class Device:
    """A device identifier, such as an invented advertising id."""

    kind: str
    value: str
    event: str | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Phone:
    """A telephone number of a range kept for fiction: `code` is the calling code with its plus sign."""

    code: str
    number: str
    kind: str = "Mobile"
    verified: bool | None = None


@dataclass(frozen=True, slots=True)
class Email:
    """An e-mail address at example.org, example.com or example.net."""

    address: str
    kind: str | None = None
    verified: bool | None = None


@dataclass(frozen=True, slots=True)
class Postal:
    """A postal address: an invented street in a real town, so that routing has something to route by."""

    street: str
    city: str
    code: str
    region: str
    country: str


@dataclass(frozen=True, slots=True)
class Location:
    """The reporter's own estimate of where a user is; `region` is a postal code when `country` is US."""

    city: str
    region: str
    country: str


@dataclass(frozen=True, slots=True)
class Associated:
    """An account said to belong to the same person (`kind` is an enumeration: Linked, Billing, ...)."""

    kind: str
    platform: str
    identifier: str
    screen_name: str
    email: Email | None = None


@dataclass(frozen=True, slots=True)
class Party:
    """One of the three parties of a report; which elements exist for which party is the renderer's affair."""

    identifier: str | None = None
    service: str | None = None
    screen_name: str | None = None
    display_names: tuple[str, ...] = ()
    profile_url: str | None = None
    profile_bio: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    phones: tuple[Phone, ...] = ()
    emails: tuple[Email, ...] = ()
    postal: Postal | None = None
    age: int | None = None
    born: date | None = None
    compromised: bool | None = None
    events: tuple[AddressEvent, ...] = ()
    devices: tuple[Device, ...] = ()
    prior: tuple[str, ...] = ()
    group: str | None = None
    disabled_at: datetime | None = None
    location: Location | None = None
    all_emails: bool | None = None
    associated: tuple[Associated, ...] = ()
    school: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Detail:
    """One `internetDetails`: `kind` is the child's name and `fields` its text elements in schema order.

    A repeated name stands for a repeated element.
    """

    kind: str
    fields: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """A file to upload, with what the reporter says about it; `described` is false when no fileinfo follows.

    `shared` names the shared file it is a copy of: truth, never sent.
    """

    key: str
    name: str
    picture: Picture
    shared: str | None = None
    described: bool = True
    uploaded_at: datetime | None = None
    location: str | None = None
    viewed: bool | None = None
    exif_viewed: bool | None = None
    public: bool | None = None
    supplemental: bool = False
    annotations: tuple[str, ...] = ()
    classification: str | None = None
    state_hash: bool = False
    event: AddressEvent | None = None
    exif: tuple[tuple[str, str], ...] = ()
    note: str | None = None


@dataclass(frozen=True, slots=True)
class PlannedReport:
    """One report to be filed.

    `key` names it in the world, `order` is its place in filing, priors and `duplicate_of` name earlier keys.
    `findings` lists gaps and contradictions: matters of quality, never violations of the schema.
    """

    key: str
    order: int
    reporter: str
    kind: IncidentType
    at: datetime
    reported: tuple[Party, ...] = ()
    recipients: tuple[Party, ...] = ()
    victims: tuple[Party, ...] = ()
    details: tuple[Detail, ...] = ()
    files: tuple[PlannedFile, ...] = ()
    platform: str | None = None
    escalation: str | None = None
    annotations: tuple[str, ...] = ()
    at_note: str | None = None
    narrative: str | None = None
    law_enforcement: tuple[tuple[str, str], ...] = ()
    batched: bool = False
    ending: Ending = Ending.FINISHED
    fault: Fault | None = None
    duplicate_of: str | None = None
    findings: tuple[str, ...] = ()
    people: tuple[str, ...] = field(default=())

    @property
    def prior(self) -> tuple[str, ...]:
        """The keys of all earlier reports this one names."""
        return tuple(key for party in (*self.reported, *self.recipients, *self.victims) for key in party.prior)


@dataclass(frozen=True, slots=True)
class Slot:
    """A place waiting to be filled: `shared` names the shared file, `planted` the planted case.

    `filed_at` is when it is filed, where that is long after the incident; `signed` marks the sharer with other signs;
    `risk` is the true state (None: no child is at risk now) and `voice` the language its lines are in.
    """

    kind: IncidentType
    reporter: str
    person: Person
    at: datetime
    shared: str | None = None
    planted: Case | None = None
    batched: bool = False
    filed_at: datetime | None = None
    signed: bool = False
    risk: Risk | None = None
    voice: Voice | None = None
