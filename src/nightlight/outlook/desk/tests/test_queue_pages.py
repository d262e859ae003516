# SPDX-License-Identifier: Apache-2.0
"""The queue: who sees it, what stands where and why, and what its addresses leave."""

from __future__ import annotations

import html
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from django.test import Client

from nightlight.foundation import clock
from nightlight.outlook.desk.tests import cast
from nightlight.pipeline.matching.tests.cast import pattern, png
from nightlight.pipeline.tips import handing
from nightlight.pipeline.triage import gathering, queue
from nightlight.pipeline.triage.models import (
    Alert,
    Band,
    Lane,
    LastLook,
    OfficerFact,
    Standing,
)
from nightlight.pipeline.triage.tests import cast as pile
from nightlight.trust import identity
from nightlight.trust.accounts.models import User
from nightlight.trust.units import actions as units

if TYPE_CHECKING:
    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.accounts.queries import ReporterLogin

NOON, WHY, HOUR = cast.NOON, pile.WHY, timedelta(hours=1)
URGENT = "Please look at this first."
ESCALATED, LURED = "The reporter asks for high priority", "A child is lured or solicited"


@pytest.fixture(autouse=True)
def an_hour_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """An hour after the tips came: nothing here waits for a clock."""
    _it_is(monkeypatch, NOON + HOUR)


def _it_is(monkeypatch: pytest.MonkeyPatch, at: datetime) -> None:
    monkeypatch.setattr(clock, "now", lambda: at)


@pytest.fixture
def chat(db: None) -> ReporterLogin:
    """A reporter."""
    return pile.reporter()


@pytest.fixture
def three(chat: ReporterLogin) -> list[Tip]:
    """An ordinary tip, one about luring, and one with a tripwire; in the order in which they came."""
    bodies = (pile.body(), pile.body(kind="enticement"), pile.body(urgent=URGENT))
    tips = [pile.tip(chat, body) for body in bodies]
    pile.assess()
    return tips


def signed_in(name: str, role: str) -> Client:
    """Somebody with a role in the unit that receives, signed in."""
    client = Client()
    client.force_login(cast.person(name, role))
    return client


def page(client: Client, address: str, status: int = 200, **asked: str) -> str:
    """What a page says."""
    answer = client.get(address, asked)
    assert answer.status_code == status
    return html.unescape(answer.content.decode())


def sent(client: Client, address: str, **form: str) -> str:
    """What the page to which a form leads says after it was sent."""
    answer = client.post(address, form, follow=True)
    assert answer.status_code == 200
    assert len(answer.redirect_chain) == 1
    return html.unescape(answer.content.decode())


def notices(text: str) -> list[str]:
    """What a page says was done, or why not: "success: …" or "error: …"."""
    return [": ".join(one) for one in re.findall(r'<p class="notice notice-(\w+)" role="status">(.*?)</p>', text)]


def shown(text: str) -> list[str]:
    """The tips that stand first in the rows of the queue, in their order."""
    return re.findall(r'<li class="tip [^>]*id="row-([^"]+)"', text)


def row(text: str, of: Tip) -> str:
    """One row of the queue."""
    return (
        text.split(f'id="row-{of.public_id}"')[1].split('<li class="tip ', maxsplit=1)[0].split("</ol>", maxsplit=1)[0]
    )


def reasons(part: str) -> list[str]:
    """The reasons that a row gives; a tripwire has a mark before it."""
    listed = part.split('<ul class="tip-why">')[1].split("</ul>", maxsplit=1)[0] if "tip-why" in part else ""
    return [
        ("! " if mark else "") + said for mark, said in re.findall(r"<li( class=\"is-tripwire\")?>(.*?)</li>", listed)
    ]


def names(*tips: Tip) -> list[str]:
    """Their public ids."""
    return [tip.public_id for tip in tips]


