# SPDX-License-Identifier: Apache-2.0
"""Works out, for the inbox, what a received tip holds and whether it repeats an earlier one."""

from __future__ import annotations

from django.db import transaction

from nightlight.pipeline.tips import reading, rules
from nightlight.pipeline.tips.models import LikelyDuplicate, State, Summary, Tip
from nightlight.pipeline.tips.understanding import understand

BATCH = 50


def summarise_new() -> int:
    """Summarise every closed tip that has no summary, in batches; return how many. Safe to run twice."""
    total = 0
    while True:
        waiting = Tip.objects.filter(summary=None).exclude(state=State.OPEN).order_by("-id")
        public_ids = list(waiting.values_list("public_id", flat=True)[:BATCH])
        with transaction.atomic():
            for public_id in public_ids:
                summarise(public_id=public_id)
        total += len(public_ids)
        if len(public_ids) < BATCH:
            return total


@transaction.atomic
def summarise(*, public_id: str) -> None:
    """Make or renew the summary of one tip. Derived data: rebuilt from what was received, safe to run twice."""
    tip = Tip.objects.get(public_id=public_id)
    understood = understand(tip)
    found = understood.reading
    told = reading.summary(found) if found else None
    Summary.objects.update_or_create(
        tip=tip,
        defaults={
            "version": reading.READING_VERSION,
            "external_number": (found and found.external_number) or "",
            "sentence": told.sentence if told else "This file could not be read; it is kept as it came.",
            "people": told.people if told else 0,
            "accounts": told.accounts if told else 0,
            "network_events": told.network_events if told else 0,
            "files": told.files if told else 0,
            "findings": len(understood.findings),
        },
    )
    _flag_repeat(tip)


def _flag_repeat(tip: Tip) -> None:
    """Flag a tip whose reporter sent the very same report shortly before: software that got no answer retries."""
    earlier = (
        Tip.objects.filter(
            payload_sha256=tip.payload_sha256,
            reporter=tip.reporter_id,
            environment=tip.environment,
            opened_at__gte=tip.opened_at - rules.REPEAT_WITHIN,
            id__lt=tip.id,
        )
        .exclude(state=State.RETRACTED)
        .order_by("id")
        .first()
    )
    if earlier:
        LikelyDuplicate.objects.get_or_create(tip=tip, defaults={"earlier": earlier})
