# SPDX-License-Identifier: Apache-2.0
"""Where the fields of an event stand in the evidence: made by the worker, which alone opens what was received.

Of each event of the reported people the record is cut out of the document as it came (an element, an object), once the
document is found to be what its digest said when it came in. That record holds address, port and time and nothing of
anybody else, so a page may show it beside a line and the gate may read it again. A record that cannot be found is
missing here, and without it nothing is asked.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightlight.casework.attribution import kinds, records, time_zones
from nightlight.casework.attribution.gate_lines import SourceFields, Statement
from nightlight.casework.attribution.kinds import EventKind
from nightlight.casework.attribution.models import Sources
from nightlight.casework.attribution.time_texts import DateOrder
from nightlight.casework.attribution.times import Role, Zone
from nightlight.foundation.tagged_json import Keeper, NotKept
from nightlight.pipeline.tips import closing
from nightlight.pipeline.tips.models import DocumentKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from nightlight.casework.attribution.kinds import Event
    from nightlight.pipeline.tips.models import Document, Tip
    from nightlight.pipeline.tips.understanding import Understood

VERSION = 1
SOURCE_CLASSES = (SourceFields, Statement, time_zones.Zone, DateOrder, Role, kinds.EventKind)
_NAMES = {
    DocumentKind.REPORT: "the report",
    DocumentKind.FILE_DETAILS: "the details of a file",
    DocumentKind.DOWNLOAD: "the download",
}


@dataclass(frozen=True, slots=True)
class Kept:
    """The fields of one event, and when the document with its record came in."""

    key: str
    source: SourceFields
    received_at: datetime


@dataclass(frozen=True, slots=True)
class _All:
    kept: tuple[Kept, ...]


_KEEPER = Keeper((_All, Kept, *SOURCE_CLASSES))


def made(understood: Understood, events: Iterable[tuple[Event, tuple[str, ...]]]) -> tuple[Kept, ...]:
    """Return the fields of events, each with the places at which it stands in the report. For the worker."""
    opened = _opened(understood.tip, understood.documents)
    listed = list(events)
    began = _beginnings(event for event, _places in listed)
    found = []
    for event, places in listed:
        document, body = _document(event.source, opened)
        # What is no address is not asked about; its words may name somebody, so they stay where they are.
        if document is None or event.moment is None or event.address is None:
            continue
        cut = records.json_record if document.kind == DocumentKind.DOWNLOAD else records.xml_record
        record = cut(body, event.source)
        if record is None:
            continue
        source = SourceFields(
            path=f"{event.source} of {_NAMES[DocumentKind(document.kind)]} {understood.tip.public_id}, whose SHA-256 "
            f"is {bytes(document.sha256).hex()}",
            digest=hashlib.sha256(record).hexdigest(),
            record=record,
            address_as_sent=event.address_as_sent,
            moment_as_sent=event.moment.as_sent,
            zone=Zone.as_written(),
            port_as_sent=event.port_as_sent,
            port_at=event.port_at,
            account_created=None if event.kind is EventKind.REGISTRATION else began.get(event.account),
            kind=event.kind,
            same_event=tuple(
                Statement(place, event.utc) for place in places if place != event.source and event.utc is not None
            ),
        )
        found.append(Kept(event.key, source, document.received_at))
    return tuple(found)


def keep(understood: Understood, events: Iterable[tuple[Event, tuple[str, ...]]], *, at: datetime) -> None:
    """Keep the fields of a tip's events in place of what was kept before. For the worker."""
    body = json.dumps(_KEEPER.keep(_All(made(understood, events))), separators=(",", ":"))
    told = {"version": VERSION, "body": body}
    there = Sources.objects.filter(tip=understood.tip)
    if not there.filter(**told).exists() and not there.update(made_at=at, **told):
        Sources.objects.create(tip=understood.tip, made_at=at, **told)


def of(tip: Tip) -> Mapping[str, Kept]:
    """Return the fields of a tip's events by key; empty where the worker has not made them yet."""
    row = Sources.objects.filter(tip=tip, version=VERSION).first()
    if row is None:
        return {}
    try:
        found: _All = _KEEPER.read(json.loads(row.body))
    except (NotKept, ValueError):
        return {}
    return {one.key: one for one in found.kept}


def _opened(tip: Tip, documents: Iterable[Document]) -> list[tuple[Document, bytes]]:
    """The documents that are still what their digest said when they came in, with their bytes."""
    found = []
    for document in documents:
        if document.kind in _NAMES:
            body = closing.opened(document, tip=tip.public_id)
            sound = hashlib.sha256(body).digest() == bytes(document.sha256)
            found.append((document, body if sound else b""))
    return found


def _document(place: str, opened: list[tuple[Document, bytes]]) -> tuple[Document | None, bytes]:
    """The document that a place lies in: downloads are one JSON object, a report has a document for each file."""
    first = records.steps_of(place)[0]
    details = [pair for pair in opened if pair[0].kind == DocumentKind.FILE_DETAILS]
    others = [pair for pair in opened if pair[0].kind != DocumentKind.FILE_DETAILS]
    if first[0] == "fileDetails":
        return details[first[1] - 1] if first[1] <= len(details) else (None, b"")
    return others[0] if others else (None, b"")


def _beginnings(events: Iterable[Event]) -> dict[str, datetime]:
    """When each account began, where its registration is among the events."""
    found: dict[str, datetime] = {}
    for event in events:
        if event.kind is EventKind.REGISTRATION and event.account and event.utc is not None:
            found[event.account] = min(event.utc, found.get(event.account, event.utc))
    return found
