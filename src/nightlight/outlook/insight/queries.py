# SPDX-License-Identifier: Apache-2.0
"""Reads the scorecard: sums over the reports that the viewer sees (row security), by provider and month."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.db.models import OuterRef, Subquery

from nightlight.foundation.refusals import NotAllowed, NotFound
from nightlight.outlook.insight.counts import Counts
from nightlight.outlook.insight.models import HoldBack, Told
from nightlight.pipeline.tips.models import Tip
from nightlight.trust.accounts.models import Origin, Reporter, Role

if TYPE_CHECKING:
    from datetime import date

    from nightlight.trust.units.viewer import Viewer

READS = frozenset({Role.TRIAGE_OFFICER, Role.COMMANDER, Role.AUDITOR, Role.LEGAL_REVIEWER})
# People are no provider. One that another installation named reports there: what of it is handed on here is a choice of
# theirs, says nothing about the provider, and would tell it what was handed on.
PROVIDERS = (Origin.API, Origin.DOWNLOAD)
_SUMS = """count(*) AS reports, count(*) FILTER (WHERE addressed > 0) AS with_address,
    coalesce(sum(events), 0) AS events,
    coalesce(sum(addressed), 0) AS addressed, coalesce(sum(with_port), 0) AS with_port,
    count(*) FILTER (WHERE with_port > 0) AS any_port,
    count(*) FILTER (WHERE addressed > 0 AND with_port = addressed) AS all_ports,
    coalesce(sum(with_zone), 0) AS with_zone, count(*) FILTER (WHERE arrived > 0) AS with_media,
    coalesce(sum(files), 0) AS files, coalesce(sum(arrived), 0) AS arrived,
    coalesce(sum(viewed_stated), 0) AS viewed_stated, count(*) FILTER (WHERE contact) AS contact,
    count(*) FILTER (WHERE account) AS account, count(*) FILTER (WHERE contact OR account) AS contact_or_account,
    count(*) FILTER (WHERE narrative) AS narrative, count(*) FILTER (WHERE thin) AS thin,
    count(*) FILTER (WHERE repeats) AS repeats, count(days) AS dated,
    percentile_disc(0.5) WITHIN GROUP (ORDER BY days) AS median,
    percentile_disc(0.9) WITHIN GROUP (ORDER BY days) AS p90"""
_WHICH = "FROM insight_quality WHERE state = 'received' AND environment = %s AND month BETWEEN %s AND %s"
_PROVIDERS = f"""
WITH counted AS MATERIALIZED (SELECT reporter_id, NULL::date AS month, {_SUMS} {_WHICH} GROUP BY reporter_id)
SELECT r.public_id, r.name, c.* FROM counted c JOIN accounts_reporter r ON r.id = c.reporter_id
WHERE r.origin IN ('api', 'download') ORDER BY r.name, r.id
"""  # noqa: S608 - our own words
_MONTHS = f"SELECT month, {_SUMS} {_WHICH} AND reporter_id = %s GROUP BY GROUPING SETS ((month), ())"
_OUTCOMES = """
SELECT f.outcome, f.told, count(*) FROM insight_quality q JOIN insight_told f ON f.tip_id = q.tip_id
WHERE q.state = 'received' AND q.environment = %s AND q.month BETWEEN %s AND %s AND q.reporter_id = %s GROUP BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Period:
    """Whole months (their first days), the last one included, of production or of test reports."""

    first: date
    last: date
    environment: str

    @property
    def parameters(self) -> list[Any]:
        """What the queries are told."""
        return [self.environment, self.first, self.last]


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider with the sums of a period."""

    public_id: str
    name: str
    counts: Counts


@dataclass(frozen=True, slots=True)
class Card:
    """The scorecard of one provider: the whole, month by month, and how many reports had which outcome.

    ``outcomes`` are the true ones; ``told`` are those that the provider was told.
    """

    whole: Counts
    months: tuple[Counts, ...]
    outcomes: dict[str, int]
    told: dict[str, int]


def providers(viewer: Viewer, period: Period) -> list[Provider]:
    """Return whoever has reports in the period that the viewer sees, by name: an alphabet, not a ranking."""
    _must_read(viewer)
    found = _rows(_PROVIDERS, period.parameters)
    return [Provider(row["public_id"], row["name"], _counts(row)) for row in found]


def provider(viewer: Viewer, public_id: str) -> Reporter:
    """Return a provider. Raises NotFound, NotAllowed."""
    _must_read(viewer)
    found = Reporter.objects.filter(public_id=public_id[:16], origin__in=PROVIDERS).first()
    if found is None:
        raise NotFound("There is no such provider.")
    return found


def card(viewer: Viewer, of: Reporter, period: Period) -> Card:
    """Return the scorecard of a provider, from the reports that the viewer sees."""
    _must_read(viewer)
    rows = [_counts(row) for row in _rows(_MONTHS, [*period.parameters, of.pk])]
    outcomes: dict[str, int] = {}
    told: dict[str, int] = {}
    for row in _rows(_OUTCOMES, [*period.parameters, of.pk]):
        outcomes[row["outcome"]] = outcomes.get(row["outcome"], 0) + row["count"]
        told[row["told"]] = told.get(row["told"], 0) + row["count"]
    months = sorted((row for row in rows if row.month is not None), key=lambda row: str(row.month))
    return Card(next(row for row in rows if row.month is None), tuple(months), outcomes, told)


def told_of(tip: Tip) -> tuple[Told | None, HoldBack | None]:
    """Return what the reporter of a tip is told, and the decision to hold that back, if it stands."""
    decided = HoldBack.objects.filter(tip=OuterRef("pk")).order_by("-id")
    # In one question: most tips are not held back.
    row = Tip.objects.select_related("feedback").annotate(held=Subquery(decided.values("held")[:1])).get(pk=tip.pk)
    held = HoldBack.objects.filter(tip=tip).select_related("by").order_by("-id").first() if row.held else None
    return getattr(row, "feedback", None), held


def _must_read(viewer: Viewer) -> None:
    if not viewer.may(READS):
        raise NotAllowed("Scorecards are read by triage officers, commanders, auditors and legal reviewers.")


def _rows(sql: str, parameters: list[Any]) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _counts(row: dict[str, Any]) -> Counts:
    return Counts(**{field.name: _number(row[field.name]) for field in fields(Counts)})


def _number(value: Any) -> Any:  # noqa: ANN401 - a date, a number or nothing
    # Sums of integers come as bigint or numeric; a month and what is absent stay as they are.
    return int(value) if value is not None and not hasattr(value, "year") else value
