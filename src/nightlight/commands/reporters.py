# SPDX-License-Identifier: Apache-2.0
"""Reporters and their credentials."""

from __future__ import annotations

from typing import Annotated

import typer

from nightlight.commands import base
from nightlight.foundation import clock
from nightlight.foundation.refusals import Refusal

app = typer.Typer(help="Reporters and their credentials.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="The reporter's name; a known one gets one more credential.")],
    environment: Annotated[str, typer.Option(help="test or production; the two never mix.")],
    may_submit: Annotated[bool, typer.Option(help="Whether it may file reports, or only ask for the status.")] = True,
    as_json: AsJson = False,
) -> None:
    """Give a reporter a credential. Its password is shown once and cannot be shown again.

    Example: nightlight reporter add "Example Chat" --environment test --json
    """
    with base.database():
        from nightlight.trust.accounts import actions

        try:
            issued = actions.add_credential(
                by=base.BY, at=clock.now(), name=name, environment=environment, may_submit=may_submit
            )
        except Refusal as refusal:
            base.fail(refusal.reason, code=2)
        base.put(
            {
                "username": issued.username,
                "password": issued.password,
                "environment": issued.environment,
                "reporter": issued.reporter.public_id,
                "name": issued.reporter.name,
            },
            as_json=as_json,
            text=f"[b]{issued.reporter.name}[/b] ({issued.environment})\n  user name  {issued.username}\n"
            f"  password   {issued.password}\nThe password is shown this once.",
        )


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List credentials, without secrets."""
    with base.database():
        from nightlight.trust.accounts.models import Credential

        rows = [
            {
                "username": c.username,
                "reporter": c.reporter.name,
                "environment": c.environment,
                "active": c.active,
                "created_at": clock.stamp(c.created_at),
            }
            for c in Credential.objects.select_related("reporter").order_by("reporter__name", "created_at")
        ]
        lines = [
            f"{r['username']}  {r['environment']:<10}  {'active ' if r['active'] else 'revoked'}  {r['reporter']}"
            for r in rows
        ]
        base.put({"credentials": rows}, as_json=as_json, text="\n".join(lines) or "No reporter yet.")


@app.command()
def revoke(username: Annotated[str, typer.Argument(help="The credential's user name.")]) -> None:
    """End a credential at once."""
    with base.database():
        from nightlight.trust.accounts import actions

        try:
            actions.revoke_credential(by=base.BY, at=clock.now(), username=username)
        except Refusal as refusal:
            base.fail(refusal.reason)
        base.say(f"{username} can no longer sign in.")
