# SPDX-License-Identifier: Apache-2.0
"""Reads of the organisation: the tree of units, who works there, who is on duty, and who somebody is."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Count, Prefetch, Q

from nightlight.foundation.refusals import NotFound
from nightlight.trust.accounts.models import Role, User
from nightlight.trust.units.models import Below, Post, Shift, Unit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from django.db.models import QuerySet

    from nightlight.trust.units.viewer import Viewer

# More units than this are not shown on one page, but level by level.
WHOLE_TREE = 400
PEOPLE = 200


@dataclass(frozen=True, slots=True)
class Branch:
    """A unit in the tree, as deep as it lies, with how many people hold which role there now."""

    unit: Unit
    depth: int
    roles: tuple[tuple[Role, int], ...]
    below: int  # units below it, at any depth

    @property
    def people(self) -> int:
        """Posts held in the unit now."""
        return sum(number for _role, number in self.roles)


def tree(at: datetime, *, top: Unit | None = None, whole: bool = False) -> tuple[list[Branch], bool]:
    """Return the units depth first, each level by name, and whether deeper ones were left out because they are many.

    With ``top``, only what lies below it; with ``whole``, nothing is left out. Four queries, whatever the size.
    """
    units = Unit.objects.select_related("parent").order_by("name", "code").prefetch_related("areas")
    if top is not None:
        units = units.filter(pk__in=Below.objects.filter(ancestor=top).values("unit_id"))
    found = list(units)
    counts = _people_by_unit(at)
    below: Counter[int] = Counter(dict(Below.objects.values_list("ancestor").annotate(Count("id")).order_by()))
    children: dict[int | None, list[Unit]] = {}
    for unit in found:
        children.setdefault(unit.parent_id, []).append(unit)
    deepest = 99 if whole or len(found) <= WHOLE_TREE else 1
    rows: list[Branch] = []

    def walk(unit: Unit, depth: int) -> None:
        rows.append(Branch(unit, depth, counts.get(unit.pk, ()), below[unit.pk] - 1))
        if depth < deepest:
            for child in children.get(unit.pk, ()):
                walk(child, depth + 1)

    for first in [unit for unit in found if (unit.pk == top.pk if top else unit.parent_id is None)]:
        walk(first, 0)
    return rows, len(rows) < len(found)


def _people_by_unit(at: datetime) -> dict[int, tuple[tuple[Role, int], ...]]:
    found: dict[int, list[tuple[Role, int]]] = {}
    held = Post.objects.active(at).filter(user__is_active=True).values_list("unit_id", "role").annotate(Count("id"))
    for unit_id, role, number in held.order_by("unit_id", "role"):
        found.setdefault(unit_id, []).append((Role(role), number))
    return {unit_id: tuple(roles) for unit_id, roles in found.items()}


def unit(public_id: str) -> Unit:
    """Return a unit with its parent and areas. Raises NotFound."""
    found = Unit.objects.select_related("parent").prefetch_related("areas").filter(public_id=public_id.upper()).first()
    if found is None:
        raise NotFound("There is no such unit.")
    return found


def above(unit: Unit) -> list[Unit]:
    """Return the units above this one, the top first."""
    over = Below.objects.filter(unit=unit).exclude(ancestor=unit).values_list("ancestor_id", flat=True)
    by_key = {one.pk: one for one in Unit.objects.filter(pk__in=list(over))}
    found: list[Unit] = []
    key = unit.parent_id
    while key is not None:
        found.insert(0, by_key[key])
        key = by_key[key].parent_id
    return found


def posts_of_unit(unit: Unit, at: datetime) -> tuple[list[Post], list[Post], list[Post]]:
    """Return the unit's posts held now, those that begin later, and the last 100 that have ended."""
    posts = Post.objects.filter(unit=unit).select_related("user")
    now = sorted(posts.active(at), key=lambda post: (list(Role).index(Role(post.role)), str(post.user)))
    return now, list(posts.filter(starts_at__gt=at).order_by("starts_at")), list(_ended(posts, at)[:100])


def posts_of_person(person: User, at: datetime) -> tuple[list[Post], list[Post], list[Post]]:
    """Return a person's posts held now, those that begin later, and those that have ended, newest first."""
    posts = Post.objects.filter(user=person).select_related("unit")
    return (
        list(posts.active(at).order_by("starts_at")),
        list(posts.filter(starts_at__gt=at).order_by("starts_at")),
        list(_ended(posts, at)),
    )


def _ended(posts: QuerySet[Post], at: datetime) -> QuerySet[Post]:
    return posts.filter(ends_at__lte=at, starts_at__lte=at).order_by("-ends_at")


def roster(unit: Unit, since: datetime, until: datetime) -> list[Shift]:
    """Return who is on duty in the unit in that time, in order."""
    shifts = Shift.objects.filter(unit=unit, starts_at__lt=until, ends_at__gt=since)
    return list(shifts.select_related("user").order_by("starts_at", "user__username"))


def shifts_of(person: User, since: datetime) -> list[Shift]:
    """Return the person's duty from then on, in order."""
    return list(Shift.objects.filter(user=person, ends_at__gt=since).select_related("unit").order_by("starts_at")[:50])


def people(viewer: Viewer, at: datetime, *, words: str = "") -> list[User]:
    """Return the people a viewer manages or audits, by name, each with ``posts_now``; at most 200.

    An administrator sees everybody, an auditor those who work or have worked in the units they reach.
    """
    found = User.objects.order_by("first_name", "last_name", "username")
    if not viewer.manages and viewer.reach is not None:
        found = found.filter(pk__in=Post.objects.filter(unit__in=viewer.reach).values("user_id"))
    for word in words.split()[:5]:
        held = Post.objects.active(at).filter(Q(unit__name__icontains=word) | Q(role__icontains=word))
        found = found.filter(
            Q(first_name__icontains=word)
            | Q(last_name__icontains=word)
            | Q(username__icontains=word)
            | Q(public_id__iexact=word)
            | Q(pk__in=held.values("user_id"))
        )
    now = Post.objects.active(at).select_related("unit").order_by("starts_at")
    return list(found.prefetch_related(Prefetch("posts", queryset=now, to_attr="posts_now"))[: PEOPLE + 1])


def person(viewer: Viewer, public_id: str, at: datetime) -> User:
    """Return one of the people a viewer manages or audits. Raises NotFound."""
    found = User.objects.filter(public_id=public_id.upper()).first()
    if found is not None and not viewer.manages and viewer.reach is not None:
        posts = Post.objects.filter(user=found, unit__in=viewer.reach)
        found = found if posts.exists() else None
    if found is None:
        raise NotFound("There is no such person in your units.")
    return found


def choices() -> Sequence[Unit]:
    """Return all units for a choice, by name."""
    return list(Unit.objects.order_by("name", "code"))
