# SPDX-License-Identifier: Apache-2.0
"""Reads about looking at files: what is known without looking, how much somebody has looked, which law binds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import connection
from django.db.models import Count, Q, Sum

from nightlight.foundation.refusals import NotFound
from nightlight.trust.law import rules as law_rules
from nightlight.trust.units import rules as units_rules
from nightlight.trust.units.models import Area, Below, Post, Shift, Unit
from nightlight.trust.viewing import rules
from nightlight.trust.viewing.models import Assessment, Export, Exposure, Outcome, State, Viewing, Warrant

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from nightlight.trust.evidence.models import Item
    from nightlight.trust.law.facts import Pack
    from nightlight.trust.units.viewer import Viewer
    from nightlight.trust.viewing.rules import Standing, Stated

_JURISDICTION = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")


@dataclass(frozen=True, slots=True)
class Earlier:
    """What an earlier viewer found in the same bytes; not who, nor in which record."""

    at: datetime
    outcome: Outcome
    violent: bool


def earlier(item: Item) -> list[Earlier]:
    """Return what was found before in the same bytes, by anybody in any unit, newest first; at most 20."""
    rows = Assessment.objects.filter(blob_id=item.blob_id).order_by("-at", "-id")
    found = rows.values_list("at", "outcome", "violent")[:20]
    return [Earlier(at, Outcome(outcome), violent) for at, outcome, violent in found]


def jurisdiction(viewer: Viewer) -> str:
    """Return the ISO 3166 code of where the viewer's unit is, by the areas of it or of those above it; "" if none."""
    posts = [post for post in viewer.posts if post.role in units_rules.VIEWS_MEDIA] or list(viewer.posts)
    unit_id = posts[0].unit_id if posts else None
    for _ in range(20):  # deeper than any police is
        if unit_id is None:
            return ""
        codes = Area.objects.filter(unit_id=unit_id).order_by("code").values_list("code", flat=True)
        fitting = [code for code in codes if _JURISDICTION.fullmatch(code)]
        if len(fitting) == 1:
            return fitting[0]
        unit_id = Unit.objects.values_list("parent_id", flat=True).get(pk=unit_id)
    return ""


def warrants(item: Item) -> QuerySet[Warrant]:
    """Return the warrants recorded for a file, oldest first."""
    return Warrant.objects.filter(item=item).order_by("id")


def lock(viewer: Viewer, item: Item, stated: Stated, pack: Pack) -> law_rules.Lock:
    """Return whether the law lets this viewer open the file, and by which rule."""
    return law_rules.view_lock(
        pack,
        viewed_by_provider=stated.viewed_by_provider,
        warrant=warrants(item).exists(),
        jurisdiction=jurisdiction(viewer),
        publicly_available=stated.publicly_available,
    )


def standing(user_id: int, *, at: datetime, day_began: datetime) -> Standing:
    """Return how much somebody has looked, and what speaks against looking now.

    ``day_began`` is midnight where the officers are; the month is the last 30 days.
    """
    mine = Exposure.objects.filter(user_id=user_id, at__gt=at - timedelta(days=rules.DAYS))
    sums = mine.aggregate(day=Sum("weight", filter=Q(at__gte=day_began)), month=Sum("weight"))
    near = Shift.objects.filter(
        user_id=user_id, ends_at__gt=at - timedelta(days=1), starts_at__lt=at + timedelta(days=1)
    )
    ends = rules.shift_ends(at, near.values_list("starts_at", "ends_at"))
    return rules.standing(day=sums["day"] or 0, month=sums["month"] or 0, shift_ends=ends)


def own(viewer: Viewer, public_id: str) -> Viewing:
    """Return the viewer's own viewing. Raises NotFound, also for somebody else's."""
    found = Viewing.objects.select_related("item__blob", "user").filter(public_id=public_id, user_id=viewer.user_id)
    viewing = found.first()
    if viewing is None:
        raise NotFound("There is no such viewing of yours.")
    return viewing


def running(viewer: Viewer, item: Item, at: datetime) -> Viewing | None:
    """Return the viewing of this file that the viewer has open."""
    mine = Viewing.objects.filter(user_id=viewer.user_id, item=item, expires_at__gt=at)
    return mine.filter(state__in=[State.ASKED, State.READY]).order_by("-id").first()


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the ledger: ``weight`` of what was shown, ``pictures`` shown, and ``milliseconds`` held open."""

    began: datetime
    weight: int
    pictures: int
    milliseconds: int


def days(viewer: Viewer, *, day_began: datetime) -> list[Day]:
    """Return the viewer's last 30 days, oldest first; ``day_began`` is this midnight. Days are of 24 hours."""
    first = day_began - timedelta(days=rules.DAYS - 1)
    rows = Exposure.objects.filter(user_id=viewer.user_id, at__gte=first).values_list("at", "weight", "milliseconds")
    kept = [[0, 0, 0] for _ in range(rules.DAYS)]
    for at, weight, milliseconds in rows:
        day = kept[min(rules.DAYS - 1, (at - first).days)]
        day[0] += weight
        day[1] += milliseconds is None
        day[2] += milliseconds or 0
    return [Day(first + timedelta(days=number), *sums) for number, sums in enumerate(kept)]


@dataclass(frozen=True, slots=True)
class Total:
    """What a commander sees of a person: sums, no files."""

    name: str
    unit: str
    today: int
    month: int


def totals(viewer: Viewer, *, at: datetime, day_began: datetime) -> list[Total]:
    """Return the sums of everybody who looks at files in the units the viewer commands and below, by name."""
    commanded = [post.unit_id for post in viewer.posts if post.role == "commander"]
    units = Below.objects.filter(ancestor_id__in=commanded).values("unit_id")
    looking = Post.objects.active(at).filter(unit_id__in=units, role__in=units_rules.VIEWS_MEDIA)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT user_id, today, month FROM viewing_totals(%s, %s)", [day_began, at - timedelta(days=rules.DAYS)]
        )
        sums = {row[0]: (int(row[1]), int(row[2])) for row in cursor.fetchall()}
    people = {post.user_id: post for post in looking.select_related("user", "unit").order_by("id")}
    found = [Total(str(post.user), post.unit.name, *sums.get(user_id, (0, 0))) for user_id, post in people.items()]
    return sorted(found, key=lambda one: (one.name, one.unit))


def exports(subject: str) -> QuerySet[Export]:
    """Return the exports of a record, newest first."""
    return Export.objects.filter(subject=subject).select_related("user", "decided_by").order_by("-id")


def viewers(subject: str) -> list[int]:
    """Return the keys of everybody to whom a picture of this record's files was prepared."""
    seen = Viewing.objects.filter(subject=subject, answered_at__isnull=False).exclude(state=State.REFUSED)
    counted = seen.values("user_id").annotate(times=Count("pk")).order_by("user_id")
    return [row["user_id"] for row in counted]
