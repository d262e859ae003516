# SPDX-License-Identifier: Apache-2.0
"""What stands between a session and every page: not too old, not left alone, and with a second factor.

A session ends 12 hours after its beginning, whatever happens in it. It is locked when the person has asked for nothing
for some minutes; what a page asks by itself does not count. Locked means: the next request leads to the page that asks
for the password or the second factor, and from there back. What a form sent meanwhile is not sent again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.http import HttpResponseRedirect
from django.urls import reverse
from django_htmx.http import HttpResponseClientRefresh

from nightlight.foundation import clock
from nightlight.outlook.desk import second_factor
from nightlight.trust.accounts import queries
from nightlight.trust.accounts.models import User

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

    View = Callable[[HttpRequest], HttpResponse]

UNLOCKING = frozenset({"account_logout", "account_reauthenticate", "mfa_reauthenticate", "mfa_reauthenticate_webauthn"})
SETTING_UP = UNLOCKING | {
    "still-open",
    "account_change_password",
    "mfa_index",
    "mfa_activate_totp",
    "mfa_list_webauthn",
    "mfa_add_webauthn",
    "mfa_view_recovery_codes",
    "mfa_generate_recovery_codes",
}
BEGAN = "nightlight.began_at"  # in the session, seconds since 1970: when it began
SEEN = "nightlight.seen_at"  # when the person last asked for something
CHECKED = "nightlight.second_factor"  # whether the person was found to have a second factor
_NOTE_EVERY = 30  # seconds: not every request writes the session


class _Gate:
    def __init__(self, rest: View) -> None:
        self._rest = rest

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._rest(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], _args: object, _kwargs: object
    ) -> HttpResponse | None:
        """Let the request pass, or send the person where they have to go first."""
        if hasattr(view, "for_machines") or not isinstance(request.user, User):
            return None
        name = request.resolver_match.view_name if request.resolver_match else ""
        now = clock.now().timestamp()
        if now - request.session.setdefault(BEGAN, now) > settings.NIGHTLIGHT_SESSION_HOURS * 3600:
            get_adapter(request).logout(request)
            return _to(request, reverse("account_login"))
        if now - _last_seen(request, now) > settings.ENVIRONMENT.idle_lock * 60:
            request.locked = True  # type: ignore[attr-defined]  # the page says why it asks
            return None if name in UNLOCKING else _locked(request)
        if second_factor.required() and name not in SETTING_UP and not _has_second_factor(request, request.user):
            return _to(request, reverse("mfa_index"))
        if not _by_itself(request):
            _note(request, now)
        return None


def gate(rest: View) -> View:
    """Stand between every session and the pages."""
    return _Gate(rest)


def _by_itself(request: HttpRequest) -> bool:
    """Whether a page asks this and not a person: a part fetched by htmx (``hx-trigger="every …"``), not a link.

    If a part is one day fetched because somebody clicked, that does not count either: a session rather locks too soon.
    """
    return bool(request.htmx) and not request.htmx.boosted and request.method == "GET"  # type: ignore[attr-defined]


def _last_seen(request: HttpRequest, now: float) -> float:
    shown = [r["at"] for r in get_authentication_records(request, request.user) if r.get("reauthenticated")]
    return max(float(request.session.setdefault(SEEN, now)), *map(float, shown), 0.0)


def _note(request: HttpRequest, now: float) -> None:
    if now - request.session[SEEN] > _NOTE_EVERY:
        request.session[SEEN] = now
        address = get_adapter(request).get_client_ip(request)
        mine = UserSession.objects.filter(session_key=request.session.session_key)
        mine.update(last_seen_at=clock.now(), ip=address)


def _has_second_factor(request: HttpRequest, person: User) -> bool:
    if not request.session.get(CHECKED):
        if not (queries.second_factors(person) or second_factor.shown_elsewhere(request, person)):
            return False
        request.session[CHECKED] = True
    return True


def _locked(request: HttpRequest) -> HttpResponse:
    methods = get_adapter(request).get_reauthentication_methods(request.user)
    if not methods:  # somebody who came through the identity provider and has nothing to show here
        get_adapter(request).logout(request)
        return _to(request, reverse("account_login"))
    return _to(request, f"{methods[0]['url']}?{urlencode({'next': _page(request)})}")


def _page(request: HttpRequest) -> str:
    """Return the page to come back to: the one asked for, or the one a form was sent from."""
    if request.method in {"GET", "HEAD"}:
        return request.get_full_path()
    sent_from = urlsplit(request.headers.get("Referer", ""))
    if sent_from.netloc == request.get_host() and sent_from.path.startswith("/"):
        return sent_from.path + (f"?{sent_from.query}" if sent_from.query else "")
    return "/"


def _to(request: HttpRequest, address: str) -> HttpResponse:
    """Lead there; a page that asked for a part of itself is loaded anew, and that leads there."""
    return HttpResponseClientRefresh() if request.htmx else HttpResponseRedirect(address)  # type: ignore[attr-defined]
