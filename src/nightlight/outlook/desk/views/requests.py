# SPDX-License-Identifier: Apache-2.0
"""The request desk: what waits and what is due, a new request, one request with its source beside it, and its steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from nightlight.casework.attribution import (
    annex,
    district_queries,
    request_body,
    request_drafting,
    request_facts,
    request_queries,
    request_steps,
    requesting,
)
from nightlight.foundation import clock
from nightlight.foundation.refusals import Conflict
from nightlight.outlook.desk import request_page
from nightlight.outlook.desk.access import reads_tips
from nightlight.outlook.desk.views.units import do, moment
from nightlight.pipeline.tips import queries as tips
from nightlight.pipeline.tips import viewing
from nightlight.trust.law import queries as law

if TYPE_CHECKING:
    from collections.abc import Callable

    from nightlight.casework.attribution.models import Request
    from nightlight.outlook.desk.access import DeskRequest

_TABS = {
    "todo": gettext_lazy("Waiting for a step"),
    "mine": gettext_lazy("Mine"),
    "waiting": gettext_lazy("Sent"),
    "overdue": gettext_lazy("Overdue"),
    "ended": gettext_lazy("Ended"),
}


@require_safe
@reads_tips
def requests(request: DeskRequest) -> HttpResponse:
    """What waits for a step, what was sent, what is overdue."""
    at, shown = clock.now(), request.GET.get("show", "todo")
    shown = shown if shown in _TABS else "todo"
    rows = request_queries.listed(request.viewer, shown, at=at)
    told = {
        "shown": shown,
        "tabs": [(code, label, f"?show={code}") for code, label in _TABS.items()],
        "rows": [request_page.row(one, request.viewer, at) for one in rows],
    }
    return render(request, "desk/requests.html", told)


@require_safe
@reads_tips
def operators(request: DeskRequest) -> HttpResponse:
    """How those who were asked have answered."""
    cards = request_queries.cards(request.viewer, at=clock.now())
    return render(request, "desk/request_operators.html", {"cards": cards})


@require_safe
@reads_tips
def districts(request: DeskRequest) -> HttpResponse:
    """How far addresses lead, district by district."""
    found = district_queries.districts(request.viewer, at=clock.now())
    most = max((one.tips for one in found), default=0) or 1
    rows = [
        {"one": one, "traceable": one.traceable * 100 // most, "ask_first": one.ask_first * 100 // most}
        for one in found
    ]
    soon = max((one for one in found if one.soon), key=lambda one: one.soon, default=None)
    return render(request, "desk/request_districts.html", {"rows": rows, "soon": soon})


@require_http_methods(["GET", "HEAD", "POST"])
@reads_tips
def new(request: DeskRequest, public_id: str) -> HttpResponse:
    """Choose events of a tip, see what would be asked of whom, and have it drawn up."""
    tip, at = tips.tip(request.viewer, public_id), clock.now()
    told = request.POST if request.method == "POST" else request.GET
    events, powers = told.getlist("event"), {name: str(told[name]) for name in told if name.startswith("power.")}
    if request.method == "POST":
        made: list[Request] = []

        def draw_up() -> str:
            made.extend(
                request_drafting.draft(
                    by=request.viewer,
                    at=at,
                    tip=tip,
                    events=events,
                    powers=powers,
                    reference=told.get("reference", ""),
                )
            )
            names = ", ".join(one.public_id for one in made)
            return _("Drawn up: %(names)s. Next, a colleague compares each line with its source.") % {"names": names}

        if do(request, draw_up):
            one = len(made) == 1
            return (
                redirect("desk:request", made[0].public_id)
                if one
                else redirect(f"{reverse('desk:requests')}?show=mine")
            )
    viewing.record_view(by=request.viewer, at=at, tip=tip)
    found = request_facts.of_tip(tip, at=at)
    chosen = [one for one in found if one.event.key in events]
    proposal = request_drafting.propose(tip, chosen, at=at, drafter=request.viewer.actor, powers=powers)
    shown = request_page.new_page(request.viewer, tip, found, chosen, proposal)
    reference = told.get("reference", "")
    return render(request, "desk/request_new.html", {"tip": tip, "page": shown, "reference": reference})


@require_safe
@reads_tips
def one(request: DeskRequest, public_id: str) -> HttpResponse:
    """One request: its lines beside their sources, the next step, and what was done."""
    found, at = request_queries.request(request.viewer, public_id), clock.now()
    viewing.record_view(by=request.viewer, at=at, tip=found.tip)
    page = request_page.page(request.viewer, found, at)
    return render(request, "desk/request.html", {"one": found, "tip": found.tip, "page": page})


@require_safe
@reads_tips
def letter(request: DeskRequest, public_id: str) -> HttpResponse:
    """The letter, as it is printed."""
    found = request_queries.request(request.viewer, public_id)
    viewing.record_view(by=request.viewer, at=clock.now(), tip=found.tip)
    body = request_queries.body_of(found)
    told = {
        "one": found,
        "title": body.letter.title,
        "parts": request_page.parts(body.letter),
        "signature": request_page.signature(found),
    }
    return render(request, "desk/request_letter.html", told)


@require_safe
@reads_tips
def sheet(request: DeskRequest, public_id: str) -> HttpResponse:
    """The list of the lines as a file in the addressee's columns."""
    found = request_queries.request(request.viewer, public_id)
    try:
        made = request_body.sheet(request_queries.body_of(found))
    except annex.AnnexRefused as refused:
        raise Conflict(
            _("This list cannot be made in the addressee's columns: %(why)s") % {"why": refused.reason}
        ) from None
    viewing.record_view(by=request.viewer, at=clock.now(), tip=found.tip)
    answer = HttpResponse(made.text.encode(), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{found.public_id}{made.layout.ending}"'
    return answer


def _step(request: DeskRequest, public_id: str, act: Callable[[Request], str]) -> HttpResponse:
    found = request_queries.request(request.viewer, public_id)
    request_steps.must_act(request.viewer, found)  # said as a refusal, not as something that went wrong
    do(request, lambda: act(found))
    return redirect("desk:request", public_id)


@require_POST
@reads_tips
def check(request: DeskRequest, public_id: str) -> HttpResponse:
    """Record that every line was compared with its source."""
    form = request.POST

    def act(found: Request) -> str:
        numbers = range(1, min(found.lines, request_drafting.MOST_EVENTS) + 1)
        requesting.check(
            by=request.viewer,
            at=clock.now(),
            request=found,
            marks={n: [mark for mark in requesting.MARKS if form.get(f"mark.{n}.{mark}")] for n in numbers},
            read_back={n: form.get(f"back.{n}", "") for n in numbers},
            seen=form.get("seen", ""),
        )
        return _("Compared. Next, it is signed.")

    return _step(request, public_id, act)


@require_POST
@reads_tips
def dispute(request: DeskRequest, public_id: str) -> HttpResponse:
    """Say that a line is not as in its source."""
    form = request.POST

    def act(found: Request) -> str:
        line = form.get("line", "")
        requesting.dispute(
            by=request.viewer,
            at=clock.now(),
            request=found,
            line=int(line) if line.isascii() and line.isdigit() and len(line) < 5 else 0,
            mark=form.get("mark", ""),
            said=form.get("note", ""),
            near_miss=bool(form.get("near_miss")),
        )
        return _("Sent back: this request is withdrawn, and is drawn up anew from the evidence.")

    return _step(request, public_id, act)


@require_POST
@reads_tips
def sign(request: DeskRequest, public_id: str) -> HttpResponse:
    """Sign a request."""
    form = request.POST

    def act(found: Request) -> str:
        requesting.sign(
            by=request.viewer,
            at=clock.now(),
            request=found,
            rank=form.get("rank", ""),
            acts=_acts(request),
            in_post=bool(form.get("in_post")),
            seen=form.get("seen", ""),
            said=form.get("words", ""),
        )
        return _("Signed. Print the letter or take the list, send it, and record how.")

    return _step(request, public_id, act)


def _acts(request: DeskRequest) -> list[str] | None:
    """The acts that were said to be applied; None where something was left open."""
    applied: list[str] = []
    for floor in law.current_pack().records.floors:
        said = request.POST.get(f"floor.{floor.id}", "")
        if said not in {"yes", "no"}:
            return None
        applied += sorted(floor.acts) if said == "yes" else []
    return applied


@require_POST
@reads_tips
def sent(request: DeskRequest, public_id: str) -> HttpResponse:
    """Record how and when a request was sent."""
    form = request.POST

    def act(found: Request) -> str:
        when = moment(form.get("when", ""))
        requesting.sent(by=request.viewer, at=clock.now(), request=found, way=form.get("way", ""), when=when)
        return _("Recorded as sent. You are told when the answer is due.")

    return _step(request, public_id, act)


@require_POST
@reads_tips
def reminded(request: DeskRequest, public_id: str) -> HttpResponse:
    """Record that the addressee was reminded."""

    def act(found: Request) -> str:
        way = request.POST.get("way", "")
        requesting.reminded(by=request.viewer, at=clock.now(), request=found, way=way)
        return _("Recorded: they were reminded.")

    return _step(request, public_id, act)


@require_POST
@reads_tips
def escalate(request: DeskRequest, public_id: str) -> HttpResponse:
    """Take an overdue request to the commander."""

    def act(found: Request) -> str:
        said = request.POST.get("note", "")
        requesting.escalate(by=request.viewer, at=clock.now(), request=found, said=said)
        return _("The commander is told.")

    return _step(request, public_id, act)


@require_POST
@reads_tips
def refused(request: DeskRequest, public_id: str) -> HttpResponse:
    """Record that the addressee will not answer."""

    def act(found: Request) -> str:
        reason = request.POST.get("reason", "")
        requesting.refused(by=request.viewer, at=clock.now(), request=found, reason=reason)
        return _("Recorded: they refuse.")

    return _step(request, public_id, act)


@require_POST
@reads_tips
def withdraw(request: DeskRequest, public_id: str) -> HttpResponse:
    """Take a request back."""

    def act(found: Request) -> str:
        reason = request.POST.get("reason", "")
        requesting.withdraw(by=request.viewer, at=clock.now(), request=found, reason=reason)
        return _("Withdrawn.")

    return _step(request, public_id, act)
