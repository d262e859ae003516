# SPDX-License-Identifier: Apache-2.0
"""Everything understood of one received report, in one shape, whatever format it came in.

A reading is worked out from the bytes received and can be worked out again; `READING_VERSION` names the
rules that made it. Free-standing texts carry the place they were read from; a part with several fields
carries its own place as `source`. What is absent is None, an empty tuple, or `Stated.NOT_STATED`.
Field names follow the CyberTipline Reporting API (November 2025) in plain words.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, date, datetime
from enum import StrEnum

from nightlight.pipeline.tips.people import (
    Account,
    AccountState,
    Address,
    Device,
    Email,
    EstimatedLocation,
    Link,
    Party,
    Person,
    Phone,
    Role,
)
from nightlight.pipeline.tips.values import (
    Age,
    BirthDate,
    Moment,
    NamedValue,
    NetworkEvent,
    Stated,
    Text,
    Unknown,
)

__all__ = [
    "READING_VERSION",
    "Account",
    "AccountState",
    "Address",
    "Age",
    "BirthDate",
    "ClaimedHash",
    "Device",
    "Email",
    "EstimatedLocation",
    "FileReading",
    "Incident",
    "IncidentType",
    "InternetDetail",
    "Json",
    "LawEnforcement",
    "Link",
    "Moment",
    "NamedValue",
    "NetworkEvent",
    "Party",
    "Person",
    "Phone",
    "Reading",
    "ReceivedFile",
    "ReporterStatement",
    "Role",
    "Stated",
    "Summary",
    "Text",
    "Unknown",
    "incident_type",
    "summary",
    "to_json",
]

Json = None | bool | int | str | list["Json"] | dict[str, "Json"]

READING_VERSION = 1


class IncidentType(StrEnum):
    """What kind of incident is reported; each member's value is a short code, `label` what pages show."""

    MATERIAL = "material"
    TRAFFICKING = "trafficking"
    TOURISM = "tourism"
    MOLESTATION = "molestation"
    MISLEADING_DOMAIN = "misleading_domain"
    MISLEADING_CONTENT = "misleading_content"
    ENTICEMENT = "enticement"
    UNSOLICITED_MATERIAL = "unsolicited_material"
    UNSTATED = "unstated"
    OTHER = "other"

    @property
    def label(self) -> str:
        """The field's present term for display; the term as imported stays in `Incident.type_as_sent`."""
        return _LABELS[self]


_LABELS = {
    IncidentType.MATERIAL: "Child sexual exploitative and abuse material (CSEAM)",
    IncidentType.TRAFFICKING: "Child trafficking for sexual exploitation",
    IncidentType.TOURISM: "Child sexual exploitation in travel and tourism",
    IncidentType.MOLESTATION: "Child sexual abuse",
    IncidentType.MISLEADING_DOMAIN: "Misleading domain name",
    IncidentType.MISLEADING_CONTENT: "Misleading words or images online",
    IncidentType.ENTICEMENT: "Online enticement of a child",
    IncidentType.UNSOLICITED_MATERIAL: "Unsolicited obscene material sent to a child",
    IncidentType.UNSTATED: "Incident type not stated",
    IncidentType.OTHER: "Other incident type",
}

# The eight strings of the Reporting API's incidentType (section 1.8 of its schema), which imports use too.
_AS_SENT = {
    "Child Pornography (possession, manufacture, and distribution)": IncidentType.MATERIAL,
    "Child Sex Trafficking": IncidentType.TRAFFICKING,
    "Child Sex Tourism": IncidentType.TOURISM,
    "Child Sexual Molestation": IncidentType.MOLESTATION,
    "Misleading Domain Name": IncidentType.MISLEADING_DOMAIN,
    "Misleading Words or Digital Images on the Internet": IncidentType.MISLEADING_CONTENT,
    "Online Enticement of Children for Sexual Acts": IncidentType.ENTICEMENT,
    "Unsolicited Obscene Material Sent to a Child": IncidentType.UNSOLICITED_MATERIAL,
}
_TYPES = {text.casefold(): kind for text, kind in _AS_SENT.items()}


