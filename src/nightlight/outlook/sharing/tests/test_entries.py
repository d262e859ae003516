# SPDX-License-Identifier: Apache-2.0
"""Pages of entries: what is refused, what stands on them, and where one range of time ends and the next begins."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from nightlight.foundation import clock
from nightlight.outlook.sharing.tests.conftest import OWNER, Partner, add_member, noise, open_to, put
from nightlight.pipeline.matching import sharing_queries
from nightlight.pipeline.matching.models import Entry, Feedback, HashList
from nightlight.pipeline.matching.sharing import reading, writing
from nightlight.pipeline.matching.sharing.offered import offered
from nightlight.pipeline.matching.sharing.terms import Affirmative, Media, Member, Negative, Tombstone
from nightlight.trust.custody.models import Event

if TYPE_CHECKING:
    from nightlight.pipeline.matching.sharing.terms import Page

pytestmark = pytest.mark.django_db
ONE = datetime(2026, 11, 1, 8, 0, 0, 123_000, tzinfo=UTC)
MS = timedelta(milliseconds=1)


def stamp(at: datetime) -> str:
    """A time as an exact client writes it."""
    return writing.stamp(at, milliseconds=True)


def ids(pages: list[Page]) -> list[str]:
    """The ids on pages, in order."""
    return [change.entry_id for page in pages for change in page.changes]


NEXT = {"from": "2026-11-01T00:00:00.000Z", "to": "2026-11-02T00:00:00.000Z", "start": "3", "size": "2", "max": "9"}


@pytest.mark.parametrize(
    "query",
    [
        {"from": "yesterday"},
        {"from": ""},
        {"to": ""},
        {"to": "2026-11-01"},
        {"to": "2026-11-01T00:00:00"},
        {"from": "2026-13-01T00:00:00Z"},
        {"from": "1793000000"},
        {"from": "2026-11-02T00:00:00.000Z", "to": "2026-11-01T00:00:00.000Z"},
        {"to": "9999-12-31T23:59:59.999Z"},
        {"from": "2999-01-01T00:00:00Z"},
        {"size": "0"},
        {"size": "-1"},
        {"size": "many"},
        {"size": "٣"},
        {"size": "9" * 40},
        {"start": "2"},
        {"start": "2001", "size": "1000", "max": "5000"},
        NEXT | {"after": "one"},
        NEXT | {"after": ".one"},
        NEXT | {"after": "1793500000000000.no-such-entry"},
        NEXT | {"after": "99999999999999999999.one"},
        NEXT | {"after": "1793500000000000.a\x00"},
        NEXT | {"after": "-1.one"},
        NEXT | {"after": "1793500000000000.one", "start": "0"},
        NEXT | {"after": "1793500000000000.one", "max": ""},
        {"after": "1793500000000000.one"},
    ],
)
def test_a_page_asked_for_in_words_that_make_no_sense_is_refused(
    partner: Partner, hash_list: HashList, query: dict[str, str]
) -> None:
    put(hash_list, ["one"])
    answer = partner.get("/v2/entries", **query)
    assert answer.status_code == 400
    assert len(reading.error(answer.content)) > 20  # type: ignore[attr-defined]
    assert Event.objects.filter(kind="hashes.pulled").count() == 0


def test_a_range_that_ends_in_the_future_is_refused_and_says_why(partner: Partner) -> None:
    """India's time sent as if it were UTC: entries changed before then would never be asked for again."""
    answer = partner.get("/v2/entries", to=stamp(clock.now() + timedelta(hours=5, minutes=30)))
    assert answer.status_code == 400
    assert "ahead of our clock" in reading.error(answer.content)  # type: ignore[attr-defined]


def test_a_clock_a_little_ahead_is_waited_for(partner: Partner, hash_list: HashList) -> None:
    put(hash_list, ["one"])
    to = clock.now() + timedelta(milliseconds=400)
    assert ids(partner.pages(to=stamp(to))) == ["one"]
    assert clock.now() > to


def test_an_empty_list_is_one_empty_page(partner: Partner) -> None:
    page = partner.page()
    assert (page.changes, page.claims, page.next) == ((), (), None)


