# SPDX-License-Identifier: Apache-2.0
"""Looking at a file: what is known without looking, the request, and pictures that nobody sees without a press.

The original never comes here. What the worker prepared is closed for the browser that asked: its key is in a cookie
that no script reads and that goes to the addresses of this one viewing only.
"""

from __future__ import annotations

import base64
import binascii
from datetime import date
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, HttpResponseNotModified
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from nightlight.foundation import clock
from nightlight.foundation.refusals import Conflict, NotFound
from nightlight.outlook.desk import looking, wording
from nightlight.outlook.desk.access import for_roles
from nightlight.trust.law.queries import current_pack
from nightlight.trust.units import rules as units_rules
from nightlight.trust.viewing import actions, preparing, queries, rules, warrants
from nightlight.trust.viewing.models import Outcome, Reason, State
from nightlight.trust.viewing.rules import Mode, Over

if TYPE_CHECKING:
    from nightlight.outlook.desk.access import DeskRequest
    from nightlight.outlook.desk.looking import TipFileSeen
    from nightlight.trust.viewing.models import Viewing

NOT_YOURS = gettext_lazy(
    "Files are looked at by triage officers, investigators and victim identification, and by nobody else."
)
views_media = for_roles(*units_rules.VIEWS_MEDIA, otherwise=NOT_YOURS)
OVERS = {
    Over.DAY: gettext_lazy("today's limit"),
    Over.MONTH: gettext_lazy("the limit of 30 days"),
    Over.SHIFT: gettext_lazy("the last half hour of your shift, which is kept free of media"),
}
GONE = 410
_KNOWN = "[known file, looked at all the same]"


@require_http_methods(["GET", "HEAD", "POST"])
@views_media
def look(request: DeskRequest, public_id: str, number: int) -> HttpResponse:
    """What is known of a file without looking; a POST asks to look, with a reason.

    A known file is not offered: whoever must look all the same says so, and that is kept with the reason.
    """
    file = looking.file_of(request.viewer, public_id, number)
    if request.method == "POST":
        return _ask(request, file)
    at = clock.now()
    return render(request, "desk/viewing_look.html", _known(request, file) | {"at": at})


def _known(request: DeskRequest, file: TipFileSeen) -> dict[str, object]:
    at = clock.now()
    pack = current_pack()
    lock = queries.lock(request.viewer, file.item, file.stated, pack)
    standing = queries.standing(request.viewer.user_id, at=at, day_began=looking.day_began(at))
    earlier = queries.earlier(file.item)
    digests = file.item.blob.digests
    return {
        "file": file,
        "tip": file.tip,
        "known": file.known,
        "digests": (("SHA-256", digests.sha256), ("SHA-1", digests.sha1), ("MD5", digests.md5)),
        "size": wording.size(digests.size),
        "viewed": wording.stated(file.reading.viewed_by_esp),
        "marks": [wording.humane(mark) for mark in file.reading.annotations],
        "violent": file.stated.violent or any(one.violent for one in earlier),
        "earlier": earlier,
        "lock": lock,
        "pack": pack,
        "warrants": queries.warrants(file.item),
        "standing": standing,
        "limits": rules.DAY_LIMIT,
        "month_limits": rules.MONTH_LIMIT,
        "stops": [OVERS[over] for over in standing.stops],
        "reasons": Reason.choices,
        "running": queries.running(request.viewer, file.item, at),
    }


def _ask(request: DeskRequest, file: TipFileSeen) -> HttpResponse:
    at = clock.now()
    try:
        _offered(request, file)
        viewing, secret = actions.ask(
            by=request.viewer,
            at=at,
            item=file.item,
            subject=file.subject,
            stated=file.stated,
            law=current_pack(),
            session=request.session.session_key or "",
            reason_kind=request.POST.get("reason_kind", ""),
            reason=_reason(request, file),
            override=request.POST.get("override", ""),
            day_began=looking.day_began(at),
        )
    except Conflict as refused:
        asked = {"refused": refused.reason, "said": request.POST.get("reason", "")[: rules.LONGEST_REASON]}
        asked["said_kind"] = request.POST.get("reason_kind", "")
        return render(request, "desk/viewing_look.html", _known(request, file) | asked, status=409)
    address = reverse("desk:viewing", args=[viewing.public_id])
    answer = redirect(address)
    answer.set_cookie(
        _cookie(viewing.public_id),
        base64.urlsafe_b64encode(secret).decode(),
        max_age=int(rules.LIFE.total_seconds()),
        path=address,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Strict",
    )
    return answer


def _offered(request: DeskRequest, file: TipFileSeen) -> None:
    if not file.known.look and request.POST.get("known_anyway") != "yes":
        raise Conflict(
            _(
                "This file is known, so nobody needs to look. If a court or a dispute asks for it all the same, "
                "confirm that you have read this."
            )
        )


def _reason(request: DeskRequest, file: TipFileSeen) -> str:
    """The reason in the officer's words; that the file was known stands before them, there and in the log's digest."""
    told = request.POST.get("reason", "")
    if file.known.look or not rules.reason_given(told):
        return told
    return f"{_KNOWN} {told}"


@require_POST
@views_media
def warrant(request: DeskRequest, public_id: str, number: int) -> HttpResponse:
    """Record a warrant for a file that the law keeps closed without one."""
    file = looking.file_of(request.viewer, public_id, number)
    try:
        issued_on = date.fromisoformat(request.POST.get("issued_on", ""))
    except ValueError:
        raise Conflict(_("State the day of the warrant.")) from None
    warrants.record_warrant(
        by=request.viewer,
        at=clock.now(),
        item=file.item,
        number=request.POST.get("number", ""),
        court=request.POST.get("court", ""),
        issued_on=issued_on,
    )
    messages.success(request, _("The warrant is recorded. The file can be opened now, with a reason."))
    return redirect("desk:look", public_id, number)


