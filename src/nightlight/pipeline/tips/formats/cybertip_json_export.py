# SPDX-License-Identifier: Apache-2.0
"""A reading written as the CyberTip JSON that existing police tools read.

The layout has no place for victims, associated accounts, the reporter's own terms or what stayed unknown:
these are left out, and the reading or the report as received must be handed over for them. Times with a
stated zone are written in UTC to the second, as those tools expect; a time without one as it was sent.
A protected party goes out under its pseudonym, with its accounts, devices and network events, and without
name, date of birth, contacts or description. Free text goes out as it was sent.
"""

from __future__ import annotations

import json
from itertools import groupby
from typing import TYPE_CHECKING

from nightlight.pipeline.tips.formats.cybertip_json_names import (
    ADDRESS_LINES,
    FORMAT,
    IP_ADDRESS,
    PLACES,
    PROFILE_URL,
    URL,
)
from nightlight.pipeline.tips.people import Role
from nightlight.pipeline.tips.values import Stated

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from nightlight.pipeline.tips.people import Address, Device, Link, Party, Person
    from nightlight.pipeline.tips.reading import FileReading, InternetDetail, Json, Reading
    from nightlight.pipeline.tips.values import Moment, NamedValue, NetworkEvent

_ANSWERS = {Stated.YES: True, Stated.NO: False}
_KEYS = {kind: name for name, kind in reversed(PLACES.items())}


def write(reading: Reading, *, on: date | None = None) -> bytes:
    """The reading as CyberTip JSON in UTF-8; the same reading always gives the same bytes.

    Give the day as `on` to protect also those who are under eighteen on that day by date of birth.
    """
    incident = reading.incident
    document: Json = {
        "reportId": _number(reading.external_number),
        "dateReceived": _time(reading.received_by_source),
        "reportedInformation": {
            "reportingEsp": {
                "espName": reading.reporter.esp_name,
                **(_names(reading.reporter.reporting_person) if reading.reporter.reporting_person else {}),
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
            "additionalInformations": _values(text.value for text in reading.statements),
        },
    }
    return json.dumps(document, ensure_ascii=False, indent=1).encode()


def _party(party: Party, on: date | None) -> Json:
    protected = party.protected_on(on) if on else party.protected
    account = party.accounts[0] if party.accounts else None
    further = [
        *(f"Screen name: {text}" for text in party.screen_names[1:]),
        *(f"Display name: {text}" for text in party.display_names),
        *(f"Profile: {bio}" for bio in (party.bio,) if bio),
        *(f"Group identifier: {group}" for group in (party.group,) if group),
    ]
    described: dict[str, Json] = {"firstName": party.pseudonym} if protected else _described(party)
    return {
        **described,
        "espService": account.service if account else None,
        "espUserId": account.identifier if account else None,
        "screenName": {"value": party.screen_names[0].value} if party.screen_names else None,
        "sourceInformation": _captures(party.network_events, party.profile_urls, party.urls, party.devices),
        "additionalInformations": _values(
            [*(text.value for text in party.statements), *(() if protected else further)]
        ),
    }


def _described(party: Party) -> dict[str, Json]:
    person = _person(party.persons[0]) if party.persons else {}
    return {**person, "vehicleDescription": party.vehicle}


def _names(person: Person) -> dict[str, Json]:
    return {
        "firstName": person.first_name,
        "middleName": person.middle_name,
        "lastName": person.last_name,
    }


def _person(person: Person) -> dict[str, Json]:
    return {
        **_names(person),
        "dateOfBirth": person.birth_date.as_sent if person.birth_date else None,
        "approximateAge": person.ages[0].as_sent if person.ages else None,
        "emails": {
            "emails": [{"value": email.value, "verified": _ANSWERS.get(email.verified)} for email in person.emails]
        },
        "phones": {
            "phones": [
                {
                    "value": f"{phone.country_calling_code or ''}{phone.value}",
                    "verified": _ANSWERS.get(phone.verified),
                }
                for phone in person.phones
            ]
        },
        "addresses": {"addresses": [_address(address) for address in person.addresses]},
        **_traits(person.traits),
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
        "additionalInformations": _values(text.value for text in file.statements),
    }


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
