# SPDX-License-Identifier: Apache-2.0
"""Whoever opens the page of somebody found in several tips has seen all of these, and the log says which."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from nightlight.foundation import clock
from nightlight.outlook.desk.tests import cast
from nightlight.outlook.desk.tests.test_linked import REASON, _address, _page, _ref, three
from nightlight.pipeline.linking.tests.db_cast import link
from nightlight.pipeline.tips import viewing
from nightlight.trust.custody.models import Event

if TYPE_CHECKING:
    from django.test import Client

    from nightlight.pipeline.tips.models import Tip

__all__ = ["three"]


def _said(kind: str, of: Tip) -> dict[str, object]:
    """The particulars of the newest entry of this kind about a tip."""
    event = Event.objects.filter(kind=kind, subject=f"tip:{of.public_id}").latest("id")
    return dict(json.loads(event.body)["data"])


def test_a_page_that_is_refused_is_no_look(alice: Client, three: list[Tip]) -> None:
    assert alice.get(_address(three[0], 999)).status_code == 404
    assert alice.get(_address(three[0], 999, "export.csv")).status_code == 404
    assert not Event.objects.filter(kind__in=("tip.viewed", "tip.linked-exported")).exists()


def test_every_tip_that_was_shown_or_taken_away_is_named(alice: Client, three: list[Tip]) -> None:
    every = sorted(one.public_id for one in three)
    _page(alice, three[1], strength="weak")  # fewer reasons, the same tips
    told = _said("tip.viewed", three[1])
    assert told == {"roles": ["triage-officer"], "party": 0, "tips": every, "tips_in_all": 3}
    alice.get(_address(three[1], rest="export.csv"))
    told = _said("tip.linked-exported", three[1])
    assert (told["tips"], told["tips_in_all"], told["roles"]) == (every, 3, ["triage-officer"])


def test_a_tip_that_only_a_decision_names_was_shown_too(alice: Client, three: list[Tip]) -> None:
    page = _page(alice, three[0])
    for other in three[1:]:
        asked = {"verdict": "forbid", "first": _ref(page, three[0]), "second": _ref(page, other), "reason": REASON}
        alice.post(_address(three[0], rest="decide/"), asked)
    link()
    page = _page(alice, three[0])
    assert "In one tip only" in page
    assert _said("tip.viewed", three[0])["tips"] == sorted(one.public_id for one in three)
    _page(alice, three[1])
    assert three[0].public_id in _said("tip.viewed", three[1])["tips"]  # type: ignore[operator]


def test_the_history_of_a_tip_names_no_tip_that_is_kept_from_whoever_reads_it(alice: Client, three: list[Tip]) -> None:
    # Row security leaves out the tips of other units: to the page they are as if they were not there.
    elsewhere = "NL-7F3K-9QTX"
    somebody = cast.viewer(cast.person("Nisha", "triage-officer"))
    named = [elsewhere, three[1].public_id]
    viewing.record_view(by=somebody, at=clock.now(), tip=three[0], with_tips=named, party=0)
    page = alice.get(f"/tips/{three[0].public_id}/").content.decode().split('id="history"')[1]
    assert elsewhere not in page
    assert "NL-····-····" in page
    assert three[1].public_id in page


def test_of_very_many_tips_the_first_are_named_and_all_are_counted() -> None:
    ids = [f"NL-{number:04d}-{number:04d}" for number in range(viewing.MOST_NAMED + 7)]
    told = viewing.named([*ids, *ids])
    assert told == {"tips": ids[: viewing.MOST_NAMED], "tips_in_all": len(ids)}


def test_an_auditor_finds_who_saw_a_tip_on_the_page_of_another(bob: Client, alice: Client, three: list[Tip]) -> None:
    asked = f"/audit/record/{three[2].public_id}/"
    section = bob.get(asked).content.decode().split('id="through"')[1].split("</section>")[0]
    assert "By nobody in these days." in section
    _page(alice, three[0])
    alice.get(_address(three[0], rest="export.csv"))
    section = bob.get(asked).content.decode().split('id="through"')[1].split("</section>")[0]
    assert section.count("Alice Example") == 2
    assert section.count(three[0].public_id) >= 2
    own = bob.get(f"/audit/record/{three[0].public_id}/").content.decode().split('id="through"')[1]
    assert "By nobody in these days." in own.split("</section>")[0]
