# SPDX-License-Identifier: Apache-2.0
"""Checks that what came from other installations is what the custody log says, and that none of it is missing."""

from __future__ import annotations

import hashlib
import json
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from django.db import connection

from nightlight.pipeline.routing.models import Referred
from nightlight.trust.custody.models import Event
from nightlight.trust.custody.verify import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

BATCH = 500
# A tip that came and has no row that says whence.
_LOST = """
SELECT e.subject FROM custody_event e WHERE e.kind = 'tip.referred-in' AND NOT EXISTS (
    SELECT 1 FROM tips_tip t JOIN routing_referred r ON r.tip_id = t.id WHERE 'tip:' || t.public_id = e.subject)
LIMIT 100
"""


class Code(StrEnum):
    """What can be wrong with tips that came from other installations."""

    REFERRED_ALTERED = "referred-altered"
    REFERRED_MISSING = "referred-missing"


def check() -> Iterator[Problem]:
    """Compare where each tip came from, and the proof that came with it, with its entry; yield what disagrees."""
    last = 0
    rows = Referred.objects.select_related("tip", "installation", "package").order_by("pk")
    while batch := list(rows.filter(pk__gt=last)[:BATCH]):
        subjects = [f"tip:{one.tip.public_id}" for one in batch]
        came = Event.objects.filter(kind="tip.referred-in", subject__in=subjects)
        entries = dict(came.values_list("subject", "body"))
        for one in batch:
            where = f"tip:{one.tip.public_id}"
            said = json.loads(entries[where])["data"] if where in entries else {}
            if any(said.get(key) != value for key, value in _kept(one).items()):
                yield Problem(Code.REFERRED_ALTERED, where, "Whence it came, or its proof, is not what the log says.")
        last = batch[-1].pk
    with connection.cursor() as cursor:
        cursor.execute(_LOST)
        for (subject,) in cursor.fetchall():
            yield Problem(Code.REFERRED_MISSING, subject, "The log says that it was referred; nothing says by whom.")


def _kept(one: Referred) -> dict[str, Any]:
    return {
        "installation": one.installation.public_id,
        "origin": one.origin,
        "origin_tip": one.origin_tip,
        "sender_offer": one.origin_offer,
        "package": one.package.package_id,
        "payload_sha256": one.package.sha256,
        "proof_sha256": _digest(one.proof),
    }


def _digest(kept: str) -> str:
    try:
        return hashlib.sha256(json.loads(kept)["proof"].encode()).hexdigest()
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""
