# SPDX-License-Identifier: Apache-2.0
"""Checks that every stored report is what the custody log says was received, byte for byte."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import connection

from nightlight.foundation import clock
from nightlight.pipeline.tips import closing, summarising
from nightlight.pipeline.tips.models import APPEND_ONLY_TABLES, Tip
from nightlight.pipeline.tips.reading import READING_VERSION
from nightlight.pipeline.tips.understanding import understand_all
from nightlight.trust.custody.append_only import ERASURE_GUARD, GUARD
from nightlight.trust.custody.verify import Problem
from nightlight.trust.sealed.box import Damaged, KeysRefused

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from nightlight.foundation.canonical_json import Json
    from nightlight.pipeline.tips.understanding import Understood

_TIPS = """
SELECT t.id, t.public_id, t.report_id, t.source, t.environment, r.public_id, t.sent_by, t.incident_type, t.batched,
       t.escalated, t.payload_sha256, t.opened_at, t.state, t.state_at, u.public_id, u.receives
FROM tips_tip t JOIN accounts_reporter r ON r.id = t.reporter_id JOIN units_unit u ON u.id = t.unit_id
WHERE t.id > %s ORDER BY t.id LIMIT 500
"""
_EVENTS = """
SELECT subject, body FROM custody_event
WHERE subject = ANY(%s) AND kind IN ('tip.opened', 'tip.imported', 'tip.told', 'tip.added-to', 'tip.handed-over',
                                     'tip.file-described', 'tip.received', 'tip.retracted', 'tip.expired',
                                     'routing.accepted', 'routing.given-back', 'tip.referred-in', 'tip.referred-again',
                                     'record.destroyed') ORDER BY id
"""
_DOCUMENTS = (
    "SELECT tip_id, kind, file_id, sha256, body, key_part, size FROM tips_document WHERE tip_id = ANY(%s) ORDER BY id"
)
_FILES = """
SELECT f.tip_id, f.file_id, i.public_id, i.context FROM tips_tipfile f JOIN evidence_item i ON i.id = f.item_id
WHERE f.tip_id = ANY(%s) ORDER BY f.id
"""
# A tip that the log knows and the table does not: somebody removed it.
_LOST = """
SELECT e.subject FROM custody_event e WHERE e.kind IN ('tip.opened', 'tip.imported', 'tip.told', 'tip.referred-in')
  AND NOT EXISTS (SELECT 1 FROM tips_tip t WHERE 'tip:' || t.public_id = e.subject) LIMIT 100
