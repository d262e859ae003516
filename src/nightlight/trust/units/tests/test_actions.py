# SPDX-License-Identifier: Apache-2.0
"""Tests of changes to units, posts, duty and people."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction

from nightlight.foundation.refusals import Conflict, NotAllowed, NotFound
from nightlight.trust.accounts.models import User
from nightlight.trust.custody.models import Event
from nightlight.trust.units import actions, queries, registering
from nightlight.trust.units.loading import UnitRow, india_seed
from nightlight.trust.units.models import Below, Post, Shift, Unit
from nightlight.trust.units.tests.staff import CLI, NOON, looking, person, root, unit

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def kinds(subject: str) -> list[str]:
    """The kinds of the entries about something, in order."""
    return list(Event.objects.filter(subject=subject).order_by("id").values_list("kind", flat=True))


@pytest.mark.parametrize(
    ("code", "name", "kind"),
    [
        ("", "A name", "station"),
        ("X" * 41, "A name", "station"),
        ("X", "  ", "station"),
        ("X", "n" * 201, "station"),
        ("X", "A name", "village"),
        ("X", "A name", "national"),
        ("IN", "A name", "state"),
    ],
)
def test_a_unit_without_code_name_or_kind_is_refused(code: str, name: str, kind: str) -> None:
    with pytest.raises(Conflict):
        actions.add_unit(by=CLI, at=NOON, code=code, name=name, kind=kind, parent=root())
    assert not Event.objects.filter(kind="unit.added").exists()


def test_units_are_managed_by_administrators_only() -> None:
    commander = looking(person("Kavita", "commander"))
    with pytest.raises(NotAllowed):
        actions.add_unit(by=commander, at=NOON, code="X", name="X", kind="station", parent=root())
    with pytest.raises(NotAllowed):
        actions.rename_unit(by=commander, at=NOON, unit=root(), name="X")
    admin = looking(person("Joy", "administrator"))
    made = actions.add_unit(
        by=admin,
        at=NOON,
        code="PS-1",
        name=" One   station ",
        kind="station",
        parent=root(),
        areas=["PIN:431", "PIN:431"],
    )
    assert (made.name, [area.code for area in made.areas.all()]) == ("One station", ["PIN:431"])
    actions.rename_unit(by=admin, at=NOON, unit=made, name="First station")
    assert Unit.objects.get(pk=made.pk).name == "First station"
    assert kinds(f"unit:{made.public_id}") == ["unit.added", "unit.renamed"]


def test_an_empty_name_renames_nothing() -> None:
    with pytest.raises(Conflict):
        actions.rename_unit(by=CLI, at=NOON, unit=root(), name=" ")


def test_there_is_one_unit_at_the_top() -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        Unit.objects.create(public_id="UN-0000-0001", kind="national", code="XX", name="Other", created_at=NOON)


def test_posts_are_given_by_administrators_and_never_to_oneself() -> None:
    joy = person("Joy", "administrator")
    admin, dev = looking(joy), person("Dev")
    for by in (looking(dev), looking(person("Kavita", "commander"))):
        with pytest.raises(NotAllowed):
            actions.appoint(by=by, at=NOON, person=dev, unit=root(), role="investigator")
    # Neither as a viewer nor under the name the log would give.
    for himself in (admin, admin.actor):
        with pytest.raises(NotAllowed, match="another administrator"):
            actions.appoint(by=himself, at=NOON, person=joy, unit=root(), role="investigator")
    assert not Post.objects.filter(user=dev).exists()
    post = actions.appoint(by=admin, at=NOON, person=dev, unit=root(), role="investigator", rank="Inspector")
    assert looking(dev).roles == {"investigator"}
    assert kinds(f"officer:{dev.public_id}") == ["person.added", "post.given"]
    assert post.rank == "Inspector"


def test_a_post_of_no_role_or_no_length_is_refused() -> None:
    dev = person("Dev")
    with pytest.raises(Conflict, match="role"):
        actions.appoint(by=CLI, at=NOON, person=dev, unit=root(), role="officer")
    with pytest.raises(Conflict, match="after"):
        actions.appoint(by=CLI, at=NOON, person=dev, unit=root(), role="investigator", ends_at=NOON)


def test_the_same_post_is_not_held_twice_at_a_time() -> None:
    dev = person("Dev")
    actions.appoint(by=CLI, at=NOON, person=dev, unit=root(), role="investigator", ends_at=NOON + HOUR)
    with pytest.raises(Conflict, match="already"):
        actions.appoint(by=CLI, at=NOON, person=dev, unit=root(), role="investigator")
    actions.appoint(by=CLI, at=NOON, person=dev, unit=root(), role="investigator", starts_at=NOON + HOUR)


@pytest.mark.parametrize("alone", ["administrator", "auditor"])
def test_who_manages_or_audits_holds_nothing_else_at_the_time(alone: str) -> None:
    dev = person("Dev", "investigator")
    with pytest.raises(Conflict, match="no other role"):
        actions.appoint(by=CLI, at=NOON, person=dev, unit=unit("A"), role=alone)
    actions.end_post(by=CLI, at=NOON + HOUR, post=Post.objects.get(user=dev))
    actions.appoint(by=CLI, at=NOON + HOUR, person=dev, unit=root(), role=alone)
    with pytest.raises(Conflict, match="no other role"):
        actions.appoint(by=CLI, at=NOON + 2 * HOUR, person=dev, unit=root(), role="investigator")


def test_a_post_ends_once_and_is_never_made_longer() -> None:
    dev = person("Dev", "investigator")
    post = Post.objects.get(user=dev)
    with pytest.raises(NotAllowed):
        actions.end_post(by=looking(dev), at=NOON, post=post)
    ended = actions.end_post(by=CLI, at=NOON + HOUR, post=post)
    assert ended.ends_at == NOON + HOUR
    with pytest.raises(Conflict):
        actions.end_post(by=CLI, at=NOON + 2 * HOUR, post=post)
    for later in (None, NOON + 5 * HOUR):
        with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
            Post.objects.filter(pk=post.pk).update(ends_at=later)
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        Post.objects.filter(pk=post.pk).update(role="commander")
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        Post.objects.filter(pk=post.pk).delete()


def test_an_ended_or_a_future_post_gives_nothing() -> None:
    dev = person("Dev")
    actions.appoint(
        by=CLI, at=NOON, person=dev, unit=root(), role="commander", starts_at=NOON + HOUR, ends_at=NOON + 2 * HOUR
    )
    for at, roles in ((NOON, set()), (NOON + HOUR, {"commander"}), (NOON + 2 * HOUR, set())):
        seen = looking(dev, at)
        assert seen.roles == roles
        assert (seen.reach is None) == bool(roles)
        assert roles or seen.reach == ()


def test_a_transfer_moves_what_one_sees_and_is_one_act() -> None:
    here, there = unit("A"), unit("B")
    dev = person("Dev", "investigator", here)
    post = Post.objects.get(user=dev)
    with pytest.raises(Conflict):
        actions.transfer(by=CLI, at=NOON + HOUR, post=post, to=there, role="officer")
    assert looking(dev, NOON + 2 * HOUR).reach == (here.pk,)  # the ending was undone with it
    actions.transfer(by=CLI, at=NOON + HOUR, post=post, to=there)
    assert looking(dev, NOON + 2 * HOUR).reach == (there.pk,)
    now, _later, past = queries.posts_of_person(dev, NOON + 2 * HOUR)
    assert [one.unit for one in now] == [there]
    assert [one.unit for one in past] == [here]
    assert kinds(f"officer:{dev.public_id}")[-2:] == ["post.ended", "post.given"]


def test_a_person_switched_off_sees_nothing_and_is_switched_on_again() -> None:
    dev, joy = person("Dev", "investigator"), person("Joy", "administrator")
    with pytest.raises(NotAllowed):
        actions.suspend(by=looking(dev), at=NOON, person=joy)
    with pytest.raises(NotAllowed, match="another administrator"):
        actions.suspend(by=looking(joy), at=NOON, person=joy)
    with pytest.raises(Conflict):
        actions.reinstate(by=looking(joy), at=NOON, person=dev)
    actions.suspend(by=looking(joy), at=NOON, person=dev)
    with pytest.raises(Conflict):
        actions.suspend(by=looking(joy), at=NOON, person=dev)
    assert looking(User.objects.get(pk=dev.pk)).posts == ()
    actions.reinstate(by=looking(joy), at=NOON, person=dev)
    assert looking(User.objects.get(pk=dev.pk)).roles == {"investigator"}
    assert [
        kind for kind in kinds(f"officer:{dev.public_id}") if kind in {"person.suspended", "person.reinstated"}
    ] == [
        "person.suspended",
        "person.reinstated",
    ]


def test_duty_is_set_by_the_commander_above_and_for_who_works_there() -> None:
    district = unit("D", kind="district")
    here, elsewhere = unit("A", district), unit("B")
    dev = person("Dev", "investigator", here)
    start, end = NOON + HOUR, NOON + 9 * HOUR
    for by in (looking(dev), looking(person("Other", "commander", elsewhere))):
        with pytest.raises(NotAllowed):
            actions.add_shift(by=by, at=NOON, person=dev, unit=here, starts_at=start, ends_at=end)
    commander = looking(person("Kavita", "commander", district))
    for wrong_end in (start, start + timedelta(hours=24, seconds=1)):
        with pytest.raises(Conflict, match="at most 24"):
            actions.add_shift(by=commander, at=NOON, person=dev, unit=here, starts_at=start, ends_at=wrong_end)
    with pytest.raises(Conflict, match="no post"):
        actions.add_shift(by=commander, at=NOON, person=dev, unit=district, starts_at=start, ends_at=end)
    actions.add_shift(by=commander, at=NOON, person=dev, unit=here, starts_at=start, ends_at=end)
    with pytest.raises(Conflict, match="already"):
        actions.add_shift(by=CLI, at=NOON, person=dev, unit=here, starts_at=end - HOUR, ends_at=end + HOUR)
    actions.add_shift(by=CLI, at=NOON, person=dev, unit=here, starts_at=end, ends_at=end + HOUR)
    assert [shift.starts_at for shift in queries.roster(here, NOON, NOON + timedelta(days=1))] == [start, end]
    assert queries.shifts_of(dev, end) == list(Shift.objects.filter(starts_at=end))


def test_a_unit_is_found_by_code_or_public_id() -> None:
    with pytest.raises(NotFound):
        actions.unit_with("nowhere")
    assert actions.unit_with("IN") == actions.unit_with(root().public_id.lower()) == root()


def test_a_list_with_a_parent_that_is_nowhere_adds_nothing() -> None:
    rows = [UnitRow(1, "A", "A", "state", "IN", ()), UnitRow(2, "B", "B", "station", "ELSEWHERE", ())]
    with pytest.raises(Conflict, match="ELSEWHERE"):
        registering.register(by=CLI, at=NOON, rows=rows)
    with pytest.raises(Conflict, match="one unit at the top"):
        registering.register(by=CLI, at=NOON, rows=[UnitRow(1, "XX", "Other", "national", "", ())])
    assert Unit.objects.count() == 1
    assert not Event.objects.filter(kind="unit.added").exists()


def test_a_list_is_loaded_once_and_differences_are_told() -> None:
    done = registering.register(by=CLI, at=NOON, rows=india_seed())
    assert (done.added, done.kept) == (36, 1)
    assert [(one.code, one.what) for one in done.differences] == [("IN", "name")]
    assert root().name == "National centre"  # what is there is left alone
    assert Event.objects.filter(kind="unit.added").count() == 36
    again = registering.register(by=CLI, at=NOON, rows=india_seed())
    assert (again.added, again.kept) == (0, 37)
    moved = registering.register(
        by=CLI,
        at=NOON,
        rows=[UnitRow(1, "IN-GA", "Goa anew", "special", "IN-MH", ()), UnitRow(2, "G1", "G", "station", "IN-GA", ())],
    )
    assert (moved.added, [one.what for one in moved.differences]) == (1, ["name", "kind", "parent"])
    assert Below.objects.filter(unit__code="G1").count() == 3


def test_the_tree_lists_every_unit_under_its_own_and_counts_who_works_there() -> None:
    state = unit("S", kind="state")
    district = unit("D", state, "district")
    unit("B", district), unit("A", district)
    person("Dev", "investigator", district)
    actions.suspend(by=CLI, at=NOON, person=person("Off", "investigator", district))
    rows, shortened = queries.tree(NOON)
    assert not shortened
    assert [(row.unit.code, row.depth, row.people, row.below) for row in rows] == [
        ("IN", 0, 0, 4),
        ("S", 1, 0, 3),
        ("D", 2, 1, 2),
        ("A", 3, 0, 0),
        ("B", 3, 0, 0),
    ]
    assert [row.unit.code for row in queries.tree(NOON, top=district)[0]] == ["D", "A", "B"]
    assert [one.code for one in queries.above(district)] == ["IN", "S"]


def test_a_great_tree_is_shown_level_by_level(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "WHOLE_TREE", 2)
    unit("B", unit("A"))
    rows, shortened = queries.tree(NOON)
    assert ([row.unit.code for row in rows], shortened) == (["IN", "A"], True)
    assert len(queries.tree(NOON, whole=True)[0]) == 3
