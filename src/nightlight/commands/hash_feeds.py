# SPDX-License-Identifier: Apache-2.0
"""Servers that lists of known files are polled from."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nightlight.commands import base
from nightlight.foundation import clock
from nightlight.foundation.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nightlight.pipeline.matching.polling_lists import Polled

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
ListName = Annotated[str, typer.Argument(metavar="LIST", help="Its HL-… number or its name.")]
_SHOWN = 20


def feed(
    hash_list: ListName,
    *,
    url: Annotated[str, typer.Option(help="https://…, everything before /v2. Left out: another password only.")] = "",
    username: Annotated[str, typer.Option(help="Our user name there.")] = "",
    every: Annotated[int, typer.Option(help="Minutes between polls.")] = 60,
    password_file: Annotated[
        Path | None, typer.Option(help="A file with the password in its first line, - for standard input.")
    ] = None,
) -> None:
    """Have a list polled from a Hash Sharing server. The password is asked for, or read from a file.

    Example: nightlight hashes feed "Partner's list" --url https://hashes.example.org/list --username us
    """
    password = _password(password_file)
    with base.database():
        from nightlight.pipeline.matching import list_actions, polling_lists

        try:
            wanted = list_actions.list_called(hash_list)
            if url:
                polling_lists.add_feed(
                    by=base.BY,
                    at=clock.now(),
                    hash_list=wanted,
                    url=url,
                    username=username,
                    password=password,
                    every_minutes=every,
                )
            else:
                polling_lists.renew_password(by=base.BY, at=clock.now(), hash_list=wanted, password=password)
        except Refusal as refusal:
            base.fail(refusal.reason, code=2)
        base.say(f'{wanted.name} is polled in the background; at once with: nightlight hashes poll "{wanted.name}"')


def _password(file: Path | None) -> str:
    if file is None:
        told: str = typer.prompt("Password", hide_input=True)
        return told
    try:
        text = sys.stdin.readline() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        base.fail(f"{file} cannot be read.", code=2)
    return text.partition("\n")[0].rstrip("\r")


def poll(
    hash_list: Annotated[
        str | None, typer.Argument(metavar="[LIST]", help="One list; all that are due if not said.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Poll the servers that lists come from, now.

    Exit code 0: all of them answered; 1: one failed, and its list is as it was.
    """
    with base.database():
        from nightlight.pipeline.matching import list_actions, polling_lists

        try:
            if hash_list:
                done = [polling_lists.poll(list_actions.list_called(hash_list), by=base.BY)]
            else:
                done = polling_lists.poll_due(by=base.BY)
        except Refusal as refusal:
            base.fail(refusal.reason)
        base.put({"polled": [_polled(one) for one in done]}, as_json=as_json, text=_polled_text(done))
        if any(one.why for one in done):
            raise typer.Exit(1)


def _polled(one: Polled) -> dict[str, object]:
    from nightlight.pipeline.matching import importing

    return {
        "list": one.hash_list.public_id,
        "edition": one.edition and one.edition.number,
        "pages": one.pages,
        **importing.counts_as_data(one.counts),
        "notes": list(one.notes),
        "why": one.why,
    }


def _polled_text(done: Sequence[Polled]) -> str:
    lines = []
    for one in done:
        counts = one.counts
        lines.append(
            f"[red]✗[/red] {one.hash_list.name}: {one.why}"
            if one.why
            else f"{one.hash_list.name}: {counts.added:,} added, {counts.updated:,} updated, "
            f"{counts.withdrawn:,} withdrawn, {counts.bad:,} bad rows, {one.pages:,} pages"
        )
        lines += [f"  {note}" for note in one.notes[:_SHOWN]]
    return "\n".join(lines) or "No list is due."
