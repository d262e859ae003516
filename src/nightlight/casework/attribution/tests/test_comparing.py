# SPDX-License-Identifier: Apache-2.0
"""A whole return is asked twice, by two matchers; what is not certain is asked of a person, never guessed."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from nightlight.casework.attribution import comparing, kept_answers
from nightlight.casework.attribution.comparing import ColumnsUnknown, MatchersDisagree, compare, place_of
from nightlight.casework.attribution.kept_answers import Explained
from nightlight.casework.attribution.returns import vector
from nightlight.casework.attribution.returns.answers import Asked, Certainty, Gap, Mark
from nightlight.casework.attribution.returns.rows import number_of
from nightlight.casework.attribution.returns.tests.helping import BLOCKS, HEADER, lines, row, zipped

if TYPE_CHECKING:
    from nightlight.casework.attribution.comparing import Compared
    from nightlight.casework.attribution.returns.reading import BadRow

AT = int(datetime(2026, 5, 11, 19, 20, tzinfo=UTC).timestamp())  # 00:50 of 12 May in India
EVENT = Asked("E-1", number_of("203.0.113.7"), 1500, AT, 2)


def ask(content: bytes | str, *events: Asked, name: str = "log.csv", **how: object) -> Compared:
    data = content.encode() if isinstance(content, str) else content
    return compare(io.BytesIO(data), name, events or (EVENT,), (BLOCKS,), **how)  # type: ignore[arg-type]


def test_matchers_that_do_not_agree_give_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparing, "join_batches", lambda events, _batches: vector.join_batches(events, ()))
    with pytest.raises(MatchersDisagree) as told:
        ask(lines(row()))
    assert (told.value.file, told.value.only_vector) == ("log.csv", 0)
    assert told.value.only_plain


def test_columns_nobody_has_named_are_asked_for_with_rows_to_look_at() -> None:
    with pytest.raises(ColumnsUnknown) as told:
        ask("Public IP,Start Time,End Time,Customer\n203.0.113.7,11/05/2026 01:00,11/05/2026 02:00,SUB1\n")
    assert told.value.header == ("Public IP", "Start Time", "End Time", "Customer")
    assert told.value.rows == (("203.0.113.7", "11/05/2026 01:00", "11/05/2026 02:00", "SUB1"),)
    with pytest.raises(ColumnsUnknown) as foreign:  # no name is known at all: a header by its form
        ask("Liste\nAlpha;Beta;Gamma\n203.0.113.7;x;y\n")
    assert foreign.value.header == ("Alpha", "Beta", "Gamma")


def test_a_doubted_layout_is_asked_for_again_although_it_fits() -> None:
    with pytest.raises(ColumnsUnknown) as told:
        ask(lines(row()), doubted=True)
    assert told.value.header == tuple(HEADER.split(","))


def test_a_file_without_rows_is_named_and_not_skipped() -> None:
    found = ask(zipped({"a.csv": lines(row()).encode(), "note.pdf": b"%PDF-1.7 ", "read me.txt": b"Dear Sir\n"}))
    assert [(one.name, one.code) for one in found.not_opened] == [
        ("log.csv/note.pdf", "pdf"),
        ("log.csv/read me.txt", "no-table"),
    ]
    assert [one.rows for one in found.files] == [1]


def test_an_answer_is_a_set_with_the_rows_it_rests_on() -> None:
    found = ask(lines(row(), row(ip="203.0.113.8", who="SUB2"), row(ip="203.0.113.9", who="SUB3")))
    (answer,) = found.answers
    assert (answer.certainty, answer.subscribers) == (Certainty.STABLE, ("SUB1",))
    assert [one.number for one in answer.named[0].rows] == [2]
    assert (found.disclosed.people, found.disclosed.beyond) == (3, 2)


def test_several_files_are_one_return_and_each_row_keeps_its_file() -> None:
    first, second = lines(row(ip="203.0.113.8")).encode(), lines(row(who="SUB9", ports="1200-1800")).encode()
    found = ask(zipped({"a.csv": first, "b.csv": second, "c.csv": lines(row(who="SUB7")).encode()}), name="r.zip")
    (answer,) = found.answers
    assert (answer.certainty, answer.subscribers) == (Certainty.AMBIGUOUS, ("SUB7", "SUB9"))
    assert [place_of(one.number) for named in answer.named for one in named.rows] == [(2, 2), (1, 2)]
    told = comparing.explained(answer, "the return", [one.name for one in found.files], "Asia/Kolkata")
    assert any("(line 2 of r.zip/b.csv)" in line for line in told)


def test_bad_rows_are_handed_out_and_gaps_found_over_all_files() -> None:
    bad: list[tuple[str, BadRow]] = []
    late = row(start="13/05/2026 00:00:00", end="13/05/2026 01:00:00")
    early = row(start="10/05/2026 00:00:00", end="10/05/2026 01:00:00")
    files = {"a.csv": lines(early, "nonsense").encode(), "b.csv": lines(late).encode()}
    found = ask(zipped(files), bad=lambda name, one: bad.append((name, one)), name="r.zip")
    assert [(name, one.number) for name, one in bad] == [("r.zip/a.csv", 3)]
    (answer,) = found.answers
    assert (answer.certainty, answer.gap) == (Certainty.NONE, Gap.NO_ROWS_AT_THE_TIME)
    assert answer.gap_from is not None
    assert answer.gap_until is not None
    assert answer.gap_from < AT < answer.gap_until


def test_what_is_kept_of_an_answer_comes_back_as_it_was() -> None:
    found = ask(lines(row(), row(who="SUB2", ports="1500-1600")))
    kept = tuple(Explained(one, ("a", "b")) for one in found.answers)
    assert kept_answers.answers_of(kept_answers.written(kept)) == kept
    counts = kept_answers.Counts(found.files, found.not_opened, found.disclosed, 0)
    assert kept_answers.counts_of(kept_answers.written(counts)) == counts
    assert (counts.rows, counts.good, counts.bad) == (2, 2, 0)


def test_rows_that_could_not_be_read_reach_the_answer_whichever_file_they_are_in() -> None:
    refused = lines(row(who="SUB2", ports="70000")).encode()
    files = {"a.csv": lines(row()).encode(), "b.csv": refused, "c.csv": lines(row(ip="203.0.113.8")).encode()}
    found = ask(zipped(files), name="r.zip")
    (answer,) = found.answers
    assert (answer.certainty, answer.subscribers, Mark.ROWS_REFUSED in answer.marks) == (
        Certainty.AMBIGUOUS,
        ("SUB1",),
        True,
    )
    assert [place_of(number) for number in answer.refused] == [(1, 2)]
    told = comparing.explained(answer, "the return", [one.name for one in found.files], "Asia/Kolkata")
    assert any("line 2 of r.zip/b.csv" in line for line in told)


def test_people_in_rows_that_do_not_count_were_disclosed_as_well() -> None:
    found = ask(lines(row(), row(who="SUB2", start="25/25/2026 00:00:00")))
    assert (found.disclosed.people, found.disclosed.beyond, found.disclosed.exact) == (2, 1, True)
    assert not ask(lines(row(), row(who="SUB2", name='"open'))).disclosed.exact


def test_an_answer_that_rests_on_a_row_which_may_be_cut_off_is_not_certain() -> None:
    whole = lines(row(ip="203.0.113.8"), row(who="SUB12"))
    (answer,) = ask(whole.removesuffix("2\n")).answers
    assert (answer.certainty, answer.subscribers) == (Certainty.AMBIGUOUS, ("SUB1",))
    assert Mark.CUT_OFF in answer.marks
    for other in (whole, lines(row(who="SUB12"), row(ip="203.0.113.8")).removesuffix("\n")):
        assert ask(other).answers[0].certainty is Certainty.STABLE
