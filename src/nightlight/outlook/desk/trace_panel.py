# SPDX-License-Identifier: Apache-2.0
"""What the page of a tip says of its addresses in a line, and what each of them was, beside the network events."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from nightlight.casework.attribution import defeated, grade_words, label_words, queries
from nightlight.casework.attribution.grades import in_order
from nightlight.casework.attribution.kinds import Way

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from nightlight.outlook.desk.network import EventRow
    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.units.viewer import Viewer


@dataclass(frozen=True, slots=True)
class Panel:
    """How many uses of addresses lead how far, in words; how long records of the best are left, and if that is urgent.

    ``ready`` is False while the worker has not come to this tip; ``failing`` where it came, and could not do it.
    """

    ready: bool
    failing: defeated.Defeat | None = None
    said: str = ""
    left: str = ""
    urgent: bool = False


def of_tip(
    viewer: Viewer, tip: Tip, rows: Sequence[EventRow], at: datetime
) -> tuple[Panel | None, tuple[EventRow, ...]]:
    """Return the line and the rows with what each address was. None where a tip has no addresses to show.

    Two queries.
    """
    if not rows:
        return None, tuple(rows)
    body, failing = queries.of_tip(viewer, tip), defeated.of_tip(tip)
    if body is None:
        return Panel(ready=False, failing=failing), tuple(rows)
    found = {one.event.key: (one, one.traceability(at)) for one in body.events}
    of_place = {place: pair for pair in found.values() for place in pair[0].places}
    labelled = []
    for row in rows:
        pair = of_place.get(row.source)
        if pair is not None:
            one, leads = pair
            label, title = label_words.LABELS[one.labelled.label], grade_words.GRADES[leads.grade][0]
            row = replace(row, label=label, grade=leads.grade.value, leads=title)  # noqa: PLW2901 - the same row
        labelled.append(row)
    if not found:
        return Panel(ready=True, failing=failing, said=_("None of them is taken for the reported person's.")), tuple(
            labelled
        )
    best = in_order((one.event, leads) for one, leads in found.values())[0].traceability
    hours = best.hours_left
    leads_somewhere = best.way in {Way.TRACE, Way.ASK_FIRST}
    panel = Panel(
        ready=True,
        failing=failing,
        said=_said(Counter(leads.way for _one, leads in found.values())),
        left=grade_words.left(hours) if leads_somewhere else "",
        urgent=leads_somewhere and hours is not None and hours < 30 * 24,
    )
    return panel, tuple(labelled)


def _said(ways: Counter[Way]) -> str:
    parts = []
    if number := ways[Way.TRACE]:
        words = ngettext("%(n)d use can be traced now", "%(n)d uses can be traced now", number)
        parts.append(words % {"n": number})
    if number := ways[Way.ASK_FIRST]:
        words = ngettext("%(n)d needs more from the provider first", "%(n)d need more from the provider first", number)
        parts.append(words % {"n": number})
    if number := ways[Way.CORROBORATE] + ways[Way.UNTRACEABLE]:
        words = ngettext("%(n)d leads to nobody by itself", "%(n)d lead to nobody by themselves", number)
        parts.append(words % {"n": number})
    return f"{', '.join(parts)}."
