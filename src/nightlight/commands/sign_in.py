# SPDX-License-Identifier: Apache-2.0
"""Helping people who cannot sign in, or who must not any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from nightlight.commands import base
from nightlight.foundation import clock
from nightlight.foundation.refusals import Refusal

if TYPE_CHECKING:
    from nightlight.trust.accounts.models import User

app = typer.Typer(help="Helping people who cannot sign in, or who must not any more.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The person's sign-in name.")]


def _person(username: str) -> User:
    from nightlight.trust.accounts.models import User

    person = User.objects.filter(username=username).first()
    if person is None:
        base.fail(f"There is nobody with the sign-in name {username!r}.")
    return person


@app.command()
def unlock(username: Name) -> None:
    """Open a name that is refused after too many failed sign-ins."""
    with base.database():
        from nightlight.trust.accounts import sign_in_actions

        try:
            failures = sign_in_actions.unlock(by=base.BY, at=clock.now(), person=_person(username))
        except Refusal as refusal:
            base.fail(refusal.reason)
        base.say(f"{failures} failed sign-ins are forgotten; {username} can sign in again.")


@app.command("end-sessions")
def end_sessions(
    username: Annotated[str, typer.Argument(help="The person's sign-in name.")] = "",
    everybody: Annotated[bool, typer.Option("--everybody", help="All people, as after a theft of keys.")] = False,
) -> None:
    """Sign a person, or everybody, out everywhere."""
    if bool(username) == everybody:
        base.fail("Name a person, or say --everybody.", code=2)
    with base.database():
        from nightlight.trust.accounts import sign_in_actions

        if everybody:
            people = sign_in_actions.end_all_sessions(by=base.BY, at=clock.now())
            base.say(f"Signed out everywhere: everybody who was signed in, {people} in number.")
            return
        ended = sign_in_actions.end_sessions(by=base.BY, at=clock.now(), person=_person(username))
        base.say(f"{username} was signed out in {ended} places.")


@app.command("reset-second-factor")
def reset_second_factor(username: Name) -> None:
    """Take away the second factors of somebody who lost them; at the next sign-in a new one is set up."""
    with base.database():
        from nightlight.trust.accounts import sign_in_actions

        try:
            sign_in_actions.reset_second_factors(by=base.BY, at=clock.now(), person=_person(username))
        except Refusal as refusal:
            base.fail(refusal.reason)
        base.say(f"{username} has no second factor now, and is signed out everywhere.")


@app.command("link")
def link(
    username: Name, subject: Annotated[str, typer.Argument(help="The sub the identity provider gives this person.")]
) -> None:
    """Let a person sign in through the identity provider."""
    with base.database():
        from nightlight.trust.accounts import sign_in_actions

        try:
            sign_in_actions.link_identity(by=base.BY, at=clock.now(), person=_person(username), subject=subject)
        except Refusal as refusal:
            base.fail(refusal.reason)
        base.say(f"{username} can sign in through the identity provider.")


@app.command("unlink")
def unlink(username: Name, subject: Annotated[str, typer.Argument(help="The sub that was linked.")]) -> None:
    """End that way in, and the person's sessions."""
    with base.database():
        from nightlight.trust.accounts import sign_in_actions

        try:
            sign_in_actions.unlink_identity(by=base.BY, at=clock.now(), person=_person(username), subject=subject)
        except Refusal as refusal:
            base.fail(refusal.reason)
        base.say(f"{username} can no longer sign in through the identity provider.")
