# SPDX-License-Identifier: Apache-2.0
"""What lists change reaches the files that are here: only what was committed is followed, so these tests commit."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection, transaction

from nightlight.pipeline.matching import following, queries, serving
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
