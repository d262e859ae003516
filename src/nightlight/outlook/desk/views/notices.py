# SPDX-License-Identifier: Apache-2.0
"""Notices: what the viewer has to know, newest first, each with where to look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib import messages
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from nightlight.foundation import clock
from nightlight.outlook.desk import wording
from nightlight.outlook.desk.views.units import everybody
from nightlight.pipeline.tips.models import Tip
from nightlight.trust.units import notices as units
from nightlight.trust.viewing.models import Ending

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpResponse

    from nightlight.outlook.desk.access import DeskRequest
    from nightlight.trust.units.models import Notice


_ANSWERED = frozenset({"routing.accepted", "routing.recalled"})


_PAGES = {"tip": "desk:tip", "installation": "desk:installation", "request": "desk:request"}


@dataclass(frozen=True, slots=True)
class Told:
    """A notice in words, and where it leads."""

    words: str
    about: str
    link: str
    at: datetime
    unread: bool
    grave: bool


@require_safe
@everybody
def notices(request: DeskRequest) -> HttpResponse:
    """The viewer's newest notices."""
    told = [_told(notice) for notice in units.listed(request.viewer)]
    return render(request, "desk/notices.html", {"notices": told, "unread": sum(one.unread for one in told)})


@require_POST
@everybody
def seen(request: DeskRequest) -> HttpResponse:
    """Mark all notices as read."""
    units.mark_seen(request.viewer, at=clock.now())
    messages.success(request, _("All notices are marked as read."))
    return redirect("desk:notices")


def _told(notice: Notice) -> Told:
    about = notice.subject if notice.kind.startswith("routing.") else notice.about or notice.subject
    words = wording.notice(notice.kind)
    if notice.kind == "case.outcome":  # what the notice is about is the ending itself
        words, about = f"{words}: {Ending(notice.about).label}", notice.subject
    return Told(
        words=words,
        about=about.partition(":")[2] or about,
        link=_link(notice),
        at=notice.at,
        unread=bool(getattr(notice, "unread", False)),
        grave=notice.kind.startswith("glass.") or notice.kind == "alert",
    )


def _sees(subject: str) -> bool:
    """Whether whoever is acting sees this tip now."""
    return Tip.objects.filter(public_id=subject.removeprefix("tip:")).exists()


def _link(notice: Notice) -> str:
    """Where the notice leads: what is to be answered for first, then the thing itself."""
    if notice.kind == "glass.attempted":
        return ""
    if notice.subject.startswith("BG-"):
        return f"{reverse('desk:glass')}#{notice.subject}"
    if notice.subject.startswith("DE-"):
        return reverse("desk:retention")
    # What was answered may be out of sight by now; the offer and its receipts are not.
    if notice.about.startswith("HO-") and (notice.kind in _ANSWERED or not _sees(notice.subject)):
        return reverse("desk:hand-over-receipts", args=[notice.about])
    for name in (notice.about, notice.subject):
        kind, _colon, public_id = name.partition(":")
        if kind in _PAGES:
            return _page(kind, public_id, notice.kind)
    return ""


def _page(kind: str, public_id: str, told: str) -> str:
    if kind == "tip" and told.startswith("export."):
        return reverse("desk:originals", args=[public_id])
    place = "#held-elsewhere" if told == "deconfliction.held" else ""
    return f"{reverse(_PAGES[kind], args=[public_id])}{place}"
