# SPDX-License-Identifier: Apache-2.0
"""What operators send back: taking it in, saying how its columns are read, the answers, and what is stated of them."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, cast

from django.contrib import messages
from django.db import transaction
from django.http import StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST, require_safe

from nightlight.casework.attribution import findings, kept_answers, request_steps, return_queries, returning
from nightlight.casework.attribution.models import Return, ReturnState
from nightlight.casework.attribution.returns.fields import Field
from nightlight.casework.attribution.returns.proposing import Asked, propose
from nightlight.foundation import clock
from nightlight.foundation.refusals import Conflict
from nightlight.outlook.desk import return_page, uploads
from nightlight.outlook.desk.access import for_roles, reads_tips
from nightlight.outlook.desk.views.units import do
from nightlight.pipeline.tips import viewing
from nightlight.trust.custody import actions as custody

if TYPE_CHECKING:
    from django.http import HttpResponse

    from nightlight.casework.attribution.models import Request
    from nightlight.outlook.desk.access import DeskRequest

OTHERWISE = gettext_lazy("Returns are taken in by triage officers, investigators and commanders.")
takes_in = for_roles(*request_steps.ASKS, otherwise=OTHERWISE)


@require_safe
@takes_in
def new(request: DeskRequest, public_id: str) -> HttpResponse:
    """The form that takes in what came back for a request, and what is here already."""
    found = return_queries.request(request.viewer, public_id)
    return render(request, "desk/return_new.html", _form(request, found))


# The form's token would lie inside the body, which is streamed: uploads.same_origin takes its place.
@csrf_exempt
@require_POST
@takes_in
def upload(request: DeskRequest, public_id: str) -> HttpResponse:
    """Put the chosen file into the vault and have it read."""
    uploads.same_origin(request)
    found = return_queries.request(request.viewer, public_id)
    fields: dict[str, str] = {}
    made: list[Return] = []
    try:
        for name, chunks in uploads.files(request, fields):
            seconds = fields.get("clock_error", "").strip() or "0"
            if not seconds.isascii() or not seconds.isdigit() or len(seconds) > 5:
                raise Conflict(_("The clock error is given in seconds, from 0 to 3600."))
            made.append(
                returning.receive(
                    by=request.viewer,
                    at=clock.now(),
                    request=found,
                    file=chunks,
                    name=PurePath(name).name or name,
                    password=fields.get("password", ""),
                    clock_error=int(seconds),
                )
            )
    except Conflict as refused:
        messages.error(request, refused.reason)
        return redirect("desk:return-new", public_id)
    if not made:
        messages.warning(request, _("No file was chosen, so nothing was taken in."))
        return redirect("desk:return-new", public_id)
    return redirect("desk:return", made[-1].public_id)


@require_safe
@reads_tips
def one(request: DeskRequest, public_id: str) -> HttpResponse:
    """A return: how far it is, how its columns are read, a set for each line, who was disclosed."""
    found = return_queries.one(request.viewer, public_id)
    viewing.record_view(by=request.viewer, at=clock.now(), tip=found.request.tip)
    return render(request, "desk/return.html", return_page.context(request.viewer, found))


@require_GET
@reads_tips
def state(request: DeskRequest, public_id: str) -> HttpResponse:
    """How far a return is, for the page to put in place; once it was read, the whole page is loaded anew."""
    found = return_queries.one(request.viewer, public_id)
    working = found.state == ReturnState.RECEIVED
    response = render(request, "desk/return_state.html", {"found": found, "working": working})
    if not working:
        response["HX-Refresh"] = "true"
    return response


@require_POST
@takes_in
def confirm(request: DeskRequest, public_id: str) -> HttpResponse:
    """Say how the columns of a return are read."""
    found = return_queries.one(request.viewer, public_id)

    def act() -> str:
        answers = {asked: request.POST.get(f"ask-{asked}", "").strip() for asked in Asked}
        returning.confirm_layout(
            by=request.viewer,
            at=clock.now(),
            found=found,
            answers={asked: said for asked, said in answers.items() if said},
            fields=_corrected(request, found),
        )
        return _("Kept for this operator. The return is being read.")

    done = do(request, act)
    return _back(public_id, "" if done else "#columns")


@require_POST
@takes_in
def again(request: DeskRequest, public_id: str) -> HttpResponse:
    """Have a return read anew, with a password or because its columns were read wrongly."""
    found = return_queries.one(request.viewer, public_id)

    def act() -> str:
        why, password = request.POST.get("why", ""), request.POST.get("password", "")
        returning.read_again(by=request.viewer, at=clock.now(), found=found, why=why, password=password)
        return _("The return is being read again.")

    do(request, act)
    return redirect("desk:return", public_id)


@require_POST
@takes_in
def find(request: DeskRequest, public_id: str) -> HttpResponse:
    """State whom the operator's records name for a line."""
    found = return_queries.one(request.viewer, public_id)

    def act() -> str:
        made = findings.state(
            by=request.viewer,
            at=clock.now(),
            found=found,
            line=request.POST.get("line", ""),
            subscriber=request.POST.get("subscriber", ""),
            why=request.POST.get("why", ""),
            organisation=bool(request.POST.get("organisation")),
        )
        return _("Stated: the operator's records assign this address to %(who)s.") % {"who": made.subscriber}

    done = do(request, act)
    return _back(public_id, "#stated" if done else "#answers")


@require_GET
@reads_tips
def bad_rows(request: DeskRequest, public_id: str) -> HttpResponse:
    """The rows of a return that do not count, as CSV; whoever takes them is recorded."""
    found = return_queries.one(request.viewer, public_id)
    rows = return_queries.bad_rows(found)
    with transaction.atomic():
        custody.append(
            by=request.viewer.actor,
            at=clock.now(),
            kind="return.bad-rows-taken",
            subject=f"tip:{found.request.tip.public_id}",
            data={"return": found.public_id, "rows": kept_answers.counts_of(found.counts).bad_kept},
        )
    answer = StreamingHttpResponse(rows, content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{found.public_id}-bad-rows.csv"'
    return cast("HttpResponse", answer)


def _back(public_id: str, part: str) -> HttpResponse:
    return redirect(reverse("desk:return", args=[public_id]) + part)


def _form(request: DeskRequest, found: Request) -> dict[str, object]:
    return {
        "found": found,
        "returns": return_queries.of_request(found),
        "takes": found.state in returning.TAKES_RETURNS,
        "may_ask": bool(request_steps.posts_of(request.viewer, found)),
    }


def _corrected(request: DeskRequest, found: Return) -> dict[int, Field | None]:
    """Of the columns, those that the person calls something else than was proposed."""
    if found.state != ReturnState.UNKNOWN_LAYOUT:
        return {}
    unknown = kept_answers.unknown_of(found.proposal)
    corrected: dict[int, Field | None] = {}
    if unknown.layout:
        return corrected
    for place, column in enumerate(propose(unknown.header, unknown.rows).columns):
        told = request.POST.get(f"column-{place}")
        if told is None:
            continue
        if told and told not in {field.value for field in Field}:
            raise Conflict(_("A column cannot hold that."))
        field = Field(told) if told else None
        if field is not column.field:
            corrected[place] = field
    return corrected
