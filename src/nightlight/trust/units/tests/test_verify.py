# SPDX-License-Identifier: Apache-2.0
"""Tests that a change to units, posts, people or broken glass past the log is noticed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection

from nightlight.foundation import public_ids
from nightlight.trust.accounts.models import User
from nightlight.trust.custody import actions as custody
from nightlight.trust.units import actions, glass, verify
from nightlight.trust.units.models import Area, Post, Unit
from nightlight.trust.units.tests.staff import CLI, NOON, looking, person, root, unit

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
TEXT = "A reason that says who is in danger."


def _everything() -> None:
    """One of everything that is checked."""
    here = actions.add_unit(
        by=CLI, at=NOON, code="H", name="H", kind="station", parent=root(), areas=["PIN:1", "IN-GA"]
    )
    actions.rename_unit(by=CLI, at=NOON, unit=here, name="Here")
    actions.rename_unit(by=CLI, at=NOON, unit=root(), name="Centre")
    there = unit("T")
    asha = person("Asha", "investigator", here)
    actions.transfer(by=CLI, at=NOON + HOUR, post=Post.objects.get(user=asha), to=there, rank="Inspector")
    actions.appoint(
        by=CLI, at=NOON, person=asha, unit=here, role="commander", starts_at=NOON + HOUR, ends_at=NOON + 9 * HOUR
    )
    actions.suspend(by=CLI, at=NOON, person=person("Off"))
    actions.suspend(by=CLI, at=NOON, person=(back := person("Back")))
    actions.reinstate(by=CLI, at=NOON, person=back)
    commander = looking(person("Kavita", "commander", here))
    for subject in ("tip:NL-1", "tip:NL-2"):
        glass.break_glass(by=looking(asha, NOON + 2 * HOUR), at=NOON, subject=subject, holder=here, reason=TEXT)
    first = glass.waiting(commander)[0]
    glass.sign_off(by=commander, at=NOON, public_id=first.public_id, justified=False, finding=TEXT)


def test_what_nobody_touched_agrees() -> None:
    _everything()
    assert list(verify.check()) == []


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("UPDATE units_unit SET name = 'Elsewhere' WHERE code = 'H'", "unit-altered"),
        ("UPDATE units_unit SET name = 'Elsewhere' WHERE code = 'IN'", "unit-altered"),
        ("UPDATE units_unit SET code = 'HH' WHERE code = 'H'", "unit-altered"),
        ("UPDATE units_unit SET kind = 'special' WHERE code = 'H'", "unit-altered"),
        (
            "UPDATE units_unit SET parent_id = (SELECT id FROM units_unit WHERE code = 'T') WHERE code = 'H'",
            "unit-altered",
        ),
        ("DELETE FROM units_area WHERE code = 'PIN:1'", "unit-altered"),
        ("UPDATE units_post SET role = 'commander' WHERE rank = 'Inspector'", "post-altered"),
        ("UPDATE units_post SET rank = 'Constable' WHERE rank = 'Inspector'", "post-altered"),
        ("UPDATE units_post SET ends_at = NULL WHERE ends_at IS NOT NULL", "post-altered"),
        ("UPDATE units_post SET starts_at = starts_at - interval '1 day' WHERE rank = 'Inspector'", "post-altered"),
        ("UPDATE units_post SET ends_at = now() WHERE rank = 'Inspector'", "post-altered"),
        ("DELETE FROM units_post WHERE rank = 'Inspector'", "post-missing"),
        ("UPDATE accounts_user SET is_active = true", "person-switched"),
        ("UPDATE accounts_user SET is_active = false", "person-switched"),
        ("UPDATE units_glass SET reason = 'Another reason for it.' WHERE subject = 'tip:NL-2'", "glass-altered"),
        ("UPDATE units_glass SET until = until + interval '1 day' WHERE subject = 'tip:NL-2'", "glass-altered"),
        ("UPDATE units_glass SET subject = 'tip:NL-3' WHERE subject = 'tip:NL-2'", "glass-altered"),
        ("UPDATE units_glass SET justified = true WHERE subject = 'tip:NL-1'", "glass-altered"),
        (
            "UPDATE units_glass SET justified = NULL, signed_off_by_id = NULL, signed_off_at = NULL"
            " WHERE subject = 'tip:NL-1'",
            "glass-altered",
        ),
        ("DELETE FROM units_glass WHERE subject = 'tip:NL-2'", "glass-missing"),
    ],
)
def test_what_was_changed_past_the_log_is_noticed(statement: str, kind: str) -> None:
    _everything()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE units_post DISABLE TRIGGER units_guard_post")
        cursor.execute(statement)
        assert cursor.rowcount > 0
    assert kind in {problem.code for problem in verify.check()}


def test_a_unit_added_past_the_log_is_noticed_and_one_removed_too() -> None:
    Unit.objects.create(
        public_id=public_ids.new("UN"), parent=root(), kind="station", code="X", name="X", created_at=NOON
    )
    assert [problem.code for problem in verify.check()] == ["unit-altered"]
    Unit.objects.filter(code="X").delete()
    gone = unit("Y")
    Area.objects.filter(unit=gone).delete()
    gone.delete()
    assert [problem.code for problem in verify.check()] == ["unit-missing"]


def test_posts_of_the_time_before_units_need_no_entry_but_the_persons_own() -> None:
    user = User.objects.create(username="earlier", public_id="OF-0000-0001")
    custody.append(
        by=CLI,
        at=NOON,
        kind="person.added",
        subject="officer:OF-0000-0001",
        data={"username": "earlier", "role": "auditor"},
    )
    began = root().created_at
    Post.objects.create(public_id="PO-1", user=user, unit=root(), role="auditor", starts_at=began)
    assert list(verify.check()) == []
    Post.objects.create(public_id="PO-2", user=user, unit=root(), role="commander", starts_at=began)
    assert [problem.code for problem in verify.check()] == ["post-altered"]
