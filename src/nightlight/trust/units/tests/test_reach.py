# SPDX-License-Identifier: Apache-2.0
"""Tests that the database and the rules agree on who reaches what, and that the tree keeps who lies below whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nightlight.foundation import clock
from nightlight.trust import identity
from nightlight.trust.accounts.models import Role
from nightlight.trust.units import actions, rules
from nightlight.trust.units.models import Below, Post, Unit
from nightlight.trust.units.tests.staff import CLI, NOON, person, root, unit
from nightlight.trust.units.viewer import viewer_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nightlight.trust.accounts.models import User

pytestmark = pytest.mark.django_db


def asked(sql: str, user: User | None) -> list[object]:
    """What a function of the database says to this person."""

    def rows() -> list[object]:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return [row[0] for row in cursor.fetchall()]

    if user is None:
        return rows()
    with identity.acting_as(viewer=user.pk):
        return rows()


def test_nobody_reaches_anything() -> None:
    person("Asha", "commander")
    assert asked("SELECT * FROM units_reach()", None) == []
    assert asked("SELECT units_reaches_all()", None) == [False]
    assert asked("SELECT * FROM units_people()", None) == []


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("where", ["top", "district", "station"])
def test_each_role_reaches_in_the_database_what_the_rules_say(role: Role, where: str) -> None:
    district = unit("D", kind="district")
    places = {"top": root(), "district": district, "station": unit("A", district)}
    unit("B")
    somebody = person("Asha", role, places[where])
    below = list(Below.objects.filter(ancestor=places[where]).values_list("unit_id", flat=True))
    wanted = below if role in rules.REACHES_BELOW else [places[where].pk] if role in rules.READS else []
    assert sorted(map(str, asked("SELECT * FROM units_reach()", somebody))) == sorted(map(str, wanted))
    seen = viewer_of(somebody, clock.now())
    reaches_all = role in rules.REACHES_BELOW and where == "top"
    assert asked("SELECT units_reaches_all()", somebody) == [reaches_all]
    assert seen.reach is None if reaches_all else seen.reach == tuple(sorted(wanted))


@pytest.mark.parametrize("role", list(Role))
def test_broken_glass_counts_in_the_database_for_the_roles_of_the_rules(role: Role) -> None:
    somebody = person("Asha", role, unit("A"))
    now = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO units_glass (public_id, user_id, unit_id, subject, reason, broken_at, until, finding)"
            " VALUES ('BG-0000-0001', %s, %s, 'tip:NL-0000-0001', 'x', %s, %s + interval '4 hours', '')",
            [somebody.pk, root().pk, now, now],
        )
    wanted = ["tip:NL-0000-0001"] if role in rules.BREAKS_GLASS else []
    assert asked("SELECT * FROM units_broken_into()", somebody) == wanted
    held = Post.objects.get(user=somebody)
    actions.end_post(by=CLI, at=max(held.starts_at, NOON), post=held)
    assert asked("SELECT * FROM units_broken_into()", somebody) == []  # without a post, nothing


def test_a_person_switched_off_reaches_nothing_in_the_database() -> None:
    somebody = person("Asha", "commander")
    actions.suspend(by=CLI, at=NOON, person=somebody)
    assert asked("SELECT * FROM units_reach()", somebody) == []
    assert asked("SELECT units_has_role('commander')", somebody) == [False]


def _defined(parents: Iterable[tuple[int, int | None]]) -> set[tuple[int, int]]:
    """Who lies below whom, by going up from each unit."""
    above = dict(parents)
    found = set()
    for start in above:
        one: int | None = start
        while one is not None:
            found.add((one, start))
            one = above[one]
    return found


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    places=st.lists(st.integers(0, 30), min_size=1, max_size=12),
    moves=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=8),
    at_once=st.booleans(),
)
def test_the_tree_keeps_who_lies_below_whom(
    places: list[int], moves: list[tuple[int, int]], *, at_once: bool, db: None
) -> None:
    with transaction.atomic():
        saved = transaction.savepoint()
        units = [root()]
        for number, place in enumerate(places):
            new = Unit(
                public_id=f"UN-{number:08}",
                parent=units[place % len(units)],
                kind="station",
                code=f"U{number}",
                name="U",
                created_at=NOON,
            )
            if at_once:
                new.pk = 1000 + number
            else:
                new.save()
            units.append(new)
        if at_once:  # children before their parents, in one statement
            Unit.objects.bulk_create(reversed(units[1:]))
        for which, to in moves:
            moved, new_parent = units[1 + which % (len(units) - 1)], units[to % len(units)]
            circle = (moved.pk, new_parent.pk) in _defined(Unit.objects.values_list("pk", "parent_id"))
            try:
                with transaction.atomic():
                    Unit.objects.filter(pk=moved.pk).update(parent=new_parent)
            except DatabaseError:
                assert circle
            else:
                assert not circle
        kept = set(Below.objects.values_list("ancestor_id", "unit_id"))
        assert kept == _defined(Unit.objects.values_list("pk", "parent_id"))
        transaction.savepoint_rollback(saved)


def test_units_that_lie_below_each_other_are_refused_when_added() -> None:
    pair = [
        Unit(pk=71, public_id="UN-1", parent_id=72, kind="station", code="A", name="A", created_at=NOON),
        Unit(pk=72, public_id="UN-2", parent_id=71, kind="station", code="B", name="B", created_at=NOON),
    ]
    with pytest.raises(DatabaseError, match="below itself"), transaction.atomic():
        Unit.objects.bulk_create(pair)
