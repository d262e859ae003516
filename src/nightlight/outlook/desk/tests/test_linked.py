# SPDX-License-Identifier: Apache-2.0
"""The page of a person found in several tips: why it is proposed, what is held back, and what officers decide."""

from __future__ import annotations

import csv
import io
import json
import re
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.template.loader import render_to_string
from django.test.utils import CaptureQueriesContext

from nightlight.config import rights
from nightlight.foundation import clock
from nightlight.foundation.refusals import NotFound
from nightlight.outlook.desk import linked as linked_pages
from nightlight.outlook.desk import linked_decisions, linked_reasons
from nightlight.outlook.desk.tests import cast
from nightlight.pipeline.linking.models import Decision, Subject
from nightlight.pipeline.linking.tests.db_cast import link, reporter, suspect, tip, victim
from nightlight.pipeline.tips import handing
from nightlight.trust import identity
from nightlight.trust.accounts.models import User
from nightlight.trust.custody.models import Event
from nightlight.trust.rights import WEB
from nightlight.trust.units import actions as units

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.test import Client

    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.units.viewer import Viewer

PHONE = "+91 99900 00001"
REASON = "The operator's answer names one subscriber for both."


def _address(of: Tip, party: int = 0, rest: str = "") -> str:
    return f"/tips/{of.public_id}/linked/{party}/{rest}"


def _page(client: Client, of: Tip, party: int = 0, **asked: str) -> str:
    answer = client.get(_address(of, party), asked)
    assert answer.status_code == 200
    return answer.content.decode()


def _party(of: Tip, side: str = "suspect") -> int:
    return Subject.objects.get(tip=of, side=side).party


