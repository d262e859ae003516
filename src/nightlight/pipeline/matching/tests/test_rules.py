# SPDX-License-Identifier: Apache-2.0
"""What agreement with lists means for a file."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightlight.pipeline.matching.rules import FILM_SHARE, Hit, Standing, State, agreement, film_agrees, hashes, judge

LISTED = Hit("List A", "Example Centre", "industry", "2014", "A1", Standing.LISTED, digest=True)
NEAR = replace(LISTED, digest=False, distance=12, orientation=0)
LABEL = Hit("Jokes", "Example Centre", "labels", "1", "meme", Standing.LABEL, digest=True)
OURS = {name: hashlib.new(name, b"a gradient").digest() for name in ("md5", "sha1", "sha256")}

hits = st.lists(
    st.builds(
        Hit,
        st.sampled_from(["List A", "List B"]),
        st.just("Example Centre"),
        st.sampled_from(["industry", "plain"]),
        st.just("1"),
        st.sampled_from(["", "A1", "B2"]),
        st.sampled_from(list(Standing)),
        st.booleans(),
        differ=st.sampled_from([(), ("sha1",)]),
        distance=st.integers(0, 31),
    ),
    max_size=5,
)


@pytest.mark.parametrize("seen", [False, True])
@pytest.mark.parametrize("looked_up", [False, True])
def test_a_near_picture_is_never_called_known(looked_up: bool, seen: bool) -> None:
    told = judge([NEAR], looked_up=looked_up, measured=True, seen_before=seen)
    assert (told.state, told.look) == (State.NEAR, True)


def test_a_label_lowers_nothing() -> None:
    told = judge([LABEL], looked_up=True, measured=True, seen_before=False)
    assert told.look
    assert told.labels == (LABEL,)
    assert told.state is not State.KNOWN
    with_near = judge([LABEL, NEAR], looked_up=True, measured=True, seen_before=False)
    assert with_near.state is State.NEAR


def test_a_digest_that_differs_beside_one_that_agrees_is_a_dispute() -> None:
    theirs = {"md5": OURS["md5"], "sha1": b"0" * 20, "sha256": None}
    assert agreement(OURS, theirs) == (("md5",), ("sha1",))
    told = judge([replace(LISTED, differ=("sha1",))], looked_up=True, measured=True, seen_before=False)
    assert (told.state, told.look) == (State.DISPUTED, True)
    assert "SHA-1 of the entry belong to another file" in told.dispute[0]


def test_lists_that_contradict_each_other_are_a_dispute() -> None:
    cleared = replace(LISTED, hash_list="List B", classification="0", standing=Standing.CLEARED)
    told = judge([LISTED, cleared], looked_up=True, measured=True, seen_before=False)
    assert told.state is State.DISPUTED
    assert told.dispute == ("List A says A1; List B says 0",)
    another = replace(LISTED, hash_list="List B", classification="B2")
    assert judge([LISTED, another], looked_up=True, measured=True, seen_before=False).dispute == (
        "List A says A1; List B says B2",
    )
    # Codes of two schemes cannot contradict each other: nobody said which of one is which of the other.
    foreign = replace(another, scheme="vic-us", classification="2")
    assert judge([LISTED, foreign], looked_up=True, measured=True, seen_before=False).state is State.KNOWN


def test_the_very_bytes_are_known_and_nobody_need_look() -> None:
    told = judge([LISTED], looked_up=False, measured=False, seen_before=False)
    assert (told.state, told.look, told.dispute) == (State.KNOWN, False, ())


def test_on_a_list_but_not_yet_said_what_it_is_must_be_looked_at() -> None:
    told = judge([replace(LISTED, standing=Standing.UNSETTLED)], looked_up=True, measured=True, seen_before=False)
    assert told.look


@pytest.mark.parametrize(
    ("looked_up", "measured", "seen", "state"),
    [
        (False, True, False, State.WORKING),
        (True, True, False, State.NEW),
        (True, False, False, State.UNMEASURED),
        (True, False, True, State.SEEN),
        (True, True, True, State.SEEN),
    ],
)
def test_a_file_on_no_list(looked_up: bool, measured: bool, seen: bool, state: State) -> None:
    assert judge([], looked_up=looked_up, measured=measured, seen_before=seen).state is state


@given(hits, st.booleans(), st.booleans(), st.booleans())
def test_only_undisputed_bytes_are_not_looked_at(found: list[Hit], looked_up: bool, measured: bool, seen: bool) -> None:
    told = judge(found, looked_up=looked_up, measured=measured, seen_before=seen)
    if not told.look:
        assert not told.dispute
        assert any(hit.exact and hit.standing in (Standing.LISTED, Standing.CLEARED) for hit in found)
    if told.state is State.NEW:
        assert found == []
    # Whatever a list of labels says, it changes nothing but the labels, and that a file is no longer new to everyone.
    without = judge(
        [hit for hit in found if hit.standing is not Standing.LABEL],
        looked_up=looked_up,
        measured=measured,
        seen_before=seen,
    )
    assert told.look is without.look
    assert told.dispute == without.dispute


@given(st.permutations([LISTED, NEAR, LABEL, replace(LISTED, hash_list="List B", classification="B2")]))
def test_the_order_of_lists_means_nothing(found: list[Hit]) -> None:
    told = judge(found, looked_up=True, measured=True, seen_before=False)
    assert (told.state, told.dispute) == (State.DISPUTED, ("List A says A1; List B says B2",))


@given(st.integers(0, 600), st.integers(0, 600))
def test_a_film_agrees_by_its_share_of_frames(agreeing: int, of: int) -> None:
    assert film_agrees(agreeing, of) is (of > 0 and agreeing >= FILM_SHARE * of - 1e-9)


def test_rows_of_hashes_are_taken_apart() -> None:
    assert hashes(b"") == []
    assert hashes(b"a" * 32 + b"b" * 32) == [b"a" * 32, b"b" * 32]
