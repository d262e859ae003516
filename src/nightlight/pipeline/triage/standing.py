# SPDX-License-Identifier: Apache-2.0
"""Where tips stand in the queue by the rules: their band, and with which others they make one row.

What officers decide (who holds a tip, whether it is put off or closed, another band) stands, but a tip that was put off
comes back when its time has come or its band rises.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from nightlight.pipeline.linking.models import FileGroup, Subject
from nightlight.pipeline.tips.models import TipFile
from nightlight.pipeline.triage.models import FIRST, Band, Group, Lane, Override, Score, Standing
from nightlight.trust.accounts.models import Environment

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from nightlight.pipeline.tips.models import Tip
    from nightlight.pipeline.triage.gathering import Known
    from nightlight.pipeline.triage.rulebook import Rulebook
    from nightlight.pipeline.triage.rules import Score as Said

SMALL = 20  # tips of one person of which each is scored anew when another joins them
_NEAR_VIRAL = 120  # tips of one picture up to which those that came first may not know yet that it is passed around
_BY_RULES = ["unit", "environment", "band", "harm", "dies_at", "workability", "kind", "anchor"]


def locked(tips: Collection[int]) -> dict[int, Standing]:
    """Return where tips stand, held fast until the transaction ends: what an officer decides meanwhile comes after."""
    rows = Standing.objects.filter(tip__in=tips).order_by("tip").select_for_update(no_key=True)
    return {row.tip_id: row for row in rows}


def remove(tips: Collection[int]) -> set[int]:
    """Take tips out of the queue; return those that stood in one row with them, which are to be scored anew."""
    gone = Standing.objects.filter(tip__in=tips)
    rows = gone.filter(kind__in=[Group.PERSON, Group.REPEATS]).values_list("kind", "anchor").distinct()
    others = {tip for kind, anchor in rows for tip in _in_row(kind, anchor)}
    gone.delete()
    return others - set(tips)


def _in_row(kind: str, anchor: int) -> set[int]:
    rows = Standing.objects.filter(kind=kind, anchor=anchor)
    return set(rows.values_list("tip_id", flat=True)[:_NEAR_VIRAL])


@transaction.atomic
def wake(*, at: datetime) -> int:
    """Put tips that were put off back into the queue when their time has come; return how many."""
    due = Standing.objects.filter(lane=Lane.SNOOZED, snoozed_until__lte=at).order_by("tip")
    # So many at a time: each of their rows in the queue takes a lock.
    keys = list(due.select_for_update(no_key=True, skip_locked=True).values_list("tip_id", flat=True)[:500])
    return Standing.objects.filter(tip__in=keys).update(lane=Lane.OPEN, snoozed_until=None)


def place(
    scored: Sequence[tuple[Known, Said]], before: Mapping[int, Standing], rulebook: Rulebook
) -> dict[int, tuple[str, int]]:
    """Put tips where they stand by these scores, in the caller's transaction; return the row of each."""
    bands = _overridden([one.tip for one, _ in scored])
    base = {rule.line.id for rule in rulebook.factors if rule.line.base}
    rows = []
    for one, score in scored:
        kind, anchor = _group(one, score, base)
        band = bands.get(one.tip.pk)
        rows.append(
            Standing(
                tip=one.tip,
                unit_id=one.tip.unit_id,
                environment=one.tip.environment,
                band=int(score.band) if band is None else band,
                harm=score.harm,
                # To the hour: within one hour, what can be worked on best comes first.
                dies_at=score.dies_at and score.dies_at.replace(minute=0, second=0, microsecond=0),
                workability=score.workability,
                kind=kind,
                anchor=anchor,
                arrived_at=one.tip.state_at,
            )
        )
    Standing.objects.bulk_create(
        [row for row in rows if _differs(row, before.get(row.tip_id))],
        update_conflicts=True,
        unique_fields=["tip"],
        update_fields=_BY_RULES,
    )
    woken = [row.tip_id for row in rows if (old := before.get(row.tip_id)) and row.band > old.band]
    Standing.objects.filter(tip__in=woken, lane=Lane.SNOOZED).update(lane=Lane.OPEN, snoozed_until=None)
    return {row.tip_id: (row.kind, row.anchor) for row in rows}


