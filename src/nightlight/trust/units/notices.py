# SPDX-License-Identifier: Apache-2.0
"""Notices: what a person, or whoever holds a role in a unit, has to know."""

from __future__ import annotations

import functools
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef, Q

from nightlight.foundation import clock, public_ids
from nightlight.trust import statements
from nightlight.trust.units import rules
from nightlight.trust.units.models import Below, Notice, Seen

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet

    from nightlight.trust.accounts.models import Role
    from nightlight.trust.units.viewer import Viewer

_COUNTED = timedelta(days=30)
# Told in the unit itself, not to those above it.
DAILY = (
    "tip.handed-over",
    "deconfliction.held",
    *("routing.offered", "routing.accepted", "routing.bounced", "routing.given-back", "routing.recalled"),
    *("routing.needs-decision", "routing.elsewhere", "routing.joint-ended"),
)


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
    return _mine(viewer).annotate(unread=~Exists(_seen(viewer.user_id))).order_by("-at", "-id")


def _mine(viewer: Viewer) -> QuerySet[Notice]:
    return _told(viewer.user_id, [(post.role, post.unit_id) for post in viewer.posts])


def _told(user_id: int, posts: Iterable[tuple[Role, int]]) -> QuerySet[Notice]:
    told = Q(user_id=user_id)
    for role, unit_id in posts:
        here = Q(unit_id=unit_id)
        if role in rules.REACHES_BELOW:
            below = Q(unit_id__in=Below.objects.filter(ancestor_id=unit_id).values("unit_id"))
            here |= below & ~Q(kind__in=DAILY)  # what comes in below every day would drown what is grave
        told |= Q(role=role) & here
    return Notice.objects.filter(told)


def _seen(user_id: int) -> QuerySet[Seen]:
    return Seen.objects.filter(notice=OuterRef("pk"), user_id=user_id)


def listed(viewer: Viewer, *, at_most: int = 100) -> list[Notice]:
    """Return the viewer's newest notices, each act once."""
    found: dict[tuple[str, str, datetime], Notice] = {}
    for notice in notices(viewer)[: at_most * 3]:
        found.setdefault((notice.kind, notice.subject, notice.at), notice)
    return list(found.values())[:at_most]


def unread(viewer: Viewer, *, at: datetime | None = None, cap: int = 99) -> int:
    """Return how many acts of the 30 days before ``at`` (now unless said) the viewer has not read of, up to the cap.

    One query on every page, so it is made into SQL once: what is older is in the list, and is not counted for ever.
    """
    counted = _counted(tuple(post.role for post in viewer.posts), cap)
    instead: dict[object, object] = {_WHO: viewer.user_id, _SINCE: (at or clock.now()) - _COUNTED}
    instead |= {_unit(number): post.unit_id for number, post in enumerate(viewer.posts)}
    return len(counted.rows(instead))


# Stand-ins: no key is below nought, and nothing is told at that moment.
_WHO = -1
_SINCE = datetime(1, 1, 1, tzinfo=UTC)


def _unit(number: int) -> int:
    return _WHO - 1 - number


@functools.lru_cache(maxsize=256)
def _counted(roles: tuple[Role, ...], cap: int) -> statements.Made:
    told = _told(_WHO, [(role, _unit(number)) for number, role in enumerate(roles)])
    new = told.filter(~Exists(_seen(_WHO)), at__gt=_SINCE)
    return statements.made(new.values_list("kind", "subject", "at").distinct()[:cap])


def mark_seen(viewer: Viewer, *, at: datetime) -> int:
    """Note that the viewer has read all their notices; return how many were new."""
    new = list(_mine(viewer).filter(~Exists(_seen(viewer.user_id))).values_list("pk", flat=True)[:2000])
    Seen.objects.bulk_create([Seen(notice_id=pk, user_id=viewer.user_id, at=at) for pk in new], ignore_conflicts=True)
    return len(new)
