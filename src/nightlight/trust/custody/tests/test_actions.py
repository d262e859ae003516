# SPDX-License-Identifier: Apache-2.0
"""Entries are written with their act or not at all, placed without gaps, and signed only if unchanged."""

from __future__ import annotations

import random
from datetime import datetime
from threading import Event as Signal
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from django.db import IntegrityError, connection, transaction
from pymerkle import InmemoryTree

from nightlight.foundation.refusals import Conflict

from .. import actions, checkpoint, merkle, queries
from ..models import Event, Leaf, Pending, Subtree, TreeHead
from ..verify import verify
from .conftest import START, Log, superuser, threads

if TYPE_CHECKING:
    from pytest_django import Settings

    from ..checkpoint import SigningKey


def _append(number: int = 0) -> actions.EventRef:
    return actions.append(
        by="command:test", at=START, kind="test.happened", subject="tip:NL-1", data={"number": number}
    )


def test_an_entry_outside_a_transaction_is_refused(log: Log) -> None:
    with pytest.raises(RuntimeError, match="in the transaction of the act"):
        _append()
    assert not Event.objects.exists()


def test_a_time_without_zone_is_refused(log: Log) -> None:
    with pytest.raises(ValueError, match="without a zone"), transaction.atomic():
        actions.append(
            by="command:test",
            at=datetime(2026, 1, 1),  # noqa: DTZ001
            kind="test.happened",
            subject="tip:NL-1",
            data={},
        )


