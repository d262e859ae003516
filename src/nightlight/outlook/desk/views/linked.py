# SPDX-License-Identifier: Apache-2.0
"""A person of a tip who may be one of other tips too: why, who says otherwise, and a list to take away.

Each is a page of the tip: opening it is recorded in the tip's history, as opening the tip is, with every tip that it
shows anything of.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from nightlight.foundation import clock
from nightlight.foundation.refusals import NotAllowed
from nightlight.outlook.desk import linked as linked_pages
from nightlight.outlook.desk import linked_decisions, linked_reasons
from nightlight.outlook.desk.access import for_roles, reads_tips
from nightlight.pipeline.linking import decisions
from nightlight.pipeline.tips import queries as tips
from nightlight.pipeline.tips import seeing, viewing
from nightlight.trust.custody import actions as custody

if TYPE_CHECKING:
    from nightlight.outlook.desk.access import DeskRequest

_CALCULATED = frozenset("=+-@\t\r")  # what a spreadsheet would take for a formula
decides = for_roles(
    *decisions.DECIDES,
    otherwise=gettext_lazy(
        "Whether people of tips are one person is decided by triage officers, investigators and commanders."
    ),
)


@require_safe
@reads_tips
def linked(request: DeskRequest, public_id: str, party: int) -> HttpResponse:
    """One person of a tip with all tips they are proposed to be in, the reasons, and what officers decided."""
    tip = tips.tip(request.viewer, public_id)
    strength = request.GET.get("strength", "")
    page = linked_pages.page(request.viewer, tip, party, strength=strength, at=clock.now())
    viewing.record_view(by=request.viewer, at=clock.now(), tip=tip, party=party, with_tips=page.names_tips)
    context = {"tip": tip, "party": party, "page": page, "test": tip.environment == "test"}
    return render(request, "desk/linked.html", context)


@require_POST
@decides
def decide(request: DeskRequest, public_id: str, party: int) -> HttpResponse:
    """Say that two people are one, or are not, or that a value links nobody; with a reason."""
    tip = tips.tip(request.viewer, public_id)
    said = linked_decisions.decide(request.viewer, tip, party, asked=request.POST, at=clock.now())
    messages.success(request, said)
    return redirect("desk:linked", public_id, party)


@require_safe
@reads_tips
def export(request: DeskRequest, public_id: str, party: int) -> HttpResponse:
    """The tips and every place of every reason as CSV (RFC 4180), as the viewer may see them; taking it is recorded."""
    tip = tips.tip(request.viewer, public_id)
    at = clock.now()
    if not seeing.works_with(request.viewer, tip, at):
        raise NotAllowed(_("A tip that is only offered is read, not taken along. Accept it first."))
    rows = linked_reasons.rows(request.viewer, tip, party)
    with transaction.atomic():
        custody.append(
            by=request.viewer.actor,
            at=at,
            kind="tip.linked-exported",
            subject=f"tip:{tip.public_id}",
            data={
                "party": party,
                "roles": sorted(request.viewer.roles),
                "rows": len(rows),
                **viewing.named(row[0] for row in rows),
            },
        )
    lines = io.StringIO()
    writer = csv.writer(lines)
    writer.writerow(linked_reasons.COLUMNS)
    writer.writerows([f"'{cell}" if cell[:1] in _CALCULATED else cell for cell in row] for row in rows)
    answer = HttpResponse(lines.getvalue(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{tip.public_id}-linked-{party}.csv"'
    return answer
