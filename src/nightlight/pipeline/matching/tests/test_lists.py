# SPDX-License-Identifier: Apache-2.0
"""Lists and their schemes: what is refused, what is kept, what a code means."""

from __future__ import annotations

from pathlib import Path

import pytest

from nightlight.foundation.refusals import Conflict, NotFound
from nightlight.pipeline.matching import handing_out, list_actions, list_queries, schemes
from nightlight.pipeline.matching.rules import Standing
from nightlight.pipeline.matching.schemes import SchemeRefused
from nightlight.pipeline.matching.tests.list_world import AT, BY, logged, make_list, read_in, vault, vic

__all__ = ["vault"]
SCHEME = """
schema = 1
id = "x"
version = "1"
title = "X"
checked = true
unstated = "unsettled"
others = "unsettled"
[codes]
A = { standing = "listed" }
"""
MAPPING = """
schema = 1
[[mapping]]
from = { scheme = "industry", version = "1", code = "A1" }
to = { scheme = "vic", version = "2.0/US", code = "1" }
source = "Example Centre, letter of 1 March 2026"
checked = true
"""


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (SCHEME.replace("schema = 1", "schema = 2"), "schema is 2"),
        (SCHEME.replace('title = "X"', ""), "title is missing"),
        (SCHEME.replace('title = "X"', 'title = "X"\ncolour = "red"'), "colour is not known"),
        (SCHEME.replace("checked = true", 'checked = "yes"'), "neither true nor false"),
        (SCHEME.replace('others = "unsettled"', 'others = "fine"'), "'fine' is not one of"),
        (SCHEME.replace('"listed" }', '"listed", why = 1 }'), "nothing else"),
        (SCHEME.replace('"listed" }', '"listed", note = 1 }'), "note is no text"),
        (SCHEME.replace('"X"', "X"), "is no TOML"),
        (SCHEME.replace('"X"', '" "'), "is no text"),
    ],
)
def test_a_broken_scheme_is_refused_whole(wrong: str, told: str) -> None:
    with pytest.raises(SchemeRefused, match=told):
        schemes.read(wrong, place="x.toml")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (MAPPING.replace('"A1"', '"Z9"'), "has no code Z9"),
        (MAPPING.replace('"industry"', '"nobody"'), "no scheme nobody"),
        (MAPPING.replace("checked = true", ""), "checked is missing"),
        (MAPPING + MAPPING.partition("schema = 1")[2], "twice"),
        ("schema = 1\nmapping = 3", "no list"),
    ],
)
def test_a_broken_mapping_is_refused_whole(wrong: str, told: str) -> None:
    with pytest.raises(SchemeRefused, match=told):
        schemes.read_mappings(wrong, schemes.schemes())


def test_mappings_are_read_and_ours_says_nothing_yet() -> None:
    (found,) = schemes.read_mappings(MAPPING, schemes.schemes())
    assert (found.told.code, found.as_.scheme, found.as_.code, found.checked) == ("A1", "vic", "1", True)
    assert schemes.mappings() == ()


def test_a_code_nobody_knows_settles_nothing() -> None:
    assert schemes.standing("nobody", "1", "A1") is Standing.UNSETTLED
    assert schemes.standing("industry", "2", "A1") is Standing.UNSETTLED
    assert schemes.standing("industry", "1", "C1") is Standing.UNSETTLED
    assert schemes.standing("industry", "1", "") is Standing.UNSETTLED
    assert schemes.standing("industry", "1", "A1") is Standing.LISTED
    # Zero is a value: what nobody has put into a category is not said to be anything.
    assert schemes.standing("vic", "2.0/UK", "0") is Standing.UNSETTLED
    assert schemes.standing("vic", "2.0/UK", "3") is Standing.LISTED
    assert schemes.standing("vic", "2.0/UK", "7") is Standing.UNSETTLED
    assert schemes.standing("plain", "1", "") is Standing.LISTED
    assert schemes.standing("labels", "1", "anything") is Standing.LABEL


def test_national_meanings_say_that_nobody_checked_them() -> None:
    found = schemes.schemes()
    assert {version for scheme, version in found if scheme == "vic"} == {"1", "2.0/Default", "2.0/US", "2.0/UK"}
    assert not any(one.checked for one in found.values() if one.id in {"vic", "icse"})
    folder = Path(schemes.__file__).with_name("schemes")
    assert len(found) == len(list(folder.glob("*.toml"))) - 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"name": "  "}, "name of 1"),
        ({"owner": ""}, "owner of 1"),
        ({"legal_basis": "x" * 201}, "legal basis of 1"),
        ({"scheme": "nobody"}, "there are: icse 1, industry 1"),
        ({"scheme_version": "9"}, "no scheme vic 9"),
        ({"purpose": "fun"}, "known, label"),
    ],
)
def test_a_list_that_nobody_answers_for_is_refused(changed: dict[str, str], told: str) -> None:
    with pytest.raises(Conflict, match=told):
        make_list(**changed)


@pytest.mark.django_db
def test_a_list_is_found_by_name_and_number_and_made_once() -> None:
    made = make_list()
    with pytest.raises(Conflict, match="already"):
        make_list()
    with pytest.raises(NotFound, match="no list"):
        list_actions.list_called("HL-0000-0000")
    assert list_actions.list_called("Example List") == made
    assert list_actions.list_called(made.public_id.lower()) == made
    assert logged(made) == ["hashes.list-added"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("vault")
def test_a_list_is_handed_out_with_a_reason_that_stays(tmp_path: Path) -> None:
    made = make_list()
    read_in(made, vic(range(1, 4), n2={"MediaID": "=cmd"}))
    file = tmp_path / "out.csv"
    for reason in ("short", "x" * 501):
        with pytest.raises(Conflict, match="for whom"):
            handing_out.export(by=BY, at=AT, hash_list=made, file=file, reason=reason)
    assert not file.exists()
    written = handing_out.export(by=BY, at=AT, hash_list=made, file=file, reason="Order 12 of an example court")
    lines = file.read_text().splitlines()
    assert (written.rows, len(lines)) == (3, 4)
    assert lines[0] == ",".join(list_queries.EXPORTED)
    assert any(line.startswith("'=cmd,") for line in lines)
    assert file.stat().st_mode & 0o777 == 0o600
    assert logged(made)[-1] == "hashes.exported"
    with pytest.raises(Conflict, match="there already"):
        handing_out.export(by=BY, at=AT, hash_list=made, file=file, reason="Order 12 of an example court")
    assert logged(made).count("hashes.exported") == 1