def _words(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


@pytest.fixture
def three(db: None) -> list[Tip]:
    """Three tips from two providers about one person, and linked."""
    chat, video = reporter(), reporter("Example Video")
    received = [
        tip(chat, suspect("grey-heron", phone=PHONE), read=True),
        tip(video, suspect("night-owl", phone="+919990000001", device="490154203237518"), read=True),
        tip(chat, suspect("tall-reed", device="490154203237518"), at=cast.NOON + timedelta(days=2), read=True),
    ]
    link()
    return received


def test_people_who_see_no_tips_and_what_is_not_there_are_refused(
    alice: Client, charlie: Client, three: list[Tip]
) -> None:
    assert charlie.get(_address(three[0])).status_code == 403
    assert charlie.get(_address(three[0], rest="export.csv")).status_code == 403
    assert alice.get(_address(three[0], 77)).status_code == 404
    assert alice.get("/tips/NL-1111-1111/linked/0/").status_code == 404
    assert alice.get(_address(three[0], rest="decide/")).status_code == 405


def test_the_first_lines_say_that_it_is_a_proposal_and_how_much_there_is(alice: Client, three: list[Tip]) -> None:
    top = _words(_page(alice, three[0]).split("</header>")[1])
    assert "Proposed as one person: 3 tips from 2 providers, 20 to 22 November" in top
    assert "No court has said so" in top
    assert "2 strong reasons" in top
    assert "Next step" in top


def test_each_reason_says_why_and_where_it_stands(alice: Client, three: list[Tip]) -> None:
    section = _page(alice, three[1]).split('id="reasons"')[1].split("</section>")[0]
    said = _words(section)
    assert "telephone number" in said
    assert "device identifier" in said
    assert "+919990000001" in said
    assert "as sent: +91 99900 00001" in said
    for one in three:
        assert one.public_id in section
    assert "deviceId" in section


def test_a_filter_in_the_address_leaves_one_strength(alice: Client, three: list[Tip]) -> None:
    page = _page(alice, three[0], strength="weak")
    section = page.split('id="reasons"')[1].split("</section>")[0]
    assert 'aria-current="page">Weak' in section
    assert "No reason of this strength." in section
    assert "link-strong" not in section
    assert "link-strong" in _page(alice, three[0], strength="strong")
    assert "link-strong" in _page(alice, three[0], strength="nonsense")  # an unknown one filters nothing


def test_the_graph_has_what_the_table_has(alice: Client, three: list[Tip]) -> None:
    page = _page(alice, three[0])
    told = json.loads(re.search(r'<script id="graph-data" type="application/json">(.*?)</script>', page, re.S)[1])  # type: ignore[index]
    labels = {node["data"]["label"].split("\n")[0] for node in told["nodes"]}
    assert {one.public_id for one in three} | {"telephone number", "device identifier"} <= labels
    assert all(edge["data"]["why"] for edge in told["edges"])
    ends = {edge["data"][end] for edge in told["edges"] for end in ("source", "target")}
    assert ends <= {node["data"]["id"] for node in told["nodes"]}
    table = page.split('id="links"')[1].split("<tbody>")[1].split("</tbody>")[0]
    assert "telephone number" in table
    assert "device identifier" in table


def test_names_are_said_with_their_service_and_what_says_little_is_weak(alice: Client) -> None:
    chat = reporter()
    received = [
        tip(chat, suspect("grey-heron", device="490154203237518"), read=True),
        tip(chat, suspect("Grey-Heron"), read=True),
    ]
    link()
    said = _words(_page(alice, received[0]).split('id="reasons"')[1].split("</section>")[0])
    assert "grey-heron (example chat)" in said
    assert "no reason is strong by itself" in _words(_page(alice, received[0]))
    assert "as sent: Grey-Heron" in said
    assert re.search(r"[0-9]+ points; 20 are enough", said)
    assert "device identifier" not in said  # nobody shares it


def test_what_is_on_the_childs_side_too_is_a_remark_and_no_link(alice: Client) -> None:
    chat = reporter()
    received = [
        tip(chat, suspect(email="home@example.org"), read=True),
        tip(chat, suspect(email="home@example.org"), read=True),
        tip(chat, suspect(), victim(email="home@example.org"), read=True),
    ]
    link()
    page = _words(_page(alice, received[0]))
    assert "Proposed as one person: 2 tips" in page
    assert "also seen on the child's side: a remark, never a link" in page.replace("&#x27;", "'")


def test_tips_stand_on_a_line_of_time(alice: Client, three: list[Tip]) -> None:
    section = _page(alice, three[0]).split('id="members"')[1].split("</section>")[0]
    assert section.count("tl-lane") == 3
    assert section.count("tl-ring") == 3
    for name in ("Example Chat", "Example Video"):
        assert name in section


def test_nothing_on_the_page_is_script_or_style_in_line(alice: Client, three: list[Tip]) -> None:
    page = _page(alice, three[0])
    assert " style=" not in page
    assert not re.search(r"\son\w+=", page)
    assert re.findall(r"<script(?![^>]*\bsrc=)([^>]*)>", page) == [' id="graph-data" type="application/json"']


def test_a_person_of_one_tip_alone_has_a_page_that_says_so(alice: Client) -> None:
    alone = tip(reporter(), suspect(phone=PHONE), read=True)
    link()
    page = _words(_page(alice, alone))
    assert "In one tip only" in page
    assert "Nothing in this tip is shared with a person of another tip." in page


def test_of_children_pseudonyms_are_shown_and_never_a_value(alice: Client) -> None:
    chat = reporter()
    received = [
        tip(chat, suspect(), victim("yellow-boat", email="meera@example.org"), read=True),
        tip(chat, suspect(), victim("yellow-boat", email="meera@example.org"), read=True),
    ]
    link()
    page = _page(alice, received[0], _party(received[0], "child"))
    assert "2 tips" in page
    assert cast.CHILD in page
    assert "value held back" in page
    took = alice.get(_address(received[0], _party(received[0], "child"), "export.csv")).content.decode()
    for text in (page, took):
        for word in ("yellow-boat", "meera", "example.org"):
            assert word not in text.lower(), word
    assert "e-mail address" in took


def test_each_opening_is_recorded(alice: Client, three: list[Tip]) -> None:
    subject = f"tip:{three[0].public_id}"
    before = Event.objects.filter(subject=subject, kind="tip.viewed").count()
    _page(alice, three[0])
    assert Event.objects.filter(subject=subject, kind="tip.viewed").count() == before + 1


def test_what_is_taken_away_is_a_table_and_recorded(alice: Client, three: list[Tip]) -> None:
    answer = alice.get(_address(three[0], rest="export.csv"))
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.reader(io.StringIO(answer.content.decode())))
    assert tuple(rows[0]) == linked_reasons.COLUMNS
    assert {row[0] for row in rows[1:]} == {one.public_id for one in three}
    assert "'+919990000001" in {cell for row in rows[1:] for cell in row}  # no formula for a spreadsheet
    event = Event.objects.get(kind="tip.linked-exported")
    assert event.subject == f"tip:{three[0].public_id}"
    assert f'"rows":{len(rows) - 1}' in event.body


