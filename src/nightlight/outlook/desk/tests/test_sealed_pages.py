# SPDX-License-Identifier: Apache-2.0
"""Sealed identities on pages: who may ask, what they must say, where names can be read, and for how long."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import connection, transaction
from django.test import Client

from nightlight.config import rights
from nightlight.foundation import clock
from nightlight.outlook.desk.tests import cast
from nightlight.trust import identity as acting
from nightlight.trust.accounts.models import Role
from nightlight.trust.custody import queries as custody
from nightlight.trust.custody.models import Event
from nightlight.trust.law.queries import current_pack
from nightlight.trust.rights import WEB
from nightlight.trust.sealed import actions
from nightlight.trust.sealed.models import Identity, State, Unsealing
from nightlight.trust.sealed.rules import SEARCHES_AN_HOUR
from nightlight.trust.units import actions as units
from nightlight.trust.units.models import Post

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from django.test.client import _MonkeyPatchedWSGIResponse as Answered
    from pytest_django import Settings

    from nightlight.outlook.desk.tests.cast import Desk
    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.accounts.models import User

REASON = {
    "reason_kind": "child-in-danger",
    "reason": "Arrange for the child to be met at school",
    "case_number": "88/2027",
    "minutes": "10",
}
OTHERS = [role.value for role in Role if role not in {Role.INVESTIGATOR, Role.VICTIM_IDENTIFICATION}]


@pytest.fixture(autouse=True)
def _keys(tmp_path: Path, settings: Settings) -> None:
    settings.NIGHTLIGHT_SEALING_KEYS_DIR = tmp_path / "sealing"
    settings.NIGHTLIGHT_SEALED_SEARCH_KEY = b"s" * 32


@pytest.fixture
def tip(desk: Desk) -> Tip:
    """The example report, read: its victim is sealed."""
    return desk.full()


@pytest.fixture
def child(tip: Tip) -> Identity:
    """Meera, as far as pages know her."""
    return Identity.objects.get(subject=f"tip:{tip.public_id}", pseudonym=cast.CHILD)


def _client(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def ines(db: None) -> Client:
    """An investigator, signed in."""
    return _client(cast.person("Ines", "investigator"))


def _page(answer: Answered, status: int = 200) -> str:
    assert answer.status_code == status, answer.content.decode()
    return answer.content.decode()


def _asking(tip: Tip, child: Identity) -> str:
    return f"/tips/{tip.public_id}/sealed/{child.public_id}/"


def _ask(client: Client, tip: Tip, child: Identity, **changed: str) -> str:
    """Ask as the form does; return the address of the opening."""
    answer = client.post(_asking(tip, child), REASON | changed)
    assert answer.status_code == 302, answer.content.decode()
    return str(answer.headers["Location"])


def _answer(place: str) -> None:
    """What the worker does when it comes to the request."""
    actions.answer(
        by="service:worker",
        at=clock.now(),
        unsealing=place.split("/")[2],
        law=current_pack().unsealing,
    )


def _open(client: Client, tip: Tip, child: Identity) -> str:
    place = _ask(client, tip, child)
    _answer(place)
    return place


def _names(page: str) -> list[str]:
    return [word for word in cast.CHILD_WORDS if word.lower() in page.lower()]


# --- who may ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", OTHERS)
def test_other_roles_are_refused_everywhere_and_see_no_button(tip: Tip, child: Identity, role: str) -> None:
    client = _client(cast.person("Otto", role))
    for address in (_asking(tip, child), "/sealed/search/", "/unsealings/US-1111-1111/"):
        answer = client.get(address)
        assert (answer.status_code, "investigators and by victim" in answer.content.decode()) == (403, True), address
    assert client.post(_asking(tip, child), REASON).status_code == 403
    assert client.post("/sealed/search/", {"kind": "name", "text": "Meera"}).status_code == 403
    assert client.post("/unsealings/US-1111-1111/close/").status_code == 403
    assert client.get("/unsealings/").status_code == (200 if role in {"commander", "auditor"} else 403)
    if role != "administrator":
        page = _page(client.get(f"/tips/{tip.public_id}/"))
        assert "Open the sealed identity" not in page
        assert _names(page) == []
    assert not Unsealing.objects.exists()


@pytest.mark.parametrize("role", [role.value for role in Role if role is not Role.ADMINISTRATOR])
def test_tip_and_custody_pages_name_no_child_to_anybody(desk: Desk, role: str) -> None:
    tip = desk.full(file_name="Meera Invented at the example school.png")
    client = _client(cast.person("Otto", role))
    for address in (f"/tips/{tip.public_id}/", f"/custody/?q={tip.public_id}", "/", f"/find/?q={tip.report_id}"):
        page = _page(client.get(address, follow=True))
        assert tip.public_id in page
        assert _names(page) == [], address


def test_nobody_gets_in_without_signing_in(tip: Tip, child: Identity) -> None:
    for address in (_asking(tip, child), "/unsealings/", "/unsealings/US-1111-1111/", "/sealed/search/"):
        assert Client().get(address).headers["Location"].startswith("/accounts/login/?next="), address


def test_an_identity_of_another_tip_is_not_there(ines: Client, desk: Desk, child: Identity) -> None:
    other = desk.received()
    assert ines.get(_asking(other, child)).status_code == 404
    assert ines.post(_asking(other, child), REASON).status_code == 404
    assert ines.get(f"/tips/{other.public_id}/sealed/ID-1111-1111/").status_code == 404
    assert ines.get(f"/tips/{other.public_id}/sealed/x/").status_code == 404


def test_somebody_elses_opening_is_not_there(ines: Client, tip: Tip, child: Identity) -> None:
    place = _open(ines, tip, child)
    other = _client(cast.person("Ivo", "victim-identification"))
    other.cookies["unsealing-key"] = ines.cookies["unsealing-key"].value  # even with the key
    assert other.get(place).status_code == 404
    assert other.post(f"{place}close/").status_code == 404
    assert Unsealing.objects.get().state == State.OPENED


# --- what must be said ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"reason_kind": "curiosity"}, "Choose what the identity is needed for"),
        ({"reason": "because"}, "Say in 15 to 1000 characters"),
        ({"reason": "x" * 1001}, "Say in 15 to 1000 characters"),
        ({"case_number": " "}, "State the case number"),
        ({"minutes": "31"}, "for 1 to 30 minutes"),
        ({"minutes": "0"}, "for 1 to 30 minutes"),
        ({"minutes": "\u0663"}, "for 1 to 30 minutes"),
        ({"minutes": "-5"}, "for 1 to 30 minutes"),
        ({"reason": "Meet Meera at her school today"}, "The reason holds a part of the name"),
    ],
)
def test_a_request_that_does_not_say_why_is_asked_again(
    ines: Client, tip: Tip, child: Identity, changed: dict[str, str], told: str
) -> None:
    page = _page(ines.post(_asking(tip, child), REASON | changed), 409)
    assert told in page
    assert 'value="88/2027"' in page or "case_number" in changed
    assert not Unsealing.objects.exists()
    assert "unsealing-key" not in ines.cookies


def test_the_form_says_what_will_happen(ines: Client, tip: Tip, child: Identity) -> None:
    assert f'href="{_asking(tip, child)}"' in _page(ines.get(f"/tips/{tip.public_id}/"))
    page = _page(ines.get(_asking(tip, child)))
    for words in ("entered in the custody log", "commander of the unit", "in this browser only", "30 at most"):
        assert words in page, words
    for one in current_pack().unsealing.reasons:
        assert one.title.replace("'", "&#x27;") in page
    assert _names(page) == []
    lower = ines.get(f"/tips/{tip.public_id.lower()}/sealed/{child.public_id.lower()}/")
    assert lower.headers["Location"] == _asking(tip, child)


# --- the flow -------------------------------------------------------------------------------------------------------


def test_a_name_is_asked_for_opened_read_and_closed(ines: Client, tip: Tip, child: Identity) -> None:
    place = _ask(ines, tip, child)
    cookie = ines.cookies["unsealing-key"]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (place, True, "Strict", 600)
    assert cookie.value not in place
    waiting = ines.get(place)
    assert "The identity is being opened" in _page(waiting)
    part = ines.get(place, headers={"HX-Request": "true", "HX-Target": "sealed-waiting"})
    assert 'hx-trigger="every 1s"' in _page(part)
    assert "HX-Refresh" not in part.headers
    _answer(place)
    part = ines.get(place, headers={"HX-Request": "true", "HX-Target": "sealed-waiting"})
    assert part.headers["HX-Refresh"] == "true"
    assert part.content == b""
    answer = ines.get(place)
    page = _page(answer)
    assert "no-store" in answer.headers["Cache-Control"]
    assert "must not leave it" in page
    assert "Meera Invented" in page
    assert "Accounts and screen names" in page
    assert "minutes left" in page
    assert cookie.value not in page
    part = ines.get(place, headers={"HX-Request": "true", "HX-Target": "sealed-left"})
    assert "minutes left" in _page(part)
    assert _names(part.content.decode()) == []
    closed = ines.post(f"{place}close/")
    assert (closed.status_code, closed.headers["Location"]) == (302, place)
    assert (closed.cookies["unsealing-key"].value, closed.cookies["unsealing-key"]["path"]) == ("", place)
    ines.cookies["unsealing-key"] = cookie.value  # kept by somebody
    page = _page(ines.get(place))
    assert "This opening has ended" in page
    assert _names(page) == []
    assert Unsealing.objects.get().answer_body is None
    assert "has ended already" in _page(ines.post(f"{place}close/", follow=True))


def test_the_key_lies_nowhere_but_in_the_cookie(
    ines: Client, tip: Tip, child: Identity, capfd: pytest.CaptureFixture[str]
) -> None:
    place = _open(ines, tip, child)
    ines.get(place)
    key = ines.cookies["unsealing-key"].value
    assert key not in str(dict(ines.session.items()))
    out, err = capfd.readouterr()
    assert key not in out + err
    assert all(key not in event.body for event in Event.objects.all())


def test_the_cookie_is_secure_where_the_session_is(ines: Client, tip: Tip, child: Identity, settings: Settings) -> None:
    settings.SESSION_COOKIE_SECURE = True
    answer = ines.post(_asking(tip, child), REASON)
    assert answer.cookies["unsealing-key"]["secure"] is True


def test_another_browser_of_the_same_person_reads_nothing(ines: Client, tip: Tip, child: Identity) -> None:
    place = _open(ines, tip, child)
    for key in ("", "AAAA", "é", "A" * 43, "A" * 5000):
        other = _client(Unsealing.objects.get().user)
        if key:
            other.cookies["unsealing-key"] = key
        page = _page(other.get(place))
        assert "only be read in the browser in which you asked" in page
        assert _names(page) == []


def test_a_refusal_says_why(ines: Client, tip: Tip, child: Identity) -> None:
    place = _ask(ines, tip, child)
    at = clock.now() + timedelta(hours=1)
    actions.answer(by="service:worker", at=at, unsealing=place.split("/")[2], law=current_pack().unsealing)
    page = _page(ines.get(place))
    assert "was not opened" in page
    assert "The time you asked for ended before the answer" in page
    assert "seconds" not in page


def test_when_the_time_is_over_the_page_says_so_and_drops_the_key(ines: Client, tip: Tip, child: Identity) -> None:
    place = _open(ines, tip, child)
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("UPDATE sealed_unsealing SET expires_at = now() - interval '1 second'")
        cursor.execute("SET session_replication_role = origin")
    part = ines.get(place, headers={"HX-Request": "true", "HX-Target": "sealed-left"})
    assert part.headers["HX-Refresh"] == "true"
    answer = ines.get(place)
    assert "This opening has ended" in _page(answer)
    assert _names(answer.content.decode()) == []
    assert answer.cookies["unsealing-key"].value == ""
    assert "Time over" in _page(ines.get("/unsealings/"))


def test_after_a_post_ends_nothing_is_read(ines: Client, tip: Tip, child: Identity) -> None:
    place = _open(ines, tip, child)
    post = Post.objects.get(user=Unsealing.objects.get().user)
    units.end_post(by="command:cli", at=clock.now() - timedelta(seconds=1), post=post)
    answer = ines.get(place)
    assert answer.status_code == 403
    assert _names(answer.content.decode()) == []


def test_every_step_is_in_the_log(ines: Client, tip: Tip, child: Identity) -> None:
    place = _open(ines, tip, child)
    ines.post(f"{place}close/")
    subject = f"unsealing:{place.split('/')[2]}"
    kinds = [event.kind for event in custody.history([subject])]
    assert kinds == ["sealed.unsealing-asked", "sealed.unsealing-closed"]
    page = _page(ines.get(f"/tips/{tip.public_id}/"))
    assert "Sealed identity opened" in page
    assert "sealed.opened" in [event.kind for event in custody.history([f"tip:{tip.public_id}"])]


# --- lists ----------------------------------------------------------------------------------------------------------


def test_openings_are_seen_by_who_asked_and_who_answers_for_them(ines: Client, tip: Tip, child: Identity) -> None:
    nothing = _page(ines.get("/unsealings/"))
    assert "No identity was asked for" in nothing
    place = _open(ines, tip, child)
    for client, mine in (
        (ines, True),
        (_client(cast.person("Cora", "commander")), False),
        (_client(cast.person("Ada", "auditor")), False),
    ):
        for address in ("/unsealings/", f"/tips/{tip.public_id}/"):
            page = _page(client.get(address))
            assert "88/2027" in page
            assert REASON["reason"] in page
            assert (f'href="{place}"' in page) is mine
            assert _names(page) == []
    for name, role in (("Ivo", "investigator"), ("Tara", "triage-officer"), ("Lea", "legal-reviewer")):
        page = _page(_client(cast.person(name, role)).get(f"/tips/{tip.public_id}/"))
        assert "88/2027" not in page
        assert REASON["reason"] not in page
        assert "Openings of identities" not in page
    assert "88/2027" not in _page(_client(cast.person("Vera", "victim-identification")).get("/unsealings/"))


# --- searching ------------------------------------------------------------------------------------------------------


def test_a_search_shows_pseudonyms_and_never_what_was_sought(ines: Client, tip: Tip, child: Identity) -> None:
    assert "At most 30 searches an hour" in _page(ines.get("/sealed/search/"))
    for kind, text in (("name", "meera"), ("account", "yellow-boat"), ("school", "Example School")):
        answer = ines.post("/sealed/search/", {"kind": kind, "text": text})
        page = _page(answer)
        assert "1 protected person" in page
        assert f'href="/tips/{tip.public_id}/"' in page
        assert cast.CHILD in page
        assert _names(page) == []
        assert "no-store" in answer.headers["Cache-Control"]
    page = _page(ines.post("/sealed/search/", {"kind": "phone", "text": "5550199"}))
    assert "0 protected people" in page
    assert "Nobody in the tips you see" in page
    assert all("meera" not in event.body.lower() for event in Event.objects.filter(kind="sealed.searched"))


def test_a_search_that_says_nothing_or_stands_in_the_address_finds_nothing(ines: Client, child: Identity) -> None:
    assert "Type in what you are looking for" in _page(ines.post("/sealed/search/", {"kind": "name", "text": " "}), 409)
    assert "Search for a name" in _page(ines.post("/sealed/search/", {"kind": "shoe size", "text": "38"}), 409)
    page = _page(ines.get("/sealed/search/", {"kind": "name", "text": "meera"}))
    assert cast.CHILD not in page
    assert not Event.objects.filter(kind="sealed.searched").exists()


def test_searches_are_limited_in_the_hour(ines: Client, child: Identity) -> None:
    for _ in range(SEARCHES_AN_HOUR):
        assert ines.post("/sealed/search/", {"kind": "name", "text": "nobody"}).status_code == 200
    page = _page(ines.post("/sealed/search/", {"kind": "name", "text": "meera"}), 409)
    assert cast.CHILD not in page


# --- with the rights of pages ---------------------------------------------------------------------------------------


@pytest.fixture
def as_web(db: None) -> Iterator[None]:
    """Every query of the test runs with the database role of the pages."""
    rights.apply(connection)
    yield


def test_the_pages_work_with_the_rights_of_pages_and_beyond_reach_there_is_nothing(
    as_web: None, ines: Client, tip: Tip, child: Identity
) -> None:
    far = units.add_unit(by="command:cli", at=cast.NOON, parent=cast.root(), kind="district", code="FAR", name="Far")
    stranger = _client(cast.person("Sten", "investigator", far))
    boss = _client(cast.person("Bea", "commander", far))
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL ROLE {WEB}")
        assert stranger.get(_asking(tip, child)).status_code == 404
        assert "0 protected people" in _page(stranger.post("/sealed/search/", {"kind": "name", "text": "meera"}))
        assert "1 protected person" in _page(ines.post("/sealed/search/", {"kind": "name", "text": "meera"}))
        place = _ask(ines, tip, child)
        assert "being opened" in _page(ines.get(place))
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")
        with acting.acting_as(service="unsealing"):
            _answer(place)
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL ROLE {WEB}")
        assert "Meera Invented" in _page(ines.get(place))
        assert "88/2027" not in _page(boss.get("/unsealings/"))
        assert _page(ines.get(f"/tips/{tip.public_id}/")).count("88/2027") == 1
        assert ines.post(f"{place}close/").status_code == 302
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")


def test_no_form_sends_the_search_into_an_address(ines: Client, db: None) -> None:
    page = _page(ines.get("/sealed/search/"))
    assert re.findall(r'<form method="(\w+)" class="sealed-search"', page) == ["post"]
