# SPDX-License-Identifier: Apache-2.0
"""Sealed identities: ask for one to be opened, read it while it is open, end that, and find without opening.

Names are shown on one page only, to who asked, in the browser in which it was asked. The one-time key that opens the
answer lies in a cookie of that page and nowhere else.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from nightlight.foundation import clock, public_ids
from nightlight.foundation.refusals import Conflict, NotFound
from nightlight.outlook.desk import openings, wording
from nightlight.outlook.desk.access import for_roles
from nightlight.pipeline.tips import queries as tips
from nightlight.trust.law.queries import current_pack
from nightlight.trust.sealed import actions, queries, rules
from nightlight.trust.sealed.box import KEY_SIZE
from nightlight.trust.sealed.models import State
from nightlight.trust.units.rules import UNSEALS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nightlight.outlook.desk.access import DeskRequest
    from nightlight.trust.sealed.models import Identity, Unsealing

opens = for_roles(
    *UNSEALS,
    otherwise=gettext_lazy(
        "Sealed identities are opened by investigators and by victim identification. Ask one of them if a child must "
        "be reached."
    ),
)
sees_openings = for_roles(
    *openings.SEE,
    otherwise=gettext_lazy("This list is for those who open sealed identities and those who answer for it."),
)

KEY = f"{settings.NIGHTLIGHT_PATH_COOKIE_PREFIX}unsealing-key"
_SUGGESTED_MINUTES = 10


@dataclass(frozen=True, slots=True)
class Asked:
    """What was typed into the form, to be shown again where it was not enough."""

    reason_kind: str = ""
    reason: str = ""
    case_number: str = ""
    minutes: str = str(_SUGGESTED_MINUTES)


@require_http_methods(["GET", "HEAD", "POST"])
@opens
def ask(request: DeskRequest, public_id: str, identity: str) -> HttpResponse:
    """Say what opening an identity means and ask why; then have it opened, and go where it can be read."""
    try:
        meant = public_ids.normalise(public_id), public_ids.normalise(identity)
    except ValueError as slip:
        raise NotFound(f"{str(slip)[:1].upper()}{str(slip)[1:]}.") from None
    if meant != (public_id, identity):
        return redirect("desk:sealed-ask", *meant)
    law = current_pack().unsealing
    rules.check_person(request.viewer.roles, law)
    tip = tips.tip(request.viewer, public_id)
    wanted = _identity(tip.public_id, identity)
    asked, problem = Asked(), ""
    if request.method == "POST":
        asked = Asked(
            reason_kind=request.POST.get("reason_kind", "")[:100],
            reason=request.POST.get("reason", "")[: rules.LONGEST_REASON + 1],
            case_number=request.POST.get("case_number", "")[: rules.LONGEST_CASE_NUMBER + 1],
            minutes=request.POST.get("minutes", "")[:10],
        )
        try:
            return _asked(request, wanted, asked)
        except Conflict as refusal:
            problem = refusal.reason
    return render(
        request,
        "desk/sealed_ask.html",
        {
            "tip": tip,
            "identity": wanted,
            "asked": asked,
            "problem": problem,
            "reasons": law.reasons,
            "longest": min(rules.LONGEST_MINUTES, law.open_minutes),
            "shortest_reason": rules.SHORTEST_REASON,
            "longest_reason": rules.LONGEST_REASON,
            "longest_case_number": rules.LONGEST_CASE_NUMBER,
            "an_hour": rules.OPENINGS_AN_HOUR,
            "under_way": [
                one
                for one in openings.seen_by(request.viewer, clock.now(), tip=tip.public_id, own=True)
                if one.under_way and one.pseudonym == wanted.pseudonym
            ],
        },
        status=409 if problem else 200,
    )


@require_http_methods(["GET", "HEAD"])
@opens
def opening(request: DeskRequest, public_id: str) -> HttpResponse:
    """One opening of the asking person: wait for it, read the facts while it is open, or see why that is over."""
    at = clock.now()
    row = queries.own(request.viewer, public_id)
    waiting = openings.under_way(row, at) and row.state == State.ASKED
    # The page asks by itself while it waits, and while it shows names; a change loads it anew as a whole.
    if request.htmx.target in {"sealed-waiting", "sealed-left"}:
        if (request.htmx.target == "sealed-waiting") is waiting and openings.under_way(row, at):
            return render(request, f"desk/{request.htmx.target.replace('-', '_')}.html", _about(row))
        answer = HttpResponse()
        answer["HX-Refresh"] = "true"
        return answer
    return _page_of(request, row, waiting=waiting)


@require_POST
@opens
def close(request: DeskRequest, public_id: str) -> HttpResponse:
    """End an opening of the asking person before its time, and take the key out of the browser."""
    try:
        actions.close(by=request.viewer, at=clock.now(), unsealing=public_id)
    except Conflict as refusal:
        messages.warning(request, refusal.reason)
    else:
        messages.success(request, _("Closed. The answer is erased; that it was open stays in the history."))
    answer = redirect("desk:opening", public_id)
    answer.delete_cookie(KEY, path=_place(public_id), samesite="Strict")
    return answer


@require_safe
@sees_openings
def listed(request: DeskRequest) -> HttpResponse:
    """Openings: one's own, and for commanders and auditors those of others in tips they reach."""
    found = openings.seen_by(request.viewer, clock.now())
    return render(
        request,
        "desk/sealed_openings.html",
        {
            "openings": found,
            "answers_for": request.viewer.may(openings.ANSWER_FOR),
            "most": openings.SHOWN if len(found) == openings.SHOWN else 0,
        },
    )


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@opens
def search(request: DeskRequest) -> HttpResponse:
    """Find protected people by what is known of them; what is sought never stands in an address or on the page."""
    law = current_pack().unsealing
    rules.check_person(request.viewer.roles, law)
    kind, hits, problem = request.POST.get("kind", ""), None, ""
    if request.method == "POST":
        try:
            hits = actions.search(
                by=request.viewer, at=clock.now(), kind=kind, text=request.POST.get("text", ""), law=law
            )
        except Conflict as refusal:
            problem = refusal.reason
    return render(
        request,
        "desk/sealed_search.html",
        {
            "kinds": [(one.value, wording.sought(one)) for one in rules.Sought],
            "kind": kind or rules.Sought.NAME.value,
            "hits": None if hits is None else [(hit.subject.removeprefix("tip:"), hit) for hit in hits],
            "all": hits is not None and len(hits) == rules.MOST_HITS,
            "problem": problem,
            "an_hour": rules.SEARCHES_AN_HOUR,
            "most": rules.MOST_HITS,
        },
        status=409 if problem else 200,
    )


