# SPDX-License-Identifier: Apache-2.0
"""A reading written as the CyberTip JSON that existing police tools read.

Every key of the layout is written, null or empty where nothing is stated, because a tool may ask for any of them. What
has no key of its own but can be said in a sentence goes into the ``additionalInformations`` of what it belongs to; what
cannot be said there either is listed in docs/exchange/cybertip-export.md. Times with a stated zone are written in UTC
to the second, as those tools expect; a time without one as it was sent. A protected party goes out under its
pseudonym, without name, date of birth, contacts or description. Free text goes out as the reading has it: give a
reading from which protected names were taken (``tips.shown``) wherever the file leaves the building.
"""

from __future__ import annotations

import json
import re
from itertools import groupby
from typing import TYPE_CHECKING

from nightlight.pipeline.tips.formats.cybertip_json_names import (
    ADDRESS_LINES,
    FORMAT,
    IP_ADDRESS,
    PLACES,
    PROFILE_URL,
    TRAITS,
    URL,
)
from nightlight.pipeline.tips.people import Role
from nightlight.pipeline.tips.values import Stated

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from nightlight.pipeline.tips.people import Address, Device, EstimatedLocation, Link, Party, Person, Phone
    from nightlight.pipeline.tips.reading import FileReading, InternetDetail, Json, Reading
    from nightlight.pipeline.tips.values import Moment, NamedValue, NetworkEvent

_ANSWERS = {Stated.YES: True, Stated.NO: False}
_KEYS = {kind: name for name, kind in reversed(PLACES.items())}
_HALF_PAIR = re.compile("[\ud800-\udfff]")
_BOM = b"\xef\xbb\xbf"


def write(reading: Reading, *, on: date | None = None, notes: Iterable[str] = (), bom: bool = False) -> bytes:
    """The reading as CyberTip JSON in UTF-8; the same reading always gives the same bytes.

    Give the day as `on` to protect also those who are under eighteen on that day by date of birth. `notes` are our own
    words, behind what the reporter added to the whole report. With `bom` the file starts with a byte order mark, as
    downloads from the clearing house may.
    """
    incident = reading.incident
    document: Json = {
        "reportId": _number(reading.external_number),
        "dateReceived": _time(reading.received_by_source),
        "reportedInformation": {
            "reportingEsp": {
                "espName": reading.reporter.esp_name,
                **_names(reading.reporter.reporting_person),
            },
            "incidentSummary": {
                "incidentType": incident.type_as_sent,
                "incidentDateTime": _time(incident.at),
                "incidentDateTimeDescription": incident.at_description,
            },
            "reportedPeople": {"reportedPersons": [_party(party, on) for party in reading.parties_as(Role.REPORTED)]},
            "intendedRecipients": {
                "intendedRecipients": [_party(party, on) for party in reading.parties_as(Role.RECIPIENT)]
            },
            "uploadedFiles": {
                "uploadedFiles": [_file(file, claims_upload=reading.format == FORMAT) for file in reading.files]
            },
            "incidentDetails": {
                _KEYS[kind]: [_place(place) for place in places]
                for kind, places in groupby(sorted(reading.webs, key=_kind), key=_kind)
            },
            "additionalInformations": _values([*(text.value for text in reading.statements), *notes]),
        },
    }
    text = json.dumps(document, ensure_ascii=False, indent=1)
    # Half of a surrogate pair cannot be written in UTF-8 (RFC 3629, 3).
    return (_BOM if bom else b"") + _HALF_PAIR.sub("\ufffd", text).encode()


def _party(party: Party, on: date | None) -> Json:
    protected = party.protected_on(on) if on else party.protected
    account = party.accounts[0] if party.accounts else None
    described = _described(party, protected)
    return {
        **described,
        "espService": account.service if account else None,
        "espUserId": account.identifier if account else None,
        # The layout's place for an address without time and port; ours are captures, with both.
        "ipAddress": None,
        "screenName": {"value": party.screen_names[0].value} if party.screen_names else None,
        "sourceInformation": _captures(party.network_events, party.profile_urls, party.urls, party.devices),
        "additionalInformations": _values(
            [*(text.value for text in party.statements), *(() if protected else _further(party))]
        ),
    }


