# SPDX-License-Identifier: Apache-2.0
"""The link back from a tip leads to the list its reader came from, and never out of the installation."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nightlight.outlook.desk.tests import cast

if TYPE_CHECKING:
    from django.test import Client

    from nightlight.pipeline.tips.models import Tip

OURS = "http://testserver"


@pytest.fixture
def tip(desk: cast.Desk) -> Tip:
    """A tip as it came."""
    return desk.received()


def _back(client: Client, tip: Tip, came_from: str | None, more: str = "") -> tuple[str, str]:
    """Where the link back leads, and what it says."""
    answer = client.get(f"/tips/{tip.public_id}/{more}", headers={} if came_from is None else {"Referer": came_from})
    found = re.search(r'<p class="back"><a href="([^"]*)">← ([^<]*)</a>', answer.content.decode())
    assert found is not None
    return unescape(found[1]), found[2]


@pytest.mark.parametrize(
    "came_from",
    [
        None,
        "",
        "https://elsewhere.example.org/queue/",
        "https://elsewhere.example.org/",
        "//elsewhere.example.org/queue/",
        f"{OURS}@elsewhere.example.org/queue/",
        f"{OURS}.example.org/queue/",
        "http://[broken/queue/",
        f"{OURS}/nowhere/",
        f"{OURS}//elsewhere.example.org/",
        f"{OURS}/system/",
        "javascript:alert(1)",
        "/queue/",
    ],
)
def test_what_is_none_of_our_lists_leads_to_the_inbox(alice: Client, tip: Tip, came_from: str | None) -> None:
    assert _back(alice, tip, came_from) == ("/", "Tips")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.sampled_from(["/", "/queue/", "/alerts/", "//example.org/", "/tips/x"]), query=st.text(max_size=400))
def test_no_referer_leads_out_of_the_installation(alice: Client, tip: Tip, path: str, query: str) -> None:
    said = f"{OURS}{path}?{query}".encode("utf-8", "replace").decode("latin-1")
    where = urlsplit(_back(alice, tip, said)[0])
    assert (where.scheme, where.netloc) == ("", "")
    assert where.path in {"/", "/queue/", "/alerts/"}


@pytest.mark.parametrize(
    ("came_from", "leads_to", "says"),
    [
        ("/queue/", "/queue/#row-{}", "Queue"),
        ("/queue/?band=high&whose=mine", "/queue/?band=high&whose=mine#row-{}", "Queue"),
        ("/queue/?band=high&after=3-x-0-1", "/queue/?band=high&after=3-x-0-1#row-{}", "Queue"),
        ("/queue/?band=high&next=//example.org", "/queue/?band=high#row-{}", "Queue"),
        (f"/queue/?unit={'x' * 400}", "/queue/#row-{}", "Queue"),
        ("/", "/#tip-{}", "Tips"),
        ("/?type=sextortion&from=2026-11-01", "/?type=sextortion&from=2026-11-01#tip-{}", "Tips"),
        ("/?environment=test", "/?environment=test#tip-{}", "Test tips"),
        ("/alerts/", "/alerts/", "Alerts"),
        ("/notices/", "/notices/", "Notices"),
    ],
)
def test_the_link_leads_to_the_list_with_its_place_and_filters(
    alice: Client, tip: Tip, came_from: str, leads_to: str, says: str
) -> None:
    assert _back(alice, tip, OURS + came_from) == (leads_to.format(tip.public_id), says)


def test_what_is_done_on_the_page_does_not_lose_the_list(alice: Client, tip: Tip) -> None:
    mine = f"{OURS}/tips/{tip.public_id}/"
    queue = (f"/queue/?band=low#row-{tip.public_id}", "Queue")
    assert _back(alice, tip, f"{OURS}/queue/?band=low") == queue
    # A form of the page, or a page below it, leads back to it.
    assert _back(alice, tip, mine) == queue
    assert _back(alice, tip, f"{mine}linked/0/") == queue
    # Who comes by another way has left the queue.
    assert _back(alice, tip, f"{OURS}/units/") == ("/", "Tips")
    assert _back(alice, tip, mine) == ("/", "Tips")


def test_a_session_that_remembers_nonsense_leads_to_the_inbox(alice: Client, tip: Tip) -> None:
    nonsense: object
    for nonsense in ("desk:queue", ["desk:system", ""], ["desk:queue", 7], {}, ["desk:queue"]):
        session = alice.session
        session["nightlight.came_from"] = nonsense
        session.save()
        assert _back(alice, tip, f"{OURS}/tips/{tip.public_id}/") == ("/", "Tips")


def test_a_test_tip_leads_to_the_test_tips(alice: Client) -> None:
    made = cast.Desk(cast.reporter("Example Test", "test")).received()
    assert _back(alice, made, None) == ("/?environment=test", "Test tips")