def _identity(tip: str, identity: str) -> Identity:
    found = queries.of_record(f"tip:{tip}").filter(public_id=identity).first()
    if found is None:
        raise NotFound(_("There is no such sealed identity in this tip. It may have been read anew: open it again."))
    return found


@sensitive_variables("key")
def _asked(request: DeskRequest, wanted: Identity, asked: Asked) -> HttpResponse:
    row, key = actions.ask(
        by=request.viewer,
        at=clock.now(),
        identity=wanted.public_id,
        reason_kind=asked.reason_kind,
        reason=asked.reason,
        case_number=asked.case_number,
        minutes=int(asked.minutes) if asked.minutes.isascii() and asked.minutes.isdecimal() else 0,
        law=current_pack().unsealing,
    )
    answer = redirect("desk:opening", row.public_id)
    answer.set_cookie(
        KEY,
        base64.urlsafe_b64encode(key).decode().rstrip("="),
        max_age=round((row.expires_at - row.asked_at).total_seconds()),
        path=_place(row.public_id),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Strict",
    )
    return answer


def _place(public_id: str) -> str:
    return reverse("desk:opening", args=[public_id])


@sensitive_variables("key", "told")
def _page_of(request: DeskRequest, row: Unsealing, *, waiting: bool) -> HttpResponse:
    at = clock.now()
    state, reason, facts = "waiting" if waiting else "", "", []
    key = _key(request)
    if not waiting and openings.under_way(row, at):
        try:
            if key is None:
                state = "elsewhere"
            else:
                told = actions.read(
                    by=request.viewer, at=at, unsealing=row.public_id, private_key=key, law=current_pack().unsealing
                )
                state, facts = "open", _labelled(told)
        except Conflict as refusal:
            row.refresh_from_db()
            state, reason = "" if not openings.under_way(row, clock.now()) else "elsewhere", refusal.reason
    if not state:
        state = "refused" if row.state == State.REFUSED else "over"
        reason = row.refusal if row.state == State.REFUSED else ""
    answer = render(
        request,
        "desk/sealed_opening.html",
        {**_about(row), "state": state, "reason": reason, "facts": facts, "state_label": openings.state_of(row, at)},
    )
    if state in {"refused", "over"} and request.COOKIES.get(KEY):
        answer.delete_cookie(KEY, path=_place(row.public_id), samesite="Strict")
    return answer


def _about(row: Unsealing) -> dict[str, object]:
    left = (row.expires_at - clock.now()).total_seconds()
    return {
        "opening": row,
        "tip_id": row.subject.removeprefix("tip:"),
        "reason_kind": openings.reason_kind(row.reason_kind),
        "minutes_left": max(0, int(left // 60)),
        "waited": (clock.now() - row.asked_at).total_seconds() > 60,
    }


def _labelled(told: Mapping[str, list[str]]) -> list[tuple[str, list[str]]]:
    """The facts with labels in words: first those that lead to the person, in a fixed order."""
    order = {name: place for place, name in enumerate(wording.sealed_fields())}
    names = sorted(told, key=lambda name: (order.get(name, len(order)), name))
    return [(wording.sealed_field(name), told[name]) for name in names]


def _key(request: DeskRequest) -> bytes | None:
    """The one-time key that the browser keeps; None without it, or for what is none."""
    try:
        key = base64.b64decode(f"{request.COOKIES.get(KEY, '')}=", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if len(key) == KEY_SIZE else None
