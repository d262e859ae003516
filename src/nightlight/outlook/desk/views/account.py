# SPDX-License-Identifier: Apache-2.0
"""How somebody signs in: changes to one's own second factors on record, and what an administrator can do for others."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from allauth.account.decorators import reauthentication_required
from allauth.account.internal.flows.login import get_authentication_records
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh

from nightlight.foundation import clock
from nightlight.foundation.refusals import Conflict, NotFound
from nightlight.outlook.desk import second_factor
from nightlight.outlook.desk.access import for_roles
from nightlight.trust.accounts import queries, sign_in_actions
from nightlight.trust.accounts.models import Role, User
from nightlight.trust.units.models import Below, Post

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponseBase

    from nightlight.outlook.desk.access import DeskRequest

_OTHERWISE = gettext_lazy("Other people's sign-in is looked after by administrators and commanders.")
helps_people_sign_in = for_roles(Role.ADMINISTRATOR, Role.COMMANDER, otherwise=_OTHERWISE)


def recorded(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Let one of the library's views change the asker's own second factors, and record what changed, both or neither.

    Raises Conflict if that would leave nobody's second factor where one is required.
    """

    @functools.wraps(view)
    @sensitive_post_parameters()
    def answer(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        person = request.user
        if not isinstance(person, User) or request.method != "POST":
            return view(request, *args, **kwargs)
        with transaction.atomic():
            User.objects.select_for_update().get(pk=person.pk)
            before, codes = queries.second_factors(person), queries.recovery_codes(person)
            response = view(request, *args, **kwargs)
            after = queries.second_factors(person)
            if before and not after and second_factor.required():
                raise Conflict(str(second_factor.Adapter.error_messages["cannot_delete_authenticator"]))
            by, at = f"officer:{person.public_id}", clock.now()
            sign_in_actions.second_factors_changed(by=by, at=at, person=person, before=before, after=after)
            if queries.recovery_codes(person).keys() - codes.keys():
                sign_in_actions.recovery_codes_made(by=by, at=at, person=person)
            return response

    return answer


def renewed(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Give the session a new key when the person has shown again who they are, so that an old one opens nothing."""

    @functools.wraps(view)
    def answer(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        before, old = len(get_authentication_records(request, request.user)), request.session.session_key
        response = view(request, *args, **kwargs)
        if request.user.is_authenticated and len(get_authentication_records(request, request.user)) > before:
            request.session.cycle_key()
            UserSession.objects.filter(session_key=old).update(session_key=request.session.session_key)
        return response

    return answer


# Whoever ends sessions has shown who they are within the last five minutes; looking takes no more than a session.
shown_lately = reauthentication_required(app="allauth.usersessions", allow_get=True)


@require_safe
def still_open(request: HttpRequest) -> HttpResponse:
    """Say nothing (204) while the session is open; else the gate answers, and the page goes off the screen."""
    if not request.user.is_authenticated:
        return HttpResponseClientRefresh()
    answer = HttpResponse(status=204)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@require_POST
def end_session(request: HttpRequest, number: int) -> HttpResponse:
    """Sign the asker out in one other place."""
    if not isinstance(request.user, User):
        return redirect("account_login")
    session = UserSession.objects.filter(pk=number, user_id=request.user.pk).first()
    if session is None:
        raise NotFound(_("This session has ended already."))
    by = f"officer:{request.user.public_id}"
    sign_in_actions.end_sessions(by=by, at=clock.now(), person=request.user, keys=[session.session_key])
    messages.success(request, _("Signed out there."))
    return redirect("usersessions_list")


@require_http_methods(["GET", "HEAD", "POST"])
@helps_people_sign_in
def sign_in_of(request: DeskRequest, public_id: str) -> HttpResponse:
    """How somebody signs in, for those who help when it fails: sessions, second factors, a lock."""
    person = User.objects.filter(public_id=public_id).first()
    if person is None or not _helps(request, person):
        raise NotFound(_("There is no such person in your units."))
    if request.method == "POST":
        _help(request, person)
        return redirect("sign-in-of", public_id=public_id)
    return render(
        request,
        "account/sign_in_of.html",
        {
            "person": person,
            "sessions": sorted(UserSession.objects.purge_and_list(person), key=lambda s: s.last_seen_at, reverse=True),
            "factors": sorted(queries.second_factors(person).values()),
            "codes": queries.recovery_codes(person),
            "identities": SocialAccount.objects.filter(user=person).count(),
            "failures": queries.failed_sign_ins(person),
        },
    )


def _helps(request: DeskRequest, person: User) -> bool:
    """An administrator helps everybody; a commander those who hold a post in their unit or below it."""
    if request.viewer.manages:
        return True
    mine = [post.unit_id for post in request.viewer.posts if post.role == Role.COMMANDER]
    below = Below.objects.filter(ancestor__in=mine).values("unit_id")
    return Post.objects.active(clock.now()).filter(user=person, unit__in=below).exists()


def _help(request: DeskRequest, person: User) -> None:
    by, at = f"officer:{request.user.public_id}", clock.now()
    deed = request.POST.get("deed", "")
    if deed == "end-sessions":
        ended = sign_in_actions.end_sessions(by=by, at=at, person=person)
        messages.success(
            request,
            ngettext("Signed out in %(count)d place.", "Signed out in %(count)d places.", ended) % {"count": ended},
        )
    elif deed == "unlock":
        sign_in_actions.unlock(by=by, at=at, person=person)
        messages.success(request, _("The failed sign-ins are forgotten; this person can sign in again."))
    elif deed == "reset-second-factor":
        if person.pk == request.user.pk:
            raise Conflict(_("Change your own second factor on your own page."))
        sign_in_actions.reset_second_factors(by=by, at=at, person=person)
        messages.success(request, _("The second factors are taken away; at the next sign-in a new one is set up."))
    else:
        raise Conflict(_("This page cannot do that."))
