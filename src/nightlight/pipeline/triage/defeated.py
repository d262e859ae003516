# SPDX-License-Identifier: Apache-2.0
"""Reads of tips that defeat a step of the pipeline: figures for those who run the installation, tips for their readers.

Whoever runs it sees no tip: how many, with which error and since when. Row security decides who sees which tip.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from django.db import connection
from django.db.models import Q

from nightlight.pipeline.linking import waiting
from nightlight.pipeline.linking.models import Waiting as Unlinked
from nightlight.pipeline.triage.models import Waiting as Unscored

if TYPE_CHECKING:
    from datetime import datetime

    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.units.viewer import Viewer

Steps: TypeAlias = Sequence[tuple[str, type[waiting.Waits]]]
"""Steps by name, each with the table of tips that wait for it."""

AT_MOST = 100
STEPS: Steps = (("triage", Unscored), ("linking", Unlinked))


@dataclass(frozen=True, slots=True)
class Figure:
    """How many tips defeat a step ("triage", "linking") with one class of error, the first of them since when."""

    step: str
    why: str
    tips: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Defeat:
    """One tip that defeats a step, how often by now, and when it is tried next (None: with the next that wait)."""

    step: str
    tip: str
    why: str
    since: datetime | None
    times: int
    next_at: datetime | None


def figures() -> list[Figure]:
    """Return the figures, the oldest trouble first; none for whoever neither administers nor audits. One query."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT step, why, tips, since FROM triage_defeated()")
        return [Figure(*row) for row in cursor.fetchall()]


def tips(viewer: Viewer, *, at_most: int = AT_MOST, steps: Steps = STEPS) -> list[Defeat]:
    """Return the tips that the viewer sees, by step and the longest first; none for whoever reads no tips."""
    if not viewer.reads_tips:
        return []
    seen = Q(tip__set_apart=False) if viewer.reach is None else Q(tip__set_apart=False, tip__unit__in=viewer.reach)
    return [_told(step, row) for step, model in steps for row in waiting.failing(model).filter(seen)[:at_most]]


def of_tip(tip: Tip, *, steps: Steps = STEPS) -> tuple[Defeat, ...]:
    """Return which steps a tip defeats that the caller has been shown. One query for each step."""
    return tuple(_told(step, row) for step, model in steps for row in waiting.failing(model).filter(tip=tip))


def _told(step: str, row: waiting.Waits) -> Defeat:
    return Defeat(step, row.tip.public_id, row.why, row.failed_since, row.failed_times, row.try_at)
