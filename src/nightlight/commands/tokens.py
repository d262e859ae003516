# SPDX-License-Identifier: Apache-2.0
"""Tokens of partners' systems."""

from __future__ import annotations

from typing import Annotated

import typer

from nightlight.commands import base
from nightlight.foundation import clock
from nightlight.foundation.refusals import Refusal

app = typer.Typer(help="Tokens with which partners' systems use the API.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command()
def issue(
    name: Annotated[str, typer.Argument(help="Whose system uses it.")],
    unit: Annotated[str, typer.Option(help="The unit that answers for the partner, UN-….")],
    scope: Annotated[list[str], typer.Option(help="What it may do; may be given several times.")],
    days: Annotated[int, typer.Option(help="How long it lives, 1 to 365.")] = 90,
    as_json: AsJson = False,
) -> None:
    """Give a partner's system a token; it is shown once.

    Scopes: tips:read-own-status, exports:read, feedback:read, deconfliction:ask.
    Example: nightlight token issue "Example Chat" --unit UN-7F3K-9QTX --scope feedback:read
    """
    with base.database():
        from nightlight.trust.accounts import token_actions

        try:
            issued = token_actions.issue_token(
                by=base.BY, at=clock.now(), name=name, scopes=scope, unit=unit, days=days
            )
        except Refusal as refusal:
            base.fail(refusal.reason, code=2)
        token = issued.token
        ends = clock.stamp(token.expires_at)
        base.put(
            {"id": token.public_id, "token": issued.text, "scopes": token.scopes, "expires_at": ends},
            as_json=as_json,
            text=f"[b]{token.name}[/b] ({', '.join(token.scopes)}, until {ends[:10]})\n"
            f"  id     {token.public_id}\n  token  {issued.text}\nThe token is shown this once.",
        )


@app.command()
def revoke(public_id: Annotated[str, typer.Argument(help="The token's id, TK-….")]) -> None:
    """End a token at once."""
    with base.database():
        from nightlight.trust.accounts import token_actions

        try:
            token_actions.revoke_token(by=base.BY, at=clock.now(), public_id=public_id)
        except Refusal as refusal:
            base.fail(refusal.reason)
        base.say(f"{public_id} opens nothing any more.")


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List tokens, without secrets."""
    with base.database():
        from nightlight.trust.accounts import queries

        tokens = queries.tokens()
        rows = [
            {
                "id": t.public_id,
                "name": t.name,
                "scopes": t.scopes,
                "unit": t.unit,
                "expires_at": clock.stamp(t.expires_at),
                "revoked_at": t.revoked_at and clock.stamp(t.revoked_at),
                "last_used_on": t.last_used_on and t.last_used_on.isoformat(),
            }
            for t in tokens
        ]
        lines = [
            f"{t.public_id}  until {t.expires_at:%Y-%m-%d}  {'revoked' if t.revoked_at else 'active '}"
            f"  used {t.last_used_on or 'never     '}  {t.name}  {', '.join(t.scopes)}"
            for t in tokens
        ]
        base.put({"tokens": rows}, as_json=as_json, text="\n".join(lines) or "No token yet.")