def incident_type(as_sent: str | None) -> IncidentType:
    """The type these words name; letter case and runs of white space do not matter."""
    if as_sent is None:
        return IncidentType.UNSTATED
    return _TYPES.get(" ".join(as_sent.split()).casefold(), IncidentType.OTHER)


@dataclass(frozen=True, slots=True)
class Incident:
    """What is reported to have happened, and when: often the time of detection, not of the offence.

    `escalation` is the reporter's reason for asking for high priority; an empty reason still asks.
    """

    type: IncidentType
    source: str
    type_as_sent: str | None = None
    at: Moment | None = None
    at_description: str | None = None
    platform: str | None = None
    escalation: str | None = None
    annotations: tuple[str, ...] = ()
    batched_reason: str | None = None


@dataclass(frozen=True, slots=True)
class ReporterStatement:
    """Who reports, and what the reporter states about itself, its service and its terms."""

    source: str
    esp_name: str | None = None
    reporting_person: Person | None = None
    contact_person: Person | None = None
    company_template: str | None = None
    terms_of_service: str | None = None
    legal_url: str | None = None


@dataclass(frozen=True, slots=True)
class InternetDetail:
    """Where it happened: `kind` is web page, email, newsgroup, chat, game, phone, offline or peer to peer.

    `named` holds the names of rooms, games, clients and places under the sender's field names.
    """

    kind: str
    source: str
    links: tuple[Link, ...] = ()
    emails: tuple[Email, ...] = ()
    phones: tuple[Phone, ...] = ()
    addresses: tuple[Address, ...] = ()
    named: tuple[NamedValue, ...] = ()
    contents: tuple[Text, ...] = ()
    network_events: tuple[NetworkEvent, ...] = ()
    devices: tuple[Device, ...] = ()
    latitude: str | None = None
    longitude: str | None = None
    third_party_hosted: Stated = Stated.NOT_STATED
    statements: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True)
class LawEnforcement:
    """The agency the reporter has already told or that has served legal process on it."""

    source: str
    agency: str | None = None
    case_number: str | None = None
    officer: Person | None = None
    reported: Stated = Stated.NOT_STATED
    served_domestic: Stated = Stated.NOT_STATED
    served_international: Stated = Stated.NOT_STATED
    country: str | None = None


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    """A file as it was received here: its size in bytes and its digests in lower-case hex."""

    file_id: str
    name_as_sent: str
    size: int
    md5: str
    sha1: str
    sha256: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class ClaimedHash:
    """A hash the reporter states, under the reporter's name for its kind; nobody here has checked it."""

    kind: str | None
    value: str
    source: str


@dataclass(frozen=True, slots=True)
class FileReading:
    """A file and what the reporter states of it; `received` is None when no such file arrived here.

    `viewed_by_esp` means a person saw the entire file. It decides in US courts whether the next look needs
    a warrant, so it is never defaulted. `relevance` None means Reported, by the API's own rule.
    """

    source: str
    file_id: str | None = None
    received: ReceivedFile | None = None
    name_as_sent: str | None = None
    original_name: str | None = None
    uploaded_at: Moment | None = None
    location: str | None = None
    viewed_by_esp: Stated = Stated.NOT_STATED
    exif_viewed_by_esp: Stated = Stated.NOT_STATED
    publicly_available: Stated = Stated.NOT_STATED
    relevance: str | None = None
    potential_meme: Stated = Stated.NOT_STATED
    annotations: tuple[str, ...] = ()
    industry_classification: str | None = None
    hashes: tuple[ClaimedHash, ...] = ()
    tags: tuple[Text, ...] = ()
    links: tuple[Link, ...] = ()
    network_events: tuple[NetworkEvent, ...] = ()
    devices: tuple[Device, ...] = ()
    metadata: tuple[NamedValue, ...] = ()
    statements: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """One report, understood as far as it can be; `unknown` holds everything that was not.

    `format` names the layout, `format_version` what the sender says of its version, `external_number` the
    report's number at its source, `received_by_source` when the source says it received the report.
    """

    format: str
    incident: Incident
    reporter: ReporterStatement
    format_version: str | None = None
    reading_version: int = READING_VERSION
    external_number: str | None = None
    received_by_source: Moment | None = None
    parties: tuple[Party, ...] = ()
    webs: tuple[InternetDetail, ...] = ()
    law_enforcement: LawEnforcement | None = None
    files: tuple[FileReading, ...] = ()
    statements: tuple[Text, ...] = ()
    unknown: tuple[Unknown, ...] = ()

    @property
    def network_events(self) -> tuple[NetworkEvent, ...]:
        """All network events: of parties, then of the places on the internet, then of files."""
        holders: tuple[Party | InternetDetail | FileReading, ...] = (*self.parties, *self.webs, *self.files)
        return tuple(event for holder in holders for event in holder.network_events)

    def parties_as(self, role: Role) -> tuple[Party, ...]:
        """The parties with this role, in the order reported."""
        return tuple(party for party in self.parties if party.role is role)


