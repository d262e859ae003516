# SPDX-License-Identifier: Apache-2.0
"""Sessions: locked when left alone, over after a shift, seen and ended by their owner."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from allauth.usersessions.models import UserSession
from django.test import Client

from nightlight.foundation import clock
from nightlight.outlook.desk import gate
from nightlight.outlook.desk.templatetags.device import device
from nightlight.outlook.desk.tests import cast, codes
from nightlight.outlook.desk.tests.test_second_factor import events, sign_in

if TYPE_CHECKING:
    from pytest_django import Settings

    from nightlight.trust.accounts.models import User

PAGE = "/accounts/sessions/"
UNLOCK = "/accounts/reauthenticate/"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _quick(db: None, settings: Settings) -> None:
    codes.quick(settings)


@pytest.fixture
def user(db: None) -> User:
    """Alice."""
    return cast.person("Alice", codes.READER)


def _later(client: Client, minutes: float, *, began: bool = False) -> None:
    """Turn the session's clock back: as if this much time had gone by."""
    session = client.session
    session[gate.SEEN] -= minutes * 60
    session["account_authentication_methods"] = [
        record | {"at": record["at"] - minutes * 60} for record in session["account_authentication_methods"]
    ]
    if began:
        session[gate.BEGAN] -= minutes * 60
    session.save()


@pytest.mark.usefixtures("user")
def test_a_session_left_alone_is_locked_and_opens_with_the_password_where_one_was() -> None:
    client, _ = sign_in()
    assert client.get(PAGE).status_code == 200
    _later(client, 16)
    asked = client.get(PAGE)
    assert asked.headers["Location"] == f"{UNLOCK}?next=%2Faccounts%2Fsessions%2F"
    page = client.get(asked.headers["Location"])
    assert "<h1>Locked</h1>" in page.content.decode()
    assert "Where you are signed in" not in client.get(PAGE).content.decode(), "asking does not unlock"
    wrong = client.post(UNLOCK, {"password": "wrong", "next": PAGE})
    assert wrong.status_code == 200
    assert client.get(PAGE).status_code == 302
    assert client.post(UNLOCK, {"password": cast.PASSWORD, "next": PAGE}).headers["Location"] == PAGE
    assert client.get(PAGE).status_code == 200


@pytest.mark.usefixtures("user")
def test_a_code_opens_it_too() -> None:
    client, _ = sign_in()
    app = codes.set_up(client)
    _later(client, 16)
    answer = client.post("/accounts/second-factor/reauthenticate/", {"code": app.next(), "next": PAGE})
    assert answer.headers["Location"] == PAGE
    assert client.get(PAGE).status_code == 200


@pytest.mark.usefixtures("user")
def test_a_session_in_use_stays_open() -> None:
    client, _ = sign_in()
    client.get(PAGE)
    for _round in range(3):
        _later(client, 14)
        assert client.get(PAGE).status_code == 200


def test_what_a_page_asks_by_itself_keeps_no_session_open(user: User) -> None:
    client, _ = sign_in()
    client.get(PAGE)
    _later(client, 10)
    poll = {"HX-Request": "true"}
    assert "HX-Refresh" not in client.get("/arrivals/?since=0-00000000", headers=poll).headers
    _later(client, 6)
    assert client.get("/arrivals/?since=0-00000000", headers=poll).headers["HX-Refresh"] == "true"
    assert client.get(PAGE).status_code == 302


@pytest.mark.usefixtures("user")
def test_a_page_left_open_goes_off_the_screen() -> None:
    poll = {"HX-Request": "true"}
    assert Client().get("/accounts/open/", headers=poll).headers["HX-Refresh"] == "true"
    client, _ = sign_in()
    client.get(PAGE)
    _later(client, 14)
    assert client.get("/accounts/open/", headers=poll).status_code == 204
    _later(client, 2)
    assert client.get("/accounts/open/", headers=poll).headers["HX-Refresh"] == "true"


@pytest.mark.usefixtures("user")
def test_a_link_followed_through_htmx_keeps_it_open() -> None:
    client, _ = sign_in()
    client.get(PAGE)
    _later(client, 14)
    assert client.get(PAGE, headers={"HX-Request": "true", "HX-Boosted": "true"}).status_code == 200
    _later(client, 14)
    assert client.get(PAGE).status_code == 200


@pytest.mark.usefixtures("user")
def test_what_a_form_sent_to_a_locked_session_is_not_done_later() -> None:
    client, _ = sign_in()
    other, _ = sign_in()
    client.get(PAGE)
    _later(client, 16)
    asked = client.post(PAGE, headers={"Referer": "http://testserver/accounts/sessions/?x=1"})
    assert asked.headers["Location"] == f"{UNLOCK}?next=%2Faccounts%2Fsessions%2F%3Fx%3D1"
    client.post(UNLOCK, {"password": cast.PASSWORD, "next": PAGE})
    assert client.get(PAGE).status_code == 200
    assert other.get(PAGE).status_code == 200, "the other session was not ended"


