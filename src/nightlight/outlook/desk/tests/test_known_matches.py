# SPDX-License-Identifier: Apache-2.0
"""Why a file agrees with a list, and in which other tips it came."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from nightlight.foundation import pdq
from nightlight.outlook.desk import bits, known, wording
from nightlight.outlook.desk.tests import cast, known_cast
from nightlight.pipeline.matching import keeping, rules
from nightlight.pipeline.matching.finding import Found
from nightlight.pipeline.matching.models import EntryChange, Fingerprint, Frame, How, Sighting
from nightlight.trust.custody import queries as custody

if TYPE_CHECKING:
    from django.test import Client

    from nightlight.outlook.desk.tests.cast import Desk
from nightlight.outlook.desk.tests.known_cast import first_card, page_of

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
    page = page_of(alice, tip, "files/1/matches/1/")
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
    page = page_of(alice, tip, "files/1/matches/1/")
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
    assert "The entry has been changed since" in page_of(alice, tip, "files/1/matches/1/")
    entry.pdq = None
    entry.save()
    assert "nothing to draw" in page_of(alice, tip, "files/1/matches/1/")


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
    page = page_of(alice, tip, "files/1/matches/1/")
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
    page = page_of(alice, tip, "files/1/seen/")
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
    assert "1 file that is nearly the same picture came with an earlier tip." in first_card(alice, tip)
    there, back = page_of(alice, tip, "files/1/seen/"), page_of(alice, first, "files/1/seen/")
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
