# SPDX-License-Identifier: Apache-2.0
"""The scorecard as its provider gets it: that provider's totals and nothing else; who took it out stands in the log."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from nightlight.foundation.refusals import NotAllowed
from nightlight.outlook.insight import counts, queries
from nightlight.pipeline.matching import handing_out
from nightlight.pipeline.routing.outcomes import Outcome
from nightlight.trust.accounts.models import Role
from nightlight.trust.custody import actions as custody

if TYPE_CHECKING:
    from datetime import datetime

    from nightlight.outlook.insight.counts import Cell, Counts, Share
    from nightlight.outlook.insight.queries import Period
    from nightlight.trust.accounts.models import Reporter
    from nightlight.trust.units.viewer import Viewer

EXPORTS = frozenset({Role.TRIAGE_OFFICER, Role.COMMANDER})
FORMATS = ("csv", "json", "page")


@dataclass(frozen=True, slots=True)
class Export:
    """What leaves: the provider, the period, sums, outcomes as the provider was told them."""

    provider: Reporter
    period: Period
    whole: Counts
    months: tuple[Counts, ...]
    outcomes: tuple[Cell, ...]
    made_at: datetime

    @property
    def shares(self) -> tuple[Share, ...]:
        """What the reports held."""
        return counts.shares(self.whole)


def may_export(viewer: Viewer) -> bool:
    """Whether the person gives scorecards out: whoever does sees all units, or the totals would tell of one."""
    return viewer.may(EXPORTS) and viewer.reach is None


@transaction.atomic
def export(*, by: Viewer, at: datetime, provider: Reporter, period: Period, form: str) -> Export:
    """Take a provider's scorecard out. Raises NotAllowed."""
    if not may_export(by):
        raise NotAllowed(
            _(
                "Scorecards are given to providers by triage officers and commanders of the unit at the top: "
                "only they see all reports."
            )
        )
    card = queries.card(by, provider, period)
    custody.append(
        by=by.actor,
        at=at,
        kind="scorecard.exported",
        subject=f"reporter:{provider.public_id}",
        data={
            "form": form,
            "environment": period.environment,
            "first": f"{period.first:%Y-%m}",
            "last": f"{period.last:%Y-%m}",
            "reports": card.whole.reports,
        },
    )
    told = counts.without_small({one.value: card.told.get(one.value, 0) for one in Outcome})
    return Export(provider, period, card.whole, card.months, tuple(told), at)


def as_json(of: Export) -> str:
    """Return it as one JSON object; outcomes that are not told are not in it."""
    return json.dumps(
        {
            "provider": of.provider.public_id,
            "name": of.provider.name,
            "environment": of.period.environment,
            "first": f"{of.period.first:%Y-%m}",
            "last": f"{of.period.last:%Y-%m}",
            "madeOn": f"{of.made_at:%Y-%m-%d}",
            "reports": of.whole.reports,
            "measures": [
                {"code": s.code, "words": s.label, "counts": s.unit, "count": s.n, "of": s.of} for s in of.shares
            ],
            "daysToArrive": {"reports": of.whole.dated, "median": of.whole.median, "p90": of.whole.p90},
            "outcomes": [
                {"code": cell.code, "words": Outcome(cell.code).words, "reports": cell.reports} for cell in of.outcomes
            ],
            "notTold": (
                f"outcomes of fewer than {counts.SMALLEST} reports, and others with them, until "
                f"{counts.SMALLEST} reports or more are left out"
            ),
            "months": [
                {
                    "month": f"{one.month:%Y-%m}",
                    "reports": one.reports,
                    "measures": {s.code: {"count": s.n, "of": s.of} for s in counts.shares(one)},
                    "daysToArrive": {"reports": one.dated, "median": one.median, "p90": one.p90},
                }
                for one in of.months
            ],
        },
        ensure_ascii=False,
        indent=1,
    )


def as_csv(of: Export) -> str:
    """Return it as CSV: one number a line."""
    rows: list[tuple[str | int, ...]] = []
    name = of.provider.name
    for month, one in (("", of.whole), *((f"{m.month:%Y-%m}", m) for m in of.months)):
        rows.append((name, month, "reports", "reports", one.reports, one.reports))
        rows += [(name, month, share.code, share.unit, share.n, share.of) for share in counts.shares(one)]
        for what, days in (("median", one.median), ("p90", one.p90)):
            rows.append((name, month, f"days-to-arrive-{what}", "days", "" if days is None else days, ""))
    rows += [(name, "", f"outcome {cell.code}", "reports", cell.reports, "") for cell in of.outcomes]
    text = io.StringIO()
    handing_out.write(text, ("provider", "month", "what", "counts", "count", "of"), rows)
    return text.getvalue()
