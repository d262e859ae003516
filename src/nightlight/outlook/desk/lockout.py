# SPDX-License-Identifier: Apache-2.0
"""Too many failed sign-ins: the name is refused for a while, the person is told until when, and it is on record.

Five failures within 15 minutes under one name from one address, or twenty under one name from anywhere, and the name
is refused for 15 minutes, even with the right password. A passkey still opens: it cannot be guessed. Counts lie in
the database (django-axes), so they hold for all processes and outlive a restart; of the name only a keyed digest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from axes.handlers.database import AxesDatabaseHandler
from axes.handlers.proxy import AxesProxyHandler
from django.conf import settings
from django.db import transaction
from django.db.models import Sum
from django.shortcuts import render

from nightlight.foundation import clock
from nightlight.trust.accounts import rules, sign_in_actions
from nightlight.trust.accounts.models import User

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from django.http import HttpRequest, HttpResponse

    Credentials = Mapping[str, object]

# A name is tried from many addresses by an attacker, from few by its owner: one failure there counts a quarter.
_NAME_ALONE = 4


class Handler(AxesDatabaseHandler):  # type: ignore[misc]
    """Counts failures, and puts each, and each lock, into the custody log."""

    def get_failures(self, request: HttpRequest, credentials: Credentials | None = None) -> int:
        """Return how far this name is on the way to the limit: at five it is refused."""
        pair, name = (
            attempts.aggregate(failures=Sum("failures_since_start"))["failures"] or 0
            for attempts in self.get_user_attempts(request, credentials)
        )
        return max(pair, name // _NAME_ALONE)

    def user_login_failed(
        self, sender: object, credentials: Credentials, request: HttpRequest | None = None, **kwargs: object
    ) -> None:
        """Count the failure and record it, and the lock if this was one too many, all or nothing."""
        if request is None or getattr(request, "axes_locked_out", False):
            # Refused without comparing: that neither counts nor lengthens the lock.
            super().user_login_failed(sender, credentials, request, **kwargs)
            return
        now, person = clock.now(), _person(credentials)
        digest, address = typed_name(request, credentials) or "", _address(request)
        step = str(kwargs.get("step", "password"))
        with transaction.atomic():
            super().user_login_failed(sender, credentials, request, **kwargs)
            sign_in_actions.sign_in_failed(at=now, person=person, name_digest=digest, address=address, step=step)
            if getattr(request, "axes_locked_out", False):
                end = until(request, credentials)
                sign_in_actions.locked_out(at=now, person=person, name_digest=digest, address=address, until=end)


def typed_name(request: HttpRequest, credentials: Credentials | None) -> str | None:
    """Return the digest under which a name's failures are counted, or None where no name was given."""
    name = (credentials or {}).get("username") or request.POST.get("login")
    return rules.name_digest(settings.NIGHTLIGHT_MFA_KEY, str(name)) if name else None


def locked(request: HttpRequest, person: User) -> bool:
    """Whether this person's name is refused from this address; if so the answer becomes the page that says so."""
    credentials = {"username": person.username}
    if not AxesProxyHandler.is_locked(request, credentials):
        return False
    request.axes_locked_out = True  # type: ignore[attr-defined]
    request.axes_credentials = credentials  # type: ignore[attr-defined]
    return True


def code_failed(request: HttpRequest, person: User) -> None:
    """Count a wrong one-time code as what it is: a failed sign-in under this person's name."""
    credentials = {"username": person.username}
    AxesProxyHandler.user_login_failed(Handler, credentials=credentials, request=request, step="second-factor")


def until(request: HttpRequest, credentials: Credentials | None) -> datetime:
    """Return when the name is open again at the latest."""
    newest = [
        at
        for attempts in AxesProxyHandler.get_implementation().get_user_attempts(request, credentials)
        for at in attempts.values_list("attempt_time", flat=True)
    ]
    end: datetime = max(newest, default=clock.now()) + settings.AXES_COOLOFF_TIME
    return end


def locked_out_page(request: HttpRequest, original: HttpResponse, credentials: Credentials | None) -> HttpResponse:
    """Say until when the name is refused; status 429 (RFC 6585)."""
    end = until(request, credentials)
    seconds = max(1, round((end - clock.now()).total_seconds()))
    answer = render(request, "account/locked_out.html", {"until": end}, status=429)
    answer.headers["Retry-After"] = str(seconds)
    return answer


def _address(request: HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR", ""))


def _person(credentials: Credentials) -> User | None:
    return User.objects.filter(username__iexact=str(credentials.get("username", ""))[:150]).first()
