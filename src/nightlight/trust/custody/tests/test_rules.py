# SPDX-License-Identifier: Apache-2.0
"""An entry says who did what to what and when, in one form only."""

from __future__ import annotations

import dataclasses
import hashlib
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from ..rules import discrepancy, entry

AT = datetime(2026, 11, 22, 9, 30, 0, 123456, UTC)
FACTS: dict[str, Any] = {
    "by": "officer:OF-7F3K-9QTX",
    "at": AT,
    "kind": "evidence.viewed",
    "subject": "item:EV-7F3K-9QTX",
    "data": {"reason": "classification", "seconds": 4},
    "unique": "00112233445566778899aabbccddeeff",
}


@pytest.mark.parametrize(
    "wrong",
    [
        {"by": ""},
        {"by": "OF-7F3K-9QTX"},
        {"by": "officer:"},
        {"by": "officer:two words"},
        {"by": "officer:new\nline"},
        {"subject": "Tip:NL-1"},
        {"kind": "viewed"},
        {"kind": "Evidence.viewed"},
        {"kind": "evidence.viewed "},
        {"at": AT.replace(tzinfo=None)},
        {"data": {"ratio": 0.5}},
        {"data": {"big": 2**53}},
        {"data": {1: "one"}},
        {"data": {"half": "\ud800"}},
    ],
)
def test_a_malformed_entry_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        entry(**{**FACTS, **wrong})


def test_every_change_to_a_stored_entry_is_noticed() -> None:
    whole = entry(**FACTS)
    body = whole.body
    for changed in (
        {"at": AT + timedelta(microseconds=1)},
        {"kind": "evidence.seen"},
        {"actor": "officer:OF-0000-0000"},
        {"subject": "item:EV-0000-0000"},
        {"leaf_hash": bytes(32)},
        {"body": body.replace('"seconds":4', '"seconds":5')},
        {"body": body.replace(":", ": ", 1)},
        {"body": body.replace('"seconds":4', '"seconds":4.0')},
        {"body": body.replace('"v":1', '"v":2')},
        {"body": body.replace('"v":1', '"v":1,"w":1')},
        {"body": "[]"},
        {"body": "["},
        {"body": "[" * 100_000},
    ):
        assert discrepancy(dataclasses.replace(whole, **changed)), changed


def test_an_entry_is_canonical_json_under_an_rfc_9162_leaf_hash() -> None:
    whole = entry(**{**FACTS, "at": AT.astimezone(timezone(timedelta(hours=5, minutes=30)))})
    assert whole.body == (
        '{"at":"2026-11-22T09:30:00.123456Z","by":"officer:OF-7F3K-9QTX",'
        '"data":{"reason":"classification","seconds":4},"id":"00112233445566778899aabbccddeeff",'
        '"kind":"evidence.viewed","subject":"item:EV-7F3K-9QTX","v":1}'
    )
    assert whole.leaf_hash == hashlib.sha256(b"\x00" + whole.body.encode()).digest()
    assert discrepancy(whole) is None
