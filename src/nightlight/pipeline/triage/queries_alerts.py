# SPDX-License-Identifier: Apache-2.0
"""Reads of alerts for the duty page: those nobody has answered for, and the last that were; each with its calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Prefetch

from nightlight.pipeline.tips.queries import must_read_tips
from nightlight.pipeline.triage.models import Alert, AlertCall

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from nightlight.trust.units.viewer import Viewer

AT_MOST = 100


def waiting(viewer: Viewer, *, at_most: int = AT_MOST) -> list[Alert]:
    """Return the alerts in the viewer's units that nobody has answered for, each with ``called``.

    Those that call people first, then those that are old and call nobody; of each the newest first.
    """
    return list(_alerts(viewer).filter(acknowledged_by=None).order_by("quiet", "-raised_at", "-id")[:at_most])


def answered(viewer: Viewer, *, at_most: int = 20) -> list[Alert]:
    """Return the alerts answered last, each with ``called``."""
    return list(_alerts(viewer).exclude(acknowledged_by=None).order_by("-acknowledged_at", "-id")[:at_most])


def number_waiting(viewer: Viewer, *, cap: int = 99) -> int:
    """Return how many alerts call people, up to the cap; 0 for whoever does not read tips.

    Not those that are quiet: thousands of old reports would hide the one that is new.
    """
    if not viewer.reads_tips:
        return 0
    return _seen(viewer).filter(acknowledged_by=None, quiet="").order_by()[:cap].count()


def of_tip(viewer: Viewer, tip: int) -> list[Alert]:
    """Return the alerts of one tip, oldest first, each with ``called``."""
    return list(_alerts(viewer).filter(tip=tip).order_by("id"))


def _alerts(viewer: Viewer) -> QuerySet[Alert]:
    must_read_tips(viewer)
    calls = Prefetch("calls", queryset=AlertCall.objects.order_by("id"), to_attr="called")
    return _seen(viewer).select_related("tip", "tip__unit", "unit", "acknowledged_by").prefetch_related(calls)


def _seen(viewer: Viewer) -> QuerySet[Alert]:
    """Those in the viewer's units by where the tip is now; the database shows no others anyway."""
    found = Alert.objects.filter(tip__set_apart=False)
    return found if viewer.reach is None else found.filter(tip__unit__in=viewer.reach)
