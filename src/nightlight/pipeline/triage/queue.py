# SPDX-License-Identifier: Apache-2.0
"""Reads of the queue: the rows of a unit by band, then by the hours until evidence dies, then by workability.

Rows are groups of tips (see models.Row). Lists go by key, not by offset, and counts stop at a cap, so that a page
costs the same at a million tips as at a hundred.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from django.db import connection
from django.db.models import F, Q
from django.db.models.functions import Least

from nightlight.pipeline.tips.models import Tip
from nightlight.pipeline.tips.queries import Counted, must_read_tips, shortened, type_label
from nightlight.pipeline.triage.models import Band, Lane, LastLook, Row, Score, Standing
from nightlight.trust.accounts.models import Environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django.db.models import QuerySet

    from nightlight.trust.units.viewer import Viewer

PAGE = 50
CAP = 999
PILE = 60_000  # rows of which the picture is drawn
MOST_COUNTED = 120  # tips of one row; triage_regroup (migration 0004) counts these and one more
_ORDER = (F("band").desc(), F("dies_at").asc(nulls_last=True), F("workability").desc(), F("id"))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CURSOR = re.compile(r"([0-3])-([0-9]{1,18}|x)-([0-9]{1,3})-([0-9]{1,18})")
_STEP = 20  # points of workability that one column of the picture holds


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in the queue: after which row."""

    band: int
    dies_at: datetime | None
    workability: int
    row: int

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Read a cursor from an address; raises ValueError or OverflowError for what `str` would not have written."""
        found = _CURSOR.fullmatch(text)
        if found is None:
            raise ValueError("This is no place in the queue.")
        dies_at = None if found[2] == "x" else _EPOCH + timedelta(microseconds=int(found[2]))
        return cls(int(found[1]), dies_at, int(found[3]), int(found[4]))

    def __str__(self) -> str:
        dies = "x" if self.dies_at is None else str((self.dies_at - _EPOCH) // timedelta(microseconds=1))
        return f"{self.band}-{dies}-{self.workability}-{self.row}"


@dataclass(frozen=True, slots=True)
class Filter:
    """Which rows a list holds; production unless asked otherwise."""

    environment: str = Environment.PRODUCTION
    unit: str = ""  # public id
    band: int | None = None
    whose: str = ""  # "mine", "nobody", or "" for all


@dataclass(frozen=True, slots=True)
class Line:
    """One row as a page shows it. ``new`` says that a tip of it came after the viewer looked last."""

    row: Row
    score: Score | None
    new: bool

    @property
    def cursor(self) -> Cursor:
        """This row's place in the queue."""
        return Cursor(self.row.band, self.row.dies_at, self.row.workability, self.row.pk)

    @property
    def type_label(self) -> str:
        """The incident type of the tip that stands first, in the field's present terms."""
        return type_label(self.row.lead.incident_type)

    @property
    def told(self) -> str | None:
        """What the tip that stands first tells, without the type it begins with; None while it is being read."""
        summary = getattr(self.row.lead, "summary", None)
        return shortened(summary.sentence, self.type_label) if summary else None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the queue, and where the next one begins."""

    lines: tuple[Line, ...]
    following: Cursor | None


def queue(viewer: Viewer, wanted: Filter, *, after: Cursor | None = None, at_most: int = PAGE) -> Page:
    """Return one page of the queue, the most urgent first."""
    rows = _matching(viewer, wanted)
    if after is not None:
        rows = rows.filter(_behind(after))
    found = list(
        rows.select_related("lead", "lead__reporter", "lead__summary", "unit", "holder").order_by(*_ORDER)[
            : at_most + 1
        ]
    )
    scores = Score.objects.in_bulk([row.lead_id for row in found[:at_most]])
    looked = looked_before(viewer)
    lines = tuple(
        Line(row, scores.get(row.lead_id), looked is not None and row.newest_at > looked) for row in found[:at_most]
    )
    return Page(lines, lines[-1].cursor if len(found) > at_most else None)


def by_band(viewer: Viewer, wanted: Filter, *, cap: int = CAP) -> Mapping[int, Counted]:
    """Return how many rows each band has, each counted up to the cap."""
    counted = {}
    for band in Band.values:
        rows = _matching(viewer, Filter(wanted.environment, wanted.unit, band, wanted.whose))
        number = rows.order_by()[: cap + 1].count()
        counted[band] = Counted(min(number, cap), number > cap)
    return counted


def pile(viewer: Viewer, wanted: Filter) -> Mapping[tuple[int, int], int]:
    """Return the pile in two axes: how many rows have this band and this fifth (0 to 4) of workability.

    Of a pile of more than `PILE` rows so many are counted, whichever they are: its shape, at a cost that is bounded.
    """
    fifth = Least(F("workability") / _STEP, 4)
    some = _matching(viewer, wanted).order_by().annotate(fifth=fifth).values_list("band", "fifth")[:PILE]
    rows, told = some.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT *, count(*) FROM ({rows}) AS pile (band, fifth) GROUP BY 1, 2", told)  # noqa: S608 - ours
        return {(band, fifth): number for band, fifth, number in cursor.fetchall()}


def arrived_since(viewer: Viewer, wanted: Filter, *, cap: int = CAP) -> Counted:
    """Return how many rows hold a tip that came after the viewer looked last, counted up to the cap."""
    looked = looked_before(viewer)
    if looked is None:
        return Counted(0)
    number = _matching(viewer, wanted).filter(newest_at__gt=looked).order_by()[: cap + 1].count()
    return Counted(min(number, cap), number > cap)


def looked_before(viewer: Viewer) -> datetime | None:
    """Return when the viewer had looked before this time; None for the first look."""
    found = LastLook.objects.filter(user_id=viewer.user_id).first()
    return found.before if found else None


def look(viewer: Viewer, *, at: datetime, pause: timedelta = timedelta(minutes=30)) -> None:
    """Note that the viewer looks at the queue: a look begins when none was for ``pause``."""
    found = LastLook.objects.filter(user_id=viewer.user_id).first()
    if found is None:
        LastLook.objects.create(user_id=viewer.user_id, at=at)
        return
    before = found.at if at - found.at > pause else found.before
    LastLook.objects.filter(user_id=viewer.user_id).update(at=at, before=before)


def counted(tips: int) -> Counted:
    """Return how many tips a row says it holds."""
    return Counted(min(tips, MOST_COUNTED), tips > MOST_COUNTED)


def number_together(standing: Standing) -> Counted:
    """Return how many tips stand in the same row of the queue; none for one that is not open."""
    found = Row.objects.filter(
        unit=standing.unit_id, environment=standing.environment, kind=standing.kind, anchor=standing.anchor
    ).values_list("tips", flat=True)
    return counted(found.first() or 0 if standing.lane == Lane.OPEN else 0)


_FIRST = """
SELECT wanted.id, first.tip_id FROM triage_row wanted CROSS JOIN LATERAL (
    SELECT each.tip_id FROM unnest(ARRAY['open', 'snoozed', 'closed']) AS lanes (lane) CROSS JOIN LATERAL (
        SELECT s.tip_id, s.arrived_at FROM triage_standing s
        WHERE s.unit_id = wanted.unit_id AND s.environment = wanted.environment AND s.kind = wanted.kind
          AND s.anchor = wanted.anchor AND s.lane = lanes.lane
        ORDER BY s.arrived_at, s.tip_id LIMIT 1) AS each
    ORDER BY each.arrived_at, each.tip_id LIMIT 1) AS first
