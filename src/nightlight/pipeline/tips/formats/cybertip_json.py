# SPDX-License-Identifier: Apache-2.0
"""The CyberTip JSON that police download from the clearing house: what one such file says, in full.

The layout is not published; it was reconstructed from two independent police parsers, which agree. So every
key may be absent or null, an object may stand where a list belongs and a text where an object belongs, and
a key nobody knows is kept as unknown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nightlight.pipeline.tips.formats.cybertip_json_export import write
from nightlight.pipeline.tips.formats.cybertip_json_names import (
    ADDRESS_LINES,
    FORMAT,
    IP_ADDRESS,
    PLACES,
    PROFILE_URL,
    TRAITS,
    URL,
)
from nightlight.pipeline.tips.formats.json_parts import Unreadable, parse_object
from nightlight.pipeline.tips.formats.parts import Part
from nightlight.pipeline.tips.people import (
    Account,
    Address,
    Device,
    Email,
    Link,
    Party,
    Person,
    Phone,
    Role,
    with_pseudonyms,
)
from nightlight.pipeline.tips.reading import (
    ClaimedHash,
    FileReading,
    Incident,
    InternetDetail,
    Reading,
    ReporterStatement,
    incident_type,
)
from nightlight.pipeline.tips.values import (
    Moment,
    NamedValue,
    NetworkEvent,
    Stated,
    Text,
    read_age,
    read_birth_date,
    read_moment,
    read_network_event,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["FORMAT", "Unreadable", "read", "write"]

_OF_AN_ADDRESS = frozenset({*ADDRESS_LINES, "city", "state", "postalCode", "country"})
_OF_A_CAPTURE = frozenset({"captureType", "value"})
_OF_A_PERSON = frozenset(
    {
        "firstName",
        "middleName",
        "lastName",
        "dateOfBirth",
        "approximateAge",
        "espUserId",
        "espService",
        "screenName",
        "ipAddress",
        "emails",
        "phones",
        "addresses",
        "sourceInformation",
    }
)
_OF_A_FILE = frozenset({"filename", "originalFilename", "submittalId", "verificationHash", "viewedByEsp"})


def read(body: bytes) -> Reading:
    """The reading of one downloaded CyberTip.

    Raises `Unreadable` when the file is not a JSON object, is nested too deep, holds NaN or infinity, or has
    neither a reportId nor reportedInformation. A key that occurs twice is noted among the unknown.
    """
    document = parse_object(body)
    if not document.holds(("reportId", "reportedInformation")):
        raise Unreadable("The file is not a CyberTip: it has neither reportId nor reportedInformation.")
    reported = document.first("reportedInformation") or Part("reportedInformation")
    incident = _incident(reported)
    return Reading(
        format=FORMAT,
        incident=incident,
        reporter=_reporter(reported),
        external_number=_said_of(document, "reportId"),
        received_by_source=_moment_of(document, "dateReceived"),
        parties=with_pseudonyms(_parties(reported), incident.at.day if incident.at else None),
        webs=tuple(_places(reported)),
        files=tuple(_file(part) for part in _items(reported, "uploadedFiles", "uploadedFiles", _OF_A_FILE)),
        statements=_statements(reported),
        # Last, because it holds what the lines above did not take.
        unknown=tuple(document.leftovers()),
    )


def _incident(reported: Part) -> Incident:
    part = reported.first("incidentSummary") or Part("incidentSummary").take("reportedInformation/incidentSummary")
    as_sent = _said_of(part, "incidentType")
    return Incident(
        type=incident_type(as_sent),
        source=part.path,
        type_as_sent=as_sent,
        at=_moment_of(part, "incidentDateTime"),
        at_description=_said_of(part, "incidentDateTimeDescription"),
    )


def _reporter(reported: Part) -> ReporterStatement:
    part = reported.first("reportingEsp") or Part("reportingEsp").take("reportedInformation/reportingEsp")
    return ReporterStatement(
        source=part.path,
        # A text where the object belongs can only be the name.
        esp_name=_said_of(part, "espName") or part.text(),
        reporting_person=_person(part),
    )


def _parties(reported: Part) -> Iterator[Party]:
    for part in _items(reported, "reportedPeople", "reportedPersons", _OF_A_PERSON):
        yield _party(part, Role.REPORTED)
    for part in _items(reported, "intendedRecipients", "intendedRecipients", _OF_A_PERSON):
        yield _party(part, Role.RECIPIENT)


def _party(part: Part, role: Role) -> Party:
    captures = _Captures(part)
    person = _person(part)
    service, identifier = _said_of(part, "espService"), _said_of(part, "espUserId")
    address = part.first("ipAddress")
    alone = None if address is None else _said(address)
    return Party(
        role=role,
        source=part.path,
        persons=() if person is None else (person,),
        accounts=(Account(part.path, service, identifier),) if service or identifier else (),
        screen_names=_texts(part, "screenName"),
        profile_urls=tuple(captures.profile_urls),
        urls=tuple(captures.urls),
        network_events=(
            *(() if address is None or alone is None else (read_network_event(alone, address.path),)),
            *captures.network_events,
        ),
        devices=tuple(captures.devices),
        vehicle=_said_of(part, "vehicleDescription"),
        statements=_statements(part),
    )


def _person(part: Part) -> Person | None:
    """What is said of the person, None when nothing is."""
    born = part.first("dateOfBirth")
    birth = None if born is None else _said(born)
    person = Person(
        source=part.path,
        first_name=_said_of(part, "firstName"),
        middle_name=_said_of(part, "middleName"),
        last_name=_said_of(part, "lastName"),
        ages=tuple(read_age(text.value, text.source, approximate=True) for text in _texts(part, "approximateAge")),
        birth_date=None if born is None or birth is None else read_birth_date(birth, born.path),
        emails=tuple(
            Email(value, item.path, verified=_stated_of(item, "verified"))
            for item in _items(part, "emails", "emails", {"value"})
            if (value := _said(item))
        ),
        phones=tuple(
            Phone(value, item.path, verified=_stated_of(item, "verified"))
            for item in _items(part, "phones", "phones", {"value"})
            if (value := _said(item))
        ),
        addresses=tuple(_address(item) for item in _items(part, "addresses", "addresses", _OF_AN_ADDRESS)),
        traits=tuple(NamedValue(name, text.value, text.source) for name in TRAITS for text in _texts(part, name)),
    )
    return None if person == Person(source=part.path) else person


def _address(part: Part) -> Address:
    lines = (part.text(), *(_said_of(part, name) for name in ADDRESS_LINES))
    return Address(
        source=part.path,
        street=tuple(line for line in lines if line),
        city=_said_of(part, "city"),
        postal_code=_said_of(part, "postalCode"),
        state=_said_of(part, "state"),
        country=_said_of(part, "country"),
    )


class _Captures:
    """The sourceCaptures of a part, sorted by what they captured; a kind nobody knows stands with devices."""

    def __init__(self, part: Part) -> None:
        self.network_events: list[NetworkEvent] = []
        self.profile_urls: list[Link] = []
        self.urls: list[Link] = []
        self.devices: list[Device] = []
        for capture in _items(part, "sourceInformation", "sourceCaptures", _OF_A_CAPTURE):
            if value := _said(capture):
                self._add(capture, value)

    def _add(self, capture: Part, value: str) -> None:
        kind = _said_of(capture, "captureType")
        name = _said_of(capture, "eventName")
        moment = _moment_of(capture, "dateTime")
        known = (kind or "").casefold()
        if known == IP_ADDRESS.casefold():
            port = _said_of(capture, "port")
            event = read_network_event(value, capture.path, port=port, moment=moment, event_name=name)
            self.network_events.append(event)
        elif known == PROFILE_URL.casefold():
            self.profile_urls.append(Link(value, capture.path, name, moment))
        elif known == URL.casefold():
            self.urls.append(Link(value, capture.path, name, moment))
        else:
            self.devices.append(Device(kind, value, capture.path, name, moment))


def _places(reported: Part) -> Iterator[InternetDetail]:
    details = reported.first("incidentDetails")
    if details is None:
        return
    for name, kind in PLACES.items():
        for part in details.every(name):
            captures = _Captures(part)
            yield InternetDetail(
                kind=kind,
                source=part.path,
                links=(*captures.urls, *captures.profile_urls),
                contents=tuple(Text(said, item.path) for item in part.every("contents") if (said := _said(item))),
                network_events=tuple(captures.network_events),
                devices=tuple(captures.devices),
                statements=_statements(part),
            )


def _file(part: Part) -> FileReading:
    captures = _Captures(part)
    return FileReading(
        source=part.path,
        file_id=_said_of(part, "submittalId"),
        name_as_sent=_said_of(part, "filename"),
        original_name=_said_of(part, "originalFilename"),
        viewed_by_esp=_stated_of(part, "viewedByEsp"),
        industry_classification=_said_of(part, "industryClassification"),
        hashes=tuple(ClaimedHash("MD5", text.value, text.source) for text in _texts(part, "verificationHash")),
        tags=tuple(text for group in _items(part, "ncmecTags", "groups", {"tags"}) for text in _texts(group, "tags")),
        links=(*captures.profile_urls, *captures.urls),
        network_events=tuple(captures.network_events),
        devices=tuple(captures.devices),
        metadata=tuple(
            NamedValue(_said_of(pair, "name") or "", _said(pair) or "", pair.path)
            for pair in _items(part, "espMetadata", "metadatas", {"name", "value"})
        ),
        statements=_statements(part),
    )


def _items(part: Part, outer: str, inner: str, known: frozenset[str] | set[str]) -> list[Part]:
    """The items of a list that the layout wraps in an object, whether or not the wrapping is there."""
    items: list[Part] = []
    for holder in part.every(outer):
        wrapped = holder.every(inner)
        if wrapped:
            items += wrapped
        elif holder.has_words() or holder.holds(known):
            items.append(holder)
    return items


def _said(part: Part) -> str | None:
    """The words of {"value": words}, or of the words alone."""
    return part.text() or part.text_of("value")


def _said_of(part: Part, name: str) -> str | None:
    child = part.first(name)
    return None if child is None else _said(child)


def _texts(part: Part, name: str) -> tuple[Text, ...]:
    return tuple(Text(said, item.path) for item in part.every(name) if (said := _said(item)))


def _statements(part: Part) -> tuple[Text, ...]:
    return _texts(part, "additionalInformations")


def _stated_of(part: Part, name: str) -> Stated:
    child = part.first(name)
    if child is None:
        return Stated.NOT_STATED
    return (child if child.has_words() else child.first("value") or child).stated()


def _moment_of(part: Part, name: str) -> Moment | None:
    child = part.first(name)
    said = None if child is None else _said(child)
    return None if child is None or said is None else read_moment(said, child.path)
