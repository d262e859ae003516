# SPDX-License-Identifier: Apache-2.0
"""What is known of one tip, for the command line and for programs: names stay sealed unless a reason opens them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction

from nightlight.foundation import clock, public_ids
from nightlight.foundation.refusals import Conflict
from nightlight.pipeline.tips import reading, shown
from nightlight.pipeline.tips.models import LikelyDuplicate, State, Tip
from nightlight.pipeline.tips.understanding import understand
from nightlight.trust.custody import actions as custody
from nightlight.trust.custody.models import Event

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from nightlight.foundation.canonical_json import Json
    from nightlight.pipeline.tips.formats.cybertipline.check import Finding
    from nightlight.pipeline.tips.models import Document, TipFile

SHORTEST_REASON = 15


@dataclass(frozen=True)
class _Told:
    """What is printed of a tip beside its row; ``names`` are those of its files, by file id."""

    reading: reading.Reading | None
    findings: tuple[Finding, ...]
    documents: tuple[Document, ...]
    files: tuple[TipFile, ...]
    names: Mapping[str, str]


def find(number: str) -> Tip | None:
    """Return the tip of this report id, public id, or number at its source; the latest where several fit."""
    text = number.strip()
    if not text:
        return None
    tips = Tip.objects.select_related("reporter")
    if text.isascii() and text.isdecimal() and len(text) < 19:
        by_id = tips.filter(report_id=int(text)).first()
        return by_id or tips.filter(summary__external_number=text).order_by("-id").first()
    try:
        return tips.filter(public_id=public_ids.normalise(text)).first()
    except ValueError:
        return tips.filter(summary__external_number=text).order_by("-id").first()


@transaction.atomic
def everything(tip: Tip, *, by: str, at: datetime, sealed_reason: str | None = None) -> dict[str, Json]:
    """Return what is known of a tip as JSON values, and record that it was looked at.

    Protected people are pseudonyms and names of files are masked, as on pages. With ``sealed_reason`` everything is
    told as it came; the log keeps the digest of the reason. Raises Conflict for one that says too little.
    """
    data: dict[str, Json] = {"how": "command line"}
    if sealed_reason is not None:
        reason = " ".join(sealed_reason.split())
        if len(reason) < SHORTEST_REASON:
            raise Conflict(f"Say in {SHORTEST_REASON} characters or more why you need what is sealed.")
        data = {
            "how": "command line, sealed opened",
            "reason_sha256": hashlib.sha256(reason.encode()).hexdigest(),
        }
    found = _as_shown(tip) if sealed_reason is None else _as_it_came(tip)
    subject = f"tip:{tip.public_id}"
    items = [f"item:{file.item.public_id}" for file in found.files]
    events = Event.objects.filter(subject__in=[subject, *items]).order_by("id")
    repeats = LikelyDuplicate.objects.filter(tip=tip).select_related("earlier").first()
    told: dict[str, Json] = {
        "id": tip.public_id,
        "report_id": tip.report_id,
        "source": tip.source,
        "environment": tip.environment,
        "state": tip.state,
        "state_at": clock.stamp(tip.state_at),
        "opened_at": clock.stamp(tip.opened_at),
        "reporter": {"id": tip.reporter.public_id, "name": tip.reporter.name},
        "sent_by": tip.sent_by,
        "incident_type": tip.incident_type,
        "batched": tip.batched,
        "escalated": tip.escalated,
        "likely_duplicate_of": repeats.earlier.public_id if repeats else None,
        "sealed": sealed_reason is None,
        "reading": reading.to_json(found.reading) if found.reading else None,
        "findings": [{"code": f.code, "path": f.path, "text": f.text, "line": f.line} for f in found.findings],
        "files": [
            {
                "file_id": file.file_id,
                "item": file.item.public_id,
                "name_as_sent": found.names.get(file.file_id),
                "size": file.item.blob.digests.size,
                "md5": file.item.blob.digests.md5,
                "sha1": file.item.blob.digests.sha1,
                "sha256": file.item.blob.digests.sha256,
                "received_at": clock.stamp(file.item.received_at),
            }
            for file in found.files
        ],
        "documents": [
            {
                "kind": document.kind,
                "file_id": document.file_id,
                "size": document.size,
                "sha256": bytes(document.sha256).hex(),
                "received_at": clock.stamp(document.received_at),
            }
            for document in found.documents
        ],
        "history": [
            {
                "at": clock.stamp(event.at),
                "kind": event.kind,
                "by": event.actor,
                "leaf": bytes(event.leaf_hash).hex(),
            }
            for event in events
        ],
    }
    custody.append(by=by, at=at, kind="tip.viewed", subject=subject, data=data)
    return told


def _as_it_came(tip: Tip) -> _Told:
    found = understand(tip)
    names = {file.file_id: file.item.name_as_sent for file in found.files}
    return _Told(found.reading, found.findings, found.documents, found.files, names)


def _as_shown(tip: Tip) -> _Told:
    found = shown.of(tip)
    received = (file.received for file in found.reading.files) if found.reading else ()
    # A file that the reading does not know cannot be searched for names either.
    names = {file.file_id: file.name_as_sent for file in received if file is not None}
    return _Told(found.reading, found.findings, found.documents, found.files, names)


def as_text(told: dict[str, Json]) -> str:
    """Return the same for a person at a terminal, in a few lines."""
    found = told["reading"]
    reporter = told["reporter"]
    assert isinstance(reporter, dict)  # noqa: S101 - made above
    lines = [
        f"{told['id']}   report {told['report_id']}   {State(str(told['state'])).label}",
        f"from {reporter['name']} ({told['environment']}), opened {told['opened_at']}",
        reading.IncidentType(str(told["incident_type"])).label,
    ]
    if told["likely_duplicate_of"]:
        lines.append(f"likely repeats {told['likely_duplicate_of']}")
    for name in ("files", "findings", "history"):
        rows = told[name]
        assert isinstance(rows, list)  # noqa: S101 - made above
        lines.append(f"{len(rows)} {name}")
    if found is None:
        lines.append("Not read, or not read yet: nothing of what was sent is shown.")
    if told["sealed"]:
        lines.append("Victims and children are pseudonyms here; their names are sealed.")
    lines.append("Use --json for everything that may be shown.")
    return "\n".join(lines)


@transaction.atomic
def note_export(tip: Tip, *, by: str, at: datetime) -> None:
    """Record that a tip's history leaves the building."""
    custody.append(by=by, at=at, kind="tip.exported", subject=f"tip:{tip.public_id}", data={"what": "custody bundle"})
