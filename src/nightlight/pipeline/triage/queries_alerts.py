# SPDX-License-Identifier: Apache-2.0
"""Reads of alerts for the duty page: those nobody has answered for, and the last that were; each with its last calls.

An alert that nobody answers calls every few minutes for as long as it takes: the page shows the last calls of each and
how many came before them. All are in the history of the tip.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import IntegerField, OuterRef, Subquery

from nightlight.pipeline.tips.queries import Counted, must_read_tips
from nightlight.pipeline.triage.models import Alert, AlertCall

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from nightlight.trust.units.viewer import Viewer

AT_MOST = 100
CALLS = 20  # shown of each alert
EARLIER = 99  # to which those before them are counted


class _Number(Subquery):
    """How many rows a query finds, as far as it goes."""

    template = "(SELECT count(*) FROM (%(subquery)s) AS counted)"
    output_field = IntegerField()


def waiting(viewer: Viewer, *, at_most: int = AT_MOST) -> list[Alert]:
    """Return the alerts in the viewer's units that nobody has answered for, each with ``called`` and ``earlier``.

    Those that call people first, then those that are old and call nobody; of each the newest first.
    """
    return _with_calls(_alerts(viewer).filter(acknowledged_by=None).order_by("quiet", "-raised_at", "-id")[:at_most])


def answered(viewer: Viewer, *, at_most: int = 20) -> list[Alert]:
    """Return the alerts answered last, each with ``called`` and ``earlier``."""
    return _with_calls(_alerts(viewer).exclude(acknowledged_by=None).order_by("-acknowledged_at", "-id")[:at_most])


def number_waiting(viewer: Viewer, *, cap: int = 99) -> int:
    """Return how many alerts call people, up to the cap; 0 for whoever does not read tips.

    Not those that are quiet: thousands of old reports would hide the one that is new.
    """
    if not viewer.reads_tips:
        return 0
    return _seen(viewer).filter(acknowledged_by=None, quiet="").order_by()[:cap].count()


def of_tip(viewer: Viewer, tip: int) -> list[Alert]:
    """Return the alerts of one tip, oldest first."""
    return list(_alerts(viewer).filter(tip=tip).order_by("id"))


def _alerts(viewer: Viewer) -> QuerySet[Alert]:
    must_read_tips(viewer)
    return _seen(viewer).select_related("tip", "tip__unit", "unit", "acknowledged_by")


def _with_calls(found: QuerySet[Alert]) -> list[Alert]:
    """The alerts, each with ``called``: its last calls, oldest first; and ``earlier``: how many came before them."""
    calls = AlertCall.objects.filter(alert=OuterRef("pk")).order_by("-id").values("id")
    numbers = {"last": ArraySubquery(calls[:CALLS]), "before": _Number(calls[CALLS : CALLS + EARLIER + 1])}
    alerts: list[Alert] = [*found.annotate(**numbers)]
    shown = AlertCall.objects.in_bulk([key for one in alerts for key in vars(one)["last"]])
    for one in alerts:
        before = vars(one)["before"]
        vars(one)["called"] = [shown[key] for key in sorted(vars(one)["last"]) if key in shown]
        vars(one)["earlier"] = Counted(min(before, EARLIER), before > EARLIER)
    return alerts


def _seen(viewer: Viewer) -> QuerySet[Alert]:
    """Those in the viewer's units by where the tip is now; the database shows no others anyway."""
    found = Alert.objects.filter(tip__set_apart=False)
    return found if viewer.reach is None else found.filter(tip__unit__in=viewer.reach)
