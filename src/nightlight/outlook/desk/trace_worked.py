# SPDX-License-Identifier: Apache-2.0
"""What the uses of addresses of a person lead to, worked out once for the pages that show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightlight.casework.attribution import queries, weighing
from nightlight.outlook.desk.templatetags.desk import zone
from nightlight.outlook.desk.trace_ladder import Use

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from nightlight.casework.attribution.candidate_answers import Answered
    from nightlight.casework.attribution.candidate_kinds import Ranking
    from nightlight.casework.attribution.queries import Traces
    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.units.viewer import Viewer


@dataclass(frozen=True, slots=True)
class Worked:
    """The events of a person by key, what they lead to, and what the answers that came back make of it."""

    found: Traces
    uses: Mapping[str, Use]
    answered: Answered

    @property
    def ranking(self) -> Ranking:
        """The candidates as the answers leave them."""
        return self.answered.ranking

    @property
    def person(self) -> str:
        """The pseudonym of whom this is about; empty where the tip was not linked yet."""
        return next((name for number, name in self.found.people if number == self.found.party), "")


def work_out(viewer: Viewer, tip: Tip, party: int | None, *, at: datetime) -> Worked:
    """Work it out for a reported person of a tip, at ``at``. Raises NotAllowed."""
    found = queries.traces(viewer, tip, party)
    uses = {one.event.key: Use(one, one.traceability(at)) for one in found.events}
    graded = [one.graded for one in uses.values()]
    return Worked(found, uses, weighing.answered(found, graded, at=at, zone=zone()))
