# SPDX-License-Identifier: Apache-2.0
"""Which tips have been kept as long as the law allows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import Q

from nightlight.pipeline.tips.models import State, Tip
from nightlight.trust.law import rules
from nightlight.trust.law.facts import Record
from nightlight.trust.retention import actions
from nightlight.trust.retention.models import Apart, Destruction

if TYPE_CHECKING:
    from datetime import date, datetime

    from nightlight.trust.law.facts import Pack
    from nightlight.trust.law.rules import Due
    from nightlight.trust.units.viewer import Viewer


@dataclass(frozen=True, slots=True)
class DueTip:
    """A tip whose time is over, or would be but for a hold."""

    public_id: str
    unit: str
    due: Due


def due(viewer: Viewer, *, law: Pack, at: datetime, at_most: int = 50) -> list[DueTip]:
    """Return the tips whose time is over and that nobody has asked to destroy, oldest first."""
    asked = Destruction.objects.exclude(state="refused").values_list("subject", flat=True)
    cleared = [
        subject.removeprefix("tip:")
        for subject in Apart.objects.filter(at__lt=at - timedelta(days=1)).values_list("subject", flat=True)[:500]
    ]
    tips = Tip.objects.select_related("unit").exclude(state=State.OPEN)
    if viewer.reach is not None:
        tips = tips.filter(unit__in=viewer.reach)
    tips = tips.filter(Q(state_at__lt=_oldest_kept(law, at)) | Q(public_id__in=cleared)).order_by("state_at")
    over = {rules.Time.DUE, rules.Time.HELD}
    found = []
    gone = set(asked)
    for tip in tips[: at_most * 4]:
        if f"tip:{tip.public_id}" in gone:
            continue
        stands = actions.due(f"tip:{tip.public_id}", law=law, at=at)
        if stands.time in over:
            found.append(DueTip(tip.public_id, tip.unit.name, stands))
        if len(found) == at_most:
            break
    return found


def _oldest_kept(law: Pack, at: datetime) -> datetime:
    """Return a moment such that tips received later are surely kept; each is then looked at by the rule itself."""
    keep = law.class_of(Record.TIP).keep
    day: date = at.date() - timedelta(days=keep.years * 365 + keep.months * 28 + keep.days)
    return at - (at.date() - day)
