# SPDX-License-Identifier: Apache-2.0
"""What is known of files, in a real browser: readable by everybody, on a phone and at night, and live."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from nightlight.foundation import clock
from nightlight.outlook.desk.tests import cast, known_cast
from nightlight.outlook.desk.tests.browsing import browser, complaints_of, look_at, pytestmark, sign_in, unexpected
from nightlight.pipeline.matching import keeping
from nightlight.pipeline.matching.finding import Found
from nightlight.pipeline.matching.models import (
    Access,
    Edition,
    EntryChange,
    Feed,
    Feedback,
    Fingerprint,
    Frame,
    How,
    Member,
    Purpose,
)
from nightlight.pipeline.matching.sharing.offered import offered
from nightlight.pipeline.tips.models import TipFile

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from pytest_django.live_server_helper import LiveServer

    from nightlight.pipeline.matching.models import Entry, HashList
    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.evidence.models import Item


__all__ = ["browser", "pytestmark"]


class World:
    """One tip with a file in every state, a list that has everything, and what leads there."""

    tip: Tip
    working: Tip
    national: HashList
    entry: Entry

    def __init__(self) -> None:
        cast.person("Vera", "victim-identification")
        at = clock.now() - timedelta(hours=3)
        desk = cast.Desk(cast.reporter())
        self.national = known_cast.hash_list()
        other = known_cast.hash_list("Partner list", owner="Example Agency")
        funny = known_cast.hash_list(
            "Jokes", owner="Example Forum", scheme="labels", version="1", purpose=Purpose.LABEL
        )
        bodies = [f"pattern {number}".encode() for number in range(1, 10)]
        earlier, items = known_cast.tip_of(desk, [bodies[4], b"like the third"], at=at)
        known_cast.fingerprint(items[1].blob)
        known_cast.looked_up(earlier)
        self.tip, items = known_cast.tip_of(desk, bodies, at=at + timedelta(hours=1))
        new, known, near, disputed, seen, flat, film, gone, funny_one = items
        for one in (new, near, seen, gone, funny_one):
            known_cast.fingerprint(one.blob)
        known_cast.same_bytes(self.national, known, md5=None, agree=("sha256", "sha1"))
        known_cast.alike(near, TipFile.objects.filter(tip=earlier).order_by("id")[1].item)
        claims = {"Series": "Example series 4", "Distributed": True, "Tags": ["outdoor", "winter"]}
        self.entry = known_cast.near(self.national, near, claims=claims, classification="2")
        known_cast.same_bytes(self.national, disputed, classification="1")
        known_cast.same_bytes(other, disputed, classification="2", keep=True)
        Fingerprint.objects.create(blob=flat.blob, version=1, why="damaged", at=cast.NOON)
        self._film(film)
        withdrawn = known_cast.same_bytes(self.national, gone)
        keeping.matches([gone.blob_id], [], hows=[How.DIGEST], at=cast.NOON)
        withdrawn.withdrawn = True
        withdrawn.save()
        known_cast.same_bytes(funny, funny_one, classification="meme")
        known_cast.looked_up(self.tip)
        self.working, items = known_cast.tip_of(desk, [b"x", b"y"], at=at + timedelta(hours=2))
        known_cast.looked_up(self.working, done=False, measured=1)
        self._list(other)

    def _film(self, film: Item) -> None:
        Fingerprint.objects.create(blob=film.blob, version=1, format="mp4", duration=12.0, at=cast.NOON)
        frames = [hashlib.sha256(bytes([number])).digest() for number in range(10)]
        for number, frame in enumerate(frames):
            Frame.objects.create(blob=film.blob, number=number, at_second=float(number), pdq=frame, quality=90)
        theirs = b"".join(known_cast.flipped(frame, 5 + number) for number, frame in enumerate(frames))
        made = known_cast.entry(self.national, frames=theirs, media="video", classification="")
        found = Found(film.blob_id, made.pk, How.FRAMES, distance=5, frames=10, frames_of=10)
        keeping.matches([film.blob_id], [found], hows=[How.FRAMES], at=cast.NOON)

    def _list(self, other: HashList) -> None:
        notes = [{"code": "count", "text": "The file says it has 1,300 rows; 1,204 were counted."}]
        known_cast.edition(self.national, 2, bad=4, updated=3, withdrawn=1, unchanged=1196, added=0, notes=notes)
        known_cast.edition(
            self.national, 3, state="failed", why="The file ends in the middle of a row.", good=0, added=0
        )
        Feed.objects.create(
            hash_list=other,
            url="https://hashes.example.org/v2",
            username="x",
            secret=b"",
            secret_key_part=b"",
            every_minutes=60,
            checkpoint={},
            polled_at=cast.NOON,
            failed_at=cast.NOON + timedelta(hours=2),
            why="The server did not answer within 30 seconds.",
        )
        member = Member.objects.create(
            public_id="HM-2222-2222", number=7, name="Example Cloud", username="c", secret_digest=b"", made_at=cast.NOON
        )
        Access.objects.create(member=member, hash_list=self.national, may_answer=True, at=cast.NOON)
        guid = offered().negative[0].guid
        for type_, yes in (("MD5", False), ("SHA1", True)):
            Feedback.objects.create(
                entry=self.entry,
                member=member,
                type=type_,
                affirmative=yes,
                reasons=[] if yes else [guid],
                at=cast.NOON,
            )
        before = {"classification": "0", "md5": None, "claims": {"Series": "Example series 3"}, "media": "image"}
        EntryChange.objects.create(entry=self.entry, edition=2, what="updated", before=before, at=cast.NOON)
        self.entry.opaque = {"PhotoDNA": "AAECAwQ="}
        self.entry.save()

    def pages(self) -> dict[str, str]:
        """Every page about what is known, by a name for its picture."""
        tip, list_ = f"/tips/{self.tip.public_id}/", f"/hashes/{self.national.public_id}/"
        return {
            "known-inbox": "/",
            "known-tip": tip,
            "known-tip-working": f"/tips/{self.working.public_id}/",
            "known-look": f"{tip}files/2/",
            "known-look-near": f"{tip}files/3/",
            "known-match-digest": f"{tip}files/2/matches/1/",
            "known-match-pdq": f"{tip}files/3/matches/1/",
            "known-match-film": f"{tip}files/7/matches/1/",
            "known-match-ended": f"{tip}files/8/matches/1/",
            "known-seen": f"{tip}files/5/seen/",
            "known-alike": f"{tip}files/3/seen/",
            "hashes": "/hashes/",
            "hash-list": list_,
            "hash-entry": f"{list_}entry/?id={self.entry.source_id}",
            "hash-entry-missing": f"{list_}entry/?id=nothing",
        }


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)], ids=["desk by day", "phone at night"])
def test_every_page_is_readable_by_everybody(browser: Browser, live_server: LiveServer, width: int, dark: bool) -> None:
    world = World()
    page = sign_in(browser, live_server, "vera", width=width, dark=dark)
    complaints = complaints_of(page)
    for name, address in world.pages().items():
        page.goto(address)
        page.evaluate("document.querySelectorAll('.panel:not(#history) details').forEach(one => one.open = true)")
        look_at(page, f"{name}-{width}-{'dark' if dark else 'light'}")
    assert unexpected(complaints) == []
    page.context.close()


def test_the_page_of_a_tip_tells_by_itself_what_becomes_known(browser: Browser, live_server: LiveServer) -> None:
    cast.person("Alice", "triage-officer")
    tip, items = known_cast.tip_of(cast.Desk(cast.reporter()), [b"one", b"two"], at=clock.now())
    known_cast.fingerprint(items[1].blob)
    page = sign_in(browser, live_server, "alice")
    page.goto(f"/tips/{tip.public_id}/")
    expect(page.locator("#looked-up")).to_contain_text("0 of 2 files looked up")
    expect(page.locator("#look-1 a")).to_be_visible()
    known_cast.same_bytes(known_cast.hash_list(), items[0])
    known_cast.looked_up(tip, done=False, measured=1)
    expect(page.locator("#looked-up")).to_contain_text("1 of 2 files looked up")
    expect(page.locator("#known-1")).to_contain_text("Nobody needs to look.")
    expect(page.locator("#look-1 a")).to_have_count(0)
    expect(page.locator("#known-2")).to_contain_text("Being looked up")
    known_cast.looked_up(tip)
    expect(page.locator("#known-2")).to_contain_text("New to everyone")
    expect(page.locator("#tip-next")).to_contain_text("A file is new to everyone.")
    assert page.locator("#looked-up").get_attribute("hx-get") is None
    page.context.close()


def test_the_inbox_tells_by_itself_what_becomes_known(browser: Browser, live_server: LiveServer) -> None:
    cast.person("Alice", "triage-officer")
    tip, items = known_cast.tip_of(cast.Desk(cast.reporter()), [b"one"], at=clock.now())
    known_cast.fingerprint(items[0].blob)
    page = sign_in(browser, live_server, "alice")
    row = page.locator(f"#tip-{tip.public_id}")
    expect(row).not_to_contain_text("new to everyone")
    known_cast.looked_up(tip)
    expect(row).to_contain_text("1 file new to everyone", timeout=6000)
    page.context.close()


def test_the_reading_of_a_list_is_followed_and_then_the_page_is_whole(
    browser: Browser, live_server: LiveServer
) -> None:
    cast.person("Alice", "triage-officer")
    made = known_cast.hash_list()
    reading = known_cast.edition(
        made, 2, state="loading", started_at=clock.now(), ended_at=None, done_bytes=25, all_bytes=100
    )
    page = sign_in(browser, live_server, "alice")
    page.goto(f"/hashes/{made.public_id}/")
    expect(page.locator("#reading")).to_contain_text("25 %")
    Edition.objects.filter(pk=reading.pk).update(done_bytes=50)
    expect(page.locator("#reading")).to_contain_text("50 %")
    Edition.objects.filter(pk=reading.pk).update(state="whole", ended_at=clock.now())
    expect(page.locator("#reading")).to_have_count(0)
    page.context.close()
