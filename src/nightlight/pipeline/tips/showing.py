# SPDX-License-Identifier: Apache-2.0
"""Everything understood of one tip, for the command line and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from nightlight.foundation import clock, public_ids
from nightlight.pipeline.tips import reading
from nightlight.pipeline.tips.models import LikelyDuplicate, State, Tip
from nightlight.pipeline.tips.understanding import understand
from nightlight.trust.custody import actions as custody
from nightlight.trust.custody.models import Event

if TYPE_CHECKING:
    from datetime import datetime

    from nightlight.foundation.canonical_json import Json


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
def everything(tip: Tip, *, by: str, at: datetime) -> dict[str, Json]:
    """Return all that is known of a tip as JSON values, and record that it was looked at."""
    understood = understand(tip)
    subject = f"tip:{tip.public_id}"
    items = [f"item:{file.item.public_id}" for file in understood.files]
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
        "reading": reading.to_json(understood.reading) if understood.reading else None,
        "findings": [{"code": f.code, "path": f.path, "text": f.text, "line": f.line} for f in understood.findings],
        "files": [
            {
                "file_id": file.file_id,
                "item": file.item.public_id,
                "name_as_sent": file.item.name_as_sent,
                "size": file.item.blob.digests.size,
                "md5": file.item.blob.digests.md5,
                "sha1": file.item.blob.digests.sha1,
                "sha256": file.item.blob.digests.sha256,
                "received_at": clock.stamp(file.item.received_at),
            }
            for file in understood.files
        ],
        "documents": [
            {
                "kind": document.kind,
                "file_id": document.file_id,
                "size": len(document.body),
                "sha256": bytes(document.sha256).hex(),
                "received_at": clock.stamp(document.received_at),
            }
            for document in understood.documents
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
    custody.append(by=by, at=at, kind="tip.viewed", subject=subject, data={"how": "command line"})
    return told


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
        lines.append("The kept file could not be read.")
    lines.append("Use --json for everything understood.")
    return "\n".join(lines)


@transaction.atomic
def note_export(tip: Tip, *, by: str, at: datetime) -> None:
    """Record that a tip's history leaves the building."""
    custody.append(by=by, at=at, kind="tip.exported", subject=f"tip:{tip.public_id}", data={"what": "custody bundle"})