def test_an_entry_whose_hash_is_not_of_its_body_is_refused_by_the_database(log: Log) -> None:
    _, parameters = sql = actions.append_sql(
        by="command:test", at=START, kind="test.happened", subject="tip:NL-1", data={}
    )
    with (
        pytest.raises(IntegrityError, match="hash_is_of_body"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql[0], (*parameters[:-1], bytes(32)))


def test_an_entry_whose_act_is_undone_leaves_no_trace(log: Log) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        _append()
        raise ZeroDivisionError
    assert actions.sequence(at=START) == 0
    assert not Event.objects.exists()
    assert not Pending.objects.exists()


def test_what_a_listener_raises_undoes_the_entry(log: Log) -> None:
    def fail(_event: actions.EventRef) -> None:
        raise ZeroDivisionError

    actions.listen(fail)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        _append()
    assert not Event.objects.exists()


def test_a_listener_is_told_once_inside_the_transaction(log: Log) -> None:
    heard: list[tuple[actions.EventRef, bool]] = []

    def hear(event: actions.EventRef) -> None:
        heard.append((event, connection.in_atomic_block))

    actions.listen(hear)
    actions.listen(hear)
    with transaction.atomic():
        event = _append()
    assert heard == [(event, True)]
    assert event == actions.EventRef(Event.objects.get().id, "test.happened", "tip:NL-1")


def test_an_entry_can_be_added_inside_a_larger_statement(log: Log) -> None:
    written, word = actions.run_with_event(
        "WITH done AS (SELECT 1),",
        {"word": "with"},
        source="done",
        by="command:test",
        at=START,
        kind="test.happened",
        subject="tip:NL-1",
        data={"number": 1},
        also="%(word)s",
    )
    assert (written, word) == (1, "with")
    assert actions.sequence(at=START) == 1
    assert Leaf.objects.get().event_id == Event.objects.get().id


def test_every_committed_entry_gets_the_next_place_exactly_once(log: Log) -> None:
    log.append(300)
    assert actions.sequence(at=START) == 300
    assert actions.sequence(at=START) == 0
    log.append(700)
    assert actions.sequence(at=START) == 700
    leaves = list(Leaf.objects.order_by("position").values_list("position", "event_id"))
    assert leaves == list(zip(range(1000), sorted(event_id for _, event_id in leaves), strict=True))
    assert list(Subtree.objects.order_by("index").values_list("level", "index")) == [(1, 0), (1, 1), (1, 2)]
    assert not Pending.objects.exists()


def test_more_than_one_batch_is_placed_in_one_call(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "BATCH", 100)
    log.append(1000)
    assert actions.sequence(at=START) == 1000
    assert verify().ok


def test_an_entry_that_commits_late_is_placed_later_not_lost(log: Log) -> None:
    late, placed = Signal(), Signal()
    ids: dict[str, int] = {}

    def slow() -> None:
        with transaction.atomic():
            ids["early id"] = _append(1).id
            late.set()
            assert placed.wait(20)
        connection.close()

    thread = Thread(target=slow)
    thread.start()
    assert late.wait(20)
    with transaction.atomic():
        ids["late id"] = _append(2).id
    assert actions.sequence(at=START) == 1
    placed.set()
    thread.join()
    assert actions.sequence(at=START) == 1
    assert ids["early id"] < ids["late id"]
    assert list(Leaf.objects.order_by("position").values_list("event_id", flat=True)) == [
        ids["late id"],
        ids["early id"],
    ]


def test_many_writers_and_two_sequencers_at_once_make_one_gapless_tree(log: Log) -> None:
    finished = Signal()

    def work(number: int) -> None:
        chance = random.Random(number)
        for step in range(40):
            try:
                with transaction.atomic():
                    for _ in range(chance.randint(1, 5)):
                        _append(number * 1000 + step)
                    if chance.random() < 0.2:
                        raise ZeroDivisionError
            except ZeroDivisionError:
                continue

    def keep_sequencing(_number: int) -> None:
        while not finished.is_set():
            log.head()

    sequencers = Thread(target=threads, args=(1, keep_sequencing))
    sequencers.start()
    try:
        threads(7, work)
    finally:
        finished.set()
        sequencers.join()
    threads(2, lambda _number: log.head())
    leaves = Leaf.objects.order_by("position").select_related("event")
    bodies = [leaf.event.body.encode() for leaf in leaves]
    assert len(bodies) == Event.objects.count() == queries.size() > 400
    head = queries.latest_head()
    assert head is not None
    assert head.size == len(bodies)
    assert bytes(head.root) == InmemoryTree.init_from_entries(bodies).get_root()
    assert verify().ok


def test_a_deleted_entry_that_awaits_its_place_stops_the_sequencer(log: Log) -> None:
    log.append(3)
    with superuser() as raw:
        raw.execute("DELETE FROM custody_event WHERE id = 2")
    with pytest.raises(IntegrityError):
        actions.sequence(at=START)


def test_no_head_is_signed_over_a_log_that_lost_what_was_signed(log: Log) -> None:
    log.grow(300)
    log.append(5)
    with superuser() as raw:
        raw.execute("UPDATE custody_leaf SET hash = '\\x00' WHERE position = 299")
    with pytest.raises(Conflict, match="no longer contains what was signed at size 300"):
        log.head()
    with superuser() as raw:
        raw.execute("DELETE FROM custody_leaf WHERE position > 200")
        raw.execute("DELETE FROM custody_pending")
    with pytest.raises(Conflict, match="no longer contains what was signed at size 300"):
        log.head()
    assert TreeHead.objects.count() == 1


def test_no_head_is_signed_by_a_key_that_came_from_nowhere(log: Log, stranger: SigningKey) -> None:
    log.grow(3)
    log.append()
    with pytest.raises(Conflict, match="not signed by this key or a retired one"):
        actions.sign_head(at=START, key=stranger)
    assert TreeHead.objects.count() == 1


def test_a_new_key_takes_over_when_the_old_one_is_listed_as_retired(
    log: Log, stranger: SigningKey, settings: Settings
) -> None:
    log.grow(3)
    log.append()
    settings.NIGHTLIGHT_CUSTODY_RETIRED_KEYS = [str(log.key.verifier)]
    head = actions.sign_head(at=START, key=stranger)
    assert head is not None
    assert checkpoint.verify(head.note, [stranger.verifier]).size == 4
    assert verify(trusted=[stranger.verifier, log.key.verifier]).ok


def test_a_head_is_signed_only_when_something_was_added(log: Log) -> None:
    assert log.head() is None
    log.append(5)
    head = log.head()
    assert head is not None
    assert log.head() is None
    signed = checkpoint.verify(head.note, [log.key.verifier])
    assert (signed.size, signed.root, signed.at) == (5, merkle.root(queries.StoredTree(), 5), head.at)