def _described(party: Party, protected: bool) -> dict[str, Json]:
    """Everything said of the person; of a protected one the pseudonym, under the same keys."""
    persons = () if protected else party.persons
    person = persons[0] if persons else None
    traits = _traits(person.traits if person else ())
    return {
        **_names(person),
        **({"firstName": party.pseudonym} if protected else {}),
        **{name: traits.get(name) for name in TRAITS},
        "dateOfBirth": person.birth_date.as_sent if person and person.birth_date else None,
        "approximateAge": person.ages[0].as_sent if person and person.ages else None,
        "vehicleDescription": None if protected else party.vehicle,
        "emails": {
            "emails": [
                {"value": email.value, "verified": _ANSWERS.get(email.verified)}
                for one in persons
                for email in one.emails
            ]
        },
        "phones": {
            "phones": [
                {
                    "value": f"{phone.country_calling_code or ''}{phone.value}",
                    "verified": _ANSWERS.get(phone.verified),
                }
                for one in persons
                for phone in one.phones
            ]
        },
        "addresses": {"addresses": [_address(address) for one in persons for address in one.addresses]},
    }


def _further(party: Party) -> Iterator[str]:
    """What is said of a party and has no key, in sentences."""
    for number, person in enumerate(party.persons):
        if number and person.names:
            yield f"Further name: {' '.join(person.names)}"
        yield from (f"Further age: {age.as_sent}" for age in person.ages[0 if number else 1 :])
        if number and person.birth_date:
            yield f"Further date of birth: {person.birth_date.as_sent}"
        for trait in person.traits:
            if number or trait.name not in TRAITS:
                yield f"{trait.name}: {trait.value}"
        yield from (line for phone in person.phones for line in _extension(phone))
    for account in party.accounts[1:]:
        yield f"Further account: {', '.join(filter(None, (account.identifier, account.service)))}"
    yield from (f"Screen name: {text}" for text in party.screen_names[1:])
    yield from (f"Display name: {text}" for text in party.display_names)
    named = {
        "Profile": party.bio,
        "Group identifier": party.group,
        "Platform": party.platform,
        "School": party.school,
        "Estimated location": _location(party.estimated_location),
    }
    yield from (f"{name}: {value}" for name, value in named.items() if value)
    yield from (f"Earlier report: {text}" for text in party.prior_reports)
    for name, answer in (
        ("Account compromised", party.compromised),
        ("User of another service", party.third_party_user),
    ):
        if answer in _ANSWERS:
            yield f"{name}: {answer}"


def _extension(phone: Phone) -> Iterator[str]:
    if phone.extension:
        yield f"Extension of {phone.country_calling_code or ''}{phone.value}: {phone.extension}"


def _location(place: EstimatedLocation | None) -> str:
    return ", ".join(filter(None, (place.city, place.region, place.country_code))) if place else ""


def _names(person: Person | None) -> dict[str, Json]:
    return {
        "firstName": person.first_name if person else None,
        "middleName": person.middle_name if person else None,
        "lastName": person.last_name if person else None,
    }


def _traits(traits: tuple[NamedValue, ...]) -> dict[str, Json]:
    by_name: dict[str, list[Json]] = {}
    for trait in traits:
        by_name.setdefault(trait.name, []).append(trait.value)
    return {name: values[0] if len(values) == 1 else values for name, values in by_name.items()}


def _address(address: Address) -> Json:
    # Two lines are all the layout has.
    first, rest = address.street[:1], address.street[1:]
    lines = ["".join(first) or None, ", ".join(rest) or None]
    return {
        **dict(zip(ADDRESS_LINES, lines, strict=True)),
        "city": address.city,
        "state": address.state or address.state_outside_usa,
        "postalCode": address.postal_code,
        "country": address.country,
    }


