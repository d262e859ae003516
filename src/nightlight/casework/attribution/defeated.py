# SPDX-License-Identifier: Apache-2.0
"""Reads of tips whose addresses could not be looked up, as triage tells of those that could not be scored.

Whoever runs the installation sees how many, with which error and since when; row security decides who sees which tip.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import connection

from nightlight.casework.attribution.models import Waiting
from nightlight.pipeline.triage import defeated
from nightlight.pipeline.triage.defeated import Defeat, Figure

if TYPE_CHECKING:
    from nightlight.pipeline.tips.models import Tip
    from nightlight.pipeline.triage.defeated import Steps
    from nightlight.trust.units.viewer import Viewer

__all__ = ["STEP", "Defeat", "Figure", "figures", "of_tip", "tips"]
STEP = "attribution"
_STEPS: Steps = ((STEP, Waiting),)


def figures() -> list[Figure]:
    """Return the figures, the oldest trouble first; none for whoever neither administers nor audits. One query."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT why, tips, since FROM attribution_defeated()")
        return [Figure(STEP, *row) for row in cursor.fetchall()]


def tips(viewer: Viewer) -> list[Defeat]:
    """Return the tips that the viewer sees, the longest first; none for whoever reads no tips."""
    return defeated.tips(viewer, steps=_STEPS)


def of_tip(tip: Tip) -> Defeat | None:
    """Return that a tip which the caller has been shown defeats the step; None where it does not. One query."""
    return next(iter(defeated.of_tip(tip, steps=_STEPS)), None)
