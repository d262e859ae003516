# SPDX-License-Identifier: Apache-2.0
"""Tests of breaking the glass, of answering for it, and of notices."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import DatabaseError, connection, transaction

from nightlight.foundation.refusals import Conflict, NotAllowed, NotFound
from nightlight.trust.custody.models import Event
from nightlight.trust.units import actions, glass, notices, rules
from nightlight.trust.units.models import Glass, Post
from nightlight.trust.units.tests.staff import CLI, NOON, looking, person, unit

if TYPE_CHECKING:
    from nightlight.trust.units.models import Unit
    from nightlight.trust.units.viewer import Viewer

pytestmark = pytest.mark.django_db
WHY = "A child is to be met at the station at six this evening."
FOUND = "The report did name this evening; the other station was called."
HOUR = timedelta(hours=1)


class Walls:
    """Two stations in two districts, and whoever works there."""

    def __init__(self) -> None:
        self.here_district, self.there_district = unit("HD", kind="district"), unit("TD", kind="district")
        self.here, self.there = unit("H", self.here_district), unit("T", self.there_district)
        self.asha = looking(person("Asha", "investigator", self.here))
        self.here_commander = looking(person("Kavita", "commander", self.here_district))
        self.there_commander = looking(person("Meher", "commander", self.there_district))
        self.auditor = looking(person("Farah", "auditor"))

    def broken(self, number: int = 1, by: Viewer | None = None) -> Glass:
        """The glass over a record of the other station, broken."""
        return glass.break_glass(
            by=by or self.asha, at=NOON, subject=f"tip:NL-0000-000{number}", holder=self.there, reason=WHY
        )


@pytest.fixture
def walls(db: None) -> Walls:
    return Walls()


def _holder(unit: Unit) -> None:
    """A function of the database as an app has one: one record exists, in this unit."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION example_holder(text) RETURNS bigint LANGUAGE sql AS"
            f" $$ SELECT {unit.pk}::bigint WHERE $1 = 'NL-0000-0001' $$"
        )


@pytest.mark.parametrize("role", ["legal-reviewer", "auditor", "administrator"])
def test_who_does_not_work_on_records_breaks_no_glass(walls: Walls, role: str) -> None:
    with pytest.raises(NotAllowed):
        walls.broken(by=looking(person("Somebody", role, walls.here)))
    assert not Glass.objects.exists()


@pytest.mark.parametrize("reason", ["", "   ", "danger!", "x" * (rules.SHORTEST_REASON - 1)])
def test_without_a_reason_the_glass_stays_whole(walls: Walls, reason: str) -> None:
    with pytest.raises(Conflict):
        glass.break_glass(by=walls.asha, at=NOON, subject="tip:NL-0000-0001", holder=walls.there, reason=reason)
    assert not Glass.objects.exists()
    assert not Event.objects.filter(kind__startswith="glass.").exists()


def test_the_glass_is_broken_for_four_hours_and_told_without_the_reason(walls: Walls) -> None:
    broken = walls.broken()
    assert broken.until == NOON + timedelta(hours=4)
    assert list(glass.broken(walls.asha, NOON + 3 * HOUR)) == [broken]
    assert list(glass.broken(walls.asha, NOON + 4 * HOUR)) == []
    entry = Event.objects.get(kind="glass.broken")
    assert entry.subject == "tip:NL-0000-0001"
    assert "station at six" not in entry.body
    for told in (walls.here_commander, walls.there_commander, walls.auditor):
        assert notices.unread(told, at=NOON) == 1
        assert [notice.kind for notice in notices.listed(told)] == ["glass.broken"]
    assert notices.unread(walls.asha, at=NOON) == 0


def test_a_record_that_does_not_exist_is_told_of_only_after_the_attempt_was_recorded(walls: Walls) -> None:
    _holder(walls.there)
    with pytest.raises(Conflict):
        glass.break_into(by=walls.asha, at=NOON, subject="tip:NL-9", function="example_holder", reason="short")
    assert not Event.objects.filter(kind="glass.attempted").exists()
    with pytest.raises(NotFound, match="recorded"):
        glass.break_into(by=walls.asha, at=NOON, subject="tip:NL-9", function="example_holder", reason=WHY)
    entry = Event.objects.get(kind="glass.attempted")
    assert (entry.actor, entry.subject) == (walls.asha.actor, walls.asha.actor)
    assert notices.unread(walls.here_commander, at=NOON) == 1
    assert not Glass.objects.exists()
    broken = glass.break_into(by=walls.asha, at=NOON, subject="tip:NL-0000-0001", function="example_holder", reason=WHY)
    assert broken.unit == walls.there


