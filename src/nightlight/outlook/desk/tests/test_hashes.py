# SPDX-License-Identifier: Apache-2.0
"""Pages of lists of known files: versions, what could not be read, what partners say, and entries with their past."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from nightlight.foundation import clock
from nightlight.outlook.desk.tests import cast, known_cast
from nightlight.pipeline.matching.models import (
    Access,
    BadRow,
    EntryChange,
    Feed,
    Feedback,
    FeedbackAnswer,
    Member,
    Purpose,
)
from nightlight.pipeline.matching.sharing.offered import offered
from nightlight.trust.custody.models import Event

if TYPE_CHECKING:
    from nightlight.outlook.desk.tests.cast import Desk
    from nightlight.pipeline.matching.models import Entry, HashList


def _text(answer: object, status: int = 200) -> str:
    assert isinstance(answer, HttpResponse)
    assert answer.status_code == status
    return " ".join(answer.content.decode().split())


@pytest.fixture
def vera(db: None) -> Client:
    """A victim-identification specialist, signed in."""
    client = Client()
    client.force_login(cast.person("Vera", "victim-identification"))
    return client


@pytest.fixture
def made(db: None) -> HashList:
    """A list with one whole version."""
    return known_cast.hash_list()


def _member(of: HashList) -> Member:
    member = Member.objects.create(
        public_id="HM-2222-2222", number=7, name="Example Cloud", username="c", secret_digest=b"", made_at=cast.NOON
    )
    Access.objects.create(member=member, hash_list=of, may_answer=True, at=cast.NOON)
    return member


def _remark(entry: Entry, member: Member, *, yes: bool = False, kind: str = "MD5") -> Feedback:
    reasons = [] if yes else [offered().negative[0].guid]
    return Feedback.objects.create(
        entry=entry, member=member, type=kind, affirmative=yes, reasons=reasons, at=cast.NOON
    )


# --- who may ---


def test_who_sees_no_tip_sees_no_list(charlie: Client, made: HashList) -> None:
    for address in ("", f"{made.public_id}/", f"{made.public_id}/entry/?id=x", f"{made.public_id}/bad-rows/1.csv"):
        assert charlie.get(f"/hashes/{address}").status_code == 403


def test_what_is_not_there_says_so(alice: Client, made: HashList) -> None:
    assert alice.get("/hashes/HL-1111-1111/").status_code == 404
    assert alice.get(f"/hashes/{made.public_id}/bad-rows/9.csv").status_code == 404
    page = _text(alice.get(f"/hashes/{made.public_id}/entry/", {"id": "nothing"}), 404)
    assert "National list has no entry with the number “nothing” at its source." in page


# --- lists ---


def test_without_lists_the_page_says_how_one_comes(alice: Client) -> None:
    assert "There is no list yet." in _text(alice.get("/hashes/"))


def test_lists_tell_whose_they_are_and_how_they_stand(alice: Client, made: HashList) -> None:
    known_cast.hash_list("Jokes", scheme="labels", version="1", purpose=Purpose.LABEL)
    member = _member(made)
    _remark(known_cast.entry(made), member)
    Feed.objects.create(
        hash_list=made,
        url="https://hashes.example.org/v2",
        username="somebody",
        secret=b"a secret",
        secret_key_part=b"",
        every_minutes=60,
        checkpoint={},
        polled_at=cast.NOON,
        failed_at=cast.NOON + timedelta(hours=1),
        why="The server did not answer.",
    )
    page = _text(alice.get("/hashes/"))
    for said in (
        "Example Centre",
        "Example Act, section 1",
        "VIC categories, model 2.0, scheme UK",
        "number 1, 1,200 rows",
        "Labels only; lowers nothing",
        "Polling fails",
        "The server did not answer.",
        "Example Cloud",
        "1 remark waits",
    ):
        assert said in page, said
    assert "somebody" not in page


def test_the_page_of_lists_takes_as_many_queries_for_ten_as_for_one(alice: Client, made: HashList) -> None:
    alice.get("/hashes/")
    with CaptureQueriesContext(connection) as one:
        alice.get("/hashes/")
    for number in range(9):
        known_cast.hash_list(f"List {number}")
    with CaptureQueriesContext(connection) as ten:
        alice.get("/hashes/")
    assert len(ten) == len(one)


def test_versions_are_told_with_their_counts_and_why_one_was_refused(alice: Client, made: HashList) -> None:
    notes = [{"code": "count", "text": "The file says it has 1,300 rows; 1,204 were counted."}]
    known_cast.edition(made, 2, notes=notes, bad=4, source_version="2026-11")
    known_cast.edition(made, 3, state="failed", why="The file ends in the middle of a row.")
    page = _text(alice.get(f"/hashes/{made.public_id}/"))
    for said in ("Replaced", "In use", "ends in the middle of a row", "1,300 rows; 1,204", "calls itself 2026-11"):
        assert said in page, said
    assert f"/hashes/{made.public_id}/bad-rows/2.csv" in page
    assert "the newest was refused" in page


def test_a_version_that_is_being_read_tells_how_far_it_is(alice: Client, made: HashList) -> None:
    started = clock.now() - timedelta(seconds=100)
    reading = known_cast.edition(
        made, 2, state="loading", started_at=started, ended_at=None, done_bytes=500, all_bytes=1000, rows=0
    )
    part = alice.get(f"/hashes/{made.public_id}/progress/")
    assert "50 %" in _text(part)
    assert "about 2 min left" in _text(part)
    assert "HX-Refresh" not in part.headers
    reading.state = "whole"
    reading.save()
    assert alice.get(f"/hashes/{made.public_id}/progress/").headers["HX-Refresh"] == "true"


def test_rows_that_could_not_be_read_are_downloaded_and_that_is_recorded(bob: Client, made: HashList) -> None:
    bad = known_cast.edition(made, 2, bad=3)
    for number, raw in enumerate((b"=1+1,x", b"\xff\x00,y", b'plain, "quoted"'), 7):
        BadRow.objects.create(edition=bad, row=number, code="odd-hex", reason="A digit is missing.", raw=raw)
    answer = bob.get(f"/hashes/{made.public_id}/bad-rows/2.csv")
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    body = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    rows = list(csv.reader(io.StringIO(body)))
    assert rows[0] == ["edition", "row", "code", "reason", "raw"]
    assert [row[1] for row in rows[1:]] == ["7", "8", "9"]
    assert [row[4] for row in rows[1:]] == ["'=1+1,x", "\\xff\\x00,y", 'plain, "quoted"']
    event = Event.objects.get(kind="hashes.bad-rows-taken")
    assert event.subject == f"hashlist:{made.public_id}"


# --- entries ---


def test_an_entry_tells_what_it_says_and_what_it_said_before(alice: Client, made: HashList, desk: Desk) -> None:
    tip, item = known_cast.tip(desk)
    entry = known_cast.same_bytes(
        made, item, source_id="a/b c", claims={"Tags": ["winter", "outdoor"]}, opaque={"PhotoDNA": "AAECAwQ="}
    )
    now = {"classification": "0", "sha256": bytes(item.blob.sha256).hex(), "claims": {"Tags": ["summer"]}}
    now |= {name: bytes(getattr(item.blob, name)).hex() for name in ("md5", "sha1")} | {"opaque": entry.opaque}
    EntryChange.objects.create(entry=entry, edition=2, what="withdrawn", before=now, at=cast.NOON)
    EntryChange.objects.create(entry=entry, edition=3, what="restored", before=now, at=cast.NOON + timedelta(days=1))
    page = _text(alice.get(f"/hashes/{made.public_id}/entry/", {"id": "a/b c"}))
    for said in (bytes(item.blob.sha256).hex(), "winter, outdoor", "AAECAwQ=", "Taken back in", tip.public_id):
        assert said in page, said
    newest, older = page.split('<article class="party">')[1:]
    assert newest.index("summer") < newest.index("winter, outdoor")
    assert "summer" not in older
    assert "SHA-256" not in newest
    search = Event.objects.filter(kind="search.made").get()
    assert '"where":"hashes"' in search.body
    assert "a/b c" not in search.body


def test_a_withdrawn_entry_stays_and_says_so(alice: Client, made: HashList) -> None:
    known_cast.entry(made, source_id="gone", withdrawn=True)
    assert "Withdrawn: nothing is compared with it" in _text(alice.get(f"/hashes/{made.public_id}/entry/?id=gone"))


# --- what partners say ---


def test_only_those_who_decide_can_answer(alice: Client, bob: Client, made: HashList) -> None:
    _remark(known_cast.entry(made), _member(made))
    for client in (alice, bob):
        page = _text(client.get(f"/hashes/{made.public_id}/"))
        assert "Objects:" in page
        assert "Victim identification and commanders decide these." in page
        assert 'name="verdict"' not in page
        assert client.post(f"/hashes/{made.public_id}/answer/").status_code == 403
    assert not FeedbackAnswer.objects.exists()


def test_a_specialist_answers_a_remark_once(vera: Client, made: HashList) -> None:
    entry, member = known_cast.entry(made), _member(made)
    remark = _remark(entry, member)
    assert f'href="/hashes/{made.public_id}/#remarks"' in _text(vera.get("/hashes/"))
    page = _text(vera.get(f"/hashes/{made.public_id}/"))
    assert offered().negative[0].name in page
    assert clock.stamp(remark.at) in page
    form = {"entry": entry.source_id, "member": member.public_id, "type": "MD5", "at": clock.stamp(remark.at)}
    address = f"/hashes/{made.public_id}/answer/"
    assert vera.post(address, {**form, "verdict": "perhaps"}).status_code == 409
    assert vera.post(address, {**form, "type": "SHA1", "verdict": "agreed"}).status_code == 404
    assert vera.post(address, {**form, "at": clock.stamp(clock.now()), "verdict": "agreed"}).status_code == 404
    assert vera.post(address, {**form, "verdict": "agreed", "text": "Put right."}).status_code == 302
    answer = FeedbackAnswer.objects.get()
    assert (answer.verdict, answer.text) == ("agreed", "Put right.")
    page = _text(vera.get(f"/hashes/{made.public_id}/"))
    assert "Nothing waits for an answer." in page
    assert "Put right." in page
    assert vera.post(address, {**form, "verdict": "agreed"}).status_code == 404


def test_of_what_a_partner_says_the_latest_word_waits(vera: Client, made: HashList) -> None:
    entry, member = known_cast.entry(made), _member(made)
    _remark(entry, member)
    _remark(entry, member, yes=True)
    page = _text(vera.get(f"/hashes/{made.public_id}/"))
    assert "Says it is right:" in page
    assert "Objects:" not in page
