# SPDX-License-Identifier: Apache-2.0
"""A directory is loaded whole or not at all, lies over the one before, and says what addresses of its operators are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from nightlight.casework.attribution import checking_lists, list_queries, loaded, loading_operators, store
from nightlight.casework.attribution.import_kinds import Refused
from nightlight.casework.attribution.kinds import Label
from nightlight.casework.attribution.models_lists import DirectoryVersion
from nightlight.casework.attribution.operator_profiles import profiles_of
from nightlight.casework.attribution.operators import By
from nightlight.casework.attribution.operators_reading import read_directory
from nightlight.exercise.directory import operator_directory
from nightlight.trust.custody.models import Event

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
OWN = """
schema = 1
name = "Ours"
version = "1"
as_of = 2026-11-01
exercise = false
[sources.a]
title = "By letter"
[[operator]]
code = "CODE"
name = "Example Operator"
country = "IN"
kind = "fixed"
shares_addresses = "no"
source = "a"
check = "P"
network = [{ numbers = [NUMBER], from = 2026-01-01 }]
contact = [{ way = "e-mail", address = "nodal@example.org" }]
"""


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "FOLDER", str(tmp_path / "kept"))
    loaded._held.forget()


def own(code: str = "example", number: int = 131072) -> str:
    return OWN.replace("CODE", code).replace("NUMBER", str(number))


def load(text: str, *, exercise: bool = False) -> loading_operators.Done:
    return loading_operators.load(by="command:test", at=NOW, text=text, exercise=exercise)


def code(text: str) -> str:
    with pytest.raises(Refused) as refused:
        load(text)
    return refused.value.code


def test_what_may_not_be_loaded_is_refused_with_a_code() -> None:
    assert code("schema = 2") == "directory-refused"
    assert code(own("other", 55836)) == "directory-conflict"  # the number of one that comes with Nightlight
    assert code(operator_directory(NOW)) == "of-an-exercise"
    load(own())
    assert code(own()) == "loaded-already"
    assert DirectoryVersion.objects.count() == 1


def test_the_newest_of_a_name_counts_over_what_comes_with_nightlight() -> None:
    shipped = loaded.current_directory()
    assert shipped.with_code("jio") is not None and shipped.with_code("example") is None
    load(own())
    load(own("jio", 55836).replace("Ours", "Theirs"))
    load(own().replace('version = "1"', 'version = "2"').replace("Example Operator", "Example Two"))
    directory = loaded.current_directory()
    chosen = directory.holder(131072, "", NOW)
    assert (chosen.by, chosen.addressee) == (By.NETWORK, "Example Two")
    assert directory.holder(131072, "", NOW - timedelta(days=400)).operator is None
    ours = directory.with_code("jio")
    assert ours is not None and ours.contacts
    assert directory.with_code("airtel") is not None
    assert len(Event.objects.filter(kind="operators.loaded")) == 3
    assert not checking_lists.verify().faults
    told = list_queries.operators()
    assert len(told["loaded"]) == 2 and len(told["operators"]) == len(directory.operators)


def test_documentation_ranges_count_only_where_the_directory_of_an_exercise_is_in_use() -> None:
    load(own())
    before = loaded.current()
    assert not before.lists.exercise
    load(operator_directory(NOW), exercise=True)
    after = loaded.current()
    assert after.digest != before.digest
    assert "192.0.2.0/24" in after.lists.exercise
    assert list_queries.overview(NOW).exercise


def test_only_what_follows_from_an_operators_kind_is_said_of_its_addresses() -> None:
    said = {one.asn: one for one in profiles_of(read_directory(own()))}
    assert (said[131072].label, said[131072].since) == (Label.FIXED, datetime(2026, 1, 1, tzinfo=UTC))
    for changed, label in (
        (own().replace('"no"', '"unknown"'), None),
        (own().replace('"no"', '"yes"'), Label.FIXED_SHARED),
        (own().replace('"fixed"', '"mobile"').replace('"no"', '"unknown"'), Label.MOBILE_SHARED),
        (own().replace('"fixed"', '"mobile"'), None),
        (own().replace('"fixed"', '"vpn"'), Label.HOSTING),
        (own().replace('"fixed"', '"both"'), None),
        (own().replace('"fixed"', '"organisation"'), None),
    ):
        assert [one.label for one in profiles_of(read_directory(changed))] == ([] if label is None else [label])
