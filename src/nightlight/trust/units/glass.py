# SPDX-License-Identifier: Apache-2.0
"""Break-glass: a person in danger now outranks the wall. At once, with a reason, loudly, and answered for."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q

from nightlight.foundation import public_ids
from nightlight.foundation.refusals import Conflict, NotAllowed, NotFound
from nightlight.trust.accounts.models import Role, User
from nightlight.trust.custody import actions as custody
from nightlight.trust.custody.models import Event
from nightlight.trust.units import notices, rules
from nightlight.trust.units.models import Glass, Post, Unit

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from nightlight.trust.units.viewer import Viewer

_TOLD = (Role.COMMANDER, Role.AUDITOR)


def break_into(*, by: Viewer, at: datetime, subject: str, function: str, reason: str) -> Glass:
    """Break the glass over a record that may or may not exist; who asks learns which only by answering for it.

    ``function`` is the app's own database function that knows the holder across the wall. Raises as `break_glass`
    does, and NotFound for a record that does not exist; then the attempt is recorded and told.
    """
    told = _must_be_allowed(by, at, reason)
    holder = holder_of(function, subject.partition(":")[2])
    if holder is None:
        _record_attempt(by=by, at=at, subject=subject, reason=told)
        raise NotFound(
            f"There is no record {subject.partition(':')[2]}. Check the identifier; that you asked has been recorded."
        )
    return break_glass(by=by, at=at, subject=subject, holder=holder, reason=reason)


@transaction.atomic
def break_glass(*, by: Viewer, at: datetime, subject: str, holder: Unit, reason: str) -> Glass:
    """Let a person over the wall to one record, for four hours, and tell those who must know.

    ``subject`` is "tip:NL-…", ``holder`` the unit that holds it. The reason stays in a table that can be destroyed
    one day; the log keeps its digest. Raises NotAllowed for a role that does not work on records or for one time too
    many, Conflict without a reason.
    """
    User.objects.select_for_update().get(pk=by.user_id)  # two at once must count each other
    told = _must_be_allowed(by, at, reason)
    glass = Glass.objects.create(
        public_id=public_ids.new("BG"),
        user_id=by.user_id,
        unit=holder,
        subject=subject,
        reason=told,
        broken_at=at,
        until=at + rules.GLASS_STAYS_BROKEN,
    )
    custody.append(
        by=by.actor,
        at=at,
        kind="glass.broken",
        subject=subject,
        data={
            "glass": glass.public_id,
            "holder": holder.public_id,
            "until": glass.until.isoformat(),
            "reason_sha256": _digest(told),
        },
    )
    for unit_id in dict.fromkeys((holder.pk, *(post.unit_id for post in by.posts))):
        for role in _TOLD:
            notices.tell_role(
                unit_id=unit_id, role=role, kind="glass.broken", subject=glass.public_id, about=subject, at=at
            )
    return glass


@transaction.atomic
def _record_attempt(*, by: Viewer, at: datetime, subject: str, reason: str) -> None:
    custody.append(
        by=by.actor,
        at=at,
        kind="glass.attempted",
        subject=by.actor,
        data={"asked_for": subject, "reason_sha256": _digest(reason)},
    )
    for unit_id in dict.fromkeys(post.unit_id for post in by.posts):
        for role in _TOLD:
            notices.tell_role(
                unit_id=unit_id, role=role, kind="glass.attempted", subject=by.actor, about=subject, at=at
            )


def _must_be_allowed(by: Viewer, at: datetime, reason: str) -> str:
    """Return the reason as it is kept."""
    if not by.may(rules.BREAKS_GLASS):
        raise NotAllowed("Your role does not work on records, so it cannot break the glass.")
    told = rules.reason_given(reason)
    if not told:
        raise Conflict(f"Say who is in danger and how, in at least {rules.SHORTEST_REASON} characters.")
    if left(by, at) <= 0:
        raise NotAllowed(
            f"You have broken the glass {rules.GLASS_AT_MOST} times in 24 hours, which is the most one person may."
            " Call the commander of your unit, or of the unit that holds the record, now; if nobody answers, call the"
            " national centre."
        )
    return told


def left(viewer: Viewer, at: datetime) -> int:
    """Return how often the viewer may still break the glass; attempts at what does not exist count too."""
    since = at - rules.GLASS_COUNTED_OVER
    broken_lately = Glass.objects.filter(user_id=viewer.user_id, broken_at__gt=since).count()
    attempts = Event.objects.filter(actor=viewer.actor, kind="glass.attempted", at__gt=since).count()
    return max(0, rules.GLASS_AT_MOST - broken_lately - attempts)


def holder_of(function: str, subject_id: str) -> Unit | None:
    """Return the unit that holds a record, also across the wall, by the app's own database function; None if nowhere.

    Says nothing of the record but that it exists, to somebody about to answer for asking.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s)", [subject_id])
        (unit_id,) = cursor.fetchone()
    return None if unit_id is None else Unit.objects.get(pk=unit_id)


