# SPDX-License-Identifier: Apache-2.0
"""The command line tells a tip without the names that are sealed, unless somebody says why they are needed."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest

from nightlight.foundation.refusals import Conflict
from nightlight.pipeline.tips import actions, showing, summarising
from nightlight.pipeline.tips.models import Tip
from nightlight.pipeline.tips.tests.conftest import AT, login
from nightlight.pipeline.tips.tests.example_reports import REPORT_XML
from nightlight.pipeline.tips.tests.test_actions import opened
from nightlight.trust.custody import queries as custody

if TYPE_CHECKING:
    from nightlight.trust.evidence.vault import Vault

pytestmark = pytest.mark.django_db
NAME = "Meera at the Example School.png"
REASON = "A court has asked for the whole report"
CHILD = ("meera", "yellow-boat", "example school")


@pytest.fixture
def tip(vault: Vault) -> Tip:
    """The example report with a file whose name names the child."""
    who = login()
    number = opened(who, body=REPORT_XML)
    with vault.stage() as staging:
        staging.write(b"a pattern of squares")
        sealed = staging.seal()
    actions.add_file(by=who, at=AT, report_id=number, sealed=sealed, name_as_sent=NAME)
    actions.finish(by=who, at=AT, report_id=number)
    return Tip.objects.get(report_id=number)


def _views(tip: Tip) -> list[object]:
    return [event.data for event in custody.history([f"tip:{tip.public_id}"]) if event.kind == "tip.viewed"]


def test_a_reason_that_says_nothing_opens_nothing_and_is_not_logged(tip: Tip) -> None:
    for reason in ("", "because", "x " * 7):
        with pytest.raises(Conflict, match="15 characters"):
            showing.everything(tip, by="command:cli", at=AT, sealed_reason=reason)
    assert _views(tip) == []


def test_before_it_is_read_nothing_of_a_tip_is_told(tip: Tip) -> None:
    told = showing.everything(tip, by="command:cli", at=AT)
    assert (told["reading"], told["sealed"]) == (None, True)
    assert [word for word in CHILD if word in json.dumps(told).lower()] == []


def test_victims_and_children_are_pseudonyms_and_names_of_files_are_masked(tip: Tip) -> None:
    summarising.summarise([tip], by="service:worker", at=AT)
    told = showing.everything(tip, by="command:cli", at=AT)
    text = json.dumps(told).lower()
    assert [word for word in CHILD if word in text] == []
    assert "child 1" in text
    assert "kiran" in text  # whom the report accuses is not sealed
    assert [file["name_as_sent"] for file in told["files"]] == ["[Child 1] at the [Child 1].png"]  # type: ignore[union-attr, index, call-overload]
    assert "pseudonyms" in showing.as_text(told)
    assert _views(tip) == [{"how": "command line"}]


def test_with_a_reason_everything_is_told_and_its_digest_kept(tip: Tip) -> None:
    told = showing.everything(tip, by="command:cli", at=AT, sealed_reason=f"  {REASON} ")
    assert [word for word in CHILD if word not in json.dumps(told).lower()] == []
    assert [file["name_as_sent"] for file in told["files"]] == [NAME]  # type: ignore[union-attr, index, call-overload]
    digest = hashlib.sha256(REASON.encode()).hexdigest()
    assert _views(tip) == [{"how": "command line, sealed opened", "reason_sha256": digest}]
    assert "pseudonyms" not in showing.as_text(told)
