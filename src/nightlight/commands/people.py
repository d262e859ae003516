# SPDX-License-Identifier: Apache-2.0
"""People who sign in."""

from __future__ import annotations

import secrets
from typing import Annotated

import typer

from nightlight.commands import base
from nightlight.foundation import clock
from nightlight.foundation.refusals import Refusal

app = typer.Typer(help="People who sign in.", no_args_is_help=True)


@app.command()
def add(
    username: Annotated[str, typer.Argument(help="Sign-in name.")],
    role: Annotated[str, typer.Option(help="administrator, officer or auditor.")] = "officer",
    name: Annotated[str, typer.Option(help="Name and rank as shown on pages.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Let a person sign in, with a password made here and shown once.

    Example: nightlight person add asha --role officer --name "SI Asha Rane"
    """
    password = secrets.token_urlsafe(15)
    with base.database():
        from nightlight.trust.accounts import actions

        try:
            actions.add_person(
                by=base.BY, at=clock.now(), username=username, role=role, password=password, full_name=name
            )
        except Refusal as refusal:
            base.fail(refusal.reason, code=2)
        base.put(
            {"username": username, "password": password, "role": role},
            as_json=as_json,
            text=f"[b]{username}[/b] ({role})\n  password   {password}\nThe password is shown this once.",
        )
