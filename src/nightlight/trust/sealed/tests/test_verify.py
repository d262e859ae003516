# SPDX-License-Identifier: Apache-2.0
"""Whoever alters an identity or an opening past the rules is noticed."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from django.db import connection

from nightlight.trust.custody import actions as custody
from nightlight.trust.sealed import actions, keeping, keys, tasks
from nightlight.trust.sealed.models import Identity, State, Unsealing
from nightlight.trust.sealed.tests.conftest import AT, CHILD, LAW, OTHER, REASON, TIP, past_triggers
from nightlight.trust.sealed.verify import Code, check

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_django import Settings

    from nightlight.foundation.canonical_json import Json
    from nightlight.trust.sealed.tests.conftest import World

MINUTE = timedelta(minutes=1)


@pytest.fixture
def openings(world: World) -> dict[str, Unsealing]:
    """One opening in each state, and one that was answered and ended."""
    child, by = Identity.objects.get(pseudonym="Child A"), world.viewer()

    def ask(minutes: int = 30) -> Unsealing:
        row, _ = actions.ask(
            by=by,
            at=AT,
            identity=child.public_id,
            reason_kind="child-in-danger",
            reason=REASON,
            case_number="14/2026",
            minutes=minutes,
            law=LAW,
        )
        return row

    made = {"asked": ask(), "opened": ask(), "refused": ask(1), "closed": ask(), "answered and closed": ask()}
    for name in ("opened", "answered and closed"):
        actions.answer(by="service:worker", at=AT, unsealing=made[name].public_id, law=LAW)
    actions.answer(by="service:worker", at=AT + MINUTE, unsealing=made["refused"].public_id, law=LAW)
    for name in ("closed", "answered and closed"):
        actions.close(by=by, at=AT, unsealing=made[name].public_id)
    for row in made.values():
        row.refresh_from_db()
    return made


def found() -> list[tuple[str, str]]:
    return [(problem.code, problem.where) for problem in check()]


def test_an_exchanged_body_is_noticed(world: World, child: Identity) -> None:
    other = Identity.objects.get(pseudonym="Child B")
    Identity.objects.filter(pk=child.pk).update(key_part=other.key_part, body=other.body)
    assert found() == [(Code.IDENTITY_ALTERED, f"identity {child.public_id}")]


def test_an_identity_that_was_slipped_in_is_noticed(world: World, child: Identity) -> None:
    child.pk = None
    child.public_id, child.source, child.pseudonym = "ID-0000-0000", "elsewhere", "Child Z"
    child.save()
    assert found() == [(Code.IDENTITY_ALTERED, "identity ID-0000-0000")]


def test_a_destruction_that_nobody_logged_is_noticed(world: World, child: Identity) -> None:
    Identity.objects.filter(pk=child.pk).update(key_part=b"", fingerprint=b"", destroyed_at=AT)
    assert found() == [(Code.IDENTITY_ALTERED, f"identity {child.public_id}")]


def test_a_lost_private_key_is_noticed(world: World, sealing: Path) -> None:
    (sealing / "0001.key").unlink()
    assert found() == [(Code.IDENTITY_KEY_MISSING, "keys")]


def test_one_of_two_keys_lost_is_noticed_for_each_identity(world: World, sealing: Path) -> None:
    keys.add_to_folder(sealing)
    (sealing / "0001.key").unlink()
    assert [code for code, _ in found()] == [Code.IDENTITY_KEY_MISSING] * 2


@pytest.mark.parametrize(
    "change", [{"reason": "something else entirely"}, {"case_number": "15/2026"}, {"public_key": b"x" * 32}]
)
def test_an_altered_request_is_noticed(openings: dict[str, Unsealing], change: dict[str, object]) -> None:
    row = openings["asked"]
    with past_triggers():
        Unsealing.objects.filter(pk=row.pk).update(**change)
    assert found() == [(Code.UNSEALING_ALTERED, f"unsealing:{row.public_id}")]


def test_a_request_in_anothers_name_is_noticed(openings: dict[str, Unsealing], world: World) -> None:
    world.viewer(name="second")
    row = openings["closed"]
    with past_triggers():
        Unsealing.objects.filter(pk=row.pk).update(user=world.people["second"])
    assert found() == [(Code.UNSEALING_ALTERED, f"unsealing:{row.public_id}")]


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("asked", {"state": State.CLOSED}),
        ("opened", {"state": State.CLOSED, "answer_key_part": None, "answer_body": None}),
        ("asked", {"state": State.OPENED, "answer_key_part": b"", "answer_body": b"", "answered_at": AT}),
        ("refused", {"state": State.CLOSED}),
        ("answered and closed", {"answered_at": None}),
    ],
)
def test_a_state_that_nobody_logged_is_noticed(
    openings: dict[str, Unsealing], name: str, change: dict[str, object]
) -> None:
    row = openings[name]
    with past_triggers():
        Unsealing.objects.filter(pk=row.pk).update(**change)
    assert found() == [(Code.UNSEALING_STATE, f"unsealing:{row.public_id}")]


def test_entries_in_a_persons_name_prove_no_opening_and_no_closing(
    openings: dict[str, Unsealing], world: World, child: Identity
) -> None:
    row, by = openings["asked"], world.viewer()
    with past_triggers():
        Unsealing.objects.filter(pk=row.pk).update(
            state=State.OPENED, answer_key_part=b"", answer_body=b"", answered_at=AT
        )
        Identity.objects.filter(pk=child.pk).update(body=b"forged")
    child.refresh_from_db()
    closed = {child.public_id: keeping.closed_digest(child.closed)}
    said: dict[str, Json] = {"rule_version": 1, "closed": closed, "gone": []}
    custody.append(by=by.actor, at=AT, kind="sealed.opened", subject=TIP, data={"unsealing": row.public_id})
    custody.append(by=by.actor, at=AT, kind="sealed.renewed", subject=TIP, data=said)
    assert found() == [
        (Code.IDENTITY_ALTERED, f"identity {child.public_id}"),
        (Code.UNSEALING_STATE, f"unsealing:{row.public_id}"),
    ]


def test_a_removed_request_is_noticed(openings: dict[str, Unsealing]) -> None:
    where = f"unsealing:{openings['opened'].public_id}"
    openings["opened"].delete()
    assert found() == [(Code.UNSEALING_MISSING, where)]


def test_a_request_without_its_entry_is_noticed(openings: dict[str, Unsealing]) -> None:
    where = f"unsealing:{openings['asked'].public_id}"
    with past_triggers(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM custody_event WHERE kind = %s AND subject = %s", [actions.ASKED, where])
    assert found() == [(Code.UNSEALING_ALTERED, where)]


def test_everything_as_it_should_be_is_no_problem(openings: dict[str, Unsealing]) -> None:
    assert {row.state for row in openings.values()} == set(State)
    assert found() == []
    keeping.renew(by="service:worker", at=AT, subject=TIP, identities=[OTHER], rule_version=2)
    keeping.renew(by="service:worker", at=AT, subject="tip:NL-OTHER", identities=[CHILD], rule_version=1)
    keeping.destroy(by="officer:OF-1", at=AT, subject="tip:NL-OTHER")
    assert found() == []


def test_the_steps_are_known_to_the_queue_and_safe_to_run_twice(
    transactional_db: None, openings: dict[str, Unsealing], settings: Settings
) -> None:
    settings.ENVIRONMENT = SimpleNamespace(law="IN")  # the country whose law pack holds
    row = openings["asked"]
    for _ in range(2):
        tasks.answer(subject=f"unsealing:{row.public_id}")  # its time is long over
        tasks.expire()
    states = dict(Unsealing.objects.values_list("public_id", "state"))
    assert states[row.public_id] == State.REFUSED
    assert State.OPENED not in states.values()
    assert found() == []
