# SPDX-License-Identifier: Apache-2.0
"""Works out, for the inbox, what received tips hold and whether they repeat earlier ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from django.db import DatabaseError, connection, transaction

from nightlight.pipeline.tips import reading, rules, shown
from nightlight.pipeline.tips.models import Shown, Summary, Tip, Unread
from nightlight.pipeline.tips.understanding import checked, understand_all

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from nightlight.pipeline.tips.understanding import Understood

BATCH = 50
_NOTHING = {
    "version": 0,  # of no rules: made anew when the rules change
    "external_number": "",
    "people": 0,
    "accounts": 0,
    "network_events": 0,
    "files": 0,
}
log = structlog.get_logger("summaries")
RENEWED = ("version", "external_number", "sentence", "people", "accounts", "network_events", "files")
# The very same report of the same reporter shortly before: software that got no answer retries.
_REPEATS = """
INSERT INTO tips_likelyduplicate (tip_id, earlier_id)
SELECT t.id, e.id FROM tips_tip t CROSS JOIN LATERAL (
    SELECT id FROM tips_tip
    WHERE payload_sha256 = t.payload_sha256 AND reporter_id = t.reporter_id AND environment = t.environment
      AND id < t.id AND opened_at >= t.opened_at - make_interval(secs => %s) AND state <> 'retracted'
    ORDER BY id LIMIT 1) e
WHERE t.id = ANY(%s) ON CONFLICT DO NOTHING
"""


def summarise_new(*, by: str, at: datetime) -> int:
    """Summarise every closed tip that has no summary yet, in batches, newest first; return how many.

    Two of these may run at once: each takes tips that the other has not.
    """
    total = 0
    while True:
        with transaction.atomic():
            unread = Unread.objects.select_for_update(skip_locked=True).order_by("-tip")
            keys = list(unread.values_list("tip_id", flat=True)[:BATCH])
            _summarise_each_way(list(Tip.objects.filter(pk__in=keys)), by=by, at=at)
            Unread.objects.filter(tip__in=keys).delete()
        total += len(keys)
        if len(keys) < BATCH:
            return total


def _summarise_each_way(tips: list[Tip], *, by: str, at: datetime) -> None:
    """Summarise tips together; where one of them defeats us, one by one, so that it holds up no other."""
    try:
        summarise(tips, by=by, at=at)
    except DatabaseError:
        raise
    except Exception:
        for tip in tips:
            try:
                summarise([tip], by=by, at=at)
            except DatabaseError:
                raise
            except Exception:
                log.exception("summary-failed", tip=tip.public_id)
                told = "No summary could be made; open the tip to see what was received."
                Summary.objects.update_or_create(tip=tip, defaults={**_NOTHING, "sentence": told})


@transaction.atomic
def summarise(tips: Sequence[Tip], *, by: str, at: datetime) -> None:
    """Make or renew the summaries of tips, what of them may be shown, and their sealed identities.

    Derived data: rebuilt from what was received, safe to run twice. For the worker, which alone can open a report.
    """
    # In the order of their identifiers: sealed identities of one tip are renewed one at a time (see sealed/keeping.py).
    understood = [checked(found) for found in understand_all(sorted(tips, key=lambda tip: tip.public_id))]
    made = [summary_of(found) for found in understood]
    rows = [shown.make(found, by=by, at=at) for found in understood]
    Shown.objects.bulk_create(rows, update_conflicts=True, unique_fields=["tip"], update_fields=["version", "body"])
    Summary.objects.bulk_create(made, update_conflicts=True, unique_fields=["tip"], update_fields=RENEWED)
    if tips:
        with connection.cursor() as cursor:
            cursor.execute(_REPEATS, [rules.REPEAT_WITHIN.total_seconds(), [tip.pk for tip in tips]])


def summary_of(understood: Understood) -> Summary:
    """Return the summary of a tip as it was read, not saved."""
    found = understood.reading
    told = reading.summary(found) if found else None
    return Summary(
        tip=understood.tip,
        version=reading.READING_VERSION,
        external_number=(found and found.external_number) or "",
        sentence=told.sentence if told else "This file could not be read; it is kept as it came.",
        people=told.people if told else 0,
        accounts=told.accounts if told else 0,
        network_events=told.network_events if told else 0,
        files=told.files if told else 0,
    )
