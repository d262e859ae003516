# SPDX-License-Identifier: Apache-2.0
"""Imports of downloaded CyberTips: choose files, watch them come in, see what became of each."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, cast

from django.contrib import messages
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST, require_safe

from nightlight.foundation import clock
from nightlight.foundation.refusals import NotFound
from nightlight.outlook.desk import history, uploads
from nightlight.outlook.desk.access import imports_tips, reads_tips
from nightlight.pipeline.tips import import_queries, importing
from nightlight.pipeline.tips.models import Outcome
from nightlight.trust import identity

if TYPE_CHECKING:
    from django.http import HttpResponse

    from nightlight.outlook.desk.access import DeskRequest
    from nightlight.trust.units.viewer import Held


@require_safe
@reads_tips
def imports(request: DeskRequest) -> HttpResponse:
    """The form for new imports, and all imports with how far they have come."""
    batches = import_queries.imports(request.viewer)
    context = {
        "batches": batches,
        "names": history.names_of({batch.by for batch in batches}),
        "working": any(batch.working for batch in batches),
        "may_import": request.viewer.imports,
    }
    part = request.htmx.target == "imports"
    return render(request, "desk/imports_table.html" if part else "desk/imports.html", context)


# The form's token would lie inside the body, which is streamed: uploads.same_origin takes its place.
@csrf_exempt
@require_POST
@imports_tips
def upload(request: DeskRequest) -> HttpResponse:
    """Take the chosen files, each as an import of its own."""
    uploads.same_origin(request)
    by = request.viewer.actor
    unit_id = cast("Held", request.viewer.home_unit).unit_id
    with identity.receiving():
        started = [
            importing.start_upload(
                by=by, at=clock.now(), name=PurePath(name).name or name, chunks=chunks, unit_id=unit_id
            )
            for name, chunks in uploads.files(request)
        ]
    if not started:
        messages.warning(request, _("No file was chosen, so nothing was imported."))
        return redirect("desk:imports")
    if len(started) == 1:
        return redirect("desk:import", started[0].public_id)
    messages.success(request, _("%(n)d imports were started.") % {"n": len(started)})
    return redirect("desk:imports")


@require_safe
@reads_tips
def one(request: DeskRequest, public_id: str) -> HttpResponse:
    """One import: how far it is, what became of its files, and why some made no tip."""
    outcome = request.GET.get("outcome", "")
    if outcome not in Outcome.values:
        outcome = ""
    rows, following = import_queries.entries(
        request.viewer, public_id, outcome=outcome, after=request.GET.get("after", "")[:1024]
    )
    batch = _batch(request, public_id)
    return render(
        request,
        "desk/import.html",
        {
            "batch": batch,
            "who": history.names_of({batch.by})[batch.by],
            "rows": rows,
            "following": following,
            "outcome": outcome,
            "outcomes": list(Outcome),
            "reasons": [
                (Outcome(kind).label, why, number)
                for kind, why, number in import_queries.reasons(request.viewer, public_id)
            ],
        },
    )


@require_GET
@reads_tips
def progress(request: DeskRequest, public_id: str) -> HttpResponse:
    """How far one import is, for the page to put in place; the last answer loads the whole page anew."""
    batch = _batch(request, public_id)
    response = render(request, "desk/import_progress.html", {"batch": batch})
    if not batch.working:
        response["HX-Refresh"] = "true"
    return response


def _batch(request: DeskRequest, public_id: str) -> import_queries.Progress:
    found = import_queries.imports(request.viewer, public_id=public_id)
    if not found:
        raise NotFound(_("There is no such import."))
    return found[0]
