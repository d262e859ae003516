# SPDX-License-Identifier: Apache-2.0
"""Writes reports as the CyberTip JSON files that police download, with the oddities such files have."""

from __future__ import annotations

import hashlib
import json
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from nightlight.exercise import chance
from nightlight.exercise.patterns import draw
from nightlight.exercise.plan import Ending
from nightlight.exercise.reporters import BY_KEY

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from nightlight.exercise.plan import AddressEvent, Detail, Party, PlannedFile, PlannedReport
    from nightlight.exercise.world import World

Json: TypeAlias = "str | int | bool | list[Json] | dict[str, Json] | None"

FIRST_ID = 190_000_001
"""The first invented report number."""

BOM = b"\xef\xbb\xbf"

DETAIL_KEYS = {"webPageIncident": "webpageIncident"}
"""Names that the download writes differently from the Reporting API."""


@dataclass(frozen=True, slots=True)
class Downloads:
    """What was written: `tips` pairs each readable file with the key of its planned report.

    `duplicate` holds the very bytes of the first tip under another name, `broken` breaks off in the middle,
    `archive` holds all JSON files, and `folder_archive` one tip together with its media.
    """

    tips: tuple[tuple[Path, str], ...]
    duplicate: Path | None
    broken: Path | None
    archive: Path
    folder_archive: Path | None


