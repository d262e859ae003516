# SPDX-License-Identifier: Apache-2.0
"""The API opens to tokens only: no cookie, no other scope, and every refusal is a problem document."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from django.http import JsonResponse
from django.test import Client, RequestFactory
from django.urls import get_resolver

from nightlight.foundation import clock
from nightlight.foundation.refusals import Conflict
from nightlight.outlook.api import deconfliction, views
from nightlight.outlook.api.access import for_scope
from nightlight.trust.accounts import token_actions
from nightlight.trust.accounts.models import Scope, User
from nightlight.trust.custody.models import Event

if TYPE_CHECKING:
    from django.http.response import HttpResponseBase

    from nightlight.outlook.api.access import ApiRequest

WHOAMI = "/api/v1/whoami"
UNIT = "UN-7F3K-9QTX"

pytestmark = pytest.mark.django_db


@pytest.fixture
def token() -> token_actions.IssuedToken:
    """A token that may fetch exports."""
    return token_actions.issue_token(
        by="command:cli", at=clock.now(), name="Example Partner", scopes=[Scope.EXPORTS_READ], unit=UNIT, days=30
    )


def _is_problem(answer: HttpResponseBase, status: int, kind: str) -> None:
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Cache-Control"] == "no-store"
    body = json.loads(answer.content)  # type: ignore[attr-defined]
    assert body["type"] == f"urn:nightlight:problem:{kind}"
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]


def test_without_a_token_it_is_refused() -> None:
    answer = Client().get(WHOAMI)
    _is_problem(answer, 401, "token")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="nightlight"'
    wrong = Client().get(WHOAMI, headers={"Authorization": "Bearer nlt_TK-7F3K-9QTX_" + "x" * 43})
    _is_problem(wrong, 401, "token")
    assert 'error="invalid_token"' in wrong.headers["WWW-Authenticate"]


def test_a_session_of_a_person_is_not_accepted() -> None:
    user = User.objects.create(username="alice", public_id="OF-0000-0000")
    client = Client()
    client.force_login(user)
    _is_problem(client.get(WHOAMI), 401, "token")


def test_a_token_opens_no_page_for_people(token: token_actions.IssuedToken) -> None:
    answer = Client().get("/", headers={"Authorization": f"Bearer {token.text}"})
    assert answer.headers["Location"].startswith("/accounts/login/")


def test_another_method_and_an_unknown_address_are_refused(token: token_actions.IssuedToken) -> None:
    shown = {"Authorization": f"Bearer {token.text}"}
    answer = Client(enforce_csrf_checks=True).post(WHOAMI, headers=shown)
    _is_problem(answer, 405, "method")
    assert answer.headers["Allow"] == "GET"
    _is_problem(Client().get("/api/v1/nowhere", headers=shown), 404, "address")
    _is_problem(Client().get("/api/v1/nowhere"), 401, "token")


def test_a_token_without_the_scope_is_refused_and_one_with_it_is_not(token: token_actions.IssuedToken) -> None:
    @for_scope(Scope.FEEDBACK_READ)
    def feedback(request: ApiRequest) -> JsonResponse:
        return JsonResponse({})

    @for_scope(Scope.EXPORTS_READ)
    def exports(request: ApiRequest) -> JsonResponse:
        return JsonResponse({"for": request.login.unit})

    request = RequestFactory().get("/", headers={"Authorization": f"Bearer {token.text}"})
    refused = feedback(request)
    _is_problem(refused, 403, "scope")
    assert 'scope="feedback:read"' in refused.headers["WWW-Authenticate"]
    assert exports(request).status_code == 200


def test_an_actions_refusal_is_a_problem_document_too(token: token_actions.IssuedToken) -> None:
    @for_scope(None)
    def view(request: ApiRequest) -> JsonResponse:
        raise Conflict("It was done already.")

    request = RequestFactory().get("/", headers={"Authorization": f"Bearer {token.text}"})
    _is_problem(view(request), 409, "refused")


def test_a_revoked_token_ends_at_once(token: token_actions.IssuedToken) -> None:
    shown = {"Authorization": f"Bearer {token.text}"}
    assert Client().get(WHOAMI, headers=shown).status_code == 200
    token_actions.revoke_token(by="command:cli", at=clock.now(), public_id=token.token.public_id)
    _is_problem(Client().get(WHOAMI, headers=shown), 401, "token")


def test_a_token_says_whose_it_is_and_its_first_use_of_the_day_is_on_record(token: token_actions.IssuedToken) -> None:
    shown = {"Authorization": f"Bearer {token.text}"}
    answer = Client().get(WHOAMI, headers=shown)
    assert answer.json()["token"] == token.token.public_id
    assert answer.json()["scopes"] == ["exports:read"]
    assert answer.json()["unit"] == UNIT
    assert not answer.cookies
    Client().get(WHOAMI, headers=shown)
    used = Event.objects.filter(kind="token.used-first-today")
    assert [event.actor for event in used] == [f"token:{token.token.public_id}"]


def test_every_address_of_the_api_carries_its_decision() -> None:
    api = next(one for one in get_resolver().url_patterns if str(one.pattern) == "api/")
    assert {view.callback for view in api.url_patterns} == {  # type: ignore[union-attr]
        views.whoami,
        deconfliction.ask,
        views.nowhere,
    }
    assert all(hasattr(view.callback, "decision") for view in api.url_patterns)  # type: ignore[union-attr]