def test_entries_and_tombstones_stand_in_their_blocks_as_the_list_has_them(
    partner: Partner, hash_list: HashList
) -> None:
    put(hash_list, ["image"], ONE, classification="B2")
    put(hash_list, ["film"], ONE + MS, media="video", pdq=None, classification="")
    put(hash_list, ["unknown"], ONE + 2 * MS, media="", sha256=noise(32, "x"), frames=noise(64, "y"))
    put(hash_list, ["gone"], ONE + 3 * MS, media="video", withdrawn=True)
    put(hash_list, ["bare"], ONE + 4 * MS, md5=None, sha1=None, pdq=None, sha256=noise(32, "z"))
    opaque = {"PhotoDNA": "AbC+/=", "NETCLEAN": "x 1", "Other": "n", "MD5": "never", "md5": ["no"]}
    put(hash_list, ["opaque"], ONE + 5 * MS, opaque=opaque)
    page = partner.page()
    found = {change.entry_id: change for change in page.changes}
    assert {change.member_id for change in page.changes} == {OWNER}
    assert {change.member_name for change in page.changes} == {"Example Authority"}
    image = found["image"]
    assert not isinstance(image, Tombstone)
    assert (image.media, image.classification, image.timestamp) == (Media.IMAGE, "B2", ONE)
    assert image.fingerprints == {
        "md5": noise(16, "image").hex(),
        "sha1": noise(20, "image").hex(),
        "pdq": noise(32, "image").hex(),
    }
    film, unknown, bare, other = (found[name] for name in ("film", "unknown", "bare", "opaque"))
    assert (film.media, film.classification, list(film.fingerprints)) == (Media.VIDEO, None, ["md5", "sha1"])  # type: ignore[union-attr]
    assert unknown.media is Media.IMAGE
    assert b"sha256" not in partner.get("/v2/entries").content  # type: ignore[attr-defined]
    assert bare.fingerprints == {}  # type: ignore[union-attr]
    assert (other.fingerprints["pdna"], other.fingerprints["netclean"]) == ("AbC+/=", "x 1")  # type: ignore[union-attr]
    assert len(other.fingerprints) == 5  # type: ignore[union-attr]
    assert found["gone"] == Tombstone(OWNER, "gone", Media.VIDEO, ONE + 3 * MS, "Example Authority")
    newest = {claim.media: claim.newest for claim in page.claims}
    assert newest == dict.fromkeys(Media, ONE.replace(microsecond=0))


def test_from_is_exclusive_to_is_inclusive_and_nothing_falls_between_two_ranges(
    partner: Partner, hash_list: HashList
) -> None:
    """The database counts microseconds, the wire milliseconds."""
    for micros in (0, 1, 500, 999, 1000, 1001, 1999, 2000):
        put(hash_list, [f"at{micros}"], ONE + timedelta(microseconds=micros))
    first = ids(partner.pages(**{"from": stamp(ONE - MS), "to": stamp(ONE)}))
    second = ids(partner.pages(**{"from": stamp(ONE), "to": stamp(ONE + MS)}))
    third = ids(partner.pages(**{"from": stamp(ONE + MS), "to": stamp(ONE + 2 * MS)}))
    assert (first, second, third) == (["at0", "at1", "at500", "at999"], ["at1000", "at1001", "at1999"], ["at2000"])
    finer = stamp(ONE)[:-1] + "999Z"  # cut off, not rounded
    assert ids(partner.pages(**{"from": finer, "to": stamp(ONE + MS)})) == second
    zoned = ONE.astimezone().isoformat(timespec="milliseconds")
    assert ids(partner.pages(**{"from": zoned, "to": stamp(ONE + MS)})) == second
    assert ids(partner.pages(**{"from": stamp(ONE), "to": stamp(ONE)})) == []


def test_next_leads_through_all_pages_of_entries_of_one_moment(partner: Partner, hash_list: HashList) -> None:
    """All changed in one moment, as an import does it: only the place behind the last one tells pages apart."""
    at = put(hash_list, (f"sha1:{number:040x}" for number in range(250)))
    put(hash_list, ["late"])
    pages = partner.pages(to=stamp(at), size="100")
    assert [len(page.changes) for page in pages] == [100, 100, 50]
    assert len(set(ids(pages))) == 250
    query = [parse_qs(urlsplit(page.next).query) for page in pages[:-1] if page.next]
    assert all(page.next.startswith("/v2/entries?") for page in pages[:-1] if page.next)
    assert [(one["start"], one["size"], one["max"]) for one in query] == [
        (["101"], ["100"], ["250"]),
        (["201"], ["100"], ["250"]),
    ]
    pulled = [json.loads(event.body)["data"] for event in Event.objects.filter(kind="hashes.pulled").order_by("id")]
    assert [(one["start"], one["count"], one["last"]) for one in pulled] == [
        (1, 100, False),
        (101, 100, False),
        (201, 50, True),
    ]
    assert {one["member"] for one in pulled} == {partner.member.public_id}
    assert {event.subject for event in Event.objects.filter(kind="hashes.pulled")} == {
        f"hashlist:{hash_list.public_id}"
    }


