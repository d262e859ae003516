# SPDX-License-Identifier: Apache-2.0
"""What lists change reaches the files that are here: only what was committed is followed, so these tests commit."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import connection, transaction

from nightlight.config import backup
from nightlight.pipeline.matching import following, looking_up, queries, serving
from nightlight.pipeline.matching.index import store
from nightlight.pipeline.matching.models import Entry, Horizon
from nightlight.pipeline.matching.rules import State
from nightlight.pipeline.matching.tests.cast import (
    NOON,
    entry,
    events,
    follow,
    hash_list,
    look_up,
    pattern,
    png,
    reporter,
    states,
    tip,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.backends.base.base import BaseDatabaseWrapper

    from nightlight.pipeline.matching.index.known import Generation
    from nightlight.pipeline.matching.models import HashList

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_new_entry_reaches_what_came_before_it() -> None:
    content, original = png(pattern(11)), pattern(12, (960, 720))
    received = tip(reporter(), content, png(original))
    look_up()
    follow()
    assert states(received) == [State.NEW, State.NEW]
    source = hash_list()
    entry(source, content)
    entry(source, image=original.resize((800, 600)))
    assert not following.up_to_date()
    follow()
    assert following.up_to_date()
    assert states(received) == [State.KNOWN, State.NEAR]
    assert events(received)[-1] == "tip.rematched"


def test_a_withdrawn_entry_opens_again_what_hung_on_it() -> None:
    content = png(pattern(13))
    known = entry(hash_list(), content)
    received = tip(reporter(), content)
    look_up()
    follow()
    assert states(received) == [State.KNOWN]
    Entry.objects.filter(pk=known.pk).update(withdrawn=True)
    follow()
    assert states(received) == [State.NEW]
    progress, found = queries.of_tip(received)
    (file,) = found.values()
    assert file.look
    assert progress is not None
    assert progress.reopened_at == NOON + timedelta(hours=1)
    assert [one.match.ended_at for one in file.ended] == [NOON + timedelta(hours=1)]
    assert events(received)[-1] == "tip.match-withdrawn"
    # Taken back in: known again, and the match that ended is one that stands.
    Entry.objects.filter(pk=known.pk).update(withdrawn=False)
    follow()
    assert states(received) == [State.KNOWN]


def test_an_entry_that_only_says_something_else_is_told_anew() -> None:
    content = png(pattern(35))
    one, two = hash_list("One"), hash_list("Two")
    entry(one, content)
    other = entry(two, content)
    received = tip(reporter(), content)
    look_up()
    follow()
    assert states(received) == [State.KNOWN]
    Entry.objects.filter(pk=other.pk).update(classification="B2")
    follow()
    assert states(received) == [State.DISPUTED]
    assert events(received)[-1] == "tip.match-withdrawn"
    Entry.objects.filter(pk=other.pk).update(classification="A1")
    follow()
    assert states(received) == [State.KNOWN]


def test_one_file_taken_back_and_another_added_opens_the_tip_again() -> None:
    """As many files are known as before; they are others."""
    contents = [png(pattern(36)), png(pattern(37))]
    source = hash_list()
    known = entry(source, contents[0])
    received = tip(reporter(), *contents)
    look_up()
    follow()
    assert states(received) == [State.KNOWN, State.NEW]
    with transaction.atomic():
        Entry.objects.filter(pk=known.pk).update(withdrawn=True)
        entry(source, contents[1])
    follow()
    assert states(received) == [State.NEW, State.KNOWN]
    progress, _found = queries.of_tip(received)
    assert progress is not None
    assert progress.reopened_at is not None
    assert events(received)[-1] == "tip.match-withdrawn"


def test_what_is_not_committed_is_not_followed_and_not_forgotten() -> None:
    """A transaction that began earlier and ends later is not passed over."""
    content = png(pattern(17))
    received = tip(reporter(), content)
    look_up()
    source = hash_list()
    late = connection.copy()
    try:
        late.set_autocommit(False)
        with late.cursor() as cursor:
            cursor.execute(
                "INSERT INTO matching_entry (hash_list_id, source_id, media, classification, sha256, frames, opaque,"
                " claims, withdrawn, edition, changed_at)"
                " VALUES (%s, '7/1', '', 'A1', sha256(%s), '', '{}', '{}', false, 1, now())",
                [source.pk, content],
            )
        entry(source, png(pattern(18)))  # a later transaction that ends earlier
        follow()
        assert states(received) == [State.NEW]
        late.commit()
        assert not following.up_to_date()
        follow()
        assert states(received) == [State.KNOWN]
    finally:
        late.close()


def test_a_new_and_a_withdrawn_entry_count_from_the_next_look_up() -> None:
    serving.build()
    serving.refresh()
    content = png(pattern(19))
    known = entry(hash_list(), content)
    first = tip(reporter("Example Chat"), content)
    look_up()
    assert states(first) == [State.KNOWN]
    Entry.objects.filter(pk=known.pk).update(withdrawn=True)
    second = tip(reporter("Example Forum"), content)
    look_up()
    assert states(second) == [State.SEEN]
    # The base is still the one built before both: they were read beside it.
    generation = serving.refresh().generation
    assert generation is not None
    assert generation.counts["md5"] == Entry.objects.filter(withdrawn=False).exclude(pk=known.pk).count()


def test_the_index_built_before_a_change_and_the_changes_since_are_what_the_database_says() -> None:
    source = hash_list()
    rows = [entry(source, png(pattern(seed)), pattern(seed)) for seed in range(20, 26)]
    entry(source, frames=b"".join(bytes([n]) * 32 for n in range(5)))
    serving.build()
    told = serving.verify()
    assert told.ok, told.lines
    with transaction.atomic():
        Entry.objects.filter(pk=rows[0].pk).update(withdrawn=True)
        Entry.objects.filter(pk=rows[1].pk).update(md5=b"\x07" * 16)
        entry(source, png(pattern(26)), pattern(26))
    told = serving.verify()
    assert told.ok, told.lines
    assert "3 changes" in told.lines[0]


def test_an_index_that_lost_an_entry_is_noticed() -> None:
    source = hash_list()
    row = entry(source, png(pattern(27)), pattern(27))
    serving.build()
    serving.refresh()
    with connection.cursor() as cursor:  # as if the change had not been noted
        cursor.execute("ALTER TABLE matching_entry DISABLE TRIGGER matching_stamp")
        cursor.execute("UPDATE matching_entry SET md5 = %s WHERE id = %s", [b"\x09" * 16, row.pk])
        cursor.execute("ALTER TABLE matching_entry ENABLE TRIGGER matching_stamp")
    told = serving.verify()
    assert not told.ok
    assert any("not found" in line for line in told.lines)
    assert any("other values" in line for line in told.lines)


def test_a_long_list_is_followed_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    contents = [png(pattern(seed)) for seed in range(30, 34)]
    received = tip(reporter(), *contents)
    look_up()
    source = hash_list()
    with transaction.atomic():
        for content in contents:
            entry(source, content)
    monkeypatch.setattr(following, "_AT_ONCE", 2)
    assert following.follow(by="service:worker", now=lambda: NOON, patience=0)
    assert sorted(states(received)) == ["known", "known", "new", "new"]
    assert Horizon.objects.get().entry > 0
    follow()
    assert states(received) == [State.KNOWN] * 4


@contextmanager
def open_for_long() -> Iterator[BaseDatabaseWrapper]:
    """A transaction that has written and does not end, as an import of hours."""
    late = connection.copy()
    try:
        late.set_autocommit(False)
        with late.cursor() as cursor:
            cursor.execute("SELECT pg_current_xact_id()")
        yield late
    finally:
        late.close()


def write(late: BaseDatabaseWrapper, source: HashList, content: bytes) -> None:
    with late.cursor() as cursor:
        cursor.execute(
            "INSERT INTO matching_entry (hash_list_id, source_id, media, classification, sha256, frames, opaque,"
            " claims, withdrawn, edition, changed_at)"
            " VALUES (%s, '8/1', '', 'A1', sha256(%s), '', '{}', '{}', false, 1, now())",
            [source.pk, content],
        )
    late.commit()


def test_an_open_transaction_does_not_have_the_base_built_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    serving.build()
    source = hash_list()
    monkeypatch.setattr(serving, "AT_ONCE", 4)
    with open_for_long() as late:
        for seed in range(50, 56):
            entry(source, png(pattern(seed)))
        known = serving.refresh()
        built = known.generation
        assert (len(known.overlay), built is not None) == (0, True)
        more = entry(source, png(pattern(56)))
        assert serving.refresh().generation is built
        assert (len(known.overlay), more.pk in known.overlay) == (1, True)
        # What was open when the base was built is read beside it when it ends.
        write(late, source, png(pattern(57)))
        told = serving.verify()
        assert told.ok, told.lines
        assert "2 changes" in told.lines[0]
        assert serving.refresh().generation is built


def test_an_open_transaction_does_not_hold_up_what_others_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    contents = [png(pattern(seed)) for seed in range(60, 65)]
    received = tip(reporter(), *contents)
    look_up()
    source = hash_list()
    monkeypatch.setattr(following, "_AT_ONCE", 2)
    with open_for_long() as late:
        for content in contents[:3]:
            entry(source, content)
        assert following.follow(by="service:worker", now=lambda: NOON, patience=0)  # in parts here as well
        assert states(received).count(State.KNOWN) == 2
        follow()
        assert states(received).count(State.KNOWN) == 3
        entry(source, contents[3])
        follow()
        assert states(received) == [State.KNOWN] * 4 + [State.NEW]
        write(late, source, contents[4])
        assert not following.up_to_date()
        follow()
        assert states(received) == [State.KNOWN] * 5
    assert following.up_to_date()


def test_what_is_followed_ahead_is_not_followed_again_in_each_round(monkeypatch: pytest.MonkeyPatch) -> None:
    content = png(pattern(66))
    tip(reporter(), content)
    look_up()
    source = hash_list()
    compared: list[object] = []
    again = looking_up.look_up_again
    with open_for_long():
        entry(source, content)
        follow()
        monkeypatch.setattr(looking_up, "look_up_again", lambda *args, **more: compared.append(args))
        follow()
        assert compared == []
    monkeypatch.setattr(looking_up, "look_up_again", again)
    follow()
    assert following.up_to_date()


def test_numbers_of_another_cluster_are_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    content = png(pattern(67))
    received = tip(reporter(), content)
    look_up()
    follow()
    Horizon.objects.update(transaction=1 << 50)
    made = store.Folder(serving.folder()).build([], since=1 << 50)
    monkeypatch.setattr(serving._Here, "path", None)  # as a process that has just begun
    entry(hash_list(), content)
    follow()
    assert states(received) == [State.KNOWN]
    known = serving.refresh()
    assert known.generation is not None
    assert known.generation.number > made.number
    assert Horizon.objects.get().transaction < 1 << 50


def test_after_a_restore_all_is_followed_anew() -> None:
    content = png(pattern(68))
    received = tip(reporter(), content)
    look_up()
    follow()
    row = entry(hash_list(), content)
    with connection.cursor() as cursor:  # as the dump of an older cluster has them
        cursor.execute("ALTER TABLE matching_entry DISABLE TRIGGER matching_stamp")
        cursor.execute("UPDATE matching_entry SET transaction = %s", [1 << 50])
        cursor.execute("ALTER TABLE matching_entry ENABLE TRIGGER matching_stamp")
        cursor.execute("UPDATE matching_horizon SET transaction = %s", [(1 << 50) + 1])
        cursor.execute(backup.RENUMBER)
    assert Entry.objects.get(pk=row.pk).transaction == 0
    serving.build()
    assert len(serving.refresh().overlay) == 0
    follow()
    assert following.up_to_date()
    assert states(received) == [State.KNOWN]
    Entry.objects.filter(pk=row.pk).update(withdrawn=True)  # changes are stamped as before
    assert Entry.objects.get(pk=row.pk).transaction > 0
    follow()
    assert states(received) == [State.NEW]


def test_who_finds_another_building_waits_and_takes_what_it_built(monkeypatch: pytest.MonkeyPatch) -> None:
    serving.build()
    serving.refresh()
    source = hash_list()
    for seed in range(70, 75):
        entry(source, png(pattern(seed)))
    monkeypatch.setattr(serving, "AT_ONCE", 4)
    now, standing = serving.snapshot(), list(serving._standing())
    begun, go_on = threading.Event(), threading.Event()
    made: list[Generation] = []
    wait = store.Folder.wait

    def rows() -> Iterator[store.Batch]:
        begun.set()
        assert go_on.wait(60)
        yield from standing

    def waited(folder: store.Folder, seconds: float) -> None:
        go_on.set()
        wait(folder, seconds)

    def build() -> None:
        made.append(store.Folder(serving.folder()).build(rows(), since=now.following, xip=now.open))

    monkeypatch.setattr(store.Folder, "wait", waited)
    other = threading.Thread(target=build)
    other.start()
    try:
        assert begun.wait(60)
        known = serving.refresh()
    finally:
        go_on.set()
        other.join()
    assert known.generation is not None
    assert (known.generation.number, len(known.overlay)) == (made[0].number, 0)
