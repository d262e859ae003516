# SPDX-License-Identifier: Apache-2.0
"""What is read and written: bad rows are told apart from good ones, and what we write reads back the same."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightlight.pipeline.matching.sharing import reading, writing
from nightlight.pipeline.matching.sharing.reading import Unreadable, Why
from nightlight.pipeline.matching.sharing.terms import (
    NAMESPACE,
    Affirmative,
    Categorization,
    Change,
    Code,
    Entry,
    Group,
    Media,
    Member,
    Negative,
    Reason,
    Status,
    Submission,
    supersedes,
)

from . import rows

ROW = (
    "<image><member id='7'>Example Member</member><timestamp>2026-01-01T00:00:00Z</timestamp><id>one</id>"
    "<fingerprints><md5>{}</md5></fingerprints></image>"
)
GOOD = ROW.format("0" * 32)


def page(images: str, attributes: str = "count='1' maxTimestamp='2026-01-01T00:00:00Z'", more: str = "") -> bytes:
    return f"<queryResult xmlns='{NAMESPACE}'><images {attributes}>{images}</images>{more}</queryResult>".encode()


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", Why.NOT_XML),
        (b"<queryResult>", Why.NOT_XML),
        (b"<!DOCTYPE q [<!ENTITY a 'aaaa'>]><queryResult>&a;</queryResult>", Why.NOT_XML),
        (b"<html><body>sign in</body></html>", Why.WRONG_ROOT),
        (b"<queryResult xmlns='https://example.org/other'/>", Why.WRONG_ROOT),
        (b"\xff\xfe\x00", Why.NOT_XML),
    ],
)
def test_a_document_that_is_no_page_is_refused(body: bytes, why: Why) -> None:
    with pytest.raises(Unreadable) as refused:
        reading.query_result(body)
    assert refused.value.code is why


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (ROW.format("0" * 31), Code.FINGERPRINT),
        (ROW.format("0" * 33), Code.FINGERPRINT),
        (ROW.format("g" * 32), Code.FINGERPRINT),
        (ROW.format("٣" * 32), Code.FINGERPRINT),
        (ROW.format(""), Code.FINGERPRINT),
        (GOOD.replace("<id>one</id>", ""), Code.ENTRY_ID),
        (GOOD.replace("<id>one</id>", f"<id>{'x' * (reading.MAX_ID + 1)}</id>"), Code.ENTRY_ID),
        (GOOD.replace("id='7'", "id='seven'"), Code.MEMBER),
        (GOOD.replace("id='7'", f"id='{2**63}'"), Code.MEMBER),
        (GOOD.replace("00:00:00Z", "00:00:00"), Code.TIMESTAMP),
        (GOOD.replace("2026-01-01", "2026-13-01"), Code.TIMESTAMP),
        (GOOD.replace("2026-01-01T00:00:00Z", "0001-01-01T00:00:00+01:00"), Code.TIMESTAMP),
        ("<picture/>", Code.UNKNOWN),
    ],
)
def test_a_bad_row_is_reported_and_the_others_are_read(row: str, code: Code) -> None:
    found = reading.query_result(page(GOOD + row + GOOD.replace("one", "two")))
    assert [entry.entry_id for entry in found.entries] == ["one", "two"]
    (problem,) = found.problems
    assert (problem.row, problem.code, problem.lost) == (2, code, True)
    assert problem.raw.startswith(f"<{row[1:6]}")
    assert problem.reason
    assert found.rows == 3


def test_a_bad_fingerprint_beside_a_good_one_costs_only_itself() -> None:
    row = GOOD.replace("</md5>", "</md5><sha1>12</sha1><videntifier rel='self'/><pdq>" + "A" * 64 + "</pdq>")
    found = reading.query_result(page(row))
    assert found.entries[0].fingerprints == {"md5": "0" * 32, "pdq": "a" * 64}
    assert [(problem.code, problem.lost) for problem in found.problems] == [
        (Code.FINGERPRINT, False),
        (Code.LARGE, False),
    ]


def test_feedback_that_makes_no_sense_costs_only_itself() -> None:
    said = "<feedback>{}</feedback></image>"
    for bad in (
        "<affirmativeFeedback/>",
        "<negativeFeedback type='MD5'><reasons><members/></reasons></negativeFeedback>",
        "<negativeFeedback type='MD5'><reasons><reason name='x'/></reasons></negativeFeedback>",
    ):
        found = reading.query_result(page(GOOD.replace("</image>", said.format(bad))))
        assert found.entries[0].fingerprints
        assert [(problem.code, problem.lost) for problem in found.problems] == [(Code.FEEDBACK, False)]


def test_what_is_unknown_is_passed_over() -> None:
    row = GOOD.replace("<id>", "<colour x='1'>blue</colour><id>").replace("id='7'", "id='7' since='1'")
    found = reading.query_result(page(row, more="<sounds count='4'><sound/></sounds><extra/><paging><next/></paging>"))
    assert len(found.entries) == 1
    assert (found.next, found.problems) == (None, ())
    assert len(found.claims) == 1


def test_a_fingerprint_of_another_namespace_is_passed_over_and_none_is_written_under_an_odd_name() -> None:
    row = GOOD.replace("</md5>", "</md5><x:md5 xmlns:x='https://example.org/x'>1</x:md5>")
    found = reading.query_result(page(row))
    assert (found.problems, dict(found.entries[0].fingerprints)) == ((), {"md5": "0" * 32})
    for name in ("a b", "", "a><b", "{x}y", "1"):
        with pytest.raises(ValueError, match="name of an element"):
            writing.query_result([replace(rows.entry(1), fingerprints={name: "x"})])
        with pytest.raises(ValueError, match="name of an element"):
            writing.query_result([replace(rows.entry(1), large={name: "/v2/x"})])


def test_line_ends_and_markup_survive() -> None:
    odd = "a\r\nb\tc <&>\"' ]]> d"
    entry = replace(rows.entry(1), classification=odd, categorizations=(Categorization(odd, odd),))
    assert reading.query_result(writing.query_result([entry])).entries == (entry,)


def test_of_what_stands_twice_in_a_row_the_first_counts() -> None:
    row = GOOD.replace("</id>", "</id><id>other</id>").replace("</md5>", "</md5><md5>" + "1" * 32 + "</md5>")
    (entry,) = reading.query_result(page(row)).entries
    assert (entry.entry_id, entry.fingerprints["md5"]) == ("one", "0" * 32)


def test_a_page_without_the_namespace_is_read_too() -> None:
    found = reading.query_result(page(GOOD).replace(f" xmlns='{NAMESPACE}'".encode(), b""))
    assert len(found.entries) == 1


def test_a_claim_that_makes_no_sense_is_no_claim() -> None:
    found = reading.query_result(page(GOOD, "count='-1' maxTimestamp='never'"))
    assert (found.claims[0].count, found.claims[0].newest, found.claims[0].came) == (None, None, 1)


@given(rows.changes, st.none() | rows.words)
def test_a_page_reads_back_as_it_was_written(changes: list[Change], following: str | None) -> None:
    found = reading.query_result(writing.query_result(changes, following))
    assert list(found.changes) == [change for medium in Media for change in changes if change.media is medium]
    assert found.problems == ()
    assert found.next == following
    for claim in found.claims:
        mine = [change.timestamp for change in changes if change.media is claim.media]
        assert claim.count == claim.came == len(mine)
        assert claim.newest == max(mine).replace(microsecond=0)


@given(rows.changes, st.integers(0, 10**6), st.integers(0, 255), st.booleans())
def test_a_damaged_page_never_does_more_than_refuse(changes: list[Change], at: int, byte: int, drop: bool) -> None:
    body = bytearray(writing.query_result([rows.entry(1), *changes]))
    at %= len(body)
    if drop:
        del body[at : at + byte]
    else:
        body[at] = byte
    try:
        found = reading.query_result(bytes(body))
    except Unreadable as refused:
        assert refused.code in Why
        return
    assert len(found.changes) + sum(problem.lost for problem in found.problems) == found.rows


@given(st.builds(Status, rows.words, rows.words, st.builds(Member, rows.numbers, rows.words)))
def test_a_status_reads_back(status: Status) -> None:
    assert reading.status(writing.status(status)) == status


def test_a_status_without_a_member_is_refused() -> None:
    with pytest.raises(Unreadable, match="which member"):
        reading.status(b"<status><username>someone</username></status>")


@given(st.lists(st.builds(Member, rows.numbers, rows.words)))
def test_members_read_back(people: list[Member]) -> None:
    assert reading.members(writing.members(people)) == tuple(people)


def test_a_web_page_is_no_list_of_members() -> None:
    with pytest.raises(Unreadable, match="html"):
        reading.members(b"<html><member id='1'>x</member></html>")


_reasons = st.lists(
    st.builds(Reason, rows.words, rows.words, st.lists(rows.words, max_size=3, unique=True).map(tuple)),
    unique_by=lambda reason: reason.guid,
)


@given(_reasons, st.booleans())
def test_reasons_read_back(offered: list[Reason], doubled: bool) -> None:
    assert reading.reasons(writing.reasons(offered, doubled=doubled)) == tuple(offered)


def test_reasons_are_found_inside_another_root_and_nowhere_else() -> None:
    inner = b"<x><availableFeedbackReasons><reason guid='g' name='n' type='MD5'/></availableFeedbackReasons></x>"
    assert reading.reasons(inner) == (Reason("g", "n", ("MD5",)),)
    with pytest.raises(Unreadable, match="not a list of reasons"):
        reading.reasons(b"<x><reason guid='g'/></x>")


@given(
    st.lists(
        st.builds(
            Group, rows.words, st.booleans(), st.lists(st.builds(Categorization, rows.words, rows.words)).map(tuple)
        )
    )
)
def test_categorizations_read_back(groups: list[Group]) -> None:
    assert reading.categorizations(writing.categorizations(groups)) == tuple(groups)


@pytest.mark.parametrize(
    "inside",
    [
        "",
        "<affirmative/><negative><reasonIds><guid>a</guid></reasonIds></negative>",
        "<negative/>",
        "<negative><reasonIds/></negative>",
        "<negative><reasonIds><guid> </guid></reasonIds></negative>",
        "<negative><reasonIds><guid>no such form</guid></reasonIds></negative>",
    ],
)
def test_feedback_that_says_nothing_is_refused(inside: str) -> None:
    with pytest.raises(Unreadable) as refused:
        reading.submission(f"<feedbackSubmission xmlns='{NAMESPACE}'>{inside}</feedbackSubmission>".encode())
    assert refused.value.code is Why.INCOMPLETE
    with pytest.raises(ValueError, match="at least one"):
        writing.submission(Submission(affirmative=False))


@given(st.lists(st.uuids().map(str), unique=True).map(tuple))
def test_feedback_reads_back(guids: tuple[str, ...]) -> None:
    said = Submission(affirmative=not guids, reasons=guids)
    assert reading.submission(writing.submission(said)) == said


def test_an_error_says_what_it_says() -> None:
    assert reading.error(writing.error("The list is\x00 closed.")) == "The list is\ufffd closed."
    assert reading.error(b"<html><p>down</p></html>") == ""
    assert reading.error(b"down") == ""
    assert reading.error(writing.error("x" * 900)) == "x" * 200
    assert b"submissionResult" in writing.submission_result()


def test_times_are_cut_never_rounded_up() -> None:
    at = rows.START.replace(microsecond=999_999)
    assert writing.stamp(at) == "2026-01-01T00:00:00.999Z"
    assert writing.stamp(at.replace(microsecond=999)) == "2026-01-01T00:00:00Z"
    with pytest.raises(ValueError, match="zone"):
        writing.stamp(at.replace(tzinfo=None))


def test_the_later_state_counts_whatever_came_first() -> None:
    old, new = rows.entry(1, 5), rows.tombstone(1, 6)
    assert supersedes(new, old)
    assert not supersedes(old, new)
    assert supersedes(rows.entry(1, 6), new)  # at equal times the later read


def test_both_ways_of_feedback_keep_their_people() -> None:
    said = (
        Affirmative("MD5", (Member(1, "One"), Member(2, "Two")), rows.START),
        Negative("PDQ", updated=rows.START),
    )
    body = writing.query_result([Entry(7, "x", Media.VIDEO, rows.START, feedback=said)])
    assert reading.query_result(body).entries[0].feedback == said
    more = body.replace(
        b"</affirmativeFeedback>", b"<members><member id='3'>Three</member></members>" + b"</affirmativeFeedback>"
    )
    first = reading.query_result(more).entries[0].feedback[0]
    assert isinstance(first, Affirmative)
    assert [member.id for member in first.members] == [1, 2, 3]
