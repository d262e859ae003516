# SPDX-License-Identifier: Apache-2.0
"""Who may ask the API what: the holder of a token with the scope that the address asks for. Deny by default."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Protocol, cast

from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from nightlight.foundation import clock
from nightlight.foundation.refusals import Refusal
from nightlight.outlook.api.problems import of_refusal, problem
from nightlight.trust.accounts import queries, token_actions

if TYPE_CHECKING:
    from collections.abc import Callable

    from nightlight.trust.accounts.models import Role, Scope
    from nightlight.trust.accounts.queries import TokenLogin

P = ParamSpec("P")
_CHALLENGE = 'Bearer realm="nightlight"'


class ApiRequest(HttpRequest):
    """A request of a partner's system that has shown a valid token."""

    login: TokenLogin


@dataclass(frozen=True, slots=True)
class ScopeDecision:
    """What a token must be good for to open an address; a person's role opens none."""

    scope: Scope | None
    methods: tuple[str, ...]
    roles: frozenset[Role] = field(default_factory=frozenset)


class Decided(Protocol[P]):
    """A view that carries its decision."""

    decision: ScopeDecision
    for_machines: bool  # the desk's gate, which looks at sessions, lets it pass

    def __call__(self, request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> JsonResponse:
        """Answer the request, or say why not."""


def for_scope(
    scope: Scope | None, *methods: str
) -> Callable[[Callable[Concatenate[ApiRequest, P], JsonResponse]], Decided[P]]:
    """Let a token with this scope (None: any token) open the view by these methods (default GET).

    Others are refused with a problem document: 401 without a valid token (RFC 6750), 403 without the scope, 405 for
    another method. Sessions and cookies are not looked at, so no form check is needed. Answers are never kept.
    """
    allowed = methods or ("GET",)

    def wrap(view: Callable[Concatenate[ApiRequest, P], JsonResponse]) -> Decided[P]:
        @csrf_exempt
        @functools.wraps(view)
        def answer(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> JsonResponse:
            refused = _refusal(request, scope, allowed)
            if refused is not None:
                return refused
            try:
                response = view(cast("ApiRequest", request), *args, **kwargs)
            except Refusal as refusal:
                return of_refusal(refusal)
            response.headers["Cache-Control"] = "no-store"
            return response

        decided = cast("Decided[P]", answer)
        decided.decision = ScopeDecision(scope, allowed)
        decided.for_machines = True
        return decided

    return wrap


def _refusal(request: HttpRequest, scope: Scope | None, allowed: tuple[str, ...]) -> JsonResponse | None:
    """Return why not, or None after noting on the request whose token it is."""
    header, at = request.headers.get("Authorization", ""), clock.now()
    login = queries.token_login(header, at=at)
    if login is None:
        detail = "The token is unknown, expired or revoked." if header else "Show a token: Authorization: Bearer nlt_…"
        refused = problem(401, "token", detail)
        refused.headers["WWW-Authenticate"] = f'{_CHALLENGE}, error="invalid_token"' if header else _CHALLENGE
        return refused
    if scope is not None and scope not in login.scopes:
        refused = problem(403, "scope", f"This token may not do that; it would need {scope}.", scope=str(scope))
        refused.headers["WWW-Authenticate"] = f'{_CHALLENGE}, error="insufficient_scope", scope="{scope}"'
        return refused
    if request.method not in allowed:
        refused = problem(405, "method", f"This address answers {', '.join(allowed)}.")
        refused.headers["Allow"] = ", ".join(allowed)
        return refused
    token_actions.token_used(at=at, login=login, address=request.META.get("REMOTE_ADDR", ""))
    cast("ApiRequest", request).login = login
    return None
