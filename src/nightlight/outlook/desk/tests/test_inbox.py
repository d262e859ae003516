# SPDX-License-Identifier: Apache-2.0
"""The inbox: what is in it, in which order, what filters do, and how news arrive."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from nightlight.outlook.desk.tests import cast
from nightlight.pipeline.tips import actions, summarising
from nightlight.pipeline.tips.queries import Cursor
from nightlight.pipeline.tips.tests.example_reports import REPORT_XML

if TYPE_CHECKING:
    from django.test import Client

    from nightlight.outlook.desk.tests.cast import Desk

ROW = re.compile(r'<li class="tip[^"]*" id="tip-(NL-[0-9A-Z-]+)"')


def _shown(client: Client, address: str) -> list[str]:
    return ROW.findall(client.get(address).content.decode())


def _news(client: Client, page: str) -> str:
    found = re.search(r'hx-get="(/arrivals/[^"]+)"', client.get(page).content.decode())
    assert found
    return found[1].replace("&amp;", "&")


def test_an_empty_inbox_says_what_will_happen_and_what_to_do(alice: Client) -> None:
    page = alice.get("/").content.decode()
    assert "No tip has arrived yet" in page
    assert "Import them" in page


def test_it_shows_the_newest_first_and_fifty_a_page(alice: Client, desk: Desk) -> None:
    tips = [desk.received(at=cast.NOON + timedelta(seconds=n)).public_id for n in range(53)]
    newest_first = tips[::-1]
    assert _shown(alice, "/") == newest_first[:50]
    older = re.search(r'rel="next" href="(\?[^"]+)"', alice.get("/").content.decode())
    assert older
    assert _shown(alice, f"/{older[1]}") == newest_first[50:]
    newer = re.search(r'rel="prev" href="(\?[^"]+)"', alice.get(f"/{older[1]}").content.decode())
    assert newer
    assert _shown(alice, f"/{newer[1]}") == newest_first[:50]


def test_a_row_says_what_whose_when_and_how_urgent(alice: Client, desk: Desk) -> None:
    desk.full()
    page = alice.get("/").content.decode()
    assert "Reporter asks for urgent handling" in page
    assert "Online enticement of a child" in page
    assert "Example Chat" in page
    assert "IST" in page
    assert "UTC" in page
    assert "1 reported person, 1 recipient, 1 victim" in page
    assert not any(word in page for word in cast.CHILD_WORDS)


def test_a_tip_that_is_still_being_read_says_so(alice: Client, desk: Desk) -> None:
    desk.received(read=False)
    assert "Being read…" in alice.get("/").content.decode()


def test_test_reports_are_never_among_real_ones(alice: Client, desk: Desk) -> None:
    real = desk.received()
    test = cast.Desk(cast.reporter("Example Trial", "test")).received()
    assert _shown(alice, "/") == [real.public_id]
    assert _shown(alice, "/?environment=test") == [test.public_id]
    page = alice.get("/?environment=test").content.decode()
    assert "Nothing on this page is real" in page
    assert '<span class="badge test">Test</span>' in page


def test_filters_narrow_and_their_address_is_stable(alice: Client, desk: Desk) -> None:
    plain = desk.received()
    enticement = desk.received(REPORT_XML)
    other = cast.Desk(cast.reporter("Example Mail")).received()
    assert _shown(alice, "/?type=enticement") == [enticement.public_id]
    assert _shown(alice, f"/?reporter={other.reporter.public_id}") == [other.public_id]
    assert set(_shown(alice, "/?from=2026-11-20&to=2026-11-20")) == {
        plain.public_id,
        enticement.public_id,
        other.public_id,
    }
    assert _shown(alice, "/?from=2026-11-21") == []
    assert "No tip matches these filters" in alice.get("/?from=2026-11-21").content.decode()


def test_days_are_those_of_the_officers_zone(alice: Client, desk: Desk) -> None:
    late = desk.received(at=cast.NOON.replace(hour=19))  # half past midnight in India
    assert _shown(alice, "/?from=2026-11-20&to=2026-11-20") == []
    assert _shown(alice, "/?from=2026-11-21&to=2026-11-21") == [late.public_id]


def test_each_state_has_its_list(alice: Client, desk: Desk) -> None:
    _, still_open = desk.opened()
    report_id, withdrawn = desk.opened()
    actions.retract(by=desk.by, at=cast.NOON + timedelta(minutes=1), report_id=report_id)
    _, lapsed = desk.opened(at=cast.NOON - timedelta(days=3))
    actions.expire_due(by="service:worker", at=cast.NOON)
    assert _shown(alice, "/") == []
    assert _shown(alice, "/?state=open") == [still_open]
    assert _shown(alice, "/?state=retracted") == [withdrawn]
    assert _shown(alice, "/?state=expired") == [lapsed]


@pytest.mark.parametrize(
    "query",
    [
        "state=gone",
        "environment=moon",
        "type=other-thing",
        "reporter=RP-0000-0000",
        "from=yesterday",
        "after=1",
        "from=2026-02-02&to=2026-02-01",
    ],
)
def test_a_filter_that_makes_no_sense_is_said_and_not_applied(alice: Client, desk: Desk, query: str) -> None:
    answer = alice.get(f"/?{query}")
    assert answer.status_code == 400
    assert 'role="alert"' in answer.content.decode()


def test_a_likely_repeat_is_marked_with_the_earlier_tip(alice: Client, desk: Desk) -> None:
    first, second = desk.received(), desk.received()
    page = alice.get("/").content.decode()
    assert "Likely repeats" in page
    assert page.count(first.public_id) > page.count(second.public_id)


def test_no_news_is_a_short_answer(alice: Client, desk: Desk) -> None:
    desk.received()
    alice.get("/")  # the first page of a session notes the session
    with CaptureQueriesContext(
        connection,
    ) as asked:
        answer = alice.get(_news(alice, "/"))
    assert answer.status_code == 204
    assert answer.content == b""
    assert len(asked) <= 15  # the page itself, and six for the news


def test_new_tips_come_in_by_themselves_on_the_first_page(alice: Client, desk: Desk) -> None:
    desk.received()
    news = _news(alice, "/")
    fresh = desk.received(at=cast.NOON + timedelta(minutes=5), read=False)
    page = alice.get(news).content.decode()
    assert "1 new tip arrived" in page
    assert 'hx-swap-oob="afterbegin:#tips"' in page
    assert ROW.findall(page) == [fresh.public_id]
    again = re.search(r'hx-get="(/arrivals/[^"]+)"', page)
    assert again
    next_news = again[1].replace("&amp;", "&")
    assert alice.get(next_news).status_code == 204
    summarising.summarise([fresh], by="service:worker", at=cast.NOON)
    read = alice.get(next_news).content.decode()
    assert f'id="tip-{fresh.public_id}" hx-swap-oob="true"' in read
    assert "1 reported person" in read


def test_with_days_chosen_new_tips_are_only_told(alice: Client, desk: Desk) -> None:
    desk.received()
    news = _news(alice, "/?to=2026-12-31")
    desk.received(at=cast.NOON + timedelta(minutes=5))
    page = alice.get(news).content.decode()
    assert "1 new tip arrived" in page
    assert "Show" in page
    assert ROW.findall(page) == []
    told = re.search(r'hx-get="(/arrivals/[^"]+)"', page)
    assert told
    assert alice.get(told[1].replace("&amp;", "&")).status_code == 204


def test_a_broken_place_in_the_news_is_refused(alice: Client) -> None:
    assert alice.get("/arrivals/?since=nonsense").status_code == 400


def test_the_page_takes_few_queries_however_many_rows(alice: Client, desk: Desk) -> None:
    for _ in range(20):
        desk.received()
    alice.get("/")
    with CaptureQueriesContext(connection) as asked:
        alice.get("/")
    assert len(asked) <= 9, [query["sql"][:90] for query in asked.captured_queries]


def test_find_goes_to_the_tip_that_is_meant(alice: Client, desk: Desk) -> None:
    tip = desk.received()
    typed = tip.public_id.lower().replace("-", "").replace("0", "o")
    for text in (tip.public_id, typed, str(tip.report_id)):
        answer = alice.get("/find/", {"q": text})
        assert answer.headers["Location"] == f"/tips/{tip.public_id}/"
    assert alice.get("/find/", {"q": "NL-1111-1112"}).status_code == 404


def test_a_cursor_survives_being_written_and_read() -> None:
    place = Cursor(cast.NOON, "NL-7F3K-9QTX")
    assert Cursor.parse(str(place)) == place
    with pytest.raises(ValueError, match="no place"):
        Cursor.parse("1; DROP TABLE tips")


def test_tips_of_one_moment_are_neither_lost_nor_shown_twice(alice: Client, desk: Desk) -> None:
    ids = {desk.received().public_id for _ in range(55)}
    first = alice.get("/").content.decode()
    older = re.search(r'rel="next" href="(\?[^"]+)"', first)
    assert older
    both = ROW.findall(first) + _shown(alice, f"/{older[1]}")
    assert len(both) == 55
    assert set(both) == ids