WHERE wanted.id = ANY(%s)
"""


def first_of(rows: Sequence[Row]) -> Mapping[int, Tip]:
    """Return the tip of each row that came to its unit first, whatever became of it. Two queries, however large."""
    if not rows:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_FIRST, [[row.pk for row in rows]])
        found = dict(cursor.fetchall())
    tips = Tip.objects.select_related("reporter").in_bulk(list(found.values()))
    return {row: tips[tip] for row, tip in found.items() if tip in tips}


def _matching(viewer: Viewer, wanted: Filter) -> QuerySet[Row]:
    must_read_tips(viewer)
    rows = Row.objects.filter(environment=wanted.environment)
    # The database shows nothing beyond the viewer's reach anyway; said here as well, it can take the unit's index.
    if viewer.reach is not None:
        rows = rows.filter(unit__in=viewer.reach)
    if wanted.unit:
        rows = rows.filter(unit__public_id=wanted.unit)
    if wanted.band is not None:
        rows = rows.filter(band=wanted.band)
    if wanted.whose == "mine":
        rows = rows.filter(holder=viewer.user_id)
    elif wanted.whose == "nobody":
        rows = rows.filter(holder=None)
    return rows


def _behind(place: Cursor) -> Q:
    # The first condition bounds the walk along the index, the others put the place within one band.
    alike = Q(dies_at=place.dies_at) if place.dies_at else Q(dies_at=None)
    less_workable = Q(workability__lt=place.workability) | Q(workability=place.workability, pk__gt=place.row)
    later = alike & less_workable
    if place.dies_at:
        later |= Q(dies_at__gt=place.dies_at) | Q(dies_at=None)
    return Q(band__lte=place.band) & (Q(band__lt=place.band) | later)