def to_json(reading: Reading) -> dict[str, Json]:
    """The reading as JSON values, every field present, in the order of the fields; times in ISO 8601 UTC."""
    converted = _json(reading)
    assert isinstance(converted, dict)  # noqa: S101 - a dataclass always becomes an object
    return converted


def _json(value: object) -> Json:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, tuple):
        return [_json(item) for item in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: _json(getattr(value, item.name)) for item in fields(value)}
    raise TypeError(f"{type(value).__name__} has no JSON form")


@dataclass(frozen=True, slots=True)
class Summary:
    """How much a reading holds, and one sentence for the line in a list; no person is named in it.

    `people` are the reported, the recipients and the victims; `accounts` counts associated ones too;
    `viewed` are the files the reporter says were viewed in full.
    """

    people: int
    accounts: int
    network_events: int
    network_events_with_port: int
    files: int
    viewed: int
    sentence: str


def summary(reading: Reading) -> Summary:
    """The counts of a reading, and its sentence."""
    events = reading.network_events
    with_port = sum(event.port is not None for event in events)
    viewed = sum(file.viewed_by_esp is Stated.YES for file in reading.files)
    facts = [
        _count(len(reading.parties_as(role)), one, many)
        for role, one, many in (
            (Role.REPORTED, "reported person", "reported people"),
            (Role.RECIPIENT, "recipient", "recipients"),
            (Role.VICTIM, "victim", "victims"),
        )
    ]
    facts.append(_count(len(events), "network event", "network events", f"{with_port} with port"))
    facts.append(_count(len(reading.files), "file", "files", f"{viewed} viewed by the reporter"))
    said = ", ".join(fact for fact in facts if fact) or "no people, network events or files"
    escalated = "" if reading.incident.escalation is None else " The reporter asks for high priority."
    return Summary(
        people=sum(party.role is not Role.ASSOCIATED for party in reading.parties),
        accounts=sum(party.account_count for party in reading.parties),
        network_events=len(events),
        network_events_with_port=with_port,
        files=len(reading.files),
        viewed=viewed,
        sentence=f"{reading.incident.type.label}{_where(reading)}: {said}.{escalated}",
    )


def _count(number: int, one: str, many: str, of_which: str = "") -> str:
    if not number:
        return ""
    return f"{number} {one if number == 1 else many}" + (f" ({of_which})" if of_which else "")


def _where(reading: Reading) -> str:
    """On which platform, unless the reporter wrote the name of somebody in the report there."""
    platform = _one_line(reading.incident.platform or reading.reporter.esp_name or "")
    said = platform.casefold()
    names = {_one_line(name).casefold() for party in reading.parties for name in party.names}
    return f" on {platform[:60]}" if platform and not any(name in said for name in names if name) else ""


def _one_line(text: str) -> str:
    return " ".join(text.split())