def test_nobody_breaks_the_glass_more_than_five_times_a_day(walls: Walls) -> None:
    _holder(walls.there)
    with pytest.raises(NotFound):
        glass.break_into(by=walls.asha, at=NOON, subject="tip:NL-9", function="example_holder", reason=WHY)
    for number in range(4):
        walls.broken(number)
    assert glass.left(walls.asha, NOON) == 0
    with pytest.raises(NotAllowed, match="Call the commander"):
        walls.broken(5)
    with pytest.raises(NotAllowed, match="Call the commander"):
        glass.break_into(by=walls.asha, at=NOON, subject="tip:NL-9", function="example_holder", reason=WHY)
    assert glass.left(walls.asha, NOON + timedelta(hours=24)) == rules.GLASS_AT_MOST
    assert glass.left(walls.there_commander, NOON) == rules.GLASS_AT_MOST


def test_broken_glass_is_signed_off_by_somebody_else_who_answers_for_the_units(walls: Walls) -> None:
    broken = walls.broken()
    elsewhere = looking(person("Elsewhere", "commander", unit("E")))

    def sign(by: Viewer, finding: str = FOUND) -> Glass:
        return glass.sign_off(by=by, at=NOON + HOUR, public_id=broken.public_id, justified=True, finding=finding)

    with pytest.raises(NotAllowed):
        sign(walls.asha)
    with pytest.raises(NotFound):
        sign(elsewhere)
    with pytest.raises(Conflict):
        sign(walls.here_commander, "ok")
    assert list(glass.waiting(walls.here_commander)) == [broken] == list(glass.waiting(walls.auditor))
    assert list(glass.waiting(walls.asha)) == list(glass.waiting(elsewhere)) == []
    signed = sign(walls.there_commander)
    assert (signed.justified, signed.finding) == (True, FOUND)
    with pytest.raises(Conflict, match="already"):
        sign(walls.auditor)
    assert list(glass.waiting(walls.auditor)) == []
    assert list(glass.answered(walls.auditor)) == [broken]
    assert [notice.kind for notice in notices.listed(walls.asha)] == ["glass.signed-off"]
    assert FOUND not in Event.objects.get(kind="glass.signed-off").body


def test_nobody_signs_off_what_they_did(walls: Walls) -> None:
    broken = walls.broken(by=walls.here_commander)
    assert list(glass.waiting(walls.here_commander)) == []
    with pytest.raises(NotAllowed, match="Somebody else"):
        glass.sign_off(by=walls.here_commander, at=NOON, public_id=broken.public_id, justified=True, finding=FOUND)
    with pytest.raises(DatabaseError), transaction.atomic():
        Glass.objects.filter(pk=broken.pk).update(signed_off_by_id=broken.user_id, signed_off_at=NOON, justified=True)


def test_who_commanded_the_unit_then_answers_even_after_a_transfer(walls: Walls) -> None:
    broken = walls.broken()
    actions.transfer(by=CLI, at=NOON + HOUR, post=Post.objects.get(user_id=walls.asha.user_id), to=unit("E"))
    assert list(glass.waiting(walls.here_commander)) == [broken]


def test_an_act_told_to_two_units_one_reaches_is_one_notice(walls: Walls) -> None:
    state = looking(person("Above", "commander"))
    walls.broken()
    assert len(notices.notices(state)) == 2
    assert notices.unread(state, at=NOON) == 1
    assert len(notices.listed(state)) == 1
    assert notices.unread(state, at=NOON + timedelta(days=31)) == 0  # in the list, and not counted for ever
    assert notices.mark_seen(state, at=NOON) == 2
    assert notices.mark_seen(state, at=NOON) == 0
    assert notices.unread(state, at=NOON) == 0
    assert not getattr(notices.listed(state)[0], "unread", True)
    assert notices.unread(walls.auditor, at=NOON) == 1  # each reads for themselves
