# SPDX-License-Identifier: Apache-2.0
"""Every change to units, posts and duty, and whether a person may sign in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction

from nightlight.foundation import public_ids
from nightlight.foundation.refusals import Conflict, NotAllowed, NotFound
from nightlight.trust.accounts import sign_in_actions
from nightlight.trust.accounts.models import Role, User
from nightlight.trust.custody import actions as custody
from nightlight.trust.units import rules
from nightlight.trust.units.models import Area, Below, Kind, Post, Shift, Unit
from nightlight.trust.units.viewer import Viewer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


@transaction.atomic
def add_unit(
    *, by: Viewer | str, at: datetime, code: str, name: str, kind: str, parent: Unit, areas: Sequence[str] = ()
) -> Unit:
    """Add a unit below another.

    ``by`` is a viewer, or "command:cli". Raises NotAllowed unless an administrator, Conflict for a code that is
    taken, an empty name or an unknown kind.
    """
    actor = _manager(by)
    name, code = " ".join(name.split()), code.strip()
    if not name or len(name) > 200 or not code or len(code) > 40:
        raise Conflict("A unit needs a code of at most 40 and a name of at most 200 characters.")
    if kind not in Kind.values or kind == Kind.NATIONAL:
        raise Conflict("A unit below another is a state, a district, a station or a special unit.")
    areas = [area[:40] for area in dict.fromkeys(areas)]
    unit = Unit(public_id=public_ids.new("UN"), parent=parent, kind=kind, code=code, name=name, created_at=at)
    try:
        with transaction.atomic():
            unit.save()
    except IntegrityError:
        raise Conflict(f"There is a unit with the code {code!r} already.") from None
    Area.objects.bulk_create(Area(unit=unit, code=area) for area in areas)
    custody.append(
        by=actor,
        at=at,
        kind="unit.added",
        subject=f"unit:{unit.public_id}",
        data={"code": code, "name": name, "kind": kind, "parent": parent.public_id, "areas": areas},
    )
    return unit


@transaction.atomic
def rename_unit(*, by: Viewer | str, at: datetime, unit: Unit, name: str) -> Unit:
    """Give a unit another name. Raises NotAllowed unless an administrator, Conflict for an empty name."""
    actor = _manager(by)
    name = " ".join(name.split())
    if not name or len(name) > 200:
        raise Conflict("A unit needs a name of at most 200 characters.")
    unit.name = name
    unit.save(update_fields=["name"])
    custody.append(by=actor, at=at, kind="unit.renamed", subject=f"unit:{unit.public_id}", data={"name": name})
    return unit


@transaction.atomic
def appoint(
    *,
    by: Viewer | str,
    at: datetime,
    person: User,
    unit: Unit,
    role: str,
    rank: str = "",
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
) -> Post:
    """Give a person a post from ``starts_at`` (now unless said) until ``ends_at`` (open unless said).

    Raises NotAllowed unless by another person who is administrator, Conflict for an unknown role, roles that one
    person must not hold together, times that make no sense, or a post already held.
    """
    actor = _manager(by, person)
    if role not in Role.values:
        raise Conflict(f"The role is one of {', '.join(Role.values)}.")
    User.objects.select_for_update().get(pk=person.pk)  # two appointments at once must see each other
    begins = starts_at or at
    if ends_at is not None and ends_at <= begins:
        raise Conflict("A post ends after it starts.")
    others = Post.objects.filter(user=person).exclude(ends_at__lte=begins)
    if ends_at is not None:
        others = others.filter(starts_at__lt=ends_at)
    if others.filter(unit=unit, role=role).exists():
        raise Conflict("The person holds this post already.")
    if not rules.may_be_held_together([*others.values_list("role", flat=True), role]):
        raise Conflict("Who manages people or audits holds no other role at the same time: end the other post first.")
    post = Post.objects.create(
        public_id=public_ids.new("PO"),
        user=person,
        unit=unit,
        role=role,
        rank=" ".join(rank.split())[:60],
        starts_at=begins,
        ends_at=ends_at,
    )
    custody.append(
        by=actor,
        at=at,
        kind="post.given",
        subject=f"officer:{person.public_id}",
        data={
            "post": post.public_id,
            "unit": unit.public_id,
            "role": role,
            "rank": post.rank,
            "starts_at": begins.isoformat(),
            "ends_at": ends_at.isoformat() if ends_at else "",
        },
    )
    return post


@transaction.atomic
def end_post(*, by: Viewer | str, at: datetime, post: Post) -> Post:
    """End a post at ``at``; what the person did in it stays.

    Raises NotAllowed unless by another person who is administrator, Conflict if it has ended.
    """
    held = Post.objects.select_for_update(of=("self",)).select_related("user", "unit").get(pk=post.pk)
    actor = _manager(by, held.user)
    if held.ends_at is not None and held.ends_at <= at:
        raise Conflict("This post has ended already.")
    held.ends_at = max(at, held.starts_at)
    held.save(update_fields=["ends_at"])
    custody.append(
        by=actor,
        at=at,
        kind="post.ended",
        subject=f"officer:{held.user.public_id}",
        data={
            "post": held.public_id,
            "unit": held.unit.public_id,
            "role": held.role,
            "ends_at": held.ends_at.isoformat(),
        },
    )
    return held


@transaction.atomic
def transfer(*, by: Viewer | str, at: datetime, post: Post, to: Unit, role: str = "", rank: str = "") -> Post:
    """End a post and give the person one elsewhere, in one act. The work stays with the unit, the history with both.

    Raises as `end_post` and `appoint` do; then neither was done.
    """
    ended = end_post(by=by, at=at, post=post)
    return appoint(
        by=by, at=at, person=ended.user, unit=to, role=role or ended.role, rank=rank or ended.rank, starts_at=at
    )


@transaction.atomic
def suspend(*, by: Viewer | str, at: datetime, person: User) -> None:
    """Switch a person off: they are signed out everywhere and cannot sign in. Their posts and their history stay.

    Raises NotAllowed unless by another person who is administrator, Conflict if they are switched off already.
    """
    actor = _manager(by, person)
    if not User.objects.filter(pk=person.pk, is_active=True).update(is_active=False):
        raise Conflict("This person is switched off already.")
    custody.append(by=actor, at=at, kind="person.suspended", subject=f"officer:{person.public_id}", data={})
    sign_in_actions.end_sessions(by=actor, at=at, person=person)


@transaction.atomic
def reinstate(*, by: Viewer | str, at: datetime, person: User) -> None:
    """Switch a person on again. Raises NotAllowed unless by another administrator, Conflict if not switched off."""
    actor = _manager(by, person)
    if not User.objects.filter(pk=person.pk, is_active=False).update(is_active=True):
        raise Conflict("This person is not switched off.")
    custody.append(by=actor, at=at, kind="person.reinstated", subject=f"officer:{person.public_id}", data={})


@transaction.atomic
def add_shift(
    *, by: Viewer | str, at: datetime, person: User, unit: Unit, starts_at: datetime, ends_at: datetime
) -> Shift:
    """Put a person on duty.

    Raises NotAllowed unless by an administrator or the commander of the unit, Conflict for a shift of no or too
    great length, one that overlaps another, or a person who holds no post there.
    """
    if isinstance(by, Viewer) and not may_set_duty(by, unit):
        raise NotAllowed("Duty is set by the commander of the unit and by administrators.")
    if not starts_at < ends_at <= starts_at + rules.LONGEST_SHIFT:
        hours = round(rules.LONGEST_SHIFT.total_seconds() / 3600)
        raise Conflict(f"A shift is longer than nothing and at most {hours} hours.")
    User.objects.select_for_update().get(pk=person.pk)
    if Shift.objects.filter(user=person, starts_at__lt=ends_at, ends_at__gt=starts_at).exists():
        raise Conflict("The person is on duty then already.")
    if not Post.objects.active(starts_at).filter(user=person, unit=unit).exists():
        raise Conflict("The person holds no post in this unit then.")
    shift = Shift.objects.create(
        public_id=public_ids.new("SH"), user=person, unit=unit, starts_at=starts_at, ends_at=ends_at
    )
    custody.append(
        by=by.actor if isinstance(by, Viewer) else by,
        at=at,
        kind="shift.added",
        subject=f"officer:{person.public_id}",
        data={
            "shift": shift.public_id,
            "unit": unit.public_id,
            "starts_at": starts_at.isoformat(),
            "ends_at": ends_at.isoformat(),
        },
    )
    return shift


def may_set_duty(viewer: Viewer, unit: Unit) -> bool:
    """Whether the viewer is an administrator, or commands the unit or one above it."""
    commanded = [post.unit_id for post in viewer.posts if post.role == Role.COMMANDER]
    return viewer.manages or Below.objects.filter(ancestor__in=commanded, unit=unit).exists()


def unit_with(code: str) -> Unit:
    """Return the unit of that code or public id. Raises NotFound."""
    code = code.strip()
    unit = Unit.objects.filter(code=code).first() or Unit.objects.filter(public_id=code.upper()).first()
    if unit is None:
        raise NotFound(f"There is no unit {code[:40]!r}.")
    return unit


def _manager(by: Viewer | str, person: User | None = None) -> str:
    """Return how the log names whoever manages. Raises NotAllowed for anybody else, and for managing oneself."""
    if isinstance(by, Viewer) and not by.manages:
        raise NotAllowed("Units, people and posts are managed by administrators.")
    actor = by.actor if isinstance(by, Viewer) else by
    if person is not None and actor == f"officer:{person.public_id}":
        raise NotAllowed("Nobody changes their own posts: another administrator has to do this.")
    return actor
