# SPDX-License-Identifier: Apache-2.0
"""The people who work here: their posts, given, ended and moved; who may sign in; and one's own page."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from django.db import transaction
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from nightlight.foundation import clock
from nightlight.foundation.refusals import Conflict, NotFound, Refusal
from nightlight.outlook.desk.access import for_roles
from nightlight.outlook.desk.views.units import do, everybody, moment
from nightlight.trust.accounts import actions as accounts
from nightlight.trust.accounts.models import Role
from nightlight.trust.units import actions, glass, queries
from nightlight.trust.units.models import Post
from nightlight.trust.units.viewer import reached_units

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpResponse

    from nightlight.outlook.desk.access import DeskRequest
    from nightlight.trust.accounts.models import User

sees_people = for_roles(
    Role.ADMINISTRATOR,
    Role.AUDITOR,
    otherwise=gettext_lazy("People are managed by administrators. Your own posts are on your own page."),
)
manages_people = for_roles(
    Role.ADMINISTRATOR, otherwise=gettext_lazy("People and posts are managed by administrators. Ask one of them.")
)


@require_safe
@sees_people
def people(request: DeskRequest) -> HttpResponse:
    """Everybody who signs in or once did, with the posts they hold now."""
    words = request.GET.get("q", "").strip()[:60]
    found = queries.people(request.viewer, clock.now(), words=words)
    return render(
        request,
        "desk/people.html",
        {"people": found[: queries.PEOPLE], "more": len(found) > queries.PEOPLE, "words": words},
    )


@require_safe
@sees_people
def person(request: DeskRequest, public_id: str) -> HttpResponse:
    """One person: posts now, later and past; for an administrator also what can be changed."""
    at = clock.now()
    return render(request, "desk/person.html", _about(request, queries.person(request.viewer, public_id, at), at))


@require_safe
@everybody
def me(request: DeskRequest) -> HttpResponse:
    """The viewer's own posts, duty, and how far they see."""
    at = clock.now()
    reach = None if request.viewer.reach is None else reached_units(request.viewer)
    return render(
        request,
        "desk/me.html",
        {
            **_about(request, request.user, at),
            "reach": reach,
            "shifts": queries.shifts_of(request.user, at),
            "glass": list(glass.broken(request.viewer, at)),
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
@manages_people
def new(request: DeskRequest) -> HttpResponse:
    """Let somebody sign in: a name, a first post, and a password that is shown this once."""
    asked = {name: request.POST.get(name, "").strip() for name in ("name", "username", "unit", "role", "rank")}
    asked["unit"] = asked["unit"] or request.GET.get("unit", "")
    problem, made, password = "", None, secrets.token_urlsafe(15)
    if request.method == "POST":
        try:
            made = _add(request, asked, password)
        except Refusal as refusal:
            problem = refusal.reason
    return render(
        request,
        "desk/person_new.html",
        {
            "asked": asked,
            "problem": problem,
            "made": made,
            "password": password if made else "",
            "roles": list(Role),
            "units": queries.choices(),
        },
        status=409 if problem else 200,
    )


@transaction.atomic
def _add(request: DeskRequest, asked: dict[str, str], password: str) -> User:
    at, by = clock.now(), request.viewer
    if not asked["username"] or len(asked["username"]) > 60 or not asked["name"]:
        raise Conflict(_("Give a name and a sign-in name."))
    unit = actions.unit_with(asked["unit"])
    made = accounts.add_person(
        by=by.actor, at=at, username=asked["username"], password=password, full_name=asked["name"]
    )
    actions.appoint(by=by, at=at, person=made, unit=unit, role=asked["role"], rank=asked["rank"])
    return made


@require_POST
@manages_people
def give_post(request: DeskRequest, public_id: str) -> HttpResponse:
    """Give a person a post, from now or a later day on."""
    at = clock.now()
    found = queries.person(request.viewer, public_id, at)
    asked = request.POST

    def give() -> str:
        begins = moment(asked["from"]) if asked.get("from") else None
        post = actions.appoint(
            by=request.viewer,
            at=at,
            person=found,
            unit=actions.unit_with(asked.get("unit", "")),
            role=asked.get("role", ""),
            rank=asked.get("rank", ""),
            starts_at=max(begins, at) if begins else None,
            ends_at=moment(asked["until"]) if asked.get("until") else None,
        )
        return _("%(name)s is %(role)s, %(unit)s.") % _words(post)

    do(request, give)
    return redirect("desk:person", found.public_id)


@require_POST
@manages_people
def end_post(request: DeskRequest, public_id: str, post_id: str) -> HttpResponse:
    """End a post now."""
    found = queries.person(request.viewer, public_id, clock.now())

    def end() -> str:
        post = actions.end_post(by=request.viewer, at=clock.now(), post=_post(found, post_id))
        return _("%(name)s is no longer %(role)s, %(unit)s.") % _words(post)

    do(request, end)
    return redirect("desk:person", found.public_id)


@require_POST
@manages_people
def transfer(request: DeskRequest, public_id: str, post_id: str) -> HttpResponse:
    """End a post and give the person one elsewhere, in one act."""
    found = queries.person(request.viewer, public_id, clock.now())

    def move() -> str:
        post = actions.transfer(
            by=request.viewer,
            at=clock.now(),
            post=_post(found, post_id),
            to=actions.unit_with(request.POST.get("unit", "")),
            role=request.POST.get("role", ""),
            rank=request.POST.get("rank", ""),
        )
        return _("%(name)s is %(role)s, %(unit)s now. The work stays with the unit they left.") % _words(post)

    do(request, move)
    return redirect("desk:person", found.public_id)


@require_POST
@manages_people
def switch(request: DeskRequest, public_id: str) -> HttpResponse:
    """Switch a person off, who is then signed out everywhere, or on again."""
    found = queries.person(request.viewer, public_id, clock.now())

    def turn() -> str:
        if request.POST.get("to") == "on":
            actions.reinstate(by=request.viewer, at=clock.now(), person=found)
            return _("%(name)s may sign in again.") % {"name": found}
        actions.suspend(by=request.viewer, at=clock.now(), person=found)
        return _("%(name)s is signed out everywhere and cannot sign in.") % {"name": found}

    do(request, turn)
    return redirect("desk:person", found.public_id)


def _about(request: DeskRequest, person: User, at: datetime) -> dict[str, object]:
    now, later, past = queries.posts_of_person(person, at)
    manages = request.viewer.manages and person.pk != request.viewer.user_id
    return {
        "person": person,
        "posts": now,
        "later": later,
        "past": past,
        "manages": manages,
        "oneself": person.pk == request.viewer.user_id,
        "roles": list(Role),
        "units": queries.choices() if manages else [],
    }


def _post(person: User, public_id: str) -> Post:
    found = Post.objects.select_related("unit").filter(user=person, public_id=public_id).first()
    if found is None:
        raise NotFound(_("This person holds no such post."))
    return found


def _words(post: Post) -> dict[str, object]:
    return {"name": post.user, "role": post.get_role_display(), "unit": post.unit.name}
