# SPDX-License-Identifier: Apache-2.0
"""Who else holds what we hold: keys of rings, partners in them, asking them now."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nightlight.commands import base
from nightlight.foundation import clock
from nightlight.foundation.refusals import Refusal

if TYPE_CHECKING:
    from nightlight.pipeline.linking.deconfliction.models import Partner

app = typer.Typer(
    help="Other installations that learn by digest who holds what, and whom to call.", no_args_is_help=True
)
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
PartnerName = Annotated[str, typer.Argument(metavar="PARTNER", help="Its DP-… number or its name.")]


@app.command("new-key")
def new_key(
    ring: Annotated[str, typer.Argument(help="The ring of partners, such as states.")],
    epoch: Annotated[
        str, typer.Argument(help="From when the key counts, such as 2026-11; the last by name is asked by.")
    ],
) -> None:
    """Make a key for a ring. Every partner of the ring gets the same file, by a way that nobody else can read.

    Example: nightlight deconfliction new-key states 2026-11
    """
    with base.database():
        from nightlight.pipeline.linking.deconfliction import keys

        try:
            path = keys.make(ring, epoch)
        except Refusal as refusal:
            base.fail(refusal.reason, code=2)
        base.put({"file": str(path)}, as_json=False, text=str(path))
        base.say("Whoever has this file can find out which of any telephone numbers a partner was sent digests of.")


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="What the partner is called here.")],
    *,
    ring: Annotated[str, typer.Option(help="The ring it is in.")],
    token: Annotated[str, typer.Option(help="The token it asks by here, TK-…, with the scope deconfliction:ask.")] = "",
    url: Annotated[str, typer.Option(help="Where we ask it: https://…, everything before /api.")] = "",
    secret_file: Annotated[
        Path | None, typer.Option(help="A file with the token they gave us in its first line, - for standard input.")
    ] = None,
) -> None:
    """Set up another installation in a ring: it may ask here by its token, we ask there, or both.

    Example: nightlight deconfliction add "State East" --ring states --token TK-7F3K-9QTX --url https://east.example.org
    """
    secret = _secret(secret_file) if url else ""
    with base.database():
        from nightlight.pipeline.linking.deconfliction import partners

        try:
            made = partners.add(by=base.BY, at=clock.now(), name=name, ring=ring, token=token, url=url, secret=secret)
        except Refusal as refusal:
            base.fail(refusal.reason, code=2)
        base.put(
            {"partner": made.public_id, "name": made.name}, as_json=False, text=f"[b]{made.name}[/b]  {made.public_id}"
        )


@app.command()
def end(partner: PartnerName) -> None:
    """End a partner: it is answered no more and asked no more. Make a new key too if it may keep the old one."""
    with base.database():
        from nightlight.pipeline.linking.deconfliction import partners

        try:
            found = partners.called(partner)
            partners.end(by=base.BY, at=clock.now(), partner=found)
        except Refusal as refusal:
            base.fail(refusal.reason)
        base.say(f"{found.name} has ended.")


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List partners, and how it went when they were asked last."""
    with base.database():
        from nightlight.pipeline.linking.deconfliction.models import Partner

        found = list(Partner.objects.order_by("name"))
        lines = [_line(one) for one in found]
        rows = [
            {
                "partner": one.public_id,
                "name": one.name,
                "ring": one.ring,
                "url": one.url,
                "asked_at": one.asked_at and clock.stamp(one.asked_at),
                "why": one.why,
                "ended_at": one.ended_at and clock.stamp(one.ended_at),
            }
            for one in found
        ]
        base.put({"partners": rows}, as_json=as_json, text="\n".join(lines) or "No partner yet.")


@app.command()
def prepare(as_json: AsJson = False) -> None:
    """Work out the digests of all rings anew, as the worker does every night.

    Example: nightlight deconfliction prepare
    """
    with base.database():
        from nightlight.pipeline.linking.deconfliction import preparing
        from nightlight.trust.key_folder import KeyFileRefused

        try:
            done = preparing.prepare(whole=True)
        except KeyFileRefused as refused:
            base.fail(refused.reason)
        rows = [{"ring": one.ring, "epoch": one.epoch, "added": one.added, "removed": one.removed} for one in done]
        text = "\n".join(f"{one.ring} {one.epoch}  {one.added:,} added, {one.removed:,} taken away" for one in done)
        base.put({"rings": rows}, as_json=as_json, text=text or "There is no key of a ring.")


@app.command()
def ask(
    partner: Annotated[str | None, typer.Option("--partner", help="One partner; all that are due if not said.")] = None,
    as_json: AsJson = False,
) -> None:
    """Ask partners who hold what we hold, now. Exit code 1: a partner could not be asked, or refused.

    Example: nightlight deconfliction ask --partner "State East"
    """
    with base.database():
        from nightlight.pipeline.linking.deconfliction import partners, sending

        try:
            done = (
                [sending.ask(partners.called(partner), by=base.BY, now=clock.now)]
                if partner
                else sending.ask_due(by=base.BY, now=clock.now)
            )
        except Refusal as refusal:
            base.fail(refusal.reason)
        rows = [{"partner": one.partner, "digests": one.digests, "held": one.held, "why": one.why} for one in done]
        text = "\n".join(
            f"{one.partner}: {one.held:,} of {one.digests:,} held{f'; {one.why}' if one.why else ''}" for one in done
        )
        base.put({"asked": rows}, as_json=as_json, text=text or "No partner is due.")
        if any(one.why for one in done):
            raise typer.Exit(1)


def _line(one: Partner) -> str:
    asks = "asks here" if one.token_id else "does not ask here"
    state = (
        "ended"
        if one.ended_at
        else one.why or (f"asked {one.asked_at:%Y-%m-%d %H:%M}" if one.asked_at else "not asked yet")
    )
    return f"{one.public_id}  {one.name}  ring {one.ring}  {asks}  {one.url or 'is not asked'}  {state}"


def _secret(file: Path | None) -> str:
    if file is None:
        told: str = typer.prompt("The token they gave us", hide_input=True)
        return told.strip()
    try:
        text = sys.stdin.readline() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        base.fail(f"{file} cannot be read.", code=2)
    return text.partition("\n")[0].strip()
