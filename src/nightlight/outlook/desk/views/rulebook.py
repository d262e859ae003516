# SPDX-License-Identifier: Apache-2.0
"""The rules of triage: what counts now, and for a commander what other rules would change before they are saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from nightlight.foundation import clock
from nightlight.foundation.refusals import Conflict
from nightlight.outlook.desk.access import reads_tips
from nightlight.pipeline.triage import rulebooks
from nightlight.pipeline.triage.conditions import RulebookRefused
from nightlight.pipeline.triage.models import Band, Rulebook

if TYPE_CHECKING:
    from django.http import HttpResponse

    from nightlight.outlook.desk.access import DeskRequest
    from nightlight.pipeline.triage.rulebooks import Replay


@require_http_methods(["GET", "HEAD", "POST"])
@reads_tips
def rulebook(request: DeskRequest) -> HttpResponse:
    """Show the rules that count; with a form sent, what those in it would change, or save them."""
    current = rulebooks.current()
    body = request.POST.get("body", current.body).replace("\r\n", "\n")
    reason = request.POST.get("reason", "")
    problem, replay = "", None
    if request.method == "POST":
        try:
            if request.POST.get("do") == "save":
                seen = request.POST.get("shown", "")
                made = rulebooks.save(by=request.viewer, at=clock.now(), body=body, reason=reason, seen=seen)
                messages.success(request, _("Version %(n)d of the rules counts now.") % {"n": made.number})
                return redirect("desk:rulebook")
            replay = rulebooks.replay(by=request.viewer, at=clock.now(), body=body)
        except rulebooks.NotShown as refused:
            # What would change, for what would be saved now: the next click saves exactly this.
            problem, replay = refused.reason, rulebooks.replay(by=request.viewer, at=clock.now(), body=body)
        except RulebookRefused as refused:
            problem = f"{refused.place}: {refused.reason}"
        except Conflict as refused:
            problem = refused.reason
    return render(
        request,
        "desk/rulebook.html",
        {
            "current": current,
            "body": body,
            "reason": reason,
            "replay": replay,
            "moves": _moves(replay) if replay else (),
            "largest": _largest(replay) if replay else (),
            "problem": problem,
            "versions": Rulebook.objects.order_by("-number")[:20],
            "edits": request.viewer.commands,
        },
        status=409 if problem else 200,
    )


def _moves(replay: Replay) -> list[tuple[str, str, int]]:
    return [
        (str(Band(int(move.before)).label), str(Band(int(move.after)).label), move.tips)
        for move in replay.comparison.moves
    ]


def _largest(replay: Replay) -> list[tuple[str, str, str, str]]:
    return [
        (
            one.key,
            f"{Band(int(one.before)).label} ({one.harm_before})",
            f"{Band(int(one.after)).label} ({one.harm_after})",
            ", ".join([f"− {name}" for name in one.no_longer] + [f"+ {name}" for name in one.newly]),  # noqa: RUF001
        )
        for one in replay.comparison.largest
    ]
