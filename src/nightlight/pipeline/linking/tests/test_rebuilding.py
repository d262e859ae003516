# SPDX-License-Identifier: Apache-2.0
"""Everything is worked out anew from the rows, whatever was written there before."""

from __future__ import annotations

import pytest

from nightlight.pipeline.linking import rebuilding
from nightlight.pipeline.linking.models import FileGroup, Identifier, Subject
from nightlight.pipeline.linking.tests.db_cast import link, persons, rebuilt_the_same, reporter, suspect, tip, victim

pytestmark = pytest.mark.django_db


def test_nothing_at_all() -> None:
    done = rebuilding.rebuild()
    assert (done.subjects, done.sightings, done.persons, done.files) == (0, 0, 0, 0)


def test_what_was_spoilt_is_as_before() -> None:
    chat = reporter()
    for number in range(4):
        tip(chat, suspect(email=f"k{number // 2}@example.org"), victim("small-owl"), files=(b"squares",))
    link()
    before = persons(), list(Identifier.objects.order_by("id").values()), list(FileGroup.objects.values())
    assert len(before[0]) == 3  # two reported people, and the child in all four
    Subject.objects.update(person=1, component=1)
    Identifier.objects.update(suspects=7, children=7)
    FileGroup.objects.update(anchor=99)
    told: list[str] = []
    done = rebuilding.rebuild(say=told.append)
    assert told[0] == "Reading"
    assert done.persons_changed >= 7
    assert done.counts_changed == len(before[1])
    assert done.groups_changed == len(before[2])
    assert (persons(), list(Identifier.objects.order_by("id").values()), list(FileGroup.objects.values())) == before
    rebuilt_the_same()
