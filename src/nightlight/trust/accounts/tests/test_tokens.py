# SPDX-License-Identifier: Apache-2.0
"""Tokens of partners' systems: few scopes, an end, shown once, and gone when revoked."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from nightlight.foundation.refusals import Conflict, NotFound
from nightlight.trust.accounts import queries, rules, token_actions, verify
from nightlight.trust.accounts.models import ApiToken, Scope
from nightlight.trust.custody.models import Event

NOON = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)
UNIT = "UN-7F3K-9QTX"


def _issue(days: int = 30, **changed: object) -> token_actions.IssuedToken:
    facts = {"name": "Example Partner", "scopes": [Scope.EXPORTS_READ], "unit": UNIT, "days": days} | changed
    return token_actions.issue_token(by="command:cli", at=NOON, **facts)  # type: ignore[arg-type]


def _login(text: str, at: datetime = NOON) -> queries.TokenLogin | None:
    return queries.token_login(f"Bearer {text}", at=at)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": " "},
        {"scopes": []},
        {"scopes": ["everything"]},
        {"unit": "somewhere"},
        {"days": 0},
        {"days": 366},
    ],
)
@pytest.mark.django_db
def test_a_token_that_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(Conflict):
        _issue(**wrong)  # type: ignore[arg-type]
    assert not ApiToken.objects.exists()
    assert not Event.objects.exists()


@pytest.mark.django_db
def test_the_database_takes_no_token_without_an_end() -> None:
    token = _issue().token
    wrongs: list[dict[str, Any]] = [{"expires_at": None}, {"expires_at": NOON + timedelta(days=366)}, {"scopes": []}]
    for wrong in wrongs:
        with pytest.raises(IntegrityError), transaction.atomic():
            ApiToken.objects.filter(pk=token.pk).update(**wrong)


@pytest.mark.django_db
def test_a_wrong_an_expired_and_a_revoked_token_open_nothing() -> None:
    issued = _issue()
    other = _issue()
    assert _login(issued.text[:-1] + ("A" if issued.text[-1] != "A" else "B")) is None
    assert _login(issued.text.replace(issued.token.public_id, other.token.public_id)) is None
    assert _login(issued.text, NOON + timedelta(days=30)) is None
    token_actions.revoke_token(by="command:cli", at=NOON, public_id=issued.token.public_id)
    assert _login(issued.text) is None
    with pytest.raises(NotFound):
        token_actions.revoke_token(by="command:cli", at=NOON, public_id=issued.token.public_id)
    assert _login(other.text) is not None


@pytest.mark.parametrize("header", ["", "Bearer", "Basic abc", "Bearer nlt_", "Bearer nlt_TK-7F3K-9QTX_short"])
@pytest.mark.django_db
def test_other_headers_are_no_token(header: str) -> None:
    assert queries.token_login(header, at=NOON) is None


@pytest.mark.django_db
def test_a_valid_token_says_what_it_may_do_and_its_secret_is_kept_nowhere() -> None:
    issued = _issue(scopes=[Scope.FEEDBACK_READ, Scope.EXPORTS_READ, Scope.EXPORTS_READ])
    assert issued.text.startswith("nlt_TK-")
    assert len(issued.text.split("_", 2)[2]) == 43
    login = _login(issued.text)
    assert login is not None
    assert login.scopes == {"exports:read", "feedback:read"}
    assert (login.unit, login.actor) == (UNIT, f"token:{issued.token.public_id}")
    secret = issued.text.split("_", 2)[2]
    assert secret.encode() not in bytes(ApiToken.objects.get().digest)
    assert secret not in Event.objects.get(kind="token.issued").body


@pytest.mark.django_db
def test_use_is_noted_once_a_day() -> None:
    issued = _issue()
    for hour in (0, 1, 2, 24):
        at = NOON + timedelta(hours=hour)
        login = _login(issued.text, at)
        assert login is not None
        token_actions.token_used(at=at, login=login, address="192.0.2.1")
    assert Event.objects.filter(kind="token.used-first-today").count() == 2
    assert ApiToken.objects.get().last_used_on == (NOON + timedelta(days=1)).date()


@pytest.mark.django_db
def test_a_token_altered_past_the_log_is_noticed() -> None:
    token = _issue().token
    assert list(verify.check()) == []
    ApiToken.objects.filter(pk=token.pk).update(scopes=list(Scope.values))
    assert [problem.code for problem in verify.check()] == ["token-altered"]


@given(st.text(max_size=120))
def test_any_header_is_read_or_refused(header: str) -> None:
    found = rules.read_bearer(header)
    assert found is None or len(found[1]) == 43


@given(st.from_regex(r"TK-[0-9A-Z]{4}-[0-9A-Z]{4}", fullmatch=True), st.binary(min_size=32, max_size=32))
def test_what_is_handed_over_is_read_back(public_id: str, random: bytes) -> None:
    secret = base64.urlsafe_b64encode(random).rstrip(b"=").decode()
    assert rules.read_bearer(f"Bearer {rules.token_text(public_id, secret)}") == (public_id, secret)


@given(st.text(min_size=1, max_size=40))
def test_a_name_has_one_digest_however_it_is_typed(name: str) -> None:
    key = bytes(32)
    assert rules.name_digest(key, f" {name} ") == rules.name_digest(key, name)
    assert rules.name_digest(bytes([1]) * 32, name) != rules.name_digest(key, name)
