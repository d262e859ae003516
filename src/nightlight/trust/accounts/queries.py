# SPDX-License-Identifier: Apache-2.0
"""Who is asking?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from allauth.mfa.models import Authenticator
from axes.models import AccessAttempt
from django.conf import settings

from nightlight.trust import statements
from nightlight.trust.accounts import rules
from nightlight.trust.accounts.models import ApiToken, Reporter

if TYPE_CHECKING:
    from datetime import date, datetime

    from django.db.models import QuerySet

    from nightlight.trust.accounts.models import User

_LOGIN = """
SELECT c.digest, c.id, c.environment, c.may_submit, r.id, r.public_id, r.name
FROM accounts_credential c JOIN accounts_reporter r ON r.id = c.reporter_id
WHERE c.username = %(username)s AND c.active
"""
_NOBODY = bytes(32)


@dataclass(frozen=True, slots=True)
class ReporterLogin:
    """A reporter who has shown a valid credential."""

    username: str
    credential_id: int
    environment: str
    may_submit: bool
    reporter_id: int
    reporter_public_id: str
    reporter_name: str

    @property
    def actor(self) -> str:
        """How custody events name this reporter."""
        return f"reporter:{self.reporter_public_id}"


def reporter_login(username: str, password: str) -> ReporterLogin | None:
    """Return the reporter this credential belongs to, or None. One query; revocation holds at once."""
    row = next(iter(statements.rows(_LOGIN, {"username": username[:40]})), None)
    shown = rules.digest(settings.NIGHTLIGHT_REPORTER_PEPPER, username, password)
    if not rules.same(shown, bytes(row[0]) if row else _NOBODY) or row is None:
        return None
    return ReporterLogin(username, *row[1:])


def reporter_names() -> list[tuple[str, str]]:
    """Return (public id, name) of every reporter by name, for filters."""
    return list(Reporter.objects.order_by("name").values_list("public_id", "name"))


@dataclass(frozen=True, slots=True)
class TokenLogin:
    """A partner's system that has shown a valid token."""

    token_id: int
    public_id: str
    name: str
    scopes: frozenset[str]
    unit: str
    expires_at: datetime
    last_used_on: date | None

    @property
    def actor(self) -> str:
        """How custody events name this token."""
        return f"token:{self.public_id}"


def token_login(header: str, *, at: datetime) -> TokenLogin | None:
    """Return whose token an ``Authorization`` header shows, or None: unknown, wrong, expired or revoked.

    A wrong secret and an unknown token take the same time; revocation and expiry hold at once.
    """
    shown = rules.read_bearer(header)
    if shown is None:
        return None
    public_id, secret = shown
    token = ApiToken.objects.filter(public_id=public_id).first()
    digest = rules.digest(settings.NIGHTLIGHT_REPORTER_PEPPER, public_id, secret)
    if not rules.same(digest, bytes(token.digest) if token else _NOBODY) or token is None:
        return None
    if token.revoked_at is not None or token.expires_at <= at:
        return None
    return TokenLogin(
        token_id=token.pk,
        public_id=token.public_id,
        name=token.name,
        scopes=frozenset(token.scopes),
        unit=token.unit,
        expires_at=token.expires_at,
        last_used_on=token.last_used_on,
    )


def tokens() -> list[ApiToken]:
    """Return all tokens, revoked and expired ones too, by name and age."""
    return list(ApiToken.objects.order_by("name", "created_at"))


def second_factors(person: User) -> dict[int, str]:
    """Return what this person can show besides a password: database key and kind (``totp`` or ``webauthn``)."""
    return _authenticators(person, Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


def recovery_codes(person: User) -> dict[int, str]:
    """Return the person's set of recovery codes, if there is one: database key and kind."""
    return _authenticators(person, Authenticator.Type.RECOVERY_CODES)


def _authenticators(person: User, *kinds: str) -> dict[int, str]:
    return dict(Authenticator.objects.filter(user_id=person.pk, type__in=kinds).values_list("pk", "type"))


def attempts(person: User) -> QuerySet[AccessAttempt]:
    """Return the counters of failed sign-ins under this person's name, one for each address and browser."""
    digest = rules.name_digest(settings.NIGHTLIGHT_MFA_KEY, person.username)
    counters: QuerySet[AccessAttempt] = AccessAttempt.objects.filter(username=digest)
    return counters


def failed_sign_ins(person: User) -> int:
    """Return how many sign-ins under this person's name failed and still count, or have not been cleared away yet."""
    return sum(attempts(person).values_list("failures_since_start", flat=True))
