# SPDX-License-Identifier: Apache-2.0
"""The page of a tip: what it says, what it holds back, and that looking is recorded."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import connection
from django.test.utils import CaptureQueriesContext

from nightlight.outlook.desk.tests import cast
from nightlight.pipeline.tips import actions
from nightlight.trust.custody import actions as custody_actions
from nightlight.trust.custody import keys
from nightlight.trust.custody import queries as custody

if TYPE_CHECKING:
    from django.test import Client

    from nightlight.outlook.desk.tests.cast import Desk
    from nightlight.pipeline.tips.models import Tip


def _page(client: Client, tip: Tip | str) -> str:
    public_id = tip if isinstance(tip, str) else tip.public_id
    answer = client.get(f"/tips/{public_id}/")
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_tip_that_is_not_there_is_a_page_that_helps(alice: Client) -> None:
    for public_id in ("NL-1111-1111", "x"):
        answer = alice.get(f"/tips/{public_id}/")
        assert answer.status_code == 404
        assert "NL-7F3K-9QTX" in answer.content.decode() or "slip" in answer.content.decode()


def test_an_address_typed_by_hand_leads_to_the_tip(alice: Client, desk: Desk) -> None:
    tip = desk.received()
    answer = alice.get(f"/tips/{tip.public_id.lower()}/")
    assert answer.headers["Location"] == f"/tips/{tip.public_id}/"


def test_the_first_lines_say_what_how_urgent_whose_and_what_next(alice: Client, desk: Desk) -> None:
    top = _page(alice, desk.full()).split("</header>")[1]
    assert "Online enticement of a child" in top
    assert "Reporter asks for urgent handling" in top
    assert "Example Chat" in top
    assert "Kiran Sample" in top
    assert "not an offender until a court says so" in top
    assert 'href="#urgency"' in top


def test_a_child_is_never_named_wherever_the_report_says_it(alice: Client, desk: Desk) -> None:
    page = _page(alice, desk.full(file_name="Meera at the example school.png"))
    assert cast.CHILD in page
    assert "names held back" in page
    assert "name held back" in page
    for word in cast.CHILD_WORDS:
        assert word.lower() not in page.lower(), word
    assert "age stated: 12" in page


def test_the_custody_page_names_no_child_either(alice: Client, desk: Desk) -> None:
    tip = desk.full(file_name="Meera at the example school.png")
    page = alice.get("/custody/", {"q": tip.public_id}).content.decode()
    assert "File received into the vault" in page
    assert "meera" not in page.lower()


def test_network_events_show_zone_port_and_what_is_missing(alice: Client, desk: Desk) -> None:
    page = _page(alice, desk.full())
    section = page.split('id="network"')[1].split('id="files"')[0]
    assert "5 Jan 2026, 10:10:00 IST" in section  # 04:40 UTC, in the officers' zone
    assert "5 Jan 2026, 04:40:00 UTC" in section
    assert "<code>2026-01-05T04:40:00Z</code>" in section
    assert "port missing" in section
    assert "zone not stated" in section
    assert "51820" in section
    assert "<svg" in section
    assert "198.51.100.9" in section
    assert "::ffff:198.51.100.9" in section


def test_files_are_words_and_digests_and_nothing_to_open(alice: Client, desk: Desk) -> None:
    page = _page(alice, desk.full())
    section = page.split('id="files"')[1].split('id="said"')[0]
    assert "pattern-07.png" in section
    assert "Yes: a person at the reporter viewed the entire file" in section
    for kind in ("MD5", "SHA-1", "SHA-256"):
        assert kind in section
    assert "the file received has another" in section  # the example states a hash of something else
    assert "<img" not in page
    assert "<video" not in page
    assert section.count("href") == 1  # to the page of words before one looks
    assert "/files/1/" in section
    assert 'href="http' not in page


def test_the_page_says_what_is_weak_and_what_was_not_understood(alice: Client, desk: Desk) -> None:
    page = _page(alice, desk.full())
    assert "What is weak about this report" in page
    assert "A network event has no port" in page
    assert "What was not understood" not in page


def test_each_opening_by_a_person_is_recorded(alice: Client, bob: Client, desk: Desk) -> None:
    tip = desk.received()
    for client in (alice, bob, alice):
        _page(client, tip)
    views = [e for e in custody.history([f"tip:{tip.public_id}"]) if e.kind == "tip.viewed"]
    assert [view.data["roles"] for view in views] == [["triage-officer"], ["auditor"], ["triage-officer"]]
    assert "Opened 4 times on the desk by 2 people" in _page(alice, tip)


def test_history_carries_its_proof_once_a_head_is_signed(alice: Client, desk: Desk) -> None:
    tip = desk.full()
    assert "Will be in the next signed head" in _page(alice, tip)
    head = custody_actions.sign_head(at=cast.NOON + timedelta(hours=1), key=keys.signing_key())
    assert head is not None
    page = _page(alice, tip)
    assert f"in signed tree head of size {head.size}" in page
    assert "Report opened by the reporter" in page
    event = custody.history([f"tip:{tip.public_id}"])[0]
    proof = custody.proof(event.id)
    assert proof is not None
    for node in proof.path:
        assert node.hex() in page


def test_a_repeat_sends_the_officer_to_the_earlier_tip(alice: Client, desk: Desk) -> None:
    first, second = desk.received(), desk.received()
    assert f'class="go" href="/tips/{first.public_id}/"' in _page(alice, second)
    assert "Repeated by" in _page(alice, first)


def test_each_state_has_its_own_next_step(alice: Client, desk: Desk) -> None:
    report_id, public_id = desk.opened()
    assert "Wait: the reporter has not finished this report" in _page(alice, public_id)
    actions.retract(by=desk.by, at=cast.NOON + timedelta(minutes=1), report_id=report_id)
    assert "the reporter withdrew this report" in _page(alice, public_id)
    _, lapsed = desk.opened(at=cast.NOON - timedelta(days=3))
    actions.expire_due(by="service:worker", at=cast.NOON)
    assert "this report was never finished" in _page(alice, lapsed)


def test_a_test_report_is_marked_on_its_page(alice: Client) -> None:
    page = _page(alice, cast.Desk(cast.reporter("Example Trial", "test")).received())
    assert "Test report. Nothing in it is real" in page


def test_the_page_takes_a_bounded_number_of_queries(alice: Client, desk: Desk) -> None:
    tip = desk.full()
    custody_actions.sign_head(at=cast.NOON + timedelta(hours=1), key=keys.signing_key())
    with CaptureQueriesContext(connection) as asked:
        _page(alice, tip)
    assert len(asked) <= 48, [query["sql"][:80] for query in asked.captured_queries]
