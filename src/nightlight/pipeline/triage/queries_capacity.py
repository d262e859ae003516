# SPDX-License-Identifier: Apache-2.0
"""Reads for the forecast: the backlog by band and age, what comes and is closed each day, and who is at work.

Everything stops at a cap. Where one is reached, days that were not read whole are left out, and the answer says so.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

from django.db.models import Count, Q, Sum

from nightlight.pipeline.tips.queries import must_read_tips
from nightlight.pipeline.triage import capacity
from nightlight.pipeline.triage.models import FIRST, Band, Closure, Lane, Row, Standing
from nightlight.pipeline.triage.queue import MOST_COUNTED
from nightlight.trust.accounts.models import Environment, Role
from nightlight.trust.units.models import Below, Post, Shift

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from zoneinfo import ZoneInfo

    from django.db.models import QuerySet

    from nightlight.trust.units.models import Unit
    from nightlight.trust.units.viewer import Viewer

DAYS = 28
ROWS = 50_000  # of each band
EVENTS = 20_000  # arrivals, closures, tips of one large row
LARGE = 20  # large rows of each band that are counted whole
AGES = (1, 3, 7, 14, 30, 90)  # days; the last column is what is older
SOON = timedelta(hours=72)
WORKERS = (Role.TRIAGE_OFFICER, Role.INVESTIGATOR)


@dataclass(frozen=True, slots=True)
class Pile:
    """The open tips of one band: by age of their row, those whose evidence dies soon or may be gone, those put off."""

    band: Band
    rows: int
    tips: int
    ages: tuple[int, ...]  # tips, one for each of AGES and for what is older
    soon: int
    gone: int
    put_off: int
    more: bool  # counting stopped at the cap

    @property
    def whole(self) -> int:
        """Tips that are to be closed some day: open ones and those that come back."""
        return self.tips + self.put_off


@dataclass(frozen=True, slots=True)
class Measured:
    """Whole days before today, the oldest first, and for each what came, what was closed, and who was at work.

    ``short``: fewer days than 28, because the unit is new or, where ``capped``, because more came than is counted.
    """

    days: tuple[date, ...]
    arrivals: dict[int, tuple[int, ...]]  # band -> tips a day
    closures: tuple[int, ...]
    at_work: tuple[int, ...]  # officers who were on duty or closed something
    short: bool
    capped: bool = False

    @property
    def arrived(self) -> tuple[int, ...]:
        """Tips of all bands that came, a day."""
        return tuple(sum(day) for day in zip(*self.arrivals.values(), strict=True))

    @property
    def closed(self) -> int:
        """Closures of all these days."""
        return sum(self.closures)

    @property
    def per_officer(self) -> capacity.Rates | None:
        """Tips an officer closes a working day; None where fewer than 20 closures say nothing about it."""
        return capacity.weekly(self.closures, self.at_work) if self.closed >= capacity.ENOUGH else None

    @property
    def officers(self) -> Fraction | None:
        """How many officers were at work on a calendar day, on average, exactly; None where nothing is measured.

        A rounded number would promise more than they close: one who works five days a week is not one each day.
        """
        return None if self.per_officer is None else Fraction(sum(self.at_work), len(self.days))


def keys(viewer: Viewer, unit: Unit, *, below: bool) -> list[int]:
    """Return the database keys of the unit, and of those below it that the viewer reaches if ``below``."""
    if not below:
        return [unit.pk]
    found = Below.objects.filter(ancestor=unit).values_list("unit_id", flat=True)
    return [key for key in found if viewer.reach is None or key in viewer.reach]


def backlog(viewer: Viewer, units: Collection[int], at: datetime) -> list[Pile]:
    """Return the pile of these units, the most urgent band first; six queries, each up to a cap."""
    must_read_tips(viewer)
    limits = [at - timedelta(days=days) for days in AGES]
    steps = [
        Q(first_at__gt=limits[0]),
        *(Q(first_at__lte=newer, first_at__gt=older) for newer, older in pairwise(limits)),
        Q(first_at__lte=limits[-1]),
    ]
    hour = at.replace(minute=0, second=0, microsecond=0)  # rows know the hour only
    sums = {f"age_{number}": Sum("tips", filter=step) for number, step in enumerate(steps)}
    put_off = _put_off(units)
    found = []
    for band in sorted(Band, reverse=True):
        rows = Row.objects.filter(unit__in=units, environment=Environment.PRODUCTION, band=band)
        told = rows.order_by()[: ROWS + 1].aggregate(
            of_rows=Count("pk"),
            of_tips=Sum("tips"),
            soon=Sum("tips", filter=Q(dies_at__gte=hour, dies_at__lt=at + SOON)),
            gone=Sum("tips", filter=Q(dies_at__gt=FIRST, dies_at__lt=hour)),
            large=Count("pk", filter=Q(tips__gt=MOST_COUNTED)),
            **sums,
        )
        pile = Pile(
            band=band,
            rows=told["of_rows"],
            tips=told["of_tips"] or 0,
            ages=tuple(told[name] or 0 for name in sums),
            soon=told["soon"] or 0,
            gone=told["gone"] or 0,
            put_off=put_off[band],
            more=told["of_rows"] > ROWS,
        )
        found.append(_with_large(pile, rows, limits, hour, at) if told["large"] else pile)
    return found


def _with_large(pile: Pile, rows: QuerySet[Row], limits: Sequence[datetime], hour: datetime, at: datetime) -> Pile:
    """The pile with all tips of its large rows: a row itself counts only up to a limit."""
    large = list(rows.filter(tips__gt=MOST_COUNTED).order_by("id")[: LARGE + 1])
    ages, tips, soon, gone, more = list(pile.ages), pile.tips, pile.soon, pile.gone, pile.more or len(large) > LARGE
    for row in large[:LARGE]:
        of_row = Standing.objects.filter(
            unit=row.unit_id, environment=row.environment, kind=row.kind, anchor=row.anchor, lane=Lane.OPEN
        )
        number = of_row.order_by()[: EVENTS + 1].count()
        extra = number - row.tips
        more = more or number > EVENTS
        tips += extra
        ages[sum(row.first_at <= limit for limit in limits)] += extra
        if row.dies_at is not None and FIRST < row.dies_at < at + SOON:
            soon, gone = (soon, gone + extra) if row.dies_at < hour else (soon + extra, gone)
    return replace(pile, ages=tuple(ages), tips=tips, soon=soon, gone=gone, more=more)


def _put_off(units: Collection[int]) -> Counter[int]:
    waiting = Standing.objects.filter(lane=Lane.SNOOZED, unit__in=units, environment=Environment.PRODUCTION)
    return Counter(waiting.order_by().values_list("band", flat=True)[:EVENTS])


def measured(viewer: Viewer, units: Collection[int], at: datetime, zone: ZoneInfo) -> Measured:
    """Return what came and what was closed on each of the 28 days before today (days of ``zone``), and who worked."""
    must_read_tips(viewer)
    today = at.astimezone(zone).date()
    began = [datetime.combine(today - timedelta(days=back), time.min, zone) for back in range(DAYS, -1, -1)]
    since, until = began[0].astimezone(UTC), began[-1].astimezone(UTC)
    here = {"environment": Environment.PRODUCTION, "unit__in": units}
    came = list(
        Standing.objects.filter(**here, arrived_at__gte=since, arrived_at__lt=until)
        .order_by("-arrived_at")
        .values_list("arrived_at", "band")[: EVENTS + 1]
    )
    closures = list(
        Closure.objects.filter(
            **{f"tip__{name}": value for name, value in here.items()}, tip__set_apart=False, at__gte=since, at__lt=until
        )
        .order_by("-at")
        .values_list("at", "by_id", "tip_id")[: EVENTS + 1]
    )
    whole = max(_first_whole(came, zone), _first_whole(closures, zone))
    first = max(whole, new := max(_first_day(units, came, since, zone), began[0].date()))
    days = tuple(day for one in began[:-1] if (day := one.date()) >= first)
    by_day = Counter((moment.astimezone(zone).date(), band) for moment, band in came)
    closed = {(moment.astimezone(zone).date(), tip) for moment, _, tip in closures}
    a_day = Counter(day for day, _ in closed)
    return Measured(
        days=days,
        arrivals={band: tuple(by_day[day, band] for day in days) for band in Band.values},
        closures=tuple(a_day[day] for day in days),
        at_work=_at_work(units, closures, days, zone),
        short=len(days) < DAYS,
        capped=whole >= new and whole > date.min,
    )


def _first_whole(events: Sequence[tuple[datetime, int] | tuple[datetime, int, int]], zone: ZoneInfo) -> date:
    """The first day of which all are there, where reading stopped at the cap."""
    if len(events) <= EVENTS:
        return date.min
    return events[-1][0].astimezone(zone).date() + timedelta(days=1)


def _first_day(units: Collection[int], came: Sequence[tuple[datetime, int]], since: datetime, zone: ZoneInfo) -> date:
    """Of units that are new: the day after their first tip came. Before that nothing could come or be closed."""
    there = Standing.objects.filter(unit__in=units, environment=Environment.PRODUCTION)
    if there.filter(arrived_at__lt=since).exists():
        return date.min
    if came:
        return came[-1][0].astimezone(zone).date() + timedelta(days=1)
    return date.max if there.exists() else date.min  # the first came today


def _at_work(
    units: Collection[int],
    closures: Sequence[tuple[datetime, int, int]],
    days: Sequence[date],
    zone: ZoneInfo,
) -> tuple[int, ...]:
    """How many officers each day: who closed something, and who was on duty and closes tips at all."""
    present = {(moment.astimezone(zone).date(), by) for moment, by, _ in closures}
    if days:
        closers = {by for _, by in present}
        first, last = (datetime.combine(day, time.min, zone) for day in (days[0], days[-1] + timedelta(days=1)))
        shifts = Shift.objects.filter(unit__in=units, user__in=closers, starts_at__gte=first, starts_at__lt=last)
        duty = shifts.values_list("starts_at", "user_id")[:EVENTS]
        present |= {(starts.astimezone(zone).date(), user) for starts, user in duty}
    number = Counter(day for day, _ in present)
    return tuple(number[day] for day in days)


def people(units: Collection[int], at: datetime) -> int:
    """Return how many people have a post as triage officer or investigator in these units now."""
    posts = Post.objects.active(at).filter(unit__in=units, role__in=WORKERS, user__is_active=True)
    return posts.values("user_id").distinct().count()
