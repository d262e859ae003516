# SPDX-License-Identifier: Apache-2.0
"""Reads of the hand-over: what happened in a shift of one unit, what is open, and what shifts before have left.

Each list goes by an index and stops at a cap. Production only: what reporters try out is nobody's work.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from django.db.models import Exists, Model, OuterRef, Prefetch

from nightlight.foundation.refusals import NotFound
from nightlight.pipeline.tips.queries import must_read_tips
from nightlight.pipeline.triage import spans
from nightlight.pipeline.triage.alerting import WORKS
from nightlight.pipeline.triage.models import Alert, Band, Closure, Disposition, Lane, Override, Quiet, Row, Standing
from nightlight.pipeline.triage.models_shift import Handover, HandoverRead
from nightlight.trust.accounts.models import Environment
from nightlight.trust.units import queries as units

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from django.db.models import QuerySet

    from nightlight.foundation.canonical_json import Json
    from nightlight.trust.units.models import Unit
    from nightlight.trust.units.viewer import Viewer

M = TypeVar("M", bound=Model)
LISTED = 50  # of each kind; what is more is said to be more
COUNTED = 5_000
COMES_BACK = timedelta(hours=12)
WAITS = timedelta(days=7)  # how long a note stands on top of the queue of whoever has not read it
_LONGEST_ROSTER = timedelta(hours=72)


@dataclass(frozen=True, slots=True)
class Held:
    """What one person holds: the first tip of each row, how many tips stand in it, and since when it is theirs."""

    who: str
    public_id: str  # of the person
    mine: bool
    rows: tuple[tuple[Standing, int], ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """What a shift hands on. ``capped`` names the lists that hold more than is shown."""

    span: spans.Span
    alerts_waiting: tuple[Alert, ...]  # that call people
    alerts_quiet: tuple[Alert, ...]  # that wait and call nobody
    alerts_answered: tuple[Alert, ...]
    arrived: tuple[tuple[Band, int, int], ...]  # band, rows that are new, rows to which a tip was added
    held: tuple[Held, ...]
    comes_back: tuple[Standing, ...]
    dies: tuple[Row, ...]
    closures: tuple[tuple[Disposition, int], ...]
    overrides: tuple[Override, ...]
    capped: frozenset[str]


def chosen(viewer: Viewer, public_id: str = "") -> Unit:
    """Return the unit asked for, else that of the viewer's first post where tips are worked, else of their first.

    Raises NotFound for a unit beyond reach.
    """
    must_read_tips(viewer)
    working = [post for post in viewer.posts if post.role in WORKS]
    unit = units.unit(public_id or (working or list(viewer.posts))[0].unit)
    if viewer.reach is not None and unit.pk not in viewer.reach:
        raise NotFound("There is no such unit in your reach.")
    return unit


def span_of(viewer: Viewer, unit: Unit, at: datetime, hours: int | None = None) -> spans.Span:
    """Return the time that a hand-over of this person and unit is about now."""
    shifts = units.roster(unit, at - _LONGEST_ROSTER, at + _LONGEST_ROSTER)
    duties = [spans.Duty(one.starts_at, one.ends_at, one.user_id == viewer.user_id) for one in shifts]
    return spans.span(duties, at, hours)


def figures(viewer: Viewer, unit: Unit, span: spans.Span) -> Figures:
    """Return what the shift of this unit hands on. The viewer reaches the unit (see `chosen`)."""
    must_read_tips(viewer)
    capped: set[str] = set()

    def some(name: str, found: QuerySet[M], at_most: int = LISTED) -> tuple[M, ...]:
        rows = tuple(found[: at_most + 1])
        if len(rows) > at_most:
            capped.add(name)
        return rows[:at_most]

    here = {"tip__unit": unit, "tip__environment": Environment.PRODUCTION, "tip__set_apart": False}
    alerts = Alert.objects.filter(**here).select_related("tip", "acknowledged_by")
    unanswered = alerts.filter(acknowledged_by=None).order_by("quiet", "-raised_at", "-id")
    during = {"gte": span.since, "lte": span.until}
    closures = Closure.objects.filter(**here, **{f"at__{name}": at for name, at in during.items()})
    overrides = Override.objects.filter(**here, **{f"at__{name}": at for name, at in during.items()})
    dispositions = list(closures.order_by("-at").values_list("disposition", flat=True)[: COUNTED + 1])
    if len(dispositions) > COUNTED:
        capped.add("closures")
    counted = Counter(dispositions[:COUNTED])
    standings = Standing.objects.filter(unit=unit, environment=Environment.PRODUCTION).select_related("tip", "holder")
    held = standings.filter(holder__isnull=False, lane=Lane.OPEN).order_by("held_since", "tip")
    put_off = standings.filter(lane=Lane.SNOOZED, snoozed_until__lte=span.until + COMES_BACK)
    return Figures(
        span=span,
        alerts_waiting=some("alerts_waiting", unanswered.filter(quiet="")),
        alerts_quiet=some("alerts_quiet", unanswered.filter(quiet__in=Quiet.values)),
        alerts_answered=some(
            "alerts_answered",
            alerts.filter(acknowledged_at__gte=span.since, acknowledged_at__lte=span.until).order_by(
                "-acknowledged_at"
            ),
        ),
        arrived=_arrived(unit, span, capped),
        held=_held(viewer, some("held", held, 500)),
        comes_back=some("comes_back", put_off.order_by("snoozed_until", "tip")),
        dies=_dying(unit, span, capped),
        closures=tuple((one, counted[one]) for one in Disposition if counted[one]),
        overrides=some("overrides", overrides.select_related("tip", "by").order_by("-at", "-id")),
        capped=frozenset(capped),
    )


def _arrived(unit: Unit, span: spans.Span, capped: set[str]) -> tuple[tuple[Band, int, int], ...]:
    rows = Row.objects.filter(unit=unit, environment=Environment.PRODUCTION, newest_at__gte=span.since)
    found = list(rows.order_by("-newest_at").values_list("band", "first_at")[: COUNTED + 1])
    if len(found) > COUNTED:
        capped.add("arrived")
    new = Counter(band for band, first_at in found[:COUNTED] if first_at >= span.since)
    grown = Counter(band for band, first_at in found[:COUNTED] if first_at < span.since)
    return tuple((band, new[band], grown[band]) for band in sorted(Band, reverse=True))


def _held(viewer: Viewer, standings: Sequence[Standing]) -> tuple[Held, ...]:
    """What each person holds, row by row; the viewer's own first, then by name."""
    people = {one.holder_id: one.holder for one in standings}
    rows: dict[int | None, dict[tuple[str, int], list[Standing]]] = {key: {} for key in people}
    for one in standings:
        rows[one.holder_id].setdefault((one.kind, one.anchor), []).append(one)
    found = [
        Held(
            who=str(person),
            public_id=person.public_id,
            mine=key == viewer.user_id,
            rows=tuple((several[0], len(several)) for several in rows[key].values()),
        )
        for key, person in people.items()
        if person is not None
    ]
    return tuple(sorted(found, key=lambda one: (not one.mine, one.who)))


