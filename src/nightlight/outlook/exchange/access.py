# SPDX-License-Identifier: Apache-2.0
"""Who may ask about a package: the installation that signs the request with the keys that were compared here.

Who asks is known before a body is read. Sessions and cookies are not looked at, so no form check is needed.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Protocol, cast

import structlog
from django.db import DatabaseError
from django.views.decorators.csrf import csrf_exempt

from nightlight.foundation.refusals import NotFound
from nightlight.outlook.api.problems import problem
from nightlight.pipeline.routing.exchange.receiving import NotTaken
from nightlight.trust import identity

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

    from nightlight.trust.accounts.models import Role

P = ParamSpec("P")
_STATUS = {
    "signature": 401,
    "unknown-sender": 403,
    "ended": 403,
    "not-for-us": 403,
    "other-package": 409,
    "offset": 409,
    "too-large": 413,
    "too-many": 429,
    "no-room": 507,
}
_AGAIN = 5  # seconds after which what failed here may be asked again
log = structlog.get_logger("exchange")


@dataclass(frozen=True, slots=True)
class InstallationDecision:
    """By which methods another installation may open an address; a person's role opens none."""

    methods: tuple[str, ...]
    roles: frozenset[Role] = field(default_factory=frozenset)


class Decided(Protocol[P]):
    """A view that carries its decision."""

    decision: InstallationDecision
    for_machines: bool  # the desk's gate, which looks at sessions, lets it pass

    def __call__(self, request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        """Answer the request, or say why not."""


def for_installations(
    *methods: str,
) -> Callable[[Callable[Concatenate[HttpRequest, P], HttpResponse]], Decided[P]]:
    """Let other installations ask by these methods; refusals are problem documents (RFC 9457).

    The view runs as the intake. It says itself whose signature it asks for.
    """

    def wrap(view: Callable[Concatenate[HttpRequest, P], HttpResponse]) -> Decided[P]:
        @csrf_exempt
        @functools.wraps(view)
        def answer(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            if request.method not in methods:
                refused = problem(405, "method", f"This address answers {', '.join(methods)}.")
                refused.headers["Allow"] = ", ".join(methods)
                return refused
            try:
                with identity.receiving():
                    response = view(request, *args, **kwargs)
            except NotTaken as refusal:
                response = _refused(request, refusal)
            except NotFound as refusal:
                response = problem(404, "package", refusal.reason)
            except (DatabaseError, OSError) as error:
                log.exception("exchange-failed", error=type(error).__name__)
                response = problem(503, "busy", "The server failed; please ask again.")
                response.headers["Retry-After"] = str(_AGAIN)
            response.headers["Cache-Control"] = "no-store"
            return response

        decided = cast("Decided[P]", answer)
        decided.decision = InstallationDecision(methods)
        decided.for_machines = True
        return decided

    return wrap


def _refused(request: HttpRequest, refusal: NotTaken) -> HttpResponse:
    if refusal.code != "offset":
        log.warning(
            "exchange-refused",
            code=refusal.code,
            method=request.method,
            page=request.resolver_match.view_name if request.resolver_match else "",
            address=request.META.get("REMOTE_ADDR", ""),
        )
    members: dict[str, object] = {} if refusal.offset is None else {"offset": refusal.offset}
    answer = problem(_STATUS.get(refusal.code, 400), refusal.code, refusal.reason, **members)
    if refusal.wait:
        answer.headers["Retry-After"] = str(refusal.wait)
    if refusal.code == "signature":
        answer.headers["WWW-Authenticate"] = "Nightlight-Exchange"
    return answer