def _captures(
    events: Iterable[NetworkEvent],
    profiles: Iterable[Link],
    urls: Iterable[Link],
    devices: Iterable[Device],
) -> Json:
    captures = [
        _capture(IP_ADDRESS, event.address_as_sent, event.event_name, event.moment, event.port) for event in events
    ]
    captures += [_capture(PROFILE_URL, link.url, link.event_name, link.moment) for link in profiles]
    captures += [_capture(URL, link.url, link.event_name, link.moment) for link in urls]
    captures += [_capture(device.kind, device.value, device.event_name, device.moment) for device in devices]
    return {"sourceCaptures": captures}


def _capture(
    kind: str | None, value: str, event_name: str | None, moment: Moment | None, port: int | None = None
) -> Json:
    return {
        "captureType": kind,
        "value": value,
        "dateTime": _time(moment),
        "eventName": event_name,
        "port": port,
    }


def _kind(place: InternetDetail) -> str:
    return place.kind


def _place(place: InternetDetail) -> Json:
    named = [f"{item.name}: {item.value}" for item in place.named]
    named += [f"E-mail: {email.value}" for email in place.emails]
    named += [f"Telephone: {phone.country_calling_code or ''}{phone.value}" for phone in place.phones]
    for address in place.addresses:
        region = address.state or address.state_outside_usa
        parts = (*address.street, address.city, address.postal_code, region, address.country)
        named.append(f"Address: {', '.join(filter(None, parts))}")
    if place.latitude is not None or place.longitude is not None:
        named.append(f"Position: {place.latitude or '?'}, {place.longitude or '?'}")
    return {
        "contents": _values(text.value for text in place.contents),
        "sourceInformation": _captures(place.network_events, (), place.links, place.devices),
        "additionalInformations": _values([*(text.value for text in place.statements), *named]),
    }


def _file(file: FileReading, *, claims_upload: bool) -> Json:
    # The Reporting API's hashes are of the file before it was sent; only an import states the upload's own.
    claimed = file.hashes[0].value if claims_upload and file.hashes else None
    return {
        "filename": file.name_as_sent,
        "originalFilename": file.original_name,
        "submittalId": file.file_id,
        "verificationHash": file.received.md5 if file.received else claimed,
        "viewedByEsp": _ANSWERS.get(file.viewed_by_esp),
        "industryClassification": file.industry_classification,
        "ncmecTags": {"groups": [{"tags": _values(tag.value for tag in file.tags)}] if file.tags else []},
        "espMetadata": {"metadatas": [{"name": pair.name, "value": pair.value} for pair in file.metadata]},
        "sourceInformation": _captures(file.network_events, (), file.links, file.devices),
        "additionalInformations": _values(
            [*(text.value for text in file.statements), *_said_of_file(file, claims_upload)]
        ),
    }


def _said_of_file(file: FileReading, claims_upload: bool) -> Iterator[str]:
    """What is said of a file and has no key, in sentences."""
    if file.uploaded_at is not None:
        yield f"Uploaded to the service: {_time(file.uploaded_at)}"
    if file.location:
        yield f"Location: {file.location}"
    if file.relevance:
        yield f"Relevance: {file.relevance}"
    for name, answer in (
        ("Publicly available", file.publicly_available),
        ("EXIF viewed by the reporter", file.exif_viewed_by_esp),
        ("Possibly a viral file", file.potential_meme),
    ):
        if answer in _ANSWERS:
            yield f"{name}: {answer}"
    yield from (f"Annotation: {mark}" for mark in file.annotations)
    for stated in file.hashes[1:] if claims_upload else file.hashes:
        yield f"{stated.kind or 'Hash'} as stated: {stated.value}"


def _values(texts: Iterable[str]) -> Json:
    return [{"value": text} for text in texts]


def _number(text: str | None) -> Json:
    """Digits as a number where every JSON reader keeps them exact (RFC 7493, 2.2), else the text."""
    exact = text is not None and text.isascii() and text.isdigit() and len(text) <= 15 and text[0] != "0"
    return int(text) if text is not None and exact else text


def _time(moment: Moment | None) -> Json:
    if moment is None or moment.utc is None:
        return moment.as_sent if moment else None
    return moment.utc.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"