def unscored(tip: Tip) -> Band:
    """Return the band in which somebody is to look at a tip that no rule could judge.

    Critical where the reporter asks for it, which is known of a report that cannot be opened; else nothing of it is
    known to be.
    """
    return Band.CRITICAL if asks_for_priority(tip) else Band.HIGH


def asks_for_priority(tip: Tip) -> bool:
    """Whether this is no trial, and its reporter asks for high priority."""
    return tip.escalated and tip.environment == Environment.PRODUCTION


def place_unscored(tip: Tip) -> bool:
    """Put a tip that could never be scored at the top of its band (`unscored`), in the caller's transaction.

    Return whether it was: one that stands somewhere already, by an earlier score, stays there.
    """
    if Standing.objects.filter(tip=tip).exists():
        return False
    Standing.objects.create(
        tip=tip,
        unit_id=tip.unit_id,
        environment=tip.environment,
        band=unscored(tip),
        harm=0,
        dies_at=FIRST,
        workability=0,
        kind=Group.SINGLE,
        anchor=tip.pk,
        arrived_at=tip.state_at,
    )
    return True


def _differs(row: Standing, old: Standing | None) -> bool:
    names = [f"{name}_id" if name == "unit" else name for name in _BY_RULES]
    return old is None or any(getattr(row, name) != getattr(old, name) for name in names)


def _overridden(tips: Collection[Tip]) -> dict[int, int | None]:
    """The bands that officers decided, the latest of each tip."""
    latest = Override.objects.filter(tip__in=tips).order_by("tip", "-id").distinct("tip")
    return dict(latest.values_list("tip_id", "band"))


def _group(one: Known, score: Said, base: Collection[str]) -> tuple[Group, int]:
    """With which others a tip makes one row. One with any sign of its own does not hide among those passed around."""
    ordinary = not score.tripwires and all(factor.id in base for factor in score.factors)
    if one.picture is not None and ordinary:
        return Group.VIRAL, one.picture
    if one.person is not None:
        return Group.PERSON, one.person
    # The same report says the same, so it stands with the first one anyway where that one stands with others.
    if one.first is not None:
        return Group.REPEATS, one.first
    return Group.SINGLE, one.tip.pk


def concerned(
    scored: Sequence[tuple[Known, Said]], before: Mapping[int, Standing], now: Mapping[int, tuple[str, int]]
) -> set[int]:
    """Return tips that are to be scored anew because these changed: others of their person, picture or report.

    ``scored`` are those of which something changed: what they set going ends when nothing changes any more.
    """
    found: set[int] = set()
    for one, _ in scored:
        old = before.get(one.tip.pk)
        if one.person is not None:
            found |= _of_person(one.person, one.tips_of_person)
        if old is not None and old.kind == Group.PERSON and (old.kind, old.anchor) != now[one.tip.pk]:
            found |= _in_row(old.kind, old.anchor)  # who stays behind is fewer by one
        if one.picture is not None and one.tips_of_picture <= _NEAR_VIRAL:
            found |= _of_picture(one.picture)
    firsts = {one.first for one, _ in scored if one.first is not None}
    alone = Standing.objects.filter(tip__in=firsts, kind=Group.SINGLE)  # nobody told it that it is repeated
    return found | set(alone.values_list("tip_id", flat=True))


def _of_person(person: int, tips: int) -> set[int]:
    """The tips of a person that stand elsewhere, and of few all that count another number of tips."""
    members = Subject.objects.filter(person=person, gone=False).values("tip_id")
    elsewhere = Standing.objects.filter(tip__in=members, kind__in=[Group.SINGLE, Group.REPEATS])
    found = set(elsewhere.values_list("tip_id", flat=True)[:_NEAR_VIRAL])
    if tips <= SMALL:
        other = Score.objects.filter(tip__in=members).exclude(body__contains=f'"linked_tips":{tips},')
        found |= set(other.values_list("tip_id", flat=True))
    return found


def _of_picture(picture: int) -> set[int]:
    """The tips of a picture that do not know that it is passed around."""
    blobs = FileGroup.objects.filter(anchor=picture).values("blob_id")
    members = TipFile.objects.filter(item__blob_id__in=blobs).values("tip_id")
    unaware = Score.objects.filter(tip__in=members, body__contains='"viral_share_only":false')
    return set(unaware.values_list("tip_id", flat=True)[:_NEAR_VIRAL])
