# SPDX-License-Identifier: Apache-2.0
"""Tests of counting notices: a statement made once for all who hold the same roles."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from nightlight.trust.accounts.models import Role
from nightlight.trust.units import actions, notices
from nightlight.trust.units.tests.staff import CLI, NOON, looking, person, unit

pytestmark = pytest.mark.django_db


def test_what_is_counted_is_what_is_listed_whoever_looks() -> None:
    north, south = unit("N", kind="district"), unit("S", kind="district")
    below = unit("B", north)
    both = person("Both", "commander", north)
    actions.appoint(by=CLI, at=NOON, person=both, unit=south, role="commander")
    people = [
        both,
        person("North", "commander", north),
        person("South", "commander", south),
        person("Below", "investigator", below),
        person("Other", "investigator", south),
        person("Above", "commander"),
        person("Nobody"),
    ]
    told = [(north, "commander"), (south, "commander"), (below, "commander"), (below, "investigator")]
    for number, (where, role) in enumerate(told):
        for kind in ("glass.broken", notices.DAILY[0]):
            notices.tell_role(unit_id=where.pk, role=Role(role), kind=kind, subject=f"tip:{number}", at=NOON)
    notices.tell_person(user_id=people[2].pk, kind="example.told", subject="tip:7", at=NOON)
    viewers = [looking(one) for one in people]
    notices.mark_seen(viewers[1], at=NOON)
    counts = []
    for viewer in viewers:
        listed = {(one.kind, one.subject) for one in notices.notices(viewer) if one.unread}  # type: ignore[attr-defined]
        assert notices.unread(viewer, at=NOON + timedelta(days=1)) == len(listed), viewer.name
        assert notices.unread(viewer, at=NOON + timedelta(days=1), cap=1) == min(1, len(listed))
        counts.append(len(listed))
    assert counts == [5, 0, 3, 2, 0, 3, 0]


def test_a_person_and_their_notices_are_looked_up_without_making_sql_anew() -> None:
    """Django's own statements are what is captured; these two go past it, prepared."""
    commander = person("North", "commander", unit("N", kind="district"))
    notices.unread(looking(commander), at=NOON)
    with CaptureQueriesContext(connection) as captured:
        assert [post.unit_code for post in looking(commander).posts] == ["N"]
        assert notices.unread(looking(commander), at=NOON) == 0
    assert not [one for one in captured.captured_queries if "units_notice" in one["sql"] or "units_post" in one["sql"]]


def test_whose_account_is_closed_holds_no_post() -> None:
    gone = person("Gone", "commander")
    assert looking(gone).posts
    gone.is_active = False
    assert looking(gone).posts == ()
    assert notices.unread(looking(gone), at=NOON) == 0
