# SPDX-License-Identifier: Apache-2.0
"""Partners and platforms that pull our lists of known files."""

from __future__ import annotations

from typing import Annotated

import typer

from nightlight.commands import base
from nightlight.foundation import clock
from nightlight.foundation.refusals import Refusal

app = typer.Typer(help="Partners and platforms that may pull lists from us.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
MemberName = Annotated[str, typer.Argument(metavar="MEMBER", help="Its HM-… number, name, or number on the wire.")]
ListName = Annotated[str, typer.Argument(metavar="LIST", help="Its HL-… number or its name.")]


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="What the partner is called.")],
    *,
    number: Annotated[int, typer.Option(help="Its member number on the wire; unique.")],
    as_json: AsJson = False,
) -> None:
    """Let a partner sign in to pull lists. Its secret is shown once; it may pull nothing until it is given access.

    Example: nightlight hashes members add "Example Chat" --number 101
    """
    with base.database():
        from nightlight.pipeline.matching import member_actions

        try:
            issued = member_actions.add_member(by=base.BY, at=clock.now(), number=number, name=name)
        except Refusal as refusal:
            base.fail(refusal.reason, code=2)
        made = issued.member
        base.put(
            {
                "member": made.public_id,
                "number": made.number,
                "name": made.name,
                "username": made.username,
                "secret": issued.secret,
            },
            as_json=as_json,
            text=f"[b]{made.name}[/b]  {made.public_id}\n  user name  {made.username}\n  password   {issued.secret}\n"
            "The password is shown this once.",
        )


@app.command()
def end(member: MemberName) -> None:
    """End a partner's access to everything at once."""
    with base.database():
        from nightlight.pipeline.matching import member_actions

        try:
            found = member_actions.member_called(member)
            member_actions.end_member(by=base.BY, at=clock.now(), member=found)
        except Refusal as refusal:
            base.fail(refusal.reason)
        base.say(f"{found.name} can no longer sign in.")


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List partners and what they may pull, without secrets."""
    with base.database():
        from nightlight.pipeline.matching.models import Member

        members = Member.objects.defer("secret_digest").prefetch_related("access__hash_list").order_by("number")
        rows = [
            {
                "member": one.public_id,
                "number": one.number,
                "name": one.name,
                "username": one.username,
                "ended_at": one.ended_at and clock.stamp(one.ended_at),
                "access": [
                    {"list": access.hash_list.public_id, "name": access.hash_list.name, "may_answer": access.may_answer}
                    for access in one.access.all()
                ],
            }
            for one in members
        ]
        lines = [
            f"{row['number']:>6}  {row['member']}  {'ended ' if row['ended_at'] else 'active'}  {row['name']}"
            for row in rows
        ]
        base.put({"members": rows}, as_json=as_json, text="\n".join(lines) or "No partner yet.")


@app.command()
def share(
    hash_list: ListName,
    *,
    slug: Annotated[str, typer.Option(help="The list's part of the address.")],
    owner_number: Annotated[int, typer.Option(help="The member number its entries are shown under.")],
    owner_name: Annotated[str, typer.Option(help="And the name.")],
    as_json: AsJson = False,
) -> None:
    """Offer a list under an address of its own. Nobody may pull it until given access.

    Example: nightlight hashes members share "National list" --slug national --owner-number 1 --owner-name "Centre"
    """
    with base.database():
        from nightlight.pipeline.matching import list_actions, member_actions

        try:
            found = list_actions.list_called(hash_list)
            made = member_actions.share_list(
                by=base.BY,
                at=clock.now(),
                hash_list=found,
                slug=slug,
                owner_number=owner_number,
                owner_name=owner_name,
            )
        except Refusal as refusal:
            base.fail(refusal.reason, code=2)
        base.put(
            {"list": found.public_id, "slug": made.slug},
            as_json=as_json,
            text=f"{found.name} is offered as {made.slug}.",
        )


@app.command()
def give(
    member: MemberName,
    hash_list: ListName,
    *,
    may_answer: Annotated[bool, typer.Option(help="Whether it may answer about entries.")] = False,
) -> None:
    """Let a partner pull a list.

    Example: nightlight hashes members give "Example Chat" "National list" --may-answer
    """
    with base.database():
        from nightlight.pipeline.matching import list_actions, member_actions

        try:
            who, what = member_actions.member_called(member), list_actions.list_called(hash_list)
            member_actions.give_access(by=base.BY, at=clock.now(), member=who, hash_list=what, may_answer=may_answer)
        except Refusal as refusal:
            base.fail(refusal.reason)
        base.say(f"{who.name} may pull {what.name}{' and answer about its entries' if may_answer else ''}.")


@app.command()
def take(member: MemberName, hash_list: ListName) -> None:
    """Let a partner no longer pull a list."""
    with base.database():
        from nightlight.pipeline.matching import list_actions, member_actions

        try:
            who, what = member_actions.member_called(member), list_actions.list_called(hash_list)
            member_actions.take_access(by=base.BY, at=clock.now(), member=who, hash_list=what)
        except Refusal as refusal:
            base.fail(refusal.reason)
        base.say(f"{who.name} may no longer pull {what.name}.")
