# SPDX-License-Identifier: Apache-2.0
"""Signing in through another provider: only as somebody linked beforehand, and not around the second factor."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest
from allauth.socialaccount.models import SocialAccount
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings as django_settings
from django.test import Client

from nightlight.foundation.refusals import Conflict, NotFound
from nightlight.outlook.desk.tests import cast, codes, identity_provider
from nightlight.outlook.desk.tests.identity_provider import CLIENT, SECRET, Provider
from nightlight.outlook.desk.tests.test_second_factor import AUTHENTICATE, INDEX, LOGIN, events, sign_in
from nightlight.trust.accounts import sign_in_actions
from nightlight.trust.accounts.models import User
from nightlight.trust.custody.models import Event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.test.client import _MonkeyPatchedWSGIResponse as Answer
    from pytest_django import Settings

BEGIN = "/accounts/oidc/login/"
PAGE = "/accounts/sessions/"
SUBJECT = "248289761001"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _quick(db: None, settings: Settings) -> None:
    codes.quick(settings)


@pytest.fixture
def provider(settings: Settings) -> Iterator[Provider]:
    """A provider that runs, and an installation that knows it."""
    for running in identity_provider.running():
        settings.SOCIALACCOUNT_PROVIDERS = {
            "openid_connect": {
                "APPS": [
                    {
                        "provider_id": "oidc",
                        "name": "State Police",
                        "client_id": CLIENT,
                        "secret": SECRET,
                        "settings": {
                            "server_url": running.url,
                            "oauth_pkce_enabled": True,
                            "scope": ["openid"],
                            "fetch_userinfo": False,
                        },
                    }
                ]
            }
        }
        running.claims = {"sub": SUBJECT, "name": "Not Kept", "email": "alice@example.org"}
        yield running


@pytest.fixture
def user(db: None) -> User:
    """Alice."""
    return cast.person("Alice", codes.READER)


def _link(user: User, subject: str = SUBJECT) -> None:
    sign_in_actions.link_identity(by="command:cli", at=cast.NOON, person=user, subject=subject)


def _through(client: Client) -> Answer:
    """Go there and come back, as a browser does."""
    to = client.post(BEGIN).headers["Location"]
    back = httpx.get(to).headers["Location"]
    return client.get(back.partition("testserver")[2])


def test_without_a_provider_there_is_no_such_way_in() -> None:
    assert Client().post(BEGIN).status_code == 404
    assert "Sign in through" not in Client().get(LOGIN).content.decode()


def test_an_identity_nobody_linked_is_refused_and_makes_no_person(provider: Provider, user: User) -> None:
    client = Client()
    answer = _through(client)
    assert answer.status_code == 403
    assert "nobody here is linked" in answer.content.decode()
    assert client.get(PAGE).status_code == 302
    assert User.objects.count() == 1
    assert not SocialAccount.objects.exists()
    refused = Event.objects.filter(kind="person.sign-in-failed").get()
    assert '"step":"single-sign-on"' in refused.body
    assert SUBJECT not in refused.body


def test_an_equal_name_or_address_is_not_enough(provider: Provider, user: User) -> None:
    User.objects.filter(pk=user.pk).update(email="alice@example.org")
    provider.claims |= {"preferred_username": "alice", "email_verified": True}
    assert _through(Client()).status_code == 403


def test_nobody_links_an_identity_to_themselves(provider: Provider, user: User) -> None:
    client, _ = sign_in()
    to = client.post(BEGIN + "?process=connect").headers["Location"]
    back = httpx.get(to).headers["Location"]
    assert client.get(back.partition("testserver")[2]).status_code == 403
    assert not SocialAccount.objects.exists()


def test_a_code_that_was_not_asked_for_here_is_refused(provider: Provider, user: User) -> None:
    _link(user)
    to = Client().post(BEGIN).headers["Location"]
    back = httpx.get(to).headers["Location"].partition("testserver")[2]
    stranger = Client()
    assert "did not confirm" in stranger.get(back).content.decode()
    assert stranger.get(PAGE).status_code == 302


def test_a_token_for_somebody_else_is_refused(provider: Provider, user: User) -> None:
    _link(user)
    provider.audience = "another-service"
    client = Client()
    assert "did not confirm" in _through(client).content.decode()
    assert client.get(PAGE).status_code == 302


@pytest.mark.parametrize(
    "claims", [{"exp": 1_700_000_000}, {"nbf": 4_000_000_000}, {"iss": "https://elsewhere.example"}]
)
def test_a_token_that_is_over_not_yet_good_or_of_another_issuer_is_refused(
    provider: Provider, user: User, claims: dict[str, object]
) -> None:
    _link(user)
    provider.claims.update(claims)
    client = Client()
    assert "did not confirm" in _through(client).content.decode()
    assert client.get(PAGE).status_code == 302


def test_a_token_with_another_signature_or_none_is_refused(provider: Provider, user: User) -> None:
    _link(user)
    provider.key = rsa.generate_private_key(65537, 2048)
    assert "did not confirm" in _through(Client()).content.decode()
    provider.algorithm = "none"
    assert "did not confirm" in _through(Client()).content.decode()
    provider.algorithm, provider.key = "RS256", provider.published
    assert _through(Client()).status_code == 302


def test_a_linked_person_signs_in_and_nothing_about_them_is_kept(provider: Provider, user: User) -> None:
    _link(user)
    assert "Sign in through State Police" in Client().get(LOGIN).content.decode()
    client = Client()
    assert _through(client).status_code == 302
    assert client.get(PAGE).status_code == 200
    assert events(user) == ["person.identity-linked", "person.signed-in"]
    assert SocialAccount.objects.get().extra_data == {}


def test_the_second_factor_is_asked_for_here_too(provider: Provider, user: User, settings: Settings) -> None:
    settings.ENVIRONMENT = replace(django_settings.ENVIRONMENT, second_factor="required")
    _link(user)
    first = Client()
    _through(first)
    assert first.get(PAGE).headers["Location"] == INDEX
    app = codes.set_up(first)
    second = Client()
    assert _through(second).headers["Location"] == AUTHENTICATE
    assert second.get(PAGE).status_code == 302
    second.post(AUTHENTICATE, {"code": app.next()})
    assert second.get(PAGE).status_code == 200


@pytest.mark.parametrize(("amr", "enough"), [(["pwd"], False), (None, False), (["pwd", "mfa"], True)])
def test_a_trusted_provider_must_say_that_it_saw_one(
    provider: Provider, user: User, settings: Settings, amr: list[str] | None, enough: bool
) -> None:
    settings.ENVIRONMENT = replace(
        django_settings.ENVIRONMENT, second_factor="required", oidc_trusts_second_factor=True
    )
    _link(user)
    provider.claims["amr"] = amr
    client = Client()
    _through(client)
    assert client.get(PAGE).status_code == (200 if enough else 302)


def test_an_unlinked_person_is_out_at_once(provider: Provider, user: User) -> None:
    _link(user)
    client = Client()
    _through(client)
    sign_in_actions.unlink_identity(by="command:cli", at=cast.NOON, person=user, subject=SUBJECT)
    assert client.get(PAGE).status_code == 302
    assert _through(Client()).status_code == 403


def test_links_that_make_no_sense_are_refused(user: User) -> None:
    with pytest.raises(Conflict):
        _link(user, " ")
    with pytest.raises(NotFound):
        sign_in_actions.unlink_identity(by="command:cli", at=cast.NOON, person=user, subject=SUBJECT)
    _link(user)
    with pytest.raises(Conflict):
        _link(cast.person("Bob", codes.READER))
