# SPDX-License-Identifier: Apache-2.0
"""Turns refusals into pages, refuses text that cannot be kept, and tells browsers what to keep and for whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog
from django.core.handlers.wsgi import WSGIRequest
from django.http import UnreadablePostError
from django.shortcuts import render
from django.utils.http import parse_header_parameters
from django.utils.translation import gettext as _

from nightlight.foundation.refusals import Conflict, NotAllowed, NotFound, Refusal
from nightlight.foundation.storable import storable
from nightlight.outlook.api.problems import problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse, QueryDict

    View = Callable[[HttpRequest], HttpResponse]

log = structlog.get_logger("pages")
_STATUS: dict[type[Refusal], int] = {NotAllowed: 403, Conflict: 409, NotFound: 404}
_FORMS = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})
_API = ("/api/", "/feedback/", "/exchange/")
_TELLING = "/tell/"  # keeps no address of who asks, in no log either
_SHARING = "/hashsharing/"  # answers such text in words of its own protocol, and looks at no cookie


class _Refusals:
    def __init__(self, rest: View) -> None:
        self._rest = rest

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._rest(request)

    def process_exception(self, request: HttpRequest, refusal: Exception) -> HttpResponse | None:
        if not isinstance(refusal, Refusal):
            return None
        status = _STATUS.get(type(refusal), 400)
        if isinstance(refusal, NotAllowed):  # who tried what; the address may name a record, its pattern does not
            pattern = request.resolver_match.view_name if request.resolver_match else ""
            who = getattr(request.user, "public_id", "")
            log.warning(
                "refused", who=who, page=pattern, method=request.method, address=request.META.get("REMOTE_ADDR")
            )
        return render(request, "desk/refused.html", {"reason": refusal.reason, "status": status}, status=status)


def refusals(rest: View) -> View:
    """Turn an action's refusal into a page with its reason."""
    return _Refusals(rest)


def browser_guards(rest: View) -> View:
    """Say with each answer that it is kept nowhere and belongs to our own pages; after signing out, forget the rest.

    A view that says otherwise about keeping is left alone.
    """

    def answer(request: HttpRequest) -> HttpResponse:
        response = rest(request)
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        match = request.resolver_match
        if match is not None and match.view_name == "account_logout" and request.method == "POST":
            response.headers["Clear-Site-Data"] = '"cache", "storage"'
        return response

    return answer


class PlainRequest(WSGIRequest):
    """A request that is read as UTF-8 whatever its headers say: Django would decode by any codec that they name.

    With one that decodes no text (base64) it fails while the request is made, where no page can say so.
    """

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        try:
            self.content_type, self.content_params = parse_header_parameters(meta.get("CONTENT_TYPE", ""))
        except ValueError:  # an encoding that nobody knows (RFC 2231)
            self.content_type, self.content_params = "", {"charset": "unreadable"}


class _StorableText:
    """Refuses what no text of the database can hold before anything asks the database with it.

    Files are not looked at, and a body that a view reads by itself (uploads, partners' systems) is left to the view: of
    ordinary forms Django's form check has the fields read anyway.
    """

    def __init__(self, rest: View) -> None:
        self._rest = rest

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith(_SHARING) or _address_is_storable(request):
            return self._rest(request)
        return _unstorable(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], _args: object, _kwargs: object
    ) -> HttpResponse | None:
        if request.method != "POST" or request.content_type not in _FORMS or getattr(view, "csrf_exempt", False):
            return None
        try:
            sent = request.POST
        except UnreadablePostError:  # the client is gone; the form check says so
            return None
        return None if _fields_are_storable(sent) else _unstorable(request)


def storable_text(rest: View) -> View:
    """Answer 400 where an address, a cookie or a field of a form holds a NUL or half a surrogate pair, or no UTF-8."""
    return _StorableText(rest)


def _address_is_storable(request: HttpRequest) -> bool:
    # What another encoding would make of the bytes, a NUL or half a pair, is not asked.
    return (
        (request.content_params or {}).get("charset", "utf-8").lower() in {"utf-8", "utf8"}
        and storable(request.path_info)
        and _fields_are_storable(request.GET)
        and all(map(storable, request.COOKIES.values()))  # in quotes "\\000" stands for a NUL (RFC 2109)
    )


def _fields_are_storable(fields: QueryDict) -> bool:
    return all(storable(name) and all(map(storable, values)) for name, values in fields.lists())


def _unstorable(request: HttpRequest) -> HttpResponse:
    address = "" if request.path_info.startswith(_TELLING) else request.META.get("REMOTE_ADDR")
    log.warning("unstorable-text", method=request.method, address=address)
    reason = _("What was sent holds characters that no text can have (a NUL, or half a character), or is not UTF-8.")
    if request.path_info.startswith(_API):
        return problem(400, "text", reason)
    return render(request, "desk/refused.html", {"reason": reason, "status": 400}, status=400)
