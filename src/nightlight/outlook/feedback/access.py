# SPDX-License-Identifier: Apache-2.0
"""Who may ask what became of which report: a reporter by its credential, of its own reports. Deny by default.

The credential is that of the reporting API, and so are its rules: a keyed digest, revocation at once, and no lock-out,
because 256 random bits are not guessed and a lock would let strangers lock a platform out.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Protocol, cast

import structlog
from django.db import DatabaseError
from django.http import HttpRequest
from django.views.decorators.csrf import csrf_exempt

from nightlight.foundation import basic_login
from nightlight.foundation.refusals import Refusal
from nightlight.outlook.api.problems import of_refusal, problem
from nightlight.outlook.machine_answers import finished
from nightlight.trust import identity
from nightlight.trust.accounts import queries as accounts

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http.response import HttpResponseBase

    from nightlight.trust.accounts.models import Role
    from nightlight.trust.accounts.queries import ReporterLogin

P = ParamSpec("P")
REALM = "Nightlight reporting"
METHODS = ("GET", "HEAD")
_AGAIN = "30"  # seconds
log = structlog.get_logger("feedback")


class ReporterRequest(HttpRequest):
    """A request of a reporter's software that has shown a valid credential."""

    login: ReporterLogin


@dataclass(frozen=True, slots=True)
class ReporterDecision:
    """By which methods a reporter may open an address; a person's role opens none."""

    methods: tuple[str, ...]
    roles: frozenset[Role] = field(default_factory=frozenset)


class Decided(Protocol[P]):
    """A view that carries its decision."""

    decision: ReporterDecision
    for_machines: bool  # the desk's gate, which looks at sessions, lets it pass

    def __call__(self, request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        """Answer the request, or say why not."""


def for_reporters(view: Callable[Concatenate[ReporterRequest, P], HttpResponseBase]) -> Decided[P]:
    """Let whoever shows a reporter's valid credential ask; others get a problem document (RFC 9457).

    The view runs under the role of the intake. Sessions and cookies are not looked at, so no form check is needed.
    Answers are never kept.
    """

    @csrf_exempt
    @functools.wraps(view)
    def answer(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        who = ""
        try:
            with identity.receiving():
                shown = basic_login.read(request.headers.get("Authorization", ""))
                login = accounts.reporter_login(*shown) if shown else None
                if login is None:
                    response = _unknown()
                elif request.method not in METHODS:
                    who, response = login.reporter_public_id, _method()
                else:
                    who = login.reporter_public_id
                    asked = cast("ReporterRequest", request)
                    asked.login = login
                    response = view(asked, *args, **kwargs)
        except Refusal as refusal:
            response = of_refusal(refusal)
        except DatabaseError:
            log.exception("feedback-failed", who=who)
            response = problem(503, "again", "The server failed; please ask again.")
            response.headers["Retry-After"] = _AGAIN
        return finished(response, request, who=who, log=log, event="feedback-refused")

    decided = cast("Decided[P]", answer)
    decided.decision = ReporterDecision(METHODS)
    decided.for_machines = True
    return decided


def _unknown() -> HttpResponseBase:
    detail = "Show the user name and password of a reporter's credential (HTTP Basic)."
    answer = problem(401, "credential", detail)
    answer.headers["WWW-Authenticate"] = f'Basic realm="{REALM}", charset="UTF-8"'
    return answer


def _method() -> HttpResponseBase:
    answer = problem(405, "method", "This address answers GET.")
    answer.headers["Allow"] = ", ".join(METHODS)
    return answer
