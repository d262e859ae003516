# SPDX-License-Identifier: Apache-2.0
"""Two units that do not see each other, with officers and tips; and doing as pages and steps of an installation do."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import connection

from nightlight.config import rights
from nightlight.pipeline.linking.tests.db_cast import LATER, NOON, person, root, tip
from nightlight.pipeline.tips import handing
from nightlight.trust import identity
from nightlight.trust.rights import WEB, WORKER
from nightlight.trust.units import actions as units
from nightlight.trust.units.models import Notice
from nightlight.trust.units.viewer import viewer_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.accounts.models import User
    from nightlight.trust.accounts.queries import ReporterLogin
    from nightlight.trust.units.models import Unit
    from nightlight.trust.units.viewer import Viewer

PHONE, EMAIL = "+919990000001", "k@example.org"


def hold_to_rights() -> None:
    """Have the database hold to what is stated."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    rights.apply(connection)


@contextmanager
def _role(role: str) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {role}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")


@contextmanager
def as_pages(user: User) -> Iterator[Viewer]:
    """Run the block as pages do for this person."""
    with _role(WEB), identity.acting_as(viewer=user.pk):
        yield viewer_of(user, LATER)


@contextmanager
def as_nobody() -> Iterator[None]:
    """Run the block as the API does, for whom nobody is acting."""
    with _role(WEB):
        yield


@contextmanager
def as_step(step: str = "linking") -> Iterator[None]:
    """Run the block with what the database lets this step do."""
    with _role(WORKER), identity.acting_as(service=step):
        yield


def station(code: str) -> Unit:
    """A unit below the one that receives."""
    return units.add_unit(by="command:cli", at=NOON, code=code, name=f"Unit {code}", kind="station", parent=root())


def given(by: ReporterLogin, unit: Unit, *people: str) -> Tip:
    """A tip about these people that this unit holds."""
    made = tip(by, *people, read=True)
    with identity.acting_as(service="command"):
        handing.hand_over(by="command:cli", at=NOON, tip=made, to=unit, why="area")
    made.refresh_from_db()
    return made


def told(kind: str = "deconfliction.held") -> set[tuple[str, str, str, str]]:
    """The notices there are of a kind: unit, role, what it leads to, who is meant."""
    rows = Notice.objects.filter(kind=kind).select_related("unit")
    return {(row.unit.code if row.unit else "", row.role, row.subject, row.about) for row in rows}


@dataclass(frozen=True)
class Two:
    """Two units of which neither sees the other's tips: Asha works in A, Dev in B."""

    a: Unit
    b: Unit
    asha: User
    dev: User


def two_units() -> Two:
    """Make them."""
    a, b = station("A"), station("B")
    return Two(a, b, person("Asha", "investigator", a), person("Dev", "investigator", b))
