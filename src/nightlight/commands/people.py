# SPDX-License-Identifier: Apache-2.0
"""People who sign in, and the posts they hold."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Annotated

import typer

from nightlight.commands import base
from nightlight.foundation import clock
from nightlight.foundation.refusals import NotFound, Refusal

if TYPE_CHECKING:
    from nightlight.trust.accounts.models import User
    from nightlight.trust.units.models import Post

_ROLES = (
    "intake-analyst, triage-officer, investigator, victim-identification, commander, legal-reviewer, auditor or "
    "administrator."
)
app = typer.Typer(help="People who sign in, and the posts they hold.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Person = Annotated[str, typer.Argument(help="Sign-in name or OF-….")]
PostId = Annotated[str, typer.Argument(help="PO-… of the post; see: nightlight person list")]


@app.command()
def add(
    username: Annotated[str, typer.Argument(help="Sign-in name.")],
    *,
    role: Annotated[str, typer.Option(help=_ROLES)] = "investigator",
    unit: Annotated[str, typer.Option(help="Code or UN-… of the unit.")] = "IN",
    name: Annotated[str, typer.Option(help="Name as shown on pages.")] = "",
    rank: Annotated[str, typer.Option(help="Rank in this post.")] = "",
    as_json: AsJson = False,
) -> None:
    """Let a person sign in, with a password made here and shown once.

    Example: nightlight person add asha --role investigator --unit PS-RIVERSIDE --name "Asha Rane"
    """
    password = secrets.token_urlsafe(15)
    with base.database():
        from django.db import transaction

        from nightlight.trust.accounts import actions
        from nightlight.trust.units import actions as units

        at = clock.now()
        try:
            with transaction.atomic():
                place = units.unit_with(unit)
                user = actions.add_person(by=base.BY, at=at, username=username, password=password, full_name=name)
                units.appoint(by=base.BY, at=at, person=user, unit=place, role=role, rank=rank)
        except Refusal as refusal:
            base.fail(refusal.reason, code=2)
        base.put(
            {"username": username, "password": password, "role": role, "unit": place.code},
            as_json=as_json,
            text=f"[b]{username}[/b] ({role}, {place.name})\n  password   {password}\nThe password is shown this once.",
        )


@app.command()
def post(
    person: Person,
    role: Annotated[str, typer.Option(help=_ROLES)],
    unit: Annotated[str, typer.Option(help="Code or UN-… of the unit.")],
    rank: Annotated[str, typer.Option(help="Rank in this post.")] = "",
    as_json: AsJson = False,
) -> None:
    """Give a person a post from now on.

    Example: nightlight person post asha --role triage-officer --unit MH-LAKESIDE
    """
    with base.database():
        from nightlight.trust.units import actions

        try:
            given = actions.appoint(
                by=base.BY,
                at=clock.now(),
                person=_person(person),
                unit=actions.unit_with(unit),
                role=role,
                rank=rank,
            )
        except Refusal as refusal:
            base.fail(refusal.reason, code=2)
        _put(given, as_json=as_json)


@app.command()
def end(post_id: PostId, as_json: AsJson = False) -> None:
    """End a post now. What the person did in it stays.

    Example: nightlight person end PO-7F3K-9QTX
    """
    with base.database():
        from nightlight.trust.units import actions

        try:
            ended = actions.end_post(by=base.BY, at=clock.now(), post=_post(post_id))
        except Refusal as refusal:
            base.fail(refusal.reason, code=2)
        _put(ended, as_json=as_json)


@app.command()
def transfer(
    post_id: PostId,
    to: Annotated[str, typer.Option(help="Code or UN-… of the unit the person goes to.")],
    role: Annotated[str, typer.Option(help="As now unless said. " + _ROLES)] = "",
    rank: Annotated[str, typer.Option(help="As now unless said.")] = "",
    as_json: AsJson = False,
) -> None:
    """End a post and give the person one in another unit, in one act. The work stays with the unit.

    Example: nightlight person transfer PO-7F3K-9QTX --to PS-HILLVIEW
    """
    with base.database():
        from nightlight.trust.units import actions

        try:
            given = actions.transfer(
                by=base.BY, at=clock.now(), post=_post(post_id), to=actions.unit_with(to), role=role, rank=rank
            )
        except Refusal as refusal:
            base.fail(refusal.reason, code=2)
        _put(given, as_json=as_json)


@app.command()
def password(person: Person, *, as_json: AsJson = False) -> None:
    """Give somebody who forgot theirs a new password, shown once, and sign them out everywhere.

    Make sure first that it is them who ask. Example: nightlight person password asha
    """
    new = secrets.token_urlsafe(15)
    with base.database():
        from nightlight.trust.accounts import actions

        try:
            user = _person(person)
            actions.give_password(by=base.BY, at=clock.now(), person=user, password=new)
        except Refusal as refusal:
            base.fail(refusal.reason, code=2)
        base.put(
            {"username": user.username, "password": new},
            as_json=as_json,
            text=f"[b]{user.username}[/b]\n  password   {new}\nThe password is shown this once.",
        )


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List people and the posts they hold now."""
    with base.database():
        from nightlight.trust.accounts.models import User
        from nightlight.trust.units.models import Post

        held: dict[int, list[Post]] = {}
        for one in Post.objects.active(clock.now()).select_related("unit").order_by("id"):
            held.setdefault(one.user_id, []).append(one)
        people = [
            {
                "username": user.username,
                "officer": user.public_id,
                "active": user.is_active,
                "posts": [
                    {"post": one.public_id, "role": one.role, "unit": one.unit.code} for one in held.get(user.pk, [])
                ],
            }
            for user in User.objects.order_by("username")
        ]
        lines = [
            f"[b]{person['username']}[/b]  {person['officer']}{'' if person['active'] else '  switched off'}"
            + "".join(f"\n  {one['post']}  {one['role']}, {one['unit']}" for one in person["posts"])  # type: ignore[attr-defined]
            for person in people
        ]
        base.put({"people": people}, as_json=as_json, text="\n".join(lines) or "Nobody can sign in yet.")


def _person(text: str) -> User:
    from nightlight.trust.accounts.models import User

    found = User.objects.filter(username=text).first() or User.objects.filter(public_id=text.upper()).first()
    if found is None:
        raise NotFound(f"There is no person {text!r}.")
    return found


def _post(public_id: str) -> Post:
    from nightlight.trust.units.models import Post

    found = Post.objects.filter(public_id=public_id.upper()).first()
    if found is None:
        raise NotFound(f"There is no post {public_id!r}. Look it up: nightlight person list")
    return found


def _put(post: Post, *, as_json: bool) -> None:
    until = f", ended {post.ends_at:%Y-%m-%d %H:%M} UTC" if post.ends_at else ""
    base.put(
        {
            "post": post.public_id,
            "person": post.user.username,
            "unit": post.unit.code,
            "role": post.role,
            "ends_at": post.ends_at.isoformat() if post.ends_at else "",
        },
        as_json=as_json,
        text=f"[b]{post.public_id}[/b]  {post.user.username}: {post.role}, {post.unit.name}{until}",
    )
