# SPDX-License-Identifier: Apache-2.0
"""Sealed identities on pages: who may ask, what they must say, where names can be read, and for how long."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test import Client

from nightlight.foundation import clock
from nightlight.outlook.desk.tests import cast
from nightlight.trust.accounts.models import Role
from nightlight.trust.custody import queries as custody
from nightlight.trust.custody.models import Event
from nightlight.trust.law.queries import current_pack
from nightlight.trust.sealed import actions
from nightlight.trust.sealed.models import Identity, State, Unsealing
from nightlight.trust.units import actions as units
from nightlight.trust.units.models import Post

if TYPE_CHECKING:
    from pytest_django import Settings

    from nightlight.outlook.desk.tests.cast import Desk
    from nightlight.pipeline.tips.models import Tip
from nightlight.outlook.desk.tests.sealed_cast import (
    REASON,
    answer_it,
    ask,
    asking,
    child,
    client_of,
    ines,
    keys,
    names_in,
    opened,
    page_of,
    tip,
)

__all__ = ["child", "ines", "keys", "tip"]


OTHERS = [role.value for role in Role if role not in {Role.INVESTIGATOR, Role.VICTIM_IDENTIFICATION}]


# --- who may ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", OTHERS)
def test_other_roles_are_refused_everywhere_and_see_no_button(tip: Tip, child: Identity, role: str) -> None:
    client = client_of(cast.person("Otto", role))
    for address in (asking(tip, child), "/sealed/search/", "/unsealings/US-1111-1111/"):
        answer = client.get(address)
        assert (answer.status_code, "investigators and by victim" in answer.content.decode()) == (403, True), address
    assert client.post(asking(tip, child), REASON).status_code == 403
    assert client.post("/sealed/search/", {"kind": "name", "text": "Meera"}).status_code == 403
    assert client.post("/unsealings/US-1111-1111/close/").status_code == 403
    assert client.get("/unsealings/").status_code == (200 if role in {"commander", "auditor"} else 403)
    if role != "administrator":
        page = page_of(client.get(f"/tips/{tip.public_id}/"))
        assert "Open the sealed identity" not in page
        assert names_in(page) == []
    assert not Unsealing.objects.exists()


@pytest.mark.parametrize("role", [role.value for role in Role if role is not Role.ADMINISTRATOR])
def test_tip_and_custody_pages_name_no_child_to_anybody(desk: Desk, role: str) -> None:
    tip = desk.full(file_name="Meera Invented at the example school.png")
    client = client_of(cast.person("Otto", role))
    for address in (f"/tips/{tip.public_id}/", f"/custody/?q={tip.public_id}", "/", f"/find/?q={tip.report_id}"):
        page = page_of(client.get(address, follow=True))
        assert tip.public_id in page
        assert names_in(page) == [], address


def test_nobody_gets_in_without_signing_in(tip: Tip, child: Identity) -> None:
    for address in (asking(tip, child), "/unsealings/", "/unsealings/US-1111-1111/", "/sealed/search/"):
        assert Client().get(address).headers["Location"].startswith("/accounts/login/?next="), address


def test_an_identity_of_another_tip_is_not_there(ines: Client, desk: Desk, child: Identity) -> None:
    other = desk.received()
    assert ines.get(asking(other, child)).status_code == 404
    assert ines.post(asking(other, child), REASON).status_code == 404
    assert ines.get(f"/tips/{other.public_id}/sealed/ID-1111-1111/").status_code == 404
    assert ines.get(f"/tips/{other.public_id}/sealed/x/").status_code == 404


def test_somebody_elses_opening_is_not_there(ines: Client, tip: Tip, child: Identity) -> None:
    place = opened(ines, tip, child)
    other = client_of(cast.person("Ivo", "victim-identification"))
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
    page = page_of(ines.post(asking(tip, child), REASON | changed), 409)
    assert told in page
    assert 'value="88/2027"' in page or "case_number" in changed
    assert not Unsealing.objects.exists()
    assert "unsealing-key" not in ines.cookies


def test_the_form_says_what_will_happen(ines: Client, tip: Tip, child: Identity) -> None:
    assert f'href="{asking(tip, child)}"' in page_of(ines.get(f"/tips/{tip.public_id}/"))
    page = page_of(ines.get(asking(tip, child)))
    for words in ("entered in the custody log", "commander of the unit", "in this browser only", "30 at most"):
        assert words in page, words
    for one in current_pack().unsealing.reasons:
        assert one.title.replace("'", "&#x27;") in page
    assert names_in(page) == []
    lower = ines.get(f"/tips/{tip.public_id.lower()}/sealed/{child.public_id.lower()}/")
    assert lower.headers["Location"] == asking(tip, child)


# --- the flow -------------------------------------------------------------------------------------------------------


def test_a_name_is_asked_for_opened_read_and_closed(ines: Client, tip: Tip, child: Identity) -> None:
    place = ask(ines, tip, child)
    cookie = ines.cookies["unsealing-key"]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (place, True, "Strict", 600)
    assert cookie.value not in place
    waiting = ines.get(place)
    assert "The identity is being opened" in page_of(waiting)
    part = ines.get(place, headers={"HX-Request": "true", "HX-Target": "sealed-waiting"})
    assert 'hx-trigger="every 1s"' in page_of(part)
    assert "HX-Refresh" not in part.headers
    answer_it(place)
    part = ines.get(place, headers={"HX-Request": "true", "HX-Target": "sealed-waiting"})
    assert part.headers["HX-Refresh"] == "true"
    assert part.content == b""
    answer = ines.get(place)
    page = page_of(answer)
    assert "no-store" in answer.headers["Cache-Control"]
    assert "must not leave it" in page
    assert "Meera Invented" in page
    assert "Accounts and screen names" in page
    assert "minutes left" in page
    assert cookie.value not in page
    part = ines.get(place, headers={"HX-Request": "true", "HX-Target": "sealed-left"})
    assert "minutes left" in page_of(part)
    assert names_in(part.content.decode()) == []
    closed = ines.post(f"{place}close/")
    assert (closed.status_code, closed.headers["Location"]) == (302, place)
    assert (closed.cookies["unsealing-key"].value, closed.cookies["unsealing-key"]["path"]) == ("", place)
    ines.cookies["unsealing-key"] = cookie.value  # kept by somebody
    page = page_of(ines.get(place))
    assert "This opening has ended" in page
    assert names_in(page) == []
    assert Unsealing.objects.get().answer_body is None
    assert "has ended already" in page_of(ines.post(f"{place}close/", follow=True))


def test_the_key_lies_nowhere_but_in_the_cookie(
    ines: Client, tip: Tip, child: Identity, capfd: pytest.CaptureFixture[str]
) -> None:
    place = opened(ines, tip, child)
    ines.get(place)
    key = ines.cookies["unsealing-key"].value
    assert key not in str(dict(ines.session.items()))
    out, err = capfd.readouterr()
    assert key not in out + err
    assert all(key not in event.body for event in Event.objects.all())


def test_the_cookie_is_secure_where_the_session_is(ines: Client, tip: Tip, child: Identity, settings: Settings) -> None:
    settings.SESSION_COOKIE_SECURE = True
    answer = ines.post(asking(tip, child), REASON)
    assert answer.cookies["unsealing-key"]["secure"] is True


def test_another_browser_of_the_same_person_reads_nothing(ines: Client, tip: Tip, child: Identity) -> None:
    place = opened(ines, tip, child)
    for key in ("", "AAAA", "é", "A" * 43, "A" * 5000):
        other = client_of(Unsealing.objects.get().user)
        if key:
            other.cookies["unsealing-key"] = key
        page = page_of(other.get(place))
        assert "only be read in the browser in which you asked" in page
        assert names_in(page) == []


def test_a_refusal_says_why(ines: Client, tip: Tip, child: Identity) -> None:
    place = ask(ines, tip, child)
    at = clock.now() + timedelta(hours=1)
    actions.answer(by="service:worker", at=at, unsealing=place.split("/")[2], law=current_pack().unsealing)
    page = page_of(ines.get(place))
    assert "was not opened" in page
    assert "The time you asked for ended before the answer" in page
    assert "seconds" not in page


def test_when_the_time_is_over_the_page_says_so_and_drops_the_key(ines: Client, tip: Tip, child: Identity) -> None:
    place = opened(ines, tip, child)
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("UPDATE sealed_unsealing SET expires_at = now() - interval '1 second'")
        cursor.execute("SET session_replication_role = origin")
    part = ines.get(place, headers={"HX-Request": "true", "HX-Target": "sealed-left"})
    assert part.headers["HX-Refresh"] == "true"
    answer = ines.get(place)
    assert "This opening has ended" in page_of(answer)
    assert names_in(answer.content.decode()) == []
    assert answer.cookies["unsealing-key"].value == ""
    assert "Time over" in page_of(ines.get("/unsealings/"))


def test_after_a_post_ends_nothing_is_read(ines: Client, tip: Tip, child: Identity) -> None:
    place = opened(ines, tip, child)
    post = Post.objects.get(user=Unsealing.objects.get().user)
    units.end_post(by="command:cli", at=clock.now() - timedelta(seconds=1), post=post)
    answer = ines.get(place)
    assert answer.status_code == 403
    assert names_in(answer.content.decode()) == []


def test_every_step_is_in_the_log(ines: Client, tip: Tip, child: Identity) -> None:
    place = opened(ines, tip, child)
    ines.post(f"{place}close/")
    subject = f"unsealing:{place.split('/')[2]}"
    kinds = [event.kind for event in custody.history([subject])]
    assert kinds == ["sealed.unsealing-asked", "sealed.unsealing-closed"]
    page = page_of(ines.get(f"/tips/{tip.public_id}/"))
    assert "Sealed identity opened" in page
    assert "sealed.opened" in [event.kind for event in custody.history([f"tip:{tip.public_id}"])]
