# SPDX-License-Identifier: Apache-2.0
"""Helping somebody sign in: for administrators and commanders, on record, and not for oneself."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from axes.models import AccessAttempt
from django.test import Client

from nightlight.foundation import clock
from nightlight.outlook.desk.tests import cast, codes
from nightlight.outlook.desk.tests.test_second_factor import LOGIN, events, sign_in
from nightlight.trust.accounts import sign_in_actions

if TYPE_CHECKING:
    from pytest_django import Settings

    from nightlight.trust.accounts.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _quick(db: None, settings: Settings) -> None:
    codes.quick(settings)


@pytest.fixture
def user(db: None) -> User:
    """Alice."""
    return cast.person("Alice", codes.READER)


def _page(user: User) -> str:
    return f"/system/people/{user.public_id}/"


def test_others_are_told_why_not(user: User) -> None:
    assert Client().get(_page(user)).headers["Location"].startswith("/accounts/login/")
    bob = cast.person("Bob", codes.READER)
    client = Client()
    client.force_login(bob)
    assert client.get(_page(user)).status_code == 403
    assert client.post(_page(user), {"deed": "end-sessions"}).status_code == 403


def test_an_unknown_deed_and_an_unknown_person_are_refused(user: User, charlie: Client) -> None:
    assert charlie.post(_page(user), {"deed": "promote"}).status_code == 409
    assert charlie.get("/system/people/OF-0000-0000/").status_code == 404


def test_somebody_is_signed_out_everywhere(user: User, charlie: Client) -> None:
    alice, _ = sign_in()
    assert "Sign out everywhere" in charlie.get(_page(user)).content.decode()
    assert charlie.post(_page(user), {"deed": "end-sessions"}).status_code == 302
    assert alice.get("/accounts/sessions/").status_code == 302
    assert events(user)[-1] == "person.session-ended"


def test_a_closed_name_is_opened(user: User, charlie: Client) -> None:
    for n in range(5):
        Client().post(LOGIN, {"login": "alice", "password": f"wrong-{n}"})
    assert "5 sign-ins under this name failed lately" in charlie.get(_page(user)).content.decode()
    charlie.post(_page(user), {"deed": "unlock"})
    assert not AccessAttempt.objects.exists()
    assert sign_in()[1].headers["Location"] != LOGIN


def test_lost_second_factors_are_taken_away_and_sessions_end(user: User, charlie: Client) -> None:
    alice, _ = sign_in()
    codes.set_up(alice)
    charlie.post(_page(user), {"deed": "reset-second-factor"})
    assert not Authenticator.objects.filter(user=user).exists()
    assert alice.get("/accounts/sessions/").status_code == 302
    assert events(user)[-2:] == ["person.second-factor-removed", "person.session-ended"]
    assert charlie.post(_page(user), {"deed": "reset-second-factor"}).status_code == 409


def test_everybody_is_signed_out_and_what_was_noted_of_their_devices_goes(user: User) -> None:
    cast.person("Bob", codes.READER)
    alice, _ = sign_in()
    bob, _ = sign_in("bob")
    assert sign_in_actions.end_all_sessions(by="command:cli", at=clock.now()) == 2
    assert alice.get("/accounts/sessions/").status_code == 302
    assert bob.get("/accounts/sessions/").status_code == 302
    sign_in()
    assert sign_in_actions.forget_ended_sessions(at=clock.now()) == 0
    assert sign_in_actions.forget_ended_sessions(at=clock.now() + timedelta(days=15)) == 1
    assert not UserSession.objects.exists()


def test_nobody_resets_their_own_second_factor_here(charlie: Client) -> None:
    from nightlight.trust.accounts.models import User as People

    own = People.objects.get(username="charlie")
    assert charlie.post(_page(own), {"deed": "reset-second-factor"}).status_code == 409
