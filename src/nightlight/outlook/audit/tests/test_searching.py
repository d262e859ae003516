# SPDX-License-Identifier: Apache-2.0
"""Every search is an entry: once for the same search, with its filters, and never with the words."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from nightlight.outlook.audit import searching
from nightlight.outlook.desk.tests import cast
from nightlight.trust.custody.models import Event

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.test import Client

    from nightlight.trust.accounts.models import User


def _made() -> list[Mapping[str, object]]:
    rows = Event.objects.filter(kind="search.made").order_by("id")
    return [json.loads(body)["data"] for body in rows.values_list("body", flat=True)]


def test_looking_at_the_inbox_and_at_news_is_no_search(alice: Client, desk: cast.Desk) -> None:
    desk.received()
    for address in ("/", "/?state=open", "/arrivals/?since=0-00000000&type=x", "/imports/", "/find/", "/custody/"):
        alice.get(address)
    assert _made() == []


def test_narrowing_the_inbox_is_a_search_with_its_filters(alice: Client, officer: User, desk: cast.Desk) -> None:
    desk.received()
    alice.get("/?from=2026-11-01&type=&environment=production")
    (data,) = _made()
    assert data["where"] == "inbox"
    assert data["filters"]["from"] == "2026-11-01"  # type: ignore[index]
    assert data["hits"] == 1
    event = Event.objects.get(kind="search.made")
    assert event.actor == event.subject == f"officer:{officer.public_id}"


def test_turning_pages_and_loading_anew_is_the_same_search(alice: Client, desk: cast.Desk) -> None:
    for n in range(53):
        desk.received(at=cast.NOON + timedelta(seconds=n), read=False)
    older = alice.get("/?from=2026-11-01").context["older"]
    for address in ("/?from=2026-11-01", f"/?{older}", "/?from=2026-11-01&from=2026-11-01"):
        assert alice.get(address).status_code == 200
    assert len(_made()) == 1
    alice.get("/?from=2026-11-02")
    assert len(_made()) == 2


@pytest.mark.parametrize("address", ["/find/", "/custody/"])
def test_words_are_never_kept_only_a_keyed_digest(alice: Client, address: str) -> None:
    alice.get(address, {"q": "Invented Name  42"})
    alice.get(address, {"q": "invented name 42"})
    (data,) = _made()
    assert data["hits"] == 0
    assert set(data) == {"where", "words_digest", "search", "hits"}
    assert data["words_digest"] != hashlib.sha256(b"invented name 42").hexdigest()
    assert not Event.objects.filter(body__icontains="invented name").exists()


def test_an_identifier_of_ours_can_be_asked_for_by_its_digest(alice: Client, desk: cast.Desk) -> None:
    tip = desk.received()
    alice.get("/find/", {"q": tip.public_id.lower()})
    (data,) = _made()
    assert data["id_digest"] == hashlib.sha256(tip.public_id.encode()).hexdigest()
    assert data["hits"] == 1


def test_the_same_search_ten_minutes_later_is_another_and_so_is_somebody_elses(db: None) -> None:
    alice, ann = cast.viewer(cast.person("Alice", "triage-officer")), cast.viewer(cast.person("Ann", "investigator"))

    def search(by: object, minutes: int) -> bool:
        return searching.record_search(
            by=by,  # type: ignore[arg-type]
            at=cast.NOON + timedelta(minutes=minutes),
            where="find",
            text="x",
            hits=0,
        )

    assert [search(alice, 0), search(alice, 9), search(ann, 9), search(alice, 10), search(alice, 11)] == [
        *(True, False, True, True, False)
    ]


def test_a_filter_that_holds_free_words_is_kept_as_a_digest_and_hits_stop_at_a_cap(db: None) -> None:
    alice = cast.viewer(cast.person("Alice", "triage-officer"))
    filters = {"state": "open", "words": "somebody's name"}
    searching.record_search(by=alice, at=cast.NOON, where="inbox", filters=filters, hits=10_001)
    (data,) = _made()
    assert data["filters"]["state"] == "open"  # type: ignore[index]
    assert set(data["filters"]["words"]) == {"words_digest"}  # type: ignore[index]
    assert data["hits"] == 10_000


def test_recording_a_search_costs_two_statements_and_one_when_it_was_made_already(db: None) -> None:
    alice = cast.viewer(cast.person("Alice", "triage-officer"))
    for most in (5, 4):  # with the savepoint around them, and what looks up no more
        with CaptureQueriesContext(connection) as asked:
            searching.record_search(by=alice, at=cast.NOON, where="find", text="x", hits=0)
        assert len(asked) < most
