# SPDX-License-Identifier: Apache-2.0
"""Checks that every destruction and its certificate are what the custody log says."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from nightlight.trust.custody.models import Event
from nightlight.trust.custody.verify import Problem
from nightlight.trust.retention.models import Destruction, State

if TYPE_CHECKING:
    from collections.abc import Iterator


def check() -> Iterator[Problem]:
    """Compare destructions with their events; yield what does not agree."""
    said: dict[tuple[str, str], dict[str, object]] = {}
    kinds = ["destruction.asked", "destruction.approved", "destruction.refused", "record.destroyed"]
    for kind, subject, body in Event.objects.filter(kind__in=kinds).values_list("kind", "subject", "body").iterator():
        told = json.loads(body)
        number = told["data"].get("destruction") or subject.removeprefix("destruction:")
        said[number, kind] = {"by": told["by"], **told["data"]}
    rows = Destruction.objects.select_related("asked_by", "decided_by").order_by("pk")
    for row in rows:
        where = f"destruction {row.public_id}"
        asked = said.pop((row.public_id, "destruction.asked"), None)
        if asked is None or asked["by"] != f"officer:{row.asked_by.public_id}":
            yield Problem("destruction-altered", where, "Who asked for it is not who the log says.")
        decided = said.pop((row.public_id, f"destruction.{'refused' if row.state == 'refused' else 'approved'}"), None)
        by = f"officer:{row.decided_by.public_id}" if row.decided_by else None
        if (decided["by"] if decided else None) != by:
            yield Problem("destruction-altered", where, "Who decided it is not who the log says.")
        done = said.pop((row.public_id, "record.destroyed"), None)
        digest = hashlib.sha256(row.certificate.encode()).hexdigest()
        if (done is not None) != (row.state == State.DONE) or (done and done["certificate_sha256"] != digest):
            yield Problem("certificate-altered", where, "Its certificate is not the one the log says.")
    for number, kind in said:
        yield Problem("destruction-missing", f"destruction {number}", f"The log says {kind}; no record does.")
