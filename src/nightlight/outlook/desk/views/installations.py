# SPDX-License-Identifier: Apache-2.0
"""Other installations: our card, theirs, comparing fingerprints, and packages on their way, with honest progress."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib import messages
from django.db.models import Count, Q
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from nightlight.foundation import clock
from nightlight.foundation.refusals import NotFound
from nightlight.outlook.desk import history
from nightlight.outlook.desk.access import for_roles
from nightlight.outlook.desk.views.units import do
from nightlight.pipeline.routing.exchange import cards, keys, outbox, partners
from nightlight.pipeline.routing.models import Installation, Package
from nightlight.trust.accounts.models import Role
from nightlight.trust.units import actions as units
from nightlight.trust.units import queries

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.http import HttpResponse

    from nightlight.outlook.desk.access import DeskRequest
    from nightlight.trust.units.models import Unit

MOST = 50  # packages on a page
sees_installations = for_roles(
    Role.ADMINISTRATOR,
    Role.COMMANDER,
    Role.AUDITOR,
    otherwise=gettext_lazy("Other installations are seen by administrators, commanders and auditors."),
)
manages_installations = for_roles(
    Role.ADMINISTRATOR,
    otherwise=gettext_lazy("Other installations are added and ended by administrators. Ask one of them."),
)
compares = for_roles(
    Role.ADMINISTRATOR,
    Role.COMMANDER,
    otherwise=gettext_lazy("Fingerprints are compared by administrators and commanders."),
)
_OVER = (Package.State.DELIVERED, Package.State.TAKEN, Package.State.REFUSED)


@dataclass(frozen=True, slots=True)
class Row:
    """A package as a page shows it: whether bytes move, whether something still happens by itself, whether it waits."""

    package: Package
    moves: bool
    working: bool
    waits: bool


@require_safe
@sees_installations
def installations(request: DeskRequest) -> HttpResponse:
    """Our card, the other installations, what is held, and packages on their way."""
    if request.htmx.target == "packages":
        return render(request, "desk/installation_packages.html", _packages())
    on_their_way = Count("packages", filter=~Q(packages__state__in=_OVER))
    found = Installation.objects.select_related("unit").annotate(on_their_way=on_their_way).order_by("state", "name")
    held = list(Package.objects.filter(outgoing=False, state=Package.State.QUARANTINED).order_by("-pk")[:MOST])
    trusted = set(Installation.objects.filter(state=Installation.State.TRUSTED).values_list("fingerprint", flat=True))
    return render(
        request,
        "desk/installations.html",
        {
            "ours": partners.shown_card(),
            "spoken": cards.spoken(keys.ours().fingerprint),
            "reached": partners.reached_here(),
            "installations": list(found),
            "held": [(one, one.sender in trusted, _name_in(one)) for one in held],
            "units": _free_units() if request.viewer.manages else [],
            "asked": {"card": "", "unit": ""},
            **_packages(),
        },
    )


@require_safe
@sees_installations
def installation(request: DeskRequest, public_id: str) -> HttpResponse:
    """One installation: who added and compared it, which unit it is, what went and came."""
    found = _found(public_id)
    if request.htmx.target == "packages":
        return render(request, "desk/installation_packages.html", _packages(found))
    viewer = request.viewer
    may_compare = (viewer.manages or viewer.commands) and viewer.actor != found.added_by
    return render(
        request,
        "desk/installation.html",
        {
            "one": found,
            "names": history.names_of({found.added_by, found.compared_by} - {""}),
            "added_by": history.names_of({found.added_by})[found.added_by],
            "compared_by": history.names_of({found.compared_by})[found.compared_by] if found.compared_by else "",
            "spoken": cards.spoken(found.fingerprint),
            "may_compare": may_compare,
            "added_it": viewer.actor == found.added_by,
            "units": _free_units(found) if viewer.manages else [],
            **_packages(found),
        },
    )


@require_POST
@manages_installations
def add(request: DeskRequest) -> HttpResponse:
    """Add an installation from the card that was pasted."""
    told, made = request.POST, []

    def act() -> str:
        unit = units.unit_with(told["unit"]) if told.get("unit") else None
        made.append(
            partners.add(
                by=request.viewer.actor, at=clock.now(), card=told.get("card", ""), ca=told.get("ca", ""), unit=unit
            )
        )
        return _("Added. Now somebody else calls them and compares the fingerprint.")

    do(request, act)
    return redirect("desk:installation", made[0].public_id) if made else redirect("desk:installations")


@require_POST
@compares
def compare(request: DeskRequest, public_id: str) -> HttpResponse:
    """Compare the fingerprint that was heard on the telephone."""
    found = _found(public_id)

    def act() -> str:
        same = partners.compare(
            by=request.viewer.actor, at=clock.now(), installation=found, told=request.POST.get("heard", "")
        )
        if same:
            return _("It is the same. The installation is trusted from now on.")
        messages.error(
            request,
            _("It is not the same. Have it read out again. If it stays so, somebody changed the card: end it here."),
        )
        return ""

    do(request, act)
    return redirect("desk:installation", found.public_id)


@require_POST
@manages_installations
def tie(request: DeskRequest, public_id: str) -> HttpResponse:
    """Say which unit works there, and by which authority its certificate is checked."""
    found, told = _found(public_id), request.POST

    def act() -> str:
        unit = units.unit_with(told["unit"]) if told.get("unit") else None
        ca = told["ca"] if told.get("ca", "").strip() else None
        partners.tie(by=request.viewer.actor, at=clock.now(), installation=found, unit=unit, ca=ca)
        return _("Saved.")

    do(request, act)
    return redirect("desk:installation", found.public_id)


@require_POST
@manages_installations
def end(request: DeskRequest, public_id: str) -> HttpResponse:
    """End the exchange with an installation."""
    found = _found(public_id)

    def act() -> str:
        partners.end(by=request.viewer.actor, at=clock.now(), installation=found, why=request.POST.get("why", ""))
        return _("Ended. Nothing more is sent there or taken from there.")

    do(request, act)
    return redirect("desk:installation", found.public_id)


@require_POST
@manages_installations
def decide(request: DeskRequest, public_id: str) -> HttpResponse:
    """Take in or drop a package that was held; have one that goes out tried again."""
    package = Package.objects.select_related("installation").filter(public_id=public_id).first()
    if package is None:
        raise NotFound(_("There is no such package."))
    by, at, what = request.viewer.actor, clock.now(), request.POST.get("do", "")

    def act() -> str:
        if what == "release":
            partners.release(by=by, at=at, package=package)
            return _("It is being taken in.")
        if what == "discard":
            partners.discard(by=by, at=at, package=package, why=request.POST.get("why", ""))
            return _("It is dropped.")
        outbox.retry(package, by=by, at=at)
        return _("It is tried again.")

    do(request, act)
    if package.installation:
        return redirect("desk:installation", package.installation.public_id)
    return redirect("desk:installations")


def _found(public_id: str) -> Installation:
    found = Installation.objects.select_related("unit").filter(public_id=public_id).first()
    if found is None:
        raise NotFound(_("There is no such installation."))
    return found


def _free_units(but: Installation | None = None) -> list[Unit]:
    taken = Installation.objects.filter(unit__isnull=False).exclude(state=Installation.State.ENDED)
    if but is not None:
        taken = taken.exclude(pk=but.pk)
    ids = set(taken.values_list("unit", flat=True))
    return [one for one in queries.choices() if one.pk not in ids and not one.receives]


def _name_in(package: Package) -> str:
    """What an unknown sender calls itself in the head of its package; it proves nothing."""
    try:
        name = json.loads(package.header.split("\n")[1])["sender"]["name"]
    except (ValueError, KeyError, IndexError, TypeError):
        return ""
    return str(name)


def _packages(of: Installation | None = None) -> dict[str, object]:
    rows = Package.objects.exclude(state=Package.State.QUARANTINED).select_related("installation")
    if of is not None:
        rows = rows.filter(installation=of)
    shown = _rows(rows.order_by("-pk")[:MOST])
    return {"packages": shown, "working": any(row.working for row in shown), "of": of}


def _rows(packages: Iterable[Package]) -> list[Row]:
    at = clock.now()
    return [
        Row(
            package=one,
            moves=one.size > 0 and one.state in {Package.State.SENDING, Package.State.RECEIVING},
            working=one.state not in _OVER,
            waits=one.state not in _OVER and one.not_before is not None and one.not_before > at,
        )
        for one in packages
    ]
