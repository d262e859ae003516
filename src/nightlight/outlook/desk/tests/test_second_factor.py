# SPDX-License-Identifier: Apache-2.0
"""The second factor: required outside a demo, encrypted at rest, each code once, every change on record."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from allauth.mfa.models import Authenticator
from cryptography.exceptions import InvalidTag
from django.conf import settings as django_settings
from django.test import Client

from nightlight.outlook.desk import second_factor
from nightlight.outlook.desk.tests import cast, codes
from nightlight.trust.custody.models import Event

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer
    from pytest_django import Settings

    from nightlight.trust.accounts.models import User

LOGIN = "/accounts/login/"
INDEX = "/accounts/second-factor/"
AUTHENTICATE = "/accounts/second-factor/authenticate/"
REMOVE = "/accounts/second-factor/app/remove/"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _quick(db: None, settings: Settings) -> None:
    codes.quick(settings)


@pytest.fixture
def required(settings: Settings) -> None:
    """An installation as it is outside tests and demos."""
    settings.ENVIRONMENT = replace(django_settings.ENVIRONMENT, second_factor="required")


def sign_in(name: str = "alice", password: str = cast.PASSWORD) -> tuple[Client, Answer]:
    """A browser that has sent its password."""
    client = Client()
    return client, client.post(LOGIN, {"login": name, "password": password})


def events(user: User) -> list[str]:
    """What the log says about how this person signs in, oldest first."""
    of = Event.objects.filter(subject=f"officer:{user.public_id}", kind__startswith="person.").order_by("id")
    return [kind for kind in of.values_list("kind", flat=True) if kind != "person.added"]


@pytest.mark.usefixtures("required")
def test_without_a_second_factor_nothing_opens_but_setting_one_up() -> None:
    cast.person("Alice", codes.READER)
    client, _ = sign_in()
    for page in ("/", "/accounts/sessions/", "/custody/", "/imports/"):
        assert client.get(page).headers["Location"] == INDEX, page
    assert client.post("/imports/new/").headers["Location"] == INDEX
    asked = client.get("/arrivals/?since=0-00000000", headers={"HX-Request": "true"})
    assert asked.headers["HX-Refresh"] == "true"
    assert "You have none yet" in client.get(INDEX).content.decode()
    codes.set_up(client)
    assert client.get("/accounts/sessions/").status_code == 200


def test_where_it_is_offered_the_desk_opens_without() -> None:
    cast.person("Alice", codes.READER)
    client, _ = sign_in()
    assert client.get("/accounts/sessions/").status_code == 200


def test_with_a_second_factor_the_password_alone_opens_nothing() -> None:
    user = cast.person("Alice", codes.READER)
    client, _ = sign_in()
    app = codes.set_up(client)
    stranger, answer = sign_in()
    assert answer.headers["Location"] == AUTHENTICATE
    assert stranger.get("/accounts/sessions/").status_code == 302
    assert "This code is wrong" in stranger.post(AUTHENTICATE, {"code": "000000"}).content.decode()
    assert stranger.get("/accounts/sessions/").status_code == 302
    assert stranger.post(AUTHENTICATE, {"code": app.next()}).status_code == 302
    assert stranger.get("/accounts/sessions/").status_code == 200
    assert events(user) == [
        "person.signed-in",
        "person.second-factor-added",
        "person.recovery-codes-made",
        "person.sign-in-failed",
        "person.signed-in",
    ]


def test_a_code_counts_once_even_within_its_half_minute() -> None:
    cast.person("Alice", codes.READER)
    client, _ = sign_in()
    app = codes.set_up(client)
    code = app.next()
    first, _ = sign_in()
    assert first.post(AUTHENTICATE, {"code": code}).status_code == 302
    second, _ = sign_in()
    assert "This code is wrong, or was used already" in second.post(AUTHENTICATE, {"code": code}).content.decode()


def test_a_recovery_code_opens_once() -> None:
    cast.person("Alice", codes.READER)
    client, _ = sign_in()
    codes.set_up(client)
    page = client.get("/accounts/second-factor/codes/").content.decode()
    kept = re.findall(r"^(?:<pre id=\"codes\">)?(\d{10})", page, re.MULTILINE)
    assert len(kept) == 10
    again = client.get("/accounts/second-factor/codes/").content.decode()
    assert kept[3] not in again
    first, _ = sign_in()
    assert first.post(AUTHENTICATE, {"code": kept[3]}).status_code == 302
    second, _ = sign_in()
    assert "This code is wrong" in second.post(AUTHENTICATE, {"code": kept[3]}).content.decode()


def test_secrets_are_encrypted_in_the_database_and_open_under_the_right_key_only(settings: Settings) -> None:
    cast.person("Alice", codes.READER)
    client, _ = sign_in()
    app = codes.set_up(client)
    stored = json.dumps(list(Authenticator.objects.values_list("data", flat=True)))
    assert app.secret not in stored
    sealed = Authenticator.objects.get(type="totp").data["secret"]
    adapter = second_factor.Adapter()
    assert adapter.decrypt(sealed) == app.secret
    assert adapter.encrypt(app.secret) != sealed, "a nonce is used once"
    with pytest.raises(ValueError, match="not encrypted"):
        adapter.decrypt(app.secret)
    settings.NIGHTLIGHT_MFA_KEY = bytes(32)
    with pytest.raises(InvalidTag):
        adapter.decrypt(sealed)


@pytest.mark.usefixtures("required")
def test_the_only_second_factor_stays_where_one_is_required() -> None:
    user = cast.person("Alice", codes.READER)
    client, _ = sign_in()
    codes.set_up(client)
    assert "your only second factor" in client.post(REMOVE).content.decode()
    assert Authenticator.objects.filter(user=user, type="totp").exists()
    assert "person.second-factor-removed" not in events(user)
    key = Authenticator.objects.create(user=user, type="webauthn", data={"name": "stick", "credential": {}})
    Authenticator.objects.filter(user=user, type="totp").delete()
    answer = client.post(f"/accounts/passkeys/{key.pk}/remove/")
    assert answer.status_code == 409
    assert Authenticator.objects.filter(pk=key.pk).exists()


def test_a_removed_second_factor_is_on_record() -> None:
    user = cast.person("Alice", codes.READER)
    client, _ = sign_in()
    codes.set_up(client)
    assert client.post(REMOVE).status_code == 302
    assert events(user)[-1] == "person.second-factor-removed"
    body = json.loads(Event.objects.filter(kind="person.second-factor-removed").get().body)
    assert body["data"] == {"factor": "totp", "left": 0}


def test_new_recovery_codes_end_the_old_ones_and_are_on_record() -> None:
    user = cast.person("Alice", codes.READER)
    client, _ = sign_in()
    codes.set_up(client)
    old = re.findall(r"\d{10}", client.get("/accounts/second-factor/codes/").content.decode())
    assert client.post("/accounts/second-factor/codes/new/").status_code == 302
    new = re.findall(r"\d{10}", client.get("/accounts/second-factor/codes/").content.decode())
    assert len(new) == 10
    assert not set(old) & set(new)
    assert events(user).count("person.recovery-codes-made") == 2


def test_a_change_to_ones_sign_in_asks_again_after_five_minutes() -> None:
    cast.person("Alice", codes.READER)
    client, _ = sign_in()
    session = client.session
    for record in session["account_authentication_methods"]:
        record["at"] -= 301
    session["account_authentication_methods"] = list(session["account_authentication_methods"])
    session.save()
    assert client.get(codes.ADD).headers["Location"].startswith("/accounts/reauthenticate/")


def test_nothing_else_of_the_library_can_be_reached() -> None:
    client, _ = sign_in()
    for path in ("email/", "password/reset/", "password/set/", "3rdparty/", "2fa/", "second-factor/codes/download/"):
        assert client.get(f"/accounts/{path}").status_code == 404, path
