# SPDX-License-Identifier: Apache-2.0
"""The reasons and labels we offer are sound data."""

from __future__ import annotations

from uuid import UUID

import pytest

from nightlight.pipeline.matching.sharing.offered import offered, read
from nightlight.pipeline.matching.sharing.terms import KINDS


def test_a_table_that_names_one_guid_twice_or_an_unknown_type_is_refused() -> None:
    row = {"guid": "a", "name": "x"}
    with pytest.raises(ValueError, match="same GUID"):
        read({"version": "1", "affirmative": [row], "negative": [row], "group": []})
    with pytest.raises(ValueError, match="unknown types: MD6"):
        read({"version": "1", "affirmative": [], "negative": [row | {"types": ["MD6"]}], "group": []})


def test_every_kind_of_fingerprint_can_be_disputed() -> None:
    table = offered()
    for kind in KINDS:
        reasons = table.against(kind.type)
        assert len(reasons) >= 4
        assert {reason.types for reason in reasons} == {(kind.type,)}
        assert all(table.reason(reason.guid) for reason in reasons)
    assert len(table.against("PDQ")) == len(table.against("MD5")) + 1
    assert table.reason("not one of ours") is None


def test_guids_are_guids_and_the_groups_are_those_of_the_api() -> None:
    table = offered()
    for reason in (*table.affirmative, *table.negative):
        assert str(UUID(reason.guid)) == reason.guid
    assert [(group.name, group.allow_multiple) for group in table.groups] == [
        ("Content", False),
        ("Context", True),
        ("Egregious", True),
    ]
    assert all(str(UUID(label.guid)) == label.guid for group in table.groups for label in group.categorizations)
