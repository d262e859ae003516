# SPDX-License-Identifier: Apache-2.0
"""Guessing: five wrong passwords close a name, on record, whoever asks, and an administrator opens it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from axes.models import AccessAttempt
from django.test import Client

from nightlight.foundation import clock
from nightlight.foundation.refusals import Conflict
from nightlight.outlook.desk.tests import cast, codes
from nightlight.outlook.desk.tests.test_second_factor import AUTHENTICATE, LOGIN, events, sign_in
from nightlight.trust.accounts import sign_in_actions
from nightlight.trust.custody.models import Event

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


def _wrong(times: int, name: str = "alice", address: str = "192.0.2.7") -> list[int]:
    return [
        Client(REMOTE_ADDR=address).post(LOGIN, {"login": name, "password": f"wrong-{n}"}).status_code
        for n in range(times)
    ]


def _sign_in(address: str) -> int:
    return Client(REMOTE_ADDR=address).post(LOGIN, {"login": "alice", "password": cast.PASSWORD}).status_code


def test_the_fifth_failure_closes_the_name_even_for_the_right_password(user: User) -> None:
    assert _wrong(5) == [200, 200, 200, 200, 429]
    answer = Client(REMOTE_ADDR="192.0.2.7").post(LOGIN, {"login": "Alice ", "password": cast.PASSWORD})
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 15 * 60
    assert "is refused, even with the right password, until" in answer.content.decode()
    assert events(user) == ["person.sign-in-failed"] * 5 + ["person.locked-out"]


def test_another_address_is_not_locked_out_with_it(user: User) -> None:
    _wrong(5)
    assert _sign_in("198.51.100.9") == 302


def test_twenty_failures_from_anywhere_close_the_name_everywhere(user: User) -> None:
    for host in range(4):
        _wrong(4, address=f"192.0.2.{host}")
    assert _sign_in("198.51.100.9") == 302, "sixteen are not twenty"
    AccessAttempt.objects.all().delete()
    for host in range(5):
        _wrong(4, address=f"192.0.2.{10 + host}")
    assert _sign_in("198.51.100.9") == 429


def test_a_success_forgets_the_failures_before_it(user: User) -> None:
    _wrong(4)
    assert _sign_in("192.0.2.7") == 302
    assert _wrong(4) == [200] * 4


def test_trying_while_closed_does_not_keep_it_closed(user: User) -> None:
    _wrong(5)
    newest = AccessAttempt.objects.latest("attempt_time").attempt_time
    assert _wrong(3) == [429] * 3
    assert AccessAttempt.objects.latest("attempt_time").attempt_time == newest
    AccessAttempt.objects.update(attempt_time=newest - timedelta(minutes=15, seconds=1))
    assert _sign_in("192.0.2.7") == 302
    assert events(user).count("person.locked-out") == 1


def test_neither_the_log_nor_the_counters_hold_the_name_as_typed() -> None:
    typed = "my-password-in-the-wrong-field"
    _wrong(2, name=typed)
    body = Event.objects.filter(kind="person.sign-in-failed").latest("id").body
    said = json.loads(body)
    assert said["subject"] == "sign-in:unknown"
    assert said["data"]["address"] == "192.0.2.7"
    assert len(said["data"]["name_digest"]) == 64
    kept = str(list(AccessAttempt.objects.values()))
    assert typed not in body
    assert typed not in kept
    assert "wrong-0" not in kept


def test_wrong_codes_close_the_name_too(user: User) -> None:
    client, _ = sign_in()
    app = codes.set_up(client)
    guesser, _ = sign_in()
    answers = [guesser.post(AUTHENTICATE, {"code": f"{n:06}"}).status_code for n in range(5)]
    assert answers == [200, 200, 200, 200, 429]
    assert guesser.post(AUTHENTICATE, {"code": app.next()}).status_code == 429
    last = json.loads(Event.objects.filter(kind="person.sign-in-failed").latest("id").body)
    assert last["data"]["step"] == "second-factor"


def test_an_address_that_tries_many_names_is_held_back() -> None:
    answers = [
        Client(REMOTE_ADDR="192.0.2.50").post(LOGIN, {"login": f"name-{n}", "password": "x"}).content.decode()
        for n in range(22)
    ]
    assert "Too many failed" not in answers[19]
    assert "Too many failed" in answers[21]


def test_opening_a_name_that_is_not_closed_is_refused(user: User) -> None:
    with pytest.raises(Conflict):
        sign_in_actions.unlock(by="command:cli", at=clock.now(), person=user)


def test_a_name_is_opened_again_on_record(user: User) -> None:
    _wrong(5)
    assert sign_in_actions.unlock(by="command:cli", at=clock.now(), person=user) == 5
    assert _sign_in("192.0.2.7") == 302
    assert "person.unlocked" in events(user)


def test_old_counters_are_cleared_away_and_young_ones_kept(user: User) -> None:
    _wrong(1)
    now = clock.now()
    assert sign_in_actions.forget_failed_sign_ins(at=now, older_than=timedelta(days=30)) == 0
    assert sign_in_actions.forget_failed_sign_ins(at=now + timedelta(days=31), older_than=timedelta(days=30)) == 1
