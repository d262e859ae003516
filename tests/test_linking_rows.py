# SPDX-License-Identifier: Apache-2.0
"""Linking with the roles that an installation has: each page and step sees and does what is stated, and no more."""

from __future__ import annotations

import json
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

import pytest
from django.db import DatabaseError, connection, transaction
from typer.testing import CliRunner

from nightlight.commands import base
from nightlight.commands.links import app
from nightlight.config import rights
from nightlight.foundation.refusals import NotFound
from nightlight.pipeline.linking import decisions, queries, rebuilding
from nightlight.pipeline.linking.models import Decision, Identifier, Sighting, Subject, Waiting
from nightlight.pipeline.linking.tests.db_cast import (
    LATER,
    NOON,
    link,
    person,
    persons,
    rebuilt_the_same,
    reporter,
    root,
    subject,
    suspect,
    tip,
    victim,
)
from nightlight.pipeline.tips import handing
from nightlight.pipeline.tips.models import Tip
from nightlight.trust import identity
from nightlight.trust.rights import WEB, WORKER
from nightlight.trust.units import actions as units
from nightlight.trust.units.viewer import viewer_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nightlight.trust.accounts.models import User
    from nightlight.trust.units.models import Unit
    from nightlight.trust.units.viewer import Viewer

pytestmark = pytest.mark.django_db
WHY = "Seen together on the registration papers."


def hold_to_rights() -> None:
    """Have the database hold to what is stated."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    rights.apply(connection)


@contextmanager
def as_pages(user: User) -> Iterator[Viewer]:
    """Run the block as pages do for this person."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {WEB}")
    try:
        with identity.acting_as(viewer=user.pk):
            yield viewer_of(user, LATER)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")


def station(code: str) -> Unit:
    return units.add_unit(by="command:cli", at=NOON, code=code, name=f"Unit {code}", kind="station", parent=root())


def test_pages_see_no_member_of_a_tip_they_do_not_see_and_decide_about_none() -> None:
    chat = reporter()
    mine, theirs = (tip(chat, suspect(phone="+919990000001", email="k@example.org")) for _ in range(2))
    a, b = station("A"), station("B")
    asha, dev = person("Asha", "investigator", a), person("Dev", "investigator", b)
    with identity.acting_as(service="command"):
        handing.hand_over(by="command:cli", at=NOON, tip=mine, to=a, why="area")
        handing.hand_over(by="command:cli", at=NOON, tip=theirs, to=b, why="area")
    link()
    one, other = subject(mine), subject(theirs)
    phone = Identifier.objects.get(kind="phone").pk
    hold_to_rights()
    with as_pages(asha) as viewer:
        view = queries.person(viewer, one)
        assert ([row.pk for row in view.members], view.hidden, view.reasons) == ([one], 1, ())
        assert [(row.tips, row.seen) for row in queries.person_of(viewer, mine)] == [(2, 1)]
        with pytest.raises(NotFound):
            queries.person(viewer, other)
        with pytest.raises(NotFound):
            decisions.forbid(one, other, by=viewer, at=LATER, reason=WHY)
        with pytest.raises(DatabaseError), transaction.atomic():
            Waiting.objects.create(tip=mine)
        decisions.silence(phone, by=viewer, at=LATER, reason=WHY)
    assert set(Waiting.objects.values_list("tip_id", flat=True)) == {mine.pk, theirs.pk}
    link()
    assert persons() == [[mine.pk, theirs.pk]]  # they share more than that
    with as_pages(dev):
        assert set(Sighting.objects.values_list("tip_id", flat=True)) == {theirs.pk}
        assert Decision.objects.get().identifier_id == phone


@contextmanager
def as_worker(step: str) -> Iterator[None]:
    """Run the block with what the database lets this step do."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {WORKER}")
    try:
        with identity.acting_as(service=step):
            yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")


def test_the_step_may_do_what_it_does() -> None:
    chat = reporter()
    first, second = (tip(chat, suspect(email="a@example.org"), victim(), files=(b"squares",)) for _ in range(2))
    hold_to_rights()
    with as_worker("reading"):
        assert not Waiting.objects.exists()  # not what another step is to see
    with as_worker("linking"):
        link()
    assert persons() == [[first.pk, second.pk]]
    Tip.objects.filter(pk=second.pk).update(set_apart=True)
    with as_worker("linking"):
        link()
    assert persons() == []
    with as_worker("command"):
        rebuilt_the_same()
        Subject.objects.update(person=1)
        assert rebuilding.rebuild().persons_changed


def test_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "database", nullcontext)
    tip(reporter(), suspect())
    told = json.loads(CliRunner().invoke(app, ["status", "--json"]).stdout)
    assert (told["waiting"], told["subjects"]) == (1, 0)
    link()
    told = json.loads(CliRunner().invoke(app, ["rebuild", "--json"]).stdout)
    assert (told["subjects"], told["persons"], told["persons_changed"]) == (1, 1, 0)