def test_what_is_still_to_come_is_counted_so_far_as_a_page_can_wait(
    partner: Partner, hash_list: HashList, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharing_queries, "AHEAD", 4)
    put(hash_list, (f"e{number}" for number in range(11)))
    query = [parse_qs(urlsplit(page.next or "").query) for page in partner.pages(size="2")]
    assert [(one["start"], one["max"]) for one in query[:-1]] == [
        (["3"], ["6"]),
        (["5"], ["6"]),
        (["7"], ["10"]),
        (["9"], ["10"]),
        (["11"], ["11"]),
    ]


def test_a_client_may_ask_for_smaller_pages_not_for_larger_ones(partner: Partner, hash_list: HashList) -> None:
    put(hash_list, (f"e{number}" for number in range(7)))
    assert [len(page.changes) for page in partner.pages(size="3")] == [3, 3, 1]
    put(hash_list, (f"f{number}" for number in range(1001)))
    assert [len(partner.page(**asked).changes) for asked in ({}, {"size": "5000"})] == [1000, 1000]


ODD = ["a b", "a/b/c", "a?b#c", "50%", "%41", "é\u0905", "x&to=1", "tab\there", "+1", "a\u0001b", "<b>"]


def test_ids_of_any_letters_come_through_pages_and_addresses(partner: Partner, hash_list: HashList) -> None:
    put(hash_list, ODD)
    pages = partner.pages(size="1")
    shown = ids(pages)
    assert len(set(shown)) == len(ODD)
    yes = '<feedbackSubmission xmlns="https://hashsharing.ncmec.org/hashsharing/v2"><affirmative/></feedbackSubmission>'
    for name, entry_id in zip(ODD, shown, strict=True):
        answer = partner.put(f"/v2/entries/{OWNER}/{entry_id}/MD5/feedback", yes)
        assert answer.status_code == 200, name
    assert set(Feedback.objects.values_list("entry__source_id", flat=True)) == set(ODD)


def test_an_entry_that_changes_between_two_pages_comes_in_the_next_range(partner: Partner, hash_list: HashList) -> None:
    put(hash_list, (f"e{number}" for number in range(6)))
    to = stamp(put(hash_list, ["e6"]))
    first = partner.page(to=to, size="3")
    assert first.next is not None
    put(hash_list, ["e1"], classification="B1")  # already given
    put(hash_list, ["e2"], classification="B1")  # where the next page begins
    put(hash_list, ["e4"], withdrawn=True)  # not given yet
    second = partner.page(first.next)
    assert (ids([first]), ids([second]), second.next) == (["e0", "e1", "e2"], ["e3", "e5", "e6"], None)
    later = partner.pages(**{"from": to})
    assert ids(later) == ["e1", "e2", "e4"]
    assert isinstance(later[0].changes[2], Tombstone)


def test_what_members_say_stands_with_the_entry_the_latest_of_each(partner: Partner, hash_list: HashList) -> None:
    put(hash_list, ["one", "two"])
    other = add_member(12, "Example Helpline")
    open_to(other, hash_list)
    one = Entry.objects.get(source_id="one")
    wrong, duplicate = offered().negative[0], offered().negative[3]

    def say(member_number: int, kind: str, minute: int, *guids: str) -> None:
        member = partner.member if member_number == 11 else other.member
        Feedback.objects.create(
            entry=one,
            member=member,
            type=kind,
            affirmative=not guids,
            reasons=list(guids),
            at=ONE + timedelta(minutes=minute),
        )

    say(11, "MD5", 0, wrong.guid)
    say(11, "MD5", 1)
    say(12, "MD5", 2, wrong.guid, duplicate.guid)
    say(12, "PDQ", 3, "retired-since")
    found = {entry.entry_id: entry.feedback for entry in partner.page().entries}
    assert found["two"] == ()
    yes, no, strange = found["one"]
    assert yes == Affirmative(
        "MD5", (Member(11, "Example Platform"),), ONE + timedelta(minutes=1), ONE + timedelta(minutes=1)
    )
    assert isinstance(no, Negative)
    assert {objection.reason.name for objection in no.objections} == {wrong.name, duplicate.name}
    assert {objection.members for objection in no.objections} == {(Member(12, "Example Helpline"),)}
    assert no.updated == ONE + timedelta(minutes=2)
    assert isinstance(strange, Negative)
    assert (strange.type, strange.objections[0].reason.guid) == ("PDQ", "retired-since")
