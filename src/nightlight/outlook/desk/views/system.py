# SPDX-License-Identifier: Apache-2.0
"""The installation for those who run it: people, reporters, background work.

A tip is named to nobody here who does not read tips anyway.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import render
from django.views.decorators.http import require_safe

from nightlight.casework.attribution import defeated as addresses
from nightlight.foundation import clock
from nightlight.outlook.desk import queries
from nightlight.outlook.desk.access import sees_system
from nightlight.pipeline.triage import defeated

if TYPE_CHECKING:
    from django.http import HttpResponse

    from nightlight.outlook.desk.access import DeskRequest


@require_safe
@sees_system
def system(request: DeskRequest) -> HttpResponse:
    """People, reporters and background work in one view."""
    failed = queries.failed_jobs()
    jobs = queries.jobs_by_status()
    figures = sorted((*defeated.figures(), *addresses.figures()), key=lambda one: one.since)
    return render(
        request,
        "desk/system.html",
        {
            "people": queries.people(clock.now()),
            "reporters": queries.reporters(),
            "failed": failed,
            "failed_jobs": sum(kind.jobs for kind in failed),
            "waiting_jobs": jobs.get("todo", 0),
            "running_jobs": jobs.get("doing", 0),
            "defeated": figures,
            "defeated_number": sum(one.tips for one in figures),
            "defeated_tips": [*defeated.tips(request.viewer), *addresses.tips(request.viewer)],
        },
    )