"""
_CLOSING = {"tip.received": "received", "tip.retracted": "retracted", "tip.expired": "expired"}


class _Tip(NamedTuple):
    key: int
    public_id: str
    report_id: int
    source: str
    environment: str
    reporter: str
    sent_by: str
    incident_type: str
    batched: bool
    escalated: bool
    payload_sha256: bytes
    opened_at: datetime
    state: str
    state_at: datetime
    unit: str
    unit_receives: bool

    @property
    def where(self) -> str:
        return f"tip:{self.public_id}"


class _Event(NamedTuple):
    kind: str
    at: str
    data: Mapping[str, Json]


class _Document(NamedTuple):
    kind: str
    file_id: str
    sha256: bytes
    body: bytes
    key_part: bytes
    size: int


class _File(NamedTuple):
    file_id: str
    item: str
    context: str


def check() -> Iterator[Problem]:
    """Compare each tip, its documents and its files with their custody events; yield what does not agree."""
    yield from _guards()
    last = 0
    while tips := [_Tip(*row) for row in _rows(_TIPS, last)]:
        keys = [tip.key for tip in tips]
        events, documents, files = defaultdict(list), defaultdict(list), defaultdict(list)
        for subject, body in _rows(_EVENTS, [tip.where for tip in tips]):
            told = json.loads(str(body))
            events[subject].append(_Event(told["kind"], told["at"], told["data"]))
        for key, *document in _rows(_DOCUMENTS, keys):
            documents[key].append(_Document(*document))
        for key, *file in _rows(_FILES, keys):
            files[key].append(_File(*file))
        for tip in tips:
            yield from _tip(tip, events[tip.where], documents[tip.key], files[tip.key])
        last = keys[-1]
    for (subject,) in _rows(_LOST):
        yield Problem("tip-missing", str(subject), "The log says this tip arrived, but it is not stored.")


def check_summaries() -> Iterator[Problem]:
    """Make each summary anew from what was received; yield those that say something else.

    Summaries are derived and can be rebuilt, but officers read them first.
    """
    last = 0
    while True:
        made_by_these_rules = Tip.objects.filter(summary__version=READING_VERSION, id__gt=last)
        tips = list(made_by_these_rules.select_related("summary").order_by("id")[:200])
        if not tips:
            return
        for understood in _openable(tips):
            stored, made = understood.tip.summary, summarising.summary_of(understood)
            if any(getattr(stored, name) != getattr(made, name) for name in summarising.RENEWED):
                where = f"tip:{understood.tip.public_id}"
                yield Problem("summary-altered", where, "Its line in the inbox is not what the report says.")
        last = tips[-1].pk


def _openable(tips: list[Tip]) -> Iterator[Understood]:
    """Read tips anew, without those whose documents do not open: ``check`` reports them."""
    try:
        yield from understand_all(tips)
    except (Damaged, KeysRefused):
        for tip in tips:
            with contextlib.suppress(Damaged, KeysRefused):
                yield from understand_all([tip])


def _rows(sql: str, *parameters: int | list[int] | list[str]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters or None)
        return list(cursor.fetchall())


def _guards() -> Iterator[Problem]:
    on = set(_rows("SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE tgenabled IN ('O', 'A')"))
    wanted = [
        *((table, GUARD) for table in APPEND_ONLY_TABLES),
        ("tips_tip", "tips_guard"),
        ("tips_document", ERASURE_GUARD),
    ]
    for table, trigger in wanted:
        if (table, trigger) not in on:
            yield Problem("guard-missing", f"table {table}", f"trigger {trigger} is missing or switched off")


def _tip(tip: _Tip, events: list[_Event], documents: list[_Document], files: list[_File]) -> Iterator[Problem]:
    if not events or events[0].kind not in {"tip.opened", "tip.imported", "tip.told", "tip.referred-in"}:
        yield Problem("tip-without-event", tip.where, "No event says that this tip arrived.")
        return
    said = events[0].data
    names = ("report_id", "source", "environment", "reporter", "sent_by", "incident_type", "batched", "escalated")
    for name in names:
        if said.get(name) != getattr(tip, name):
            yield Problem("tip-altered", tip.where, f"{name} is not what was recorded when it arrived.")
    if said.get("report_sha256") != bytes(tip.payload_sha256).hex():
        yield Problem("tip-altered", tip.where, "Its digest is not what was recorded when it arrived.")
    yield from _state(tip, events)
    yield from _holder(tip, events)
    yield from _documents(tip, events, documents)
    named = {"tip.received", "tip.referred-in"}
    received = next((event.data["files"] for event in events if event.kind in named), None)
    if received is not None and received != [file.file_id for file in files]:
        yield Problem("tip-files-altered", tip.where, "Its files are not those the receipt names.")
    for file in files:
        if file.context != tip.where:
            text = f"File {file.file_id} ({file.item}) was received for {file.context}."
            yield Problem("tip-file-altered", tip.where, text)


def _state(tip: _Tip, events: list[_Event]) -> Iterator[Problem]:
    first = events[0]
    closing = next((event for event in events if event.kind in _CLOSING), None)
    if closing:
        state, at = _CLOSING[closing.kind], closing.at
    elif first.kind == "tip.imported":
        state, at = ("received" if first.data["readable"] else "unreadable"), first.at
    elif first.kind in {"tip.told", "tip.referred-in"}:
        state, at = "received", first.at
    else:
        state, at = "open", first.at
    opened_at = first.data.get("opened_at", first.at)  # of one that was referred: when it was opened there
    if (tip.state, clock.stamp(tip.state_at), clock.stamp(tip.opened_at)) != (state, at, opened_at):
        yield Problem("tip-state-altered", tip.where, "Its state or its times are not what the log says.")


def _holder(tip: _Tip, events: list[_Event]) -> Iterator[Problem]:
    moves = [event.data["to"] for event in events if _moved(event)]
    came_to = events[0].data.get("unit")
    expected = moves[-1] if moves else came_to
    if (tip.unit != expected) if expected else not tip.unit_receives:
        yield Problem("tip-holder-altered", tip.where, "The unit that holds it is not the one the log says.")


def _moved(event: _Event) -> bool:
    """Whether it went to another unit by this: an answer to an offer moves it where the whole was offered."""
    return event.kind == "tip.handed-over" or (event.kind.startswith("routing.") and event.data.get("kind") == "whole")


# Kind of event -> kind of the one document it records, and the field with its digest.
_ONE = {
    "tip.opened": ("report", "report_sha256"),
    "tip.imported": ("download", "report_sha256"),
    "tip.told": ("told", "report_sha256"),
    "tip.received": ("receipt", "receipt_sha256"),
}
# The same for those of which there may be several, with the field that names each.
_SEVERAL = {
    "tip.file-described": ("file-details", "file_id", "details_sha256"),
    "tip.added-to": ("addition", "addition", "addition_sha256"),
}


def _recorded(events: list[_Event]) -> dict[tuple[str, str], Json]:
    """The digest of each document that the log names, by its kind and what it is of."""
    expected: dict[tuple[str, str], Json] = {}
    for event in events:
        if event.kind in _ONE:
            kind, digest = _ONE[event.kind]
            expected[kind, ""] = event.data[digest]
        elif event.kind in _SEVERAL:
            kind, name, digest = _SEVERAL[event.kind]
            expected[kind, str(event.data[name])] = event.data[digest]
        elif event.kind.startswith("tip.referred-"):
            documents: Any = event.data["documents"]
            for one in documents:
                expected[one["kind"], one["file_id"]] = one["document_sha256"]
    return expected


def _documents(tip: _Tip, events: list[_Event], documents: list[_Document]) -> Iterator[Problem]:
    expected = _recorded(events)
    for document in documents:
        recorded = expected.pop((document.kind, document.file_id), None)
        try:
            body = closing.open_at(
                tip.public_id, document.kind, document.file_id, bytes(document.key_part), bytes(document.body)
            )
        except (Damaged, KeysRefused) as refused:
            if not document.key_part and any(event.kind == "record.destroyed" for event in events):
                continue
            text = f"The {document.kind} {document.file_id} cannot be opened: {refused.reason}."
            yield Problem("document-altered", tip.where, text)
            continue
        actual = hashlib.sha256(body).hexdigest()
        if recorded != actual or bytes(document.sha256).hex() != actual or document.size != len(body):
            text = f"The {document.kind} {document.file_id} is not what was received."
            yield Problem("document-altered", tip.where, text)
    for kind, file_id in expected:
        yield Problem("document-missing", tip.where, f"The {kind} {file_id} that the log records is not stored.")
