# SPDX-License-Identifier: Apache-2.0
"""The page of addresses: the next step, whom to ask, what is missing, and nothing of a child or of others' tips."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from html import unescape
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from nightlight.casework.attribution import looking_up, prepared_body
from nightlight.casework.attribution.candidate_kinds import State
from nightlight.casework.attribution.gathering_events import Apart
from nightlight.casework.attribution.models import Prepared, Request, Waiting
from nightlight.casework.attribution.tests import prepared_cast as cast
from nightlight.outlook.desk import trace
from nightlight.outlook.desk.tests.cast import person, viewer
from nightlight.pipeline.linking import decisions
from nightlight.pipeline.linking.models import Subject
from nightlight.trust.accounts.models import User
from nightlight.trust.custody.models import Event

if TYPE_CHECKING:
    from django.test import Client

    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.accounts.queries import ReporterLogin

MAIL = "kite77@example.org"


@pytest.fixture
def chat(db: None, monkeypatch: pytest.MonkeyPatch) -> ReporterLogin:
    """A reporter, with lists loaded, on a day on which the records are still there."""
    cast.load(monkeypatch)
    monkeypatch.setattr("nightlight.foundation.clock.now", lambda: cast.NOW + timedelta(hours=2))
    return cast.reporter()


def _page(client: Client, of: Tip, **asked: str) -> str:
    answer = client.get(f"/tips/{of.public_id}/addresses/", asked)
    assert answer.status_code == 200
    return answer.content.decode()


def _words(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def _part(page: str, name: str) -> str:
    return page.split(f'id="{name}"')[1].split("</section>", maxsplit=1)[0]


def _next(page: str) -> str:
    return page.split('class="next-step"')[1].split("</p>", maxsplit=1)[0]


def _worked_out() -> None:
    cast.link()
    cast.prepare()


def test_people_who_see_no_tips_and_what_is_not_there_are_refused(
    alice: Client, charlie: Client, chat: ReporterLogin
) -> None:
    tip = cast.tip(chat, cast.through_a_tunnel())
    assert charlie.get(f"/tips/{tip.public_id}/addresses/").status_code == 403
    assert alice.get("/tips/NL-1111-1111/addresses/").status_code == 404
    assert alice.post(f"/tips/{tip.public_id}/addresses/").status_code == 405


def test_somebody_behind_a_tunnel_is_found_by_the_one_slip_and_the_page_says_whom_to_ask(
    alice: Client, chat: ReporterLogin
) -> None:
    tip = cast.tip(chat, cast.through_a_tunnel())
    _worked_out()
    page = _page(alice, tip)
    said = _words(_next(page))
    assert "Ask Lakeside Mobile for the subscriber of 203.0.113.7 port 41000 on 9 Nov 2026, 14:02:11 IST." in said
    assert f'href="/tips/{tip.public_id}/requests/new/?event=NL-' in _next(page)
    assert "slip" not in said
    candidates = _words(_part(page, "candidates"))
    assert "the tunnel was not up, or fell" in candidates
    assert "One event alone: not for a warrant." in candidates
    assert "Whoever uses the subscriber's Wi-Fi has the same address" in candidates
    assert "It does not say who used it." in candidates
    apart = _words(_part(page, "apart"))
    assert "192.0.2.10" in apart and "has nothing to do with it" in apart
    assert "192.0.2.10" not in candidates
    ladder = _words(_part(page, "ladder"))
    assert "Lakeside Mobile. Left of its records: 354 days." in ladder
    assert "one independent time alone: not for a warrant" in ladder
    assert "No record of a network answers this." in ladder


def test_the_same_without_the_port_ends_in_asking_the_provider_for_it(alice: Client, chat: ReporterLogin) -> None:
    tip = cast.tip(chat, cast.through_a_tunnel(port=None))
    _worked_out()
    page = _page(alice, tip)
    said = _words(_next(page))
    assert "Ask the provider for the source port: Example Chat, of 203.0.113.7 on 9 Nov 2026, 14:02:11 IST." in said
    assert "Draft the letter to the provider" in said and "/requests/new/?event=" in _next(page)
    assert "missing Ask the provider for the source port" in _words(_part(page, "ladder"))


def test_only_exits_are_traced_to_nobody(alice: Client, chat: ReporterLogin) -> None:
    events = [cast.used(cast.TOR, "2026-11-09T08:00:00Z", 41000), cast.used(cast.TUNNEL, "2026-11-05T08:00:00Z", 9)]
    tip = cast.tip(chat, cast.reported(*events))
    _worked_out()
    page = _page(alice, tip)
    assert "All events lie at exits of tunnels. None is traced to a subscriber." in _words(_next(page))
    assert "requests/new" not in page
    assert "None. No address here is asked about." in _words(page)


def test_records_that_soon_end_are_preserved_first(
    alice: Client, chat: ReporterLogin, monkeypatch: pytest.MonkeyPatch
) -> None:
    cast.load(monkeypatch, cast.lists(days=20))
    tip = cast.tip(chat, cast.through_a_tunnel())
    _worked_out()
    page = _page(alice, tip)
    assert "Have the records preserved first: 9 days are left." in _words(_next(page))
    cast.load(monkeypatch, cast.lists(days=5))
    Waiting.objects.create(tip=tip)  # other lists were loaded
    cast.prepare()
    # By its own word they are gone. The law has it keep them longer, which is asked for at once.
    assert "Have the records preserved first: 718 days are left." in _words(_next(_page(alice, tip)))


def test_uses_of_linked_tips_are_ranked_together_and_each_tip_shown_is_named_in_the_log(
    alice: Client, chat: ReporterLogin
) -> None:
    first = cast.tip(chat, cast.through_a_tunnel(port=None, email=MAIL))
    home = [cast.used(cast.FIBRE, f"2026-11-{day:02}T14:00:00Z", 41000 + day) for day in (3, 8, 10)]
    other = cast.tip(cast.reporter("Example Video"), cast.reported(*home, name="reed-9", email=MAIL))
    _worked_out()
    page = _page(alice, first)
    assert "in 2 tips that are proposed as one person's" in _words(page)
    assert "Ask Hillview Fibre for the subscriber of 198.51.100.9" in _words(_next(page))
    assert f"/tips/{other.public_id}/requests/new/" in _next(page)
    assert "independent time too: 198.51.100.9 port 41003 on 3 Nov 2026" in _words(_part(page, "candidates"))
    assert "Recorded. Both times are asked about" in _words(_part(page, "ladder"))
    entry = Event.objects.filter(kind="tip.viewed", subject=f"tip:{first.public_id}").latest("pk")
    assert first.public_id in entry.body and other.public_id in entry.body


def test_a_rejected_link_and_a_tip_beyond_reach_bring_nothing(alice: Client, chat: ReporterLogin) -> None:
    first = cast.tip(chat, cast.through_a_tunnel(email=MAIL))
    other = cast.tip(chat, cast.reported(cast.used(cast.FIBRE, "2026-11-03T14:00:00Z"), name="r-9", email=MAIL))
    _worked_out()
    assert cast.FIBRE in _page(alice, first)
    by = viewer(person("Dora", "commander"))
    pair = [Subject.objects.get(tip=one) for one in (first, other)]
    decisions.forbid(pair[0].pk, pair[1].pk, by=by, at=cast.NOW, reason="They are two people, the school says.")
    assert cast.FIBRE not in _page(alice, first)


def test_nothing_of_a_child_stands_on_the_page(alice: Client, chat: ReporterLogin) -> None:
    childs = cast.victim(cast.used("198.51.100.77", "2026-11-09T08:00:00Z", 40000), name="kite77's friend")
    tip = cast.tip(chat, cast.through_a_tunnel(), childs)
    _worked_out()
    page = _page(alice, tip)
    assert "198.51.100.77" not in page and "friend" not in page and "Meera" not in page
    assert "1 use of an address of a child: never traced as the reported person's." in _words(page)


def test_of_several_people_each_has_a_page_of_their_own(alice: Client, chat: ReporterLogin) -> None:
    two = cast.reported(cast.used(cast.FIBRE, "2026-11-03T14:00:00Z", 41000), name="reed-9")
    tip = cast.tip(chat, cast.through_a_tunnel(), two)
    _worked_out()
    page = _page(alice, tip)
    assert cast.FIBRE not in page and cast.MOBILE in page
    page = _page(alice, tip, person="1")
    assert cast.FIBRE in page and cast.MOBILE not in page
    assert cast.MOBILE in _page(alice, tip, person="nonsense")  # what is no number asks for the first


def test_before_the_worker_came_and_without_addresses_the_page_says_so(alice: Client, chat: ReporterLogin) -> None:
    tip = cast.tip(chat, cast.reported())
    assert "being looked up" in _words(_next(_page(alice, tip)))
    _worked_out()
    assert "states no use of an address" in _words(_next(_page(alice, tip)))


def test_who_only_reads_is_given_no_button(bob: Client, chat: ReporterLogin) -> None:
    tip = cast.tip(chat, cast.through_a_tunnel())
    _worked_out()
    page = _page(bob, tip)
    assert "Ask Lakeside Mobile" in _words(_next(page))
    assert "requests/new" not in page


def test_many_tips_cost_no_more_queries(alice: Client, chat: ReporterLogin) -> None:
    first = cast.tip(chat, cast.through_a_tunnel(email=MAIL))
    second = cast.reported(cast.used(cast.FIBRE, "2026-11-03T14:00:00Z", 5), name="r-1", email=MAIL)
    cast.tip(chat, second)
    _worked_out()
    with CaptureQueriesContext(connection) as few:
        _page(alice, first)
    for n in range(8):
        again = cast.used(cast.FIBRE, f"2026-11-{n + 4:02}T14:00:00Z", 41000)
        cast.tip(chat, cast.reported(again, name=f"r{n}", email=MAIL))
    _worked_out()
    with CaptureQueriesContext(connection) as many:
        assert "in 10 tips" in _words(_page(alice, first))
    assert len(many) <= len(few) <= 20, [one["sql"][:120] for one in many]


def test_every_state_has_words() -> None:
    assert set(trace.STATES) == set(State)
    assert set(trace.APART) == {*(why.value for why in Apart), looking_up.PROTECTED}


def test_what_is_asked_about_already_leads_to_its_request(alice: Client, chat: ReporterLogin) -> None:
    tip = cast.tip(chat, cast.through_a_tunnel())
    _worked_out()
    found = prepared_body.read(Prepared.objects.get(tip=tip).body)
    assert found is not None
    key = next(one.event.key for one in found.events if one.event.address == cast.MOBILE)
    Request.objects.create(
        public_id="RQ-7777-7777",
        tip=tip,
        unit=tip.unit,
        kind="subscriber",
        operator="lakeside",
        addressee="Lakeside Mobile",
        body=json.dumps({"lines": [{"key": key}]}),
        lines=1,
        state="draft",
        drafted_by=User.objects.get(username="alice"),
        drafted_at=cast.NOW,
    )
    page = _page(alice, tip)
    assert "is asked about in RQ-7777-7777 to Lakeside Mobile: Draft. Go on with the request" in _words(_next(page))
    assert 'href="/requests/RQ-7777-7777/"' in _next(page)
    assert "RQ-7777-7777 to Lakeside Mobile: Draft." in _words(_part(page, "ladder"))