def test_who_only_looks_decides_nothing(bob: Client, three: list[Tip]) -> None:
    page = _page(bob, three[0])
    assert "decide whether these are one person" in page
    assert "<form method" not in page.split('id="decisions"')[1]
    answer = bob.post(_address(three[0], rest="decide/"), {"verdict": "forbid", "reason": REASON})
    assert answer.status_code == 403
    assert not Decision.objects.exists()


def _ref(page: str, of: Tip) -> str:
    return re.search(rf'<option value="([^"]+)"[^>]*>{of.public_id}', page)[1]  # type: ignore[index]


def test_a_decision_needs_a_reason_and_two_people_of_the_page(alice: Client, three: list[Tip]) -> None:
    page = _page(alice, three[0])
    first, second = _ref(page, three[0]), _ref(page, three[1])
    for asked in (
        {"verdict": "forbid", "first": first, "second": second, "reason": "no"},
        {"verdict": "forbid", "first": first, "second": first, "reason": REASON},
        {"verdict": "forbid", "first": first, "second": "NL-1111-1111.0", "reason": REASON},
        {"verdict": "silence", "value": "nothing", "reason": REASON},
        {"verdict": "guess", "first": first, "second": second, "reason": REASON},
    ):
        assert alice.post(_address(three[0], rest="decide/"), asked).status_code in {400, 404, 409}, asked
    assert not Decision.objects.exists()


def test_two_people_are_said_not_to_be_one_and_that_stands(alice: Client, three: list[Tip]) -> None:
    page = _page(alice, three[0])
    asked = {"verdict": "forbid", "first": _ref(page, three[0]), "second": _ref(page, three[1]), "reason": REASON}
    answer = alice.post(_address(three[0], rest="decide/"), asked)
    assert answer.status_code == 302
    assert answer.headers["Location"] == _address(three[0])
    link()
    page = _words(_page(alice, three[0]))
    assert "In one tip only" in page
    assert "These are not one person" in page
    assert "Alice Example" in page
    assert REASON.replace("'", "&#x27;") in page
    assert "Proposed as one person: 2 tips" in _words(_page(alice, three[1]))


def test_a_value_is_said_to_link_nobody(alice: Client, three: list[Tip]) -> None:
    page = _page(alice, three[0])
    value = re.search(r'<option value="([^"]+)">device identifier', page)[1]  # type: ignore[index]
    asked = {"verdict": "silence", "value": value, "reason": "A sample number that an app sends for every telephone."}
    assert alice.post(_address(three[0], rest="decide/"), asked).status_code == 302
    link()
    assert "Proposed as one person: 2 tips" in _words(_page(alice, three[0]))
    assert "In one tip only" in _words(_page(alice, three[2]))


def test_two_are_confirmed(alice: Client, three: list[Tip]) -> None:
    page = _page(alice, three[0])
    asked = {"verdict": "confirm", "first": _ref(page, three[0]), "second": _ref(page, three[2]), "reason": REASON}
    assert alice.post(_address(three[0], rest="decide/"), asked).status_code == 302
    link()
    page = _page(alice, three[0])
    assert "These are one person" in page.split('id="decisions"')[1]
    told = json.loads(re.search(r'<script id="graph-data" type="application/json">(.*?)</script>', page, re.S)[1])  # type: ignore[index]
    assert "decided" in {edge["data"]["strength"] for edge in told["edges"]}


