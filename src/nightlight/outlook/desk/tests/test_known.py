# SPDX-License-Identifier: Apache-2.0
"""What the pages say of files that were compared: known, near, disputed, here before, new, not comparable, waiting."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightlight.foundation import pdq
from nightlight.outlook.desk import bits, known, wording
from nightlight.outlook.desk.tests import cast, known_cast, pictures
from nightlight.pipeline.matching import keeping, rules
from nightlight.pipeline.matching.finding import Found
from nightlight.pipeline.matching.models import EntryChange, Fingerprint, Frame, How, Purpose, Sighting
from nightlight.trust.custody import queries as custody
from nightlight.trust.viewing.models import Viewing

if TYPE_CHECKING:
    from django.test import Client

    from nightlight.outlook.desk.tests.cast import Desk
    from nightlight.pipeline.tips.models import Tip


def _page(client: Client, tip: Tip, more: str = "", *, status: int = 200) -> str:
    answer = client.get(f"/tips/{tip.public_id}/{more}")
    assert answer.status_code == status
    return " ".join(answer.content.decode().split())


def _card(client: Client, tip: Tip) -> str:
    """What the page says of the first file."""
    return _page(client, tip).split('id="known-1"')[1].split("</article>")[0]


# --- each state ---


def test_a_known_file_is_told_by_its_classification_and_is_not_offered(alice: Client, desk: Desk) -> None:
    tip, item = known_cast.tip(desk)
    known_cast.same_bytes(known_cast.hash_list(), item, agree=("sha256", "md5"))
    known_cast.looked_up(tip)
    card = _card(alice, tip)
    assert "“1”" in card.replace("<q>1</q>", "“1”")
    assert "on <b>National list</b> (Example Centre), same bytes by SHA-256 and MD5" in card
    assert "VIC categories, model 2.0, scheme UK" in card
    assert "Nobody needs to look." in card
    assert "Look at this file" not in card
    assert f"/tips/{tip.public_id}/files/1/matches/1/" in card


def test_a_near_file_is_offered_beside_what_the_list_says(alice: Client, desk: Desk) -> None:
    tip, item = known_cast.tip(desk)
    known_cast.fingerprint(item.blob)
    known_cast.near(known_cast.hash_list(), item, distance=21, turn=3, claims={"Series": "Example series 4"})
    known_cast.looked_up(tip)
    card = _card(alice, tip)
    assert "Nearly a known file" in card
    assert "21 of 256 bits differ, turned by 90° with the clock" in card
    assert "Example series 4" in card
    assert "Look at this file" in card


def test_of_very_many_near_entries_the_nearest_are_told(alice: Client, desk: Desk) -> None:
    tip, item = known_cast.tip(desk)
    known_cast.fingerprint(item.blob)
    of = known_cast.hash_list()
    entries = [known_cast.entry(of, pdq=bytes(item.blob.fingerprint.pdq or b"")) for _ in range(12)]
    found = [Found(item.blob_id, one.pk, How.PDQ, distance=30 - n, orientation=0) for n, one in enumerate(entries)]
    keeping.matches([item.blob_id], found, hows=[How.PDQ], at=cast.NOON)
    known_cast.looked_up(tip)
    card = _card(alice, tip)
    assert card.count("of 256 bits differ") == known.MOST_SAID
    assert "19 of 256 bits differ" in card
    assert "30 of 256 bits differ" not in card
    assert "and 4 more entries, further away" in card


def test_lists_that_contradict_each_other_are_told_as_a_dispute(alice: Client, desk: Desk) -> None:
    tip, item = known_cast.tip(desk)
    known_cast.same_bytes(known_cast.hash_list("One list"), item, classification="1")
    known_cast.same_bytes(known_cast.hash_list("Other list"), item, classification="2", keep=True)
    known_cast.looked_up(tip)
    card = _card(alice, tip)
    assert "Disputed" in card
    assert "One list says 1; Other list says 2" in card
    assert "Look at this file" in card


def test_a_file_that_came_before_says_when_first_and_through_whom(alice: Client, desk: Desk) -> None:
    other = cast.Desk(cast.reporter("Example Forum"))
    first, item = known_cast.tip(other, body=b"the same", at=cast.NOON - timedelta(days=2))
    known_cast.fingerprint(item.blob)
    tip, _item = known_cast.tip(desk, body=b"the same")
    known_cast.looked_up(tip)
    known_cast.looked_up(first)
    card = _card(alice, tip)
    assert "Here before" in card
    assert "The same bytes came with 1 other tip." in card
    assert "through Example Forum." in card
    assert "18 Nov" in card
    assert first.public_id not in card  # on the page of other tips, for those who see them
    assert "New to everyone" in _card(alice, first)
    assert "came later with 1 other tip" in _card(alice, first)


def test_what_is_new_to_everyone_is_said_first(alice: Client, desk: Desk) -> None:
    tip, item = known_cast.tip(desk)
    known_cast.fingerprint(item.blob)
    known_cast.looked_up(tip)
    page = _page(alice, tip)
    head = page.split('id="tip-next"')[1].split("</header>")[0]
    assert "A file is new to everyone." in head
    assert 'href="#file-1"' in head
    assert "1 new to everyone" in head
    assert "New to everyone" in _card(alice, tip)


def test_a_new_file_comes_first_although_the_report_repeats_another(alice: Client, desk: Desk) -> None:
    known_cast.tip_of(desk, [])
    tip, items = known_cast.tip_of(desk, [b"another file"])
    assert "Work on the earlier report" in _page(alice, tip)
    known_cast.fingerprint(items[0].blob)
    known_cast.looked_up(tip)
    assert "A file is new to everyone." in _page(alice, tip)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"why": "damaged", "pdq": None, "quality": None}, "The file is damaged"),
        ({"why": "not-kept", "pdq": None, "quality": None}, "The vault has no bytes for it."),
        ({"quality": 12}, "quality 12 of 100; 50 is needed"),
        ({"pdq": None, "quality": None}, "No frame of it has enough in it"),
    ],
)
def test_a_file_that_cannot_be_compared_says_why(
    alice: Client, desk: Desk, fields: dict[str, object], sentence: str
) -> None:
    tip, item = known_cast.tip(desk)
    known_cast.fingerprint(item.blob, **fields)
    known_cast.looked_up(tip)
    card = _card(alice, tip)
    assert "On no list by its digests" in card
    assert sentence in card


def test_a_label_lowers_nothing(alice: Client, desk: Desk) -> None:
    jokes = known_cast.hash_list("Jokes", scheme="labels", version="1", purpose=Purpose.LABEL)
    tip, item = known_cast.tip(desk)
    known_cast.fingerprint(item.blob)
    known_cast.same_bytes(jokes, item, classification="meme")
    known_cast.looked_up(tip)
    card = _card(alice, tip)
    assert "Labelled on Jokes (Example Centre)" in card
    assert "This lowers nothing." in card
    assert "Nobody needs to look" not in card
    assert "Look at this file" in card


def test_what_a_list_took_back_is_to_be_looked_at_again(alice: Client, desk: Desk) -> None:
    tip, item = known_cast.tip(desk)
    known_cast.fingerprint(item.blob)
    known_cast.same_bytes(known_cast.hash_list(), item)
    known_cast.looked_up(tip)
    assert "Look at this file" not in _card(alice, tip)
    keeping.matches([item.blob_id], [], hows=[How.DIGEST], at=cast.NOON + timedelta(days=1))
    row = known_cast.looked_up(tip)
    row.reopened_at = cast.NOON + timedelta(days=1)
    row.save()
    card = _card(alice, tip)
    assert "It agreed with National list (Example Centre)" in card
    assert "21 Nov, 12:00 IST" in card
    assert "Look again." in card
    assert "Look at this file" in card
    assert "On no list any more" in card


def test_a_list_that_has_not_settled_a_file_is_told_as_that(alice: Client, desk: Desk) -> None:
    tip, item = known_cast.tip(desk)
    known_cast.same_bytes(known_cast.hash_list(), item, classification="0")
    known_cast.looked_up(tip)
    card = _card(alice, tip)
    assert "On a list that has not said what it is" in card
    assert "Look at this file" in card


def test_a_match_never_says_that_somebody_looked(alice: Client, desk: Desk) -> None:
    tip, item = pictures.tip_with_file(desk, b"never viewed", viewed="false")
    known_cast.same_bytes(known_cast.hash_list(), item)
    known_cast.looked_up(tip)
    assert "No: nobody at the reporter viewed the entire file" in _page(alice, tip)
    look = _page(alice, tip, "files/1/")
    assert "That says nothing about whether a person viewed it, here or at the provider, and it opens nothing." in look
    assert "viewed" not in _card(alice, tip).split('class="facts"')[0].lower()


# --- while it goes on ---


def test_the_panel_tells_how_far_it_is_and_stops_by_itself(alice: Client, desk: Desk) -> None:
    tip, items = known_cast.tip_of(desk, [b"one", b"two"])
    known_cast.fingerprint(items[1].blob)
    page = _page(alice, tip)
    assert "0 of 2 files looked up" in page
    assert f'hx-get="/tips/{tip.public_id}/known/?told=waiting"' in page
    known_cast.same_bytes(known_cast.hash_list(), items[0])
    known_cast.looked_up(tip, done=False, measured=1)
    news = _page(alice, tip, "known/?told=waiting")
    assert "1 of 2 files looked up" in news
    assert 'id="known-1" hx-swap-oob="true"' in news
    assert "Nobody needs to look." in news
    # Nothing new: only how far it is, so that what somebody reads stays as it is.
    assert "hx-swap-oob" not in _page(alice, tip, "known/?told=digests")
    known_cast.looked_up(tip)
    news = _page(alice, tip, "known/?told=digests")
    assert "hx-get" not in news
    assert "1 new to everyone, 1 known" in news
    assert 'id="tip-next" hx-swap-oob="true"' in news


def test_news_of_a_tip_are_no_opening_of_it(alice: Client, desk: Desk) -> None:
    tip, _item = known_cast.tip(desk)
    _page(alice, tip)
    _page(alice, tip, "known/?told=waiting")
    assert [e.kind for e in custody.history([f"tip:{tip.public_id}"])].count("tip.viewed") == 1


def test_a_tip_without_files_has_no_panel(alice: Client, desk: Desk) -> None:
    tip = desk.received()
    assert "looked-up" not in _page(alice, tip)
    assert _page(alice, tip, "known/").strip() == ""


def test_the_inbox_says_what_is_new_known_and_disputed(alice: Client, desk: Desk) -> None:
    tip, items = known_cast.tip_of(desk, [b"one", b"two"])
    known_cast.fingerprint(items[0].blob)
    known_cast.same_bytes(known_cast.hash_list(), items[1])
    assert "looking=" + tip.public_id in alice.get("/").content.decode()
    known_cast.looked_up(tip)
    page = " ".join(alice.get("/").content.decode().split())
    assert "1 file new to everyone" in page
    assert "1 file known" in page
    assert "looking=" not in page
    since = f"{2**53}-{tip.public_id[3:].replace('-', '')}"
    news = alice.get("/arrivals/", {"since": since, "looking": tip.public_id})
    assert "1 file new to everyone" in news.content.decode()


# --- looking at a known file ---


def test_a_known_file_is_looked_at_only_by_saying_so(alice: Client, desk: Desk) -> None:
    tip, item = known_cast.tip(desk)
    known_cast.same_bytes(known_cast.hash_list(), item)
    known_cast.looked_up(tip)
    page = _page(alice, tip, "files/1/")
    assert "Go back: this file is known, and nobody needs to look." in page
    assert "<b>National list</b>" in page
    refused = pictures.ask(alice, tip)
    assert refused.status_code == 409
    assert "This file is known, so nobody needs to look." in refused.content.decode()
    assert not Viewing.objects.exists()
    assert pictures.ask(alice, tip, known_anyway="yes", reason="too short").status_code == 409
    assert pictures.ask(alice, tip, known_anyway="yes", reason_kind="court").status_code == 302
    assert Viewing.objects.get().reason.startswith("[known file, looked at all the same] ")


def test_a_file_that_is_not_known_needs_no_such_word(alice: Client, desk: Desk) -> None:
    tip, item = known_cast.tip(desk)
    known_cast.fingerprint(item.blob)
    known_cast.near(known_cast.hash_list(), item)
    known_cast.looked_up(tip)
    assert "known_anyway" not in _page(alice, tip, "files/1/")
    assert pictures.ask(alice, tip).status_code == 302
    assert Viewing.objects.get().reason == pictures.REASON["reason"]


# --- why it agrees ---


def test_there_is_no_page_of_a_match_that_is_not_there(alice: Client, charlie: Client, desk: Desk) -> None:
    tip, item = known_cast.tip(desk)
    known_cast.same_bytes(known_cast.hash_list(), item)
    for number in (0, 2):
        assert alice.get(f"/tips/{tip.public_id}/files/1/matches/{number}/").status_code == 404
    assert alice.get(f"/tips/{tip.public_id}/files/2/matches/1/").status_code == 404
    assert charlie.get(f"/tips/{tip.public_id}/files/1/matches/1/").status_code == 403
    assert charlie.get(f"/tips/{tip.public_id}/files/1/seen/").status_code == 403


def test_digests_stand_side_by_side(alice: Client, desk: Desk) -> None:
    tip, item = known_cast.tip(desk)
    known_cast.same_bytes(known_cast.hash_list(), item, agree=("sha1",), differ=("md5",))
    page = _page(alice, tip, "files/1/matches/1/")
    table = page.split("<tbody>")[1]
    sha256, sha1, md5 = (part for part in table.split("<tr>")[1:4])
    assert "not stated" in sha256
    assert "agree" in sha1
    assert sha1.count(bytes(item.blob.sha1).hex()) == 2
    assert "differ" in md5
    assert "Digests that contradict each other" in page
    assert "It does not say that a person looked at this file" in page
    views = [e.kind for e in custody.history([f"tip:{tip.public_id}"])]
    assert "tip.viewed" in views


def test_a_near_picture_is_squares_and_never_the_picture(alice: Client, desk: Desk) -> None:
    tip, item = known_cast.tip(desk)
    known_cast.fingerprint(item.blob)
    entry = known_cast.near(known_cast.hash_list(), item, distance=17, turn=6)
    page = _page(alice, tip, "files/1/matches/1/")
    assert "17 of 256 bits differ" in page
    assert "mirrored along the diagonal from the upper left" in page
    assert "Two random pictures differ in about 128 of them. Up to 31 count as nearly the same" in page
    assert "88 of 100" in page
    assert "93 of 100" in page
    assert page.count('role="img"') == 3
    assert "<img" not in page
    assert rules.hashes(bytes(item.blob.fingerprint.dihedral))[6].hex() in page
    assert "changed since" not in page
    entry.pdq = known_cast.flipped(bytes(entry.pdq or b""), 40)
    entry.save()
    assert "The entry has been changed since" in _page(alice, tip, "files/1/matches/1/")
    entry.pdq = None
    entry.save()
    assert "nothing to draw" in _page(alice, tip, "files/1/matches/1/")


def test_a_film_tells_how_many_frames_agree(alice: Client, desk: Desk) -> None:
    tip, item = known_cast.tip(desk)
    Fingerprint.objects.create(blob=item.blob, version=1, format="mp4", duration=9.0, at=cast.NOON)
    frames = [hashlib.sha256(bytes([number])).digest() for number in range(5)]
    for number, frame in enumerate(frames):
        Frame.objects.create(blob=item.blob, number=number, at_second=float(number), pdq=frame, quality=90)
    entry = known_cast.entry(
        known_cast.hash_list(), frames=b"".join(known_cast.flipped(f, 9 - n) for n, f in enumerate(frames))
    )
    found = Found(item.blob_id, entry.pk, How.FRAMES, distance=5, frames=5, frames_of=5)
    keeping.matches([item.blob_id], [found], hows=[How.FRAMES], at=cast.NOON)
    page = _page(alice, tip, "files/1/matches/1/")
    assert "5 of 5" in page
    assert "at least 80 % have to" in page
    assert "4.0 seconds into the film" in page
    assert "Where they differ: 5 squares" in page


# --- where it came ---


def test_other_tips_are_named_where_they_are_seen_and_counted_where_not(alice: Client, desk: Desk) -> None:
    first, _item = known_cast.tip(desk, body=b"the same", at=cast.NOON - timedelta(days=1))
    tip, item = known_cast.tip(desk, body=b"the same")
    known_cast.looked_up(tip)
    Sighting.objects.filter(blob=item.blob).update(tips=5)
    page = _page(alice, tip, "files/1/seen/")
    assert first.public_id in page
    assert "In 5 tips, this one among them" in page
    assert "3 other tips lie with units whose tips you do not see." in page


def test_pictures_that_are_nearly_the_same_say_how_they_were_turned(alice: Client, desk: Desk) -> None:
    first, one = known_cast.tip(desk, at=cast.NOON - timedelta(days=1))
    tip, other = known_cast.tip(desk)
    known_cast.fingerprint(one.blob)
    known_cast.fingerprint(other.blob)
    known_cast.looked_up(first)
    known_cast.alike(other, one, distance=9, turn=1)
    known_cast.looked_up(tip)
    assert "1 file that is nearly the same picture came with an earlier tip." in _card(alice, tip)
    there, back = _page(alice, tip, "files/1/seen/"), _page(alice, first, "files/1/seen/")
    assert "9 of 256 bits differ, turned by 90° against the clock" in there
    assert "9 of 256 bits differ, turned by 90° with the clock" in back
    assert first.public_id in there
    assert tip.public_id in back


# --- words and squares ---


def test_every_state_turn_and_event_has_words() -> None:
    assert set(known.LABELS) == set(rules.State)
    assert set(known._SUMS) == set(rules.State) == set(known._IN_ORDER)
    assert set(known.TURNED) == set(pdq.Orientation)
    for kind in ("tip.fingerprinted", "tip.match-withdrawn", "tip.rematched", "hashes.bad-rows-taken"):
        assert wording.event(kind) != kind
    assert EntryChange._meta.get_field("what").max_length == 10


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_the_squares_are_the_bits(ours: bytes, theirs: bytes) -> None:
    drawn = bits.side_by_side(ours, theirs)
    assert drawn.distance == pdq.distance(ours, theirs) == sum(row.differ for row in drawn.rows)
    assert drawn.only_ours.count("M") + drawn.only_theirs.count("M") == drawn.distance
    assert drawn.ours.count("M") == int.from_bytes(ours, "big").bit_count()
    assert drawn.both.count("M") + drawn.only_theirs.count("M") == drawn.theirs.count("M")
    assert int("".join(row.ours for row in drawn.rows)[::-1], 2).to_bytes(32, "big") == ours
