# SPDX-License-Identifier: Apache-2.0
"""Kinds of entries fall into the groups that an auditor asks for."""

from __future__ import annotations

import re
from pathlib import Path

from nightlight.outlook.audit import kinds

# --- words ----------------------------------------------------------------------------------------------------------


def test_kinds_fall_into_the_groups_an_auditor_expects() -> None:
    expected = {
        "tip.viewed": "looked",
        "evidence.viewing-asked": "looked",
        "evidence.shown": "looked",
        "search.made": "searched",
        "sealed.searched": "searched",
        "tip.handed-over": "handed-over",
        "tip.exported": "exported",
        "export.approved": "exported",
        "audit.entry-exported": "exported",
        "glass.broken": "glass",
        "sealed.opened": "unsealed",
        "sealed.unsealing-asked": "unsealed",
        "person.signed-in": "signed-in",
        "person.sign-in-failed": "failed",
        "tip.received": "received",
        "post.given": "changed",
        "something.nobody-foresaw": "changed",
    }
    assert {kind: str(kinds.group_of(kind)) for kind in expected} == expected
    assert set(kinds.looks()) >= {"tip.viewed", "evidence.shown"}
    assert "evidence.viewing-asked" not in kinds.looks()


def test_every_documented_kind_is_known_to_the_filters() -> None:
    root = next(folder for folder in Path(__file__).parents if (folder / "docs" / "custody-events.md").exists())
    text = (root / "docs" / "custody-events.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `([a-z]+\.[a-z-]+)` \|", text, re.MULTILINE))
    assert documented <= kinds.known(), "give these kinds words in outlook/desk/wording.py"