@pytest.mark.usefixtures("db")
def test_tips_of_other_units_are_counted_and_never_shown_nor_taken_away(three: list[Tip]) -> None:
    a, b = (
        units.add_unit(by="command:cli", at=cast.NOON, code=code, name=code, kind="state", parent=cast.root())
        for code in ("ST-A", "ST-B")
    )
    kiran, dev = cast.person("Kiran", "investigator", a), cast.person("Dev", "investigator", b)
    with identity.acting_as(service="command"):
        for one, unit in zip(three, (a, a, b), strict=True):
            handing.hand_over(by="command:cli", at=cast.NOON, tip=one, to=unit, why="area")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    rights.apply(connection)
    with _as_pages(kiran) as viewer:
        page = linked_pages.page(viewer, three[0], 0, strength="", at=clock.now())
        assert (page.tips, page.beyond, page.next_anchor) == (2, 1, "beyond")
        assert [one.kind for one in page.reasons if one.strength != "none"] == ["telephone number"]
        (found,) = linked_pages.of_tip(viewer, three[0])
        assert (found.told, found.beyond) == ("also in 1 other tip", "1 tip you may not see")
        for told in (page, found, linked_reasons.rows(viewer, three[0], 0)):
            assert three[2].public_id not in repr(told)
        asked = {"verdict": "forbid", "first": three[0].public_id, "second": three[2].public_id, "reason": REASON}
        with pytest.raises(NotFound):
            linked_decisions.decide(viewer, three[0], 0, asked=asked, at=clock.now())
        asked["second"] = three[1].public_id.lower()
        assert "not one person" in linked_decisions.decide(viewer, three[0], 0, asked=asked, at=clock.now())
    with _as_pages(dev) as viewer:
        page = linked_pages.page(viewer, three[2], 0, strength="", at=clock.now())
        assert (page.tips, page.beyond, page.decisions) == (1, 2, ())
        with pytest.raises(NotFound):
            linked_reasons.found_person(viewer, three[0], 0)


@contextmanager
def _as_pages(user: User) -> Iterator[Viewer]:
    """Run the block as pages do for this person: rows beyond their reach are not there."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {WEB}")
    try:
        with identity.acting_as(viewer=user.pk):
            yield cast.viewer(user)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")


def test_one_who_was_cleared_is_not_there(alice: Client, three: list[Tip]) -> None:
    Subject.objects.filter(tip=three[1]).update(gone=True)
    assert alice.get(_address(three[1])).status_code == 404
    assert three[1].public_id not in _page(alice, three[0])


def test_somebody_of_a_tip_that_shares_nothing_is_confirmed(alice: Client, three: list[Tip]) -> None:
    other = tip(reporter("Example Forum"), suspect(), suspect(), read=True)
    link()
    asked = {"verdict": "confirm", "first": three[0].public_id, "second": other.public_id, "reason": REASON}
    answer = alice.post(_address(three[0], rest="decide/"), asked)
    assert answer.status_code == 409
    assert f"{other.public_id}.1" in answer.content.decode()
    asked["second"] += ".1"
    assert alice.post(_address(three[0], rest="decide/"), asked).status_code == 302
    link()
    page = _words(_page(alice, three[0]))
    assert "Proposed as one person: 4 tips" in page
    assert "Work these tips as one: an officer confirmed it." in page


def test_the_page_of_a_tip_tells_who_is_in_other_tips_too(alice: Client, three: list[Tip]) -> None:
    viewer = cast.viewer(User.objects.get(username="alice"))
    (found,) = linked_pages.of_tip(viewer, three[0])
    assert found.told == "also in 2 other tips"
    assert found.why.startswith("strong: ")
    assert found.party == 0
    panel = render_to_string("desk/linked_of_tip.html", {"linked": (found,), "tip": three[0]})
    assert f'href="{_address(three[0])}"' in panel
    assert "also in 2 other tips" in _words(panel)
    alone = tip(reporter("Example Forum"), suspect(), read=True)
    link()
    with CaptureQueriesContext(connection) as few:
        assert linked_pages.of_tip(viewer, alone) == ()
    assert len(few) <= 4
    assert not render_to_string("desk/linked_of_tip.html", {"linked": (), "tip": alone}).strip()


def test_many_tips_cost_no_more_queries(alice: Client, three: list[Tip]) -> None:
    with CaptureQueriesContext(
        connection,
    ) as few:
        _page(alice, three[0])
    chat = reporter("Example Forum")
    for _n in range(12):
        tip(chat, suspect(phone=PHONE), read=True)
    link()
    with CaptureQueriesContext(connection) as many:
        assert "15 tips" in _page(alice, three[0])
    assert len(many) <= len(few) + 2, [one["sql"][:120] for one in many]
