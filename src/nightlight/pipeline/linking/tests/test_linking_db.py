# SPDX-License-Identifier: Apache-2.0
"""Tips are linked as they come, one after the other; what was taken back, cleared or destroyed links nothing."""

from __future__ import annotations

import pytest
from django.db import connection

from nightlight.pipeline.linking import linking
from nightlight.pipeline.linking.models import FileGroup, Identifier, Progress, Sighting, Subject, Waiting
from nightlight.pipeline.linking.tests.db_cast import (
    BY,
    LATER,
    NOON,
    link,
    linked_events,
    officer,
    persons,
    rebuilt_the_same,
    reporter,
    suspect,
    tip,
    victim,
)
from nightlight.pipeline.matching.models import Near
from nightlight.pipeline.tips import understanding
from nightlight.pipeline.tips.models import Document, Tip, TipFile
from nightlight.trust.custody.models import Event
from nightlight.trust.retention import actions as retention

pytestmark = pytest.mark.django_db


def test_a_tip_that_cannot_be_read_waits_and_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    chat = reporter()
    good, bad = tip(chat), tip(chat)
    real = understanding.understand_all

    def fails(tips: list[Tip]) -> object:
        if bad in tips:
            raise ValueError("defeated")
        return real(tips)

    monkeypatch.setattr(linking, "understand_all", fails)
    assert not linking.link_new(by=BY, now=lambda: LATER, patience=60)  # nothing that could be done is left
    assert [one.tip_id for one in Waiting.objects.all()] == [bad.pk]
    assert Progress.objects.filter(tip=good).exists()


def test_nothing_shared_links_nobody_and_writes_no_entry() -> None:
    chat = reporter()
    received = [tip(chat, suspect(email=f"k{number}@example.org")) for number in range(2)]
    link()
    assert persons() == []
    assert not any(linked_events(one) for one in received)
    rebuilt_the_same()


def test_one_person_in_three_tips() -> None:
    chat, video = reporter(), reporter("Example Video")
    first = tip(chat, suspect(phone="+91 99900 00001"))
    second = tip(video, suspect(phone="+919990000001", email="k@example.org"))
    link()
    assert persons() == [[first.pk, second.pk]]
    third = tip(chat, suspect(email="K@Example.org"))
    link()
    assert persons() == [[first.pk, second.pk, third.pk]]
    event = Event.objects.get(subject=f"tip:{third.public_id}", kind="tip.linked")
    assert '"tips_of_person":3' in event.body
    email = Identifier.objects.get(kind="email")
    assert (email.suspects, email.children) == (2, 0)
    rebuilt_the_same()


def test_reading_again_changes_nothing() -> None:
    chat = reporter()
    received = [tip(chat, suspect(phone="+919990000001"), victim()) for _ in range(2)]
    link()
    before = list(Sighting.objects.order_by("id").values()), list(Subject.objects.order_by("id").values())
    events = Event.objects.count()
    Progress.objects.update(version=0)  # of earlier rules
    link()
    assert (list(Sighting.objects.order_by("id").values()), list(Subject.objects.order_by("id").values())) == before
    assert Event.objects.count() == events
    assert set(Progress.objects.values_list("tip_id", flat=True)) == {one.pk for one in received}


def test_a_child_and_a_reported_person_are_never_joined() -> None:
    chat = reporter()
    tip(chat, suspect(email="one@example.org"), victim(email="shared@example.org"))
    tip(chat, suspect(email="shared@example.org"))
    link()
    assert persons() == []
    both = Identifier.objects.get(suspects=1, children=1, kind="email")
    assert {row.subject.side for row in Sighting.objects.filter(identifier=both) if row.subject} == {"suspect", "child"}
    rebuilt_the_same()


def test_a_child_is_not_named() -> None:
    tip(reporter(), suspect("loud-crow"), victim("small-owl", email="meera@example.org"))
    link()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM linking_sighting s WHERE s::text ~* 'meera|small.owl'")
        assert cursor.fetchone() == (0,)
    assert Sighting.objects.filter(side="child").exists()
    names = Sighting.objects.filter(identifier__kind="handle", side="suspect").values_list("as_sent", flat=True)
    assert set(names) == {"loud-crow"}