def address(of: Tip, rest: str = "") -> str:
    """The page of a tip, or what is sent to."""
    return f"/tips/{of.public_id}/{rest}"


# --- who sees and does what


def test_who_reads_no_tips_sees_no_queue_and_does_nothing(charlie: Client, three: list[Tip]) -> None:
    alert = Alert.objects.get().public_id
    for where in ("/queue/", "/alerts/", "/queue/rules/"):
        assert charlie.get(where).status_code == 403
        assert Client().get(where).status_code == 302
    for rest in ("take/", "release/", "assign/", "put-off/", "close/", "open-again/", "band/", "found-out/"):
        assert charlie.post(address(three[0], rest)).status_code == 403
        assert charlie.get(address(three[0], rest)).status_code in {403, 405}
    assert charlie.post(f"/alerts/{alert}/answer/").status_code == 403
    assert pile.where(three[0]).lane == Lane.OPEN
    assert Alert.objects.filter(acknowledged_by=None).count() == 1


def test_an_analyst_reads_the_queue_and_is_offered_nothing_to_take(three: list[Tip]) -> None:
    analyst = signed_in("Mira", "intake-analyst")
    text = page(analyst, "/queue/")
    assert shown(text) == names(*reversed(three))
    assert 'data-key="a"' not in text
    assert "/take/" not in text
    panel = page(analyst, address(three[2]))
    assert 'id="triage"' in panel
    assert "/take/" not in panel
    assert "/band/" not in panel
    assert "I answer for it" not in page(analyst, "/alerts/")
    for rest in ("take/", "band/", "close/"):
        assert analyst.post(address(three[0], rest)).status_code in {302, 403}
    assert analyst.post(f"/alerts/{Alert.objects.get().public_id}/answer/").status_code == 403
    standing = pile.where(three[0])
    assert (standing.lane, standing.holder, standing.band) == (Lane.OPEN, None, Band.LOW)


def test_an_officer_is_offered_to_take_what_nobody_holds(alice: Client, three: list[Tip]) -> None:
    sent(alice, address(three[0], "take/"))
    text = page(alice, "/queue/")
    assert "/take/" not in row(text, three[0])
    assert "with Alice Example" in row(text, three[0])
    assert f"/tips/{three[1].public_id}/take/" in row(text, three[1])


# --- addresses


@pytest.mark.parametrize(
    "asked",
    [
        "band=worst",
        "band=-1",
        "whose=theirs",
        "environment=moon",
        "after=1-2-3",
        "after=9-x-0-1",
        "after=3-x-0-",
        "after=3-99999999999999999999-0-1",
        "after=٣-x-0-1",
        "band=low&after=;DROP",
    ],
)
def test_an_address_that_asks_for_nothing_known_is_told_so_and_shows_all(
    alice: Client, three: list[Tip], asked: str
) -> None:
    text = page(alice, f"/queue/?{asked}", status=400)
    assert "This address asks for something the queue does not know; it shows all." in text
    assert shown(text) == names(*reversed(three))


def test_filters_stand_in_the_address_and_leave_what_they_say(alice: Client, three: list[Tip]) -> None:
    plain, lured, urgent = three
    sent(alice, address(lured, "take/"))
    for asked, left in (
        ("band=critical", [urgent]),
        ("band=medium", [lured]),
        ("band=low", [plain]),
        ("band=high", []),
        ("whose=nobody", [urgent, plain]),
        ("whose=mine", [lured]),
        ("whose=mine&band=low", []),
        (f"unit={plain.unit.public_id}", [urgent, lured, plain]),
        ("unit=UN-0000-0000", []),
        ("environment=test", []),
    ):
        text = page(alice, f"/queue/?{asked}")
        assert shown(text) == names(*left), asked
        assert ('class="empty"' in text) == (not left)
    text = page(alice, "/queue/?band=medium&whose=mine")
    assert 'href="?band=medium&whose=nobody"' in text  # each filter keeps the other
    assert 'href="?band=critical&whose=mine"' in text
    assert 'href="?whose=mine"' in text


