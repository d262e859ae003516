# SPDX-License-Identifier: Apache-2.0
"""Who is asking?"""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from nightlight.trust import statements
from nightlight.trust.accounts import rules
from nightlight.trust.accounts.models import Reporter

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
