# SPDX-License-Identifier: Apache-2.0
"""Checks that every stored report is what the custody log says was received, byte for byte."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from django.db import connection

from nightlight.trust.custody.verify import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_TIPS = """
SELECT t.id, t.public_id, t.report_id, t.source, t.environment, r.public_id, t.sent_by, t.incident_type, t.batched,
       t.escalated, t.payload_sha256, t.opened_at, t.state, t.state_at,
       (SELECT json_agg(e.body ORDER BY e.id) FROM custody_event e WHERE e.subject = 'tip:' || t.public_id
          AND e.kind LIKE 'tip.%%' AND e.kind <> 'tip.viewed')
FROM tips_tip t JOIN accounts_reporter r ON r.id = t.reporter_id WHERE t.id > %s ORDER BY t.id LIMIT 500
"""
_DOCUMENTS = """
SELECT d.tip_id, d.kind, d.file_id, d.sha256, d.body FROM tips_document d WHERE d.tip_id = ANY(%s) ORDER BY d.id
"""
_FILES = """
SELECT f.tip_id, f.file_id, i.public_id, i.context FROM tips_tipfile f JOIN evidence_item i ON i.id = f.item_id
WHERE f.tip_id = ANY(%s) ORDER BY f.id
"""
# A tip that the log knows and the table does not: somebody removed it.
_LOST = """
SELECT e.subject FROM custody_event e
WHERE e.kind IN ('tip.opened', 'tip.imported')
  AND NOT EXISTS (SELECT 1 FROM tips_tip t WHERE 'tip:' || t.public_id = e.subject) LIMIT 100
"""
_STATE = {"tip.received": "received", "tip.retracted": "retracted", "tip.expired": "expired"}


def check() -> Iterator[Problem]:
    """Compare each tip, its documents and its files with their custody events; yield what does not agree."""
    last = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_TIPS, [last])
            tips = cursor.fetchall()
            if not tips:
                break
            keys = [row[0] for row in tips]
            cursor.execute(_DOCUMENTS, [keys])
            documents = _grouped(cursor.fetchall())
            cursor.execute(_FILES, [keys])
            files = _grouped(cursor.fetchall())
        for row in tips:
            yield from _tip(row, documents.get(row[0], []), files.get(row[0], []))
        last = keys[-1]
    with connection.cursor() as cursor:
        cursor.execute(_LOST)
        for (subject,) in cursor.fetchall():
            yield Problem("tip-missing", subject, "The log says this tip arrived, but it is not stored.")


def _grouped(rows: list[Any]) -> dict[int, list[Any]]:
    groups: dict[int, list[Any]] = {}
    for row in rows:
        groups.setdefault(row[0], []).append(row[1:])
    return groups


def _tip(row: Any, documents: list[Any], files: list[Any]) -> Iterator[Problem]:
    where = f"tip:{row[1]}"
    events = [json.loads(body) for body in row[14] or []]
    first = events[0] if events else {"kind": "none", "data": {}}
    if first["kind"] not in {"tip.opened", "tip.imported"}:
        yield Problem("tip-without-event", where, "No event says that this tip arrived.")
        return
    said = first["data"]
    stored = {
        "report_id": row[2],
        "source": row[3],
        "environment": row[4],
        "reporter": row[5],
        "sent_by": row[6],
        "incident_type": row[7],
        "batched": row[8],
        "escalated": row[9],
        "report_sha256": bytes(row[10]).hex(),
    }
    for name, value in stored.items():
        if said.get(name) != value:
            yield Problem("tip-altered", where, f"{name} is not what was recorded when it arrived.")
    yield from _state(where, row, events)
    yield from _documents(where, events, documents)
    described = [event["data"]["files"] for event in events if event["kind"] == "tip.received"]
    if described and described[0] != [file_id for file_id, _, _ in files]:
        yield Problem("tip-files-altered", where, "Its files are not those the receipt names.")
    for file_id, item, context in files:
        if context != where:
            yield Problem("tip-file-altered", where, f"File {file_id} ({item}) was received for {context}.")


def _state(where: str, row: Any, events: list[Any]) -> Iterator[Problem]:
    last = events[-1]
    closing = [event for event in events if event["kind"] in _STATE]
    if closing:
        state, at = _STATE[closing[0]["kind"]], closing[0]["at"]
    elif last["kind"] == "tip.imported" or events[0]["kind"] == "tip.imported":
        state, at = ("received" if events[0]["data"]["readable"] else "unreadable"), events[0]["at"]
    else:
        state, at = "open", events[0]["at"]
    stored_at = row[13].strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    opened_at = row[11].strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if row[12] != state or stored_at != at or opened_at != events[0]["at"]:
        yield Problem("tip-state-altered", where, "Its state or its times are not what the log says.")


def _documents(where: str, events: list[Any], documents: list[Any]) -> Iterator[Problem]:
    expected: dict[tuple[str, str], str] = {}
    for event in events:
        data = event["data"]
        if event["kind"] == "tip.opened":
            expected["report", ""] = data["report_sha256"]
        elif event["kind"] == "tip.imported":
            expected["download", ""] = data["report_sha256"]
        elif event["kind"] == "tip.file-described":
            expected["file-details", data["file_id"]] = data["details_sha256"]
        elif event["kind"] == "tip.received":
            expected["receipt", ""] = data["receipt_sha256"]
    for kind, file_id, sha256, body in documents:
        recorded = expected.pop((kind, file_id), None)
        actual = hashlib.sha256(bytes(body)).hexdigest()
        if recorded != actual or bytes(sha256).hex() != actual:
            yield Problem("document-altered", where, f"The {kind} {file_id} is not what was received.")
    for kind, file_id in expected:
        yield Problem("document-missing", where, f"The {kind} {file_id} that the log records is not stored.")