def _dying(unit: Unit, span: spans.Span, capped: set[str]) -> tuple[Row, ...]:
    """Rows whose evidence dies before the next shift ends, band by band as the index goes; they know the hour only."""
    hour = span.until.replace(minute=0, second=0, microsecond=0)
    found: list[Row] = []
    for band in sorted(Band, reverse=True):
        rows = Row.objects.filter(
            unit=unit,
            environment=Environment.PRODUCTION,
            band=band,
            dies_at__gte=hour,
            dies_at__lte=span.next_ends_at,
        )
        found += rows.select_related("lead", "holder").order_by("dies_at", "id")[: LISTED + 1 - len(found)]
    if len(found) > LISTED:
        capped.add("dies")
    return tuple(found[:LISTED])


def kept(of: Figures) -> Mapping[str, Json]:
    """Return the figures as they are kept with a hand-over: numbers, times and public ids, no words of a tip."""
    return {
        "alerts_waiting": _once(of.alerts_waiting),
        "alerts_quiet": {
            why.value: _once(found) for why in Quiet if (found := [one for one in of.alerts_quiet if one.quiet == why])
        },
        "alerts_answered": _once(of.alerts_answered),
        "new_rows": {band.name.lower(): new for band, new, _ in of.arrived},
        "grown_rows": {band.name.lower(): grown for band, _, grown in of.arrived},
        "held": [
            {"by": one.public_id, "tip": first.tip.public_id, "tips": number, "since": _stamp(first.held_since)}
            for one in of.held
            for first, number in one.rows
        ],
        "comes_back": [{"tip": one.tip.public_id, "at": _stamp(one.snoozed_until)} for one in of.comes_back],
        "dies": [{"tip": one.lead.public_id, "at": _stamp(one.dies_at)} for one in of.dies],
        "closures": {one.value: number for one, number in of.closures},
        "overrides": [one.tip.public_id for one in of.overrides],
        "next_shift_ends": of.span.next_ends_at.isoformat(),
        "capped": sorted(of.capped),
    }


def _once(alerts: Iterable[Alert]) -> list[Json]:
    """The tips of these alerts, each once however many it has."""
    return list(dict.fromkeys(one.tip.public_id for one in alerts))


def _stamp(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def waiting(viewer: Viewer, at: datetime) -> list[Handover]:
    """Return what was left to the viewer in the units where they work and not read yet, the newest first; at most 6."""
    own = [post.unit_id for post in viewer.posts if post.role in WORKS]
    if not own:
        return []
    mine = HandoverRead.objects.filter(handover=OuterRef("pk"), by=viewer.user_id)
    left = Handover.objects.filter(unit__in=own, at__gt=at - WAITS).exclude(by=viewer.user_id).filter(~Exists(mine))
    return list(left.select_related("unit", "by").order_by("-at", "-id")[:6])


def recent(viewer: Viewer, unit: Unit, *, at_most: int = 10) -> list[Handover]:
    """Return the last hand-overs of the unit, the newest first, each with ``taken``: who took over, and when."""
    must_read_tips(viewer)
    return list(_with_reads().filter(unit=unit).order_by("-at", "-id")[:at_most])


def one(viewer: Viewer, public_id: str) -> Handover:
    """Return one hand-over with ``taken``. Raises NotFound."""
    must_read_tips(viewer)
    found = _with_reads().filter(public_id=public_id.upper())
    handover = (found if viewer.reach is None else found.filter(unit__in=viewer.reach)).first()
    if handover is None:
        raise NotFound("There is no such hand-over in your units.")
    return handover


def _with_reads() -> QuerySet[Handover]:
    reads = HandoverRead.objects.select_related("by").order_by("at", "id")
    return Handover.objects.select_related("unit", "by").prefetch_related(Prefetch("reads", reads, to_attr="taken"))
