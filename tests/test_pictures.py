# SPDX-License-Identifier: Apache-2.0
"""The pictures of the guides: each that a guide shows is made by scripts/pictures, from whatever a demo has."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = ROOT / "scripts"
GUIDES = [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md"]
SMALL = (  # lines as the inbox of a small exercise has them
    "Sextortion Nobody has opened the file. 1 victim, 1 reported person 2 network events 1 file new to everyone",
    "Possession 1 reported person with port, 1 file, viewed by the reporter 1 file disputed",
    "Possession 1 reported person, 1 file, viewed by the reporter its file is known",
)


@pytest.fixture(scope="module")
def picking() -> Iterator[Any]:
    """The module that chooses; scripts are no package."""
    sys.path.insert(0, str(SCRIPTS))
    import picking  # type: ignore[import-not-found]

    yield picking
    sys.path.remove(str(SCRIPTS))
    del sys.modules["picking"]


def _rows(picking: Any, *words: str) -> list[Any]:  # noqa: ANN401 - a module
    return [picking.Row(f"NL-{number:04d}-{number:04d}", told) for number, told in enumerate(words)]


def test_where_nothing_fits_it_is_said_what_was_looked_for(picking: Any) -> None:  # noqa: ANN401
    with pytest.raises(picking.NothingFits, match="None of the 0 tips looked through has: a child"):
        picking.choose([], picking.WORK)
    with pytest.raises(picking.NothingFits, match="None of the 3 rows of the queue stands for one person"):
        picking.in_several_tips(_rows(picking, *SMALL))
    with pytest.raises(picking.NothingFits, match="None of the 1 tips looked through has: a disputed file\\."):
        picking.choose(_rows(picking, SMALL[0]), picking.CONTESTED)


def test_a_row_that_is_taken_is_not_taken_again(picking: Any) -> None:  # noqa: ANN401
    (row,) = _rows(picking, SMALL[0])
    with pytest.raises(picking.NothingFits):
        picking.choose([row], picking.NAMED, but=[row.tip])


def test_of_a_small_demo_the_next_best_is_shown(picking: Any) -> None:  # noqa: ANN401
    rows = _rows(picking, *SMALL)
    work, want = picking.choose(rows, picking.WORK)
    assert work is rows[1]
    assert want.says == "a file that is not known, and that the provider opened"
    named, _ = picking.choose(rows, picking.NAMED, but=[work.tip])
    kept, _ = picking.choose(rows, picking.KEPT, but=[work.tip, named.tip])
    assert (named, kept) == (rows[0], rows[2])
    assert picking.choose(rows, picking.KNOWN)[0] is rows[2]
    assert picking.choose(rows, picking.NEW)[0] is rows[0]


def test_of_a_large_demo_the_best_is_shown_wherever_it_stands(picking: Any) -> None:  # noqa: ANN401
    best = "Sextortion 1 victim, 1 file, viewed by the reporter 1 file new to everyone"
    rows = _rows(picking, *SMALL * 200, best, *SMALL)
    row, want = picking.choose(rows, picking.WORK)
    assert (row.words, want) == (best, picking.WORK[0])


def test_of_rows_that_fit_the_newest_of_the_better_ones_is_taken(picking: Any) -> None:  # noqa: ANN401
    rows = _rows(picking, "1 recipient", "1 victim", "1 victim")
    assert picking.choose(rows, picking.NAMED)[0] is rows[1]
    queue = _rows(picking, "Low 7 harm", "High 40 harm evidence dies in 9 h", "Critical 50 harm", "Critical 70 harm")
    assert picking.choose(queue, picking.URGENT)[0] is queue[2]


def test_a_person_of_some_tips_is_drawn_rather_than_of_two_or_of_very_many(picking: Any) -> None:  # noqa: ANN401
    said = "{} tips, proposed as one person"
    rows = _rows(picking, said.format(2), said.format(90), said.format(4), "one file in 5 tips", said.format(6))
    assert [row.words.split()[0] for row in picking.in_several_tips(rows)] == ["6", "4", "90", "2"]


@given(st.lists(st.sampled_from(SMALL), max_size=8))
def test_whatever_is_there_a_row_of_it_is_chosen_or_a_sentence_says_why_not(picking: Any, there: list[str]) -> None:  # noqa: ANN401
    rows = _rows(picking, *there)
    for wants in (picking.WORK, picking.NAMED, picking.KEPT, picking.KNOWN, picking.NEW, picking.CONTESTED):
        try:
            row, want = picking.choose(rows, wants)
        except picking.NothingFits as reason:
            assert str(reason).startswith(f"None of the {len(rows)} tips")
        else:
            assert row in rows
            assert all(re.search(pattern, row.words) for pattern in want.needs)


def test_each_picture_that_a_guide_shows_is_made_by_the_script() -> None:
    script = "".join((SCRIPTS / name).read_text() for name in ("pictures", "asking_records.py"))
    shown = {name for page in GUIDES for name in re.findall(r"pictures/([\w-]+)\.png", page.read_text())}
    assert {"triage-queue", "triage-alerts", "triage-why", "triage-linked"} <= shown
    parts = {f"officer-{part}" for part in ("people", "network", "files")}
    assert {name for name in shown - parts if f'"{name}"' not in script} == set()