def test_test_reports_are_linked_with_no_real_one() -> None:
    tip(reporter(), suspect(email="k@example.org"))
    tip(reporter("Trial", "test"), suspect(email="k@example.org"))
    link()
    assert persons() == []


def test_a_tip_that_was_set_apart_links_nobody() -> None:
    chat = reporter()
    first, second, third = (
        tip(chat, suspect(email="a@example.org")),
        tip(chat, suspect(email="a@example.org", device="490154203237518")),
        tip(chat, suspect(device="490154203237518")),
    )
    link()
    assert persons() == [[first.pk, second.pk, third.pk]]
    Tip.objects.filter(pk=second.pk).update(set_apart=True)
    link()
    assert persons() == []
    assert not Sighting.objects.filter(tip=second).exists()
    assert Subject.objects.get(tip=second).gone
    assert linked_events(second) == 2
    rebuilt_the_same()


def test_who_was_cleared_matches_nobody_any_more() -> None:
    chat = reporter()
    commander = officer("Kavita", "commander")
    cleared = tip(
        chat, suspect(email="c@example.org", device="490154203237518"), suspect(email="d@example.org"), read=True
    )
    other = tip(chat, suspect(device="490154203237518"))
    link()
    assert persons() == [[cleared.pk, other.pk]]
    name = f"tip:{cleared.public_id}"
    retention.clear(
        by=commander, at=NOON, subject=name, part=_part(cleared, "c@example.org"), reason="Taken for somebody else."
    )
    link()
    assert persons() == []
    assert not Sighting.objects.filter(tip=cleared, value="c@example.org").exists()
    assert Sighting.objects.filter(tip=cleared, value="d@example.org").exists()
    # What is theirs alone links nothing, also in what comes later; what others have too still does.
    later = [
        tip(chat, suspect(email="c@example.org", device="490154203237518")),
        tip(chat, suspect(email="c@example.org")),
    ]
    link()
    assert persons() == [[other.pk, later[0].pk]]
    assert Identifier.objects.filter(kind="email", silenced=True).count() == 1
    rebuilt_the_same()


def _part(of: Tip, email: str) -> str:
    reading = understanding.understand(of).reading
    assert reading is not None
    return next(party.source for party in reading.parties if email in {one.value for one in party.emails})


def test_of_a_destroyed_tip_nothing_is_kept() -> None:
    chat = reporter()
    gone, other = (tip(chat, suspect(email="a@example.org")) for _ in range(2))
    link()
    assert persons() == [[gone.pk, other.pk]]
    Document.objects.filter(tip=gone).exclude(kind="receipt").update(key_part=b"")
    assert Waiting.objects.filter(tip=gone).exists()
    link()
    assert persons() == []
    assert not Sighting.objects.filter(tip=gone).exists()


def test_files_that_are_one_picture_are_one_group() -> None:
    chat = reporter()
    contents = [b"squares %d" % number for number in range(4)]
    tips = [tip(chat, files=(content,)) for content in contents]
    same = tip(chat, files=(contents[0], b""))
    blobs = [TipFile.objects.get(tip=one).item.blob_id for one in tips]

    def alike(one: int, other: int, distance: int = 31) -> None:
        Near.objects.create(blob_id=blobs[one], other_id=blobs[other], distance=distance, orientation=0, version=1)

    alike(2, 0)
    alike(3, 1, 33)
    link()
    groups = dict(FileGroup.objects.values_list("blob_id", "anchor"))
    assert groups == {blobs[0]: blobs[0], blobs[1]: blobs[1], blobs[2]: blobs[0], blobs[3]: blobs[3]}
    rebuilt_the_same()
    alike(1, 2)  # and so the first chain takes in the second file, when its tip is looked up
    linking.again([same.pk, tips[1].pk])  # as matching does
    link()
    groups = dict(FileGroup.objects.values_list("blob_id", "anchor"))
    assert groups == {blobs[0]: blobs[0], blobs[1]: blobs[0], blobs[2]: blobs[0], blobs[3]: blobs[3]}
    rebuilt_the_same()
