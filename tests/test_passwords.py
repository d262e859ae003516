# SPDX-License-Identifier: Apache-2.0
"""What a password may be, how it is kept, and that nobody has one before an administrator gave it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client

from nightlight.config.testing import QUICK_HASHER
from nightlight.outlook.desk.tests.cast import person
from nightlight.trust.accounts.models import User

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db
LONG = "grey herons stand still on one leg beside the slow river, at dusk " * 2  # 132 characters with blanks


@pytest.fixture(autouse=True)
def _static_folder(settings: Settings) -> None:
    Path(settings.STATIC_ROOT).mkdir(exist_ok=True)  # whitenoise warns without it
    settings.PASSWORD_HASHERS = [one for one in settings.PASSWORD_HASHERS if one != QUICK_HASHER]  # as kept in earnest


def test_a_new_installation_has_nobody_who_could_sign_in() -> None:
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "password",
    [
        "short-one",
        "qwertyuiop123",  # among the common ones
        "nightlight-police",
        "kavita-joshi-1",
    ],
)
def test_what_is_short_common_or_made_of_words_of_the_place_is_refused(password: str) -> None:
    with pytest.raises(ValidationError):
        validate_password(password, User(username="kavita", last_name="Joshi"))


@pytest.mark.parametrize("password", ["herons beside river", "बगुले नदी किनारे", LONG])
def test_any_letters_will_do_and_any_length(password: str) -> None:
    validate_password(password, User(username="kavita"))


def test_a_password_counts_to_its_last_letter_and_as_it_was_typed() -> None:
    somebody = person("kavita", "commander")
    somebody.set_password(LONG)
    somebody.save()

    def opens(password: str) -> bool:
        browser = Client()
        browser.post("/accounts/login/", {"login": "kavita", "password": password})
        return "_auth_user_id" in browser.session

    assert not opens(LONG[:-2])
    assert not opens(LONG.capitalize())
    assert opens(LONG)


def test_a_password_never_grows_too_old() -> None:
    somebody = person("kavita", "commander")
    somebody.set_password(LONG)
    somebody.date_joined = somebody.last_login = datetime(2016, 1, 1, tzinfo=UTC)
    somebody.save()
    browser = Client()
    answer = browser.post("/accounts/login/", {"login": "kavita", "password": LONG})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")


def test_passwords_are_kept_as_slow_salted_digests() -> None:
    one, other = make_password(LONG), make_password(LONG)
    kind, rounds, _salt, _digest = one.split("$")
    assert kind == "pbkdf2_sha256"
    assert int(rounds) >= 600_000  # OWASP's figure for PBKDF2-HMAC-SHA256
    assert one != other
