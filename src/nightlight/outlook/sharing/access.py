# SPDX-License-Identifier: Apache-2.0
"""Who may ask for which list: a member by its user name and secret (HTTP Basic), lists opened to it. Deny by default.

The order in which something is refused gives nothing away: first who asks (401, empty), then whether the list is
theirs (404, whether or not there is one), and only then what they ask of it.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Protocol, cast

import structlog
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from nightlight.foundation import basic_login
from nightlight.foundation.refusals import NotAllowed, NotFound, Refusal
from nightlight.outlook.machine_answers import finished
from nightlight.pipeline.matching import sharing_queries as queries
from nightlight.pipeline.matching.sharing import writing
from nightlight.trust import identity

if TYPE_CHECKING:
    from collections.abc import Callable

    from nightlight.trust.accounts.models import Role

P = ParamSpec("P")
REALM = "Nightlight hash sharing"
NO_LIST = "There is no such list, or it was not opened to you."
_AGAIN = 30  # seconds after which a client may ask again for what could not be answered
_STATUS: dict[type[Refusal], int] = {NotAllowed: 403, NotFound: 404}
log = structlog.get_logger("sharing")


class MemberRequest(HttpRequest):
    """A request of a member for a list that was opened to it."""

    login: queries.MemberLogin
    shared: queries.Shared


@dataclass(frozen=True, slots=True)
class MemberDecision:
    """By which methods a member may open an address; a person's role opens none."""

    methods: tuple[str, ...]
    roles: frozenset[Role] = field(default_factory=frozenset)


class Decided(Protocol[P]):
    """A view that carries its decision."""

    decision: MemberDecision
    for_machines: bool  # the desk's gate, which looks at sessions, lets it pass

    def __call__(self, request: HttpRequest, slug: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        """Answer the request, or say why not."""


def for_members(
    *methods: str,
) -> Callable[[Callable[Concatenate[MemberRequest, P], HttpResponse]], Decided[P]]:
    """Let members to whom the list under ``slug`` was opened ask by these methods; no other word for "not yours".

    The view runs as the member in the database. Sessions and cookies are not looked at, so no form check is needed.
    Answers are never kept.
    """

    def wrap(view: Callable[Concatenate[MemberRequest, P], HttpResponse]) -> Decided[P]:
        @csrf_exempt
        @functools.wraps(view)
        def answer(request: HttpRequest, slug: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            who, response = "", None
            try:
                login = _login(request.headers.get("Authorization", ""))
                if login is None:
                    response = _unknown()
                else:
                    who = login.public_id
                    with identity.acting_as(service=login.service):
                        response = _answer(request, slug, login, methods, lambda asked: view(asked, *args, **kwargs))
            except queries.Busy:
                response = refused(503, "The list is just being changed; please ask again.")
            except DatabaseError:
                log.exception("sharing-failed", who=who)
                response = refused(503, "The server failed; please ask again.")
            return finished(response, request, who=who, log=log, event="sharing-refused")

        decided = cast("Decided[P]", answer)
        decided.decision = MemberDecision(methods)
        decided.for_machines = True
        return decided

    return wrap


def xml(body: bytes, status: int = 200) -> HttpResponse:
    """Return a document of the wire."""
    return HttpResponse(body, status=status, content_type=writing.CONTENT_TYPE)


def refused(status: int, reason: str) -> HttpResponse:
    """Return a refusal as a document of the wire."""
    answer = xml(writing.error(reason), status)
    if status == 503:
        answer.headers["Retry-After"] = str(_AGAIN)
    return answer


def _answer(
    request: HttpRequest,
    slug: str,
    login: queries.MemberLogin,
    methods: tuple[str, ...],
    view: Callable[[MemberRequest], HttpResponse],
) -> HttpResponse:
    shared = queries.shared_list(login, slug)
    if shared is None:
        return refused(404, NO_LIST)
    if request.method not in methods:
        answer = refused(405, f"This address answers {', '.join(methods)}.")
        answer.headers["Allow"] = ", ".join(methods)
        return answer
    asked = cast("MemberRequest", request)
    asked.login, asked.shared = login, shared
    try:
        return view(asked)
    except Refusal as refusal:
        return refused(
            next((number for kind, number in _STATUS.items() if isinstance(refusal, kind)), 400), refusal.reason
        )


def _unknown() -> HttpResponse:
    """No list and no member is named to whoever shows no login; clients expect an empty body."""
    answer = HttpResponse(status=401, content_type=writing.CONTENT_TYPE)
    answer.headers["WWW-Authenticate"] = f'Basic realm="{REALM}", charset="UTF-8"'
    return answer


def _login(header: str) -> queries.MemberLogin | None:
    """Return who shows a valid login, or None."""
    shown = basic_login.read(header)
    return queries.member_login(*shown) if shown else None
