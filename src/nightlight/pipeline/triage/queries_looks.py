# SPDX-License-Identifier: Apache-2.0
"""Reads of second looks: closures that were sampled and wait for another person, and what such looks have found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef

from nightlight.pipeline.tips.queries import Counted, must_read_tips, shortened, type_label
from nightlight.pipeline.triage import capacity, working
from nightlight.pipeline.triage.models import Band, Closure, Lane, PastScore, Score, Standing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from django.db.models import QuerySet

    from nightlight.trust.units.viewer import Viewer

PAGE = 25
CAP = 9_999
LOOKS_BACK = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Waiting:
    """One closure that waits, and what the score said when it was closed; None where nothing is kept of that time."""

    closure: Closure
    said: Score | PastScore | None
    lane: str  # where the tip is now: it may have been opened again since
    together: Counted  # others that the same act closed, and nobody closed anew since

    @property
    def title(self) -> str:
        """The incident type in the field's present terms."""
        return type_label(self.closure.tip.incident_type)

    @property
    def told(self) -> str:
        """What the tip tells, without the type."""
        summary = getattr(self.closure.tip, "summary", None)
        return shortened(summary.sentence, self.title) if summary else ""

    @property
    def band(self) -> str:
        """The band by the rules then."""
        return str(Band(self.said.band).label) if self.said else ""

    @property
    def again_open(self) -> bool:
        """Whether somebody has opened the tip again meanwhile."""
        return self.lane != Lane.CLOSED


@dataclass(frozen=True, slots=True)
class Found:
    """Of the closures that were sampled in the last year: how many were looked at, and where the other disagreed.

    ``gone``: of those nobody looked at, the tips that were destroyed since, so that nobody can. ``least`` and ``most``:
    the share of wrong closures in hundredths that these numbers allow for (95 of 100 times).
    """

    sampled: Counted
    looked: int
    disagreed: int
    gone: int
    least: int
    most: int

    @property
    def share(self) -> int:
        """How often the second person disagreed, in hundredths of those looked at."""
        return round(100 * self.disagreed / self.looked) if self.looked else 0


def waiting(viewer: Viewer, *, at_most: int = PAGE) -> tuple[list[Waiting], bool]:
    """Return the closures that wait and that the viewer may look at, oldest first, and whether there are more."""
    found = list(_open_to(viewer).select_related("tip", "tip__summary", "tip__unit", "by")[: at_most + 1])
    shown = found[:at_most]
    said = _said_then(shown)
    lanes = dict(Standing.objects.filter(tip__in=[one.tip_id for one in shown]).values_list("tip_id", "lane"))
    listed = [Waiting(one, said.get(one.pk), lanes.get(one.tip_id, Lane.CLOSED), _together(one)) for one in shown]
    return listed, len(found) > at_most


def _together(closure: Closure) -> Counted:
    most = working.AT_ONCE - 1  # as many as one act opens again
    number = working.closed_with(closure)[: most + 1].count()
    return Counted(min(number, most), number > most)


def found(viewer: Viewer, at: datetime) -> Found:
    """Return what second looks have found in the viewer's units in the year before ``at``, by nobody's name."""
    sampled = _sampled(viewer).filter(at__gt=at - LOOKS_BACK).order_by("-at")
    rows: list[tuple[bool | None, str | None]] = list(
        sampled.values_list("second_look__agrees", "tip__standing__lane")[: CAP + 1]
    )
    counted: list[bool | None] = [answer for answer, _ in rows[:CAP]]
    gone = sum(answer is None and lane is None for answer, lane in rows[:CAP])
    looked = sum(answer is not None for answer in counted)
    disagreed = counted.count(False)
    least, most = capacity.likely_share(disagreed, looked) or (0.0, 1.0)
    number = Counted(len(counted), len(rows) > CAP)
    return Found(number, looked, disagreed, gone, round(100 * least), round(100 * most))


def _sampled(viewer: Viewer) -> QuerySet[Closure]:
    """Sampled closures of tips that the viewer's units hold now; the database shows no others but behind glass."""
    must_read_tips(viewer)
    closures = Closure.objects.filter(sampled=True, tip__set_apart=False)
    return closures if viewer.reach is None else closures.filter(tip__unit__in=viewer.reach)


def _open_to(viewer: Viewer) -> QuerySet[Closure]:
    # Of a tip that was closed twice the latest comes first: that is the one that `working.second_look` is about.
    later = Closure.objects.filter(tip=OuterRef("tip"), sampled=True, second_look=None, pk__gt=OuterRef("pk"))
    # One that was destroyed since stands nowhere: there is nothing left to judge.
    unseen = _sampled(viewer).filter(second_look=None, tip__standing__isnull=False).exclude(by=viewer.user_id)
    return unseen.filter(~Exists(later)).order_by("at", "id")


def _said_then(closures: Sequence[Closure]) -> Mapping[int, Score | PastScore]:
    """The score that counted when each was closed: the last one made until then."""
    tips = [one.tip_id for one in closures]
    scores: list[Score | PastScore] = [
        *PastScore.objects.filter(tip__in=tips).defer("body").order_by("at", "id"),
        *Score.objects.filter(tip__in=tips).defer("body"),
    ]
    found: dict[int, Score | PastScore] = {}
    for closure in closures:
        for score in scores:  # a tip's in the order in which they were made
            if score.tip_id == closure.tip_id and score.at <= closure.at:
                found[closure.pk] = score
    return found
