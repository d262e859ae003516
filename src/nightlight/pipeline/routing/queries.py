# SPDX-License-Identifier: Apache-2.0
"""Reads of hand-over: what comes in and goes out, what became of what was handed over, and what sending back costs."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import connection
from django.db.models import Exists, Max, OuterRef, Q

from nightlight.foundation.refusals import NotFound
from nightlight.pipeline.routing import recording, reminding
from nightlight.pipeline.routing.models import OPEN_STATES, Offer, OfferKind, OfferState, Receipt, Stop
from nightlight.pipeline.tips.models import Share, Tip
from nightlight.trust.units.models import Unit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from django.db.models import QuerySet

    from nightlight.trust.units.viewer import Viewer

PAGE = 50
MOST = 200  # lines of a list of open offers
_WITH = ("tip", "from_unit", "to_unit")
_HOUR = timedelta(hours=1)
_TRAIL = "SELECT * FROM routing_trail(%s::bigint[]) ORDER BY tip_id, step"
_STANDING = "SELECT * FROM routing_standing(%s::bigint[])"


@dataclass(frozen=True, slots=True)
class Step:
    """One hop of a tip that was handed over: units, times and how it ended; no word of what is in the tip."""

    number: int
    kind: str
    from_unit: str
    to_unit: str
    to_kind: str
    state: str
    sent_at: datetime
    delivered_at: datetime | None
    opened_at: datetime | None
    answered_at: datetime | None
    due_at: datetime
    automatic: bool
    given_back: bool


@dataclass(frozen=True, slots=True)
class Followed:
    """A tip that a unit handed over: where it is and how far it has come. ``lane`` is empty where nobody scored it."""

    tip: str
    handed_at: datetime
    unit: str
    unit_kind: str
    lane: str
    taken: bool
    disposition: str
    closed_at: datetime | None
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Hop:
    """One offer of a tip with its receipts. ``took`` runs from sent until it was answered; None while it is open."""

    offer: Offer
    receipts: tuple[Receipt, ...]
    took: timedelta | None


@dataclass(frozen=True, slots=True)
class Cost:
    """What sending back cost: how often, and how long the tip lay with units that were not the right ones."""

    bounces: int
    lost: timedelta

    @property
    def hours(self) -> int:
        """Whole hours lost."""
        return self.lost // _HOUR


@dataclass(frozen=True, slots=True)
class UnitCost:
    """What came back to a unit that had sent it, and what it sent back itself, in a span of time."""

    unit: Unit
    sent: int  # offers it made
    came_back: Cost
    sent_back: Cost


@dataclass(frozen=True, slots=True)
class Overdue:
    """An offer or an accepted tip that is late; ``clock`` is "answer" or "work"."""

    offer: Offer
    clock: str
    due_at: datetime


def offer(viewer: Viewer, public_id: str) -> Offer:
    """Return an offer from or to a unit in reach, or of a tip in reach. Raises NotFound.

    Its tip may be out of sight by now: `tip_of` says what it is called.
    """
    found = Offer.objects.filter(public_id=public_id).select_related("from_unit", "to_unit").first()
    if found is None or not (_concerns(viewer, found) or _sees(viewer, found.tip_id)):
        raise NotFound("There is no such offer, or it is none of your units'.")
    return found


def tip_of(one: Offer) -> str:
    """Return the public id of an offer's tip, also where the tip itself is out of sight."""
    first = Receipt.objects.filter(offer=one).order_by("pk").first()
    if first is None:
        raise NotFound("There is no such offer, or it is none of your units'.")
    return str(recording.facts(first)["tip"])


def incoming(viewer: Viewer) -> list[Offer]:
    """Return open offers to units in reach, the next due first; at most 200."""
    return list(_open().filter(_reached(viewer, "to_unit")).order_by("due_at", "pk")[:MOST])


def outgoing(viewer: Viewer) -> list[Offer]:
    """Return open offers of units in reach, the next due first; at most 200."""
    return list(_open().filter(_reached(viewer, "from_unit")).order_by("due_at", "pk")[:MOST])


