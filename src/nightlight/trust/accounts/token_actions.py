# SPDX-License-Identifier: Apache-2.0
"""Every change to the tokens partners' systems use."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from nightlight.foundation import public_ids
from nightlight.foundation.clock import stamp
from nightlight.foundation.refusals import Conflict, NotFound
from nightlight.trust.accounts import rules, verify
from nightlight.trust.accounts.models import ApiToken, Scope
from nightlight.trust.custody import actions as custody

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from nightlight.trust.accounts.queries import TokenLogin

MOST_DAYS = 365
_UNIT = re.compile(r"UN-[0-9A-Z]{4}-[0-9A-Z]{4}")


@dataclass(frozen=True)
class IssuedToken:
    """A token at the one moment its text is known; it cannot be shown again."""

    token: ApiToken
    text: str


@transaction.atomic
def issue_token(*, by: str, at: datetime, name: str, scopes: Iterable[str], unit: str, days: int) -> IssuedToken:
    """Give a partner's system a token for these scopes, for so many days; ``unit`` ("UN-…") answers for it.

    Raises Conflict for an empty name, no or unknown scopes, a malformed unit, and a life outside 1 to 365 days.
    """
    name, wanted = " ".join(name.split()), sorted(set(scopes))
    if not name or len(name) > 200:
        raise Conflict("A token needs a name of 1 to 200 characters: whose system uses it.")
    if not wanted or not set(wanted) <= set(Scope.values):
        raise Conflict(f"A token needs scopes, out of {', '.join(Scope.values)}.")
    if not _UNIT.fullmatch(unit):
        raise Conflict("Name the unit that answers for the partner, such as UN-7F3K-9QTX.")
    if not 1 <= days <= MOST_DAYS:
        raise Conflict(f"A token lives 1 to {MOST_DAYS} days.")
    public_id, secret = public_ids.new("TK"), rules.new_password()
    digest = rules.digest(settings.NIGHTLIGHT_REPORTER_PEPPER, public_id, secret)
    token = ApiToken.objects.create(
        public_id=public_id,
        name=name,
        scopes=wanted,
        unit=unit,
        digest=digest,
        created_by=by,
        created_at=at,
        expires_at=at + timedelta(days=days),
    )
    custody.append(
        by=by,
        at=at,
        kind="token.issued",
        subject=f"token:{public_id}",
        data={
            "name": name,
            "scopes": wanted,
            "unit": unit,
            "expires_at": stamp(token.expires_at),
            "digest_sha256": verify.digest_of(digest),
        },
    )
    return IssuedToken(token=token, text=rules.token_text(public_id, secret))


@transaction.atomic
def revoke_token(*, by: str, at: datetime, public_id: str) -> None:
    """End a token at once. Raises NotFound."""
    if not ApiToken.objects.filter(public_id=public_id, revoked_at=None).update(revoked_at=at):
        raise NotFound(f"There is no token {public_id[:16]!r} that is not revoked already.")
    custody.append(by=by, at=at, kind="token.revoked", subject=f"token:{public_id}", data={})


@transaction.atomic
def token_used(*, at: datetime, login: TokenLogin, address: str) -> None:
    """Record that a token is in use, once a day: the first request of the day (UTC) writes, the others do not."""
    today = at.date()
    if login.last_used_on == today:
        return
    first = ApiToken.objects.filter(Q(last_used_on=None) | Q(last_used_on__lt=today), pk=login.token_id)
    if first.update(last_used_on=today):
        custody.append(
            by=login.actor, at=at, kind="token.used-first-today", subject=login.actor, data={"address": address}
        )
