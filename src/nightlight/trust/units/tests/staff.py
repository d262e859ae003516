# SPDX-License-Identifier: Apache-2.0
"""The invented units and people of these tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from nightlight.trust.accounts import actions as accounts
from nightlight.trust.units import actions
from nightlight.trust.units.models import Unit
from nightlight.trust.units.viewer import viewer_of

if TYPE_CHECKING:
    from nightlight.trust.accounts.models import User
    from nightlight.trust.units.viewer import Viewer

NOON = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)
CLI = "command:cli"


def root() -> Unit:
    """The unit that every installation begins with."""
    return Unit.objects.get(receives=True)


def unit(code: str, parent: Unit | None = None, kind: str = "station") -> Unit:
    """A unit below another, below the top unless said."""
    name = f"{code.title()} unit"
    return actions.add_unit(by=CLI, at=NOON, code=code, name=name, kind=kind, parent=parent or root())


def person(name: str, role: str = "", at_unit: Unit | None = None) -> User:
    """Somebody who can sign in, with a post where a role is said."""
    made = accounts.add_person(by=CLI, at=NOON, username=name.lower(), password="-" * 12, full_name=name)
    if role:
        actions.appoint(by=CLI, at=NOON, person=made, unit=at_unit or root(), role=role)
    return made


def looking(user: User, at: datetime = NOON) -> Viewer:
    """Somebody with the posts they hold at that time."""
    return viewer_of(user, at)
