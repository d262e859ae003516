# SPDX-License-Identifier: Apache-2.0
"""The pages of the hotline: choose a language, tell, come back with a code. They know nobody and set no cookie."""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Protocol, cast

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpResponse, UnreadablePostError
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from nightlight.foundation import clock
from nightlight.foundation.refusals import Conflict, NotFound
from nightlight.outlook.hotline import forms
from nightlight.pipeline.tips import telling
from nightlight.pipeline.tips.formats import hotline
from nightlight.pipeline.tips.models_telling import TellingLimit
from nightlight.trust import identity

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from django.http import HttpRequest

    from nightlight.outlook.hotline.forms import Sent

P = ParamSpec("P")
# Each language in its own script, as the chooser and the links at the top show it.
LANGUAGES = (("en", "English"), ("hi", "हिन्दी"), ("mr", "मराठी"), ("ml", "മലയാളം"))
STATES_OF_IT = {
    "received": gettext_noop("We have it. An officer reads it."),
    "looked-at": gettext_noop("It is with the officers who look into such reports."),
    "passed-on": gettext_noop("It was passed to the police who are responsible for it."),
    "closed": gettext_noop("The work on it has ended. If something new happens, add it below: it will be read."),
}
MOST_BYTES = 256 * 1024  # of a form; the longest that can be filled in is far below
_FORM = "application/x-www-form-urlencoded"
_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)


