# SPDX-License-Identifier: Apache-2.0
"""Reads for the pages that look at the installation itself: people, reporters, jobs and the custody log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Count, Min, Q
from django.utils.translation import gettext as _
from procrastinate.contrib.django.models import ProcrastinateJob

from nightlight.pipeline.tips.queries import Counted
from nightlight.trust.accounts.models import Reporter, User
from nightlight.trust.custody import queries as custody
from nightlight.trust.custody.models import Pending
from nightlight.trust.units.models import Post

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from nightlight.trust.custody.models import TreeHead

_MAX_PENDING = 10_000


@dataclass(frozen=True, slots=True)
class CustodyState:
    """How the log stands: entries with a place, entries waiting for one, and the newest signed head."""

    events: int
    pending: Counted
    head: TreeHead | None

    @property
    def not_signed(self) -> int:
        """Entries with a place that no signed head covers yet."""
        return self.events - (self.head.size if self.head else 0)


def custody_state() -> CustodyState:
    """Return how the custody log stands."""
    waiting = Pending.objects.all()[: _MAX_PENDING + 1].count()
    return CustodyState(
        custody.size(), Counted(min(waiting, _MAX_PENDING), waiting > _MAX_PENDING), custody.latest_head()
    )


@dataclass(frozen=True, slots=True)
class PersonRow:
    """Somebody who can sign in or once could, and the posts they hold now, in words."""

    public_id: str
    name: str
    username: str
    is_active: bool
    last_login: datetime | None
    roles_now: str

    def __str__(self) -> str:
        return self.name


def people(at: datetime) -> list[PersonRow]:
    """Return everybody who can sign in or once could, by name, with the posts they hold."""
    held: dict[int, list[str]] = {}
    for post in Post.objects.active(at).select_related("unit").order_by("id"):
        held.setdefault(post.user_id, []).append(f"{post.get_role_display()}, {post.unit.name}")
    return [
        PersonRow(
            user.public_id,
            str(user),
            user.username,
            user.is_active,
            user.last_login,
            "; ".join(held.get(user.pk, ())) or _("no post"),
        )
        for user in User.objects.order_by("username")
    ]


@dataclass(frozen=True, slots=True)
class ReporterRow:
    """A reporter and how many credentials it has; no secret and no part of one."""

    public_id: str
    name: str
    origin: str
    since: datetime
    production: int
    test: int
    revoked: int


def reporters() -> list[ReporterRow]:
    """Return all reporters by name, with the number of their credentials."""
    active = Q(credentials__active=True)
    rows = (
        Reporter.objects.order_by("name", "origin")
        .annotate(
            production=Count("credentials", filter=active & Q(credentials__environment="production")),
            test=Count("credentials", filter=active & Q(credentials__environment="test")),
            revoked=Count("credentials", filter=Q(credentials__active=False)),
        )
        .values_list("public_id", "name", "origin", "created_at", "production", "test", "revoked")
    )
    return [ReporterRow(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class FailedJobs:
    """Background steps of one kind that were given up after their last try."""

    task: str
    jobs: int
    oldest: datetime | None


def jobs_by_status() -> Mapping[str, int]:
    """Return how many background jobs there are in each status."""
    counts = ProcrastinateJob.objects.values_list("status").annotate(jobs=Count("pk")).order_by()
    return dict(counts)


def failed_jobs() -> list[FailedJobs]:
    """Return the failed jobs by kind; their arguments name tips and are not shown."""
    rows = (
        ProcrastinateJob.objects.filter(status="failed")
        .values_list("task_name")
        .annotate(jobs=Count("pk"), oldest=Min("procrastinateevent__at"))
        .order_by("-jobs")
    )
    return [FailedJobs(*row) for row in rows]