def came_back(viewer: Viewer, *, at: datetime) -> list[Offer]:
    """Return what was sent back, or given back, to units in reach in the last 30 days, newest first; at most 200."""
    bounced = Q(state=OfferState.BOUNCED) & _reached(viewer, "from_unit")
    given = Q(state=OfferState.ACCEPTED, given_back=True) & _reached(viewer, "to_unit")
    rows = Offer.objects.filter(bounced | given, answered_at__gt=at - timedelta(days=30))
    return list(rows.select_related(*_WITH).order_by("-answered_at")[:MOST])


def together(viewer: Viewer) -> list[Share]:
    """Return joint work that goes on between a unit in reach and another, with the tip, newest first; at most 200."""
    rows = Share.objects.filter(kind=Share.Kind.JOINT, until=None).select_related("unit", "tip__unit")
    return list(rows.filter(_reached(viewer, "unit") | _reached(viewer, "tip__unit")).order_by("-since", "-pk")[:MOST])


def followed(viewer: Viewer, page: int = 1) -> tuple[list[Followed], bool]:
    """Return a page of what the viewer's units handed over, newest first, and whether there are more.

    Status only, and of sealed tips nothing. Not what a unit of theirs holds again.
    """
    scope = viewer.reach if viewer.reach is not None else sorted({post.unit_id for post in viewer.posts})
    here = Tip.objects.filter(pk=OuterRef("tip"), unit__in=scope)
    gone = Offer.objects.filter(
        state=OfferState.ACCEPTED, kind=OfferKind.WHOLE, given_back=False, from_unit__in=scope
    ).exclude(Exists(here))
    came_back = Offer.objects.filter(given_back=True, state=OfferState.ACCEPTED, to_unit__in=scope)
    gone = gone.exclude(pk__in=came_back.filter(previous__isnull=False).values("previous"))
    last = gone.values("tip").annotate(at=Max("answered_at")).order_by("-at", "-tip")
    start = max(0, min(page, 1000) - 1) * PAGE
    keys = list(last.values_list("tip", "at")[start : start + PAGE + 1])
    return _followed(dict(keys[:PAGE])), len(keys) > PAGE