@pytest.mark.usefixtures("user")
def test_a_form_sent_from_elsewhere_leads_to_no_other_site() -> None:
    client, _ = sign_in()
    client.get(PAGE)
    _later(client, 16)
    asked = client.post(PAGE, headers={"Referer": "https://elsewhere.example.org/x"})
    assert asked.headers["Location"] == f"{UNLOCK}?next=%2F"


@pytest.mark.usefixtures("user")
def test_a_session_ends_after_a_shift_even_if_it_is_in_use() -> None:
    client, _ = sign_in()
    client.get(PAGE)
    session = client.session
    session[gate.BEGAN] -= 12 * 3600 + 1
    session.save()
    assert client.get(PAGE).headers["Location"] == "/accounts/login/"
    assert client.get(PAGE).headers["Location"].startswith("/accounts/login/?next=")


def test_a_person_sees_where_and_ends_one_or_all_others(user: User) -> None:
    here, _ = sign_in()
    there, _ = sign_in()
    third, _ = sign_in()
    UserSession.objects.filter(session_key=there.session.session_key).update(user_agent="Example Browser 1")
    page = here.get(PAGE).content.decode()
    assert "Example Browser 1" in page
    assert "127.0.0.1" in page
    number = UserSession.objects.get(session_key=there.session.session_key).pk
    assert here.post(f"/accounts/sessions/{number}/end/").status_code == 302
    assert there.get(PAGE).status_code == 302
    assert third.get(PAGE).status_code == 200
    assert here.post(PAGE).status_code == 302
    assert third.get(PAGE).status_code == 302
    assert here.get(PAGE).status_code == 200
    assert events(user)[-2:] == ["person.session-ended", "person.session-ended"]


def test_who_ends_sessions_has_shown_lately_who_they_are(user: User) -> None:
    here, _ = sign_in()
    there, _ = sign_in()
    here.get(PAGE)
    _later(here, 6)
    assert here.get(PAGE).status_code == 200, "looking is free"
    asked = here.post(PAGE)
    assert asked.headers["Location"].startswith(UNLOCK)
    assert there.get(PAGE).status_code == 200
    here.post(UNLOCK, {"password": cast.PASSWORD, "next": PAGE})
    assert there.get(PAGE).status_code == 302


@pytest.mark.usefixtures("user")
def test_a_session_gets_a_new_key_when_one_signs_in_and_when_one_shows_again() -> None:
    client = Client()
    client.get("/accounts/login/")
    client.post("/accounts/login/", {"login": "alice", "password": cast.PASSWORD})
    first = client.session.session_key
    client.post(UNLOCK, {"password": cast.PASSWORD, "next": PAGE})
    second = client.session.session_key
    assert second != first
    assert "this one" in client.get(PAGE).content.decode()
    old = Client()
    old.cookies["sessionid"] = str(first)
    assert old.get(PAGE).status_code == 302


def test_nobody_ends_somebody_elses_session_from_their_own_page(user: User) -> None:
    cast.person("Bob", codes.READER)
    alice, _ = sign_in()
    bob, _ = sign_in("bob")
    number = UserSession.objects.get(session_key=alice.session.session_key).pk
    assert bob.post(f"/accounts/sessions/{number}/end/").status_code == 404
    assert alice.get(PAGE).status_code == 200
    assert Client().post(f"/accounts/sessions/{number}/end/").status_code == 302
    assert alice.get(PAGE).status_code == 200


def test_last_seen_moves_with_use(user: User) -> None:
    client, _ = sign_in()
    client.get(PAGE)
    mine = UserSession.objects.filter(user=user)
    mine.update(last_seen_at=cast.NOON)
    _later(client, 2)
    client.get(PAGE)
    assert (clock.now() - mine.get().last_seen_at).total_seconds() < 60


def test_a_changed_password_ends_the_other_sessions_and_asks_for_the_present_one(user: User) -> None:
    here, _ = sign_in()
    there, _ = sign_in()
    new = "another-long-invented-one"
    address = "/accounts/password/change/"
    assert here.post(address, {"oldpassword": "wrong", "password1": new, "password2": new}).status_code == 200
    assert there.get(PAGE).status_code == 200
    answer = here.post(address, {"oldpassword": cast.PASSWORD, "password1": new, "password2": new})
    assert answer.status_code == 302
    assert there.get(PAGE).status_code == 302
    assert here.get(PAGE).status_code == 200
    assert events(user)[-1] == "person.password-changed"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/150.0 Safari/537.36", "Chrome on Linux"),
        ("Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 Chrome/150.0 Mobile Safari/537.36", "Chrome on Android"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/150.0 Safari/537.36 Edg/150.0", "Edge on Windows"),
        ("curl/8.5.0", "curl/8.5.0"),
        ("", "unknown"),
    ],
)
def test_a_device_is_named_in_words(said: str, words: str) -> None:
    assert device(said) == words
