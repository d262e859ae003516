# SPDX-License-Identifier: Apache-2.0
"""Signing in and out: nobody signs up, every coming and going is recorded."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from django.conf import settings as django_settings
from django.test import Client

from nightlight.config import environment
from nightlight.outlook.desk.tests import cast, codes
from nightlight.trust.custody import queries as custody

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_django import Settings

LOGIN = "/accounts/login/"


@pytest.mark.django_db
def test_a_wrong_password_is_refused_and_opens_nothing() -> None:
    cast.person("Alice", "triage-officer")
    client = Client()
    answer = client.post(LOGIN, {"login": "alice", "password": "wrong"})
    assert answer.status_code == 200
    assert 'role="alert"' in answer.content.decode()
    assert client.get("/").status_code == 302


@pytest.mark.django_db
def test_nobody_can_sign_up() -> None:
    answer = Client().get("/accounts/signup/")
    assert "Nobody can sign up here" in answer.content.decode()


@pytest.mark.parametrize(("role", "page"), [("investigator", "/"), ("auditor", "/"), ("administrator", "/system/")])
@pytest.mark.django_db
def test_each_role_begins_on_its_page_and_its_coming_and_going_is_recorded(role: str, page: str) -> None:
    user = cast.person("Alice", role)
    client = Client()
    answer = client.post(LOGIN, {"login": "alice", "password": cast.PASSWORD})
    assert answer.headers["Location"] == page
    assert client.get(page).status_code == 200
    assert client.post("/accounts/logout/").status_code == 302
    assert client.get(page).status_code == 302
    kinds = [event.kind for event in custody.history([f"officer:{user.public_id}"])]
    assert kinds[0] == "person.added"
    assert kinds[-2:] == ["person.signed-in", "person.signed-out"]


@pytest.mark.django_db
def test_a_changed_password_is_recorded() -> None:
    user = cast.person("Alice", "triage-officer")
    client = Client()
    client.post(LOGIN, {"login": "alice", "password": cast.PASSWORD})
    new = "another-long-invented-one"
    client.post("/accounts/password/change/", {"oldpassword": cast.PASSWORD, "password1": new, "password2": new})
    assert custody.history([f"officer:{user.public_id}"])[-1].kind == "person.password-changed"


@pytest.mark.parametrize("weak", ["short-one", "password1234", "alice-alice-alice", "Nightlight-2026"])
@pytest.mark.django_db
def test_a_password_that_is_easily_guessed_is_refused(weak: str) -> None:
    user = cast.person("Alice", codes.READER)
    client = Client()
    client.force_login(user)
    answer = client.post(
        "/accounts/password/change/", {"oldpassword": cast.PASSWORD, "password1": weak, "password2": weak}
    )
    assert 'role="alert"' in answer.content.decode()
    user.refresh_from_db()
    assert user.check_password(cast.PASSWORD)


@pytest.mark.parametrize(
    "wrong",
    [
        {"NIGHTLIGHT_SECOND_FACTOR": "never"},
        {"NIGHTLIGHT_IDLE_LOCK": "0"},
        {"NIGHTLIGHT_OIDC_URL": "http://login.example.org"},
        {"NIGHTLIGHT_OIDC_URL": "https://login.example.org"},
        {"NIGHTLIGHT_OIDC_CLIENT_SECRET_FILE": "/nowhere/secret"},
    ],
)
def test_settings_that_make_no_sense_stop_the_start(wrong: dict[str, str]) -> None:
    with pytest.raises(environment.WrongSetting):
        environment.read(wrong)


def test_a_client_secret_that_others_may_read_stops_the_start(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("a-secret-of-the-test\n")
    settings = {
        "NIGHTLIGHT_OIDC_URL": "https://login.example.org/",
        "NIGHTLIGHT_OIDC_CLIENT_ID": "nightlight",
        "NIGHTLIGHT_OIDC_CLIENT_SECRET_FILE": str(file),
    }
    file.chmod(0o644)
    with pytest.raises(environment.WrongSetting, match="others may read"):
        environment.read(settings)
    file.chmod(0o600)
    read = environment.read(settings)
    assert (read.oidc_client_secret, read.oidc_url) == ("a-secret-of-the-test", "https://login.example.org")


def test_the_second_factor_is_required_unless_it_is_a_demo() -> None:
    assert environment.read({}).second_factor == "required"
    assert (
        environment.read({"NIGHTLIGHT_DEMO": "yes", "NIGHTLIGHT_SECOND_FACTOR": "required"}).second_factor == "offered"
    )


@pytest.mark.django_db
def test_demo_sign_ins_are_shown_in_a_demo_only(settings: Settings, tmp_path: Path) -> None:
    people = [{"username": "asha", "password": "exercise-only", "role": "officer", "name": "SI Asha Rane"}]
    (tmp_path / "demo.json").write_text(json.dumps({"people": people}))
    settings.ENVIRONMENT = replace(django_settings.ENVIRONMENT, home=tmp_path, demo=False)
    assert "SI Asha Rane" not in Client().get(LOGIN).content.decode()
    settings.ENVIRONMENT = replace(django_settings.ENVIRONMENT, home=tmp_path, demo=True)
    page = Client().get(LOGIN).content.decode()
    assert "SI Asha Rane" in page
    assert "exercise-only" in page


@pytest.mark.parametrize("path", ["/nowhere/", "/tips/NL-1111-1111/x/"])
@pytest.mark.django_db
def test_an_unknown_address_is_a_page_of_ours(path: str) -> None:
    answer = Client().get(path)
    assert answer.status_code == 404
    assert "There is no page at this address" in answer.content.decode()
