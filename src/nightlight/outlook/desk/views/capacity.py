# SPDX-License-Identifier: Apache-2.0
"""Capacity: how much waits and how old it is, what comes and is closed a day, and when the pile is empty."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from statistics import median
from typing import TYPE_CHECKING

from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_safe

from nightlight.foundation import clock
from nightlight.outlook.desk.access import for_roles
from nightlight.outlook.desk.templatetags.desk import zone
from nightlight.pipeline.triage import capacity as rules
from nightlight.pipeline.triage import queries_capacity as queries
from nightlight.pipeline.triage import queries_shift
from nightlight.pipeline.triage.models import Band
from nightlight.trust.accounts.models import Role
from nightlight.trust.units.rules import REACHES_BELOW
from nightlight.trust.units.viewer import reached_units

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from django.http import HttpResponse

    from nightlight.outlook.desk.access import DeskRequest

OPENS = frozenset({Role.COMMANDER, Role.TRIAGE_OFFICER})
MOST_OFFICERS, MOST_A_DAY = 999, 500
HEIGHT, STEP, BAR = 110, 30, 11
AGES = (
    gettext_lazy("under 1 day"),
    gettext_lazy("1 to 3 days"),
    gettext_lazy("3 to 7 days"),
    gettext_lazy("7 to 14 days"),
    gettext_lazy("14 to 30 days"),
    gettext_lazy("30 to 90 days"),
    gettext_lazy("older"),
)


@dataclass(frozen=True, slots=True)
class Case:
    """What a forecast is made from, but for the number of officers."""

    piles: Sequence[queries.Pile]
    measured: queries.Measured
    rates: rules.Rates  # of an officer
    day: date  # today

    @property
    def backlog(self) -> int:
        """All tips that are not closed."""
        return sum(one.whole for one in self.piles)

    @property
    def arrivals(self) -> rules.Rates | None:
        """What comes a day; None where no whole day is measured: then nothing can be foretold."""
        return rules.weekly(self.measured.arrived)


@dataclass(frozen=True, slots=True)
class Said:
    """A forecast in words: for which officers or bands, and when in the middle, in good and in bad weeks."""

    label: str
    middle: str
    good: str
    bad: str


@dataclass(frozen=True, slots=True)
class Column:
    """One day of the picture, in pixels, with the day's numbers."""

    x: int
    came: int
    closed: int
    came_height: int
    closed_height: int
    label: str
    named: bool
    at_work: int


@require_safe
@for_roles(*OPENS, otherwise=gettext_lazy("Capacity is for commanders and triage officers: they share the work out."))
def capacity(request: DeskRequest) -> HttpResponse:
    """The pile, what moves it, and the forecast; the address holds for which unit and how many officers."""
    viewer, at = request.viewer, clock.now()
    unit = queries_shift.chosen(viewer, request.GET.get("unit", ""))
    reaches = viewer.may(REACHES_BELOW) and unit.children.exists()
    below = reaches and request.GET.get("below") == "1"
    units = queries.keys(viewer, unit, below=below)
    piles = queries.backlog(viewer, units, at)
    measured = queries.measured(viewer, units, at, zone())
    posts = queries.people(units, at)
    now = posts if measured.officers is None else measured.officers
    entered, problem = _number(request.GET.get("each", ""), 1, MOST_A_DAY)
    asked, other = _number(request.GET.get("officers", ""), 0, MOST_OFFICERS)
    officers = now if asked is None else asked
    rates = _rates(measured, entered)
    case = Case(piles, measured, rates, at.astimezone(zone()).date())
    context = {
        "unit": unit,
        "units": reached_units(viewer),
        "reaches": reaches,
        "below": below,
        "problem": problem or other,
        "piles": piles,
        "ages": AGES,
        "total": sum(one.whole for one in piles),
        "capped": any(one.more for one in piles),
        "measured": measured,
        "came": _spread(measured.arrived),
        "closed": _spread(measured.closures),
        "each": _rate(rates.middle),
        "each_low": _rate(rates.low),
        "each_high": _rate(rates.high),
        "entered": entered,
        "is_measured": measured.per_officer is not None,
        "enough": rules.ENOUGH,
        "posts": posts,
        "now": now,
        "who": _who(officers),
        "asked": asked,
        "now_number": _rate(Fraction(now)),
        "most_officers": MOST_OFFICERS,
        "most_a_day": MOST_A_DAY,
        "verdict": _verdict(case, officers),
        "foretold": case.arrivals is not None,
        "whole": _whole(case, now, officers),
        "bands": _bands(case, officers),
        "columns": _columns(measured),
        "width": max(1, len(measured.days)) * STEP,
        "height": HEIGHT + 20,
        "base": HEIGHT,
    }
    return render(request, "desk/capacity.html", context, status=400 if problem or other else 200)


