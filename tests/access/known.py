# SPDX-License-Identifier: Apache-2.0
"""Known files in the world of these tests: a list, a partner, and what was found about each unit's file."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING

from nightlight.foundation import clock
from nightlight.pipeline.matching import list_actions, looking_up, member_actions
from nightlight.pipeline.matching import models as matching
from nightlight.trust import identity
from nightlight.trust.evidence.models import Item

if TYPE_CHECKING:
    from tests.access.world import World

CLI = "command:cli"


def build(world: World) -> None:
    """A list that knows some of the files, by the actions that real ones come by; each file is looked up."""
    made = list_actions.add_list(
        by=CLI,
        at=world.at,
        name="Example List",
        owner="Example Centre",
        legal_basis="Example Act, 1",
        scheme="industry",
        scheme_version="1",
    )
    world.hash_list = made.public_id
    edition = matching.Edition.objects.create(
        hash_list=made,
        number=1,
        state="whole",
        source="plain",
        replaces=True,
        started_at=world.at,
        ended_at=world.at,
        by=CLI,
        rows=2,
        good=1,
        bad=1,
        added=1,
    )
    blob = world.full["PS-A1A"].files.get().item.blob
    entry = matching.Entry.objects.create(
        hash_list=made,
        source_id="7/17",
        classification="A1",
        md5=blob.md5,
        sha256=hashlib.sha256(f"a pattern of squares pattern-{'crane'}.png".encode()).digest(),
        edition=1,
        changed_at=world.at,
    )
    assert bytes(entry.sha256 or b"") == bytes(blob.sha256)
    matching.EntryChange.objects.create(entry=entry, edition=1, what="updated", before={}, at=world.at)
    matching.BadRow.objects.create(edition=edition, row=2, code="not-hex", reason="It is no hash.", raw=b"xyz")
    matching.EditionFile.objects.create(edition=edition, item=Item.objects.order_by("id").first())
    member = member_actions.add_member(by=CLI, at=world.at, number=17, name="Example Partner").member
    member_actions.share_list(
        by=CLI, at=world.at, hash_list=made, slug="example", owner_number=7, owner_name="Example Centre"
    )
    member_actions.give_access(by=CLI, at=world.at, member=member, hash_list=made, may_answer=True)
    for kind in ("MD5", "SHA1"):
        said = matching.Feedback.objects.create(
            entry=entry, member=member, type=kind, affirmative=True, at=world.at - timedelta(minutes=5)
        )
    matching.FeedbackAnswer.objects.create(
        feedback=said, verdict="agreed", by=f"officer:{_specialist(world)}", at=world.at
    )
    matching.Feed.objects.create(
        hash_list=made,
        url="https://hashes.example.org",
        username="example",
        secret=b"closed",
        secret_key_part=b"closed",
        every_minutes=60,
        checkpoint={},
    )
    matching.Horizon.objects.create(name="followed", transaction=0, entry=0)
    with identity.acting_as(service="matching"):
        while looking_up.look_up_new(by="service:worker", now=clock.now, patience=300):
            pass
    # What the files are not: pictures. So that there is something of every kind, as if they were.
    for row in matching.Fingerprint.objects.order_by("pk"):
        matching.Frame.objects.create(blob_id=row.pk, number=0, pdq=b"\x55" * 32, quality=90)
        matching.Pair.objects.create(key=1, sibling=2, file_id=row.pk)
        matching.Match.objects.get_or_create(
            blob_id=row.pk, entry=entry, how="digest", defaults={"version": 1, "found_at": world.at}
        )
        # Of pairs in two units tests/access/test_known.py asks.
        matching.Near.objects.create(blob_id=row.pk, other_id=row.pk, distance=2, orientation=0, version=1)
    # One that still waits.
    matching.Waiting.objects.get_or_create(tip=world.full["IN"])


def _specialist(world: World) -> str:
    user = world.person("victim-identification", "SP-A").user
    assert user is not None
    return user.public_id