@require_safe
@views_media
def viewing(request: DeskRequest, public_id: str) -> HttpResponse:
    """One viewing: words and digests first, then whatever is pressed for. Nothing is shown by itself."""
    found = _own(request, public_id)
    pictures = list(found.pictures.order_by("mode", "number").values("mode", "number", "at_second", "width", "height"))
    ended = _ended(found)
    context = {
        "viewing": found,
        "item": found.item,
        "tip_id": found.subject.removeprefix("tip:"),
        "digests": found.item.blob.digests,
        "size": wording.size(found.item.blob.size),
        "earlier": queries.earlier(found.item),
        "stills": [picture for picture in pictures if picture["mode"] == Mode.STILL],
        "outcomes": Outcome.choices,
        "seen": found.exposures.filter(mode=Mode.STILL).exists(),
        "ended": ended,
        "why": preparing.sentence(found.why),
        "seconds_left": max(0, int((found.expires_at - clock.now()).total_seconds())),
        "has_key": _cookie(public_id) in request.COOKIES,
    }
    return render(request, "desk/viewing.html", context, status=GONE if ended and found.state != State.REFUSED else 200)


@require_GET
@views_media
def state(request: DeskRequest, public_id: str) -> HttpResponse:
    """Whether the pictures are prepared; the page asks every second, and is loaded anew when they are."""
    found = _own(request, public_id)
    if found.state == State.ASKED and not _ended(found):
        return HttpResponseNotModified() if not request.htmx else HttpResponse(status=204)
    answer = HttpResponse(status=200)
    answer["HX-Refresh"] = "true"
    return answer


@require_GET
@views_media
def picture(request: DeskRequest, public_id: str, mode: str) -> HttpResponse:
    """One prepared picture, for the browser and session that asked; each answer is an exposure."""
    # Browsers say what they fetch it for: a picture goes into a page, never into a tab of its own.
    if request.headers.get("Sec-Fetch-Dest", "image") != "image":
        raise NotFound(_("A picture is shown on the page of its viewing only."))
    at = clock.now()
    try:
        png = actions.show(
            by=request.viewer,
            at=at,
            viewing=public_id,
            session=request.session.session_key or "",
            private_key=_key(request, public_id),
            mode=mode,
            number=_number(request.GET.get("n", "0")),
            confirmed=request.GET.get("confirmed") == "yes",
            day_began=looking.day_began(at),
        )
    except actions.Over as over:
        return HttpResponse(over.reason, status=GONE, content_type="text/plain; charset=utf-8")
    answer = HttpResponse(png, content_type="image/png")
    answer["Content-Disposition"] = "inline"
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Cross-Origin-Resource-Policy"] = "same-origin"
    answer["Cache-Control"] = "no-store"
    return answer


@require_POST
@views_media
def shown(request: DeskRequest, public_id: str) -> HttpResponse:
    """Without JavaScript: a page that shows one picture for ten seconds, because somebody pressed for it."""
    found = _own(request, public_id)
    if _ended(found):
        return redirect("desk:viewing", public_id)
    mode = request.POST.get("mode", "")
    number = _number(request.POST.get("n", "0"))
    if not found.pictures.filter(mode=mode, number=number).exists():
        raise NotFound(_("There is no such picture."))
    confirmed = request.POST.get("confirmed") == "yes"
    if found.violent and mode != Mode.STILL and not confirmed:
        return render(request, "desk/viewing_confirm.html", {"viewing": found, "mode": mode, "number": number})
    context = {"viewing": found, "mode": mode, "number": number, "confirmed": confirmed}
    return render(request, "desk/viewing_shown.html", context)


@require_POST
@views_media
def held(request: DeskRequest, public_id: str) -> HttpResponse:
    """How long a picture was held open, told by the page when it is let go."""
    try:
        actions.held(
            by=request.viewer,
            at=clock.now(),
            viewing=public_id,
            session=request.session.session_key or "",
            mode=request.POST.get("mode", ""),
            number=_number(request.POST.get("n", "0")),
            milliseconds=_number(request.POST.get("milliseconds", "")),
        )
    except actions.Over:
        return HttpResponse(status=GONE)
    return HttpResponse(status=204)


@require_POST
@views_media
def close(request: DeskRequest, public_id: str) -> HttpResponse:
    """End a viewing, with what was found or without."""
    try:
        found = actions.close(
            by=request.viewer,
            at=clock.now(),
            viewing=public_id,
            session=request.session.session_key or "",
            outcome=request.POST.get("outcome", "") if "without" not in request.POST else "",
            violent=request.POST.get("violent") == "yes",
        )
    except actions.Over:
        return redirect("desk:viewing", public_id)
    messages.success(request, _("The viewing is closed and its pictures are erased."))
    answer = redirect("desk:tip", found.subject.removeprefix("tip:"))
    answer.delete_cookie(_cookie(public_id), path=reverse("desk:viewing", args=[public_id]), samesite="Strict")
    return answer


def _own(request: DeskRequest, public_id: str) -> Viewing:
    return actions.of_session(request.viewer, public_id, request.session.session_key or "")


def _ended(found: Viewing) -> bool:
    try:
        actions.check_open(found, clock.now(), ready=False)
    except actions.Over:
        return True
    return False


def _cookie(public_id: str) -> str:
    return f"{settings.NIGHTLIGHT_PATH_COOKIE_PREFIX}viewing-{public_id}"


def _key(request: DeskRequest, public_id: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(request.COOKIES.get(_cookie(public_id), ""))
    except (ValueError, binascii.Error):
        return b""


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 8 else -1
