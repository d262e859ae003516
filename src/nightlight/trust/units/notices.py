# SPDX-License-Identifier: Apache-2.0
"""Notices: what a person, or whoever holds a role in a unit, has to know."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now

from nightlight.foundation import public_ids
from nightlight.trust.units import rules
from nightlight.trust.units.models import Below, Notice, Seen

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from nightlight.trust.accounts.models import Role
    from nightlight.trust.units.viewer import Viewer

_COUNTED = timedelta(days=30)
DAILY = ("tip.handed-over",)  # told in the unit itself, not to those above it


def tell_role(*, unit_id: int, role: Role, kind: str, subject: str, at: datetime, about: str = "") -> None:
    """Tell whoever holds ``role`` in the unit, or above it where the role reaches below. In the act's transaction."""
    # Several rows at once and without RETURNING: who tells may not be among those who are told.
    Notice.objects.bulk_create(
        [
            Notice(
                public_id=public_ids.new("NO"),
                unit_id=unit_id,
                role=role,
                kind=kind,
                subject=subject,
                about=about,
                at=at,
            )
        ],
        ignore_conflicts=True,
    )


def tell_person(*, user_id: int, kind: str, subject: str, at: datetime, about: str = "") -> None:
    """Tell one person. In the act's transaction."""
    Notice.objects.bulk_create(
        [Notice(public_id=public_ids.new("NO"), user_id=user_id, kind=kind, subject=subject, about=about, at=at)],
        ignore_conflicts=True,
    )


def notices(viewer: Viewer) -> QuerySet[Notice]:
    """Return the viewer's notices, newest first, each with ``unread``.

    One act may have been told to several units the viewer reaches; then there are several rows with the same kind,
    subject and time (see `listed`).
    """
    return _mine(viewer).annotate(unread=~Exists(_seen(viewer))).order_by("-at", "-id")


def _mine(viewer: Viewer) -> QuerySet[Notice]:
    mine = Q(user_id=viewer.user_id)
    for post in viewer.posts:
        here = Q(unit_id=post.unit_id)
        if post.role in rules.REACHES_BELOW:
            below = Q(unit_id__in=Below.objects.filter(ancestor_id=post.unit_id).values("unit_id"))
            here |= below & ~Q(kind__in=DAILY)  # what comes in below every day would drown what is grave
        mine |= Q(role=post.role) & here
    return Notice.objects.filter(mine)


def _seen(viewer: Viewer) -> QuerySet[Seen]:
    return Seen.objects.filter(notice=OuterRef("pk"), user_id=viewer.user_id)


def listed(viewer: Viewer, *, at_most: int = 100) -> list[Notice]:
    """Return the viewer's newest notices, each act once."""
    found: dict[tuple[str, str, datetime], Notice] = {}
    for notice in notices(viewer)[: at_most * 3]:
        found.setdefault((notice.kind, notice.subject, notice.at), notice)
    return list(found.values())[:at_most]


def unread(viewer: Viewer, *, at: datetime | None = None, cap: int = 99) -> int:
    """Return how many acts of the 30 days before ``at`` (now unless said) the viewer has not read of, up to the cap.

    One query on every page: what is older is in the list, and is not counted for ever.
    """
    new = _mine(viewer).filter(~Exists(_seen(viewer)), at__gt=(at or Now()) - _COUNTED)
    return new.values("kind", "subject", "at").distinct()[:cap].count()


def mark_seen(viewer: Viewer, *, at: datetime) -> int:
    """Note that the viewer has read all their notices; return how many were new."""
    new = list(_mine(viewer).filter(~Exists(_seen(viewer))).values_list("pk", flat=True)[:2000])
    Seen.objects.bulk_create([Seen(notice_id=pk, user_id=viewer.user_id, at=at) for pk in new], ignore_conflicts=True)
    return len(new)
