# SPDX-License-Identifier: Apache-2.0
"""Takes in until when operators keep the records that a tip's addresses would be answered from.

Whoever looks addresses up tells it. It moves nothing in how harmful a tip is: it is a clock that runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nightlight.pipeline.triage.models import RecordsEnd

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from nightlight.pipeline.tips.models import Tip

MOST = 32  # moments kept of one tip: the soonest, and the last of all


def tell(ends: Mapping[Tip, Sequence[datetime]], *, at: datetime) -> None:
    """Keep, for each of these tips, when records of it end, soonest first; none: nothing is known of any.

    A tip of which it is another time than before waits to be scored anew (a trigger). Part of the caller's transaction,
    and called before anything is written to the log. Raises ValueError for a time without a zone.
    """
    if any(end.tzinfo is None for each in ends.values() for end in each):
        raise ValueError("a time needs its zone")
    wanted = {tip.pk: _kept(each) for tip, each in ends.items()}
    held = dict(RecordsEnd.objects.filter(tip__in=wanted).values_list("tip_id", "ends"))
    RecordsEnd.objects.filter(tip__in=[tip for tip in held if not wanted[tip]]).delete()
    rows = [
        RecordsEnd(tip_id=tip, ends=wanted[tip], told_at=at)
        for tip in sorted(wanted)
        if wanted[tip] and held.get(tip) != wanted[tip]
    ]
    RecordsEnd.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["tip"], update_fields=["ends", "told_at"]
    )


def ends_of(tips: Iterable[Tip]) -> dict[int, tuple[datetime, ...]]:
    """Return when records end, for each tip of which that is known. One query."""
    found = RecordsEnd.objects.filter(tip__in=list(tips)).values_list("tip_id", "ends")
    return {tip: tuple(ends) for tip, ends in found}


def _kept(ends: Sequence[datetime]) -> list[datetime]:
    each = sorted(set(ends))
    return each if len(each) <= MOST else [*each[: MOST - 1], each[-1]]
