# SPDX-License-Identifier: Apache-2.0
"""Where the fields of an event stand in the evidence: made by the worker, which alone opens what was received.

Of each event of the reported people the record is cut out of the document as it came (an element, an object), once the
document is found to be what its digest said when it came in. That record holds address, port and time and nothing of
anybody else, so a page may show it beside a line and the gate may read it again. A record that cannot be found is
missing here, and without it nothing is asked. Where the report states the event in other places too, the time of each
is read from that place's own text.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from nightlight.casework.attribution import kinds, records, time_zones
from nightlight.casework.attribution.gate_lines import SourceFields, Statement
from nightlight.casework.attribution.kinds import EventKind
from nightlight.casework.attribution.models import Sources
from nightlight.casework.attribution.record_cells import How, cells, stand
from nightlight.casework.attribution.time_texts import DateOrder
from nightlight.casework.attribution.times import Role, TimeRefused, Zone, derive
from nightlight.foundation.tagged_json import Keeper, NotKept
from nightlight.pipeline.tips import closing
from nightlight.pipeline.tips.models import DocumentKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from nightlight.casework.attribution.kinds import Event
    from nightlight.pipeline.tips.models import Document, Tip
    from nightlight.pipeline.tips.understanding import Understood
    from nightlight.pipeline.tips.values import NetworkEvent

VERSION = 1
SOURCE_CLASSES = (SourceFields, Statement, time_zones.Zone, DateOrder, Role, kinds.EventKind)
_NAMES = {
    DocumentKind.REPORT: "the report",
    DocumentKind.FILE_DETAILS: "the details of a file",
    DocumentKind.DOWNLOAD: "the download",
}
_CELLS = {"address": ("ipAddress",), "port": ("port",), "time": ("dateTime",)}  # in both formats


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
    listed, said = list(events), _said(understood)
    began = _beginnings(event for event, _places in listed)
    found = []
    for event, places in listed:
        document, body = _document(event.source, opened)
        # What is no address is not asked about; its words may name somebody, so they stay where they are.
        if document is None or event.moment is None or event.address is None:
            continue
        record = _record(document, body, event.source)
        if record is None:
            continue
        fields = {
            "address": event.address_as_sent,
            "port": event.port_as_sent or "",
            "time": event.moment.as_sent,
        }
        source = SourceFields(
            places=_places(record, fields),
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
                one
                for place in places
                if place != event.source and place in said
                for one in _statement(said[place], opened)
            ),
        )
        found.append(Kept(event.key, source, document.received_at))
    return tuple(found)


def _record(document: Document, body: bytes, place: str) -> bytes | None:
    cut = records.json_record if document.kind == DocumentKind.DOWNLOAD else records.xml_record
    return cut(body, place)


def _places(record: bytes, fields: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """In which cells the fields stand: those that the formats name, where the record has them."""
    there = {(cell.place, cell.text) for row in cells(record) for cell in row}
    return tuple(
        (name, place)
        for name, text in fields.items()
        for place in _CELLS[name]
        if text and (place, text.strip()) in there
    )


def _said(understood: Understood) -> dict[str, NetworkEvent]:
    """What the report says of uses of addresses, by the place where it says so."""
    reading = understood.reading
    if reading is None:
        return {}
    of_parties = (said for part in reading.parties for said in part.network_events)
    of_places = (said for part in reading.webs for said in part.network_events)
    of_files = (said for part in reading.files for said in part.network_events)
    return {said.source: said for said in chain(of_parties, of_places, of_files)}


def _statement(said: NetworkEvent, opened: list[tuple[Document, bytes]]) -> Iterator[Statement]:
    """What one other place states of the time, where its own record holds it; else it states nothing."""
    document, body = _document(said.source, opened)
    record = None if document is None or said.moment is None else _record(document, body, said.source)
    if record is None or said.moment is None:
        return
    fields = {"address": said.address_as_sent, "time": said.moment.as_sent}
    at = derive(said.moment.as_sent, zone=Zone.as_written())
    if How.NOT in stand(record, fields, {}).how.values() or isinstance(at, TimeRefused) or at.utc is None:
        return
    yield Statement(said.source, at.utc)


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
