# SPDX-License-Identifier: Apache-2.0
"""What pages show of triage: why a tip stands where it stands, in words, and the pile as a picture."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from nightlight.pipeline.triage import alerting, defeated, queue, rulebooks, rules, standing
from nightlight.pipeline.triage.models import (
    Band,
    Closure,
    Disposition,
    Group,
    Lane,
    Override,
    Row,
    Score,
    Standing,
)
from nightlight.pipeline.triage.vocabulary import FACTS, Type
from nightlight.trust.units.models import Post

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from django.utils.functional import _StrPromise as StrPromise

    from nightlight.pipeline.tips.models import Tip
    from nightlight.pipeline.tips.queries import Counted
    from nightlight.pipeline.triage.queue import Line
    from nightlight.trust.units.viewer import Viewer

SOON = timedelta(hours=48)
_HOUR = timedelta(hours=1)
_REASONS = 3  # of a row; the tip's page has all
_FIFTHS = 5
_OFFICER_FACTS = tuple((f.name, f.label) for f in FACTS.values() if f.officer and f.type is Type.FLAG)
_OFFICER_TIMES = tuple((f.name, f.label) for f in FACTS.values() if f.officer and f.type is Type.HOURS)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a tip stands where it does: ``points`` as they are told, empty for a tripwire, which has none."""

    text: str
    points: str = ""
    urgent: bool = False
    places: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ShownLine:
    """One row of the queue as its template takes it."""

    row: Row
    public_id: str
    title: str
    told: str | None
    reporter: str
    unit: str
    band_code: str
    band_label: str
    new: bool
    group: str
    holder: str
    why: tuple[Reason, ...]
    unknown: str
    dies: str
    dies_soon: bool
    harm: int
    workability: int
    newest_at: datetime
    assessed: bool


@dataclass(frozen=True, slots=True)
class Panel:
    """Why a tip stands where it stands, for its page. One that was never ``assessed`` has no numbers and no reasons."""

    assessed: bool
    failing: tuple[defeated.Defeat, ...]
    band_code: str
    band_label: str
    harm: int
    workability: int
    dies: str
    dies_at: datetime | None
    dies_soon: bool
    tripwires: tuple[Reason, ...]
    factors: tuple[Reason, ...]
    work: tuple[Reason, ...]
    notes: tuple[str, ...]
    losses: tuple[rules.Loss, ...]
    unknowns: tuple[rules.Open, ...]
    could_be: str
    version: str
    at: datetime | None
    overridden: Override | None
    rules_band: str
    standing: Standing
    holder: str
    together: Counted
    closed: Closure | None
    works: bool
    colleagues: tuple[tuple[str, str], ...]
    dispositions: Sequence[tuple[str, StrPromise]]
    bands: tuple[tuple[str, str], ...]
    officer_facts: tuple[tuple[str, str], ...]
    officer_times: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Pile:
    """The pile in two axes: for each band its cells, each a number and a size from 0 to 4.

    ``part``: how many rows were counted, where there are more.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[tuple[int, int], ...]], ...]
    part: int = 0


def told_score(score: Score) -> rules.Score | None:
    """Return what the rules said; None where other rules wrote it so that it cannot be read any more."""
    try:
        return rules.from_json(score.body)
    except msgspec.DecodeError:
        return None


def shown_lines(lines: Iterable[Line], at: datetime) -> list[ShownLine]:
    """Return rows of the queue in words. What every tip has is no reason, and is left out."""
    ordinary = {rule.line.id for rule in rulebooks.current().rulebook.factors if rule.line.base}
    shown = list(lines)
    first = queue.first_of([line.row for line in shown if line.row.kind == Group.VIRAL])
    return [_line(line, first.get(line.row.pk), ordinary, at) for line in shown]


def _line(line: Line, first: Tip | None, ordinary: Collection[str], at: datetime) -> ShownLine:
    row = line.row
    said = told_score(line.score) if line.score else None
    dies_at = row.dies_at if said else None
    return ShownLine(
        row=row,
        public_id=row.lead.public_id,
        title=line.type_label,
        told=line.told,
        reporter=row.lead.reporter.name,
        unit=row.unit.name,
        band_code=Band(row.band).name.lower(),
        band_label=str(Band(row.band).label) if said else _("Not assessed: look at it"),
        new=line.new,
        group=_group(row),
        holder=str(row.holder or ""),
        why=(*(*_first(first), *_why(said, ordinary))[:_REASONS], *_dying(said, dies_at, at)) if said else (),
        unknown=_could_be(said, row.band) if said else "",
        dies=_dies(dies_at, at),
        dies_soon=dies_at is not None and dies_at - at < SOON,
        harm=row.harm,
        workability=row.workability,
        newest_at=row.newest_at,
        assessed=said is not None,
    )


def panel(viewer: Viewer, tip: Tip, at: datetime) -> Panel | None:
    """Return why a tip stands where it stands and what can be done with it; None while nothing is known of that."""
    stands = Standing.objects.select_related("holder").filter(tip=tip).first()
    if stands is None:
        return None
    score = Score.objects.filter(tip=tip).first()
    said = told_score(score) if score else None
    dies_at = score.dies_at if score and said else None
    band = Band(stands.band)
    works = viewer.may(alerting.WORKS) and (viewer.reach is None or tip.unit_id in viewer.reach)
    overridden = Override.objects.select_related("by").filter(tip=tip).order_by("-id").first()
    closed = Closure.objects.filter(tip=tip).order_by("-id").first() if stands.lane == Lane.CLOSED else None
    return Panel(
        assessed=said is not None,
        failing=defeated.of_tip(tip),
        band_code=band.name.lower(),
        band_label=str(band.label),
        harm=score.harm if score else 0,
        workability=score.workability if score else 0,
        dies=_dies(dies_at, at),
        dies_at=dies_at,
        dies_soon=dies_at is not None and dies_at - at < SOON,
        tripwires=tuple(_reason(one, urgent=True) for one in said.tripwires) if said else (),
        factors=tuple(_reason(one) for one in (*said.factors, *said.caps)) if said else (),
        work=tuple(_reason(one) for one in said.work) if said else (),
        notes=tuple(one.label for one in said.notes) if said else (),
        losses=said.losses if said else (),
        unknowns=said.unknowns if said else (),
        could_be=str(Band(int(said.could_be)).label) if said and said.could_be > said.band else "",
        version=said.rules if said else "",
        at=score.at if score else None,
        overridden=overridden if overridden and overridden.band is not None else None,
        rules_band=str(Band(score.band if score else standing.unscored(tip)).label),
        standing=stands,
        holder=str(stands.holder or ""),
        together=queue.number_together(stands),
        closed=closed,
        works=works,
        colleagues=_colleagues(stands, at) if works else (),
        dispositions=Disposition.choices,
        bands=tuple((one.name.lower(), str(one.label)) for one in sorted(Band, reverse=True)),
        officer_facts=_OFFICER_FACTS,
        officer_times=_OFFICER_TIMES,
    )


def _colleagues(standing: Standing, at: datetime) -> tuple[tuple[str, str], ...]:
    """Who can be given a tip of this unit: those who work on tips in it now."""
    posts = Post.objects.active(at).filter(unit=standing.unit_id, role__in=alerting.WORKS, user__is_active=True)
    found = {post.user.public_id: str(post.user) for post in posts.select_related("user")}
    return tuple(sorted(found.items(), key=lambda one: one[1]))


def drawn(counted: Mapping[tuple[int, int], int]) -> Pile:
    """Return the pile as a table of dots, whose sizes go with the logarithm of the numbers."""
    width = 100 // _FIFTHS
    columns = tuple(
        _("%(first)d to %(last)d") % {"first": fifth * width, "last": fifth * width + width} for fifth in range(_FIFTHS)
    )
    rows = tuple(
        (str(band.label), tuple(_cell(counted.get((band.value, fifth), 0)) for fifth in range(_FIFTHS)))
        for band in sorted(Band, reverse=True)
    )
    counted_all = sum(counted.values())
    return Pile(columns, rows, counted_all if counted_all == queue.PILE else 0)


def _cell(number: int) -> tuple[int, int]:
    return number, min(4, len(str(number))) if number else 0


def _why(said: rules.Score, ordinary: Collection[str]) -> Iterator[Reason]:
    yield from (_reason(one, urgent=True) for one in said.tripwires)
    yield from (_reason(one) for one in (*said.factors, *said.caps) if one.id not in ordinary)


def _dying(said: rules.Score, dies_at: datetime | None, at: datetime) -> Iterator[Reason]:
    """What is lost soon. The row tells whole hours; what a tip further down in it loses, that tip's page says."""
    if dies_at is not None and said.dies_at is not None and said.dies_at - dies_at < _HOUR and dies_at - at < SOON:
        yield from (Reason(loss.label) for loss in said.losses if loss.at == said.dies_at)


