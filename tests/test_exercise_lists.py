# SPDX-License-Identifier: Apache-2.0
"""The exercise knows nothing of the system it tries, so here both are asked: its lists, and its word on each file."""

from __future__ import annotations

import io

import pytest

from nightlight.exercise import expected, prints, world
from nightlight.exercise.lists import Entry, HashList, make_lists
from nightlight.exercise.patterns import Format, Picture, draw
from nightlight.exercise.plan import Ending
from nightlight.foundation import pdq
from nightlight.pipeline.matching import rules, schemes
from nightlight.pipeline.matching.lists import detect
from nightlight.pipeline.matching.lists.rows import BadRow, Batch, Note
from nightlight.trust.viewing.rendering.measure import measure
from nightlight.trust.viewing.rendering.terms import RenditionRefused

LISTS = make_lists(7, 400)
ALL = [*LISTS.first, LISTS.second]
FORMATS = ["csv", "vic", "csv", "threatexchange-csv", "csv"]


def read(one: HashList) -> tuple[list[Batch], list[BadRow], list[Note]]:
    """Read a list's file as an import does."""
    parts = list(detect.read(io.BytesIO(one.data), name=one.file_name))
    return (
        [part for part in parts if isinstance(part, Batch)],
        [part for part in parts if isinstance(part, BadRow)],
        [part for part in parts if isinstance(part, Note)],
    )


@pytest.mark.parametrize(
    ("one", "format_"), list(zip(ALL, FORMATS, strict=True)), ids=lambda one: getattr(one, "key", "")
)
def test_every_list_is_read_as_what_it_is_entry_by_entry(one: HashList, format_: str) -> None:
    assert detect.detect(one.data[3:] if one.data.startswith(b"\xef\xbb\xbf") else one.data, one.file_name) == format_
    batches, bad, _notes = read(one)
    found = {
        source_id: (*digests, classification)
        for batch in batches
        for source_id, *digests, classification in zip(
            batch.source_id, batch.md5, batch.sha1, batch.sha256, batch.pdq, batch.classification, strict=True
        )
    }
    assert len(bad) == one.bad_rows
    assert found == {
        entry.id: (entry.md5, entry.sha1, entry.sha256, entry.pdq, entry.classification) for entry in one.entries
    }


def test_the_bad_rows_are_bad_for_different_reasons_and_the_wrong_count_is_noticed() -> None:
    _batches, bad, _notes = read(LISTS.first[0])
    assert len({row.code for row in bad}) >= 5
    _batches, _bad, notes = read(LISTS.first[1])
    assert "count_differs" in {str(note.code) for note in notes}


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.key)
def test_the_scheme_of_every_list_is_one_that_is_known(one: HashList) -> None:
    assert (one.scheme, one.scheme_version) in schemes.schemes()
    standings = {schemes.standing(one.scheme, one.scheme_version, entry.classification) for entry in one.entries}
    assert rules.Standing.LISTED in standings or standings == {rules.Standing.LABEL}


def test_the_rules_say_of_every_file_what_the_exercise_expects() -> None:
    made = world.build(7, 400)
    states = {one.file: one for one in expected.states(made, LISTS.first)}
    asked: dict[object, rules.State] = {}
    pictures = {file.key: file.picture for one in made.reports if one.ending is Ending.FINISHED for file in one.files}
    for key, told in states.items():
        picture = pictures[key]
        hits = [
            hit for one in LISTS.first for entry in one.entries if entry.picture for hit in agreed(one, entry, picture)
        ]
        measured = told.state != expected.UNMEASURED
        before = told.state == expected.SEEN
        judged = rules.judge(hits, looked_up=True, measured=measured, seen_before=before)
        asked[key] = judged.state
        assert {hit.hash_list for hit in judged.labels} == set(told.labels)
    assert asked == {key: rules.State(told.state) for key, told in states.items()}


def agreed(one: HashList, entry: Entry, picture: Picture) -> list[rules.Hit]:
    """How an entry and a file agree, in the words of the rules."""
    ours, seen = prints.digests(picture), prints.fingerprint(picture)
    agree, differ = rules.agreement(
        {name: getattr(ours, name) for name in rules.DIGESTS}, {name: getattr(entry, name) for name in rules.DIGESTS}
    )
    near = None
    if seen is not None and entry.pdq and seen.quality >= rules.LEAST_QUALITY and picture.format is not Format.BMP:
        near = min(pdq.distance(turned, entry.pdq) for turned in seen.dihedral)
    standing = schemes.standing(one.scheme, one.scheme_version, entry.classification)
    said = (one.name, one.owner, one.scheme, one.scheme_version, entry.classification, standing)
    found = [rules.Hit(*said, digest=True, differ=differ)] if agree else []
    return found + (
        [rules.Hit(*said, digest=False, distance=near)] if near is not None and near <= rules.RADIUS else []
    )


@pytest.mark.parametrize("format_", [Format.PNG, Format.GIF, Format.BMP, Format.TRUNCATED])
def test_the_sandbox_measures_what_the_exercise_works_out(format_: Format) -> None:
    fresh = [
        file.picture for one in world.build(7, 200).reports for file in one.files if file.picture.format is format_
    ]
    small = [picture for picture in fresh if picture.width * picture.height <= 4096][:1]
    for picture in (*small, fresh[0]):
        seen = prints.fingerprint(picture)
        data = draw(picture)
        if seen is None or format_ in expected.FOREIGN:
            with pytest.raises(RenditionRefused):
                measure([data])
            continue
        measured = measure([data]).frames[0]
        assert (measured.hash, measured.quality) == (seen.hash, seen.quality)
        assert measured.dihedral == seen.dihedral
