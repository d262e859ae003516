# SPDX-License-Identifier: Apache-2.0
"""An identity is opened for somebody who may, with a reason, for half an hour at most, and the log says so."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import DatabaseError, connection, transaction

from nightlight.foundation.refusals import Conflict, NotAllowed, NotFound
from nightlight.trust.sealed import actions, box, keeping, rules
from nightlight.trust.sealed.models import Identity, State, Unsealing
from nightlight.trust.sealed.tests.conftest import AT, CHILD, LAW, OTHER, TIP, past_triggers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from nightlight.trust.sealed.tests.conftest import World
from nightlight.trust.sealed.tests.asking import LATER, ONE_MINUTE, answer, ask, events, read, refused_why


@pytest.fixture
def gates() -> Iterator[None]:
    before = list(actions._gates)
    yield
    actions._gates[:] = before


# ------------------------------------------------------------------ asking


@pytest.mark.parametrize("role", ["intake-analyst", "triage-officer", "commander", "auditor", "administrator"])
def test_another_role_may_not_ask_search_or_read(world: World, child: Identity, role: str) -> None:
    with pytest.raises(NotAllowed):
        ask(world.viewer(role), child)
    with pytest.raises(NotAllowed):
        actions.search(by=world.viewer(role), at=AT, kind="name", text="Zyxandra", law=LAW)
    row, key = ask(world.viewer(), child)
    answer(row)
    with pytest.raises(NotAllowed):
        read(world.viewer(role), row, key)
    assert len(events("sealed.unsealing-asked")) == 1
    assert not events("sealed.searched")


def test_an_identity_that_is_not_there_is_not_found(world: World) -> None:
    with pytest.raises(NotFound):
        ask(world.viewer(), Identity(public_id="ID-0000-0000"))


@pytest.mark.parametrize(
    "changed", [{"reason": "   no  "}, {"case_number": "  "}, {"minutes": 31}, {"reason_kind": "x"}]
)
def test_nothing_is_asked_without_reason_case_number_and_end(
    world: World, child: Identity, changed: dict[str, Any]
) -> None:
    with pytest.raises(Conflict):
        ask(world.viewer(), child, **changed)
    assert not Unsealing.objects.exists()


@pytest.mark.parametrize(
    "changed",
    [
        {"reason": "Meet zyxandra at school today"},
        {"reason": "The MOLLER family is away"},
        {"case_number": "Quillfeather 1"},
    ],
)
def test_a_reason_that_names_the_child_is_refused(world: World, child: Identity, changed: dict[str, Any]) -> None:
    with pytest.raises(Conflict, match="Write Child A instead"):
        ask(world.viewer(), child, **changed)


def test_a_request_says_who_why_and_until_when_and_the_log_keeps_digests(world: World, child: Identity) -> None:
    by = world.viewer()
    row, key = ask(by, child, reason="  Arrange for the child   to be met ", minutes=10)
    row.refresh_from_db()
    assert (row.state, row.person, row.identity, row.subject) == (State.ASKED, by.actor, child.public_id, TIP)
    assert row.reason == "Arrange for the child to be met"
    assert row.expires_at == AT + timedelta(minutes=10)
    assert box.Key(key).lock.public == bytes(row.public_key)
    (event,) = events("sealed.unsealing-asked")
    assert (event["by"], event["subject"]) == (by.actor, f"unsealing:{row.public_id}")
    assert event["data"] == actions.asked_data(row)
    assert "met" not in json.dumps(event)
    assert "14/2026" not in json.dumps(event)


@pytest.mark.parametrize(
    "change",
    [
        "public_key = '\\x00'",
        "reason = 'something else, also long'",
        "user_id = user_id + 1",
        "expires_at = now()",
        "state = 'asked'",
    ],
)
def test_what_was_asked_for_cannot_be_changed(world: World, child: Identity, change: str) -> None:
    ask(world.viewer(), child)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE sealed_unsealing SET {change}")


def test_a_page_cannot_answer(world: World, child: Identity) -> None:
    ask(world.viewer(), child)
    with (
        pytest.raises(DatabaseError, match="a page does not answer"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("SET LOCAL nightlight.viewer = '1'")
        cursor.execute("UPDATE sealed_unsealing SET state = 'opened', answer_key_part = '\\x01', answer_body = '\\x01'")


# ------------------------------------------------------------------ answering


def test_a_request_that_is_not_there_is_not_found(world: World) -> None:
    with pytest.raises(NotFound):
        actions.answer(by="service:worker", at=AT, unsealing="US-0000-0000", law=LAW)


def test_the_worker_refuses_when_the_time_is_over(world: World, child: Identity) -> None:
    row, _ = ask(world.viewer(), child, minutes=1)
    assert answer(row, AT + ONE_MINUTE) is None
    assert refused_why(row) == "too-late"


def test_the_worker_refuses_a_request_that_the_log_does_not_know(world: World, child: Identity) -> None:
    row, _ = ask(world.viewer(), child)
    row.pk = None
    row.public_id = "US-0000-0000"
    row.public_key = box.one_time().lock.public
    row.save()
    assert answer(row) is None
    assert refused_why(row) == "not-as-asked"


def test_the_worker_refuses_a_request_put_into_anothers_name(world: World, child: Identity) -> None:
    row, _ = ask(world.viewer(), child)
    world.viewer(name="second")
    with past_triggers():
        Unsealing.objects.update(user=world.people["second"])
    assert answer(row) is None
    assert refused_why(row) == "not-as-asked"


def test_the_worker_looks_up_the_posts_itself(world: World, child: Identity) -> None:
    row, _ = ask(world.viewer(), child)
    world.end_posts("investigator", AT)
    assert answer(row) is None
    assert refused_why(row) == "not-allowed"


def test_the_worker_refuses_a_person_who_was_locked_out(world: World, child: Identity) -> None:
    row, _ = ask(world.viewer(), child)
    world.people["investigator"].is_active = False
    world.people["investigator"].save()
    assert answer(row) is None
    assert refused_why(row) == "not-allowed"


def test_the_worker_asks_who_knows_records(world: World, child: Identity, gates: None) -> None:
    asked: list[tuple[str, str]] = []

    def gate(person: str, subject: str, at: datetime) -> bool:
        asked.append((person, subject))
        return False

    by = world.viewer()
    row, _ = ask(by, child)
    actions.let_through_only(gate)
    actions.let_through_only(gate)
    with pytest.raises(NotAllowed):
        ask(by, child)  # told at once, where that is known already
    assert answer(row) is None
    assert refused_why(row) == "not-allowed"
    assert asked == [(by.actor, TIP)] * 2


def test_the_worker_opens_a_bounded_number_an_hour(
    world: World, child: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "OPENINGS_AN_HOUR", 2)
    for second in (0, 1):
        assert answer(ask(world.viewer(), child)[0], LATER + timedelta(seconds=second))
    row, _ = ask(world.viewer(), child)
    assert answer(row) is None
    assert refused_why(row) == "too-many"
    assert answer(ask(world.viewer(name="second"), child)[0])
    later = AT + timedelta(hours=2)
    assert answer(ask(world.viewer(at=later), child, at=later)[0], later + ONE_MINUTE)


def test_the_worker_refuses_what_was_read_anew_in_between(world: World, child: Identity) -> None:
    row, _ = ask(world.viewer(), child)
    keeping.renew(by="service:worker", at=AT, subject=TIP, identities=[OTHER], rule_version=2)
    assert answer(row) is None
    assert refused_why(row) == "gone"


def test_an_identity_put_in_anothers_place_does_not_open(world: World, child: Identity) -> None:
    row, _ = ask(world.viewer(), child)
    other = Identity.objects.get(pseudonym="Child B")
    Identity.objects.filter(pk=child.pk).update(key_part=other.key_part, body=other.body)
    assert answer(row) is None
    assert refused_why(row) == "damaged"


def test_without_the_private_key_nothing_opens(world: World, child: Identity, sealing: Path) -> None:
    row, _ = ask(world.viewer(), child)
    (sealing / "0001.key").unlink()
    assert answer(row) is None
    assert refused_why(row) == "no-key"


def test_an_opening_is_answered_once_and_logged(world: World, child: Identity) -> None:
    by = world.viewer()
    row, key = ask(by, child)
    opened = answer(row)
    assert opened == actions.Opened(row.public_id, child.public_id, TIP, "Child A", by.actor, "child-in-danger")
    row.refresh_from_db()
    first = (bytes(row.answer_key_part or b""), bytes(row.answer_body or b""))
    assert answer(row) is None
    row.refresh_from_db()
    assert (bytes(row.answer_key_part or b""), bytes(row.answer_body or b"")) == first
    (event,) = events("sealed.opened")
    assert (event["by"], event["subject"]) == ("service:worker", TIP)
    assert event["data"]["person"] == by.actor
    assert event["data"]["identity"] == child.public_id
    assert event["data"]["unsealing"] == row.public_id
    assert read(by, row, key) == {name: list(values) for name, values in CHILD.facts.items()}