def _first(first: Tip | None) -> Iterator[Reason]:
    """Of a file passed on: through whom it first came here."""
    if first is not None:
        yield Reason(_("first here through %(who)s, %(id)s") % {"who": first.reporter.name, "id": first.public_id})


def _reason(one: rules.Applied, *, urgent: bool = False) -> Reason:
    points = "" if urgent or not one.points else f"{one.points:+d}"
    return Reason(one.label, points, urgent, tuple(dict.fromkeys(place.place for place in one.evidence)))


def _group(row: Row) -> str:
    """What stands together in this row; that several are one person is a proposal."""
    if row.tips == 1:
        return ""
    told = {
        Group.PERSON: _("%(n)s tips, proposed as one person"),
        Group.VIRAL: _("one file in %(n)s tips"),
        Group.REPEATS: _("the same report %(n)s times"),
    }
    counted = queue.counted(row.tips)
    number = _("more than %(n)d") % {"n": counted.number} if counted.more else str(counted.number)
    return told[Group(row.kind)] % {"n": number}


def _could_be(said: rules.Score, band: int) -> str:
    if int(said.could_be) <= band or not said.unknowns:
        return ""
    number = len(said.unknowns)
    words = ngettext(
        "%(n)d unknown fact could lift it to %(band)s", "%(n)d unknown facts could lift it to %(band)s", number
    )
    return words % {"n": number, "band": Band(int(said.could_be)).label}


def _dies(dies_at: datetime | None, at: datetime) -> str:
    """How long until evidence dies, in words short enough for a row."""
    if dies_at is None:
        return ""
    hours = int((dies_at - at).total_seconds() // 3600)
    if hours < 0:
        return _("evidence may be gone")
    if hours < 72:
        return _("evidence dies in %(n)d h") % {"n": hours}
    return _("evidence dies in %(n)d days") % {"n": hours // 24}
