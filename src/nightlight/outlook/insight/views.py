# SPDX-License-Identifier: Apache-2.0
"""Pages of the scorecard, its export, and what is held back from a reporter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from nightlight.foundation import clock
from nightlight.foundation.refusals import Conflict
from nightlight.outlook.desk.access import for_roles
from nightlight.outlook.insight import counts, exporting, holding, queries
from nightlight.outlook.insight.queries import Period
from nightlight.pipeline.routing.outcomes import Outcome
from nightlight.trust.accounts.models import Environment

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from nightlight.outlook.desk.access import DeskRequest
    from nightlight.outlook.insight.counts import Counts

NOTHING = "\N{EN DASH}"
SPANS = (3, 12, 36)  # months that can be asked for
USUAL = 12
STEP, BAR, HEIGHT, ROOM = 26, 16, 72, 16  # of a chart, in pixels: of a month, a bar, the bars, the words below
reads = for_roles(
    *queries.READS,
    otherwise=gettext_lazy("Scorecards are read by triage officers, commanders, auditors and legal reviewers."),
)
gives_out = for_roles(
    *exporting.EXPORTS,
    otherwise=gettext_lazy("Scorecards are given to providers by triage officers and commanders."),
)
holds_back = for_roles(
    *holding.HOLDS_BACK,
    otherwise=gettext_lazy("What a reporter is told is held back by triage officers and commanders."),
)


@dataclass(frozen=True, slots=True)
class Bar:
    """One month of a chart: where it stands, how high it is, and what the table says."""

    x: int
    height: int
    month: date
    told: str
    named: bool


@dataclass(frozen=True, slots=True)
class Chart:
    """One measure by month: a picture, and a table that says the same."""

    code: str
    title: str
    full: str  # what a bar of full height means
    bars: tuple[Bar, ...]
    width: int
    height: int = HEIGHT + ROOM
    base: int = HEIGHT


@require_safe
@reads
def providers(request: DeskRequest) -> HttpResponse:
    """All providers with reports in the period, by name."""
    period, span = _period(request)
    context = {"providers": queries.providers(request.viewer, period), **_asked(period, span)}
    return render(request, "insight/providers.html", context)


@require_safe
@reads
def provider(request: DeskRequest, public_id: str) -> HttpResponse:
    """What one provider's reports held, what became of them, and what it could mend."""
    found = queries.provider(request.viewer, public_id)
    period, span = _period(request)
    card = queries.card(request.viewer, found, period)
    context = {
        "provider": found,
        "card": card,
        "whole": card.whole,
        "shares": counts.shares(card.whole),
        "mendings": counts.mendings(card.whole),
        "outcomes": _outcomes(card.outcomes),
        "closed_reports": sum(card.outcomes.values()),
        "charts": _charts(card.months, period),
        "exports": exporting.may_export(request.viewer),
        "smallest": counts.SMALLEST,
        "everything": request.viewer.reach is None,
        **_asked(period, span),
    }
    return render(request, "insight/provider.html", context)


@require_POST
@gives_out
def export(request: DeskRequest, public_id: str) -> HttpResponse:
    """Give a provider its totals: as CSV, as JSON, or as a page to print."""
    form = request.POST.get("form", "")
    if form not in exporting.FORMATS:
        raise Conflict(_("Choose CSV, JSON or the page to print."))
    found = queries.provider(request.viewer, public_id)
    period, _span = _period(request)
    made = exporting.export(by=request.viewer, at=clock.now(), provider=found, period=period, form=form)
    if form == "page":
        cells = [(Outcome(cell.code).words, cell.reports) for cell in made.outcomes]
        return render(request, "insight/print.html", {"made": made, "cells": cells, "smallest": counts.SMALLEST})
    text, kind = (
        (exporting.as_csv(made), "text/csv") if form == "csv" else (exporting.as_json(made), "application/json")
    )
    answer = HttpResponse(text, content_type=f"{kind}; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="scorecard-{found.public_id}.{form}"'
    return answer


@require_POST
@holds_back
def hold_back(request: DeskRequest, public_id: str) -> HttpResponse:
    """Hold back what the reporter of a tip is told, or release it."""
    held = request.POST.get("held") == "yes"
    try:
        holding.hold_back(
            by=request.viewer, at=clock.now(), tip=public_id, held=held, reason=request.POST.get("reason", "")
        )
    except Conflict as conflict:
        messages.error(request, conflict.reason)
    else:
        messages.success(
            request,
            _("Held back: the reporter is told nothing new of this tip.")
            if held
            else _("Released: the reporter sees from tomorrow what became of it."),
        )
    return redirect("desk:tip", public_id)


def _period(request: DeskRequest) -> tuple[Period, int]:
    asked = request.POST if request.method == "POST" else request.GET
    text = asked.get("months", "")
    span = int(text) if text in map(str, SPANS) else USUAL
    last = clock.now().astimezone(UTC).date().replace(day=1)
    test = asked.get("environment") == Environment.TEST
    environment = Environment.TEST if test else Environment.PRODUCTION
    return Period(counts.following(last, 1 - span), last, environment), span


def _asked(period: Period, span: int) -> dict[str, object]:
    return {"period": period, "span": span, "spans": SPANS, "test": period.environment == Environment.TEST}


def _outcomes(found: dict[str, int]) -> list[tuple[str, int]]:
    """Each outcome that any report has, in the order of the codes."""
    return [(one.words, found[one]) for one in Outcome if found.get(one)]


def _charts(months: Sequence[Counts], period: Period) -> list[Chart]:
    by_month = {one.month: one for one in months}
    every = list(counts.months_between(period.first, period.last))
    most = max((one.reports for one in months), default=0)
    slowest = max((one.median or 0 for one in months), default=0)

    def percent(code: str) -> Callable[[Counts], tuple[int | None, str]]:
        def of(one: Counts) -> tuple[int | None, str]:
            share = next(share for share in counts.shares(one) if share.code == code)
            said = f"{share.n:,} / {share.of:,}" + (f" ({share.percent} %)" if share.of else "")
            return share.percent, said

        return of

    kinds: tuple[tuple[str, str, int, Callable[[Counts], tuple[int | None, str]]], ...] = (
        ("reports", _("Reports"), most, lambda one: (one.reports, f"{one.reports:,}")),
        ("port", _("Addresses with their port"), 100, percent("port")),
        ("zone", _("Times with their zone"), 100, percent("zone")),
        ("days", _("Days to arrive, median"), slowest, lambda one: (one.median, _days(one.median))),
    )
    return [
        Chart(
            code,
            title,
            "100 %" if code in {"port", "zone"} else f"{highest:,}",
            tuple(
                Bar(
                    x=number * STEP + (STEP - BAR) // 2,
                    height=_high(value, highest),
                    month=month,
                    told=told,
                    named=not number % max(1, len(every) // 6),
                )
                for number, month in enumerate(every)
                for value, told in [of(by_month[month]) if month in by_month else (None, NOTHING)]
            ),
            width=len(every) * STEP + STEP,
        )
        for code, title, highest, of in kinds
    ]


def _days(number: int | None) -> str:
    return NOTHING if number is None else f"{number:,}"


def _high(value: int | None, highest: int) -> int:
    """The height of a bar; something that is there is seen, however small."""
    if value is None or not highest:
        return 0
    return max(2 if value else 1, value * (HEIGHT - 4) // highest)