def test_each_band_says_how_many_rows_it_has(alice: Client, three: list[Tip]) -> None:
    bands = page(alice, "/queue/").split('aria-label="Bands"')[1].split("</nav>")[0]
    told = dict(re.findall(r'(\w+) <span class="num">([^<]*)</span>', bands))
    assert told == {"Critical": "1", "High": "0", "Medium": "1", "Low": "1"}
    assert list(told) == ["Critical", "High", "Medium", "Low"]
    cells = page(alice, "/queue/").split('class="pile-table"')[1].split("</table>")[0]
    assert sum(int(one) for one in re.findall(r"</span>(\d+)</td>", cells)) == len(three)


def test_a_pile_too_large_to_count_says_that_it_is_a_part(
    alice: Client, three: list[Tip], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "There are more:" not in page(alice, "/queue/")
    monkeypatch.setattr(queue, "PILE", 2)
    assert "There are more: 2 of them are counted here." in page(alice, "/queue/")


def test_a_unit_leaves_its_own_rows(alice: Client, three: list[Tip]) -> None:
    below = units.add_unit(
        by="command:cli", at=NOON, code="D", name="Example district", kind="district", parent=cast.root()
    )
    with identity.acting_as(service="command"):
        handing.hand_over(by="command:cli", at=NOON, tip=three[0], to=below, why="area")
    pile.assess()
    assert shown(page(alice, f"/queue/?unit={below.public_id}")) == names(three[0])
    assert shown(page(alice, f"/queue/?unit={cast.root().public_id}")) == names(three[2], three[1])
    assert shown(page(alice, "/queue/")) == names(*reversed(three))
    assert "Example district" in row(page(alice, "/queue/"), three[0])


def test_test_reports_have_a_queue_of_their_own(alice: Client, three: list[Tip]) -> None:
    tried = pile.tip(pile.reporter("Example Trial", "test"), pile.body(urgent=URGENT))
    pile.assess()
    text = page(alice, "/queue/?environment=test")
    assert shown(text) == names(tried)
    assert "Nothing on this page is real." in text
    assert 'href="?environment=test&band=critical"' in text
    assert tried.public_id not in page(alice, "/queue/")


# --- what a row says


def test_a_row_says_why_tripwires_first_and_not_what_every_tip_has(alice: Client, chat: ReporterLogin) -> None:
    plain = pile.tip(chat)
    both = pile.tip(chat, pile.body(kind="enticement", urgent=URGENT))
    pile.assess()
    for fact in ("prior_record", "access_to_children"):
        OfficerFact.objects.create(
            tip=both, fact=fact, value=True, reason=WHY, by=User.objects.get(username="alice"), at=NOON
        )
    pile.assess()
    text = page(alice, "/queue/")
    told = reasons(row(text, both))
    assert told[:2] == [f"! {ESCALATED}", LURED]
    assert len(told) == 3
    assert reasons(row(text, plain)) == []
    assert "A report was made" not in text  # every tip has that
    assert "1 reported person" in row(text, plain)
    assert "A report was made" in page(alice, address(plain))  # on its own page everything counts


def test_a_row_says_how_long_there_is(alice: Client, three: list[Tip]) -> None:
    for hours, said, soon in (
        (-2, "evidence may be gone", True),
        (5, "evidence dies in 4 h", True),
        (60, "evidence dies in 59 h", False),
        (24 * 9 + 1, "evidence dies in 9 days", False),
        (None, "", False),
    ):
        Standing.objects.filter(tip=three[0]).update(dies_at=None if hours is None else NOON + hours * HOUR)
        part = row(page(alice, "/queue/"), three[0])
        assert (f">{said}</b>" in part) == bool(said), hours
        assert ("dies-soon" in part) == soon, hours


def test_what_stands_in_one_row_has_a_badge_that_says_why(alice: Client, chat: ReporterLogin) -> None:
    same = pile.body()
    repeated = [pile.tip(chat, same) for _ in range(3)]
    about = [pile.tip(by, pile.body(email="heron@mail.example.org")) for by in (chat, pile.reporter("Example Photos"))]
    clip = png(pattern(3))
    passed = [pile.tip(chat, b"", clip) for _ in range(gathering.VIRAL)]
    alone = pile.tip(chat)
    pile.look_up()
    for _ in range(2):
        pile.link()
        pile.assess()
    text = page(alice, "/queue/")
    assert len(shown(text)) == 4
    told = {
        badge: tip
        for tip in shown(text)
        for badge in re.findall(
            r'<span class="badge">([^<]+)</span>', text.split(f'id="row-{tip}"')[1].split("</p>")[0]
        )
    }
    assert set(told) == {
        "the same report 3 times",
        "2 tips, proposed as one person",
        f"one file in {gathering.VIRAL} tips",
    }
    assert told["the same report 3 times"] in names(*repeated)
    assert told["2 tips, proposed as one person"] in names(*about)
    led = next(one for one in passed if one.public_id == told[f"one file in {gathering.VIRAL} tips"])
    assert reasons(row(text, led))[0] == f"first here through Example Chat, {passed[0].public_id}"
    assert "badge" not in row(text, alone).split("</p>")[0].replace("badge band", "").replace("tip-badges", "")
    panel = page(alice, address(repeated[1]))
    assert "3 tips stand in one row of the queue; what you do here is done to all of them." in panel
    assert "Example Photos" not in row(text, alone)


def test_what_came_since_the_last_look_is_new_until_the_next(
    alice: Client, three: list[Tip], monkeypatch: pytest.MonkeyPatch
) -> None:
    minute = timedelta(minutes=1)
    assert "since you looked last" not in page(alice, "/queue/")
    LastLook.objects.update(at=NOON + 20 * minute)  # moved back, so that nobody has to sign in anew meanwhile
    fresh = pile.tip(pile.reporter("Example Photos"), at=NOON + 50 * minute)
    pile.assess(NOON + 50 * minute)
    for _ in range(2):  # a second page within the same look says the same
        text = page(alice, "/queue/")
        assert "<b>1</b> row has something new since you looked last" in text
        assert [one for one in (fresh, *three) if "badge-new" in row(text, one)] == [fresh]
    LastLook.objects.update(at=NOON + 55 * minute)
    for minutes in (70, 80, 86):
        _it_is(monkeypatch, NOON + minutes * minute)
        page(alice, "/alerts/")  # or the session would end
    text = page(alice, "/queue/")
    assert "Nothing new since you looked last" in text
    assert "badge-new" not in text


def test_nothing_of_a_child_is_on_these_pages(alice: Client, desk: cast.Desk) -> None:
    words = [*cast.CHILD_WORDS, "meera@home.example.org"]
    tip = desk.full()
    child = """<victim><victimPerson><firstName>Meera</firstName><email>meera@home.example.org</email><age>12</age>
    </victimPerson><screenName>yellow-boat</screenName></victim><additionalInfo>"""
    for name in ("one", "two"):  # two, so that they are linked by the child
        body = pile.body(urgent="Meera waits at Example School.", said="Write to meera@home.example.org", name=name)
        pile.tip(desk.by, body.replace(b"<additionalInfo>", child.encode()))
    pile.link()
    pile.assess()
    alert = Alert.objects.filter(tip=tip).first()
    assert alert is not None
    for where in ("/queue/", "/alerts/", address(tip)):
        text = page(alice, where)
        assert tip.public_id in text
        assert not [word for word in words if word.lower() in text.lower()], where
    assert len(shown(page(alice, "/queue/"))) >= 2
    text = sent(alice, f"/alerts/{alert.public_id}/answer/")
    assert not [word for word in words if word.lower() in text.lower()]