def broken(viewer: Viewer, at: datetime) -> QuerySet[Glass]:
    """Return the records this viewer has been let over the wall to, and still is."""
    return Glass.objects.filter(user_id=viewer.user_id, until__gt=at).select_related("unit").order_by("-broken_at")


def own(viewer: Viewer) -> QuerySet[Glass]:
    """Return all glass the viewer has broken, newest first."""
    return (
        Glass.objects.filter(user_id=viewer.user_id)
        .select_related("user", "unit", "signed_off_by")
        .order_by("-broken_at")
    )


def waiting(viewer: Viewer) -> QuerySet[Glass]:
    """Return broken glass that the viewer is to answer for, oldest first; never their own."""
    found = Glass.objects.filter(signed_off_at__isnull=True).exclude(user_id=viewer.user_id)
    return _answered_by(viewer, found).select_related("user", "unit").order_by("broken_at")


def answered(viewer: Viewer) -> QuerySet[Glass]:
    """Return broken glass in the viewer's units that has been answered for, the last answer first."""
    found = Glass.objects.filter(signed_off_at__isnull=False)
    return _answered_by(viewer, found).select_related("user", "unit", "signed_off_by").order_by("-signed_off_at")


def _answered_by(viewer: Viewer, found: QuerySet[Glass]) -> QuerySet[Glass]:
    """Those of units the viewer answers for: the unit that holds the record, or one where the person then worked."""
    if not viewer.signs_off:
        return found.none()
    if viewer.reach is None:
        return found
    then_held = Post.objects.filter(
        Q(ends_at__isnull=True) | Q(ends_at__gt=OuterRef("broken_at")),
        user=OuterRef("user"),
        starts_at__lte=OuterRef("broken_at"),
        unit__in=viewer.reach,
    )
    return found.filter(Q(unit__in=viewer.reach) | Exists(then_held))


@transaction.atomic
def sign_off(*, by: Viewer, at: datetime, public_id: str, justified: bool, finding: str) -> Glass:
    """Answer for a broken glass: was it justified, and what was found. Raises NotAllowed, NotFound or Conflict."""
    if not by.signs_off:
        raise NotAllowed("Broken glass is signed off by a commander or an auditor.")
    if Glass.objects.filter(public_id=public_id, user_id=by.user_id).exists():
        raise NotAllowed("Somebody else has to sign off what you did.")
    glass = _answered_by(by, Glass.objects.filter(public_id=public_id)).select_related("unit").first()
    if glass is None:
        raise NotFound("There is no such record of broken glass in your units.")
    told = rules.reason_given(finding)
    if not told:
        raise Conflict(f"Say what you found, in at least {rules.SHORTEST_REASON} characters.")
    changed = Glass.objects.filter(pk=glass.pk, signed_off_at__isnull=True).update(
        signed_off_by_id=by.user_id, signed_off_at=at, justified=justified, finding=told
    )
    if not changed:
        raise Conflict("This has been signed off already.")
    custody.append(
        by=by.actor,
        at=at,
        kind="glass.signed-off",
        subject=glass.subject,
        data={
            "glass": glass.public_id,
            "justified": justified,
            "finding_sha256": _digest(told),
        },
    )
    notices.tell_person(
        user_id=glass.user_id, kind="glass.signed-off", subject=glass.public_id, about=glass.subject, at=at
    )
    glass.refresh_from_db()
    return glass


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
