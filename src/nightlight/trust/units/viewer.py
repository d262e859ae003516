# SPDX-License-Identifier: Apache-2.0
"""The person who is looking: their roles, their units, and how far they reach. Every list takes one first."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from nightlight.trust import statements
from nightlight.trust.accounts.models import Role
from nightlight.trust.units import rules
from nightlight.trust.units.models import Below, Post, Unit

if TYPE_CHECKING:
    from nightlight.trust.accounts.models import User


@dataclass(frozen=True, slots=True)
class Held:
    """One active post, as far as pages and rules need it; ``unit_id`` is a database key."""

    public_id: str
    role: Role
    unit_id: int
    unit: str  # public id
    unit_name: str
    unit_kind: str
    unit_code: str
    at_root: bool
    rank: str


@dataclass(frozen=True, slots=True)
class Viewer:
    """A person with the posts they hold now. ``reach`` holds database keys of units; None means every unit."""

    user_id: int
    public_id: str
    name: str
    posts: tuple[Held, ...]
    reach: tuple[int, ...] | None
    roles: frozenset[Role] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "roles", frozenset(post.role for post in self.posts))

    @property
    def actor(self) -> str:
        """How custody events name this person."""
        return f"officer:{self.public_id}"

    def may(self, roles: frozenset[Role]) -> bool:
        """Whether one of the person's roles is among these."""
        return bool(self.roles & roles)

    @property
    def reads_tips(self) -> bool:
        """Whether any of the person's roles reads records; an administrator's does not."""
        return self.may(rules.READS)

    @property
    def works(self) -> bool:
        """Whether the person works on records, rather than checking on those who do."""
        return self.may(rules.BREAKS_GLASS)

    @property
    def imports(self) -> bool:
        """Whether the person takes in downloads."""
        return self.may(rules.IMPORTS)

    @property
    def audits(self) -> bool:
        """Whether the person audits."""
        return self.may(rules.AUDITS)

    @property
    def manages(self) -> bool:
        """Whether the person manages people and the system."""
        return self.may(rules.MANAGES)

    @property
    def commands(self) -> bool:
        """Whether the person commands a unit."""
        return Role.COMMANDER in self.roles

    @property
    def signs_off(self) -> bool:
        """Whether the person answers for broken glass of others."""
        return self.may(rules.SIGNS_OFF)

    @property
    def unseals(self) -> bool:
        """Whether the person may open sealed identities."""
        return self.may(rules.UNSEALS)

    @property
    def views_media(self) -> bool:
        """Whether the person may look at files."""
        return self.may(rules.VIEWS_MEDIA)

    @property
    def home_unit(self) -> Held | None:
        """The post under which the person takes things in: the first that does so, else the first."""
        taking_in = [post for post in self.posts if post.role in rules.IMPORTS]
        return next(iter(taking_in or self.posts), None)


# Stand-ins in the query of posts: nobody has this key, and nothing begins at that moment.
_WHO = -1
_AT = datetime(1, 1, 1, tzinfo=UTC)


@functools.cache
def _posts() -> statements.Made:
    posts = Post.objects.active(_AT).filter(user_id=_WHO).order_by("id")
    unit = ("unit_id", "unit__public_id", "unit__name", "unit__kind", "unit__code", "unit__parent_id")
    return statements.made(posts.values_list("public_id", "role", *unit, "rank"))


def viewer_of(user: User, at: datetime) -> Viewer:
    """Return the person as a viewer with the posts active at that moment. Two queries, the first made only once."""
    held = tuple(
        Held(
            public_id=public_id,
            role=Role(role),
            unit_id=unit_id,
            unit=unit,
            unit_name=name,
            unit_kind=kind,
            unit_code=code,
            at_root=parent is None,
            rank=rank,
        )
        for public_id, role, unit_id, unit, name, kind, code, parent, rank in (
            _posts().rows({_WHO: user.pk, _AT: at}) if user.is_active else ()
        )
    )
    return Viewer(user.pk, user.public_id, str(user), held, _reach(held))


def _reach(held: tuple[Held, ...]) -> tuple[int, ...] | None:
    over = [post for post in held if post.role in rules.REACHES_BELOW]
    if any(post.at_root for post in over):
        return None
    own = {post.unit_id for post in held if post.role in rules.READS}
    below = Below.objects.filter(ancestor__in=[post.unit_id for post in over]).values_list("unit_id", flat=True)
    return tuple(sorted(own | set(below if over else ())))


def reached_units(viewer: Viewer) -> list[Unit]:
    """Return the units whose records the viewer sees, by name."""
    units = Unit.objects.order_by("name")
    return list(units if viewer.reach is None else units.filter(pk__in=viewer.reach))