class Public(Protocol[P]):
    """A view for anybody."""

    for_machines: bool

    def __call__(self, request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        """Answer the request."""


def public(view: Callable[Concatenate[HttpRequest, P], HttpResponse]) -> Public[P]:
    """Let anybody ask, where the hotline is switched on. Nothing about who asks is looked at, kept or passed on.

    No form check of Django's (CSRF): that check keeps another site from acting in the name of who is signed in, by the
    cookie that their browser sends along. Here nobody is signed in, no cookie is read or set, and what another site
    could make a browser send is what anybody may send anyway. The token of the form only shows when it was opened.
    """

    @csrf_exempt
    @functools.wraps(view)
    def answer(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not settings.NIGHTLIGHT_HOTLINE:
            raise Http404
        response = view(request, *args, **kwargs)
        response["Cache-Control"] = "no-store"  # nothing is left to come back to
        response["Content-Security-Policy"] = _CSP
        response["Referrer-Policy"] = "no-referrer"  # the page that leaving leads to is not told from where
        return response

    shown = cast("Public[P]", answer)
    shown.for_machines = True  # the gate of the desk, which looks at sessions, lets it pass
    return shown


@public
@require_safe
def languages(request: HttpRequest) -> HttpResponse:
    """Choose a language."""
    with translation.override("en"):
        choices = [(code, own, _in(code, "Tell us about a child in danger")) for code, own in LANGUAGES]
        return _page("languages", "en", choices=choices)


@public
@require_http_methods(["GET", "HEAD", "POST"])
def tell(request: HttpRequest, language: str) -> HttpResponse:
    """The form; and once it was sent, the code to come back with."""
    with _speaking(language):
        at = clock.now()
        if request.method != "POST":
            return _form(language, at, forms.Sent({"danger": "unknown"}))
        refused = _refused_form(request, language)
        if refused is not None:
            return refused
        sent = forms.sent(request.POST.dict(), at)
        if sent.problem:
            return _form(language, at, sent, status=400)
        with identity.receiving():
            try:
                _admit(request, at)
                taken = telling.take(by=telling.BY, at=at, told=sent.told(language), with_code=True, form=sent.form)
            except telling.TooOften:
                return _form(language, at, sent, status=429)
        return _page("receipt", language, code=taken.code)


@public
@require_http_methods(["GET", "HEAD", "POST"])
def back(request: HttpRequest, language: str) -> HttpResponse:
    """See with a code how far it is, and add to it. Every code that is none is answered alike."""
    with _speaking(language):
        at = clock.now()
        if request.method != "POST":
            return _page("back", language)
        refused = _refused_form(request, language)
        if refused is not None:
            return refused
        with identity.receiving():
            try:
                return _come_back(request, language, at)
            except telling.TooOften:
                return _page("busy", language, status=429)


def _come_back(request: HttpRequest, language: str, at: datetime) -> HttpResponse:
    code = request.POST.get("code", "")[:200]
    _admit(request, at, looks=True)
    state = telling.state_of(code, at)
    if state is None:
        return _page("back", language, status=404, problem=_("There is no such code. Look at each letter again."))
    problem = done = ""
    what = request.POST.get("what")
    sent = forms.Sent({"what": "", "danger": "unknown"})
    if what is not None:
        sent = forms.sent(request.POST.dict(), at)
        problem = sent.problem
        if not problem:
            try:
                _admit(request, at)
                telling.add(at=at, code=code, added=sent.added, form=sent.form)
                done, sent = _("Thank you. It was added."), forms.Sent({"what": "", "danger": "unknown"})
            except NotFound:  # destroyed between the two questions
                return _page(
                    "back", language, status=404, problem=_("There is no such code. Look at each letter again.")
                )
            except telling.TooOften:
                problem = _("We cannot take more just now. Please try again in an hour.")
            except Conflict:
                problem = _("So much was added with this code that no more can be. Tell it anew.")
    return _page(
        "state",
        language,
        status=400 if problem else 200,
        code=code,
        state=_(STATES_OF_IT[state]),
        problem=problem,
        done=done,
        told=sent.fields,
        token=forms.token(at),
        trap=forms.TRAP,
        longest=hotline.LONGEST_TEXT,
    )


def _admit(request: HttpRequest, at: datetime, *, looks: bool = False) -> None:
    limits = (settings.NIGHTLIGHT_HOTLINE_PER_ADDRESS, settings.NIGHTLIGHT_HOTLINE_PER_HOUR)
    if looks:
        limits = (telling.CODES_PER_ADDRESS, telling.CODES_PER_HOUR)
    telling.admit(
        address=request.META.get("REMOTE_ADDR", ""),
        at=at,
        per_address=limits[0],
        per_hour=limits[1],
        kind=TellingLimit.Kind.CODE if looks else TellingLimit.Kind.TOLD,
    )


def _refused_form(request: HttpRequest, language: str) -> HttpResponse | None:
    """Refuse a body that is no plain form, or too large to be one, without reading it: no file is ever taken."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if request.content_type != _FORM:
        return _page("no_files", language, status=415)
    if not length.isdecimal() or int(length) > MOST_BYTES:
        return _page("no_files", language, status=413)
    try:
        request.POST  # noqa: B018 - it is read here, so that what cannot be is answered by a page with numbers to call
    except (SuspiciousOperation, UnreadablePostError):
        return _page("no_files", language, status=400)
    return None


def _form(language: str, at: datetime, sent: Sent, *, status: int = 200) -> HttpResponse:
    return _page(
        "tell",
        language,
        status=status,
        told=sent.fields,
        problem=sent.problem,
        busy=status == 429,
        token=forms.token(at),
        trap=forms.TRAP,
        states=sorted(((code, _(name)) for code, name in hotline.STATES.items()), key=lambda one: one[1]),
        longest=hotline.LONGEST_TEXT,
        longest_line=hotline.LONGEST_LINE,
        longest_addresses=hotline.LONGEST_ADDRESSES,
    )


def _page(name: str, language: str, *, status: int = 200, **more: object) -> HttpResponse:
    # Without the request: what the desk adds to its pages would look at sessions.
    context = {
        "language": language,
        "languages": LANGUAGES,
        "helplines": [(one["number"], _(one["label"])) for one in helplines(settings.ENVIRONMENT.law)],
        "leave": settings.NIGHTLIGHT_HOTLINE_EXIT,
        "demo": settings.ENVIRONMENT.demo,
        "first": status == 200,
        **more,
    }
    return HttpResponse(render_to_string(f"hotline/{name}.html", context), status=status)


@functools.cache
def helplines(country: str) -> list[dict[str, str]]:
    """The numbers to call in a country, as ``data/helplines.toml`` states them."""
    text = (Path(__file__).parent / "data" / "helplines.toml").read_text(encoding="utf-8")
    return [one for one in tomllib.loads(text)["numbers"] if one["country"] == country]


def _speaking(language: str) -> translation.override:
    """The language of the page, for this answer alone: the desk goes on in its own."""
    if language not in hotline.LANGUAGES:
        raise Http404
    return translation.override(language)


def _in(language: str, text: str) -> str:
    with translation.override(language):
        return translation.gettext(text)
