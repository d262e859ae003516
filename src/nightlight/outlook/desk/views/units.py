# SPDX-License-Identifier: Apache-2.0
"""The units: the tree, who works in each, who is on duty; and handing a tip from one to another."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import messages
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from nightlight.foundation import clock
from nightlight.foundation.refusals import Conflict, NotFound
from nightlight.outlook.desk.access import for_roles
from nightlight.pipeline.linking.deconfliction import contacts
from nightlight.pipeline.tips import handing
from nightlight.trust.accounts.models import Role, User
from nightlight.trust.units import actions, queries
from nightlight.trust.units.models import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpResponse

    from nightlight.outlook.desk.access import DeskRequest
    from nightlight.trust.units.models import Shift

COMING_DAYS = 7
everybody = for_roles(*Role, otherwise=gettext_lazy("This page is for those who work here."))
manages_units = for_roles(
    Role.ADMINISTRATOR, otherwise=gettext_lazy("Units are added and renamed by administrators. Ask one of them.")
)
sets_duty = for_roles(
    Role.ADMINISTRATOR,
    Role.COMMANDER,
    otherwise=gettext_lazy("Duty is set by the commander of the unit and by administrators."),
)


@require_safe
@everybody
def units(request: DeskRequest) -> HttpResponse:
    """The tree of units with the people in each; the tips each holds, as far as the viewer reads them."""
    rows, shortened = queries.tree(clock.now())
    held = handing.held_by_unit(request.viewer, [row.unit.pk for row in rows])
    own = {post.unit_id for post in request.viewer.posts}
    return render(
        request,
        "desk/units.html",
        {
            "rows": [(row, held.get(row.unit.pk), row.unit.pk in own) for row in rows],
            "shortened": shortened,
            "shows_tips": bool(held),
        },
    )


@require_safe
@everybody
def unit(request: DeskRequest, public_id: str) -> HttpResponse:
    """One unit: what it is, who works there, who is on duty today and in the coming week."""
    found = queries.unit(public_id)
    at, viewer = clock.now(), request.viewer
    today = datetime.combine(at.astimezone(_zone()).date(), time.min, _zone())
    rows, shortened = queries.tree(at, top=found)
    held = handing.held_by_unit(viewer, [row.unit.pk for row in rows])
    now, later, past = queries.posts_of_unit(found, at)
    shifts = queries.roster(found, today, today + timedelta(days=COMING_DAYS + 1))
    sets = actions.may_set_duty(viewer, found)
    return render(
        request,
        "desk/unit.html",
        {
            "unit": found,
            "above": queries.above(found),
            "rows": [(row, held.get(row.unit.pk), False) for row in rows[1:]],
            "shortened": shortened,
            "shows_tips": bool(held),
            "held": held.get(found.pk),
            "posts": now,
            "later": later,
            "past": past if viewer.manages or viewer.signs_off else [],
            "days": _by_day(shifts, today),
            "on_duty": [shift for shift in shifts if shift.starts_at <= at < shift.ends_at],
            "sets_duty": sets,
            "contact": contacts.contact_of(found),
            "may_be_on_duty": list({post.user_id: post.user for post in [*now, *later]}.values()) if sets else [],
            "kinds": [kind for kind in Kind if kind != Kind.NATIONAL],
            "begins": (today + timedelta(days=1, hours=8)).strftime("%Y-%m-%dT%H:%M"),
            "ends": (today + timedelta(days=1, hours=20)).strftime("%Y-%m-%dT%H:%M"),
        },
    )


@require_POST
@manages_units
def add_below(request: DeskRequest, public_id: str) -> HttpResponse:
    """Add a unit below this one."""
    parent = queries.unit(public_id)
    asked = request.POST

    def add() -> str:
        areas = asked.get("areas", "").replace(",", ";").split(";")
        made = actions.add_unit(
            by=request.viewer,
            at=clock.now(),
            code=asked.get("code", ""),
            name=asked.get("name", ""),
            kind=asked.get("kind", ""),
            parent=parent,
            areas=[area.strip() for area in areas if area.strip()],
        )
        return _("%(name)s was added. Next: give somebody a post there.") % {"name": made.name}

    do(request, add)
    return redirect("desk:unit", parent.public_id)


@require_POST
@manages_units
def rename(request: DeskRequest, public_id: str) -> HttpResponse:
    """Give the unit another name."""
    found = queries.unit(public_id)

    def change() -> str:
        actions.rename_unit(by=request.viewer, at=clock.now(), unit=found, name=request.POST.get("name", ""))
        return _("The unit is called %(name)s now.") % {"name": found.name}

    do(request, change)
    return redirect("desk:unit", found.public_id)


@require_POST
@sets_duty
def add_shift(request: DeskRequest, public_id: str) -> HttpResponse:
    """Put somebody of the unit on duty."""
    found = queries.unit(public_id)

    def add() -> str:
        person = User.objects.filter(public_id=request.POST.get("person", "")).first()
        if person is None:
            raise Conflict(_("Choose who is on duty."))
        actions.add_shift(
            by=request.viewer,
            at=clock.now(),
            person=person,
            unit=found,
            starts_at=moment(request.POST.get("from", "")),
            ends_at=moment(request.POST.get("until", "")),
        )
        return _("%(name)s was put on duty.") % {"name": person}

    do(request, add)
    return redirect("desk:unit", found.public_id)


def do(request: DeskRequest, act: Callable[[], str]) -> bool:
    """Do it and say what was done, or say in the same place why it could not be."""
    try:
        told = act()
    except (Conflict, NotFound) as refusal:
        messages.error(request, refusal.reason)
        return False
    messages.success(request, told)
    return True


def moment(text: str) -> datetime:
    """Read a time from a form; it is one of the officers' zone. Raises Conflict."""
    try:
        return datetime.fromisoformat(text.strip()).replace(tzinfo=_zone())
    except (ValueError, OverflowError):
        raise Conflict(_("Give day and hour, such as 2026-11-30 08:00.")) from None


def _zone() -> ZoneInfo:
    return ZoneInfo(settings.ENVIRONMENT.zone)


def _by_day(shifts: list[Shift], today: datetime) -> list[tuple[date, list[Shift]]]:
    """Each day from today on with the shifts that touch it."""
    days = [today + timedelta(days=number) for number in range(COMING_DAYS + 1)]
    return [
        (day.date(), [shift for shift in shifts if shift.starts_at < day + timedelta(days=1) and shift.ends_at > day])
        for day in days
    ]
