# SPDX-License-Identifier: Apache-2.0
"""A list that is polled: whatever the server does, the list and the checkpoint move together or not at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import connection

from nightlight.foundation.refusals import Conflict, NotFound
from nightlight.pipeline.matching import member_actions, polling_lists
from nightlight.pipeline.matching.models import BadRow, Entry, EntryChange, Feed, HashList
from nightlight.pipeline.matching.sharing import terms
from nightlight.pipeline.matching.sharing.source import HttpSource
from nightlight.pipeline.matching.sharing.tests.hash_server import PASSWORD, USERNAME, Desk, serving
from nightlight.pipeline.matching.sharing.tests.rows import START, entry, tombstone
from nightlight.pipeline.matching.tests.list_world import AT, BY, logged, make_list, read_in, said, standing, vault, vic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nightlight.pipeline.matching.polling_lists import Polled

__all__ = ["vault"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault")]
ONCE = timedelta(minutes=10)


class Server:
    """A running server, a list that is polled from it, and a clock."""

    def __init__(self, base: str, desk: Desk) -> None:
        self.desk, self.at = desk, AT
        self.list = make_list("Partner's list", scheme="industry", scheme_version="1")
        polling_lists.add_feed(
            by=BY, at=AT, hash_list=self.list, url=base, username=USERNAME, password=PASSWORD, every_minutes=10
        )

    def poll(self) -> Polled:
        """Poll ten minutes later."""
        self.at += ONCE
        return polling_lists.poll(self.list, by=BY, now=lambda: self.at, connect=_at_once)

    @property
    def feed(self) -> Feed:
        """The feed as it is kept."""
        return Feed.objects.get(hash_list=self.list)


def _at_once(base: str, username: str, password: str) -> HttpSource:
    return HttpSource(base, username, password, timeout=3, sleep=lambda _seconds: None)


@pytest.fixture
def server() -> Iterator[Server]:
    """A server with thirty entries in pages of ten."""
    with serving([entry(number, number) for number in range(1, 31)], size=10) as (base, desk):
        yield Server(base, desk)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"url": "http://hashes.example.org"}, "not an https address"),
        ({"url": "https://us:secret@hashes.example.org"}, "must not hold a login"),
        ({"username": " "}, "user name and a password"),
        ({"password": ""}, "user name and a password"),
        ({"every_minutes": 0}, "every 1 to"),
    ],
)
def test_a_feed_that_cannot_work_is_refused(changed: dict[str, object], told: str) -> None:
    words: dict[str, object] = {"url": "https://hashes.example.org", "username": "us", "password": "x"}
    words |= {"every_minutes": 60} | changed
    made = make_list()
    with pytest.raises(Conflict, match=told) as refused:
        polling_lists.add_feed(by=BY, at=AT, hash_list=made, **words)  # type: ignore[arg-type]
    assert "secret" not in refused.value.reason
    assert not Feed.objects.exists()
    with pytest.raises(NotFound, match="not polled"):
        polling_lists.poll(made, by=BY)


def test_a_list_is_filled_from_files_or_polled_but_not_both() -> None:
    made = make_list()
    read_in(made, vic([1]))
    words = {"url": "https://hashes.example.org/x/", "username": "us", "password": "x"}
    with pytest.raises(Conflict, match="filled from files"):
        polling_lists.add_feed(by=BY, at=AT, hash_list=made, every_minutes=5, **words)
    other = make_list("Other")
    feed = polling_lists.add_feed(by=BY, at=AT, hash_list=other, every_minutes=5, **words)
    assert feed.url == "https://hashes.example.org/x"
    with pytest.raises(Conflict, match="polled already"):
        polling_lists.add_feed(by=BY, at=AT, hash_list=other, every_minutes=5, **words)
    assert logged(other) == ["hashes.list-added", "hashes.feed-added"]


def test_a_list_that_is_shared_is_not_filled_from_a_server() -> None:
    made = make_list()
    member_actions.share_list(by=BY, at=AT, hash_list=made, slug="ours", owner_number=1, owner_name="Example Centre")
    words = {"url": "https://hashes.example.org", "username": "us", "password": "x"}
    with pytest.raises(Conflict, match="is shared with others; make a list of its own for the server"):
        polling_lists.add_feed(by=BY, at=AT, hash_list=made, every_minutes=5, **words)
    assert not Feed.objects.exists()


def test_between_two_pages_the_connection_is_free(server: Server) -> None:
    staged: list[int] = []

    class Looking(HttpSource):
        def get(self, target: str) -> bytes:
            with connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM matching_staged")
                staged.append(cursor.fetchone()[0])
            return super().get(target)

    done = polling_lists.poll(server.list, by=BY, now=lambda: AT + ONCE, connect=Looking)
    assert (done.why, done.counts.added) == ("", 30)
    assert staged == [0, 10, 20]


@pytest.mark.parametrize(("most", "taken"), [(1, 0), (2, 28)])
def test_bad_rows_without_end_end_the_poll(
    server: Server, monkeypatch: pytest.MonkeyPatch, most: int, taken: int
) -> None:
    monkeypatch.setattr(polling_lists, "MOST_BAD", most)
    server.desk.faults = {1: ["bad row"], 11: ["bad row"]}
    done = server.poll()
    assert (Entry.objects.count(), done.counts.added) == (taken, taken)
    if not taken:
        assert (done.pages, done.edition) == (2, None)
        assert "More than 1 rows" in done.why
        assert (server.feed.why, server.feed.checkpoint, server.feed.failed_at) == (done.why, {}, server.at)
        assert server.poll().counts.added == 30  # nothing is left behind


def test_a_poll_without_end_leaves_the_list_as_it_was(server: Server) -> None:
    times = iter(AT + ONCE + timedelta(hours=number) for number in range(99))
    done = polling_lists.poll(server.list, by=BY, now=lambda: next(times), connect=_at_once)
    assert "not over in time" in done.why
    assert (server.feed.why, server.feed.checkpoint) == (done.why, {})
    assert not Entry.objects.exists()


def test_the_password_is_closed_and_opens_nowhere_else(server: Server) -> None:
    assert PASSWORD.encode() not in bytes(server.feed.secret)
    other = make_list("Other")
    words = {"url": "https://hashes.example.org", "username": "us", "password": "x"}
    polling_lists.add_feed(by=BY, at=AT, hash_list=other, every_minutes=5, **words)
    Feed.objects.filter(hash_list=other).update(secret=server.feed.secret, secret_key_part=server.feed.secret_key_part)
    done = polling_lists.poll(other, by=BY, now=lambda: AT, connect=_at_once)
    assert "cannot be opened here" in done.why
    polling_lists.renew_password(by=BY, at=AT, hash_list=other, password="another")
    assert polling_lists._password(Feed.objects.get(hash_list=other)) == "another"
    with pytest.raises(Conflict, match="asks for a password"):
        polling_lists.renew_password(by=BY, at=AT, hash_list=other, password="")


@pytest.mark.parametrize("fault", ["500", "404", "cut", "html", "loop", "other host", "half gzip", "bomb"])
def test_a_server_that_fails_half_way_leaves_everything_as_it_was(server: Server, fault: str) -> None:
    assert server.poll().counts.added == 30
    before, checkpoint = said(server.list), server.feed.checkpoint
    server.desk.changes = [
        *[replace(entry(number), timestamp=server.at + timedelta(seconds=number)) for number in range(40, 65)],
        tombstone(3, 0),
    ]
    server.desk.faults = {11: [fault] * 9}
    done = server.poll()
    assert done.why
    assert PASSWORD not in done.why
    assert said(server.list) == before
    feed = server.feed
    assert (feed.checkpoint, feed.why, feed.failed_at) == (checkpoint, done.why, server.at)
    server.desk.faults = {}
    assert server.poll().counts.added == 25
    assert (server.feed.why, server.feed.failed_at) == ("", None)


def test_a_wrong_password_is_told_without_it(server: Server) -> None:
    polling_lists.renew_password(by=BY, at=AT, hash_list=server.list, password="wrong")
    done = server.poll()
    assert done.why
    assert "wrong" not in done.why
    assert server.feed.checkpoint == {}
    assert not Entry.objects.exists()


def test_everything_is_taken_in_as_it_is_said(server: Server) -> None:
    said_of = terms.Affirmative("MD5", (terms.Member(12, "Example Platform"),), START, START)
    dispute = terms.Negative("MD5", (terms.Objection(terms.Reason("guid-1", "Wrong picture")),), START)
    server.desk.changes = [
        replace(
            entry(1, 1, label="A odd label"),
            fingerprints={"md5": "0" * 31 + "1", "pdq": f"{5:064x}", "pdna": "verbatim+/=", "netclean": "n"},
            large={"tmk-pdqf": "/v2/large/1"},
            feedback=(said_of, dispute),
        ),
        entry(2, 2, media=terms.Media.VIDEO, label=None),
        replace(entry(3, 3), fingerprints={"pdna": "only opaque"}),
        replace(entry(4, 4), fingerprints={"md5": "0" * 32}),
    ]
    done = server.poll()
    assert (done.counts.rows, done.counts.added, done.counts.bad) == (3, 3, 2)
    first = Entry.objects.get(source_id="7/entry-1")
    assert (first.classification, first.media) == ("A odd label", "image")
    assert ((first.md5 or b"").hex(), (first.pdq or b"").hex(), first.sha1) == ("0" * 31 + "1", f"{5:064x}", None)
    assert first.opaque == {"pdna": "verbatim+/=", "netclean": "n"}
    assert first.claims["member"] == "Example Member"
    assert first.claims["elsewhere"] == {"tmk-pdqf": "/v2/large/1"}
    assert first.claims["feedback"] == {"MD5": {"affirmed by": ["Example Platform"], "disputed for": ["Wrong picture"]}}
    second = Entry.objects.get(source_id="7/entry-2")
    assert (second.classification, second.media) == ("", "video")
    assert {row.code for row in BadRow.objects.all()} == {"placeholder", "no_digest"}
    edition = server.list.editions.get()
    assert (edition.source, edition.added, edition.bad) == (server.feed.url, 3, 2)
    assert logged(server.list)[-1] == "hashes.polled"


def test_a_poll_that_brings_nothing_leaves_no_trace(server: Server) -> None:
    server.poll()
    before = said(server.list)
    done = server.poll()
    assert (done.edition, done.why) == (None, "")
    assert said(server.list) == before
    assert logged(server.list).count("hashes.polled") == 1
    assert server.feed.polled_at == server.at


def test_tombstones_withdraw_and_what_comes_back_is_restored(server: Server) -> None:
    server.poll()
    when = server.at
    server.desk.changes = [
        replace(tombstone(5), timestamp=when),
        replace(tombstone(99), timestamp=when),
        replace(entry(6, label="B2"), timestamp=when),
    ]
    done = server.poll()
    assert (done.counts.withdrawn, done.counts.updated, done.counts.added) == (1, 1, 0)
    assert "7/entry-5" not in standing(server.list)
    assert Entry.objects.get(source_id="7/entry-6").classification == "B2"
    assert {one.what for one in EntryChange.objects.all()} == {"withdrawn", "updated"}
    server.desk.changes = [replace(entry(5), timestamp=server.at)]
    assert server.poll().counts.restored == 1
    assert len(standing(server.list)) == 30


def test_the_latest_word_counts_whatever_the_order(server: Server) -> None:
    server.poll()
    when = server.at
    server.desk.changes = [
        replace(tombstone(5), timestamp=when + timedelta(seconds=2)),
        replace(entry(5, label="A2"), timestamp=when + timedelta(seconds=1)),
        replace(entry(6, label="A2"), timestamp=when),
        replace(entry(6, label="B1"), timestamp=when),
    ]
    server.poll()
    assert "7/entry-5" not in standing(server.list)
    assert Entry.objects.get(source_id="7/entry-6").classification == "B1"
    # A server that serves an old state once more does not bring it back.
    edition = server.list.editions.latest("number").number
    server.desk.changes = [replace(entry(5, label="A2"), timestamp=when + timedelta(seconds=1))]
    server.poll()
    assert "7/entry-5" not in standing(server.list)
    assert server.list.editions.latest("number").number == edition


def test_a_repeated_page_and_a_bad_row_are_counted(server: Server) -> None:
    server.desk.faults = {11: ["repeat"], 21: ["bad row"]}
    done = server.poll()
    assert (done.counts.added, done.counts.repeated, done.counts.bad) == (29, 10, 1)
    assert len(standing(server.list)) == 29
    assert BadRow.objects.get().edition == done.edition


def test_only_what_is_due_is_polled_and_one_failure_stops_nobody(server: Server) -> None:
    broken = make_list("Broken", scheme="plain", scheme_version="1")
    words = {"url": "http://127.0.0.1:9/nothing", "username": "us", "password": "x"}
    polling_lists.add_feed(by=BY, at=AT, hash_list=broken, every_minutes=10, **words)

    def due(at: datetime) -> dict[str, bool]:
        done = polling_lists.poll_due(by=BY, now=lambda: at, connect=_at_once)
        return {one.hash_list.name: not one.why for one in done}

    assert due(AT) == {"Broken": False, "Partner's list": True}
    assert due(AT + timedelta(minutes=9)) == {}
    assert due(AT + timedelta(minutes=10)) == {"Broken": False, "Partner's list": True}
    assert HashList.objects.filter(feed__failed_at__isnull=False).get() == broken
