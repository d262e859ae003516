# SPDX-License-Identifier: Apache-2.0
"""Who may open which page. Deny by default: each view carries its decision; a test asks every address."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Protocol, cast

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext_lazy as _
from django_htmx.http import HttpResponseClientRefresh

from nightlight.foundation import clock
from nightlight.foundation.refusals import NotAllowed
from nightlight.trust import identity
from nightlight.trust.accounts.models import Role, User
from nightlight.trust.units import rules
from nightlight.trust.units.viewer import Viewer, viewer_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.utils.functional import _StrPromise as StrPromise
    from django_htmx.middleware import HtmxDetails

P = ParamSpec("P")


class DeskRequest(HttpRequest):
    """A request of somebody who is signed in."""

    user: User
    viewer: Viewer
    htmx: HtmxDetails


@dataclass(frozen=True, slots=True)
class Decision:
    """Which roles may open a page, and what the others are told."""

    roles: frozenset[Role]
    otherwise: StrPromise


class Decided(Protocol[P]):
    """A view that carries its decision."""

    decision: Decision

    def __call__(self, request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        """Answer the request, or say why not."""


TIPS = _("Tips are read by those who work on them. Your role manages people and the system and sees no tip.")
SYSTEM = _("This page is for administrators and auditors. Ask an administrator for what you need changed.")
UPLOADS = _("Imports are started by intake analysts and triage officers. You can follow them, but not start one.")
NO_POST = _("You hold no post in any unit now, so there is nothing you may see. Ask an administrator.")


def viewer_of_request(request: HttpRequest) -> Viewer:
    """Return whoever is signed in, with the posts they hold now; worked out once for each request."""
    found: Viewer | None = getattr(request, "viewer", None)
    if found is None:
        user = cast("User", request.user)
        with identity.acting_as(viewer=user.pk):
            found = viewer_of(user, clock.now())
        request.viewer = found  # type: ignore[attr-defined]
    return found


def for_roles(
    *roles: Role, otherwise: StrPromise
) -> Callable[[Callable[Concatenate[DeskRequest, P], HttpResponse]], Decided[P]]:
    """Let these roles open the view, ask the unknown to sign in, and refuse others with a reason.

    Answers are never kept by a browser or a proxy.
    """
    decision = Decision(frozenset(roles), otherwise)

    def wrap(view: Callable[Concatenate[DeskRequest, P], HttpResponse]) -> Decided[P]:
        @functools.wraps(view)
        def answer(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            asked = cast("DeskRequest", request)
            if not request.user.is_authenticated:
                # When a page asks for news after the session ended, it is loaded anew, and that leads here.
                if asked.htmx:
                    return HttpResponseClientRefresh()
                return redirect_to_login(request.get_full_path())
            viewer = viewer_of_request(request)
            if not viewer.roles & decision.roles:
                raise NotAllowed(str(otherwise) if viewer.posts else str(NO_POST))
            with identity.acting_as(viewer=viewer.user_id):
                response = view(asked, *args, **kwargs)
            add_never_cache_headers(response)
            return response

        decided = cast("Decided[P]", answer)
        decided.decision = decision
        return decided

    return wrap


reads_tips = for_roles(*rules.READS, otherwise=TIPS)
imports_tips = for_roles(*rules.IMPORTS, otherwise=UPLOADS)
sees_system = for_roles(Role.ADMINISTRATOR, Role.AUDITOR, otherwise=SYSTEM)