def _number(text: str, least: int, most: int) -> tuple[int | None, str]:
    """A number from the address; None where nothing was asked. The second is what is wrong with it."""
    told = text.strip()
    if not told:
        return None, ""
    if told.isascii() and told.isdigit() and len(told) <= 6 and least <= int(told) <= most:
        return int(told), ""
    return None, _("Give a whole number from %(least)d to %(most)d. What was measured or assumed is used instead.") % {
        "least": least,
        "most": most,
    }


def _rates(measured: queries.Measured, entered: int | None) -> rules.Rates:
    """What an officer closes a day: as entered, else as measured, else assumed."""
    if entered is not None:
        return rules.fixed(Fraction(entered))
    return measured.per_officer or rules.fixed(Fraction(rules.ASSUMED))


def _who(number: Fraction | int) -> str:
    """So many officers; not a whole number is an average."""
    if number == int(number):
        return ngettext("%(n)d officer", "%(n)d officers", int(number)) % {"n": int(number)}
    return _("%(n)s officers a day on average") % {"n": _rate(Fraction(number))}


def _whole(case: Case, now: Fraction | int, asked: Fraction | int) -> list[Said]:
    found: list[Said] = []
    come = case.arrivals
    if come is None:
        return found
    for number in sorted({now, asked}):
        label = _who(number)
        outlook = rules.outlook(backlog=case.backlog, arrivals=come, per_officer=case.rates, officers=number)
        found.append(_said(label + (" " + _("(as now)") if number == now else ""), outlook, case.day))
    return found


def _bands(case: Case, officers: Fraction | int) -> list[Said]:
    if case.arrivals is None:
        return []
    labels = {
        Band.CRITICAL: _("Critical"),
        Band.HIGH: _("Critical and high"),
        Band.MEDIUM: _("Critical, high and medium"),
        Band.LOW: _("All bands"),
    }
    backlog = {one.band.value: one.whole for one in case.piles}
    found = rules.tiers(backlog, case.measured.arrivals, case.rates, officers)
    return [_said(labels[Band(band)], outlook, case.day) for band, outlook in found]


def _said(label: str, outlook: rules.Outlook, day: date) -> Said:
    return Said(label, _when(outlook.middle, day), _when(outlook.good, day), _when(outlook.bad, day))


def _when(forecast: rules.Forecast, day: date) -> str:
    if forecast.days is None:
        return _("never")
    if forecast.days == 0:
        return _("empty now")
    if forecast.days > rules.LONGEST:
        return _("in more than ten years")
    there = day + timedelta(days=forecast.days)
    return f"{there.day} {there:%b %Y}"


def _verdict(case: Case, officers: Fraction | int) -> str:
    """The forecast of the middle in one sentence, or why there is none."""
    if case.arrivals is None:
        return (
            _("No forecast: more came or was closed in these days than is counted, so no whole day is measured.")
            if case.measured.capped
            else _("No forecast: the unit is new, and no whole day is measured yet.")
        )
    found = rules.forecast(
        backlog=case.backlog, arrivals=case.arrivals.middle, per_officer=case.rates.middle, officers=officers
    )
    who = _who(officers)
    if found.days is None:
        words = (
            _("With %(who)s the pile never gets empty: %(more)s more arrive each day than they close.")
            if found.surplus
            else _("With %(who)s the pile never gets empty: as many arrive each day as they close.")
        )
        told = words % {"who": who, "more": _rate(found.surplus)}
        if found.needed is not None and found.needed <= MOST_OFFICERS:
            return (
                told
                + " "
                + _("%(n)d (%(k)s more) would make it shrink.")
                % {
                    "n": found.needed,
                    "k": _rate(Fraction(found.needed - officers)),
                }
            )
        return told
    if found.days == 0:
        return _("The pile is empty now, and %(who)s keep it so.") % {"who": who}
    if found.days > rules.LONGEST:
        return _("With %(who)s it takes more than ten years until the pile is empty.") % {"who": who}
    return _("With %(who)s the pile is empty on %(when)s.") % {"who": who, "when": _when(found, case.day)}


def _rate(rate: Fraction) -> str:
    return f"{float(rate):,.1f}".removesuffix(".0")


def _spread(numbers: Sequence[int]) -> dict[str, str] | None:
    """Median and range of numbers a day; None where there is no whole day."""
    if not numbers:
        return None
    return {
        "median": f"{median(numbers):,.1f}".removesuffix(".0"),
        "least": f"{min(numbers):,}",
        "most": f"{max(numbers):,}",
    }


def _columns(measured: queries.Measured) -> list[Column]:
    most = max((*measured.arrived, *measured.closures), default=0) or 1
    return [
        Column(
            x=number * STEP + 3,
            came=came,
            closed=closed,
            came_height=came * (HEIGHT - 5) // most,
            closed_height=closed * (HEIGHT - 5) // most,
            label=f"{day.day} {day:%b}",
            named=number % 7 == 0,
            at_work=at_work,
        )
        for number, (day, came, closed, at_work) in enumerate(
            zip(measured.days, measured.arrived, measured.closures, measured.at_work, strict=True)
        )
    ]
