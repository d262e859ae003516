# SPDX-License-Identifier: Apache-2.0
"""The person who is looking: their roles, their units, and how far they reach. Every list takes one first."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nightlight.trust.accounts.models import Role, User
from nightlight.trust.units import rules
from nightlight.trust.units.models import Below, Post, Unit

if TYPE_CHECKING:
    from datetime import datetime


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


def viewer_of(user: User, at: datetime) -> Viewer:
    """Return the person as a viewer with the posts active at that moment. Two queries."""
    held = tuple(
        Held(
            public_id=post.public_id,
            role=Role(post.role),
            unit_id=post.unit_id,
            unit=post.unit.public_id,
            unit_name=post.unit.name,
            unit_kind=post.unit.kind,
            unit_code=post.unit.code,
            at_root=post.unit.parent_id is None,
            rank=post.rank,
        )
        for post in Post.objects.active(at).filter(user=user).select_related("unit").order_by("id")
    )
    if not user.is_active:
        held = ()
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