def followed_one(tip: str) -> Followed:
    """Return how far one tip ("NL-…") has come that a unit of whoever is acting handed over.

    Raises NotFound where none did, and of a sealed one.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT routing_key(%s)", [tip])
        (key,) = cursor.fetchone()
    mine = Offer.objects.filter(tip=key, kind=OfferKind.WHOLE, state=OfferState.ACCEPTED, given_back=False)
    for one in _followed({key: mine.aggregate(at=Max("answered_at"))["at"]} if key else {}):
        return one
    raise NotFound("Your units did not hand over such a tip, or it is sealed.")


def chain(tip: Tip) -> list[Hop]:
    """Return all offers of a tip that the viewer may see, oldest first, with their receipts. Two queries."""
    rows = list(Offer.objects.filter(tip=tip).select_related("from_unit", "to_unit").order_by("sent_at", "pk"))
    receipts: dict[int, list[Receipt]] = defaultdict(list)
    for one in Receipt.objects.filter(offer__in=rows).select_related("installation").order_by("at", "pk"):
        receipts[one.offer_id].append(one)
    return [Hop(one, tuple(receipts[one.pk]), _took(one)) for one in rows]


def cost(tip: Tip) -> Cost:
    """Return what sending one tip back has cost so far."""
    return _cost(list(Offer.objects.filter(tip=tip).select_related("previous")))


def costs(viewer: Viewer, *, since: datetime, until: datetime) -> list[UnitCost]:
    """Return for each unit in reach that sent something, or sent something back, what it cost; the dearest first.

    ``since`` is inclusive, ``until`` exclusive. Three queries.
    """
    rows = list(
        Offer.objects.filter(_came_back(), answered_at__gte=since, answered_at__lt=until).select_related("previous")
    )
    wrong: dict[int, list[Offer]] = defaultdict(list)
    back: dict[int, list[Offer]] = defaultdict(list)
    for one in rows:
        giver, sender = (one.from_unit_id, one.to_unit_id) if one.given_back else (one.to_unit_id, one.from_unit_id)
        wrong[sender].append(one)
        back[giver].append(one)
    made: dict[int, int] = defaultdict(int)
    sent = Offer.objects.filter(sent_at__gte=since, sent_at__lt=until, given_back=False)
    for unit_id in sent.filter(_reached(viewer, "from_unit")).values_list("from_unit_id", flat=True).iterator():
        made[unit_id] += 1
    keys = {key for key in {*wrong, *back, *made} if viewer.reach is None or key in viewer.reach}
    units = Unit.objects.in_bulk(keys)
    found = [UnitCost(units[key], made[key], _cost(wrong[key]), _cost(back[key])) for key in keys]
    return sorted(found, key=lambda one: (-one.came_back.lost, -one.came_back.bounces, one.unit.name))


def overdue(viewer: Viewer, *, at: datetime) -> list[Overdue]:
    """Return late offers to or from units in reach, and tips nobody there has taken up in time, the latest first."""
    late = _open().filter(due_at__lte=at).exclude(_stands()).order_by("due_at")
    offers = late.filter(_reached(viewer, "to_unit") | _reached(viewer, "from_unit"))[:MOST]
    found = [Overdue(one, "answer", one.due_at) for one in offers]
    found += [Overdue(one, "work", due_at) for one, due_at in reminding.late(at, units=viewer.reach)]
    return sorted(found, key=lambda one: one.due_at)


def _followed(handed: dict[int, datetime | None]) -> list[Followed]:
    if not handed:
        return []
    keys = list(handed)
    with connection.cursor() as cursor:
        cursor.execute(_TRAIL, [keys])
        steps: dict[int, list[Step]] = defaultdict(list)
        names: dict[int, str] = {}
        for key, name, *step in cursor.fetchall():
            names[key] = name
            steps[key].append(Step(*step))
        cursor.execute(_STANDING, [keys])
        standing = {key: row for key, *row in cursor.fetchall()}
    found = []
    for key, at in handed.items():
        if key in standing and key in names and at is not None:
            unit, kind, lane, taken, disposition, closed_at = standing[key]
            found.append(Followed(names[key], at, unit, kind, lane, taken, disposition, closed_at, tuple(steps[key])))
    return found


def _concerns(viewer: Viewer, found: Offer) -> bool:
    return viewer.reach is None or bool({found.from_unit_id, found.to_unit_id} & set(viewer.reach))


def _sees(viewer: Viewer, tip_id: int) -> bool:
    return Tip.objects.filter(pk=tip_id).filter(_reached(viewer, "unit")).exists()


def _open() -> QuerySet[Offer]:
    return Offer.objects.filter(state__in=OPEN_STATES).select_related(*_WITH)


def _reached(viewer: Viewer, column: str) -> Q:
    return Q() if viewer.reach is None else Q(**{f"{column}__in": viewer.reach})


def _stands() -> Exists:
    return Exists(Stop.objects.filter(tip=OuterRef("tip"), unit=OuterRef("to_unit"), ended_at=None))


def _came_back() -> Q:
    return Q(state=OfferState.BOUNCED) | Q(state=OfferState.ACCEPTED, given_back=True)


def _took(one: Offer) -> timedelta | None:
    return None if one.answered_at is None else one.answered_at - one.sent_at


def _cost(rows: Sequence[Offer]) -> Cost:
    back = [one for one in rows if one.answered_at and (one.state == OfferState.BOUNCED or one.given_back)]
    lost = timedelta()
    for one in back:
        # What was accepted and given back lay there since it was sent to them.
        began = one.previous.sent_at if one.given_back and one.previous else one.sent_at
        lost += max((one.answered_at or began) - began, timedelta())  # another installation's clock may be behind
    return Cost(len(back), lost)


def waits_for(viewer: Viewer, one: Offer) -> bool:
    """Whether an answer of the viewer is awaited: the offer is open, and they work in the unit it is for."""
    return one.is_open and recording.works_in(viewer, one.to_unit_id)