def write_downloads(world: World, folder: Path, count: int) -> Downloads:
    """Write up to `count` tips into `folder` (made if missing), plus a duplicate, a broken one and ZIPs.

    Layout as two independent police parsers expect it: every key may be null or absent, moments are
    YYYY-MM-DDThh:mm:ssZ, some files begin with a byte order mark, some hold keys nobody knows.
    """
    folder.mkdir(parents=True, exist_ok=True)
    fit = [one for one in world.reports if _downloadable(one)]
    chosen = fit[:: max(1, len(fit) // max(1, count))][: max(0, count)]
    bodies = [(report, FIRST_ID + 37 * place, _bytes(report, place)) for place, report in enumerate(chosen)]
    tips = []
    for report, number, body in bodies:
        path = folder / f"CyberTip_{number}.json"
        path.write_bytes(body)
        tips.append((path, report.key))
    duplicate = broken = folder_archive = None
    if bodies:
        first, number, body = bodies[0]
        duplicate = folder / f"CyberTip_{number} (1).json"
        duplicate.write_bytes(body)
        broken = folder / "CyberTip_broken.json"
        broken.write_bytes(body[: len(body) // 2])
        folder_archive = folder / f"CyberTip_{number}.zip"
        media = {f"media/{file.name}": draw(file.picture) for file in first.files}
        _zip(folder_archive, {f"CyberTip_{number}.json": body, **media})
    archive = folder / "downloads.zip"
    loose = [path for path, _ in tips] + [path for path in (duplicate, broken) if path is not None]
    _zip(archive, {path.name: path.read_bytes() for path in loose})
    return Downloads(tuple(tips), duplicate, broken, archive, folder_archive)


def _downloadable(report: PlannedReport) -> bool:
    return report.ending is Ending.FINISHED and not report.batched and report.duplicate_of is None


def _zip(path: Path, members: dict[str, bytes]) -> None:
    """Write a ZIP whose bytes depend on its members alone: one fixed date for all."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), body, zipfile.ZIP_DEFLATED)


def _bytes(report: PlannedReport, place: int) -> bytes:
    """Return the file: some with a byte order mark, some with unknown keys, some with nulls spelt out."""
    document = _tip(report, FIRST_ID + 37 * place)
    if place % 5 == 2:
        document["exportBatch"] = {"id": place, "tool": "portal 4"}
        document["riskHint"] = None
    if place % 3 != 0:
        document = _without_nulls(document)
    text = json.dumps(document, ensure_ascii=place % 2 == 0, indent=2 if place % 2 else None)
    return (BOM if place % 4 == 1 else b"") + text.encode()


def _without_nulls(document: dict[str, Json]) -> dict[str, Json]:
    kept: dict[str, Json] = {}
    for key, value in document.items():
        slim: Json = value
        if isinstance(value, dict):
            slim = _without_nulls(value)
        elif isinstance(value, list):
            slim = [_without_nulls(item) if isinstance(item, dict) else item for item in value]
        if slim not in (None, [], {}):
            kept[key] = slim
    return kept


def _tip(report: PlannedReport, number: int) -> dict[str, Json]:
    reporter = BY_KEY[report.reporter]
    details: dict[str, Json] = {}
    for detail in report.details:
        listed = details.setdefault(DETAIL_KEYS.get(detail.kind, detail.kind), [])
        if isinstance(listed, list):
            listed.append(_detail(detail))
    return {
        "reportId": number,
        "dateReceived": _moment(report.at),
        "reportedInformation": {
            "reportingEsp": {
                "espName": reporter.service,
                "firstName": reporter.service,
                "lastName": "Safety Desk",
            },
            "incidentSummary": {
                "incidentType": report.kind.value,
                "incidentDateTime": _moment(report.at),
                "incidentDateTimeDescription": report.at_note,
            },
            "reportedPeople": {"reportedPersons": [_person(one) for one in report.reported]},
            "intendedRecipients": {"intendedRecipients": [_person(one) for one in report.recipients]},
            "uploadedFiles": {"uploadedFiles": [_file(one) for one in report.files]},
            "incidentDetails": details,
            "additionalInformations": _values(report.narrative),
        },
    }


def _detail(detail: Detail) -> dict[str, Json]:
    urls: list[Json] = [{"captureType": "URL", "value": text} for name, text in detail.fields if name == "url"]
    content = next((text for name, text in detail.fields if name == "content"), None)
    others: list[Json] = [
        {"value": f"{name}: {text}"} for name, text in detail.fields if name not in {"url", "content"}
    ]
    return {
        "sourceInformation": {"sourceCaptures": urls} if urls else None,
        "contents": _values(content),
        "additionalInformations": others,
    }


def _person(party: Party) -> dict[str, Json]:
    captures: list[Json] = [_capture(event) for event in party.events]
    if party.profile_url:
        captures.append({"captureType": "Profile URL", "value": party.profile_url})
    address = party.postal
    return {
        "firstName": party.first_name,
        "middleName": None,
        "lastName": party.last_name,
        "dateOfBirth": None if party.born is None else party.born.isoformat(),
        "approximateAge": party.age,
        "espService": party.service,
        "espUserId": party.identifier,
        "ipAddress": None,
        "screenName": None if party.screen_name is None else {"value": party.screen_name},
        "emails": {"emails": [{"value": one.address, "verified": one.verified} for one in party.emails]},
        "phones": {"phones": [{"value": one.code + one.number, "verified": one.verified} for one in party.phones]},
        "addresses": None
        if address is None
        else {
            "addresses": [
                {
                    "street1": address.street,
                    "street2": None,
                    "city": address.city,
                    "state": address.region,
                    "postalCode": address.code,
                    "country": address.country,
                }
            ]
        },
        "sourceInformation": {"sourceCaptures": captures},
        "additionalInformations": _values(party.note),
    }


def _capture(event: AddressEvent) -> dict[str, Json]:
    return {
        "captureType": "IP Address",
        "value": event.address,
        "dateTime": None if event.at is None else _moment(event.at),
        "eventName": event.event,
        "port": event.port,
    }


def _file(file: PlannedFile) -> dict[str, Json]:
    known = file.described
    return {
        "filename": file.name,
        "originalFilename": file.name if known else None,
        "submittalId": chance.hexadecimal(chance.stream("submittal", file.key), 32),
        "verificationHash": hashlib.md5(draw(file.picture), usedforsecurity=False).hexdigest(),
        "viewedByEsp": file.viewed if known else None,
        "industryClassification": file.classification if known else None,
        "ncmecTags": {"groups": [{"tags": [{"value": tag} for tag in file.annotations]}]},
        "espMetadata": {"metadatas": [{"name": name, "value": value} for name, value in file.exif]},
        "sourceInformation": None if file.event is None else {"sourceCaptures": [_capture(file.event)]},
        "additionalInformations": _values(file.note),
    }


def _values(text: str | None) -> list[Json]:
    return [] if text is None else [{"value": text}]


def _moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
