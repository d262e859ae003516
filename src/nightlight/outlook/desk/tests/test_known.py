# SPDX-License-Identifier: Apache-2.0
"""What the pages say of files that were compared: known, near, disputed, here before, new, not comparable, waiting."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from nightlight.outlook.desk import known
from nightlight.outlook.desk.tests import cast, known_cast, pictures
from nightlight.pipeline.matching import keeping
from nightlight.pipeline.matching.finding import Found
from nightlight.pipeline.matching.models import How, Purpose
from nightlight.pipeline.tips import summarising
from nightlight.trust.custody import queries as custody
from nightlight.trust.viewing.models import Viewing

if TYPE_CHECKING:
    from django.test import Client

    from nightlight.outlook.desk.tests.cast import Desk
from nightlight.outlook.desk.tests.known_cast import first_card, page_of

# --- each state ---


def test_a_known_file_is_told_by_its_classification_and_is_not_offered(alice: Client, desk: Desk) -> None:
    tip, item = known_cast.tip(desk)
    known_cast.same_bytes(known_cast.hash_list(), item, agree=("sha256", "md5"))
    known_cast.looked_up(tip)
    card = first_card(alice, tip)
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
    card = first_card(alice, tip)
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
    card = first_card(alice, tip)
    assert card.count("of 256 bits differ") == known.MOST_SAID
    assert "19 of 256 bits differ" in card
    assert "30 of 256 bits differ" not in card
    assert "and 4 more entries, further away" in card


def test_lists_that_contradict_each_other_are_told_as_a_dispute(alice: Client, desk: Desk) -> None:
    tip, item = known_cast.tip(desk)
    known_cast.same_bytes(known_cast.hash_list("One list"), item, classification="1")
    known_cast.same_bytes(known_cast.hash_list("Other list"), item, classification="2", keep=True)
    known_cast.looked_up(tip)
    card = first_card(alice, tip)
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
    card = first_card(alice, tip)
    assert "Here before" in card
    assert "The same bytes came with 1 other tip." in card
    assert "through Example Forum." in card
    assert "18 Nov" in card
    assert first.public_id not in card  # on the page of other tips, for those who see them
    assert "New to everyone" in first_card(alice, first)
    assert "came later with 1 other tip" in first_card(alice, first)


def test_what_is_new_to_everyone_is_said_first(alice: Client, desk: Desk) -> None:
    tip, item = known_cast.tip(desk)
    known_cast.fingerprint(item.blob)
    known_cast.looked_up(tip)
    page = page_of(alice, tip)
    head = page.split('id="tip-next"')[1].split("</header>")[0]
    assert "A file is new to everyone." in head
    assert 'href="#file-1"' in head
    assert "1 new to everyone" in head
    assert "New to everyone" in first_card(alice, tip)


def test_a_new_file_comes_first_although_the_report_repeats_another(alice: Client, desk: Desk) -> None:
    known_cast.tip_of(desk, [])
    tip, items = known_cast.tip_of(desk, [b"another file"])
    assert "Work on the earlier report" in page_of(alice, tip)
    known_cast.fingerprint(items[0].blob)
    known_cast.looked_up(tip)
    assert "A file is new to everyone." in page_of(alice, tip)


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
    card = first_card(alice, tip)
    assert "On no list by its digests" in card
    assert sentence in card


def test_a_label_lowers_nothing(alice: Client, desk: Desk) -> None:
    jokes = known_cast.hash_list("Jokes", scheme="labels", version="1", purpose=Purpose.LABEL)
    tip, item = known_cast.tip(desk)
    known_cast.fingerprint(item.blob)
    known_cast.same_bytes(jokes, item, classification="meme")
    known_cast.looked_up(tip)
    card = first_card(alice, tip)
    assert "Labelled on Jokes (Example Centre)" in card
    assert "This lowers nothing." in card
    assert "Nobody needs to look" not in card
    assert "Look at this file" in card


def test_what_a_list_took_back_is_to_be_looked_at_again(alice: Client, desk: Desk) -> None:
    tip, item = known_cast.tip(desk)
    known_cast.fingerprint(item.blob)
    known_cast.same_bytes(known_cast.hash_list(), item)
    known_cast.looked_up(tip)
    assert "Look at this file" not in first_card(alice, tip)
    keeping.matches([item.blob_id], [], hows=[How.DIGEST], at=cast.NOON + timedelta(days=1))
    row = known_cast.looked_up(tip)
    row.reopened_at = cast.NOON + timedelta(days=1)
    row.save()
    card = first_card(alice, tip)
    assert "It agreed with National list (Example Centre)" in card
    assert "21 Nov, 12:00 IST" in card
    assert "Look again." in card
    assert "Look at this file" in card
    assert "On no list any more" in card


def test_a_list_that_has_not_settled_a_file_is_told_as_that(alice: Client, desk: Desk) -> None:
    tip, item = known_cast.tip(desk)
    known_cast.same_bytes(known_cast.hash_list(), item, classification="0")
    known_cast.looked_up(tip)
    card = first_card(alice, tip)
    assert "On a list that has not said what it is" in card
    assert "Look at this file" in card


def test_a_match_never_says_that_somebody_looked(alice: Client, desk: Desk) -> None:
    tip, item = pictures.tip_with_file(desk, b"never viewed", viewed="false")
    known_cast.same_bytes(known_cast.hash_list(), item)
    known_cast.looked_up(tip)
    assert "No: nobody at the reporter viewed the entire file" in page_of(alice, tip)
    look = page_of(alice, tip, "files/1/")
    assert "That says nothing about whether a person viewed it, here or at the provider, and it opens nothing." in look
    assert "viewed" not in first_card(alice, tip).split('class="facts"')[0].lower()


# --- while it goes on ---


def test_the_panel_tells_how_far_it_is_and_stops_by_itself(alice: Client, desk: Desk) -> None:
    tip, items = known_cast.tip_of(desk, [b"one", b"two"])
    known_cast.fingerprint(items[1].blob)
    page = page_of(alice, tip)
    assert "0 of 2 files looked up" in page
    assert f'hx-get="/tips/{tip.public_id}/known/?told=waiting"' in page
    known_cast.same_bytes(known_cast.hash_list(), items[0])
    known_cast.looked_up(tip, done=False, measured=1)
    news = page_of(alice, tip, "known/?told=waiting")
    assert "1 of 2 files looked up" in news
    assert 'id="known-1" hx-swap-oob="true"' in news
    assert "Nobody needs to look." in news
    # Nothing new: only how far it is, so that what somebody reads stays as it is.
    assert "hx-swap-oob" not in page_of(alice, tip, "known/?told=digests")
    known_cast.looked_up(tip)
    news = page_of(alice, tip, "known/?told=digests")
    assert "hx-get" not in news
    assert "1 new to everyone, 1 known" in news
    assert 'id="tip-next" hx-swap-oob="true"' in news


def test_a_page_opened_before_the_report_was_read_is_loaded_anew_once_it_is(alice: Client, desk: Desk) -> None:
    tip = desk.received(read=False)
    address = f"/tips/{tip.public_id}/known/?told=unread"
    assert f'hx-get="{address}"' in page_of(alice, tip)
    still = alice.get(address)
    assert (still.status_code, "HX-Refresh" in still.headers) == (204, False)
    summarising.summarise([tip], by="service:worker", at=cast.NOON)
    assert alice.get(address).headers["HX-Refresh"] == "true"
    assert address not in page_of(alice, tip)


def test_news_of_a_tip_are_no_opening_of_it(alice: Client, desk: Desk) -> None:
    tip, _item = known_cast.tip(desk)
    page_of(alice, tip)
    page_of(alice, tip, "known/?told=waiting")
    assert [e.kind for e in custody.history([f"tip:{tip.public_id}"])].count("tip.viewed") == 1


def test_a_tip_without_files_has_no_panel(alice: Client, desk: Desk) -> None:
    tip = desk.received()
    assert "looked-up" not in page_of(alice, tip)
    assert page_of(alice, tip, "known/").strip() == ""


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
    page = page_of(alice, tip, "files/1/")
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
    assert "known_anyway" not in page_of(alice, tip, "files/1/")
    assert pictures.ask(alice, tip).status_code == 302
    assert Viewing.objects.get().reason == pictures.REASON["reason"]
