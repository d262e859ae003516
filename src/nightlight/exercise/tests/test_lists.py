# SPDX-License-Identifier: Apache-2.0
"""The lists of the exercise repeat, name what they should, and make every state that a file can be in."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightlight.exercise import expected, lists
from nightlight.exercise.expected import DISPUTED, KNOWN, NEAR, NEW, SEEN, UNMEASURED, Expected
from nightlight.exercise.files import PLANTED, make_pool
from nightlight.exercise.lists import Lists, make_lists
from nightlight.exercise.plan import Case, Ending, PlannedFile
from nightlight.exercise.prints import digests
from nightlight.exercise.world import World, build
from nightlight.foundation import pdq

SEED, REPORTS = 7, 300


@pytest.fixture(scope="module")
def world() -> World:
    return build(SEED, REPORTS)


@pytest.fixture(scope="module")
def made() -> Lists:
    return make_lists(SEED, REPORTS)


@pytest.fixture(scope="module")
def first(world: World, made: Lists) -> tuple[Expected, ...]:
    return expected.states(world, made.first)


def files_of(world: World) -> dict[str, PlannedFile]:
    return {file.key: file for report in world.reports for file in report.files}


def told_of(world: World, states: tuple[Expected, ...], number: int, *, exact: bool = True) -> Counter[str]:
    """Count the states of the copies of a shared picture: exact ones, or those at half the size."""
    files = files_of(world)
    return Counter(
        one.state
        for one in states
        if files[one.file].shared == f"shared-{number:02d}" and (files[one.file].picture.halvings == 0) == exact
    )


def test_the_same_arguments_give_the_same_bytes_and_another_seed_others() -> None:
    assert make_lists(3, 200) == make_lists(3, 200)
    assert {one.data for one in make_lists(3, 200).first}.isdisjoint(one.data for one in make_lists(4, 200).first)


@settings(deadline=None, max_examples=6)
@given(st.integers(0, 2**32), st.integers(0, 60))
def test_small_worlds_have_whole_lists_too(seed: int, reports: int) -> None:
    made = make_lists(seed, reports)
    for one in (*made.first, made.second):
        assert len({entry.id for entry in one.entries}) == len(one.entries) > 200
        assert all(entry.md5 or entry.pdq for entry in one.entries)
    assert made.pictures(lists.VIRAL) == ("shared-01", "shared-02")
    assert "shared-01" in made.pictures(lists.NATIONAL)


def test_no_list_knows_the_planted_file(made: Lists) -> None:
    named = {entry.picture for one in (*made.first, made.second) for entry in one.entries}
    assert PLANTED not in named


def test_about_two_thirds_of_the_shared_pictures_are_on_the_national_list(made: Lists) -> None:
    pool = 4 + REPORTS // 40
    assert 0.5 < len(made.pictures(lists.NATIONAL)) / pool < 0.75


def test_the_national_file_holds_bad_rows_among_the_good_ones(made: Lists) -> None:
    national = made.first[0]
    rows = list(csv.DictReader(io.StringIO(national.data.decode())))
    bad = [row for row in rows if row["id"].startswith("bad-")]
    assert len(bad) == national.bad_rows == len(lists.BAD_ROWS)
    assert len(rows) - len(bad) == len(national.entries)
    assert rows.index(bad[0]) > 100
    assert not {row["id"] for row in bad} & {entry.id for entry in national.entries}


def test_the_partners_file_says_a_count_that_is_not_right(made: Lists) -> None:
    partner = made.first[1]
    document = json.loads(partner.data.decode("utf-8-sig"))
    assert len(document["value"]) == len(partner.entries) != document["TotalMediaFiles"]
    assert {record["Category"] for record in document["value"]} == {0, 1, 2, 3}
    assert {record["IsDistributed"] for record in document["value"]} == {"true", "false"}


def test_one_entry_has_the_md5_of_one_file_and_the_sha1_of_another(made: Lists) -> None:
    ours = digests(make_pool(SEED, REPORTS).pictures["shared-06"])
    entry = next(one for one in made.first[1].entries if one.picture == "shared-06")
    assert entry.md5 == ours.md5
    assert entry.sha1 not in (None, ours.sha1)


def test_the_second_version_withdraws_a_match_and_updates_another(made: Lists) -> None:
    before, after = made.first[0], made.second
    assert before.name == after.name
    old, new = ({entry.id: entry for entry in one.entries} for one in (before, after))
    assert {old[gone].picture for gone in old.keys() - new.keys()} == {"shared-04", None}
    assert not new.keys() - old.keys()
    assert [one.picture for name, one in new.items() if one != old[name]] == ["shared-07"]
    assert made.then[0] is after
    assert made.then[1:] == made.first[1:]


def test_random_entries_are_far_from_everything(made: Lists) -> None:
    known = [entry.pdq for one in made.first for entry in one.entries if entry.picture and entry.pdq]
    others = [entry.pdq for one in made.first for entry in one.entries if not entry.picture and entry.pdq]
    assert len(others) > 1000
    assert min(pdq.distance(one, other) for one in known for other in others) > 2 * pdq.MATCH_AT_MOST


def test_every_state_is_there(first: tuple[Expected, ...]) -> None:
    counted = Counter(one.state for one in first)
    assert set(counted) == {NEW, SEEN, NEAR, KNOWN, DISPUTED, UNMEASURED}
    assert min(counted.values()) >= 3
    assert sum(bool(one.labels) for one in first) > 10
    assert sum(bool(one.either) for one in first) <= 3


def test_every_received_file_has_one_state(world: World, first: tuple[Expected, ...]) -> None:
    received = [one for one in world.reports if one.ending is Ending.FINISHED]
    assert [(one.report, one.file) for one in first] == [
        (report.key, file.key) for report in received for file in report.files
    ]


def test_the_planted_file_is_new_to_everyone_once_and_then_was_here_before(
    world: World, first: tuple[Expected, ...]
) -> None:
    keys = next(one.reports for one in world.truth.planted if one.name == Case.SHARED_BY_MANY)
    files = files_of(world)
    states = [one.state for one in first if files[one.file].shared == PLANTED]
    assert states == [NEW] + [SEEN] * (len(keys) - 1)


def test_each_picture_plays_its_part(world: World, first: tuple[Expected, ...]) -> None:
    assert set(told_of(world, first, lists.LABELLED_TOO)) == {KNOWN}
    assert set(told_of(world, first, lists.LABELLED_ONLY)) == {SEEN}
    assert set(told_of(world, first, lists.LABELLED_ONLY, exact=False)) <= {SEEN}
    assert set(told_of(world, first, lists.CATEGORY)) == {DISPUTED}
    assert set(told_of(world, first, lists.COLLISION)) == {DISPUTED}
    assert set(told_of(world, first, lists.UNSETTLED)) <= {NEAR}
    assert set(told_of(world, first, lists.WITHDRAWN)) == {KNOWN}
    small = [told_of(world, first, number, exact=False) for number in (1, 3, 4, 6, 7, 9, 10)]
    assert sum(one[NEAR] for one in small) == sum(one.total() for one in small) > 0


def test_withdrawing_opens_what_hung_on_it_and_nothing_else(
    world: World, made: Lists, first: tuple[Expected, ...]
) -> None:
    second = expected.states(world, made.then)
    files = files_of(world)
    changed = {files[one.file].shared for one, then in zip(first, second, strict=True) if one != then}
    assert changed == {"shared-04"}
    assert told_of(world, second, lists.WITHDRAWN)[KNOWN] == 0


def test_what_is_new_depends_on_which_report_arrived_first(world: World, made: Lists) -> None:
    keys = next(one.reports for one in world.truth.planted if one.name == Case.SHARED_BY_MANY)
    files = files_of(world)
    for order in (keys[:3], keys[2::-1]):
        found = expected.states(world, made.first, order=order)
        states = {one.report: one.state for one in found if files[one.file].shared == PLANTED}
        assert [states[key] for key in order] == [NEW, SEEN, SEEN]


def test_a_file_the_server_would_not_take_is_left_out(world: World, made: Lists) -> None:
    report = next(one for one in world.reports if len(one.files) >= 2 and one.ending is Ending.FINISHED)
    found = expected.states(world, made.first, order=[report.key], refused=[report.files[0].key])
    assert [one.file for one in found] == [file.key for file in report.files[1:]]
    assert expected.states(world, made.first, order=[]) == ()
