# SPDX-License-Identifier: Apache-2.0
"""Protected people are found however a name or number is written, and requests say why."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightlight.foundation.refusals import Conflict, NotAllowed
from nightlight.trust.law.queries import pack
from nightlight.trust.sealed import rules
from nightlight.trust.sealed.rules import Sought
from nightlight.trust.sealed.tests.conftest import CHILD, LAW, REASON

TEXTS = st.text(max_size=40)


def met(kind: Sought, stated: str, asked: str) -> bool:
    return any(way <= rules.normal_forms(kind, stated) for way in rules.asked_forms(kind, asked))


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"reason_kind": "curiosity"}, "Choose what"),
        ({"reason_kind": ""}, "Choose what"),
        ({"reason": "too short"}, "15 to 1000"),
        ({"reason": "x" * 1001}, "15 to 1000"),
        ({"case_number": ""}, "case number"),
        ({"case_number": "9" * 81}, "case number"),
        ({"minutes": 0}, "1 to 30 minutes"),
        ({"minutes": 31}, "1 to 30 minutes"),
    ],
)
def test_a_request_that_does_not_say_why_is_refused(changed: dict[str, object], sentence: str) -> None:
    asked = {"reason_kind": "child-in-danger", "reason": REASON, "case_number": "14/2026", "minutes": 30, "law": LAW}
    with pytest.raises(Conflict, match=sentence):
        rules.check_request(**(asked | changed))  # type: ignore[arg-type]
    rules.check_request(**asked)  # type: ignore[arg-type]


def test_only_investigators_and_victim_identification_open() -> None:
    for role in ["intake-analyst", "triage-officer", "commander", "legal-reviewer", "auditor", "administrator"]:
        with pytest.raises(NotAllowed):
            rules.check_person({role}, LAW)
    with pytest.raises(NotAllowed):
        rules.check_person(set(), LAW)
    rules.check_person({"investigator", "commander"}, LAW)
    rules.check_person({"victim-identification"}, LAW)


@pytest.mark.parametrize("code", ["IN", "US"])
def test_every_law_pack_has_reasons_and_roles_to_open_by(code: str) -> None:
    law = pack(code).unsealing
    assert law.reasons
    assert rules.may_open({"investigator"}, law)


@pytest.mark.parametrize(
    ("kind", "stated", "asked"),
    [
        (Sought.NAME, "Zyxandra Möller", "someone else"),
        (Sought.NAME, "Zyxandra Möller", "Zyxandra Mueller"),
        (Sought.NAME, "Zyxandra Möller", "zyx"),
        (Sought.NAME, "Li Wu", "Li"),
        (Sought.NAME, "बिल", "बल"),  # another vowel is another name
        (Sought.PHONE, "+91 55501 23456", "+91 55501 23457"),
        (Sought.EMAIL, "a.b@example.org", "ab@example.org"),
        (Sought.ACCOUNT, "@zyx", "zyx2"),
    ],
)
def test_something_else_is_not_found(kind: Sought, stated: str, asked: str) -> None:
    assert not met(kind, stated, asked)


@pytest.mark.parametrize(
    ("kind", "stated", "asked"),
    [
        (Sought.NAME, "Zyxandra Möller", "zyxandra  MOLLER"),
        (Sought.NAME, "Zyxandra Möller", "möller, zyxandra"),
        (Sought.NAME, "Zyxandra Anne Möller", "Zyxandra Möller"),
        (Sought.NAME, "Zyxandra Quillfeather-Möller", "quillfeather"),
        (Sought.NAME, "Seán O'Quill", "sean o\u2019quill"),
        (Sought.NAME, "\uff3ayx Quill", "zyx quill"),  # full-width letters
        (Sought.NAME, "Li Wu", "LI WU"),
        (Sought.NAME, "ज़ारा चित्र", "चित्र"),
        (Sought.PHONE, "+91 55501 23456", "5550123456"),
        (Sought.PHONE, "055501-23456", "0091 55501 23456"),
        (Sought.PHONE, "+91 55501 23456", "\u096b\u096b\u096b\u0966\u0967\u0968\u0969\u096a\u096b\u096c"),
        (Sought.EMAIL, "Zyx@Example.org ", "zyx@example.ORG"),
        (Sought.ACCOUNT, "@Zyx.Quill", "zyx.quill"),
        (Sought.SCHOOL, "Blue Gradient School", "gradient school blue"),
    ],
)
def test_the_same_is_found_however_it_is_written(kind: Sought, stated: str, asked: str) -> None:
    assert met(kind, stated, asked)


@given(kind=st.sampled_from(list(Sought)), text=TEXTS)
def test_whatever_says_something_is_found_by_itself(kind: Sought, text: str) -> None:
    assert met(kind, text, text) == bool(rules.normal_forms(kind, text)) == bool(rules.asked_forms(kind, text))


@given(text=TEXTS)
def test_evening_out_twice_changes_nothing_more(text: str) -> None:
    once = rules.plain(text)
    assert rules.plain(once) == once


@given(text=TEXTS)
def test_no_form_is_empty(text: str) -> None:
    for kind in Sought:
        assert "" not in rules.normal_forms(kind, text)


def test_a_short_code_is_no_telephone_number() -> None:
    assert rules.normal_forms(Sought.PHONE, "112") == frozenset()


def test_the_digest_depends_on_key_kind_and_value() -> None:
    digests = {
        rules.search_digest(key, kind, value)
        for key in (b"a" * 32, b"b" * 32)
        for kind in (Sought.NAME, Sought.SCHOOL)
        for value in ("x", "y")
    }
    assert len(digests) == 8
    assert {len(digest) for digest in digests} == {32}


def test_only_the_fields_that_are_searched_have_terms() -> None:
    found = rules.terms(CHILD.facts)
    assert {kind for kind, _ in found} == set(Sought)
    assert not any("pattern" in form or "2014" in form for _, form in found)


def test_what_an_identity_is_bound_to_is_never_ambiguous() -> None:
    bound = rules.identity_context("tip:A", CHILD, 1)
    assert bound != rules.identity_context("tip:A", CHILD, 2)
    assert bound != rules.identity_context("tip:B", CHILD, 1)
    assert rules.answer_context("a", "b|c", "d") != rules.answer_context("a|b", "c", "d")


def test_pseudonyms_go_on_after_z() -> None:
    with pytest.raises(ValueError, match="from 0"):
        rules.pseudonym("Child", -1)
    assert [rules.pseudonym("Child", n) for n in (0, 25, 26, 27, 702)] == [
        "Child A", "Child Z", "Child AA", "Child AB", "Child AAA",
    ]  # fmt: skip
